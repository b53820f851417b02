"""Whether a recorded request was for a model, and whose: what else is posted to the same paths, and lost addresses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from playhead.deck.transcript.telling import transcript
from playhead.deck.transcript.values import Conversation, Entry, Exchange
from playhead.tapes import Tape
from playhead.tapes.interaction import interaction
from playhead.wire import HTTPRequest

ASKED = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
CHAT = {"object": "chat.completion", "choices": [{"index": 0, "message": {"content": "ho"}, "finish_reason": "stop"}]}
MESSAGE = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "text", "text": "ho"}],
    "stop_reason": "end_turn",
}
STREAM = b'data: {"object":"chat.completion.chunk","choices":[{"delta":{"content":"ho"},"finish_reason":"stop"}]}\n\n'


def told(url: str, body: Any, answer: Any, kind: str = "application/json") -> Entry:
    """What one exchange is told as."""
    asked, answered = (one if isinstance(one, bytes) else json.dumps(one).encode() for one in (body, answer))
    made = interaction(
        0,
        HTTPRequest("POST", url, (), asked),
        status=200,
        reason="OK",
        proto="HTTP/1.1",
        headers=(("Content-Type", kind),),
        body=answered,
        nanoseconds=1,
    )
    (entry,) = transcript(Tape([made])).entries
    return entry


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("https://chat.example/channels/7/messages", {"content": "hi"}),
        ("https://chat.example/channels/7/messages", b""),
        ("https://sms.example/Accounts/7/messages", b"To=1&Body=2"),
        ("https://forms.example/forms/7/responses", {"answers": []}),
        ("https://forms.example/forms/7/responses", []),
        ("https://api.openai.com/v1/threads/thread_7/messages", {"role": "user", "content": "hi"}),
        ("https://things.example/model/7/converse", {"a": 1}),
        ("https://things.example/models/7:generateContent", {"name": "x"}),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.titan-text-v1/invoke", {"inputText": "hi"}),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/model/meta.llama3/invoke", {"prompt": "hi"}),
        ("somewhere", {"a": 1}),
        ("", b""),
    ],
)
def test_what_is_posted_to_such_a_path_for_others_is_plain_http(url: str, body: Any) -> None:
    """And has no reason to tell: nothing is wrong with it."""
    entry = told(url, body, {"ok": True})
    assert isinstance(entry, Exchange)
    assert entry.reason is None


def test_a_request_to_a_model_that_cannot_be_read_says_why() -> None:
    """In words that are not taken for the answer's: a body that the recording lost, one that is cut."""
    entry = told("https://router.example/v1/chat/completions", b"", CHAT)
    assert isinstance(entry, Exchange)
    assert entry.reason == "a model is asked here, by the URL, but the recording has no body of the request"
    entry = told("https://router.example/v1/chat/completions", b'{"messages": [', CHAT)
    assert isinstance(entry, Exchange)
    assert entry.reason is not None
    assert entry.reason.startswith("not read as a request to a model: a JSON object expected as the body")


@pytest.mark.parametrize(
    ("answer", "whom"), [(CHAT, "compatible"), (MESSAGE, "anthropic"), (STREAM, "compatible")], ids=["chat", "m", "s"]
)
def test_a_request_without_an_address_is_known_by_its_answer(answer: Any, whom: str) -> None:
    """Streams, too, whose headers say nothing any more."""
    entry = told("**REDACTED**", ASKED, answer, "**REDACTED**")
    assert isinstance(entry, Conversation)
    assert (entry.provider, entry.model) == (whom, "m")
    assert entry.steps[0].answer is not None
    assert entry.steps[0].answer.text == "ho"


def test_an_address_that_is_lost_with_an_answer_of_no_model_is_plain_http() -> None:
    """Nothing is guessed by the request alone."""
    assert isinstance(told("**REDACTED**", ASKED, {"detail": "unauthorized"}), Exchange)
