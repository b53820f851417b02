"""A call's arguments that come in pieces, which Vertex AI sends where ``streamFunctionCallArguments`` was asked for.

A call begins with its name and ``willContinue``; each chunk after it brings ``partialArgs``, a list of places and
values: ``{"jsonPath": "$.location", "stringValue": "New ", "willContinue": true}``; pieces of one string are joined. A
chunk without ``willContinue`` ends the call. The pieces are put together to the object that a call not streamed has.

Reference: https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling, as of 2026; the paths are
RFC 9535's, of names and numbers only.
"""

from __future__ import annotations

from typing import Any

import msgspec

#: The largest number that is taken as a place in a list: a call with more is an attack or a bug.
_LONGEST = 100_000

#: The most steps that a path may take: an argument nested deeper could not be written as JSON.
_DEEPEST = 100

_VALUES = ("stringValue", "numberValue", "boolValue")


class _Words:
    """A string while its pieces arrive."""

    __slots__ = ("pieces",)

    def __init__(self, first: str) -> None:
        self.pieces = [first]


def encode_pieces(arguments: dict[str, Any]) -> str:
    """The arguments as JSON text, as a call not streamed has them."""
    return msgspec.json.encode(arguments, enc_hook=lambda words: "".join(words.pieces)).decode()


def add_piece(arguments: dict[str, Any], piece: dict[str, Any]) -> bool:
    """Set one piece into the arguments; False where it is not understood."""
    steps = _steps(piece.get("jsonPath"))
    if not steps or len(steps) > _DEEPEST:
        return False
    holder: Any = arguments
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if isinstance(step, int):
            if not isinstance(holder, list) or step > len(holder):
                return False
            if step == len(holder):
                holder.append(None)
        elif not isinstance(holder, dict):
            return False
        known = holder[step] if isinstance(step, int) else holder.get(step)
        if following is None:
            holder[step] = _joined(known, piece)
        else:
            if known is None:
                known = holder[step] = [] if isinstance(following, int) else {}
            holder = known
    return True


def _joined(known: Any, piece: dict[str, Any]) -> Any:
    value = next((piece[name] for name in _VALUES if name in piece), None)
    if isinstance(value, str):
        if isinstance(known, _Words):
            known.pieces.append(value)
            return known
        return _Words(value)
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _steps(path: Any) -> list[str | int] | None:
    """``$.items[0]['a b'].name`` as ["items", 0, "a b", "name"]; None where it is no such path."""
    if not isinstance(path, str) or not path.startswith("$"):
        return None
    steps: list[str | int] = []
    rest = path[1:]
    while rest:
        if rest.startswith("["):
            inner, bracket, rest = rest[1:].partition("]")
            if not bracket:
                return None
            if inner.isascii() and inner.isdigit() and len(inner) < 7 and int(inner) < _LONGEST:
                steps.append(int(inner))
            elif len(inner) > 1 and inner[0] == inner[-1] and inner[0] in "'\"":
                steps.append(inner[1:-1])
            else:
                return None
        elif rest.startswith("."):
            end = min((at for at in (rest.find(".", 1), rest.find("[", 1)) if at > 0), default=len(rest))
            steps.append(rest[1:end])
            rest = rest[end:]
        else:
            return None
    return steps
