"""A run's record: everything that was said, tried, counted and paid on one trip through the loop.

:class:`Run` is what a caller gets, whole or as far as it came; :mod:`playhead.agent.drive` makes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from playhead.events import Attempt
from playhead.messages import Message, Part, ToolResult, dump_messages
from playhead.response import FinishReason, Response, Usage

if TYPE_CHECKING:
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
        messages: the whole history, system message included; ``messages_json()`` writes it.
        steps: the steps that have a response.
        attempts: every try at every model call, refusals and waits included, in order.
        output: the answer: the text, or the value of the output type that was asked for.
        partial: what came of an answer that was never whole: the parts as far as they came, () else.
        tape: the tape that was recorded or played, None when there was none.
        warnings: what a provider could not be told, what was left unplayed on the tape; plain sentences.
        duration: seconds from the start to the end.
    """

    def __init__(self, messages: Iterable[Message]) -> None:
        self.messages: list[Message] = list(messages)
        self.steps: list[Step] = []
        self.attempts: list[Attempt] = []
        self.warnings: list[str] = []
        self.partial: tuple[Part, ...] = ()
        self.unplayed: tuple[Interaction, ...] = ()
        self.tape: Tape | None = None
        self.duration = 0.0
        self._output: Output | None = None
        self._has_output = False

    def __repr__(self) -> str:
        return f"<run: {len(self.steps)} steps, {len(self.attempts)} attempts, text {self.text[:60]!r}>"

    @property
    def text(self) -> str:
        """The text of the last answer; "" when there is none yet."""
        return self.steps[-1].response.text if self.steps else ""

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
        """Tokens of all steps together; None when no answer reported any."""
        reported = [step.response.usage for step in self.steps]
        if all(usage is None for usage in reported):
            return None
        total, *rest = (usage or Usage() for usage in reported)
        for usage in rest:
            total += usage
        return total

    @property
    def cost(self) -> Decimal | None:
        """US dollars of all steps together, as the provider reported them; None where it left out a step."""
        total = self.usage
        return None if total is None else total.cost

    def messages_json(self) -> bytes:
        """The history as JSON; :func:`playhead.load_messages` reads it."""
        return dump_messages(self.messages)
