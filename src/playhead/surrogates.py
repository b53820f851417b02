r"""Half characters: UTF-16's surrogates, where they stand alone.

A character beyond U+FFFF is two units in UTF-16, and JSON's ``\uXXXX`` can write one half of it without the other.
Python can hold such a half in a string; UTF-8, and so every wire, every tape and every terminal, cannot. They come from
servers that cut a token in the middle of a character, and from tools that return what they read with
``surrogateescape``.

The rule: two halves that meet are the character, a half that stays alone becomes U+FFFD. Strict decoding comes first
everywhere; this is for what it refuses.
"""

from __future__ import annotations

from typing import Any

#: What stands for a half whose other half never came.
REPLACEMENT = "\ufffd"


def joined(text: str) -> str:
    r"""The text with its halves joined, and those that stand alone replaced: ``"a\ud83d" -> "a\ufffd"``."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def parted(text: str) -> tuple[str, str]:
    r"""The text, and the first half of a character that it ends with: ``"a\ud83d" -> ("a", "\ud83d")``."""
    if text and "\ud800" <= text[-1] <= "\udbff":
        return joined(text[:-1]), text[-1]
    return joined(text), ""


def whole_escapes(text: str) -> str:
    r"""JSON text with the escapes of lone halves replaced: ``'"\\ud83d"' -> '"\\ufffd"'``. A pair, and an escaped
    backslash before a u, stay as they are."""
    import re

    def whole(found: re.Match[str]) -> str:
        return "\\ufffd" if found["lone"] else found[0]

    escape = r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
    return re.sub(escape, whole, text, flags=re.DOTALL)


def joined_json(value: Any, keep: frozenset[str] = frozenset()) -> Any:
    """JSON data with every string :func:`joined`, keys too; the strings under the keys of ``keep`` stay as they are."""
    if isinstance(value, str):
        return joined(value)
    if isinstance(value, list):
        return [joined_json(item, keep) for item in value]
    if isinstance(value, dict):
        return {
            joined_json(key): inner if key in keep and isinstance(inner, str) else joined_json(inner, keep)
            for key, inner in value.items()
        }
    return value
