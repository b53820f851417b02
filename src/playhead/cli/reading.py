"""Arguments that are tapes: opened here, so that a file that is not there is a fault of the command line and not of the
program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playhead.cli.main import UsageError
from playhead.errors import TapeError

if TYPE_CHECKING:
    from playhead.tapes import Tape


def load_tape(path: str) -> Tape:
    """The tape at a path.

    Raises:
        UsageError: there is no such file, it is a folder, or it may not be read.
        TapeFormatError: it is no tape.
    """
    from playhead.tapes import Tape

    try:
        return Tape.load(path)
    except TapeError as error:
        if isinstance(error.__cause__, OSError):
            raise UsageError(str(error)) from error
        raise
