"""The loop's reins: what changes a step, ends a run, makes it wait, and what it may spend."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from playhead import Agent, Model, Run, tool
from playhead.agent.budget import Budget
from playhead.agent.content import Final
from playhead.agent.context import Context
from playhead.agent.events import RunEnd, RunFailed, RunStart, ToolProgress
from playhead.agent.pending import Pending
from playhead.agent.plan import Preparation
from playhead.errors import ConfigError, HistoryFormatError, LimitError, ModelError, UnfinishedCallError
from playhead.messages import ToolResult, user
from playhead.testing import FakeProvider, refuse, reply, tool_call
from playhead.transport.retry import RetryPolicy


@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return "40 C"


FLORENCE = tool_call("weather", location="Florence")


def asked_tools(fake: FakeProvider) -> list[list[str]]:
    return [[spec.name for spec in one.request.tools] for one in fake.requests]


def test_prepare_changes_what_one_step_asks_and_nothing_else() -> None:
    seen: list[Preparation] = []

    def prepare(step: Preparation) -> Preparation | None:
        seen.append(step)
        if step.number == 1:
            return msgspec.structs.replace(step, tool_choice="weather")
        return msgspec.structs.replace(step, tools=(), messages=(*step.messages, user("Be brief.")))

    with FakeProvider() as fake:
        fake.script(reply(FLORENCE), reply("Hot."))
        run = Agent(fake.model("m"), tools=[weather], prepare=prepare).run_sync("Florence?")
        assert asked_tools(fake) == [["weather"], []]
        assert fake.requests[0].request.tool_choice.name == "weather"  # type: ignore[union-attr]
        assert fake.requests[1].request.messages[-1].text == "Be brief."
    assert [step.number for step in seen] == [1, 2]
    assert all(message.text != "Be brief." for message in run.messages)


def test_prepare_may_be_async_and_ask_another_model() -> None:
    with FakeProvider() as fake:
        other = fake.model("anthropic:claude-x")

        async def prepare(step: Preparation) -> Preparation:
            await asyncio.sleep(0)
            return msgspec.structs.replace(step, model=other if step.number == 2 else None)

        fake.script(reply(FLORENCE), reply("Hot."))
        run = Agent(fake.model("openai:m"), tools=[weather], prepare=prepare).run_sync("Florence?")
        assert [(one.dialect_name, one.request.model) for one in fake.requests] == [
            ("openai_chat", "m"),
            ("anthropic_messages", "claude-x"),
        ]
    assert [line.provider for line in run.ledger] == ["openai", "anthropic"]


def test_prepare_that_gives_something_else_is_told_what_was_expected() -> None:
    with FakeProvider() as fake:
        agent = Agent(fake.model("m"), prepare=lambda step: step.messages)  # type: ignore[arg-type, return-value]
        with pytest.raises(ConfigError, match="returns a Preparation or None; got a tuple"):
            agent.run_sync("hi")
        wrong = Agent(fake.model("m"), prepare=lambda step: msgspec.structs.replace(step, tools=("wether",)))
        with pytest.raises(ConfigError, match="names a tool 'wether'; the agent has: none"):
            wrong.run_sync("hi")


def test_a_run_stops_after_the_step_where_its_condition_holds_and_can_go_on() -> None:
    def cheap(run: Run[Any]) -> bool:
        return any(result.text == "40 C" for step in run.steps for result in step.results)

    with FakeProvider() as fake:
        fake.script(reply(FLORENCE), reply("Hot."))
        agent = Agent(fake.model("m"), tools=[weather], stop_when=cheap)
        run = agent.run_sync("Florence?")
        assert len(fake.requests) == 1
        assert run.messages[-1].role == "tool"
        assert Agent(fake.model("m"), tools=[weather]).run_sync(messages=run.messages).text == "Hot."


@dataclass
class City:
    name: str
    celsius: int


def test_a_tool_ends_the_run_with_a_value_of_the_output_type() -> None:
    @tool
    def done(celsius: int) -> Final:
        return Final(City("Florence", celsius))

    with FakeProvider() as fake:
        fake.script(reply(tool_call("done", celsius=40)))
        run = Agent(fake.model("m"), tools=[done], output=City).run_sync("Florence?")
    assert run.output == City("Florence", 40)
    assert len(run.steps) == 1


def test_progress_of_a_tool_is_an_event_of_the_run() -> None:
    @tool
    async def dig(ctx: Context[list[str]]) -> str:
        ctx.progress(f"for {ctx.deps[0]}")
        return "gold"

    async def go(fake: FakeProvider) -> list[str]:
        agent = Agent(fake.model("m"), tools=[dig])
        return [one.text async for one in agent.stream("dig", deps=["Ada"]) if isinstance(one, ToolProgress)]

    with FakeProvider() as fake:
        fake.script(reply(tool_call("dig")), reply("done"))
        assert asyncio.run(go(fake)) == ["for Ada"]


def test_on_event_is_told_of_the_beginning_every_event_and_the_end() -> None:
    told: list[str] = []

    def watch(event: Any, run: Run[Any]) -> None:
        told.append(type(event).__name__)

    with FakeProvider() as fake:
        fake.script(reply("hi"), refuse(401))
        agent = Agent(fake.model("m"), on_event=watch)
        agent.run_sync("hi")
        assert (told[0], told[-1]) == (RunStart.__name__, RunEnd.__name__)
        with pytest.raises(ModelError):
            agent.run_sync("hi")
        assert told[-1] == RunFailed.__name__


# --- waiting for a person


@tool(effect="write", approve=True)
def refund(order: int) -> str:
    """Pay an order back."""
    return f"order {order} is refunded"


def waiting(fake: FakeProvider, **going: Any) -> Run[Any]:
    fake.script(reply(tool_call("refund", "call_7", order=7), tool_call("weather", "call_8", location="Florence")))
    return Agent(fake.model("m"), tools=[refund, weather]).run_sync("Refund order 7", **going)


def test_a_run_that_waits_is_stored_and_goes_on_in_another_process(tmp_path: Path) -> None:
    with FakeProvider() as fake:
        run = waiting(fake)
        assert run.pending is not None
        assert [call.id for call in run.pending.calls] == ["call_7"]
        assert [result.text for result in run.messages[-1].all(ToolResult)] == ["40 C"]
        (tmp_path / "pending.json").write_bytes(run.pending.to_json())
        fake.script(reply("Done."))
        program = f"""
