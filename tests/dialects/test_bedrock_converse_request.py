"""A request as the Converse wire writes it, and as it is read off it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from playhead.dialects import bedrock_converse
from playhead.dialects.base import Endpoint, Memo
from playhead.dialects.bedrock_converse import Profile
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
from playhead.providers.base import profile_for
from playhead.providers.catalog import resolve
from playhead.request import NamedTool, OutputSchema, ReasoningSettings, Request, ToolSpec
from playhead.wire import HTTPRequest

NAME = "bedrock_converse"
BASE = "https://bedrock-runtime.us-east-1.amazonaws.com"
SPEC = ToolSpec("weather", "The weather", {"type": "object"})
CALL = ToolCall("t1", "weather", '{"location":"Florence"}')


def own(value: Any) -> Opaque:
    return Opaque(NAME, value)


def written(
    *messages: Message, profile: Profile | None = None, model: str = "amazon.nova-pro-v1:0", **more: Any
) -> tuple[Any, list[str]]:
    """The body of a request, and its warnings."""
    request = Request(model, messages, **more)
    said = bedrock_converse.encode_request(request, Endpoint("bedrock", BASE, profile or Profile()))
    return json.loads(said.http.body), [f"{warning.where}: {warning.message}" for warning in said.warnings]


def content(*parts: Any, role: Any = "user", profile: Profile | None = None) -> tuple[Any, list[str]]:
    """The blocks of one message, and the warnings."""
    before = () if role in ("user", "tool") else (user("hi"),)
    body, warnings = written(*before, Message(role, parts), profile=profile)
    return body["messages"][-1]["content"], warnings


def received(body: dict[str, Any], path: str = "/model/m/converse") -> Any:
    return bedrock_converse.decode_request(HTTPRequest("POST", BASE + path, (), json.dumps(body).encode()))


def test_a_request_names_model_and_stream_in_its_url_only() -> None:
    endpoint = Endpoint("bedrock", BASE, Profile(), (("X-Of-Ours", "1"),))
    arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-pro-v1:0"
    said = bedrock_converse.encode_request(Request(arn, (user("hi"),), stream=True), endpoint)
    assert said.http.url == (
        f"{BASE}/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.amazon.nova-pro-v1%3A0/converse-stream"
    )
    assert said.http.headers == (
        ("Accept", "application/vnd.amazon.eventstream"),
        ("Content-Type", "application/json"),
        ("X-Of-Ours", "1"),
    )
    assert said.http.body == b'{"messages":[{"role":"user","content":[{"text":"hi"}]}]}'
    found = bedrock_converse.decode_request(said.http)
    assert (found.request.model, found.request.stream) == (arn, True)
    raw = received({"messages": []}, "/model/amazon.nova-pro-v1:0/converse")
    assert (raw.request.model, raw.profile.raw_colon) == ("amazon.nova-pro-v1:0", True)


def test_everything_that_the_vocabulary_says_has_its_place() -> None:
    body, warnings = written(
        system("Be kind."),
        user("hi"),
        tools=(SPEC, msgspec.structs.replace(SPEC, name="b", strict=True, cache=Cache())),
        tool_choice=NamedTool("b"),
        output=OutputSchema("answer", {"type": "object"}, "what is wanted"),
        max_tokens=9,
        temperature=0.5,
        top_p=0.9,
        stop=("END",),
        options={"additionalModelRequestFields": {"top_k": 3}, "guardrailConfig": {"guardrailIdentifier": "g"}},
    )
    assert warnings == []
    assert body == {
        "messages": [{"role": "user", "content": [{"text": "hi"}]}],
        "system": [{"text": "Be kind."}],
        "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]},
        "toolConfig": {
            "tools": [
                {
                    "toolSpec": {
                        "name": "weather",
                        "description": "The weather",
                        "inputSchema": {"json": {"type": "object"}},
                    }
                },
                {
                    "toolSpec": {
                        "name": "b",
                        "description": "The weather",
                        "inputSchema": {"json": {"type": "object"}},
                        "strict": True,
                    }
                },
                {"cachePoint": {"type": "default"}},
            ],
            "toolChoice": {"tool": {"name": "b"}},
        },
        "outputConfig": {
            "textFormat": {
                "type": "json_schema",
                "structure": {
                    "jsonSchema": {"schema": '{"type":"object"}', "name": "answer", "description": "what is wanted"}
                },
            }
        },
        "additionalModelRequestFields": {"top_k": 3},
        "guardrailConfig": {"guardrailIdentifier": "g"},
    }


def test_what_the_wire_has_no_word_for_is_a_warning() -> None:
    _, warnings = written(
        user("hi"),
        seed=1,
        parallel_tool_calls=False,
        output=OutputSchema("o", None),
        reasoning=ReasoningSettings("low"),
    )
    assert [warning.partition(":")[0] for warning in warnings] == ["reasoning", "seed", "parallel_tool_calls", "output"]
    body, warnings = written(user("hi"), parallel_tool_calls=True)
    assert (body.keys(), warnings) == ({"messages"}, [])


def test_messages_of_one_role_are_joined_and_the_user_begins() -> None:
    answer = Message("tool", (ToolResult("t1", "weather", (Text("hot"),)), ToolResult("t2", "weather", ())))
    body, warnings = written(
        Message("assistant", (Text("Hello."), CALL)), answer, user("a"), user("b"), Message("assistant", (Text("c"),))
    )
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user", "assistant"]
    assert body["messages"][0]["content"] == [{"text": "(The conversation begins.)"}]
    assert body["messages"][2]["content"] == [
        {"toolResult": {"toolUseId": "t1", "content": [{"text": "hot"}]}},
        {"toolResult": {"toolUseId": "t2", "content": []}},
        {"text": "a"},
        {"text": "b"},
    ]
    assert len(warnings) == 1
    assert "user to speak first" in warnings[0]


def test_what_is_empty_is_left_out_and_so_the_roles_still_take_turns() -> None:
    blank = ToolResult("t1", "weather", (Text(" "),))
    body, warnings = written(
        system(""), user("a"), Message("assistant", (Text("\n"),)), user("", "b"), Message("tool", (blank,))
    )
    assert body == {
        "messages": [
            {
                "role": "user",
                "content": [{"text": "a"}, {"text": "b"}, {"toolResult": {"toolUseId": "t1", "content": []}}],
            }
        ]
    }
    assert warnings == []


def test_a_system_message_among_the_others_goes_to_the_top() -> None:
    body, warnings = written(user("a"), system("late"))
    assert body["system"] == [{"text": "late"}]
    assert warnings == ["messages[1]: this wire takes system messages at the top only; it was moved there"]
    in_place = {"messages": [{"role": r, "content": [{"text": r}]} for r in ("user", "system", "assistant")]}
    found = received(in_place)
    assert [message.role for message in found.request.messages] == ["user", "system", "assistant"]
    assert found.unmodelled == ()


def test_marks_to_cache_are_blocks_after_what_they_mark() -> None:
    body, warnings = written(
        Message("system", (Text("s", Cache()),)),
        Message("user", (Text("a", Cache("1h")), File("image/png", b"x", cache=Cache()))),
        Message("tool", (ToolResult("t", "f", (Text("r", Cache()),), cache=Cache()),)),
    )
    point = {"cachePoint": {"type": "default"}}
    assert body["system"] == [{"text": "s"}, point]
    assert [block if "cachePoint" in block else next(iter(block)) for block in body["messages"][0]["content"]] == [
        *("text", {"cachePoint": {"type": "default", "ttl": "1h"}}),
        *("image", point, "toolResult", point),
    ]
    assert warnings == ["messages[2]: a tool's result is cached whole; the mark inside of it was left out"]
    _, warnings = content(Text("a", Cache()), profile=Profile(cache_points=()))
    assert warnings == ["messages[0]: this model takes no mark to cache in messages; it was left out"]
    _, warnings = written(Message("user", (Text(" ", Cache()),)))
    assert warnings == ["messages[0]: a mark to cache wants something before it; it was left out"]


@pytest.mark.parametrize(
    ("file", "block"),
    [
        (File("image/jpeg", b"abc"), {"image": {"format": "jpeg", "source": {"bytes": "YWJj"}}}),
        (
            File("", url="s3://b/a.JPG"),
            {"image": {"format": "jpeg", "source": {"s3Location": {"uri": "s3://b/a.JPG"}}}},
        ),
        (
            File("image/png", url="data:image/gif;base64,YWJj"),
            {"image": {"format": "gif", "source": {"bytes": "YWJj"}}},
        ),
        (
            File("application/pdf", b"abc", name="Q3 report, v2.pdf"),
            {"document": {"format": "pdf", "source": {"bytes": "YWJj"}, "name": "Q3 report v2 pdf"}},
        ),
        (
            File("text/x-python", b"abc"),
            {"document": {"format": "txt", "source": {"bytes": "YWJj"}, "name": "document-352441c2"}},
        ),
        (
            File("text/markdown", b"abc", name="n", opaque=own({"context": "c"})),
            {"document": {"format": "md", "source": {"bytes": "YWJj"}, "name": "n", "context": "c"}},
        ),
        (File("video/3gpp", b"abc"), {"video": {"format": "three_gp", "source": {"bytes": "YWJj"}}}),
        (File("audio/mpeg", b"abc"), {"audio": {"format": "mp3", "source": {"bytes": "YWJj"}}}),
    ],
)
def test_files_are_blocks_of_their_kind(file: File, block: dict[str, Any]) -> None:
    assert content(file) == ([block], [])
    found = received({"messages": [{"role": "user", "content": [block]}]})
    assert found.unmodelled == ()
    assert isinstance(found.request.messages[0].parts[0], File)


@pytest.mark.parametrize(
    "file",
    [
        File("image/bmp", b"x"),
        File("", url="https://a.test/x.png"),
        File("image/png", url="data:image/png,x"),
        File("", url="s3://bucket/unknown"),
        File("application/zip", b"x"),
    ],
)
def test_a_file_that_the_wire_does_not_take_is_left_out_with_a_warning(file: File) -> None:
    blocks, warnings = content(Text("see"), file)
    assert blocks == [{"text": "see"}]
    assert len(warnings) == 1


def test_what_an_answer_said_goes_back_as_it_was() -> None:
    citation = {"title": "t", "location": {"documentChar": {"documentIndex": 0, "start": 1, "end": 4}}}
    blocks = [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": "AAE="}},
        {"text": "plain"},
        {"citationsContent": {"content": [{"text": "cited"}], "citations": [citation]}},
        {"citationsContent": {"content": [{"text": "one"}, {"text": "two"}], "citations": [citation]}},
        {"toolUse": {"toolUseId": "t", "name": "g", "input": {"q": "x"}, "type": "server_tool_use"}},
        {"toolResult": {"toolUseId": "t", "content": [{"json": {"a": 1}}], "type": "g_result"}},
        {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"location": "Florence"}}},
    ]
    body = {"messages": [{"role": "user", "content": [{"text": "q"}]}, {"role": "assistant", "content": blocks}]}
    found = received(body)
    assert found.unmodelled == ()
    source = Source("", "t", opaque=own(citation))
    assert found.request.messages[1].parts == (
        Reasoning("hm", own({"signature": "s"})),
        Reasoning("", own({"redactedContent": "AAE="})),
        Text("plain"),
        *(Text("cited"), source),
        *(Text("onetwo", opaque=own(blocks[4])), source),
        Native("toolUse", own(blocks[5])),
        Native("toolResult", own(blocks[6])),
        CALL,
    )


def test_what_another_wire_said_is_told_or_left_out_with_a_warning() -> None:
    blocks, warnings = content(
        Reasoning("r", Opaque("anthropic_messages", {})),
        Text("a"),
        Source("https://a.test"),
        Refusal("no"),
        Native("web_search_call", Opaque("openai_responses", {})),
        ToolCall("functions/x 0", "f", "not json", opaque=Opaque("gemini", {})),
        ToolCall("functions.x:0", "f", ""),
        role="assistant",
    )
    assert blocks[:2] == [{"text": "a"}, {"text": "no"}]
    assert blocks[2]["toolUse"]["input"] == {"INVALID_JSON": "not json"}
    assert blocks[2]["toolUse"]["toolUseId"].startswith("call_")
    assert blocks[3] == {"toolUse": {"toolUseId": "functions.x:0", "name": "f", "input": {}}}
    assert len(blocks) == 4
    assert len(warnings) == 6


def test_a_call_and_its_result_name_each_other_though_the_id_does_not_fit() -> None:
    call = ToolCall("a b", "weather", "{}")
    body, _ = written(user("q"), Message("assistant", (call,)), Message("tool", (ToolResult("a b", "weather", ()),)))
    asked, given = body["messages"][1]["content"][0], body["messages"][2]["content"][0]
    assert asked["toolUse"]["toolUseId"] == given["toolResult"]["toolUseId"] != "a b"


def test_a_failed_result_says_so_where_the_model_takes_a_status() -> None:
    failed = ToolResult("t", "f", (Text("Error"),), True)
    assert content(failed, role="tool")[0][0]["toolResult"]["status"] == "error"
    blocks, warnings = content(failed, role="tool", profile=Profile(result_status=False))
    assert "status" not in blocks[0]["toolResult"]
    assert len(warnings) == 1


@pytest.mark.parametrize(
    ("model", "choice", "said", "warned"),
    [
        ("amazon.nova-pro-v1:0", "required", {"any": {}}, False),
        ("amazon.nova-pro-v1:0", NamedTool("weather"), {"tool": {"name": "weather"}}, False),
        ("amazon.nova-pro-v1:0", "auto", {"auto": {}}, False),
        ("us.meta.llama3-3-70b-instruct-v1:0", "required", None, True),
        ("us.meta.llama3-3-70b-instruct-v1:0", NamedTool("weather"), None, True),
        ("mistral.mistral-large-2402-v1:0", NamedTool("weather"), {"any": {}}, False),
        ("mistral.mistral-large-2402-v1:0", "required", {"any": {}}, False),
    ],
)
def test_a_choice_of_tools_is_what_the_model_takes_of_it(model: str, choice: Any, said: Any, warned: bool) -> None:
    profile = profile_for(*resolve(f"bedrock-converse:{model}"))
    body, warnings = written(user("hi"), model=model, profile=profile, tools=(SPEC,), tool_choice=choice)
    assert body["toolConfig"].get("toolChoice") == said
    assert bool(warnings) is warned


def test_no_tools_are_told_of_where_none_may_be_called() -> None:
    body, warnings = written(user("hi"), tools=(SPEC,), tool_choice="none")
    assert (body.keys(), warnings) == ({"messages"}, [])
    result = Message("tool", (ToolResult("t1", "weather", (Text("hot"),)),))
    body, warnings = written(user("hi"), Message("assistant", (CALL,)), result, tools=(SPEC,), tool_choice="none")
    assert body["toolConfig"].keys() == {"tools"}
    assert len(warnings) == 1


@pytest.mark.parametrize(
    ("model", "settings", "fields", "effort"),
    [
        (
            "anthropic.claude-haiku-4-5-v1:0",
            ReasoningSettings(max_tokens=2000),
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
            None,
        ),
        (
            "anthropic.claude-haiku-4-5-v1:0",
            ReasoningSettings("medium"),
            {"thinking": {"type": "enabled", "budget_tokens": 8192}},
            None,
        ),
        ("anthropic.claude-opus-4-7-v1:0", ReasoningSettings("high"), {"thinking": {"type": "adaptive"}}, "high"),
        ("anthropic.claude-opus-4-7-v1:0", ReasoningSettings("none"), {"thinking": {"type": "disabled"}}, None),
        (
            "us.amazon.nova-2-lite-v1:0",
            ReasoningSettings("low"),
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}},
            None,
        ),
        ("us.amazon.nova-2-lite-v1:0", ReasoningSettings("none"), {"reasoningConfig": {"type": "disabled"}}, None),
        ("openai.gpt-oss-120b-1:0", ReasoningSettings("high"), {"reasoning_effort": "high"}, None),
    ],
)
def test_each_family_is_told_to_think_in_its_own_words(
    model: str, settings: ReasoningSettings, fields: Any, effort: str | None
) -> None:
    profile = profile_for(*resolve(f"bedrock-converse:{model}"))
    request = Request(model, (user("hi"),), reasoning=settings)
    said = bedrock_converse.encode_request(request, Endpoint("b", BASE, profile))
    body = json.loads(said.http.body)
    assert said.warnings == ()
    assert body["additionalModelRequestFields"] == fields
    assert body.get("outputConfig", {}).get("effort") == effort
    found = bedrock_converse.decode_request(said.http)
    assert found.unmodelled == ()
    assert found.request.reasoning is not None
    assert found.request.options == {}


def test_a_turn_that_began_without_thinking_ends_without() -> None:
    profile = profile_for(*resolve("bedrock-converse:anthropic.claude-haiku-4-5-v1:0"))
    history = (
        user("q"),
        Message("assistant", (CALL,)),
        Message("tool", (ToolResult("t1", "weather", (Text("hot"),)),)),
    )
    more: dict[str, Any] = {"profile": profile, "reasoning": ReasoningSettings(max_tokens=2000)}
    body, warnings = written(*history, **more)
    assert "additionalModelRequestFields" not in body
    assert warnings == ["reasoning: the turn under way began without thinking, and must end so; it was left out"]
    assert written(*history, user("and?"), **more)[1] == []


def test_thinking_that_the_settings_do_not_hold_rides_as_an_option() -> None:
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}, "top_k": 1}
    found = received({"messages": [], "additionalModelRequestFields": thinking, "outputConfig": {"effort": "low"}})
    assert found.unmodelled == ()
    assert found.request.reasoning is None
    assert found.request.options == {"additionalModelRequestFields": thinking, "outputConfig": {"effort": "low"}}


def test_reasoning_without_a_signature_goes_back_where_the_model_wants_it() -> None:
    unsigned = Reasoning("hm", own({}))
    assert content(unsigned, role="assistant")[0] == [{"reasoningContent": {"reasoningText": {"text": "hm"}}}]
    blocks, warnings = content(unsigned, Text("a"), role="assistant", profile=Profile(reasoning_back=False))
    assert blocks == [{"text": "a"}]
    assert warnings == ["messages[1]: this model takes no reasoning back; it was left out"]


def test_a_message_is_encoded_once_with_a_memo() -> None:
    memo: Memo = {}
    here = Endpoint("b", BASE, Profile())
    request = Request("m", (user("a"), Message("assistant", (Text("b"), Source("u"))), user("c"), user("d")))
    first = bedrock_converse.encode_request(request, here, memo)
    second = bedrock_converse.encode_request(request, here, memo)
    assert len(memo) == 4
    assert first.http == second.http == bedrock_converse.encode_request(request, here).http
    assert (len(first.warnings), len(second.warnings)) == (1, 0)


def test_a_field_that_nobody_knows_is_reported_by_path() -> None:
    found = received(
        {
            "messages": [{"role": "user", "content": [{"text": "a"}], "zzz": 1}],
            "inferenceConfig": {"topK": 3},
            "unheardOf": {},
            "toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {}}, "more": 1}}]},
        }
    )
    assert set(found.unmodelled) == {"messages[0].zzz", "unheardOf"}
    assert found.request.options["inferenceConfig"] == {"topK": 3}
    assert found.request.options["toolConfig"]["tools"][0]["toolSpec"]["more"] == 1


def test_messages_that_bedrock_refuses_are_kept_as_they_were() -> None:
    body = {
        "messages": [
            {"role": "assistant", "content": [{"text": ""}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": []}}, {"text": "x"}]},
            {"role": "user", "content": []},
        ]
    }
    found = received(body)
    assert found.unmodelled == ()
    assert found.profile.as_it_is


@pytest.mark.parametrize("uri", ["data:image/png;base64,", "data:video/mp4;base64,AAAA", "https://v/x.mp4", ""])
def test_a_place_in_s3_that_is_none_is_kept_as_it_was(uri: str) -> None:
    """Also one that says another kind of file than its block does."""
    block = {"video": {"format": "mp4", "source": {"s3Location": {"uri": uri}}}}
    body = {"messages": [{"role": "user", "content": [{"text": "a"}, block]}]}
    found = received(body)
    assert found.unmodelled == ()
    again = bedrock_converse.encode_request(found.request, Endpoint("b", BASE, found.profile))
    assert json.loads(again.http.body) == body


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[", "a JSON object expected as the body"),
        (b"[]", "a JSON object expected at the body, a list came"),
        (b'{"messages":{}}', "a list expected at messages, an object came"),
        (b'{"messages":[{"role":"tool","content":[]}]}', r"messages\[0\]\.role, 'tool' came"),
        (b'{"messages":[{"role":"user","content":"hi"}]}', r"a list expected at messages\[0\]\.content, a string came"),
        (
            b'{"messages":[{"role":"user","content":[{}]}]}',
            r"a block of content expected at messages\[0\]\.content\[0\]",
        ),
        (b'{"messages":[{"role":"user","content":[{"toolResult":{}}]}]}', r"toolResult\.toolUseId, null came"),
        (b'{"messages":[{"role":"assistant","content":[{"toolUse":{}}]}]}', r"messages\[0\]\.content\[0\]"),
        (b'{"messages":[],"inferenceConfig":{"maxTokens":"9"}}', "a number expected at inferenceConfig.maxTokens"),
        (b'{"messages":[],"toolConfig":[]}', "an object expected at toolConfig, a list came"),
    ],
)
def test_a_body_that_is_no_request_is_refused_with_the_place(body: bytes, says: str) -> None:
    with pytest.raises(BadRequestError, match=says):
        bedrock_converse.decode_request(HTTPRequest("POST", f"{BASE}/model/m/converse", (), body))
