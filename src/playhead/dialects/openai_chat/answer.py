"""The shape of an answer on this wire, whole and in chunks, and what its words mean in the vocabulary's.

Typed structs, so that decoding goes straight from bytes to fields; what is not declared is skipped by the parser and
reported by :mod:`.report`. They are lenient where servers differ (a count may be missing, an id null) and strict where
a wrong type would change what was said.

Reference: https://platform.openai.com/docs/api-reference/chat/object and ``…/chat/streaming``; OpenRouter's
``native_finish_reason``, ``reasoning_details`` and ``usage.cost``; xAI's ``cost_in_usd_ticks``
(https://docs.x.ai/developers/cost-tracking); DeepSeek's ``prompt_cache_hit_tokens``; Moonshot's ``cached_tokens`` and
Mistral's ``num_cached_tokens``; Groq's ``x_groq``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from playhead.dialects.lenient import MOST_COUNTED, amount
from playhead.dialects.openai_chat.content import NAME, decode_file
from playhead.dialects.openai_chat.reasoning import is_chunk
from playhead.messages import File, Opaque, Source
from playhead.response import Finish, FinishReason, Usage

#: A count below 0, or beyond all reason, is none: strict decoding refuses it, and :mod:`.lenient` makes it None.
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MOST_COUNTED)] | None


class PromptDetails(msgspec.Struct, gc=False):
    cached_tokens: Count = None
    cache_write_tokens: Count = None


class CompletionDetails(msgspec.Struct, gc=False):
    reasoning_tokens: Count = None


class CostDetails(msgspec.Struct, gc=False):
    upstream_inference_cost: Decimal | None = None


class WireUsage(msgspec.Struct):
    """``usage``. Decimal reads a JSON number from its text, so a cost never passes through a float."""

    prompt_tokens: Count = None
    completion_tokens: Count = None
    total_tokens: Count = None
    cost: Decimal | None = None
    is_byok: bool | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    cost_details: CostDetails | None = None
    cost_in_usd_ticks: Count = None
    cache_creation_input_tokens: Count = None
    prompt_cache_hit_tokens: Count = None
    cached_tokens: Count = None
    num_cached_tokens: Count = None


class WireFunction(msgspec.Struct):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class WireCall(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: WireFunction | None = None
    extra_content: Any = None


class WireAudio(msgspec.Struct):
    transcript: str | None = None


class WireMessage(msgspec.Struct):
    """A ``message``, or a ``delta``: the same fields."""

    content: str | list[dict[str, Any]] | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[dict[str, Any]] | None = None
    tool_calls: list[WireCall] | None = None
    refusal: str | None = None
    images: list[Any] | None = None
    annotations: list[Any] | None = None
    audio: WireAudio | None = None


class WireChoice(msgspec.Struct):
    index: int | None = None
    message: WireMessage | None = None
    delta: WireMessage | None = None
    finish_reason: str | None = None
    native_finish_reason: str | UnsetType | None = UNSET
    usage: WireUsage | None = None
    error: Any = None


class GroqExtra(msgspec.Struct):
    usage: WireUsage | None = None
    error: Any = None


class WireAnswer(msgspec.Struct):
    """A whole answer, or one chunk of a stream."""

    choices: list[WireChoice] | None = None
    id: str | None = None
    model: str | None = None
    provider: str | None = None
    created: int | float | str | None = None
    usage: WireUsage | None = None
    error: Any = None
    x_groq: GroqExtra | None = None


decode_answer = msgspec.json.Decoder(WireAnswer).decode

_FINISH: dict[str, Finish] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "error": "error",
    # Words that compatible servers let through from the models behind them.
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_length": "length",  # Mistral
    "model_context_window_exceeded": "length",  # Z.AI, as the next two
    "sensitive": "content_filter",
    "network_error": "error",
    "insufficient_system_resource": "error",  # DeepSeek
    "done": "stop",  # Cerebras
    "tool_use": "tool_calls",
}


def finish_of(choice: WireChoice) -> FinishReason:
    """The finish reason; raw is the upstream's own word where the speaker gives one, null included."""
    word = choice.finish_reason or ""
    native = choice.native_finish_reason
    return FinishReason(_FINISH.get(word, "other"), word if native is UNSET else native)


#: xAI counts cost in ticks: ten thousand million to the dollar.
_TICKS_PER_DOLLAR = 10**10


