"""What a run does next, from its messages alone: pure, so that any driver can ask, and a run resumes from its values.

``decide([system, user]) -> CallModel``; an assistant message with unanswered calls → ``CallTools``; an assistant
message with none → ``Finish``. Nothing here awaits, reads a clock or knows a provider: the driver
(:mod:`playhead.agent.run`) does what is decided and asks again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from playhead.messages import Message, ToolCall, ToolResult


class CallModel(msgspec.Struct, frozen=True):
    """Ask the model, with the messages as they stand."""


class CallTools(msgspec.Struct, frozen=True):
    """Run these calls: the ones of the last answer that have no result yet, in the order the model asked.

    ``answered`` are the results that stand already.
    """

    calls: tuple[ToolCall, ...]
    answered: tuple[ToolResult, ...] = ()


class Finish(msgspec.Struct, frozen=True):
    """The run is over: the model has answered ("answer"), or another step would pass the limit ("steps")."""

    reason: Literal["answer", "steps"]


Action: TypeAlias = CallModel | CallTools | Finish


def decide(messages: Sequence[Message], steps: int, max_steps: int) -> Action:
    """The next action of a run.

    Args:
        messages: the history so far, oldest first.
        steps: model calls made so far in this run.
        max_steps: model calls allowed in this run.
    """
    answered: list[ToolResult] = []
    for message in reversed(messages):
        if message.role == "tool":
            answered[:0] = message.all(ToolResult)
            continue
        if message.role == "assistant":
            have = {result.call_id for result in answered}
            calls = message.all(ToolCall)
            missing = tuple(call for call in calls if call.id not in have)
            if missing:
                return CallTools(missing, tuple(answered))
            if not calls and not answered:
                return Finish("answer")
        break
    return CallModel() if steps < max_steps else Finish("steps")
