"""``run.output`` is of the type that it says, or says why it is not there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from playhead import Agent, Final, LimitError, OutputError, Run, tool
from playhead.testing import ScriptedModel, reply, tool_call


@dataclass
class Ticket:
    title: str


@tool
def look(n: int) -> str:
    """Look"""
    return "seen"


@tool(effect="write", approve=True)
def refund(order: int) -> str:
    """Pay back"""
    return f"refunded {order}"


@tool
def give_up(title: str) -> Final:
    """End it"""
    return Final({"title": title})


LOOK = reply(tool_call("look", n=1))
REFUND = reply(tool_call("refund", "c1", order=1))
TICKET = '{"title": "broken"}'


def stop(run: Run[Any]) -> bool:
    return True


def failed(run: Callable[[], Run[Any]]) -> Run[Any]:
    """The run as far as it came."""
    with pytest.raises(LimitError) as caught:
        run()
    assert isinstance(caught.value.run, Run)
    return caught.value.run


def test_a_run_that_waits_says_so_and_has_its_output_once_it_went_on() -> None:
    agent = Agent(ScriptedModel(REFUND, TICKET), tools=[refund], output=Ticket)
    run = agent.run_sync("x")
    assert run.ended == "waiting"
    with pytest.raises(OutputError, match=r"no Ticket: calls wait for a person; run\.pending") as caught:
        _ = run.output
    assert caught.value.run is run
    assert run.pending is not None
    again = agent.run_sync(run.pending.approve())
    assert (again.output, again.ended) == (Ticket("broken"), "answer")


def test_a_run_that_was_stopped_or_failed_says_so() -> None:
    stopped = Agent(ScriptedModel(LOOK), tools=[look], output=Ticket, stop_when=stop).run_sync("x")
    assert stopped.ended == "stopped"
    with pytest.raises(OutputError, match="stop_when= ended it"):
        _ = stopped.output
    agent = Agent(ScriptedModel(LOOK), tools=[look], output=Ticket, max_steps=1)
    broken = failed(lambda: agent.run_sync("x"))
    assert broken.ended == "failed"
    with pytest.raises(OutputError, match="it failed, or was broken off"):
        _ = broken.output


def test_an_answer_that_is_no_value_of_the_type_leaves_a_run_without_output() -> None:
    with pytest.raises(OutputError) as caught:
        Agent(ScriptedModel("no"), output=Ticket, output_retries=0).run_sync("x")
    assert (caught.value.run.ended, caught.value.run.text) == ("failed", "no")
    with pytest.raises(OutputError, match="it failed"):
        _ = caught.value.run.output


def test_a_run_under_way_has_no_output_yet() -> None:
    said: list[str] = []

    def watch(event: Any, run: Run[Any]) -> None:
        if not said:
            assert run.ended is None
            with pytest.raises(OutputError) as caught:
                _ = run.output
            said.append(str(caught.value))

    Agent(ScriptedModel(TICKET), output=Ticket, on_event=watch).run_sync("x")
    assert said == ["the run has no output, no Ticket: it is under way"]


def test_text_is_empty_where_there_is_none() -> None:
    assert Agent(ScriptedModel(REFUND), tools=[refund]).run_sync("x").output == ""
    assert Agent(ScriptedModel(REFUND), tools=[refund], output=str).run_sync("x").output == ""
    assert failed(lambda: Agent(ScriptedModel(LOOK), tools=[look], max_steps=1).run_sync("x")).output == ""


def test_what_a_tool_ended_a_run_with_is_the_output() -> None:
    end = reply(tool_call("give_up", title="no"))
    run = Agent(ScriptedModel(end), tools=[give_up], output=Ticket).run_sync("x")
    assert (run.output, run.ended) == (Ticket("no"), "tool")
    assert Agent(ScriptedModel(end), tools=[give_up]).run_sync("x").output == '{"title":"no"}'


def test_outputs_of_a_stream_end_without_a_value_where_the_run_waits() -> None:
    async def values() -> list[Any]:
        return [one async for one in Agent(ScriptedModel(REFUND), tools=[refund], output=Ticket).stream("x").outputs()]

    assert asyncio.run(values()) == []


def test_an_agent_that_is_a_tool_and_was_stopped_says_so_to_the_one_that_called_it() -> None:
    inner = Agent(ScriptedModel(LOOK), tools=[look], output=Ticket, stop_when=stop)
    asks = reply(tool_call("helper", task="look"))
    run = Agent(ScriptedModel(asks, "well"), tools=[inner.as_tool("helper", "Helps")]).run_sync("x")
    assert run.steps[0].results[0].text == "Error: the agent was stopped before it had an answer"
    with pytest.raises(OutputError, match="stop_when="):
        _ = run.children[0].output


def test_handing_over_hands_over_the_type_and_the_name() -> None:
    clerk = Agent(ScriptedModel(TICKET), output=Ticket, name="clerk")
    first = Agent(ScriptedModel(reply(tool_call("clerk"))), tools=[clerk.hand_over(description="Writes")], name="desk")
    run: Run[Any] = first.run_sync("x")
    assert (run.output, run.agent) == (Ticket("broken"), "clerk")
