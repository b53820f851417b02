"""What counts as played for a session: its own, and what is played beside it; never what somebody left lying open."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from playhead.errors import TapeMissError, TapeModeError, UnplayedError
from playhead.tapes import Session, Tape, open_session
from playhead.tapes.interaction import interaction
from playhead.wire import HTTPRequest


def request(text: str) -> HTTPRequest:
    return HTTPRequest("POST", "https://example.org/chat", (), f'{{"text":"{text}"}}'.encode())


def tape_of(texts: str) -> Tape:
    return Tape(
        interaction(at, request(text), status=200, reason="", proto="", headers=(), body=text.encode(), nanoseconds=0)
        for at, text in enumerate(texts)
    )


def left(session: Session) -> str:
    return "".join(item.response.body.decode() for item in session.unplayed)


def test_what_a_session_that_is_left_open_has_played_hides_nothing() -> None:
    tape = tape_of("abc")
    leaked = open_session(tape, "replay")
    leaked.play(request("a"))
    for _ in range(2):
        session = open_session(tape, "replay")
        assert left(session) == "abc"
        session.play(request("b"))
        with pytest.raises(UnplayedError, match="2 of 3"):
            session.close(fail_on_unplayed=True)
    assert left(session) == "ac"
    leaked.close()


def test_a_session_that_nobody_holds_is_none() -> None:
    tape = tape_of("ab")
    gone = open_session(tape, "replay")
    gone.play(request("a"))
    with open_session(tape, "replay") as beside:  # keeps what they share alive
        del gone
        gc.collect()
        with open_session(tape, "replay") as session:
            assert left(session) == "ab"
        assert left(beside) == "ab"


def test_runs_that_overlap_one_after_the_other_play_together() -> None:
    """As a few at a time of many do: the last never saw the first, and yet nothing is left."""
    tape = tape_of("abcdef")
    last = open_session(tape, "replay")
    last.play(request("a"))
    for text in "bcdef":
        following = open_session(tape, "replay")
        last.close()
        following.play(request(text))
        last = following
    last.close(fail_on_unplayed=True)
    assert left(last) == ""


def test_a_run_that_goes_on_later_was_beside_those_that_opened_meanwhile() -> None:
    tape = tape_of("abc")
    first, second = open_session(tape, "replay"), None
    first.play(request("a"))
    second = open_session(tape, "replay")
    assert left(second) == "abc"  # for all that is known, the first was left lying
    first.play(request("b"))
    assert left(second) == left(first) == "c"
    second.play(request("c"))
    first.close(fail_on_unplayed=True)
    second.close(fail_on_unplayed=True)


def test_one_that_is_alone_counts_what_it_plays_itself() -> None:
    tape = tape_of("ab")
    with open_session(tape, "replay") as alone, open_session(tape, "replay") as other:
        alone.alone = True
        alone.play(request("a"))
        other.play(request("b"))
        assert (left(alone), left(other)) == ("b", "")
        with pytest.raises(UnplayedError, match="1 of 2"):
            alone.close(fail_on_unplayed=True)
    assert left(alone) == "b"


def test_errors_call_the_mode_what_the_caller_calls_it(tmp_path: Path) -> None:
    with pytest.raises(TapeModeError, match=' mode="replay" never goes live: record it first, with mode="once"'):
        open_session(tmp_path / "no.yaml", "replay", named="mode")
    with open_session(tape_of("a"), "once", named="mode") as session:
        with pytest.raises(TapeMissError, match=r'mode="resume"') as error:
            session.play(request("b"))
        assert "tape_mode" not in str(error.value)
