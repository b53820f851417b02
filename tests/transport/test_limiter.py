"""The limiter that runs share: what was set, what is learned, and that waiting is fair and leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from playhead import Agent, ConfigError, Limiter, Model, RetryPolicy, Usage
from playhead.testing import FakeProvider, refuse, reply
from playhead.transport.limiter import LimitTransport, shared_limiter
from playhead.transport.pace import BURST, FORGOTTEN, LONGEST_WAIT, Pace
from playhead.transport.quota import LONGEST, quotas
from playhead.transport.retry import SYSTEM_CLOCK
from playhead.wire import Headers, HTTPRequest, HTTPResponse

REQUEST = HTTPRequest("POST", "http://x/", (), b"x" * 400)  # 100 tokens


class Clock:
    """A clock that whoever sleeps moves on."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class Said:
    """A transport whose answers are said beforehand; the last goes on for ever."""

    def __init__(self, *answers: tuple[int, Headers], clock: Clock | None = None, takes: float = 0.0) -> None:
        self.answers = list(answers) or [(200, ())]
        self.left: list[float] = []
        self.clock, self.takes = clock, takes

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        if self.clock is not None:
            self.left.append(self.clock.now)
            self.clock.now += self.takes
        status, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return HTTPResponse(status, headers, _nothing())

    async def aclose(self) -> None:
        """Nothing is open."""


async def _nothing() -> Any:
    return
    yield b""


async def send_all(limiter: Limiter, inner: Any, count: int) -> list[HTTPResponse]:
    transport = LimitTransport(inner, lambda: limiter)
    return [await _sent(transport) for _ in range(count)]


async def _sent(transport: LimitTransport) -> HTTPResponse:
    answer = await transport.send(REQUEST)
    await answer.aclose()
    return answer


def test_nobody_waits_where_nobody_is_refused() -> None:
    clock = Clock()
    limiter = Limiter(clock=clock)
    inner = Said(clock=clock, takes=0.05)
    answers = asyncio.run(send_all(limiter, inner, 500))
    assert clock.slept == []
    assert [answer.held for answer in answers] == [0.0] * 500
    assert limiter.pace is None


def test_requests_for_a_minute_are_held_evenly() -> None:
    clock = Clock()
    inner = Said(clock=clock)
    asyncio.run(send_all(Limiter(requests_per_minute=120, clock=clock), inner, 12))
    assert inner.left[-1] - inner.left[0] == pytest.approx(5.0, abs=0.02)


def test_tokens_for_a_minute_are_counted_by_what_answers_say() -> None:
    clock = Clock()
    limiter = Limiter(tokens_per_minute=600, clock=clock)
    transport = LimitTransport(Said(clock=clock), lambda: limiter)

    async def main() -> None:
        for used in (500, None):
            answer = await transport.send(REQUEST)
            answer.usage = None if used is None else Usage(used - 10, 10)
            await answer.aclose()
        assert clock.slept == []  # 500 and 100 of 600
        await transport.send(REQUEST)
        assert clock.now - 1000.0 == pytest.approx(10.0)

    asyncio.run(main())


def test_so_many_are_under_way_at_once_and_the_rest_come_in_order() -> None:
    with FakeProvider(answer=reply("Oi", delay=0.02)) as fake:
        limiter = Limiter(concurrency=3)
        agent = Agent(fake.model("gpt-x", limiter=limiter), max_tokens=50)

        async def main() -> None:
            runs = [asyncio.create_task(agent.run(f"q{number}")) for number in range(12)]
            await asyncio.wait(runs)
            assert all(run.result().text == "Oi" for run in runs)

        asyncio.run(main())
        asked = [one.request.messages[-1].parts[0].text for one in fake.requests]  # type: ignore[union-attr]
        # Three race for the server at a time; none overtakes the three before it.
        assert [{f"q{at + by}" for by in range(3)} for at in (0, 3, 6, 9)] == [
            set(asked[at : at + 3]) for at in (0, 3, 6, 9)
        ]
    assert limiter.waiting == 0
    assert fake.open_connections <= 3


def test_all_wait_as_long_as_one_was_asked_to() -> None:
    clock = Clock()
    limiter = Limiter(clock=clock)
    inner = Said((429, (("Retry-After", "7"),)), (200, ()), clock=clock)
    answers = asyncio.run(send_all(limiter, inner, 2))
    assert inner.left == [1000.0, pytest.approx(1007.0)]
    assert answers[1].held == pytest.approx(7.0)
    assert limiter.refused == 1
    assert limiter.pace is not None


