"""What an answer holds that the vocabulary does not: found by path, so that it is reported and never silently lost.

The typed structs of :mod:`.answer` skip what they do not declare. This walks the same JSON as plain data against the
names that are understood, and gives the paths of the rest: ``choices[].delta.provider_metadata``. A place in a list is
written ``[]``: the report of a thousand chunks is as short as that of one. A value that says nothing (null, 0, false,
"" and empty containers) is not reported: nothing is lost with it.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

#: The names that are understood, each with those below it. None: the whole value is understood, or is kept verbatim.
Known: TypeAlias = "dict[str, Known] | None"

_USAGE: Known = {
    "prompt_tokens": None,
    "completion_tokens": None,
    "total_tokens": None,
    "cost": None,
    "is_byok": None,
    "cost_in_usd_ticks": None,
    "cache_creation_input_tokens": None,
    "prompt_cache_hit_tokens": None,
    "prompt_tokens_details": {"cached_tokens": None, "cache_write_tokens": None},
    "completion_tokens_details": {"reasoning_tokens": None},
}

_MESSAGE: Known = {
    "role": None,
    "content": {"type": None, "text": None, "refusal": None, "image_url": None},
    "refusal": None,
    "reasoning": None,
    "reasoning_content": None,
    "reasoning_details": None,
    "tool_calls": {
        "index": None,
        "id": None,
        "type": None,
        "function": {"name": None, "arguments": None},
        "extra_content": None,
    },
    "images": {"type": None, "index": None, "image_url": {"url": None}},
    "annotations": {
        "type": None,
        "url_citation": None,
        "url": None,
        "title": None,
        "start_index": None,
        "end_index": None,
    },
    "audio": {"transcript": None},
}

_ANSWER: Known = {
    "id": None,
    "object": None,
    "created": None,
    "model": None,
    "provider": None,
    "error": None,
    "usage": _USAGE,
    "x_groq": {"usage": _USAGE},
    "choices": {
        "index": None,
        "finish_reason": None,
        "native_finish_reason": None,
        "usage": _USAGE,
        "message": _MESSAGE,
        "delta": _MESSAGE,
    },
}


def unmodelled_paths(data: bytes) -> set[str]:
    """The paths in this answer, or chunk of one, that the vocabulary does not model."""
    found: set[str] = set()
    try:
        answer = msgspec.json.decode(data)
    except UnicodeDecodeError:  # damage in a key that the typed decoding skipped
        answer = msgspec.json.decode(data.decode("utf-8", "replace"))
    _walk(answer, _ANSWER, "", found)
    choices = answer.get("choices") if isinstance(answer, dict) else None
    if isinstance(choices, list) and len(choices) > 1:
        found.update(f"choices[{n}]" for n in range(1, len(choices)))
    return found


def _walk(value: Any, known: Known, path: str, found: set[str]) -> None:
    if known is None:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in known:
                below = known[key]
                if below is not None and inner:
                    _walk(inner, below, f"{path}.{key}" if path else key, found)
            elif says_something(inner):
                found.add(f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for item in value:
            _walk(item, known, f"{path}[]", found)


def says_something(value: Any) -> bool:
    """Whether a value carries anything: not null, 0, false, "" or only such."""
    if isinstance(value, dict):
        return any(map(says_something, value.values()))
    if isinstance(value, list):
        return any(map(says_something, value))
    return bool(value)
