"""Requests of the responses wire, out and in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from playhead.dialects import openai_responses
from playhead.dialects.base import Endpoint, Memo
from playhead.dialects.openai_responses import Profile
from playhead.errors import BadRequestError
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
from playhead.request import ReasoningSettings, Request, ToolSpec
from playhead.wire import HTTPRequest

NAME = "openai_responses"
PLAIN = Profile()
ENCRYPTED = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}


def body(request: Request, profile: Profile = PLAIN, memo: Memo | None = None) -> Any:
    here = Endpoint("p", "https://p.test/v1", profile)
    return json.loads(openai_responses.encode_request(request, here, memo).http.body)


def warnings(request: Request, profile: Profile = PLAIN) -> list[str]:
    encoded = openai_responses.encode_request(request, Endpoint("p", "https://p.test/v1", profile))
    return [f"{warning.where}: {warning.message}" for warning in encoded.warnings]


def items(*messages: Message, profile: Profile = PLAIN, **rest: Any) -> Any:
    """The input that these messages become."""
    return body(Request("m", messages, **rest), profile)["input"]


def again(data: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
    decoded = openai_responses.decode_request(HTTPRequest("POST", "https://x.test", (), json.dumps(data).encode()))
    return body(decoded.request, decoded.profile), decoded.unmodelled


def parts_of(*said: dict[str, Any], role: str = "user") -> Any:
    data = {"model": "m", "input": [{"role": role, "content": list(said)}]}
    assert again(data) == (data, ())
    http = HTTPRequest("POST", "https://x.test", (), json.dumps(data).encode())
    return openai_responses.decode_request(http).request.messages[0].parts


@pytest.mark.parametrize(
    "extra",
    [
        {"input": "hi"},
        {"input": "hi", "instructions": "Be kind."},
        {"input": "hi", "instructions": None},
        {"input": []},
        {"input": [{"role": "user", "content": "hi"}], "store": True},
        {"input": [{"role": "user", "content": []}]},
        {"input": [{"type": "message", "role": "user", "content": "hi"}]},
        {"input": [{"role": "developer", "content": "x"}, {"role": "user", "content": "hi"}]},
        {"input": [{"role": "system", "content": "x"}, {"role": "developer", "content": "y"}], "instructions": "z"},
        {
            "input": [
                {"type": "message", "role": "user", "id": "msg_1", "content": [{"type": "input_text", "text": "x"}]}
            ]
        },
        {"input": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
        {"input": [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]},
        {
            "input": [
                {"role": "assistant", "content": "a", "phase": "commentary"},
                {"role": "assistant", "content": "b"},
            ]
        },
        {"input": [{"role": "assistant", "content": [{"type": "output_text", "text": "a"}]}]},
        {"input": [{"type": "item_reference", "id": "msg_1"}], "previous_response_id": "resp_1"},
        {"input": [{"type": "function_call_output", "call_id": "c", "output": "5"}], "previous_response_id": "resp_1"},
        {"input": [{"type": "custom_tool_call_output", "call_id": "c", "output": "5"}]},
        {"input": [{"type": "mcp_approval_response", "approval_request_id": "a", "approve": True}]},
        {"input": "x", "include": ["reasoning.encrypted_content"]},
        {"input": "x", "include": ["reasoning.encrypted_content"], "reasoning": {"effort": "low"}},
        {"input": "x", "include": ["web_search_call.action.sources"], "reasoning": {"summary": "auto"}},
        {"input": "x", "include": ["reasoning.encrypted_content", "message.output_text.logprobs"]},
        {"input": "x", "include": [], "reasoning": {}, "text": {}, "tools": []},
        {"input": "x", "include": None, "reasoning": {"effort": None, "summary": None}, "metadata": None},
        {"input": "x", "text": {"verbosity": "low"}},
        {"input": "x", "text": {"format": {"type": "text"}}},
        {"input": "x", "text": {"format": {"type": "json_object"}, "verbosity": "high"}},
        {
            "input": "x",
            "text": {"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": True, "description": "d"}},
        },
        {"input": "x", "stream": True, "stream_options": {"include_obfuscation": False}},
        {"input": "x", "stream": False, "temperature": 0.5, "top_p": 1, "max_output_tokens": 9},
        {
            "input": "x",
            "service_tier": "flex",
            "truncation": "auto",
            "user": "u",
            "background": True,
            "metadata": {"a": "b"},
        },
        {"input": "x", "prompt": {"id": "p", "variables": {}}, "prompt_cache_key": "k", "conversation": {"id": "c"}},
        {"input": "x", "tools": [{"type": "web_search_preview", "search_context_size": "low"}], "tool_choice": "auto"},
        {
            "input": "x",
            "tools": [{"type": "file_search", "vector_store_ids": ["v"]}],
            "tool_choice": {"type": "file_search"},
        },
        {
            "input": "x",
            "tools": [{"type": "web_search"}, {"type": "function", "name": "f", "parameters": {"type": "object"}}],
            "tool_choice": {"type": "function", "name": "f"},
            "parallel_tool_calls": False,
        },
        {
            "input": "x",
            "tools": [
                {"type": "function", "name": "f", "strict": None, "description": "d", "parameters": {"a": 1}},
                {"type": "function", "name": "g", "strict": True, "parameters": {"a": 1}},
                {"type": "custom", "name": "sql", "format": {"type": "text"}},
            ],
            "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []},
        },
        {
            "input": "x",
            "tools": [
                {"type": "function", "name": "f", "strict": False},
                {"type": "function", "name": "g", "strict": True},
            ],
        },
    ],
)
def test_every_way_to_write_it_comes_back_the_same(extra: dict[str, Any]) -> None:
    data = {"model": "m", **extra}
    assert again(data) == (data, ())


def test_a_conversation_sent_back_verbatim_comes_back_the_same() -> None:
    """As OpenAI's own clients append the items of an answer to the next input, ids, status and all."""
    annotation = {"type": "url_citation", "url": "https://x.test", "title": "X", "start_index": 0, "end_index": 1}
    data = {
        "model": "m",
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "input": [
            {"role": "user", "content": "draw, search and add"},
            {**ENCRYPTED, "content": None, "status": None},
            {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "phase": "commentary",
                "content": [
                    {"type": "output_text", "text": "a", "annotations": [annotation], "logprobs": []},
                    {"type": "output_text", "text": "b", "annotations": [], "logprobs": []},
                    {"type": "refusal", "refusal": "c"},
                ],
            },
            {
                "type": "message",
                "id": "msg_2",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "d", "annotations": [], "logprobs": []}],
            },
            {"type": "message", "id": "msg_3", "role": "assistant", "status": "incomplete", "content": []},
            {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "eA=="},
            {"type": "code_interpreter_call", "id": "ci_1", "code": "1", "container_id": "c", "status": "completed"},
            {
                "type": "function_call",
                "id": "fc_1",
                "call_id": "c1",
                "name": "add",
                "arguments": "{}",
                "status": "completed",
            },
            {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c2", "name": "sql", "input": "select 1"},
            {"type": "computer_call", "id": "cu_1", "call_id": "c3", "action": {"type": "screenshot"}},
            {"type": "function_call_output", "call_id": "c1", "output": "5"},
            {"type": "custom_tool_call_output", "call_id": "c2", "output": "6", "id": "o_1"},
            {
                "type": "computer_call_output",
                "call_id": "c3",
                "output": {"type": "computer_screenshot", "file_id": "f"},
            },
            {"role": "user", "content": "go on"},
        ],
    }
    assert again(data) == (data, ())
    http = HTTPRequest("POST", "https://x.test", (), json.dumps(data).encode())
    messages = openai_responses.decode_request(http).request.messages
    assert [message.role for message in messages] == ["user", "assistant", "tool", "user", "user"]
    assert messages[1].text == "abd"
    assert [result.name for result in messages[2].all(ToolResult)] == ["add", "sql"]
    assert [native.kind for native in messages[1].all(Native)][-1] == "computer_call"


