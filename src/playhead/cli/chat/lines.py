"""Lines that the user types: editing and history by the standard library's ``readline``, where there is one.

A line that ends in a backslash goes on in the next. What is pasted comes as one text, line breaks and all: GNU readline
has bracketed paste (https://tiswww.case.edu/php/chet/readline/rltop.html, ``enable-bracketed-paste``). The history is
kept in memory alone: what was asked may be nobody's business, and a tape has it where one wants it.

readline writes to the C library's stdout. While tools' output is kept apart (:func:`playhead.cli.output.own_stdout`)
that leads to stderr, which is the terminal in every ordinary case; where it is not, lines are read plainly.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import TextIO


@contextmanager
def quiet_keys() -> Iterator[None]:
    """Within this the terminal does not write ``^C`` where the cursor is, in the midst of an answer."""
    try:
        import termios
    except ImportError:  # Windows
        yield
        return
    try:
        before, changed = termios.tcgetattr(0), termios.tcgetattr(0)
        changed[3] &= ~getattr(termios, "ECHOCTL", 0)
        termios.tcsetattr(0, termios.TCSANOW, changed)
    except (OSError, termios.error):  # no terminal
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError, termios.error):  # it was closed
            termios.tcsetattr(0, termios.TCSANOW, before)


class Lines:
    """Asks for lines on a terminal. ``words`` are what Tab completes at the beginning of a line."""

    def __init__(self, err: TextIO, words: Iterable[str] = (), *, color: bool = False) -> None:
        self._err, self._color = err, color
        self._words = sorted(words)
        self._readline = _readline()
        if self._readline is not None:
            self._settle(self._readline)

    def remember(self, text: str) -> None:
        """Put a text into the history, as if it had been typed."""
        if self._readline is not None and text.strip():
            with suppress(ValueError):  # a NUL, which a line of C cannot hold
                self._readline.add_history(text)

    def text(self, prompt: str = "> ", more: str = "… ") -> str:
        """What the user types, of one line or several, into the history as well.

        Raises:
            EOFError: the input is over (Ctrl-D).
            KeyboardInterrupt: Ctrl-C.
        """
        lines = [self.line(prompt)]
        while lines[-1].endswith("\\"):
            lines[-1] = lines[-1][:-1]
            lines.append(self.line(more))
        text = "\n".join(lines)
        self.remember(text)
        return text

    def line(self, prompt: str) -> str:
        """One line, or one pasted text.

        Raises:
            EOFError, KeyboardInterrupt: as :meth:`text` does.
        """
        real = sys.__stdout__
        if self._readline is None or real is None or not real.isatty():
            self._err.write(prompt)
            self._err.flush()
            line = sys.stdin.readline()
            if not line:
                raise EOFError
            return line.rstrip("\n")
        painted = f"\x01\x1b[1m\x02{prompt}\x01\x1b[0m\x02" if self._color else prompt
        before, sys.stdout = sys.stdout, real
        try:
            return input(painted)
        finally:
            sys.stdout = before

    def _settle(self, readline: ModuleType) -> None:
        readline.set_auto_history(False)  # an approval is nothing to come back to
        readline.set_completer_delims(" \n")
        readline.set_completer(self._completed)
        if "libedit" in (readline.__doc__ or ""):
            readline.parse_and_bind("bind ^I rl_complete")
        else:
            readline.parse_and_bind("tab: complete")
            readline.parse_and_bind("set enable-bracketed-paste on")

    def _completed(self, text: str, number: int) -> str | None:
        if self._readline is None or self._readline.get_begidx():
            return None
        return next(iter([word for word in self._words if text and word.startswith(text)][number:]), None)


def _readline() -> ModuleType | None:
    """The module; None where this Python was built without it, as on Windows."""
    try:
        import readline
    except ImportError:
        return None
    return readline
