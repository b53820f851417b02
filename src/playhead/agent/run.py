"""A run's record: everything that was said, tried, counted and paid on one trip through the loop.

:class:`Run` is what a caller gets, whole or as far as it came; :mod:`playhead.agent.drive` makes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

from playhead.agent.ledger import Line, lines, total
from playhead.agent.step import Step
from playhead.errors import OutputError
from playhead.events import Attempt
from playhead.messages import Message, Part, dump_messages
from playhead.response import FinishReason, Usage

if TYPE_CHECKING:
    from playhead.agent.budget import Price
    from playhead.agent.compaction import Compaction
    from playhead.agent.pending import Pending
    from playhead.tapes import Interaction, Tape

Output = TypeVar("Output")

#: How a run ended: with an answer, by a tool's :class:`playhead.Final`, by ``stop_when=``, with calls that wait for a
#: person, or by an error or a cancellation.
Ended: TypeAlias = Literal["answer", "tool", "stopped", "waiting", "failed"]

_NO_OUTPUT = {
    None: "it is under way",
    "answer": "its answer was not read",
    "tool": "its answer was not read",
    "stopped": "stop_when= ended it before there was an answer",
    "waiting": "calls wait for a person; run.pending has them, and the run goes on with what is decided of them",
    "failed": "it failed, or was broken off",
}


class Run(Generic[Output]):
    """One trip through the loop, whole or as far as it came.

    Attributes:
        messages: the whole history, system message included, as it is sent; ``messages_json()`` writes it.
        agent: the name of the agent, that which it was handed over to where it was; None where it has none.
        ended: how the run ended, "answer", "tool", "stopped", "waiting" or "failed"; None while it is under way.
        steps: the steps that have a response.
        attempts: every try at every model call, refusals and waits included, in order.
        output: the answer: the text, or the value of the output type that was asked for.
        output_type: that type; None and ``str`` are text.
        partial: what came of an answer that was never whole: the parts as far as they came, () else.
        children: the runs of agents that were tools of this one, and those that wrote summaries of its history, in the
            order they began.
        compactions: what was taken out of ``messages`` on the way; see :class:`playhead.agent.compaction.Compaction`.
        pending: the run as a value that goes on elsewhere, when calls wait for a person; None else.
        before: the run that waited and that this one goes on from: its steps, its ``usage`` and its ``cost`` are what
            was spent until then; None where it goes on from none.
        tape: the tape that was recorded or played, None when there was none.
        warnings: what a provider could not be told, what was left unplayed on the tape; plain sentences.
        duration: seconds from the start to the end.
        prices: those that budgets of this run were told, by the wire's names of models.
        reserved: US dollars that they held for its attempts, by step and number of the attempt.
    """

    def __init__(self, messages: Iterable[Message], agent: str | None = None, output_type: Any = None) -> None:
        self.messages: list[Message] = list(messages)
        self.agent = agent
        self.output_type = output_type
        self.ended: Ended | None = None
        self.steps: list[Step] = []
        self.attempts: list[Attempt] = []
        self.warnings: list[str] = []
        self.partial: tuple[Part, ...] = ()
        self.unplayed: tuple[Interaction, ...] = ()
        self.children: list[Run[Any]] = []
        self.compactions: list[Compaction] = []
        self.pending: Pending | None = None
        self.before: Pending | None = None
        self.tape: Tape | None = None
        self.duration = 0.0
        self.prices: dict[str, Price] = {}
        self.reserved: dict[tuple[int, int], Decimal] = {}
        self._output: Output | None = None
        self._has_output = False

    def __repr__(self) -> str:
        steps, attempts = len(self.steps), len(self.attempts)
        counted = f"{steps} step{'s' * (steps != 1)}, {attempts} attempt{'s' * (attempts != 1)}"
        return f"<run: {counted}, text {self.text[:60]!r}>"

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
        """The answer as the output type; the text where none was asked for, "" where there is none.

        Raises:
            OutputError: a type was asked for and there is no value of it: the run waits, was stopped, failed, or is
                under way.
        """
        if self._has_output:
            return self._output  # type: ignore[return-value]
        if self.output_type is None or self.output_type is str:
            return self.text  # type: ignore[return-value]
        kind = getattr(self.output_type, "__name__", self.output_type)
        error = OutputError(f"the run has no output, no {kind}: {_NO_OUTPUT[self.ended]}")
        error.run = self
        raise error

    @output.setter
    def output(self, value: Output) -> None:
        self._output, self._has_output = value, True

    @property
    def finish(self) -> FinishReason | None:
        """Why the model stopped the last time; None before the first answer."""
        return self.steps[-1].response.finish if self.steps else None

    @property
    def usage(self) -> Usage | None:
        """Tokens of all steps together, those of ``children`` and of the run ``before`` included; None when no answer
        reported any."""
        before = self.before
        if before is None or not before.asked:
            return self.leg_usage
        return _together([before.usage, self.leg_usage]) if self.steps or self.children else before.usage

    @property
    def leg_usage(self) -> Usage | None:
        """The same without the run ``before``: what the answers on ``ledger`` counted, so that it is added up once."""
        inside = [child.leg_usage for child in self.children if child.steps or child.children]
        return _together([step.response.usage for step in self.steps] + inside)

    @property
    def ledger(self) -> tuple[Line, ...]:
        """What each attempt cost and where the figure comes from, in the order of ``attempts``; see
        :class:`playhead.agent.ledger.Line`. Those of ``children`` stand after them; those of the run ``before`` are on
        its own."""
        own = lines(self.attempts, self.steps, self.prices, self.reserved)
        return own + tuple(line for child in self.children for line in child.ledger) if self.children else own

    @property
    def cost(self) -> Decimal | None:
        """US dollars of all attempts together, those of the run ``before`` included: as the provider reported them,
        else by the prices that a budget was told, else by list price where the extra ``prices`` is installed. None
        where an answer, whole or cut, has no known cost: a bill that lacks a part of what was paid is no bill."""
        before = self.before
        if self.partial or (before is not None and before.cost is None and before.asked):
            return None
        return total(self.ledger, None if before is None else before.cost)

    @property
    def leg_cost(self) -> Decimal | None:
        """The same without the run ``before``: of the attempts on ``ledger`` alone."""
        return None if self.partial else total(self.ledger)

    def messages_json(self) -> bytes:
        """The history as JSON; :func:`playhead.load_messages` reads it."""
        return dump_messages(self.messages)


def _together(reported: Sequence[Usage | None]) -> Usage | None:
    """Tokens together; None where none were reported."""
    if all(usage is None for usage in reported):
        return None
    summed, *rest = (usage or Usage() for usage in reported)
    for usage in rest:
        summed += usage
    return summed
