"""A recording that is killed, runs out of disk, is shared between threads or wanted by two processes loses nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from playhead.errors import TapeError, TapeLockedError, TapeModeError
from playhead.tapes import Interaction, Session, Tape, open_session
from playhead.wire import Headers, HTTPRequest

KILLS = int(os.environ.get("PLAYHEAD_KILLS", "20"))
posix = pytest.mark.skipif(os.name == "nt", reason="signals and limits of POSIX")

CHILD = """
import os, sys
from playhead.tapes import open_session
from playhead.wire import HTTPRequest

path, mode = sys.argv[1:3]
with open_session(path, mode) as session:
    at = 0
    while True:
        body = b'{"n":%d,"pad":"%s"}' % (at, "\\u00e4\\n".encode() * (at * 7919 % 3000))
        request = HTTPRequest("POST", "https://example.org/", (), body)
        if session.play(request) is None:
            session.record(request, status=200, reason="OK", proto="HTTP/1.1", headers=(), body=body, nanoseconds=at)
            os.write(1, b"%d\\n" % at)
        at += 1
"""


def start(path: Path, mode: str, code: str = CHILD) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code, os.fspath(path), mode], stdout=subprocess.PIPE)


def answer(session: Session, text: str) -> Interaction:
    request = HTTPRequest("POST", "https://example.org/", (), text.encode())
    return session.record(
        request, status=200, reason="OK", proto="HTTP/1.1", headers=(), body=text.encode(), nanoseconds=1
    )


@posix
def test_a_killed_recording_holds_all_that_was_acknowledged(tmp_path: Path) -> None:
    """Killed at random moments, again and again, continued each time; nothing is asked twice."""
    path = tmp_path / "t.yaml"
    chance = random.Random(7)
    acknowledged: list[int] = []
    for kill in range(KILLS):
        if kill % 20 == 0:
            path.unlink(missing_ok=True)
            acknowledged = []
        child = start(path, "resume")
        assert child.stdout is not None
        first = child.stdout.readline()  # it runs
        time.sleep(chance.random() * 0.02)
        child.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in (first + child.stdout.read()).split(b"\n") if line]
        child.wait()
        child.stdout.close()
        tape = Tape.load(path)
        count = len(tape.interactions)
        assert [item.id for item in tape.interactions] == list(range(count))
        # In order, none twice; the last write may have been done and not yet said.
        assert acknowledged == sorted(set(acknowledged))
        assert set(acknowledged) <= set(range(count))
        assert count - len(acknowledged) <= kill % 20 + 1
        for at, item in enumerate(tape.interactions):
            assert item.request.body.startswith(b'{"n":%d,' % at)
            assert item.request.body == item.response.body
            assert len(item.request.body) == item.request.content_length


@posix
def test_a_second_process_is_refused_at_once_and_told_who(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    child = start(path, "record")
    assert child.stdout is not None
    child.stdout.readline()
    try:
        for mode in ("record", "resume"):
            with pytest.raises(TapeLockedError, match=r"t\.yaml") as caught:
                open_session(path, mode)  # type: ignore[arg-type]
            if sys.platform == "linux":
                assert f"process {child.pid} " in str(caught.value)
        with open_session(path, "replay") as session:
            assert session.tape.interactions
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    with open_session(path, "resume") as session:
        answer(session, "mine")


@posix
def test_two_processes_that_start_a_tape_at_once_do_not_both_record(tmp_path: Path) -> None:
    """The second is refused when it opens, before it has paid for anything."""
    path = tmp_path / "new" / "t.yaml"
    with open_session(path, "once"):
        code = "import sys\nfrom playhead.tapes import open_session\nopen_session(sys.argv[1], sys.argv[2])"
        child = subprocess.run([sys.executable, "-c", code, os.fspath(path), "once"], capture_output=True)
        assert b"TapeLockedError" in child.stderr
    assert os.listdir(tmp_path) == []


@posix
def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """A file may not grow beyond a limit: the tape stays whole, and what was paid for is kept and can be saved."""
    code = """
    import resource, signal, sys
    from playhead.errors import TapeError
    from playhead.tapes import open_session, Tape
    from playhead.wire import HTTPRequest

    path = sys.argv[1]
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    def say(session, body):
        session.record(HTTPRequest("POST", "https://example.org/", (), body), status=200, reason="OK",
                       proto="HTTP/1.1", headers=(), body=body, nanoseconds=1)
    with open_session(path, "record") as session:
        say(session, b"a" * 100)
        before = open(path, "rb").read()
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
        for _ in range(2):
            try:
                say(session, b"b" * 4000)
            except TapeError as error:
                print(error)
            assert open(path, "rb").read() == before
        assert len(session.tape.interactions) == 3
        assert Tape.load(path).interactions == session.tape.interactions[:1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        session.tape.save(path + ".elsewhere")
        say(session, b"c")
        assert len(Tape.load(path).interactions) == 4
    assert [item.id for item in Tape.load(path).interactions] == [0, 1, 2, 3]
    assert len(Tape.load(path + ".elsewhere").interactions) == 3
    """
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), os.fspath(tmp_path / "t.yaml")], capture_output=True, text=True
    )
    assert child.returncode == 0, child.stderr
    assert child.stdout.count("cannot write to the tape") == 2
    assert "tape.save(path)" in child.stdout


def test_threads_share_a_tape(tmp_path: Path) -> None:
    """Each with a session of its own, and several on one."""
    path = tmp_path / "t.yaml"
    errors: list[BaseException] = []

    def run(name: int, shared: Session) -> None:
        try:
            with open_session(path, "once") as own:
                for at in range(50):
                    answer(own if at % 2 else shared, f"{name}:{at}")
        except BaseException as error:
            errors.append(error)

    with open_session(path, "once") as shared:
        threads = [threading.Thread(target=run, args=(name, shared)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert shared.tape.dumps() == path.read_bytes()
    tape = Tape.load(path)
    assert [item.id for item in tape.interactions] == list(range(200))
    for name in range(4):
        mine = [item.request.body for item in tape.interactions if item.request.body.startswith(b"%d:" % name)]
        assert mine == [b"%d:%d" % (name, at) for at in range(50)]


def test_threads_play_each_interaction_once(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    with open_session(path, "record") as session:
        for _ in range(200):
            answer(session, "same")
    played: list[int] = []
    request = HTTPRequest("POST", "https://example.org/", (), b"same")
    with open_session(path, "replay") as session:

        def run() -> None:
            for _ in range(50):
                found = session.play(request)
                assert found is not None
                played.append(found.id)

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(played) == list(range(200))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_does_not_write_into_its_parent_s_tape(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    with open_session(path, "once") as session:
        answer(session, "parent")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                for attempt in (lambda: answer(session, "child"), lambda: open_session(path, "resume")):
                    try:
                        attempt()
                    except TapeLockedError:
                        code = 0
                    else:
                        code = 2
                        break
                session.close()
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        answer(session, "parent again")
    assert [item.request.body for item in Tape.load(path).interactions] == [b"parent", b"parent again"]


def test_one_process_does_not_record_afresh_what_it_continues(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    with open_session(path, "record") as session:
        answer(session, "a")
        with pytest.raises(TapeModeError, match="afresh"):
            open_session(path, "resume")
    with open_session(path, "resume"), pytest.raises(TapeModeError, match="afresh"):
        open_session(path, "record")
    with open_session(path, "resume") as session:
        answer(session, "b")
        with open_session(path, "once") as other:  # what it held before is played
            assert not other.recording
            assert len(other.unplayed) == 1


def test_a_tape_can_be_taken_away_while_it_is_recorded(tmp_path: Path) -> None:
    """Whoever opens the path next gets a file of its own, not the old one's lock."""
    path = tmp_path / "t.yaml"
    with open_session(path, "once") as session:
        answer(session, "a")
        path.unlink()
        answer(session, "b")
        session.tape.save(tmp_path / "kept.yaml")
    with open_session(path, "once") as session:
        assert session.recording
    assert len(Tape.load(tmp_path / "kept.yaml").interactions) == 2


def lowered(headers: Headers) -> Headers:
    """As HTTP/2 has them."""
    return tuple((name.lower(), value) for name, value in headers)


def test_what_is_recorded_looks_like_the_seed(tmp_path: Path, seed: Path) -> None:
    """The seed's own exchanges, recorded again, are the seed but for what only go-vcr's client can know."""
    path = tmp_path / "t.yaml"
    with open_session(path, "record") as session:
        for item in Tape.load(seed).interactions:
            request, response = item.request, item.response
            session.record(
                HTTPRequest(request.method, request.url, lowered(request.headers), request.body),
                status=response.code, reason="", proto=response.proto,
                headers=lowered(response.headers), body=response.body,
                nanoseconds=response.nanoseconds,
            )  # fmt: skip
    assert path.read_bytes() == seed.read_bytes().replace(b"        uncompressed: true\n", b"")


def test_an_error_keeps_the_exchange_on_the_tape(tmp_path: Path) -> None:
    session = open_session(tmp_path / "t.yaml", "record")
    os.close(session._recorder._descriptor)  # type: ignore[union-attr]
    with pytest.raises(TapeError, match="cannot write to the tape"):
        answer(session, "a")
    assert len(session.tape.interactions) == 1
    session.close()


def test_saving_over_a_tape_that_is_being_recorded_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    with open_session(path, "record") as session:
        answer(session, "a")
        session.tape.save()  # it is in the file already
        with pytest.raises(TapeModeError, match="is being recorded"):
            Tape().save(path)
        answer(session, "b")
    assert len(Tape.load(path).interactions) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    session = open_session(path, "once")
    answer(session, "a")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)  # lives until the parent lets it go
        os._exit(0)
    try:
        session.close()
        code = "import sys\nfrom playhead.tapes import open_session\nopen_session(sys.argv[1], 'resume').close()"
        done = subprocess.run([sys.executable, "-c", code, os.fspath(path)], capture_output=True)
        assert done.returncode == 0, done.stderr
    finally:
        os.close(writing)
        os.close(reading)
        os.waitpid(child, 0)


