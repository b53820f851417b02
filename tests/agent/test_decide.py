"""The loop's decisions, from messages alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from playhead.agent.decide import CallModel, CallTools, Correct, Finish, correction, decide
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


WRONG = Message("assistant", (Text("five"),))


def judged(messages: Sequence[Message]) -> str | None:
    """Only numbers will do."""
    return None if messages[-1].text.isdigit() else f"{messages[-1].text} is no number"


@pytest.mark.parametrize(
    ("messages", "steps", "action"),
    [
        ((*ASKED, WRONG), 1, Correct(correction("five is no number"))),
        ((*ASKED, WRONG, correction("no")), 1, CallModel()),
        ((*ASKED, WRONG, correction("no"), WRONG), 2, Correct(correction("five is no number"))),
        ((*ASKED, *(WRONG, correction("no")) * 2, WRONG), 3, Finish("answer")),
        ((*ASKED, *(WRONG, correction("no")) * 2, user("Please!"), WRONG), 4, Correct(correction("five is no number"))),
        ((*ASKED, WRONG), 20, Finish("answer")),
        ((*ASKED, Message("assistant", (Text("5"),))), 1, Finish("answer")),
    ],
)
def test_an_answer_is_sent_back_so_often_and_no_more(
    messages: tuple[Message, ...], steps: int, action: Correct | CallModel | Finish
) -> None:
    """What was sent back is counted in the messages, so that a run taken up from them goes on counting."""
    assert decide(messages, steps, 20, judged, 2) == action
