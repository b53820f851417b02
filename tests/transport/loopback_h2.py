"""A real HTTP/2 server on loopback, over TLS with ALPN, whose answers are scripts and which sees each stream's end.

``LoopbackH2(folder, answer(200, b"{}"), silent)`` answers its first request with the one and every later one with the
other. A script is an ``async def script(stream)`` that sends what it likes. The frames are those of the library h2; the
server runs in a thread with a loop of its own, as its HTTP/1.1 neighbour does.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import pytest


class Stream:
    """One request as it came, and the way to answer it. ``reset`` is when (perf_counter) and why it was given up."""

    def __init__(self, connection: Connection, number: int, headers: list[tuple[str, str]]) -> None:
        self.connection, self.number, self.headers = connection, number, headers
        self.body = b""
        self.reset: tuple[float, int] | None = None
        self.task: asyncio.Task[None] | None = None

    async def head(self, status: int, *headers: tuple[str, str], end: bool = False) -> None:
        """Send the head of the answer; ``end`` when it has no body."""
        fields = [(":status", str(status)), *headers]
        self.connection.state.send_headers(self.number, fields, end_stream=end)
        self.connection.flush()

    async def data(self, data: bytes, end: bool = False) -> None:
        """Send a piece of the body, as fast as the client's windows let it."""
        state = self.connection.state
        while True:
            size = min(state.local_flow_control_window(self.number), state.max_outbound_frame_size, len(data))
            if size or not data:
                state.send_data(self.number, data[:size], end_stream=end and size == len(data))
                self.connection.flush()
                data = data[size:]
            if not data:
                return
            if not size:
                await self.connection.wait_for_room()

    async def refuse(self, code: int) -> None:
        """Reset the stream from the server's side."""
        self.connection.state.reset_stream(self.number, code)
        self.connection.flush()

    async def cut(self) -> None:
        """Close the whole connection without a word."""
        self.connection.transport.abort()


Script = Callable[[Stream], Awaitable[None]]


def answer(status: int, body: bytes = b"", *headers: tuple[str, str]) -> Script:
    """A whole answer with its length."""

    async def script(stream: Stream) -> None:
        await stream.head(status, ("content-length", str(len(body))), *headers)
        await stream.data(body, end=True)

    return script


def pieces(*chunks: bytes, pause: float = 0.0, end: bool = True) -> Script:
    """A body in pieces, ``pause`` seconds before each; not ``end``: the connection is cut after them."""

    async def script(stream: Stream) -> None:
        await stream.head(200)
        for chunk in chunks:
            await asyncio.sleep(pause)
            await stream.data(chunk)
        if end:
            await stream.data(b"", end=True)
        else:
            await stream.cut()

    return script


async def silent(stream: Stream) -> None:
    """No answer: nothing is said until the client gives the stream up."""
    await asyncio.Event().wait()


class Connection(asyncio.Protocol):
    """One client's connection."""

    transport: asyncio.Transport

    def __init__(self, server: LoopbackH2) -> None:
        self.server = server
        self.state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.streams: dict[int, Stream] = {}
        self._room = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.connections.append(self)
        self.state.initiate_connection()
        self.flush()

    def connection_lost(self, error: Exception | None) -> None:
        self.server.closed.append(time.perf_counter())
        for stream in self.streams.values():
            if stream.task is not None:
                stream.task.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            events = self.state.receive_data(data)
        except h2.exceptions.ProtocolError:
            self.transport.abort()
            return
        for event in events:
            self._handle(event)
        self.flush()

    def _handle(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.RequestReceived(stream_id=int(number), headers=headers):
                self.streams[number] = Stream(self, number, list(headers or ()))  # type: ignore[arg-type]
            case h2.events.DataReceived(stream_id=int(number), data=bytes(data), flow_controlled_length=size):
                self.streams[number].body += data
                self.state.acknowledge_received_data(size or 0, number)
            case h2.events.StreamEnded(stream_id=int(number)):
                stream = self.streams[number]
                self.server.requests.append(stream)
                stream.task = asyncio.ensure_future(self._answer(stream))
            case h2.events.StreamReset(stream_id=int(number), error_code=code):
                stream = self.streams[number]
                stream.reset = (time.perf_counter(), int(code or 0))
                if stream.task is not None:
                    stream.task.cancel()
            case h2.events.WindowUpdated() | h2.events.RemoteSettingsChanged():
                self._room.set()

    async def _answer(self, stream: Stream) -> None:
        with suppress(h2.exceptions.ProtocolError):  # the stream was reset in between
            await self.server.next_script()(stream)

    async def wait_for_room(self) -> None:
        self._room.clear()
        await self._room.wait()

    def flush(self) -> None:
        if data := self.state.data_to_send():
            self.transport.write(data)


class LoopbackH2:
    """The server; a context manager. ``requests`` are the streams so far, ``connections`` the clients' connections."""

    def __init__(self, certificate: Certificate, *scripts: Script) -> None:
        self.scripts = list(scripts)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate.chain, certificate.key)
        self.tls.set_alpn_protocols(["h2"])
        self.requests: list[Stream] = []
        self.connections: list[Connection] = []
        self.closed: list[float] = []
        self._ready = threading.Event()

    def __enter__(self) -> LoopbackH2:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        self._thread.start()
        assert self._ready.wait(5)
        return self

    def __exit__(self, *_: Any) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/v1/chat"

    def next_script(self) -> Script:
        return self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]

    def wait_reset(self, index: int = 0, seconds: float = 2.0) -> float:
        """Wait until the client has reset the stream of request ``index``; when it did, by perf_counter."""
        limit = time.perf_counter() + seconds
        while (reset := self.requests[index].reset) is None:
            assert time.perf_counter() < limit, f"request {index} was not given up within {seconds} s"
            time.sleep(0.002)
        return reset[0]

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(lambda *_: None)
        server = await self._loop.create_server(lambda: Connection(self), "127.0.0.1", 0, ssl=self.tls, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for connection in self.connections:
            connection.transport.abort()
        await asyncio.sleep(0.01)


class Certificate(NamedTuple):
    """PEM files: a server's certificate for 127.0.0.1 and model.test, its key, and the authority that signed it."""

    chain: Path
    key: Path
    authority: Path


def make_certificate(folder: Path) -> Certificate:
    """An authority of one's own and what it signed; skips the test where the openssl command cannot make them.

    Two certificates, for the engine takes none that vouches for itself as a server's.
    """
    made = Certificate(folder / "cert.pem", folder / "key.pem", folder / "authority.pem")
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    root = [*new, "-keyout", str(folder / "root.pem"), "-out", str(made.authority), "-days", "2", "-subj", "/CN=test"]
    leaf = [*new, "-keyout", str(made.key), "-out", str(made.chain), "-days", "2", "-subj", "/CN=127.0.0.1"]
    leaf += ["-CA", str(made.authority), "-CAkey", str(folder / "root.pem")]
    leaf += ["-addext", "subjectAltName=IP:127.0.0.1,DNS:model.test", "-addext", "basicConstraints=critical,CA:FALSE"]
    try:
        for command in (root, leaf):
            subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no certificate could be made with the openssl command: {error}")
    return made
