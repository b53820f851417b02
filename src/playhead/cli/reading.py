"""Arguments that are tapes: opened here, so that a file that is not there is a fault of the command line and not of the
program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playhead.cli.ends import UsageError
from playhead.errors import TapeError, TapeFormatError

if TYPE_CHECKING:
    from playhead.tapes import Tape
    from playhead.tapes.formats.brought import Brought


def load_tape(path: str, *, any_format: bool = False) -> Tape:
    """The tape at a path; ``any_format``: or whatever recording is there, as a tape.

    Raises:
        UsageError: there is no such file, it is a folder, or it may not be read.
        TapeFormatError: it is no tape.
    """
    from playhead.tapes import Tape

    try:
        return Tape.load(path)
    except TapeFormatError as error:
        if not any_format:
            raise
        from playhead.tapes.formats import as_tape, read
        from playhead.tapes.formats.detect import detect

        data = read_bytes(path)
        found = detect(data)
        if found is None or found == "go-vcr":
            raise
        try:
            return as_tape(read(data, path, found), path)
        except TapeFormatError as broken:
            raise broken from error
    except TapeError as error:
        if isinstance(error.__cause__, OSError):
            raise UsageError(str(error)) from error
        raise


def read_bytes(path: str) -> bytes:
    """The bytes of a regular file; of one that is gzip as a whole, what is in it.

    Raises:
        UsageError: there is no such file, it is a folder, a device or a pipe, or it may not be read.
    """
    from pathlib import Path

    from playhead.tapes.files import read_file
    from playhead.tapes.formats.detect import unpacked

    try:
        return unpacked(read_file(Path(path)))
    except TapeError as error:
        raise UsageError(str(error).replace("the tape ", "", 1)) from error


def read_recording(path: str) -> Brought:
    """The recording at a path, in whatever format it is.

    Raises:
        UsageError: there is no such file, or it may not be read.
        TapeFormatError: it is no recording that is known.
    """
    from playhead.tapes.formats import read

    return read(read_bytes(path), path)
