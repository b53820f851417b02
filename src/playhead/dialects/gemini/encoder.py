r"""Events to a streamed answer: ``feed(PartDelta(0, "Hi")) -> b'data: {"candidates": …}\r\n\r\n'``.

Text and thoughts leave as they come. A call leaves when it is whole, because the wire has it whole; so do a text and a
thought that carry a signature, which must stand on one part. The finish chunk carries the usage and the sources; there
is no ``[DONE]``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.gemini.answer import encode_finish, encode_usage
from playhead.dialects.gemini.errors import error_object
from playhead.dialects.gemini.grounding import encode_sources
from playhead.dialects.gemini.parts import own
from playhead.dialects.gemini.response import answer_head, encode_part
from playhead.errors import ModelError
from playhead.events import ModelEvent, PartDelta, PartEnd, PartStart, ResponseEnd, ResponseStart
from playhead.messages import Part, Reasoning, Refusal, Source, Text, ToolCall

_encode = msgspec.json.Encoder().encode


class StreamEncoder:
    """The encoder of one streamed answer; see :class:`playhead.dialects.base.Encoder`."""

    __slots__ = ("_head", "_held", "_open", "_said", "_sources")

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._open: dict[int, Part] = {}
        self._held: dict[int, list[str]] = {}  # the pieces of parts that leave whole
        self._said: list[str] = []
        self._sources: list[Source] = []

    def feed(self, event: ModelEvent) -> bytes:
        """The bytes that say this event; b"" when it waits for more."""
        match event:
            case ResponseStart():
                self._head = answer_head(event.id, event.model, event.created)
                return b""
            case PartStart():
                return self._start(event.index, event.part)
            case PartDelta():
                return self._delta(event.index, event.text)
            case PartEnd():
                return self._end(event)
            case ResponseEnd():
                candidate: dict[str, Any] = {
                    "content": {"parts": [{"text": ""}], "role": "model"},
                    "finishReason": encode_finish(event.finish),
                    "index": 0,
                    **encode_sources(self._sources, "".join(self._said)),
                }
                body: dict[str, Any] = {"candidates": [candidate]}
                if event.usage is not None:
                    body["usageMetadata"] = encode_usage(event.usage)
                return b"data: %b\r\n\r\n" % _encode({**body, **self._head})

    def error(self, error: ModelError) -> bytes:
        """The end of a stream that failed on the way."""
        return b"data: %b\r\n\r\n" % _encode({"error": error_object(error)})

    def _chunk(self, part: dict[str, Any] | None) -> bytes:
        if part is None:
            return b""
        candidate = {"content": {"parts": [part], "role": "model"}, "index": 0}
        return b"data: %b\r\n\r\n" % _encode({"candidates": [candidate], **self._head})

    def _start(self, index: int, part: Part) -> bytes:
        if isinstance(part, Source):
            self._sources.append(part)
            return b""
        self._open[index] = part
        if isinstance(part, ToolCall) or (isinstance(part, Text | Reasoning) and own(part.opaque)):
            self._held[index] = [part.arguments if isinstance(part, ToolCall) else part.text]
            return b""
        if isinstance(part, Text):
            self._said.append(part.text)
        return self._chunk(encode_part(part))

    def _delta(self, index: int, text: str) -> bytes:
        if index in self._held:
            self._held[index].append(text)
            return b""
        match self._open.get(index):
            case Text():
                self._said.append(text)
                return self._chunk({"text": text})
            case Refusal():
                return self._chunk({"text": text})
            case Reasoning():
                return self._chunk({"text": text, "thought": True})
            case _:
                return b""

    def _end(self, event: PartEnd) -> bytes:
        part = self._open.pop(event.index, None)
        held = "".join(self._held.pop(event.index, ()))
        match part:
            case ToolCall():
                opaque = event.opaque or part.opaque
                return self._chunk(encode_part(msgspec.structs.replace(part, arguments=held, opaque=opaque)))
            case Text() if own(part.opaque):
                self._said.append(held)
                return self._chunk(encode_part(msgspec.structs.replace(part, text=held)))
            case Reasoning() if own(part.opaque):
                return self._chunk(encode_part(msgspec.structs.replace(part, text=held)))
            case _:
                return b""


def encoder() -> StreamEncoder:
    """An encoder for one streamed answer."""
    return StreamEncoder()
