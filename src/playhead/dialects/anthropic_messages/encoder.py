"""Events to the bytes of a stream, as Anthropic's API writes one, or Bedrock: the reverse of :mod:`.stream`.

Every part is a block. Blocks of this wire stand one after another as a rule, but each event names its own, so parts
that overlap are written as they come. A citation is written into the text before it, whose end is therefore held back
until something else begins. Usage comes with the end; what a server of this wire says of it at the start is zeros.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from playhead.dialects.anthropic_messages.answer import encode_finish, encode_usage
from playhead.dialects.anthropic_messages.content import container_of, is_own
from playhead.dialects.anthropic_messages.errors import encode_error
from playhead.dialects.anthropic_messages.response import encode_citation, encode_part, message_head
from playhead.dialects.base64_text import encode_base64
from playhead.errors import ModelError
from playhead.events import ModelEvent, PartDelta, PartEnd, PartStart, ResponseEnd, ResponseStart
from playhead.framing.aws_event_stream import EventMessage, encode_message
from playhead.framing.sse import encode_sse
from playhead.messages import Native, Opaque, Part, Reasoning, Source, Text, ToolCall

_encode = msgspec.json.Encoder().encode


class StreamEncoder:
    """The encoder of one streamed answer; see :class:`playhead.dialects.base.Encoder`."""

    __slots__ = ("_aws", "_blocks", "_container", "_ended", "_parts", "_text")

    def __init__(self, *, aws: bool = False) -> None:
        self._aws = aws
        self._blocks = 0
        self._parts: dict[int, tuple[int, Part]] = {}  # a part's number to its block's, and to the part
        self._container: dict[str, Any] | None = None
        self._text = -1  # the block of the last text, -1 before the first
        self._ended: int | None = None  # a block whose end is held back

    def feed(self, event: ModelEvent) -> bytes:
        """The bytes that say this event; b"" when it waits for more, or says nothing on this wire."""
        match event:
            case ResponseStart():
                message = message_head(event.id, event.model)
                message |= {"content": [], "stop_reason": None, "stop_sequence": None, "usage": encode_usage(None)}
                return self._event("message_start", message=message)
            case PartStart():
                return self._start(event.index, event.part)
            case PartDelta():
                return self._delta(event.index, event.text)
            case PartEnd():
                return self._end(event.index, event.opaque)
            case ResponseEnd():
                delta: dict[str, Any] = {"stop_reason": encode_finish(event.finish), "stop_sequence": None}
                if self._container is not None:
                    delta["container"] = self._container
                last = self._event("message_delta", delta=delta, usage=encode_usage(event.usage))
                return self._release() + last + self._event("message_stop")

    def error(self, error: ModelError) -> bytes:
        """The end of a stream that failed on the way."""
        data = encode_error(error)
        return self._framed(data) if self._aws else encode_sse(data, "error")

    def _event(self, kind: str, **fields: Any) -> bytes:
        data = _encode({"type": kind, **fields})
        return self._framed(data) if self._aws else b"event: %b\ndata: %b\n\n" % (kind.encode(), data)

    def _framed(self, data: bytes) -> bytes:
        headers: Any = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
        payload = _encode({"bytes": encode_base64(data)})
        return encode_message(EventMessage(headers, payload))

    def _release(self) -> bytes:
        """The end that was held back."""
        ended, self._ended = self._ended, None
        return b"" if ended is None else self._event("content_block_stop", index=ended)

    def _start(self, index: int, part: Part) -> bytes:
        if isinstance(part, Source):
            if self._text < 0:
                return b""  # nothing was said that it could be cited for
            return self._block_delta(self._text, type="citations_delta", citation=encode_citation(part))
        self._container = container_of(part) or self._container
        block = encode_part(part)
        if block is None:
            return b""
        number = self._blocks
        self._blocks += 1
        self._parts[index] = (number, part)
        released = self._release()
        if block["type"] == "text":
            self._text = number
        pieces = b""
        if isinstance(part, ToolCall):
            block["input"] = {}
            if part.arguments:
                pieces = self._delta(index, part.arguments)
        return released + self._event("content_block_start", index=number, content_block=block) + pieces

    def _block_delta(self, number: int, **delta: Any) -> bytes:
        return self._event("content_block_delta", index=number, delta=delta)

    def _delta(self, index: int, text: str) -> bytes:
        if index not in self._parts:
            return b""
        number, part = self._parts[index]
        if isinstance(part, ToolCall):
            return self._block_delta(number, type="input_json_delta", partial_json=text)
        if isinstance(part, Reasoning):
            return self._block_delta(number, type="thinking_delta", thinking=text)
        return self._block_delta(number, type="text_delta", text=text)

    def _end(self, index: int, opaque: Opaque | None) -> bytes:
        if index not in self._parts:
            return b""
        number, part = self._parts.pop(index)
        released = self._release()
        data = b""
        if opaque is not None and is_own(opaque):
            if isinstance(part, Reasoning) and opaque.value.get("signature"):
                data = self._block_delta(number, type="signature_delta", signature=opaque.value["signature"])
            elif isinstance(part, Native) and opaque.value.get("input"):
                said = _encode(opaque.value["input"]).decode()
                data = self._block_delta(number, type="input_json_delta", partial_json=said)
        if isinstance(part, Text):
            self._ended = number
            return released + data
        return released + data + self._event("content_block_stop", index=number)


def encoder(*, framing: Literal["sse", "aws"] = "sse") -> StreamEncoder:
    """An encoder for one streamed answer, as server-sent events or in Amazon's framing."""
    return StreamEncoder(aws=framing == "aws")
