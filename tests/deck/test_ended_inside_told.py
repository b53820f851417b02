"""A tape on which a run within another ended by a limit, as the commands that read tapes tell it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, tool
from playhead.deck.fork import fork
from playhead.deck.stats import stats
from playhead.deck.transcript.telling import transcript
from playhead.deck.verify import verify
from playhead.tapes import Tape
from playhead.testing import FakeProvider, reply, tool_call

SAID = "Error: LimitError: the run took longer than its timeout of 0.3 s"


@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return "40 C"


def agents(fake: FakeProvider) -> Agent[Any]:
    scout: Agent[Any] = Agent(fake.model("anthropic:small"), tools=[weather], timeout=0.3)
    return Agent(fake.model("openai:large"), tools=[scout.as_tool("scout", "finds out")])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "t.yaml"
    with FakeProvider() as fake:
        fake.script(reply(tool_call("scout", task="Florence?")), reply(tool_call("weather", location="Florence")))
        fake.script(reply("late", delay=5), reply("Stay inside."))
        agents(fake).run_sync("May I?", tape=path, tape_mode="record")
    return path


def test_the_end_is_the_result_of_the_call(path: Path) -> None:
    outer, inner = transcript(Tape.load(path)).conversations
    told = outer.steps[0].results[0]
    assert (told.result.text, told.result.is_error, told.duration is None) == (SAID, True, False)
    assert inner.inside == "scout, called in step 1"
    assert [told.result.text for told in inner.steps[0].results] == ["40 C"]
    tools = stats(path).total.tools
    assert {name: (figures.calls, figures.errors) for name, figures in tools.items()} == {
        "scout": (1, 1),
        "weather": (1, 0),
    }


def test_such_a_tape_is_what_playhead_asks(path: Path) -> None:
    verdict = asyncio.run(verify(Tape.load(path)))
    assert verdict.ok
    assert (verdict.requests, verdict.differences) == (3, [])


def test_a_fork_behind_it_keeps_it(path: Path, tmp_path: Path) -> None:
    with FakeProvider(answer="Go.") as fake:
        run = asyncio.run(fork(path, at=2, model=fake.model("openai:large"), tape=tmp_path / "new.yaml"))
    assert run.text == "Go."
    assert SAID in [result.text for result in run.steps[0].results]
    kept = Tape.load(tmp_path / "new.yaml").interactions
    assert [item.request.url for item in kept if item.request.method == "CALL"].count("tool:scout") == 1
