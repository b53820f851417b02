"""The shape of an answer on this wire, whole and in events, and what its words mean in the vocabulary's.

Typed structs, so that decoding goes straight from bytes to fields; blocks stay raw JSON until they are looked at, so
that a call's input keeps the text it came in. What is not declared is reported by :mod:`.report`.

Reference: https://docs.claude.com/en/api/messages and ``…/messages-streaming``, as of 2026.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.anthropic_messages.content import decode_block
from playhead.messages import Part
from playhead.response import Finish, FinishReason, Usage

_NOTHING = msgspec.Raw(b"")


class OutputDetails(msgspec.Struct, gc=False):
    thinking_tokens: int | None = None


class WireUsage(msgspec.Struct, gc=False):
    """``usage``: of the cached tokens, ``input_tokens`` counts none."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens_details: OutputDetails | None = None


class WireMessage(msgspec.Struct):
    """A whole answer, or the ``message`` that a stream begins with; or an error, which is told by its type."""

    type: str = ""
    id: str | None = None
    model: str | None = None
    content: list[msgspec.Raw] | None = None
    stop_reason: str | None = None
    usage: WireUsage | None = None
    error: Any = None


class WireDelta(msgspec.Struct, gc=False):
    """The ``delta`` of a block, or of the message."""

    type: str = ""
    text: str = ""
    thinking: str = ""
    partial_json: str = ""
    signature: str = ""
    citation: msgspec.Raw = _NOTHING
    stop_reason: str | None = None


class WireEvent(msgspec.Struct):
    """One event of a stream, of any type."""

    type: str = ""
    index: int = -1
    delta: WireDelta | None = None
    content_block: msgspec.Raw = _NOTHING
    message: WireMessage | None = None
    usage: WireUsage | None = None
    error: Any = None


class _Input(msgspec.Struct):
    input: msgspec.Raw = _NOTHING


decode_message = msgspec.json.Decoder(WireMessage).decode
decode_event = msgspec.json.Decoder(WireEvent).decode
_decode_input = msgspec.json.Decoder(_Input).decode


def parts_of(raw: bytes | msgspec.Raw) -> list[Part] | None:
    """The parts that a block says; None where it is none."""
    block = msgspec.json.decode(raw)
    if not isinstance(block, dict):
        return None
    arguments = None
    if block.get("type") == "tool_use":
        arguments = bytes(_decode_input(raw).input).decode() or None
    return decode_block(block, arguments)


_FINISH: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}

#: The word that is written for a finish reason of another wire.
FINISH_WORDS: dict[Finish, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "error": "end_turn",
    "other": "end_turn",
}


def finish_of(word: str | None) -> FinishReason:
    """The finish reason. ``pause_turn`` (the answer is to be sent back, and the model goes on) is "other"."""
    return FinishReason(_FINISH.get(word or "", "other"), word)


def encode_finish(finish: FinishReason) -> str | None:
    """The wire's word: the raw one where it means on this wire what the unified one says."""
    raw = finish.raw
    if raw is None and finish.unified == "other":
        return None
    if raw in _FINISH:
        return raw if _FINISH[raw] == finish.unified else FINISH_WORDS[finish.unified]
    return raw if finish.unified == "other" else FINISH_WORDS[finish.unified]


def usage_of(usage: WireUsage) -> Usage | None:
    """Usage in the vocabulary's sense, where ``input_tokens`` includes cached ones. An answer of no tokens at all is
    one whose server did not count: the wire has no other way to say so."""
    read, written = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
    given = usage.input_tokens
    if given is not None:
        given += (read or 0) + (written or 0)
    if not given and not usage.output_tokens:
        return None
    details = usage.output_tokens_details
    return Usage(given, usage.output_tokens, read, written, None if details is None else details.thinking_tokens)


def merge_usage(before: WireUsage | None, now: WireUsage) -> WireUsage:
    """What two reports of one stream say together. Counts are cumulative, so the greater is the later one; some
    servers repeat in the end with zeros what they had counted at the start."""
    if before is None:
        return now
    return WireUsage(
        _greater(before.input_tokens, now.input_tokens),
        _greater(before.output_tokens, now.output_tokens),
        _greater(before.cache_creation_input_tokens, now.cache_creation_input_tokens),
        _greater(before.cache_read_input_tokens, now.cache_read_input_tokens),
        now.output_tokens_details or before.output_tokens_details,
    )


def _greater(a: int | None, b: int | None) -> int | None:
    if a is None or b is None:
        return b if a is None else a
    return max(a, b)


def encode_usage(usage: Usage | None) -> dict[str, Any]:
    """``usage``. The wire wants both of its main counts: zeros say that nothing was counted."""
    if usage is None:
        return {"input_tokens": 0, "output_tokens": 0}
    read, written = usage.cached_tokens, usage.cache_write_tokens
    given = usage.input_tokens
    said: dict[str, Any] = {
        "input_tokens": given and max(0, given - (read or 0) - (written or 0)),
        "output_tokens": usage.output_tokens,
    }
    if written is not None:
        said["cache_creation_input_tokens"] = written
    if read is not None:
        said["cache_read_input_tokens"] = read
    if usage.reasoning_tokens is not None:
        said["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return said
