"""How words are put on a terminal: colours, widths, numbers, by hand and by no library.

Whatever a tape or a model says is shown through :func:`clean` first: an escape sequence in an answer must not move
the cursor, retitle the window or hide what follows. Colours are the sixteen that every terminal has, and off where
nobody looks at them: in a pipe, with ``NO_COLOR`` set (https://no-color.org), on a dumb terminal::

    paint = Paint.of(sys.stdout, "auto")
    paint.dim("0.34 s")  ->  "\\x1b[2m0.34 s\\x1b[0m", or "0.34 s" where colours are off
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from decimal import Decimal

#: Between a thing and how often it came.
TIMES = "\N{MULTIPLICATION SIGN}"

#: Columns of a line where no terminal says how wide it is.
DEFAULT_WIDTH = 100

#: Seconds (some thirty years) from which a duration is none, and shown as the number that it is.
LONGEST = 1e9

_NARROWEST = 20
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
# What turns the direction of a line can make it read as something else.
_CONTROLS |= {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
# What other programs take for the end of a line: a log's reader would see a line that nobody wrote.
_CONTROLS |= {code: f"\\u{code:04x}" for code in (0x2028, 0x2029)}
_CONTROLS[0x0D] = ""  # the CR of a CRLF
_CONTROLS[0x09] = "    "


class Paint:
    """Colours, or none, for one stream of ``width`` columns. ``limit`` is the width where somebody has said it: what is
    laid out in columns keeps to that, and is as wide as it is where nobody has."""

    def __init__(self, color: bool, width: int = DEFAULT_WIDTH, limit: int | None = None) -> None:
        self.color = color
        self.width = width
        self.limit = limit

    @classmethod
    def of(cls, stream: TextIO, mode: str = "auto") -> Paint:
        """For a stream, by the word of ``--color``: "auto", "always" or "never"."""
        return cls(has_color(stream, mode), width_of(stream), limit_of(stream))

    def _sgr(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and text else text

    def dim(self, text: str) -> str:
        """What is there if one looks for it: numbers, reasoning."""
        return self._sgr("2", text)

    def bold(self, text: str) -> str:
        """Headings and roles."""
        return self._sgr("1", text)

    def red(self, text: str) -> str:
        """What went wrong."""
        return self._sgr("31", text)

    def green(self, text: str) -> str:
        """What came out well."""
        return self._sgr("32", text)

    def yellow(self, text: str) -> str:
        """Refusals, waits, warnings."""
        return self._sgr("33", text)

    def cyan(self, text: str) -> str:
        """Tools."""
        return self._sgr("36", text)


def has_color(stream: TextIO, mode: str) -> bool:
    """Whether to colour what goes to this stream."""
    if mode != "auto":
        return mode == "always"
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()


def width_of(stream: TextIO) -> int:
    """Columns: what ``COLUMNS`` says, else the terminal, else :data:`DEFAULT_WIDTH`."""
    return limit_of(stream) or DEFAULT_WIDTH


def limit_of(stream: TextIO) -> int | None:
    """Columns: what ``COLUMNS`` says, else the terminal; None where neither does."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and len(told) <= 6 and int(told):  # a longer one is no width that a terminal has
        return max(int(told), _NARROWEST)
    try:
        return max(os.get_terminal_size(stream.fileno()).columns or DEFAULT_WIDTH, _NARROWEST)
    except (OSError, ValueError):  # no terminal, or no file at all
        return None


def clean(text: str) -> str:
    """Text that a terminal shows and does not obey: control characters are written out as ``\\x1b``, and so is what
    breaks a line without being ``\\n``."""
    return text.translate(_CONTROLS)


