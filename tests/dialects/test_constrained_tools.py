"""Tools for a model that knows none: a request there, an answer back."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from playhead.dialects.constrained_tools import Unconstrainer, constrain
from playhead.events import ModelEvent, PartDelta, PartEnd, PartStart, ResponseEnd, ResponseStart
from playhead.fold import fold
from playhead.messages import File, Message, Reasoning, Text, ToolCall, ToolResult, system, user
from playhead.request import NamedTool, OutputSchema, Request, ToolSpec
from playhead.response import FinishReason, Response

WEATHER = ToolSpec("weather", "The weather", {"type": "object", "properties": {"city": {"type": "string"}}})
TIME = ToolSpec("time", "The time", {"type": "object"})
ASKED = Request(
    "m", (system("Be kind."), user("Weather in Florence?")), tools=(WEATHER, TIME), parallel_tool_calls=True
)
STOP = FinishReason("stop", "stop")


def answered(text: str, request: Request = ASKED, size: int = 10_000, finish: FinishReason = STOP) -> Response:
    """The response that this text becomes, when it comes in pieces of this size."""
    back = Unconstrainer(request)
    found: list[ModelEvent] = []
    found += back.push([ResponseStart("r"), PartStart(0, Text(""))])
    for start in range(0, len(text), size):
        found += back.push([PartDelta(0, text[start : start + size])])
    found += back.push([PartEnd(0), ResponseEnd(finish)])
    return fold(found)


def schema_of(request: Request) -> Any:
    output = constrain(request).output
    assert output is not None
    return output.schema


def test_a_request_without_tools_is_left_alone() -> None:
    request = Request("m", (user("hi"),))
    assert constrain(request) is request


def test_tools_become_a_schema_and_an_instruction() -> None:
    request = constrain(ASKED)
    assert (request.tools, request.tool_choice, request.parallel_tool_calls) == ((), None, None)
    assert request.messages[0].text.startswith("Be kind.\n\n")
    assert "- weather(city: string): The weather" in request.messages[0].text
    assert request.messages[-1] == ASKED.messages[1]
    branches = schema_of(ASKED)["anyOf"]
    assert [list(branch["properties"]) for branch in branches] == [["tool", "arguments"]] * 2 + [["tool", "answer"]]
    assert branches[0]["properties"] == {"tool": {"const": "weather"}, "arguments": WEATHER.parameters}
    assert all(branch["required"] == list(branch["properties"]) for branch in branches)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [(None, ["weather", "time", "none"]), ("required", ["weather", "time"]), (NamedTool("time"), ["time"])],
)
def test_the_choice_of_tools_limits_the_schema(choice: Any, expected: list[str]) -> None:
    branches = schema_of(msgspec.structs.replace(ASKED, tool_choice=choice))["anyOf"]
    assert [branch["properties"]["tool"]["const"] for branch in branches] == expected


def test_no_tool_may_be_called_when_none_is_chosen() -> None:
    request = msgspec.structs.replace(ASKED, tool_choice="none")
    assert constrain(request) is request
    assert answered('{"tool": "weather", "arguments": {}}', request).text == '{"tool": "weather", "arguments": {}}'


def test_references_still_point_at_what_they_meant() -> None:
    tree = {
        "type": "object",
        "properties": {"root": {"$ref": "#/$defs/Node"}},
        "$defs": {"Node": {"type": "array", "items": {"$ref": "#/$defs/Node"}}},
    }
    schema = schema_of(Request("m", (user("x"),), tools=(ToolSpec("grow", "", tree),)))
    assert schema["anyOf"][0]["properties"]["arguments"] == {"$ref": "#/$defs/grow"}
    assert schema["$defs"]["grow"]["properties"]["root"] == {"$ref": "#/$defs/grow/$defs/Node"}
    assert schema["$defs"]["grow"]["$defs"]["Node"]["items"] == {"$ref": "#/$defs/grow/$defs/Node"}


def test_history_is_told_as_it_would_have_been() -> None:
    history = (
        user("Compare."),
        Message(
            "assistant",
            (Text("Wait."), ToolCall("a", "weather", '{"city": "Rome"}'), ToolCall("b", "time", "{broken")),
        ),
        Message(
            "tool",
            (
                ToolResult("b", "time", (Text("no"),), is_error=True),
                ToolResult("a", "weather", (Text("40 C"), File("image/png", data=b"x"))),
            ),
        ),
        Message("assistant", (Reasoning("hm"), Text('It is "hot".'))),
        user("And now?"),
    )
    told = constrain(msgspec.structs.replace(ASKED, messages=history)).messages
    start = told.index(user("Compare."))
    assert told[start + 1 :] == (
        Message("assistant", (Text('{"tool": "none", "answer": "Wait."}'),)),
        Message("assistant", (Text('{"tool": "weather", "arguments": {"city": "Rome"}}'),)),
        user("The tool weather gave: 40 C", File("image/png", data=b"x")),
        Message("assistant", (Text('{"tool": "time", "arguments": "{broken"}'),)),
        user("The tool time failed: no"),
        Message("assistant", (Reasoning("hm"), Text('{"tool": "none", "answer": "It is \\"hot\\"."}'))),
        user("And now?"),
    )


def test_a_call_made_twice_over_is_not_offered_again_until_the_user_speaks() -> None:
    again = (
        Message("assistant", (ToolCall("a", "time", '{"a":1,"b":2}'),)),
        Message("tool", (ToolResult("a", "time", (Text("1"),)),)),
        Message("assistant", (ToolCall("b", "time", '{"b": 2, "a": 1}'),)),
        Message("tool", (ToolResult("b", "time", (Text("1"),)),)),
    )
    stuck = msgspec.structs.replace(ASKED, messages=(*ASKED.messages, *again))
    assert [branch["properties"]["tool"]["const"] for branch in schema_of(stuck)["anyOf"]] == ["weather", "none"]
    asked_again = msgspec.structs.replace(stuck, messages=(*stuck.messages, user("again")))
    assert len(schema_of(asked_again)["anyOf"]) == 3


def test_a_tool_called_none_is_told_from_no_tool() -> None:
    request = Request("m", (user("x"),), tools=(ToolSpec("none", "", {"type": "object"}),))
    assert [branch["properties"]["tool"]["const"] for branch in schema_of(request)["anyOf"]] == ["none", "none_"]
    assert answered('{"tool": "none", "arguments": {}}', request, size=1).tool_calls[0].name == "none"
    assert answered('{"tool": "none_", "answer": "hi"}', request, size=1).text == "hi"


def test_an_answer_streams_while_it_arrives() -> None:
    back = Unconstrainer(ASKED)
    assert back.push([ResponseStart(), PartStart(0, Text("")), PartDelta(0, ' {"tool": "none", "ans')]) == [
        ResponseStart()
    ]
    assert back.push([PartDelta(0, 'wer": "It is')]) == [PartStart(0, Text("")), PartDelta(0, "It is")]
    assert back.push([PartDelta(0, " 40\\u00")]) == [PartDelta(0, " 40")]
    assert back.push([PartDelta(0, 'b0"')]) == [PartDelta(0, "°")]
    assert back.push([PartDelta(0, "}\n"), PartEnd(0), ResponseEnd(STOP)]) == [PartEnd(0), ResponseEnd(STOP)]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=200, deadline=None)
@given(texts, st.booleans(), st.integers(1, 7))
def test_every_answer_comes_back_in_any_pieces(text: str, ascii_only: bool, size: int) -> None:
    assert answered(json.dumps({"tool": "none", "answer": text}, ensure_ascii=ascii_only), size=size).text == text


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(texts, texts | st.integers() | st.lists(texts), max_size=3), st.integers(1, 9))
def test_every_call_comes_back_in_any_pieces(arguments: dict[str, Any], size: int) -> None:
    response = answered(json.dumps({"tool": "weather", "arguments": arguments}), size=size)
    (call,) = response.parts
    assert isinstance(call, ToolCall)
    assert (call.id, call.name, json.loads(call.arguments)) == ("call_1_0", "weather", arguments)
    assert response.finish == FinishReason("tool_calls", "stop")


@pytest.mark.parametrize(
    "text",
    [
        "plain words",
        "",
        '{"tool": "weather", "argum',
        '{"else": 1}',
        "{",
        "[1]",
        '{"tool": "none", "answer": 5',
        '{"tool": 5}',
        "  ",
    ],
)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_what_is_neither_call_nor_answer_stays_as_it_came(text: str, size: int) -> None:
    cut = FinishReason("length", "length")
    response = answered(text, size=size, finish=cut)
    assert response.text == text
    assert response.finish == cut


@pytest.mark.parametrize("size", [1, 2, 100])
def test_an_answer_cut_in_the_middle_keeps_what_came(size: int) -> None:
    assert answered('{"tool": "none", "answer": "half of \\ud83d', size=size).text == "half of \\ud83d"
    assert answered('{"tool": "none", "answer": "\\ud83d\\ude42!', size=size).text == "🙂!"
    assert answered('{"tool": "none", "answer": "\\ud83dx"}', size=size).text == "\ufffdx"


def test_an_answer_that_has_a_schema_of_its_own_comes_back_as_its_json() -> None:
    book = {"type": "object", "properties": {"title": {"type": "string"}}}
    request = msgspec.structs.replace(ASKED, output=OutputSchema("book", book))
    assert schema_of(request)["anyOf"][-1]["properties"]["answer"] == book
    assert answered('{"tool": "none", "answer": {"title": "x"}}', request, size=2).text == '{"title": "x"}'
    assert answered('{"tool": "time", "arguments": {}}', request).tool_calls[0].name == "time"


def test_ids_are_free_in_the_history() -> None:
    history = (user("x"), Message("assistant", (ToolCall("call_2_0", "time", "{}"),)))
    assert (
        answered('{"tool":"time","arguments":{}}', msgspec.structs.replace(ASKED, messages=history)).tool_calls[0].id
        == "call_3_0"
    )


def test_reasoning_passes_through_with_its_number_kept_in_order() -> None:
    back = Unconstrainer(ASKED)
    found = back.push(
        [
            ResponseStart(),
            PartStart(0, Text("")),
            PartStart(1, Reasoning()),
            PartDelta(1, "hm"),
            PartDelta(0, '{"tool":"none","answer":"x"}'),
            PartEnd(0),
            PartEnd(1),
            ResponseEnd(STOP),
        ]
    )
    assert fold(found).parts == (Reasoning("hm"), Text("x"))


@pytest.mark.parametrize("size", [1, 10_000])
def test_half_a_character_in_a_held_answer_is_replaced(size: int) -> None:
    """The keys stand in another order, so that the answer is held to its end and read as JSON."""
    assert answered(r'{"answer": "a\ud83d", "tool": "none"}', size=size).text == "a\ufffd"
    made = answered(r'{"tool": "weather", "arguments": {"city": "a\ud83d"}}', size=size)
    assert made.tool_calls[0].arguments == r'{"city": "a\ufffd"}'
