"""The tape as it is played again: what is left of it, and what stands on it of the tools.

A :class:`Reel` is a transport. It answers a request with the recorded one that equals it, wherever that stands, as the
conversations of a tape may be interleaved, one inside of another (an agent that is a tool). Where none does, whoever
runs the tape again chooses what is played (:mod:`playhead.deck.rerun`, by :mod:`playhead.deck.follow`); for all others
it is the next that is left.

:class:`RecordedTools` answer with the tape's results: those of the CALL interactions or, on a tape without any and of
agents that are tools, those in the request that followed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from playhead.agent.content import ToolOutcome
from playhead.agent.taped import BEGUN, CALL_ID, is_final, read_result
from playhead.agent.tools import AnyTool, Tool
from playhead.deck.question import Question, forked, question
from playhead.errors import ConfigError, ModelError, TapeError
from playhead.messages import Message, ToolCall, ToolResult
from playhead.request import ToolSpec
from playhead.tapes import Interaction, Tape
from playhead.tapes.match import Player
from playhead.tapes.redact import Redactor
from playhead.transport.record import RENEWED
from playhead.transport.replay import gave_way
from playhead.wire import HTTPRequest, HTTPResponse, header


class TapeEnds(TapeError):
    """The tape holds no more of this conversation. No TapeMissError, for which a call says its last refusal again."""


class Turn(TapeError):
    """No recorded request equals this one: what the tape goes on with is to be looked for. ``retried`` says that it was
    asked before, and refused."""

    retried = False


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
        #: Whether what a request is answered with that nothing equals is chosen by who asks (:func:`rerun`).
        self.chosen = False
        self._player = Player(self.left.copy(), Redactor(()))
        self._questions: dict[int, Question | None] = {}
        self._answers: set[str] | None = None
        #: The calls whose results ended their run.
        self.final: set[str] = set()
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
                raise Turn("the run was changed here")
            turn = Turn("nothing on the tape equals this request")
            turn.retried = bool(self.asked) and self.asked[-1][0] is request
            if self.chosen:
                raise turn
            played = self.next_of_all(turn.retried)
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

    def next_of_all(self, retried: bool) -> Interaction:
        """The next that is left.

        Raises:
            TapeEnds: nothing is, or (``retried``) not for another attempt of what was refused.
        """
        if not self.left:
            raise TapeEnds("the tape holds no more exchanges")
        if retried and self.last is not None and self.left[0].request.body != self.last.request.body:
            raise TapeEnds("the tape holds no further attempt of this call")
        return self.left[0]

    def understood(self, interaction: Interaction) -> Question | None:
        """What an exchange asks; None where no dialect understands it."""
        if interaction.id not in self._questions:
            try:
                self._questions[interaction.id] = question(interaction)
            except (ConfigError, ModelError, ArithmeticError, RecursionError):
                self._questions[interaction.id] = None
        return self._questions[interaction.id]

    def gave(self, text: str) -> bool:
        """Whether an answer on this tape says just this."""
        if self._answers is None:
            from playhead.deck.answer import texts

            self._answers = texts(self.tape)
        return text in self._answers

    def turning(self) -> Interaction | None:
        """The exchange at which the run was changed next; None where it was not."""
        return next((item for item in self.left if forked(item)), None)

    def skip(self) -> None:
        """Pass over the next interaction."""
        self._player.mark(self.left.pop(0))

    async def aclose(self) -> None:
        """Nothing is open."""

    def had_begun(self, call: ToolCall) -> bool:
        """Whether the tape has a mark that a call began which was just asked for."""
        after = self.last.id if self.last is not None else -1
        return any(item.id > after and _is_call(item, call, begun=True) for item in self.tape.interactions)

    def result_of(self, call: ToolCall) -> ToolResult:
        """The result that the tape holds for a call that was just asked for.

        Raises:
            TapeEnds: it holds none.
        """
        after = self.last.id if self.last is not None else -1
        made = [item for item in self.tape.interactions if item.id > after and _is_call(item, call)]
        own = next((item for item in made if header(item.request.headers, CALL_ID) == call.id), None)
        if own is not None or made:
            own = own or made[0]
            if is_final(own):
                self.final.add(call.id)
            return read_result(call, own)
        for interaction in self.tape.interactions:
            if interaction.id <= after or not _may_hold(interaction, call):
                continue
            found = self.understood(interaction)
            if found is None:
                continue
            messages = found.request.messages
            results = [result for message in reversed(messages) for result in message.all(ToolResult)]
            for result in results:
                if result.call_id == call.id and _holds(messages, call):
                    return result
            for same in _same_calls(messages, call):
                if (interaction.id, same) not in self._taken:
                    for result in results:
                        if result.call_id == same:
                            self._taken.add((interaction.id, same))
                            return result
        if self.had_begun(call):
            raise TapeEnds(
                f"the tape holds no result of {call.name} (call {call.id}), which had begun: whether it was "
                "done is not known"
            )
        raise TapeEnds(f"the tape holds no result of {call.name} (call {call.id})")


def _may_hold(interaction: Interaction, call: ToolCall) -> bool:
    request = interaction.request
    return request.method != "CALL" and (call.id.encode() in request.body or call.name.encode() in request.body)


def _is_call(interaction: Interaction, call: ToolCall, *, begun: bool = False) -> bool:
    """Whether this is what the tape has of a call, or of its beginning."""
    request = interaction.request
    url = f"tool:{call.name}{BEGUN if begun else ''}"
    return request.method == "CALL" and request.url == url and request.body == call.arguments.encode()


def _holds(messages: Sequence[Message], call: ToolCall) -> bool:
    """Whether this history has the call; another agent's, whose calls are counted anew, may have one of its id."""
    known = (one for message in messages for one in message.all(ToolCall) if one.id == call.id)
    return all(one.name == call.name for one in known)


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
        return ToolOutcome(result.content, result.is_error, final=call.id in self._reel.final)


class RecordedTools(Mapping[str, AnyTool]):
    """The tools of a recorded run: those that the model was told of in this step, and every other that it calls, as the
    run may have had it in another step, or have answered that there is none."""

    def __init__(self, specs: Iterable[ToolSpec], reel: Reel) -> None:
        self._reel = reel
        self._tools: dict[str, AnyTool] = {spec.name: RecordedTool(spec, reel) for spec in specs}

    def __getitem__(self, name: str) -> AnyTool:
        return self._tools.get(name) or RecordedTool(ToolSpec(name, "", {}), self._reel)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)
