"""The tapes of one test: handed out while it runs, put away when it is over.

A tape is a path to whoever runs an agent, and hears of each session that is opened on it: so the test's end knows what
of a recording no run of it has played.

Recording anew (``--tape-mode=record``) leaves the old tape where it is. What is recorded stands beside it under a name
of its own, and takes its place in one step when the test has passed: a test that fails, or is killed, keeps the tape
that it had. Several runs of one test go onto one tape, as they would when there was none; and so do several tests that
share a tape, one after another.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from playhead.testing.naming import another

if TYPE_CHECKING:
    from playhead.tapes import Mode, Session


class TapeOfTest(os.PathLike[str]):
    """The tape of a test, where ``tape=`` takes a path. Called with a name it gives a further one: ``tape("second")``.

    Attributes:
        path: where the tape is; while it is recorded anew, where it will be once the test has passed.
        sessions: what was opened on it, in order.
    """

    def __init__(self, path: Path, working: Path, more: Callable[[Path], TapeOfTest]) -> None:
        self.path = path
        self.working = working
        self.sessions: list[Session] = []
        self.asked_for = False
        self._more = more

    def __call__(self, name: str) -> TapeOfTest:
        """A further tape of the same test."""
        return self._more(another(self.path, name))

    def __fspath__(self) -> str:
        self.asked_for = True
        return str(self.working)

    def __repr__(self) -> str:
        return f"<tape {self.path}>"

    def opened(self, session: Session) -> None:
        """A run plays this tape, or records on it."""
        self.sessions.append(session)

    @property
    def left(self) -> str | None:
        """What no run of this test has played, as a sentence; None where nothing was left, or there was nothing to
        play."""
        playing = [session for session in self.sessions if session.replaying and not session.recording]
        if not playing:
            return None
        unplayed = playing[0].unplayed
        for session in playing[1:]:
            also = {item.id for item in session.unplayed}
            unplayed = tuple(item for item in unplayed if item.id in also)
        if not unplayed:
            return None
        first, count = unplayed[0].request, len(playing[0].tape.interactions)
        return (
            f"{len(unplayed)} of {count} interactions left unplayed on {shown(self.path)}, the first is "
            f"id {unplayed[0].id}: {first.method} {first.url}"
        )


class Shelf:
    """The tapes of one test, in one mode. ``recorded`` are the tapes that tests of this process have recorded anew;
    ``keep`` is where what a failed test recorded is kept, None to throw it away."""

    def __init__(self, path: Path, mode: Mode, recorded: set[Path], keep: Callable[[], Path] | None = None) -> None:
        self.mode = mode
        self.tapes: dict[Path, TapeOfTest] = {}
        self.kept: list[Path] = []
        self._recorded = recorded
        self._keep = keep
        self.tape = self.get(path)

    @property
    def run_mode(self) -> Mode:
        """The mode of the test's runs. Recorded anew, several runs make one tape: each is the first on a new file."""
        return "once" if self.mode == "record" else self.mode

    def get(self, path: Path) -> TapeOfTest:
        """The tape at a path; the same one each time."""
        tape = self.tapes.get(path)
        if tape is None:
            tape = self.tapes[path] = TapeOfTest(path, self._working(path), self.get)
        return tape

    @property
    def used(self) -> list[TapeOfTest]:
        """The tapes that the test did something with."""
        return [tape for tape in self.tapes.values() if tape.asked_for]

    @property
    def left(self) -> list[str]:
        """What was left unplayed, a sentence for each tape."""
        return [left for tape in self.tapes.values() if (left := tape.left) is not None]

    def put_away(self, passed: bool) -> list[Path]:
        """The test is over: what it recorded anew takes its place, or is taken away; gives the tapes that were
        replaced."""
        replaced = []
        for tape in self.tapes.values():
            if tape.working == tape.path or not tape.working.exists():
                continue
            if passed:
                os.replace(tape.working, os.path.realpath(tape.path))
                self._recorded.add(tape.path)
                replaced.append(tape.path)
            elif self._keep is None:
                tape.working.unlink()
            else:
                kept = self._keep() / f"{tape.path.parent.name}.{tape.path.name}"
                kept.write_bytes(tape.working.read_bytes())
                tape.working.unlink()
                self.kept.append(kept)
        return replaced

    def _working(self, path: Path) -> Path:
        """Where a tape is read and written while the test runs."""
        if self.mode != "record":
            return path
        real = Path(os.path.realpath(path))
        working = real.with_name(f".{real.name}.{os.getpid()}.new")
        working.unlink(missing_ok=True)
        if path in self._recorded and real.exists():
            working.write_bytes(real.read_bytes())
        return working


def shown(path: Path) -> str:
    """A path as people read it: from where they stand, if it is below."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
