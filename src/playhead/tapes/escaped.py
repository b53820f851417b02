r"""Words that are written in escapes: what they say, and where they stand.

Servers that repeat a key write it in their own way: ``+`` is ``\u002B`` to .NET, ``\u002b`` to Go, ``%2B`` in a URL,
``&#43;`` in a page, and JSON that stands inside JSON doubles each backslash. No list of such spellings is whole, so
escapes are read, whichever they are, and what is sought is sought in what they say.

Of the backslashes before a sign none is left, however many there are; so what is sought is to be read in the same way
(:func:`plain`) before it is compared.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

#: A character as JSON, a URL or a page writes it; each may itself have been escaped again, so many times at most.
_ESCAPE = re.compile(
    rb"\\\\{0,7}(?:u([0-9a-fA-F]{4})|([^\w\s]))"
    rb"|%(?:25){0,2}([0-9a-fA-F]{2})"
    rb"|&(?:amp;)?(?:#[xX]0{0,4}([0-9a-fA-F]{1,6})|#0{0,4}([0-9]{1,7})|(amp|lt|gt|quot|apos));"
)
_NAMED = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"', b"apos": b"'"}


def plain(written: bytes) -> bytes:
    """What bytes say when the escapes in them are read."""
    return _ESCAPE.sub(_said, written)


def places(words: Iterable[bytes], written: bytes) -> list[tuple[int, int]]:
    """Where words (as :func:`plain` gives them) stand in what is written, as start and end, from the left and apart."""
    said = plain(written)
    found: list[tuple[int, int]] = []
    for word in words:
        start = said.find(word)
        while start >= 0:
            found.append((start, start + len(word)))
            start = said.find(word, start + 1)
    return _there(_apart(sorted(found)), written) if found else []


def _apart(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    apart: list[tuple[int, int]] = []
    for start, end in spans:
        if apart and start < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def _there(spans: list[tuple[int, int]], written: bytes) -> list[tuple[int, int]]:
    """Where the places of what is said are in what is written. An escape that says several bytes is not parted."""
    # Each escape: where what it says begins and ends, and where itself does.
    escapes = [(0, 0, 0, 0)]
    for match in _ESCAPE.finditer(written):
        start = escapes[-1][1] + match.start() - escapes[-1][3]
        escapes.append((start, start + len(_said(match)), match.start(), match.end()))
    begins = [escape[0] for escape in escapes]

    def begin(place: int) -> int:
        _, end, first, after = escapes[bisect_right(begins, place) - 1]
        return first if place < end else after + place - end

    def end(place: int) -> int:
        _, end, _, after = escapes[bisect_left(begins, place) - 1]
        return after if place <= end else after + place - end

    return [(begin(first), end(after)) for first, after in spans]


def _said(match: re.Match[bytes]) -> bytes:
    unit, sign, octet, hexadecimal, decimal, name = match.groups()
    if octet:
        return bytes.fromhex(octet.decode())
    if sign:
        return sign
    if name:
        return _NAMED[name]
    number = int(decimal) if decimal else int(unit or hexadecimal, 16)
    return chr(number).encode("utf-8", "surrogatepass") if number <= sys.maxunicode else match[0]
