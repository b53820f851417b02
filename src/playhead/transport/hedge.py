"""A second request for the same, where the first is slow: whose head comes first is taken, the other closed at once.

Most of what is slow is slow by chance (Dean and Barroso, "The Tail at Scale", CACM 2013): asking again after the wait
within which 95 of 100 answers begin costs a twentieth more requests, and takes away the longest waits. What is waited
for is the head of an answer, as for the timeout ``first_byte``. A refusal does not win while the other is under way.

It stands below what plays a tape and above what records one, so that both requests are on the tape and nothing here
happens in a replay: the one that gave way is recorded first, cut with a reason of its own by which
:mod:`playhead.transport.replay` knows that it is no answer. A second request leaves only where the limiter lets it at
once: hedging is for a slow answer, not for a provider that has no room.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from playhead.errors import ConfigError, TapeError
from playhead.given import check_there
from playhead.transport.retry import BEATEN
from playhead.wire import Beaten, HTTPRequest, HTTPResponse

if TYPE_CHECKING:
    from asyncio import Task

    from playhead.transport.base import Transport

#: Waits that are remembered, and that must be known before one of them is the 95th of 100.
REMEMBERED, ENOUGH = 200, 20


class Hedge:
    """When to ask a second time; shared by all runs of a model. ``after`` is seconds, or "p95"."""

    def __init__(self, after: float | Literal["p95"]) -> None:
        check_there("hedged", "after", after)
        if after != "p95" and not after > 0:
            raise ConfigError(f'hedged: after is {after!r}; seconds above 0 or "p95" are expected')
        self._after = after
        self._waits: deque[float] = deque(maxlen=REMEMBERED)

    def wait(self) -> float | None:
        """Seconds to wait for the first; None as long as too few waits are known."""
        if self._after != "p95":
            return float(self._after)
        waits = sorted(self._waits)
        return waits[len(waits) * 95 // 100] if len(waits) >= ENOUGH else None

    def note(self, seconds: float) -> None:
        """An answer began after so long."""
        self._waits.append(seconds)


class HedgeTransport:
    """Sends through ``inner``, twice where ``hedge`` says so and ``may`` gives leave, given the request. ``gave_way``
    is told of a request that is given up before any answer, with its seconds; ``done`` that a second one is over."""

    def __init__(
        self,
        inner: Transport,
        hedge: Hedge,
        *,
        may: Callable[[HTTPRequest], bool] = lambda request: True,
        done: Callable[[HTTPRequest], None] = lambda request: None,
        gave_way: Callable[[HTTPRequest, float], None] = lambda request, seconds: None,
    ) -> None:
        self.inner = inner
        self._hedge = hedge
        self._may, self._done, self._gave_way = may, done, gave_way

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        """Send once or twice; the answer whose head came first, with the other on ``beaten``.

        Raises:
            TransportError: no answer came to either.
        """
        wait, began = self._hedge.wait(), time.monotonic()
        if wait is None:
            answer = await self.inner.send(request)
        else:
            answer = await self._race(request, wait)
        self._hedge.note(time.monotonic() - began)
        return answer

    async def _race(self, request: HTTPRequest, wait: float) -> HTTPResponse:
        import asyncio

        began = [time.monotonic()]
        tasks = [asyncio.ensure_future(self.inner.send(request))]
        winner: Task[HTTPResponse] | None = None
        second = False
        try:
            await asyncio.wait(tasks, timeout=wait)
            if not tasks[0].done() and self._may(request):
                second = True
                began.append(time.monotonic())
                tasks.append(asyncio.ensure_future(self.inner.send(request)))
            while winner is None:
                winner = _first(tasks)
                if winner is None:
                    await asyncio.wait([task for task in tasks if not task.done()], return_when="FIRST_COMPLETED")
            answer = winner.result()
            now = time.monotonic()
            for task, at in zip(tasks, began, strict=True):
                if task is not winner:
                    answer.beaten += (await self._beaten(request, task, now - at),)
            return answer
        except BaseException:
            winner = None
            raise
        finally:
            if second:
                self._done(request)
            for task in tasks:
                if task is not winner:
                    await _closed(task)

    async def _beaten(self, request: HTTPRequest, task: Task[HTTPResponse], seconds: float) -> Beaten:
        """Let go of a request that has lost. It is on the tape before the other's answer is."""
        if not task.done() or task.exception() is not None:
            self._gave_way(request, seconds)
            return Beaten(None, seconds)
        answer = task.result()
        with suppress(TapeError):  # the other was answered; what the tape lacks, its own record says
            await answer.aclose(BEATEN)
        return Beaten(answer.status, seconds, answer.headers)

    async def aclose(self) -> None:
        """Close the transport inside."""
        await self.inner.aclose()


def _first(tasks: list[Task[HTTPResponse]]) -> Task[HTTPResponse] | None:
    """The one that has an answer; where all are done and have none, one that was refused, or else failed."""
    done = [task for task in tasks if task.done()]
    answered = [task for task in done if task.exception() is None]
    for task in answered:
        if task.result().status < 300:
            return task
    return (answered or done)[0] if len(done) == len(tasks) else None


async def _closed(task: Task[HTTPResponse]) -> None:
    """End a request of which nothing is wanted any more."""
    import asyncio

    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled() and task.exception() is None:
        await task.result().aclose(BEATEN)
