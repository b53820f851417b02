"""What a run is given as ``deps=`` reaches the caller's functions, and the agent's name those who watch."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, ConfigError, Context, Preparation, Run, RunStart, ToolCall, tool
from playhead.agent.signature import takes_two
from playhead.messages import system, user
from playhead.testing import FakeProvider, ScriptedModel, reply, tool_call

Shop = dict[str, Any]
ACME: Shop = {"name": "Acme", "limit": 5}


@tool(effect="write")
def refund(order: int, ctx: Context[Shop]) -> str:
    """Pay back"""
    return f"{order} by {ctx.deps['name']} with {len(ctx.key)}"


def prompt(shop: Shop) -> str:
    return f"You serve {shop['name']}."


async def slow_prompt(shop: Shop) -> str:
    return prompt(shop)


@pytest.mark.parametrize("given", [prompt, slow_prompt, lambda shop: prompt(shop)])
def test_a_system_prompt_is_made_of_deps_when_a_run_begins(given: Any) -> None:
    agent = Agent(ScriptedModel(answer="hi"), system=given)
    for name in ("Acme", "Bolt"):
        run = agent.run_sync("x", deps={"name": name})
        assert (run.messages[0].role, run.messages[0].text) == ("system", f"You serve {name}.")
    again = agent.run_sync("y", messages=run.messages, deps={"name": "Other"})
    assert [one.role for one in again.messages].count("system") == 1
    assert again.messages[0].text == "You serve Bolt."
    assert agent.run_sync([system("Mine."), user("x")]).messages[0].text == "Mine."


def test_an_agent_that_is_a_tool_and_one_that_is_handed_over_to_make_theirs_too() -> None:
    asks = reply(tool_call("clerk", task="t"))
    clerk = Agent(ScriptedModel(answer="done"), system=prompt, name="clerk")
    run = Agent(ScriptedModel(asks, "ok"), tools=[clerk.as_tool()]).run_sync("x", deps=ACME)
    assert run.children[0].messages[0].text == "You serve Acme."
    assert [run.agent, run.children[0].agent] == [None, "clerk"]
    desk = Agent(ScriptedModel(asks), system="Hand over.", tools=[clerk.hand_over()], name="desk")
    handed = desk.run_sync("x", deps=ACME)
    assert [one.text for one in handed.messages if one.role == "system"] == ["You serve Acme."]
    assert (handed.agent, handed.text) == ("clerk", "done")


def test_a_system_prompt_is_text_that_can_be_sent() -> None:
    with pytest.raises(ConfigError, match="system= is a function that gives text; it gave a int"):
        Agent(ScriptedModel("x"), system=lambda deps: 5).run_sync("x")  # type: ignore[arg-type,return-value]
    with pytest.raises(ConfigError, match="system holds half a character"):
        Agent(ScriptedModel("x"), system=lambda deps: "\ud800").run_sync("x")
    wrong: Any
    for wrong in (5, str, ["x"]):
        with pytest.raises(ConfigError, match="Agent: system: expected `str`, or a function of deps"):
            Agent(ScriptedModel("x"), system=wrong)


def test_a_run_with_a_prompt_of_its_own_replays(tmp_path: Path) -> None:
    with FakeProvider(answer="hi") as fake:
        agent, tape = Agent(fake.model("m"), system=slow_prompt), tmp_path / "prompt.yaml"
        first = agent.run_sync("x", deps=ACME, tape=tape, tape_mode="record")
        again = agent.run_sync("x", deps=ACME, tape=tape, tape_mode="replay")
    assert again.messages == first.messages


def test_prepare_knows_deps() -> None:
    seen: list[Any] = []

    def prepare(step: Preparation) -> None:
        seen.append(step.deps)

    Agent(ScriptedModel("x"), prepare=prepare).run_sync("x", deps=ACME)
    assert seen == [ACME]


def one_place(call: ToolCall) -> bool | str:
    return "no"


def with_default(call: ToolCall, limit: int = 3) -> bool | str:
    return limit == 3 and "no"


def two_places(call: ToolCall, ctx: Context[Shop]) -> bool | str:
    assert ctx.call == call
    assert ctx.messages[-1].role == "assistant"
    return call.id == "c1" or f"over {ctx.deps['limit']}"


async def later(call: ToolCall, ctx: Context[Shop]) -> bool | str:
    return two_places(call, ctx)


def three(shop: Shop, call: ToolCall, ctx: Context[Shop]) -> bool | str:
    return two_places(call, ctx)


class Policy:
    def __call__(self, call: ToolCall, ctx: Context[Shop]) -> bool | str:
        return two_places(call, ctx)

    def method(self, call: ToolCall, ctx: Context[Shop]) -> bool | str:
        return two_places(call, ctx)

    def short(self, call: ToolCall) -> bool | str:
        return "no"


TWO = [two_places, later, functools.partial(three, ACME), Policy(), Policy().method]


@pytest.mark.parametrize("approve", TWO)
@pytest.mark.parametrize("of", ["agent", "tool"])
def test_a_function_of_two_that_approves_is_given_the_context(approve: Any, of: str) -> None:
    asks = reply(tool_call("refund", "c1", order=1), tool_call("refund", "c2", order=2))
    made = tool(effect="write", approve=approve)(refund.function) if of == "tool" else refund
    agent = Agent(ScriptedModel(asks, "ok"), tools=[made], approve=approve if of == "agent" else None)
    run = agent.run_sync("x", deps=ACME)
    texts = [one.text for one in run.steps[0].results]
    assert texts == ["1 by Acme with 32", "Error: the call was refused: over 5"]


@pytest.mark.parametrize("approve", [one_place, with_default, Policy().short, functools.partial(with_default, limit=3)])
def test_any_other_is_given_the_call_alone(approve: Any) -> None:
    run = Agent(ScriptedModel(reply(tool_call("refund", order=1)), "ok"), tools=[refund], approve=approve).run_sync("x")
    assert run.steps[0].results[0].text == "Error: the call was refused: no"


def test_a_function_whose_parameters_cannot_be_seen_takes_one() -> None:
    assert not takes_two(max)
    assert takes_two(isinstance)


def test_the_name_is_on_the_run_before_anything_is_told() -> None:
    told: list[Any] = []

    def watch(event: Any, run: Run[Any]) -> None:
        if isinstance(event, RunStart):
            told.append(run.agent)

    agent = Agent(ScriptedModel(answer="x"), name="desk", on_event=watch)
    agent.run_sync("x")
    agent.clone(name=None).run_sync("x")
    assert (agent.name, told) == ("desk", ["desk", None])
    with pytest.raises(ConfigError, match="Agent: name is text; got a int"):
        Agent(ScriptedModel("x"), name=5)  # type: ignore[call-overload]
    with pytest.raises(ConfigError, match="the agent has no name"):
        Agent(ScriptedModel("x")).as_tool()
