"""A model's name as one segment of a URL's path, both ways: an ARN has slashes and colons.

::

    quoted("a.b-v1:0") -> "a.b-v1%3A0"
    unquoted("a.b-v1%3A0") -> "a.b-v1:0"

The letters that stay are RFC 3986's unreserved ones. The standard library's ``urllib`` does the same, and is slow to
import.
"""

from __future__ import annotations

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def quoted(text: str, safe: str = "") -> str:
    """Percent-encoded; the letters of ``safe`` stay too."""
    return "".join(
        letter if letter in _PLAIN or letter in safe else "".join(f"%{byte:02X}" for byte in letter.encode())
        for letter in text
    )


def unquoted(text: str) -> str:
    """The reverse; a text that was not percent-encoded stays as it is."""
    head, *pieces = text.split("%")
    data = head.encode()
    for piece in pieces:
        try:
            data += bytes.fromhex(piece[:2]) + piece[2:].encode()
        except ValueError:
            return text
    return data.decode("utf-8", "replace")
