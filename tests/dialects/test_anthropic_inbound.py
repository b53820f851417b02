"""Requests of the Messages wire as they come in: every hand is written back, and what is none is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from playhead.dialects import anthropic_messages
from playhead.dialects.anthropic_messages import Profile
from playhead.dialects.base import DecodedRequest, Endpoint
from playhead.errors import BadRequestError
from playhead.messages import Cache, File, Message, Opaque, Reasoning, Text, ToolCall
from playhead.request import ReasoningSettings, Request, ToolSpec
from playhead.wire import HTTPRequest

ORIGIN = "anthropic_messages"
API = "https://api.anthropic.com/v1/messages"


def encoded(request: Request, profile: Profile) -> Any:
    said = anthropic_messages.encode_request(request, Endpoint("x", "https://x.test/v1", profile))
    return json.loads(said.http.body)


def decoded(said: dict[str, Any]) -> DecodedRequest:
    return anthropic_messages.decode_request(HTTPRequest("POST", API, (), json.dumps(said).encode()))


HANDS: list[dict[str, Any]] = [
    {"system": "s", "stream": False, "temperature": 0.5, "top_p": 1, "stop_sequences": ["x"]},
    {"system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
    {"thinking": {"type": "between_tools"}, "output_config": {"effort": "low", "task_budget": {"total": 5}}},
    {"output_config": {"effort": "low"}},
    {"thinking": None, "tool_choice": None, "metadata": {"user_id": "u"}, "top_k": 5, "service_tier": "auto"},
    {"thinking": {"type": "disabled"}, "context_management": {"edits": []}, "mcp_servers": []},
    {"tools": [{"type": "custom", "name": "a", "description": "", "input_schema": {}}]},
    {
        "tools": [
            {"name": "a", "input_schema": {}, "strict": True, "cache_control": {"type": "ephemeral"}},
            {"name": "b", "input_schema": {}, "defer_loading": True},
            {"type": "bash_20250124", "name": "bash"},
        ],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
    },
    {
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": [{"type": "text", "text": "b", "citations": None}]},
            {"role": "user", "content": "c"},
            {"role": "assistant", "content": [{"type": "text", "text": " "}]},
            {"role": "system", "content": "d"},
        ]
    },
    {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "tool_use", "id": "1", "name": "n", "input": {"x": 1.5}, "caller": {"type": "direct"}},
                    {"type": "tool_use", "id": "2", "name": "n", "input": {}, "caller": {"type": "c", "tool_id": "t"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "1", "is_error": False},
                    {"type": "tool_result", "tool_use_id": "2", "content": "x", "is_error": True},
                ],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "1", "content": "y", "is_error": False}],
            },
        ]
    },
    {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "1", "cache_control": {"type": "ephemeral"}},
                    {"type": "text", "text": "and now?", "cache_control": {"type": "ephemeral"}},
                ],
            }
        ]
    },
    {
        "system": [{"type": "text", "text": "s"}],
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": [{"type": "text", "text": "b"}]},
            {"role": "user", "content": [{"type": "text", "text": "c"}]},
            {"role": "assistant", "content": "d"},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "1", "content": "x"},
                    {"type": "tool_result", "tool_use_id": "2", "content": [{"type": "text", "text": "y"}]},
                ],
            },
        ],
    },
]


@pytest.mark.parametrize("said", HANDS, ids=range(len(HANDS)))
def test_every_hand_is_written_back_the_same(said: dict[str, Any]) -> None:
    whole = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], **said}
    again = decoded(whole)
    assert encoded(again.request, again.profile) == whole
    assert not again.unmodelled


def test_a_request_without_a_bound_is_written_back_without_one() -> None:
    again = decoded({"model": "m", "messages": []})
    assert encoded(again.request, again.profile) == {"model": "m", "messages": []}


def test_what_is_not_modelled_is_reported_by_path() -> None:
    said = {
        "model": "m",
        "max_tokens": 1,
        "mood": "good",
        "messages": [
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "toolset_name": "browser"}]},
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "1",
                        "content": [{"tool_name": "x"}],
                    }
                ],
            },
        ],
    }
    assert set(decoded(said).unmodelled) == {
        "mood",
        "messages[0].content[0].toolset_name",
        "messages[1].content[0].content",
    }


@pytest.mark.parametrize(
    ("said", "where"),
    [
        (b"nonsense", "JSON object"),
        (b"[]", "the body"),
        (b'{"messages": {}}', "messages"),
        (b'{"messages": [1]}', r"messages\[0\]"),
        (b'{"messages": [{"role": "tool", "content": "x"}]}', r"messages\[0\].role"),
        (b'{"messages": [{"role": "user", "content": [{"type": "text"}]}]}', r"messages\[0\].content\[0\]"),
        (b'{"messages": [{"role": "assistant", "content": [{"text": "x"}]}]}', r"messages\[0\].content\[0\]"),
        (b'{"messages": [], "max_tokens": "many"}', "max_tokens"),
        (b'{"messages": [], "system": [{}]}', r"system\[0\].text"),
        (b'{"messages": [], "stop_sequences": [1]}', r"stop_sequences\[0\]"),
    ],
)
def test_what_is_no_request_is_refused_with_its_place(said: bytes, where: str) -> None:
    with pytest.raises(BadRequestError, match=where):
        anthropic_messages.decode_request(HTTPRequest("POST", API, (), said))


WORDS = st.text(min_size=1, max_size=12).filter(lambda text: bool(text.strip()))
CACHES = st.none() | st.builds(Cache, st.sampled_from([None, "5m", "1h"]))
TEXTS = st.builds(Text, WORDS, CACHES)
#: Ids as this wire takes them: others are made to fit, and do not come back.
IDS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
CALLS = st.builds(ToolCall, IDS, WORDS, st.sampled_from(["{}", '{"a":1}', '{"b":[1.5,null]}']), CACHES)
THOUGHTS = st.builds(lambda text, sign: Reasoning(text, Opaque(ORIGIN, {"signature": sign})), WORDS, WORDS)
IMAGES = st.builds(lambda data, cache: File("image/png", data=data, cache=cache), st.binary(max_size=5), CACHES)
CONVERSATIONS = st.lists(
    st.one_of(
        st.builds(lambda parts: Message("user", tuple(parts)), st.lists(TEXTS | IMAGES, min_size=1, max_size=3)),
        st.builds(
            lambda parts: Message("assistant", tuple(parts)), st.lists(TEXTS | CALLS | THOUGHTS, min_size=1, max_size=3)
        ),
    ),
    max_size=4,
).map(tuple)
REQUESTS = st.builds(
    Request,
    WORDS,
    CONVERSATIONS,
    tools=st.lists(st.builds(ToolSpec, WORDS, st.text(max_size=5), st.just({"type": "object"})), max_size=2).map(tuple),
    max_tokens=st.integers(1, 10**6),
    temperature=st.none() | st.floats(0, 1),
    stop=st.lists(WORDS, max_size=2).map(tuple),
    reasoning=st.none() | st.builds(ReasoningSettings, st.sampled_from([None, "low"]), st.integers(1024, 9999)),
    stream=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(REQUESTS)
def test_decode_is_the_reverse_of_encode(request: Request) -> None:
    http = anthropic_messages.encode_request(request, Endpoint("x", "https://x.test/v1", Profile())).http
    again = anthropic_messages.decode_request(http)
    assert again.request == request
    assert not again.unmodelled


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["system", "tools", "tool_choice", "thinking", "output_config", "output_format", "max_tokens", "anthropic_beta"]
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(FIELDS, JSON), st.lists(st.dictionaries(st.sampled_from(["role", "content"]), JSON), max_size=2))
def test_any_json_decodes_or_is_a_bad_request(said: dict[str, Any], messages: list[Any]) -> None:
    try:
        decoded({"messages": messages, **said})
    except BadRequestError as error:
        assert error.status == 400  # noqa: PT017 - a request may as well decode
