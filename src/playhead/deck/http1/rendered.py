"""A recording as bytes of HTTP/1.1: the answer as it was, in its chunks.

An answer that came in pieces, or is a stream by its type, goes out in chunks: those of the header ``Playhead-Chunks``
where it has one, else an event each. Any other goes out with its length. Headers are the recorded ones, less those that
describe how the bytes travelled then, and the tape's own. An answer that was cut on the tape is cut at the same place.

Played at once, nobody is made to wait: a recorded refusal says ``Retry-After-Ms: 1`` in the place of the wait that it
asked for, which the clients of most makers heed. Played at a pace, it says what it said, and the moments are those of
the chunks; of an answer without them, its duration (a stream's events are spread over it).
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import NamedTuple

from playhead.deck.http1.connection import HOP_BY_HOP, LAST_CHUNK, Connection, chunk, head, whole
from playhead.deck.http1.reading import Asked
from playhead.tapes.interaction import Interaction
from playhead.transport.record import CHUNKS, CUT
from playhead.transport.replay import recorded_pieces
from playhead.wire import Headers, header

_STREAMS = ("text/event-stream", "application/vnd.amazon.eventstream", "application/x-ndjson")
#: What described the bytes as they travelled when they were recorded.
_OF_THE_WAY = HOP_BY_HOP | {"content-length", "alt-svc", "strict-transport-security"}
_WAITS = frozenset({"retry-after", "retry-after-ms"})
#: What a refusal says that is played at once.
_NO_WAIT = ("Retry-After-Ms", "1")
#: How gzip begins.
_GZIP = b"\x1f\x8b"


class Rendered(NamedTuple):
    """An answer, taken apart. ``pieces`` are (seconds from the request, bytes); ``streamed`` ones travel in chunks."""

    status: int
    reason: str
    headers: Headers
    pieces: list[tuple[float, bytes]]
    streamed: bool
    cut: bool

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join([piece for _, piece in self.pieces])

    def head(self, *, framed: bool) -> bytes:
        """Status and headers; ``framed`` where the pieces are sent as chunks."""
        coding = (("Transfer-Encoding", "chunked"),) if framed else ()
        return head(self.status, self.reason, (*self.headers, *coding))

    def at_once(self) -> bytes:
        """The whole answer; where it is cut, all that comes before the connection closes."""
        if not self.streamed:
            return whole(self.status, self.body, self.headers, reason=self.reason)
        end = b"" if self.cut else LAST_CHUNK
        return self.head(framed=True) + b"".join([chunk(piece) for _, piece in self.pieces]) + end


def render(item: Interaction, pace: float) -> Rendered:
    """What is sent for a recording. ``pace`` 0 is at once, 1.0 as recorded, 0.5 in half the time."""
    recorded = item.response
    kind = (header(recorded.headers, "content-type") or "").partition(";")[0].strip().lower()
    rhythm, cut = header(recorded.headers, CHUNKS), header(recorded.headers, CUT)
    kept = []
    for name, value in recorded.headers:
        lowered = name.lower()
        if lowered in _OF_THE_WAY or lowered.startswith("playhead-"):
            continue
        if lowered == "content-encoding" and not (recorded.body.startswith(_GZIP) and "gzip" in value):
            continue  # the body stands plain on the tape
        if lowered in _WAITS and not pace:
            continue
        kept.append((name, value))
    if encoded := header(recorded.headers, "playhead-encoding"):
        kept.append(("Content-Encoding", encoded))
    if recorded.code >= 400 and not pace:
        kept.append(_NO_WAIT)
    if rhythm is not None:
        pieces = [(moment * pace, piece) for moment, piece in recorded_pieces(rhythm, recorded.body)]
    elif kind in _STREAMS:
        events = _events(recorded.body) if kind == _STREAMS[0] else [recorded.body]
        each = recorded.duration * pace / len(events)
        pieces = [(at * each, event) for at, event in enumerate(events, 1)]
    else:
        pieces = [(recorded.duration * pace, recorded.body)]
    streamed = rhythm is not None or kind in _STREAMS or cut is not None
    reason = recorded.status.partition(" ")[2]
    return Rendered(recorded.code, reason, tuple(kept), pieces, streamed, cut is not None)


def broken(rendered: Rendered, chunks: int | None, length: int | None) -> Rendered:
    """The answer as far as a fault lets it come: so many chunks, or bytes, of it; without either, its head."""
    pieces: list[tuple[float, bytes]] = []
    if chunks is not None:
        pieces = rendered.pieces[:chunks]
    else:
        left = length or 0
        for moment, piece in rendered.pieces:
            if left <= 0:
                break
            pieces.append((moment, piece[:left]))
            left -= len(piece)
    return rendered._replace(pieces=pieces, streamed=True, cut=True)


def _events(body: bytes) -> list[bytes]:
    """The events of a stream, each with the empty line that ends it."""
    lines = body.splitlines(keepends=True)
    events: list[bytes] = []
    start, ended = 0, False
    for at, line in enumerate(lines):
        blank = not line.strip(b"\r\n")
        if ended and not blank:
            events.append(b"".join(lines[start:at]))
            start = at
        ended = blank
    events.append(b"".join(lines[start:]))
    return events


def send(
    rendered: Rendered, asked: Asked, connection: Connection, *, at: int = 0, passed: float = 0.0, reset: bool = False
) -> None:
    """Send the answer from piece ``at`` on, when its moment has come; ``passed`` are the seconds since the request.
    Where it is cut, the connection is closed there, or reset."""
    if not connection.open:
        return
    framed = rendered.streamed and asked.minor > 0
    if asked.method == "HEAD":
        send_whole(asked, connection, rendered.head(framed=framed))
        return
    if rendered.streamed and at == 0 and passed == 0.0:
        connection.write(_closing(asked, rendered.head(framed=framed)))
    out: list[bytes] = []
    for number in range(at, len(rendered.pieces)):
        moment, piece = rendered.pieces[number]
        if moment > passed:
            connection.write(b"".join(out))
            go_on = partial(send, rendered, asked, connection, at=number, passed=moment, reset=reset)
            asyncio.get_running_loop().call_later(moment - passed, go_on)
            return
        out.append(chunk(piece) if framed else piece)
    if not rendered.streamed:
        send_whole(asked, connection, rendered.at_once())
        return
    if framed and not rendered.cut:
        out.append(LAST_CHUNK)
    connection.write(b"".join(out))
    if rendered.cut:
        connection.cut(reset=reset)
    else:
        connection.done(close=not framed)


def send_whole(asked: Asked, connection: Connection, data: bytes) -> None:
    """Send an answer whose bytes are all here."""
    connection.write(_closing(asked, data))
    connection.done()


def _closing(asked: Asked, data: bytes) -> bytes:
    """Say that the connection ends with this answer, where it does."""
    return data.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1) if asked.last else data
