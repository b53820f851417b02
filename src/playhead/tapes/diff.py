"""Where two requests part: a path into the JSON, and both values.

``first_difference(recorded, asked) -> 'messages[3].content: "40 C" on the tape, "41 C" asked'``. Lists are walked from
their start, mappings in the order of the tape, so that in a conversation the first difference is the one that came
first in time. Long values are shortened around the place where they differ.

``nearest`` finds the recorded request that is worth comparing with. It looks at all bodies only as bytes, and parses a
fixed number of them, so that a miss on a long tape is told quickly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from playhead.tapes.canonical import canonical_value
from playhead.tapes.interaction import Interaction
from playhead.wire import HTTPRequest

_SHOWN = 120
_BEFORE = 30
_PARSED = 40
_MISSING = object()


def first_difference(recorded: bytes, asked: bytes) -> str | None:
    """The first place where two bodies differ; None when they are the same JSON or the same bytes."""
    if recorded == asked:
        return None
    old, new = _decode(recorded), _decode(asked)
    if old is not _MISSING and new is not _MISSING:
        try:
            return _differ("", canonical_value(old), canonical_value(new))
        except RecursionError:
            pass  # nested deeper than Python goes: told as text
    return _both("body", _text(recorded), _text(asked))


def nearest(interactions: Sequence[Interaction], played: Sequence[int], asked: HTTPRequest) -> Interaction | None:
    """The interaction whose request is most like the asked one; None on an empty tape.

    Those with the same URL are preferred, then the longest common beginning of the conversation, then the most
    equal fields (and the fewest that were not asked). Only of those that are equally like it, one that was not played
    yet is preferred.
    """
    candidates = [at for at, item in enumerate(interactions) if _same_place(item, asked)]
    if not candidates:
        candidates = list(range(len(interactions)))
    if len(candidates) > _PARSED:
        common = {at: _common_bytes(interactions[at].request.body, asked.body) for at in candidates}
        candidates = sorted(candidates, key=lambda at: (-common[at], played[at]))[:_PARSED]
    new = _decode(asked.body)
    best: tuple[Any, ...] | None = None
    for at in candidates:
        request = interactions[at].request
        old = _decode(request.body)
        score = (request.url == asked.url, *_likeness(old, new, request.body, asked.body), not played[at], -at)
        if best is None or score > best:
            best = score
    return interactions[-best[-1]] if best else None


def _same_place(item: Interaction, asked: HTTPRequest) -> bool:
    return item.request.url == asked.url and item.request.method == asked.method


def _likeness(old: Any, new: Any, old_raw: bytes, new_raw: bytes) -> tuple[int, int, int]:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return 0, 0, _common_bytes(old_raw, new_raw)
    turns = 0
    for key, value in new.items():
        other = old.get(key)
        if isinstance(value, list) and isinstance(other, list):
            same = 0
            for a, b in zip(other, value, strict=False):
                if a != b:
                    break
                same += 1
            turns = max(turns, 2 * same - abs(len(other) - len(value)))
    equal = sum(1 for key, value in new.items() if old.get(key, _MISSING) == value)
    equal -= sum(1 for key in old if key not in new)
    return turns, equal, _common_bytes(old_raw, new_raw)


def _common_bytes(a: bytes, b: bytes) -> int:
    """How long the common beginning is, by halving."""
    low, high = 0, min(len(a), len(b))
    if a[:high] == b[:high]:
        return high
    while low < high - 1:
        middle = (low + high) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _decode(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _MISSING


def _differ(path: str, old: Any, new: Any) -> str | None:
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in old.items():
            inner = _inner(path, key)
            if key not in new:
                return f"{inner}: {_show(value)} on the tape, not asked"
            if (found := _differ(inner, value, new[key])) is not None:
                return found
        for key, value in new.items():
            if key not in old:
                return f"{_inner(path, key)}: not on the tape, {_show(value)} asked"
        return None
    if isinstance(old, list) and isinstance(new, list):
        for at, (a, b) in enumerate(zip(old, new, strict=False)):
            if (found := _differ(f"{path}[{at}]", a, b)) is not None:
                return found
        shared = min(len(old), len(new))
        if len(old) > shared:
            return f"{path}[{shared}]: {_show(old[shared])} on the tape, not asked"
        if len(new) > shared:
            return f"{path}[{shared}]: not on the tape, {_show(new[shared])} asked"
        return None
    if type(old) is type(new) and old == new:
        return None
    return _both(path or "body", old, new)


def _inner(path: str, key: str) -> str:
    if not key.isidentifier():
        return f"{path}[{_show(key)}]"
    return f"{path}.{key}" if path else key


def _both(path: str, old: Any, new: Any) -> str:
    start = 0
    if isinstance(old, str) and isinstance(new, str) and max(len(old), len(new)) > _SHOWN:
        start = max(0, _common_bytes(old.encode("utf-32-le"), new.encode("utf-32-le")) // 4 - _BEFORE)
    return f"{path}: {_show(old, start)} on the tape, {_show(new, start)} asked"


def _show(value: Any, start: int = 0) -> str:
    if isinstance(value, str):
        cut = value[start : start + _SHOWN]
        shown = ("…" if start else "") + cut + ("…" if start + _SHOWN < len(value) else "")
        return msgspec.json.encode(shown).decode()
    shown = msgspec.json.encode(value).decode()
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")