def test_files_become_the_part_of_their_media_type_and_come_back() -> None:
    png = {"type": "input_image", "image_url": "data:image/png;base64,eA==", "detail": "low"}
    pdf = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,eA=="}
    wav = {"type": "input_audio", "input_audio": {"data": "eA==", "format": "wav"}}
    assert parts_of({"type": "input_text", "text": "look"}, png, pdf, wav) == (
        Text("look"),
        File("image/png", data=b"x", detail="low"),
        File("application/pdf", data=b"x", name="a.pdf"),
        File("audio/wav", data=b"x"),
    )
    assert parts_of(
        {"type": "input_image", "image_url": "https://x.test/a.png"},
        {"type": "input_file", "file_url": "https://x.test/a.pdf"},
        {"type": "input_file", "file_id": "file-1"},
        {"type": "input_image", "file_id": "file-2", "detail": "auto"},
    ) == (
        File("", url="https://x.test/a.png"),
        File("application/pdf", url="https://x.test/a.pdf"),
        File("application/octet-stream", url="openai-file:file-1"),
        File("", url="openai-file:file-2", detail="auto"),
    )
    odd = {"type": "input_video", "video": "x"}
    assert parts_of(odd) == (Native("input_video", Opaque(NAME, {"content": odd})),)
    unnamed = File("application/pdf", data=b"x")
    assert items(user(unnamed))[0]["content"][0]["filename"] == "document.pdf"


