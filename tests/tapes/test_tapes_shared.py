"""Several sessions of one process on one tape: what each plays, what it may add, and what is never lost."""

from __future__ import annotations

import copy
import json
import pickle
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
import yaml

from playhead.errors import TapeMissError, TapeModeError
from playhead.tapes import Mode, Session, Tape, open_session
from playhead.wire import HTTPRequest

Place: TypeAlias = Path | Tape


def request(text: str) -> HTTPRequest:
    return HTTPRequest("POST", "https://example.org/chat", (), f'{{"text":"{text}"}}'.encode())


def ask(session: Session, text: str, status: int = 200) -> str:
    """What a run does: play it, or go live and record. "played" or "asked"."""
    if session.play(request(text)) is not None:
        return "played"
    session.record(
        request(text), status=status, reason="", proto="HTTP/2.0", headers=(), body=b"hi", nanoseconds=1_000_000
    )
    return "asked"


def words(tape: Tape) -> list[str]:
    return [item.request.body.decode()[9:-2] for item in tape.interactions]


@pytest.fixture(params=["a path", "a tape with a path", "a tape in memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where the sessions record; each test holds for all of them."""
    path = tmp_path / "t.yaml"
    return {"a path": path, "a tape with a path": Tape(path=path), "a tape in memory": Tape()}[request.param]


def held(place: Place) -> Tape:
    """What is there in the end; in memory and in the file alike."""
    if isinstance(place, Path):
        return Tape.load(place)
    if place.path is not None:
        assert words(Tape.load(place.path)) == words(place)
        assert [item.id for item in Tape.load(place.path).interactions] == list(range(len(place.interactions)))
    return place


def test_sessions_that_open_while_another_records_join_it(place: Place) -> None:
    """Each opens after the one before has recorded, and before it closes."""
    first = open_session(place, "once")
    assert ask(first, "a") == "asked"
    second = open_session(place, "once")
    assert ask(second, "b") == "asked"
    first.close()
    third = open_session(place, "once")
    assert ask(third, "c") == "asked"
    second.close()
    third.close()
    assert words(held(place)) == ["a", "b", "c"]


def test_a_tape_that_this_process_began_is_gone_on_with(place: Place) -> None:
    """One after another: what is there is played, what is new is asked and added."""
    with open_session(place, "once") as session:
        assert ask(session, "a") == "asked"
    with open_session(place, "once") as session:
        assert [ask(session, text) for text in "ab"] == ["played", "asked"]
        assert session.recording
        assert not session.replaying
        assert session.notes == []
    with open_session(place, "once") as session:
        assert [ask(session, text) for text in "abb"] == ["played", "played", "asked"]
    assert words(held(place)) == ["a", "b", "b"]


@pytest.mark.parametrize("mode", ["once", "resume"])
def test_what_an_open_session_recorded_is_not_played_by_others(place: Place, mode: Mode) -> None:
    """A refusal whose retry is under way is nobody's answer; what a session that has closed recorded is."""
    first, second = open_session(place, mode), open_session(place, mode)
    assert [ask(first, "a", 429), ask(second, "b")] == ["asked", "asked"]
    second.close()
    third = open_session(place, mode)
    assert [ask(third, "a"), ask(third, "b")] == ["asked", "played"]
    first.close()
    third.close()
    assert words(held(place)) == ["a", "b", "a"]


def test_a_session_that_opens_to_record_loses_nothing_of_one_that_records(place: Place) -> None:
    first = open_session(place, "record")
    ask(first, "a")
    second = open_session(place, "record")
    assert [ask(second, "a"), ask(second, "b")] == ["asked", "asked"]
    first.close()
    second.close()
    assert words(held(place)) == ["a", "a", "b"]
    with open_session(place, "record") as third:
        ask(third, "c")
    assert words(held(place)) == ["c"]


@pytest.mark.parametrize("as_path", [True, False])
def test_a_tape_that_was_there_before_is_played_only(tmp_path: Path, seed: Path, as_path: bool) -> None:
    path = Path(shutil.copy(seed, tmp_path / "t.yaml"))
    kept = path.read_bytes()
    for _ in range(2):
        with open_session(path if as_path else Tape.load(path), "once") as session:
            assert not session.recording
            assert session.replaying
            with pytest.raises(TapeMissError, match='tape_mode="resume" continues'):
                session.play(request("new"))
    assert path.read_bytes() == kept


def test_a_tape_that_another_process_began_is_played_only(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    program = (
        "import sys; from playhead.tapes import open_session; from playhead.wire import HTTPRequest\n"
        "with open_session(sys.argv[1], 'once') as session:\n"
        "    session.record(HTTPRequest('POST', 'https://example.org/chat', (), b'{\"text\":\"a\"}'), status=200,\n"
        "                   reason='', proto='HTTP/1.1', headers=(), body=b'hi', nanoseconds=1)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    with open_session(path, "once") as session:
        assert ask(session, "a") == "played"
        with pytest.raises(TapeMissError):
            ask(session, "b")


def test_threads_that_begin_a_tape_together_miss_nothing(place: Place) -> None:
    """8 threads, 10 sessions each, one after another: some open while others record, some when all have closed."""
    missed: list[BaseException] = []
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait()
        try:
            for n in range(10):
                with open_session(place, "once") as session:
                    assert ask(session, f"{number}.{n}") == "asked"
        except BaseException as error:
            missed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert missed == []
    tape = held(place)
    assert sorted(words(tape)) == sorted(f"{number}.{n}" for number in range(8) for n in range(10))
    assert [item.id for item in tape.interactions] == list(range(80))


def test_a_session_knows_whether_the_tape_has_another_answer() -> None:
    tape = Tape()
    with open_session(tape, "record") as session:
        for text in ("a", "a", "b"):
            ask(session, text)
    with open_session(tape, "resume") as session:
        assert session.has_answer(request("a"))
        session.play(request("a"))
        assert session.has_answer(request("a"))
        session.play(request("a"))
        assert not session.has_answer(request("a"))
        assert session.has_answer(request("b"))
        assert [item.id for item in session.unplayed] == [2]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data + b"...\n",
        lambda data: json.dumps(yaml.safe_load(data)).encode(),
    ],
)
def test_a_file_that_nothing_can_be_added_to_is_refused_before_anything_is_asked(
    tmp_path: Path, seed: Path, spoil: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "t.yaml"
    path.write_bytes(spoil(seed.read_bytes()))
    before = path.read_bytes()
    for opened in (path, Tape.load(path)):
        with pytest.raises(TapeModeError, match=r"nothing can be added at its end; make one that can: Tape\("):
            open_session(opened, "resume")
    assert path.read_bytes() == before
    count = len(Tape.load(path).interactions)
    Tape(Tape.load(path).interactions).save(path)
    with open_session(path, "resume") as session:
        ask(session, "a")
    assert len(Tape.load(path).interactions) == count + 1


def pickled(tape: Tape) -> Tape:
    again: Tape = pickle.loads(pickle.dumps(tape))  # noqa: S301 - its own bytes
    return again


@pytest.mark.parametrize("again", [pickled, copy.copy, copy.deepcopy])
def test_a_tape_can_be_pickled_and_copied_while_it_is_recorded(
    place: Place, seed: Path, again: Callable[[Tape], Tape]
) -> None:
    loaded = again(Tape.load(seed))
    assert loaded.dumps() == seed.read_bytes()
    with open_session(place, "once") as session:
        ask(session, "a")
        taken = again(session.tape)
        ask(session, "b")
    assert words(taken) == ["a"]
    assert taken.path == session.tape.path
    taken.path = None
    with open_session(taken, "resume") as session:
        assert [ask(session, "a"), ask(session, "a")] == ["played", "asked"]
    assert words(held(place)) == ["a", "b"]