@pytest.mark.parametrize(
    ("status", "headers"),
    [(429, (("x-should-retry", "false"),)), (500, ()), (400, (("Retry-After", "9"),)), (503, ())],
    ids=["no credits", "failed", "wrong", "no word of when"],
)
def test_what_is_no_word_about_pace_holds_nobody_back(status: int, headers: Headers) -> None:
    clock = Clock()
    asyncio.run(send_all(Limiter(clock=clock), Said((status, headers), (200, ()), clock=clock), 3))
    assert clock.slept == []


def test_what_answers_say_is_left_is_not_overdrawn() -> None:
    clock = Clock()
    said = (
        ("x-ratelimit-limit-requests", "2"),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "4s"),
    )
    inner = Said((200, said), (200, ()), clock=clock)
    asyncio.run(send_all(Limiter(clock=clock), inner, 2))
    assert inner.left == [1000.0, pytest.approx(1002.0)]  # two come back in four seconds


@pytest.mark.parametrize(
    ("headers", "what", "left", "seconds"),
    [
        ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "6m0s"}, "requests", 5, 360.0),
        ({"x-ratelimit-remaining-tokens": "17999", "x-ratelimit-reset-tokens": "7.66s"}, "tokens", 17999, 7.66),
        ({"x-ratelimit-remaining-tokens": "9", "x-ratelimit-reset-tokens": "20ms"}, "tokens", 9, 0.02),
        ({"x-ratelimit-remaining-requests": "9", "x-ratelimit-reset-requests": "60"}, "requests", 9, 60.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1767225610000"}, "requests", 0, 10.0),
        (
            {
                "anthropic-ratelimit-input-tokens-remaining": "40000",
                "anthropic-ratelimit-input-tokens-reset": "2026-01-01T00:00:30Z",
            },
            "input-tokens",
            40000,
            30.0,
        ),
    ],
)
def test_each_providers_headers_are_read(headers: dict[str, str], what: str, left: float, seconds: float) -> None:
    found = quotas(tuple(headers.items()), 50.0, 1767225600.0)
    assert list(found) == [what]
    assert (found[what].left, found[what].reset) == (left, pytest.approx(50.0 + seconds))


