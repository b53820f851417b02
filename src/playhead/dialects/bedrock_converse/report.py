"""What an answer holds that the vocabulary does not: found by path, so that it is reported and never silently lost.

The typed structs of :mod:`.answer` skip what they do not declare. This walks the same JSON as plain data against the
names that are understood, and gives the paths of the rest: ``trace``, ``metrics``. An event's report is the same as
that of the whole answer, but for what stands in a delta. Blocks are kept whole (see :mod:`.content`), so they are not
looked into.
"""

from __future__ import annotations

from playhead.dialects.unmodelled import Known, looked_at, misfits, plainly, walk_unknown

_USAGE: Known = {
    "inputTokens": None,
    "outputTokens": None,
    "totalTokens": None,
    "cacheReadInputTokens": None,
    "cacheWriteInputTokens": None,
}

_ANSWER: Known = {
    "output": {"message": {"role": None, "content": None}},
    "stopReason": None,
    "usage": _USAGE,
}

#: ``p`` is padding: letters that make a message's length say less of what is in it.
_EVENT: Known = {
    "role": None,
    "contentBlockIndex": None,
    "start": None,
    "delta": {
        "text": None,
        "toolUse": {"input": None},
        "reasoningContent": {"text": None, "signature": None, "redactedContent": None},
        "toolResult": None,
        "citation": None,
        "image": None,
    },
    "stopReason": None,
    "usage": _USAGE,
    "p": None,
}


def unmodelled_in_answer(data: bytes) -> set[str]:
    """The paths in a whole answer that the vocabulary does not model."""
    return looked_at(lambda: _look(data, _ANSWER))


def unmodelled_in_event(data: bytes) -> set[str]:
    """The paths in the payload of one event."""
    return looked_at(lambda: _look(data, _EVENT))


def _look(data: bytes, known: Known) -> set[str]:
    found: set[str] = set()
    value = plainly(data)
    walk_unknown(value, known, "", found)
    if isinstance(value, dict):
        found |= misfits(value.get("usage"), _USAGE, "usage")
    return found
