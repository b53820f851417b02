"""The shape of an answer on this wire, whole and in events, and what its words mean in the vocabulary's.

Typed structs, so that decoding goes straight from bytes to fields; blocks stay raw JSON until they are looked at, so
that a call's input keeps the text it came in. What is not declared is reported by :mod:`.report`.

``inputTokens`` of this wire leaves out what was read from a cache or written to one; the vocabulary's ``input_tokens``
has them in. An answer names neither itself nor its model. Reference: the API's ConverseResponse, ConverseStreamOutput.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from playhead.dialects.bedrock_converse.content import decode_block
from playhead.dialects.lenient import count, read_object
from playhead.messages import Part
from playhead.response import Finish, FinishReason, Usage

_NOTHING = msgspec.Raw(b"")


class WireMessage(msgspec.Struct):
    """``output.message``."""

    content: list[msgspec.Raw] | None = None


class WireOutput(msgspec.Struct):
    """``output``: a union of one."""

    message: WireMessage | None = None


class WireAnswer(msgspec.Struct, rename="camel"):
    """A whole answer."""

    output: WireOutput | None = None
    stop_reason: str | None = None
    usage: msgspec.Raw = _NOTHING


class WireInput(msgspec.Struct, gc=False):
    """A piece of a call's input."""

    input: str = ""


class WireReasoning(msgspec.Struct, rename="camel", gc=False):
    """A piece of reasoning."""

    text: str = ""
    signature: str = ""
    redacted_content: str | None = None


class WireDelta(msgspec.Struct, rename="camel", gc=False):
    """A piece of a block; its kind is the field that is there."""

    text: str | UnsetType = UNSET
    tool_use: WireInput | None = None
    reasoning_content: WireReasoning | None = None
    tool_result: msgspec.Raw = _NOTHING
    citation: msgspec.Raw = _NOTHING
    image: msgspec.Raw = _NOTHING


class WireEvent(msgspec.Struct, rename="camel"):
    """The payload of one event of a stream, of any type."""

    content_block_index: int = -1
    delta: WireDelta | None = None
    start: msgspec.Raw = _NOTHING
    stop_reason: str | None = None
    usage: msgspec.Raw = _NOTHING


class _Call(msgspec.Struct):
    input: msgspec.Raw = _NOTHING


class _CallBlock(msgspec.Struct, rename={"call": "toolUse"}):
    call: _Call | None = None


decode_answer = msgspec.json.Decoder(WireAnswer).decode
decode_event = msgspec.json.Decoder(WireEvent).decode
_decode_call = msgspec.json.Decoder(_CallBlock).decode


def parts_of(raw: bytes | msgspec.Raw) -> list[Part] | None:
    """The parts that a block says; None where it is none."""
    block = msgspec.json.decode(raw)
    if not isinstance(block, dict):
        return None
    arguments = None
    if isinstance(block.get("toolUse"), dict):
        call = _decode_call(raw).call
        arguments = bytes(call.input).decode() or None if call is not None else None
    return decode_block(block, arguments)


_FINISH: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "malformed_model_output": "error",
    "malformed_tool_use": "error",
}

#: The word that is written for a finish reason of another wire.
FINISH_WORDS: dict[Finish, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "content_filtered",
    "error": "malformed_model_output",
    "paused": "end_turn",
    "other": "end_turn",
}


def finish_of(word: str | None) -> FinishReason:
    """The finish reason."""
    return FinishReason(_FINISH.get(word or "", "other"), word)


def encode_finish(finish: FinishReason) -> str:
    """The wire's word: the raw one where it means on this wire what the unified one says."""
    raw = finish.raw
    if raw is not None and _FINISH.get(raw, "other") == finish.unified:
        return raw
    return FINISH_WORDS[finish.unified]


def usage_of(raw: msgspec.Raw) -> Usage | None:
    """Usage in the vocabulary's sense. An answer of no tokens at all is one whose server did not count: the wire wants
    its counts, and has no other way to say so."""
    said = read_object(raw)
    if said is None:
        return None
    given, output = count(said.get("inputTokens")), count(said.get("outputTokens"))
    read, written = count(said.get("cacheReadInputTokens")), count(said.get("cacheWriteInputTokens"))
    if given is not None:
        given += (read or 0) + (written or 0)
    if not given and not output:
        return None
    return Usage(given, output, read, written)


def encode_usage(usage: Usage | None) -> dict[str, Any]:
    """``usage``. The wire wants its main counts: zeros say that nothing was counted."""
    if usage is None:
        return {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}
    read, written = usage.cached_tokens, usage.cache_write_tokens
    given = usage.input_tokens
    said = {
        "inputTokens": None if given is None else max(0, given - (read or 0) - (written or 0)),
        "outputTokens": usage.output_tokens,
        "totalTokens": usage.total_tokens,
        "cacheReadInputTokens": read,
        "cacheWriteInputTokens": written,
    }
    return {name: value for name, value in said.items() if value is not None}
