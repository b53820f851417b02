"""The tape as one run has it, those within it included, and how one ended where that was not by an answer.

The exchanges of an agent that is a tool stand on the tape of the run that called it, and a replay runs it again on
them. What ended it need not be among them: a limit of seconds, a budget that others had used up, a connection that
never came about. So such an end is put on the tape, as the result of the call, under the name that the agent has as a
tool::

    method: CALL, url: tool:scout, body: {"task": …}  ->  500 Tool Error, Error: LimitError: the run took longer than …
    Playhead-Ended: 2; back=1,3; of=4

A header says how many interactions the run had played or recorded by then, and which: how many places each stands
before the end, which stays true where a tape is cut or its ids are counted anew. ``of`` is as far back as the answer
stands that asked for the call: of runs that ask the same, each finds its own end. Whoever plays the tape runs the agent
as far as its interactions go, so that its steps, its cost and its own children are there; what it would do beyond them
is not done, live or not, and the result is the one of the tape. No other run plays them. A run that parts from its
interactions before they end is another run, and says so as any replay does.

Older tapes have the count alone, and so has the end of a run that had waited for a person, whose first interactions
another process may have had: then those that stand before the end may be the run's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from playhead.agent.taped import call_request, is_of, is_unfinished, read_result, record_result
from playhead.errors import TapeFormatError, TapeMissError
from playhead.messages import Message, ToolCall, ToolResult
from playhead.transport.replay import gave_way
from playhead.wire import Headers, HTTPRequest, header

if TYPE_CHECKING:
    from playhead.tapes import Interaction, Session

#: The header of the result of an agent that ended without an answer: how many interactions its run had, and which.
ENDED = "Playhead-Ended"


class End(msgspec.Struct, frozen=True, eq=False):
    """How a run within another one ended. ``place`` is its own among what the tape plays, ``count`` how many
    interactions the run had, ``own`` their ids and ``of`` that of the answer which asked for it; None where that is not
    known."""

    mark: Interaction
    place: int
    count: int
    own: frozenset[int] | None
    of: int | None


class Ends:
    """The ends that a tape has, for all runs of one session: whose each interaction is, and who has come upon which.

    Raises:
        TapeFormatError: one of them does not say how many interactions there were.
    """

    def __init__(self, session: Session) -> None:
        played = enumerate(session.playable) if session.has_tool_calls else ()
        calls = [(place, one) for place, one in played if one.request.method == "CALL"]
        self.all = [_read(one, place) for place, one in calls if header(one.response.headers, ENDED) is not None]
        self.taken: set[int] = set()
        self._of: dict[int, frozenset[End]] = {}
        for end in self.all:
            for id in end.own or ():
                self._of[id] = self._of.get(id, frozenset()) | {end}

    def of(self, interaction: Interaction) -> frozenset[End]:
        """The ends of the runs that an interaction is of: one within the other; none for a run that has none."""
        return self._of.get(interaction.id, frozenset())


class RunTape:
    """The tape of a run; what is not said here is the session's.

    Attributes:
        ends: those that the tape has.
        within: those of this run and of the runs that it is within, which say whose interactions are.
        asked: the id of the last answer of a model that the run itself had; None where it had none.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.ends = Ends(session)
        self.within: frozenset[End] = frozenset()
        self.asked: int | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def answers(self, request: HTTPRequest) -> Sequence[Interaction]:
        """The answers that the tape has to this request, that were not played yet, and may be this run's."""
        found = self._session.answers(request)
        return [one for one in self.may(found) if self.ends.of(one) == self.within] if self.ends.all else found

    def may(self, found: Sequence[Interaction]) -> Sequence[Interaction]:
        """Those of these that a run may play as far as is known without knowing whose each of them is."""
        return found

    def has_answer(self, request: HTTPRequest) -> bool:
        """Whether there are such answers."""
        return bool(self.answers(request)) if self.ends.all else self._session.has_answer(request)

    def place_of(self, request: HTTPRequest) -> int | None:
        """Where the next of them stands on the tape, from 0; None where there is none."""
        if not self.ends.all:
            return self._session.place_of(request)
        first = next(iter(self.answers(request)), None)
        return None if first is None else next(at for at, one in enumerate(self._session.playable) if one is first)

    def play(self, request: HTTPRequest) -> Interaction | None:
        """As the session plays it, without what is of other runs.

        Raises:
            TapeMissError: the tape has no answer that is this run's, and the mode does not go live.
        """
        return self._had(self._played(request))

    def _played(self, request: HTTPRequest) -> Interaction | None:
        if not self.ends.all or not self._session.answers(request):
            return self._session.play(request)
        found = next(iter(self.answers(request)), None)
        if found is not None:
            self._session.play_this(found)
        elif not self._session.recording:
            raise self.missed(request)
        return found

    def missed(self, request: HTTPRequest) -> TapeMissError:
        """What is raised where the tape has no answer to this request that is this run's."""
        return self._session.miss(request)

    def play_this(self, interaction: Interaction) -> None:
        """This one of ``answers`` is played."""
        self._session.play_this(interaction)
        self._had(interaction)

    def record(self, request: HTTPRequest, **said: Any) -> Interaction:
        """As the session records it."""
        made = self._session.record(request, **said)
        self._had(made)
        return made

    def _had(self, interaction: Interaction | None) -> Interaction | None:
        """This one was played or recorded by the run itself."""
        if interaction is not None:
            self.had(interaction)
            if interaction.request.method != "CALL" and not gave_way(interaction.response.headers):
                self.asked = interaction.id
        return interaction

    def had(self, interaction: Interaction) -> None:
        """This one was played or recorded by the run or by one within it."""


