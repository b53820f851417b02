"""When a call is tried again, when it is given up, and what the consumer is told."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Sequence
from email.utils import formatdate

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from playhead.errors import (
    BadRequestError,
    CutStreamError,
    ModelError,
    OverloadedError,
    RateLimitError,
    ServerError,
    TapeMissError,
    TransportError,
)
from playhead.events import Attempt, AttemptEnd, AttemptStart, Discard, ModelEvent, PartDelta, ResponseStart
from playhead.transport.retry import (
    DEFAULT_POLICY,
    Event,
    Exchange,
    RetryPolicy,
    attempts,
    enrich,
    next_wait,
    retry_after,
    should_retry,
)
from playhead.wire import Headers

NOW = 1_700_000_000.0


class FakeClock:
    """A clock that only a sleep moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return NOW + self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Calls:
    """A model call that goes as scripted: each item is an error, or batches; a batch may be an error, too."""

    def __init__(self, *script: list[object], clock: FakeClock | None = None, replayed: bool = False) -> None:
        self.script, self.clock, self.replayed = list(script), clock, replayed
        self.closed = 0
        self.made = 0

    async def __call__(self, info: Exchange) -> AsyncGenerator[Sequence[ModelEvent]]:
        return self.batches(info)

    async def batches(self, info: Exchange) -> AsyncGenerator[Sequence[ModelEvent]]:
        self.made += 1
        items = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        info.status, info.request_id, info.replayed = 200, f"req-{self.made}", self.replayed
        info.recorded = 1.5 if self.replayed else None
        try:
            for item in items:
                if self.clock is not None:
                    self.clock.now += 1.0
                if isinstance(item, BaseException):
                    raise item
                yield [item]  # type: ignore[list-item]
        finally:
            self.closed += 1


async def collect(batches: AsyncGenerator[Sequence[Event]], into: list[Event]) -> list[Event]:
    async for batch in batches:
        into.extend(batch)
    return into


def run(calls: Calls, clock: FakeClock, policy: RetryPolicy = DEFAULT_POLICY, chance: float = 1.0) -> list[Event]:
    return asyncio.run(collect(attempts(calls, step=2, policy=policy, clock=clock, random=lambda: chance), []))


