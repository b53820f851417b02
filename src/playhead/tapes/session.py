"""A run's hold on a tape: what is asked of it is played or recorded, as the mode says.

====== ====================================== ==================================================
mode   a request that is on the tape          a request that is not
====== ====================================== ==================================================
once   is played, if the tape held anything   is an error; on a tape that held nothing, is recorded
replay is played                              is an error
record is recorded (the old tape is replaced) is recorded
resume is played                              goes live and is added
off    goes live                              goes live
====== ====================================== ==================================================

Each session plays an interaction once, in the order in which equal ones were recorded. What is recorded while a
session is open is never played by it: a refusal that was just recorded would be served to its own retry for ever.

A session may be used from several threads. Several sessions of one process may record on one path at once; ids stay
consecutive. ``replay`` locks nothing and writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Literal, get_args

from playhead.errors import ConfigError, TapeMissError, TapeModeError, UnplayedError
from playhead.tapes.interaction import CALL, Interaction, interaction
from playhead.tapes.match import Player
from playhead.tapes.recorder import Recorder, find_recorder, open_recorder
from playhead.tapes.redact import Redactor
from playhead.tapes.tape import Tape
from playhead.wire import Headers, HTTPRequest

Mode = Literal["once", "replay", "record", "resume", "off"]
MODES: tuple[Mode, ...] = get_args(Mode)

#: The environment variable that says the mode where the caller does not.
MODE_VARIABLE = "PLAYHEAD_TAPE_MODE"


def default_mode(environ: Mapping[str, str]) -> Mode:
    """The mode where none was asked for: the variable's, ``replay`` in CI, else ``once``.

    Raises:
        ConfigError: the variable names no mode.
    """
    named = environ.get(MODE_VARIABLE)
    if named:
        return _check_mode(named, f"the variable {MODE_VARIABLE}")
    return "replay" if environ.get("CI", "").lower() in ("true", "1") else "once"


def _check_mode(mode: str, who: str) -> Mode:
    if mode not in MODES:
        raise ConfigError(f"{who} names no tape mode: expected one of {', '.join(MODES)}, got {mode!r}")
    return mode


def open_session(tape: str | os.PathLike[str] | Tape, mode: Mode, *, secrets: Iterable[str] = ()) -> Session:
    """Open a tape for a run.

    Args:
        tape: a path, or a tape. A tape that has a path is recorded in its file, too; one that has none, in memory only.
        mode: see the module's table.
        secrets: values that are replaced wherever they stand before anything is written or compared.

    Raises:
        ConfigError: there is no such mode.
        TapeModeError: the mode needs a file that is not there, or one that is not being recorded.
        TapeLockedError: another process records on the file.
        TapeFormatError: the file is no tape.
        TapeError: the file cannot be read or made.
    """
    _check_mode(mode, "`mode`")
    redactor = Redactor(secrets)
    if mode == "off":
        return Session(Tape(), mode, (), redactor)
    if isinstance(tape, Tape):
        return _open_tape(tape, mode, redactor)
    path = Path(tape)
    if mode == "replay":
        return _open_replay(path, mode, redactor)
    if mode == "once":
        return _open_once(path, redactor)
    recorder = open_recorder(path, afresh=mode == "record")
    if mode == "resume" and recorder.afresh:
        recorder.close()
        raise TapeModeError(f"the tape {path} is being recorded afresh by this process; there is nothing to resume yet")
    return Session(recorder.tape, mode, recorder.loaded, redactor, recorder=recorder, recording=True)


def _open_replay(path: Path, mode: Mode, redactor: Redactor) -> Session:
    if not path.exists():
        raise TapeModeError(
            f"there is no tape {path}, and mode={mode!r} never goes live: record it first, with mode='once' or "
            f"mode='record' (where CI is set the mode is replay unless one is given or {MODE_VARIABLE} names one)"
        )
    tape = Tape.load(path)
    return Session(tape, mode, tuple(tape.interactions), redactor)


def _open_once(path: Path, redactor: Redactor) -> Session:
    recorder = find_recorder(path)
    if recorder is None and path.exists():
        tape = Tape.load(path)
        if tape.interactions:
            return Session(tape, "once", tuple(tape.interactions), redactor)
    recorder = open_recorder(path, afresh=False)
    if recorder.loaded:
        # It is being continued, or it was written between our look and our lock: what it held is played.
        loaded = recorder.loaded
        tape = Tape(loaded, path)
        recorder.close()
        return Session(tape, "once", loaded, redactor)
    return Session(recorder.tape, "once", (), redactor, recorder=recorder, recording=True)


def _open_tape(tape: Tape, mode: Mode, redactor: Redactor) -> Session:
    held = tuple(tape.interactions)
    if mode == "replay" or (mode == "once" and held):
        return Session(tape, mode, held, redactor)
    if tape.path is None:
        if mode == "record":
            tape.clear()
            held = ()
        return Session(tape, mode, held, redactor, recording=True)
    recorder = open_recorder(tape.path, afresh=mode == "record")
    if mode == "record":
        tape.clear()
        held = ()
    elif len(recorder.loaded) != len(held):
        recorder.close()
        raise TapeModeError(
            f"the file {tape.path} holds {len(recorder.loaded)} interactions and the tape in memory {len(held)}: "
            "save the tape or load it again before recording on it"
        )
    return Session(tape, mode, held, redactor, recorder=recorder, recording=True)


class Session:
    """An open tape. Close it, or use it as a context manager.

    Attributes:
        tape: all that is on the tape, what was recorded meanwhile included.
        mode: as it was opened.
        recording: whether a request may go live and be recorded.
        replaying: whether there is anything to play.
        notes: what a person should know of how it went.
    """

    def __init__(
        self,
        tape: Tape,
        mode: Mode,
        playable: tuple[Interaction, ...],
        redactor: Redactor,
        *,
        recorder: Recorder | None = None,
        recording: bool = False,
    ) -> None:
        self.tape = tape
        self.mode: Mode = mode
        self.recording = recording
        self.replaying = bool(playable) or mode == "replay"
        self.notes: list[str] = []
        self._redactor = redactor
        self._recorder = recorder
        self._player = Player(playable, redactor)
        self._lock = Lock()
        self._has_tool_calls: bool | None = None
        self._parted = False
        self._closed = False

    def add_secret(self, secret: str) -> None:
        """Replace this value, too, from now on; one of fewer than 8 characters is ignored."""
        with self._lock:
            if self._redactor.add_secret(secret):
                self._player.forget_index()

    def play(self, request: HTTPRequest) -> Interaction | None:
        """The first unplayed interaction that answers the request; None when the caller is to go live, and then record.

        Raises:
            TapeMissError: the tape has no answer, and the mode does not go live.
        """
        if self.mode == "off":
            return None
        asked = self._redactor.question(request)
        with self._lock:
            found = self._player.play(asked)
            if found is not None:
                return found
            if self.recording:
                if not self._parted and any(not played for played in self._player.played):
                    self._parted = True
                    self.notes.append(f"the run parted from the tape: {self._describe(asked)}")
                return None
            raise TapeMissError(self._miss(asked))

    def record(
        self,
        request: HTTPRequest,
        *,
        status: int,
        reason: str,
        proto: str,
        headers: Headers,
        body: bytes,
        nanoseconds: int,
    ) -> Interaction:
        """Put an exchange that has ended on the tape, secrets taken out; when this returns it is in the file.

        In mode ``off`` the interaction is only made.

        Raises:
            TapeError: the file could not be written; the interaction is on ``tape`` all the same.
            TapeModeError: the session only replays, or is closed.
        """
        if not self.recording and self.mode != "off":
            raise TapeModeError(f"mode={self.mode!r} only replays this tape; mode='resume' adds to it")
        if self._closed:
            raise TapeModeError("this session is closed")
        redacted = self._redactor.request(request)
        headers = self._redactor.response_headers(headers)
        reason = self._redactor.text(reason)
        body = self._redactor.body(body)

        def make(id: int) -> Interaction:
            return interaction(
                id,
                redacted,
                status=status,
                reason=reason,
                proto=proto,
                headers=headers,
                body=body,
                nanoseconds=nanoseconds,
            )

        if self.mode == "off":
            return make(0)
        if self._recorder is None:
            return self.tape.extend(make)
        if self.tape is self._recorder.tape:
            return self._recorder.append(make)

        def make_for_both(id: int) -> Interaction:
            item = make(id)
            self.tape.append(item)
            return item

        return self._recorder.append(make_for_both)

    @property
    def has_tool_calls(self) -> bool:
        """Whether the tape, as it was loaded, holds tool calls."""
        if self._has_tool_calls is None:
            self._has_tool_calls = any(item.request.method == CALL for item in self._player.interactions)
        return self._has_tool_calls

    @property
    def unplayed(self) -> tuple[Interaction, ...]:
        """What the tape held and was not asked for yet, in order."""
        return self._player.unplayed()

    def close(self, *, fail_on_unplayed: bool = False) -> None:
        """Let go of the file. Closing twice does nothing.

        Raises:
            UnplayedError: on request, when interactions were left unplayed.
        """
        with self._lock:
            closed, self._closed = self._closed, True
        if closed:
            return
        if self._recorder is not None:
            self._recorder.close()
        left = self.unplayed
        if fail_on_unplayed and left:
            first = left[0]
            raise UnplayedError(
                f"{len(left)} of {len(self._player.interactions)} interactions{self._on_tape()} were not asked for; "
                f"the first is {first.id}, {first.request.method} {first.request.url}"
            )

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _on_tape(self) -> str:
        return f" on the tape {self.tape.path}" if self.tape.path else ""

    def _miss(self, asked: HTTPRequest) -> str:
        name = f"the tape {self.tape.path}" if self.tape.path else "the tape"
        message = f"{name} has no answer for {asked.method} {asked.url}: {self._describe(asked)}."
        if self.mode == "once":
            message += " mode='resume' continues a tape whose run was cut, mode='record' makes a new one."
        return message

    def _describe(self, asked: HTTPRequest) -> str:
        """Where the asked request parts from the recorded ones."""
        from playhead.tapes.diff import first_difference, nearest

        player = self._player
        same = player.equal(asked)
        if same:
            times = "once, and that was played" if len(same) == 1 else f"{len(same)} times, all played"
            return f"the same request was recorded {times}"
        near = nearest(player.interactions, player.played, asked)
        if near is None:
            return "it is empty"
        request = near.request
        state = "played already" if player.was_played(near) else "not played yet"
        place = f"nearest is interaction {near.id} ({state})"
        if (request.method, request.url) != (asked.method, asked.url):
            return f"{place}, {request.method} {request.url}"
        return f"{place}, which differs first at {first_difference(self._redactor.body(request.body), asked.body)}"
