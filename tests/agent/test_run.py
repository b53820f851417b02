"""Runs, against a real server on loopback: the loop, its records, its errors."""

from __future__ import annotations

import asyncio
import gc
import time
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pytest

from playhead import (
    Agent,
    AttemptEnd,
    AuthenticationError,
    BadRequestError,
    ConfigError,
    Discard,
    LimitError,
    OutputError,
    PartDelta,
    PlayheadError,
    RateLimitError,
    RetryPolicy,
    RunEnd,
    StepEnd,
    ToolEnd,
    ToolStart,
    load_messages,
    tool,
)
from scripted_server import Answer, Asked, Loopback, completion, delta, reply, streamed

QUICK = RetryPolicy(attempts=10, base=0.001, cap=0.002)


@tool
def weather(location: Annotated[str, "the city"]) -> str:
    """Get weather information for a location"""
    return "40 C"


def agent(server: Loopback, **settings: Any) -> Agent[Any]:
    settings.setdefault("retry", QUICK)
    return Agent("compatible:m", base_url=server.url, api_key="key-of-the-test", **settings)


def weather_script(number: int, asked: Asked) -> Answer:
    if asked.json["messages"][-1]["role"] == "user":
        return reply(completion("Let me look.", [("c1", "weather", '{"location": "Florence"}')], prompt_tokens=10))
    return reply(completion("It is 40 C in Florence.", prompt_tokens=20, completion_tokens=5, cost=0.25))


def test_a_run_calls_the_tool_and_answers() -> None:
    with Loopback(weather_script) as server:
        run = agent(server, system="be kind", tools=[weather]).run_sync("weather?")
    assert run.text == run.output == "It is 40 C in Florence."
    assert [step.number for step in run.steps] == [1, 2]
    assert [message.role for message in run.messages] == ["system", "user", "assistant", "tool", "assistant"]
    assert run.steps[0].results[0].text == "40 C"
    assert server.requests[1].json["messages"][-1] == {"role": "tool", "tool_call_id": "c1", "content": "40 C"}
    assert server.requests[0].headers["authorization"] == "Bearer key-of-the-test"
    assert run.usage is not None
    assert (run.usage.input_tokens, run.usage.output_tokens) == (30, 5)
    assert run.cost is None, "one of the two answers reported no cost, so the sum is not known"
    assert len(run.attempts) == 2
    assert run.duration > 0


def test_usage_and_cost_are_none_where_nothing_was_reported() -> None:
    with Loopback(lambda n, asked: reply(completion("hi"))) as server:
        run = agent(server).run_sync("hi")
    assert run.usage is None
    assert run.cost is None


def test_cost_is_exact() -> None:
    with Loopback(lambda n, asked: reply(completion("hi", cost=0.1))) as server:
        runs = [agent(server).run_sync("hi") for _ in range(3)]
    assert sum((run.cost for run in runs if run.cost is not None), Decimal(0)) == Decimal("0.3")


def test_run_stream_and_run_sync_are_one_loop() -> None:
    with Loopback(weather_script) as server:
        made = agent(server, tools=[weather])

        async def both() -> tuple[Any, Any]:
            whole = await made.run("weather?")
            stream = made.stream("weather?")
            kinds = [type(event) async for event in stream]
            assert kinds[-1] is RunEnd
            assert kinds.count(StepEnd) == 2
            assert kinds.count(ToolStart) == kinds.count(ToolEnd) == 1
            return whole, stream.run

        whole, from_stream = asyncio.run(both())
        plain = made.run_sync("weather?")
    assert whole.messages == from_stream.messages == plain.messages
    assert server.requests[2].json["stream"] is True
    assert "stream" not in server.requests[0].json


def test_run_sync_says_what_to_do_inside_a_loop() -> None:
    async def inside() -> None:
        Agent("compatible:m", base_url="http://127.0.0.1:1").run_sync("hi")

    with pytest.raises(ConfigError, match=r"await agent\.run"):
        asyncio.run(inside())


def test_a_run_goes_on_from_messages_that_went_through_json() -> None:
    with Loopback(weather_script) as server:
        made = agent(server, system="be kind", tools=[weather])
        first = made.run_sync("weather?")
        again = made.run_sync("and Rome?", messages=load_messages(first.messages_json()))
    assert [m.role for m in again.messages].count("system") == 1
    assert again.messages[: len(first.messages)] == first.messages
    assert len(server.requests[-1].json["messages"]) == len(again.messages) - 1


