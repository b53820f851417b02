"""Runs on a tape: recorded as they go, replayed with no server, resumed after a kill."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Annotated, Any

import pytest

from playhead import (
    Agent,
    AttemptEnd,
    AuthenticationError,
    ModelError,
    PartDelta,
    RateLimitError,
    RetryPolicy,
    Tape,
    TapeLockedError,
    TapeMissError,
    TapeModeError,
    ToolEnd,
    UnplayedError,
    tool,
)
from scripted_server import Answer, Asked, Loopback, completion, delta, reply, streamed

QUESTION = "What's the weather in Florence,Italy?"
QUICK = RetryPolicy(attempts=10, base=0.001, cap=0.002)


@tool
def weather(location: Annotated[str, "the city"]) -> str:
    """Get weather information for a location"""
    return "40 C"


def seed_agent(**settings: Any) -> Agent[str]:
    settings.setdefault("tools", [weather])
    return Agent(
        "openrouter:moonshotai/kimi-k2-0905",
        system="You are a helpful assistant",
        max_tokens=4000,
        options={"provider": {"only": ["wandb"]}},
        **settings,
    )


def script(number: int, asked: Asked) -> Answer:
    """Refuses every first time, asks for the weather twice at once, then answers."""
    messages = asked.json["messages"]
    if number % 2 == 0:
        return reply({"error": {"message": "slow down"}}, 429, Retry_After="0")
    if messages[-1]["role"] == "user":
        calls = [("c1", "weather", '{"location": "Florence"}'), ("c2", "weather", '{"location": "Rome"}')]
        return reply(completion(None, calls, prompt_tokens=7, completion_tokens=3, cost=0.001))
    return reply(completion("Hot — 40 °C 🌞.", prompt_tokens=9, completion_tokens=5, cost=0.002))


def local_agent(server: Loopback, *tools: Any, **settings: Any) -> Agent[Any]:
    settings.setdefault("retry", QUICK)
    return Agent("compatible:m", base_url=server.url, api_key="sk-the-key-of-this-test", tools=tools, **settings)


def test_the_seed_plays_through_the_public_api(seed: Path, tmp_path: Path) -> None:
    """Two steps, ten refusals of status 429 and two successes, one call, the exact cost, the sentence."""
    tape = shutil.copy(seed, tmp_path / "florence.yaml")
    calls: list[str] = []

    @tool
    def weather(location: Annotated[str, "the city"]) -> str:
        """Get weather information for a location"""
        calls.append(location)
        return "40 C"

    began = time.monotonic()
    run = seed_agent(tools=[weather]).run_sync(QUESTION, tape=tape, tape_mode="once", fail_on_unplayed=True)
    assert time.monotonic() - began < 5, "a replay does not wait"
    assert len(run.steps) == 2
    assert [attempt.status for attempt in run.attempts] == [429, 429, 200, *[429] * 8, 200]
    assert [call.arguments for call in run.steps[0].response.tool_calls] == ['{"location": "Florence, Italy"}']
    assert calls == ["Florence, Italy"], "a tape without tool calls runs the tools again"
    assert f"{run.cost}".rstrip("0") == "0.0006258"
    assert run.text.startswith("It's currently **40 °C (104 °F)** in Florence, Italy—quite a hot day")
    assert run.unplayed == ()
    assert Path(tape).read_bytes() == seed.read_bytes()


def test_another_result_is_a_miss_that_says_where_the_conversation_parts(seed: Path) -> None:
    @tool
    def weather(location: Annotated[str, "the city"]) -> str:
        """Get weather information for a location"""
        return "41 C"

    with pytest.raises(TapeMissError) as caught:
        seed_agent(tools=[weather]).run_sync(QUESTION, tape=seed, tape_mode="replay")
    assert 'messages[3].content: "40 C" on the tape, "41 C" asked' in str(caught.value)
    assert [message.role for message in caught.value.run.messages] == ["system", "user", "assistant", "tool"]


def test_a_recorded_run_replays_with_no_server_and_no_tool(tmp_path: Path) -> None:
    ran: list[str] = []

    @tool
    def weather(location: str) -> str:
        """Get weather information for a location"""
        ran.append(location)
        return f"40 C in {location}"

    path = tmp_path / "deep" / "er" / "weather.yaml"
    with Loopback(script) as server:
        made = local_agent(server, weather)
        live = made.run_sync(QUESTION, tape=path, tape_mode="once")
    assert sorted(ran) == ["Florence", "Rome"]
    kept = path.read_bytes()
    again = made.run_sync(QUESTION, tape=path, tape_mode="once", fail_on_unplayed=True)
    assert sorted(ran) == ["Florence", "Rome"], "the results are the tape's"
    assert again.messages == live.messages
    assert [a.status for a in again.attempts] == [a.status for a in live.attempts] == [429, 200, 429, 200]
    assert again.cost == live.cost
    assert str(live.cost) == "0.003"
    assert path.read_bytes() == kept
    text = kept.decode()
    assert "sk-the-key-of-this-test" not in text
    assert "uthorization" not in text
    tape = Tape.load(path)
    assert [item.request.method for item in tape.interactions] == ["POST", "POST", "CALL", "CALL", "POST", "POST"]
    assert {item.request.url for item in tape.interactions if item.request.method == "CALL"} == {"tool:weather"}


def test_each_tool_result_is_on_the_tape_before_the_next_request_leaves(tmp_path: Path) -> None:
    path = tmp_path / "weather.yaml"
    on_tape: list[int] = []

    def watching(number: int, asked: Asked) -> Answer:
        on_tape.append(path.read_bytes().count(b"method: CALL") if path.exists() else 0)
        return script(number, asked)

    with Loopback(watching) as server:
        local_agent(server, weather).run_sync(QUESTION, tape=path, tape_mode="record")
    assert on_tape == [0, 0, 2, 2]


def test_a_stream_is_handed_on_while_it_is_recorded_and_replays_as_a_stream(tmp_path: Path) -> None:
    path = tmp_path / "stream.yaml"
    words = [f"word{n} " for n in range(20)]
    seen_at: list[float] = []

    async def listen(made: Agent[Any], mode: Any) -> list[str]:
        texts = []
        async for event in made.stream("hi", tape=path, tape_mode=mode):
            if isinstance(event, PartDelta):
                seen_at.append(time.monotonic())
                texts.append(event.text)
        return texts

    with Loopback(lambda n, a: streamed(*map(delta, words), delta(finish="stop"), pause=0.02)) as server:
        made = local_agent(server)
        assert asyncio.run(listen(made, "record")) == words
    assert seen_at[-1] - seen_at[0] > 0.2, "the words came while the stream ran"
    assert "Playhead-Chunks" in path.read_text()
    assert asyncio.run(listen(made, "replay")) == words


def test_a_tape_that_is_longer_than_the_run_is_reported_and_fails_on_request(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    with Loopback(lambda n, a: reply(completion(f"answer {n}"))) as server:
        made = local_agent(server)
        made.run_sync("one", tape=path, tape_mode="resume")
        made.run_sync("two", tape=path, tape_mode="resume")
    run = made.run_sync("one", tape=path, tape_mode="replay")
    assert [item.id for item in run.unplayed] == [1]
    assert "left unplayed" in run.warnings[0]
    with pytest.raises(UnplayedError):
        made.run_sync("one", tape=path, tape_mode="replay", fail_on_unplayed=True)


def test_the_default_mode_is_once_and_replay_where_ci_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.yaml"
    monkeypatch.delenv("PLAYHEAD_TAPE_MODE", raising=False)
    with Loopback(lambda n, a: reply(completion("hi"))) as server:
        made = local_agent(server)
        monkeypatch.setenv("CI", "true")
        with pytest.raises(TapeModeError):
            made.run_sync("hi", tape=path)
        monkeypatch.delenv("CI")
        made.run_sync("hi", tape=path)
        made.run_sync("hi", tape=path)
        assert len(server.requests) == 1
        made.run_sync("hi", tape=path, tape_mode="off")
        assert len(server.requests) == 2


def test_a_run_that_gave_up_replays_as_a_run_that_gave_up(tmp_path: Path) -> None:
    path = tmp_path / "refused.yaml"
    with Loopback(lambda n, a: reply({"error": {"message": "slow down"}}, 429)) as server:
        with pytest.raises(RateLimitError):
            local_agent(server, retry=RetryPolicy(attempts=3, base=0.001)).run_sync("hi", tape=path, tape_mode="record")
        patient = local_agent(server, retry=RetryPolicy(attempts=50, base=0.001))
    with pytest.raises(RateLimitError) as caught:
        patient.run_sync("hi", tape=path, tape_mode="replay")
    assert len(caught.value.run.attempts) == 3


def test_many_runs_at_once_share_a_tape_and_play_again(tmp_path: Path) -> None:
    path = tmp_path / "many.yaml"

    def echo(number: int, asked: Asked) -> Answer:
        messages = asked.json["messages"]
        if len(messages) == 1:
            return reply(completion(None, [("c1", "weather", f'{{"location": "{messages[0]["content"]}"}}')]))
        return reply(completion(f"{messages[0]['content']}: {messages[-1]['content']}"))

    async def all_of(made: Agent[Any], mode: Any) -> list[str]:
        prompts = [f"city {n}" for n in range(50)]
        runs = await asyncio.gather(*(made.run(prompt, tape=path, tape_mode=mode) for prompt in prompts))
        return [run.text for run in runs]

    with Loopback(echo) as server:
        made = local_agent(server, weather)
        live = asyncio.run(all_of(made, "once"))
    assert live == [f"city {n}: 40 C" for n in range(50)]
    tape = Tape.load(path)
    assert [item.id for item in tape.interactions] == list(range(150))
    assert asyncio.run(all_of(made, "replay")) == live

    threads_said: list[str] = []
    threads = [
        threading.Thread(
            target=lambda n=n: threads_said.append(made.run_sync(f"city {n}", tape=path, tape_mode="replay").text)
        )
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(threads_said) == sorted(live[:8])


def test_a_second_process_on_the_same_tape_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "held.yaml"
    program = (
        "import sys, time\nfrom playhead.tapes import open_session\n"
        f"session = open_session({str(path)!r}, 'record')\nprint('held', flush=True)\ntime.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with Loopback(script) as server, pytest.raises(TapeLockedError, match=r"held\.yaml"):
            local_agent(server).run_sync("hi", tape=path, tape_mode="record")
    finally:
        holder.kill()
        holder.communicate()


CHILD = """
import sys
from playhead import Agent, tool

