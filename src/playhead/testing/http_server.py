"""HTTP/1.1 on a loopback socket, by hand: what is sent when, and where it breaks off, is said to the byte.

A server in a thread and an event loop of its own, so that tests that are not async can be served as well. No task and
no coroutine stands behind an exchange, only callbacks and timers: ten thousand answers may wait at once at the price of
ten thousand timers. Requests may have a Content-Length or come in chunks; one follows another on a connection that is
kept. RFC 9112 is the specification, of which a server for tests needs a small part.
"""

from __future__ import annotations

import asyncio
import math
import socket
import struct
import threading
from collections.abc import Callable
from http import HTTPStatus

import msgspec

from playhead.errors import ConfigError
from playhead.wire import Headers, HTTPRequest

#: Connections that may wait to be accepted: a burst of thousands is what this server is for.
BACKLOG = 16384


class Sending(msgspec.Struct, frozen=True):
    """What to send for a request, and when; see :class:`playhead.testing.answers.Answer` for the faults. ``left`` is
    called when the first byte leaves."""

    status: int
    headers: Headers
    chunks: tuple[bytes, ...]
    in_pieces: bool = False
    delay: float = 0.0
    pause: float = 0.0
    cut_after: int | None = None
    reset: bool = False
    hold: bool = False
    bare: bool = False
    left: Callable[[], None] | None = None


class HTTPServer:
    """The server; ``answer`` is called on its thread with each request and says what to send. It listens on ``port``,
    or on one that is free.

    Attributes:
        port: where it listens, once it has started.
        connections, open_connections: how many there were, and are now.
    """

    def __init__(self, answer: Callable[[HTTPRequest], Sending], port: int = 0) -> None:
        self.answer = answer
        self.port = port
        self.connections = 0
        self.open: set[Connection] = set()
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._failed: BaseException | None = None

    def start(self) -> None:
        """Listen; returns when connections are accepted.

        Raises:
            ConfigError: it was started before, or its port is another's.
        """
        if self._thread is not None:
            raise ConfigError("this fake provider was started already; make another")
        self._thread = threading.Thread(target=self._run, daemon=True, name="playhead-fake-provider")
        self._thread.start()
        self._ready.wait()
        if isinstance(self._failed, OSError):
            raise ConfigError(f"the fake provider cannot listen on port {self.port}: {self._failed}") from self._failed
        if self._failed is not None:
            raise self._failed

    def stop(self) -> None:
        """Close every connection and the server."""
        if self._thread is not None and self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failed = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = await self.loop.create_server(lambda: Connection(self), "127.0.0.1", self.port, backlog=BACKLOG)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for connection in tuple(self.open):
            connection.abort()
        await server.wait_closed()


class Connection(asyncio.Protocol):
    """One connection: requests in, answers out, one at a time."""

    def __init__(self, server: HTTPServer) -> None:
        self._server = server
        self._transport: asyncio.Transport
        self._buffer = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._server.connections += 1
        self._server.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.open.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def abort(self) -> None:
        """Close now, whatever was still to be sent."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next()

    def _next(self) -> None:
        """Answer the next request, if all of it is here and the one before is done."""
        if self._busy or self._transport.is_closing():
            return
        found = _request(self._buffer, self._server.port)
        if found is None:
            return
        request, length = found
        del self._buffer[:length]
        self._busy = True
        sending = self._server.answer(request)
        if sending.delay == math.inf:
            return
        if sending.delay > 0:
            self._timer = self._server.loop.call_later(sending.delay, self._begin, sending)
        else:
            self._begin(sending)

    def _begin(self, sending: Sending) -> None:
        if sending.left is not None:
            sending.left()
        if sending.bare:
            self._transport.write(b"".join(sending.chunks))
            self._close(sending.reset)
            return
        self._go_on(sending, 0, [_head(sending)])

    def _go_on(self, sending: Sending, at: int, out: list[bytes]) -> None:
        """Send from chunk ``at`` on, up to the next pause; ``out`` goes before it."""
        chunked = _chunked(sending)
        for number in range(at, len(sending.chunks)):
            if number == sending.cut_after:
                self._transport.write(b"".join(out))
                self._close(sending.reset)
                return
            if sending.pause > 0 and number > at:
                self._transport.write(b"".join(out))
                self._timer = self._server.loop.call_later(sending.pause, self._go_on, sending, number, [])
                return
            chunk = sending.chunks[number]
            out.append(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
        cut = sending.cut_after is not None
        if chunked and not cut and not sending.hold:
            out.append(b"0\r\n\r\n")
        self._transport.write(b"".join(out))
        if cut:
            self._close(sending.reset)
        elif not sending.hold:
            self._busy = False
            self._next()

    def _close(self, reset: bool) -> None:
        if reset:
            # No lingering: what follows the bytes that are out is RST, not FIN.
            raw: socket.socket = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()


def _chunked(sending: Sending) -> bool:
    """Whether the body goes in chunks: where it is to break off, its length must not be known before."""
    return sending.in_pieces or sending.hold or sending.cut_after is not None


def _head(sending: Sending) -> bytes:
    try:
        reason = HTTPStatus(sending.status).phrase
    except ValueError:
        reason = "Status"
    lines = [f"HTTP/1.1 {sending.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in sending.headers]
    if _chunked(sending):
        lines.append("Transfer-Encoding: chunked")
    else:
        lines.append(f"Content-Length: {sum(map(len, sending.chunks))}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _request(buffer: bytearray, port: int) -> tuple[HTTPRequest, int] | None:
    """The first request in the buffer and its length there; None where it is not all here."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    first, *lines = buffer[:end].decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    path = rest.rpartition(" ")[0]
    headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    start = end + 4
    named = {name.lower(): value for name, value in headers}
    if "chunked" in named.get("transfer-encoding", "").lower():
        body, stop = _unchunked(buffer, start)
        if stop < 0:
            return None
    else:
        stop = start + int(named.get("content-length", "0"))
        if len(buffer) < stop:
            return None
        body = bytes(buffer[start:stop])
    host = named.get("host", f"127.0.0.1:{port}")
    return HTTPRequest(method, f"http://{host}{path}", headers, body), stop


def _unchunked(buffer: bytearray, at: int) -> tuple[bytes, int]:
    """A body that came in chunks and where it ends, -1 where it has not yet."""
    body = bytearray()
    while (line := buffer.find(b"\r\n", at)) >= 0:
        size = int(buffer[at:line].partition(b";")[0], 16)
        stop = line + 2 + size + 2
        if len(buffer) < stop:
            break
        body += buffer[line + 2 : stop - 2]
        if size == 0:
            return bytes(body), stop
        at = stop
    return b"", -1
