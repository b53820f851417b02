r"""A streamed answer to events: ``feed(b'data: {"candidates":…}\r\n\r\n') -> [ResponseStart(…), PartStart(…), …]``.

Each server-sent event is a whole answer's JSON with a piece of it; :mod:`.assemble` makes events of them. The rules
beside its own:

- Events do not depend on how the bytes were cut. An error in the stream is raised only after the events before it were
  handed on: at once when the same call has none, else by the next ``feed`` or ``close``.
- There is no ``[DONE]`` (some proxies add one, which is passed over). The answer is whole when the stream closes after
  a finish reason; chunks may follow the one that brings it. Without one the stream was cut.
- Google breaks off a stream with an error in bare JSON, without ``data:``. It is looked for when the stream closes.
- A server that does not stream although asked, and a stream without ``alt=sse``, send JSON: one object, or a list of
  chunks. It is decoded as a whole answer.

``unmodelled`` is filled from the first chunk, from those without a candidate, and from those that finish; with
``report=True`` from every chunk, which costs as much again as decoding.
"""

from __future__ import annotations

import msgspec

from playhead.dialects.base import Endpoint
from playhead.dialects.gemini.answer import decode_answer
from playhead.dialects.gemini.assemble import Assembler
from playhead.dialects.gemini.errors import decode_error, error_of
from playhead.dialects.gemini.report import unmodelled_paths
from playhead.dialects.gemini.response import decode_events, parse_answer
from playhead.dialects.halves import Halves
from playhead.dialects.whole_body import WholeBody
from playhead.errors import CutStreamError, ModelError, ProtocolError
from playhead.events import ModelEvent
from playhead.framing.sse import ServerSentEvent, SSEDecoder
from playhead.response import Usage

_WHITE = b" \t\r\n"

#: How much of what came after the last event is looked through for an error.
_TAIL = 65536


class StreamDecoder:
    """The decoder of one streamed answer; see :class:`playhead.dialects.base.Decoder`."""

    __slots__ = (
        "_assembler",
        "_bytes",
        "_done",
        "_endpoint",
        "_error",
        "_halves",
        "_report",
        "_seen",
        "_sse",
        "_tail",
        "_whole",
        "unmodelled",
    )

    def __init__(self, endpoint: Endpoint, *, report: bool = False) -> None:
        self._assembler = Assembler(endpoint)
        self.unmodelled = self._assembler.unmodelled
        self._endpoint = endpoint
        self._report = report
        self._sse: SSEDecoder | None = None
        self._whole: WholeBody | None = None  # a body that is no stream
        self._halves: Halves | None = None  # None while every character was whole
        self._tail: list[bytes] = []  # what came since the last event
        self._bytes = 0
        self._error: ModelError | None = None
        self._seen = False  # whether the first chunk was looked through
        self._done = False

    @property
    def finished(self) -> bool:
        """Whether the answer is whole. This wire says so by closing alone: more may follow a finish reason."""
        return self._done

    @property
    def usage(self) -> Usage | None:
        """What the answer has counted of itself so far."""
        return self._assembler.usage

    def feed(self, data: bytes) -> list[ModelEvent]:
        """The events that these bytes complete.

        Raises:
            ModelError: the stream carries an error.
            ProtocolError: it is not what the protocol says; the message shows the chunk.
        """
        if self._error is not None:
            raise self._error
        self._bytes += len(data)
        events: list[ModelEvent] = []
        try:
            if self._sse is None:
                data = self._begin(data)
            if self._sse is not None:
                said = self._sse.feed(data)
                if said:
                    self._tail.clear()
                self._tail.append(data)
                for event in said:
                    self._take(event, events)
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
        if self._done:
            return []
        events: list[ModelEvent] = []
        try:
            if self._whole is not None:
                events, found = decode_events(self._whole.joined(), self._endpoint, report=True)
                self.unmodelled |= found
            else:
                self._finish(events)
        except ModelError as error:
            self._error = error
            raise
        self._done = True
        return events if self._halves is None else self._halves.join(events)

    def _finish(self, events: list[ModelEvent]) -> None:
        rest = self._sse.close() if self._sse is not None else None
        if rest is not None:
            try:
                self._take(rest, events)
            except (ProtocolError, CutStreamError):
                events.clear()  # the last line is torn: what it would have said is not known
        if not self._assembler.finish:
            error = self._bare_error()
            if error is not None:
                raise error
            raise CutStreamError(
                f"the stream ended after {self._bytes} bytes, before a finish reason",
                provider=self._endpoint.provider,
                request_id=self._assembler.id,
            )
        self._assembler.end(events)

    def _begin(self, data: bytes) -> bytes:
        """Look whether this is a stream at all; the bytes of it to go on with. White space before it says nothing."""
        if self._whole is None:
            data = data.lstrip(_WHITE)
            if data.startswith((b"{", b"[", b"<")):
                self._whole = WholeBody(self._endpoint)
            elif data:
                self._sse = SSEDecoder()
        if self._whole is not None:
            self._whole.append(data)
        return data

    def _take(self, event: ServerSentEvent, events: list[ModelEvent]) -> None:
        data = event.data
        if event.event == "error":
            error = decode_error(0, (), data, self._endpoint)
            raise error
        try:
            chunk = decode_answer(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if data.strip() in (b"", b"[DONE]"):
                return
            chunk = parse_answer(data, self._endpoint, "a chunk of an answer")
            self._halves = self._halves or Halves()
        assembler = self._assembler
        finish = assembler.finish
        assembler.take(chunk, data, events)
        if not self._seen or self._report or not chunk.candidates or assembler.finish != finish:
            self._seen = True
            self.unmodelled |= unmodelled_paths(data)

    def _bare_error(self) -> ModelError | None:
        """The error that stands after the last event as JSON of its own."""
        tail = b"".join(self._tail)[-_TAIL:]
        start = tail.rfind(b"{", 0, max(tail.rfind(b'"error"'), 0))
        if start < 0:
            return None
        body = tail[start:].rstrip(b"] \t\r\n")
        try:
            value = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return error_of(value, self._endpoint, status=None, body=body)


def decoder(endpoint: Endpoint, *, report: bool = False) -> StreamDecoder:
    """A decoder for one streamed answer; ``report`` looks at every chunk for what is not modelled."""
    return StreamDecoder(endpoint, report=report)
