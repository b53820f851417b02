"""Answers from a tape, and passes on what is not on it.

A recorded answer is handed out at once and in one piece; asked for a pace, in the pieces and at the moments that
:mod:`playhead.transport.record` wrote into the response header ``Playhead-Chunks`` (``pace=1.0`` as recorded, ``0.5``
in half the time). An answer whose ``Playhead-Cut`` says that it was cut is cut at the same place; one with
``Playhead-Renewed`` is one that is tried again; one that gave way to another is passed over, and stands on
``HTTPResponse.beaten`` of that other. None of these headers is shown to the consumer: they are the tape's,
not the provider's.

What matches what, and what a miss says, is the session's business; without a transport to pass on to, the session
raises the miss.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

from playhead.errors import CutStreamError, TapeMissError
from playhead.transport.base import Transport
from playhead.transport.record import CHUNKS, CUT, RENEWED
from playhead.transport.retry import BEATEN
from playhead.wire import Beaten, Headers, HTTPRequest, HTTPResponse, header

_OWN = (CHUNKS.lower(), CUT.lower(), RENEWED.lower())


class Player(Protocol):
    """The side of a tape's session that gives interactions."""

    def play(self, request: HTTPRequest) -> Any:
        """The interaction that answers this request; None to go live."""


class ReplayTransport:
    """Plays what the tape has; the rest goes to ``live``. ``pace`` 0 is at once, 1.0 the recorded pace."""

    def __init__(
        self,
        session: Player,
        live: Transport | None,
        pace: float = 0.0,
        *,
        sleep: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self.session = session
        self.live = live
        self.pace = pace
        self._sleep = sleep

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        """The recorded answer, or the live one.

        Raises:
            TapeMissError: it is not on the tape, and there is no way to go live.
            TransportError: it is not on the tape, and no live answer came.
        """
        interaction = self.session.play(request)
        beaten: list[Beaten] = []
        while interaction is not None and gave_way(interaction.response.headers):
            other = interaction.response
            beaten.append(Beaten(other.code or None, other.duration, other.headers))
            interaction = self.session.play(request)
        if interaction is None:
            if self.live is None:
                raise TapeMissError(f"{request.method} {request.url.partition('?')[0]} is not on the tape")
            answer = await self.live.send(request)
            answer.beaten = (*beaten, *answer.beaten)
            return answer
        # Nothing here waits: without this, of a thousand runs at once each would play to its end before the next began.
        import asyncio

        await asyncio.sleep(0)
        recorded = interaction.response
        headers: Headers = recorded.headers
        rhythm, cut, renewed = header(headers, CHUNKS), header(headers, CUT), header(headers, RENEWED)
        if rhythm is not None or cut is not None or renewed is not None:
            headers = tuple(field for field in headers if field[0].lower() not in _OWN)
        pieces = recorded_pieces(rhythm, recorded.body) if self.pace > 0 else [(0.0, recorded.body)]
        answer = HTTPResponse(
            recorded.code,
            headers,
            self._chunks(pieces, cut, recorded.code),
            reason=recorded.status.partition(" ")[2],
            proto=recorded.proto,
            recorded_duration=recorded.duration,
        )
        answer.renewed = renewed is not None
        answer.beaten = tuple(beaten)
        return answer

    async def aclose(self) -> None:
        """Close the live transport, if there is one."""
        if self.live is not None:
            await self.live.aclose()

    async def _chunks(self, pieces: list[tuple[float, bytes]], cut: str | None, status: int) -> AsyncIterator[bytes]:
        before = 0.0
        for moment, piece in pieces:
            if self.pace > 0 and moment > before:
                await self._wait((moment - before) * self.pace)
                before = moment
            if piece:
                yield piece
        if cut is not None:
            raise CutStreamError(f"the recorded answer ends before its end: {cut}", status=status)

    async def _wait(self, seconds: float) -> None:
        if self._sleep is None:
            import asyncio

            self._sleep = asyncio.sleep
        await self._sleep(seconds)


def recorded_pieces(value: str | None, body: bytes) -> list[tuple[float, bytes]]:
    """``"812:96 830:41"`` and the body -> [(0.812, first 96 bytes), (0.830, the next 41)].

    A header that was edited, or a body that is no longer as long as it was, is no reason to lose a byte: the last
    piece takes what is left.
    """
    pieces: list[tuple[float, bytes]] = []
    start, moment = 0, 0.0
    try:
        for word in (value or "").split():
            milliseconds, _, size = word.partition(":")
            moment = int(milliseconds) / 1000
            pieces.append((moment, body[start : start + int(size)]))
            start += int(size)
    except ValueError:
        return [(0.0, body)]
    if any(int(word.partition(":")[2]) < 0 for word in (value or "").split()):
        return [(0.0, body)]
    if start < len(body):
        pieces.append((moment, body[start:]))
    return pieces


def gave_way(headers: Headers) -> bool:
    """Whether a recorded answer is one that was not taken, as another to the same question came first."""
    return header(headers, CUT) == BEATEN
