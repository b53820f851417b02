"""Trying again: what may be tried again, when, and the loop that does it.

The policy is pure: :func:`enrich` reads what the answer's headers advise into the error,
:meth:`RetryPolicy.next_wait` says how long to wait, or None to give up. The loop, :func:`attempts`, runs one model
call: every attempt and wait is an event. It is outermost of what stands around a transport, so that the tape sees
each attempt, and it wraps model calls only, never a tool.

The wait before attempt n+1 is drawn evenly from 0 to ``min(cap, base * 2**(n-1))`` seconds ("full jitter", Marc
Brooker, "Exponential Backoff And Jitter", AWS 2015), and is never less than what the provider asked for by
``Retry-After`` (RFC 9110, 10.2.3: seconds or a date), ``retry-after-ms``, or its error's own words. Clock and chance
are arguments. A failed attempt that came from a tape is followed by the next at once, whatever its wait was.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from typing import Protocol, TypeAlias, TypeVar

import msgspec

from playhead.errors import ConfigError, ModelError, TapeMissError
from playhead.events import Asked, Attempt, AttemptEnd, AttemptEvent, AttemptStart, Discard, ModelEvent
from playhead.given import NamingStruct
from playhead.response import Usage
from playhead.wire import Beaten, Headers, header

Event: TypeAlias = ModelEvent | AttemptEvent
Batches: TypeAlias = AsyncGenerator[Sequence[ModelEvent], None]
#: What one attempt gives: the events of an answer that came whole, or batches of events as they come.
Answer: TypeAlias = list[ModelEvent] | Batches
Random: TypeAlias = Callable[[], float]
#: What an attempt ended with that gave way to another one for the same.
BEATEN = "another request was answered first"
AnyError = TypeVar("AnyError", bound=ModelError)

#: Statuses that a second try can mend; every 5xx is one, too.
RETRYABLE = frozenset({408, 409, 429})


class Clock(Protocol):
    """Time, as an argument: a test passes its own and does not sleep."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def time(self) -> float:
        """Unix seconds."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own time."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)

    async def sleep(self, seconds: float) -> None:
        import asyncio

        await asyncio.sleep(seconds)


SYSTEM_CLOCK = SystemClock()


class RetryPolicy(msgspec.Struct, frozen=True, metaclass=NamingStruct):
    """How often and how long. ``attempts`` counts the first try; ``base``, ``cap`` and ``deadline`` are seconds.

    No wait begins that would end more than ``deadline`` seconds after the first attempt left.
    """

    attempts: int = 10
    base: float = 0.5
    cap: float = 30.0
    deadline: float = 600.0

    def __post_init__(self) -> None:
        for name in ("attempts", "base", "cap", "deadline"):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and value >= (1 if name == "attempts" else 0)):
                raise ConfigError(
                    f"RetryPolicy: {name} is {value!r}; a number of at least {int(name == 'attempts')} is expected"
                )

    def backoff(self, number: int, random: Random) -> float:
        """Seconds to wait after attempt ``number`` (from 1), the provider's wishes aside."""
        return random() * min(self.cap, self.base * 2.0 ** min(number - 1, 60))


DEFAULT_POLICY = RetryPolicy()


def next_wait(error: ModelError, number: int, elapsed: float, policy: RetryPolicy, random: Random) -> float | None:
    """Seconds to wait after attempt ``number`` (from 1) failed with ``error``; None to give up.

    ``elapsed`` is seconds since the first attempt left. ``random`` gives numbers from 0 up to 1.
    """
    if not error.retryable or number >= policy.attempts:
        return None
    wait = max(policy.backoff(number, random), error.retry_after or 0.0)
    return wait if elapsed + wait <= policy.deadline else None


