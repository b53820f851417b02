"""Many sessions that play one tape at once: read once, indexed once, and played together."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from playhead.errors import TapeMissError, UnplayedError
from playhead.tapes import Mode, Session, Tape, open_session
from playhead.wire import HTTPRequest


def request(text: str) -> HTTPRequest:
    return HTTPRequest("POST", "https://example.org/chat", (), f'{{"text":"{text}"}}'.encode())


def written(path: Path, texts: str, key: str = "") -> Path:
    """A tape with a request for each letter, old enough to be shared."""
    path.unlink(missing_ok=True)
    with open_session(path, "record") as session:
        for text in texts:
            session.record(
                request(text + key), status=200, reason="", proto="HTTP/2.0", headers=(), body=text.encode(),
                nanoseconds=1_000_000,
            )  # fmt: skip
    os.utime(path, ns=(0, 1_000_000_000_000_000_000))
    return path


def left(session: Session) -> list[str]:
    return [item.response.body.decode() for item in session.unplayed]


@pytest.mark.parametrize("mode", ["once", "replay"])
def test_sessions_share_what_was_read_and_each_plays_it_all(tmp_path: Path, mode: Mode) -> None:
    path = written(tmp_path / "t.yaml", "aab")
    sessions = [open_session(path, mode) for _ in range(3)]
    first = sessions[0].tape.interactions
    for session in sessions:
        assert all(one is other for one, other in zip(session.tape.interactions, first, strict=True))
        found = [session.play(request(text)) for text in "aba"]
        assert [item.id for item in found if item] == [0, 2, 1]
        with pytest.raises(TapeMissError):
            session.play(request("a"))
    sessions[0].tape.interactions = []
    assert len(sessions[1].tape.interactions) == 3
    for session in sessions:
        session.close()


def test_a_file_that_was_changed_is_read_anew(tmp_path: Path) -> None:
    path = written(tmp_path / "t.yaml", "aa")
    with open_session(path, "replay") as old:
        written(path, "b")
        with open_session(path, "replay") as new:
            assert new.play(request("b")) is not None
            assert old.play(request("a")) is not None


def test_sessions_with_other_secrets_have_an_index_of_their_own(tmp_path: Path) -> None:
    path = written(tmp_path / "t.yaml", "a", "sk-12345678")
    with open_session(path, "replay") as plain, open_session(path, "replay", secrets=["sk-12345678"]) as careful:
        assert plain.has_answer(request("ask-12345678"))
        assert not plain.has_answer(request("aREDACTED"))
        assert careful.has_answer(request("aREDACTED"))
        plain.add_secret("sk-12345678")
        assert plain.has_answer(request("aREDACTED"))


@pytest.mark.parametrize("as_path", [True, False])
def test_what_others_have_played_meanwhile_is_not_left_unplayed(tmp_path: Path, as_path: bool) -> None:
    """Sessions open at the same time play the tape together; the next ones begin anew."""
    path = written(tmp_path / "t.yaml", "abc")
    place = path if as_path else Tape.load(path)
    first, second, third = (open_session(place, "replay") for _ in range(3))
    for session, text in ((first, "a"), (second, "b"), (third, "c")):
        session.play(request(text))
        if session is first:
            assert left(first) == left(third) == ["b", "c"]
            with pytest.raises(UnplayedError, match="2 of 3"):
                first.close(fail_on_unplayed=True)
    second.close(fail_on_unplayed=True)
    third.close(fail_on_unplayed=True)
    assert left(first) == ["b", "c"]
    assert left(third) == []
    with open_session(place, "replay") as alone:
        assert left(alone) == ["a", "b", "c"]


def test_two_thousand_sessions_play_one_tape_in_seconds(tmp_path: Path) -> None:
    """Each of them used to read the whole of it."""
    path = tmp_path / "t.yaml"
    with open_session(path, "record") as session:
        for number in range(2000):
            session.record(
                request(f"{number}"), status=200, reason="", proto="HTTP/2.0", headers=(), body=b"x" * 200,
                nanoseconds=1_000_000,
            )  # fmt: skip
    os.utime(path, ns=(0, 1_000_000_000_000_000_000))
    began = time.perf_counter()
    sessions = [open_session(path, "replay") for _ in range(2000)]
    for number, session in enumerate(sessions):
        assert session.play(request(f"{number}")) is not None
    assert not any(session.unplayed for session in sessions)
    for session in sessions:
        session.close()
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize("mode", ["once", "replay"])
def test_a_miss_where_all_was_played_says_that_the_tape_ends(tmp_path: Path, mode: Mode) -> None:
    path = written(tmp_path / "t.yaml", "ab")
    with open_session(path, mode) as session:
        session.play(request("a"))
        with pytest.raises(TapeMissError, match="nearest is interaction") as caught:
            session.play(request("c"))
        assert "ends here" not in str(caught.value)
        session.play(request("b"))
        words = 'the tape ends here: its run was stopped, met a limit, or asked less; tape_mode="resume" goes on'
        with pytest.raises(TapeMissError, match=words):
            session.play(request("c"))
