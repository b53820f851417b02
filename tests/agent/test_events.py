"""The loop's own events, as they are seen when printed."""

from __future__ import annotations

from playhead.agent.events import RunEnd, StepEnd
from playhead.agent.run import Run
from playhead.agent.step import Step
from playhead.messages import Text
from playhead.response import FinishReason, Response


def test_an_end_shows_what_it_holds() -> None:
    """Printing the events of a run shows no addresses."""
    step = Step(1, Response((Text("hello"),), FinishReason("stop")))
    assert repr(StepEnd(step)).startswith("StepEnd(Step(number=1, ")
    assert "hello" in repr(StepEnd(step))
    assert repr(RunEnd(Run(()))) == "RunEnd(<run: 0 steps, 0 attempts, text ''>)"
