"""The shape of an answer on this wire, whole and in chunks, and what its words mean in the vocabulary's.

A stream's chunk has the shape of a whole answer. Typed structs, so that decoding goes straight from bytes to fields;
what is not declared is skipped by the parser and reported by :mod:`.report`. What is read once per answer, and comes
with every chunk (usage, grounding), is left as raw JSON until the end.

Reference: https://ai.google.dev/api/generate-content#generatecontentresponse and Vertex AI's
``GenerateContentResponse``, as of 2026.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.lenient import count
from playhead.response import Finish, FinishReason, Usage

#: What an absent raw field is.
ABSENT = msgspec.Raw()


class WireCall(msgspec.Struct, rename="camel", gc=False):
    """``functionCall``; with ``partialArgs`` and ``willContinue`` its arguments come in pieces."""

    name: str | None = None
    id: str | None = None
    args: msgspec.Raw = ABSENT
    partial_args: list[dict[str, Any]] | None = None
    will_continue: bool | None = None


class WirePart(msgspec.Struct, rename="camel", gc=False):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: WireCall | None = None
    inline_data: dict[str, Any] | None = None
    file_data: dict[str, Any] | None = None


class WireContent(msgspec.Struct, gc=False):
    parts: list[WirePart] | None = None


class WireCandidate(msgspec.Struct, rename="camel", gc=False):
    content: WireContent | None = None
    finish_reason: str | int | None = None
    index: int | None = None
    grounding_metadata: msgspec.Raw = ABSENT
    citation_metadata: msgspec.Raw = ABSENT


class WireFeedback(msgspec.Struct, rename="camel", gc=False):
    block_reason: str | int | None = None
    block_reason_message: str | None = None
    safety_ratings: list[Any] | None = None


class WireAnswer(msgspec.Struct, rename="camel", gc=False):
    """A whole answer, or one chunk of a stream."""

    candidates: list[WireCandidate] | None = None
    usage_metadata: msgspec.Raw = ABSENT
    model_version: str | None = None
    response_id: str | None = None
    create_time: str | None = None
    prompt_feedback: WireFeedback | None = None
    error: Any = None


decode_answer = msgspec.json.Decoder(WireAnswer).decode

_FINISH: dict[str, Finish] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "MALFORMED_FUNCTION_CALL": "error",
    "MALFORMED_RESPONSE": "error",
    "UNEXPECTED_TOOL_CALL": "error",
    "TOO_MANY_TOOL_CALLS": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
}

#: Enums as numbers, which ``$alt=json;enum-encoding=int`` asks for; those that both of Google's services number alike.
_NUMBERED = {1: "STOP", 2: "MAX_TOKENS", 3: "SAFETY", 4: "RECITATION", 5: "OTHER"}

_WORDS: dict[Finish, str] = {
    "stop": "STOP",
    "tool_calls": "STOP",
    "length": "MAX_TOKENS",
    "content_filter": "SAFETY",
    "paused": "OTHER",
    "error": "MALFORMED_RESPONSE",
    "other": "OTHER",
}


def finish_word(reason: str | int | None) -> str:
    """The finish reason in the wire's word, "" where none was given."""
    if isinstance(reason, int):
        return _NUMBERED.get(reason, str(reason)) if reason else ""
    return "" if reason in (None, "FINISH_REASON_UNSPECIFIED") else reason or ""


def finish_of(word: str, *, calls: bool) -> FinishReason:
    """The finish reason. The wire says STOP for a call too."""
    unified: Finish = _FINISH.get(word, "other")
    return FinishReason("tool_calls" if calls and unified == "stop" else unified, word or None)


def encode_finish(finish: FinishReason) -> str:
    """The wire's word for a finish reason: its own where it was this wire's and means the same."""
    word = finish.raw or ""
    ours = _FINISH.get(word)
    if ours == finish.unified or (ours == "stop" and finish.unified == "tool_calls"):
        return word
    known = finish.unified == "other" and word.isupper() and word not in _FINISH
    return word if known else _WORDS[finish.unified]


def usage_of(said: Any) -> Usage | None:
    """Usage in the vocabulary's sense; None where no count is reported.

    The wire counts thoughts apart from candidates, and what the results of Google's own tools added to the prompt apart
    from the prompt. ``input_tokens`` and ``output_tokens`` are the sums. A count of nothing is left out by the wire.
    """
    usage = said if isinstance(said, dict) else {}
    prompt, output = count(usage.get("promptTokenCount")), count(usage.get("candidatesTokenCount"))
    cached, thoughts = count(usage.get("cachedContentTokenCount")), count(usage.get("thoughtsTokenCount"))
    if prompt is None and output is None and thoughts is None and cached is None:
        return None
    tools = count(usage.get("toolUsePromptTokenCount"))
    if tools:
        prompt = (prompt or 0) + tools
    if thoughts is not None:
        output = (output or 0) + thoughts
    return Usage(input_tokens=prompt, output_tokens=output, cached_tokens=cached, reasoning_tokens=thoughts)


def encode_usage(usage: Usage) -> dict[str, int]:
    """``usageMetadata``; its counts of this answer only."""
    said: dict[str, int] = {}
    if usage.input_tokens is not None:
        said["promptTokenCount"] = usage.input_tokens
    if usage.output_tokens is not None:
        candidates = usage.output_tokens - (usage.reasoning_tokens or 0)
        if candidates > 0 or usage.reasoning_tokens is None:
            said["candidatesTokenCount"] = candidates
    if usage.total_tokens is not None:
        said["totalTokenCount"] = usage.total_tokens
    if usage.reasoning_tokens is not None:
        said["thoughtsTokenCount"] = usage.reasoning_tokens
    if usage.cached_tokens is not None:
        said["cachedContentTokenCount"] = usage.cached_tokens
    return said
