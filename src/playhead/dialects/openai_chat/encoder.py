"""Events to the bytes of a stream, as OpenRouter writes one: the reverse of :mod:`.stream`.

Chunk by chunk, nothing is held back but what the wire wants whole: a part's data that comes at its end (signatures) is
written then. The last chunk has the finish reason and, where it is known, usage; then comes ``data: [DONE]``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.openai_chat.content import NAME, encode_file
from playhead.dialects.openai_chat.errors import error_object
from playhead.dialects.openai_chat.response import (
    answer_head,
    encode_call,
    encode_finish,
    encode_reasoning,
    encode_source,
    encode_usage,
)
from playhead.errors import ModelError
from playhead.events import ModelEvent, PartDelta, PartEnd, PartStart, ResponseEnd, ResponseStart
from playhead.messages import File, Native, Opaque, Part, Reasoning, Refusal, Source, Text, ToolCall, ToolResult

_encode = msgspec.json.Encoder(decimal_format="number").encode

DONE = b"data: [DONE]\n\n"


class StreamEncoder:
    """The encoder of one streamed answer; see :class:`playhead.dialects.base.Encoder`."""

    __slots__ = ("_calls", "_head", "_parts")

    def __init__(self) -> None:
        self._head = answer_head(None, None, None, None, "chat.completion.chunk")
        self._parts: dict[int, Part] = {}
        self._calls: dict[int, int] = {}  # a call's part number to its index among the calls

    def feed(self, event: ModelEvent) -> bytes:
        """The bytes that say this event; b"" when it says nothing on this wire."""
        match event:
            case ResponseStart():
                self._head = answer_head(event.id, event.model, event.provider, event.created, "chat.completion.chunk")
                return self._chunk({"role": "assistant", "content": ""})
            case PartStart():
                self._parts[event.index] = event.part
                return self._start(event.index, event.part)
            case PartDelta():
                return self._delta(event.index, event.text)
            case PartEnd():
                return b"" if event.opaque is None else self._data(event.index, event.opaque)
            case ResponseEnd():
                choice = {"index": 0, "delta": {}, **encode_finish(event.finish)}
                body: dict[str, Any] = {**self._head, "choices": [choice]}
                if event.usage is not None:
                    body["usage"] = encode_usage(event.usage)
                return b"data: %b\n\n%b" % (_encode(body), DONE)

    def error(self, error: ModelError) -> bytes:
        """The end of a stream that failed on the way: an error, and finish reason ``error``."""
        choice = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": "error"}
        body = {**self._head, "error": error_object(error), "choices": [choice]}
        return b"data: %b\n\n" % _encode(body)

    def _chunk(self, delta: dict[str, Any]) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        return b"data: %b\n\n" % _encode({**self._head, "choices": [choice]})

    def _start(self, index: int, part: Part) -> bytes:
        match part:
            case Text(text=text):
                return self._chunk({"content": text}) if text else b""
            case Refusal(text=text):
                return self._chunk({"refusal": text}) if text else b""
            case Reasoning(text=text, opaque=opaque):
                return self._chunk(encode_reasoning(text, opaque)) if text or opaque is not None else b""
            case ToolCall():
                position = self._calls[index] = len(self._calls)
                return self._chunk({"content": None, "tool_calls": [encode_call(part, position, self._head.get("id"))]})
            case File():
                image = encode_file(part)
                return b"" if image is None else self._chunk({"images": [image]})
            case Source():
                return self._chunk({"annotations": [encode_source(part)]})
            case ToolResult() | Native():
                return b""  # no model answers with the one, and another wire's own cannot be said on this one

    def _delta(self, index: int, text: str) -> bytes:
        match self._parts.get(index):
            case Text():
                return self._chunk({"content": text})
            case Refusal():
                return self._chunk({"refusal": text})
            case Reasoning():
                return self._chunk({"reasoning": text})
            case ToolCall():
                call = {"index": self._calls[index], "function": {"arguments": text}}
                return self._chunk({"content": None, "tool_calls": [call]})
            case _:
                return b""

    def _data(self, index: int, opaque: Opaque) -> bytes:
        if opaque.origin != NAME:
            return b""
        match self._parts.get(index):
            case Reasoning():
                return self._details(opaque)
            case ToolCall():
                return self._chunk({"tool_calls": [{"index": self._calls[index], **opaque.value}]})
            case _:
                return b""

    def _details(self, opaque: Opaque) -> bytes:
        """Details at a part's end: their words were streamed already, so they stand beside an empty text."""
        return self._chunk({"reasoning": "", "reasoning_details": opaque.value})


def encoder() -> StreamEncoder:
    """An encoder for one streamed answer."""
    return StreamEncoder()
