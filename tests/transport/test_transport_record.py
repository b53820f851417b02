"""Recording that fails while something else passes: what passes is not hidden."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from loopback import Loopback, chunked, plain

from playhead.errors import CutStreamError, TapeError
from playhead.tapes.session import Session, open_session
from playhead.transport.http import HTTPTransport
from playhead.transport.record import RecordTransport
from playhead.wire import HTTPRequest

resource = pytest.importorskip("resource", reason="this system sets no limits to files")


class FullDisk:
    """No file may be larger than 10 bytes."""

    def __enter__(self) -> None:
        self._signal = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, self._limits[1]))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)
        signal.signal(signal.SIGXFSZ, self._signal)


async def read(session: Session, url: str, started: asyncio.Event | None = None, fail: bool = False) -> None:
    transport = RecordTransport(session, HTTPTransport())
    response = await transport.send(HTTPRequest("POST", url, (), b"{}"))
    try:
        async for _ in response.chunks:
            if fail:
                raise ZeroDivisionError
            if started is not None:
                started.set()
    finally:
        await response.aclose()


def check(session: Session) -> None:
    assert len(session.notes) == 1
    assert "cannot write to the tape" in session.notes[0]
    assert len(session.tape.interactions) == 1


def test_a_task_that_is_cancelled_while_the_disk_is_full_ends_cancelled(tmp_path: Path) -> None:
    async def main(url: str) -> None:
        with open_session(tmp_path / "t.yaml", "record") as session:
            started = asyncio.Event()
            task = asyncio.create_task(read(session, url, started))
            await started.wait()
            with FullDisk():
                task.cancel()
                await asyncio.wait([task])
            assert task.cancelled()
            check(session)

    with Loopback(chunked(b"a", b"b", pause=5)) as server:
        asyncio.run(main(server.url))


@pytest.mark.parametrize("error", [CutStreamError, ZeroDivisionError])
def test_an_error_is_not_hidden_by_a_full_disk(tmp_path: Path, error: type[Exception]) -> None:
    """Neither one of the connection nor one of the consumer."""
    script = chunked(b"a", b"b", end=b"") if error is CutStreamError else chunked(b"a", b"b", pause=0.05)

    async def main(url: str) -> None:
        with open_session(tmp_path / "t.yaml", "record") as session, FullDisk():
            with pytest.raises(error):
                await read(session, url, fail=error is ZeroDivisionError)
            check(session)

    with Loopback(script) as server:
        asyncio.run(main(server.url))


@pytest.mark.parametrize("handled", [False, True])
def test_a_full_disk_is_told_where_nothing_else_passes(tmp_path: Path, handled: bool) -> None:
    """What is being handled around the exchange does not pass through it."""

    async def main(url: str) -> None:
        with open_session(tmp_path / "t.yaml", "record") as session, FullDisk():
            transport = RecordTransport(session, HTTPTransport())
            try:
                if handled:
                    raise KeyError
            except KeyError:
                response = await transport.send(HTTPRequest("POST", url, (), b"{}"))
                with pytest.raises(TapeError, match="cannot write"):
                    await response.aclose()
            else:
                response = await transport.send(HTTPRequest("POST", url, (), b"{}"))
                with pytest.raises(TapeError, match="cannot write"):
                    await response.aclose()
            assert session.notes == []
            assert sys.exc_info()[1] is None

    with Loopback(plain(200, b"hello")) as server:
        asyncio.run(main(server.url))
