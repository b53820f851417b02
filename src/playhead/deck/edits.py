"""What a recording client did to its own history between two requests, told apart from what differs.

A client may send less of an answer back than it was given (it loses the first piece of a streamed thought, or keeps no
signature), it may mark messages for caching as it goes, and choose anew at each step which tools may be called. None of
this can be known from the first request, as a tool's result cannot; it is the recorder's choice, taken from the tape.
Everything else is a difference.

The wires differ in where a conversation stands (``messages``, ``contents``, a flat list ``input``) and in how the calls
of an answer look in it; what is no edit anywhere is a change of what a user said, of a tool's result, or of a call.

``edits(ours, recorded)`` compares the conversations of two requests as JSON::

    edits([… {"reasoning": "The user wants"}], [… {"reasoning": " user wants"}])
    -> ["messages[2].reasoning: the recorder kept less than the answer gave"]
"""

from __future__ import annotations

from typing import Any

_MARKS = ("cache_control",)

#: Where a conversation stands; beside it what may bear cache marks, and what is chosen anew at each step.
_CONVERSATIONS = ("messages", "contents", "input")
_MARKED = ("system",)
_CHOICES = ("tool_choice", "toolConfig", "container")
_COMPARED_APART = dict.fromkeys((*_CONVERSATIONS, *_MARKED, *_CHOICES))

#: What makes a call, by its type: never left out, never changed.
_CALLS = {
    "tool_use": ("id", "name", "input"),
    "function_call": ("call_id", "name", "arguments"),
    "custom_tool_call": ("call_id", "name", "input"),
}
_ALWAYS_KEPT = ("role", "type", "tool_calls", "functionCall")


def edits(ours: dict[str, Any], recorded: dict[str, Any]) -> list[str] | None:
    """The recorder's edits that turn the first request into the second; None when more than edits differs.

    An omission counts only in an assistant's message, never in its tool calls, and only where all that is left was
    there.
    """
    if {**ours, **_COMPARED_APART} != {**recorded, **_COMPARED_APART}:
        return None
    found: list[str] = []
    for field in _CHOICES:
        if ours.get(field) != recorded.get(field):
            if not any(_is_answer(item) for name in _CONVERSATIONS for item in _list(recorded.get(name))):
                return None
            found.append(f"{field}: {recorded.get(field)!r} is the recorder's choice for this step")
    for field in (*_CONVERSATIONS, *_MARKED):
        said, kept = ours.get(field), recorded.get(field)
        if said == kept:
            continue
        if not isinstance(said, list) or not isinstance(kept, list):
            return None
        if field == "input":
            found_here = _edited_items_of_input(said, kept, found)
        else:
            found_here = len(said) == len(kept) and all(
                _edited(a, b, f"{field}[{n}]", _is_answer(a), found)
                for n, (a, b) in enumerate(zip(said, kept, strict=True))
            )
        if not found_here:
            return None
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_answer(item: Any) -> bool:
    """Whether the model said this: a message of its own or, in a flat list, an item of no role that is no output."""
    if not isinstance(item, dict):
        return False
    kind = str(item.get("type", ""))
    flat = "role" not in item and bool(kind) and not kind.endswith(("_output", "_response", "text"))
    return item.get("role") in ("assistant", "model") or flat


def _is_call(item: Any) -> bool:
    return isinstance(item, dict) and (item.get("type") in _CALLS or "functionCall" in item)


def _edited_items_of_input(said: list[Any], kept: list[Any], found: list[str]) -> bool:
    """A flat list of items: those of one answer stand together, and it may keep fewer of them, but not none."""
    ours, theirs = _answers_apart(said), _answers_apart(kept)
    if len(ours) != len(theirs):
        return False
    for (start, a), (_, b) in zip(ours, theirs, strict=True):
        may_omit = _is_answer(a[0])
        if may_omit is not _is_answer(b[0]):
            return False
        where = f"input[{start}:{start + len(a)}]" if may_omit else f"input[{start}]"
        if not (_edited_items(a, b, where, found) if may_omit else _edited(a[0], b[0], where, False, found)):
            return False
    return True


def _answers_apart(items: list[Any]) -> list[tuple[int, list[Any]]]:
    """The items with their places, those of one answer together."""
    groups: list[tuple[int, list[Any]]] = []
    for place, item in enumerate(items):
        if groups and _is_answer(item) and _is_answer(groups[-1][1][-1]):
            groups[-1][1].append(item)
        else:
            groups.append((place, [item]))
    return groups


def _edited(a: Any, b: Any, where: str, may_omit: bool, found: list[str]) -> bool:
    if a == b:
        return True
    if isinstance(a, dict) and isinstance(b, dict):
        return _edited_object(a, b, where, may_omit, found)
    if isinstance(a, list) and isinstance(b, list) and not may_omit:
        pairs = enumerate(zip(a, b, strict=False))
        return len(a) == len(b) and all(_edited(x, y, f"{where}[{i}]", False, found) for i, (x, y) in pairs)
    if isinstance(a, str) and b == [{"type": "text", "text": a}]:
        found.append(f"{where}: the recorder wrote one text as a list of parts")
        return True
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
    whole = (*_ALWAYS_KEPT, *_CALLS.get(str(a.get("type")), ()))
    for key in (*a, *(key for key in b if key not in a)):
        place = f"{where}.{key}"
        if key in a and key in b:
            if not _edited(a[key], b[key], place, may_omit and key not in whole, found):
                return False
        elif key in _MARKS:
            found.append(f"{place}: the recorder {'set' if key in b else 'took away'} a cache mark")
        elif key in a and may_omit and key not in whole:
            found.append(f"{place}: the recorder left it out")
        else:
            return False
    return True


def _subsequence(a: list[Any], b: list[Any], where: str, found: list[str]) -> bool:
    rest = iter(enumerate(a))
    lost: list[str] = []
    for item in b:
        for index, candidate in rest:
            trial: list[str] = []
            if _edited(candidate, item, f"{where}[{index}]", True, trial):
                found.extend(trial)
                break
            if _is_call(candidate):
                return False
            lost.append(_kind(candidate))
        else:
            return False
    for _, candidate in rest:
        if _is_call(candidate):
            return False
        lost.append(_kind(candidate))
    found.append(f"{where}: the recorder left out {len(lost)} of {len(a)} ({', '.join(lost)})")
    return True


def _kind(item: Any) -> str:
    """What an item is: its type, or on a wire without types the field that says it."""
    return str(item.get("type") or next(iter(item), "")) if isinstance(item, dict) else type(item).__name__
