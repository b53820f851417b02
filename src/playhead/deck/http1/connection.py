"""The server's side of HTTP/1.1, on asyncio's own protocols: what ``playhead serve`` and ``playhead record`` stand on.

An application gets each request when all of it is here (:mod:`.reading`) and writes its answer to
the :class:`Connection`, at once or over time. The next request of a connection is looked at when the answer before it
is done, so that what a client pipelines is answered in its order. No task stands behind an exchange; an application
that needs one starts one. What a client sends ahead is held back by its own socket, what it does not take by
:meth:`Connection.drained`.

No CORS header is ever sent: a page in a browser cannot read what is served here. How this engine was chosen:
benchmarks/serve.py, which measures it beside others. The socket that connections come in by is in :mod:`.listener`.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from http import HTTPStatus
from typing import Protocol

import msgspec

from playhead.deck.http1.reading import Asked, Reader, Refused
from playhead.wire import Headers

#: Bytes that a client may send ahead, while the request before is being answered.
AHEAD = 1 << 20

#: Headers that belong to one connection and not to the message (RFC 9110, section 7.6.1).
HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization"}
    | {"te", "trailer", "transfer-encoding", "upgrade"}
)
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class Application(Protocol):
    """Who answers. Both are called on the server's loop, and return at once."""

    def answer(self, asked: Asked, connection: Connection) -> None:
        """A request is here: write to the connection, now or later, and end with ``done`` or ``cut``.

        Raises:
            Refused: it cannot be answered; the client is told, and the connection is closed.
        """

    def gone(self, connection: Connection) -> None:
        """The connection has closed, whoever closed it."""


class Connection(asyncio.Protocol):
    """One connection.

    Attributes:
        number: its place in the order in which connections were opened, from 1.
        open: whether there is still somebody to write to.
        busy: whether a request is being answered.
        cut_here: whether it was broken off on this side.
        quiet: how often somebody has looked since the client last sent anything.
        state: whatever the application keeps with it.
    """

    def __init__(self, application: Application, number: int) -> None:
        self.number = number
        self.open = self.busy = self.cut_here = False
        self.quiet = 0
        self.state: object = None
        self._application = application
        self._transport: asyncio.Transport
        self._reader = Reader()
        self._turning = self._paused = self._last = False
        self._writable: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self.open = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        self.resume_writing()
        self._application.gone(self)

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        waiting, self._writable = self._writable, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def drained(self) -> None:
        """Return when the client has taken enough of what was written for more to be written."""
        if self._writable is not None:
            await asyncio.shield(self._writable)

    def data_received(self, data: bytes) -> None:
        self.quiet = 0
        self._reader.feed(data)
        if not self.busy:
            self._turn()
        elif len(self._reader) > AHEAD and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def write(self, data: bytes) -> None:
        """Send bytes of the answer; nothing happens where the connection has closed."""
        if self.open:
            self._transport.write(data)

    def done(self, *, close: bool = False) -> None:
        """The answer is over; ``close`` says that its end is the end of the connection."""
        self.busy = False
        if close or self._last:
            self._last = True
            self._transport.close()
        elif not self._turning:
            self._turn()

    def cut(self, *, reset: bool = False) -> None:
        """Break off, in the middle of an answer or between two; ``reset`` as a host that dies does."""
        self._last = self.cut_here = True
        if not reset:
            self._transport.close()
            return
        raw: socket.socket | None = self._transport.get_extra_info("socket")
        if raw is not None:  # no lingering: what follows the bytes that are out is RST, not FIN
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _turn(self) -> None:
        """Hand over each request that is here whole, until one is not answered at once."""
        reader = self._reader
        self._turning = True
        try:
            while not self.busy and self.open and not self._last and (asked := reader.next()) is not None:
                self.busy = True
                self._last = asked.last
                self._application.answer(asked, self)
            if not self.busy and reader.waits_for_leave:
                reader.waits_for_leave = False
                self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        except Refused as refusal:
            self.write(error_answer(refusal.status, str(refusal), (("Connection", "close"),)))
            self.done(close=True)
        finally:
            self._turning = False
        if self._paused and len(reader) <= AHEAD and not self._last:
            self._paused = False
            self._transport.resume_reading()


def head(status: int, reason: str, headers: Headers) -> bytes:
    """The status line and headers, to the empty line; a line break in a value becomes a space."""
    lines = [f"HTTP/1.1 {status} {reason or _REASONS.get(status, '')}"]
    lines += [f"{name}: {value}" for name, value in headers]
    text = "\r\n".join([line.replace("\r", " ").replace("\n", " ") for line in lines])
    return text.encode("utf-8", "surrogateescape") + b"\r\n\r\n"


def whole(status: int, body: bytes, headers: Headers = (), *, reason: str = "", bodiless: bool = False) -> bytes:
    """An answer whose length is known; ``bodiless`` is the answer to HEAD."""
    length = () if status in (204, 304) or status < 200 else (("Content-Length", str(len(body))),)
    return head(status, reason, (*headers, *length)) + (b"" if bodiless or not length else body)


def json_answer(status: int, value: object, headers: Headers = (), *, bodiless: bool = False) -> bytes:
    """An answer that is JSON."""
    body = msgspec.json.encode(value) + b"\n"
    return whole(status, body, (("Content-Type", "application/json"), *headers), bodiless=bodiless)


def error_answer(status: int, message: str, headers: Headers = (), **more: object) -> bytes:
    """An error of our own, in the envelope that most clients show. They are told not to try it again."""
    error = {"message": message, "type": "playhead", "code": status, **more}
    return json_answer(status, {"error": error}, (("x-should-retry", "false"), *headers))


def chunk(data: bytes) -> bytes:
    """A piece of a body that comes in chunks; of none, nothing: that would be the end."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


LAST_CHUNK = b"0\r\n\r\n"
