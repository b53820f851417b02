"""The tape as a run within another one has it, and how that run ended where it was not by an answer.

The exchanges of an agent that is a tool stand on the tape of the run that called it, and a replay runs it again on
them. What ended it need not be among them: a limit of seconds, a budget that others had used up, a connection that
never came about. So such an end is put on the tape, as the result of the call, under the name that the agent has as a
tool::

    method: CALL, url: tool:scout, body: {"task": …}  ->  500 Tool Error, Error: LimitError: the run took longer than …

A header says how many interactions the run had played or recorded by then. Whoever plays the tape runs the agent as far
as these go, so that its steps, its cost and its own children are there; what it would do beyond them is not done, live
or not, and the result is the one of the tape. A run that parts from its interactions before they end is another run,
and says so as any replay does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playhead.agent.taped import CALL_ID, call_request, read_result, record_result
from playhead.errors import TapeMissError
from playhead.messages import Message, ToolCall, ToolResult
from playhead.transport.replay import gave_way
from playhead.wire import HTTPRequest, header

if TYPE_CHECKING:
    from playhead.tapes import Interaction, Session

#: The header of the result of an agent that ended without an answer: how many interactions its run had.
ENDED = "Playhead-Ended"


class InnerTape:
    """The tape of a run, for the run within it that ``call`` is about; all else is the session's.

    ``messages`` is the history that the call stands at the end of. ``count`` is how many interactions the inner run has
    played or recorded.
    """

    #: What the outer run leaves unplayed is for that to say.
    replaying = False

    def __init__(self, session: Session, call: ToolCall, messages: tuple[Message, ...]) -> None:
        self._session = session
        self._call = call
        self._missed: TapeMissError | None = None
        self.count = 0
        self._end = _end_of(session, call) if session.has_tool_calls else None
        self._most, self._place = 0, 0
        if self._end is not None:
            self._most = _count_of(self._end)
            self._place = next(at for at, one in enumerate(session.playable) if one is self._end)
        # Another call of the step that asks the same plays the same exchanges: each is to leave the other its own.
        asked = messages[-1].all(ToolCall) if messages else ()
        self._shared = sum(one.name == call.name and one.arguments == call.arguments for one in asked) > 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    @property
    def recording(self) -> bool:
        """Whether the inner run may do what is not on the tape: not where the tape says how it ended."""
        return self._end is None and self._session.recording

    def play(self, request: HTTPRequest) -> Interaction | None:
        """As the session plays it.

        Raises:
            TapeMissError: the inner run ended here, or the tape has no answer, and the mode does not go live.
        """
        if self._end is not None and not self.has_answer(request):
            self._missed = self._missed or self._session.miss(request)
            raise TapeMissError(
                f"the recorded run of {self._call.name} ended here: {read_result(self._call, self._end).text}"
            )
        found = self._session.play(request)
        if found is not None and not gave_way(found.response.headers):
            self.count += 1
        return found

    def has_answer(self, request: HTTPRequest) -> bool:
        """Whether the tape has an answer to this request that is the inner run's, and was not played yet."""
        if self._end is None:
            return self._session.has_answer(request)
        at = self._session.place_of(request)
        if at is None or at > self._place:  # what stands behind the end is of another call
            return False
        return not self._shared or self.count < self._most

    def record(self, request: HTTPRequest, **said: Any) -> Interaction:
        """As the session records it."""
        made = self._session.record(request, **said)
        if not gave_way(made.response.headers):
            self.count += 1
        return made

    def ended(self) -> ToolResult | None:
        """What the tape has for the result of the call, played now; None where it has none.

        Raises:
            TapeMissError: the inner run parted from the tape before it came to that end.
        """
        if self._end is None:
            return None
        if self._missed is not None and self.count < self._most:
            raise self._missed
        self._session.play_this(self._end)
        return read_result(self._call, self._end)

    def record_end(self, result: ToolResult, seconds: float) -> None:
        """Put on the tape that the inner run ended with this result for the one that called it."""
        if self._session.recording:
            headers = ((ENDED, str(self.count)),)
            record_result(self._session, call_request(self._call), result, seconds, headers=headers)


def _end_of(session: Session, call: ToolCall) -> Interaction | None:
    """How the run that a call began ended, where the tape says so. Calls that ask the same are told by their ids."""
    wanted = call_request(call)
    return next((one for one in session.answers(wanted) if _is_end_of(one, call)), None)


def _is_end_of(interaction: Interaction, call: ToolCall) -> bool:
    if header(interaction.response.headers, ENDED) is None:
        return False
    return header(interaction.request.headers, CALL_ID) in (None, call.id)


def _count_of(end: Interaction) -> int:
    said = header(end.response.headers, ENDED) or ""
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 10 else 0
