"""What an answer holds that the vocabulary does not: found by path, so that it is reported and never silently lost.

The typed structs of :mod:`.answer` skip what they do not declare. This walks the same JSON as plain data against the
names that are understood, and gives the paths of the rest: ``choices[].delta.provider_metadata``. A place in a list is
written ``[]``: the report of a thousand chunks is as short as that of one. A value that says nothing (null, 0, false,
"" and empty containers) is not reported: nothing is lost with it. A number of usage that is none is reported: the
response says None there.
"""

from __future__ import annotations

from playhead.dialects.openai_chat.lenient import misfits
from playhead.dialects.unmodelled import Known, looked_at, plainly, walk_unknown

_USAGE: Known = {
    "prompt_tokens": None,
    "completion_tokens": None,
    "total_tokens": None,
    "cost": None,
    "is_byok": None,
    "cost_in_usd_ticks": None,
    "cache_creation_input_tokens": None,
    "prompt_cache_hit_tokens": None,
    "cached_tokens": None,
    "num_cached_tokens": None,
    "prompt_tokens_details": {"cached_tokens": None, "cache_write_tokens": None},
    "completion_tokens_details": {"reasoning_tokens": None},
}

_MESSAGE: Known = {
    "role": None,
    "content": {
        "type": None,
        "text": None,
        "refusal": None,
        "image_url": None,
        "thinking": None,
        "signature": None,
        "closed": None,
    },
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
    return looked_at(lambda: _look(data))


def _look(data: bytes) -> set[str]:
    found: set[str] = set()
    answer = plainly(data)
    walk_unknown(answer, _ANSWER, "", found)
    if not isinstance(answer, dict):
        return found
    found |= misfits(answer.get("usage"), "usage")
    groq = answer.get("x_groq")
    if isinstance(groq, dict):
        found |= misfits(groq.get("usage"), "x_groq.usage")
    choices = answer.get("choices")
    if isinstance(choices, list):
        for choice in choices:
            if isinstance(choice, dict) and "usage" in choice:
                found |= misfits(choice["usage"], "choices[].usage")
        if len(choices) > 1:
            found.update(f"choices[{n}]" for n in range(1, len(choices)))
    return found
