"""Agents together, and decisions that hold for the call that they were made of, outside and inside."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, Run, tool
from playhead.agent.budget import Budget, Worst
from playhead.agent.pending import Pending
from playhead.errors import ConfigError, LimitError, UnfinishedCallError
from playhead.messages import ToolResult, closed
from playhead.tapes import Tape
from playhead.testing import FakeProvider, refuse, reply, tool_call


@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return "40 C"


@tool(effect="write", approve=True)
def refund(order: int) -> str:
    """Pay an order back."""
    return f"order {order} is refunded"


FLORENCE = tool_call("weather", location="Florence")


# --- agents together


def researcher(fake: FakeProvider, **more: Any) -> Agent[str]:
    return Agent(fake.model("anthropic:researcher"), system="Find out.", tools=[weather], **more)


def test_an_agent_is_a_tool_of_another_on_the_same_tape_and_bill(tmp_path: Path) -> None:
    tape = tmp_path / "t.yaml"
    with FakeProvider(price=("1", "1")) as fake:
        inner = researcher(fake)
        outer = Agent(fake.model("m"), tools=[inner.as_tool("research", "finds things out")])
        fake.script(
            reply(tool_call("research", task="Florence?")), reply(FLORENCE), reply("It is 40 C."), reply("Hot.")
        )
        run = outer.run_sync("Is it hot?", tape=tape, tape_mode="record")
        assert (run.text, fake.left) == ("Hot.", 0)
        assert run.usage == sum_usage(run)
        assert run.usage is not None
        assert run.usage.total_tokens == fake.billed.total_tokens
    assert [child.text for child in run.children] == ["It is 40 C."]
    methods = [item.request.method for item in Tape.load(tape).interactions]
    assert methods == ["POST", "POST", "CALL", "POST", "POST"]
    again = outer.run_sync("Is it hot?", tape=tape, tape_mode="replay", fail_on_unplayed=True)
    assert again.messages == run.messages
    assert again.children[0].messages == run.children[0].messages


def sum_usage(run: Run[Any]) -> Any:
    total, *rest = [step.response.usage for one in (run, *run.children) for step in one.steps]
    for usage in rest:
        assert total is not None
        assert usage is not None
        total += usage
    return total


def test_a_run_inside_that_waits_makes_the_whole_wait_and_go_on() -> None:
    with FakeProvider() as fake:
        clerk: Agent[str] = Agent(fake.model("clerk"), tools=[refund])
        boss = Agent(fake.model("boss"), tools=[clerk.as_tool("clerk", "does it")])
        fake.script(reply(tool_call("clerk", task="refund 7")), reply(tool_call("refund", "call_r", order=7)))
        run = boss.run_sync("Refund order 7")
        assert run.pending is not None
        assert [call.name for call in run.pending.calls] == ["refund"]
        stored = Pending.from_json(run.pending.to_json()).approve("call_r")
        fake.script(reply("I did it."), reply("It is done."))
        assert boss.run_sync(stored).text == "It is done."
        assert fake.requests[2].request.messages[-1].all(ToolResult)[0].text == "order 7 is refunded"
        assert fake.requests[3].request.messages[-1].all(ToolResult)[0].text == "I did it."


def test_an_agent_hands_the_conversation_over_and_the_other_goes_on_with_it(tmp_path: Path) -> None:
    tape = tmp_path / "t.yaml"
    with FakeProvider() as fake:
        billing: Agent[str] = Agent(fake.model("anthropic:billing"), system="You do bills.", tools=[refund])
        desk = Agent(
            fake.model("desk"), system="You greet.", tools=[billing.hand_over("to_billing", "for bills"), weather]
        )
        fake.script(reply(tool_call("to_billing")), reply("Your bill is paid."))
        run = desk.run_sync("My bill?", tape=tape, tape_mode="record")
        assert run.text == "Your bill is paid."
        second = fake.requests[1]
        assert (second.request.model, second.request.messages[0].text) == ("billing", "You do bills.")
        assert [spec.name for spec in second.request.tools] == ["refund"]
    assert desk.run_sync("My bill?", tape=tape, tape_mode="replay", fail_on_unplayed=True).messages == run.messages


def test_an_error_of_an_agent_inside_is_a_result_for_the_one_outside() -> None:
    with FakeProvider() as fake:
        outer = Agent(fake.model("m"), tools=[researcher(fake).as_tool("research", "finds out")])
        fake.script(reply(tool_call("research", task="?")), refuse(401), reply("I could not."))
        run = outer.run_sync("?")
        assert run.text == "I could not."
        assert "AuthenticationError" in run.messages[-2].all(ToolResult)[0].text


def test_what_a_limit_leaves_can_be_gone_on_from() -> None:
    with FakeProvider() as fake:
        fake.script(reply(FLORENCE), reply("Hot."))
        agent = Agent(fake.model("m"), tools=[weather], max_steps=1)
        with pytest.raises(LimitError) as caught:
            agent.run_sync("Florence?")
        run = caught.value.run
        assert closed(run.messages) == tuple(run.messages)
        assert agent.run_sync(messages=run.messages).text == "Hot."


def test_an_unknown_argument_of_a_run_is_named_with_the_nearest() -> None:
    with FakeProvider() as fake:
        with pytest.raises(ConfigError, match="unknown argument 'tape_mod'; did you mean 'tape_mode'"):
            Agent(fake.model("m")).run_sync("hi", tape_mod="off")  # type: ignore[call-arg]


# --- what was decided holds for the call that it was decided of


def test_an_approval_is_for_one_call_and_not_for_a_later_one_of_the_same_id() -> None:
    paid: list[int] = []

    @tool(effect="write", approve=True)
    def pay(cents: int) -> str:
        paid.append(cents)
        return "paid"

    with FakeProvider() as fake:
        fake.script(reply(tool_call("pay", "call_1", cents=100)), reply(tool_call("pay", "call_1", cents=10**9)))
        agent = Agent(fake.model("m"), tools=[pay])
        run = agent.run_sync("pay")
        assert run.pending is not None
        again = agent.run_sync(run.pending.approve("call_1"))
    assert paid == [100]
    assert again.pending is not None
    assert [call.arguments for call in again.pending.calls] == ['{"cents":1000000000}']


def test_calls_of_one_id_outside_and_inside_are_each_decided_on() -> None:
    with FakeProvider() as fake:
        clerk: Agent[str] = Agent(fake.model("clerk"), tools=[refund])
        boss = Agent(fake.model("boss"), tools=[refund, clerk.as_tool("clerk", "does it")])
        outside = reply(tool_call("clerk", "c0", task="refund 7"), tool_call("refund", "call_1", order=1))
        fake.script(outside, reply(tool_call("refund", "call_1", order=7)))
        pending = boss.run_sync("Refund").pending
        assert pending is not None
        for decided in (pending.approve(), pending.approve("call_1").approve("call_1")):
            assert decided.undecided == decided.inner["c0"].undecided == ()
        fake.script(reply("I did."), reply("Done."))
        assert boss.run_sync(pending.approve()).text == "Done."


def test_budgets_that_are_asked_in_opposite_orders_do_not_wait_for_each_other() -> None:
    async def go(fake: FakeProvider) -> list[Any]:
        one, two = Budget(tokens=1200), Budget(tokens=1200)
        agents = [Agent(fake.model("m"), max_tokens=600, budget=budget) for budget in (one, two)]
        jobs = [agents[n % 2].run("hi", budget=(two, one)[n % 2]) for n in range(6)]
        return await asyncio.wait_for(asyncio.gather(*jobs, return_exceptions=True), 20)

    with FakeProvider(answer=lambda request: reply("ok", delay=0.02)) as fake:
        assert all(isinstance(one, Run | LimitError) for one in asyncio.run(go(fake)))


def test_a_figure_below_nothing_gives_nothing_back_to_a_budget() -> None:
    async def go() -> Budget:
        budget = Budget(dollars=1, tokens=100)
        for tokens, dollars in ((-50, Decimal(-5)), (5, Decimal("NaN"))):
            (await budget.reserve(Worst(10, Decimal("0.1")))).settle(tokens, dollars)
        return budget

    budget = asyncio.run(go())
    assert (budget.spent_tokens, budget.spent_dollars) == (15, Decimal("0.2"))


def test_what_became_of_a_write_inside_an_agent_is_told_from_outside(tmp_path: Path) -> None:
    tape, paid = tmp_path / "t.yaml", list[int]()

    @tool(effect="write")
    def pay(order: int) -> str:
        paid.append(order)
        if len(paid) == 1:
            raise KeyboardInterrupt
        return "paid"

    with FakeProvider() as fake:
        clerk: Agent[str] = Agent(fake.model("clerk"), tools=[pay])
        boss = Agent(fake.model("boss"), tools=[clerk.as_tool("clerk", "does it")])
        fake.script(
            reply(tool_call("clerk", task="pay 7")), reply(tool_call("pay", order=7)), reply("I did."), reply("Ok.")
        )
        with pytest.raises(KeyboardInterrupt):
            boss.run_sync("Pay order 7", tape=tape, tape_mode="record")
        with pytest.raises(UnfinishedCallError):
            boss.run_sync("Pay order 7", tape=tape, tape_mode="resume")
        assert paid == [7]
        run = boss.run_sync("Pay order 7", tape=tape, tape_mode="resume", assume="not_done")
    assert (run.text, paid) == ("Ok.", [7, 7])
