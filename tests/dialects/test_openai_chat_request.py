"""Requests of the chat wire, out and in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from playhead.dialects import openai_chat
from playhead.dialects.base import Endpoint, Memo
from playhead.dialects.openai_chat.profile import Profile
from playhead.errors import BadRequestError
from playhead.messages import Cache, File, Message, Opaque, Reasoning, Refusal, Source, Text, ToolCall, ToolResult, user
from playhead.request import NamedTool, OutputSchema, ReasoningSettings, Request, ToolSpec
from playhead.wire import HTTPRequest

ROUTER = Profile(reasoning_request="reasoning", reasoning_back="reasoning_details", cache_marks="part", media_back=True)


def body(request: Request, profile: Profile = ROUTER, memo: Memo | None = None) -> Any:
    return json.loads(openai_chat.encode_request(request, Endpoint("p", "https://p.test/v1", profile), memo).http.body)


def warnings(request: Request, profile: Profile) -> list[str]:
    encoded = openai_chat.encode_request(request, Endpoint("p", "https://p.test/v1", profile))
    return [f"{warning.where}: {warning.message}" for warning in encoded.warnings]


def asked(*parts: Any, role: Any = "user", profile: Profile = ROUTER) -> Any:
    """The one message that these parts become."""
    return body(Request("m", (Message(role, parts),)), profile)["messages"][0]


def again(data: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
    decoded = openai_chat.decode_request(HTTPRequest("POST", "https://x.test", (), json.dumps(data).encode()))
    return body(decoded.request, decoded.profile), decoded.unmodelled


def test_a_lone_text_is_a_string_and_several_parts_are_a_list() -> None:
    assert asked(Text("hi")) == {"role": "user", "content": "hi"}
    assert asked(Text("hi"), profile=Profile(text_as_parts=("user",)))["content"] == [{"type": "text", "text": "hi"}]
    assert asked(Text("a"), Text("b"))["content"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert asked(Text("a"), Text("b"), role="assistant")["content"] == "ab"


@pytest.mark.parametrize(
    ("file", "part"),
    [
        (
            File("image/png", data=b"x", detail="low"),
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,eA==", "detail": "low"}},
        ),
        (File("", url="https://x.test/a.png"), {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}),
        (File("audio/wav", data=b"x"), {"type": "input_audio", "input_audio": {"data": "eA==", "format": "wav"}}),
        (File("audio/mpeg", data=b"x"), {"type": "input_audio", "input_audio": {"data": "eA==", "format": "mp3"}}),
        (
            File("application/pdf", data=b"x", name="a.pdf"),
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,eA=="}},
        ),
        (File("video/*", url="https://x.test/v"), {"type": "video_url", "video_url": {"url": "https://x.test/v"}}),
    ],
)
def test_files_become_the_part_of_their_media_type_and_come_back(file: File, part: Any) -> None:
    data = {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "look"}, part]}]}
    assert asked(Text("look"), file)["content"][1] == part
    decoded = openai_chat.decode_request(HTTPRequest("POST", "https://x.test", (), json.dumps(data).encode()))
    assert decoded.request.messages[0].parts[1] == file
    assert again(data) == (data, ())


@pytest.mark.parametrize(
    "url", ["data:image/png;base64,eA", "data:image/png;base64,****", "data:,x", "data:application/pdf;base64,eA=="]
)
def test_a_data_url_that_would_be_rewritten_stays_a_url(url: str) -> None:
    data = {
        "model": "m",
        "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}],
    }
    assert again(data) == (data, ())


def test_cache_marks_stand_where_the_profile_puts_them() -> None:
    marked = (Text("a", Cache()), ToolCall("c", "t", "{}", Cache("1h")))
    on_parts = asked(*marked, role="assistant")
    assert on_parts["content"] == [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]
    assert on_parts["tool_calls"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    on_message = asked(*marked, role="assistant", profile=Profile(cache_marks="message"))
    assert (on_message["content"], on_message["cache_control"]) == ("a", {"type": "ephemeral"})
    request = Request("m", (Message("assistant", marked),))
    assert warnings(request, Profile()) == ["messages[0]: this wire has no cache marks; the mark was left out"]
    assert "cache_control" not in json.dumps(body(request, Profile()))


def test_reasoning_goes_back_in_the_field_that_the_profile_names() -> None:
    details = [{"type": "reasoning.text", "text": "hm", "format": "unknown", "index": 0}]
    signed = [{"type": "reasoning.text", "text": "hm", "format": "anthropic-claude-v1", "signature": "s"}]
    plain, kept = Reasoning("hm"), Reasoning("hm", Opaque("openai_chat", details))
    with_text = Reasoning("hm", Opaque("openai_chat", signed))
    assert asked(kept, role="assistant") == {"role": "assistant", "reasoning_details": details}
    assert asked(with_text, role="assistant")["reasoning"] == "hm"
    assert asked(plain, role="assistant") == {"role": "assistant", "reasoning": "hm"}
    assert asked(kept, role="assistant", profile=Profile()) == {"role": "assistant", "reasoning_content": "hm"}
    none = Profile(reasoning_back=None)
    assert asked(kept, Text("x"), role="assistant", profile=none) == {"role": "assistant", "content": "x"}
    assert "no reasoning back" in warnings(Request("m", (Message("assistant", (kept, Text("x"))),)), none)[0]


def test_what_the_wire_cannot_say_is_a_warning() -> None:
    foreign = Opaque("gemini", "x")
    request = Request(
        "m",
        (
            Message(
                "assistant",
                (Source("https://x.test"), Reasoning("r", foreign), ToolCall("c", "t", "{}", None, foreign)),
            ),
            Message("tool", (ToolResult("c", "t", (Text("ok"), File("image/png", data=b"x"))),)),
            Message("user", (File("audio/wav", url="https://x.test/a"), Reasoning("no"))),
        ),
        temperature=0.5,
        reasoning=ReasoningSettings(max_tokens=5),
    )
    said = warnings(request, Profile(sampling=False))
    assert len(said) == 8
    assert sorted({line.partition(":")[0] for line in said}) == [
        "messages[0]",
        "messages[1]",
        "messages[2]",
        "reasoning.max_tokens",
        "temperature",
    ]


def test_several_results_of_one_message_become_messages_of_their_own() -> None:
    results = (ToolResult("a", "t", (Text("1"),)), ToolResult("b", "t", (Text("2"),), is_error=True))
    messages = body(Request("m", (Message("tool", results),)))["messages"]
    assert messages == [
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
    ]


def test_a_memo_keeps_the_bytes_of_each_message() -> None:
    memo: Memo = {}
    first, second = user("one"), user("two")
    whole = body(Request("m", (first, second)))
    assert body(Request("m", (first,)), memo=memo)["messages"] == whole["messages"][:1]
    assert memo[id(first)] == (first, b'{"role":"user","content":"one"}')
    memo[id(first)] = (first, b'{"role":"user","content":"kept"}')
    assert [m["content"] for m in body(Request("m", (first, second)), memo=memo)["messages"]] == ["kept", "two"]


def test_a_message_with_a_warning_is_encoded_once_and_warns_once_in_a_memo() -> None:
    """Else a run of N steps whose messages lose something would encode N² of them, and warn as often."""
    memo: Memo = {}
    lossy = Message("assistant", (Text("a"), Source("https://x.test")))
    here = Endpoint("p", "https://p.test/v1", ROUTER)
    first = openai_chat.encode_request(Request("m", (lossy,)), here, memo)
    second = openai_chat.encode_request(Request("m", (lossy, user("b"), lossy)), here, memo)
    assert [warning.where for warning in first.warnings] == ["messages[0]"]
    assert second.warnings == ()
    assert memo[id(lossy)] == (lossy, b'{"role":"assistant","content":"a"}')
    assert openai_chat.encode_request(Request("m", (lossy,)), here).warnings == first.warnings


def test_the_same_request_gives_the_same_bytes() -> None:
    request = Request("m", (user("x"),), tools=(ToolSpec("t", "d", {"b": 1, "a": 2}),), options={"z": 1, "a": 2})
    here = Endpoint("p", "https://p.test/v1", ROUTER)
    assert openai_chat.encode_request(request, here) == openai_chat.encode_request(request, here)


@pytest.mark.parametrize(
    ("extra", "option"),
    [
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"provider": {"order": ["a"]}}, "provider"),
        ({"usage": {"include": False}}, "usage"),
        ({"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}}, "stream_options"),
        ({"response_format": {"type": "text"}}, "response_format"),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}}, "tool_choice"),
        ({"reasoning": {"effort": "low", "summary": "auto"}}, "reasoning"),
        ({"reasoning": {"effort": "low"}, "reasoning_effort": "high"}, "reasoning_effort"),
        ({"grammar": "root ::= x"}, "grammar"),
    ],
)
def test_known_fields_without_a_place_ride_as_options(extra: dict[str, Any], option: str) -> None:
    data = {"model": "m", "messages": [{"role": "user", "content": "x"}], **extra}
    decoded = openai_chat.decode_request(HTTPRequest("POST", "https://x.test", (), json.dumps(data).encode()))
    assert decoded.request.options == {option: data[option]}
    assert again(data) == (data, ())


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"nobody_knows": 1}, ("nobody_knows",)),
        ({"max_tokens": 1, "max_completion_tokens": 2}, ("max_tokens",)),
        ({"messages": [{"role": "user", "content": "x", "mood": "good"}]}, ("messages[0].mood",)),
        (
            {
                "messages": [
                    {"role": "user", "content": "x"},
                    {"role": "user", "content": [{"type": "text", "text": "y"}]},
                ]
            },
            ("messages[1].content",),
        ),
        ({"messages": [{"role": "assistant", "content": "x", "refusal": None}]}, ("messages[0].refusal",)),
        (
            {"messages": [{"role": "system", "content": "a"}, {"role": "developer", "content": "b"}]},
            ("messages[0].role",),
        ),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, ("tools",)),
        ({"temperature": None}, ("temperature",)),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "hologram"}]}]},
            ("messages[0].content",),
        ),
    ],
)
def test_what_is_not_modelled_is_reported_by_its_path(change: dict[str, Any], paths: tuple[str, ...]) -> None:
    data = {"model": "m", "messages": [{"role": "user", "content": "x"}], **change}
    assert again(data)[1] == paths


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "a JSON object expected as the body"),
        (b"[]", "a list came"),
        (b"\xff", "a JSON object expected"),
        (b'{"model":"m"}', "a list expected at messages, null came"),
        (b'{"model":"m","messages":[1]}', r"an object expected at messages\[0\], a number came"),
        (b'{"model":1,"messages":[]}', "a string expected at model"),
        (b'{"model":"m","messages":[{"role":"cat"}]}', r"messages\[0\]\.role, 'cat' came"),
        (b'{"model":"m","messages":[{"role":"user","content":5}]}', r"messages\[0\]\.content, a number came"),
    ],
)
def test_a_body_that_is_no_chat_request_is_refused_with_the_place(data: bytes, says: str) -> None:
    with pytest.raises(BadRequestError, match=says):
        openai_chat.decode_request(HTTPRequest("POST", "https://x.test", (), data))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
names = st.text("abc_1", min_size=1, max_size=5)
caches = st.none() | st.builds(Cache, st.sampled_from([None, "5m"]))
files = st.one_of(
    st.builds(
        File,
        st.sampled_from(["image/png", "image/jpeg"]),
        data=st.binary(max_size=5),
        detail=st.sampled_from([None, "low"]),
    ),
    st.builds(File, st.just("audio/wav"), data=st.binary(max_size=5)),
    st.builds(File, st.just("application/pdf"), data=st.binary(max_size=5), name=names),
    st.builds(File, st.just(""), url=st.just("https://x.test/i.png")),
)
text_parts = st.builds(Text, texts, caches)
details = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.just("reasoning.text"),
            "text": texts,
            "format": st.sampled_from(["unknown", "anthropic-claude-v1"]),
        }
    ),
    min_size=1,
    max_size=2,
)
reasoning = st.builds(Reasoning, texts, st.none() | st.builds(Opaque, st.just("openai_chat"), details))
calls = st.builds(ToolCall, names, names, texts, caches)
results = st.builds(ToolResult, names, names, st.lists(text_parts, min_size=1, max_size=2).map(tuple), cache=caches)
messages = st.one_of(
    st.builds(Message, st.just("system"), st.lists(text_parts, min_size=1, max_size=2).map(tuple)),
    st.builds(
        Message, st.just("user"), st.lists(text_parts | files, min_size=1, max_size=3).map(tuple), st.none() | names
    ),
    st.builds(
        Message,
        st.just("assistant"),
        st.tuples(st.lists(reasoning, max_size=1), st.lists(text_parts, max_size=2), st.lists(calls, max_size=2)).map(
            lambda groups: (*groups[0], *groups[1], *groups[2])
        ),
    ),
    st.builds(Message, st.just("assistant"), st.tuples(st.builds(Refusal, texts))),
    st.builds(Message, st.just("tool"), st.lists(results, min_size=1, max_size=2).map(tuple)),
)
schemas = st.just({"type": "object", "properties": {"a": {"type": "string"}}})
requests = st.builds(
    Request,
    model=names,
    messages=st.lists(messages, min_size=1, max_size=5).map(tuple),
    tools=st.lists(st.builds(ToolSpec, names, texts, schemas, st.sampled_from([None, True]), caches), max_size=2).map(
        tuple
    ),
    tool_choice=st.sampled_from([None, "auto", "none", "required", NamedTool("t")]),
    output=st.none()
    | st.just(OutputSchema("json", None))
    | st.builds(OutputSchema, names, schemas, st.none() | texts, st.sampled_from([None, True, False])),
    max_tokens=st.none() | st.integers(1, 10**6),
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    stop=st.lists(texts, max_size=2).map(tuple),
    seed=st.none() | st.integers(-(2**31), 2**31),
    parallel_tool_calls=st.sampled_from([None, True, False]),
    reasoning=st.none() | st.builds(ReasoningSettings, st.sampled_from(["low", "high"])),
    stream=st.booleans(),
    options=st.sampled_from([{}, {"user": "me"}, {"provider": {"only": ["a"]}, "min_p": 0.5}]),
)
profiles = st.builds(
    Profile,
    max_tokens_field=st.sampled_from(["max_tokens", "max_completion_tokens"]),
    usage_include=st.booleans(),
    stream_usage=st.booleans(),
    stream_false=st.booleans(),
    strict_field=st.booleans(),
    tool_choice_auto=st.booleans(),
    empty_content=st.sampled_from(["omit", "null"]),
    reasoning_request=st.sampled_from(["reasoning_effort", "reasoning"]),
    reasoning_back=st.sampled_from(["reasoning_details", "reasoning_content", "reasoning", None]),
    reasoning_beside=st.sampled_from(["anthropic", "always", "never"]),
    text_as_parts=st.sampled_from([(), ("system",), ("user", "tool"), ("system", "user", "assistant", "tool")]),
    system_role=st.sampled_from(["system", "developer"]),
    cache_marks=st.sampled_from(["part", "message", None]),
    stop_as_string=st.booleans(),
    tool_name=st.booleans(),
    media_back=st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(requests, profiles)
def test_every_request_of_the_vocabulary_is_read_and_written_back_the_same(request: Request, profile: Profile) -> None:
    first = openai_chat.encode_request(request, Endpoint("p", "https://p.test/v1", profile)).http
    decoded = openai_chat.decode_request(first)
    second = openai_chat.encode_request(decoded.request, Endpoint("p", "https://p.test/v1", decoded.profile)).http
    if decoded.unmodelled:
        # Only one thing may be said in two hands by one profile: reasoning, with details here and without them there.
        assert all("reasoning" in path for path in decoded.unmodelled), decoded.unmodelled
    else:
        assert json.loads(second.body) == json.loads(first.body)


def test_a_field_nobody_knows_is_reported_and_carried_in_the_open() -> None:
    """It goes under ``extra``, so that it is seen, and comes out where it was."""
    sent = {"messages": [{"role": "user", "content": "hi"}], "model": "m", "field_of_ours": {"a": 1}}
    decoded = openai_chat.decode_request(HTTPRequest("POST", "https://p.test/v1", (), json.dumps(sent).encode()))
    assert decoded.unmodelled == ("field_of_ours",)
    assert decoded.request.options == {"extra": {"field_of_ours": {"a": 1}}}
    assert body(decoded.request, decoded.profile) == sent
