"""An answer's JSON while it arrives."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from test_output_modes import FLORENCE, MODES, WIRES, City, answer, read, said

from playhead import Agent
from playhead.agent.growing import GrowingJSON, Growth
from playhead.events import PartDelta, PartStart
from playhead.fold import unfold
from playhead.messages import Text
from playhead.model import dialect_named
from playhead.request import OutputMode
from playhead.response import FinishReason, Response
from scripted_server import Answer, Asked, Loopback

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


def grown(text: str, size: int) -> list[Any]:
    """The values as the text comes in pieces of a size."""
    growing = GrowingJSON()
    found = []
    for start in range(0, len(text), size):
        growing.feed(text[start : start + size])
        found.append(growing.value)
    return found


@settings(max_examples=100, deadline=None)
@given(
    value=st.lists(values) | st.dictionaries(st.text(max_size=4), values), size=st.integers(1, 9), plain=st.booleans()
)
def test_at_the_end_it_is_the_value_however_it_was_cut(value: Any, size: int, plain: bool) -> None:
    text = json.dumps(value, ensure_ascii=plain, indent=1 if size % 2 else None)
    found = grown(f"It is:\n```json\n{text}\n```", size)
    assert found[-1] == value
    steps = [json.dumps(one) for one in found]
    again = grown(f"It is:\n```json\n{text}\n```", size)
    assert steps == [json.dumps(one) for one in again]  # what was given did not change afterwards


def test_each_value_holds_what_has_come_and_nothing_that_has_not() -> None:
    found = grown('{"name": "Fl\\u00e9", "n": 12, "tags": ["a", {"b": true}]}', 1)
    distinct = [one for n, one in enumerate(found) if n == 0 or one != found[n - 1]]
    assert distinct == [
        {},
        {"name": ""},
        {"name": "F"},
        {"name": "Fl"},
        {"name": "Flé"},
        {"name": "Flé", "n": 12},
        {"name": "Flé", "n": 12, "tags": []},
        {"name": "Flé", "n": 12, "tags": [""]},
        {"name": "Flé", "n": 12, "tags": ["a"]},
        {"name": "Flé", "n": 12, "tags": ["a", {}]},
        {"name": "Flé", "n": 12, "tags": ["a", {"b": True}]},
    ]


@pytest.mark.parametrize(
    "text", ["", "no", "{", "}{", '{"a" "b"}', '{"a": x}', "[1}", "{1: 2}", '["\\ud83d"]', '["a\nb"]']
)
def test_what_breaks_its_rules_stops_growing_and_is_no_error(text: str) -> None:
    assert grown(text + " and more", 1)[-1] in (None, {}, {"b": ""}, {"a": "b"}, [1], ["\ufffd"], ["a\nb"])


def test_the_cost_grows_with_the_answer_and_not_with_its_square() -> None:
    text = json.dumps([{"name": f"city {n}", "people": n} for n in range(4000)])

    def cost(part: str) -> float:
        growth = Growth(list)
        growth.push(PartStart(0, Text("")))
        began = time.process_time()
        for start in range(0, len(part), 4):
            growth.push(PartDelta(0, part[start : start + 4]))
            if growth.grown:
                growth.take()
        return time.process_time() - began

    cost(text[:1000])
    assert cost(text) < 10 * cost(text[: len(text) // 4])  # a square would be 16 times as much


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wire", WIRES)
def test_outputs_grow_on_every_wire_and_the_last_is_the_value(wire: str, mode: OutputMode) -> None:
    texts = ['{"name": "Rome", "people": "many"}', FLORENCE]

    def script(number: int, asked: Asked) -> Answer:
        response = said(texts[number], read(wire, asked, server.url))
        return answer(wire, response, True)

    with Loopback(script) as server:
        agent = Agent(WIRES[wire], output=City, output_mode=mode, base_url=server.url, api_key="k")

        async def go() -> list[Any]:
            return [value async for value in agent.stream("Where?").outputs()]

        found = asyncio.run(go())
    assert found[-1] == City("Florence", 360930, "Arno")
    assert {"name": "Rome", "people": "many"} in found
    assert found[-2] == {"name": "Florence", "people": 360930, "river": "Arno"}


def test_a_list_grows_out_of_the_object_that_it_came_in() -> None:
    pieces = ['{"value": [{"na', 'me": "Flo', 'rence", "people": 1}', ', {"name": "Rome", "people": 2}]}']

    def script(number: int, asked: Asked) -> Answer:
        encoder = dialect_named("openai_chat").encoder()
        events = unfold(Response((Text(""),), FinishReason("stop")))
        events[2:2] = [PartDelta(0, piece) for piece in pieces]
        chunks = [chunk for event in events if (chunk := encoder.feed(event))]
        return Answer(200, chunks, {"Content-Type": "text/event-stream"}, pause=0.02)

    with Loopback(script) as server:
        agent: Agent[Any] = Agent("openai:gpt-5", output=list[City], base_url=server.url, api_key="k")

        async def go() -> list[Any]:
            return [value async for value in agent.stream("Which?").outputs()]

        found = asyncio.run(go())
    assert found[-1] == [City("Florence", 1), City("Rome", 2)]
    assert [{"name": "Flo"}] in found
    assert [{"name": "Florence", "people": 1}] in found


def test_text_grows_too() -> None:
    def script(number: int, asked: Asked) -> Answer:
        return answer("gemini", Response((Text("It is in Florence."),), FinishReason("stop")), True)

    with Loopback(script) as server:
        agent = Agent("google:gemini-2.5-flash", base_url=server.url, api_key="k")

        async def go() -> list[Any]:
            return [value async for value in agent.stream("Where?").outputs()]

        assert asyncio.run(go())[-1] == "It is in Florence."
