"""Tables that fit the line, and texts that are shortened in their middle, where a path or a name says least.

Where nobody has said how wide a line is (a pipe, a file), a table is as wide as it is. Else the names on the left give
way first, down to some letters of both ends; what is still too wide is told in several tables, one below the other,
each with the names. No column and no figure is left out or cut::

    model                  steps  tokens in
    openrouter:mo…vl-0905      2        268
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from playhead.cli.paint import columns

if TYPE_CHECKING:
    from playhead.cli.paint import Paint

#: Columns that the names keep, however narrow the line is.
_LEAST = 16
_GAP = "  "


def table(rows: Sequence[Sequence[str]], paint: Paint, *, words: bool = False) -> Iterator[str]:
    """Rows as columns, the first to the left and all others to the right, or to the left as well where they are
    ``words``; the first row is their heading."""
    widths = [max(columns(row[at]) for row in rows) for at in range(len(rows[0]))]
    names, places = widths[0], list(range(1, len(widths)))
    if paint.limit is None:
        yield from _block(rows, widths, names, places, paint, words)
        return
    room = paint.limit - sum(widths[at] + len(_GAP) for at in places)
    if room >= min(names, _LEAST):
        yield from _block(rows, widths, min(names, room), places, paint, words)
        return
    names = min(names, max(_LEAST, paint.limit // 3))
    first = True
    while places:
        taken, used = [places.pop(0)], names + len(_GAP)
        used += widths[taken[0]]
        while places and used + len(_GAP) + widths[places[0]] <= paint.limit:
            used += len(_GAP) + widths[places[0]]
            taken.append(places.pop(0))
        if not first:
            yield ""
        first = False
        yield from _block(rows, widths, names, taken, paint, words)


def _block(
    rows: Sequence[Sequence[str]], widths: Sequence[int], names: int, places: Sequence[int], paint: Paint, words: bool
) -> Iterator[str]:
    for number, row in enumerate(rows):
        cells = [padded(shortened(row[0], names), names)]
        blanks = [" " * (widths[at] - columns(row[at])) for at in places]
        cells += [row[at] + blank if words else blank + row[at] for at, blank in zip(places, blanks, strict=True)]
        line = _GAP.join(cells).rstrip() if words else _GAP.join(cells)
        yield paint.bold(line) if number == 0 else line


def padded(text: str, width: int) -> str:
    """The text and blanks, in as many columns."""
    return text + " " * (width - columns(text))


def shortened(text: str, width: int) -> str:
    """The text in at most so many columns, without its middle where it is longer."""
    if columns(text) <= width:
        return text
    left, right, used = 0, len(text), 1  # the ellipsis
    while left < right:
        char = text[left] if left <= len(text) - right else text[right - 1]
        used += columns(char)
        if used > width:
            break
        if left <= len(text) - right:
            left += 1
        else:
            right -= 1
    return f"{text[:left]}…{text[right:]}"
