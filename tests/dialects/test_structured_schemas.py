"""Schemas rewritten to what each provider documents that it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from playhead.agent.output import output_schema
from playhead.agent.reading import without_nulls
from playhead.dialects.structured.schemas import RULES, Rewritten, Schema, is_object, rewritten, wrapped

Draft202012Validator = pytest.importorskip("jsonschema", reason="a judge of schemas").Draft202012Validator


@dataclass
class Address:
    street: str
    floor: int | None = None


@dataclass
class Person:
    name: Annotated[str, msgspec.Meta(min_length=2, description="as in the passport")]
    age: Annotated[int, msgspec.Meta(ge=0)]
    sex: Literal["f", "m"] = "f"
    home: Address | None = None
    tags: list[str] = field(default_factory=list)


class Node(msgspec.Struct):
    label: str
    children: list[Node] = []


def schema_for(kind: Any) -> Schema:
    output = output_schema(kind)
    assert output is not None
    assert output.schema is not None
    return output.schema


def fitted(schema: Schema, rules: str) -> Rewritten:
    made = rewritten(schema, RULES[rules])
    assert isinstance(made, Rewritten), made
    return made


def objects(node: Any) -> list[Schema]:
    """Every object schema in a schema."""
    if isinstance(node, list):
        return [found for item in node for found in objects(item)]
    if not isinstance(node, dict):
        return []
    inner = [found for value in node.values() for found in objects(value)]
    return [node, *inner] if node.get("type") == "object" else inner


def test_openai_wants_every_property_and_nothing_else() -> None:
    made = fitted(schema_for(Person), "openai")
    for one in objects(made.schema):
        assert one["additionalProperties"] is False
        assert set(one["required"]) == set(one["properties"])
    properties = made.schema["properties"]
    assert properties["sex"] == {"anyOf": [{"enum": ["f", "m"], "type": "string"}, {"type": "null"}]}
    assert properties["age"] == {"type": "integer", "minimum": 0}
    assert {"type": "null"} in properties["tags"]["anyOf"]
    assert "default" not in str(made.schema)


def test_a_limit_that_is_not_held_is_told_in_words_and_reported() -> None:
    made = fitted(schema_for(Person), "openai")
    assert made.told == ("properties.name.minLength",)
    assert made.schema["properties"]["name"]["description"] == "as in the passport (minLength: 2)"
    made = fitted(schema_for(Person), "anthropic")
    assert made.told == ("properties.name.minLength", "properties.age.minimum")


def test_anthropic_wants_closed_objects_and_leaves_what_is_optional() -> None:
    made = fitted(schema_for(Person), "anthropic")
    assert all(one["additionalProperties"] is False for one in objects(made.schema))
    assert set(made.schema["required"]) == {"name", "age"}
    assert rewritten(made.schema, RULES["bedrock"]) == Rewritten(made.schema)


def test_gemini_is_told_a_const_as_an_enum_and_keeps_open_objects() -> None:
    schema = {"type": "object", "properties": {"kind": {"const": "a"}}, "additionalProperties": {"type": "string"}}
    made = fitted(schema, "gemini")
    assert made.schema["properties"] == {"kind": {"enum": ["a"]}}
    assert made.schema["additionalProperties"] == {"type": "string"}


def test_a_type_that_holds_itself_stays_where_that_is_taken() -> None:
    schema = schema_for(Node)
    made = fitted(schema, "openai")
    assert made.schema["$defs"]["Node"]["properties"]["children"]["anyOf"][0]["items"] == {"$ref": "#/$defs/Node"}
    assert made.schema["type"] == "object"
    assert "refers to itself" in str(rewritten(schema, RULES["anthropic"]))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (dict[str, int], "additionalProperties is open"),
        (list[Any], "is a list of anything"),
        (dict, "object of any kind"),
    ],
)
def test_what_cannot_be_said_at_all_says_why(kind: Any, words: str) -> None:
    assert words in str(rewritten(schema_for(kind), RULES["openai"]))


@pytest.mark.parametrize("keyword", ["not", "if", "patternProperties", "dependentRequired", "allOf"])
def test_keywords_that_forbid_more_are_not_dropped_where_holding_is_promised(keyword: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, keyword: [{}, {}]}
    assert isinstance(rewritten(schema, RULES["openai"]), str)


def test_a_tuple_becomes_so_many_of_any_of_its_types() -> None:
    made = fitted(wrapped(schema_for(tuple[int, str])), "openai")
    assert made.schema["properties"]["value"] == {
        "type": "array",
        "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "minItems": 2,
        "maxItems": 2,
    }


def test_what_is_no_object_is_put_into_one_and_its_references_follow() -> None:
    schema = wrapped(schema_for(list[Node]))
    assert is_object(schema)
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate({"value": [{"label": "a", "children": [{"label": "b"}]}]})


KINDS = [Person, Address, Node, list[Person], Person | Address, Literal["a", 1], int, tuple[int, str], Person | None]


@pytest.mark.parametrize("rules", ["openai", "anthropic", "gemini"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_schema_that_fits_is_left_as_it_is(kind: Any, rules: str) -> None:
    made = rewritten(wrapped(schema_for(kind)), RULES[rules])
    if isinstance(made, Rewritten):
        Draft202012Validator.check_schema(made.schema)
        assert rewritten(made.schema, RULES[rules]) == Rewritten(made.schema)


people = st.builds(
    Person,
    name=st.text(min_size=2, max_size=5),
    age=st.integers(0, 99),
    home=st.none() | st.builds(Address, st.text(max_size=5), st.none() | st.integers(0, 9)),
    tags=st.lists(st.text(max_size=3), max_size=2),
)


@settings(max_examples=50, deadline=None)
@given(person=people, rules=st.sampled_from(["openai", "anthropic", "gemini"]))
def test_what_the_type_allows_the_rewritten_schema_allows(person: Person, rules: str) -> None:
    Draft202012Validator(fitted(schema_for(Person), rules).schema).validate(msgspec.to_builtins(person))


@settings(max_examples=50, deadline=None)
@given(person=people, absent=st.sets(st.sampled_from(["sex", "home", "tags"])))
def test_null_for_what_is_absent_fits_the_rewritten_schema_and_is_read_as_absent(
    person: Person, absent: set[str]
) -> None:
    data = {**msgspec.to_builtins(person), **dict.fromkeys(absent)}
    Draft202012Validator(fitted(schema_for(Person), "openai").schema).validate(data)
    bare = without_nulls(data, schema_for(Person))
    assert ("sex" in bare) is ("sex" not in absent)
    assert ("tags" in bare) is ("tags" not in absent)
    assert "home" in bare
    msgspec.convert(bare, Person)
