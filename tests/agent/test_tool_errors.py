"""What a tool raises: told to the model and to whoever runs the agent, or the end of the run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, ConfigError, Context, LimitError, Run, ToolEnd, ToolError, UnfinishedCallError, tool
from playhead.testing import FakeProvider, ScriptedModel, reply, tool_call


@tool
def boom(n: int) -> str:
    """Boom"""
    raise KeyError("password=hunter2")


@tool
def refuse(n: int) -> str:
    """Refuse"""
    raise ToolError("ask for another")


@tool
def strange() -> Any:
    """Give back what JSON cannot hold"""
    return object()


BOOM = reply(tool_call("boom", "c1", n=1))


def test_by_default_the_model_is_told_and_so_is_whoever_runs_it() -> None:
    ends: list[ToolEnd] = []

    def watch(event: Any, run: Run[Any]) -> None:
        if isinstance(event, ToolEnd):
            ends.append(event)

    twice = reply(tool_call("boom", "c1", n=1), tool_call("boom", "c2", n=2))
    run = Agent(ScriptedModel(twice, BOOM, "ok"), tools=[boom], on_event=watch).run_sync("x")
    assert run.steps[0].results[0].text == "Error: KeyError: 'password=hunter2'"
    line = boom.function.__code__.co_firstlineno + 3
    place = f"{Path(__file__)}:{line}"
    assert run.warnings == [
        f"tool boom raised KeyError at {place}, and the model was told what it says; "
        'tool_errors="raise" ends the run instead'
    ]
    assert [type(end.error) for end in ends] == [KeyError] * 3


def test_what_is_meant_for_the_model_is_no_warning() -> None:
    asks = reply(tool_call("refuse", n=1), tool_call("refuse", n="one"), tool_call("nothing"))
    for mode in ("tell", "raise"):
        run = Agent(ScriptedModel(asks, "ok"), tools=[refuse], tool_errors=mode).run_sync("x")
        first, second, third = (result.text for result in run.steps[0].results)
        assert first == "Error: ask for another"
        assert "the arguments do not fit" in second
        assert "no tool named 'nothing'" in third
        assert run.warnings == []


def test_it_ends_the_run_where_that_is_asked_for_and_the_history_can_be_gone_on_with() -> None:
    model = ScriptedModel(BOOM, "never mind")
    agent = Agent(model, tools=[boom], tool_errors="raise")
    with pytest.raises(KeyError, match="hunter2") as caught:
        agent.run_sync("x")
    run = caught.value.run  # type: ignore[attr-defined]
    assert (len(run.steps), run.ended) == (1, "failed")
    again = agent.run_sync("And now?", messages=run.messages)
    assert again.text == "never mind"
    assert "hunter2" not in again.messages_json().decode()


@pytest.mark.parametrize("stream", [False, True])
def test_missing_deps_are_a_mistake_in_the_program(stream: bool) -> None:
    @tool
    async def who(ctx: Context[dict[str, str]]) -> str:
        """Who"""
        return ctx.deps["name"]

    agent = Agent(ScriptedModel(reply(tool_call("who"))), tools=[who], tool_errors="raise")

    async def go() -> None:
        await (agent.stream("x").drain() if stream else agent.run("x"))

    with pytest.raises(TypeError, match="'NoneType' object is not subscriptable"):
        asyncio.run(go())


def test_a_result_that_no_json_can_hold_counts_as_raised() -> None:
    asks = reply(tool_call("strange"))
    told = Agent(ScriptedModel(asks, "ok"), tools=[strange]).run_sync("x")
    assert "the tool returned a object, neither text nor JSON" in told.steps[0].results[0].text
    assert "tool strange raised TypeError" in told.warnings[0]
    with pytest.raises(TypeError, match="neither text nor JSON"):
        Agent(ScriptedModel(asks), tools=[strange], tool_errors="raise").run_sync("x")


def test_calls_beside_it_that_are_done_stay_done() -> None:
    @tool
    def look() -> str:
        """Look"""
        return "seen"

    @tool
    async def fall() -> str:
        """Fall"""
        await asyncio.sleep(0)
        while not seen:
            await asyncio.sleep(0)
        raise RuntimeError("down")

    seen: list[str] = []

    def watch(event: Any, run: Run[Any]) -> None:
        if isinstance(event, ToolEnd):
            seen.append(event.result.name)

    asks = reply(tool_call("fall", "c1"), tool_call("look", "c2"))
    agent = Agent(ScriptedModel(asks), tools=[look, fall], tool_errors="raise", on_event=watch)
    with pytest.raises(RuntimeError, match="down") as caught:
        agent.run_sync("x")
    assert [one.text for one in caught.value.run.steps[0].results] == ["seen"]  # type: ignore[attr-defined]


def test_a_tape_plays_what_was_told_in_either_mode(tmp_path: Path) -> None:
    tape = tmp_path / "told.yaml"
    with FakeProvider() as fake:
        fake.script(BOOM, reply("ok"))
        model = fake.model("m")
        Agent(model, tools=[boom]).run_sync("x", tape=tape, tape_mode="record")
        again = Agent(model, tools=[boom], tool_errors="raise").run_sync("x", tape=tape, tape_mode="replay")
    assert (again.text, again.warnings) == ("ok", [])


def test_a_write_that_raised_had_begun(tmp_path: Path) -> None:
    made: list[int] = []

    @tool(effect="write")
    def move(n: int) -> str:
        """Move"""
        made.append(n)
        raise ConnectionError("lost")

    tape = tmp_path / "write.yaml"
    with FakeProvider() as fake:
        fake.script(reply(tool_call("move", n=1)), reply("done"))
        agent = Agent(fake.model("m"), tools=[move], tool_errors="raise")
        with pytest.raises(ConnectionError):
            agent.run_sync("x", tape=tape, tape_mode="record")
        with pytest.raises(UnfinishedCallError):
            agent.run_sync("x", tape=tape, tape_mode="resume")
        assert agent.run_sync("x", tape=tape, tape_mode="resume", assume="done").text == "done"
    assert made == [1]


def test_what_befell_an_agent_that_is_a_tool_is_an_exception_like_any_other() -> None:
    inner = Agent(ScriptedModel(BOOM, BOOM), tools=[boom], max_steps=1, name="inner")
    asks = reply(tool_call("inner", task="t"))
    told = Agent(ScriptedModel(asks, "ok"), tools=[inner.as_tool(description="Helps")]).run_sync("x")
    assert told.steps[0].results[0].text.startswith("Error: LimitError: ")
    assert "agent inner ended with LimitError" in told.warnings[0]
    with pytest.raises(LimitError):
        Agent(ScriptedModel(asks), tools=[inner.as_tool()], tool_errors="raise").run_sync("x")


def test_there_are_two_ways() -> None:
    with pytest.raises(ConfigError, match='tool_errors is \'ignore\'; "tell" or "raise" is expected'):
        Agent(ScriptedModel("x"), tool_errors="ignore")  # type: ignore[call-overload]
