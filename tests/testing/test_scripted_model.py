"""A model that answers by script: what it says, what goes wrong with it, and what it was asked."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from playhead import (
    Agent,
    ConfigError,
    CutStreamError,
    Discard,
    LimitError,
    OverloadedError,
    PartDelta,
    RateLimitError,
    Request,
    Response,
    RetryPolicy,
    ToolResult,
    fallback,
    tool,
)
from playhead.tapes import Tape
from playhead.testing import ScriptedModel, garbage, refuse, reply, tool_call


@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return "40 C"


async def events(agent: Agent[Any], prompt: str) -> list[Any]:
    async with agent.stream(prompt) as stream:
        return [event async for event in stream]


def test_a_script_of_text_a_call_and_a_function_drives_an_agent() -> None:
    def quote(request: Request) -> str:
        return f"It is {request.messages[-1].all(ToolResult)[0].text}."

    model = ScriptedModel(tool_call("weather", location="Florence"), quote, "Bye.")
    agent = Agent(model, tools=[weather], system="Be brief.", temperature=0.5)
    run = agent.run_sync("Florence?")
    assert run.text == "It is 40 C."
    assert [step.response.finish.unified for step in run.steps] == ["tool_calls", "stop"]
    assert (len(model.requests), model.left) == (2, 1)
    assert model.requests[0].temperature == 0.5
    assert [message.role for message in model.requests[1].messages] == ["system", "user", "assistant", "tool"]
    assert run.usage is not None
    assert run.usage.output_tokens == 8 + 3  # of 30 and of 11 bytes, four a token
    assert agent.run_sync(messages=run.messages, prompt="Thanks").text == "Bye."


def test_calls_get_ids_that_no_two_of_them_share() -> None:
    twice = reply(tool_call("weather", location="Rome"), tool_call("weather", location="Pisa"))
    run = Agent(ScriptedModel(twice, twice, "done"), tools=[weather]).run_sync("hi")
    ids = [call.id for step in run.steps for call in step.response.tool_calls]
    assert len(set(ids)) == len(ids) == 4


def test_a_function_may_be_async_and_answer_for_ever() -> None:
    async def echo(request: Request) -> str:
        await asyncio.sleep(0)
        return request.messages[-1].text

    model = ScriptedModel(answer=echo)
    assert [Agent(model).run_sync(word).text for word in ("a", "b")] == ["a", "b"]


def test_an_agent_that_streams_gets_an_answer_in_pieces() -> None:
    came = asyncio.run(events(Agent(ScriptedModel("one two three")), "hi"))
    assert [event.text for event in came if isinstance(event, PartDelta)] == ["one ", "two ", "three"]


def test_a_refusal_is_tried_again_without_waiting_and_its_wait_is_on_the_run() -> None:
    began = time.monotonic()
    run = Agent(ScriptedModel(refuse(429, retry_after=300), OverloadedError("busy"), "fine")).run_sync("hi")
    assert run.text == "fine"
    assert [attempt.status for attempt in run.attempts] == [429, None, 200]
    assert run.attempts[0].wait == 300
    assert time.monotonic() - began < 60


def test_an_error_that_no_retry_mends_is_raised_as_it_was_scripted() -> None:
    error = RateLimitError("too fast", provider="scripted", retry_after=2)
    model = ScriptedModel(error, error, retry=RetryPolicy(attempts=2))
    with pytest.raises(RateLimitError, match=r"too fast \(after 2 attempts") as caught:
        Agent(model).run_sync("hi")
    assert len(caught.value.attempts) == 2
    assert error.message == "too fast"  # the script's own is not changed


def test_an_answer_is_cut_after_so_many_deltas_and_asked_again() -> None:
    model = ScriptedModel(reply("one two three", cut_after=2), "all of it")
    came = asyncio.run(events(Agent(model), "hi"))
    at = next(at for at, event in enumerate(came) if isinstance(event, Discard))
    assert [event.text for event in came[:at] if isinstance(event, PartDelta)] == ["one ", "two "]
    assert came[-1].run.text == "all of it"


@pytest.mark.parametrize("streamed", [True, False])
def test_an_error_in_the_middle_of_an_answer_leaves_what_was_said(streamed: bool) -> None:
    model = ScriptedModel(reply("one two three", error=OverloadedError("busy"), cut_after=1), retry=RetryPolicy(1))
    agent = Agent(model)
    with pytest.raises(OverloadedError, match="busy") as caught:
        asyncio.run(events(agent, "hi")) if streamed else agent.run_sync("hi")
    assert [part.text for part in caught.value.run.partial] == (["one "] if streamed else [])
    with pytest.raises(CutStreamError):
        Agent(ScriptedModel(reply("x", cut_after=0), retry=RetryPolicy(1))).run_sync("hi")


def test_an_answer_that_never_comes_is_met_by_the_runs_own_timeout() -> None:
    with pytest.raises(LimitError, match="longer than its timeout"):
        Agent(ScriptedModel(reply("late", delay=float("inf"))), timeout=0.05).run_sync("hi")


def test_a_used_up_script_says_which_request_it_lacks() -> None:
    model = ScriptedModel("one")
    Agent(model).run_sync("hi")
    with pytest.raises(ConfigError, match=r"request 2 has no answer in it, whose last message is the user's 'again'"):
        Agent(model).run_sync("again")


def test_what_needs_a_wire_and_what_is_no_answer_are_refused_when_the_script_is_made() -> None:
    with pytest.raises(ConfigError, match="no wire to say raw bytes on; FakeProvider has"):
        ScriptedModel(garbage())
    with pytest.raises(ConfigError, match="a int is none of them"):
        ScriptedModel(3)  # type: ignore[arg-type]


def test_what_a_function_raises_is_raised_by_the_run() -> None:
    def broken(request: Request) -> str:
        raise KeyError("no such city")

    with pytest.raises(KeyError, match="no such city"):
        Agent(ScriptedModel(broken)).run_sync("hi")


def test_scripted_models_fall_back_to_each_other() -> None:
    first = ScriptedModel(answer=refuse(503), retry=RetryPolicy(attempts=2), name="first")
    second = ScriptedModel("I am here.", name="second")
    run = Agent(fallback(first, second)).run_sync("hi")
    assert run.text == "I am here."
    assert [request.model for request in first.requests + second.requests] == ["first", "first", "second"]


def test_one_request_is_asked_without_an_agent() -> None:
    model = ScriptedModel("Oi")
    answer: Response = asyncio.run(model.ask(Request("scripted", ())))
    assert answer.text == "Oi"


def test_a_tape_holds_the_tools_results_and_none_of_the_script(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    script = tool_call("weather", location="Florence"), "Hot."
    Agent(ScriptedModel(*script), tools=[weather]).run_sync("hi", tape=path, tape_mode="record")
    assert [item.request.method for item in Tape.load(path).interactions] == ["CALL"]
    again = Agent(ScriptedModel(*script), tools=[weather]).run_sync("hi", tape=path, tape_mode="replay")
    assert again.text == "Hot."
    assert again.unplayed == ()
