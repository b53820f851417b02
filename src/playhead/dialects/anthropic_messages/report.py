"""What an answer holds that the vocabulary does not: found by path, so that it is reported and never silently lost.

The typed structs of :mod:`.answer` skip what they do not declare. This walks the same JSON as plain data against the
names that are understood, and gives the paths of the rest: ``usage.service_tier``. An event's report is the same as
that of the whole answer, but for what stands in a delta. Blocks are kept whole (see :mod:`.content`), so they are not
looked into.
"""

from __future__ import annotations

from playhead.dialects.unmodelled import Known, looked_at, misfits, plainly, walk_unknown

_USAGE: Known = {
    "input_tokens": None,
    "output_tokens": None,
    "cache_creation_input_tokens": None,
    "cache_read_input_tokens": None,
    "output_tokens_details": {"thinking_tokens": None},
}

_MESSAGE: Known = {
    "type": None,
    "id": None,
    "role": None,
    "model": None,
    "content": None,
    "stop_reason": None,
    "usage": _USAGE,
    "error": None,
    "container": None,
}

_EVENT: Known = {
    "type": None,
    "index": None,
    "content_block": None,
    "message": _MESSAGE,
    "usage": _USAGE,
    "error": None,
    "delta": {
        "type": None,
        "text": None,
        "thinking": None,
        "partial_json": None,
        "signature": None,
        "citation": None,
        "stop_reason": None,
        "container": None,
    },
}


def unmodelled_in_message(data: bytes) -> set[str]:
    """The paths in a whole answer that the vocabulary does not model."""
    return _paths(data, _MESSAGE)


def unmodelled_in_event(data: bytes) -> set[str]:
    """The paths in one event; what stands in its message has the path that it has in a whole answer."""
    return {path.removeprefix("message.") for path in _paths(data, _EVENT)}


def _paths(data: bytes, known: Known) -> set[str]:
    return looked_at(lambda: _look(data, known))


def _look(data: bytes, known: Known) -> set[str]:
    found: set[str] = set()
    value = plainly(data)
    walk_unknown(value, known, "", found)
    if isinstance(value, dict):
        message = value.get("message")
        for said in (value, message if isinstance(message, dict) else {}):
            found |= misfits(said.get("usage"), _USAGE, "usage")
    return found
