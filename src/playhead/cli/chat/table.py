"""A table of Markdown, in columns: held back until it is whole, as its widths are not known before.

A table that is wider than the terminal is shown cell by cell, each under the name of its column. A row is what stands
between bars; a bar within code, or behind a backslash, is a letter like any other
(https://github.github.com/gfm/#tables-extension-).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from playhead.cli.chat.inline import BOLD, DIM, spans
from playhead.cli.flow import Piece, styled
from playhead.cli.paint import columns

_CELL = re.compile(r"(?:\\\||`[^`|]*`|[^|])*")
_RULE = re.compile(r"\s*:?-+:?\s*")
_BETWEEN = "  "


def table(lines: list[str], width: int) -> Iterator[str]:
    """The lines of a table as they are shown; lines that are none come back as they are."""
    rows = [_cells(line) for line in lines]
    if len(rows) < 2 or not all(_RULE.fullmatch(cell) for cell in rows[1]):
        for line in lines:
            yield "".join(styled(*piece) for piece in spans(line)[0])
        return
    head, body = rows[0], rows[2:]
    count = max(len(row) for row in rows)
    right = [cell.strip().endswith(":") and not cell.strip().startswith(":") for cell in rows[1]]
    right += [False] * (count - len(right))
    shown = [[spans(cell, BOLD if row is head else "")[0] for cell in row] for row in (head, *body)]
    widths = [max((_width(row[at]) for row in shown if at < len(row)), default=0) for at in range(count)]
    if sum(widths) + len(_BETWEEN) * (count - 1) > width:
        yield from _one_below_the_other(shown)
        return
    for number, row in enumerate(shown):
        cells = [_padded(cell, widths[at], right[at]) for at, cell in enumerate(row)]
        yield _BETWEEN.join(cells).rstrip(" ")
        if number == 0:
            yield styled(_BETWEEN.join("─" * size for size in widths), DIM)


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    cells, at = [], 0
    while True:
        found = _CELL.match(inner, at)
        end = found.end() if found is not None else at
        cells.append(inner[at:end].strip().replace("\\|", "|"))
        if end >= len(inner):
            return cells
        at = end + 1


def _width(cell: list[Piece]) -> int:
    return sum(columns(piece.text) for piece in cell)


def _padded(cell: list[Piece], width: int, right: bool) -> str:
    text, space = "".join(styled(*piece) for piece in cell), " " * (width - _width(cell))
    return space + text if right else text + space


def _one_below_the_other(rows: list[list[list[Piece]]]) -> Iterator[str]:
    head, *body = rows
    names = ["".join(styled(*piece) for piece in cell) for cell in head]
    if not body:
        yield from names
    for number, row in enumerate(body):
        if number:
            yield ""
        for at, cell in enumerate(row):
            name = f"{names[at]}: " if at < len(names) else ""
            yield name + "".join(styled(*piece) for piece in cell)
