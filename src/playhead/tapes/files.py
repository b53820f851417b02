"""What may be a tape's file, a regular one or nothing yet; and how any file is written, whole or not at all.

A device, a pipe or a socket is neither played nor recorded on: ``/dev/zero`` never ends, a pipe waits for somebody who
writes and gives its bytes once, and what goes to ``/dev/null`` was paid for and is gone. A name that can be no file's
(one with a NUL, one of 300 letters) is refused here as well, in a sentence. All of it is said before anything is asked
of a model.

:func:`write_whole` is how everything that playhead writes at once is written, tapes and pages and histories: a process
that is killed leaves what was there. What is there keeps its mode, a symbolic link stays one and what it names is
replaced, and what is no regular file is refused. A new file is as open as the umask says, as any program's is, and
never more open than the file that it was made of.

What a tape's bytes mean is no business of this module; how a file grows is in ``recorder``.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from playhead.errors import TapeError

_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)

#: How a file is called in an error, where it is a tape.
TAPE = "the tape"

#: Bytes of a document that is read at once; a conversation with many images has a hundredth of it.
LARGEST = 1 << 28

_NEW, _PRIVATE = 0o666, 0o600

#: Opening a pipe without it waits for the other side; on a regular file it changes nothing.
NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def look(what: str, path: Path, noun: str = TAPE) -> os.stat_result | None:
    """What is at the path: a regular file or a directory; None for nothing. ``what`` is for the error: "read".

    Raises:
        TapeError: it is a device, a pipe or a socket, the name can be no file's, or nobody may look.
    """
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise TapeError(describe_file_error(what, path, error, noun)) from error
    except ValueError as error:
        raise TapeError(f"cannot {what} {noun} {str(path)!r}: that can be no file's name ({error})") from error
    check_kind(what, path, found, noun)
    return found


def check_kind(what: str, path: Path, found: os.stat_result, noun: str = TAPE) -> None:
    """Refuse what is no regular file; a directory is left to the system's own refusal.

    Raises:
        TapeError: it is a device, a pipe or a socket.
    """
    for is_kind, name in _KINDS:
        if is_kind(found.st_mode):
            least = "and a tape is a regular file; name one" if noun == TAPE else "and no regular file; name one"
            raise TapeError(f"cannot {what} {noun} {path}: it is {name}, {least}")


def open_to_read(path: Path, noun: str = TAPE) -> tuple[int, os.stat_result]:
    """A descriptor of a regular file, and what is known of it.

    Raises:
        TapeError: there is no such file, it cannot be read, or it is no regular one.
    """
    look("read", path, noun)
    try:
        descriptor = os.open(path, os.O_RDONLY | NO_WAIT)
    except OSError as error:
        raise TapeError(describe_file_error("read", path, error, noun)) from error
    try:
        found = os.fstat(descriptor)
        check_kind("read", path, found, noun)
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


def read_document(path: Path, noun: str) -> bytes:
    """The bytes of a regular file that is no tape, of at most :data:`LARGEST`.

    Raises:
        TapeError: there is no such file, it cannot be read, it is no regular one, or it is larger.
    """
    descriptor, _ = open_to_read(path, noun)
    try:
        with open(descriptor, "rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise TapeError(describe_file_error("read", path, error, noun)) from error
    if len(data) > LARGEST:
        raise TapeError(f"cannot read {noun} {path}: it has more than {LARGEST >> 20} MiB")
    return data


def write_whole(path: Path, data: bytes, noun: str = "the file", *, like: Iterable[Path] = ()) -> None:
    """Write a file, whole or not at all; ``like`` are the files that it is made of, than which a new one is not more
    open.

    Raises:
        TapeError: it cannot be written, or what is there is no regular file.
    """
    found = look("write", path, noun)
    real = Path(os.path.realpath(path))
    try:
        if found is not None and stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        # Not named after the file, whose name may be as long as names can be.
        fresh = real.with_name(f".{os.getpid()}-{os.urandom(4).hex()}.tmp")
        mode = _NEW
        for source in like:
            mode &= os.stat(source).st_mode
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_WAIT
        try:
            with open(os.open(fresh, flags, mode if found is None else _PRIVATE), "wb") as file:
                file.write(data)
            if found is not None:
                fresh.chmod(stat.S_IMODE(found.st_mode))
            fresh.replace(real)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise TapeError(describe_file_error("write", path, error, noun)) from error


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


def describe_file_error(what: str, path: str | os.PathLike[str], error: OSError, noun: str = TAPE) -> str:
    """A sentence about a file that cannot be read or written."""
    name = os.fspath(path)
    if isinstance(error, FileNotFoundError):
        return f"cannot {what} {noun} {name}: no such file"
    if isinstance(error, IsADirectoryError) or os.path.isdir(name):
        return f"cannot {what} {noun} {name}: it is a directory; name a file in it"
    if isinstance(error, PermissionError):
        return f"cannot {what} {noun} {name}: permission denied"
    return f"cannot {what} {noun} {name}: {error.strerror or error}"
