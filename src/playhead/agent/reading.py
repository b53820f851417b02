"""JSON as models write it: alone, in a fence, in the midst of words, with null for what is absent, or broken.

Each way of reading is tried only after a stricter one has failed, so that an answer which is well formed and right is
read once and never touched. What is mended is said so (``Reading.mended``), and nothing is mended that the type then
refuses. The library that mends is json-repair; docs/decisions/0006-json-repair.md says why. It is imported when an
answer is broken, not before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from playhead.surrogates import whole_escapes

#: Letters of the longest text that is mended: it happens between two steps of a run, and holds up the event loop for a
#: third of a second at the worst that was measured for so many.
LONGEST_MENDED = 100_000


def unfenced(text: str) -> str:
    """The JSON inside a Markdown fence, which models like to put around it."""
    body = text.strip()
    if body.startswith("```") and body.endswith("```") and "\n" in body:
        return body[body.index("\n") + 1 : -3].strip()
    return body


def parsed(text: str) -> tuple[Any] | None:
    """The text as JSON data, in a tuple since data may be None; None where it is no JSON."""
    for body in (text, whole_escapes(text) if "\\u" in text else text):
        try:
            return (msgspec.json.decode(body),)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            continue
    return None


def found(text: str) -> Iterator[str]:
    """The objects and lists that stand in words, the last first: a model thinks aloud before it answers. One pass for
    each way of looking, so that no crowd of brackets takes long."""
    if text[:1] in ("{", "[") and parsed(text) is not None:
        return
    for openers in ("{[", "{"):  # the second for a bracket of the words that never closes
        spans = [text[start:end] for start, end in _spans(text, openers)]
        fitting = [span for span in spans if parsed(span) is not None]
        if fitting:
            yield from reversed(fitting)
            return


def _spans(text: str, openers: str) -> Iterator[tuple[int, int]]:
    """Where something opens, at no depth, and where it is closed. Quotation marks count inside only."""
    import re

    start = depth = 0
    quoted = False
    for token in re.finditer(r'\\.|["{}\[\]]', text, re.DOTALL):
        mark = token[0]
        if not depth:
            if mark in openers:
                start, depth = token.start(), 1
        elif mark == '"':
            quoted = not quoted
        elif not quoted and mark in "{[":
            depth += 1
        elif not quoted and mark in "}]":
            depth -= 1
            if not depth:
                yield start, token.end()


def mended(text: str) -> tuple[Any] | None:
    """The object or list in a text whose JSON is broken, in a tuple; None where none can be made out."""
    start = min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=-1)
    if start < 0 or len(text) - start > LONGEST_MENDED:
        return None
    from json_repair import repair_json

    try:
        data = repair_json(text[start:], return_objects=True, skip_json_loads=True)
    except (ValueError, RecursionError):
        return None
    return (data,) if isinstance(data, dict | list) and data else None


def without_nulls(data: Any, schema: Any, definitions: dict[str, Any] | None = None) -> Any:
    """The data less the nulls that stand for nothing: of properties that may be absent and may not be null. Providers
    that want every property make a model write them."""
    if not isinstance(schema, dict):
        return data
    definitions = schema.get("$defs", {}) if definitions is None else definitions
    branches = list(_branches(schema, definitions))
    if isinstance(data, list):
        items = next((one["items"] for one in branches if isinstance(one.get("items"), dict)), None)
        tuples: list[Any] = next(
            (one["prefixItems"] for one in branches if isinstance(one.get("prefixItems"), list)), []
        )
        return [
            without_nulls(item, tuples[n] if n < len(tuples) else items, definitions) for n, item in enumerate(data)
        ]
    if not isinstance(data, dict):
        return data
    made = {}
    for name, value in data.items():
        known = [(one["properties"][name], one) for one in branches if name in one.get("properties", ())]
        others = [one["additionalProperties"] for one in branches if isinstance(one.get("additionalProperties"), dict)]
        if value is None and known:
            may_be_null = any(_allows_null(inner, definitions) for inner, _ in known)
            if not may_be_null and any(name not in one.get("required", ()) for _, one in known):
                continue
        inner = {"anyOf": [inner for inner, _ in known]} if known else {"anyOf": others}
        made[name] = without_nulls(value, inner, definitions)
    return made


def _branches(schema: Any, definitions: dict[str, Any], depth: int = 0) -> Iterator[dict[str, Any]]:
    """The schema and what it may be instead, references followed."""
    if not isinstance(schema, dict) or depth > 20:
        return
    reference = schema.get("$ref")
    if isinstance(reference, str):
        yield from _branches(definitions.get(reference.rpartition("/")[2]), definitions, depth + 1)
        return
    yield schema
    for key in ("anyOf", "oneOf", "allOf"):
        for one in schema.get(key, ()):
            yield from _branches(one, definitions, depth + 1)


def _allows_null(schema: Any, definitions: dict[str, Any]) -> bool:
    for one in _branches(schema, definitions):
        kind = one.get("type")
        if kind == "null" or (isinstance(kind, list) and "null" in kind) or None in one.get("enum", ()):
            return True
        if not one.keys() & {"type", "enum", "const", "anyOf", "oneOf", "allOf", "properties"}:
            return True  # anything
    return False
