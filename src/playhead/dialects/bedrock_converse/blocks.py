"""The blocks of a streamed answer while they grow: starts, deltas and stops to events.

A call says its name at a start. A text or reasoning has none: it begins with its first delta, and what kind it is shows
there. An image has to be whole before a File can hold it, so its part begins at its stop. A block that is kept verbatim
is begun as it stands at its start; the whole of it comes with its end. Each citation of a text is a part of its own,
which begins and ends when it comes.
"""

from __future__ import annotations

import binascii
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET

from playhead.dialects.arguments import encode_input
from playhead.dialects.base64_text import encode_base64
from playhead.dialects.bedrock_converse.answer import WireDelta, WireReasoning
from playhead.dialects.bedrock_converse.content import decode_block, decode_citation, kept
from playhead.dialects.bedrock_converse.files import NAME
from playhead.events import ModelEvent, PartDelta, PartEnd, PartStart
from playhead.messages import Opaque, Part, Reasoning, Text, ToolCall
from playhead.surrogates import joined

Kind: TypeAlias = Literal["text", "reasoning", "call", "verbatim", "image"]


class Block:
    """One block. ``part`` is its part's number, -1 while it has none; ``value`` what is kept verbatim of it."""

    __slots__ = ("input", "kind", "part", "pieces", "signature", "value")

    def __init__(self, kind: Kind, part: int, value: dict[str, Any]) -> None:
        self.kind = kind
        self.part = part
        self.value = value
        self.input = False  # whether a piece of a call's input has come
        self.pieces: list[str] = []  # of a verbatim call's input, of encrypted reasoning, of an image
        self.signature: list[str] = []


