"""An answer that strict decoding refused, read once more with what can be forgiven forgiven.

What is forgiven is what does not change what was said: a usage of wrong types (each of its numbers is read where it can
be, else None), a head or an index of a wrong type, half a character in a string. What the model said must be of this
wire's shape. This is the slow way and only taken when the fast one has failed.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.lenient import amount, count, decode_leniently
from playhead.dialects.openai_chat.answer import (
    CompletionDetails,
    CostDetails,
    PromptDetails,
    WireAnswer,
    WireUsage,
)
from playhead.surrogates import joined_json

#: Where a delta's words stand: a character may be cut there, and go on in the next chunk.
_WORDS = frozenset(
    ("content", "text", "reasoning", "reasoning_content", "summary", "refusal", "transcript", "arguments")
)

COUNTS = (
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "cost_in_usd_ticks",
    "cache_creation_input_tokens",
    "prompt_cache_hit_tokens",
    "cached_tokens",
    "num_cached_tokens",
)

#: The counts and amounts inside of a usage's objects.
DETAILS = {
    "prompt_tokens_details": ("cached_tokens", "cache_write_tokens"),
    "completion_tokens_details": ("reasoning_tokens",),
}


def read_leniently(data: bytes, *, whole: bool) -> WireAnswer | None:
    """A whole answer, or one chunk of a stream; None where it is neither.

    In a chunk the words of a delta keep half a character, for the other half may come in the next.
    """
    try:
        value, exact = decode_leniently(data), decode_leniently(data, exact=True)
        if not isinstance(value, dict):
            return None
        value = joined_json(value, frozenset() if whole else _WORDS)
        _mend_heads(value)
        choices = [choice for choice in _list(value.get("choices")) if isinstance(choice, dict)]
        for choice in choices:
            _mend_choice(choice)
        for place in (value, value.get("x_groq"), *choices):
            if isinstance(place, dict):
                place.pop("usage", None)
        answer = msgspec.convert(value, WireAnswer)
    except (ValueError, RecursionError):  # msgspec's ValidationError is a ValueError
        return None
    answer.usage = _usage(exact.get("usage"))
    if answer.x_groq is not None:
        answer.x_groq.usage = _usage(exact["x_groq"].get("usage"))
    for read, said in zip(answer.choices or (), _list(exact.get("choices")), strict=True):
        read.usage = _usage(said.get("usage"))
    return answer


def _mend_heads(value: dict[str, Any]) -> None:
    for name in ("id", "model", "provider"):
        said = value.get(name)
        if not isinstance(said, str):
            value[name] = str(said) if type(said) is int else None
    if not isinstance(value.get("created"), int | float | str):
        value["created"] = None
    value["error"] = joined_json(value.get("error"))
    if not isinstance(value.get("x_groq"), dict):
        value["x_groq"] = None


def _mend_choice(choice: dict[str, Any]) -> None:
    choice["index"] = _index(choice.get("index"))
    for said in (choice.get("message"), choice.get("delta")):
        if not isinstance(said, dict):
            continue
        for name in ("annotations", "images"):
            said[name] = joined_json(said.get(name))
        for call in _list(said.get("tool_calls")):
            if isinstance(call, dict):
                call["index"] = _index(call.get("index"))
                call["extra_content"] = joined_json(call.get("extra_content"))
                function = call.get("function")
                if isinstance(function, dict) and isinstance(function.get("arguments"), dict):
                    function["arguments"] = joined_json(function["arguments"])


def _index(value: Any) -> int | None:
    return value if type(value) is int else count(value)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _usage(value: Any) -> WireUsage | None:
    if not isinstance(value, dict):
        return None
    inner: dict[str, dict[str, Any]] = {
        name: said if isinstance(said := value.get(name), dict) else {} for name in (*DETAILS, "cost_details")
    }
    prompt, completion = inner["prompt_tokens_details"], inner["completion_tokens_details"]
    return WireUsage(
        **{name: count(value.get(name)) for name in COUNTS},
        cost=amount(value.get("cost")),
        is_byok=value.get("is_byok") is True,
        prompt_tokens_details=PromptDetails(
            count(prompt.get("cached_tokens")), count(prompt.get("cache_write_tokens"))
        ),
        completion_tokens_details=CompletionDetails(count(completion.get("reasoning_tokens"))),
        cost_details=CostDetails(amount(inner["cost_details"].get("upstream_inference_cost"))),
    )


def misfits(usage: Any, path: str) -> set[str]:
    """The paths in a usage of what is no count, or no amount: what :func:`playhead.response.Usage` says None of."""
    if usage is None:
        return set()
    if not isinstance(usage, dict):
        return {path}
    found = {f"{path}.{name}" for name in COUNTS if usage.get(name) is not None and count(usage[name]) is None}
    if usage.get("cost") is not None and amount(usage["cost"]) is None:
        found.add(f"{path}.cost")
    for name, names in DETAILS.items():
        said = usage.get(name)
        if isinstance(said, dict):
            found |= {
                f"{path}.{name}.{inner}"
                for inner in names
                if said.get(inner) is not None and count(said[inner]) is None
            }
        elif said is not None:
            found.add(f"{path}.{name}")
    return found
