"""Asking twice where the first is slow: who wins, what stands on the run and the tape, and how a tape of it plays."""

from __future__ import annotations

import asyncio
import math
import time
from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, ConfigError, Limiter, Model, Tape, fallback, hedged
from playhead.deck.transcript.telling import transcript
from playhead.deck.verify import verify
from playhead.errors import ModelError
from playhead.testing import FakeProvider, refuse, reply
from playhead.transport.hedge import ENOUGH, Hedge
from playhead.transport.retry import BEATEN, RetryPolicy

SLOW = math.inf


def agent(fake: FakeProvider, after: Any = 0.02, **settings: Any) -> Agent[str]:
    return Agent(hedged(fake.model("gpt-x", **settings), after=after), max_tokens=50)


def closed(fake: FakeProvider, expected: int) -> bool:
    """Whether the provider sees so many open connections, within a second."""
    until = time.monotonic() + 1
    while fake.open_connections != expected and time.monotonic() < until:
        time.sleep(0.005)
    return fake.open_connections == expected


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_the_second_request_answers_where_the_first_is_silent(tmp_path: Path, streamed: bool) -> None:
    tape = tmp_path / "hedged.yaml"

    async def run(one: Agent[str], mode: Any) -> Any:
        if not streamed:
            return await one.run("hello", tape=tape, tape_mode=mode, fail_on_unplayed=True)
        async with one.stream("hello", tape=tape, tape_mode=mode, fail_on_unplayed=True) as stream:
            async for _ in stream:
                pass
        return stream.run

    with FakeProvider() as fake:
        fake.script(reply("never", delay=SLOW), reply("Oi"))
        recorded = asyncio.run(run(agent(fake), "record"))
        assert closed(fake, 0)
        assert len(fake.requests) == 2
        assert fake.requests[0].http.body == fake.requests[1].http.body
        again = Agent(Model.of("openai:gpt-x", base_url=fake.url), max_tokens=50)
    assert recorded.text == "Oi"
    told = [(one.number, one.status, one.error) for one in recorded.attempts]
    assert told == [(1, None, BEATEN), (2, 200, None)]
    assert (recorded.ledger[0].cost, recorded.ledger[0].billed) == (None, None)
    assert recorded.steps[0].response.text == "Oi"
    held = Tape.load(tape)
    assert [item.response.code for item in held.interactions] == [0, 200]
    assert BEATEN in dict(held.interactions[0].response.headers).values()
    for mode in ("replay", "once", "resume"):  # with a plain model as well: the loser is nobody's answer
        for player in (again, Agent(hedged(again.model), max_tokens=50)):  # type: ignore[arg-type]
            played = asyncio.run(run(player, mode))
            assert played.text == "Oi"
            assert [(one.number, one.status, one.error) for one in played.attempts] == told
            assert played.cost == recorded.cost


def test_a_tape_with_a_request_that_gave_way_can_be_shown_and_verified(tmp_path: Path) -> None:
    tape = tmp_path / "hedged.yaml"
    with FakeProvider() as fake:
        fake.script(reply("never", delay=SLOW), reply("Oi"))
        agent(fake).run_sync("hello", tape=tape, tape_mode="record")
    [conversation] = transcript(Tape.load(tape)).conversations
    assert [one.error for one in conversation.steps[0].attempts] == [BEATEN, None]
    assert conversation.steps[0].answer is not None
    assert asyncio.run(verify(Tape.load(tape))).ok


def test_a_fast_first_answer_is_the_only_request() -> None:
    with FakeProvider(answer="Oi") as fake:
        run = agent(fake, 5.0).run_sync("hello")
        assert len(fake.requests) == 1
    assert [one.status for one in run.attempts] == [200]


def test_the_first_wins_where_its_answer_comes_before_the_second() -> None:
    with FakeProvider() as fake:
        fake.script(reply("first", delay=0.15), reply("second", delay=SLOW))
        run = agent(fake).run_sync("hello")
        assert len(fake.requests) == 2
    assert run.text == "first"
    assert len(run.attempts) == 2


def test_a_refusal_does_not_win_while_the_other_is_under_way(tmp_path: Path) -> None:
    tape = tmp_path / "hedged.yaml"
    with FakeProvider() as fake:
        fake.script(reply("first", delay=0.2), refuse(500, delay=0.01))
        run = agent(fake).run_sync("hello", tape=tape, tape_mode="record")
        assert run.text == "first"
        assert [(one.status, one.error) for one in run.attempts] == [(500, BEATEN), (200, None)]
        played = agent(fake).run_sync("hello", tape=tape, tape_mode="replay", fail_on_unplayed=True)
    assert [(one.status, one.error) for one in played.attempts] == [(500, BEATEN), (200, None)]


def test_where_both_are_refused_the_call_is_tried_again() -> None:
    retry = RetryPolicy(attempts=2, base=0.0)
    with FakeProvider() as fake:
        fake.script(refuse(500, delay=0.1), refuse(500, delay=0.01), reply("Oi"))
        run = agent(fake, retry=retry).run_sync("hello")
    assert run.text == "Oi"
    assert [one.status for one in run.attempts] == [500, 500, 200]
    assert [one.number for one in run.attempts] == [1, 2, 3]


def test_a_run_that_is_cancelled_leaves_neither_request_open() -> None:
    async def main() -> None:
        task = asyncio.create_task(agent(fake).run("hello"))
        while len(fake.requests) < 2:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with FakeProvider(answer=reply("never", delay=SLOW)) as fake:
        asyncio.run(main())
        assert closed(fake, 0)


def test_no_second_request_leaves_where_the_limiter_has_no_room() -> None:
    with FakeProvider() as fake:
        fake.script(reply("Oi", delay=0.1))
        run = agent(fake, limiter=Limiter(concurrency=1)).run_sync("hello")
        assert len(fake.requests) == 1
    assert run.text == "Oi"


def test_a_hedged_model_may_fall_back() -> None:
    with FakeProvider() as fake, FakeProvider(answer="two") as other:
        fake.script(refuse(401, delay=0.1), refuse(401))
        both = Agent(fallback(hedged(fake.model("gpt-x"), after=0.02), other.model("gpt-y")), max_tokens=50)
        run = both.run_sync("hello")
    assert run.text == "two"
    assert [one.number for one in run.attempts] == [1, 2, 3]


def test_the_wait_is_the_95th_of_100_once_enough_are_known() -> None:
    hedge = Hedge("p95")
    for number in range(ENOUGH - 1):
        hedge.note(float(number))
    assert hedge.wait() is None
    for number in range(ENOUGH - 1, 100):
        hedge.note(float(number))
    assert hedge.wait() == 95.0


def test_what_no_wait_is_is_refused() -> None:
    with pytest.raises(ConfigError, match="after"):
        hedged("openai:gpt-x", after=0)


def test_an_error_of_both_has_both_on_the_run() -> None:
    with FakeProvider() as fake:
        fake.script(refuse(401, delay=0.1), refuse(401, delay=0.01))
        with pytest.raises(ModelError) as caught:
            agent(fake).run_sync("hello")
    assert [one.status for one in caught.value.run.attempts] == [401, 401]
    assert [one.number for one in caught.value.attempts] == [1, 2]
