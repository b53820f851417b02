"""JSON as models write it, read into the type: alone, in words, with nulls, in an object of one property, broken."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, TypedDict

import msgspec
import pytest

from playhead.agent.output import Reading, output_schema, reading
from playhead.errors import OutputError

pydantic = pytest.importorskip("pydantic", reason="its models are output types too")


@dataclass
class City:
    name: str
    people: int = 0


@dataclass
class Options:
    verbose: bool = False


@dataclass
class Valued:
    value: int


class Sky(Enum):
    CLEAR = "clear"
    RAIN = "rain"


class Person(TypedDict, total=False):
    age: int


class Node(msgspec.Struct):
    label: str
    size: int = 1
    children: list[Node] = []


class Trip(pydantic.BaseModel):  # type: ignore[misc, name-defined]
    days: int
    cities: list[str] = []  # noqa: RUF012 - pydantic copies it


FLORENCE = '{"name": "Florence", "people": 5}'


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (City, f"Here it is: {FLORENCE}. Enjoy!", City("Florence", 5)),
        (City, f"Sure!\n```json\n{FLORENCE}\n```\nAnything else?", City("Florence", 5)),
        (City, 'Not {"name": "Rome"} but {"name": "Florence"}', City("Florence")),
        (City, 'I [think it is {"name": "Flo]}rence"}', City("Flo]}rence")),
        (list[City], f"The cities: [{FLORENCE}]", [City("Florence", 5)]),
        (City, '{"name": "Florence", "people": null}', City("Florence")),
        (Node, '{"label": "a", "size": null, "children": [{"label": "b", "size": null}]}', Node("a", 1, [Node("b")])),
        (Person, '{"age": null}', {}),
        (Trip, '{"days": 3, "cities": null}', Trip(days=3)),
        (list[Trip], '[{"days": 3, "cities": null}]', [Trip(days=3)]),
        (list[City], f'{{"value": [{FLORENCE}]}}', [City("Florence", 5)]),
        (int, '{"value": 5}', 5),
        (int, "5", 5),
        (Sky, '{"value": "rain"}', Sky.RAIN),
        (Literal["a", 1], '{"value": 1}', 1),
        (City | Options, '{"value": {"name": "Florence", "people": null}}', City("Florence")),
        (Options | None, '{"value": null}', None),
        (Valued, '{"value": 5}', Valued(5)),
        (Valued | None, '{"value": 5}', Valued(5)),
        (dict[str, int], '{"value": 5}', {"value": 5}),
    ],
)
def test_what_is_right_but_not_alone_is_read_and_nothing_is_mended(kind: Any, text: str, value: Any) -> None:
    assert reading(kind, text) == Reading(value)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (City, '{"name": "Florence", "people": 5,}', City("Florence", 5)),
        (City, "{'name': 'Florence', people: 5}", City("Florence", 5)),
        (City, 'Sure: {"name": "Florence", "people": 5', City("Florence", 5)),
        (list[City], '[{"name": "Florence"} {"name": "Rome"}]', [City("Florence"), City("Rome")]),
        (Trip, '```json\n{"days": 3, // long\n}\n```', Trip(days=3)),
    ],
)
def test_broken_json_is_mended_and_that_is_said(kind: Any, text: str, value: Any) -> None:
    pytest.importorskip("json_repair", reason="mends")
    assert reading(kind, text) == Reading(value, mended=True)


def test_what_was_cut_off_is_not_made_up() -> None:
    with pytest.raises(OutputError, match="truncated"):
        reading(City, '{"name": "Flo', cut=True)


@pytest.mark.parametrize(
    "text", ["", "I cannot say.", "{", "[", "}{", "{}[", "[[[[" * 5000, '{"a":' * 5000, '"' * 9999]
)
def test_what_holds_no_value_is_an_error_whatever_it_is(text: str) -> None:
    with pytest.raises(OutputError, match="the answer is no City"):
        reading(City, text)


@pytest.mark.parametrize("text", ["[{" * 20_000, '{"' * 20_000, "x{y" * 20_000, "{}" * 20_000])
def test_a_crowd_of_brackets_is_read_in_time(text: str) -> None:
    began = time.process_time()
    with pytest.raises(OutputError):
        reading(City, text, cut=True)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        (City, '{"name": 5}', "Expected `str`, got `int` - at `$.name`"),
        (list[City], '{"value": [{"name": 5}]}', "Expected `str`, got `int` - at `$.value[0].name`"),
        (City, 'So: {"name": 5}', "Expected `str`, got `int` - at `$.name`"),
        (Trip, '{"days": "many", "cities": [1]}', "unable to parse string as an integer - at `$.days`; "),
        (list[Trip], '[{"days": "many"}]', "unable to parse string as an integer - at `$.days` - at `$[0]`"),
    ],
)
def test_a_complaint_says_what_is_wrong_and_where_and_no_more(kind: Any, text: str, words: str) -> None:
    with pytest.raises(OutputError) as caught:
        reading(kind, text)
    assert words in caught.value.complaint
    assert "http" not in caught.value.complaint
    assert "begins" not in caught.value.complaint


def test_the_library_that_mends_is_loaded_for_broken_json_only() -> None:
    program = (
        "import sys\n"
        "from playhead.agent.output import reading\n"
        "reading(dict, 'It is {\"a\": null}.')\n"
        "assert 'json_repair' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_kind_of_type_has_a_schema() -> None:
    for kind in (City, Person, Node, Trip, City | Options, list[City], Sky, Literal["a", 1], int, float, bool):
        schema = output_schema(kind, "best")
        assert schema is not None
        assert schema.mode == "best"
