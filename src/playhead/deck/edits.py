"""What a recording client did to its own history between two requests, told apart from what differs.

A client may send less of an answer back than it was given (it loses the first piece of a streamed thought, or keeps no
signature), and it may mark messages for caching as it goes. Neither can be known from the first request, as a tool's
result cannot; both are the recorder's choice and are taken from the tape. Everything else is a difference.

``edits(ours, recorded)`` compares the messages of two requests as JSON::

    edits([… {"reasoning": "The user wants"}], [… {"reasoning": " user wants"}])
    -> ["messages[2].reasoning: the recorder kept less than the answer gave"]
"""

from __future__ import annotations

from typing import Any

_MARKS = ("cache_control",)


def edits(ours: dict[str, Any], recorded: dict[str, Any]) -> list[str] | None:
    """The recorder's edits that turn the first request into the second; None when more than edits differs.

    An omission counts only in an assistant's message, never in its tool calls, and only where all that is left was
    there.
    """
    if {**ours, "messages": None} != {**recorded, "messages": None}:
        return None
    said, kept = ours.get("messages"), recorded.get("messages")
    if not isinstance(said, list) or not isinstance(kept, list) or len(said) != len(kept):
        return None
    found: list[str] = []
    for index, (a, b) in enumerate(zip(said, kept, strict=True)):
        where = f"messages[{index}]"
        may_omit = isinstance(a, dict) and a.get("role") == "assistant"
        if not _edited(a, b, where, may_omit, found):
            return None
    return found


def _edited(a: Any, b: Any, where: str, may_omit: bool, found: list[str]) -> bool:
    if a == b:
        return True
    if isinstance(a, dict) and isinstance(b, dict):
        return _edited_object(a, b, where, may_omit, found)
    if isinstance(a, list) and isinstance(b, list) and not may_omit:
        pairs = enumerate(zip(a, b, strict=False))
        return len(a) == len(b) and all(_edited(x, y, f"{where}[{i}]", False, found) for i, (x, y) in pairs)
    if not may_omit:
        return False
    if isinstance(a, str) and isinstance(b, str) and b and b in a:
        found.append(f"{where}: the recorder kept less than the answer gave")
        return True
    if isinstance(a, list) and isinstance(b, list):
        said = [item for item in b if not _is_husk(item)]
        if len(said) < len(b):
            found.append(f"{where}: the recorder added {len(b) - len(said)} that hold nothing")
        return _edited_items(a, said, where, found)
    return False


def _is_husk(item: Any) -> bool:
    """A reasoning detail without text, signature or data: it has a type, and says nothing."""
    return (
        isinstance(item, dict)
        and str(item.get("type", "")).startswith("reasoning.")
        and not {"text", "summary", "signature", "data"} & item.keys()
    )


def _edited_items(a: list[Any], b: list[Any], where: str, found: list[str]) -> bool:
    if len(b) < len(a):
        return _subsequence(a, b, where, found)
    if len(a) == len(b):
        return all(_edited(x, y, f"{where}[{i}]", True, found) for i, (x, y) in enumerate(zip(a, b, strict=True)))
    return False


def _edited_object(a: dict[str, Any], b: dict[str, Any], where: str, may_omit: bool, found: list[str]) -> bool:
    for key in (*a, *(key for key in b if key not in a)):
        place = f"{where}.{key}"
        if key in a and key in b:
            if not _edited(a[key], b[key], place, may_omit and key != "tool_calls", found):
                return False
        elif key in _MARKS:
            found.append(f"{place}: the recorder {'set' if key in b else 'took away'} a cache mark")
        elif key in a and may_omit and key != "tool_calls":
            found.append(f"{place}: the recorder left it out")
        else:
            return False
    return True


def _subsequence(a: list[Any], b: list[Any], where: str, found: list[str]) -> bool:
    rest = iter(enumerate(a))
    for item in b:
        for index, candidate in rest:
            trial: list[str] = []
            if _edited(candidate, item, f"{where}[{index}]", True, trial):
                found.extend(trial)
                break
        else:
            return False
    found.append(f"{where}: the recorder left out {len(a) - len(b)} of {len(a)}")
    return True
