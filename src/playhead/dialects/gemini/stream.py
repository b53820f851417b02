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

from typing import Any

import msgspec

from playhead.dialects.base import Endpoint
from playhead.dialects.decoding import AnswerDecoder, Framing
from playhead.dialects.gemini.answer import decode_answer
from playhead.dialects.gemini.assemble import Assembler
from playhead.dialects.gemini.errors import decode_error, error_of
from playhead.dialects.gemini.report import unmodelled_paths
from playhead.dialects.gemini.response import decode_events, parse_answer
from playhead.dialects.halves import Halves
from playhead.errors import CutStreamError, ModelError, ProtocolError
from playhead.events import ModelEvent
from playhead.framing.sse import ServerSentEvent
from playhead.response import Usage

#: How much of what came after the last event is looked through for an error.
_TAIL = 65536


class StreamDecoder(AnswerDecoder):
    """The decoder of one streamed answer; see :class:`playhead.dialects.base.Decoder`."""

    __slots__ = ("_assembler", "_seen", "_tail")

    BODIES = (b"{", b"[", b"<")
    LACKING = "a finish reason"
    TORN = (ProtocolError, CutStreamError)

    def __init__(self, endpoint: Endpoint, *, report: bool = False) -> None:
        super().__init__(endpoint, report=report)
        self._assembler = Assembler(endpoint)
        self.unmodelled = self._assembler.unmodelled
        self._tail: list[bytes] = []  # what came since the last event
        self._seen = False  # whether the first chunk was looked through

    @property
    def usage(self) -> Usage | None:
        """What the answer has counted of itself so far."""
        return self._assembler.usage

    def _consume(self, framing: Framing, data: bytes, events: list[ModelEvent]) -> None:
        said: list[Any] = framing.feed(data)
        if said:
            self._tail.clear()
        self._tail.append(data)
        for event in said:
            self._take(event, events)

    def _decode_whole(self, body: bytes) -> tuple[list[ModelEvent], set[str]]:
        return decode_events(body, self._endpoint, report=True)

    def _answer_id(self) -> str | None:
        return self._assembler.id

    def _ended(self, events: list[ModelEvent]) -> bool:
        if not self._assembler.finish:
            error = self._bare_error()
            if error is not None:
                raise error
            return False
        self._assembler.end(events)
        self._done = True
        return True

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
