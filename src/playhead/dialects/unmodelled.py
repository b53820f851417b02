"""What a codec does not model, found by path: differences between two JSON values, and names that nobody reads.

Two rules of every dialect are kept with these. A request decoded and encoded again is compared with itself, and each
path where the two differ is reported. An answer is walked against the names that are understood, and the paths of the
rest are reported: a place in a list is written ``[]`` there, so that the report of a thousand chunks is as short as
that of one. A value that says nothing (null, 0, false, "" and empty containers) is not reported: nothing is lost with
it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from playhead.dialects.lenient import amount, count, decode_leniently
from playhead.errors import BadRequestError
from playhead.surrogates import joined_json

#: The names that are understood, each with those below it. None: the whole value is understood, or is kept verbatim.
Known: TypeAlias = "dict[str, Known] | None"

#: The report of an answer that could be decoded and not walked: nested too deep, or of numbers beyond all range.
NOT_LOOKED_AT = "(not looked at)"


def plainly(data: bytes) -> Any:
    """The JSON value of an answer that was decoded, perhaps over damage that the typed decoding skipped or forgave."""
    try:
        return msgspec.json.decode(data)
    except ValueError:
        return joined_json(decode_leniently(data.decode("utf-8", "replace").encode()))


def looked_at(look: Callable[[], set[str]]) -> set[str]:
    """What ``look`` finds, :data:`NOT_LOOKED_AT` where it cannot: a report never fails the answer that it is about."""
    try:
        return look()
    except (ValueError, ArithmeticError, RecursionError):  # msgspec's errors are ValueErrors
        return {NOT_LOOKED_AT}


def differing_paths(a: Any, b: Any, path: str, found: list[str]) -> None:
    """Append the paths where two JSON values differ, keys in the order of ``a``, then those of ``b`` alone."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in [*a, *(key for key in b if key not in a)]:
            where = f"{path}.{key}" if path else key
            if key in a and key in b:
                differing_paths(a[key], b[key], where, found)
            else:
                found.append(where)
    elif isinstance(a, list) and isinstance(b, list):
        for position in range(max(len(a), len(b))):
            where = f"{path}[{position}]"
            if position < len(a) and position < len(b):
                differing_paths(a[position], b[position], where, found)
            else:
                found.append(where)
    elif a != b or isinstance(a, bool) is not isinstance(b, bool):
        found.append(path)


def json_kind(value: Any) -> str:
    """What a JSON value is, in words: ``"a list"``."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def expect(value: Any, kind: type | tuple[type, ...], where: str, what: str) -> Any:
    """The value, when it is of this kind.

    Raises:
        BadRequestError: it is not; ``where`` is its path, ``what`` what was expected there.
    """
    if not isinstance(value, kind):
        raise BadRequestError(f"{what} expected at {where}, {json_kind(value)} came", status=400)
    return value


def walk_unknown(value: Any, known: Known, path: str, found: set[str]) -> None:
    """Add the paths in ``value`` that ``known`` does not name."""
    if known is None:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in known:
                below = known[key]
                if below is not None and inner:
                    walk_unknown(inner, below, f"{path}.{key}" if path else key, found)
            elif says_something(inner):
                found.add(f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for item in value:
            walk_unknown(item, known, f"{path}[]", found)


def says_something(value: Any) -> bool:
    """Whether a value carries anything: not null, 0, false, "" or only such."""
    if isinstance(value, dict):
        return any(map(says_something, value.values()))
    if isinstance(value, list):
        return any(map(says_something, value))
    return bool(value)


def misfits(usage: Any, known: Known, path: str) -> set[str]:
    """The paths in a usage of what is no count, or no amount: what :class:`playhead.response.Usage` says None of."""
    if known is None:
        read = amount if path.endswith("cost") else count
        return set() if usage is None or isinstance(usage, bool) or read(usage) is not None else {path}
    if not isinstance(usage, dict):
        return set() if usage is None else {path}
    return {
        found
        for name, below in known.items()
        if name in usage
        for found in misfits(usage[name], below, f"{path}.{name}")
    }