def test_calls_of_one_step_run_at_once_and_results_stand_in_the_order_of_the_calls() -> None:
    begun: list[str] = []

    @tool
    async def wait(name: str, seconds: float) -> str:
        begun.append(name)
        await asyncio.sleep(seconds)
        assert len(begun) == 3
        return name

    def script(number: int, asked: Asked) -> Answer:
        if number == 0:
            calls = [(f"c{n}", "wait", f'{{"name": "{n}", "seconds": {s}}}') for n, s in enumerate((0.3, 0.2, 0.1))]
            return reply(completion(None, calls))
        return reply(completion("done"))

    ends: list[str] = []

    async def go() -> Any:
        stream = agent(server, tools=[wait]).stream("go")
        async for event in stream:
            if isinstance(event, ToolEnd):
                ends.append(event.result.text)
        return stream.run

    with Loopback(script) as server:
        began = time.monotonic()
        run = asyncio.run(go())
    assert [result.text for result in run.steps[0].results] == ["0", "1", "2"]
    assert ends == ["2", "1", "0"]
    assert time.monotonic() - began < 1.0
    assert [m["tool_call_id"] for m in server.requests[1].json["messages"][2:]] == ["c0", "c1", "c2"]


def test_a_bad_call_goes_back_to_the_model_as_an_error_it_can_act_on() -> None:
    def script(number: int, asked: Asked) -> Answer:
        answers = [
            completion(None, [("c1", "weather", '{"city": "Florence"}'), ("c2", "wether", "{}")]),
            completion(None, [("c3", "weather", '{"location": "Florence"}')]),
            completion("40"),
        ]
        return reply(answers[number])

    with Loopback(script) as server:
        run = agent(server, tools=[weather]).run_sync("weather?")
    first, second = run.steps[0].results
    assert first.is_error
    assert "unknown argument 'city'" in first.text
    assert second.is_error
    assert "no tool named 'wether'; there are: weather" in second.text
    assert run.text == "40"


def test_refusals_are_tried_again_and_stand_on_the_run() -> None:
    def script(number: int, asked: Asked) -> Answer:
        if number < 3:
            return reply({"error": {"message": "slow down", "code": 429}}, 429)
        return reply(completion("hi"))

    with Loopback(script) as server:
        run = agent(server).run_sync("hi")
    assert [attempt.status for attempt in run.attempts] == [429, 429, 429, 200]
    assert [attempt.number for attempt in run.attempts] == [1, 2, 3, 4]
    assert all(attempt.wait is not None for attempt in run.attempts[:3])
    assert run.attempts[-1].error is None
    assert "slow down" in (run.attempts[0].error or "")
    assert run.steps[0].attempts == tuple(run.attempts)


def test_a_final_refusal_carries_the_partial_run() -> None:
    def script(number: int, asked: Asked) -> Answer:
        if asked.json["messages"][-1]["role"] == "user":
            return weather_script(number, asked)
        return reply({"error": {"message": "slow down", "code": 429}}, 429)

    with Loopback(script) as server, pytest.raises(RateLimitError) as caught:
        agent(server, tools=[weather], retry=RetryPolicy(attempts=2, base=0.001)).run_sync("weather?")
    run = caught.value.run
    assert [message.role for message in run.messages] == ["user", "assistant", "tool"]
    assert [attempt.status for attempt in run.attempts] == [200, 429, 429]
    assert len(run.steps) == 1


def test_what_cannot_be_mended_by_trying_again_is_not_tried_again() -> None:
    with Loopback(lambda n, a: reply({"error": {"message": "no such field", "code": 400}}, 400)) as server:
        with pytest.raises(BadRequestError, match="no such field"):
            agent(server).run_sync("hi")
        assert len(server.requests) == 1
    with Loopback(lambda n, a: reply({"error": {"message": "bad key"}}, 401)) as server:
        with pytest.raises(AuthenticationError) as caught:
            agent(server).run_sync("hi")
    assert "key-of-the-test" not in f"{caught.value!r} {caught.value} {vars(caught.value)}"


def test_a_stream_that_is_cut_after_it_began_is_discarded_and_asked_again() -> None:
    def script(number: int, asked: Asked) -> Answer:
        if number == 0:
            return streamed(delta("It "), delta("is "), done=False, cut=True)
        if number == 1:
            return streamed(delta("It "), done=False)  # ends in order, but before its end
        return streamed(delta("It "), delta("is 40."), delta(finish="stop"))

    async def go() -> tuple[list[Any], Any]:
        stream = agent(server).stream("weather?")
        return [event async for event in stream], stream.run

    with Loopback(script) as server:
        events, run = asyncio.run(go())
    assert run.text == "It is 40."
    assert sum(isinstance(event, Discard) for event in events) == 2
    shown = ""
    for event in events:
        if isinstance(event, Discard):
            shown = ""
        elif isinstance(event, PartDelta):
            shown += event.text
    assert shown == "It is 40."
    assert [end.attempt.error is None for end in events if isinstance(end, AttemptEnd)] == [False, False, True]