def limited(**kwargs: object) -> RateLimitError:
    return RateLimitError("slow down", status=429, **kwargs)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((), None),
        ((("Retry-After", "7"),), 7.0),
        ((("retry-after", " 1.5 "),), 1.5),
        ((("Retry-After", formatdate(NOW + 90, usegmt=True)),), 90.0),
        ((("Retry-After", formatdate(NOW - 90, usegmt=True)),), 0.0),
        ((("Retry-After", "Tue, 14 Nov 2023 22:13:21 GMT"),), 1.0),
        ((("Retry-After", "soon"),), None),
        ((("Retry-After", "-1"),), None),
        ((("Retry-After", "nan"),), None),
        ((("Retry-After", "inf"),), None),
        ((("Retry-After", ""),), None),
        ((("Retry-After", "9"), ("Retry-After-Ms", "250")), 0.25),
        ((("Retry-After", "9"), ("Retry-After-Ms", "x")), 9.0),
    ],
)
def test_what_a_server_asks_to_wait(headers: Headers, seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@given(st.text(max_size=40))
@settings(deadline=None, max_examples=200)
def test_no_retry_after_breaks_its_reader(value: str) -> None:
    for name in ("Retry-After", "Retry-After-Ms"):
        seconds = retry_after(((name, value),), NOW)
        assert seconds is None or (seconds >= 0 and math.isfinite(seconds))


@given(st.integers(0, 10**6))
@settings(deadline=None, max_examples=50)
def test_seconds_and_a_date_ask_for_the_same_wait(seconds: int) -> None:
    date = formatdate(NOW + seconds, usegmt=True)
    assert retry_after((("Retry-After", str(seconds)),), NOW) == retry_after((("Retry-After", date),), NOW) == seconds


@pytest.mark.parametrize(("value", "verdict"), [("true", True), ("FALSE ", False), ("maybe", None), ("", None)])
def test_x_should_retry_is_true_false_or_nothing(value: str, verdict: bool | None) -> None:
    assert should_retry((("X-Should-Retry", value),)) is verdict


@pytest.mark.parametrize(
    ("error", "headers", "retryable"),
    [
        (ModelError("", status=408), (), True),
        (ModelError("", status=409), (), True),
        (limited(), (), True),
        (ServerError("", status=500), (), True),
        (OverloadedError("", status=529), (), True),
        (ModelError("", status=599), (), True),
        (BadRequestError("", status=400), (), False),
        (ModelError("", status=404), (), False),
        (BadRequestError("", status=400), (("x-should-retry", "true"),), True),
        (limited(), (("x-should-retry", "false"),), False),
        (TransportError("reset"), (), True),
        (CutStreamError("cut", status=200), (), True),
    ],
)
def test_which_errors_can_be_tried_again(error: ModelError, headers: Headers, retryable: bool) -> None:
    assert enrich(error, headers, NOW) is error
    assert error.retryable is retryable


def test_headers_fill_in_the_wait_and_leave_the_bodys_own_where_they_say_nothing() -> None:
    assert enrich(limited(retry_after=3.0), (), NOW).retry_after == 3.0
    assert enrich(limited(retry_after=3.0), (("Retry-After", "5"),), NOW).retry_after == 5.0


@given(number=st.integers(1, 5000), chance=st.floats(0, 1, exclude_max=True), ask=st.none() | st.floats(0, 400))
@settings(deadline=None, max_examples=200)
def test_a_wait_keeps_to_its_bounds(number: int, chance: float, ask: float | None) -> None:
    policy = RetryPolicy(attempts=6000)
    wait = next_wait(limited(retry_after=ask), number, 0.0, policy, lambda: chance)
    assert wait is not None
    assert max(ask or 0.0, 0.0) <= wait <= max(ask or 0.0, min(policy.cap, policy.base * 2 ** min(number - 1, 60)))


def test_the_backoff_doubles_up_to_its_cap() -> None:
    waits = [next_wait(limited(), number, 0.0, RetryPolicy(), lambda: 1.0) for number in range(1, 10)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert next_wait(limited(), 10, 0.0, RetryPolicy(), lambda: 1.0) is None


def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    assert next_wait(limited(retry_after=100.0), 1, 500.0, RetryPolicy(), lambda: 0.0) == 100.0
    assert next_wait(limited(retry_after=100.0), 1, 501.0, RetryPolicy(), lambda: 0.0) is None


def test_a_call_that_succeeds_is_one_attempt() -> None:
    clock = FakeClock()
    events = run(Calls([ResponseStart("a"), PartDelta(0, "b")], clock=clock), clock)
    assert events == [
        AttemptStart(2, 1),
        ResponseStart("a"),
        PartDelta(0, "b"),
        AttemptEnd(Attempt(2, 1, 200, 2.0, request_id="req-1")),
    ]


def test_nine_attempts_are_within_the_default() -> None:
    clock = FakeClock()
    calls = Calls(*[[limited()]] * 8, [ResponseStart("a")])
    events = run(calls, clock)
    assert [event.number for event in events if isinstance(event, AttemptStart)] == list(range(1, 10))
    assert clock.slept == [0.5, 1, 2, 4, 8, 16, 30, 30]
    ends = [event.attempt for event in events if isinstance(event, AttemptEnd)]
    assert [end.wait for end in ends] == [*clock.slept, None]
    assert ends[0].error == "429: slow down"
    assert calls.closed == 9
    assert not [event for event in events if isinstance(event, Discard)]


def test_a_stream_that_fails_after_it_began_is_discarded_before_it_is_tried_again() -> None:
    clock = FakeClock()
    calls = Calls([ResponseStart("a"), CutStreamError("cut")], [ResponseStart("b")])
    kinds = [type(event) for event in run(calls, clock)]
    assert kinds == [AttemptStart, ResponseStart, Discard, AttemptEnd, AttemptStart, ResponseStart, AttemptEnd]


def test_an_error_that_cannot_be_mended_is_raised_at_once() -> None:
    clock, events = FakeClock(), list[Event]()
    error = BadRequestError("no such field", status=400)
    with pytest.raises(BadRequestError) as caught:
        asyncio.run(collect(attempts(Calls([error]), clock=clock), events))
    assert caught.value is error
    assert str(error) == "400: no such field"
    assert [attempt.number for attempt in error.attempts] == [1]
    assert clock.slept == []
    assert [type(event) for event in events] == [AttemptStart, AttemptEnd]


def test_giving_up_says_after_how_many_attempts_and_how_long() -> None:
    clock = FakeClock()
    with pytest.raises(RateLimitError) as caught:
        run(Calls([limited()], clock=clock), clock, RetryPolicy(attempts=3))
    assert str(caught.value) == "429: slow down (after 3 attempts in 4.5 s)"
    assert [attempt.wait for attempt in caught.value.attempts] == [0.5, 1.0, None]


def test_a_provider_that_asks_for_more_than_the_deadline_leaves_is_not_waited_for() -> None:
    clock = FakeClock()
    with pytest.raises(RateLimitError, match="asks to wait 3600 s, and the retry deadline leaves 599 s"):
        run(Calls([limited(retry_after=3600.0)], clock=clock), clock)
    assert clock.slept == []


def test_the_deadline_ends_a_storm() -> None:
    clock = FakeClock()
    with pytest.raises(RateLimitError, match="the retry deadline of 40 s is reached"):
        run(Calls([limited()]), clock, RetryPolicy(attempts=1000, deadline=40.0))
    assert sum(clock.slept) <= 40.0


def test_a_replayed_refusal_is_followed_at_once_and_keeps_its_recorded_duration() -> None:
    clock = FakeClock()
    events = run(Calls([limited(retry_after=3600.0)], [ResponseStart("a")], replayed=True), clock)
    assert clock.slept == []
    ends = [event.attempt for event in events if isinstance(event, AttemptEnd)]
    assert [(end.duration, end.wait) for end in ends] == [(1.5, None), (1.5, None)]


def test_a_tape_that_ends_with_a_refusal_ends_with_that_refusal() -> None:
    """Whoever recorded it gave up there; that the tape has no more is not what went wrong."""
    clock = FakeClock()
    with pytest.raises(RateLimitError, match="slow down") as caught:
        run(Calls([limited()], [TapeMissError("nothing left")], replayed=True), clock)
    assert len(caught.value.attempts) == 1
    with pytest.raises(TapeMissError):
        run(Calls([TapeMissError("nothing there")], replayed=True), clock)


def test_cancellation_passes_through_and_closes_the_call() -> None:
    calls = Calls([ResponseStart("a"), ResponseStart("b")])

    async def slow(info: Exchange) -> AsyncGenerator[Sequence[ModelEvent]]:
        return slowly(info)

    async def slowly(info: Exchange) -> AsyncGenerator[Sequence[ModelEvent]]:
        try:
            async for batch in calls.batches(info):
                yield batch
                await asyncio.sleep(60)
        finally:
            calls.closed += 10

    async def main() -> list[Event]:
        seen: list[Event] = []
        task = asyncio.create_task(collect(attempts(slow), seen))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return seen

    assert [type(event) for event in asyncio.run(main())] == [AttemptStart, ResponseStart]
    assert calls.closed >= 10


def test_a_consumer_that_stops_closes_the_call() -> None:
    calls = Calls([ResponseStart("a"), ResponseStart("b")])

    async def main() -> None:
        batches = attempts(calls)
        await anext(batches)
        await anext(batches)
        await batches.aclose()

    asyncio.run(main())
    assert calls.closed == 1


def test_an_answer_that_came_whole_is_handed_on_with_the_end_of_its_attempt() -> None:
    tries: list[ModelEvent | ModelError] = [limited(), ResponseStart("a")]

    async def whole(info: Exchange) -> list[ModelEvent]:
        info.status = 200
        given = tries.pop(0)
        if isinstance(given, ModelError):
            raise given
        return [given, ResponseStart("b")]

    events = asyncio.run(collect(attempts(whole, clock=FakeClock(), random=lambda: 0.0), []))
    kinds = [AttemptStart, AttemptEnd, AttemptStart, ResponseStart, ResponseStart, AttemptEnd]
    assert [type(event) for event in events] == kinds
    assert events[-1].attempt.error is None  # type: ignore[union-attr]


def test_an_error_that_is_not_the_models_is_not_caught() -> None:
    clock = FakeClock()
    with pytest.raises(ZeroDivisionError):
        run(Calls([ZeroDivisionError()]), clock)


def test_the_policy_is_a_value() -> None:
    policy = RetryPolicy(attempts=3)
    assert msgspec.json.decode(msgspec.json.encode(policy), type=RetryPolicy) == policy
