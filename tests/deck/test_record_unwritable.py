"""A tape that cannot be written takes nothing from anybody: it is said at once, waited with, and saved elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from odd_upstream import OddUpstream, answer
from raw_wire import Wire, ask
from record_process import RecordProcess

from playhead import RecordingProxy, Tape

resource = pytest.importorskip("resource", reason="limits of a process are a matter of POSIX")

CHAT = "/v1/chat/completions"
BODY = b'{"said": "%b"}' % (b"y" * 2000)
#: What the disk is for the process then: full. Files have 16 blocks of 512 bytes, which is room for three exchanges.
NO_ROOM = "-S -f 16"


def upstream() -> OddUpstream:
    return OddUpstream(lambda asked: [answer("200 OK", "Content-Type: application/json", body=BODY)])


def asked_of(tape: Path) -> list[bytes]:
    return [item.request.body for item in Tape.load(tape).interactions]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="nobody else can make room here")
def test_a_full_disk_is_told_once_and_what_waits_is_written_when_there_is_room(tmp_path: Path) -> None:
    path, questions = tmp_path / "t.yaml", [b'{"n": %d}' % number for number in range(9)]
    with upstream() as odd, RecordProcess(odd.url, path, limit=NO_ROOM) as proxy, Wire(proxy.port) as wire:
        for question in questions[:7]:
            assert wire.ask(CHAT, question).body == BODY
        assert "File too large" in proxy.note()
        assert "tape.save" not in proxy.note()
        assert asked_of(path) == questions[:3]
        resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert wire.ask(CHAT, questions[7]).body == BODY
        assert "could be written again" in proxy.note(1)
        assert asked_of(path) == questions[:8]
        assert wire.ask(CHAT, questions[8]).body == BODY
        status, said = proxy.stop()
    assert (status, said["recorded"], said["saved"], len(said["notes"])) == (0, 9, [], 2)
    assert asked_of(path) == questions
    assert len(proxy.noted) == 2


def test_what_has_no_room_till_the_end_is_saved_beside_the_tape(tmp_path: Path) -> None:
    path, questions = tmp_path / "t.yaml", [b'{"n": %d}' % number for number in range(5)]
    with upstream() as odd, RecordProcess(odd.url, path, limit=NO_ROOM) as proxy, Wire(proxy.port) as wire:
        for question in questions:
            assert wire.ask(CHAT, question).body == BODY
        status, said = proxy.stop()
    beside = tmp_path / "t.saved.yaml"
    assert (status, said["recorded"], said["saved"]) == (1, 3, [str(beside)])
    assert str(beside) in said["notes"][-1]
    assert "2 exchanges" in said["notes"][-1]
    assert asked_of(path) + asked_of(beside) == questions


def test_what_can_be_saved_nowhere_is_said_to_be_lost(tmp_path: Path) -> None:
    with upstream() as odd, RecordProcess(odd.url, tmp_path / "t.yaml", limit=NO_ROOM) as proxy:
        for _ in range(12):
            assert ask(proxy.port, CHAT, b"{}").body == BODY
        status, said = proxy.stop()
    assert (status, said["recorded"], said["saved"]) == (1, 3, [])
    assert "9 exchanges could not be written" in said["notes"][-1]


def test_a_tape_that_somebody_replaced_is_left_alone_and_the_recording_saved_whole(tmp_path: Path) -> None:
    path, other = tmp_path / "t.yaml", tmp_path / "other.yaml"
    other.write_text("somebody's\n")
    (tmp_path / "t.saved.yaml").write_text("there before\n")
    with upstream() as odd, RecordProcess(odd.url, path) as proxy, Wire(proxy.port) as wire:
        wire.ask(CHAT, b'{"n": 0}')
        other.replace(path)
        for number in (1, 2, 3):
            path.write_text("somebody's" + "\n" * number)  # however long it is, the cause is the same
            wire.ask(CHAT, b'{"n": %d}' % number)
        assert "replaced by somebody else" in proxy.note()
        status, said = proxy.stop()
    assert (status, len(said["notes"]), said["recorded"]) == (1, 2, 1)
    assert path.read_text() == "somebody's\n\n\n"
    assert asked_of(tmp_path / "t.saved-2.yaml") == [b'{"n": %d}' % number for number in range(4)]


def test_where_the_folder_is_gone_the_recording_is_saved_with_the_temporary_files(tmp_path: Path) -> None:
    path, spare = tmp_path / "tapes" / "t.yaml", tmp_path / "spare"
    spare.mkdir()
    with upstream() as odd, RecordProcess(odd.url, path, env={"TMPDIR": str(spare)}) as proxy, Wire(proxy.port) as wire:
        wire.ask(CHAT, b'{"n": 0}')
        path.unlink()
        path.parent.rmdir()
        path.parent.write_text("a file now")
        wire.ask(CHAT, b'{"n": 1}')
        status, said = proxy.stop()
    (saved,) = said["saved"]
    assert (status, Path(saved).parent.parent) == (1, spare)
    assert asked_of(Path(saved)) == [b'{"n": 0}', b'{"n": 1}']


def test_a_program_is_told_as_well(tmp_path: Path) -> None:
    path, told = tmp_path / "t.yaml", []
    with upstream() as odd, RecordingProxy(odd.url, tape=path) as proxy:
        proxy.on_note = told.append
        ask(proxy.port, CHAT, b"{}")
        path.write_text("somebody's\n" + "#" * path.stat().st_size)
        ask(proxy.port, CHAT, b"{}")
    assert told == proxy.notes
    assert len(told) == 2
    assert (proxy.recorded, proxy.lost, proxy.saved) == (1, 0, [tmp_path / "t.saved.yaml"])


@pytest.mark.parametrize("words", [(), ("--tape-per-client",)])
def test_a_tape_that_cannot_be_made_is_refused_at_the_start(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("")
    tape = tmp_path / "file" / "x" / "run.yaml"
    command = ["record", "--upstream", "http://127.0.0.1:9", "--tape", str(tape), "--port", "0", "--json", *words]
    done = subprocess.run([sys.executable, "-m", "playhead", *command], capture_output=True, timeout=30)
    assert (done.returncode, done.stdout) == (1, b"")
    assert str(tape.parent) in json.loads(done.stderr)["error"]["message"]


def test_looking_whether_tapes_can_be_made_leaves_nothing(tmp_path: Path) -> None:
    RecordingProxy("http://127.0.0.1:9", tape=tmp_path / "new" / "run.yaml", tape_per_client=True)
    assert list(tmp_path.iterdir()) == []
