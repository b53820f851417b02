"""What holds of every request of the responses wire: it comes back the same, and nonsense is refused or reported."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings, strategies as st

from playhead.dialects import openai_responses
from playhead.dialects.base import Endpoint
from playhead.dialects.openai_responses import Profile
from playhead.errors import BadRequestError
from playhead.messages import File, Message, Text, ToolCall, ToolResult
from playhead.request import NamedTool, OutputSchema, ReasoningSettings, Request, ToolSpec
from playhead.wire import HTTPRequest

PLAIN = Profile()

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
files = st.builds(
    File, st.sampled_from(["image/png", "application/pdf"]), data=st.binary(max_size=3), name=st.just("n")
)
said_by_user = st.lists(
    st.builds(Text, texts) | st.builds(File, st.just("image/png"), data=st.binary(max_size=3)), max_size=3
)
calls = st.lists(st.builds(ToolCall, words, words, texts), max_size=3, unique_by=lambda call: call.id)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Turns of a user, an assistant that may call tools, and their results."""
    messages: list[Message] = [Message("user", tuple(draw(said_by_user)))]
    for _ in range(draw(st.integers(0, 3))):
        asked = draw(calls)
        said = draw(st.lists(st.builds(Text, texts), max_size=1))
        if asked or said:
            messages.append(Message("assistant", (*said, *asked)))
        if asked:
            results = tuple(ToolResult(call.id, call.name, (Text(draw(texts)),)) for call in asked)
            messages.append(Message("tool", results))
        messages.append(Message("user", tuple(draw(said_by_user))))
    return tuple(messages)


@settings(max_examples=150, deadline=None)
@given(conversations(), st.booleans(), st.sampled_from(["high", None]))
def test_every_conversation_is_encoded_and_decoded_the_same(
    messages: tuple[Message, ...], stream: bool, effort: str | None
) -> None:
    tool = ToolSpec("f", "d", {"type": "object"})
    settings_ = None if effort is None else ReasoningSettings(effort=effort)
    request = Request(
        "m", messages, (tool,), NamedTool("f"), OutputSchema("o", {"type": "object"}, strict=True), 9, 0.5, 1.0,
        parallel_tool_calls=True, reasoning=settings_, stream=stream, options={"user": "u"},
    )  # fmt: skip
    encoded = openai_responses.encode_request(request, Endpoint("p", "https://p.test/v1", PLAIN))
    assert not encoded.warnings
    decoded = openai_responses.decode_request(encoded.http)
    assert decoded.unmodelled == ()
    assert decoded.request == request


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from("type role content text output call_id input arguments name id status summary".split())  # noqa: SIM905
            | st.just("annotations"),
            inner
            | st.sampled_from(["message", "function_call", "function_call_output", "reasoning", "user", "assistant"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(
    json_values,
    st.dictionaries(
        st.sampled_from("tools tool_choice text reasoning include instructions store stream".split()),  # noqa: SIM905
        json_values,
        max_size=3,
    ),
)
def test_any_body_is_read_or_refused(said: Any, fields: dict[str, Any]) -> None:
    """Nonsense is a BadRequestError or a request whose differences are reported; never another exception."""
    data = json.dumps({"model": "m", "input": said, **fields}).encode()
    with suppress(BadRequestError):
        openai_responses.decode_request(HTTPRequest("POST", "https://x.test", (), data))