from pathlib import Path
from playhead import Agent, Model, tool
from playhead.agent.pending import Pending

@tool(effect="write", approve=True)
def refund(order: int) -> str:
    return f"order {{order}} is refunded"

pending = Pending.from_json(Path({str(tmp_path / "pending.json")!r}).read_bytes())
model = Model.of("openai:m", base_url={fake.url!r}, api_key="sk-1")
run = Agent(model, tools=[refund]).run_sync(pending.approve("call_7"))
print(run.text, len(run.steps))
"""
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
        assert (done.stdout, done.stderr) == ("Done. 1\n", "")
        results = [result.text for result in fake.requests[-1].request.messages[-1].all(ToolResult)]
        last = [one.text for message in fake.requests[-1].request.messages for one in message.all(ToolResult)]
        assert results == last[-len(results) :]
        assert last == ["order 7 is refunded", "40 C"]


@pytest.mark.parametrize(
    ("decide", "told"),
    [
        (lambda pending: pending.approve(), "order 7 is refunded"),
        (lambda pending: pending.refuse("call_7", "too dear"), "Error: the call was refused: too dear"),
        (lambda pending: pending.answer("call_7", {"receipt": 9}), '{"receipt":9}'),
    ],
)
def test_what_a_person_decides_is_what_the_model_is_told(decide: Callable[[Pending], Pending], told: str) -> None:
    with FakeProvider() as fake:
        pending = waiting(fake).pending
        assert pending is not None
        fake.script(reply("ok"))
        Agent(fake.model("m"), tools=[refund, weather]).run_sync(decide(pending))
        texts = [one.text for message in fake.requests[-1].request.messages for one in message.all(ToolResult)]
        assert texts == [told, "40 C"]


def test_a_run_that_goes_on_without_a_decision_waits_again() -> None:
    with FakeProvider() as fake:
        pending = waiting(fake).pending
        assert pending is not None
        again = Agent(fake.model("m"), tools=[refund, weather]).run_sync(pending)
        assert again.pending is not None
        assert len(fake.requests) == 1


def test_a_run_that_waited_goes_on_with_its_tape_and_the_whole_is_replayed(tmp_path: Path) -> None:
    tape = tmp_path / "t.yaml"
    with FakeProvider() as fake:
        model = fake.model("m")
        pending = waiting(fake, tape=tape, tape_mode="record").pending
        assert pending is not None
        fake.script(reply("Done."))
        agent = Agent(model, tools=[refund, weather])
        run = agent.run_sync(pending.approve(), tape=tape, tape_mode="resume")
        assert run.text == "Done."
    whole = Agent(model, tools=[refund, weather]).run_sync(
        "Refund order 7", tape=tape, tape_mode="replay", fail_on_unplayed=True
    )
    assert whole.text == "Done."
    assert whole.pending is None
    assert whole.messages == run.messages


def test_going_on_with_a_tape_needs_no_mode_and_says_nothing_of_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    with FakeProvider() as fake:
        pending = waiting(fake, tape=tmp_path / "t.yaml", tape_mode="record").pending
        assert pending is not None
        fake.script(reply("Done."))
        run = Agent(fake.model("m"), tools=[refund, weather]).run_sync(pending.approve(), tape=tmp_path / "t.yaml")
    assert (run.text, run.warnings) == ("Done.", [])


def test_what_is_decided_of_a_call_that_never_came_is_told() -> None:
    with FakeProvider(answer="hi") as fake:
        run = Agent(fake.model("m")).run_sync("hi", results={"call_9": "7"})
    assert run.warnings == ["something was decided of a call 'call_9', and there was none in this run"]


def test_settings_of_a_wrong_kind_are_refused_at_once() -> None:
    with FakeProvider() as fake:
        with pytest.raises(ConfigError, match=r"budget is 5; a playhead\.Budget is expected"):
            Agent(fake.model("m"), budget=5)  # type: ignore[call-overload]
        with pytest.raises(ConfigError, match="prepare is 'x'; a function is expected"):
            Agent(fake.model("m"), prepare="x")  # type: ignore[call-overload]


def test_a_call_that_is_not_known_cannot_be_decided_on() -> None:
    with FakeProvider() as fake:
        pending = waiting(fake).pending
    assert pending is not None
    with pytest.raises(ConfigError, match="no call 'call_9' waits; there are: call_7"):
        pending.approve("call_9")


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"version":99,"pending":{"messages":[],"own":[]}}'])
def test_what_is_no_waiting_run_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(HistoryFormatError):
        Pending.from_json(data)


def test_a_write_that_was_under_way_when_the_process_was_killed_stops_the_run(tmp_path: Path) -> None:
    tape = tmp_path / "t.yaml"
    program = """
