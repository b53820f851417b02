"""The command as a user starts it: a process of its own, in a pipe or on a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple


def environment(**extra: str) -> dict[str, str]:
    """An environment in which the command's arguments alone decide what happens: no key, no mode, no proxy."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_proxy", "_PROXY"))}
    for name in ("CI", "PLAYHEAD_TAPE_MODE", "NO_COLOR", "COLUMNS"):
        kept.pop(name, None)
    return kept | {"PYTHONWARNINGS": "error", "PYTHONIOENCODING": "utf-8", "TERM": "xterm"} | extra


def command(*words: str) -> list[str]:
    """The words that start ``playhead …`` with this interpreter."""
    return [sys.executable, "-m", "playhead", *words]


#: The line that says what is waited for, written and taken away again: there where a machine is slow.
WAITS = r"… [^\r\n]*\r *\r"


class Shown(NamedTuple):
    """What a terminal got, but for what was taken away again, and the exit status."""

    text: str
    status: int


def on_terminal(*words: str, cwd: Path, **extra: str) -> Shown:
    """Run with stdin, stdout and stderr on one terminal of 80 columns."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(*words), stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd, env=environment(COLUMNS="80", **extra)
    )
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed: how Linux says that a terminal has gone
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(ours)
    text = re.sub(WAITS, "", b"".join(pieces).decode())
    return Shown(text.replace("\r\n", "\n"), process.wait(timeout=60))
