"""One exchange of somebody else's client on its way to a tape: what was asked, and what came back, piece by piece.

A :class:`Take` is told of the answer as it passes, in the bytes that travelled, and puts it on the tape when it ends:
plain where it came compressed, with the moment of each piece in ``Playhead-Chunks``, and with the reason in
``Playhead-Cut`` where it did not come to its end (:mod:`playhead.transport.record` says what these hold). An encoding
that cannot be undone here stays, and ``Playhead-Encoding`` names it. What in the request or the answer is a key is made
known to the tape before anything of it is written.

Who records so promises that nobody has an answer in full before it is on the tape: :meth:`end` comes before the last
byte is handed on.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from playhead import bounds
from playhead.deck.credentials import credentials
from playhead.errors import TapeError
from playhead.tapes.session import Session
from playhead.transport.record import CHUNKS, CUT
from playhead.wire import Headers, HTTPRequest, header

#: The encoding of a body that stands on the tape as it came.
ENCODING = "Playhead-Encoding"
#: What can be undone here, so that a proxy asks for no other.
UNDONE = ("gzip", "x-gzip", "deflate")

#: How the streams end of which a client knows the end before the connection says it. The others are read until then.
_ENDS: tuple[bytes, ...] = (
    b"data: [DONE]",
    b"data:[DONE]",
    b'"message_stop"',
    b'"response.completed"',
    b'"response.incomplete"',
)
_ENDS += (b'"response.failed"',)
#: The end of a stream, and how much of it is looked at: Responses repeats the whole answer in its last event.
_TAIL = 256
#: Bytes of a refusal that are read for the tape alone.
_REFUSAL = 65536


def ends_stream(piece: bytes) -> bool:
    """Whether a client may take the stream for over when it has this piece."""
    if not piece.rstrip(b"\r\n").endswith((b"]", b"}")):
        return False
    last = piece.rstrip().rpartition(b"\n\n")[2]
    return any(end in piece[-_TAIL:] or end in last[:_TAIL] for end in _ENDS)


class Take:
    """One exchange. ``clock`` gives monotonic nanoseconds; the time begins now.

    Attributes:
        ended: nothing that still comes is recorded.
        recorded: it is on the tape.
    """

    def __init__(self, session: Session, request: HTTPRequest, *, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self.session, self.request = session, request
        self.ended = self.recorded = False
        self._clock, self._began = clock, clock()
        self._status, self._reason, self._proto = 0, "", "HTTP/1.1"
        self._headers: Headers = ()
        self._pieces: list[bytes] = []
        self._times: list[int] = []
        self._size = 0
        learn(session, request)

    def begin(self, status: int, reason: str, proto: str, headers: Headers) -> None:
        """The head of the answer is here."""
        self._status, self._reason, self._proto, self._headers = status, reason, proto, headers

    def piece(self, data: bytes) -> None:
        """Some of the body came, as it travelled. Of one that is longer than any answer may be, see
        :mod:`playhead.bounds`, the beginning is recorded."""
        if self.ended:
            return
        self._size += len(data)
        if self._size > bounds.VECTORS_LIMIT or len(self._pieces) >= bounds.PIECES_LIMIT:
            self.end(f"more than {self._size - len(data)} bytes came")
            return
        self._times.append(self._clock())
        self._pieces.append(data)

    def end(self, cut: str | None = None) -> None:
        """Put it on the tape, once; without an answer's head, nothing. ``cut`` says why it is not whole.

        A tape that cannot be written takes nothing from the client: what went wrong is noted on the session, and the
        exchange is written with the next.
        """
        if self.ended or not self._status:
            self.ended = True
            return
        self.ended = True
        now = self._clock()
        encoding = (header(self._headers, "content-encoding") or "identity").strip().lower()
        plain = undone(self._pieces, encoding) if encoding != "identity" else self._pieces
        pieces = self._pieces if plain is None else plain
        body = b"".join(pieces)
        for secret in credentials(self._headers, "", body):
            self.session.add_secret(secret)
        # These are the tape's own words: a server that says them would be believed on replay.
        headers = tuple(
            (name, _text(value)) for name, value in self._headers if not name.lower().startswith("playhead-")
        )
        if len(pieces) > 1:
            rhythm = (
                f"{(at - self._began) // 1_000_000}:{len(one)}" for at, one in zip(self._times, pieces, strict=True)
            )
            headers += ((CHUNKS, " ".join(rhythm)),)
        if plain is None:
            headers += ((ENCODING, encoding),)
        if cut is not None:
            headers += ((CUT, cut),)
        try:
            self.session.record(
                self.request,
                status=self._status,
                reason=self._reason,
                proto=self._proto,
                headers=headers,
                body=body,
                nanoseconds=now - self._began,
                uncompressed=plain is not None and encoding != "identity",
            )
            self.recorded = True
        except TapeError as error:
            self.session.notes.append(str(error))

    @property
    def refused_unread(self) -> bool:
        """Whether it is a short refusal of known length that has not been read, so that its rest is here or near."""
        said = header(self._headers, "content-length") or ""
        return not self.ended and self._status >= 400 and said.isascii() and said.isdecimal() and int(said) <= _REFUSAL

    def close(self, why: str) -> None:
        """Nothing more of the body is read: it is whole where its length or its last event says so, else cut."""
        said = header(self._headers, "content-length")
        length = sum(map(len, self._pieces))
        encoding = (header(self._headers, "content-encoding") or "identity").strip().lower()
        plain = self._pieces if encoding == "identity" else undone(self._pieces, encoding) or []
        done = (said is not None and said == str(length)) or ends_stream(b"".join(plain[-8:]))
        self.end(None if done else why)


def _text(value: str) -> str:
    """A header's value as text: bytes that are no UTF-8, which pass as surrogates, cannot stand on a tape."""
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def learn(session: Session, request: HTTPRequest) -> None:
    """Make the keys that a request carries known to the tape, so that they are neither written nor compared."""
    for secret in credentials(request.headers, request.url, request.body):
        session.add_secret(secret)


def undone(pieces: Sequence[bytes], encoding: str) -> list[bytes] | None:
    """The pieces without their compression, as many as there were; None where it cannot be undone, or is longer without
    it than any answer may be. Of a body that was cut, what was there."""
    if encoding not in UNDONE:
        return None
    for bits in (47, -15) if encoding == "deflate" else (47,):
        inflater: Any = zlib.decompressobj(bits)
        plain: list[bytes] = []
        left = bounds.VECTORS_LIMIT
        try:
            for piece in pieces:
                out = inflater.decompress(piece, left + 1)
                # gzip may be several, one after the other
                while inflater.eof and inflater.unused_data and len(out) <= left:
                    rest, inflater = inflater.unused_data, zlib.decompressobj(bits)
                    out += inflater.decompress(rest, left + 1 - len(out))
                left -= len(out)
                if left < 0:
                    return None
                plain.append(out)
            return plain
        except zlib.error:
            continue
    return None
