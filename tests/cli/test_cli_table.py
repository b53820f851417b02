"""Tables and coloured texts in lines of a given width: whatever they hold, they fit, and nothing of them is lost."""

from __future__ import annotations

import re

from hypothesis import given, settings, strategies as st

from playhead.cli.paint import Paint, columns, wrap, wrap_painted
from playhead.cli.table import shortened, table

words = st.text(st.sampled_from("abc /-é宽"), max_size=40)
figures = st.integers(0, 10**9).map(str)


@given(st.lists(st.tuples(words, *([figures] * 6)), min_size=1, max_size=5), st.integers(40, 140))
@settings(max_examples=150, deadline=None)
def test_a_table_fits_and_has_every_figure(rows: list[tuple[str, ...]], width: int) -> None:
    """In their order, row by row; without a width it is one block, as wide as it is."""
    shown = list(table(rows, Paint(False, limit=width)))
    assert max(map(columns, shown)) <= width
    blocks = "\n".join(shown).split("\n\n")
    for number, row in enumerate(rows):
        found = " ".join(block.split("\n")[number] for block in blocks)
        assert [cell for cell in row[1:] if cell not in found.split()] == []
    whole = list(table(rows, Paint(False)))
    assert len(whole) == len(rows)
    assert all(line.startswith(row[0]) for line, row in zip(whole, rows, strict=True))


@given(words, st.integers(3, 50))
@settings(max_examples=200, deadline=None)
def test_a_shortened_text_keeps_both_its_ends(text: str, width: int) -> None:
    short = shortened(text, width)
    assert columns(short) <= width
    if columns(text) <= width:
        assert short == text
    else:
        left, _, right = short.partition("…")
        assert text.startswith(left)
        assert text.endswith(right)
        assert columns(short) >= width - 1


@given(st.lists(st.tuples(words, st.booleans()), max_size=8), st.integers(5, 60))
@settings(max_examples=200, deadline=None)
def test_colours_change_no_line(pieces: list[tuple[str, bool]], width: int) -> None:
    """Each line ends the colours that it begins, and without them it is the line that it would have been."""
    paint = Paint(True)
    text = "".join(paint.red(one) if red else one for one, red in pieces)
    lines = list(wrap_painted(text, width))
    bare = [re.sub(r"\x1b\[\d*m", "", line) for line in lines]
    assert bare == list(wrap("".join(one for one, _ in pieces), width))
    for line in lines:
        assert line.count("\x1b[31m") == line.count("\x1b[0m")
