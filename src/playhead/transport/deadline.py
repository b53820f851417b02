"""One time limit for many waits, at the price of a dictionary's entry for each.

``asyncio.timeout`` sets a timer for every wait and takes it back, which costs a call a tenth of what its engine does.
Here all waits have the same limit, so they fall due in the order in which they began: one timer looks at the oldest,
and is set anew only when it fires. It is as exact, and it cancels as ``asyncio.timeout`` does: a task that somebody
else cancelled at the same moment ends cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

Result = TypeVar("Result")


class Deadline:
    """A limit of ``seconds`` for what tasks of one loop wait for; None is none."""

    __slots__ = ("_began", "_late", "_loop", "_seconds", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float | None) -> None:
        self._loop, self._seconds = loop, seconds
        self._began: dict[asyncio.Task[object], float] = {}  # who waits, and since when: the oldest first
        self._late: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def within(self, waiting: Awaitable[Result]) -> Result:
        """What is waited for.

        Raises:
            TimeoutError: it was not here in time, and was cancelled.
        """
        task = asyncio.current_task()
        if self._seconds is None or task is None:
            return await waiting
        cancelled = task.cancelling()
        self._began[task] = self._loop.time()
        if self._timer is None:
            self._look()
        try:
            return await waiting
        except asyncio.CancelledError as error:
            if task in self._late and task.cancelling() - 1 <= cancelled:
                raise TimeoutError from error
            raise
        finally:
            self._began.pop(task, None)
            if task in self._late:
                self._late.remove(task)
                task.uncancel()

    def _look(self) -> None:
        """Cancel who has waited too long, and look again when the next one may have."""
        self._timer = None
        for task, began in list(self._began.items()):
            due = began + (self._seconds or 0.0)
            if due > self._loop.time():
                self._timer = self._loop.call_at(due, self._look)
                return
            del self._began[task]
            self._late.add(task)
            task.cancel()

    def close(self) -> None:
        """Look no more: nobody waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
