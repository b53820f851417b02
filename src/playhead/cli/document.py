"""JSON as the commands print it: one way for all of them, whatever a tape or a path holds.

Four things that an encoder alone does not give. Money is written in one way, without zeros that say nothing: the sum of
two costs is no longer than one that was told. ``usage`` has all of its fields, ``null`` where nothing was reported,
so that a reader need not know which may be missing. What is no Unicode (the bytes of a file's name), and an integer
of thousands of digits, is text. And characters that command a terminal are written as escapes, as JSON is read there
too::

    encode_json({"usage": Usage(1, 2)})  ->  '{"usage":{"input_tokens":1,"output_tokens":2,"cached_tokens":null,…}}'
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.cli.ends import UsageError
from playhead.response import Usage

_LARGEST = 10**1000
#: Digits beyond which money is none, and written as the number that it is.
_DIGITS = 30

# JSON itself escapes the controls below 0x20.
_ESCAPED = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))}


def encode_json(value: Any, *, indent: bool = False) -> str:
    """The value as JSON: on one line, or indented.

    Raises:
        UsageError: it is nested too deeply to be written.
    """
    try:
        value = _complete(value)
        try:
            data = msgspec.json.encode(value, enc_hook=str)
        except (ValueError, OverflowError):  # no Unicode, or an integer without end
            data = msgspec.json.encode(_mended(msgspec.to_builtins(value, enc_hook=str)))
        if indent:
            data = msgspec.json.format(data)
    except RecursionError:
        raise UsageError("what is to be printed is nested too deeply for JSON") from None
    return data.decode().translate(_ESCAPED)


def _complete(value: Any) -> Any:
    """The same value, with each usage in it told in full."""
    if isinstance(value, Usage):
        return {name: _complete(getattr(value, name)) for name in value.__struct_fields__}
    if value.__class__.__name__ == "Decimal":  # not imported for the sake of a test
        plain = value.is_finite() and abs(value.adjusted()) < _DIGITS
        return f"{value.normalize():f}" if plain else str(value)
    if isinstance(value, msgspec.Struct):
        made = {}
        for name in value.__struct_fields__:
            field = getattr(value, name)
            full = _complete(field)
            if full is not field:
                made[name] = full
        return msgspec.structs.replace(value, **made) if made else value
    if isinstance(value, (list, tuple)):
        items = [_complete(item) for item in value]
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    if isinstance(value, dict):
        fields = {key: _complete(item) for key, item in value.items()}
        return fields if any(item is not value[key] for key, item in fields.items()) else value
    return value


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mended(item) for item in value]
    if isinstance(value, int) and abs(value) >= _LARGEST:
        from playhead.cli.paint import scientific

        return scientific(value)
    return value
