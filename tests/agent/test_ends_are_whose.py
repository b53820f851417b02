"""Runs inside that ask the same, some of which ended by an error: each plays its own, and a cut tape goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from playhead import Agent, tool
from playhead.errors import TapeFormatError
from playhead.messages import ToolResult
from playhead.tapes import Interaction, Tape
from playhead.testing import FakeProvider, reply, tool_call


@tool
async def look(q: str) -> str:
    """Look."""
    return "seen"


def steps_of(request: Any) -> int:
    return sum(message.role == "assistant" for message in request.messages)


def asked_by(request: Any, tasks: tuple[str, str], task: str, deep: Any) -> Any:
    """The answers of two middle agents with these tasks, each of which gives one task to the deep one."""
    system = request.messages[0].text
    if system == "deep":
        return deep(request)
    if not steps_of(request):
        calls = [tool_call("mid", f"m{n}", task=one) for n, one in enumerate(tasks)]
        return reply(*calls) if system == "outer" else reply(tool_call("deep", "d", task=task))
    told = [result.text for message in request.messages for result in message.all(ToolResult)]
    return reply(" | ".join([request.messages[1].text, *(text[: 20 if system == "mid" else 60] for text in told)]))


def agents(fake: FakeProvider, model: str, **deepest: Any) -> Agent[str]:
    deep: Agent[str] = Agent(fake.model(model), system="deep", max_tokens=100, **deepest)
    mid = Agent(fake.model(model), system="mid", tools=[deep.as_tool("deep", "d")], max_tokens=100)
    return Agent(fake.model(model), system="outer", tools=[mid.as_tool("mid", "m")], max_tokens=100)


def check_every_cut(agent: Agent[str], path: Path) -> None:
    """The tape replays whole, and cut after any of its interactions it is gone on with, and replays again."""
    agent.run_sync("go", tape=path, tape_mode="replay", fail_on_unplayed=True)
    items = Tape.load(path).interactions
    cut = path.with_name("cut.yaml")
    for count in range(1, len(items)):
        Tape(tuple(items[:count])).save(cut)
        gone_on = agent.run_sync("go", tape=cut, tape_mode="resume")
        assert agent.run_sync("go", tape=cut, tape_mode="replay").messages == gone_on.messages


@pytest.mark.parametrize("model", ["openai:m", "google:m"])
def test_two_equal_tasks_whose_own_agents_end_by_an_error_replay_and_are_gone_on_with(
    tmp_path: Path, model: str
) -> None:
    path = tmp_path / "t.yaml"

    def deep(request: Any) -> Any:  # never ends by itself
        return reply(tool_call("look", f"x{steps_of(request)}", q=f"again {steps_of(request)}"))

    with FakeProvider(answer=lambda request: asked_by(request, ("T", "T"), "T/1", deep)) as fake:
        agent = agents(fake, model, tools=[look], max_steps=2)
        live = agent.run_sync("go", tape=path, tape_mode="record")
        assert live.text.count("LimitError") == 2
        check_every_cut(agent, path)


@pytest.mark.parametrize("tasks", [("T1", "T2"), ("T", "T")])
@pytest.mark.parametrize("late", [0, 1])
def test_of_two_that_ask_the_same_of_one_agent_the_one_that_ended_leaves_the_other_its_answer(
    tmp_path: Path, tasks: tuple[str, str], late: int
) -> None:
    path, asked = tmp_path / "t.yaml", []

    def deep(request: Any) -> Any:
        asked.append(request)
        return reply("forty-two", delay=30 if len(asked) == late + 1 else 0)

    with FakeProvider(answer=lambda request: asked_by(request, tasks, "same", deep)) as fake:
        agent = agents(fake, "openai:m", timeout=0.3)
        live = agent.run_sync("go", tape=path, tape_mode="record")
        assert live.text.count("forty-two") == live.text.count("LimitError") == 1
        check_every_cut(agent, path)


def test_the_end_says_which_interactions_were_the_runs_however_the_ids_are_counted(
    tmp_path: Path,
) -> None:
    path = tmp_path / "t.yaml"
    with FakeProvider() as fake:
        agent = agents(fake, "openai:m", tools=[look], max_steps=1)
        fake.script(
            reply(tool_call("mid", task="t")), reply(tool_call("deep", task="t")), reply(tool_call("look", q=""))
        )
        fake.script(reply("mid"), reply("outer"))
        agent.run_sync("go", tape=path, tape_mode="record")
        tape = Tape.load(path)
        assert [said for one in tape.interactions if (said := ended(one))] == ["2; back=2,1; of=3"]
        shifted = [msgspec.structs.replace(one, id=one.id + 7) for one in tape.interactions]
        Tape(tuple(shifted)).save(path)
        assert agent.run_sync("go", tape=path, tape_mode="replay", fail_on_unplayed=True).text == "outer"


def ended(interaction: Interaction) -> str | None:
    return dict(interaction.response.headers).get("Playhead-Ended")


def say(path: Path, words: str) -> None:
    """The end on this tape says this."""
    items = []
    for one in Tape.load(path).interactions:
        if ended(one) is not None:
            kept = tuple(pair for pair in one.response.headers if pair[0] != "Playhead-Ended")
            headers = (*kept, ("Playhead-Ended", words))
            one = msgspec.structs.replace(one, response=msgspec.structs.replace(one.response, headers=headers))
        items.append(one)
    Tape(tuple(items)).save(path)


def test_an_end_that_has_the_count_alone_is_played_and_one_that_has_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    with FakeProvider() as fake:
        agent = agents(fake, "openai:m", tools=[look], max_steps=1)
        fake.script(
            reply(tool_call("mid", task="t")), reply(tool_call("deep", task="t")), reply(tool_call("look", q=""))
        )
        fake.script(reply("mid"), reply("outer"))
        live = agent.run_sync("go", tape=path, tape_mode="record")
        say(path, "2")
        assert agent.run_sync("go", tape=path, tape_mode="replay", fail_on_unplayed=True).messages == live.messages
        for words in ("x", "-1", "", "2; back=", "2; back=1,x", "2; of=-1"):
            say(path, words)
            for mode in ("replay", "resume"):
                with pytest.raises(TapeFormatError, match=r"interaction 4 \(tool:deep\): Playhead-Ended"):
                    agent.run_sync("go", tape=path, tape_mode=mode)
