"""Puts every exchange that passes onto a tape, while it passes.

The bytes are handed on as they come and kept beside; the interaction is recorded, whole, before the consumer learns
that the body has ended: what a consumer has in full is on the tape. Of a body that was cut, and of one whose consumer
stopped, refused it or was cancelled, what came is recorded, with the reason in the response header ``Playhead-Cut``;
where the consumer says that the answer was whole before its connection ended, it is whole on the tape. An exchange to
which no answer came leaves nothing.

The rhythm rides in the response header ``Playhead-Chunks``: for each piece ``milliseconds:bytes``, the milliseconds
counted from sending, as ``812:96 830:41``; a body of one piece has none. :mod:`playhead.transport.replay` reads both
back. A refusal on whose account a credential was renewed, so that the request was tried again, has
``Playhead-Renewed``. Of two requests for the same, the one that gave way is cut with the reason :data:`BEATEN`, and
has status 0 where no head of an answer had come.

What reaches the tape's file, and how it is kept from secrets, is the tape's business.
"""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

from playhead.errors import CutStreamError, TapeError, TimeoutExceeded
from playhead.transport.base import Transport
from playhead.transport.retry import BEATEN
from playhead.wire import Headers, HTTPRequest, HTTPResponse

CHUNKS = "Playhead-Chunks"
CUT = "Playhead-Cut"
RENEWED = "Playhead-Renewed"


class Recorder(Protocol):
    """The side of a tape's session that takes interactions. ``notes`` are for people."""

    notes: list[str]

    def record(
        self,
        request: HTTPRequest,
        *,
        status: int,
        reason: str,
        proto: str,
        headers: Headers,
        body: bytes,
        nanoseconds: int,
        uncompressed: bool,
    ) -> Any:
        """Put one exchange on the tape, now."""


class RecordTransport:
    """Sends through ``inner`` and records what comes back. ``clock`` gives monotonic nanoseconds."""

    def __init__(self, session: Recorder, inner: Transport, *, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self.session = session
        self.inner = inner
        self._clock = clock

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        """Send, and return when the head of the answer is here.

        Raises:
            TransportError: no answer came; nothing is recorded.
        """
        began = self._clock()
        response = await self.inner.send(request)
        tee = _Tee(self.session, request, response, self._clock, began)
        tee.handed_out = answer = HTTPResponse(
            response.status,
            response.headers,
            tee.chunks(),
            reason=response.reason,
            proto=response.proto,
            close=tee.aclose,
        )
        answer.uncompressed, answer.renewed = response.uncompressed, response.renewed
        return answer

    def gave_way(self, request: HTTPRequest, seconds: float) -> None:
        """Record a request that is given up after so many seconds for another one's answer, before its own came: with
        status 0, as there was none.

        Raises:
            TapeError: the tape could not take it.
        """
        self.session.record(
            request,
            status=0,
            reason="",
            proto="HTTP/1.1",
            headers=((CUT, BEATEN),),
            body=b"",
            nanoseconds=round(seconds * 1e9),
            uncompressed=False,
        )

    async def aclose(self) -> None:
        """Close the transport inside; the tape is its owner's to close."""
        await self.inner.aclose()


class _Tee:
    """One body on its way through."""

    __slots__ = (
        "_began",
        "_clock",
        "_handled",
        "_pieces",
        "_request",
        "_response",
        "_session",
        "_times",
        "handed_out",
        "recorded",
    )

    def __init__(
        self, session: Recorder, request: HTTPRequest, response: HTTPResponse, clock: Callable[[], int], began: int
    ) -> None:
        self._session, self._request, self._response = session, request, response
        self._clock, self._began = clock, began
        self._pieces: list[bytes] = []
        self._times: list[int] = []
        #: What was being handled around the whole exchange already does not pass through it.
        self._handled = sys.exc_info()[1]
        self.recorded = False
        #: The answer that the consumer has, which says how it was let go; None once it was.
        self.handed_out: HTTPResponse | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        pieces, times, clock = self._pieces, self._times, self._clock
        try:
            async for chunk in self._response.chunks:
                times.append(clock())
                pieces.append(chunk)
                yield chunk
        except BaseException as error:  # cancelled, closed, or failed otherwise: what came was paid for
            # A consumer that closes says nothing of its own; what it closes for, if anything, stands behind that.
            self._record_beside(_reason(error), error.__context__ if isinstance(error, GeneratorExit) else error)
            raise
        self.record(None)

    def _record_beside(self, cut: str | None, passing: BaseException | None) -> None:
        """Record while an error passes, which is not to be hidden by another: a cancelled task ends cancelled, though
        the disk is full. What went wrong with the tape is noted then."""
        try:
            self.record(cut)
        except TapeError as error:
            if passing is None or passing is self._handled:
                raise
            self._session.notes.append(f"while another error passed: {error}")

    def record(self, cut: str | None) -> None:
        """Record what came, once."""
        if self.recorded:
            return
        self.recorded = True
        now, response = self._clock(), self._response
        # These are the tape's own words: a server that says them would be believed on replay.
        headers = tuple(field for field in response.headers if not field[0].lower().startswith("playhead-"))
        if len(self._pieces) > 1:
            rhythm = (
                f"{(at - self._began) // 1_000_000}:{len(piece)}"
                for at, piece in zip(self._times, self._pieces, strict=True)
            )
            headers += ((CHUNKS, " ".join(rhythm)),)
        if response.renewed:
            headers += ((RENEWED, "true"),)
        if cut is not None:
            headers += ((CUT, " ".join(cut.split())),)
        body = b"".join(self._pieces)
        self._pieces.clear()  # a long body is not to be there twice while it is written
        self._session.record(
            self._request,
            status=response.status,
            reason=response.reason,
            proto=response.proto,
            headers=headers,
            body=body,
            nanoseconds=now - self._began,
            uncompressed=response.uncompressed,
        )

    async def aclose(self) -> None:
        answer, self.handed_out = self.handed_out, None
        finished, refused = (False, None) if answer is None else (answer.finished, answer.refused)
        try:
            self._record_beside(None if finished else refused or "closed by the consumer", sys.exc_info()[1])
        finally:
            await self._response.aclose(refused, finished=finished)


def _reason(error: BaseException) -> str:
    if isinstance(error, CutStreamError):
        return "the connection was lost"
    if isinstance(error, TimeoutExceeded):
        return error.message
    if isinstance(error, GeneratorExit):
        return "closed by the consumer"
    return "cancelled" if type(error).__name__ == "CancelledError" else "the exchange failed"