def usage_of(usage: WireUsage) -> Usage:
    """Usage in the vocabulary's sense.

    ``output_tokens`` includes reasoning. xAI and Google's models through Vercel count it apart: where the total is the
    sum of all three, or more reasoning than output is reported, the two are added.

    ``cost`` is what the call cost its user: ``usage.cost``, or xAI's ticks. With a key of the user's own at OpenRouter
    (``is_byok``) ``cost`` is the router's fee alone and the upstream bills the rest, so both are added. Vercel's
    ``market_cost``, the list price, is not what was paid.
    """
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    details = usage.prompt_tokens_details
    cached = details.cached_tokens if details is not None else None
    written = details.cache_write_tokens if details is not None else None
    reasoning = None if usage.completion_tokens_details is None else usage.completion_tokens_details.reasoning_tokens
    if completion is not None and reasoning:
        apart = usage.total_tokens is not None and usage.total_tokens == (prompt or 0) + completion + reasoning
        if apart or reasoning > completion:
            completion += reasoning
    elsewhere = (usage.prompt_cache_hit_tokens, usage.cached_tokens, usage.num_cached_tokens)
    cost = amount(usage.cost)
    if cost is None and usage.cost_in_usd_ticks is not None:
        cost = Decimal(usage.cost_in_usd_ticks) / _TICKS_PER_DOLLAR
    elif cost is not None and usage.is_byok and usage.cost_details is not None:
        cost += amount(usage.cost_details.upstream_inference_cost) or 0
    return Usage(
        prompt,
        completion,
        next((count for count in (cached, *elsewhere) if count is not None), None),
        usage.cache_creation_input_tokens if written is None else written,
        reasoning,
        cost,
    )


def text_of(content: str | list[dict[str, Any]] | None) -> str:
    """The text of a content; a list of parts is joined. Mistral's ``thinking`` parts are not text."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(
        part["text"] for part in content if part.get("type") in ("text", None) and isinstance(part.get("text"), str)
    )


def chunks_of(content: str | list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """The thinking chunks of a content, as Mistral writes its reasoning."""
    return [part for part in content if is_chunk(part)] if isinstance(content, list) else []


def refusal_of(message: WireMessage) -> str:
    """The refusal, as a field or as parts of the content."""
    if message.refusal or not isinstance(message.content, list):
        return message.refusal or ""
    said = (part.get("refusal") for part in message.content if part.get("type") == "refusal")
    return "".join(text for text in said if isinstance(text, str))


def files_of(message: WireMessage) -> list[File]:
    """The images that the model made: ``images``, or image parts of the content."""
    values: list[Any] = list(message.images or ())
    if isinstance(message.content, list):
        values += [part for part in message.content if part.get("type") == "image_url"]
    found = []
    for value in values:
        match value:
            case {"image_url": {"url": str(url)}} | {"image_url": str(url)}:
                found.append(decode_file(url, "image", ""))
            case _:
                pass
    return found


def sources_of(message: WireMessage) -> list[Source]:
    """The sources that the answer cites; what a citation holds beside them goes into ``opaque``."""
    found = []
    for annotation in message.annotations or ():
        match annotation:
            case {"type": "url_citation", "url_citation": {"url": str(url)}}:
                said = annotation["url_citation"]
            case {"type": "url_citation", "url": str(url)}:
                said = {key: value for key, value in annotation.items() if key != "type"}
            case _:
                continue
        title, start, end = said.get("title"), said.get("start_index"), said.get("end_index")
        title = title if isinstance(title, str) else None
        start = start if type(start) is int else None
        end = end if type(end) is int else None
        known = {"url": url, "title": title, "start_index": start, "end_index": end}
        rest = {key: value for key, value in said.items() if value is not None and known.get(key) != value}
        found.append(Source(url, title, start, end, Opaque(NAME, rest) if rest else None))
    return found


def arguments_of(function: WireFunction | None) -> str:
    """A call's arguments as text; some servers send the object itself."""
    arguments = None if function is None else function.arguments
    if isinstance(arguments, dict):
        return msgspec.json.encode(arguments).decode()
    return arguments or ""


def made_id(position: int, response_id: str | None) -> str:
    """The id of a call whose server gave none, so that its result can name it: ``call_0_chatcmpl-1``."""
    return f"call_{position}_{response_id}" if response_id else f"call_{position}"


def unique_id(identifier: str, taken: dict[str, int]) -> str:
    """The id of a call, another where a call before it in the answer has the same: ``call_0``, then ``call_0_2``.

    Each call needs a result of its own, and a wire tells results apart by id alone. ``taken`` is the answer's, and is
    filled.
    """
    if identifier not in taken:
        taken[identifier] = 1
        return identifier
    number = taken[identifier] + 1
    while f"{identifier}_{number}" in taken:
        number += 1
    taken[identifier] = number
    other = f"{identifier}_{number}"
    taken[other] = 1
    return other


def whole_number(value: int | float | str | None) -> int | None:
    """``created`` as Unix seconds; None where it is no number, or no time that a clock will show."""
    return int(value) if isinstance(value, int | float) and abs(value) < 2**53 else None