def enrich(error: AnyError, headers: Headers, now: float) -> AnyError:
    """Fill ``retryable`` and ``retry_after`` from a refusal's status and headers; gives the error back.

    ``x-should-retry`` is the server's own word and wins; then what its body advised; else a status of
    :data:`RETRYABLE` or 5xx can be retried, whatever class the dialect made of it. ``now`` is Unix seconds, for a
    ``Retry-After`` that is a date.
    """
    asked = retry_after(headers, now)
    if asked is not None:
        error.retry_after = asked
    verdict = should_retry(headers)
    if verdict is None:
        verdict = error.advised
    if verdict is not None:
        error.retryable = verdict
    elif error.status is not None and (error.status in RETRYABLE or 500 <= error.status < 600):
        error.retryable = True
    return error


def should_retry(headers: Headers) -> bool | None:
    """What ``x-should-retry`` says; None where it says nothing, or neither true nor false."""
    return {"true": True, "false": False}.get((header(headers, "x-should-retry") or "").strip().lower())


def retry_after(headers: Headers, now: float) -> float | None:
    """Seconds that the server asks to wait, from ``retry-after-ms`` or ``Retry-After``; None where it does not say.

    ``retry_after((("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT"),), now)`` is 0.0 when that is past.
    """
    exact = _number(header(headers, "retry-after-ms"))
    if exact is not None:
        return exact / 1000
    value = header(headers, "retry-after")
    seconds = _number(value)
    if seconds is not None or not value:
        return seconds
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(value.strip()).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return max(0.0, moment - now)


def _number(value: str | None) -> float | None:
    """A finite number, not below 0; None for anything else."""
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


class Exchange(msgspec.Struct):
    """What one attempt learns about itself; the call fills it as it goes.

    ``replayed`` says that the answer came from a tape, ``recorded`` its duration there in seconds, and ``at_end`` that
    the tape holds nothing more and that what it lacks may be asked live. ``date`` is the answer's ``Date`` header,
    ``usage`` what an answer that failed had counted of itself, ``asked`` whom it asks, ``url`` where. ``held`` are the
    seconds before it left, ``beaten`` the requests that gave way to it.
    """

    status: int | None = None
    request_id: str | None = None
    replayed: bool = False
    recorded: float | None = None
    at_end: bool = False
    date: str | None = None
    usage: Usage | None = None
    asked: Asked | None = None
    url: str = ""
    held: float = 0.0
    beaten: tuple[Beaten, ...] = ()