def columns(text: str) -> int:
    """How many columns a terminal gives to the text: two for a wide character, none for a combining one."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


_SGR = re.compile(r"(\x1b\[[0-9;]*m)")


def wrap_painted(text: str, width: int) -> Iterator[str]:
    """:func:`wrap`, of a text that is coloured already: colours end with their line, and go on in the next."""
    pieces = _SGR.split(text)
    if len(pieces) == 1:
        yield from wrap(text, width)
        return
    plain, marks = "", []  # where in the plain text each colour begins or ends
    for number, piece in enumerate(pieces):
        if number % 2:
            marks.append((len(plain), piece))
        else:
            plain += piece
    at, code = 0, ""
    for line in wrap(plain, width):
        start = plain.index(line, at)
        end = start + len(line)
        while marks and marks[0][0] < start:
            code = _then(code, marks.pop(0)[1])
        out, place = code, start
        while marks and marks[0][0] <= end:
            where, mark = marks.pop(0)
            out += plain[place:where] + mark
            place, code = where, _then(code, mark)
        yield out + plain[place:end] + ("\x1b[0m" if code else "")
        at = end


def hung(text: str, width: int) -> str:
    """A line of notes, wrapped, with what it is broken into indented under it."""
    return "\n  ".join(wrap_painted(text, max(width - 2, 1))) if columns(_SGR.sub("", text)) > width else text


#: What figures are parted by, a space that no line is broken at, and columns of a figure that is kept whole.
_BETWEEN = re.compile(r"(?<=[,;]) ")
HARD = "\N{NO-BREAK SPACE}"
_SHORT = 40
_NUMBER = re.compile(r"(\d) (µs|ms|s|min|B|kB|MB)\b")


def kept_whole(text: str, room: int) -> str:
    """Figures in a row, ``2 steps, $0.0006258, 5.30 s``, with :data:`HARD` inside of each: a line begins with one of
    them, and never with a unit. Of one that is wider than ``room``, or long, the numbers are kept. Whoever writes the
    lines makes them spaces again."""
    most = min(room, _SHORT)
    return " ".join(
        one.replace(" ", HARD) if columns(_SGR.sub("", one)) <= most else _NUMBER.sub(rf"\1{HARD}\2", one)
        for one in _BETWEEN.split(text)
    )


def _then(code: str, mark: str) -> str:
    return "" if mark == "\x1b[0m" else code + mark


def wrap(text: str, width: int) -> Iterator[str]:
    """The text in lines of at most ``width`` columns, broken at spaces, within a word only where it is longer than a
    line. Line breaks and the indentation of a line are kept."""
    for line in text.split("\n"):
        if columns(line) <= width:
            yield line
            continue
        current, used = "", 0
        for word in _words(line):
            size = columns(word)
            if used and used + columns(word.rstrip(" ")) > width:
                yield current.rstrip(" ")
                current, used, word = "", 0, word.lstrip(" ")
                size = columns(word)
            if size > width:
                start, filled = 0, len(word.rstrip(" "))
                while size > width and start < filled:
                    end = _fitting(word, start, width)
                    yield word[start:end]
                    size -= columns(word[start:end])
                    start = end
                word = word[start:]
            current, used = current + word, used + size
        if current.strip(" "):
            yield current.rstrip(" ")


def _words(line: str) -> Iterator[str]:
    """Each word with the spaces after it, the first with those before it as well."""
    start, length = 0, len(line)
    at = length - len(line.lstrip(" "))
    while start < length:
        space = line.find(" ", at)
        if space < 0:
            yield line[start:]
            return
        at = space
        while at < length and line[at] == " ":
            at += 1
        yield line[start:at]
        start = at


def _fitting(word: str, start: int, width: int) -> int:
    """Where the part of the word ends that begins at ``start`` and has ``width`` columns, or one character."""
    piece = word[start : start + width]
    if piece.isascii():
        return start + len(piece)
    used = 0
    for index in range(start, len(word)):
        used += columns(word[index])
        if used > width:
            return max(index, start + 1)
    return len(word)


def seconds(value: float) -> str:
    """A duration as one reads it: ``0.34 s``, ``12 ms``, ``1 min 18 s``."""
    if not 0 <= value < LONGEST:
        return f"{scientific(value)} s"
    if value < 0.0005:
        return f"{value * 1e6:.0f} µs" if value else "0 s"
    if value < 0.1:
        return f"{value * 1e3:.3g} ms"
    if value < 99.95:
        return f"{value:.2f} s" if value < 9.995 else f"{value:.1f} s"
    return f"{int(value) // 60} min {int(value) % 60} s"


def dollars(value: Decimal | None) -> str:
    """Money, to the last digit that says something: ``$0.0006258``. What is no money is shown in few characters."""
    if value is None:
        return "cost not reported"
    if not value.is_finite() or abs(value.adjusted()) > 15:
        return f"${scientific(value)}"
    return f"${value.normalize():f}"


def whole(value: int, comma: str = ",") -> str:
    """A count: ``1,234``, or an id, without the comma; one of more digits than anything has, in few characters."""
    return f"{value:,}".replace(",", comma) if abs(value) < 10**18 else scientific(value)


def scientific(value: float | Decimal) -> str:
    """A number that is absurd where it stands, in few characters: ``1.00E+400``, ``NaN``."""
    from decimal import Decimal

    number = Decimal(value)
    return f"{number:.2E}" if number else "0"


def size(count: int) -> str:
    """Bytes: ``520 B``, ``1.3 kB``."""
    return f"{count} B" if count < 1000 else f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1e6:.1f} MB"


def plural(count: int, noun: str) -> str:
    """``1 step``, ``2 steps``."""
    return f"{whole(count)} {noun}" + ("" if count == 1 else "s")


def tokens(sent: int | None, received: int | None) -> str:
    """``97 in + 31 out tokens``: what went in and what came out; "?" where one of them was not reported."""
    if sent is None and received is None:
        return "tokens not reported"
    return f"{in_and_out(sent, received)} tokens"


def in_and_out(sent: int | None, received: int | None) -> str:
    """``97 in + 31 out``, where it stands beside the word."""
    return f"{'?' if sent is None else whole(sent)} in + {'?' if received is None else whole(received)} out"
