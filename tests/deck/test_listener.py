"""The socket of a server: descriptors that run out, clients that say nothing, addresses that are none."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from odd_upstream import STREAMED, OddUpstream, Saying, answer, framed
from raw_wire import Wire, ask, request
from record_process import limited

from playhead import ConfigError, RecordingProxy, TapeServer
from playhead.deck.http1.reading import Asked

EXAMPLE = Path(__file__).resolve().parent.parent.parent / "examples" / "florence.yaml"
CHAT = "/v1/chat/completions"
EVENT = b'data: {"choices":[]}\n\n'


def test_where_descriptors_run_out_it_is_said_once_and_those_who_wait_are_let_in(tmp_path: Path) -> None:
    errors = tmp_path / "stderr"
    command = [sys.executable, "-m", "playhead", "serve", str(EXAMPLE), "--port", "0"]
    with errors.open("wb") as stderr:
        process = subprocess.Popen(limited(command, "-n 64"), stdout=subprocess.PIPE, stderr=stderr, text=True)
    with process:
        assert process.stdout is not None
        port = int(process.stdout.readline().strip().rpartition(":")[2])
        idle = [socket.create_connection(("127.0.0.1", port), 20) for _ in range(90)]
        with Wire(port) as late:  # it is behind them all, and its answer comes when they are gone
            late.send(request("/", method="GET"))
            late.socket.settimeout(1.5)
            with pytest.raises(TimeoutError):
                late.socket.recv(1, socket.MSG_PEEK)
            late.socket.settimeout(20)
            for connection in idle:
                connection.close()
            assert late.read().status == 200
        process.terminate()
        assert process.wait(20) == 0
    (note,) = errors.read_text().splitlines()
    assert note.startswith("note: cannot accept connections now: Too many open files")


def test_a_connection_that_says_nothing_is_closed_and_one_that_is_answered_is_not(tmp_path: Path) -> None:
    leave = threading.Event()

    def say(asked: Asked) -> Saying:
        yield answer("200 OK", *STREAMED)
        yield from framed([EVENT], end=False)
        assert leave.wait(20)
        yield from framed([EVENT])

    with OddUpstream(say) as odd:
        proxy = RecordingProxy(odd.url, tape=tmp_path / "t.yaml")
        proxy.idle = 0.15
        with proxy, Wire(proxy.port) as busy:
            busy.send(request(CHAT, b"{}"))
            for said in (b"", b"GET / HT", request(CHAT, b"{}")[:-1]):
                with Wire(proxy.port) as idle:
                    idle.send(said)
                    assert idle.file.read() == b""
            leave.set()
            assert busy.read().body == EVENT * 2
            assert busy.file.read() == b""  # and now it says nothing


@pytest.mark.parametrize(
    ("host", "port", "told"),
    [
        ("127.0.0.1", 99999, "0 to 65535"),
        ("127.0.0.1", -1, "0 to 65535"),
        ("a..b", 0, "no name of a host"),
        ("a" * 64, 0, "no name of a host"),
        ("a\0b", 0, "no name of a host"),
        ("nowhere.invalid", 0, "cannot listen at nowhere.invalid"),
        ("", 0, "got an empty one"),
    ],
)
def test_an_address_that_is_none_is_refused(host: str, port: int, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=told):
        TapeServer(EXAMPLE, host=host, port=port).start()
    with pytest.raises(ConfigError, match=told):
        RecordingProxy("http://127.0.0.1:9", tape=tmp_path / "t.yaml", host=host, port=port).start()
    assert list(tmp_path.iterdir()) == []  # nothing was recorded, and no empty tape is left


def test_an_address_that_is_taken_is_refused_and_leaves_no_tape(tmp_path: Path) -> None:
    with TapeServer(EXAMPLE) as server, pytest.raises(ConfigError, match="cannot listen at"):
        RecordingProxy("http://127.0.0.1:9", tape=tmp_path / "t.yaml", port=server.port).start()
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_it_in_a_line() -> None:
    words = ["serve", str(EXAMPLE), "--port", "99999"]
    done = subprocess.run([sys.executable, "-m", "playhead", *words], capture_output=True, text=True, timeout=30)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "0 to 65535" in done.stderr


def test_many_clients_at_once_are_all_let_in() -> None:
    with TapeServer(EXAMPLE) as server:
        wires = [Wire(server.port) for _ in range(300)]
        for wire in wires:
            wire.send(request("/", method="GET"))
        assert {wire.read().status for wire in wires} == {200}
        for wire in wires:
            wire.close()
        assert ask(server.port, "/", method="GET").status == 200
