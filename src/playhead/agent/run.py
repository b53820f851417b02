"""A run's record: everything that was said, tried, counted and paid on one trip through the loop.

:class:`Run` is what a caller gets, whole or as far as it came; :mod:`playhead.agent.drive` makes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from playhead.agent.ledger import Line, lines, total
from playhead.events import Attempt
from playhead.messages import Message, Part, ToolResult, dump_messages
from playhead.response import FinishReason, Response, Usage

if TYPE_CHECKING:
    from playhead.agent.budget import Price
    from playhead.agent.compaction import Compaction
    from playhead.agent.pending import Pending
    from playhead.tapes import Interaction, Tape

Output = TypeVar("Output")


class Step(msgspec.Struct):
    """One model call and the tools it asked for. ``number`` counts from 1; ``duration`` is seconds, waits included."""

    number: int
    response: Response
    results: tuple[ToolResult, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    duration: float = 0.0


class Run(Generic[Output]):
    """One trip through the loop, whole or as far as it came.

    Attributes:
        messages: the whole history, system message included, as it is sent; ``messages_json()`` writes it.
        steps: the steps that have a response.
        attempts: every try at every model call, refusals and waits included, in order.
        output: the answer: the text, or the value of the output type that was asked for.
        partial: what came of an answer that was never whole: the parts as far as they came, () else.
        children: the runs of agents that were tools of this one, and those that wrote summaries of its history, in the
            order they began.
        compactions: what was taken out of ``messages`` on the way; see :class:`playhead.agent.compaction.Compaction`.
        pending: the run as a value that goes on elsewhere, when calls wait for a person; None else.
        tape: the tape that was recorded or played, None when there was none.
        warnings: what a provider could not be told, what was left unplayed on the tape; plain sentences.
        duration: seconds from the start to the end.
        prices: those that budgets of this run were told, by the wire's names of models.
    """

    def __init__(self, messages: Iterable[Message]) -> None:
        self.messages: list[Message] = list(messages)
        self.steps: list[Step] = []
        self.attempts: list[Attempt] = []
        self.warnings: list[str] = []
        self.partial: tuple[Part, ...] = ()
        self.unplayed: tuple[Interaction, ...] = ()
        self.children: list[Run[Any]] = []
        self.compactions: list[Compaction] = []
        self.pending: Pending | None = None
        self.tape: Tape | None = None
        self.duration = 0.0
        self.prices: dict[str, Price] = {}
        self._output: Output | None = None
        self._has_output = False

    def __repr__(self) -> str:
        return f"<run: {len(self.steps)} steps, {len(self.attempts)} attempts, text {self.text[:60]!r}>"

    @property
    def text(self) -> str:
        """The text of the last answer, with that of the steps in which it was paused; "" when there is none yet."""
        texts: list[str] = []
        for step in reversed(self.steps):
            if texts and step.response.finish.unified != "paused":
                break
            texts.append(step.response.text)
        return "".join(reversed(texts))

    @property
    def output(self) -> Output:
        """The answer as the output type; the text where none was asked for."""
        return self._output if self._has_output else self.text  # type: ignore[return-value]

    @output.setter
    def output(self, value: Output) -> None:
        self._output, self._has_output = value, True

    @property
    def finish(self) -> FinishReason | None:
        """Why the model stopped the last time; None before the first answer."""
        return self.steps[-1].response.finish if self.steps else None

    @property
    def usage(self) -> Usage | None:
        """Tokens of all steps together, those of ``children`` included; None when no answer reported any."""
        reported = [step.response.usage for step in self.steps] + [child.usage for child in self.children]
        if all(usage is None for usage in reported):
            return None
        summed, *rest = (usage or Usage() for usage in reported)
        for usage in rest:
            summed += usage
        return summed

    @property
    def ledger(self) -> tuple[Line, ...]:
        """What each attempt cost and where the figure comes from, in the order of ``attempts``; see
        :class:`playhead.agent.ledger.Line`. Those of ``children`` stand after them."""
        own = lines(self.attempts, self.steps, self.prices)
        return own + tuple(line for child in self.children for line in child.ledger) if self.children else own

    @property
    def cost(self) -> Decimal | None:
        """US dollars of all attempts together: as the provider reported them, else by the prices that a budget was
        told, else by list price where the extra ``prices`` is installed. None where an answer, whole or cut, has no
        known cost: a bill that lacks a part of what was paid is no bill."""
        return None if self.partial else total(self.ledger)

    def messages_json(self) -> bytes:
        """The history as JSON; :func:`playhead.load_messages` reads it."""
        return dump_messages(self.messages)
