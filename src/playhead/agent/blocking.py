"""The event loop of ``run_sync``: kept from call to call, so that connections and threads are kept as well.

A loop belongs to the thread that runs it, so each thread would want one of its own; only the main thread's is kept,
since only its end is sure to be seen. Another thread gets a new loop for each call.

A forked child shares the kernel's side of its parent's loop: when it ends, its copy of the loop would unhook the
parent's own wake-up call, and the parent would wait for ever. So the loop is closed before a fork, and parent and child
each make a new one at their next call. While the loop runs it cannot be closed: a tool that forks is to end its child
with ``os._exit``, as ``multiprocessing`` does.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from playhead.errors import ConfigError

Result = TypeVar("Result")

_kept: asyncio.Runner | None = None
_inherited: list[asyncio.Runner | None] = []


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
    if _kept is None:
        import atexit

        _kept = asyncio.Runner()
        atexit.unregister(_close)  # once is enough, however often the loop is made anew
        atexit.register(_close)
    return _kept


def _close() -> None:
    """Close the kept loop, and with it its connections and threads."""
    global _kept
    runner, _kept = _kept, None
    if runner is not None:
        runner.close()


def _before_fork() -> None:
    if threading.current_thread() is threading.main_thread():
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            _close()


def _after_fork() -> None:
    """In the child: a loop that could not be closed is the parent's. It is kept, lest collecting it closes it."""
    global _kept
    _inherited.append(_kept)
    _kept = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
