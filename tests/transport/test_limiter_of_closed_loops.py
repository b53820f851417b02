"""A limiter outlives the event loops that share it: one that is closed while its runs wait wedges nobody."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from playhead import Limiter
from playhead.wire import HTTPResponse

#: Seconds after which one who still waits is taken to wait for ever.
LONG = 20
#: Seconds that the provider asks all to wait.
ASKED = 1


@pytest.fixture(autouse=True)
def _nothing_is_left_to_collect() -> Iterator[None]:
    yield
    gc.collect()


async def nothing() -> Any:
    return
    yield


def refused(limiter: Limiter) -> None:
    """The provider has said that all are to wait."""
    number = limiter.enter_now(10)
    assert number is not None
    said = HTTPResponse(429, (("Retry-After", str(ASKED)),), nothing())
    limiter.answered(number, limiter.clock.monotonic(), said)
    limiter.ended(10, None)


def begun(limiter: Limiter, count: int) -> asyncio.AbstractEventLoop:
    """A loop in which so many stand in the queue, and that does not run."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: None)
    waits = [loop.create_task(limiter.enter(10)) for _ in range(count)]
    loop.run_until_complete(asyncio.sleep(0.01))
    assert not any(wait.done() for wait in waits)
    return loop


def in_time(*waits: Any) -> list[Any]:
    async def go() -> list[Any]:
        async with asyncio.timeout(LONG):
            return await asyncio.gather(*waits)

    return asyncio.run(go())


def test_who_comes_when_the_first_in_the_queue_has_lost_its_loop_is_first() -> None:
    limiter = Limiter()
    refused(limiter)
    begun(limiter, 2).close()
    assert limiter.waiting == 2
    assert in_time(limiter.enter(10)) == [2]
    assert limiter.waiting == 0


def test_who_waits_behind_the_first_sees_that_its_loop_was_closed() -> None:
    limiter = Limiter()
    refused(limiter)
    loop = begun(limiter, 2)
    closing = threading.Timer(0.2, loop.close)
    closing.start()
    assert in_time(limiter.enter(10), limiter.enter(10)) == [2, 3]
    closing.join()
    assert limiter.waiting == 0


def test_collecting_what_a_closed_loop_left_ends_it_in_the_middle_of_anything() -> None:
    """A wait that is collected leaves the queue, also where the limiter is at work in the same thread just then."""
    limiter = Limiter()
    refused(limiter)
    loop = begun(limiter, 3)
    done = threading.Event()

    def collect() -> None:
        with limiter._lock:  # as it is where the collector happens to run
            nonlocal loop
            loop.close()
            del loop
            gc.collect()
        done.set()

    thread = threading.Thread(target=collect, daemon=True)
    thread.start()
    assert done.wait(LONG)
    assert limiter.waiting == 0
    assert in_time(limiter.enter(10)) == [2]