class InnerTape(RunTape):
    """The tape of a run, for the run within it that ``call`` is about.

    ``messages`` is the history that the call stands at the end of. ``whole`` says that the run begins here, and did not
    wait for a person before. ``count`` is how many interactions it has played or recorded.
    """

    #: What the outer run leaves unplayed is for that to say.
    replaying = False

    def __init__(
        self, outer: RunTape, call: ToolCall, messages: tuple[Message, ...] = (), *, whole: bool = True
    ) -> None:
        self._session = outer._session
        self._outer = outer
        self._call = call
        self._whole = whole
        self._missed: TapeMissError | None = None
        self._ids: list[int] = []
        self.asked = None
        self.count = 0
        self.ends = outer.ends
        self._end = self._find()
        self.within = outer.within if self._end is None or self._end.own is None else outer.within | {self._end}
        # Another call of the step that asks the same plays the same exchanges: each is to leave the other its own.
        asked = messages[-1].all(ToolCall) if messages else ()
        self._shared = sum(one.name == call.name and one.arguments == call.arguments for one in asked) > 1

    def _find(self) -> End | None:
        """How the run that the call began ended, where the tape says so; now this run's, and no other's."""
        if not self.ends.all:
            return None
        there = {id(one) for one in self._outer.answers(call_request(self._call)) if is_of(self._call, one)}
        mine = self._outer.asked
        for end in self.ends.all:
            of = None if mine is None else end.of
            if id(end.mark) in there and end.mark.id not in self.ends.taken and of in (None, mine):
                self.ends.taken.add(end.mark.id)
                return end
        return None

    @property
    def recording(self) -> bool:
        """Whether the inner run may do what is not on the tape: not where the tape says how it ended."""
        return self._end is None and self._outer.recording

    def may(self, found: Sequence[Interaction]) -> Sequence[Interaction]:
        """Those of these that a run may play as far as is known without knowing whose each of them is."""
        found, end = self._outer.may(found), self._end
        if end is None or end.own is not None:
            return found
        if self._shared and self.count >= end.count:
            return ()
        before = {id(one) for one in self._session.playable[: end.place]}  # what stands behind it is of another call
        return [one for one in found if id(one) in before]

    def _played(self, request: HTTPRequest) -> Interaction | None:
        if self._end is not None and not self.has_answer(request):
            self.missed(request)
            raise TapeMissError(
                f"the recorded run of {self._call.name} ended here: {read_result(self._call, self._end.mark).text}"
            )
        if not self.recording and self._session.recording and not self.has_answer(request):
            raise self.missed(request)  # a run that this one is within has ended
        return super()._played(request)

    def missed(self, request: HTTPRequest) -> TapeMissError:
        """What is raised where the tape has no answer to this request that is this run's."""
        miss = self._outer.missed(request)
        self._missed = self._missed or miss
        return miss

    def had(self, interaction: Interaction) -> None:
        """This one was played or recorded by the run or by one within it."""
        self._outer.had(interaction)
        self._ids.append(interaction.id)
        if not gave_way(interaction.response.headers):
            self.count += 1

    def ended(self) -> ToolResult | None:
        """What the tape has for the result of the call, played now; None where it has none.

        Raises:
            TapeMissError: the inner run parted from the tape before it came to that end.
        """
        if self._end is None:
            return None
        if self._missed is not None and self.count < self._end.count:
            raise self._missed
        self._outer.play_this(self._end.mark)
        return read_result(self._call, self._end.mark)

    def let_go(self) -> None:
        """The run is over; an end that it did not come to is another's."""
        if self._end is not None:
            self.ends.taken.discard(self._end.mark.id)

    def record_end(self, result: ToolResult, seconds: float) -> None:
        """Put on the tape that the inner run ended with this result for the one that called it."""
        if self._outer.recording:
            record_result(self._outer, call_request(self._call), result, seconds, at=self._said)

    def _said(self, id: int) -> Headers:
        """What the end says that gets this id."""
        if not self._whole:
            return ((ENDED, str(self.count)),)
        back = ",".join(str(id - one) for one in self._ids)
        of = "" if self._outer.asked is None else f"; of={id - self._outer.asked}"
        return ((ENDED, f"{self.count}{f'; back={back}' if back else ''}{of}"),)


def has_begun(session: Session | RunTape, call_id: str) -> bool:
    """Whether the tape has a call of this id that had begun and has no result, in a run that has not ended since."""
    calls: Iterable[Interaction] = session.playable if session.has_tool_calls else ()
    if isinstance(session, RunTape) and session.ends.all:
        calls = [one for one in calls if not session.ends.of(one)]
    return is_unfinished(calls, call_id)


def _read(mark: Interaction, place: int) -> End:
    """The end that an interaction is the mark of.

    Raises:
        TapeFormatError: it is not what is written there.
    """
    said = header(mark.response.headers, ENDED) or ""
    first, *rest = said.replace(" ", "").split(";")
    fields = dict(field.partition("=")[::2] for field in rest)
    numbers = [first, *(fields[name] for name in ("of",) if name in fields)]
    numbers += fields["back"].split(",") if "back" in fields else []
    if not all(one.isascii() and one.isdecimal() and len(one) < 10 for one in numbers):
        raise TapeFormatError(
            f"interaction {mark.id} ({mark.request.url}): {ENDED}: {said[:100]!r} is none; a number of interactions is "
            'expected, and where they stand: "2; back=1,3; of=4". Take the interaction off the tape to go on without it'
        )
    back = [int(one) for one in fields["back"].split(",")] if "back" in fields else []
    own = frozenset(mark.id - one for one in back) if back or (first == "0" and "of" in fields) else None
    return End(mark, place, int(first), own, mark.id - int(fields["of"]) if "of" in fields else None)
