"""The driver: the only loop in playhead that awaits a model and tools.

It asks :func:`playhead.agent.decide.decide`, does what is decided, and yields the events in batches as they happen;
``run``, ``stream`` and ``run_sync`` all drain it. However it ends (an error, a limit, a cancellation, a consumer who
leaves), what was answered and what tools have done stand on the run: nothing that was paid for or done is lost.

Tool calls go onto the tape as interactions of their own (:mod:`playhead.agent.taped`), each before the next request
leaves. A tape without any, recorded by something else, runs the tools again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

import msgspec

from playhead.agent import taped
from playhead.agent.decide import CallModel, CallTools, Finish, decide
from playhead.agent.events import Event, RunEnd, StepEnd, StepStart, ToolEnd, ToolStart
from playhead.agent.run import Run, Step
from playhead.agent.tools import AnyTool, unknown_tool
from playhead.errors import LimitError, ModelError, TapeMissError, UnplayedError
from playhead.events import Attempt, AttemptEnd, AttemptStart
from playhead.fold import Folder
from playhead.messages import Message, ToolCall, ToolResult
from playhead.request import Request

if TYPE_CHECKING:
    from asyncio import Future

    from playhead.call import Call
    from playhead.tapes import Session

Batches: TypeAlias = AsyncGenerator[Sequence[Event], None]


class Plan(msgspec.Struct, frozen=True):
    """What a run is driven with: everything that does not change on the way. ``output`` is the answer's type, None for
    text; ``timeout`` is seconds for the whole run, None for no limit."""

    request: Request
    tools: Mapping[str, AnyTool]
    max_steps: int
    fail_on_unplayed: bool = False
    output: Any = None
    timeout: float | None = None


async def drive(run: Run[Any], plan: Plan, call: Call, session: Session | None) -> Batches:
    """Drive a run to its end, yielding events in batches as they happen, RunEnd last.

    Raises:
        LimitError: another step would pass ``plan.max_steps``.
        ModelError: a model call failed for good.
        TapeError: the tape does not hold what the run asks, or cannot be written.
    """
    began = call.clock.monotonic()
    try:
        while True:
            action = decide(run.messages, len(run.steps), plan.max_steps)
            match action:
                case CallModel():
                    async with aclosing(_model_step(run, plan, call)) as batches:
                        async for batch in batches:
                            yield batch
                case CallTools():
                    async with aclosing(_tool_step(run, plan, action, call, session)) as batches:
                        async for batch in batches:
                            yield batch
                case Finish(reason):
                    if reason == "steps":
                        raise LimitError(
                            f"the run has taken its {plan.max_steps} steps and is not done; "
                            "continue it with messages=error.run.messages, or give it more with max_steps=",
                            limit="steps",
                        )
                    run.duration = call.clock.monotonic() - began
                    _report_unplayed(run, plan, session)
                    yield [RunEnd(run)]
                    return
                case _:
                    assert_never(action)
    finally:
        run.duration = call.clock.monotonic() - began


def _report_unplayed(run: Run[Any], plan: Plan, session: Session | None) -> None:
    if session is None or not session.replaying:
        return
    run.unplayed = session.unplayed
    if not run.unplayed:
        return
    first = run.unplayed[0]
    words = (
        f"{len(run.unplayed)} of {len(session.tape.interactions)} interactions were left unplayed, "
        f"the first is id {first.id}: {first.request.method} {first.request.url}"
    )
    if plan.fail_on_unplayed:
        raise UnplayedError(words)
    run.warnings.append(words)


def _asked(run: Run[Any], plan: Plan) -> Request:
    """The request of the next step. A tool that the caller forced is forced once: asked for again at every step, the
    run could never end, so after its first calls the choice is the provider's default."""
    forced = plan.request.tool_choice not in (None, "auto", "none")
    choice = None if forced and any(step.results for step in run.steps) else plan.request.tool_choice
    return msgspec.structs.replace(plan.request, messages=tuple(run.messages), tool_choice=choice)


