"""Output types: the schema that a request carries, and the answer as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, Optional, TypedDict, Union

import msgspec
import pytest

from playhead.agent.output import output_schema, read_output
from playhead.errors import ConfigError, OutputError


@dataclass
class City:
    name: str


@dataclass
class Place:
    name: str
    country: str


class Person(TypedDict):
    age: int
    email: NotRequired[str]


class Cat(msgspec.Struct, tag=True):
    lives: int


class Dog(msgspec.Struct, tag=True):
    tricks: list[str]


class Größe(msgspec.Struct):
    cm: int


@pytest.mark.parametrize(
    ("kind", "name", "text", "value"),
    [
        (City, "City", '{"name":"Florence"}', City("Florence")),
        (Person, "Person", '{"age":5}', {"age": 5}),
        (Cat | Dog, "Cat_or_Dog", '{"type":"Dog","tricks":["sit"]}', Dog(["sit"])),
        (City | Place, "City_or_Place", '{"name":"Florence","country":"Italy"}', Place("Florence", "Italy")),
        (Union[City, Place], "City_or_Place", '{"name":"Florence"}', City("Florence")),  # noqa: UP007
        (City | Person, "City_or_Person", '{"age":5,"email":"x"}', {"age": 5, "email": "x"}),
        (Annotated[City | Person, "who"], "City_or_Person", '{"name":"x"}', City("x")),
        (Optional[City], "City", "null", None),  # noqa: UP045
        (int | str, "int_or_str", '"x"', "x"),
        (list[City], "list", '[{"name":"x"}]', [City("x")]),
        (Literal["a", "b"], "Literal", '"b"', "b"),
        (Größe, "Gr__e", '{"cm":5}', Größe(5)),
    ],
)
def test_a_type_has_a_schema_with_a_name_that_every_provider_takes(kind: Any, name: str, text: str, value: Any) -> None:
    schema = output_schema(kind)
    assert schema is not None
    assert schema.name == name
    assert "$ref" not in str(schema.schema)
    assert "#/$defs" not in str(schema.schema)
    assert read_output(kind, text) == value


def test_a_union_says_all_of_its_types() -> None:
    schema = output_schema(City | Person)
    assert schema is not None
    assert schema.schema is not None
    assert [list(one["properties"]) for one in schema.schema["anyOf"]] == [["name"], ["age", "email"]]


def test_a_name_is_never_longer_than_a_provider_takes() -> None:
    many: Any = msgspec.defstruct("A" * 100, [])
    schema = output_schema(many)
    assert schema is not None
    assert schema.name == "A" * 64


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        (City, '{"name":5}', "no City: Expected `str`, got `int` - at `$.name`; it begins"),
        (City, "Florence", "no City: no JSON was found in it; it begins 'Florence'"),
        (City, "no", "no City: no JSON was found in it; it begins 'no'"),
        (City, "", "no City: no JSON was found in it; it begins ''"),
        (City, '{"na', "no City: Input data was truncated"),
        (list[Place], '[{"name":"x"}]', r"at `\$\[0\]`"),
        (City | Place, "{}", "no City or Place: as City: .*`name`.*; as Place: .*`name`"),
        (City | Place, "[", "no City or Place: Input data was truncated"),
        (int | None, '"x"', "no int or None: "),
        (list[Any], "[" * 100_000, "no list: "),
    ],
)
def test_an_answer_that_does_not_fit_is_an_error_that_says_where(kind: Any, text: str, words: str) -> None:
    with pytest.raises(OutputError, match=words.replace("$.", r"\$.")):
        read_output(kind, text)


def test_a_type_that_json_cannot_hold_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="no JSON schema can be made"):
        output_schema(City | complex | Place)


def test_an_answer_inside_a_fence_with_half_a_character_is_read() -> None:
    assert read_output(City, '```json\n{"name":"a\\ud83d"}\n```') == City("a\ufffd")
