"""A tape run again: the agent as the tape's first request describes it, on the answers that the tape holds.

Everything is read off the tape: model, prompts, tools and settings from the request, tool results from the CALL
interactions or, on a tape without any, from the tool messages of the request that followed. Nothing goes live. A tape
may hold several conversations; each begins at the first request that none before has asked.

A :class:`Reel` is the tape as it is played; ``rerun(question(reel.left[0]), reel)`` runs one conversation on it::

    reel = Reel(Tape.load("florence.yaml"))
    while reel.left:
        again = await rerun(question(reel.left[0]), reel)

:mod:`playhead.deck.verify` compares what was asked with what was recorded; ``playhead replay`` shows what was said.
A tape that was forked is one conversation: at the mark (:data:`.question.FORK`) the run goes on as it was changed. The
same task asked of another model, live, is ``playhead.rerun``, and stands in :mod:`playhead.deck.fork`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

import msgspec

from playhead.agent.decide import CallTools, decide
from playhead.agent.drive import drive
from playhead.agent.events import Event, RunEnd, StepStart
from playhead.agent.plan import Plan, Preparation, Prepare
from playhead.agent.run import Run
from playhead.deck.broken_off import after_broken_off
from playhead.deck.follow import Followed, corrected_by, following
from playhead.deck.question import Question, question
from playhead.deck.reel import RecordedTools, Reel, TapeEnds, Turn
from playhead.errors import ConfigError, ModelError, TapeError
from playhead.events import AttemptStart
from playhead.messages import Message, ToolCall
from playhead.model import Model
from playhead.request import NamedTool, Request, ToolSpec
from playhead.tapes import Interaction
from playhead.transport.retry import SYSTEM_CLOCK, RetryPolicy
from playhead.wire import HTTPRequest

#: A recorded client may have tried as often as it liked; a replay does not wait.
_PATIENT = RetryPolicy(attempts=1_000_000, deadline=float("inf"))


def defined_elsewhere(request: Request) -> list[ToolSpec]:
    """The tools that the provider defines and the client runs (a computer, a shell): options of the wire, by name."""
    theirs = request.options.get("tools")
    return [
        ToolSpec(tool["name"], "", {})
        for tool in (theirs if isinstance(theirs, list) else ())
        if isinstance(tool, dict) and isinstance(tool.get("name"), str)
    ]


class Rerun(msgspec.Struct):
    """One conversation of a tape, run again.

    Attributes:
        stopped: why it came to no answer; None where it came to one.
        open: whether it is over there, as far as the tape says: a run that waits, was to stop, or was stopped. A
            recorded refusal that ends a run is an end of another kind.
        ended: whether it is over there after an answer, not after a refusal that was to be asked again. Nothing failed.
        waiting: the calls that it ends with: they have no result, and nothing says that they began.
        taken: what of a recorded request was taken over as the run's own settings, by interaction id.
    """

    question: Question
    run: Run[Any]
    asked: list[tuple[HTTPRequest, Interaction]]
    stopped: str | None = None
    open: bool = False
    ended: bool = False
    waiting: tuple[ToolCall, ...] = ()
    taken: list[tuple[int, str]] = []


async def rerun(found: Question, reel: Reel, watch: Callable[[Iterable[Event]], None] | None = None) -> Rerun:
    """Run one conversation again, on the tape alone. ``watch`` is told what happens, in batches."""
    going = _Going(found, reel, watch)
    first = len(reel.asked)
    stopped, ends_open, ended = None, False, False
    reel.chosen = True
    try:
        while True:
            try:
                await going.drive()
            except Turn as turn:
                going.turn(turn.retried)
                continue
            except ModelError as error:
                if going.moves_on():
                    continue
                stopped = str(error)  # the recorded answer itself: a refusal that ended the recorded run as well
            else:
                if going.is_corrected():
                    continue
            break
    except (TapeError, ConfigError) as error:  # it ends here, or holds what is no result, or no request
        stopped, ends_open = str(error), True
        ended = isinstance(error, TapeEnds) and reel.last is not None and reel.last.response.code < 400
    except ModelError as error:
        stopped = str(error)
    finally:
        reel.chosen, reel.ahead = False, None
    going.tell()
    if len(reel.asked) == first:  # nothing was asked (the first request ends with an answer): pass over it
        reel.skip()
    return Rerun(found, going.run, reel.asked[first:], stopped, ends_open, ended, going.waiting(), going.taken)


class _Going:
    """A conversation while it is run again: as what it asks now, and what comes next."""

    def __init__(self, found: Question, reel: Reel, watch: Callable[[Iterable[Event]], None] | None) -> None:
        self.run: Run[Any] = Run(found.request.messages)
        self.taken: list[tuple[int, str]] = []
        self.told: list[Sequence[Event]] = []  # a step's beginning, until something comes of it
        self._reel, self._watch = reel, watch
        self._at, self._settings = found, found.request
        self._sent: tuple[Message, ...] | None = None  # what the next step sends in the place of the history

    async def drive(self) -> None:
        """As far as it goes."""
        prepare = None if self._sent is None else _once(self._sent, self._settings)
        self._sent = None
        async for batch in _driven(self.run, self._at, self._settings, self._reel, prepare):
            self.told.append(batch)
            if not _begins(batch):
                self.tell()

    def tell(self) -> None:
        """Tell the watcher what it was not told."""
        told, self.told = self.told, []
        for batch in told:
            if self._watch is not None:
                self._watch(batch)

    def turn(self, retried: bool) -> None:
        """Nothing equals what is asked: choose what is played.

        Raises:
            TapeEnds: the conversation has nothing more on the tape.
            ConfigError, ModelError: the run was changed on purpose here, and goes on with what cannot be read.
        """
        reel = self._reel
        self.told.clear()
        self.run.attempts.pop()  # it was not made
        changed = reel.turning()
        if changed is not None:
            self._at = question(changed)
            self._settings = self._at.request
            self.run.messages[:] = self._settings.messages
            reel.ahead = changed
            return
        if retried and self._was_broken_off():
            raise TapeEnds("the answer was broken off, and the next question goes on from what came of it")
        found = self._following()
        if found is not None:
            self._take(found)
            return
        ahead = self._claimed() or reel.next_of_all(retried)
        understood = reel.understood(ahead)
        anew = understood is None or all(message.role in ("system", "user") for message in understood.request.messages)
        if anew and any(message.role == "assistant" for message in self.run.messages):
            raise TapeEnds("the tape holds no more of this conversation")
        reel.ahead = ahead

    def _was_broken_off(self) -> bool:
        """Whether the next exchange is the first of another run, that goes on from the answer which was just cut."""
        reel = self._reel
        asked = None if reel.last is None else reel.understood(reel.last)
        next = reel.understood(reel.left[0]) if reel.left else None
        return asked is not None and next is not None and after_broken_off(asked, next) is not None

    def _claimed(self) -> Interaction | None:
        """What has the calls of the last answer in its history, and so says that it goes on from here; else None."""
        calls = {call.id for call in self.run.steps[-1].response.tool_calls} if self.run.steps else set()
        for item in self._reel.left:
            found = self._reel.understood(item)
            if (
                found is not None
                and calls
                and calls <= {call.id for message in found.request.messages for call in message.all(ToolCall)}
            ):
                return item
        return None

    def waiting(self) -> tuple[ToolCall, ...]:
        """The calls that it ends with, and that have neither a result nor begun."""
        action = decide(self.run.messages, 0, 1)
        calls = action.calls if isinstance(action, CallTools) else ()
        return tuple(call for call in calls if not self._reel.had_begun(call))

    def moves_on(self) -> bool:
        """Whether the same is asked again after an error: of another model, or of less of the history."""
        found = self._following()
        if found is None or (found.messages is None and not found.said):
            return False
        self._take(found)
        return True

    def is_corrected(self) -> bool:
        """Whether the answer that the run came to was sent back."""
        for item in self._reel.left:
            found = self._reel.understood(item)
            last = None if found is None else corrected_by(self.run.messages, found)
            if found is None or last is None:
                continue
            followed = following((*self.run.messages, last), self._at, self._settings, found, self._reel.gave)
            if followed is not None:
                self.told = [batch for batch in self.told if not isinstance(batch[-1], RunEnd)]
                self.run.messages.append(last)
                return True
        return False

    def _following(self) -> Followed | None:
        for item in self._reel.left:
            next = self._reel.understood(item)
            if next is not None:
                found = following(self.run.messages, self._at, self._settings, next, self._reel.gave)
                if found is not None:
                    return found
        return None

    def _take(self, found: Followed) -> None:
        self._reel.ahead = found.question.interaction
        if found.system is not None:
            spoken = [message for message in self.run.messages if message.role != "system"]
            self.run.messages[:] = [*found.system, *spoken]
        if found.said or found.messages is not None:
            self._at, self._settings, self._sent = found.question, found.settings, found.messages
        self.taken.extend((found.question.interaction.id, said) for said in found.said)


def _once(messages: tuple[Message, ...], settings: Request) -> Prepare:
    """What gives this history to the next step, and to none after it."""
    choice = settings.tool_choice
    left = [messages]

    def prepare(step: Preparation) -> Preparation | None:
        named = choice.name if isinstance(choice, NamedTool) else choice
        return msgspec.structs.replace(step, messages=left.pop(), tool_choice=named) if left else None

    return prepare


def _driven(
    run: Run[Any], at: Question, request: Request, reel: Reel, prepare: Prepare | None
) -> AsyncIterator[Sequence[Event]]:
    """The run on from where it is, asked of whom this question asks, with these settings."""
    model = Model(
        f"{at.provider.name}:{request.model}",
        request.model,
        at.provider,
        at.own,
        at.dialect,
        key=None,
        wire=reel,
        retry=_PATIENT,
        clock=SYSTEM_CLOCK,
    )
    tools = RecordedTools((*defined_elsewhere(request), *request.tools), reel)
    return drive(run, Plan(request, tools, max_steps=1_000_000, prepare=prepare), model.call(), None)


def _begins(batch: Sequence[Event]) -> bool:
    """Whether nothing but a step and its first attempt begins here, of which nothing may come, or the run ends, which
    may go on."""
    return all(isinstance(event, StepStart | AttemptStart | RunEnd) for event in batch)