@tool
def work(n: int) -> str:
    "Does piece n of the work"
    return f"piece {n} is done"

agent = Agent("compatible:m", base_url=sys.argv[1], api_key="sk-nothing", tools=[work])
print("go", flush=True)
run = agent.run_sync("do it", tape=sys.argv[2], tape_mode="resume")
print(run.text, flush=True)
"""


def work_script(number: int, asked: Asked) -> Answer:
    """Six pieces of work, two calls at a time, each answer after a little while; every fifth request is refused."""
    if number % 5 == 4:
        return Answer(429, [b'{"error":{"message":"slow down"}}'], {"Retry-After": "0"}, delay=0.003)
    done = sum(message["role"] == "tool" for message in asked.json["messages"])
    if done < 12:
        calls = [(f"c{n}", "work", f'{{"n": {n}}}') for n in (done, done + 1)]
        return Answer(200, reply(completion(None, calls)).chunks, {"Content-Type": "application/json"}, delay=0.005)
    return reply(completion("all done"))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_run_is_resumed_without_asking_again_for_what_it_had(tmp_path: Path) -> None:
    """SIGKILL at random moments, PLAYHEAD_KILLS times: the tape opens, and nothing on it is asked for again."""
    kills = int(os.environ.get("PLAYHEAD_KILLS", "8"))
    chance = random.Random(20)
    killed = 0
    round_number = 0
    while killed < kills:
        round_number += 1
        path = tmp_path / f"work{round_number}.yaml"
        with Loopback(work_script) as server:
            command = [sys.executable, "-c", CHILD, server.url, str(path)]
            lost = 0
            while True:
                child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                assert child.stdout is not None
                assert child.stdout.readline() == b"go\n"
                if killed < kills:
                    time.sleep(chance.random() * 0.2)
                    child.kill()
                said, complaint = child.communicate()
                assert b"Error" not in complaint, complaint.decode()
                tape = Tape.load(path) if path.exists() else Tape()
                on_tape = [item for item in tape.interactions if item.request.method == "POST"]
                assert [item.id for item in tape.interactions] == list(range(len(tape.interactions)))
                if child.returncode == 0:
                    break
                killed += 1
                in_flight = len(server.requests) - len(on_tape) - lost
                assert in_flight in (0, 1), "whatever was answered in full is on the tape"
                lost += in_flight
            assert said == b"all done\n" or child.returncode == 0
            assert len(server.requests) == len(on_tape) + lost
            bodies = [item.request.body for item in on_tape if item.response.code == 200]
            assert len(bodies) == len(set(bodies)) == 7, "each question was answered once"
            assert sum(item.request.method == "CALL" for item in tape.interactions) in range(12, 13 + killed * 2)


def test_events_of_a_replay_are_those_of_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "events.yaml"

    async def kinds(made: Agent[Any], mode: Any) -> list[str]:
        names = []
        async for event in made.stream("weather?", tape=path, tape_mode=mode):
            if isinstance(event, ToolEnd):
                assert event.replayed is (mode == "replay")
            if isinstance(event, AttemptEnd):
                names.append(str(event.attempt.status))
            names.append(type(event).__name__)
        return names

    with Loopback(script) as server:
        made = local_agent(server, weather)
        live = asyncio.run(kinds(made, "record"))
    assert asyncio.run(kinds(made, "replay")) == live


def test_a_server_cannot_put_the_tapes_own_words_on_it(tmp_path: Path) -> None:
    """Playhead-Cut from the wire would make a replay break off where the recording did not."""
    path = tmp_path / "lies.yaml"
    with Loopback(lambda n, a: reply(completion("whole"), Playhead_Cut="haha", Playhead_Chunks="1:1")) as server:
        made = local_agent(server)
        assert made.run_sync("hi", tape=path, tape_mode="record").text == "whole"
    assert made.run_sync("hi", tape=path, tape_mode="replay").text == "whole"


def test_a_key_that_was_found_on_the_way_never_reaches_the_tape_or_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's key changes while the run goes on, and the server repeats what it got, wherever it can."""
    path = tmp_path / "keys.yaml"
    keys = ["sk-the-first-key-of-all", "sk-another-key-that-came-later"]
    monkeypatch.setenv("PLAYHEAD_API_KEY", keys[0])

    def echo(number: int, asked: Asked) -> Answer:
        said = asked.headers["authorization"]
        monkeypatch.setenv("PLAYHEAD_API_KEY", keys[1])
        status = 429 if number == 0 else 401
        return reply({"error": {"message": f"no: {said}"}}, status, Retry_After="0", X_Request_Id=said.split()[-1])

    with Loopback(echo) as server, pytest.raises(AuthenticationError) as caught:
        Agent("compatible:m", base_url=server.url, retry=QUICK).run_sync("hi", tape=path, tape_mode="record")
    error = caught.value
    said = f"{error!r} {error} {vars(error)} {error.args} {error.run.attempts} {path.read_text()}"
    for key in keys:
        assert key not in said
    assert said.count("REDACTED") > 2


