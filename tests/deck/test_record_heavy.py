"""A heavy answer is put on the tape beside the loop: others are served meanwhile, and the proxy can be stopped."""

from __future__ import annotations

import re
import threading
import zlib
from pathlib import Path

from odd_upstream import OddUpstream, Saying, answer
from raw_wire import Wire, ask, request
from record_process import RecordProcess

from playhead import RecordingProxy, Tape
from playhead.deck.http1.reading import Asked
from playhead.wire import header

CHAT = "/v1/chat/completions"


def bomb(mebibytes: int) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return b"".join([packer.compress(bytes(1 << 20)) for _ in range(mebibytes)] + [packer.flush()])


def test_a_bomb_costs_no_memory_and_its_beginning_is_recorded(tmp_path: Path) -> None:
    body, tape = bomb(200), tmp_path / "t.yaml"

    def say(asked: Asked) -> Saying:
        return [answer("200 OK", "Content-Encoding: gzip", body=body)]

    with OddUpstream(say) as upstream, RecordProcess(upstream.url, tape) as proxy:
        assert ask(proxy.port, CHAT).body == body
        status = Path(f"/proc/{proxy.process.pid}/status")
        if status.exists():
            peak = re.search(r"VmHWM:\s+(\d+)", status.read_text())
            assert peak is not None
            assert int(peak[1]) < 200 << 10
        assert proxy.stop()[0] == 0
    response = Tape.load(tape).interactions[0].response
    assert response.body == bytes(1 << 20)
    assert "became more than" in (header(response.headers, "playhead-cut") or "")


def test_others_are_served_while_a_long_answer_is_recorded(tmp_path: Path) -> None:
    """The client has all but the last byte, which it gets when the tape has it; asked meanwhile, the proxy answers."""
    long = b"[" + b'{"content":"The quick brown fox"},' * 700_000 + b"0]"
    had = threading.Event()

    def say(asked: Asked) -> Saying:
        yield answer("200 OK", f"Content-Length: {len(long)}") + long[:-1]
        assert had.wait(20)
        yield long[-1:]

    tape = tmp_path / "t.yaml"
    with OddUpstream(say) as upstream, RecordingProxy(upstream.url, tape=tape) as proxy, Wire(proxy.port) as wire:
        wire.send(request(CHAT, b""))
        while wire.file.readline() != b"\r\n":
            pass
        assert wire.file.read(len(long) - 1) == long[:-1]
        last: list[bytes] = []
        reading = threading.Thread(target=lambda: last.append(wire.file.read(1)))
        reading.start()
        had.set()
        served = 0
        while reading.is_alive():
            assert ask(proxy.port, "/@no!name/").status == 404
            served += 1
        reading.join()
        assert last == [b"]"]
        assert served > 2
    assert Tape.load(tape).interactions[0].response.body == long


def test_who_goes_while_a_long_answer_is_recorded_takes_nothing_off_the_tape(tmp_path: Path) -> None:
    long = b'"The quick brown fox" ' * 400_000
    had = threading.Event()

    def say(asked: Asked) -> Saying:
        yield answer("200 OK", f"Content-Length: {len(long)}") + long[:-1]
        assert had.wait(20)
        yield long[-1:]

    tape = tmp_path / "t.yaml"
    with OddUpstream(say) as upstream, RecordingProxy(upstream.url, tape=tape) as proxy:
        with Wire(proxy.port) as wire:
            wire.send(request(CHAT, b""))
            while wire.file.readline() != b"\r\n":
                pass
            wire.file.read(len(long) - 1)
            had.set()
    response = Tape.load(tape).interactions[0].response
    assert response.body in (long, long[:-1])
    assert (response.body == long) is (header(response.headers, "playhead-cut") is None)
