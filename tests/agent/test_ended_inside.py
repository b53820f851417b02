"""An agent that is a tool and ended otherwise than by an answer: how it ended stands on the tape, and is played."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, Budget, Pending, Preparation, Run, tool
from playhead.errors import LimitError, TapeMissError
from playhead.messages import ToolResult
from playhead.tapes import Tape
from playhead.testing import FakeProvider, reply, tool_call


@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return "40 C"


FLORENCE = tool_call("weather", location="Florence")
SCOUT = reply(tool_call("scout", task="Florence?"))


def guide(fake: FakeProvider, *scouts: Agent[Any], **more: Any) -> Agent[str]:
    names = ("scout", "other")
    tools = [one.as_tool(name, "finds out") for name, one in zip(names, scouts, strict=False)]
    return Agent(fake.model("openai:large"), tools=tools, **more)


def results(run: Run[Any]) -> list[str]:
    return [result.text for message in run.messages for result in message.all(ToolResult)]


def urls(path: Path) -> list[str]:
    return [item.request.url for item in Tape.load(path).interactions if item.request.method == "CALL"]


def replayed(agent: Agent[Any], path: Path, live: Run[Any]) -> Run[Any]:
    """A replay that is the recorded run, message by message, and leaves nothing on the tape."""
    run = agent.run_sync("May I?", tape=path, tape_mode="replay", fail_on_unplayed=True)
    assert run.messages == live.messages
    assert [child.messages for child in run.children] == [child.messages for child in live.children]
    assert run.usage == live.usage
    return run


@pytest.mark.parametrize(
    ("ends", "steps"), [({"timeout": 0.3}, 1), ({"budget": True}, 1), ({"budget": False}, 0), ({"max_steps": 1}, 1)]
)
def test_a_run_inside_that_met_a_limit_is_replayed_as_it_ended(
    tmp_path: Path, ends: dict[str, Any], steps: int
) -> None:
    path = tmp_path / "t.yaml"
    if "budget" in ends:
        ends = {"budget": Budget(tokens=500 if ends["budget"] else 200), "max_tokens": 50}
    with FakeProvider(price=("1", "2")) as fake:
        agent = guide(fake, Agent(fake.model("anthropic:small"), tools=[weather], **ends))
        late = [reply("late", delay=5)] if "timeout" in ends else []
        fake.script(SCOUT, *[reply(FLORENCE)] * steps, *late, reply("The scout could not."))
        live = agent.run_sync("May I?", tape=path, tape_mode="record")
        assert live.text == "The scout could not."
        assert results(live)[0].startswith("Error: LimitError: ")
        assert len(live.children[0].steps) == steps
    assert urls(path) == ["tool:weather"] * steps + ["tool:scout"]
    replayed(agent, path, live)
    again = agent.run_sync("May I?", tape=path, tape_mode="resume")
    assert again.messages == live.messages
    assert len(Tape.load(path).interactions) == len(live.tape.interactions if live.tape else ())


def test_a_run_inside_that_ended_in_a_write_is_played_without_a_word_about_it(tmp_path: Path) -> None:
    path, charged = tmp_path / "t.yaml", []

    @tool(effect="write")
    async def charge(cents: int) -> str:
        """Charge."""
        charged.append(cents)
        await asyncio.Event().wait()
        return "charged"

    with FakeProvider() as fake:
        agent = guide(fake, Agent(fake.model("anthropic:small"), tools=[charge, weather], timeout=0.3))
        both = reply(tool_call("charge", cents=1), FLORENCE)
        fake.script(SCOUT, both, reply("The scout could not."))
        live = agent.run_sync("May I?", tape=path, tape_mode="record")
    assert urls(path) == ["tool:charge#begun", "tool:weather", "tool:scout"]
    replayed(agent, path, live)
    assert agent.run_sync("May I?", tape=path, tape_mode="resume").messages == live.messages
    assert charged == [1]


def test_a_call_that_was_under_way_at_the_end_is_not_made_again(tmp_path: Path) -> None:
    path, looked = tmp_path / "t.yaml", []

    @tool
    async def look() -> str:
        """Look."""
        looked.append(1)
        await asyncio.Event().wait()
        return "seen"

    with FakeProvider() as fake:
        agent = guide(fake, Agent(fake.model("anthropic:small"), tools=[look], timeout=0.3))
        fake.script(SCOUT, reply(tool_call("look")), reply("The scout could not."))
        live = agent.run_sync("May I?", tape=path, tape_mode="record")
    assert agent.run_sync("May I?", tape=path, tape_mode="resume").messages == live.messages
    assert looked == [1]


@pytest.mark.parametrize("hangs", [False, True])
def test_of_two_that_were_given_the_same_task_each_ends_as_it_did(tmp_path: Path, hangs: bool) -> None:
    path, begun = tmp_path / "t.yaml", []

    async def first_fails(step: Preparation) -> None:
        begun.append(step.number)
        if len(begun) == 1:
            if hangs:
                await asyncio.Event().wait()
            raise OSError("no room")

    with FakeProvider() as fake:
        agent = guide(fake, Agent(fake.model("anthropic:small"), prepare=first_fails, timeout=0.4))
        asks = tool_call("scout", "c1", task="Florence?"), tool_call("scout", "c2", task="Florence?")
        fake.script(reply(*asks), reply("It is 40 C."), reply("Stay inside."))
        live = agent.run_sync("May I?", tape=path, tape_mode="record")
        assert results(live)[0].startswith("Error: LimitError" if hangs else "Error: OSError: no room")
        assert results(live)[1] == "It is 40 C."
    replayed(agent, path, live)


@pytest.mark.parametrize("failing", [1, 2])
def test_the_same_task_given_again_fails_where_it_failed(tmp_path: Path, failing: int) -> None:
    path, begun = tmp_path / "t.yaml", []

    def fails(step: Preparation) -> None:
        begun.append(step.number)
        if len(begun) == failing:
            raise OSError("no room")

    with FakeProvider() as fake:
        agent = guide(fake, Agent(fake.model("anthropic:small"), prepare=fails))
        same = reply(tool_call("scout", "c", task="Florence?"))
        answers = [reply("It is 40 C.")]
        fake.script(same, *answers[: failing - 1], same, *answers[failing - 1 :], reply("Stay inside."))
        live = agent.run_sync("May I?", tape=path, tape_mode="record")
        assert [text.startswith("Error") for text in results(live)] == [failing == 1, failing == 2]
    replayed(agent, path, live)


def test_what_ran_beside_it_inside_is_played_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"

    def answer(request: Any) -> Any:
        words, model = request.messages[-1].text, request.model
        if model == "large":
            return SCOUT if request.messages[-1].role == "user" else reply("Stay inside.")
        if model == "middle":
            return reply(tool_call("slow", "c1", task="Rome?"), tool_call("quick", "c2", task="Siena?"))
        if request.messages[-1].role == "tool":
            return reply("It is 40 C.")
        return reply(tool_call("weather", location="Siena")) if "Siena" in words else reply("late", delay=5)

    with FakeProvider(answer=answer) as fake:
        small: Agent[str] = Agent(fake.model("anthropic:small"), tools=[weather])
        tools = [small.as_tool("slow", "finds out"), small.as_tool("quick", "finds out")]
        agent = guide(fake, Agent(fake.model("openai:middle"), tools=tools, timeout=0.5))
        live = agent.run_sync("May I?", tape=path, tape_mode="record")
        assert results(live) == ["Error: LimitError: the run took longer than its timeout of 0.5 s"]
    assert urls(path) == ["tool:weather", "tool:scout"]
    run = replayed(agent, path, live)
    assert sorted(child.text for child in run.children[0].children) == ["", "It is 40 C."]


def test_a_run_inside_that_parts_from_the_tape_before_its_end_says_where(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    with FakeProvider() as fake:
        small = fake.model("anthropic:small")
        fake.script(SCOUT, reply(FLORENCE), reply("It could not."))
        live = guide(fake, Agent(small, system="a", tools=[weather], max_steps=1))
        live.run_sync("May I?", tape=path, tape_mode="record")
        other = guide(fake, Agent(small, system="b", tools=[weather], max_steps=1))
        for mode in ("replay", "resume"):
            with pytest.raises(TapeMissError, match=r'differs first at system.*"a" on the tape, "b" asked'):
                other.run_sync("May I?", tape=path, tape_mode=mode)


def test_a_tape_that_does_not_say_how_it_ended_is_missed_as_before_and_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    with FakeProvider() as fake:
        agent = guide(fake, Agent(fake.model("anthropic:small"), tools=[weather], timeout=0.3))
        fake.script(SCOUT, reply(FLORENCE), reply("late", delay=5), reply("It could not."))
        agent.run_sync("May I?", tape=path, tape_mode="record")
        tape = Tape.load(path)
        old = Tape([item for item in tape.interactions if item.request.url != "tool:scout"][:3])
        old.save(path)
        with pytest.raises(TapeMissError):
            agent.run_sync("May I?", tape=path, tape_mode="replay")
        fake.script(reply("It is 40 C."), reply("Stay inside."))
        assert agent.run_sync("May I?", tape=path, tape_mode="resume").text == "Stay inside."


def test_an_error_that_ends_the_whole_run_is_no_result_and_the_call_can_be_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    with FakeProvider() as fake:
        scout: Agent[Any] = Agent(fake.model("anthropic:small"), tools=[weather], timeout=0.3)
        agent = guide(fake, scout, tool_errors="raise")
        fake.script(SCOUT, reply(FLORENCE), reply("late", delay=5))
        with pytest.raises(LimitError):
            agent.run_sync("May I?", tape=path, tape_mode="record")
        assert urls(path) == ["tool:weather"]
        fake.script(reply("It is 40 C."), reply("Stay inside."))
        assert agent.run_sync("May I?", tape=path, tape_mode="resume").text == "Stay inside."


def test_a_run_inside_that_waited_and_then_met_its_limit_is_replayed_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"

    @tool(effect="write", approve=True)
    def refund(order: int) -> str:
        """Pay an order back."""
        return "refunded"

    with FakeProvider() as fake:
        agent = guide(fake, Agent(fake.model("anthropic:small"), tools=[refund], max_steps=1))
        fake.script(SCOUT, reply(tool_call("refund", "r", order=7)))
        waits = agent.run_sync("May I?", tape=path, tape_mode="record").pending
        assert waits is not None
        fake.script(reply("It could not."))
        live = agent.run_sync(Pending.from_json(waits.to_json()).approve("r"), tape=path, tape_mode="resume")
        assert results(live)[0].startswith("Error: LimitError")
    whole = agent.run_sync("May I?", tape=path, tape_mode="replay", fail_on_unplayed=True)
    assert whole.messages == live.messages
