"""What a recorder did to its own history, told apart from what differs."""

from __future__ import annotations

from typing import Any

import pytest

from playhead.deck.edits import edits


def request(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": "hi"}, *messages], **more}


SAID = {
    "role": "assistant",
    "content": "Hello there",
    "reasoning_details": [
        {"type": "reasoning.text", "text": "The user greets", "signature": "s"},
        {"type": "reasoning.encrypted", "data": "abc"},
    ],
}


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ({**SAID, "content": " there"}, "content: the recorder kept less"),
        ({key: SAID[key] for key in ("role", "content")}, "reasoning_details: the recorder left it out"),
        ({**SAID, "reasoning_details": SAID["reasoning_details"][1:]}, "left out 1 of 2"),  # type: ignore[index]
        (
            {**SAID, "reasoning_details": [{"type": "reasoning.text", "text": " user greets", "signature": "s"}]},
            "reasoning_details[0].text: the recorder kept less",
        ),
        ({**SAID, "cache_control": {"type": "ephemeral"}}, "the recorder set a cache mark"),
        (
            {**SAID, "reasoning_details": [*SAID["reasoning_details"], {"type": "reasoning.encrypted", "index": 0}]},  # type: ignore[misc]
            "added 1 that hold nothing",
        ),
    ],
)
def test_an_omission_or_a_mark_is_an_edit_and_is_named(kept: dict[str, Any], words: str) -> None:
    found = edits(request(SAID), request(kept))
    assert found is not None
    assert any(words in edit for edit in found)


def call(arguments: str) -> dict[str, Any]:
    return {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": arguments}}]}


@pytest.mark.parametrize(
    ("ours", "recorded"),
    [
        (request(SAID), request({**SAID, "content": "Hello you"})),
        (request(SAID), request({**SAID, "content": "Hello there!"})),
        (request(SAID), request({**SAID, "content": ""})),
        (request(SAID), request({**SAID, "extra": 1})),
        (request(SAID), request(SAID, SAID)),
        (request(SAID), request(SAID, temperature=1)),
        (request(SAID, temperature=0), request(SAID)),
        (request({"role": "tool", "content": "40 C"}), request({"role": "tool", "content": "40"})),
        (request({"role": "user", "content": "40 C"}), request({"role": "user"})),
        (request(SAID), request({**SAID, "reasoning_details": list(reversed(SAID["reasoning_details"]))})),  # type: ignore[call-overload]
        (request(SAID), {"model": "m"}),
        (request(call('{"a": 1, "b": 2}')), request(call('{"a": 1'))),
        (request(call("{}")), request({"role": "assistant"})),
    ],
)
def test_everything_else_is_a_difference(ours: dict[str, Any], recorded: dict[str, Any]) -> None:
    assert edits(ours, recorded) is None


def test_which_tools_may_be_called_is_the_recorders_choice_at_each_later_step() -> None:
    later = request(SAID, tool_choice="auto"), request(SAID, tool_choice="none")
    assert edits(*later) == ["tool_choice: 'none' is the recorder's choice for this step"]
    assert edits(request(tool_choice="auto"), request(tool_choice="none")) is None


def test_equal_requests_have_no_edits() -> None:
    assert edits(request(SAID), request(SAID)) == []
