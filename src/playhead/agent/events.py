"""What happens in a run, as it happens: the model's and the transport's events, and the loop's own around them.

One step is::

    StepStart (AttemptStart … ResponseStart … ResponseEnd … AttemptEnd)+ (ToolStart* ToolProgress* ToolEnd*) StepEnd

and the run ends with RunEnd. Every run emits the same events, streamed or not, live or replayed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from playhead.events import Asked, AttemptEvent, ModelEvent
from playhead.messages import ToolCall, ToolResult

if TYPE_CHECKING:
    from playhead.agent.run import Run
    from playhead.agent.step import Step
    from playhead.request import Request


class StepStart(msgspec.Struct, frozen=True, tag_field="event", tag="step_start"):
    """Step ``step`` (from 1) begins: the model is about to be asked."""

    step: int


class ToolStart(msgspec.Struct, frozen=True, tag_field="event", tag="tool_start"):
    """A call begins. Calls of one step begin together."""

    step: int
    call: ToolCall


class ToolProgress(msgspec.Struct, frozen=True, tag_field="event", tag="tool_progress"):
    """A call says how far it is: what its function passed to :meth:`playhead.Context.progress`."""

    step: int
    call: ToolCall
    text: str


class ToolEnd(msgspec.Struct, frozen=True, tag_field="event", tag="tool_end"):
    """A call has its result. Ends come as they happen; the results in the history stand in the order of the calls.

    ``duration`` is seconds, 0 of a call that was not made (it was refused, its result was given); ``replayed`` says
    that the result is the tape's and the function did not run. ``error`` is the exception that the function raised,
    where it is none that it made for the model (:class:`playhead.ToolError`).
    """

    step: int
    result: ToolResult
    duration: float
    replayed: bool = False
    error: Exception | None = None


class StepEnd:
    """A step is over: the model has answered and its calls have their results."""

    __slots__ = ("step",)

    def __init__(self, step: Step) -> None:
        self.step = step

    def __repr__(self) -> str:
        return f"StepEnd({self.step!r})"


class RunEnd:
    """The run is over. ``run`` is what :meth:`Agent.run` returns."""

    __slots__ = ("run",)

    def __init__(self, run: Run[Any]) -> None:
        self.run = run

    def __repr__(self) -> str:
        return f"RunEnd({self.run!r})"


class RunStart:
    """The run begins; ``run.messages`` are what it begins with. Told to ``on_event`` alone.

    ``parent`` is the run that it is within, None for most; ``asked`` is whom it asks, ``request`` with what settings
    and tools, its messages aside; both are None where they are not known.
    """

    __slots__ = ("asked", "parent", "request", "run")

    def __init__(
        self,
        run: Run[Any],
        parent: Run[Any] | None = None,
        asked: Asked | None = None,
        request: Request | None = None,
    ) -> None:
        self.run = run
        self.parent = parent
        self.asked = asked
        self.request = request

    def __repr__(self) -> str:
        return f"RunStart({self.run!r})"


class RunFailed:
    """The run has ended by an error or a cancellation. Told to ``on_event`` alone: others are raised the error."""

    __slots__ = ("error", "run")

    def __init__(self, run: Run[Any], error: BaseException) -> None:
        self.run = run
        self.error = error

    def __repr__(self) -> str:
        return f"RunFailed({self.run!r}, {self.error!r})"


#: What ``on_event`` is: called with an event and the run that it is of.
Watch: TypeAlias = Callable[[Any, Any], None]

Event: TypeAlias = ModelEvent | AttemptEvent | StepStart | ToolStart | ToolProgress | ToolEnd | StepEnd | RunEnd
