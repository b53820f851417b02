"""What the page knows of its tapes: plain data, each text once.

The transcript (:mod:`playhead.deck.transcript`) says what belongs together; here its steps get what a page needs beyond
it: for each the whole history that it asked with, for each exchange its raw bytes, its time and its price. Two blocks
come of it, so that a page can be read before its bodies are unpacked::

    {"run":    {"version", "made", "tapes": [{"name", "exchanges", "steps", "conversations", "entries", …}],
                "messages", "like", "nodes", "settings"},
     "bodies": {"bodies", "headers"}}

Numbers point into the lists; an exchange's number is its place on the tape, which is its id on every tape that is in
order. What is None was not said.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from json import dumps
from typing import TYPE_CHECKING, Any

import msgspec

from playhead import __version__
from playhead.agent.ledger import REFUSED, REPORTED, Line
from playhead.deck.transcript.telling import transcript
from playhead.deck.transcript.values import Conversation, Step, summed
from playhead.deck.view.clock import spans
from playhead.deck.view.parts import as_json
from playhead.deck.view.store import Bodies, History, Messages
from playhead.messages import Message
from playhead.response import Usage
from playhead.tapes import Tape

if TYPE_CHECKING:
    from playhead.request import Request
    from playhead.tapes import Interaction
    from playhead.wire import Headers

PAGE_VERSION = 1
#: Histories that the next one is looked for among: runs that stand on a tape in turns are rarely more.
RECENT = 16


def document(tapes: Sequence[tuple[str, Tape]]) -> dict[str, Any]:
    """The page's two blocks of data, for tapes and the names that they are shown under."""
    store = _Store()
    shown = [_Telling(store, name, tape).tell() for name, tape in tapes]
    run = {
        "version": PAGE_VERSION,
        "made": f"playhead {__version__}",
        "tapes": shown,
        "messages": store.messages.kept,
        "like": store.messages.like,
        "nodes": store.messages.nodes,
        "settings": list(store.settings),
    }
    return {"run": run, "bodies": {"bodies": store.bodies.kept, "headers": [list(one) for one in store.headers]}}


class _Store:
    """What the tapes of a page share."""

    def __init__(self) -> None:
        self.bodies = Bodies()
        self.messages = Messages()
        self.headers: dict[Headers, int] = {}
        self.settings: dict[str, int] = {}