@pytest.mark.parametrize("url", ["data:image/png;base64,eA", "data:image/png;base64,****", "data:,x"])
def test_a_data_url_that_would_be_rewritten_stays_a_url(url: str) -> None:
    (image,) = parts_of({"type": "input_image", "image_url": url})
    assert image.url == url
    (file,) = parts_of({"type": "input_file", "file_data": url})
    assert file.url == url


def test_cache_marks_are_breakpoints_where_the_model_takes_them() -> None:
    marked = user(Text("a", Cache()))
    assert items(marked, profile=Profile(cache_marks=True))[0]["content"] == [
        {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}
    ]
    assert warnings(Request("m", (marked,))) == ["messages[0]: this model takes no cache marks; the mark was left out"]
    said = {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}
    assert parts_of(said) == (Text("a", Cache()),)


def test_results_go_back_as_text_or_as_parts() -> None:
    call = Message(
        "assistant",
        (ToolCall("c", "see", "{}"), ToolCall("d", "sql", "x", opaque=Opaque(NAME, {"type": "custom_tool_call"}))),
    )
    results = Message(
        "tool",
        (
            ToolResult("c", "see", (Text("look"), File("image/png", data=b"x"))),
            ToolResult("d", "sql", (Text("5"),)),
            ToolResult("e", "nothing", ()),
        ),
    )
    said = items(call, results)
    assert said[:2] == [
        {"type": "function_call", "call_id": "c", "name": "see", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "d", "name": "sql", "input": "x"},
    ]
    assert said[2]["output"] == [
        {"type": "input_text", "text": "look"},
        {"type": "input_image", "image_url": "data:image/png;base64,eA=="},
    ]
    assert said[3:] == [
        {"type": "custom_tool_call_output", "call_id": "d", "output": "5"},
        {"type": "function_call_output", "call_id": "e", "output": ""},
    ]


def test_reasoning_goes_back_where_the_server_can_read_it() -> None:
    held = Reasoning("a", Opaque(NAME, ENCRYPTED))
    bare_item = {key: ENCRYPTED[key] for key in ("type", "id", "summary")}
    bare = Reasoning("", Opaque(NAME, bare_item))
    other = Reasoning("b", Opaque("anthropic_messages", {"signature": "s"}))
    answer = Message("assistant", (held, bare, other, Text("x")))
    assert items(answer) == [ENCRYPTED, {"role": "assistant", "content": "x"}]
    assert [text[:60] for text in warnings(Request("m", (answer,)))] == [
        "messages[0]: the reasoning came without its encrypted conten",
        "messages[0]: this wire takes back only reasoning of its own;",
    ]
    assert items(answer, options={"store": True})[:2] == [ENCRYPTED, bare_item]
    assert items(answer, profile=Profile(store=None))[:2] == [ENCRYPTED, bare_item]


def test_encrypted_reasoning_is_asked_for_as_the_profile_says() -> None:
    settled = Request(
        "m", (user("x"),), reasoning=ReasoningSettings(effort="high"), options={"reasoning": {"summary": "auto"}}
    )
    assert body(settled)["reasoning"] == {"effort": "high", "summary": "auto"}
    assert body(settled)["include"] == ["reasoning.encrypted_content"]
    bare = Request("m", (user("x"),), options={"include": ["web_search_call.action.sources"]})
    assert body(bare)["include"] == ["web_search_call.action.sources"]
    assert body(bare, Profile(include_encrypted="always"))["include"] == [
        "web_search_call.action.sources",
        "reasoning.encrypted_content",
    ]
    assert "include" not in body(settled, Profile(include_encrypted="never"))


def test_an_answer_goes_back_bare_or_verbatim() -> None:
    data = Opaque(
        NAME, {"item": {"id": "msg_1", "status": "completed", "phase": "final_answer"}, "part": {"annotations": []}}
    )
    call = ToolCall("c", "f", "{}", opaque=Opaque(NAME, {"id": "fc_1", "status": "completed", "namespace": "n"}))
    answer = Message("assistant", (Text("x", opaque=data), call))
    assert items(answer) == [
        {"role": "assistant", "phase": "final_answer", "content": "x"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "namespace": "n"},
    ]
    message, called = items(answer, profile=Profile(items_verbatim=True))
    assert message == {
        "type": "message",
        "role": "assistant",
        "id": "msg_1",
        "status": "completed",
        "phase": "final_answer",
        "content": [{"type": "output_text", "text": "x", "annotations": []}],
    }
    assert (called["id"], called["status"]) == ("fc_1", "completed")