class Blocks:
    """The blocks of one answer, by the wire's index, and how many parts there are."""

    __slots__ = ("_open", "_parts")

    def __init__(self) -> None:
        self._open: dict[int, Block] = {}
        self._parts = 0

    def open_text(self, index: int) -> int:
        """The number of the part of a text that has begun at this index; -1 where another kind of block is there."""
        block = self._open.get(index)
        return block.part if block is not None and block.kind == "text" else -1

    def start(self, index: int, raw: msgspec.Raw, events: list[ModelEvent]) -> bool:
        """A block begins. False where its start is not of its shape."""
        start = msgspec.json.decode(raw) if raw else {}
        if not isinstance(start, dict):
            return False
        self.stop(index, events)
        match start:
            case {"toolUse": {"toolUseId": str(identifier), "name": str(name), **rest}} if "type" not in rest:
                opaque = Opaque(NAME, rest) if rest else None
                self._begin(index, "call", ToolCall(identifier, name, "", None, opaque), start, events)
            case {"toolUse": inner} if not isinstance(inner, dict) or "type" not in inner:
                return False
            case {"image": dict()}:
                self._open[index] = Block("image", -1, start)
            case {**rest} if rest and isinstance(next(iter(rest.values())), dict):
                # a copy: what was handed on does not change any more
                self._begin(index, "verbatim", kept(start), msgspec.json.decode(raw), events)
        return True

    def delta(self, index: int, delta: WireDelta, events: list[ModelEvent]) -> bool:
        """A block grows. False where the delta is of no block that it could be of."""
        if delta.text is not UNSET:
            part = self._of(index, "text", events).part
            if delta.text:
                events.append(PartDelta(part, delta.text))
        elif delta.reasoning_content is not None:
            _reason(self._of(index, "reasoning", events), delta.reasoning_content, events)
        elif delta.citation:
            self._of(index, "text", events)
            citation = msgspec.json.decode(delta.citation)
            if isinstance(citation, dict):
                events.append(PartEnd(self._number(decode_citation(citation), events)))
        elif delta.tool_use is not None:
            block = self._open.get(index)
            if block is None or block.kind not in ("call", "verbatim"):
                return False
            if block.kind == "verbatim":
                block.pieces.append(delta.tool_use.input)
            elif delta.tool_use.input:
                block.input = True
                events.append(PartDelta(block.part, delta.tool_use.input))
        elif delta.tool_result:
            return self._result(index, msgspec.json.decode(delta.tool_result))
        elif delta.image:
            return self._image(index, msgspec.json.decode(delta.image))
        return True

    def stop(self, index: int, events: list[ModelEvent]) -> None:
        """A block ends; one that never began ends in silence."""
        block = self._open.pop(index, None)
        if block is None:
            return
        value: dict[str, Any] | None = None
        if block.kind == "call" and not block.input:
            events.append(PartDelta(block.part, "{}"))  # as an answer that came whole says it
        elif block.kind == "reasoning":
            value = _reasoned(block)
        elif block.kind == "verbatim":
            value = _verbatim(block)
        elif block.kind == "image":
            self._end_image(block, events)
            return
        events.append(PartEnd(block.part, None if value is None else Opaque(NAME, value)))

    def end(self, events: list[ModelEvent]) -> None:
        """The answer ends, and with it what has not ended."""
        for index in list(self._open):
            self.stop(index, events)

    def _number(self, part: Part, events: list[ModelEvent]) -> int:
        number = self._parts
        self._parts = number + 1
        events.append(PartStart(number, part))
        return number

    def _begin(self, index: int, kind: Kind, part: Part, value: dict[str, Any], events: list[ModelEvent]) -> Block:
        block = self._open[index] = Block(kind, self._number(part, events), value)
        return block

    def _of(self, index: int, kind: Literal["text", "reasoning"], events: list[ModelEvent]) -> Block:
        """The block of this index and kind; it begins here where there is none, and another kind's ends."""
        block = self._open.get(index)
        if block is not None and block.kind == kind:
            return block
        self.stop(index, events)
        return self._begin(index, kind, Text("") if kind == "text" else Reasoning(), {}, events)

    def _result(self, index: int, said: Any) -> bool:
        """What a tool that the provider runs gave back: texts are joined, all else stands after them."""
        block = self._open.get(index)
        inner = block.value.get("toolResult") if block is not None and block.kind == "verbatim" else None
        if block is None or not isinstance(inner, dict) or not isinstance(said, list):
            return False
        content = inner.setdefault("content", [])
        for piece in said:
            text = piece.get("text") if isinstance(piece, dict) else None
            if isinstance(text, str):
                if not block.pieces:
                    content.append({"text": ""})
                block.pieces.append(text)
                continue
            _join_text(block, content)
            content.append(piece)
        return True

    def _image(self, index: int, said: Any) -> bool:
        block = self._open.get(index)
        if block is None or block.kind != "image" or not isinstance(said, dict):
            return False
        match said:
            case {"source": {"bytes": str(data)}}:
                block.pieces.append(data)
            case _:
                block.value["image"].update(said)
        return True

    def _end_image(self, block: Block, events: list[ModelEvent]) -> None:
        if block.pieces:
            block.value["image"]["source"] = {"bytes": _joined_bytes(block.pieces)}
        for part in decode_block(block.value) or [kept(block.value)]:
            events.append(PartEnd(self._number(part, events)))


def _reason(block: Block, delta: WireReasoning, events: list[ModelEvent]) -> None:
    if delta.text:
        events.append(PartDelta(block.part, delta.text))
    if delta.signature:
        block.signature.append(delta.signature)
    if delta.redacted_content is not None:
        block.pieces.append(delta.redacted_content)


def _reasoned(block: Block) -> dict[str, Any]:
    """The opaque of reasoning that has ended."""
    if block.pieces:
        return {"redactedContent": _joined_bytes(block.pieces)}
    return {"signature": "".join(block.signature)} if block.signature else {}


def _verbatim(block: Block) -> dict[str, Any]:
    value = block.value
    if "toolResult" in value:
        _join_text(block, value["toolResult"].setdefault("content", []))
    elif "toolUse" in value:
        whole = encode_input(joined("".join(block.pieces)))[0]
        value["toolUse"]["input"] = msgspec.json.decode(whole) if isinstance(whole, msgspec.Raw) else whole
    return value


def _join_text(block: Block, content: list[Any]) -> None:
    """The text that grew at the end of a result's content, whole."""
    if block.pieces:
        content[-1] = {"text": joined("".join(block.pieces))}
        block.pieces = []


def _joined_bytes(pieces: list[str]) -> str:
    """Pieces of base64 as one; each may be padded."""
    if len(pieces) == 1:
        return pieces[0]
    try:
        data = b"".join(map(binascii.a2b_base64, pieces))
    except ValueError:
        return "".join(pieces)
    return encode_base64(data)
