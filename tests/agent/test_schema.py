"""Schemas of types: references inlined, recursion kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Annotated

import msgspec
import pytest

from playhead.agent.schema import inlined, schema_of
from playhead.agent.tools import Tool, tool
from playhead.errors import ConfigError


@dataclass
class Node:
    name: str
    children: list[Node] = field(default_factory=list)


@dataclass
class Leaf:
    title: str


@dataclass
class Pair:
    left: Leaf
    right: Leaf


def test_references_are_put_in_their_place() -> None:
    leaf = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    assert schema_of(Pair) == {
        "type": "object",
        "properties": {"left": leaf, "right": leaf},
        "required": ["left", "right"],
    }


def test_a_property_named_title_is_a_property() -> None:
    assert "title" in schema_of(Leaf)["properties"]


def test_a_type_that_holds_itself_keeps_its_definition() -> None:
    schema = schema_of(Node)
    assert schema["$defs"]["Node"]["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}
    assert schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}


def test_words_beside_a_reference_win_over_the_definitions() -> None:
    schema = {"$ref": "#/$defs/A", "description": "mine", "$defs": {"A": {"type": "string", "description": "theirs"}}}
    assert inlined(schema) == {"type": "string", "description": "mine"}


class Opaque:
    """None of the types that JSON can hold."""


class Wrong(msgspec.Struct):
    fine: int
    bad: list[Opaque]


def test_a_type_that_json_cannot_hold_is_named_with_its_place() -> None:
    """The tool and its parameter, the struct and its field; the struct of the arguments is nobody's word."""
    with pytest.raises(ConfigError, match=r"^Wrong: field 'bad': no JSON schema can be made of list\[.*Opaque\]"):
        schema_of(Wrong)

    def look(fine: int, bad: Annotated[Opaque | None, "what is it"] = None) -> str:
        return ""

    with pytest.raises(ConfigError, match=r"^tool look: parameter 'bad': no JSON schema") as caught:
        Tool(look).spec  # noqa: B018
    assert "_arguments" not in str(caught.value)


def test_a_time_says_its_format_with_a_zone_or_without() -> None:
    @tool
    def book(
        at: datetime,
        opens: time | None,
        all_of: list[datetime],
        named: Annotated[datetime, "when", msgspec.Meta(examples=["2026-01-01T00:00:00Z"])],
        day: date,
        zoned: Annotated[datetime, msgspec.Meta(tz=True)],
        until: datetime | None = None,
    ) -> str:
        """Book"""
        return f"{at} {until}"

    told = book.spec.parameters["properties"]
    assert told["at"] == {"type": "string", "format": "date-time"}
    assert told["opens"]["anyOf"][0] == {"type": "string", "format": "time"}
    assert told["all_of"]["items"] == {"type": "string", "format": "date-time"}
    assert (told["named"]["format"], told["named"]["description"]) == ("date-time", "when")
    assert told["named"]["examples"] == ["2026-01-01T00:00:00Z"]
    assert (told["day"]["format"], told["zoned"]["format"]) == ("date", "date-time")
    assert told["until"]["anyOf"][0]["format"] == "date-time"
    rest = '"opens": null, "all_of": [], "named": "2026-01-01T00:00:00", "day": "2026-01-01"'
    given = book.parse(f'{{"at": "2026-01-01T00:00:00", {rest}, "zoned": "2026-01-01T00:00:00Z"}}')
    assert given["at"] == datetime(2026, 1, 1)
