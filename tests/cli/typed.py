"""A command that is typed at: a process of its own whose terminal is a pseudo-terminal, as a user's is."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from cli_process import WAITS, environment

#: What takes the terminal as its own, so that Ctrl-C typed there is a signal, and becomes the command.
_TAKES_TERMINAL = (
    "import os, sys; os.close(os.open(os.ttyname(0), os.O_RDWR)); "
    "os.execv(sys.executable, [sys.executable, '-m', 'playhead', *sys.argv[1:]])"
)
_ESCAPES = re.compile(WAITS + r"|\x1b\[[0-9;?]*[a-zA-Z]|\x01|\x02|\r|\x07")


class Typed:
    """``with Typed("chat", …, cwd=folder) as terminal``: types, and waits for what is shown.

    ``shown`` is all that the terminal got, colours and all.
    """

    def __init__(self, *words: str, cwd: Path, seconds: float = 30.0, columns: int = 80, **extra: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", _TAKES_TERMINAL, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=cwd,
            env=environment(**extra),
            start_new_session=True,
        )
        os.close(theirs)
        self.seconds = seconds
        self.shown = ""
        self._read = b""
        self._seen = 0

    def __enter__(self) -> Typed:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(30)
        os.close(self._ours)

    @property
    def text(self) -> str:
        """What was shown, without what commands the terminal."""
        return _ESCAPES.sub("", self.shown)

    def wait_for(self, words: str) -> str:
        """Until these words are shown after those that were waited for last; what came with them."""
        until = time.monotonic() + self.seconds
        while (at := self.text.find(words, self._seen)) < 0:
            assert self._more(until - time.monotonic()), f"{words!r} never came; there is:\n{self.text[self._seen :]}"
        before, self._seen = self.text[self._seen : at], at + len(words)
        return before

    def type(self, line: str, end: str = "\r") -> None:
        """Type a line, and Enter."""
        os.write(self._ours, (line + end).encode())

    def interrupt(self, words: str | None = None) -> None:
        """Ctrl-C, until these words are shown, or the command has ended."""
        self._insist(lambda: os.write(self._ours, b"\x03"), words)

    def terminate(self) -> int:
        """SIGTERM, until the command has ended; its exit status."""
        self._insist(self.process.terminate, None)
        return self.process.wait(self.seconds)

    def _insist(self, do: Callable[[], object], words: str | None) -> None:
        """A signal that comes in the instant between the prompt and the wait for a key is taken with the next one only,
        as readline looks for signals before it waits."""
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            do()
            calm = time.monotonic() + 2.0
            while (left := calm - time.monotonic()) > 0:
                if words is not None and (at := self.text.find(words, self._seen)) >= 0:
                    self._seen = at + len(words)
                    return
                if not self._more(left) and self.process.poll() is not None:
                    return
        raise AssertionError(f"nothing came of it; there is:\n{self.text[self._seen :]}")

    def prompt(self) -> str:
        """Until the next prompt; what was shown before it."""
        return self.wait_for("\n> ")

    def ended(self) -> int:
        """Until the command has ended; its exit status."""
        until = time.monotonic() + self.seconds
        while self._more(until - time.monotonic()):
            pass
        return self.process.wait(self.seconds)

    def read(self) -> None:
        """Take what is shown next, or wait a while for it."""
        self._more(1.0)

    def _more(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._ours], [], [], max(0.0, seconds))
        if not ready:
            return False
        try:
            piece = os.read(self._ours, 65536)
        except OSError:  # how Linux says that the other end is closed
            return False
        self._read += piece
        self.shown = self._read.decode("utf-8", "replace")
        return bool(piece)
