"""Requests of the Messages wire: what each value becomes, and back."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from playhead.dialects import anthropic_messages
from playhead.dialects.anthropic_messages import Profile
from playhead.dialects.base import DecodedRequest, Endpoint, Memo
from playhead.messages import (
    Cache,
    File,
    Message,
    Native,
    Opaque,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
    system,
    user,
)
from playhead.request import NamedTool, OutputSchema, ReasoningSettings, Request, ToolSpec
from playhead.wire import HTTPRequest, header

ORIGIN = "anthropic_messages"
STRINGS = Profile(text_as_parts=(), tool_choice_auto=False, parallel_field=False)
HI = user("hi")
ADD = ToolSpec("add", "Adds", {"type": "object"})
API = "https://api.anthropic.com/v1/messages"


def encoded(request: Request, profile: Profile = STRINGS) -> tuple[dict[str, Any], list[str]]:
    """The body, and the warnings as ``where: message``."""
    said = anthropic_messages.encode_request(request, Endpoint("x", "https://x.test/v1", profile))
    return json.loads(said.http.body), [f"{warning.where}: {warning.message}" for warning in said.warnings]


def body(request: Request, profile: Profile = STRINGS) -> dict[str, Any]:
    said, warnings = encoded(request, profile)
    assert not warnings
    return said


def turns(*messages: Message, profile: Profile = STRINGS) -> Any:
    return body(Request("m", messages), profile)["messages"]


def decoded(said: dict[str, Any], url: str = API) -> DecodedRequest:
    return anthropic_messages.decode_request(HTTPRequest("POST", url, (), json.dumps(said).encode()))


def test_the_plainest_request() -> None:
    assert body(Request("m", (system("Be brief"), HI))) == {
        "model": "m",
        "system": "Be brief",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 4096,
    }


@pytest.mark.parametrize(
    ("profile", "stream", "url", "extra"),
    [
        (Profile(), True, "https://x.test/v1/messages", {"model": "a:1", "stream": True}),
        (Profile(beta_query=True), False, "https://x.test/v1/messages?beta=true", {"model": "a:1"}),
        (
            Profile(service="vertex", version="vertex-2023-10-16"),
            True,
            "https://x.test/v1/publishers/anthropic/models/a:1:streamRawPredict",
            {"anthropic_version": "vertex-2023-10-16", "stream": True},
        ),
        (
            Profile(service="bedrock", version="bedrock-2023-05-31"),
            True,
            "https://x.test/v1/model/a%3A1/invoke-with-response-stream",
            {"anthropic_version": "bedrock-2023-05-31"},
        ),
        (
            Profile(service="bedrock", version="bedrock-2023-05-31", raw_colon=True),
            False,
            "https://x.test/v1/model/a:1/invoke",
            {"anthropic_version": "bedrock-2023-05-31"},
        ),
    ],
)
def test_each_service_has_its_url_and_body(profile: Profile, stream: bool, url: str, extra: dict[str, Any]) -> None:
    request = Request("a:1", (HI,), stream=stream, max_tokens=5)
    said = anthropic_messages.encode_request(request, Endpoint("x", "https://x.test/v1", profile))
    assert said.http.url == url
    rest = {key: value for key, value in json.loads(said.http.body).items() if key not in ("messages", "max_tokens")}
    assert rest == extra
    assert header(said.http.headers, "anthropic-version") == ("2023-06-01" if profile.service == "api" else None)
    again = anthropic_messages.decode_request(said.http)
    assert again.request == request
    assert (again.profile.service, again.profile.version) == (profile.service, profile.version)
    assert again.profile.raw_colon == profile.raw_colon
    assert not again.unmodelled


def test_betas_are_a_header_or_on_bedrock_a_field() -> None:
    request = Request("m", (HI,), options={"anthropic_beta": ["a", "b"]})
    said = anthropic_messages.encode_request(request, Endpoint("x", "https://x.test", STRINGS)).http
    assert header(said.headers, "anthropic-beta") == "a,b"
    assert b"anthropic_beta" not in said.body
    assert anthropic_messages.decode_request(said).request.options == request.options
    bedrock = Profile(service="bedrock", version="bedrock-2023-05-31", betas_in="body")
    assert body(request, bedrock)["anthropic_beta"] == ["a", "b"]


def test_a_call_and_its_results_stand_in_two_messages() -> None:
    calls = Message("assistant", (ToolCall("1", "add", '{"a":1}'), ToolCall("2", "add", "")))
    results = (
        Message("tool", (ToolResult("1", "add", (Text("1"),)),)),
        Message("tool", (ToolResult("2", "add", (Text("no"), File("image/png", data=b"x")), is_error=True),)),
    )
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "eA=="}}
    assert turns(HI, calls, *results)[1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "1", "name": "add", "input": {"a": 1}},
                {"type": "tool_use", "id": "2", "name": "add", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "1", "content": "1"},
                {
                    "type": "tool_result",
                    "tool_use_id": "2",
                    "content": [{"type": "text", "text": "no"}, image],
                    "is_error": True,
                },
            ],
        },
    ]
    assert len(turns(HI, calls, *results, profile=Profile(split_results=True))) == 4


def test_a_memo_gives_the_same_bytes_and_joins_results_too() -> None:
    messages = (
        HI,
        Message("assistant", (ToolCall("1", "add", "{}"), ToolCall("2", "add", "{}"))),
        Message("tool", (ToolResult("1", "add", (Text("1"),)),)),
        Message("tool", (ToolResult("2", "add", (Text("2"),)),)),
    )
    here = Endpoint("x", "https://x.test", Profile())
    memo: Memo = {}
    request = Request("m", messages)
    first = anthropic_messages.encode_request(request, here, memo)
    assert len(memo) == 4
    assert anthropic_messages.encode_request(request, here, memo) == first
    assert anthropic_messages.encode_request(request, here) == first
    assert len(json.loads(first.http.body)["messages"]) == 3


def test_a_message_with_a_warning_is_encoded_once_and_warns_once_in_a_memo() -> None:
    lossy = Message("assistant", (ToolCall("1", "add", "[1]"),))
    here = Endpoint("x", "https://x.test", Profile())
    memo: Memo = {}
    first, second = (anthropic_messages.encode_request(Request("m", (HI, lossy)), here, memo) for _ in range(2))
    assert first.http == second.http
    assert (len(first.warnings), len(second.warnings), len(memo)) == (1, 0, 2)


def test_arguments_that_are_no_object_go_back_wrapped() -> None:
    for broken in ('{"a": 1', "[1]", "NaN"):
        said, warnings = encoded(Request("m", (HI, Message("assistant", (ToolCall("1", "add", broken),)))))
        assert said["messages"][1]["content"][0]["input"] == {"INVALID_JSON": broken}
        assert warnings == ["messages[1]: the arguments of call 1 are no JSON object; they go back wrapped in one"]


def test_arguments_keep_their_numbers() -> None:
    call = ToolCall("1", "add", '{"a": 1.0, "b": 123456789012345678901234567890}')
    said = anthropic_messages.encode_request(
        Request("m", (HI, Message("assistant", (call,)))), Endpoint("x", "https://x.test", STRINGS)
    )
    assert call.arguments.encode() in said.http.body


def test_thinking_goes_back_verbatim_and_anothers_does_not() -> None:
    signed = Reasoning("hm", Opaque(ORIGIN, {"signature": "s"}))
    hidden = Reasoning("", Opaque(ORIGIN, {"type": "redacted_thinking", "data": "d"}))
    content = turns(HI, Message("assistant", (signed, hidden, Text("ok"))))[1]["content"]
    assert content == [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "text", "text": "ok"},
    ]
    for foreign in (Reasoning("hm"), Reasoning("hm", Opaque("openai_chat", [{}]))):
        said, warnings = encoded(Request("m", (HI, Message("assistant", (foreign, Text("ok"))))))
        assert said["messages"][1] == {"role": "assistant", "content": "ok"}
        assert warnings == ["messages[1]: this wire takes signed reasoning of its own only; it was left out"]


def test_citations_go_back_in_the_text_before_them() -> None:
    citation = {"type": "web_search_result_location", "url": "u", "title": "t", "encrypted_index": "e"}
    parts = (Text("a"), Source("u", "t", opaque=Opaque(ORIGIN, citation)), Text("b"))
    assert turns(HI, Message("assistant", parts))[1]["content"] == [
        {"type": "text", "text": "a", "citations": [citation]},
        {"type": "text", "text": "b"},
    ]
    _, warnings = encoded(Request("m", (HI, Message("assistant", (Text("a"), Source("u"))))))
    assert "only; the other sources were left out" in warnings[0]


def test_a_providers_own_parts_go_back_verbatim_and_anothers_are_left_out_with_a_warning() -> None:
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}}
    own = Native("server_tool_use", Opaque(ORIGIN, search))
    assert turns(HI, Message("assistant", (own,)))[1]["content"] == [search]
    other = Native("web_search_call", Opaque("openai_responses", {}))
    _, warnings = encoded(Request("m", (HI, Message("assistant", (other, Text("x"))))))
    assert warnings == ["messages[1]: this wire cannot hold a web_search_call of another; it was left out"]


def test_what_the_api_refuses_empty_is_left_out() -> None:
    said = turns(HI, Message("assistant", (Text("\n\n"), Text("a"))), HI, Message("assistant", ()), HI)
    assert [message["content"] for message in said] == ["hi", "a", "hi", "hi"]


def test_what_this_wire_cannot_say_is_a_warning() -> None:
    request = Request(
        "m",
        (
            HI,
            system("late"),
            Message("user", (File("audio/mpeg", data=b"x"), File("image/png", url="u", detail="low")), name="Ann"),
            Message("assistant", (Refusal("no"),)),
        ),
        seed=1,
        temperature=0.5,
        output=OutputSchema("any", None),
    )
    said, warnings = encoded(request, msgspec.structs.replace(STRINGS, sampling=False))
    assert said["system"] == "late"
    assert said["messages"][2] == {"role": "assistant", "content": "no"}
    assert "temperature" not in said
    assert [warning.partition(":")[0] for warning in warnings] == [
        "messages[1]",
        "messages[2]",
        "messages[2]",
        "messages[2]",
        "messages[3]",
        "temperature",
        "seed",
        "output",
    ]
    in_place = turns(HI, system("late"), profile=Profile(system_in_place=True))
    assert in_place[1] == {"role": "system", "content": [{"type": "text", "text": "late"}]}


FILES = [
    (File("image/jpeg", data=b"x"), {"type": "base64", "media_type": "image/jpeg", "data": "eA=="}, "image"),
    (File("", url="https://a/b.png"), {"type": "url", "url": "https://a/b.png"}, "image"),
    (
        File("application/pdf", data=b"x", name="n"),
        {"type": "base64", "media_type": "application/pdf", "data": "eA=="},
        "document",
    ),
    (File("application/pdf", url="https://a/b.pdf"), {"type": "url", "url": "https://a/b.pdf"}, "document"),
    (File("text/plain", data=b"hi", name="n"), {"type": "text", "media_type": "text/plain", "data": "hi"}, "document"),
]


@pytest.mark.parametrize(("file", "source", "kind"), FILES)
def test_files_are_images_and_documents(file: File, source: dict[str, str], kind: str) -> None:
    said = turns(Message("user", (file, Text("?"))))[0]["content"][0]
    assert said == {"type": kind, "source": source, **({"title": file.name} if file.name else {})}
    marked = msgspec.structs.replace(file, cache=Cache("1h"))
    for one in (file, marked):
        result = ToolResult("1", "", (one,))
        request = {"max_tokens": 1, **body(Request("m", (Message("user", (one,)), Message("tool", (result,)))))}
        again = decoded(request)
        assert not again.unmodelled
        assert again.request.messages == (Message("user", (one,)), Message("tool", (result,)))


def test_a_data_url_is_sent_by_value_and_text_of_any_kind_as_a_text_document() -> None:
    said = turns(Message("user", (File("", url="data:image/png;base64,eA=="), File("text/csv", data=b"a,b"))))
    assert said[0]["content"] == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "eA=="}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a,b"}},
    ]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "document", "source": {"type": "file", "file_id": "f"}, "citations": {"enabled": True}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "not base64!"}},
        {"type": "search_result", "source": "s", "title": "t", "content": []},
        {"type": "container_upload", "file_id": "f"},
    ],
)
def test_a_block_that_no_part_can_hold_is_kept_verbatim(block: dict[str, Any]) -> None:
    said = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [block]}]}
    again = decoded(said)
    assert not again.unmodelled
    assert again.request.messages[0].parts == (Native(block["type"], Opaque(ORIGIN, block)),)


@pytest.mark.parametrize(
    ("choice", "parallel", "said"),
    [
        ("auto", None, {"type": "auto"}),
        ("required", None, {"type": "any"}),
        ("none", True, {"type": "none"}),
        (NamedTool("add"), False, {"type": "tool", "name": "add", "disable_parallel_tool_use": True}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (None, None, None),
    ],
)
def test_the_choice_of_tools(choice: Any, parallel: bool | None, said: Any) -> None:
    request = Request("m", (HI,), tools=(ADD,), tool_choice=choice, parallel_tool_calls=parallel, max_tokens=1)
    out = body(request)
    assert out.get("tool_choice") == said
    assert out["tools"] == [{"name": "add", "description": "Adds", "input_schema": {"type": "object"}}]
    again = decoded(out)
    assert not again.unmodelled
    assert body(again.request, again.profile) == out


def test_provider_run_tools_ride_as_options_beside_functions() -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    request = Request("m", (HI,), tools=(ADD,), max_tokens=1, options={"tools": [search]})
    for first in (True, False):
        out = body(request, msgspec.structs.replace(STRINGS, provider_tools_first=first))
        assert out["tools"].index(search) == (0 if first else 1)
        again = decoded(out)
        assert again.request == request
        assert not again.unmodelled


@pytest.mark.parametrize(
    ("settings_", "said"),
    [
        (ReasoningSettings(max_tokens=2000), {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
        (ReasoningSettings(enabled=True), {"thinking": {"type": "adaptive"}}),
        (ReasoningSettings(enabled=False), {"thinking": {"type": "disabled"}}),
        (ReasoningSettings(effort="high"), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
        (
            ReasoningSettings(effort="max", max_tokens=2000, exclude=True),
            {
                "thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"},
                "output_config": {"effort": "max"},
            },
        ),
        (ReasoningSettings(enabled=True, exclude=False), {"thinking": {"type": "adaptive", "display": "summarized"}}),
    ],
)
def test_settings_of_thinking(settings_: ReasoningSettings, said: dict[str, Any]) -> None:
    request = Request("m", (HI,), reasoning=settings_, max_tokens=9000)
    out = body(request)
    assert {key: out[key] for key in ("thinking", "output_config") if key in out} == said
    assert decoded(out).request == request


def test_an_effort_is_a_budget_where_the_model_knows_no_other_and_the_reverse() -> None:
    old, new = (msgspec.structs.replace(STRINGS, thinking=word) for word in ("budget", "adaptive"))
    request = Request("m", (HI,), reasoning=ReasoningSettings(effort="medium"), max_tokens=9000)
    assert body(request, old)["thinking"] == {"type": "enabled", "budget_tokens": 4500}
    assert "output_config" not in body(request, old)
    said, warnings = encoded(msgspec.structs.replace(request, reasoning=ReasoningSettings(max_tokens=5)), new)
    assert said["thinking"] == {"type": "adaptive"}
    assert warnings == ["reasoning.max_tokens: this model sets its own budget; it was left out"]
    said, warnings = encoded(msgspec.structs.replace(request, max_tokens=500), old)
    assert "thinking" not in said
    assert len(warnings) == 1
    unbounded = Request("m", (HI,), reasoning=ReasoningSettings(max_tokens=2000))
    assert body(unbounded)["max_tokens"] == 6096
    none = Request("m", (HI,), reasoning=ReasoningSettings(effort="none"))
    assert body(none)["thinking"] == {"type": "disabled"}


def test_a_schema_goes_into_output_config_or_the_older_field() -> None:
    schema = {"type": "object", "properties": {}}
    request = Request("m", (HI,), output=OutputSchema("output", schema), max_tokens=1)
    form = {"type": "json_schema", "schema": schema}
    assert body(request)["output_config"] == {"format": form}
    older = body(request, msgspec.structs.replace(STRINGS, output="output_format"))
    assert older["output_format"] == form
    for out in (body(request), older):
        assert decoded(out).request == request
    described = msgspec.structs.replace(request, output=OutputSchema("x", schema, "A thing"))
    assert body(described)["output_config"]["format"]["schema"]["description"] == "A thing"
