"""A run that waits for a person: a value that can be stored anywhere and gone on with in another process.

::

    run = await agent.run("Refund order 7")
    if run.pending is not None:
        store(run.pending.to_json())
    …
    pending = Pending.from_json(stored)
    run = await agent.run(pending.approve("call_1").refuse("call_2", "too dear"))

It holds the history, the calls that wait, and what was decided of them so far. It holds no tool and no model: those are
the agent's that goes on with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from playhead.agent.content import as_content
from playhead.errors import ConfigError, HistoryFormatError
from playhead.messages import (
    HISTORY_VERSION,
    Document,
    Message,
    Text,
    ToolCall,
    ToolResult,
    read_document,
    write_document,
)
from playhead.response import Usage

T = TypeVar("T")

#: How the result of a call begins that a person did not allow.
REFUSED = "Error: the call was refused"
#: How many runs that wait may stand within each other: far more than agents call agents, far fewer than Python's stack
#: has room for.
DEEPEST = 100


class Pending(msgspec.Struct, frozen=True, omit_defaults=True):
    """A run that waits.

    Attributes:
        messages: the history so far; its last calls are not all answered.
        own: the calls of this run that wait for a decision, in the order asked.
        inner: runs of other agents that wait, by the id of the call that they are about.
        steps: model calls that the run has taken.
        usage: what they counted, those of the runs inside included; None where nothing was reported.
        cost: what they cost, in US dollars; None where it is not known.
        verdicts: what was decided, by call id: True to make the call, or why it is not made.
        results: results that were given instead of making the call.
        arguments: those that a call is made with instead of the model's, as JSON, by call id.
    """

    messages: tuple[Message, ...]
    own: tuple[ToolCall, ...]
    inner: dict[str, Pending] = {}
    steps: int = 0
    usage: Usage | None = None
    verdicts: dict[str, bool | str] = {}
    results: dict[str, ToolResult] = {}
    cost: Decimal | None = None
    arguments: dict[str, str] = {}

    @property
    def asked(self) -> bool:
        """Whether a model was asked at all."""
        return self.steps > 0 or self.usage is not None

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The calls that wait for a decision, those of the runs inside included."""
        return tuple(call for run in self._nested() for call in run.own)

    def _nested(self) -> list[Pending]:
        """This run and those inside of it, each before what is inside of it.

        Raises:
            ConfigError: they stand deeper than agents call agents.
        """
        found: list[Pending] = []
        left = [(self, 1)]
        while left:
            run, depth = left.pop()
            if depth > DEEPEST:
                raise ConfigError(f"runs that wait within each other, more than {DEEPEST} deep, cannot be gone on with")
            found.append(run)
            left.extend((inner, depth + 1) for inner in reversed(run.inner.values()))
        return found

    @property
    def undecided(self) -> tuple[ToolCall, ...]:
        """The calls of this run itself that nothing was decided of yet."""
        return tuple(call for call in self.own if call.id not in self.verdicts and call.id not in self.results)

    def approve(self, *call_ids: str, arguments: Mapping[str, Any] | None = None) -> Pending:
        """The same with these calls allowed; all that wait where none is named. ``arguments`` are what the one call
        that is named is made with; what the model asked stays in the history.

        Raises:
            ConfigError: no such call waits; or there are arguments, and they are no JSON or not for one call.
        """
        decided = self
        if arguments is not None:
            return self._amended(call_ids, arguments)
        if not call_ids:
            self._nested()
            inner = {about: run.approve() for about, run in self.inner.items()}
            return _replaced(self, verdicts={**self.verdicts, **{call.id: True for call in self.own}}, inner=inner)
        for id in call_ids:
            decided = decided._with(id, lambda run, id: _decided(run, id, verdict=True, text=run.arguments.get(id)))
        return decided

    def _amended(self, call_ids: tuple[str, ...], arguments: Mapping[str, Any]) -> Pending:
        if len(call_ids) != 1:
            raise ConfigError(f"arguments are for one call, and {len(call_ids) or 'none'} are named")
        try:
            text = msgspec.json.encode(dict(arguments)).decode()
        except (TypeError, ValueError, msgspec.MsgspecError) as error:
            raise ConfigError(f"arguments of call {call_ids[0]!r}: an object of JSON is expected: {error}") from None
        return self._with(
            call_ids[0],
            lambda run, id: _decided(run, id, verdict=True, text=text),
        )

    def refuse(self, call_id: str, reason: str = "") -> Pending:
        """The same with this call refused; the model is told the reason."""
        return self._with(call_id, lambda run, id: _decided(run, id, verdict=reason or False))

    def answer(self, call_id: str, result: Any) -> Pending:
        """The same with the result of this call, which is not made then: what a person or another program did."""
        content = as_content(result)
        name = next((call.name for call in self.calls if call.id == call_id), "")
        given = ToolResult(call_id, name, content)
        return self._with(call_id, lambda run, id: _decided(run, id, result=given))

    def _with(self, call_id: str, change: Callable[[Pending, str], Pending]) -> Pending:
        """The same, changed where this call waits; of several of one id the first that nothing was decided of, however
        deep it stands, else the first."""
        runs = self._nested()
        found = next((run for run in runs if any(call.id == call_id for call in run.undecided)), None)
        found = found or next((run for run in runs if any(call.id == call_id for call in run.own)), None)
        if found is None:
            waiting = ", ".join(call.id for call in self.calls)
            raise ConfigError(f"no call {call_id!r} waits; there are: {waiting or 'none'}")
        return self._changed(found, change(found, call_id))

    def _changed(self, old: Pending, new: Pending) -> Pending:
        """The same with ``new`` in the place of ``old``, which is this run or one inside of it."""
        if self is old:
            return new
        for about, inner in self.inner.items():
            changed = inner._changed(old, new)
            if changed is not inner:
                return _replaced(self, inner={**self.inner, about: changed})
        return self

    def to_json(self) -> bytes:
        """The run as JSON; every later playhead reads it.

        Raises:
            ConfigError: it holds what JSON cannot, as half of a character.
        """
        self._nested()
        return write_document(_Stored(HISTORY_VERSION, self), "run that waits")

    @classmethod
    def from_json(cls, data: bytes | str) -> Pending:
        """The run that :meth:`to_json` wrote.

        Raises:
            HistoryFormatError: the JSON is broken, of another shape, or of a version that this playhead does not know.
        """
        pending = read_document(data, _Stored, "run that waits").pending
        try:
            pending._nested()
        except ConfigError as error:
            raise HistoryFormatError(f"this is not a run that waits: {error}") from error
        return pending


