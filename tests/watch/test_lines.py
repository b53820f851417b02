"""Runs as lines of the logger "playhead"."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, tool
from playhead.errors import ConfigError, RateLimitError
from playhead.events import ResponseStart
from playhead.response import Usage
from playhead.testing import FakeProvider, refuse, reply, tool_call
from playhead.testing.provider import FAKE_KEY
from playhead.transport.retry import RetryPolicy
from playhead.watch import log

SECRET = "a word that nobody else says"


@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return SECRET


@tool
def fail() -> str:
    """Fail"""
    raise ValueError(SECRET)


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "playhead"]


def of_level(caplog: pytest.LogCaptureFixture, level: str) -> list[str]:
    return [words for one, words in told(caplog) if one == level]


@pytest.fixture(autouse=True)
def _everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "playhead")


def test_a_run_is_told_without_what_was_said(caplog: pytest.LogCaptureFixture) -> None:
    with FakeProvider("openrouter", price=(1, 1)) as fake:
        fake.script(
            refuse(429, SECRET, retry_after=0),
            reply(tool_call("weather", location="Florence"), tool_call("fail")),
            reply(SECRET, usage=Usage(100, 20)),
        )
        Agent(fake.model("m"), tools=[weather, fail], system=SECRET, on_event=log()).run_sync(SECRET)
    begins, ends = of_level(caplog, "INFO")
    assert begins.endswith("begins: asks openrouter m")
    assert "ends: 2 steps" in ends
    assert "tokens, $0.000" in ends
    refused, failed, raised = of_level(caplog, "WARNING")
    assert "tool fail raised ValueError" in raised
    assert "step 1 attempt 1: openrouter m failed, 429 after" in refused
    assert "; waits 0." in refused
    assert ": fail failed after" in failed
    assert any("step 1: calls weather" in words for words in of_level(caplog, "DEBUG"))
    assert of_level(caplog, "ERROR") == []
    everything = "\n".join(words for _, words in told(caplog))
    assert SECRET not in everything
    assert FAKE_KEY not in everything


def test_content_is_told_where_it_was_asked_for_and_keys_never(caplog: pytest.LogCaptureFixture) -> None:
    with FakeProvider() as fake:
        fake.script(refuse(429, f"slow down, {FAKE_KEY}", retry_after=0), reply(tool_call("fail")), reply("Hot."))
        Agent(fake.model("m"), tools=[fail], on_event=log(content=True)).run_sync("hi")
    everything = "\n".join(words for _, words in told(caplog))
    assert "slow down, " in everything
    assert f"ValueError: {SECRET}" in everything
    assert "stop: Hot." in everything
    assert FAKE_KEY not in everything


def test_an_error_that_ends_a_run_is_told_as_one_and_leaving_it_is_not(caplog: pytest.LogCaptureFixture) -> None:
    async def left(agent: Agent[str]) -> None:
        async with agent.stream("hi") as stream:
            async for event in stream:
                if isinstance(event, ResponseStart):
                    break

    with FakeProvider() as fake:
        fake.script(refuse(RateLimitError(SECRET)), reply("Hot."))
        agent = Agent(fake.model("m", retry=RetryPolicy(attempts=1)), on_event=log())
        with pytest.raises(RateLimitError):
            agent.run_sync("hi")
        (error,) = of_level(caplog, "ERROR")
        assert "failed, RateLimitError 429: 0 steps" in error
        caplog.clear()
        asyncio.run(left(agent))
    assert of_level(caplog, "ERROR") == []
    assert any("was left" in words for words in of_level(caplog, "INFO"))


def test_a_run_within_another_is_told_as_such(caplog: pytest.LogCaptureFixture) -> None:
    with FakeProvider() as fake:
        fake.script(reply(tool_call("ask", task="look")), reply("inner"), reply("outer"))
        inner = Agent(fake.model("small"), on_event=log("playhead.inner"))
        Agent(fake.model("big"), tools=[inner.as_tool("ask", "asks")], on_event=log()).run_sync("hi")
    infos = of_level(caplog, "INFO")
    assert len(infos) == 4
    assert infos[1].endswith("begins within run 1: asks openai small")
    own = [record.getMessage() for record in caplog.records if record.name == "playhead.inner"]
    assert "begins: asks openai small" in own[0]  # both watch it: its own, and that of the run that it is in


def test_several_watches_are_told_in_their_order_and_each_once() -> None:
    said: list[str] = []

    def first(event: Any, run: Any) -> None:
        said.append("first")

    def second(event: Any, run: Any) -> None:
        said.append("second")

    with FakeProvider() as fake:
        fake.script(reply("Hot."))
        Agent(fake.model("m"), on_event=[first, second, first]).run_sync("hi")
    assert said[:4] == ["first", "second", "first", "second"]
    assert said.count("first") == said.count("second")


@pytest.mark.parametrize("wrong", ["log", 3, [print, 3]])
def test_what_cannot_watch_is_refused_when_the_agent_is_made(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="on_event is a function or several of them"):
        Agent("openai:m", on_event=wrong)


def test_runs_are_named_by_their_agents(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="playhead")
    with FakeProvider() as fake:
        fake.script(reply(tool_call("scout", task="look")), reply("inner"), reply("outer"))
        scout = Agent(fake.model("small"), name="scout")
        Agent(fake.model("big"), name="guide", tools=[scout.as_tool("scout", "finds")], on_event=log()).run_sync("hi")
    told = of_level(caplog, "INFO")
    assert told[0] == "run 1 (guide) begins: asks openai big"
    assert told[1] == "run 2 (scout) begins within run 1 (guide): asks openai small"
    assert told[2].startswith("run 2 (scout) ends: 1 step, ")
    assert told[3].startswith("run 1 (guide) ends: 2 steps, ")


def test_what_was_played_from_a_tape_is_said_to_be(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    with FakeProvider() as fake:
        fake.script(refuse(429, "slow", retry_after=0), reply("hi"))
        Agent(fake.model("m"), on_event=log()).run_sync("hi", tape=path, tape_mode="record")
        assert "tape" not in "".join(words for _, words in told(caplog))
        caplog.clear()
        Agent(fake.model("m"), on_event=log()).run_sync("hi", tape=path, tape_mode="replay")
    (refused,) = of_level(caplog, "WARNING")
    assert "failed, 429 after " in refused
    assert ", on the tape" in refused
    assert any("answered 200 after" in words and ", on the tape" in words for words in of_level(caplog, "DEBUG"))
    assert "ends: 1 step, played from the tape in " in of_level(caplog, "INFO")[-1]
