r"""A streamed answer to events: ``feed(b"\0\0\0\x81\0\0\0R…") -> [ResponseStart(), PartStart(0, Text("")), …]``.

Each message of Amazon's framing is one event, named by its header ``:event-type``; its payload is JSON. The rules:

- Events do not depend on how the bytes were cut. An error in the stream is raised only after the events before it were
  handed on: at once when the same call has none, else by the next ``feed`` or ``close``.
- A block is a part, as :mod:`.blocks` has it.
- ``messageStop`` brings the stop reason, and ``metadata``, the last, the usage. A stream that closes between the two is
  whole, without usage; one that closes before the first was cut.
- An error is a message of the type "exception", named by ``:exception-type``.
- A server that does not stream although asked sends one JSON object: it is decoded as a whole answer.

``unmodelled`` is filled from the events that begin and end the answer; with ``report=True`` from every event, which
costs as much again as decoding. Reference: ConverseStreamOutput of the API.
"""

from __future__ import annotations

from msgspec import UNSET

from playhead.dialects.base import Endpoint
from playhead.dialects.bedrock_converse.answer import WireEvent, decode_event, finish_of, usage_of
from playhead.dialects.bedrock_converse.blocks import Blocks
from playhead.dialects.bedrock_converse.errors import read_error
from playhead.dialects.bedrock_converse.report import unmodelled_in_event
from playhead.dialects.bedrock_converse.response import decode_response
from playhead.dialects.decoding import AnswerDecoder, Framing
from playhead.dialects.halves import Halves
from playhead.dialects.lenient import mended
from playhead.dialects.no_answer import not_expected
from playhead.dialects.refusal_text import read_body
from playhead.events import ModelEvent, PartDelta, ResponseEnd, ResponseStart
from playhead.fold import unfold
from playhead.framing.aws_event_stream import EventMessage, EventStreamDecoder
from playhead.response import FinishReason, Usage


class StreamDecoder(AnswerDecoder):
    """The decoder of one streamed answer; see :class:`playhead.dialects.base.Decoder`."""

    __slots__ = ("_blocks", "_finish", "_metadata", "_started", "_usage")

    BODIES = (b"{", b"[", b"<")
    LACKING = "its messageStop"

    def __init__(self, endpoint: Endpoint, *, report: bool = False) -> None:
        super().__init__(endpoint, report=report)
        self._started = False
        self._blocks = Blocks()
        self._finish: FinishReason | None = None
        self._metadata = False
        self._usage: Usage | None = None

    @property
    def usage(self) -> Usage | None:
        """What the answer has counted of itself so far; it does so at its very end."""
        return self._usage

    def _decode_whole(self, body: bytes) -> tuple[list[ModelEvent], frozenset[str]]:
        response, unmodelled = decode_response(body, self._endpoint, report=True)
        return unfold(response), unmodelled

    def _ended(self, events: list[ModelEvent]) -> bool:
        if self._finish is None:
            return False
        self._end(events)
        return True

    def _framing_of(self, data: bytes) -> Framing:
        return EventStreamDecoder()

    def _take(self, message: EventMessage, events: list[ModelEvent]) -> None:
        if self._done:
            return
        kind = message.text(":message-type")
        if kind == "error":
            said = {"message": message.text(":error-message")}
            raise read_error(said, self._endpoint, message.payload, word=message.text(":error-code"))
        if kind == "exception":
            value = read_body(message.payload)
            raise read_error(value, self._endpoint, message.payload, word=message.text(":exception-type"))
        name, data = message.text(":event-type"), message.payload
        try:
            self._read(name, decode_event(data), data, events)
        except (ValueError, RecursionError) as error:
            self._read_again(name, data, events, error)

    def _read_again(self, name: str, data: bytes, events: list[ModelEvent], problem: Exception) -> None:
        """An event that strict decoding refused, with half a character joined to what its delta says next; or the
        breach of the protocol that it is, which is raised."""
        try:
            value, whole = mended(data)
            event = decode_event(whole)
            if event.delta is not None:
                said = value["delta"]
                if event.delta.text is not UNSET:
                    event.delta.text = said["text"]
                if event.delta.tool_use is not None:
                    event.delta.tool_use.input = said["toolUse"].get("input", "")
                if event.delta.reasoning_content is not None:
                    event.delta.reasoning_content.text = said["reasoningContent"].get("text", "")
            self._halves = self._halves or Halves()
            self._read(name, event, whole, events)
        except (ValueError, RecursionError):
            raise not_expected(f"an event {name} as JSON ({problem})", data, self._endpoint) from problem

    def _read(self, name: str, event: WireEvent, data: bytes, events: list[ModelEvent]) -> None:
        if name == "contentBlockDelta":
            index, delta = event.content_block_index, event.delta
            if delta is None or index < 0:
                raise not_expected("a delta of a block", data, self._endpoint)
            part = self._blocks.open_text(index)
            if part >= 0 and delta.text:  # most events are this one
                events.append(PartDelta(part, delta.text))
            else:
                self._start(events)
                if not self._blocks.delta(index, delta, events):
                    raise not_expected("a delta of a block that has begun", data, self._endpoint)
            if self._report:
                self._look(data)
        elif name == "contentBlockStart":
            self._start(events)
            if not self._blocks.start(event.content_block_index, event.start, events):
                raise not_expected("the start of a block", data, self._endpoint)
            if self._report:
                self._look(data)
        elif name == "contentBlockStop":
            self._blocks.stop(event.content_block_index, events)
        else:
            self._take_other(name, event, data, events)

    def _take_other(self, name: str, event: WireEvent, data: bytes, events: list[ModelEvent]) -> None:
        """What is about the message and not about one of its blocks; an event of an unknown type is skipped, and
        reported."""
        self._look(data)
        if name == "messageStart":
            self._start(events)
        elif name == "messageStop":
            self._finish = finish_of(event.stop_reason)
        elif name == "metadata":
            self._metadata, self._usage = True, usage_of(event.usage)
        else:
            self.unmodelled.add(f"event {name or 'without a type'}")
        if self._finish is not None and self._metadata:
            self._end(events)

    def _look(self, data: bytes) -> None:
        self.unmodelled |= unmodelled_in_event(data)

    def _start(self, events: list[ModelEvent]) -> None:
        if not self._started:
            self._started = True
            events.append(ResponseStart())

    def _end(self, events: list[ModelEvent]) -> None:
        self._done = True
        self._start(events)
        self._blocks.end(events)
        events.append(ResponseEnd(self._finish or FinishReason("other"), self._usage))


def decoder(endpoint: Endpoint, *, report: bool = False) -> StreamDecoder:
    """A decoder for one streamed answer; ``report`` looks at every event for what is not modelled."""
    return StreamDecoder(endpoint, report=report)
