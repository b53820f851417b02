"""The tapes of a recording proxy: which one a client's exchanges go on, and how long it stays open.

One tape is for all, or each client has one named after it. With ``run.yaml`` a client that says its name, ``alice``,
has ``run-alice.yaml``, and one that does not has ``run.1.yaml``: a dash for names and a dot for numbers, so that a
client named ``1`` has a tape of its own, too. A tape is never closed under somebody: those who have asked through it
and are still connected are counted. The tape of a name that nobody holds is kept open for a while, as most clients
come back soon, and is gone on with when they come later.

A tape that cannot be written (the disk is full, somebody put another file in its place) takes nothing from the client.
What was recorded stays in memory and is written with the next exchange. That it does is said at once, once for each
cause, and so is when it is over. What could not be written by the end is saved elsewhere: beside the tape, or in the
folder for temporary files; whole where there is room for that, else only what the file does not have.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from playhead.deck.http1.connection import Connection
from playhead.errors import ConfigError, TapeError
from playhead.tapes.session import Session, open_session
from playhead.tapes.tape import Tape

#: Tapes of names that nobody holds, which are kept open.
KEPT = 16
#: What a tape's error advises a program that holds the tape: nobody does here.
_ADVICE = re.compile(
    r"(?:, or|[;,] (?:nothing is lost: )?)\s?keep [a-z ]+ with tape\.save\(path\)(?:, under another name)?"
)
_SAVED_LATER = "; it is written with the next exchange that can be, or saved elsewhere at the end"


class OpenTapes:
    """The tapes; ``note`` is called with what a person should know.

    Attributes:
        saved: the files that hold what could not be written where it belongs; after ``close``.
        lost: how many exchanges could be saved nowhere; after ``close``.

    Raises:
        ConfigError: a tape without a name.
        TapeError: the tape cannot be recorded on, or no tape can be made where those of clients are to be.
    """

    def __init__(self, tape: Path, *, per_client: bool, secrets: Iterable[str], note: Callable[[str], object]) -> None:
        if not tape.name:
            raise ConfigError(f"a tape is a file, and {str(tape)!r} names none")
        self.saved: list[Path] = []
        self.lost = 0
        self._tape, self._per_client, self._secrets, self._note = tape, per_client, tuple(secrets), note
        self._number = 0
        self._sessions: dict[Path, Session] = {}
        self._users: dict[Path, set[Connection]] = {}
        self._held: dict[Connection, set[Path]] = {}
        self._nameless: dict[Connection, Path] = {}
        self._unused: dict[Path, None] = {}  # in the order in which they were let go of
        self._said: dict[Session, set[str]] = {}  # the causes that were told of, while they last
        self._written = 0  # by sessions that are closed
        if per_client:
            open_session(self._next(), "resume").close()  # it leaves nothing, and says what would be in the way
            self._number -= 1
        else:
            self._open(tape)

    @property
    def recorded(self) -> int:
        """How many exchanges have been written."""
        return self._written + sum(map(_count, list(self._sessions.values())))

    def session(self, connection: Connection, name: str) -> Session:
        """What a client's exchange is to be recorded on; it stays open until :meth:`let_go`.

        Raises:
            PlayheadError: the tape cannot be recorded on.
        """
        if not self._per_client:
            return self._sessions[self._tape]
        path = self._path(connection, name)
        session = self._sessions.get(path) or self._open(path)
        self._users.setdefault(path, set()).add(connection)
        self._held.setdefault(connection, set()).add(path)
        self._unused.pop(path, None)
        return session

    def let_go(self, connection: Connection) -> None:
        """A client is gone, and what was under way for it has been recorded."""
        nameless = self._nameless.pop(connection, None)
        for path in self._held.pop(connection, ()):
            users = self._users[path]
            users.discard(connection)
            if users:
                continue
            del self._users[path]
            if path == nameless:  # nobody can ask for it again
                self._close(path)
            else:
                self._unused[path] = None
        while len(self._unused) > KEPT:
            path = next(iter(self._unused))
            del self._unused[path]
            self._close(path)

    def heed(self, session: Session) -> None:
        """Tell of what happened to a tape, if anything did."""
        notes = session.notes.copy()
        del session.notes[: len(notes)]  # a thread may have added one
        if session.unwritten:
            said = self._said.setdefault(session, set())
            for note in notes:
                cause = re.sub(r"\d+", "", note)  # how many bytes there are is no cause of its own
                if cause not in said:
                    said.add(cause)
                    self._note(_ADVICE.sub("", note) + _SAVED_LATER)
            return
        for note in notes:
            self._note(note)
        if self._said.pop(session, None) is not None:
            self._note(f"the tape {session.tape.path} could be written again, and has all that was recorded")

    def close(self) -> None:
        """Close all of them, and save what could not be written."""
        for path, session in self._sessions.items():
            session.close()
            self._written += _count(session)
            self.heed(session)
            if session.unwritten:
                self._save(path, session)
        for books in (self._sessions, self._users, self._held, self._nameless, self._unused, self._said):
            books.clear()  # a connection may be told of later as gone

    def _path(self, connection: Connection, name: str) -> Path:
        if name:
            return self._tape.with_stem(f"{self._tape.stem}-{name}")
        path = self._nameless.get(connection)
        if path is None:
            path = self._nameless[connection] = self._next()
        return path

    def _next(self) -> Path:
        """A path of the next number at which there is nothing."""
        while True:
            self._number += 1
            path = self._tape.with_stem(f"{self._tape.stem}.{self._number}")
            if not os.path.lexists(path):
                return path

    def _open(self, path: Path) -> Session:
        session = self._sessions[path] = open_session(path, "resume", secrets=self._secrets)
        return session

    def _close(self, path: Path) -> None:
        session = self._sessions[path]
        if session.unwritten:  # what it holds is nowhere else
            return
        del self._sessions[path]
        session.close()
        self._written += session.recorded
        self._said.pop(session, None)

    def _save(self, path: Path, session: Session) -> None:
        waiting = session.unwritten
        count = f"{len(waiting)} exchange{'' if len(waiting) == 1 else 's'}"
        whole = session.tape.copy(None)
        for tape, words in ((whole, "the whole tape is"), (Tape(waiting), "they are")):
            for folder in (path.parent, None):
                try:
                    target = _save_in(tape, folder, path)
                except (TapeError, OSError):
                    continue
                self.saved.append(target)
                self._note(f"{count} could not be written to the tape {path}: {words} saved in {target}")
                return
        self.lost += len(waiting)
        self._note(
            f"{count} could not be written to the tape {path}, nor saved beside it or in {tempfile.gettempdir()}"
        )


def _count(session: Session) -> int:
    """How many interactions a session has written."""
    return max(0, session.recorded - len(session.unwritten))


def _save_in(tape: Tape, folder: Path | None, path: Path) -> Path:
    """Save a tape under a name that is free; without a folder, in a new one for temporary files."""
    made = None if folder is not None else Path(tempfile.mkdtemp(prefix="playhead-"))
    number = 1
    while True:
        word = "saved" if number == 1 else f"saved-{number}"
        target = (folder or made or Path()) / f"{path.stem}.{word}{path.suffix}"
        if not os.path.lexists(target):
            break
        number += 1
    try:
        tape.save(target)
    except BaseException:
        if made is not None:
            with suppress(OSError):
                made.rmdir()
        raise
    return target
