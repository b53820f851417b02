"""The driver: the only loop in playhead that awaits a model and tools.

It asks :func:`playhead.agent.decide.decide`, does what is decided, and yields the events in batches as they happen;
``run``, ``stream`` and ``run_sync`` all drain it. However it ends (an error, a limit, a cancellation, a consumer who
leaves), what was answered and what tools have done stand on the run: nothing that was paid for or done is lost.

Tool calls go onto the tape as interactions of their own (:mod:`playhead.agent.taped`), each before the next request
leaves. A tape without any, recorded by something else, runs the tools again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from playhead.agent.calls import Settled, Waiting, settle
from playhead.agent.decide import Action, CallModel, CallTools, Correct, Finish, Judge, decide
from playhead.agent.events import Event, RunEnd, StepEnd, StepStart, ToolEnd, ToolStart
from playhead.agent.pending import Pending
from playhead.agent.plan import Driving, Plan, check_decided
from playhead.agent.run import Run
from playhead.agent.step import Step
from playhead.errors import ContextTooLongError, LimitError, ModelError, TapeMissError, UnplayedError
from playhead.events import Attempt, AttemptEnd, AttemptStart, Discard
from playhead.fold import Folder
from playhead.messages import Message, Part, ToolCall

if TYPE_CHECKING:
    from playhead.agent.reserving import Reserving
    from playhead.model import AnyCall
    from playhead.request import Request
    from playhead.tapes import Session

Batches: TypeAlias = AsyncGenerator[Sequence[Event], None]

#: How the error of an attempt begins that was ended from here, and not by the other side.
BROKEN_OFF = "broken off: "


async def drive(run: Run[Any], plan: Plan, call: AnyCall, session: Session | None) -> Batches:
    """Drive a run to its end, yielding events in batches as they happen, RunEnd last.

    Raises:
        LimitError: another step would pass ``plan.max_steps``.
        ModelError: a model call failed for good.
        TapeError: the tape does not hold what the run asks, or cannot be written.
    """
    began = call.clock.monotonic()
    state = Driving(run, plan, call, session)
    try:
        while True:
            if state.plan.system is not None:
                await state.instruct()
            if state.plan.toolsets:
                await state.equip()
            action = _next(state)
            match action:
                case CallModel():
                    if state.plan.compact is not None:
                        from playhead.agent.compacting import compact

                        await compact(state)
                    try:
                        async with aclosing(_model_step(state)) as batches:
                            async for batch in batches:
                                yield batch
                    except ContextTooLongError:
                        if state.plan.compact is None or not await compact(state, too_long=True):
                            raise
                case CallTools():
                    if not run.steps:
                        check_decided(action.calls, state.plan.decided, state.plan.tools)
                    async with aclosing(_tool_step(state, action)) as batches:
                        async for batch in batches:
                            yield batch
                case Correct(message):
                    run.messages.append(message)
                case Finish(reason):
                    if reason == "steps":
                        raise LimitError(
                            f"the run has taken its {state.plan.max_steps} steps and is not done; "
                            "continue it with messages=error.run.messages, or give it more with max_steps=",
                            limit="steps",
                        )
                    if state.answer is not None and state.plan.output in (None, str):
                        run.output = state.answer
                    run.duration = call.clock.monotonic() - began
                    _report_unused(run, plan)
                    _report_unplayed(run, plan, session)
                    if state.plan.output not in (None, str) and reason in ("answer", "tool"):
                        from playhead.agent.output import output_of

                        run.output = output_of(state.plan.output, run, state.answer)
                    run.ended = reason
                    yield [RunEnd(run)]
                    return
                case _:
                    assert_never(action)
    except Exception:
        _report_unused(run, plan)
        raise
    finally:
        run.duration = call.clock.monotonic() - began


def _next(state: Driving) -> Action:
    """What comes next: what the messages say, unless the run waits, a tool has ended it, or it is to stop here."""
    run, plan = state.run, state.plan
    if run.pending is not None:
        return Finish("waiting")
    if state.answer is not None:
        return Finish("tool")
    action = decide(run.messages, state.taken, plan.max_steps, _judge(state), plan.output_retries)
    at_an_end = isinstance(action, CallModel) and run.steps and run.steps[-1].results
    if at_an_end and plan.stop_when is not None and plan.stop_when(run):
        return Finish("stopped")
    return action


def _judge(state: Driving) -> Judge | None:
    """What looks at the last answer; None where it is text that was wanted, and where asking again would not help: it
    was cut off, or filtered."""
    run, kind = state.run, state.plan.output
    if kind in (None, str) or not state.plan.output_retries or not run.steps:
        return None
    if run.steps[-1].response.finish.unified in ("length", "content_filter", "error"):
        return None
    from playhead.agent.output import complaint

    return lambda messages: complaint(kind, messages)


def _report_unused(run: Run[Any], plan: Plan) -> None:
    """Results and verdicts that were given for calls that nobody made."""
    given = {**plan.decided.results, **plan.decided.verdicts}
    if given:
        made: set[str] = set()
        runs = [run]
        while runs:  # those inside are told of what was decided as well
            asking = runs.pop()
            runs.extend(asking.children)
            made.update(call.id for message in asking.messages for call in message.all(ToolCall))
        for call_id in given:
            words = f"something was decided of a call {call_id!r}, and there was none in this run"
            if call_id not in made and words not in run.warnings:
                run.warnings.append(words)


def _report_raised(run: Run[Any], name: str, error: Exception, *, by_agent: bool) -> None:
    """What a tool raised that was not meant for the model: it was told all the same, and whoever wrote the tool is too.
    What the exception says is not repeated, as it may hold anything."""
    where, trace = "", None if by_agent else error.__traceback__
    while trace is not None:
        where, trace = f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}", trace.tb_next
    what = f"agent {name} ended with" if by_agent else f"tool {name} raised"
    words = (
        f"{what} {type(error).__name__}{where}, and the model was told what it says; "
        'tool_errors="raise" ends the run instead'
    )
    if words not in run.warnings:
        run.warnings.append(words)


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


async def _model_step(state: Driving) -> Batches:
    run = state.run
    request, call = await state.asked()
    number = len(run.steps) + 1
    began = left = call.clock.monotonic()
    first_attempt = len(run.attempts)
    under_way: AttemptStart | None = None
    folder = Folder()
    reserving = _reserving(state, request, call)
    taken_back: tuple[Part, ...] = ()
    heard = call.heard
    run.partial = ()
    yield [StepStart(number)]
    try:
        async with aclosing(call.stream(request, step=number)) as batches:
            async for batch in batches:
                for event in batch:
                    if type(event) is AttemptStart:
                        under_way, left = event, call.clock.monotonic()
                        taken_back = ()
                    elif type(event) is Discard:
                        taken_back = folder.partial
                    elif type(event) is AttemptEnd:
                        under_way = None
                        run.attempts.append(event.attempt)
                        if reserving is not None and reserving.dollars is not None:
                            run.reserved[number, event.attempt.number] = reserving.dollars
                folder.push(batch)
                if reserving is not None and type(batch[-1]) is AttemptEnd:
                    reserving.settle(batch[-1].attempt, folder.response() if folder.complete else None)
                yield batch
    except BaseException as error:
        kept_back = reserving is not None and reserving.kept_back
        # Of those that are told, or never left, nothing is to be added.
        if under_way is not None and not kept_back and not isinstance(error, ModelError | TapeMissError):
            if reserving is not None and reserving.dollars is not None:
                run.reserved[number, under_way.number] = reserving.dollars
            seconds = call.clock.monotonic() - left
            words = None if folder.complete else f"{BROKEN_OFF}{type(error).__name__}"
            run.attempts.append(Attempt(number, under_way.number, None, seconds, words, asked=call.whom(request)))
        raise
    finally:
        if reserving is not None:
            reserving.settle(None, None)
            call.guard(None)
        run.warnings.extend(call.take_warnings())
        if folder.complete:
            response = folder.response()
            state.heard = call.heard > heard
            run.messages.append(response.as_message())
            attempts = tuple(run.attempts[first_attempt:])
            run.steps.append(Step(number, response, (), attempts, call.clock.monotonic() - began))
        else:
            run.partial = folder.partial or taken_back  # of a last attempt: nothing came in its place
    if not response.tool_calls:
        yield [StepEnd(run.steps[-1])]


def _reserving(state: Driving, request: Request, call: AnyCall) -> Reserving | None:
    """What reserves for each attempt of a step; None where nothing is limited."""
    if not state.plan.budgets:
        return None
    from playhead.agent.reserving import Reserving

    for budget in state.plan.budgets:
        state.run.prices = {**budget.prices, **state.run.prices}
    reserving = Reserving(state.plan.budgets, request, lambda: call.whom(request), call.clock.time())
    call.guard(reserving)
    return reserving


async def _tool_step(state: Driving, action: CallTools) -> Batches:
    run, monotonic = state.run, state.call.clock.monotonic
    number, began = len(run.steps), monotonic()
    results = {result.call_id: result for result in action.answered}
    waiting: list[Waiting] = []
    heir: Any = None
    try:
        yield [ToolStart(number, wanted) for wanted in action.calls]
        async with aclosing(settle(action.calls, state.room())) as outcomes:
            async for outcome in outcomes:
                if isinstance(outcome, Settled):
                    results[outcome.result.call_id] = outcome.result
                    if not outcome.replayed or not run.steps:
                        state.used(outcome.result.call_id)
                    if outcome.late and not run.steps:  # later calls of the same id are others
                        run.warnings.append(outcome.late)
                    if outcome.final:
                        state.answer = outcome.result.text
                    if not outcome.result.is_error:
                        heir = heir or _heir(state, outcome.result.name)
                    if outcome.error is not None:
                        tool = state.plan.tools.get(outcome.result.name)
                        by_agent = tool is not None and not tool.taped
                        _report_raised(run, outcome.result.name, outcome.error, by_agent=by_agent)
                    yield [ToolEnd(number, outcome.result, outcome.seconds, outcome.replayed, outcome.error)]
                elif isinstance(outcome, Waiting):
                    waiting.append(outcome)
                else:
                    yield [outcome]
    finally:
        if results:
            while run.messages[-1].role == "tool":  # a history that came in with some of the calls answered
                run.messages.pop()
            ordered = tuple(results[one.id] for one in run.messages[-1].all(ToolCall) if one.id in results)
            run.messages.append(Message("tool", ordered))
            if run.steps:
                run.steps[-1].results = ordered
                run.steps[-1].duration += monotonic() - began
    if waiting:
        run.pending = _pending(state, action, waiting)
        return
    if heir is not None:
        heir.takes_over(state)
    if run.steps:
        yield [StepEnd(run.steps[-1])]


def _pending(state: Driving, action: CallTools, waiting: list[Waiting]) -> Pending:
    """The run as a value that goes on when someone has decided."""
    run, known = state.run, state.plan.decided
    waiting.sort(key=lambda one: one.index)
    inner = {action.calls[one.index].id: one.inner for one in waiting if one.inner is not None}
    own = tuple(action.calls[one.index] for one in waiting if one.inner is None and not one.held)
    decided = dict(known.verdicts), dict(known.results)
    return Pending(tuple(run.messages), own, inner, state.taken, run.usage, *decided, run.cost, dict(known.arguments))


def _heir(state: Driving, name: str) -> Any:
    """The agent that goes on with the run after a call of this tool; None for most tools."""
    tool = state.plan.tools.get(name)
    return None if tool is None else tool.hands_over_to
