"""Requests of the Gemini wire, out and in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from playhead.dialects import gemini
from playhead.dialects.base import EncodeWarning, Endpoint, Memo
from playhead.dialects.gemini.schema import from_wire, to_wire
from playhead.errors import BadRequestError
from playhead.messages import (
    Cache,
    File,
    Message,
    Native,
    Opaque,
    Reasoning,
    Source,
    Text,
    ToolCall,
    ToolResult,
    system,
    user,
)
from playhead.request import NamedTool, OutputSchema, ReasoningSettings, Request, ToolSpec
from playhead.wire import HTTPRequest

STUDIO = "https://generativelanguage.googleapis.com/v1beta"
VERTEX = "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/google"
MODEL = f"{STUDIO}/models/gemini-2.5-flash"
SIGNED = Opaque("gemini", {"thoughtSignature": "c2ln"})


def encode(request: Request, **hand: Any) -> tuple[dict[str, Any], tuple[EncodeWarning, ...]]:
    encoded = gemini.encode_request(request, Endpoint("google", STUDIO, gemini.Profile(**hand)))
    return json.loads(encoded.http.body), encoded.warnings


def body(*messages: Message, **hand: Any) -> Any:
    return encode(Request("m", messages), **hand)[0]["contents"]


def decode(said: dict[str, Any], url: str = f"{MODEL}:generateContent") -> Any:
    return gemini.decode_request(HTTPRequest("POST", url, (), json.dumps(said).encode()))


def same(said: dict[str, Any], url: str = f"{MODEL}:generateContent") -> Any:
    """The decoded request, once it is shown to be written back the same."""
    decoded = decode(said, url)
    place = gemini.split_url(url)
    assert place is not None
    again = gemini.encode_request(decoded.request, Endpoint("x", place.base_url, decoded.profile))
    assert json.loads(again.http.body) == said
    assert again.http.url == url
    assert decoded.unmodelled == ()
    return decoded


@pytest.mark.parametrize(
    ("url", "base", "model"),
    [
        (f"{MODEL}:generateContent", STUDIO, "gemini-2.5-flash"),
        (f"{MODEL}:streamGenerateContent?alt=sse", STUDIO, "gemini-2.5-flash"),
        (f"{STUDIO}/tunedModels/mine:generateContent", STUDIO, "tunedModels/mine"),
        (f"{VERTEX}/models/gemini-2.5-flash:streamGenerateContent?alt=sse", VERTEX, "gemini-2.5-flash"),
        (
            "https://x.test/v1/projects/p/locations/l/endpoints/12:generateContent",
            "https://x.test/v1/projects/p/locations/l",
            "endpoints/12",
        ),
        (f"{MODEL}:streamGenerateContent", STUDIO, "gemini-2.5-flash"),
        (f"{MODEL}:generateContent?$alt=json", STUDIO, "gemini-2.5-flash"),
    ],
)
def test_the_url_says_model_and_stream(url: str, base: str, model: str) -> None:
    place = gemini.split_url(url)
    assert place is not None
    assert (place.base_url, place.model) == (base, model)
    decoded = same({"contents": []}, url)
    assert decoded.request.model == model
    assert decoded.request.stream is ("stream" in url)


@pytest.mark.parametrize("url", ["https://x.test/v1/chat/completions", f"{MODEL}:countTokens", "generateContent", ""])
def test_another_url_is_none_of_this_wire(url: str) -> None:
    assert gemini.split_url(url) is None
    with pytest.raises(BadRequestError):
        decode({"contents": []}, url)


def test_the_answer_to_a_stream_is_asked_for_as_events() -> None:
    encoded = gemini.encode_request(
        Request("m", (user("hi"),), stream=True), Endpoint("google", STUDIO, gemini.Profile())
    )
    assert encoded.http.url == f"{STUDIO}/models/m:streamGenerateContent?alt=sse"
    assert ("Accept", "text/event-stream") in encoded.http.headers


def test_the_results_of_one_step_stand_in_one_content() -> None:
    call, other = ToolCall("gemini_call_0_r", "add", '{"a": 1}', None, SIGNED), ToolCall("x7", "mul", "{}")
    history = (
        user("go"),
        Message("assistant", (call, other)),
        Message("tool", (ToolResult(call.id, "add", (Text("5"),)),)),
        Message("tool", (ToolResult("x7", "mul", (Text("6"),), is_error=True),)),
    )
    assert body(*history) == [
        {"parts": [{"text": "go"}], "role": "user"},
        {
            "parts": [
                {"functionCall": {"name": "add", "args": {"a": 1}}, "thoughtSignature": "c2ln"},
                {"functionCall": {"id": "x7", "name": "mul", "args": {}}},
            ],
            "role": "model",
        },
        {
            "parts": [
                {"functionResponse": {"name": "add", "response": {"result": "5"}}},
                {"functionResponse": {"id": "x7", "name": "mul", "response": {"error": "6"}}},
            ],
            "role": "user",
        },
    ]


def test_ids_made_here_are_never_sent_and_a_clients_own_are_written_in_its_hand() -> None:
    call = ToolCall("gemini_call_0_r", "add", "{}")
    history = (Message("assistant", (call,)), Message("tool", (ToolResult(call.id, "add", (Text("5"),)),)))
    assert "gemini_call" not in json.dumps(body(*history))
    contents = body(*history, own_ids=("1",))
    assert contents[0]["parts"][0]["functionCall"]["id"] == "1"
    assert contents[1]["parts"][0]["functionResponse"]["id"] == "1"
    foreign = (Message("assistant", (ToolCall("call_abc", "add", "{}"),)),)
    assert body(*foreign)[0]["parts"][0]["functionCall"]["id"] == "call_abc"
    assert "id" not in body(*foreign, call_ids=False)[0]["parts"][0]["functionCall"]


def test_results_without_ids_are_matched_by_name_in_order() -> None:
    def asked(name: str) -> dict[str, Any]:
        return {"functionCall": {"name": name, "args": {}}}

    def answered(name: str, said: Any) -> dict[str, Any]:
        return {"functionResponse": {"name": name, "response": {"result": said}}}

    contents = [
        {"parts": [{"text": "go"}], "role": "user"},
        {"parts": [asked("add"), asked("mul"), asked("add")], "role": "model"},
        {"parts": [answered("add", "1"), answered("add", "3"), answered("mul", "2")], "role": "user"},
    ]
    messages = same({"contents": contents}).request.messages
    calls = [part.id for part in messages[1].all(ToolCall)]
    assert len(set(calls)) == 3
    assert [part.call_id for part in messages[2].all(ToolResult)] == [calls[0], calls[2], calls[1]]


def test_arguments_keep_every_digit() -> None:
    text = '{"n": 12345678901234567890123456789, "x": 1.10}'
    encoded = gemini.encode_request(
        Request("m", (Message("assistant", (ToolCall("1", "t", text),)),)),
        Endpoint("google", STUDIO, gemini.Profile()),
    )
    assert text.encode() in encoded.http.body


@pytest.mark.parametrize("broken", ["{", "[1]", '"x"', "nul"])
def test_arguments_that_are_no_object_are_kept_in_one(broken: str) -> None:
    said, warnings = encode(Request("m", (Message("assistant", (ToolCall("1", "t", broken),)),)))
    assert said["contents"][0]["parts"][0]["functionCall"]["args"] == {"arguments": broken}
    assert len(warnings) == 1


def test_a_signature_goes_back_on_its_own_part() -> None:
    empty = {"text": "", "thoughtSignature": "ZQ=="}
    code = {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "Yw=="}
    parts = [
        {"text": "thought", "thought": True, "thoughtSignature": "dA=="},
        {"text": "said", "thoughtSignature": "cw=="},
        empty,
        code,
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
        {"inlineData": {"mimeType": "image/png", "data": "eA=="}, "thoughtSignature": "aQ=="},
        {"functionCall": {"name": "t", "args": {}}, "thoughtSignature": "Zg=="},
    ]
    decoded = same({"contents": [{"parts": parts, "role": "model"}]})
    kinds = [type(part) for part in decoded.request.messages[0].parts]
    assert kinds == [Reasoning, Text, Reasoning, Native, Native, File, ToolCall]


def test_thoughts_without_a_signature_go_back_only_in_a_hand_that_sends_them() -> None:
    message = Message("assistant", (Reasoning("hmm"), Text("ok")))
    assert body(message) == [{"parts": [{"text": "ok"}], "role": "model"}]
    assert body(message, thoughts_back=True)[0]["parts"][0] == {"text": "hmm", "thought": True}
    parts = [{"text": "hmm", "thought": True}, {"text": "ok"}]
    assert same({"contents": [{"parts": parts, "role": "model"}]}).profile.thoughts_back


def test_a_call_of_another_provider_is_signed_with_the_stand_in() -> None:
    calls = Message("assistant", (ToolCall("a", "t", "{}"), ToolCall("b", "t", "{}")))
    first, second = body(calls, stand_in_signature="skip")[0]["parts"]
    assert first["thoughtSignature"] == "skip"
    assert "thoughtSignature" not in second
    own = Message("assistant", (ToolCall("a", "t", "{}", None, SIGNED),))
    assert body(own, stand_in_signature="skip")[0]["parts"][0]["thoughtSignature"] == "c2ln"


def test_files_are_data_or_uri_in_and_out() -> None:
    parts = [
        {"text": "see"},
        {"inlineData": {"mimeType": "application/pdf", "data": "JVBERg=="}},
        {"inlineData": {"mimeType": "audio/wav", "data": "not-base64_"}},
        {"fileData": {"mimeType": "image/png", "fileUri": "gs://b/x.png"}},
        {"fileData": {"fileUri": "https://youtu.be/x"}},
        {"inlineData": {"mimeType": "image/png", "data": "eA=="}, "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}},
    ]
    message = same({"contents": [{"parts": parts, "role": "user"}]}).request.messages[0]
    assert message.parts[1:] == (
        File("application/pdf", b"%PDF"),
        File("audio/wav", url="data:audio/wav;base64,not-base64_"),
        File("image/png", url="gs://b/x.png"),
        File("", url="https://youtu.be/x"),
        File("image/png", b"x", detail="low"),
    )


def test_files_of_a_result_stand_inside_or_beside_it() -> None:
    message = Message("tool", (ToolResult("a", "shot", (Text("ok"), File("image/png", b"x"))),))
    blob = {"inlineData": {"mimeType": "image/png", "data": "eA=="}}
    said = {"id": "a", "name": "shot", "response": {"result": "ok"}}
    assert body(message)[0]["parts"] == [{"functionResponse": said}, blob]
    inside = [{"functionResponse": {**said, "parts": [blob]}}]
    assert body(message, result_media="inside")[0]["parts"] == inside
    assert same({"contents": [{"parts": inside, "role": "user"}]}).request.messages == (message,)


@pytest.mark.parametrize(
    ("response", "text", "failed"),
    [
        ({"result": "40 C"}, "40 C", False),
        ({"output": "40 C"}, "40 C", False),
        ({"error": "no"}, "no", True),
        ({"degrees": 40, "unit": "C"}, '{"degrees":40,"unit":"C"}', False),
        ({"result": {"degrees": 40}}, '{"result":{"degrees":40}}', False),
        ({}, "{}", False),
    ],
)
def test_a_results_object_is_read_and_written_in_the_clients_hand(response: Any, text: str, failed: bool) -> None:
    said = {"functionResponse": {"name": "t", "response": response}}
    (message,) = same({"contents": [{"parts": [said], "role": "user"}]}).request.messages
    (result,) = message.all(ToolResult)
    assert (result.text, result.is_error) == (text, failed)


def test_the_other_spelling_is_read_and_written_back() -> None:
    said = {
        "system_instruction": {"parts": [{"text": "be kind"}]},
        "contents": [{"parts": [{"text": "x"}, {"inline_data": {"mime_type": "image/png", "data": "eA=="}}]}],
        "tools": [
            {
                "function_declarations": [
                    {
                        "name": "t",
                        "description": "d",
                        "parameters": {
                            "type": "object",
                            "properties": {"my_name": {"type": "string", "any_of": [{"type": "string"}]}},
                            "property_ordering": ["my_name"],
                        },
                    }
                ]
            }
        ],
        "tool_config": {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["t"]}},
        "generation_config": {"max_output_tokens": 5, "thinking_config": {"thinking_budget": 0}},
        "safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    }
    said["tools"][0]["function_declarations"][0]["parameters"]["properties"]["my_name"].pop("type")  # type: ignore[index]
    request = same(said).request
    assert request.messages[0] == system("be kind")
    assert request.messages[1].parts[1] == File("image/png", b"x")
    assert request.max_tokens == 5
    assert request.tool_choice == NamedTool("t")
    assert request.reasoning == ReasoningSettings(enabled=False)
    assert "my_name" in request.tools[0].parameters["properties"]
    assert list(request.options) == ["safetySettings"]


def test_systems_messages_are_one_instruction() -> None:
    said, warnings = encode(Request("m", (system("a"), user("x"), system("b"))))
    assert said["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "b"}], "role": "user"}
    assert [warning.where for warning in warnings] == ["messages[2]"]


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (None, {"mode": "AUTO"}),
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        (NamedTool("t"), {"mode": "ANY", "allowedFunctionNames": ["t"]}),
    ],
)
def test_the_choice_of_a_tool(choice: Any, config: Any) -> None:
    tool = ToolSpec("t", "d", {"type": "object", "properties": {"x": {"type": "integer"}}})
    said, _ = encode(Request("m", (user("x"),), tools=(tool,), tool_choice=choice))
    assert said["toolConfig"] == {"functionCallingConfig": config}
    request = same(said).request
    assert request.tool_choice == (None if choice == "auto" else choice)
    assert request.tools == (tool,)


def test_googles_own_tools_and_what_is_not_modelled_ride_as_options() -> None:
    said = {
        "contents": [{"parts": [{"text": "x"}]}],
        "tools": [
            {"googleSearch": {}},
            {
                "functionDeclarations": [
                    {"name": "a", "parametersJsonSchema": {"type": "object"}, "behavior": "BLOCKING"}
                ]
            },
            {"functionDeclarations": [{"name": "b"}]},
            {"codeExecution": {}},
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}, "retrievalConfig": {"languageCode": "it"}},
        "generationConfig": {"topK": 40, "temperature": 0.5, "responseModalities": ["TEXT"], "stopSequences": ["x"]},
        "cachedContent": "cachedContents/1",
        "labels": {"my_team": "x"},
    }
    decoded = same(said)
    assert [tool.name for tool in decoded.request.tools] == ["a", "b"]
    assert decoded.request.options["tools"] == [{"googleSearch": {}}, {"codeExecution": {}}]
    assert decoded.request.options["generationConfig"] == {"topK": 40, "responseModalities": ["TEXT"]}
    assert decoded.request.stop == ("x",)


def test_fields_that_nobody_knows_are_carried_and_reported() -> None:
    said = {"contents": [], "wonder": 1, "generationConfig": {"marvel": 2}}
    decoded = decode(said)
    assert set(decoded.unmodelled) == {"wonder", "generationConfig.marvel"}
    assert encode(decoded.request)[0] == said


@pytest.mark.parametrize(
    ("settings", "config"),
    [
        (ReasoningSettings(effort="high"), {"thinkingLevel": "HIGH"}),
        (ReasoningSettings(max_tokens=128, exclude=False), {"thinkingBudget": 128, "includeThoughts": True}),
        (ReasoningSettings(enabled=False), {"thinkingBudget": 0}),
        (ReasoningSettings(enabled=True, exclude=True), {"thinkingBudget": -1, "includeThoughts": False}),
        (ReasoningSettings(exclude=False), {"includeThoughts": True}),
    ],
)
def test_thinking_both_ways(settings: ReasoningSettings, config: dict[str, Any]) -> None:
    said, warnings = encode(Request("m", (user("x"),), reasoning=settings))
    assert said["generationConfig"] == {"thinkingConfig": config}
    assert not warnings
    assert same(said).request.reasoning == settings


def test_an_effort_is_a_budget_for_models_without_levels() -> None:
    request = Request("m", (user("x"),), reasoning=ReasoningSettings(effort="medium"))
    assert encode(request, effort="budget")[0]["generationConfig"] == {"thinkingConfig": {"thinkingBudget": 8192}}
    request = Request("m", (user("x"),), reasoning=ReasoningSettings(effort="xhigh"))
    said, warnings = encode(request)
    assert said["generationConfig"] == {"thinkingConfig": {"thinkingLevel": "HIGH"}}
    assert [warning.where for warning in warnings] == ["reasoning.effort"]


def test_the_schema_of_an_answer_both_ways() -> None:
    schema = {"type": "object", "title": "City", "properties": {"name": {"type": ["string", "null"]}}}
    output = OutputSchema("City", schema)
    said, _ = encode(Request("m", (user("x"),), output=output))
    assert said["generationConfig"] == {"responseMimeType": "application/json", "responseJsonSchema": schema}
    assert same(said).request.output == output
    said, _ = encode(Request("m", (user("x"),), output=output), output_field="responseSchema")
    converted = {"type": "OBJECT", "title": "City", "properties": {"name": {"type": "STRING", "nullable": True}}}
    assert said["generationConfig"]["responseSchema"] == converted
    assert same(said).request.output == output
    said, _ = encode(Request("m", (user("x"),), output=OutputSchema("json", None)))
    assert same(said).request.output == OutputSchema("json", None)


def test_a_schema_becomes_the_wires_subset_and_says_what_is_lost() -> None:
    schema = {
        "$defs": {
            "Kind": {"enum": ["a", "b"]},
            "Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}},
        },
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "kind": {"$ref": "#/$defs/Kind", "description": "which"},
            "one": {"const": "x"},
            "maybe": {"anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "null"}]},
            "either": {"oneOf": [{"type": "string"}, {"type": "number"}]},
            "level": {"type": "integer", "enum": [1, 2]},
            "all": {"allOf": [{"type": "object", "properties": {"x": {"type": "string"}}}, {"required": ["x"]}]},
            "map": {"type": "object", "additionalProperties": {"type": "string"}},
            "tree": {"$ref": "#/$defs/Node"},
            "multi": {"type": ["string", "integer"]},
        },
        "required": ["kind"],
    }
    converted, lost = to_wire(schema, upper=True)
    assert converted == {
        "type": "OBJECT",
        "properties": {
            "kind": {"enum": ["a", "b"], "type": "STRING", "description": "which"},
            "one": {"enum": ["x"], "type": "STRING"},
            "maybe": {"nullable": True, "type": "INTEGER", "minimum": 1},
            "either": {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}]},
            "level": {"type": "INTEGER"},
            "all": {"type": "OBJECT", "properties": {"x": {"type": "STRING"}}, "required": ["x"]},
            "map": {"type": "OBJECT"},
            "tree": {"type": "OBJECT", "properties": {"next": {"type": "OBJECT"}}},
            "multi": {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]},
        },
        "required": ["kind"],
    }
    assert lost == [
        "properties.level.enum",
        "properties.map.additionalProperties",
        "properties.tree.properties.next.$ref",
    ]
    assert to_wire(from_wire(converted), upper=True) == (converted, [])


def test_what_the_wire_cannot_say_is_a_warning() -> None:
    parts = (
        Text("x", Cache()),
        Source("https://a"),
        Reasoning("r", Opaque("anthropic_messages", {})),
        ToolCall("a", "t", "{}", None, Opaque("openai_chat", {})),
        File("image/png", b"x", detail="high"),
    )
    tool = ToolSpec("t", "", {"type": "object", "properties": {"x": {"not": {}}}}, strict=True, cache=Cache())
    request = Request("m", (Message("assistant", parts, "me"),), tools=(tool,), parallel_tool_calls=False)
    _, warnings = encode(request)
    assert [warning.where for warning in warnings] == [
        *["messages[0]"] * 6,
        "tools[0].parameters.properties.x.not",
        "tools[0].strict",
        "tools[0].cache",
        "parallel_tool_calls",
    ]


def test_a_tool_that_takes_nothing_has_no_schema() -> None:
    tool = ToolSpec("t", "d", {"type": "object", "properties": {}})
    said, _ = encode(Request("m", (user("x"),), tools=(tool,)))
    assert said["tools"] == [{"functionDeclarations": [{"name": "t", "description": "d"}]}]
    empty = {"name": "t", "parameters": {"type": "OBJECT", "properties": {}}}
    same({"contents": [], "tools": [{"functionDeclarations": [empty]}]})


def test_a_message_is_encoded_once() -> None:
    history = [system("s"), user("x")]
    memo: Memo = {}
    here = Endpoint("google", STUDIO, gemini.Profile())
    for turn in range(3):
        request = Request("m", tuple(history))
        again = gemini.encode_request(request, here, memo)
        assert again == gemini.encode_request(request, here)
        assert len(memo) == len(history)
        call = ToolCall(f"gemini_call_{turn}_r", "t", "{}")
        history += [Message("assistant", (call,)), Message("tool", (ToolResult(call.id, "t", (Text("1"),)),))]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b"{}",
        b'{"contents":{}}',
        b'{"contents":[1]}',
        b'{"contents":[{"role":"wizard","parts":[]}]}',
        b'{"contents":[{"parts":{}}]}',
        b'{"contents":[{"parts":[1]}]}',
        b'{"contents":[],"systemInstruction":"x"}',
        b'{"contents":[],"more":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    ],
)
def test_a_body_that_is_no_request_is_refused(said: bytes) -> None:
    with pytest.raises(BadRequestError) as caught:
        gemini.decode_request(HTTPRequest("POST", f"{MODEL}:generateContent", (), said))
    assert caught.value.status == 400
    assert "expected" in str(caught.value)