def test_the_step_limit_stops_a_run_that_never_ends() -> None:
    with Loopback(lambda n, a: reply(completion(None, [(f"c{n}", "weather", '{"location":"x"}')]))) as server:
        with pytest.raises(LimitError, match="20 steps") as caught:
            agent(server, tools=[weather]).run_sync("weather?")
        assert len(server.requests) == 20
        assert caught.value.limit == "steps"
        assert caught.value.run.messages[-1].role == "tool"
        with pytest.raises(LimitError):
            agent(server, tools=[weather], max_steps=1).run_sync("weather?")
        assert len(server.requests) == 21


def test_a_run_has_a_timeout_that_counts_everything() -> None:
    with Loopback(lambda n, a: Answer(200, [b"{}"], delay=30)) as server:
        began = time.monotonic()
        with pytest.raises(LimitError, match=r"timeout of 0\.2 s") as caught:
            agent(server, timeout=0.2).run_sync("hi")
        assert time.monotonic() - began < 3
        assert caught.value.limit == "seconds"
        assert caught.value.run.messages[-1].text == "hi"
        assert [attempt.error for attempt in caught.value.run.attempts] == ["broken off: CancelledError"]
        deadline = time.monotonic() + 5
        while server.open_connections and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.open_connections == 0


def test_leaving_a_stream_early_closes_the_connection() -> None:
    async def go() -> None:
        async with agent(server).stream("hi") as stream:
            async for event in stream:
                if isinstance(event, PartDelta):
                    break
        deadline = time.monotonic() + 5
        while server.open_connections and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        assert stream.run.messages[-1].role == "user"
        assert len(asyncio.all_tasks()) == 1

    with Loopback(lambda n, a: streamed(*[delta("x")] * 1000, pause=0.05)) as server:
        asyncio.run(go())
        assert server.open_connections == 0


def test_cancelling_a_run_cancels_its_tools() -> None:
    state = {"cancelled": 0}

    @tool
    async def forever() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            state["cancelled"] += 1
            raise
        return ""

    async def go() -> None:
        calls = [("c1", "forever", "{}"), ("c2", "forever", "{}")]
        server.script = lambda n, a: reply(completion(None, calls))
        task = asyncio.ensure_future(agent(server, tools=[forever]).run("go"))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(asyncio.all_tasks()) == 1

    with Loopback(weather_script) as server:
        asyncio.run(go())
    assert state["cancelled"] == 2


class City(msgspec.Struct):
    name: str
    people: int


def test_structured_output_is_asked_for_and_read() -> None:
    with Loopback(lambda n, a: reply(completion('{"name": "Florence", "people": 360930}'))) as server:
        run = agent(server, output=City).run_sync("Florence?")
    assert run.output == City("Florence", 360930)
    asked = server.requests[0].json["response_format"]
    assert asked["type"] == "json_schema"
    assert asked["json_schema"]["schema"]["properties"] == {"name": {"type": "string"}, "people": {"type": "integer"}}


def test_an_answer_that_does_not_hold_the_type_says_where() -> None:
    with Loopback(lambda n, a: reply(completion('{"name": "Florence", "people": "many"}'))) as server:
        with pytest.raises(OutputError, match=r"\$\.people") as caught:
            agent(server, output=City).run_sync("Florence?")
    assert caught.value.run.text == '{"name": "Florence", "people": "many"}'


def test_bad_settings_name_what_would_be_right() -> None:
    for make, words in [
        (lambda: Agent("openruter:m"), "openrouter"),
        (lambda: Agent("m"), "provider:model"),
        (lambda: Agent("openrouter:m", options={"provider": {"onyl": ["wandb"]}}), "only"),
        (lambda: Agent("openrouter:m", sistem="x"), "system"),
        (lambda: Agent("openrouter:m", tools=[weather], tool_choice="wether"), "weather"),
        (lambda: Agent("openrouter:m", max_steps=0), "max_steps: expected `int` >= 1"),
        (lambda: Agent("openrouter:m", temperature="hot"), "temperature: expected `float"),
        (lambda: Agent("openrouter:m", timeout=-1), "timeout"),
        (lambda: Agent("openrouter:m", tools=weather), r"tools=\[weather\]"),
        (lambda: RetryPolicy(attempts=0), "attempts is 0"),
        (lambda: Agent("openrouter:m").run_sync([{"role": "user", "content": "hi"}]), "message 0 is a dict"),
        (lambda: Agent("openrouter:m").run_sync("hi", tape_mode="replay"), "needs a tape"),
        (lambda: Agent("openrouter:m").run_sync("a\udc80"), "message 0 holds half a character at 1"),
        (lambda: Agent("openrouter:m").run_sync(5), "got a int"),
        (lambda: Agent("openrouter:m").run_sync(), "nothing to ask"),
    ]:
        with pytest.raises(PlayheadError, match=words):
            make()


