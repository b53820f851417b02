"""A run's hold on a tape: what is asked of it is played or recorded, as the mode says.

====== ====================================== ==================================================
mode   a request that is on the tape          a request that is not
====== ====================================== ==================================================
once   is played                              is an error; on a tape that this process began, is recorded
replay is played                              is an error
record is recorded (the old tape is replaced) is recorded
resume is played                              goes live and is added
off    goes live                              goes live
====== ====================================== ==================================================

Each session plays an interaction once, in the order in which equal ones were recorded. It plays what was settled when
it opened: what was on the tape and recorded by no session that was still open (see :mod:`playhead.tapes.ledger`). What
is recorded while a session is open is never played by it: a refusal that was just recorded would be served to its own
retry for ever.

In ``once``, what counts is what the tape held before this process came to it. Where that is nothing, the tape is one
that this process began, and goes on with until it ends: what runs of it have recorded is played, and new questions are
asked and added. So several runs, one after another or at once, make one tape, and each gets what it would get from a
replay of that tape.

A session may be used from several threads. Several sessions of one process may record on one tape at once, be it given
by its path or as a :class:`Tape`; ids stay consecutive. ``replay`` locks nothing and writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Literal, get_args

from playhead.errors import ConfigError, TapeMissError, TapeModeError, UnplayedError
from playhead.given import check_there
from playhead.tapes.files import look
from playhead.tapes.grown import grown
from playhead.tapes.interaction import CALL, Interaction, RecordedRequest, interaction
from playhead.tapes.match import Alike, Player
from playhead.tapes.playable import load_shared, playable_of
from playhead.tapes.recorder import Recorder, find_recorder, open_recorder, was_begun
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


def open_session(
    tape: str | os.PathLike[str] | Tape, mode: Mode, *, secrets: Iterable[str] = (), named: str = "tape_mode"
) -> Session:
    """Open a tape for a run.

    Args:
        tape: a path, or a tape. A tape that has a path is recorded in its file, too; one that has none, in memory only.
            An object that stands for a path (``os.PathLike``) and has a method ``opened`` is told of each session.
        mode: see the module's table.
        secrets: values that are replaced wherever they stand before anything is written or compared.
        named: what the caller calls the mode, for errors.

    Raises:
        ConfigError: there is no such mode.
        TapeModeError: the mode needs a file that is not there, one that is not being recorded, or one that something
            can be added to.
        TapeLockedError: another process records on the file.
        TapeFormatError: the file is no tape.
        TapeError: the file cannot be read or made.
    """
    _check_mode(mode, named)
    check_there("", "tape", tape)
    check_there("", "secrets", secrets)
    session = _open(tape, mode, Redactor(secrets), named)
    session.named = named
    opened = getattr(tape, "opened", None)
    if opened is not None:
        opened(session)
    return session


def _open(tape: str | os.PathLike[str] | Tape, mode: Mode, redactor: Redactor, named: str) -> Session:
    if mode == "off":
        return Session(Tape(), mode, (), redactor)
    if isinstance(tape, Tape):
        return _open_tape(tape, mode, redactor)
    path = Path(tape)
    look("read" if mode == "replay" else "record on", path)
    if mode == "replay":
        return _open_replay(path, mode, redactor, named)
    if mode == "once":
        return _open_once(path, redactor)
    recorder = open_recorder(path, afresh=mode == "record")
    if mode == "resume" and recorder.afresh:
        recorder.close()
        raise TapeModeError(f"the tape {path} is being recorded afresh by this process; there is nothing to resume yet")
    playable = recorder.tape.settled() if mode == "resume" else ()
    return Session(recorder.tape, mode, playable, redactor, recorder=recorder, recording=True)


def _open_replay(path: Path, mode: Mode, redactor: Redactor, named: str) -> Session:
    if not path.exists():
        raise TapeModeError(
            f'there is no tape {path}, and {named}="replay" never goes live: record it first, with {named}="once" '
            f'or {named}="record" (where CI is set the mode is replay unless one is given or {MODE_VARIABLE} names '
            "one)"
        )
    tape = load_shared(path)
    return Session(tape, mode, tuple(tape.interactions), redactor)


def _open_once(path: Path, redactor: Redactor) -> Session:
    if find_recorder(path) is None and not was_begun(path) and path.exists():
        tape = load_shared(path)
        if tape.interactions and not was_begun(path):  # asked again: another thread may have begun it meanwhile
            return Session(tape, "once", tuple(tape.interactions), redactor)
    recorder = open_recorder(path, afresh=False)
    if recorder.loaded and not was_begun(path):
        # It is being continued, or it was written between our look and our lock: what it held is played.
        loaded = recorder.loaded
        tape = Tape(loaded, path)
        recorder.close()
        return Session(tape, "once", loaded, redactor)
    return Session(recorder.tape, "once", recorder.tape.settled(), redactor, recorder=recorder, recording=True)


def _open_tape(tape: Tape, mode: Mode, redactor: Redactor) -> Session:
    if mode == "replay" or (mode == "once" and not _may_be_recorded_once(tape)):
        return Session(tape, mode, tuple(tape.interactions), redactor)
    recorder = None
    if tape.path is not None:
        recorder = open_recorder(tape.path, afresh=mode == "record")
        if mode != "record" and not recorder.knows(tape):
            count = len(recorder.tape.interactions)
            recorder.close()
            raise TapeModeError(
                f"the file {tape.path} holds {count} interactions and the tape in memory {len(tape.interactions)}: "
                "save the tape or load it again before recording on it"
            )
    if mode == "record":
        tape.clear()
    playable = () if mode == "record" else tape.settled()
    return Session(tape, mode, playable, redactor, recorder=recorder, recording=True)


def _may_be_recorded_once(tape: Tape) -> bool:
    """Whether this process began the tape, or is beginning it now, or it is empty."""
    return tape.ledger.begun or (tape.path is not None and was_begun(tape.path)) or not tape.settled()


class Session:
    """An open tape. Close it, or use it as a context manager.

    Attributes:
        tape: all that is on the tape, what was recorded meanwhile included.
        mode: as it was opened.
        recording: whether a request may go live and be recorded.
        replaying: whether the run is to play the tape, so that what it leaves unplayed deserves a word. On a tape that
            this process began, and that may hold other runs, it is not.
        notes: what a person should know of how it went.
        named: what the caller calls the mode, for errors.
        alone: whether only what this session plays counts as played, and not what others play at the same time.
        alike: who else is asked where the tape does not hold a question word for word; None for nobody.
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
        self.replaying = mode == "replay" or (bool(playable) and not (recording and mode == "once"))
        self.notes: list[str] = []
        self.named = "tape_mode"
        self.alone = False
        self.alike: Alike | None = None
        self._redactor = redactor
        self._recorder = recorder
        self._playable = playable_of(playable)
        self._player = Player(self._playable.interactions, redactor, self._playable.index)
        self._marks: bytes | None = None  # of what counted as played when this one closed
        self._lock = Lock()
        self._parted = False
        self._closed = False
        self._own: list[Interaction] = []
        self._before: RecordedRequest | None = None  # what was recorded last: the next one may have grown out of it
        ledgers = ({tape.ledger} | ({recorder.tape.ledger} if recorder else set())) if recording else set()
        self._recorder_notes = 0 if recorder is None else len(recorder.notes)
        self._party = self._playable.enter()
        self._ledgers = {ledger: ledger.enter() for ledger in ledgers}

    def add_secret(self, secret: str) -> None:
        """Replace this value, too, from now on; one of fewer than 8 characters is ignored."""
        with self._lock:
            if self._redactor.add_secret(secret):
                self._player.forget_index()

    def add_seen(self, secrets: Iterable[str], *, cookies: bool = False) -> None:
        """Replace what an exchange of somebody else's client carries, too, until many others were seen since. Cookies
        are others in every exchange, and what stands on the tape is not compared anew for each."""
        with self._lock:
            if self._redactor.add_seen(secrets, cookies=cookies) and not cookies:
                self._player.forget_index()

    @property
    def secrets(self) -> frozenset[str]:
        """The values that are replaced now."""
        return self._redactor.secrets

    def play(self, request: HTTPRequest) -> Interaction | None:
        """The first unplayed interaction that answers the request; None when the caller is to go live, and then record.

        Raises:
            TapeMissError: the tape has no answer, and the mode does not go live.
        """
        if self.mode == "off":
            return None
        asked = self._redactor.question(request)
        with self._lock:
            at = self._player.find(asked)
            if at is None and (others := self._alike(asked)):
                at = next((other for other in others if not self._player.played[other]), None)
            if at is not None:
                self._player.played[at] = 1
                if not self._closed:
                    self._playable.play(at, self._party)
                return self._player.interactions[at]
            if self.recording:
                if self.replaying and not self._parted and 0 in self._player.played:
                    self._parted = True
                    self.notes.append(f"the run parted from the tape: {self._describe(asked)}")
                return None
            raise self._miss_error(asked)

    def has_answer(self, request: HTTPRequest) -> bool:
        """Whether the tape has an answer to this request that was not played yet."""
        return self.place_of(request) is not None

    def answers(self, request: HTTPRequest) -> Sequence[Interaction]:
        """The answers that the tape has to this request and that were not played yet, in order."""
        asked = self._redactor.question(request)
        with self._lock:
            return self._player.unplayed(asked)

    def play_this(self, interaction: Interaction) -> None:
        """This one of ``answers`` is played."""
        with self._lock:
            at = self._player.mark(interaction)
            if not self._closed:
                self._playable.play(at, self._party)

    def miss(self, request: HTTPRequest) -> TapeMissError:
        """What is raised where the tape has no answer to this request."""
        asked = self._redactor.question(request)
        with self._lock:
            return self._miss_error(asked)

    def place_of(self, request: HTTPRequest) -> int | None:
        """Where the next unplayed answer to this request stands on the tape, from 0; None where there is none."""
        asked = self._redactor.question(request)
        with self._lock:
            return self._player.find(asked)

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
        uncompressed: bool = False,
        at: Callable[[int], Headers] | None = None,
    ) -> Interaction:
        """Put an exchange that has ended on the tape, secrets taken out; when this returns it is in the file. ``at``
        gives further headers of the answer, for the id that it gets.

        In mode ``off`` the interaction is only made.

        Raises:
            TapeError: the file could not be written; the interaction is on ``tape`` all the same.
            TapeModeError: the session only replays, or is closed.
        """
        if not self.recording and self.mode != "off":
            raise TapeModeError(f'{self.named}="{self.mode}" only replays this tape; {self.named}="resume" adds to it')
        if self._closed:
            raise TapeModeError("this session is closed")
        redacted = self._redactor.request(request)
        headers = self._redactor.response_headers(headers)
        reason = self._redactor.text(reason)
        body = self._redactor.body(body)

        def make(id: int) -> Interaction:
            item = interaction(
                id,
                redacted,
                status=status,
                reason=reason,
                proto=proto,
                headers=headers if at is None else (*headers, *at(id)),
                body=body,
                nanoseconds=nanoseconds,
                uncompressed=uncompressed,
            )
            if item.request.method != CALL:
                request = grown(item.request, self._before)
                self._before = request
                item = Interaction(item.id, request, item.response)
            self._claim(item)
            return item

        if self.mode == "off":
            return make(0)
        recorder = self._recorder
        if recorder is None:
            return self.tape.extend(make)

        def make_for_both(id: int) -> Interaction:
            item = make(id)
            self.tape.append(item)
            return item

        try:
            return recorder.append(make if self.tape is recorder.tape else make_for_both)
        finally:
            news = recorder.notes[self._recorder_notes :]
            self._recorder_notes += len(news)
            self.notes.extend(news)

    def take(self, what: object) -> bool:
        """Keep the other sessions of this process on this tape from doing the same; False where one of them does, or
        did while this one was open."""
        return all(ledger.take(what, entered) for ledger, entered in self._ledgers.items())

    @property
    def playable(self) -> Sequence[Interaction]:
        """What it plays, in order: what was settled when it opened."""
        return self._player.interactions

    @property
    def unwritten(self) -> tuple[Interaction, ...]:
        """What is on ``tape``, as it could not be written to the file, and is written with what is recorded next; once
        the session is closed, what the file will not have."""
        return () if self._recorder is None else self._recorder.unwritten

    @property
    def recorded(self) -> int:
        """How many interactions this session has put on the tape."""
        return len(self._own)

    @property
    def has_tool_calls(self) -> bool:
        """Whether the tape, as it was loaded, holds tool calls."""
        return self._playable.has_tool_calls

    @property
    def unplayed(self) -> tuple[Interaction, ...]:
        """What the tape held and nobody asked for yet, in order: neither this session nor, unless it is ``alone``, one
        of this process that went on beside it on the same tape. Once it is closed, what was left then.
        """
        if self.alone:
            return self._playable.left(self._player.played)
        return self._playable.unplayed(self._party) if self._marks is None else self._playable.left(self._marks)

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
        for ledger, entered in self._ledgers.items():
            ledger.leave(self._own, entered)
        self._marks = self._playable.leave(self._party)
        left = self.unplayed if fail_on_unplayed else ()
        if left:
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

    def _claim(self, item: Interaction) -> None:
        """Before the interaction is on the tape: it is this session's, and is not to be played by others meanwhile."""
        if not self._ledgers:
            return
        self._own.append(item)
        for ledger in self._ledgers:
            ledger.claim(item)
            ledger.begun = ledger.begun or self.mode == "once"
        if self._recorder is not None and self.mode == "once":
            self._recorder.begin()

    def _alike(self, asked: HTTPRequest) -> Sequence[int]:
        """The places of the answers to a question that the tape does not hold word for word. What is being recorded is
        recorded as it is asked."""
        if self.alike is None or not self.replaying or self._player.equal(asked):
            return ()
        return self.alike.places(asked)

    def _on_tape(self) -> str:
        return f" on the tape {self.tape.path}" if self.tape.path else ""

    def _miss_error(self, asked: HTTPRequest) -> TapeMissError:
        from playhead.tapes.diff import nearest

        miss = TapeMissError(self._miss(asked))
        miss.asked = asked
        player = self._player
        near = None if player.equal(asked) else nearest(player.interactions, player.played, asked)
        if near is not None:
            old = near.request
            miss.recorded = self._redactor.question(HTTPRequest(old.method, old.url, (), old.body))
        return miss

    def _miss(self, asked: HTTPRequest) -> str:
        name = f"the tape {self.tape.path}" if self.tape.path else "the tape"
        message = f"{name} has no answer for {asked.method} {asked.url}: "
        anew = f', {self.named}="record" makes a new one' if self.mode == "once" else ""
        if self._player.played and 0 not in self._player.played:
            ends = "the tape ends here: its run was stopped, met a limit, or asked less"
            return f'{message}{ends}; {self.named}="resume" goes on{anew} ({self._describe(asked)}).'
        if self.mode == "once":
            anew = f' {self.named}="resume" continues a tape whose run was cut{anew}.'
        return f"{message}{self._describe(asked)}.{anew}"

    def _describe(self, asked: HTTPRequest) -> str:
        """Where the asked request parts from the recorded ones."""
        from playhead.tapes.diff import first_difference, nearest

        player = self._player
        same = len(player.equal(asked)) or len(self._alike(asked))
        if same:
            times = "once, and that was played" if same == 1 else f"{same} times, all played"
            return f"the same request was recorded {times}"
        if self.alike is not None and player.interactions:
            return self.alike.describe(asked, player.played)
        near = nearest(player.interactions, player.played, asked)
        if near is None:
            return "it is empty"
        request = near.request
        state = "played already" if player.was_played(near) else "not played yet"
        place = f"nearest is interaction {near.id} ({state})"
        if (request.method, request.url) != (asked.method, asked.url):
            return f"{place}, {request.method} {request.url}"
        return f"{place}, which differs first at {first_difference(self._redactor.body(request.body), asked.body)}"
