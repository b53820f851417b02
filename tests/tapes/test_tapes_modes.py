"""What each mode does with a request that is on the tape, and with one that is not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from playhead.errors import ConfigError, TapeError, TapeFormatError, TapeMissError, TapeModeError, UnplayedError
from playhead.tapes import Interaction, Session, Tape, default_mode, open_session
from playhead.wire import HTTPRequest


def request(text: str, url: str = "https://example.org/chat") -> HTTPRequest:
    return HTTPRequest("POST", url, (("Content-Type", "application/json"),), f'{{"text":"{text}"}}'.encode())


def answer(session: Session, asked: HTTPRequest, text: str = "hi", status: int = 200) -> Interaction:
    return session.record(
        asked, status=status, reason="", proto="HTTP/2.0", headers=(), body=text.encode(), nanoseconds=1_000_000
    )


def test_the_default_mode() -> None:
    assert default_mode({}) == "once"
    assert default_mode({"CI": "true"}) == "replay"
    assert default_mode({"CI": "false"}) == "once"
    assert default_mode({"CI": "true", "PLAYHEAD_TAPE_MODE": "record"}) == "record"
    with pytest.raises(ConfigError, match=r"PLAYHEAD_TAPE_MODE .*once, replay, record, resume, off, got 'maybe'"):
        default_mode({"PLAYHEAD_TAPE_MODE": "maybe"})
    with pytest.raises(ConfigError, match="tape_mode names no tape mode: expected one of once"):
        open_session(Tape(), "maybe")  # type: ignore[arg-type]


def test_the_seed_plays_in_the_order_of_recording(seed: Path) -> None:
    recorded = Tape.load(seed).interactions
    with open_session(seed, "replay") as session:
        assert session.replaying
        assert not session.recording
        assert not session.has_tool_calls
        for item in recorded:
            found = session.play(HTTPRequest("POST", item.request.url, (), item.request.body))
            assert found is not None
            assert found.id == item.id
        assert session.unplayed == ()
        session.close(fail_on_unplayed=True)


def test_replay_needs_a_file_and_never_goes_live(tmp_path: Path, seed: Path) -> None:
    with pytest.raises(
        TapeModeError, match=r'there is no tape .*none.yaml, and tape_mode="replay" .*tape_mode="once".*CI'
    ):
        open_session(tmp_path / "none.yaml", "replay")
    with open_session(seed, "replay") as session:
        with pytest.raises(TapeMissError, match="has no answer for POST"):
            session.play(request("?"))
        with pytest.raises(
            TapeModeError, match='tape_mode="replay" only replays this tape; tape_mode="resume" adds to it'
        ):
            answer(session, request("?"))
    assert os.listdir(tmp_path) == []


def test_once_records_where_there_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "t.yaml"
    with open_session(path, "once") as session:
        assert session.recording
        assert session.play(request("a")) is None
        answer(session, request("a"), status=429)
        # Its own recording is not played back to the retry.
        assert session.play(request("a")) is None
        answer(session, request("a"))
        assert [item.id for item in session.tape.interactions] == [0, 1]
    with open_session(path, "once") as session:
        assert [session.play(request("a")).response.code for _ in range(2)] == [429, 200]  # type: ignore[union-attr]


def test_once_plays_what_is_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    with open_session(path, "record") as session:
        answer(session, request("a"), status=429)
        answer(session, request("a"))
    with open_session(path, "once") as session:
        assert not session.recording
        assert [session.play(request("a")).response.code for _ in range(2)] == [429, 200]  # type: ignore[union-attr]
        with pytest.raises(
            TapeMissError,
            match=r'the tape ends here.* tape_mode="resume" goes on, tape_mode="record" .*2 times, all played',
        ):
            session.play(request("a"))


def test_a_session_that_recorded_nothing_leaves_nothing(tmp_path: Path) -> None:
    open_session(tmp_path / "deep" / "t.yaml", "once").close()
    assert os.listdir(tmp_path) == []
    mine = tmp_path / "mine.yaml"
    mine.touch()
    open_session(mine, "once").close()
    assert mine.exists()


def test_once_joins_a_recording_of_the_same_process(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    with open_session(path, "once") as first:
        answer(first, request("a"))
        with open_session(os.fspath(path), "once") as second:
            assert second.play(request("a")) is None
            answer(second, request("b"))
        answer(first, request("c"))
        assert first.tape is second.tape
    assert [item.request.body for item in Tape.load(path).interactions] == [request(x).body for x in "abc"]
    assert [item.id for item in Tape.load(path).interactions] == [0, 1, 2]


def test_record_replaces_the_tape_when_it_has_something(tmp_path: Path, seed: Path) -> None:
    path = tmp_path / "t.yaml"
    shutil.copy(seed, path)
    open_session(path, "record").close()
    assert path.read_bytes() == seed.read_bytes()
    with open_session(path, "record") as session:
        old = Tape.load(seed).interactions[0].request
        assert session.play(HTTPRequest("POST", old.url, (), old.body)) is None
        answer(session, request("a"))
    assert len(Tape.load(path).interactions) == 1


def test_resume_plays_what_is_there_and_adds_the_rest(tmp_path: Path, seed: Path) -> None:
    path = tmp_path / "t.yaml"
    whole = seed.read_bytes()
    items = Tape.load(seed).interactions
    path.write_bytes(whole[: whole.index(b"  - id: 2\n")])
    with open_session(path, "resume") as session:
        assert session.recording
        assert session.replaying
        asked = HTTPRequest("POST", items[0].request.url, (), items[0].request.body)
        assert [session.play(asked).id for _ in range(2)] == [0, 1]  # type: ignore[union-attr]
        assert session.play(asked) is None
        assert session.notes == []
        added = answer(session, asked)
        assert added.id == 2
    assert path.read_bytes().startswith(whole[: whole.index(b"  - id: 2\n")])
    assert len(Tape.load(path).interactions) == 3


def test_resume_notes_where_the_run_parted(seed: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    shutil.copy(seed, path)
    first = Tape.load(seed).interactions[0].request
    with open_session(path, "resume") as session:
        assert session.play(HTTPRequest("POST", first.url, (), first.body.replace(b"Florence", b"Siena"))) is None
        assert len(session.notes) == 1
        assert 'messages[1].content: "What\'s the weather in Florence,Italy?" on the tape' in session.notes[0]


def test_off_touches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    with open_session(path, "off") as session:
        assert session.play(request("a")) is None
        assert answer(session, request("a")).response.body == b"hi"
        assert len(session.tape.interactions) == 0
    assert os.listdir(tmp_path) == []


def test_unplayed_interactions_fail_on_request(seed: Path) -> None:
    session = open_session(seed, "replay")
    first = Tape.load(seed).interactions[0].request
    session.play(HTTPRequest("POST", first.url, (), first.body))
    assert [item.id for item in session.unplayed] == list(range(1, 12))
    with pytest.raises(
        UnplayedError, match=r"11 of 12 interactions on the tape .* were not asked for; the first is 1, POST"
    ):
        session.close(fail_on_unplayed=True)


def test_tool_calls_are_interactions(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    call = HTTPRequest("CALL", "tool:weather", (), b'{"location":"Florence"}')
    with open_session(path, "once") as session:
        session.record(call, status=200, reason="", proto="HTTP/1.1", headers=(), body=b'"40 C"', nanoseconds=5)
        assert not session.has_tool_calls
    with open_session(path, "replay") as session:
        assert session.has_tool_calls
        found = session.play(call)
        assert found is not None
        assert found.response.body == b'"40 C"'


def test_a_tape_in_memory_is_recorded_and_played(tmp_path: Path) -> None:
    tape = Tape()
    with open_session(tape, "once") as session:
        answer(session, request("a"))
    assert [item.id for item in tape.interactions] == [0]
    with open_session(tape, "resume") as session:
        assert session.play(request("a")) is not None
        assert session.play(request("a")) is None
        answer(session, request("a"))
    assert [item.id for item in tape.interactions] == [0, 1]
    with open_session(tape, "record") as session:
        answer(session, request("b"))
    assert len(tape.interactions) == 1
    tape.save(tmp_path / "t.yaml")
    with open_session(tape, "resume") as session:
        answer(session, request("c"))
    assert Tape.load(tmp_path / "t.yaml").interactions == tape.interactions
    assert tape.dumps() == (tmp_path / "t.yaml").read_bytes()


def test_a_tape_that_left_its_file_is_not_recorded_on(tmp_path: Path, seed: Path) -> None:
    path = tmp_path / "t.yaml"
    shutil.copy(seed, path)
    tape = Tape.load(path)
    tape.interactions = tape.interactions[:3]
    with pytest.raises(TapeModeError, match="holds 12 interactions and the tape in memory 3"):
        open_session(tape, "resume")


def test_a_closed_session_records_nothing(tmp_path: Path) -> None:
    session = open_session(tmp_path / "t.yaml", "once")
    session.close()
    session.close()
    with pytest.raises(TapeModeError, match="closed"):
        answer(session, request("a"))


def test_paths_that_cannot_be_say_why(tmp_path: Path) -> None:
    for mode in ("once", "record", "resume", "replay"):
        with pytest.raises(TapeError, match="is a directory"):
            open_session(tmp_path, mode)  # type: ignore[arg-type]
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(TapeError, match="cannot record on the tape"):
        open_session(tmp_path / "file" / "t.yaml", "record")
    for mode in ("once", "resume", "replay"):
        with pytest.raises(TapeFormatError, match="file"):
            open_session(tmp_path / "file", mode)  # type: ignore[arg-type]
    assert (tmp_path / "file").read_bytes() == b"x"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_says_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(TapeError, match="permission denied"):
        open_session(tmp_path / "t.yaml", "once")