async def attempts(
    call: Callable[[Exchange], Awaitable[Answer]],
    *,
    step: int = 1,
    policy: RetryPolicy = DEFAULT_POLICY,
    clock: Clock = SYSTEM_CLOCK,
    random: Random | None = None,
    after: int = 0,
    elsewhere: Callable[[], bool] | None = None,
) -> AsyncGenerator[Sequence[Event]]:
    """One model call with its retries, as batches of events.

    ``call`` makes one attempt: it sends, raises the (enriched) error of a refusal, and gives the answer: all its
    events, or a generator of batches of them as they come, which is read at once and closed. Around each stand
    AttemptStart and AttemptEnd; where an attempt failed after something of its answer was handed on, a Discard comes
    before its AttemptEnd.

    Attempts are counted from ``after``, which others of this step took before. ``elsewhere`` says, after a refusal from
    a tape, that the tape goes on with another call than this one, which is then given up as it was when recorded.

    Raises:
        ModelError: the last attempt's, when it cannot or may not be tried again. ``error.attempts`` holds all of them,
            and the message says how many there were.
    """
    done: list[Attempt] = []
    began, last = clock.monotonic(), None
    number, live, held = after, 0, 0.0  # replayed attempts have a number, and use up neither attempts nor time
    while True:
        number += 1
        info, left, handed = Exchange(), clock.monotonic(), False
        yield (AttemptStart(step, number),)
        batches: Batches | None = None
        try:
            answer = await call(info)
            batches = None if isinstance(answer, list) else answer
            for one in _beaten(step, number, info):
                done.append(one)
                number += 1
                yield (AttemptEnd(one), AttemptStart(step, number))
            if isinstance(answer, list):
                yield [*answer, AttemptEnd(_attempt(step, number, info, left, clock, None, None))]
                return
            async for batch in answer:
                handed = True
                yield batch
            yield (AttemptEnd(_attempt(step, number, info, left, clock, None, None)),)
            return
        except ModelError as error:
            failed = error
            if not failed.provider and info.asked is not None:  # a transport knows a host, not whose it is
                failed.provider = info.asked.provider
        except TapeMissError as miss:
            if last is None:
                raise
            # The tape ends with a refusal: whoever recorded it gave up there or was stopped, and so does its replay.
            _give_up(last, done, 'the tape ends here; tape_mode="resume" goes on from it')
            raise last from miss
        finally:
            if batches is not None:
                await batches.aclose()
        if batches is None:
            for one in _beaten(step, number, info):
                done.append(one)
                number += 1
                yield (AttemptEnd(one), AttemptStart(step, number))
        live += not info.replayed
        if live == 1 and not info.replayed:
            began, held = left, 0.0
        held += info.held
        elapsed = clock.monotonic() - began - held
        if info.replayed:
            wait = 0.0 if failed.retryable or info.at_end else None
            if wait is not None and elsewhere is not None and elsewhere():
                wait = None
        else:
            wait = next_wait(failed, live, elapsed, policy, random or _system_random())
        done.append(_attempt(step, number, info, left, clock, failed, None if info.replayed else wait))
        if handed:
            yield (Discard(step, str(failed)),)
        yield (AttemptEnd(done[-1]),)
        if wait is None:
            _give_up(failed, done, _too_late(failed, live, elapsed, policy))
            raise failed
        last = failed if info.replayed else None
        if wait > 0.0:
            await clock.sleep(wait)


def _system_random() -> Random:
    from random import random

    return random


def _beaten(step: int, number: int, info: Exchange) -> list[Attempt]:
    """The attempts that gave way to the one of this exchange, numbered from ``number``."""
    return [
        Attempt(
            step,
            at,
            one.status,
            one.duration,
            BEATEN,
            date=header(one.headers, "date"),
            asked=info.asked,
            url=info.url,
            replayed=info.replayed,
        )
        for at, one in enumerate(info.beaten, number)
    ]


def _attempt(
    step: int, number: int, info: Exchange, left: float, clock: Clock, error: ModelError | None, wait: float | None
) -> Attempt:
    status = info.status
    if status is None and error is not None:
        status = error.status
    request_id = info.request_id or (error.request_id if error is not None else None)
    duration = (info.recorded or 0.0) if info.replayed else clock.monotonic() - left - info.held
    words = None if error is None else str(error)
    said = (step, number, status, duration, words, wait, request_id, info.date, info.usage, info.asked, info.url)
    return Attempt(*said, info.replayed)


def _too_late(error: ModelError, number: int, elapsed: float, policy: RetryPolicy) -> str | None:
    """Why a retryable error is not tried again, where the deadline is why."""
    if not error.retryable or number >= policy.attempts:
        return None
    if error.retry_after is not None and elapsed + error.retry_after > policy.deadline:
        left = max(0.0, policy.deadline - elapsed)
        return f"the provider asks to wait {error.retry_after:g} s, and the retry deadline leaves {left:.3g} s"
    return f"the retry deadline of {policy.deadline:g} s is reached"


def _give_up(error: ModelError, done: Iterable[Attempt], reason: str | None) -> None:
    error.attempts = tuple(done)
    count, seconds = len(error.attempts), sum(attempt.duration + (attempt.wait or 0.0) for attempt in error.attempts)
    words = [f"after {count} attempts in {seconds:.3g} s"] if count > 1 else []
    if reason is not None:
        words.append(reason)
    if words:
        error.message = f"{error.message} ({'; '.join(words)})"
        error.args = (error.message,)
