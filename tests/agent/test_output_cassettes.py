"""Objects that others recorded, asked for through the public API in the mode that each recording is in."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest

from playhead import Agent, Model
from playhead.deck.question import question
from playhead.deck.reel import Reel
from playhead.request import NamedTool
from playhead.tapes import Tape
from playhead.transport.retry import RetryPolicy

Meta = msgspec.Meta


class Person(msgspec.Struct):
    """A person with name, age, and city"""

    name: Annotated[str, Meta(description="The person's name")]
    age: Annotated[int, Meta(description="The person's age")]
    city: Annotated[str, Meta(description="The city where the person lives")]


class Author(msgspec.Struct):
    name: Annotated[str, Meta(description="Author's name")]
    nationality: Annotated[str, Meta(description="Author's nationality")]


class Book(msgspec.Struct):
    """A book with title, author, genres, and publication year"""

    title: Annotated[str, Meta(description="The book title")]
    author: Author
    genres: Annotated[list[str], Meta(description="List of genres")]
    published_year: Annotated[int, Meta(description="Year the book was published")]


@pytest.fixture
def objects(cassettes: Path) -> list[Path]:
    """The recordings of objects."""
    return sorted(cassettes.glob("*ObjectGeneration/*/*.yaml"))


#: What playhead says of an output and the recording client did not, by the key of what it is said in: that the schema
#: is to be held, which this wire does not by itself, and what the type is, where the schema is all there is to say it.
SAID_BESIDES = {"format": ("strict", "description", "additionalProperties"), "responseJsonSchema": ("description",)}


def unordered(node: Any, key: str = "") -> Any:
    """JSON data in which the order of ``required`` says nothing, without what only playhead says."""
    if isinstance(node, dict):
        return {
            name: sorted(value) if name == "required" and isinstance(value, list) else unordered(value, name)
            for name, value in node.items()
            if name not in SAID_BESIDES.get(key, ())
        }
    return [unordered(item) for item in node] if isinstance(node, list) else node


def test_recorded_objects_are_read_and_asked_for_alike(objects: list[Path]) -> None:
    modes: dict[str, int] = {}
    for path in objects:
        reel = Reel(Tape.load(path))
        found = question(reel.left[0])
        request = found.request
        kind: type[msgspec.Struct] = Book if path.name.startswith("complex") else Person
        mode: Any = "tool" if isinstance(request.tool_choice, NamedTool) else "native" if request.output else "text"
        modes[mode] = modes.get(mode, 0) + 1
        own = found.own.profile  # what is asked for is ours to choose, how it is written is the recording client's
        ways = ("output_mode", "output_beside_tools", "output_schemas", "forced_choice")
        hand = msgspec.structs.replace(found.theirs.profile, **{name: getattr(own, name) for name in ways})
        model = Model(
            f"{found.provider.name}:{request.model}",
            request.model,
            found.provider,
            msgspec.structs.replace(found.theirs, profile=hand),
            found.dialect,
            key=None,
            wire=reel,
            retry=RetryPolicy(),
            clock=Model.of("local:smollm2").clock,
        )
        system = request.messages[0].text if request.messages[0].role == "system" else None
        agent: Agent[Any] = Agent(
            model, system=system, output=kind, output_mode=mode, max_tokens=request.max_tokens, output_retries=0
        )
        prompt = request.messages[1 if system else 0 :]
        values = asyncio.run(_outputs(agent, prompt, request.stream))
        assert isinstance(values[-1], kind), path
        if request.stream:
            assert msgspec.convert(values[-2], kind) == values[-1], path
        asked = msgspec.json.decode(reel.asked[0][0].body)
        recorded = msgspec.json.decode(reel.asked[0][1].request.body)
        assert unordered(asked) == unordered(recorded), path
    assert modes.keys() == {"native", "tool"}
    assert sum(modes.values()) == len(objects) > 40


async def _outputs(agent: Agent[Any], prompt: Any, streamed: bool) -> list[Any]:
    if streamed:
        return [value async for value in agent.stream(prompt).outputs()]
    return [(await agent.run(prompt)).output]
