"""A tape: the interactions of a file in go-vcr's version 2 format, read and written without changing what is there.

A loaded tape keeps the bytes that it was read from. Saving gives every interaction that was not touched its own bytes
back, whatever tool wrote them; those that were added or replaced are written in the file's layout. So loading and
saving changes nothing.

What people should know of a file (a torn last item that was dropped, keys that are not read) stands in ``warnings``; no
Python warning is issued. How a file grows while it is recorded is in ``recorder``; which interaction answers which
request, in ``match`` and ``session``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from playhead.errors import TapeError, TapeFormatError, TapeModeError
from playhead.given import check, check_there
from playhead.tapes.files import TAPE, describe_file_error, look, read_file, write_whole
from playhead.tapes.interaction import Interaction
from playhead.tapes.layout import HEAD, NEW
from playhead.tapes.ledger import Ledger
from playhead.tapes.reading import LINE_BREAK, Reading
from playhead.tapes.yaml_read import read_tape
from playhead.tapes.yaml_write import encode_interaction


class Tape:
    """The interactions of a run, in order.

    Attributes:
        interactions: frozen values; a list, so that one may be replaced, added or taken out before saving.
        path: the file that the tape was loaded from or last saved to; None for one that has none.
        warnings: what was odd about the file, for people.
    """

    def __init__(self, interactions: Iterable[Interaction] = (), path: Path | None = None) -> None:
        self._interactions = list(interactions)
        self.path = path
        self.warnings: list[str] = []
        self.layout = NEW
        self._data = b""
        self._reading = Reading((), NEW, [], 0)
        self._lock = Lock()
        self.ledger = Ledger()
        self._original: Tape | None = None

    @property
    def interactions(self) -> Sequence[Interaction]:
        """Frozen values, in order."""
        return self._interactions

    @interactions.setter
    def interactions(self, interactions: Iterable[Interaction]) -> None:
        self._interactions = list(interactions)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Tape:
        """The tape in a file.

        Raises:
            TapeError: there is no such file, or it cannot be read.
            TapeFormatError: it is no go-vcr v2 tape; says the line.
        """
        check_there("Tape.load", "path", path)
        path = Path(path)
        return cls.loads(read_file(path), path)

    @classmethod
    def loads(cls, data: bytes, path: Path | None = None) -> Tape:
        """The tape in a file's bytes; ``path`` is for errors and for ``save``.

        Raises:
            TapeFormatError: it is no go-vcr v2 tape; says the line.
        """
        check_there("Tape.loads", "data", data)
        try:
            reading = read_tape(data, None if path is None else str(path))
        except TapeFormatError as error:
            raise _named(error, data) from None
        tape = cls(reading.interactions, path)
        tape.warnings = reading.warnings
        tape.layout = reading.layout
        tape._data = data
        tape._reading = reading
        return tape

    def copy(self, path: Path | None) -> Tape:
        """A tape of its own with the same interactions, in another's name. What was read is shared, and this tape lives
        as long as the copy."""
        tape = Tape(self._interactions, path)
        tape.warnings = list(self.warnings)
        tape.layout = self.layout
        tape._data = self._data
        tape._reading = self._reading
        tape._original = self
        return tape

    def save(self, path: str | os.PathLike[str] | None = None) -> None:
        """Write the tape to a file, whole or not at all; without a path, to its own.

        Raises:
            TapeError: it has no path, or the file cannot be written.
            TapeModeError: this process records on the file, and the tape is not what the file holds.
        """
        check("Tape.save", path=path)
        target = self.path if path is None else Path(path)
        if target is None:
            raise TapeError("this tape has no file: say where, tape.save(path)")
        data = self.dumps()
        look("write", target)
        real = Path(os.path.realpath(target))
        try:
            real.parent.mkdir(parents=True, exist_ok=True)
            same = real.is_file() and real.read_bytes() == data
        except OSError as error:
            raise TapeError(describe_file_error("write", target, error)) from error
        if not same:
            if real.exists():
                _refuse_recorded(target)
            write_whole(target, data, TAPE)
        self.path = target

    def dumps(self) -> bytes:
        """The bytes of the tape's file."""
        reading = self._reading
        loaded = reading.interactions
        now = self._interactions
        if len(now) == len(loaded) and all(a is b for a, b in zip(now, loaded, strict=True)):
            if reading.end or self._data:
                return self._data[: reading.end]
            return HEAD[:-1] + b" []\n"
        if reading.starts is None or not loaded:
            return HEAD + b"".join([encode_interaction(item, self.layout) for item in now])
        head, sources = self._sources(reading.starts)
        known = {id(item): source for item, source in zip(loaded, sources, strict=True)}
        pieces = [known.get(id(item)) or encode_interaction(item, self.layout) for item in now]
        return head + b"".join([piece if piece.endswith(b"\n") else piece + b"\n" for piece in pieces])

    def append(self, interaction: Interaction) -> None:
        """Add an interaction in memory; nothing is written."""
        with self._lock:
            self._interactions.append(interaction)

    def clear(self) -> None:
        """Make the tape an empty new one; its file stays as it is until it is saved or recorded on. Where sessions
        record on it, nothing is done: what they have recorded is not lost."""
        with self._lock:
            if self.ledger.recording:
                return
            self._interactions = []
            self.warnings = []
            self.layout = NEW
            self._data = b""
            self._reading = Reading((), NEW, [], 0)

    def extend(self, make: Callable[[int], Interaction]) -> Interaction:
        """Add the interaction that ``make`` gives for the id after the last, in memory."""
        with self._lock:
            interaction = make(self._interactions[-1].id + 1 if self._interactions else 0)
            self._interactions.append(interaction)
            return interaction

    def settled(self) -> tuple[Interaction, ...]:
        """What is on the tape and is not being recorded by a session that is still open."""
        with self._lock:
            return self.ledger.settled(self._interactions)

    @property
    def whole_size(self) -> int:
        """How many bytes of the loaded file its head and its whole interactions take."""
        return self._reading.end

    @property
    def appendable(self) -> bool:
        """Whether an interaction may be written after the last one of the loaded file."""
        return self._reading.appendable

    def __getstate__(self) -> dict[str, Any]:
        """All but the locks, so that a tape, and a run or an error that has one, can be pickled and copied. No session
        is open on the copy."""
        with self._lock:
            state = vars(self) | {"_interactions": list(self._interactions)}
        del state["_lock"], state["ledger"], state["_original"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._lock, self.ledger, self._original = Lock(), Ledger(), None

    def __repr__(self) -> str:
        where = f" {str(self.path)!r}" if self.path else ""
        return f"<Tape{where}: {len(self._interactions)} interactions>"

    def _sources(self, starts: list[int]) -> tuple[bytes, list[bytes]]:
        """The bytes before the first item, and those of each."""
        data = self._data[: self._reading.end]
        lines = [0, *(match.end() for match in LINE_BREAK.finditer(data))]
        places = [lines[start] for start in starts]
        return data[: places[0]], [data[a:b] for a, b in zip(places, [*places[1:], len(data)], strict=True)]


def _named(error: TapeFormatError, data: bytes) -> TapeFormatError:
    """The error, where the bytes are another format's one that says so, and what makes a tape of them."""
    from playhead.tapes.formats.brought import NAMES
    from playhead.tapes.formats.detect import detect

    found = detect(data)
    if found is None or found == "go-vcr":
        return error
    message = f"expected a go-vcr tape of version 2, got {NAMES[found]}: `playhead convert` makes a tape of it"
    return TapeFormatError(message, path=error.path, line=error.line)


def _refuse_recorded(path: Path) -> None:
    from playhead.tapes.recorder import find_recorder

    if find_recorder(path) is not None:
        raise TapeModeError(f"the tape {path} is being recorded: save to another file, or close the session first")