async def _model_step(run: Run[Any], plan: Plan, call: Call) -> Batches:
    number = len(run.steps) + 1
    began = left = call.clock.monotonic()
    first_attempt = len(run.attempts)
    under_way: AttemptStart | None = None
    folder = Folder()
    run.partial = ()
    yield [StepStart(number)]
    try:
        async with aclosing(call.stream(_asked(run, plan), step=number)) as batches:
            async for batch in batches:
                for event in batch:
                    if type(event) is AttemptStart:
                        under_way, left = event, call.clock.monotonic()
                    elif type(event) is AttemptEnd:
                        under_way = None
                        run.attempts.append(event.attempt)
                folder.push(batch)
                yield batch
    except BaseException as error:
        if under_way is not None and not isinstance(error, ModelError | TapeMissError):  # those never left, or are told
            seconds = call.clock.monotonic() - left
            words = None if folder.complete else f"broken off: {type(error).__name__}"
            run.attempts.append(Attempt(number, under_way.number, None, seconds, words))
        raise
    finally:
        run.warnings.extend(call.take_warnings())
        if folder.complete:
            response = folder.response()
            run.messages.append(response.as_message())
            attempts = tuple(run.attempts[first_attempt:])
            run.steps.append(Step(number, response, (), attempts, call.clock.monotonic() - began))
        else:
            run.partial = folder.partial
    if not response.tool_calls:
        yield [StepEnd(run.steps[-1])]


Finished: TypeAlias = tuple[int, ToolResult, float, bool]


async def _tool_step(run: Run[Any], plan: Plan, action: CallTools, call: Call, session: Session | None) -> Batches:
    number = len(run.steps)
    monotonic = call.clock.monotonic
    began = monotonic()
    results = {result.call_id: result for result in action.answered}
    try:
        yield [ToolStart(number, wanted) for wanted in action.calls]
        work = [_one_call(index, wanted, plan.tools, session, call) for index, wanted in enumerate(action.calls)]
        async with aclosing(_as_they_finish(work)) as finished:
            async for index, result, seconds, replayed in finished:
                results[action.calls[index].id] = result
                yield [ToolEnd(number, result, seconds, replayed)]
    finally:
        if results:
            while run.messages[-1].role == "tool":  # a history that came in with some of the calls answered
                run.messages.pop()
            ordered = tuple(results[one.id] for one in run.messages[-1].all(ToolCall) if one.id in results)
            run.messages.append(Message("tool", ordered))
            if run.steps:
                run.steps[-1].results = ordered
                run.steps[-1].duration += monotonic() - began
    if run.steps:
        yield [StepEnd(run.steps[-1])]


async def _as_they_finish(work: list[Coroutine[Any, Any, Finished]]) -> AsyncGenerator[Finished, None]:
    """The results as they come; leaving early cancels what still runs and waits until it has stopped."""
    if len(work) == 1:
        yield await work[0]
        return
    import asyncio

    running = {asyncio.ensure_future(coroutine) for coroutine in work}
    waiting = running
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for future in sorted(done, key=_failed):  # what is there, first
                yield future.result()
    finally:
        for future in running:
            future.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _failed(future: Future[Finished]) -> bool:
    return future.cancelled() or future.exception() is not None


async def _one_call(
    index: int, wanted: ToolCall, tools: Mapping[str, AnyTool], session: Session | None, call: Call
) -> Finished:
    request = taped.call_request(wanted)
    if session is not None and session.has_tool_calls:
        interaction = session.play(request)
        if interaction is not None:
            return index, taped.read_result(wanted, interaction), interaction.response.duration, True
    began = call.clock.monotonic()
    tool = tools.get(wanted.name)
    if tool is None:
        result = unknown_tool(wanted, tools)
    else:
        outcome = await tool.answer(wanted)
        result = ToolResult(wanted.id, wanted.name, outcome.content, outcome.is_error)
    seconds = call.clock.monotonic() - began
    if session is not None and session.recording:
        taped.record_result(session, request, result, seconds)
    return index, result, seconds, False