def test_a_resumed_run_goes_on_where_the_recorded_one_gave_up(tmp_path: Path) -> None:
    path = tmp_path / "refused.yaml"
    healthy: list[bool] = []

    def script(number: int, asked: Asked) -> Answer:
        return reply(completion("at last")) if healthy else reply({"error": {"message": "slow down"}}, 429)

    with Loopback(script) as server:
        made = local_agent(server, retry=RetryPolicy(attempts=3, base=0.001))
        with pytest.raises(RateLimitError):
            made.run_sync("hi", tape=path, tape_mode="record")
        with pytest.raises(RateLimitError, match="resume"):
            made.run_sync("hi", tape=path, tape_mode="replay")
        healthy.append(True)
        run = made.run_sync("hi", tape=path, tape_mode="resume")
    assert run.text == "at last"
    assert [attempt.status for attempt in run.attempts] == [429, 429, 429, 200]
    assert len(server.requests) == 4


def test_a_wrong_key_on_the_tape_does_not_stop_a_resumed_run_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "refused.yaml"
    healthy: list[bool] = []

    def script(number: int, asked: Asked) -> Answer:
        return reply(completion("at last")) if healthy else reply({"error": {"message": "who are you"}}, 401)

    with Loopback(script) as server:
        made = local_agent(server)
        with pytest.raises(AuthenticationError):
            made.run_sync("hi", tape=path, tape_mode="record")
        healthy.append(True)
        with pytest.raises(AuthenticationError):
            made.run_sync("hi", tape=path, tape_mode="replay")
        assert made.run_sync("hi", tape=path, tape_mode="resume").text == "at last"