SLOW_CHILD = """
import os, subprocess, sys
reading, writing = os.pipe()
def stand_still():
    os.close(writing)
    os.read(reading, 1)
os.register_at_fork(after_in_child=stand_still)  # before playhead's own, so that it comes first
from playhead.tapes import open_session
path = sys.argv[1]
session = open_session(path, "resume")
child = os.fork()
if child == 0:
    os._exit(0)
session.close()
code = "import sys; from playhead.tapes import open_session; open_session(sys.argv[1], 'resume').close()"
done = subprocess.run([sys.executable, "-c", code, path])
os.close(writing)
os.waitpid(child, 0)
sys.exit(done.returncode)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_that_has_not_run_yet_does_not_keep_the_lock_either(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    with open_session(path, "record") as session:
        answer(session, "a")
    done = subprocess.run([sys.executable, "-c", SLOW_CHILD, os.fspath(path)], capture_output=True)
    assert done.returncode == 0, done.stderr


@posix
def test_an_interrupt_in_the_middle_of_recording_leaves_no_hole(tmp_path: Path) -> None:
    """KeyboardInterrupt may come between any two statements; the tape and the file stay in step."""
    path = tmp_path / "t.yaml"
    with open_session(path, "record") as session:
        answer(session, "0")
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        interrupts = 0
        try:
            for at in range(400):
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0.00001 + (at % 40) * 0.000005)
                    answer(session, "x" * (at % 50))
                    while True:
                        pass
                except KeyboardInterrupt:
                    interrupts += 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        answer(session, "last")
        assert interrupts == 400
        assert session.tape.dumps() == path.read_bytes()
    ids = [item.id for item in Tape.load(path).interactions]
    assert ids == list(range(len(ids)))
