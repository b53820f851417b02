"""A run that waited and goes on: what was decided is not lost, and what it costs is the whole, once."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, Pending, Run, tool
from playhead.agent.tools import AnyTool
from playhead.agent.toolsets import Opening
from playhead.errors import ConfigError, LimitError
from playhead.messages import ToolCall, ToolResult
from playhead.tapes import Tape
from playhead.testing import FakeProvider, reply, tool_call


@tool(effect="write", approve=True)
def refund(order: int) -> str:
    """Pay an order back."""
    return f"order {order} is refunded"


@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return "40 C"


REFUND = reply(tool_call("refund", "call_7", order=7))


def waiting(fake: FakeProvider, **settings: Any) -> Pending:
    fake.script(REFUND)
    run = Agent(fake.model("m"), tools=[refund], **settings).run_sync("Refund order 7")
    assert run.pending is not None
    return Pending.from_json(run.pending.to_json())


# --- what was decided


class Shelf:
    """A toolset that has these tools."""

    name = "shelf"

    def __init__(self, *tools: AnyTool) -> None:
        self.tools = tools

    async def tools_for(self, opening: Opening) -> Sequence[AnyTool]:
        return self.tools


@pytest.mark.parametrize(
    "decide", [Pending.approve, lambda one: one.refuse("call_7"), lambda one: one.answer("call_7", 1)]
)
@pytest.mark.parametrize("tools", [[weather], [Shelf(weather)]])
def test_what_was_decided_of_a_call_is_not_lost_on_an_agent_that_has_no_such_tool(
    decide: Any, tools: list[Any]
) -> None:
    with FakeProvider() as fake:
        pending = decide(waiting(fake))
        with pytest.raises(ConfigError, match=r"decided of refund \(call call_7\).*no such tool; it has: weather"):
            Agent(fake.model("m"), tools=tools).run_sync(pending)
        assert len(fake.requests) == 1


def test_a_decision_holds_for_a_tool_that_a_toolset_gives() -> None:
    with FakeProvider() as fake:
        pending = waiting(fake).approve()
        fake.script(reply("Done."))
        run = Agent(fake.model("m"), tools=[Shelf(refund)]).run_sync(pending)
    assert run.messages[-2].all(ToolResult)[0].text == "order 7 is refunded"


def test_what_was_decided_of_a_call_of_an_agent_inside_is_not_lost_on_another() -> None:
    with FakeProvider() as fake:
        clerk: Agent[Any] = Agent(fake.model("clerk"), tools=[refund])
        fake.script(reply(tool_call("clerk", "c", task="refund 7")), REFUND)
        run = Agent(fake.model("boss"), tools=[clerk.as_tool("clerk", "does it")]).run_sync("Refund order 7")
        assert run.pending is not None
        other: Agent[Any] = Agent(fake.model("clerk"), tools=[weather])
        boss = Agent(fake.model("boss"), tools=[other.as_tool("clerk", "does it")])
        with pytest.raises(ConfigError, match=r"decided of refund \(call call_7\).*it has: weather"):
            boss.run_sync(run.pending.approve())
        assert len(fake.requests) == 2


# --- what it costs


def test_a_run_that_goes_on_says_what_the_whole_task_cost_and_its_ledger_what_it_cost_itself() -> None:
    with FakeProvider(price=("1", "2")) as fake:
        pending = waiting(fake)
        assert (pending.steps, pending.cost) == (1, fake.billed.cost)
        fake.script(REFUND)
        agent = Agent(fake.model("m"), tools=[refund])
        second = agent.run_sync(pending.approve())
        assert second.pending is not None
        assert second.pending.steps == 2
        fake.script(reply("Done."))
        third = agent.run_sync(Pending.from_json(second.pending.to_json()).approve())
        assert third.cost == fake.billed.cost
        assert third.usage is not None
        assert third.usage.total_tokens == fake.billed.total_tokens
        assert third.usage.cost == fake.billed.cost
    assert third.before is not None
    assert (third.before.steps, third.before.cost) == (2, second.cost)
    assert [len(run.ledger) for run in (second, third)] == [1, 1]
    legs = [pending.cost, second.leg_cost, third.leg_cost]
    assert sum(cost or Decimal(0) for cost in legs) == third.cost
    assert third.leg_usage == third.steps[0].response.usage


def test_agents_inside_are_counted_once_however_often_they_waited() -> None:
    with FakeProvider(price=("1", "2")) as fake:
        clerk: Agent[Any] = Agent(fake.model("clerk"), tools=[refund])
        boss = Agent(fake.model("boss"), tools=[clerk.as_tool("clerk", "does it")])
        fake.script(reply(tool_call("clerk", "c", task="refund 7")), REFUND)
        first = boss.run_sync("Refund order 7")
        assert first.pending is not None
        fake.script(reply("I did it."), reply("It is done."))
        run = boss.run_sync(first.pending.approve())
        assert run.cost == fake.billed.cost
        assert run.usage is not None
        assert run.usage.total_tokens == fake.billed.total_tokens
        child = run.children[0]
        assert child.before is not None
        assert child.cost == (child.before.cost or 0) + (child.leg_cost or 0)


def test_a_limit_that_is_met_after_the_wait_leaves_the_cost_of_before() -> None:
    with FakeProvider(price=("1", "2")) as fake:
        pending = waiting(fake, max_steps=1)
        with pytest.raises(LimitError) as caught:
            Agent(fake.model("m"), tools=[refund], max_steps=1).run_sync(pending.approve())
        run: Run[Any] = caught.value.run
        assert run.cost == fake.billed.cost
        assert run.usage is not None
        assert (run.usage.total_tokens, run.leg_usage, run.leg_cost) == (fake.billed.total_tokens, None, None)


def test_a_cost_that_was_not_known_before_the_wait_is_not_known_after_it() -> None:
    with FakeProvider() as fake:
        pending = waiting(fake)
        assert pending.cost is None
    with FakeProvider(price=("1", "2")) as fake:
        fake.script(reply("Done."))
        run = Agent(fake.model("m"), tools=[refund]).run_sync(pending.approve())
    assert run.leg_cost == fake.billed.cost
    assert run.cost is None


def test_a_history_whose_calls_wait_before_anything_was_asked_costs_nothing_before() -> None:
    with FakeProvider(price=("1", "2")) as fake:
        asked = waiting(fake).messages
    with FakeProvider(price=("1", "2")) as fake:
        agent = Agent(fake.model("m"), tools=[refund])
        first = agent.run_sync(messages=asked)
        assert first.pending is not None
        assert (first.pending.steps, first.pending.cost) == (0, None)
        fake.script(reply("Done."))
        run = agent.run_sync(first.pending.approve())
        assert run.cost == fake.billed.cost


# --- after a crash


def test_calls_that_were_under_way_are_no_parting_from_the_tape(tmp_path: Path) -> None:
    path, keys = tmp_path / "t.yaml", []

    @tool(effect="idempotent")
    def mark(n: int) -> str:
        """Mark."""
        keys.append(n)
        return "marked"

    with FakeProvider() as fake:
        agent = Agent(fake.model("m"), tools=[weather, mark])
        fake.script(reply(tool_call("weather", location="Florence"), tool_call("mark", n=1)), reply("both"))
        live = agent.run_sync("go", tape=path, tape_mode="record")
        kept = [item for item in Tape.load(path).interactions if item.request.url not in ("tool:weather", "tool:mark")]
        Tape(kept[:2]).save(path)  # the answer, and that the second call had begun
        fake.script(reply("both"))
        run = agent.run_sync("go", tape=path, tape_mode="resume")
    assert (run.messages, run.warnings, keys) == (live.messages, [], [1, 1])


# --- arguments that a person gave


def test_a_call_is_made_with_the_arguments_that_a_person_gave_and_the_history_keeps_the_models(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    with FakeProvider() as fake:
        fake.script(REFUND)
        agent = Agent(fake.model("m"), tools=[refund])
        pending = agent.run_sync("Refund order 7", tape=path, tape_mode="record").pending
        assert pending is not None
        decided = Pending.from_json(pending.approve("call_7", arguments={"order": 8}).to_json())
        fake.script(reply("Done."))
        run = agent.run_sync(decided, tape=path, tape_mode="resume")
    assert run.messages[-2].all(ToolResult)[0].text == "order 8 is refunded"
    asked = next(call for message in run.messages for call in message.all(ToolCall))
    assert (asked.id, asked.arguments) == ("call_7", pending.calls[0].arguments)
    assert "7" in asked.arguments
    made = next(item for item in Tape.load(path).interactions if item.request.url == "tool:refund")
    assert dict(made.response.headers)["Playhead-Arguments"] == '{"order":8}'
    whole = agent.run_sync("Refund order 7", tape=path, tape_mode="replay", fail_on_unplayed=True)
    assert whole.messages == run.messages


def test_arguments_are_for_one_call_that_waits_and_are_what_its_tool_takes() -> None:
    with FakeProvider() as fake:
        pending = waiting(fake)
        for ids, given in (((), {"order": 8}), (("call_7",), {"order": object()})):
            with pytest.raises(ConfigError, match=r"arguments"):
                pending.approve(*ids, arguments=given)
        with pytest.raises(ConfigError, match=r"no call 'call_8' waits"):
            pending.approve("call_8", arguments={"order": 8})
        agent = Agent(fake.model("m"), tools=[refund])
        with pytest.raises(ConfigError, match=r"arguments given for refund \(call call_7\): .*Expected `int`"):
            agent.run_sync(pending.approve("call_7", arguments={"order": "x"}))
        assert len(fake.requests) == 1
