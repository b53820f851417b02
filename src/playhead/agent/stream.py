"""A run under way: its events as they come, its tape opened before and let go after, its errors carrying it.

``run``, ``stream`` and ``run_sync`` all make a :class:`RunStream`; the first and the last drain it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from playhead.agent.drive import BROKEN_OFF, drive
from playhead.agent.events import Event, RunFailed, RunStart
from playhead.agent.inner_tape import RunTape
from playhead.agent.plan import Plan
from playhead.agent.run import Run
from playhead.errors import AuthenticationError, ConfigError, LimitError, TimeoutExceeded
from playhead.events import PartDelta, PartStart, ResponseEnd, ResponseStart
from playhead.messages import Text

if TYPE_CHECKING:
    from playhead.model import AnyCall, AnyModel
    from playhead.tapes import Mode, Session, Tape

Output = TypeVar("Output")


class RunStream(Generic[Output]):
    """A run under way, as an async iterator of events; iterate it once. ``run`` is its record so far."""

    def __init__(
        self, run: Run[Output], batches: AsyncGenerator[Sequence[Event], None], output_type: Any = None
    ) -> None:
        self.run = run
        self._output_type = output_type
        self._batches = batches
        self._events = _flat(batches)

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._events

    async def __aenter__(self) -> RunStream[Output]:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def text(self) -> AsyncGenerator[str, None]:
        """The answer's text alone, as it comes: ``async for words in agent.stream("…").text()``. Tool arguments and
        reasoning are left out. What a later step says begins after a line break, and so does an answer that was cut and
        asked again (:class:`playhead.Discard`): it comes again from its beginning. What goes on after a pause does
        not."""
        texts: set[int] = set()
        said = parted = paused = False
        async with aclosing(self._events) as events:
            async for event in events:
                words = ""
                match event:
                    case ResponseStart():
                        texts, parted, paused = set(), said and not paused, False
                    case PartStart(index=index, part=Text(text=words)):
                        texts.add(index)
                    case PartDelta(index=index, text=words) if index in texts:
                        pass
                    case ResponseEnd(finish=finish):
                        paused = finish.unified == "paused"
                    case _:
                        continue
                if words:
                    if parted:
                        yield "\n"
                    said, parted = True, False
                    yield words

    async def outputs(self) -> AsyncGenerator[Any, None]:
        """The answer as far as it has come, each time that there is more of it; at last the validated output.

        Until the last, a value is plain data (dicts, lists, strings) that nothing has validated: a text may be half of
        one, a number is there when it is whole. Each is a value of its own, which does not change when the next comes.
        An answer that is asked for again begins anew. Where the output is text, the values are the text so far. A run
        that waits for a person, or was stopped, has no output, and its last value is none.

        Raises:
            OutputError: the answer does not hold the output type, and was not mended by asking again.
        """
        from playhead.agent.growing import Growth

        growth = Growth(self._output_type)
        async with aclosing(self._batches) as batches:
            async for batch in batches:
                for event in batch:
                    growth.push(event)
                if growth.grown and (value := growth.take()) is not None:
                    yield value
        run = self.run
        if run.ended in ("answer", "tool") or run.output_type in (None, str):
            yield run.output

    async def drain(self) -> Run[Output]:
        """Run to the end, whoever looks; the run."""
        try:
            async for _ in self._batches:
                pass
        finally:
            await self._batches.aclose()
        return self.run

    async def aclose(self) -> None:
        """Stop the run where it is: the connection is closed, running tools are cancelled, the tape is let go."""
        await self._events.aclose()
        await self._batches.aclose()


# Plain functions and not methods: a generator that held its stream would be held by it, and a consumer who breaks out
# of the loop would leave connection and tape open until the garbage is collected.


async def _flat(batches: AsyncGenerator[Sequence[Event], None]) -> AsyncGenerator[Event, None]:
    async with aclosing(batches):
        async for batch in batches:
            for event in batch:
                yield event


async def driven(
    model: AnyModel,
    run: Run[Any],
    plan: Plan,
    tape: str | os.PathLike[str] | Tape | None,
    tape_mode: Mode | None,
) -> AsyncGenerator[Sequence[Event], None]:
    """The run's batches, with its tape opened before and let go after, and its errors carrying it; ``plan.watch`` is
    told of each event before it is handed on."""
    session: Session | None = None
    absent = ""
    watch = plan.watch
    try:
        if watch is not None:
            watch(RunStart(run, asked=model.call().whom(plan.request), request=plan.request), run)
        if tape is None and tape_mode not in (None, "off"):
            raise ConfigError(f"tape_mode={tape_mode!r} needs a tape: pass tape= as well")
        if tape is not None:
            from playhead.tapes import default_mode, open_session

            mode = tape_mode or default_mode(os.environ)
            going_on = plan.steps_before > 0
            if mode == "once" and tape_mode is None and going_on:
                mode = "resume"  # the tape holds the run up to where it waited
            if mode != "off":
                absent = _absent(tape) if mode in ("once", "resume") else ""
                session = open_session(tape, mode, secrets=model.secrets())
                session.replaying = session.replaying and not going_on  # its beginning is not asked for again
                run.tape = session.tape
                run.warnings.extend(session.tape.warnings)
        on = None if session is None else cast("Session", RunTape(session))
        async with aclosing(drive(run, plan, model.call(on), on)) as steps:
            async for batch in within(steps, plan.timeout, run):
                if watch is not None:
                    for event in batch:
                        watch(event, run)
                yield batch
    except BaseException as error:
        run.ended = "failed"
        if absent and isinstance(error, AuthenticationError) and error.status is None and not run.steps:
            join = "there is " if error.message.startswith("no key:") else ""
            error.message = f"{absent}, so the model was to be asked, and {join}{error.message}"
            error.args = (error.message,)
        _attach(error, run)
        if watch is not None:
            watch(RunFailed(run, error), run)
        raise
    finally:
        if session is not None:
            try:
                session.close()
            finally:  # closing may have something to say as well
                run.warnings.extend(note for note in session.notes if note not in run.warnings)


def _absent(tape: str | os.PathLike[str] | Tape) -> str:
    """That there is no tape of this path, where there is none: who meant to play one learns where it was looked for."""
    path = tape if isinstance(tape, str | os.PathLike) else tape.path
    if path is None or os.path.exists(path):
        return ""
    name = os.fspath(path)
    return f"there is no tape {name}" + ("" if os.path.isabs(name) else f" in {os.getcwd()}")


async def child(parent: Run[Any], run: Run[Any], plan: Plan, call: AnyCall, session: Session | None) -> None:
    """Drive a run within another one to its end, on the tape of that one, and tell ``plan.watch`` of it."""
    parent.children.append(run)
    watch = plan.watch
    try:
        if watch is not None:
            watch(RunStart(run, parent, call.whom(plan.request), plan.request), run)
        async with aclosing(drive(run, plan, call, session)) as steps:
            async for batch in within(steps, plan.timeout, run):
                if watch is not None:
                    for event in batch:
                        watch(event, run)
    except BaseException as error:
        run.ended = "failed"
        if watch is not None:
            watch(RunFailed(run, error), run)
        raise


def within(
    batches: AsyncIterator[Sequence[Event]], seconds: float | None, run: Run[Any]
) -> AsyncIterator[Sequence[Event]]:
    """The batches of a run, for so many seconds in all; the time that the consumer takes counts. None means no limit.

    Raises:
        LimitError: they have passed; with why the last attempt failed, where the run was still trying.
    """
    return batches if seconds is None else _within(batches, seconds, run)


async def _within(
    batches: AsyncIterator[Sequence[Event]], seconds: float, run: Run[Any]
) -> AsyncIterator[Sequence[Event]]:
    import asyncio

    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                batch = await anext(batches)
        except StopAsyncIteration:
            return
        except TimeoutExceeded:
            raise
        except TimeoutError:
            words = f"the run took longer than its timeout of {seconds:g} s"
            raise LimitError(words + _last_failure(run), limit="seconds") from None
        yield batch


def _last_failure(run: Run[Any]) -> str:
    """Why the last attempt at the answer that is still waited for failed; "" where none did. The attempt that the limit
    itself broke off does not count."""
    for attempt in reversed(run.attempts):
        if attempt.step <= len(run.steps):
            break
        if attempt.error is not None and not attempt.error.startswith(BROKEN_OFF):
            return f"; attempt {attempt.number} failed with: {attempt.error}"
    return ""


def _attach(error: BaseException, run: Run[Any]) -> None:
    try:
        error.run = run  # type: ignore[attr-defined]
    except Exception:  # a frozen dataclass, or a class that says what may be set
        try:
            object.__setattr__(error, "run", run)
        except Exception:  # an exception class with slots: it goes on without
            return
