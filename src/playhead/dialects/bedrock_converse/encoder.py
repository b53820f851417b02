"""Events to the bytes of a stream, as Bedrock writes one: the reverse of :mod:`.stream`.

Every part is a block. A citation is written into the text before it, whose end is therefore held back until something
else begins. A text or reasoning that never says anything is said once, empty, as the wire has no start for it. The
encrypted content of reasoning, a call's whole input and an image are one delta each.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.bedrock_converse.answer import encode_finish, encode_usage
from playhead.dialects.bedrock_converse.content import encode_citation, is_own
from playhead.dialects.bedrock_converse.errors import error_word
from playhead.dialects.bedrock_converse.response import encode_part
from playhead.errors import ModelError
from playhead.events import ModelEvent, PartDelta, PartEnd, PartStart, ResponseEnd, ResponseStart
from playhead.framing.aws_event_stream import EventMessage, encode_message
from playhead.messages import File, Native, Opaque, Part, Reasoning, Refusal, Source, Text, ToolCall

_encode = msgspec.json.Encoder().encode


class StreamEncoder:
    """The encoder of one streamed answer; see :class:`playhead.dialects.base.Encoder`."""

    __slots__ = ("_blocks", "_ended", "_parts", "_said", "_text")

    def __init__(self) -> None:
        self._blocks = 0
        self._parts: dict[int, tuple[int, Part]] = {}  # a part's number to its block's, and to the part
        self._said: set[int] = set()  # the blocks that have said something
        self._text = -1  # the block of the last text, -1 before the first
        self._ended: int | None = None  # a block whose end is held back

    def feed(self, event: ModelEvent) -> bytes:
        """The bytes that say this event; b"" when it waits for more, or says nothing on this wire."""
        match event:
            case ResponseStart():
                return _event("messageStart", role="assistant")
            case PartStart():
                return self._start(event.index, event.part)
            case PartDelta():
                return self._delta(event.index, event.text)
            case PartEnd():
                return self._end(event.index, event.opaque)
            case ResponseEnd():
                last = _event("messageStop", stopReason=encode_finish(event.finish))
                usage = encode_usage(event.usage)
                return self._release() + last + _event("metadata", usage=usage, metrics={"latencyMs": 0})

    def error(self, error: ModelError) -> bytes:
        """The end of a stream that failed on the way."""
        word = error_word(error)
        headers: Any = {
            ":exception-type": word[:1].lower() + word[1:],
            ":content-type": "application/json",
            ":message-type": "exception",
        }
        return encode_message(EventMessage(headers, _encode({"message": error.message})))

    def _release(self) -> bytes:
        """The end that was held back."""
        ended, self._ended = self._ended, None
        return b"" if ended is None else _event("contentBlockStop", contentBlockIndex=ended)

    def _start(self, index: int, part: Part) -> bytes:
        if isinstance(part, Source):
            if self._text < 0:
                return b""  # nothing was said that it could be cited for
            return _event("contentBlockDelta", contentBlockIndex=self._text, delta={"citation": encode_citation(part)})
        block = encode_part(part, [])
        if block is None:
            return b""
        number = self._blocks
        self._blocks += 1
        self._parts[index] = (number, part)
        if isinstance(part, Text | Refusal):
            released = self._release()
            self._text = number
            return released + (self._piece(number, text=part.text) if part.text else b"")
        return self._release() + self._begun(number, index, part, block)

    def _begun(self, number: int, index: int, part: Part, block: dict[str, Any]) -> bytes:
        match part:
            case Reasoning(text=text):
                return self._piece(number, reasoningContent={"text": text}) if text else b""
            case ToolCall(arguments=arguments):
                start = {key: value for key, value in block["toolUse"].items() if key != "input"}
                begun = _event("contentBlockStart", contentBlockIndex=number, start={"toolUse": start})
                return begun + (self._delta(index, arguments) if arguments else b"")
            case File() if "image" in block:
                start = {"format": block["image"]["format"]}
                begun = _event("contentBlockStart", contentBlockIndex=number, start={"image": start})
                rest = {key: value for key, value in block["image"].items() if key != "format"}
                return begun + self._piece(number, image=rest)
            case Native() if "toolUse" in block or "toolResult" in block:
                return self._verbatim(number, block, whole=False)
            case _:
                return _event("contentBlockStart", contentBlockIndex=number, start=block)

    def _verbatim(self, number: int, block: dict[str, Any], *, whole: bool) -> bytes:
        """The start of a block that is kept verbatim, or what it says after its start."""
        ((kind, inner),) = block.items()
        grows = "input" if kind == "toolUse" else "content"
        said = b""
        if not whole:
            start = {key: value for key, value in inner.items() if key != grows}
            said = _event("contentBlockStart", contentBlockIndex=number, start={kind: start})
        if not inner.get(grows):
            return said
        if kind == "toolUse":
            return said + self._piece(number, toolUse={"input": _encode(inner["input"]).decode()})
        return said + self._piece(number, toolResult=inner["content"])

    def _piece(self, number: int, **delta: Any) -> bytes:
        self._said.add(number)
        return _event("contentBlockDelta", contentBlockIndex=number, delta=delta)

    def _delta(self, index: int, text: str) -> bytes:
        if index not in self._parts:
            return b""
        number, part = self._parts[index]
        if isinstance(part, ToolCall):
            return self._piece(number, toolUse={"input": text})
        if isinstance(part, Reasoning):
            return self._piece(number, reasoningContent={"text": text})
        return self._piece(number, text=text)

    def _end(self, index: int, opaque: Opaque | None) -> bytes:
        if index not in self._parts:
            return b""
        number, part = self._parts.pop(index)
        data = b""
        value = opaque.value if opaque is not None and is_own(opaque) else None
        if isinstance(part, Reasoning):
            data = self._end_of_reasoning(number, part, value)
        elif isinstance(part, Native) and value is not None and ("toolUse" in value or "toolResult" in value):
            data = self._verbatim(number, value, whole=True)
        elif isinstance(part, Text | Refusal):
            if number not in self._said:
                data = self._piece(number, text="")
            released = self._release()
            self._ended = number
            return released + data
        return self._release() + data + _event("contentBlockStop", contentBlockIndex=number)

    def _end_of_reasoning(self, number: int, part: Reasoning, value: dict[str, Any] | None) -> bytes:
        if value is None and part.opaque is not None and is_own(part.opaque):
            value = part.opaque.value
        value = value or {}
        if "redactedContent" in value:
            return self._piece(number, reasoningContent={"redactedContent": value["redactedContent"]})
        if value.get("signature"):
            data = self._piece(number, reasoningContent={"text": ""}) if number not in self._said else b""
            return data + self._piece(number, reasoningContent={"signature": value["signature"]})
        return b"" if number in self._said else self._piece(number, reasoningContent={"text": ""})


def _event(kind: str, **payload: Any) -> bytes:
    headers: Any = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return encode_message(EventMessage(headers, _encode(payload)))


def encoder() -> StreamEncoder:
    """An encoder for one streamed answer."""
    return StreamEncoder()
