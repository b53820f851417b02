"""Structured output as a transformation of requests and of events: what is best where, and what comes back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from playhead.dialects.base import Endpoint
from playhead.dialects.structured import Unstructurer, structured
from playhead.events import ModelEvent, PartDelta, PartEnd, PartStart, ResponseEnd, ResponseStart
from playhead.fold import fold, unfold
from playhead.messages import Message, Opaque, Text, ToolCall, ToolResult, system, user
from playhead.model import Model, dialect_named
from playhead.request import ANSWER, NamedTool, OutputMode, OutputSchema, ReasoningSettings, Request, ToolSpec
from playhead.response import FinishReason, Response
from playhead.shaping import shaped

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "people": {"type": "integer", "default": 0}},
    "required": ["name"],
    "description": "A city",
}
LOOK = ToolSpec("look", "Look", {"type": "object", "properties": {}})
CALLS = FinishReason("tool_calls", "tool_use")


def wish(mode: OutputMode | None = "best", schema: dict[str, Any] = CITY, **more: Any) -> Request:
    return Request("m", (user("Where?"),), output=OutputSchema("City", schema, "A city", None, mode), **more)


def profile(model: str) -> Any:
    return Model.of(model, base_url="http://localhost/v1", api_key="k").endpoint.profile


def way(model: str, *tools: ToolSpec) -> str:
    made = structured(wish(tools=tools), profile(model)).request
    return "native" if made.output is not None else "tool" if len(made.tools) > len(tools) else "text"


@pytest.mark.parametrize(
    ("model", "alone", "beside_tools"),
    [
        ("openai:gpt-5", "native", "native"),
        ("openai:gpt-4o", "native", "native"),
        ("openai:gpt-4o-2024-05-13", "tool", "tool"),
        ("openai:gpt-4-turbo", "tool", "tool"),
        ("openai:o1-mini", "text", "text"),
        ("openai-responses:gpt-5", "native", "native"),
        ("anthropic:claude-opus-4-1", "tool", "tool"),
        ("anthropic:claude-3-7-sonnet-latest", "tool", "tool"),
        ("anthropic:claude-sonnet-4-5", "native", "native"),
        ("anthropic:claude-opus-5", "native", "native"),
        ("vertex:claude-sonnet-4-5@20250929", "tool", "tool"),
        ("bedrock:us.anthropic.claude-opus-4-6-v1", "native", "native"),
        ("google:gemini-2.5-flash", "native", "tool"),
        ("google:gemini-3-pro-preview", "native", "native"),
        ("openrouter:moonshotai/kimi-k2-0905", "native", "native"),
        ("openrouter:anthropic/claude-sonnet-4", "tool", "tool"),
        ("openrouter:anthropic/claude-sonnet-4.5", "native", "native"),
        ("deepseek:deepseek-chat", "tool", "tool"),
        ("zai:glm-4.7", "tool", "tool"),
        ("llamacpp:qwen3", "native", "native"),
    ],
)
def test_each_model_is_asked_as_it_does_best(model: str, alone: str, beside_tools: str) -> None:
    assert way(model) == alone
    assert way(model, LOOK) == beside_tools


def test_beside_tools_of_the_provider_only_words_are_left_where_a_schema_is_refused() -> None:
    search = wish(options={"tools": [{"googleSearch": {}}]})
    made = structured(search, profile("google:gemini-2.5-flash")).request
    assert (made.output, made.tools) == (None, ())
    assert "JSON schema" in made.messages[0].text
    assert structured(search, profile("google:gemini-3-pro-preview")).request.output is not None


def test_a_schema_of_openai_is_strict_where_it_can_be_and_says_so_where_not() -> None:
    made = structured(wish(), profile("openai:gpt-5"))
    assert made.request.output is not None
    assert made.request.output.strict is True
    assert made.request.output.schema is not None
    assert made.request.output.schema["required"] == ["name", "people"]
    assert made.warnings == ()
    anything = {"type": "object", "properties": {"x": {}}}
    made = structured(wish(schema=anything), profile("openai:gpt-5"))
    assert made.request.output == OutputSchema("City", anything, "A city", False)
    assert "properties.x may be anything: it is not held strictly" in made.warnings[0].message


def test_what_anthropic_cannot_hold_is_asked_for_by_tool() -> None:
    made = structured(wish(schema={"type": "object", "additionalProperties": True}), profile("anthropic:claude-opus-5"))
    assert made.tool == "City"
    assert "as a tool's arguments instead" in made.warnings[0].message


def test_a_request_that_wishes_nothing_is_left_as_it_is() -> None:
    for request in (wish(mode=None), Request("m", (user("Hi"),), tools=(LOOK,))):
        assert shaped(request, profile("anthropic:claude-opus-4-1")) == (request, (), ())


def test_a_strict_tool_is_rewritten_and_is_not_strict_where_it_cannot_be() -> None:
    loose = {"type": "object", "properties": {"x": {"type": "integer"}}}
    tools = (ToolSpec("a", "", loose, True), ToolSpec("b", "", {"type": "object"}, True), ToolSpec("c", "", loose))
    made = structured(Request("m", (), tools=tools), profile("openai:gpt-5"))
    a, b, c = made.request.tools
    assert a.parameters["required"] == ["x"]
    assert a.parameters["properties"] == {"x": {"type": ["integer", "null"]}}
    assert (b.strict, b.parameters) == (None, {"type": "object"})
    assert c is tools[2]
    assert [warning.where for warning in made.warnings] == ["tools[1].parameters"]


def test_the_tool_of_the_answer_has_a_name_of_its_own_and_an_object() -> None:
    taken = ToolSpec("City", "", {"type": "object", "properties": {}})
    made = structured(wish("tool", {"type": "array", "items": {"type": "string"}}, tools=(taken,)), None)
    assert made.tool == "City_2"
    assert made.request.tools[1].parameters["properties"] == {"value": {"type": "array", "items": {"type": "string"}}}
    assert made.request.tool_choice == "required"
    assert structured(wish("tool", tools=(taken,), tool_choice="none"), None).request.tool_choice == NamedTool("City_2")


@pytest.mark.parametrize(
    ("settings", "choice"),
    [
        (None, NamedTool("City")),
        (ReasoningSettings(effort="low"), "auto"),
        (ReasoningSettings(max_tokens=2000), "auto"),
        (ReasoningSettings(enabled=False), NamedTool("City")),
        (ReasoningSettings(effort="none"), NamedTool("City")),
    ],
)
def test_a_call_is_not_forced_where_that_forbids_thinking(settings: ReasoningSettings | None, choice: Any) -> None:
    made = structured(wish("tool", reasoning=settings), profile("anthropic:claude-opus-4-1"))
    assert made.request.tool_choice == choice


def test_an_instruction_goes_behind_the_system_prompt_and_not_into_what_is_cached() -> None:
    from playhead.messages import Cache

    request = msgspec.structs.replace(wish("text"), messages=(system("Be kind."), user("Hi")))
    first, *rest = structured(request, None).request.messages
    assert first.text.startswith("Be kind.\n\nAnswer with JSON alone")
    assert rest == [user("Hi")]
    cached = Message("system", (Text("Be kind.", Cache()),))
    first, *_ = structured(msgspec.structs.replace(request, messages=(cached,)), None).request.messages
    assert first.parts[0] == cached.parts[0]
    assert len(first.parts) == 2


def streamed(*pieces: str) -> list[ModelEvent]:
    deltas: list[ModelEvent] = [PartDelta(0, piece) for piece in pieces]
    call = ToolCall("c1", "City", "")
    opaque = Opaque("gemini", {"thoughtSignature": "x"})
    return [ResponseStart(), PartStart(0, call), *deltas, PartEnd(0, opaque), ResponseEnd(CALLS)]


def test_the_call_streams_as_text_with_a_mark_and_goes_back_as_the_same_call() -> None:
    back = Unstructurer("City")
    events = [made for event in streamed('{"na', 'me": "F"}') for made in back.push([event])]
    assert [event.text for event in events if isinstance(event, PartDelta)] == ['{"na', 'me": "F"}']
    response = fold(events)
    assert response.text == '{"name": "F"}'
    assert response.finish == FinishReason("stop", "tool_use")
    history = (user("Where?"), response.as_message(), user("And Rome?"))
    told = structured(msgspec.structs.replace(wish("tool"), messages=history), None).request.messages
    call = ToolCall("c1", "City", '{"name": "F"}', None, Opaque("gemini", {"thoughtSignature": "x"}))
    assert told == (
        user("Where?"),
        Message("assistant", (call,)),
        Message("tool", (ToolResult("c1", "City", (Text("Taken."),)),)),
        user("And Rome?"),
    )


def test_calls_of_other_tools_and_text_pass_as_they_are() -> None:
    response = Response((Text("Hm."), ToolCall("c0", "look", "{}"), ToolCall("c1", "City", "{}")), CALLS)
    made = fold(Unstructurer("City").push(unfold(response)))
    assert made.parts[:2] == response.parts[:2]
    assert made.parts[2] == Text("{}", opaque=Opaque(ANSWER, {"id": "c1", "name": "City"}))
    assert made.finish == CALLS
    plain = Response((Text("I will not."),), FinishReason("stop"))
    assert fold(Unstructurer("City").push(unfold(plain))) == plain


def test_an_answer_of_another_tool_stays_the_text_that_it_is() -> None:
    mark = Opaque(ANSWER, {"id": "c1", "name": "Land"})
    history = (user("Where?"), Message("assistant", (Text("{}", opaque=mark),)), user("And Rome?"))
    made = structured(msgspec.structs.replace(wish("tool"), messages=history), None)
    assert made.request.messages == history


@pytest.mark.parametrize("broken", ['{"name": "F', "", "[1]"])
@pytest.mark.parametrize("wire", ["openai_chat", "openai_responses", "anthropic_messages", "gemini"])
def test_a_history_with_a_broken_answer_is_still_written(wire: str, broken: str) -> None:
    from importlib import import_module

    hand = import_module(f"playhead.dialects.{wire}.profile").Profile()
    mark = Opaque(ANSWER, {"id": "c1", "name": "City"})
    history = (user("Where?"), Message("assistant", (Text(broken, opaque=mark),)), user("Again"))
    request = structured(msgspec.structs.replace(wish("tool"), messages=history), hand).request
    http = dialect_named(wire).encode_request(request, Endpoint("p", "http://localhost", hand)).http
    assert b"City" in http.body


def test_a_model_without_tool_calls_is_given_the_tool_of_the_answer_as_a_schema() -> None:
    request, _, back = shaped(wish("tool"), profile("local:smollm2"))
    assert request.tools == ()
    assert request.output is not None
    events: Any = unfold(Response((Text('{"tool": "City", "arguments": {"name": "F"}}'),), FinishReason("stop")))
    for begin in back:
        events = begin()(events)
    assert fold(events).text == '{"name": "F"}'
