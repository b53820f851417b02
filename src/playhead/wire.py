"""HTTP values: what a transport moves and a tape holds. No library's types, no I/O of their own.

Header names keep the case they came with and compare without it; repeated headers stay repeated.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    from playhead.response import Usage

Headers: TypeAlias = tuple[tuple[str, str], ...]


def header(headers: Headers, name: str) -> str | None:
    """The first value of a header, whatever the case of its name; None when it is not there."""
    lowered = name.lower()
    for key, value in headers:
        if key.lower() == lowered:
            return value
    return None


class HTTPRequest(msgspec.Struct, frozen=True):
    """One request, whole: ``HTTPRequest("POST", "https://…/chat/completions", (("Accept", "…"),), b"{…}")``."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""


class Beaten(msgspec.Struct, frozen=True):
    """A request that was sent beside another one for the same, and whose answer was not the one that was taken.
    ``status`` is None where no answer had come; ``duration`` is seconds."""

    status: int | None
    duration: float
    headers: Headers = ()


class HTTPResponse:
    """One answer: the head at once, the body as it arrives.

    ``proto`` is "HTTP/1.1" or "HTTP/2.0"; ``reason`` is the status text ("Too Many Requests"), "" where the wire had
    none. The body is read once, by iterating ``chunks`` (which raises TransportError when the connection is lost
    before the body's end) or by :meth:`read`. Whoever has the response calls :meth:`aclose` when done with it: before
    the body's end that closes the connection at once, after it that does nothing.
    """

    __slots__ = (
        "_close",
        "beaten",
        "chunks",
        "finished",
        "headers",
        "held",
        "proto",
        "reason",
        "recorded_duration",
        "refused",
        "renewed",
        "status",
        "uncompressed",
        "usage",
    )

    def __init__(
        self,
        status: int,
        headers: Headers,
        chunks: AsyncIterator[bytes],
        *,
        reason: str = "",
        proto: str = "HTTP/1.1",
        close: Callable[[], Awaitable[None]] | None = None,
        recorded_duration: float | None = None,
    ) -> None:
        self.status = status
        self.headers = headers
        self.chunks = chunks
        self.reason = reason
        self.proto = proto
        #: Seconds that the exchange took when it was recorded; None on a live answer.
        self.recorded_duration = recorded_duration
        #: The body came compressed and is handed on plain; the headers no longer say so.
        self.uncompressed = False
        #: It refuses a credential that was renewed on its account: asking again can help.
        self.renewed = False
        #: Whoever reads has seen that the answer is whole, whatever its connection does now.
        self.finished = False
        #: Why whoever reads will not read on; None when it is just done.
        self.refused: str | None = None
        #: Seconds that the request was held back before it left.
        self.held = 0.0
        #: Requests for the same that gave way to this answer.
        self.beaten: tuple[Beaten, ...] = ()
        #: What the answer counted of itself, said by whoever reads it before letting go.
        self.usage: Usage | None = None
        self._close = close

    async def read(self) -> bytes:
        """The whole body."""
        pieces = [chunk async for chunk in self.chunks]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def aclose(self, refused: str | None = None, *, finished: bool = False) -> None:
        """Let go of the connection. ``finished`` says that the answer is whole though its body may not have ended;
        ``refused`` says why it is not read to its end. Both are there for who records it; the first call counts."""
        if self._close is not None:
            self.finished, self.refused = finished, refused
        close, self._close = self._close, None
        if close is not None:
            await close()
            if isinstance(self.chunks, AsyncGenerator):  # one that is left suspended would be the garbage collector's
                await self.chunks.aclose()
