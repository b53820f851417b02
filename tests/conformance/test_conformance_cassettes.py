"""Every recording, run again by an agent of one's own through the public API: what it gives is what was recorded.

The agent is what the recordings' README says it was: a prompt, ordinary functions as tools, dataclasses as output. The
answers are the tape's. That each request is asked again byte for byte is another question, and ``playhead verify``
answers it, here at the end for all of them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from playhead import Agent, LimitError, Message, Model, Reasoning, RetryPolicy, Run, Source, Tape, tool
from playhead.deck.question import Question, question
from playhead.deck.reel import Reel
from playhead.deck.verify import verify

HI = re.compile(r"\b(oi|olá)\b", re.IGNORECASE)


@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return "40 C"


@tool
def add(a: int, b: int) -> str:
    """Adds two numbers"""
    return str(a + b)


@tool
def multiply(a: int, b: int) -> str:
    """Multiplies two numbers"""
    return str(a * b)


@tool
def computer(action: str, coordinate: list[int] | None = None, text: str | None = None) -> str:
    """Stands in for the screen that was recorded."""
    return "done"


@dataclass
class Person:
    name: str
    age: int
    city: str


@dataclass
class Author:
    name: str
    nationality: str


@dataclass
class Book:
    title: str
    author: Author
    genres: list[str]
    published_year: int


@tool(name="Person")
def make_person(name: str, age: int, city: str) -> str:
    """A person, where a recording has the object made by a tool that must be called."""
    return repr(Person(name, age, city))


@tool(name="Book")
def make_book(title: str, author: Author, genres: list[str], published_year: int) -> str:
    """A book, likewise."""
    return repr(Book(title, author, genres, published_year))


TOOLS = {made.name: made for made in (weather, add, multiply, computer, make_person, make_book)}


class Again(NamedTuple):
    """A recording, what it asked first, and the run of our own agent on its answers."""

    name: str
    question: Question
    run: Run[Any]
    left: int

    @property
    def case(self) -> str:
        return Path(self.name).stem.removesuffix("_streaming").removesuffix("-streaming")

    @property
    def calls(self) -> list[str]:
        return [call.name for step in self.run.steps for call in step.response.tool_calls]


async def one_run(agent: Agent[Any], streamed: bool, messages: Sequence[Message]) -> Run[Any]:
    if not streamed:
        return await agent.run(messages)
    async with agent.stream(messages) as stream:
        async for _ in stream:
            pass
        return stream.run


async def run_again(path: Path, name: str) -> Again:
    reel = Reel(Tape.load(path))
    first = question(reel.left[0])
    asked = first.request
    output = {"simple_object": Person, "complex_object": Book}.get(path.stem.removesuffix("_streaming"))
    forced = output is not None and bool(asked.tools)
    native = [item.get("name") for item in asked.options.get("tools", ()) if isinstance(item, dict)]
    model = Model.of(
        f"{first.provider.name}:{asked.model}",
        base_url=first.provider.base_url,
        api_key="sk-not-used",
        transport=reel,
        retry=RetryPolicy(attempts=1),
    )
    agent: Agent[Any] = Agent(
        model,
        tools=[made for key, made in TOOLS.items() if key in native or any(key == spec.name for spec in asked.tools)],
        output=None if forced else output,
        tool_choice=asked.tools[0].name if forced else None,
        max_tokens=asked.max_tokens,
        options=asked.options,
        reasoning=asked.reasoning,
        max_steps=1 if forced else 20,
    )
    try:
        run = await one_run(agent, asked.stream, asked.messages)
        while reel.left and (said := question(reel.left[0]).request.messages[-1]).role == "user":
            run = await one_run(agent, asked.stream, (*run.messages, said))
    except LimitError as error:
        if not forced:
            raise
        run = error.run  # the object is the call, and nothing was asked after it
    return Again(name, first, run, len(reel.left))


@pytest.fixture(scope="module")
def runs(cassettes: Path) -> list[Again]:
    paths = sorted(cassettes.rglob("*.yaml"))

    async def every() -> list[Again]:
        return [await run_again(path, str(path.relative_to(cassettes))) for path in paths]

    found = asyncio.run(every())
    assert len(found) == 195
    return found


def of(runs: list[Again], *cases: str) -> list[Again]:
    found = [again for again in runs if again.case in cases]
    assert found
    return found


def test_every_tape_is_played_to_its_end(runs: list[Again]) -> None:
    assert [again.name for again in runs if again.left] == []
    dialects = {again.question.provider.dialect for again in runs}
    assert dialects == {"openai_chat", "openai_responses", "anthropic_messages", "gemini"}


def test_each_says_hi_in_portuguese(runs: list[Again]) -> None:
    for again in of(runs, "simple"):
        assert HI.search(again.run.text), (again.name, again.run.text)
        assert again.run.steps[-1].response.finish.unified == "stop", again.name


def test_each_calls_the_tool_once_and_says_what_it_said(runs: list[Again]) -> None:
    for again in of(runs, "tool", "thinking"):
        assert again.calls == ["weather"], again.name
        assert "Florence" in again.run.text, again.name
        assert "40" in again.run.text, again.name
        assert "Florence" in again.run.steps[0].response.tool_calls[0].arguments, again.name
        assert again.run.steps[0].results[0].text == "40 C", again.name


def test_each_calls_two_tools_at_once(runs: list[Again]) -> None:
    for again in of(runs, "multi_tool"):
        assert sorted(again.calls) == ["add", "multiply"], again.name
        assert sorted(result.text for step in again.run.steps for result in step.results) == ["5", "6"], again.name
        assert "5" in again.run.text, again.name
        assert "6" in again.run.text, again.name


def test_each_counts_its_tokens(runs: list[Again]) -> None:
    for again in runs:
        for step in again.run.steps:
            assert step.response.usage is not None, again.name
            assert step.response.usage.input_tokens, again.name
            assert step.response.usage.output_tokens, again.name


def test_each_object_is_the_type_that_was_asked_for(runs: list[Again]) -> None:
    kinds = {"simple_object": Person, "complex_object": Book}
    for again in of(runs, *kinds):
        if again.calls:
            shown = again.run.steps[0].results[0].text
        else:
            assert type(again.run.output) is kinds[again.case], again.name
            shown = repr(again.run.output)
        assert shown.startswith("Person(name=" if again.case == "simple_object" else "Book(title="), (again.name, shown)
        assert "Tolkien" in shown or again.case == "simple_object", (again.name, shown)


def test_thoughts_are_parts_of_the_answer(runs: list[Again]) -> None:
    thinking = [again for again in runs if "Thinking" in again.name and again.case == "thinking"]
    silent = {
        again.name.split("/")[0]
        for again in thinking
        if not any(again.run.messages[n].all(Reasoning) for n in range(len(again.run.messages)))
    }
    assert silent == {"TestAzureThinking"}  # on the chat wire OpenAI thinks in silence, and only counts it
    for again in thinking:
        if again.name.startswith("TestAzureThinking"):
            assert again.run.usage.reasoning_tokens is not None, again.name


def test_a_search_has_its_sources(runs: list[Again]) -> None:
    for again in of(runs, "generate", "stream"):
        sources = [part for message in again.run.messages for part in message.all(Source)]
        assert sources, again.name
        assert all(source.url.startswith("https://") for source in sources), again.name
        assert "Tokyo" in again.run.text, again.name


def test_a_picture_is_described(runs: list[Again]) -> None:
    for again in runs:
        if again.name.startswith("TestImageUploadAgent"):
            assert len(again.run.text) > 20, again.name


def test_all_of_them_verify(cassettes: Path) -> None:
    """Each request is asked again as it was; what the recording client did to its own history is named."""
    paths = sorted(cassettes.rglob("*.yaml"))

    async def every() -> list[str]:
        return [str(path) for path in paths if not (await verify(Tape.load(path))).ok]

    assert asyncio.run(every()) == []