@pytest.mark.parametrize(
    "headers",
    [
        {"x-ratelimit-remaining-tokens": "-1", "x-ratelimit-reset-tokens": "0"},
        {"x-ratelimit-remaining-requests": "many", "x-ratelimit-reset-requests": "soon"},
        {"x-ratelimit-remaining-requests": "0"},
        {"anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "2026-99-01T00:00:00Z"},
        {"ratelimit-": "", "x-ratelimit-": "1"},
        {"x-ratelimit-remaining-requests": "nan", "x-ratelimit-reset-requests": "inf"},
    ],
)
def test_headers_that_say_nothing_limit_nothing(headers: dict[str, str]) -> None:
    assert quotas(tuple(headers.items()), 0.0, 1767225600.0) == {}


def test_who_asks_one_after_the_other_never_waits_while_nobody_is_refused() -> None:
    pace = Pace()
    for number in range(5_000):
        now = number * 1e-4
        assert pace.wait(now) == 0.0
        pace.sent(now)
        pace.accepted(now + 5e-5, now)


def test_a_quota_of_a_day_is_left_to_the_provider_to_refuse() -> None:
    found = quotas((("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "9h")), 0.0, 0.0)
    assert found["requests"].wait(0.0, 1.0) == 0.0
    assert found["requests"].wait(9 * 3600 - LONGEST / 2, 1.0) == pytest.approx(LONGEST / 2)


def test_a_pace_falls_to_what_was_taken_grows_and_is_forgotten() -> None:
    pace = Pace()
    for _ in range(int(BURST)):
        assert pace.wait(0.0) == 0.0
        pace.sent(0.0)
    assert pace.wait(0.0) > 0.0
    for _ in range(20):
        pace.accepted(0.01, 0.0)
    pace.refused(0.01, 0.0, 3600.0)
    assert pace.rate == pytest.approx(20.0)
    assert pace.wait(1.0) == pytest.approx(LONGEST_WAIT - 0.99)
    pace.refused(0.02, 0.0, None)  # it left before the correction
    assert pace.rate == pytest.approx(20.0)
    pace.accepted(70.0, 69.0)
    assert pace.rate > 20.0
    assert pace.wait(70.0 + FORGOTTEN) == 0.0
    assert not pace.learned


def test_a_refusal_after_a_quiet_hour_does_not_make_a_crawl_of_it() -> None:
    pace = Pace()
    for second in range(3600):
        pace.sent(float(second))
        pace.accepted(second + 0.5, float(second))
    pace.refused(3601.0, 3600.0, None)
    assert pace.rate == pytest.approx(5.0)
    for number in range(100):  # and it has grown when it is asked for more
        pace.accepted(3620.0, 3619.0 + number / 1000)
    assert pace.rate > 20.0


def test_who_is_cancelled_while_waiting_leaves_nothing_and_delays_nobody() -> None:
    limiter = Limiter(concurrency=1)
    order: list[int] = []

    async def main() -> None:
        async def one(number: int) -> None:
            entered = await limiter.enter(0)
            assert entered
            order.append(number)
            await asyncio.sleep(0)
            limiter.ended(0, None)

        await limiter.enter(0)
        tasks = [asyncio.create_task(one(number)) for number in range(50)]
        await asyncio.sleep(0)
        assert limiter.waiting == 50
        for task in tasks[::2]:
            task.cancel()
        limiter.ended(0, None)
        await asyncio.wait(tasks)
        assert limiter.waiting == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert order == list(range(1, 50, 2))
    assert limiter.at_rest


def test_threads_with_loops_of_their_own_share_one_queue() -> None:
    limiter = Limiter(concurrency=2)
    now, most = 0, 0
    lock = threading.Lock()

    async def one() -> None:
        nonlocal now, most
        await limiter.enter(0)
        with lock:
            now += 1
            most = max(most, now)
        await asyncio.sleep(0.001)
        with lock:
            now -= 1
        limiter.ended(0, None)

    async def many() -> None:
        await asyncio.gather(*(one() for _ in range(25)))

    threads = [threading.Thread(target=lambda: asyncio.run(many())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert most <= 2
    assert limiter.asked == 100
    assert limiter.at_rest


def test_those_who_ask_the_same_with_the_same_key_share_a_limiter() -> None:
    one = Model.of("openai:gpt-x", api_key="sk-one-11111111")
    same = Model.of("openai:gpt-x", api_key="sk-one-11111111")
    assert one.limited_by() is same.limited_by()
    assert one.limited_by() is not Model.of("openai:gpt-x", api_key="sk-two-22222222").limited_by()
    assert one.limited_by() is not Model.of("openai:gpt-y", api_key="sk-one-11111111").limited_by()
    assert Model.of("openai:gpt-x", limiter=None).limited_by() is None
    own = Limiter(concurrency=1)
    assert Model.of("openai:gpt-x", limiter=own).limited_by() is own
    assert shared_limiter("p", "u", "m", None, SYSTEM_CLOCK, None) is shared_limiter(
        "p", "u", "m", None, SYSTEM_CLOCK, None
    )


def test_a_replay_waits_for_nobody(tmp_path: Any) -> None:
    tape = tmp_path / "held.yaml"
    with FakeProvider(answer="Oi") as fake:
        model = fake.model("gpt-x", limiter=Limiter(requests_per_minute=1))
        agent = Agent(model, max_tokens=50)
        agent.run_sync("a", tape=tape, tape_mode="record")
        began = time.monotonic()
        assert agent.run_sync("a", tape=tape, tape_mode="replay").text == "Oi"
        assert time.monotonic() - began < 5


def test_a_limit_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="concurrency"):
        Limiter(concurrency=0)


def storm(limited: bool) -> int:
    """Three hundred runs at a provider that allows a hundred in a second; how many requests that took."""
    patient: dict[str, Any] = {"retry": RetryPolicy(attempts=1000, base=1.0, cap=1.0, deadline=600.0)}
    if not limited:
        patient |= {"limiter": None, "random": lambda: 1.0}
    with FakeProvider(rate=100, answer="Oi") as fake:
        agent = Agent(fake.model("gpt-x", **patient), max_tokens=50)

        async def main() -> None:
            runs = await asyncio.gather(*(agent.run(str(number)) for number in range(300)))
            assert all(run.text == "Oi" for run in runs)

        asyncio.run(main())
        return len(fake.requests)


def test_a_storm_is_answered_with_few_refusals() -> None:
    limited, unlimited = storm(True), storm(False)
    assert limited - 300 < 0.1 * limited
    assert unlimited - 300 > 0.3 * unlimited


def test_a_refusal_that_says_when_is_obeyed_by_the_runs_beside_it() -> None:
    with FakeProvider(answer="Oi") as fake:
        fake.script(refuse(429, headers=(("retry-after-ms", "300"),)))
        agent = Agent(fake.model("gpt-x"), max_tokens=50)

        async def main() -> None:
            first = asyncio.create_task(agent.run("a"))
            while not fake.refused:
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.05)
            began = time.perf_counter()
            run = await agent.run("b")
            assert time.perf_counter() - began > 0.15
            assert run.attempts[0].duration < 0.15  # of the exchange, not of the queue
            await first

        asyncio.run(main())
