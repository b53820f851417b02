"""The event loop of ``run_sync`` and ``embed_sync``: kept from call to call, and with it connections and threads.

A loop belongs to the thread that runs it, so each thread would want one of its own; only the main thread's is kept,
since only its end is sure to be seen. Another thread gets a new loop for each call.

A forked child shares the kernel's side of its parent's loop: when it ends, its copy of the loop would unhook the
parent's own wake-up call, and the parent would wait for ever. So the loop is closed before a fork, and parent and child
each make a new one at their next call. While the loop runs it cannot be closed: a tool that forks is to end its child
with ``os._exit``, as ``multiprocessing`` does.

The traceback of a :class:`PlayheadError`, and of a ^C, would be a screenful of this package and of asyncio between the
caller's line and the place. Their frames are left out of it, but for the innermost; those of anybody else's code stay,
a tool's above all. ``python -X dev`` leaves all in, and any other exception has all: it may be ours to mend.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Coroutine
from contextlib import suppress
from contextvars import copy_context
from types import TracebackType
from typing import Any, TypeVar

from playhead.errors import ConfigError, PlayheadError

Result = TypeVar("Result")

#: Where the code stands whose frames are left out of tracebacks.
_MACHINERY = tuple(os.path.join(os.path.dirname(file), "") for file in (__file__, asyncio.__file__))

#: How often a loop that is left in the middle is gone back to.
_PATIENCE = 20

_kept: asyncio.Runner | None = None
_inherited: list[asyncio.Runner | None] = []


def block_on(work: Coroutine[Any, Any, Result], name: str, instead: str) -> Result:
    """Run a coroutine to its end, as ``asyncio.run`` does. ``name`` is what was called, ``instead`` what async code
    writes instead of it, for the error.

    Raises:
        ConfigError: an event loop runs in this thread, and would be blocked.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        work.close()
        raise ConfigError(f"{name} would block the event loop that is running here; use: {instead}")
    try:
        if threading.current_thread() is not threading.main_thread():
            with asyncio.Runner() as runner:
                return _run(runner, work)
        return _run(_runner(), work)
    except (PlayheadError, KeyboardInterrupt) as error:
        if not sys.flags.dev_mode:
            _shorten(error)
        raise


def _shorten(error: BaseException) -> None:
    """Leave the machinery out of the tracebacks of an error and of those that it came of."""
    seen: set[int] = set()
    open_: list[BaseException | None] = [error]
    while open_:
        one = open_.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.__traceback__ = _others(one.__traceback__)
        open_ += [one.__cause__, one.__context__]


def _others(whole: TracebackType | None) -> TracebackType | None:
    """A traceback's innermost place, and those before it that are none of the machinery."""
    places: list[TracebackType] = []
    while whole is not None:
        places.append(whole)
        whole = whole.tb_next
    kept: TracebackType | None = None
    for place in reversed(places):
        if kept is None or not place.tb_frame.f_code.co_filename.startswith(_MACHINERY):
            kept = TracebackType(kept, place.tb_frame, place.tb_lasti, place.tb_lineno)
    return kept


def _run(runner: asyncio.Runner, work: Coroutine[Any, Any, Result]) -> Result:
    ended: list[bool] = []
    try:
        return runner.run(_after_a_look(work, ended), context=copy_context())  # a kept loop has that of its making
    except BaseException:
        if not ended:
            _drain(runner.get_loop())
        raise


def _drain(loop: asyncio.AbstractEventLoop) -> None:
    """End what still runs in a loop that was left in the middle.

    A SystemExit or a KeyboardInterrupt in one task leaves the loop at once, and all others stand where they were: the
    run with its tape locked, to wake in the next call. They are cancelled and run to their end. Whoever waits for the
    task that failed fails as it did, and leaves the loop again; an impatient ^C does as well. So it is gone back to,
    but not for ever.
    """
    for _ in range(_PATIENCE):
        tasks = [task for task in asyncio.all_tasks(loop) if not task.done()]
        if not tasks:
            return
        for task in tasks:
            task.cancel()
        with suppress(SystemExit, KeyboardInterrupt):
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    if _kept is not None and _kept.get_loop() is loop:
        _close()


async def _after_a_look(work: Coroutine[Any, Any, Result], ended: list[bool]) -> Result:
    """While the loop stood still, the other side may have closed connections; the loop learns of it here, before one
    of them is used. ``ended`` is filled when the work has ended, however it did."""
    try:
        await asyncio.sleep(0)
        return await work
    finally:
        ended.append(True)


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
