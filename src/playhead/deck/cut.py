"""Where a recorded run is cut, so that it can go on differently: what is kept of it, and how far it had come.

A cut is before a step (its question is asked anew) or behind its answer (the answer stands, and the results of its
tools may be others). Steps are those of the transcript (:mod:`playhead.deck.transcript`), so that a cut can be made in
a tape of any wire, streamed or not, whoever recorded it::

    cut(tape, 2)                   the tape up to step 1 with its tools, and the history that step 2 was asked with
    cut(tape, 1, ("weather",))     the tape up to the answer of step 1, whose calls of weather are to be answered

Nothing goes live here; :mod:`playhead.deck.fork` goes on from a cut.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from playhead.agent.run import Run
from playhead.agent.step import Step as RunStep
from playhead.deck.question import Question, question
from playhead.deck.transcript.telling import transcript
from playhead.deck.transcript.values import Conversation, Step, Told
from playhead.errors import ConfigError
from playhead.events import Asked, Attempt
from playhead.messages import Message, ToolCall
from playhead.request import Request
from playhead.response import Response
from playhead.tapes import Interaction, Tape
from playhead.wire import header


class Cut(msgspec.Struct):
    """A recorded run, cut.

    Attributes:
        question: the recorded question that the run goes on from: whom it asked, with which tools and settings.
        kept: what stands on the tape up to here, in its order.
        run: the run as far as it is kept, with the history that comes next.
        talk: the whole conversation that was cut.
        at: the step, from 1, at which it was.
    """

    question: Question
    kept: tuple[Interaction, ...]
    run: Run[Any]
    talk: Conversation
    at: int


def cut(tape: Tape, at: int, opened: Collection[str] = (), *, number: int = 1) -> Cut:
    """Cut a conversation of a tape.

    Args:
        at: the step, from 1; one behind the last is the end of the conversation.
        opened: names of tools, or ids of calls. Where there are any, the cut is behind the answer of the step, and the
            results of these calls are not kept.
        number: which conversation of the tape, from 1.

    Raises:
        ConfigError: the tape has no such conversation, the conversation no such step, or the step no such calls.
    """
    requests: dict[int, Request] = {}
    talks = transcript(tape, asked=requests.__setitem__).conversations
    if not 1 <= number <= len(talks):
        held = "one conversation" if len(talks) == 1 else f"{len(talks) or 'no'} conversations"
        raise ConfigError(f"conversation {number}: the tape holds {held}")
    talk = talks[number - 1]
    behind = bool(opened)
    if not 1 <= at <= len(talk.steps) + (not behind):
        raise ConfigError(f"step {at}: the conversation has {len(talk.steps)} steps, counted from 1")
    whole = talk.steps[: at - 1]
    open_calls: tuple[ToolCall, ...] = ()
    kept_results: list[Told] = [told for step in whole for told in step.results]
    if behind:
        step = talk.steps[at - 1]
        open_calls = _opened(step, opened)
        kept_results += [told for told in step.results if told.result.call_id not in {call.id for call in open_calls}]
    kept_steps = talk.steps[: at if behind else at - 1]
    for step in kept_steps:
        _answer(step)
    by_id = {item.id: item for item in tape.interactions}
    ids = {attempt.id for step in kept_steps for attempt in step.attempts}
    ids |= {told.id for told in kept_results if told.id is not None}
    kept = tuple(item for item in tape.interactions if item.id in ids or _belongs(item, ids, kept_steps, open_calls))
    first = talk.steps[min(at, len(talk.steps)) - 1].attempts[0].id
    run: Run[Any] = Run(_history(talk, at, behind, requests, open_calls))
    for step in kept_steps:
        _taken(run, step, by_id, talk)
    if behind:
        known = {told.result.call_id for told in kept_results}
        run.steps[-1].results = tuple(one for one in run.steps[-1].results if one.call_id in known)
    return Cut(question(by_id[first]), kept, run, talk, at)


def _answer(step: Step) -> Response:
    if step.answer is None:
        raise ConfigError(f"step {step.number} has no answer on the tape: nothing can go on from behind it")
    return step.answer


def _opened(step: Step, names: Collection[str]) -> tuple[ToolCall, ...]:
    """The calls of a step that go by these names of tools or ids of calls."""
    calls = step.answer.tool_calls if step.answer is not None else ()
    missing = [name for name in names if not any(name in (call.name, call.id) for call in calls)]
    if missing:
        made = ", ".join(f"{call.name} (call:{call.id})" for call in calls) or "no tool"
        raise ConfigError(f"step {step.number} does not call {missing[0]!r}; it calls: {made}")
    return tuple(call for call in calls if call.name in names or call.id in names)


def _history(
    talk: Conversation, at: int, behind: bool, requests: dict[int, Request], open_calls: tuple[ToolCall, ...]
) -> tuple[Message, ...]:
    """The history as the run goes on with it."""
    if not behind and at <= len(talk.steps):
        return requests[talk.steps[at - 1].attempts[0].id].messages
    step = talk.steps[at - 1 if behind else at - 2]
    answered = (*requests[step.attempts[-1].id].messages, _answer(step).as_message())
    left_open = {call.id for call in open_calls}
    results = tuple(told.result for told in step.results if told.result.call_id not in left_open)
    return (*answered, Message("tool", results)) if results else answered


def _belongs(item: Interaction, ids: Collection[int], steps: Sequence[Step], open_calls: tuple[ToolCall, ...]) -> bool:
    """Whether an interaction that no step names stands with those that are kept: the mark of a call that began, or what
    a toolset learned before."""
    if item.request.method != "CALL" or not ids or item.id > max(ids):
        return False
    name, hash_sign, _ = item.request.url.removeprefix("tool:").partition("#")
    if not hash_sign:
        return not item.request.url.startswith("tool:")
    said = header(item.request.headers, "Playhead-Call-Id")
    calls = [call for step in steps if step.answer is not None for call in step.answer.tool_calls]
    return any(call.name == name and said in (None, call.id) for call in calls if call not in open_calls)


def _taken(run: Run[Any], step: Step, by_id: dict[int, Interaction], talk: Conversation) -> None:
    """Put a step that is kept on the run's record."""
    attempts = []
    for number, (attempt, line) in enumerate(zip(step.attempts, step.ledger, strict=True), 1):
        item = by_id[attempt.id]
        asked = (step.asked or f"{talk.provider}:{talk.model}").partition(":")[2]
        attempts.append(
            Attempt(
                step.number,
                number,
                attempt.status,
                attempt.duration or 0.0,
                attempt.error,
                date=header(item.response.headers, "Date"),
                usage=line.usage,
                asked=Asked(line.provider, item.request.url, asked),
            )
        )
    run.attempts.extend(attempts)
    results = tuple(told.result for told in step.results)
    run.steps.append(RunStep(step.number, _answer(step), results, tuple(attempts), step.duration or 0.0))
