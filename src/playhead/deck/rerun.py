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

from playhead.agent.content import ToolOutcome
from playhead.agent.drive import drive
from playhead.agent.events import Event, StepStart
from playhead.agent.plan import Plan
from playhead.agent.run import Run
from playhead.agent.taped import read_result
from playhead.agent.tools import Tool
from playhead.deck.question import Question, forked, question
from playhead.errors import ConfigError, ModelError, TapeError, TapeMissError
from playhead.events import AttemptStart
from playhead.messages import Message, ToolCall, ToolResult
from playhead.model import Model
from playhead.request import Request, ToolSpec
from playhead.tapes import Interaction, Tape
from playhead.tapes.match import Player
from playhead.tapes.redact import Redactor
from playhead.transport.record import RENEWED
from playhead.transport.replay import gave_way
from playhead.transport.retry import SYSTEM_CLOCK, RetryPolicy
from playhead.wire import HTTPRequest, HTTPResponse, header

#: A recorded client may have tried as often as it liked; a replay does not wait.
_PATIENT = RetryPolicy(attempts=1_000_000, deadline=float("inf"))


class TapeEnds(TapeError):
    """The tape holds no more of this conversation."""


class _Turn(TapeMissError):
    """The tape goes on from here as somebody has changed it."""


class Reel:
    """The tape as it is played again: which interactions are left, and which was played last. A transport."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.left: list[Interaction] = [
            item for item in tape.interactions if item.request.method != "CALL" and not gave_way(item.response.headers)
        ]
        self.last_of_all = self.left[-1] if self.left else None
        self.last: Interaction | None = None
        #: What is played next where nothing equals the request.
        self.ahead: Interaction | None = None
        self._player = Player(self.left.copy(), Redactor(()))
        #: Results given to calls that the wire has no ids for: of which interaction, and of which call there.
        self._taken: set[tuple[int, str]] = set()
        #: What was asked and the interaction that answered it, in the order played.
        self.asked: list[tuple[HTTPRequest, Interaction]] = []

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        """The answer to this very request, where the tape holds one (its conversations may be interleaved); else the
        next that is left, whatever the request says: comparing them is not done here."""
        played = self._player.play(request)
        if played is None and self.ahead is not None:
            played = self.ahead
            self._player.mark(played)
        self.ahead = None
        if played is None:
            if self.turning() is not None:
                raise _Turn("the run was changed here")
            retried = bool(self.asked) and self.asked[-1][0] is request
            if not self.left:
                raise TapeEnds("the tape holds no more exchanges")
            if retried and self.last is not None and self.left[0].request.body != self.last.request.body:
                raise TapeEnds("the tape holds no further attempt of this call")
            played = self.left[0]
            self._player.mark(played)
        self.left.remove(played)
        self.last = played
        self.asked.append((request, played))
        answer = played.response
        again = HTTPResponse(
            answer.code,
            answer.headers,
            _one(answer.body),
            reason=answer.status.partition(" ")[2],
            proto=answer.proto,
            recorded_duration=answer.duration,
        )
        again.renewed = header(answer.headers, RENEWED) is not None
        return again

    def turning(self) -> Interaction | None:
        """The exchange at which the run was changed next; None where it was not."""
        return next((item for item in self.left if forked(item)), None)

    def skip(self) -> None:
        """Pass over the next interaction."""
        self._player.mark(self.left.pop(0))

    async def aclose(self) -> None:
        """Nothing is open."""

    def result_of(self, call: ToolCall) -> ToolResult:
        """The result that the tape holds for a call that was just asked for.

        Raises:
            TapeEnds: it holds none.
        """
        after = self.last.id if self.last is not None else -1
        for interaction in self.tape.interactions:
            if interaction.id <= after or not _may_hold(interaction, call):
                continue
            if interaction.request.method == "CALL":
                return read_result(call, interaction)
            try:
                messages = question(interaction).request.messages
            except (ConfigError, ModelError, RecursionError):
                continue
            results = [result for message in reversed(messages) for result in message.all(ToolResult)]
            for result in results:
                if result.call_id == call.id:
                    return result
            for same in _same_calls(messages, call):
                if (interaction.id, same) not in self._taken:
                    for result in results:
                        if result.call_id == same:
                            self._taken.add((interaction.id, same))
                            return result
        raise TapeEnds(f"the tape holds no result of {call.name} (call {call.id})")


def _may_hold(interaction: Interaction, call: ToolCall) -> bool:
    request = interaction.request
    if request.method != "CALL":
        return call.id.encode() in request.body or call.name.encode() in request.body
    return request.url == f"tool:{call.name}" and request.body == call.arguments.encode()


def _same_calls(messages: Sequence[Message], call: ToolCall) -> list[str]:
    """The ids of the calls in the last answer of a history that ask the same as this one. On a wire whose calls have no
    ids, or a client that gave them its own, what a call says is all there is to know it by."""
    last = next((message for message in reversed(messages) if message.role == "assistant"), None)
    asked = _as_json(call.arguments)
    return [
        known.id
        for known in (last.all(ToolCall) if last is not None else ())
        if known.name == call.name and _as_json(known.arguments) == asked
    ]


def _as_json(arguments: str) -> Any:
    try:
        return msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return arguments


async def _one(body: bytes) -> AsyncIterator[bytes]:
    yield body


class RecordedTool(Tool[..., Any]):
    """A tool whose results are the tape's. Nothing is done, so nothing of it waits, is marked or is asked about."""

    takes_context = False
    effect = "read"
    approve = False

    def __init__(self, spec: ToolSpec, reel: Reel) -> None:
        self.name = spec.name
        self.description = spec.description
        self._spec = spec
        self._reel = reel

    async def answer(self, call: ToolCall, context: object = None) -> ToolOutcome:
        """What the tape says.

        Raises:
            TapeEnds: the tape holds no result of this call.
        """
        result = self._reel.result_of(call)
        return ToolOutcome(result.content, result.is_error)


