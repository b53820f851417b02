"""A real HTTP/1.1 server on loopback whose answers are scripts of raw bytes, faults included.

``Loopback(plain(200, b"{}"), reset)`` answers its first request with the one and its second with the other, and the
last for ever after. A script is an ``async def script(exchange)`` that writes what it likes. The server runs in a
thread with a loop of its own, so that a test can call ``asyncio.run`` as often as it wants and the server sees what a
stranger would see.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any


class Exchange:
    """One request as it came, and the way to answer it."""

    def __init__(self, server: Loopback, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        self.server, self.head, self.body, self.writer = server, head, body, writer

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reset(self) -> None:
        """Close with RST, so that the other side sees the connection reset and not ended."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def gone(self) -> None:
        """Wait until the client has closed the connection."""
        await asyncio.Event().wait()  # the connection cancels its script when the client closes


Script = Callable[[Exchange], Awaitable[None]]


def plain(status: int, body: bytes = b"", *headers: str, reason: str = "Whatever") -> Script:
    """A whole answer with its length."""
    lines = [f"HTTP/1.1 {status} {reason}", f"Content-Length: {len(body)}", *headers]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def raw(data: bytes, *, close: bool = False) -> Script:
    """Exactly these bytes, then perhaps the end of the connection."""

    async def script(exchange: Exchange) -> None:
        await exchange.write(data)
        if close:
            exchange.writer.close()

    return script


def chunked(*chunks: bytes, pause: float = 0.0, end: bytes = b"0\r\n\r\n", headers: str = "") -> Script:
    """A body in chunks, ``pause`` seconds before each; ``end`` b"" leaves it unfinished and closes."""

    async def script(exchange: Exchange) -> None:
        await exchange.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + headers.encode() + b"\r\n")
        for chunk in chunks:
            await asyncio.sleep(pause)
            await exchange.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        await exchange.write(end)
        if not end:
            exchange.writer.close()

    return script


async def reset(exchange: Exchange) -> None:
    """No answer: the connection is reset."""
    await exchange.reset()


async def silent(exchange: Exchange) -> None:
    """No answer: nothing is said until the client goes away."""
    await exchange.gone()


class Loopback:
    """The server; a context manager. ``requests`` are the exchanges so far, ``open`` the connections now open."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self.scripts, self.tls = list(scripts), tls
        self.requests: list[Exchange] = []
        self.connections = 0
        self.closed: list[float] = []
        self._ready = threading.Event()
        self._writers: set[asyncio.StreamWriter] = set()

    def __enter__(self) -> Loopback:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        self._thread.start()
        assert self._ready.wait(5)
        return self

    def __exit__(self, *_: Any) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/v1/chat"

    @property
    def open(self) -> int:
        return self.connections - len(self.closed)

    def wait_closed(self, count: int = 1, seconds: float = 2.0) -> float:
        """Wait until ``count`` connections have been closed; the time (of perf_counter) of the last."""
        limit = time.perf_counter() + seconds
        while len(self.closed) < count:
            assert time.perf_counter() < limit, f"{len(self.closed)} of {count} connections closed in {seconds} s"
            time.sleep(0.002)
        return self.closed[count - 1]

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(lambda *_: None)
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, ssl=self.tls, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        await asyncio.sleep(0.005)  # one that was just accepted gets its writer now
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)
        await asyncio.sleep(0)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        waiting: asyncio.Task[None] | None = None
        try:
            while not writer.transport.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
                exchange = Exchange(self, head, await reader.readexactly(size), writer)
                self.requests.append(exchange)
                script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
                waiting = asyncio.ensure_future(script(exchange))
                while not waiting.done():  # the transport notices the client's close only while it reads
                    if reader.at_eof():
                        waiting.cancel()
                        break
                    await asyncio.wait([waiting], timeout=0.002)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            if waiting is not None and not waiting.done():
                waiting.cancel()
            self.closed.append(time.perf_counter())
            writer.close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
