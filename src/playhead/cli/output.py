"""The streams that a command is started with, as it needs them.

They may be closed (``>&-``) and of an encoding that lacks characters (``LC_ALL=C``); neither may end a command in the
midst of an answer that was paid for. So a closed stream is the null device, which reads as empty, and a character that
a stream cannot say is written out as ``\\u2192``.

stdout is kept for the command's own words.

Tools are the user's code, and what they print is about the run and not of its answer: in ``playhead run … > a.txt`` or
with ``--json`` it would stand in the middle of it. So while that code may run, whatever else writes to stdout (a
``print``, a child process, a C library) writes to stderr, and the command alone has what stdout was::

    with own_stdout() as out:
        out.write("the answer")   # to stdout
        print("from a tool")      # to stderr
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import TextIO


def open_streams() -> None:
    """Open what of stdin, stdout and stderr is closed, lest a file that is opened next, as the tape, becomes it; and
    let stdout and stderr write any character in some way."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, _null(number))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors != "backslashreplace":
            stream.reconfigure(errors="backslashreplace")


def settle_streams() -> None:
    """Write what is still held, and keep the interpreter from trying again, and complaining, where it cannot be."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                number, null = stream.fileno(), os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, number)
                os.close(null)


def _null(number: int) -> TextIO:
    writes = number > 0
    try:
        os.fstat(number)
    except OSError:  # closed, and not taken by a file of somebody's since
        null = os.open(os.devnull, os.O_RDWR)
        if null != number:
            os.dup2(null, number)
            os.close(null)
    else:
        number = os.open(os.devnull, os.O_RDWR)
    # The descriptor is never closed, as those of the interpreter's own streams are not.
    return open(number, "w" if writes else "r", encoding="utf-8", closefd=False)


@contextmanager
def own_stdout() -> Iterator[TextIO]:
    """What stdout was; what is written to stdout within goes to stderr. Afterwards all is as before."""
    before = sys.stdout
    before.flush()
    own = _apart(before)
    sys.stdout = sys.stderr
    try:
        yield own or before
    finally:
        sys.stdout = before
        if own is not None:
            os.dup2(own.fileno(), before.fileno())
            with suppress(OSError):  # nobody reads it any more: whoever wrote was told so
                own.close()


def _apart(stream: TextIO) -> TextIO | None:
    """A second stream to where stdout's descriptor leads, which itself then leads to stderr; None where stdout is no
    file, as inside another program."""
    try:
        number, errors = stream.fileno(), sys.stderr.fileno()
    except (OSError, ValueError):
        return None
    own = os.fdopen(os.dup(number), "w", encoding=stream.encoding, errors=stream.errors)
    sys.stderr.flush()
    os.dup2(errors, number)
    return own