def test_sources_and_refusals_stand_in_the_message_that_they_belong_to() -> None:
    cited = Source("https://x.test", "X", 0, 1)
    answer = Message("assistant", (Text("a"), cited, ToolCall("c", "f", "{}"), Refusal("no")))
    annotation = {"type": "url_citation", "url": "https://x.test", "title": "X", "start_index": 0, "end_index": 1}
    assert items(answer) == [
        {"role": "assistant", "content": [{"type": "output_text", "text": "a", "annotations": [annotation]}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
    ]


def test_instructions_take_the_first_system_message_where_the_hand_does() -> None:
    request = Request("m", (system("a"), system("b"), user("c")))
    said = body(request, Profile(instructions=True, system_role="developer"))
    assert said["instructions"] == "a"
    assert [item["role"] for item in said["input"]] == ["developer", "user"]
    assert "instructions" not in body(request)


def test_what_the_wire_cannot_say_is_a_warning() -> None:
    other = Opaque("anthropic_messages", {"x": 1})
    answer = Message(
        "assistant",
        (
            Native("server_tool_use", other),
            File("image/png", data=b"x"),
            ToolCall("c", "f", "{}", Cache(), other),
            Text("x", Cache()),
        ),
        name="bob",
    )
    request = Request(
        "m",
        (
            user(Text("x"), Reasoning("y"), File("video/mp4", url="https://x.test")),
            answer,
            Message("tool", (Text("z"),)),
        ),
        tools=(ToolSpec("f", "", {}, cache=Cache()),),
        stop=("a",),
        seed=1,
        temperature=0.5,
        reasoning=ReasoningSettings(max_tokens=9),
    )
    found = warnings(request, Profile(sampling=False))
    assert sorted({text.partition(":")[0] for text in found}) == [
        "messages[0]",
        "messages[1]",
        "messages[2]",
        "reasoning.max_tokens",
        "seed",
        "stop",
        "temperature",
        "tools[0].cache",
    ]
    assert len(found) == 14
    assert len(body(request)["input"]) == 3


def test_a_memo_keeps_the_bytes_of_messages_and_their_warnings_are_given_once() -> None:
    memo: Memo = {}
    here = Endpoint("p", "https://p.test/v1", PLAIN)
    request = Request("m", (system("a"), user("b"), user(Text("c", Cache()))))
    first, second = (openai_responses.encode_request(request, here, memo) for _ in range(2))
    assert first.http == second.http
    assert (len(first.warnings), len(second.warnings), len(memo)) == (1, 0, 3)
    assert json.loads(first.http.body) == body(request)


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"{", "a JSON object expected as the body"),
        (b"[]", "a list came"),
        (b'{"model":"m","input":5}', "a string or a list expected at input"),
        (b'{"model":"m","input":[5]}', "an object expected at input[0]"),
        (b'{"model":"m","input":[{}]}', "a type or a role expected at input[0]"),
        (b'{"model":"m","input":[{"role":"king","content":"x"}]}', "expected at input[0].role, 'king' came"),
        (b'{"model":"m","input":[{"role":"user","content":5}]}', "expected at input[0].content, a number came"),
        (b'{"model":"m","input":[{"role":"user","content":[5]}]}', "expected at input[0].content[0]"),
        (b'{"model":"m","input":[{"type":"function_call_output"}]}', "expected at input[0].output, null came"),
        (b'{"model":5,"input":"x"}', "a string expected at model"),
        (b'{"model":"m","input":"x","include":5}', "a list expected at include, a number came"),
        (b'{"model":"m","input":"x","tools":[5]}', "an object expected at tools[0]"),
    ],
)
def test_a_body_that_is_no_request_is_refused_with_the_place(data: bytes, where: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        openai_responses.decode_request(HTTPRequest("POST", "https://x.test", (), data))
    assert where in str(caught.value)


@pytest.mark.parametrize(
    ("data", "paths"),
    [
        ({"input": "x", "mood": 1}, ("mood",)),
        ({"input": [{"role": "user", "content": "x", "mood": 1}]}, ()),
        (
            {
                "input": [
                    {"role": "user", "content": "x"},
                    {"role": "user", "content": [{"type": "input_text", "text": "y"}]},
                ]
            },
            ("input[1].content",),
        ),
        (
            {"input": "x", "tools": [{"type": "function", "name": "f", "defer_loading": True}]},
            ("tools[0].defer_loading",),
        ),
    ],
)
def test_what_is_not_modelled_is_reported(data: Any, paths: tuple[str, ...]) -> None:
    assert again({"model": "m", **data})[1] == paths