def _replaced(run: Pending, **changes: Any) -> Pending:
    return msgspec.structs.replace(run, **changes)


def _decided(
    run: Pending,
    id: str,
    *,
    verdict: bool | str | None = None,
    result: ToolResult | None = None,
    text: str | None = None,
) -> Pending:
    """The run with this decided of a call, and nothing of what was decided of it before."""
    return _replaced(
        run,
        verdicts=_with_one(run.verdicts, id, verdict),
        results=_with_one(run.results, id, result),
        arguments=_with_one(run.arguments, id, text),
    )


def _with_one(known: dict[str, T], id: str, value: T | None) -> dict[str, T]:
    left = {other: said for other, said in known.items() if other != id}
    return left if value is None else {**left, id: value}


class _Stored(Document, frozen=True):
    pending: Pending


def is_refusal(result: ToolResult) -> bool:
    """Whether this is what the model is told of a call that was not allowed."""
    return result.is_error and result.text.startswith(REFUSED)


def refusal_of(call: ToolCall, verdict: bool | str) -> ToolResult:
    """What the model is told of a call that was not allowed."""
    reason = f": {verdict}" if isinstance(verdict, str) and verdict else ""
    return ToolResult(call.id, call.name, (Text(f"{REFUSED}{reason}"),), True)
