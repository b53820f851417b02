"""What may be a tape's file: a regular one, or nothing yet.

A device, a pipe or a socket is neither played nor recorded on: ``/dev/zero`` never ends, a pipe waits for somebody who
writes and gives its bytes once, and what goes to ``/dev/null`` was paid for and is gone. A name that can be no file's
(one with a NUL, one of 300 letters) is refused here as well, in a sentence. All of it is said before anything is asked
of a model.

What a tape's bytes mean is no business of this module; how a file grows is in ``recorder``.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from playhead.errors import TapeError

_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)

#: Opening a pipe without it waits for the other side; on a regular file it changes nothing.
NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def look(what: str, path: Path) -> os.stat_result | None:
    """What is at the path: a regular file or a directory; None for nothing. ``what`` is for the error: "read".

    Raises:
        TapeError: it is a device, a pipe or a socket, the name can be no file's, or nobody may look.
    """
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise TapeError(describe_file_error(what, path, error)) from error
    except ValueError as error:
        raise TapeError(f"cannot {what} the tape {str(path)!r}: that can be no file's name ({error})") from error
    check_kind(what, path, found)
    return found


def check_kind(what: str, path: Path, found: os.stat_result) -> None:
    """Refuse what is no regular file; a directory is left to the system's own refusal.

    Raises:
        TapeError: it is a device, a pipe or a socket.
    """
    for is_kind, name in _KINDS:
        if is_kind(found.st_mode):
            raise TapeError(f"cannot {what} the tape {path}: it is {name}, and a tape is a regular file; name one")


def open_to_read(path: Path) -> tuple[int, os.stat_result]:
    """A descriptor of a regular file, and what is known of it.

    Raises:
        TapeError: there is no such file, it cannot be read, or it is no regular one.
    """
    look("read", path)
    try:
        descriptor = os.open(path, os.O_RDONLY | NO_WAIT)
    except OSError as error:
        raise TapeError(describe_file_error("read", path, error)) from error
    try:
        found = os.fstat(descriptor)
        check_kind("read", path, found)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, found


def read_file(path: Path) -> bytes:
    """The bytes of a regular file.

    Raises:
        TapeError: there is no such file, it cannot be read, or it is no regular one.
    """
    descriptor, _ = open_to_read(path)
    return read_descriptor(descriptor, path)


def read_descriptor(descriptor: int, path: Path) -> bytes:
    """All bytes from where the descriptor stands, which is closed then.

    Raises:
        TapeError: it cannot be read.
    """
    try:
        with open(descriptor, "rb", buffering=0) as file:
            return file.readall()
    except OSError as error:
        raise TapeError(describe_file_error("read", path, error)) from error


def describe_file_error(what: str, path: str | os.PathLike[str], error: OSError) -> str:
    """A sentence about a file that cannot be read or written."""
    name = os.fspath(path)
    if isinstance(error, FileNotFoundError):
        return f"cannot {what} the tape {name}: no such file"
    if isinstance(error, IsADirectoryError) or os.path.isdir(name):
        return f"cannot {what} the tape {name}: it is a directory; name a file in it"
    if isinstance(error, PermissionError):
        return f"cannot {what} the tape {name}: permission denied"
    return f"cannot {what} the tape {name}: {error.strerror or error}"