def test_a_tape_made_by_streaming_plays_for_a_run_that_does_not_and_the_other_way_round(tmp_path: Path) -> None:
    streamed_path, whole_path = tmp_path / "streamed.yaml", tmp_path / "whole.yaml"

    def script(number: int, asked: Asked) -> Answer:
        if asked.json.get("stream"):
            return streamed(delta("It is "), delta("40."), delta(finish="stop"))
        return reply(completion("It is 40."))

    async def stream(made: Agent[Any], path: Path, mode: Any) -> str:
        return "".join([words async for words in made.stream("hi", tape=path, tape_mode=mode).text()])

    with Loopback(script) as server:
        made = local_agent(server)
        asyncio.run(stream(made, streamed_path, "record"))
        made.run_sync("hi", tape=whole_path, tape_mode="record")
    assert made.run_sync("hi", tape=streamed_path, tape_mode="replay").text == "It is 40."
    assert asyncio.run(stream(made, whole_path, "replay")) == "It is 40."


def test_an_error_in_mid_stream_replays_as_the_error_it_was(tmp_path: Path) -> None:
    path = tmp_path / "error.yaml"
    broken = {"error": {"message": "flagged", "code": 400, "type": "content_filter"}, "choices": []}

    async def go(made: Agent[Any], mode: Any) -> str:
        with pytest.raises(ModelError) as caught:
            await made.stream("hi", tape=path, tape_mode=mode).drain()
        return f"{type(caught.value).__name__} {caught.value}"

    with Loopback(lambda n, a: streamed(delta("It "), broken, delta("x"), pause=0.05)) as server:
        made = local_agent(server)
        live = asyncio.run(go(made, "record"))
    assert "flagged" in live
    assert asyncio.run(go(made, "replay")) == live
