"""JSON bodies in one form each, so that equal ones are equal bytes.

Two bodies are the same question when they are the same JSON: the order of keys, white space, escapes and the form of
a number (``1``, ``1.0``, ``1e0``) say nothing. A body that is no JSON is only ever equal to itself.
"""

from __future__ import annotations

from typing import Any

import msgspec


def canonical_body(body: bytes) -> bytes:
    """``b'{"b": 1.0, "a": []}'`` -> ``b'{"a":[],"b":1}'``; what is no JSON as it is."""
    try:
        return msgspec.json.encode(canonical_value(msgspec.json.decode(body)), order="sorted")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body  # also what is nested deeper than Python goes


def canonical_value(value: Any) -> Any:
    """The value with every whole number as an int."""
    if isinstance(value, dict):
        return {key: canonical_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [canonical_value(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
