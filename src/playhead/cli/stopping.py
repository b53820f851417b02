"""How a run that ends early is let go of: at once, with all that came of it on the tape.

A tool that is no coroutine runs in a thread, and a thread cannot be stopped. A run that failed, was interrupted or ran
out of time does not wait for one: its tasks are cancelled, which writes the tape, and the process ends
(:func:`playhead.cli.main.main`). :class:`ToolThreads` knows whether a tool still runs, :class:`Signals` makes SIGTERM
(a supervisor's stop) and SIGHUP (the terminal is closed) what Ctrl-C is, where they are not ignored already.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from types import FrameType
from typing import Any, TypeVar

from playhead.cli.ends import TOOL_THREAD, Terminated

Result = TypeVar("Result")


class ToolThreads(ThreadPoolExecutor):
    """The threads of a run, that know whether they are at work."""

    def __init__(self) -> None:
        super().__init__(thread_name_prefix=TOOL_THREAD)
        self._at_work: set[Future[Any]] = set()

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        """As the base does it, and remember the call until it is done."""
        future = super().submit(fn, *args, **kwargs)
        self._at_work.add(future)
        future.add_done_callback(self._at_work.discard)
        return future

    @property
    def busy(self) -> bool:
        """Whether a call has not returned."""
        return bool(self._at_work)


class Signals:
    """Within this, the first signal that asks the process to end cancels the run; ``received`` is its number. Those
    after it change nothing: the tape is being written."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._task: asyncio.Task[Any] | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGTERM", "SIGHUP"):
                number = getattr(signal, name, None)  # there is no SIGHUP on Windows
                if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                    self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        if self.received is None:  # else nothing may end the process but its own last words
            for number, handler in self._before.items():
                signal.signal(number, handler)

    async def heeding(self, run: Coroutine[Any, Any, Any]) -> Any:
        """The run, cancelled when a signal comes; what it gives."""
        self._task = asyncio.current_task()
        try:
            return await run
        finally:  # between runs, as at a prompt, a signal is what Ctrl-C is
            self._task = None

    def _take(self, number: int, _: FrameType | None) -> None:
        if self.received is not None:
            return
        self.received = number
        if self._task is None:  # nothing has begun, or all is done
            raise KeyboardInterrupt
        self._task.cancel()
        self._task.get_loop().call_soon_threadsafe(lambda: None)  # wakes it


def let_go(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what is left, and let it close what it holds; threads are left behind."""

    async def cancel() -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    loop.run_until_complete(cancel())
    loop.run_until_complete(loop.shutdown_asyncgens())


def heeding_signals(work: Coroutine[Any, Any, Result]) -> Result:
    """Run what asks a model to its end. What ends it early, an error or a signal, ends it at once, whatever tools
    still run in their threads.

    Raises:
        Terminated: a signal asked for it.
    """
    runner, threads, signals = asyncio.Runner(), ToolThreads(), Signals()
    loop = runner.get_loop()
    loop.set_default_executor(threads)
    try:
        with signals:
            result: Result = runner.run(signals.heeding(work))
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) or signals.received is not None or threads.busy:
            let_go(loop)
        else:
            runner.close()
        if signals.received is not None:
            raise Terminated(signals.received) from error
        raise
    runner.close()
    return result
