"""Tools that Anthropic runs itself: their blocks, the container they run in, and an answer that is paused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from playhead.dialects import anthropic_messages
from playhead.dialects.anthropic_messages import Profile
from playhead.dialects.base import DecodedRequest, Endpoint
from playhead.events import ModelEvent
from playhead.fold import fold, unfold
from playhead.messages import Message, Native, Opaque, Part, Text, ToolCall, ToolResult, user
from playhead.request import Request
from playhead.response import FinishReason, Response
from playhead.wire import HTTPRequest

ORIGIN = "anthropic_messages"
ENDPOINT = Endpoint("anthropic", "https://api.anthropic.com/v1", Profile())
CONTAINER = {"id": "container_1", "expires_at": "2026-11-23T10:00:00Z", "skills": None}
CODE = {"type": "server_tool_use", "id": "srv_1", "name": "bash_code_execution", "input": {"command": "ls"}}
PAUSED = FinishReason("paused", "pause_turn")


def answered(parts: tuple[Part, ...], finish: FinishReason = PAUSED) -> Message:
    return Response(parts, finish).as_message()


def encoded(*messages: Message, **options: Any) -> Any:
    request = Request("claude", (user("hi"), *messages), options=options)
    return json.loads(anthropic_messages.encode_request(request, ENDPOINT).http.body)


def decoded(messages: list[Any]) -> DecodedRequest:
    body = {"model": "claude", "max_tokens": 5, "messages": messages}
    http = HTTPRequest("POST", "https://api.anthropic.com/v1/messages", (), json.dumps(body).encode())
    return anthropic_messages.decode_request(http)


def whole(*content: Any, **fields: Any) -> Response:
    said = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": content, **fields}
    return anthropic_messages.decode_response(json.dumps(said).encode(), ENDPOINT)[0]


IN_CONTAINER = Native("container", Opaque(ORIGIN, CONTAINER))
RAN = Native("server_tool_use", Opaque(ORIGIN, CODE))


def test_an_answers_container_is_a_part_after_the_others() -> None:
    response = whole(CODE, stop_reason="pause_turn", container=CONTAINER)
    assert response.parts == (RAN, IN_CONTAINER)
    assert response.finish == PAUSED
    assert anthropic_messages.decode_response(anthropic_messages.encode_response(response), ENDPOINT)[0] == response


def test_a_streamed_container_is_the_same_part() -> None:
    response = whole(CODE, stop_reason="pause_turn", container=CONTAINER)
    encoder, decoder = anthropic_messages.encoder(), anthropic_messages.decoder(ENDPOINT)
    events: list[ModelEvent] = []
    for event in unfold(response):
        events += decoder.feed(encoder.feed(event))
    assert fold(events + decoder.close()) == response


def test_a_paused_answer_goes_back_as_it_is_with_its_container() -> None:
    body = encoded(answered((Text("I look."), RAN, IN_CONTAINER)))
    assert body["messages"][-1] == {"role": "assistant", "content": [{"type": "text", "text": "I look."}, CODE]}
    assert body["container"] == "container_1"


def test_what_follows_a_pause_is_an_assistants_message_of_its_own() -> None:
    """The API combines consecutive turns of one role into one, and its own client sends them so."""
    body = encoded(answered((RAN,)), Message("assistant", (Text("Done."),)), user("more"))
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "assistant", "user"]


CALL = ToolCall("c1", "weather", "{}")
RESULT = Message("tool", (ToolResult("c1", "weather", (Text("40 C"),)),))


@pytest.mark.parametrize(
    ("messages", "asked", "said"),
    [
        ((answered((CALL, IN_CONTAINER)), RESULT), None, "container_1"),
        ((answered((CALL, IN_CONTAINER)), RESULT), {"skills": []}, {"skills": [], "id": "container_1"}),
        ((answered((CALL, IN_CONTAINER)), RESULT), "mine", "mine"),
        ((answered((CALL, IN_CONTAINER)), RESULT), {"id": "mine"}, {"id": "mine"}),
        ((answered((RAN, IN_CONTAINER), FinishReason("stop")), user("and?")), None, None),
        ((answered((CALL, IN_CONTAINER)), RESULT, Message("assistant", (Text("40"),)), user("and?")), None, None),
    ],
)
def test_a_turn_under_way_names_its_container_and_an_ended_one_none(
    messages: tuple[Message, ...], asked: Any, said: Any
) -> None:
    body = encoded(*messages, **({} if asked is None else {"container": asked}))
    assert body.get("container") == said


SEARCH = {
    "type": "search_result",
    "source": "https://example.test/a",
    "title": "A",
    "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}],
    "citations": {"enabled": True},
}
CITED = {
    "type": "document",
    "source": {"type": "text", "media_type": "text/plain", "data": "the grass is green"},
    "citations": {"enabled": True},
}
PIECES = {
    "type": "document",
    "source": {"type": "content", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
    "cache_control": {"type": "ephemeral"},
}
UPLOADED = {"type": "image", "source": {"type": "file", "file_id": "file_1"}}


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (SEARCH, "one\ntwo"),
        (CITED, "the grass is green"),
        (PIECES, "a\nb"),
        (UPLOADED, ""),
        ({"type": "tool_reference", "tool_name": "weather"}, ""),
    ],
)
def test_a_block_in_a_tools_result_goes_back_whole_and_its_words_are_text(block: Any, words: str) -> None:
    result = {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "see"}, block]}
    call = {"type": "tool_use", "id": "c1", "name": "find", "input": {}}
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    found = decoded(messages)
    assert found.unmodelled == ()
    (said,) = found.request.messages[-1].all(ToolResult)
    assert said.text == f"see{words}"
    again = anthropic_messages.encode_request(found.request, Endpoint("x", "https://x.test", found.profile))
    assert json.loads(again.http.body)["messages"] == messages


@pytest.mark.parametrize(
    "block",
    [
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": {"error_code": "max_uses_exceeded"}},
        {"type": "web_fetch_tool_result", "tool_use_id": "s", "content": {"type": "web_fetch_result", "url": "u"}},
        {"type": "code_execution_tool_result", "tool_use_id": "s", "content": {"stdout": "1", "return_code": 0}},
        {"type": "bash_code_execution_tool_result", "tool_use_id": "s", "content": {"stdout": "", "content": []}},
        {"type": "text_editor_code_execution_tool_result", "tool_use_id": "s", "content": {"is_file_update": True}},
        {"type": "tool_search_tool_result", "tool_use_id": "s", "content": {"tool_references": []}},
        {"type": "mcp_tool_use", "id": "m", "name": "echo", "server_name": "e", "input": {"a": 1}},
        {"type": "mcp_tool_result", "tool_use_id": "m", "is_error": False, "content": [{"type": "text", "text": "x"}]},
        {"type": "container_upload", "file_id": "file_1"},
    ],
)
def test_what_the_provider_ran_is_native_and_goes_back_verbatim(block: Any) -> None:
    response = whole(block, stop_reason="end_turn")
    assert response.parts == (Native(block["type"], Opaque(ORIGIN, block)),)
    assert encoded(response.as_message(), user("and?"))["messages"][1]["content"] == [block]


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "computer_20250124", "name": "computer", "display_width_px": 1024, "display_height_px": 768},
        {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"},
        {"type": "memory_20250818", "name": "memory"},
        {"type": "code_execution_20250825", "name": "code_execution"},
        {"type": "mcp_toolset", "mcp_server_name": "e"},
    ],
)
def test_a_tool_that_the_provider_defines_is_an_option_and_comes_back(spec: Any) -> None:
    assert encoded(tools=[spec])["tools"] == [spec]
    body = {"model": "claude", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}], "tools": [spec]}
    http = HTTPRequest("POST", "https://api.anthropic.com/v1/messages", (), json.dumps(body).encode())
    found = anthropic_messages.decode_request(http)
    assert (found.request.options["tools"], found.unmodelled) == ([spec], ())
