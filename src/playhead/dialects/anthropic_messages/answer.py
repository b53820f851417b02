"""The shape of an answer on this wire, whole and in events, and what its words mean in the vocabulary's.

Typed structs, so that decoding goes straight from bytes to fields; blocks stay raw JSON until they are looked at, so
that a call's input keeps the text it came in. What is not declared is reported by :mod:`.report`.

Reference: https://docs.claude.com/en/api/messages and ``…/messages-streaming``, as of 2026.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.anthropic_messages.content import decode_block
from playhead.dialects.lenient import count, read_object
from playhead.messages import Part
from playhead.response import Finish, FinishReason, Usage

_NOTHING = msgspec.Raw(b"")


class WireMessage(msgspec.Struct):
    """A whole answer, or the ``message`` that a stream begins with; or an error, which is told by its type."""

    type: str = ""
    id: str | None = None
    model: str | None = None
    content: list[msgspec.Raw] | None = None
    stop_reason: str | None = None
    usage: msgspec.Raw = _NOTHING
    error: Any = None
    container: Any = None


class WireDelta(msgspec.Struct, gc=False):
    """The ``delta`` of a block, or of the message."""

    type: str = ""
    text: str = ""
    thinking: str = ""
    partial_json: str = ""
    signature: str = ""
    citation: msgspec.Raw = _NOTHING
    stop_reason: str | None = None
    container: Any = None


class WireEvent(msgspec.Struct):
    """One event of a stream, of any type."""

    type: str = ""
    index: int = -1
    delta: WireDelta | None = None
    content_block: msgspec.Raw = _NOTHING
    message: WireMessage | None = None
    usage: msgspec.Raw = _NOTHING
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
    "pause_turn": "paused",
}

#: The word that is written for a finish reason of another wire.
FINISH_WORDS: dict[Finish, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "paused": "pause_turn",
    "error": "end_turn",
    "other": "end_turn",
}


def finish_of(word: str | None) -> FinishReason:
    """The finish reason. After ``pause_turn`` the answer is to be sent back as it is, and the model goes on."""
    return FinishReason(_FINISH.get(word or "", "other"), word)


def encode_finish(finish: FinishReason) -> str | None:
    """The wire's word: the raw one where it means on this wire what the unified one says."""
    raw = finish.raw
    if raw is None and finish.unified == "other":
        return None
    if raw in _FINISH:
        return raw if _FINISH[raw] == finish.unified else FINISH_WORDS[finish.unified]
    return raw if finish.unified == "other" else FINISH_WORDS[finish.unified]


class Counts(msgspec.Struct, gc=False):
    """What ``usage`` counts; of the cached tokens, ``given`` has none."""

    given: int | None = None
    output: int | None = None
    written: int | None = None
    read: int | None = None
    thinking: int | None = None


def counts_of(raw: msgspec.Raw) -> Counts | None:
    """The counts of a ``usage``, None where there is none. What is no count is None, for what was answered is not
    thrown away over a number beside it.

    What the server used to shorten the conversation, before it answered, is paid for as well, and in no sum of its own.
    """
    said = read_object(raw)
    if said is None:
        return None
    counts = _sums(said)
    turns = said.get("iterations")
    for turn in turns if isinstance(turns, list) else ():
        if isinstance(turn, dict) and turn.get("type") == "compaction":
            more = _sums(turn)
            for name in Counts.__struct_fields__:
                before, now = getattr(counts, name), getattr(more, name)
                setattr(counts, name, before if now is None else now + (before or 0))
    return counts


def _sums(said: dict[str, Any]) -> Counts:
    details = said.get("output_tokens_details")
    return Counts(
        count(said.get("input_tokens")),
        count(said.get("output_tokens")),
        count(said.get("cache_creation_input_tokens")),
        count(said.get("cache_read_input_tokens")),
        count(details.get("thinking_tokens")) if isinstance(details, dict) else None,
    )


def usage_of(counts: Counts | None) -> Usage | None:
    """Usage in the vocabulary's sense, where ``input_tokens`` includes cached ones. An answer of no tokens at all is
    one whose server did not count: the wire has no other way to say so."""
    if counts is None:
        return None
    given = counts.given
    if given is not None:
        given += (counts.read or 0) + (counts.written or 0)
    if not given and not counts.output:
        return None
    return Usage(given, counts.output, counts.read, counts.written, counts.thinking)


def merge_counts(before: Counts | None, now: Counts | None) -> Counts | None:
    """What two reports of one stream say together. Counts are cumulative, so the greater is the later one; some
    servers repeat in the end with zeros what they had counted at the start."""
    if before is None or now is None:
        return now or before
    return Counts(*(_greater(getattr(before, name), getattr(now, name)) for name in Counts.__struct_fields__))


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
