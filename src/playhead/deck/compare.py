"""Two runs as conversations: where they part, and what was said, called and answered differently from there on.

A tape repeats itself, and two runs that did the same differ in every id, date and duration. So what is compared is the
transcript of each (:mod:`playhead.deck.transcript`), step by step and in this order: whom it asked, what was said to
it, with which tools and settings, what it answered and called, what the tools gave. The first difference is where the
runs part; what follows from it is listed all the same::

    compare(old, new).pairs[0].differences -> (Difference(step=1, what="result", name="weather", left="40 C", …), …)

Ids, dates, costs, tokens, durations and how often a provider refused are not compared, though they stand beside each
other in :class:`Figures`; ``ignore`` leaves out more. Where that is too kind, :func:`same_bytes` compares the bodies of
the exchanges. Colours, and which words of a text differ, are the business of :mod:`playhead.cli.diff`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Any

import msgspec

from playhead.agent.ledger import Line
from playhead.deck.known_tools import same_call
from playhead.deck.transcript.telling import transcript
from playhead.deck.transcript.values import Conversation, Step
from playhead.errors import ConfigError, nearest
from playhead.given import check, check_there
from playhead.messages import File, Message, Native, Part, Reasoning, Refusal, Source, Text, ToolCall, ToolResult
from playhead.request import Request
from playhead.response import Usage
from playhead.tapes import Tape, first_difference

#: What may be left out of a comparison, by the ``what`` of a difference.
KINDS = ("model", "system", "said", "tools", "settings", "reasoning", "answer", "call", "result", "finish", "steps")
#: What begins a pattern among them: text that it matches is the same whatever it says.
PATTERN = "re:"


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """One difference. ``step`` counts from 1; ``what`` is a word of :data:`KINDS`, or "attempts"; ``name`` is that of
    the tool, setting or role. ``left`` and ``right`` are texts, None on the side that has nothing there."""

    step: int
    what: str
    name: str | None = None
    left: str | None = None
    right: str | None = None


class Figures(msgspec.Struct, frozen=True):
    """What a run came to. ``cost`` is US dollars as :attr:`playhead.Run.cost` has them, ``duration`` seconds of its
    exchanges and tools, None where the tape has none."""

    steps: int
    attempts: int
    refusals: int
    usage: Usage | None
    cost: Decimal | None
    duration: float | None
    ledger: tuple[Line, ...]


class Pair(msgspec.Struct, frozen=True):
    """Two conversations beside each other, by their numbers on the tapes, from 1; None where one has no counterpart."""

    left: int | None
    right: int | None
    differences: tuple[Difference, ...]
    figures: tuple[Figures | None, Figures | None]

    @property
    def same(self) -> bool:
        """Whether there are two, and nothing differs."""
        return self.left is not None and self.right is not None and not self.differences


class Comparison(msgspec.Struct, frozen=True):
    """Two tapes beside each other."""

    pairs: tuple[Pair, ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return all(pair.same for pair in self.pairs)


class _Side(msgspec.Struct):
    talks: tuple[Conversation, ...]
    requests: dict[int, Request]


def compare(
    left: Tape,
    right: Tape,
    *,
    ignore: Collection[str] = (),
    attempts: bool = False,
    only: tuple[int, int] | None = None,
) -> Comparison:
    """Compare two tapes as conversations.

    Args:
        ignore: what may differ: words of :data:`KINDS`, and ``"re:PATTERN"`` for text that may.
        attempts: whether refusals and retries count.
        only: the numbers of one conversation of each tape, from 1, instead of all that can be paired.

    Raises:
        ConfigError: a word of ``ignore`` is none of those, or no pattern.
    """
    check_there("compare", "left", left)
    check_there("compare", "right", right)
    check_there("compare", "ignore", ignore)
    check("compare", only=only)
    same_text = _ignoring(ignore)
    a, b = _side(left), _side(right)
    if only is not None:
        couples: list[tuple[int | None, int | None]] = [(only[0] - 1, only[1] - 1)]
    else:
        couples = _aligned(a.talks, b.talks)
    pairs = []
    for one, other in couples:
        before, after = (None if one is None else a.talks[one]), (None if other is None else b.talks[other])
        found: tuple[Difference, ...] = ()
        if before is not None and after is not None:
            found = tuple(
                item
                for item in _differences(before, after, a.requests, b.requests, attempts)
                if item.what not in ignore and not same_text(item)
            )
        pairs.append(
            Pair(
                None if one is None else one + 1,
                None if other is None else other + 1,
                found,
                (None if before is None else _figures(before), None if after is None else _figures(after)),
            )
        )
    return Comparison(tuple(pairs))


def same_bytes(left: Tape, right: Tape) -> str | None:
    """The first difference of two tapes in the methods, URLs, statuses and bodies of their interactions, in words; None
    where there is none."""
    for number, (a, b) in enumerate(zip_longest(left.interactions, right.interactions)):
        if a is None or b is None:
            return f"one tape ends after {number} interactions, the other has {max(*map(_count, (left, right)))}"
        for what in ("method", "url", "body"):
            one, other = getattr(a.request, what), getattr(b.request, what)
            if one != other:
                where = first_difference(one, other) if what == "body" else f"{one} / {other}"
                return f"interaction {number}: the request's {what} differs: {where or 'in layout'}"
        if a.response.code != b.response.code:
            return f"interaction {number}: status {a.response.code} / {b.response.code}"
        if a.response.body != b.response.body:
            where = first_difference(a.response.body, b.response.body)
            return f"interaction {number}: the response's body differs: {where or 'in layout'}"
    return None


def _count(tape: Tape) -> int:
    return len(tape.interactions)


def _ignoring(ignore: Collection[str]) -> Callable[[Difference], bool]:
    """Whether a difference is one of text that may differ."""
    patterns = []
    for word in ignore:
        if word.startswith(PATTERN):
            try:
                patterns.append(re.compile(word.removeprefix(PATTERN)))
            except re.error as error:
                raise ConfigError(f"ignore {word!r}: no pattern: {error}") from error
        elif word not in KINDS:
            raise ConfigError(nearest(f"ignore: nothing is called {word!r}", word, KINDS))

    def masked(text: str) -> str:
        for pattern in patterns:
            text = pattern.sub("", text)
        return text

    def same(item: Difference) -> bool:
        return item.left is not None and item.right is not None and masked(item.left) == masked(item.right)

    return same if patterns else lambda item: False


def _side(tape: Tape) -> _Side:
    requests: dict[int, Request] = {}

    def asked(id: int, request: Request) -> None:
        requests[id] = msgspec.structs.replace(request, messages=())

    return _Side(transcript(tape, asked=asked).conversations, requests)


def _aligned(left: Sequence[Conversation], right: Sequence[Conversation]) -> list[tuple[int | None, int | None]]:
    """Which conversations belong together: those that begin with the same words, then those with the same user's words,
    then the others in their order. The rest have no counterpart."""
    partner: dict[int, int] = {}
    free = list(range(len(right)))
    for key in (_opening, _asked_first, lambda talk: b""):
        for at, talk in enumerate(left):
            if at in partner:
                continue
            same = next((other for other in free if key(right[other]) == key(talk)), None)
            if same is not None:
                partner[at] = same
                free.remove(same)
    couples: list[tuple[int | None, int | None]] = [(at, partner.get(at)) for at in range(len(left))]
    return couples + [(None, other) for other in free]


def _opening(talk: Conversation) -> bytes:
    return msgspec.json.encode([(message.role, _words(message.parts)) for message in talk.steps[0].said])


def _asked_first(talk: Conversation) -> bytes:
    return msgspec.json.encode([_words(message.parts) for message in talk.steps[0].said if message.role == "user"])


def _differences(
    left: Conversation, right: Conversation, asked: dict[int, Request], other: dict[int, Request], attempts: bool
) -> Iterator[Difference]:
    for number, (a, b) in enumerate(zip_longest(left.steps, right.steps), 1):
        if a is None or b is None:
            told = [None if step is None else _words(step.answer.parts if step.answer else ()) for step in (a, b)]
            yield Difference(number, "steps", None, *told)
            continue
        whom = a.asked or f"{left.provider}:{left.model}", b.asked or f"{right.provider}:{right.model}"
        if whom[0] != whom[1]:
            yield Difference(number, "model", None, *whom)
        yield from _said(number, a.said, b.said)
        yield from _request(number, asked[a.attempts[0].id], other[b.attempts[0].id])
        if attempts and (tries := [_tries(step) for step in (a, b)])[0] != tries[1]:
            yield Difference(number, "attempts", None, *tries)
        yield from _answered(number, a, b)


def _said(number: int, left: Sequence[Message], right: Sequence[Message]) -> Iterator[Difference]:
    for role, what in (("system", "system"), ("", "said")):
        of = [[one for one in said if (one.role == "system") == bool(role)] for said in (left, right)]
        for a, b in zip_longest(*of):
            words = None if a is None else _words(a.parts), None if b is None else _words(b.parts)
            if words[0] != words[1] or (a is not None and b is not None and a.role != b.role):
                yield Difference(number, what, (a or b).role, *words)


def _request(number: int, left: Request, right: Request) -> Iterator[Difference]:
    tools = [{tool.name: tool for tool in request.tools} for request in (left, right)]
    for name in dict.fromkeys((*tools[0], *tools[1])):
        a, b = tools[0].get(name), tools[1].get(name)
        if a != b:
            yield Difference(number, "tools", name, *(None if one is None else _json(one) for one in (a, b)))
    for name in Request.__struct_fields__:
        if name in ("model", "messages", "tools", "stream"):
            continue
        one, another = getattr(left, name), getattr(right, name)
        if one != another:
            told = (None if value in (None, (), {}) else _json(value) for value in (one, another))
            yield Difference(number, "settings", name, *told)


def _answered(number: int, left: Step, right: Step) -> Iterator[Difference]:
    a, b = left.answer, right.answer
    if a is None or b is None:
        if a is not b:
            yield Difference(number, "answer", None, *(None if one is None else _words(one.parts) for one in (a, b)))
        return
    for what, chosen in (("reasoning", (Reasoning,)), ("answer", (Text, Refusal, File, Native, Source))):
        words = [_words([part for part in one.parts if isinstance(part, chosen)]) for one in (a, b)]
        if words[0] != words[1]:
            yield Difference(number, what, None, *(text or None for text in words))
    of = [{told.result.call_id: told.result for told in step.results} for step in (left, right)]
    for one, other in zip_longest(a.tool_calls, b.tool_calls):
        if one is None or other is None or same_call(one) != same_call(other):
            calls = (None if call is None else f"{call.name}({call.arguments})" for call in (one, other))
            yield Difference(number, "call", (one or other).name, *calls)
        if one is None or other is None:
            continue
        results = of[0].get(one.id), of[1].get(other.id)
        texts = [None if result is None else _result(result) for result in results]
        if texts[0] != texts[1]:
            yield Difference(number, "result", one.name, *texts)
    if a.finish.unified != b.finish.unified:
        yield Difference(number, "finish", None, a.finish.unified, b.finish.unified)


def _result(result: ToolResult) -> str:
    return ("(error) " if result.is_error else "") + _words(result.content)


def _words(parts: Sequence[Part | Text | File]) -> str:
    """Parts as text in which what differs from run to run (ids, marks, signatures) has no place."""
    pieces = []
    for part in parts:
        match part:
            case Text() | Reasoning() | Refusal():
                pieces.append(part.text)
            case ToolCall():
                pieces.append(f"→ {part.name}({part.arguments})")
            case ToolResult():
                pieces.append(f"← {_result(part)}")
            case _:
                pieces.append(_json(part))
    return "\n".join(piece for piece in pieces if piece)


def _json(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str, order="sorted").decode()


def _tries(step: Step) -> str:
    return " ".join(str(attempt.status) for attempt in step.attempts)


def _figures(talk: Conversation) -> Figures:
    tries = [attempt for step in talk.steps for attempt in step.attempts]
    return Figures(
        len(talk.steps),
        len(tries),
        sum(attempt.error is not None for attempt in tries),
        talk.usage,
        talk.cost,
        talk.duration,
        tuple(line for step in talk.steps for line in step.ledger),
    )