class _Telling:
    """One tape while it is told."""

    def __init__(self, store: _Store, name: str, tape: Tape) -> None:
        self._store = store
        self._name = name
        self._warnings = list(tape.warnings)
        # A tape's ids may be anything; places are what the page goes by.
        self._ids = [one.id for one in tape.interactions]
        self._interactions = [msgspec.structs.replace(one, id=place) for place, one in enumerate(tape.interactions)]
        self._exchanges: list[dict[str, Any]] = []
        self._steps: list[dict[str, Any]] = []
        # Of each understood request its history, as a node, and its settings; and the histories that came last, one of
        # which the next goes on from, most likely.
        self._questions: dict[int, tuple[int, int]] = {}
        self._recent: list[History] = []

    def _asked(self, place: int, request: Request) -> None:
        """Keep what a request asked, each message once."""
        before = max(self._recent, key=lambda one: one.shared(request.messages), default=None)
        history = self._store.messages.history(request.messages, before)
        self._recent = [*[one for one in self._recent[1 - RECENT :] if one is not before], history]
        rest = _plain(msgspec.structs.replace(request, messages=()))
        settings = as_json({name: value for name, value in rest.items() if value not in (None, [], {}, "")})
        number = self._store.settings.setdefault(settings, len(self._store.settings))
        self._questions[place] = (history.node, number)

    def tell(self) -> dict[str, Any]:
        """The tape as the page has it."""
        told = transcript(Tape(self._interactions), asked=self._asked)
        times = spans(self._interactions, told)
        chains: dict[int, int] = {}
        for number, entry in enumerate(told.entries):
            if isinstance(entry, Conversation):
                chains.update((attempt.id, number) for step in entry.steps for attempt in step.attempts)
        for place, (one, span) in enumerate(zip(self._interactions, times, strict=True)):
            chain = chains.get(place, one.request.url)
            self._exchanges.append(self._exchange(one, chain, span))
        entries: list[dict[str, Any]] = []
        talks: list[dict[str, Any]] = []
        for entry in told.entries:
            if isinstance(entry, Conversation):
                entries.append({"conversation": len(talks)})
                talks.append(self._conversation(entry, len(talks)))
            else:
                entries.append({"exchange": entry.id})
                if entry.reason:
                    self._exchanges[entry.id]["reason"] = entry.reason
        return {
            "name": self._name,
            "warnings": self._warnings,
            "date": _number(told.date) if isinstance(told.date, int) else told.date,
            "exchanges": self._exchanges,
            "steps": self._steps,
            "conversations": talks,
            "entries": entries,
            "usage": _tokens([talk.usage for talk in told.conversations]),
            **_bill(
                [line for talk in told.conversations for step in talk.steps for line in step.ledger],
                summed([talk.cost for talk in told.conversations]),
            ),
        }

    def _exchange(self, one: Interaction, chain: int | str, span: Any) -> dict[str, Any]:
        store, request, response = self._store, one.request, one.response
        told = {
            "id": _number(self._ids[one.id]),
            "method": request.method,
            "url": request.url,
            "code": _number(response.code),
            "status": response.status,
            "start": round(span.start, 6),
            "took": round(span.duration, 6),
            "sent": len(request.body),
            "received": len(response.body),
            "asked": store.bodies.add(request.body, (self._name, chain)),
            "answered": store.bodies.add(response.body),
            "askedWith": store.headers.setdefault(request.headers, len(store.headers)),
            "answeredWith": store.headers.setdefault(response.headers, len(store.headers)),
        }
        if not response.nanoseconds:
            told["untimed"] = True  # nobody measured it: no time is shown of it
        if span.wait is not None:
            told["wait"] = round(span.wait, 3)
        for name, value in response.headers:
            lowered = name.lower()
            if lowered == "playhead-chunks":
                pieces = value.split()
                first = pieces[0].partition(":")[0] if pieces else ""
                if first.isdecimal() and len(first) < 12:
                    told["first"] = min(int(first) / 1000, told["took"])
                    told["pieces"] = len(pieces)
            elif lowered == "playhead-cut":
                told["cut"] = value
        return told

    def _conversation(self, talk: Conversation, number: int) -> dict[str, Any]:
        begins = len(self._steps)
        for step in talk.steps:
            self._step(step, number, f"{talk.provider}:{talk.model}")
        ledger = [line for step in talk.steps for line in step.ledger]
        return {
            "provider": talk.provider,
            "dialect": talk.dialect,
            "model": talk.model,
            "tools": list(talk.tools),
            "steps": [begins, len(self._steps)],
            "duration": _seconds(talk.duration),
            "usage": _tokens([talk.usage]),
            **_bill(ledger, talk.cost),
        }

    def _step(self, step: Step, conversation: int, whom: str) -> None:
        store, place = self._store, len(self._steps)
        history, settings = self._questions[step.attempts[-1].id]
        for attempt, line in zip(step.attempts, step.ledger, strict=True):
            told = self._exchanges[attempt.id]
            told |= {"step": place, "kind": "model"}
            if attempt.error:
                told["error"] = attempt.error
            told |= _bill([line], line.cost)
            if line.usage is not None:
                told["usage"] = _tokens([line.usage])
        results = []
        for result in step.results:
            shown: dict[str, Any] = {"message": store.messages.add(Message("tool", (result.result,)))}
            if result.id is not None:
                shown["exchange"] = result.id
                self._exchanges[result.id] |= {"step": place, "kind": "tool"}
            results.append(shown)
        answer = step.answer
        self._steps.append(
            {
                "number": step.number,
                "conversation": conversation,
                "said": [store.messages.add(message) for message in step.said],
                "attempts": [attempt.id for attempt in step.attempts],
                "answer": None if answer is None else store.messages.add(answer.as_message()),
                "finish": None if answer is None else [answer.finish.unified, answer.finish.raw],
                "asked": step.asked or whom,
                "forked": step.forked,
                "model": None if answer is None else answer.model,
                "upstream": None if answer is None else answer.provider,
                "results": results,
                "history": history,
                "settings": settings,
                "usage": None if answer is None else _tokens([answer.usage]),
                "duration": _seconds(step.duration),
                **_bill(step.ledger, summed([line.cost for line in step.ledger if line.cost is not None])),
            }
        )


def _plain(value: Any) -> dict[str, Any]:
    try:
        told: dict[str, Any] = msgspec.to_builtins(value, enc_hook=str)
    except (RecursionError, ValueError, TypeError):
        return {"model": value.model}
    return told


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(min(value, 1e12), 6)


def _number(value: int) -> int | str:
    """A number that JavaScript can count with; of any other, which is none that a tape has in earnest, how large."""
    return value if abs(value) < 1 << 53 else f"some 10^{value.bit_length() * 3 // 10}"


def _tokens(usages: Sequence[Usage | None]) -> dict[str, int | str] | None:
    """Counts of all together, those that were reported; None where none was."""
    known = [usage for usage in usages if usage is not None]
    if not known:
        return None
    whole = sum((msgspec.structs.replace(one, cost=None) for one in known), Usage())
    return {
        name.removesuffix("_tokens"): _number(count)
        for name in ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
        if (count := getattr(whole, name)) is not None
    }


def _bill(ledger: Sequence[Line], cost: Decimal | None) -> dict[str, Any]:
    """What they cost, and how that is known: ``cost`` in US dollars, ``least`` where only some of it is known,
    ``source`` where it is a list price."""
    told: dict[str, Any] = {}
    if cost is not None:
        told["cost"] = f"{cost.normalize():f}" if cost.is_finite() and abs(cost.adjusted()) < 30 else str(cost)
        table = next((line.source for line in ledger if line.source not in (None, REPORTED, REFUSED)), None)
        if table is not None:
            told["source"] = table
        return told
    known = [line.cost for line in ledger if line.cost is not None and line.cost.is_finite() and line.cost > 0]
    if known:
        told["least"] = f"{sum(known, Decimal(0)).normalize():f}"
    return told


def encoded(data: Any) -> bytes:
    """Plain data as ASCII JSON that may stand within a ``<script>``: no ``<`` is left in it, nor half a character."""
    text = dumps(data, ensure_ascii=True, separators=(",", ":"), default=str)
    return text.replace("<", "\\u003c").encode("ascii")
