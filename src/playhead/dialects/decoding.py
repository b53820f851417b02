"""The frame that the decoders of all wires share: what is not a matter of any one of them.

A decoder is fed bytes and gives events. Whatever the wire, it looks first whether there is a stream at all (a server
that does not stream although asked sends one body, which is kept until its end); hands what the framing cuts to the
wire's own reading; raises an error in the stream only after the events before it were handed on, at once when the same
call has none, else by the next ``feed`` or ``close``; joins halves of characters; and tells a stream that has ended
from one that was cut. A wire says what is its own by the methods at the end of :class:`AnswerDecoder`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from playhead import bounds
from playhead.dialects.base import Endpoint
from playhead.dialects.halves import Halves
from playhead.errors import CutStreamError, ModelError, ProtocolError
from playhead.events import ModelEvent
from playhead.framing.sse import SSEDecoder

if TYPE_CHECKING:
    from playhead.framing.aws_event_stream import EventStreamDecoder

Framing: TypeAlias = "SSEDecoder | EventStreamDecoder"

_WHITE = b" \t\r\n"


class AnswerDecoder(ABC):
    """The decoder of one answer; see :class:`playhead.dialects.base.Decoder`."""

    __slots__ = (
        "_bytes",
        "_done",
        "_endpoint",
        "_error",
        "_fed",
        "_framing",
        "_halves",
        "_id",
        "_limit",
        "_most",
        "_report",
        "_whole",
        "unmodelled",
    )

    #: How a body begins that is no stream.
    BODIES: ClassVar[tuple[bytes, ...]] = (b"{", b"<")
    #: What a stream that was cut is told to lack: "before its …".
    LACKING: ClassVar[str]
    #: What a torn last line may be refused with.
    TORN: ClassVar[tuple[type[ModelError], ...]] = (ProtocolError,)

    def __init__(self, endpoint: Endpoint, *, report: bool = False) -> None:
        self.unmodelled: set[str] = set()
        self._endpoint = endpoint
        self._report = report
        self._framing: Framing | None = None
        self._whole: list[bytes] | None = None  # a body that is no stream, in pieces
        self._halves: Halves | None = None  # None while every character was whole
        self._bytes = self._fed = 0
        self._limit, self._most = bounds.ANSWER_LIMIT, bounds.PIECES_LIMIT
        self._error: ModelError | None = None
        self._id: str | None = None  # what the answer calls itself
        self._done = False

    @property
    def finished(self) -> bool:
        """Whether the stream has said that it is over: nothing more of it counts."""
        return self._done

    def feed(self, data: bytes) -> list[ModelEvent]:
        """The events that these bytes complete.

        Raises:
            ModelError: the stream carries an error.
            ProtocolError: it is not what the protocol says; the message shows where. Or more came than an answer may
                have, see :mod:`playhead.bounds`.
        """
        if self._error is not None:
            raise self._error
        self._bytes += len(data)
        self._fed += 1
        if self._bytes > self._limit or self._fed > self._most:
            raise self._too_long()
        events: list[ModelEvent] = []
        try:
            framing = self._framing
            if framing is None:
                data = self._begin(data)
                framing = self._framing
            if framing is not None:
                self._consume(framing, data, events)
        except ModelError as error:
            self._error = error
            if not events:
                raise
        return events if self._halves is None else self._halves.join(events)

    def close(self) -> list[ModelEvent]:
        """The stream has ended; the last events.

        Raises:
            CutStreamError: it ended before its end.
            ModelError: as for ``feed``.
        """
        if self._error is not None:
            raise self._error
        events: list[ModelEvent] = []
        try:
            if self._whole is not None:
                events, found = self._decode_whole(b"".join(self._whole))
                self.unmodelled |= found
                self._whole, self._done, self._framing = None, True, SSEDecoder()
            else:
                self._close_framing(events)
                if not self._done and not self._ended(events):
                    raise CutStreamError(
                        f"the stream ended after {self._bytes} bytes, before {self.LACKING}",
                        provider=self._endpoint.provider,
                        request_id=self._answer_id(),
                    )
        except ModelError as error:
            self._error = error
            raise
        return events if self._halves is None else self._halves.join(events)

    def _begin(self, data: bytes) -> bytes:
        """Look whether this is a stream at all; the bytes of it to go on with. White space before it says nothing."""
        if self._whole is None:
            data = data.lstrip(_WHITE)
            if data.startswith(self.BODIES):
                self._whole = []
            elif data:
                self._framing = self._framing_of(data)
        if self._whole is not None:
            self._whole.append(data)
        return data

    def _consume(self, framing: Framing, data: bytes, events: list[ModelEvent]) -> None:
        """Cut the bytes, and read what they complete."""
        for item in framing.feed(data):
            self._take(item, events)

    def _close_framing(self, events: list[ModelEvent]) -> None:
        """Read what the framing still holds; of a last line that is torn nobody knows what it would have said."""
        framing = self._framing
        if isinstance(framing, SSEDecoder):
            rest = framing.close()
            if rest is not None and not self._done:
                try:
                    self._take(rest, events)
                except self.TORN:
                    events.clear()
        elif framing is not None and not self._done:
            framing.close()

    def _too_long(self) -> ModelError:
        """The answer is longer than one may be: what is kept of a body that is no stream is let go."""
        self._whole = None
        self._error = bounds.too_long(self._bytes, self._fed, self._limit, provider=self._endpoint.provider)
        return self._error

    def _framing_of(self, data: bytes) -> Framing:
        """What cuts a stream that begins so."""
        return SSEDecoder()

    def _answer_id(self) -> str | None:
        """The id that the answer gave itself; None where it gave none."""
        return self._id

    @abstractmethod
    def _take(self, item: Any, events: list[ModelEvent]) -> None:
        """Read one event or message of the framing."""

    @abstractmethod
    def _decode_whole(self, body: bytes) -> tuple[list[ModelEvent], frozenset[str] | set[str]]:
        """The events of an answer that came whole, and the paths in it that the vocabulary does not model."""

    @abstractmethod
    def _ended(self, events: list[ModelEvent]) -> bool:
        """The stream has closed without its last word: add what that would have said, where it can be known; whether
        it can."""
