"""Words set in lines of a terminal, as they come.

:class:`Flow` is given pieces of text with their styles and gives back what is to be written: words go out when the
space after them has come, lines are broken between words at the terminal's width, and what belongs to an item of a list
is indented under it. A word that is longer than a line goes out in parts, and so do scripts that are written without
spaces: a wide character is a word of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from playhead.cli.paint import columns


class Piece(NamedTuple):
    """A text and its style: SGR codes joined by ";", "" for none."""

    text: str
    style: str = ""


def styled(text: str, style: str) -> str:
    """The text in a style: SGR codes joined by ";", "" for none."""
    return f"\x1b[{style}m{text}\x1b[0m" if style and text else text


class Flow:
    """One paragraph after another, in lines of ``width`` columns."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._out: list[str] = []
        self._word: list[Piece] = []
        self._word_columns = 0
        self._space: list[Piece] = []
        self._column = 0
        self._indent: list[Piece] = []
        self._indent_columns = 0

    def begin(self, first: Iterable[Piece], rest: Iterable[Piece]) -> None:
        """A line begins, with ``first`` before it; ``rest`` stands before the lines that it is broken into."""
        shown = list(first)
        self._out.extend(styled(*piece) for piece in shown)
        self._indent = list(rest)
        self._indent_columns = sum(columns(piece.text) for piece in self._indent)
        self._column = sum(columns(piece.text) for piece in shown)

    def add(self, pieces: Iterable[Piece]) -> None:
        """More of the line."""
        for text, style in pieces:
            at = 0
            for index, char in enumerate(text):
                wide = not char.isascii() and columns(char) == 2
                if char != " " and not wide:
                    continue
                self._grow(text[at:index], style)
                self._flush()
                if wide:
                    self._grow(char, style)
                    self._flush()
                else:
                    self._space.append(Piece(char, style))
                at = index + 1
            self._grow(text[at:], style)

    def end(self) -> None:
        """The line ends."""
        self._flush()
        room = max(0, self._width - self._column)  # spaces that would go over the edge say nothing there
        self._out.extend(styled(*piece) for piece in self._space[:room])
        self._space.clear()
        self._out.append("\n")
        self._column = 0

    def raw(self, text: str, style: str = "") -> None:
        """Whole lines, as they are."""
        self._out.extend(styled(line, style) + "\n" for line in text.split("\n"))
        self._column = 0

    @property
    def begun(self) -> bool:
        """Whether the line has something on it, written or not."""
        return bool(self._column or self._word or self._space)

    def take(self) -> str:
        """What is to be written now."""
        text = "".join(self._out)
        self._out.clear()
        return text

    def _grow(self, text: str, style: str) -> None:
        if not text:
            return
        self._word.append(Piece(text, style))
        self._word_columns += columns(text)
        if self._word_columns >= self._width:
            self._flush()

    def _flush(self) -> None:
        """The word is whole."""
        if not self._word:
            return
        spaces = len(self._space)
        if self._column > self._indent_columns and self._column + spaces + self._word_columns > self._width:
            self._out.append("\n")
            self._out.extend(styled(*piece) for piece in self._indent)
            self._column = self._indent_columns
        else:
            self._out.extend(styled(*piece) for piece in self._space)
            self._column += spaces
        self._space.clear()
        self._out.extend(styled(*piece) for piece in self._word)
        self._column += self._word_columns
        if self._column > self._width:  # the terminal has broken it
            self._column %= self._width
        self._word.clear()
        self._word_columns = 0
