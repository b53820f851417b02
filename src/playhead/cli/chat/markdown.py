"""Markdown painted while it streams: nothing that was written is ever written again.

::

    markdown = Markdown(width=80)
    out.write(markdown.feed("It is **4"))   # "It is "
    out.write(markdown.feed("0 °C** in "))  # "\\x1b[1m40 \\x1b[0m\\x1b[1m°C\\x1b[0m in "
    out.write(markdown.close())             # what was held back

Held back is only what cannot be told yet: the word that is being written, an emphasis or a link whose end has not come
(:mod:`.inline`), the first characters of a line, a line of code, a heading, a table. What is written depends on the
text alone and not on how it was cut. No letter and no digit is ever left out; code is shown as it is, never broken into
lines, so that it can be copied.
"""

from __future__ import annotations

import re

from playhead.cli.chat.inline import BOLD, CODE, DIM, spans
from playhead.cli.chat.table import table
from playhead.cli.flow import Flow, Piece
from playhead.cli.paint import clean

#: Lines of a table that are held back; what comes after is shown without columns.
_LONGEST_TABLE = 200
#: Columns that a list may be indented by at most.
_DEEPEST = 24

_FENCE = re.compile(r" {0,12}(`{3,}|~{3,})([^`]*)")
_HEADING = re.compile(r" {0,3}(#{1,6})[ ]+(.*?)(?:[ ]+#+)?[ ]*")
_RULE = re.compile(r" {0,3}(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})")
_ITEM = re.compile(r"( *)([-*+]|\d{1,9}[.)]) +(?=\S)")
_QUOTE = re.compile(r" {0,3}((?:> ?)+)(?=[^> ])")
#: What a line begins with that is read whole.
_WHOLE = re.compile(r" *(?:`{3}|~{3}|\|)| {0,3}#{1,6} ")
#: Beginnings of which it is not known yet what they begin: a rule among them, to its end.
_OPEN = re.compile(r" *(?:[-*+] *|\d{0,9}[.)]? *|(?:> ?)+|#{0,6}|`{0,2}|~{0,2}|[-*_ ]*)")
#: Characters that such a beginning may have.
_LONGEST_OPENING = 120


class Markdown:
    """Paints one answer for a terminal of ``width`` columns."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._flow = Flow(width)
        self._line = ""  # of the line, what is not given to the flow yet
        self._before = ""  # the character before it
        self._running = False  # whether the line is text that goes out as it comes
        self._fence = ""  # the mark that ends the code
        self._table: list[str] = []

    def feed(self, text: str) -> str:
        """More of the answer; what is to be written of it now."""
        for char in clean(text):
            if char == "\n":
                self._end_line()
            else:
                self._line += char
                if not self._fence:
                    self._advance()
        return self._flow.take()

    def close(self) -> str:
        """The answer is over; the rest of it. It ends with a line break, unless nothing came since the last."""
        if self._line or self._running:
            self._end_line()
        self._end_table()
        self._fence = ""
        return self._flow.take()

    def _advance(self) -> None:
        """One more character of a line that is no code."""
        if self._running:
            self._run(ended=False)
            return
        line = self._line
        if _WHOLE.match(line) or (len(line) <= _LONGEST_OPENING and _OPEN.fullmatch(line)):
            return
        self._begin()
        self._run(ended=False)

    def _begin(self) -> None:
        """It is text: what stands before it is written, the rest follows as it comes."""
        self._end_table()
        line = self._line
        self._running, self._before = True, ""
        found = _ITEM.match(line)
        if found is not None:
            indent, mark = " " * min(len(found[1]), _DEEPEST), found[2]
            bullet = mark if mark[0].isdigit() else "•"
            rest = [Piece(indent + " " * (len(bullet) + 1))]
            self._flow.begin([Piece(f"{indent}{bullet} ")], rest)
            self._line = line[found.end() :]
            return
        found = _QUOTE.match(line)
        if found is not None:
            bars = [Piece("│ " * found[1].count(">"), DIM)]
            self._flow.begin(bars, bars)
            self._line = line[found.end() :]
            return
        text = line.lstrip(" ")
        indent = " " * min(len(line) - len(text), _DEEPEST)
        self._flow.begin([Piece(indent)], [Piece(indent)])
        self._line = text

    def _run(self, *, ended: bool) -> None:
        pieces, read = spans(self._line, ended=ended, before=self._before)
        if read:
            self._before = self._line[read - 1]
            self._line = self._line[read:]
        self._flow.add(pieces)

    def _end_line(self) -> None:
        line, flow = self._line, self._flow
        if self._fence:
            closes = line.strip()
            if closes.startswith(self._fence) and not closes.strip(self._fence[0]):
                self._fence = ""
                flow.raw(line, DIM)
            else:
                flow.raw(line, CODE)
        elif self._running:
            self._run(ended=True)
            flow.end()
        elif line.lstrip(" ").startswith("|") and len(self._table) < _LONGEST_TABLE:
            self._table.append(line)
        else:
            self._end_table()
            self._whole(line)
        self._line, self._before, self._running = "", "", False

    def _whole(self, line: str) -> None:
        """A line that was held back to its end."""
        flow = self._flow
        if found := _FENCE.fullmatch(line):
            self._fence = found[1]
            flow.raw(line, DIM)
        elif found := _HEADING.fullmatch(line):
            flow.begin((), ())
            flow.add(spans(found[2], BOLD)[0])
            flow.end()
        elif _RULE.fullmatch(line):
            flow.raw("─" * min(self._width, 40), DIM)
        elif not line.strip():
            flow.raw("")
        else:
            self._begin()
            self._run(ended=True)
            flow.end()

    def _end_table(self) -> None:
        if self._table:
            for line in table(self._table, self._width):
                self._flow.raw(line)
            self._table = []
