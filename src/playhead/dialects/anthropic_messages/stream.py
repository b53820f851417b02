r"""A streamed answer to events: ``feed(b'event: message_start\ndata: {…}\n\n') -> [ResponseStart(…)]``.

The rules:

- Events do not depend on how the bytes were cut. An error in the stream is raised only after the events before it were
  handed on: at once when the same call has none, else by the next ``feed`` or ``close``.
- A block is a part, and each of its citations is one more, which begins and ends when it comes.
- A block that is kept verbatim is begun as it stands at its start; the whole of it comes with its end.
- The end is ``message_stop``. A stream that closes without it is whole when a stop reason came, cut when none did.
- The same events come as server-sent events, and from Bedrock in Amazon's framing, each in base64; the first byte
  tells which. A server that does not stream although asked sends one JSON object: it is decoded as a whole answer.

``unmodelled`` is filled from the events that begin and end the answer; with ``report=True`` from every event, which
costs as much again as decoding. Reference: https://docs.claude.com/en/api/messages-streaming, as of 2026.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.anthropic_messages.answer import (
    Counts,
    WireDelta,
    WireEvent,
    counts_of,
    decode_event,
    finish_of,
    merge_counts,
    parts_of,
    usage_of,
)
from playhead.dialects.anthropic_messages.content import NAME, decode_citation, decode_container
from playhead.dialects.anthropic_messages.errors import read_error
from playhead.dialects.anthropic_messages.report import unmodelled_in_event
from playhead.dialects.anthropic_messages.response import decode_response
from playhead.dialects.arguments import encode_input
from playhead.dialects.base import Endpoint
from playhead.dialects.decoding import AnswerDecoder, Framing
from playhead.dialects.halves import Halves
from playhead.dialects.lenient import mended
from playhead.dialects.no_answer import not_expected
from playhead.errors import CutStreamError, ModelError
from playhead.events import ModelEvent, PartDelta, PartEnd, PartStart, ResponseEnd, ResponseStart
from playhead.fold import unfold
from playhead.framing.aws_event_stream import EventMessage, EventStreamDecoder
from playhead.framing.sse import ServerSentEvent, SSEDecoder
from playhead.messages import Native, Opaque, Part, Reasoning, ToolCall
from playhead.response import FinishReason, Usage
from playhead.surrogates import joined

_ANY_OBJECT = msgspec.json.Decoder(dict[str, Any]).decode


class _Chunk(msgspec.Struct, gc=False, rename={"data": "bytes"}):
    """The payload of one of Bedrock's messages: an event's JSON, in base64."""

    data: bytes


_decode_chunk = msgspec.json.Decoder(_Chunk).decode


class _Block:
    """A block while it arrives. ``value`` is what goes into its opaque at the end, None where it has none; ``input``
    the pieces of a verbatim block's input, ``signature`` those of a thought's; ``whole_input`` a call's, until a piece
    of it comes."""

    __slots__ = ("input", "part", "signature", "value", "whole_input")

    def __init__(self, part: int, value: dict[str, Any] | None, whole_input: str) -> None:
        self.part = part
        self.value = value
        self.whole_input = whole_input
        self.input: list[str] | None = None
        self.signature: list[str] = []


class StreamDecoder(AnswerDecoder):
    """The decoder of one streamed answer; see :class:`playhead.dialects.base.Decoder`."""

    __slots__ = ("_blocks", "_container", "_finish", "_parts", "_started", "_usage")

    BODIES = (b"{", b"[", b"<")
    LACKING = "a stop reason or message_stop"

    def __init__(self, endpoint: Endpoint, *, report: bool = False) -> None:
        super().__init__(endpoint, report=report)
        self._started = False
        self._parts = 0
        self._blocks: dict[int, _Block] = {}
        self._finish: FinishReason | None = None
        self._container: Any = None
        self._usage: Counts | None = None

    @property
    def usage(self) -> Usage | None:
        """What the answer has counted of itself so far."""
        return usage_of(self._usage)

    def _decode_whole(self, body: bytes) -> tuple[list[ModelEvent], frozenset[str]]:
        response, unmodelled = decode_response(body, self._endpoint, report=True)
        return unfold(response), unmodelled

    def _ended(self, events: list[ModelEvent]) -> bool:
        if self._finish is None:
            return False
        self._end(events)
        return True

    def _framing_of(self, data: bytes) -> Framing:
        if data.startswith(b"\0") or self._endpoint.profile.service == "bedrock":
            return EventStreamDecoder()
        return SSEDecoder()

    def _consume(self, framing: Framing, data: bytes, events: list[ModelEvent]) -> None:
        if isinstance(framing, SSEDecoder):
            super()._consume(framing, data, events)
            return
        for message in framing.feed(data):
            self._take_aws(message, events)

    def _take(self, event: ServerSentEvent, events: list[ModelEvent]) -> None:
        if event.event == "error" and not self._done:
            raise self._failed(event.data, "")
        self._take_data(event.data, events)

    def _take_aws(self, message: EventMessage, events: list[ModelEvent]) -> None:
        """One of Bedrock's messages: an event in base64, or an error by name."""
        if self._done:
            return
        kind = message.text(":message-type")
        if kind == "error":
            said = {"message": message.text(":error-message")}
            raise read_error(said, self._endpoint, message.payload, word=message.text(":error-code"))
        if kind == "exception":
            raise self._failed(message.payload, message.text(":exception-type"))
        try:
            data = _decode_chunk(message.payload).data
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise not_expected('{"bytes": …} in base64', message.payload, self._endpoint) from None
        self._take_data(data, events)

    def _failed(self, data: bytes, word: str) -> ModelError:
        try:
            value = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            value = data.decode("utf-8", "replace")
        error = read_error(value, self._endpoint, data, word=word)
        error.request_id = error.request_id or self._id
        return error

    def _take_data(self, data: bytes, events: list[ModelEvent]) -> None:
        if self._done:
            return
        try:
            self._read(decode_event(data), data, events)
        except (ValueError, RecursionError) as error:
            if data.strip() not in (b"", b"[DONE]"):  # some gateways end in OpenAI's word
                self._read_again(data, events, error)

    def _read_again(self, data: bytes, events: list[ModelEvent], problem: Exception) -> None:
        """An event that strict decoding refused, with half a character joined to what its delta says next; or the
        breach of the protocol that it is, which is raised."""
        try:
            value, whole = mended(data)
            event = decode_event(whole)
            if event.delta is not None:
                for name in ("text", "thinking", "partial_json"):
                    setattr(event.delta, name, value["delta"].get(name, ""))
            self._halves = self._halves or Halves()
            self._read(event, whole, events)
        except (ValueError, RecursionError):
            raise not_expected(f"an event of a message as JSON ({problem})", data, self._endpoint) from problem

    def _read(self, event: WireEvent, data: bytes, events: list[ModelEvent]) -> None:
        kind = event.type
        if kind == "content_block_delta":
            block = self._blocks.get(event.index)
            delta = event.delta
            if block is None or delta is None:
                raise not_expected("a delta of a block that has begun", data, self._endpoint)
            if delta.text and block.value is None:
                events.append(PartDelta(block.part, delta.text))
            else:
                self._delta(block, delta, data, events)
            if self._report:
                self.unmodelled |= unmodelled_in_event(data)
        elif kind == "content_block_start":
            self._block_start(event, data, events)
        elif kind == "content_block_stop":
            block = self._blocks.pop(event.index, None)
            if block is not None:
                self._block_stop(block, events)
        else:
            self._take_other(event, data, events)

    def _take_other(self, event: WireEvent, data: bytes, events: list[ModelEvent]) -> None:
        """What is about the message and not about one of its blocks; an event of an unknown type is skipped, as the
        documentation asks, and reported."""
        if event.type == "error" or (not event.type and event.error):
            raise self._failed(data, "")
        if event.type == "ping":
            return
        self.unmodelled |= unmodelled_in_event(data)
        if event.type == "message_start":
            self._start(event, events)
        elif event.type == "message_delta":
            if event.delta is not None:
                self._container = event.delta.container or self._container
                if event.delta.stop_reason is not None:
                    self._finish = finish_of(event.delta.stop_reason)
            self._usage = merge_counts(self._usage, counts_of(event.usage))
        elif event.type == "message_stop":
            if not self._started:
                raise CutStreamError("the stream ended before it said anything", provider=self._endpoint.provider)
            self._end(events)
        else:
            self.unmodelled.add(f"event {event.type or 'without a type'}")

    def _start(self, event: WireEvent, events: list[ModelEvent]) -> None:
        if self._started:
            return
        self._started = True
        message = event.message
        if message is None:
            events.append(ResponseStart())
            return
        self._id = message.id or None
        events.append(ResponseStart(self._id, message.model or None))
        self._usage = counts_of(message.usage)
        self._container = message.container
        if message.stop_reason is not None:
            self._finish = finish_of(message.stop_reason)

    def _block_start(self, event: WireEvent, data: bytes, events: list[ModelEvent]) -> None:
        if not self._started:
            self._start(event, events)
        parts = parts_of(event.content_block)
        if not parts:
            raise not_expected("a block of content", data, self._endpoint)
        part, whole_input = parts[0], ""
        value: dict[str, Any] | None = None
        if isinstance(part, ToolCall):
            whole_input = part.arguments
            part = msgspec.structs.replace(part, arguments="")
        elif isinstance(part, Native):
            value = dict(part.opaque.value)  # a copy: what was handed on does not change any more
        elif isinstance(part, Reasoning) and part.opaque is not None and "type" not in part.opaque.value:
            value = part.opaque.value
            part = Reasoning(part.text)
        self._blocks[event.index] = _Block(self._begin_part(part, events), value, whole_input)
        for source in parts[1:]:
            self._source(source, events)
        if self._report:
            self.unmodelled |= unmodelled_in_event(data)

    def _delta(self, block: _Block, delta: WireDelta, data: bytes, events: list[ModelEvent]) -> None:
        kind = delta.type
        if kind == "thinking_delta":
            if delta.thinking:
                events.append(PartDelta(block.part, delta.thinking))
        elif kind == "input_json_delta":
            if block.value is not None:
                block.input = block.input or []
                block.input.append(delta.partial_json)
            elif delta.partial_json:
                block.whole_input = ""
                events.append(PartDelta(block.part, delta.partial_json))
        elif kind == "signature_delta" and block.value is not None:
            block.signature.append(delta.signature)
        elif kind == "citations_delta":
            citation = msgspec.json.decode(delta.citation or b"null")
            if isinstance(citation, dict):
                self._source(decode_citation(citation), events)
        elif kind == "compaction_delta" and block.value is not None:
            said = _ANY_OBJECT(data)["delta"]
            block.value.update((key, value) for key, value in said.items() if key != "type" and value is not None)
        elif kind != "text_delta" or delta.text:
            self.unmodelled.add(f"delta of type {kind}")

    def _block_stop(self, block: _Block, events: list[ModelEvent]) -> None:
        if block.whole_input:
            events.append(PartDelta(block.part, block.whole_input))
        value = block.value
        if value is not None and block.signature:
            value["signature"] = "".join((value.get("signature") or "", *block.signature))
        if value is not None and block.input is not None:
            said = joined("".join(block.input))
            if said:
                whole = encode_input(said)[0]
                value["input"] = msgspec.json.decode(whole) if isinstance(whole, msgspec.Raw) else whole
        events.append(PartEnd(block.part, None if value is None else Opaque(NAME, value)))

    def _source(self, source: Part, events: list[ModelEvent]) -> None:
        events.append(PartEnd(self._begin_part(source, events)))

    def _begin_part(self, part: Part, events: list[ModelEvent]) -> int:
        number = self._parts
        self._parts = number + 1
        events.append(PartStart(number, part))
        return number

    def _end(self, events: list[ModelEvent]) -> None:
        self._done = True
        for block in self._blocks.values():
            self._block_stop(block, events)
        for part in decode_container(self._container):
            events.append(PartEnd(self._begin_part(part, events)))
        events.append(ResponseEnd(self._finish or FinishReason("other"), usage_of(self._usage)))


def decoder(endpoint: Endpoint, *, report: bool = False) -> StreamDecoder:
    """A decoder for one streamed answer; ``report`` looks at every event for what is not modelled."""
    return StreamDecoder(endpoint, report=report)