def test_what_tools_have_done_stands_on_the_run_when_it_is_stopped_and_is_not_done_again() -> None:
    """One tool is done, the other hangs, the time is over: going on uses the result that is there."""
    paid: list[str] = []

    @tool
    async def pay(what: str) -> str:
        paid.append(what)
        return "paid"

    @tool
    async def hang() -> str:
        if len(server.requests) == 1:
            await asyncio.sleep(60)
        return "back"

    def script(number: int, asked: Asked) -> Answer:
        if number == 0:
            return reply(completion(None, [("c1", "pay", '{"what": "rent"}'), ("c2", "hang", "{}")]))
        return reply(completion("done"))

    with Loopback(script) as server:
        made = agent(server, tools=[pay, hang], timeout=0.5)
        with pytest.raises(LimitError) as caught:
            made.run_sync("pay the rent")
        stopped = caught.value.run
        assert [message.role for message in stopped.messages] == ["user", "assistant", "tool"]
        server.requests.append(server.requests[0])
        again = made.run_sync(messages=stopped.messages)
        assert paid == ["rent"]
        assert again.text == "done"
        assert [m["content"] for m in server.requests[-1].json["messages"][2:]] == ["paid", "back"]
        other = made.run_sync("never mind", messages=stopped.messages)
    roles = [message["role"] for message in server.requests[-1].json["messages"]]
    assert roles == ["user", "assistant", "tool", "tool", "user"], "no call is left unanswered"
    assert "interrupted" in server.requests[-1].json["messages"][3]["content"]
    assert other.text == "done"


@pytest.mark.parametrize("hold", [True, False])
def test_a_whole_stream_is_taken_whatever_its_connection_does_then(hold: bool) -> None:
    """After [DONE] nothing counts: neither a cut, nor a connection that stays open."""
    words = [delta("All "), delta("of it."), delta(finish="stop")]
    answer = streamed(*words, cut=not hold)
    if hold:
        answer.chunks = [*answer.chunks, b": ping\n\n"]
        answer.pause = 0.01
        answer.hold = 5.0

    async def go() -> Any:
        stream = agent(server).stream("hi")
        events = [type(event) async for event in stream]
        assert Discard not in events
        return stream.run

    with Loopback(lambda n, a: answer) as server:
        began = time.monotonic()
        run = asyncio.run(go())
        assert time.monotonic() - began < 3
        assert len(server.requests) == 1
    assert run.text == "All of it."


def test_what_came_of_a_broken_answer_is_on_the_run() -> None:
    async def go() -> Any:
        stream = agent(server).stream("hi")
        async with stream:
            async for event in stream:
                if isinstance(event, PartDelta) and event.text == "is ":
                    break
        return stream.run

    with Loopback(lambda n, a: streamed(delta("It "), delta("is "), *[delta("x")] * 50, pause=0.02)) as server:
        run = asyncio.run(go())
    assert run.text == ""
    assert [getattr(part, "text", None) for part in run.partial] == ["It is "]
    assert run.attempts[-1].error == "broken off: GeneratorExit"


def test_a_forced_tool_is_forced_once() -> None:
    def script(number: int, asked: Asked) -> Answer:
        if asked.json["tool_choice"] == "auto":
            return reply(completion("40"))
        return reply(completion(None, [("c1", "weather", '{"location": "Rome"}')]))

    for choice in ("required", "weather"):
        with Loopback(script) as server:
            run = agent(server, tools=[weather], tool_choice=choice).run_sync("weather?")
            assert len(server.requests) == 2
        assert run.text == "40"


def test_breaking_out_of_a_stream_lets_go_without_help() -> None:
    async def go() -> None:
        async for event in agent(server).stream("hi"):
            if isinstance(event, PartDelta):
                break
        deadline = time.monotonic() + 5
        while server.open_connections and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        assert server.open_connections == 0

    with Loopback(lambda n, a: streamed(*[delta("x")] * 1000, pause=0.05)) as server:
        gc.disable()
        try:
            asyncio.run(go())
        finally:
            gc.enable()


def test_the_text_of_a_stream_is_the_answer_alone() -> None:
    def script(number: int, asked: Asked) -> Answer:
        if asked.json["messages"][-1]["role"] == "tool":
            return streamed(delta("40 "), delta("C"), delta(finish="stop"))
        call = {"index": 0, "id": "c1", "function": {"name": "weather", "arguments": ""}}
        rest = {"index": 0, "function": {"arguments": '{"location": "Rome"}'}}
        thought = delta(reasoning_content="hm")
        return streamed(
            thought, delta("I look."), delta(tool_calls=[call]), delta(tool_calls=[rest]), delta(finish="tool_calls")
        )

    async def go() -> list[str]:
        return [words async for words in agent(server, tools=[weather]).stream("weather?").text()]

    with Loopback(script) as server:
        assert asyncio.run(go()) == ["I look.", "\n", "40 ", "C"]
