"""A tape that somebody else changes while it is recorded, and what is no tape's file at all."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from playhead.errors import TapeError, TapeFormatError, TapeModeError
from playhead.tapes import Mode, Session, Tape, open_session
from playhead.wire import HTTPRequest


def record(session: Session, text: str) -> None:
    request = HTTPRequest("POST", "https://example.org/chat", (), f'{{"text":"{text}"}}'.encode())
    assert session.play(request) is None
    session.record(request, status=200, reason="", proto="HTTP/2.0", headers=(), body=b"hi", nanoseconds=1_000_000)


def words(tape: Tape) -> list[str]:
    return [item.request.body.decode()[9:-2] for item in tape.interactions]


def truncate(path: Path) -> None:
    path.open("w").close()


def cut_in_the_middle(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 30)


def copy_over(path: Path) -> None:
    other = path.with_name("copy")
    other.write_bytes(path.read_bytes())
    other.replace(path)


@pytest.mark.parametrize("disturb", [truncate, cut_in_the_middle, Path.unlink, copy_over])
@pytest.mark.parametrize("mode", ["once", "record", "resume"])
def test_a_tape_that_is_disturbed_is_written_again(tmp_path: Path, disturb: Callable[[Path], None], mode: Mode) -> None:
    """Nothing is lost, a note says so once, and the new file is locked as the old one was."""
    path = tmp_path / "t.yaml"
    before = []
    if mode == "resume":
        with open_session(path, "record") as session:
            record(session, "old")
        before = ["old"]
    with open_session(path, mode) as session:
        for item in session.tape.interactions if before else ():
            session.play(HTTPRequest("POST", item.request.url, (), item.request.body))
        record(session, "a")
        record(session, "b")
        disturb(path)
        record(session, "c")
        assert words(Tape.load(path)) == [*before, "a", "b", "c"]
        assert len(session.notes) == 1
        assert f"the tape {path} was " in session.notes[0]
        record(session, "d")
        assert len(session.notes) == 1
        program = (
            "import sys; from playhead.tapes import open_session; from playhead.errors import TapeLockedError\n"
            "try: open_session(sys.argv[1], 'resume')\nexcept TapeLockedError: sys.exit(7)"
        )
        assert subprocess.run([sys.executable, "-c", program, str(path)]).returncode == 7
    assert words(Tape.load(path)) == [*before, "a", "b", "c", "d"]
    assert Tape.load(path).warnings == []


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_text("other\n")
    other.replace(path)


def write_over(path: Path) -> None:
    path.write_text("other\n")


def add_to(path: Path) -> None:
    with path.open("a") as file:
        file.write("other\n")


@pytest.mark.parametrize("disturb", [replace, write_over, add_to])
def test_what_somebody_else_put_there_is_not_written_over(tmp_path: Path, disturb: Callable[[Path], None]) -> None:
    path = tmp_path / "t.yaml"
    with open_session(path, "once") as session:
        record(session, "a")
        disturb(path)
        theirs = path.read_bytes()
        for text in "bc":
            with pytest.raises(TapeError, match=r"t\.yaml was .* holds .* other bytes now.*tape\.save\(path\)"):
                record(session, text)
        session.tape.save(tmp_path / "mine.yaml")
    assert path.read_bytes() == theirs
    assert words(Tape.load(tmp_path / "mine.yaml")) == ["a", "b", "c"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such files")
@pytest.mark.parametrize("mode", ["once", "replay", "record", "resume"])
def test_what_is_no_regular_file_is_no_tape(tmp_path: Path, mode: Mode) -> None:
    pipe, plug = tmp_path / "pipe", tmp_path / "plug"
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(plug))
        for path, kind in ((Path("/dev/zero"), "a device"), (Path("/dev/null"), "a device"), (pipe, "a pipe"),
                           (plug, "a socket")):  # fmt: skip
            with pytest.raises(TapeError, match=f"{path}: it is {kind}, and a tape is a regular file"):
                open_session(path, mode)
            with pytest.raises(TapeError, match=kind):
                Tape.load(path)
            with pytest.raises(TapeError, match=kind):
                Tape().save(path)


@pytest.mark.parametrize("mode", ["once", "replay", "record", "resume"])
@pytest.mark.parametrize("name", ["a\0b.yaml", "n" * 300, "\ud800.yaml"])
def test_a_name_that_can_be_no_files_is_refused(tmp_path: Path, name: str, mode: Mode) -> None:
    for attempt in (lambda: open_session(tmp_path / name, mode), lambda: Tape.load(tmp_path / name),
                    lambda: Tape().save(tmp_path / name)):  # fmt: skip
        with pytest.raises((TapeError, TapeModeError)):
            attempt()


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("duration: 342.70525ms", f"duration: {'9' * 400}ms", 32),
        ("duration: 342.70525ms", f"duration: {'9' * 5000}ms", 32),
        ("duration: 342.70525ms", "duration: 2562048h", 32),
        ("- id: 0", f"- id: {'9' * 5000}", 4),
        ("- id: 0", f"- id: 0x{'f' * 5000}", 4),
        ("- id: 0", f"- id: {1 << 63}", 4),
        ("version: 2", f"version: {'2' * 5000}", 2),
    ],
)
def test_numbers_beyond_64_bits_are_refused_with_the_line(seed: Path, old: str, new: str, line: int) -> None:
    data = seed.read_bytes()
    assert old.encode() in data
    with pytest.raises(TapeFormatError) as caught:
        Tape.loads(data.replace(old.encode(), new.encode(), 1))
    assert caught.value.line == line


def test_the_longest_duration_of_go_is_read(seed: Path) -> None:
    data = seed.read_bytes().replace(b"duration: 342.70525ms", b"duration: 2562047h47m16.854775807s", 1)
    assert Tape.loads(data).interactions[0].response.nanoseconds == (1 << 63) - 1