import os, signal, sys
from playhead import Agent, Model, tool

@tool(effect="write")
def pay(order: int) -> str:
    os.kill(os.getpid(), signal.SIGKILL)

model = Model.of("openai:m", base_url=sys.argv[1], api_key="sk-1")
Agent(model, tools=[pay]).run_sync("pay", tape=sys.argv[2], tape_mode="record")
"""
    paid: list[int] = []

    @tool(effect="write")
    def pay(order: int) -> str:
        paid.append(order)
        return "paid"

    with FakeProvider() as fake:
        fake.script(reply(tool_call("pay", order=7)), reply("Paid."))
        killed = subprocess.run([sys.executable, "-c", program, fake.url, str(tape)], timeout=60)
        assert killed.returncode == -9
        agent = Agent(fake.model("m"), tools=[pay])
        with pytest.raises(UnfinishedCallError) as caught:
            agent.run_sync("pay", tape=tape, tape_mode="resume")
        assert [call.name for call in caught.value.calls] == ["pay"]
        assert paid == []
        run = agent.run_sync("pay", tape=tape, tape_mode="resume", assume="not_done")
        assert (run.text, paid) == ("Paid.", [7])
    assert agent.run_sync("pay", tape=tape, tape_mode="replay", fail_on_unplayed=True).text == "Paid."


# --- what may be spent


def test_a_budget_shared_by_500_runs_at_once_is_never_passed_by_the_providers_own_count() -> None:
    price = ("5", "20")
    budget = Budget(dollars="0.01", prices={"m": price})

    async def go(fake: FakeProvider) -> list[Any]:
        agent = Agent(fake.model("m"), max_tokens=20, budget=budget)
        return await asyncio.gather(*(agent.run(f"question {n}") for n in range(500)), return_exceptions=True)

    with FakeProvider(price=price) as fake:
        fake.script(*[reply("a short answer") for _ in range(500)])
        results = asyncio.run(go(fake))
        billed = fake.billed.cost
    assert billed is not None
    assert Decimal("0.005") < billed <= Decimal("0.01")
    assert budget.spent_dollars == billed
    failed = [one for one in results if isinstance(one, BaseException)]
    assert failed
    assert all(isinstance(one, LimitError) and one.limit == "dollars" for one in failed)


def test_refused_attempts_use_nothing_of_a_budget_and_an_unreachable_host_neither() -> None:
    quick = RetryPolicy(base=0, cap=0, attempts=3)
    with FakeProvider() as fake:
        fake.script(refuse(429, retry_after=0), reply("hi"))
        budget = Budget(tokens=100_000)
        run = Agent(fake.model("m", retry=quick), max_tokens=5, budget=budget).run_sync("hi")
        assert run.usage is not None
        assert budget.spent_tokens == run.usage.total_tokens
        gone = fake.url
    spent = budget.spent_tokens
    model = Model.of("openai:m", base_url=gone, api_key="sk-1", retry=quick)
    with pytest.raises(ModelError):
        Agent(model, max_tokens=5).run_sync("hi", budget=budget)
    assert budget.spent_tokens == spent


def test_an_answer_that_was_cut_counts_with_all_that_was_reserved_for_it() -> None:
    with FakeProvider() as fake:
        fake.script(reply("a b c d e f", cut_after=3))
        budget = Budget(tokens=100_000)
        agent = Agent(fake.model("m", retry=RetryPolicy(attempts=1)), max_tokens=50, budget=budget)

        async def go() -> None:
            async for _ in agent.stream("hi"):
                pass

        with pytest.raises(ModelError):
            asyncio.run(go())
        assert budget.spent_tokens == len(fake.requests[0].http.body) + 50


def test_a_replay_costs_nothing_of_a_budget(tmp_path: Path) -> None:
    tape, budget = tmp_path / "t.yaml", Budget(tokens=1)
    with FakeProvider() as fake:
        fake.script(reply("hi"))
        agent = Agent(fake.model("m"), max_tokens=5)
        agent.run_sync("hi", tape=tape, tape_mode="record")
    assert agent.run_sync("hi", tape=tape, tape_mode="replay", budget=budget).text == "hi"
    assert budget.spent_tokens == 0


def test_a_budget_without_a_bound_on_the_answer_is_refused_before_anything_is_sent() -> None:
    with FakeProvider() as fake:
        with pytest.raises(ConfigError, match="a budget needs max_tokens="):
            Agent(fake.model("m"), budget=Budget(tokens=10)).run_sync("hi")
        assert fake.requests == []


def test_a_run_that_is_out_of_time_says_what_it_was_trying() -> None:
    with FakeProvider(answer=refuse(503, "no capacity today")) as fake:
        agent = Agent(fake.model("m", retry=RetryPolicy(base=30.0), random=lambda: 1.0), timeout=0.3)
        with pytest.raises(LimitError, match=r"timeout of 0\.3 s; attempt 1 failed with: .*no capacity today"):
            agent.run_sync("hi")
        fake.script(refuse(503, "no capacity today", retry_after=0), reply("late", delay=60))
        agent = Agent(fake.model("m", retry=RetryPolicy(base=0)), timeout=0.3)
        with pytest.raises(LimitError, match=r"; attempt 1 failed with: .*no capacity today") as caught:
            agent.run_sync("hi")
    assert [attempt.status for attempt in caught.value.run.attempts] == [503, None]


def test_a_replay_of_a_run_that_waits_waits_as_it_did(tmp_path: Path) -> None:
    made: list[int] = []

    @tool(effect="write", approve=True)
    def refund(order: int) -> str:
        """Pay back"""
        made.append(order)
        return "paid back"

    with FakeProvider() as fake:
        fake.script(reply(tool_call("refund", order=7)))
        agent = Agent(fake.model("m"), tools=[refund])
        first = agent.run_sync("refund", tape=tmp_path / "t.yaml", tape_mode="record").pending
        again = agent.run_sync("refund", tape=tmp_path / "t.yaml", tape_mode="replay").pending
    assert first is not None
    assert again == first
    assert made == []
