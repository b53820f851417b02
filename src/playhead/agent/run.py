"""A run's record and the one driver that makes it.

:class:`Run` is what a caller gets: everything that was said, tried, counted and paid. :func:`drive` is the only loop
in playhead that awaits a model and tools: it asks :func:`playhead.agent.decide.decide`, does what is decided, and
yields the events in batches as they happen. ``run``, ``stream`` and ``run_sync`` all drain it.

Tool calls go onto the tape as interactions of their own (method CALL, URL ``tool:<name>``), each before the next
request leaves. A tape without any, recorded by something else, runs the tools again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from contextlib import aclosing
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, assert_never

import msgspec

from playhead.agent import taped
from playhead.agent.decide import CallModel, CallTools, Finish, decide
from playhead.agent.events import Event, RunEnd, StepEnd, StepStart, ToolEnd, ToolStart
from playhead.agent.tools import Tool, unknown_tool
from playhead.errors import LimitError
from playhead.events import Attempt, AttemptEnd
from playhead.fold import Folder
from playhead.messages import Message, ToolCall, ToolResult, dump_messages
from playhead.request import Request
from playhead.response import FinishReason, Response, Usage

if TYPE_CHECKING:
    from playhead.model import Call
    from playhead.tapes import Interaction, Session, Tape

Output = TypeVar("Output")


class Step(msgspec.Struct):
    """One model call and the tools it asked for. ``number`` counts from 1; ``duration`` is seconds, waits included."""

    number: int
    response: Response
    results: tuple[ToolResult, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    duration: float = 0.0


class Run(Generic[Output]):
    """One trip through the loop, whole or as far as it came.

    Attributes:
        messages: the whole history, system message included; ``messages_json()`` writes it.
        steps: the steps that have a response.
        attempts: every try at every model call, refusals and waits included, in order.
        output: the answer: the text, or the value of the output type that was asked for.
        tape: the tape that was recorded or played, None when there was none.
        warnings: what a provider could not be told, what was left unplayed on the tape; plain sentences.
        duration: seconds from the start to the end.
    """

    def __init__(self, messages: Iterable[Message]) -> None:
        self.messages: list[Message] = list(messages)
        self.steps: list[Step] = []
        self.attempts: list[Attempt] = []
        self.warnings: list[str] = []
        self.unplayed: tuple[Interaction, ...] = ()
        self.tape: Tape | None = None
        self.duration = 0.0
        self._output: Output | None = None
        self._has_output = False

    def __repr__(self) -> str:
        return f"<run: {len(self.steps)} steps, {len(self.attempts)} attempts, text {self.text[:60]!r}>"

    @property
    def text(self) -> str:
        """The text of the last answer; "" when there is none yet."""
        return self.steps[-1].response.text if self.steps else ""

    @property
    def output(self) -> Output:
        """The answer as the output type; the text where none was asked for."""
        return self._output if self._has_output else self.text  # type: ignore[return-value]

    @output.setter
    def output(self, value: Output) -> None:
        self._output, self._has_output = value, True

    @property
    def finish(self) -> FinishReason | None:
        """Why the model stopped the last time; None before the first answer."""
        return self.steps[-1].response.finish if self.steps else None

    @property
    def usage(self) -> Usage | None:
        """Tokens of all steps together; None when no answer reported any."""
        total: Usage | None = None
        for step in self.steps:
            if step.response.usage is not None:
                total = step.response.usage if total is None else total + step.response.usage
        return total

    @property
    def cost(self) -> Decimal | None:
        """US dollars of all steps together, as the provider reported them; None when it reported none, and when it
        reported them for some steps only."""
        costs = [step.response.usage.cost if step.response.usage else None for step in self.steps]
        known = [cost for cost in costs if cost is not None]
        return sum(known, Decimal(0)) if known and len(known) == len(costs) else None

    def messages_json(self) -> bytes:
        """The history as JSON; :func:`playhead.load_messages` reads it."""
        return dump_messages(self.messages)


class Plan(msgspec.Struct, frozen=True):
    """What a run is driven with: everything that does not change on the way."""

    request: Request
    tools: dict[str, Tool]
    max_steps: int
    fail_on_unplayed: bool = False


async def drive(
    run: Run[Any], plan: Plan, call: Call, session: Session | None
) -> AsyncGenerator[Sequence[Event], None]:
    """Drive a run to its end, yielding events in batches as they happen, RunEnd last.

    Raises:
        LimitError: another step would pass ``plan.max_steps``.
        ModelError: a model call failed for good.
        TapeError: the tape does not hold what the run asks.
    """
    clock = call.clock
    began = clock.monotonic()
    try:
        while True:
            action = decide(run.messages, len(run.steps), plan.max_steps)
            match action:
                case CallModel():
                    async with aclosing(_model_step(run, plan, call)) as batches:
                        async for batch in batches:
                            yield batch
                case CallTools(calls, answered):
                    async with aclosing(_tool_step(run, plan, calls, answered, session, clock.monotonic)) as batches:
                        async for batch in batches:
                            yield batch
                case Finish(reason):
                    if reason == "steps":
                        raise LimitError(
                            f"the run has taken its {plan.max_steps} steps and is not done; "
                            "continue it with messages=error.run.messages, or give it more with max_steps=",
                            limit="steps",
                        )
                    run.duration = clock.monotonic() - began
                    _report_unplayed(run, plan, session)
                    yield [RunEnd(run)]
                    return
                case _:
                    assert_never(action)
    finally:
        run.duration = clock.monotonic() - began


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
        from playhead.errors import UnplayedError

        raise UnplayedError(words)
    run.warnings.append(words)


async def _model_step(run: Run[Any], plan: Plan, call: Call) -> AsyncGenerator[Sequence[Event], None]:
    number = len(run.steps) + 1
    began = call.clock.monotonic()
    first_attempt = len(run.attempts)
    request = msgspec.structs.replace(plan.request, messages=tuple(run.messages))
    yield [StepStart(number)]
    folder = Folder()
    async with aclosing(call.stream(request, step=number)) as batches:
        async for batch in batches:
            for event in batch:
                if type(event) is AttemptEnd:
                    run.attempts.append(event.attempt)
            folder.push(batch)
            yield batch
    response = folder.response()
    run.messages.append(response.as_message())
    step = Step(number, response, (), tuple(run.attempts[first_attempt:]), call.clock.monotonic() - began)
    run.steps.append(step)
    run.warnings.extend(call.take_warnings())
    if not response.tool_calls:
        yield [StepEnd(step)]


Finished: TypeAlias = tuple[int, ToolResult, float, bool]


async def _tool_step(
    run: Run[Any],
    plan: Plan,
    calls: tuple[ToolCall, ...],
    answered: tuple[ToolResult, ...],
    session: Session | None,
    monotonic: Callable[[], float],
) -> AsyncGenerator[Sequence[Event], None]:
    number = len(run.steps)
    began = monotonic()
    yield [ToolStart(number, call) for call in calls]
    results: dict[int, ToolResult] = {}
    work = [_one_call(index, call, plan.tools, session, monotonic) for index, call in enumerate(calls)]
    async with aclosing(_as_they_finish(work)) as finished:
        async for index, result, seconds, replayed in finished:
            results[index] = result
            yield [ToolEnd(number, result, seconds, replayed)]
    ordered = tuple(results[index] for index in range(len(calls)))
    if answered:  # a history that came in with some of the calls answered: its tool message is completed
        while run.messages and run.messages[-1].role == "tool":
            run.messages.pop()
        by_id = {result.call_id: result for result in (*answered, *ordered)}
        ordered = tuple(by_id[call.id] for call in run.messages[-1].all(ToolCall))
    run.messages.append(Message("tool", ordered))
    if run.steps:
        step = run.steps[-1]
        step.results = ordered
        step.duration += monotonic() - began
        yield [StepEnd(step)]


async def _as_they_finish(work: list[Coroutine[Any, Any, Finished]]) -> AsyncGenerator[Finished, None]:
    """The results as they come; leaving early cancels what still runs and waits until it has stopped."""
    if len(work) == 1:
        yield await work[0]
        return
    import asyncio

    waiting = {asyncio.ensure_future(coroutine) for coroutine in work}
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        for future in waiting:
            future.cancel()
        if waiting:
            await asyncio.gather(*waiting, return_exceptions=True)


async def _one_call(
    index: int, call: ToolCall, tools: dict[str, Tool], session: Session | None, monotonic: Callable[[], float]
) -> Finished:
    request = taped.call_request(call)
    if session is not None and session.has_tool_calls:
        interaction = session.play(request)
        if interaction is not None:
            return index, taped.read_result(call, interaction), interaction.response.duration, True
    began = monotonic()
    tool = tools.get(call.name)
    if tool is None:
        result = unknown_tool(call, tools)
    else:
        outcome = await tool.answer(call)
        result = ToolResult(call.id, call.name, outcome.content, outcome.is_error)
    seconds = monotonic() - began
    if session is not None and session.recording:
        taped.record_result(session, request, result, seconds)
    return index, result, seconds, False
