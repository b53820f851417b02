"""The loop's decisions, from messages alone."""

from __future__ import annotations

import pytest

from playhead.agent.decide import CallModel, CallTools, Finish, decide
from playhead.messages import Message, Text, ToolCall, ToolResult, system, user

FLORENCE = ToolCall("1", "weather", '{"location": "Florence"}')
ROME = ToolCall("2", "weather", '{"location": "Rome"}')


def result(call: ToolCall) -> ToolResult:
    return ToolResult(call.id, call.name, (Text("40 C"),))


ASKED = (system("be kind"), user("weather?"))
CALLED = (*ASKED, Message("assistant", (Text("I look."), FLORENCE, ROME)))


@pytest.mark.parametrize(
    ("messages", "steps", "action"),
    [
        (ASKED, 0, CallModel()),
        (CALLED, 1, CallTools((FLORENCE, ROME))),
        ((*CALLED, Message("tool", (result(FLORENCE),))), 1, CallTools((ROME,), (result(FLORENCE),))),
        ((*CALLED, Message("tool", (result(FLORENCE), result(ROME)))), 1, CallModel()),
        ((*CALLED, Message("tool", (result(ROME),)), Message("tool", (result(FLORENCE),))), 1, CallModel()),
        ((*ASKED, Message("assistant", (Text("40"),))), 1, Finish("answer")),
        ((*ASKED, Message("assistant", ())), 1, Finish("answer")),
        ((*ASKED, Message("assistant", (Text("40"),)), user("and Rome?")), 1, CallModel()),
        ((*CALLED, Message("tool", (result(FLORENCE), result(ROME)))), 20, Finish("steps")),
        ((*CALLED,), 20, CallTools((FLORENCE, ROME))),
    ],
)
def test_what_comes_next_follows_from_the_messages(
    messages: tuple[Message, ...], steps: int, action: CallModel | CallTools | Finish
) -> None:
    """Each history has one next action; the limit is looked at only before the model is asked."""
    assert decide(messages, steps, 20) == action