def defined_elsewhere(request: Request) -> list[ToolSpec]:
    """The tools that the provider defines and the client runs (a computer, a shell): options of the wire, by name."""
    theirs = request.options.get("tools")
    return [
        ToolSpec(tool["name"], "", {})
        for tool in (theirs if isinstance(theirs, list) else ())
        if isinstance(tool, dict) and isinstance(tool.get("name"), str)
    ]


class Rerun(msgspec.Struct):
    """One conversation of a tape, run again. ``stopped`` says why where it came to no answer; ``open`` says that the
    tape holds nothing that could follow, where a recorded refusal that ends a run is an end."""

    question: Question
    run: Run[Any]
    asked: list[tuple[HTTPRequest, Interaction]]
    stopped: str | None = None
    open: bool = False


async def rerun(found: Question, reel: Reel, watch: Callable[[Iterable[Event]], None] | None = None) -> Rerun:
    """Run one conversation again, on the tape alone. ``watch`` is told what happens, in batches."""
    run: Run[Any] = Run(found.request.messages)
    first = len(reel.asked)
    told: list[Sequence[Event]] = []  # a step's beginning, until something comes of it
    at = found
    stopped, ends_open = None, False
    while True:
        try:
            async for batch in _driven(run, at, reel):
                told.append(batch)
                if watch is not None and not _begins(batch):
                    for each in told:
                        watch(each)
                    told.clear()
        except _Turn:
            told.clear()
            try:
                reel.ahead = reel.turning() or reel.left[0]
                at = question(reel.ahead)
            except (ConfigError, ModelError) as error:
                stopped, ends_open = str(error), True
                break
            run.messages[:] = at.request.messages
            continue
        except TapeError as error:  # it ends here, or holds a result that is none
            stopped, ends_open = str(error), True
        except ModelError as error:  # the recorded answer itself: a refusal that ended the recorded run as well
            stopped = str(error)
        break
    for each in told:
        if watch is not None:
            watch(each)
    if len(reel.asked) == first:  # nothing was asked (the first request ends with an answer): pass over it
        reel.skip()
    return Rerun(found, run, reel.asked[first:], stopped, ends_open)


def _driven(run: Run[Any], found: Question, reel: Reel) -> AsyncIterator[Sequence[Event]]:
    """The run on from where it is, as this question says it."""
    request = found.request
    model = Model(
        f"{found.provider.name}:{request.model}",
        request.model,
        found.provider,
        found.own,
        found.dialect,
        key=None,
        wire=reel,
        retry=_PATIENT,
        clock=SYSTEM_CLOCK,
    )
    tools = {spec.name: RecordedTool(spec, reel) for spec in (*defined_elsewhere(request), *request.tools)}
    return drive(run, Plan(request, tools, max_steps=1_000_000), model.call(), None)


def _begins(batch: Sequence[Event]) -> bool:
    """Whether nothing but a step and its first attempt begins here, of which nothing may come."""
    return all(isinstance(event, StepStart | AttemptStart) for event in batch)
