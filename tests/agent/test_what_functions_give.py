"""What functions that are given to an agent raise and give back: told truly, and never lost."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from playhead import Agent, Final, OutputError, tool
from playhead.errors import ConfigError
from playhead.testing import ScriptedModel, reply, tool_call


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    """An error whose fields cannot be set."""

    a: int = 1


class Strict(Exception):
    """An error that takes no attribute."""

    def __setattr__(self, name: str, value: object) -> None:
        raise TypeError("no attributes")


class Words(str):
    """A text of somebody's own."""


@pytest.mark.parametrize("error", [Frozen(), Strict("strict")])
def test_an_error_that_takes_no_attribute_is_raised_itself_and_carries_its_run(error: Any) -> None:
    @tool
    def bad() -> str:
        """Fail."""
        raise error

    agent = Agent(ScriptedModel(reply(tool_call("bad"))), tools=[bad], tool_errors="raise")
    with pytest.raises(type(error)) as caught:
        agent.run_sync("x")
    assert caught.value is error
    assert len(error.run.steps) == 1


def test_a_generator_exit_in_a_thread_is_an_error_of_the_tool() -> None:
    @tool
    def bad() -> str:
        """Fail."""
        raise GeneratorExit

    calls = reply(tool_call("bad", "a"), tool_call("bad", "b"))
    run = Agent(ScriptedModel(calls, "end"), tools=[bad]).run_sync("x")
    assert [result.text for result in run.steps[0].results] == [
        "Error: RuntimeError: the tool raised GeneratorExit"
    ] * 2
    with pytest.raises(RuntimeError, match="the tool raised GeneratorExit") as caught:
        Agent(ScriptedModel(calls), tools=[bad], tool_errors="raise").run_sync("x")
    assert caught.value.run is not None  # type: ignore[attr-defined]


def test_a_watch_that_is_async_is_refused_as_nobody_would_await_it() -> None:
    async def watch(event: Any, run: Any) -> None:
        """Watch."""

    class Watch:
        async def __call__(self, event: Any, run: Any) -> None:
            """Watch."""

    for one in (watch, Watch(), [print, watch]):
        with pytest.raises(ConfigError, match="on_event is called and not awaited"):
            Agent(ScriptedModel("hi"), on_event=one)  # type: ignore[arg-type]


def test_a_system_prompt_may_be_a_subclass_of_text() -> None:
    run = Agent(ScriptedModel("hi"), system=lambda deps: Words("Be brief.")).run_sync("x")
    assert type(run.messages[0].text) is str
    assert run.messages[0].text == "Be brief."


@pytest.mark.parametrize("verdict", [1, 0, [1], b"yes"])
def test_a_verdict_that_is_neither_yes_nor_no_nor_a_reason_is_refused(verdict: Any) -> None:
    made = []

    @tool(effect="write")
    def pay() -> str:
        """Pay."""
        made.append(1)
        return "paid"

    agent = Agent(ScriptedModel(reply(tool_call("pay", "c"))), tools=[pay], approve=lambda call: verdict)
    with pytest.raises(ConfigError, match=rf"approve= of pay \(call c\) gave a {type(verdict).__name__}; True, False"):
        agent.run_sync("x")
    assert made == []


def test_a_final_that_does_not_hold_the_output_type_is_no_output() -> None:
    @tool
    def end() -> Final:
        """End."""
        return Final("not a number")

    with pytest.raises(OutputError) as caught:
        Agent(ScriptedModel(reply(tool_call("end"))), tools=[end], output=int).run_sync("x")
    with pytest.raises(OutputError, match="the run has no output, no int: it failed"):
        _ = caught.value.run.output
