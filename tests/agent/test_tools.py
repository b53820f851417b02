"""Typed tools: what a model is told of them, and what it gets back."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, TypedDict

import msgspec
import pytest

from playhead import ConfigError, File, Text, ToolCall, ToolError, tool
from playhead.agent.content import as_content
from playhead.agent.tools import Tool, as_tools


@tool
def weather(location: Annotated[str, "the city"]) -> str:
    """Get weather information for a location"""
    return f"40 C in {location}"


@dataclass
class Box:
    width: int
    label: str = "none"


class Point(TypedDict):
    x: float
    y: float


class Shape(msgspec.Struct):
    kind: Literal["round", "square"]
    corners: list[Point] = []


def answer(made: Tool, arguments: str) -> tuple[str, bool]:
    outcome = asyncio.run(made.answer(ToolCall("c", made.name, arguments)))
    return "".join(part.text for part in outcome.content if isinstance(part, Text)), outcome.is_error


def test_a_tool_is_told_to_the_model_by_its_annotations_and_docstring() -> None:
    assert weather.spec.name == "weather"
    assert weather.spec.description == "Get weather information for a location"
    assert weather.spec.parameters == {
        "type": "object",
        "properties": {"location": {"type": "string", "description": "the city"}},
        "required": ["location"],
    }


def test_a_tool_stays_the_function_it_was() -> None:
    assert weather("Rome") == "40 C in Rome"


def test_a_tool_without_parameters_still_has_an_object_schema() -> None:
    @tool
    def now() -> str:
        """The time"""
        return "noon"

    assert now.spec.parameters == {"type": "object", "properties": {}, "required": []}
    assert answer(now, "") == ("noon", False)
    assert answer(now, "{}") == ("noon", False)


def test_dataclasses_typed_dicts_structs_and_literals_are_arguments() -> None:
    @tool
    def draw(box: Box, shape: Shape, where: Point, scale: float = 1.5, tags: tuple[str, ...] = ()) -> Any:
        assert isinstance(box, Box)
        assert isinstance(shape, Shape)
        return {"box": box.width, "shape": shape, "where": where, "scale": scale, "tags": tags}

    schema = draw.spec.parameters
    assert schema["required"] == ["box", "shape", "where"]
    assert schema["properties"]["box"]["properties"]["width"] == {"type": "integer"}
    assert schema["properties"]["scale"] == {"type": "number", "default": 1.5}
    assert "$ref" not in str(schema)
    text, failed = answer(draw, '{"box":{"width":2},"shape":{"kind":"round"},"where":{"x":1,"y":2}}')
    assert not failed
    assert msgspec.json.decode(text) == {
        "box": 2,
        "shape": {"kind": "round", "corners": []},
        "where": {"x": 1.0, "y": 2.0},
        "scale": 1.5,
        "tags": [],
    }


class FakePydantic:
    """What a pydantic model looks like from outside: recognised by its methods, since pydantic is no dependency."""

    def __init__(self, city: str) -> None:
        self.city = city

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        return {"type": "object", "title": "City", "properties": {"city": {"type": "string", "title": "City"}}}

    @classmethod
    def model_validate(cls, value: Any) -> FakePydantic:
        if not isinstance(value.get("city"), str):
            raise ValueError("city: expected a string")
        return cls(value["city"])

    def model_dump(self, mode: str = "python") -> dict[str, Any]:
        return {"city": self.city}


def test_a_pydantic_model_validates_and_writes_itself() -> None:
    @tool
    def visit(place: FakePydantic, others: list[FakePydantic] = []) -> Any:  # noqa: B006
        return [place, *others]

    assert visit.spec.parameters["properties"]["place"]["properties"] == {"city": {"type": "string"}}
    assert answer(visit, '{"place":{"city":"Rome"},"others":[{"city":"Pisa"}]}') == (
        '[{"city":"Rome"},{"city":"Pisa"}]',
        False,
    )
    text, failed = answer(visit, '{"place":{"city":3}}')
    assert failed
    assert "city: expected a string" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ('{"location": 5}', ["expected `str`", "$.location"]),
        ("{}", ["missing required field `location`"]),
        ('{"location": "Rome", "unit": "C"}', ["unknown argument 'unit'", "location"]),
        ('{"location": "Ro', ["not valid JSON"]),
        ('["Rome"]', ["expected `object`"]),
        ("null", ["expected `object`"]),
    ],
)
def test_a_bad_argument_is_answered_with_what_would_be_right(arguments: str, words: list[str]) -> None:
    """The model gets an error it can act on: what was expected, and where."""
    text, failed = answer(weather, arguments)
    assert failed
    for word in words:
        assert word.lower() in text.lower()


def test_an_exception_in_a_tool_is_an_answer_and_not_the_end() -> None:
    @tool
    def divide(a: float, b: float) -> float:
        return a / b

    assert answer(divide, '{"a":1,"b":0}') == ("Error: ZeroDivisionError: float division by zero", True)


def test_a_tool_error_is_said_in_the_tools_own_words() -> None:
    @tool
    async def refuse() -> str:
        raise ToolError("the office is closed; try tomorrow")

    assert answer(refuse, "{}") == ("Error: the office is closed; try tomorrow", True)


def test_what_cannot_be_written_as_json_is_an_error_result() -> None:
    @tool
    def odd() -> Any:
        return object()

    text, failed = answer(odd, "{}")
    assert failed
    assert "neither text nor JSON" in text


def test_results_may_be_text_values_files_or_none() -> None:
    picture = File("image/png", data=b"\x89PNG")

    def given(value: Any) -> Tool:
        return Tool(lambda: value, name="given")

    def content(value: Any) -> Any:
        return asyncio.run(given(value).answer(ToolCall("1", "given", "{}"))).content

    assert content("40 C") == (Text("40 C"),)
    assert content({"c": 40}) == (Text('{"c":40}'),)
    assert content(None) == (Text("null"),)
    assert content(picture) == (picture,)
    assert content([Text("see"), picture]) == (Text("see"), picture)
    assert content([]) == (Text("[]"),)


def test_a_plain_function_runs_beside_the_loop_and_an_async_one_in_it() -> None:
    seen: dict[str, int] = {}

    @tool
    def beside() -> str:
        seen["plain"] = threading.get_ident()
        return ""

    @tool
    async def inside() -> str:
        seen["async"] = threading.get_ident()
        return ""

    answer(beside, "{}")
    answer(inside, "{}")
    assert seen["plain"] != threading.get_ident()
    assert seen["async"] == threading.get_ident()


def test_methods_and_decorated_functions_and_callable_objects_are_tools() -> None:
    def loud(function: Callable[..., str]) -> Callable[..., str]:
        @functools.wraps(function)
        def shout(*args: Any, **kwargs: Any) -> str:
            return function(*args, **kwargs).upper()

        return shout

    class Shop:
        def price(self, item: str) -> str:
            """The price of an item"""
            return f"{item}: 3"

    class Greeter:
        """Says hello"""

        def __call__(self, name: str) -> str:
            return f"hello {name}"

    @tool
    @loud
    def quiet(word: str) -> str:
        """Says it loudly"""
        return word

    shop = as_tools([Shop().price])["price"]
    assert list(shop.spec.parameters["properties"]) == ["item"]
    assert answer(shop, '{"item":"hat"}') == ("hat: 3", False)
    assert answer(quiet, '{"word":"hi"}') == ("HI", False)
    greeter = Tool(Greeter(), name="greet")
    assert answer(greeter, '{"name":"Ann"}') == ("hello Ann", False)


def test_what_cannot_be_told_to_a_model_is_an_error_that_names_it() -> None:
    def untyped(a) -> str:  # type: ignore[no-untyped-def]
        return str(a)

    def variadic(*words: str) -> str:
        return " ".join(words)

    def positional(a: int, /) -> int:
        return a

    def strange(a: threading.Thread) -> str:
        return ""

    for function, words in [
        (untyped, "parameter 'a' has no type"),
        (variadic, r"\*args"),
        (positional, "passed by name"),
        (strange, "Thread"),
    ]:
        with pytest.raises(ConfigError, match=words):
            _ = Tool(function).spec
    with pytest.raises(ConfigError, match="two tools are named"):
        as_tools([weather, weather])
    with pytest.raises(ConfigError, match="tool name"):
        tool(name="has space")(weather.function)


@pytest.mark.parametrize(
    "docstring",
    [
        "Add two numbers\n\nArgs:\n    a: first number\n    b (int): second\n        number\n\nReturns:\n    the sum",
        "Add two numbers\n\nParameters\n----------\na : int\n    first number\nb : int\n    second\n    number\n",
        "Add two numbers\n\n:param a: first number\n:param int b: second\n    number\n:returns: the sum",
    ],
)
def test_argument_texts_are_read_from_the_docstring_in_three_styles(docstring: str) -> None:
    def add(a: int, b: int) -> int:
        return a + b

    add.__doc__ = docstring
    made = Tool(add)
    assert made.spec.description == "Add two numbers"
    properties = made.spec.parameters["properties"]
    assert properties["a"] == {"type": "integer", "description": "first number"}
    assert properties["b"] == {"type": "integer", "description": "second number"}


def test_a_default_that_can_change_is_not_shared_between_calls() -> None:
    @tool
    def collect(item: str, into: list[str] = []) -> list[str]:  # noqa: B006
        into.append(item)
        return into

    assert answer(collect, '{"item":"a"}') == ('["a"]', False)
    assert answer(collect, '{"item":"b"}') == ('["b"]', False)


@pytest.mark.parametrize(
    ("result", "content"),
    [
        ("\ud800", (Text("\ufffd"),)),
        ("a\ud83d\ude00", (Text("a\U0001f600"),)),
        (Text("\udfff"), (Text("\ufffd"),)),
        ([Text("a"), File("image/png", url="https://x.test/\ud800")], None),
        ({"k\ud800": ["\ud800", {1: "a"}]}, (Text('{"k\ufffd":["\ufffd",{"1":"a"}]}'),)),
        (Box(1, "\ud800"), (Text('{"width":1,"label":"\ufffd"}'),)),
    ],
)
def test_half_a_character_from_a_tool_can_be_sent(result: Any, content: tuple[Text, ...] | None) -> None:
    @tool
    def broken() -> Any:
        return result

    outcome = asyncio.run(broken.answer(ToolCall("1", "broken", "{}")))
    assert not outcome.is_error
    assert msgspec.json.encode(outcome.content)
    assert content is None or outcome.content == content


def test_half_a_character_in_a_tools_error_can_be_sent() -> None:
    @tool
    def failing(own: bool) -> str:
        raise (ToolError if own else ValueError)("no \ud800")

    for own, text in (("true", "Error: no \ufffd"), ("false", "Error: ValueError: no \ufffd")):
        outcome = asyncio.run(failing.answer(ToolCall("1", "failing", f'{{"own": {own}}}')))
        assert (outcome.content, outcome.is_error) == ((Text(text),), True)


def test_half_a_character_in_the_arguments_reaches_the_function_replaced() -> None:
    assert weather.parse(r'{"location": "a\ud83d \\ud83d \ud83d\ude00"}') == {"location": "a\ufffd \\ud83d \U0001f600"}


def test_an_error_that_cannot_say_what_it_is_is_still_an_answer() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("mute")

    @tool
    async def mute() -> str:
        raise MuteError

    assert asyncio.run(mute.answer(ToolCall("1", "mute", "{}"))).content == (Text("Error: MuteError: "),)


def test_stop_iteration_out_of_a_threaded_tool_is_an_answer() -> None:
    """A future cannot hold it: whoever waited for the thread would wait for ever."""

    @tool
    def empty() -> str:
        return next(iter(()))

    async def within() -> Any:
        return await asyncio.wait_for(empty.answer(ToolCall("1", "empty", "{}")), 5)

    outcome = asyncio.run(within())
    assert outcome.is_error
    assert outcome.content == (Text("Error: RuntimeError: the tool raised StopIteration"),)


def test_a_member_of_a_text_enum_is_its_text() -> None:
    class Colour(str, Enum):  # noqa: UP042 - the older way, whose str() is another
        RED = "red"

    assert as_content(Colour.RED) == (Text("red"),)
    assert type(as_content(Colour.RED)[0].text) is str  # type: ignore[union-attr]


def test_a_tool_that_cancels_itself_ends_its_call_and_not_the_run() -> None:
    @tool
    async def gives_up() -> str:
        raise asyncio.CancelledError("no more")

    text, failed = answer(gives_up, "{}")
    assert failed
    assert "cancelled from within: no more" in text


def test_a_method_that_is_not_bound_says_what_to_give() -> None:
    class Shop:
        @tool
        def price(self, item: str) -> str:
            return item

    with pytest.raises(ConfigError, match=r"give the bound one: tools=\[made\.price\]"):
        _ = Shop.price.spec


def test_a_tool_that_runs_out_of_an_iterator_is_an_answer_and_does_not_hang() -> None:
    @tool
    def first(name: str) -> str:
        return next(word for word in ["a"] if word == name)

    text, failed = answer(first, '{"name": "b"}')
    assert failed
    assert "StopIteration" in text
