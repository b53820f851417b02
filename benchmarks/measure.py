"""How a thing is measured: again and again for a while, after a warm-up that also checks that it does what it should.

CPU is that of the whole process, all threads, user and system: an engine that works in threads of its own pays for them
here. The server's is not in it, as that is another process.
"""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

Act = Callable[[], Awaitable[object]]

#: How long one measurement goes on, in seconds.
SECONDS = 0.5
AT_ONCE = 100


class Cost(NamedTuple):
    """Of one act: microseconds on the clock, microseconds of CPU."""

    wall: float
    cpu: float


def cpu_seconds() -> float:
    """CPU that this process has used so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def measure(act: Act, expected: object, *, warm_up: int = 3, at_least: int = 3) -> Cost:
    """What one act costs, one after the other.

    Raises:
        AssertionError: an act did not give what is expected; its figure would mean nothing.
    """
    for _ in range(warm_up):
        got = await act()
        assert got == expected, f"expected {expected!r}, got {got!r}"
    count, began, cpu = 0, time.perf_counter(), cpu_seconds()
    while count < at_least or time.perf_counter() - began < SECONDS:
        await act()
        count += 1
    return Cost((time.perf_counter() - began) / count * 1e6, (cpu_seconds() - cpu) / count * 1e6)


async def measure_at_once(act: Act, expected: object) -> Cost:
    """What one act costs when a hundred are under way at any time."""

    async def worker(until: float) -> int:
        count = 0
        while not count or time.perf_counter() < until:
            assert await act() == expected
            count += 1
        return count

    await asyncio.gather(*(worker(0) for _ in range(AT_ONCE)))
    began, cpu = time.perf_counter(), cpu_seconds()
    count = sum(await asyncio.gather(*(worker(began + SECONDS) for _ in range(AT_ONCE))))
    return Cost((time.perf_counter() - began) / count * 1e6, (cpu_seconds() - cpu) / count * 1e6)
