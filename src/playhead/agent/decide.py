"""What a run does next, from its messages alone: pure, so that any driver can ask, and a run resumes from its values.

``decide([system, user]) -> CallModel``; an assistant message with unanswered calls → ``CallTools``; an assistant
message with none → ``Finish``, unless it is paused: then the model is asked to go on with it; or it does not hold the
output type: then the model is told so, a number of times. Nothing here awaits, reads a clock or knows a provider: the
driver (:mod:`playhead.agent.drive`) does what is decided and asks again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import msgspec

from playhead.messages import Message, Opaque, Text, ToolCall, ToolResult
from playhead.request import CORRECTION


class CallModel(msgspec.Struct, frozen=True):
    """Ask the model, with the messages as they stand."""


class CallTools(msgspec.Struct, frozen=True):
    """Run these calls: the ones of the last answer that have no result yet, in the order the model asked.

    ``answered`` are the results that stand already.
    """

    calls: tuple[ToolCall, ...]
    answered: tuple[ToolResult, ...] = ()


class Finish(msgspec.Struct, frozen=True):
    """The run is over: the model has answered ("answer"), or another step would pass the limit ("steps"). What messages
    do not show the driver adds: a tool has ended it ("tool"), it was to stop here ("stopped"), or calls wait for a
    person ("waiting")."""

    reason: Literal["answer", "steps", "tool", "stopped", "waiting"]


class Correct(msgspec.Struct, frozen=True):
    """The model has answered, and the answer does not hold what was asked for: tell it so, as ``message`` does."""

    message: Message


Action: TypeAlias = CallModel | CallTools | Correct | Finish

#: What is wrong with the answer that these messages end with, in words for the model; None where nothing is. It is a
#: pure function, as deciding is.
Judge: TypeAlias = Callable[[Sequence[Message]], str | None]


def decide(
    messages: Sequence[Message], steps: int, max_steps: int, judge: Judge | None = None, corrections: int = 0
) -> Action:
    """The next action of a run.

    Args:
        messages: the history so far, oldest first.
        steps: model calls made so far in this run.
        max_steps: model calls allowed in this run.
        judge: looks at an answer that ends the run; None takes every answer.
        corrections: how often in a row an answer may be sent back. Those that were are counted in the messages.
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
            if not calls and not answered and not message.paused:
                if judge is not None and steps < max_steps and corrected(messages) < corrections:
                    words = judge(messages)
                    if words is not None:
                        return Correct(correction(words))
                return Finish("answer")
        break
    return CallModel() if steps < max_steps else Finish("steps")


def correction(words: str) -> Message:
    """A complaint about an answer, as the user's message; its mark tells it from what a user said."""
    return Message("user", (Text(words, opaque=Opaque(CORRECTION, None)),))


def corrected(messages: Sequence[Message]) -> int:
    """How often the model was corrected since the user last spoke."""
    count = 0
    for message in reversed(messages):
        if message.role in ("assistant", "tool"):
            continue
        if not any(text.opaque is not None and text.opaque.origin == CORRECTION for text in message.all(Text)):
            break
        count += 1
    return count
