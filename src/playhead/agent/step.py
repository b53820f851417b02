"""A step of a run: one model call, its attempts, and the tools that the answer asked for."""

from __future__ import annotations

import msgspec

from playhead.events import Attempt
from playhead.messages import ToolResult
from playhead.response import Response


class Step(msgspec.Struct):
    """One model call and the tools it asked for. ``number`` counts from 1; ``duration`` is the seconds that it took in
    this run, waits included: next to nothing in a replay, where each of ``attempts`` has what it took when it was
    recorded."""

    number: int
    response: Response
    results: tuple[ToolResult, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    duration: float = 0.0
