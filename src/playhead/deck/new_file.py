"""The file that a new tape is recorded in: nothing stands there yet, or what stands there may be written over.

A run that fails before it has asked or done anything leaves no trace: what was begun is taken away, and what stood
there before stands there again. Until then it lies beside, under a name that begins with a dot; a process that is
killed meanwhile leaves it there. ::

    place = NewFile("new.yaml", source, force=True)
    …                                # record
    place.keep() or place.take_back()
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from playhead.errors import TapeError, TapeFormatError, TapeModeError
from playhead.tapes import Tape, open_session
from playhead.tapes.files import describe_file_error, look


class NewFile:
    """The place of a new tape: a path, of which alone there is anything to do, else whatever else a tape may be.

    Raises:
        TapeModeError: there is a file already and ``force`` is False, or it is the one of ``source``.
        TapeError: there is something that no tape can be, or another process records there.
    """

    def __init__(self, tape: Any, source: Tape, force: bool) -> None:
        self._real: Path | None = None
        self._old: Path | None = None
        if tape is None or isinstance(tape, Tape):
            return
        path = Path(tape)
        found = look("record on", path)
        self._real = Path(os.path.realpath(path))
        if found is None:
            return
        if source.path is not None and source.path.exists() and path.samefile(source.path):
            raise TapeModeError(f"{path} is the recorded tape itself, which is there already: name another file")
        if not force:
            raise TapeModeError(
                f"there is a file {path} already: name one that is not there, or write over it with force=True"
            )
        with suppress(TapeFormatError, TapeModeError):  # a tape that another process records on is refused
            open_session(path, "resume").close()
        old = self._real.with_name(f".{self._real.name}.{os.getpid()}.old")
        try:
            self._real.replace(old)
        except OSError as error:
            raise TapeError(describe_file_error("write over", path, error)) from error
        self._old = old

    def keep(self) -> None:
        """What was recorded stays."""
        if self._old is not None:
            self._old.unlink(missing_ok=True)

    def take_back(self) -> None:
        """Nothing was recorded that anybody paid for: all is as it was."""
        if self._real is None:
            return
        with suppress(OSError):
            if self._old is not None:
                self._old.replace(self._real)
            else:
                self._real.unlink(missing_ok=True)
