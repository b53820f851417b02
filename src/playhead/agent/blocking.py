"""The event loop of ``run_sync``: kept from call to call, so that connections and threads are kept as well.

A loop belongs to the thread that runs it, so each thread would want one of its own; only the main thread's is kept,
since only its end is sure to be seen. Another thread gets a new loop for each call. A forked child never uses the loop
of its parent.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from playhead.errors import ConfigError

Result = TypeVar("Result")

_kept: tuple[int, asyncio.Runner] | None = None


def block_on(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end, as ``asyncio.run`` does.

    Raises:
        ConfigError: an event loop runs in this thread, and would be blocked.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        work.close()
        raise ConfigError("run_sync would block the event loop that is running here; use: await agent.run(…)")
    if threading.current_thread() is not threading.main_thread():
        return asyncio.run(work)
    return _runner().run(_after_a_look(work))


async def _after_a_look(work: Coroutine[Any, Any, Result]) -> Result:
    """While the loop stood still, the other side may have closed connections; the loop learns of it here, before one
    of them is used."""
    await asyncio.sleep(0)
    return await work


def _runner() -> asyncio.Runner:
    global _kept
    if _kept is None or _kept[0] != os.getpid():
        runner = asyncio.Runner()
        _kept = (os.getpid(), runner)
        import atexit

        atexit.register(_close, runner, os.getpid())
    return _kept[1]


def _close(runner: asyncio.Runner, pid: int) -> None:
    if pid == os.getpid():
        runner.close()
