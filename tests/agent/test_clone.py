"""A clone is another agent with some settings changed, and shares what is dear to make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from playhead import Agent, CodeExecution, ConfigError, Timeouts, tool
from playhead.testing import FakeProvider, ScriptedModel, reply


@dataclass
class Ticket:
    title: str


@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return "40 C"


def plain(n: int) -> int:
    """Plain"""
    return n


def test_only_what_is_named_changes() -> None:
    agent = Agent(ScriptedModel(answer="hi"), system="One.", tools=[weather, plain], max_steps=3, temperature=0.5)
    other = agent.clone(system="Two.", timeout=5)
    assert (other.system, other.timeout, other.max_steps) == ("Two.", 5, 3)
    assert (agent.system, agent.timeout) == ("One.", None)
    assert other.model is agent.model
    assert list(other.tools.values()) == list(agent.tools.values()), "the tools are the same, not made again"
    run = other.run_sync("x")
    assert (run.messages[0].text, run.text) == ("Two.", "hi")
    assert other.clone(tools=[]).tools == {}


def test_tools_of_every_kind_are_kept() -> None:
    agent = Agent("openai-responses:gpt-5", api_key="k", tools=[weather, CodeExecution()])
    assert agent.clone(timeout=1).clone(name="x")._request == agent._request


def test_the_type_of_the_answer_may_change() -> None:
    agent = Agent(ScriptedModel('{"title": "x"}', "words"))
    assert agent.clone(output=Ticket).run_sync("x").output == Ticket("x")
    assert agent.clone(output=Ticket).clone(output=None).run_sync("x").output == "words"


def test_what_is_of_one_provider_goes_to_no_other() -> None:
    agent = Agent(
        "openai:gpt-5", api_key="sk-of-openai", base_url="http://localhost:1/v1", timeouts=Timeouts(connect=1)
    )
    other: Any = agent.clone(model="anthropic:claude-x", api_key="of-anthropic")
    assert other.model.id == "anthropic:claude-x"
    assert "sk-of-openai" not in other.model.secrets()
    assert "sk-of-openai" not in agent.clone(model="anthropic:claude-x").model.secrets()
    assert (
        "sk-of-openai" in agent.clone(timeouts=Timeouts(connect=2)).clone(name="x").clone(base_url=None).model.secrets()
    )


def test_another_model_that_was_made_takes_the_place() -> None:
    agent = Agent("openai:gpt-5", api_key="k", timeouts=Timeouts(connect=1))
    with FakeProvider("anthropic") as fake:
        fake.script(reply("hi"))
        assert agent.clone(model=fake.model("claude-x"), max_tokens=9).run_sync("x").text == "hi"
    with pytest.raises(ConfigError, match="timeouts belongs to the model"):
        Agent(ScriptedModel("x")).clone(timeouts=Timeouts(connect=1))


def test_what_is_wrong_is_said_as_of_a_new_agent_and_a_run_says_where_settings_go() -> None:
    agent = Agent(ScriptedModel("x"))
    with pytest.raises(ConfigError, match="unknown argument 'sistem'; did you mean 'system'"):
        agent.clone(sistem="x")  # type: ignore[call-overload]
    with pytest.raises(ConfigError, match="unknown argument 'outputs'; did you mean 'output'"):
        Agent("openai:m", outputs=int)  # type: ignore[call-overload]
    with pytest.raises(ConfigError, match=r"there are: model, output, name, system"):
        Agent("openai:m", zzz=1)  # type: ignore[call-overload]
    for name in ("system", "model", "timeout"):
        with pytest.raises(ConfigError, match=rf"run: {name} is a setting of the agent: agent\.clone\({name}=…\)\.run"):
            agent.run_sync("x", **{name: "x"})  # type: ignore[arg-type]
