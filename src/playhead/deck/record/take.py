"""One exchange of somebody else's client on its way to a tape: what was asked, and what came back, piece by piece.

A :class:`Take` is told of the answer as it passes, in the bytes that travelled, and puts it on the tape when it ends:
plain where it came compressed (:mod:`.inflated`), with the moment of each piece in ``Playhead-Chunks``, and with the
reason in ``Playhead-Cut`` where it did not come to its end (:mod:`playhead.transport.record` says what these hold).
What in the request or the answer is a key is made known to the tape before anything of it is written.

An encoding that cannot be undone here stays, and ``Playhead-Encoding`` names it; but where a secret is known, nobody
can say that such a body does not repeat it, and it is withheld: the tape has the head of the answer, and
``Playhead-Cut`` says how much there was and why it is not there. So it is with what no header says is compressed and
that holds a secret, in an answer or in a request.

Who records so promises that nobody has an answer in full before it is on the tape: :meth:`end` comes before the last
byte is handed on. In an event loop that is :meth:`settle`, which does in a thread what would keep the others waiting.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from weakref import WeakKeyDictionary

from playhead import bounds
from playhead.deck.credentials import cookies, credentials
from playhead.deck.record.inflated import ENDS_EARLY, UNDONE, beginning, codings, inflated, is_text, unsaid
from playhead.errors import TapeError
from playhead.tapes.redact import Redactor
from playhead.tapes.session import Session
from playhead.transport.record import CHUNKS, CUT
from playhead.wire import Headers, HTTPRequest, header

#: The encoding of a body that stands on the tape as it came.
ENCODING = "Playhead-Encoding"
__all__ = ["ENCODING", "UNDONE", "Take", "ends_stream", "learn"]

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
#: Bytes of an exchange from which on it is put on the tape in a thread. One that is compressed counts for more.
_MUCH, _DENSITY = 64 * 1024, 8
#: How many exchanges are being put on a tape in threads: whoever comes meanwhile would wait for them in the loop.
_busy: WeakKeyDictionary[Session, int] = WeakKeyDictionary()


def ends_stream(piece: bytes) -> bool:
    """Whether a client may take the stream for over when it has this piece."""
    if not piece.rstrip(b"\r\n").endswith((b"]", b"}")):
        return False
    last = piece.rstrip().rpartition(b"\n\n")[2]
    return any(end in piece[-_TAIL:] or end in last[:_TAIL] for end in _ENDS)


class Take:
    """One exchange. ``clock`` gives monotonic nanoseconds; the time begins now. ``told`` is called when it is on the
    tape, or could not be written and stands on the session's notes.

    Attributes:
        ended: nothing that still comes is recorded.
        recorded: it is on the tape.
    """

    def __init__(
        self,
        session: Session,
        request: HTTPRequest,
        *,
        clock: Callable[[], int] = time.monotonic_ns,
        told: Callable[[], object] | None = None,
    ) -> None:
        self.session, self.request, self._told = session, request, told
        self.ended = self.recorded = False
        self._clock, self._began = clock, clock()
        self._status, self._reason, self._proto = 0, "", "HTTP/1.1"
        self._headers: Headers = ()
        self._pieces: list[bytes] = []
        self._times: list[int] = []
        self._size = 0
        self._beyond = ""  # why nothing more is kept

    def begin(self, status: int, reason: str, proto: str, headers: Headers) -> None:
        """The head of the answer is here."""
        self._status, self._reason, self._proto, self._headers = status, reason, proto, headers

    def piece(self, data: bytes) -> None:
        """Some of the body came, as it travelled. Of one that is longer than any answer may be, see
        :mod:`playhead.bounds`, the beginning is recorded."""
        if self.ended or self._beyond:
            return
        self._size += len(data)
        if self._size > bounds.VECTORS_LIMIT or len(self._pieces) >= bounds.PIECES_LIMIT:
            self._beyond = f"more than {self._size - len(data)} bytes came"
            return
        self._times.append(self._clock())
        self._pieces.append(data)

    async def settle(self, cut: str | None = None) -> None:
        """:meth:`end` in an event loop, which goes on with others meanwhile. Who is cancelled meanwhile is so when it
        is on the tape."""
        import asyncio

        if self.ended or not self._status:
            self.end(cut)
            return
        much = len(self.request.body) + self._size * (_DENSITY if codings(self._headers) else 1) > _MUCH
        waiting = _busy.get(self.session, 0)
        if not much and not waiting:
            self.end(cut)
            return
        self.ended = True
        _busy[self.session] = waiting + 1
        work = asyncio.get_running_loop().run_in_executor(None, self._record, cut)
        cancelled = False
        try:
            while not work.done():
                try:
                    await asyncio.shield(work)
                except asyncio.CancelledError:
                    cancelled = True
                except Exception:  # noqa: S112 - it is raised below
                    continue
        finally:
            _busy[self.session] -= 1
        work.result()
        self._say()
        if cancelled:
            raise asyncio.CancelledError

    def end(self, cut: str | None = None) -> None:
        """Put it on the tape, once; without an answer's head, nothing. ``cut`` says why it is not whole.

        A tape that cannot be written takes nothing from the client: what went wrong is noted on the session, and the
        exchange is written with the next.
        """
        if self.ended or not self._status:
            self.ended = True
            return
        self.ended = True
        self._record(cut)
        self._say()

    def _say(self) -> None:
        if self._told is not None:
            self._told()

    def _record(self, cut: str | None) -> None:
        now = self._clock()
        pieces, self._pieces = self._pieces, []
        encodings = codings(self._headers)
        plain, broke = inflated(pieces, encodings) if encodings and pieces else (pieces, "")
        cut = self._beyond or cut
        if plain is not None and broke:
            if "became more than" in broke:
                plain = beginning(plain)
            if broke != ENDS_EARLY or not ends_stream(b"".join(plain[-8:])):
                cut = cut or broke
        if plain is not None:
            pieces = plain
        body = b"".join(pieces)
        keys, passing = learn(self.session, self.request, self._headers, body)
        asked, hidden = self._hidden(self.request.body)
        if plain is None and not is_text(body) and self.session.secrets:
            withheld = f"{len(body)} bytes in the encoding {', '.join(encodings)[:60]}"
        else:
            withheld, inside = self._hidden(body) if plain is not None else ("", set())
            hidden |= inside
        if hidden:  # the rest of the exchange may say it in plain words
            keys |= hidden
            self.session.add_seen(hidden)
        if withheld:
            self.session.notes.append(f"an answer was withheld from the tape: {withheld} could not be looked into")
            cut, body, pieces = f"withheld: {withheld}", b"", []
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
            headers += ((ENCODING, ", ".join(encodings)),)
        if cut is not None:
            headers += ((CUT, cut),)
        request = self.request
        if asked:
            self.session.notes.append(f"a request was withheld from the tape: {asked} could not be looked into")
            said = tuple(field for field in request.headers if not field[0].lower().startswith("playhead-"))
            said += ((CUT, f"withheld: {asked}"),)
            request = HTTPRequest(request.method, request.url, said, b"")
        if not self.session.secrets.issuperset((*keys, *passing)):  # others have come since: this one's are known here
            own = Redactor((*keys, *passing))
            request, body = own.request(request), own.body(body)
            headers = own.headers(headers, frozenset(), ("",))
        del pieces, plain  # a long body is not to be there more often than it must
        try:
            self.session.record(
                request,
                status=self._status,
                reason=self._reason,
                proto=self._proto,
                headers=headers,
                body=body,
                nanoseconds=now - self._began,
                uncompressed=bool(encodings) and not any(name == ENCODING for name, _ in headers),
            )
            self.recorded = True
        except TapeError as error:
            self.session.notes.append(str(error))

    def _hidden(self, body: bytes) -> tuple[str, set[str]]:
        """What is to be withheld as a body holds a secret, or may, where no header says that it is compressed, and the
        keys that are in it."""
        why, found = "", set[str]()
        for encoding, inside, doubtful in unsaid(body):
            keys = credentials((), "", inside)
            found |= keys
            secrets = self.session.secrets
            if keys or (doubtful and secrets) or Redactor(secrets).body(inside) != inside:
                why = why or f"{len(body)} bytes of {encoding} that holds a secret"
        return why, found

    @property
    def refused_unread(self) -> bool:
        """Whether it is a short refusal of known length that has not been read, so that its rest is here or near."""
        said = header(self._headers, "content-length") or ""
        return not self.ended and self._status >= 400 and said.isascii() and said.isdecimal() and int(said) <= _REFUSAL

    def close(self, why: str) -> None:
        """Nothing more of the body is read: it is whole where its length or its last event says so, else cut."""
        if self.ended:
            return
        said = header(self._headers, "content-length")
        encodings = codings(self._headers)
        plain = inflated(self._pieces, encodings)[0] if encodings else self._pieces
        done = not self._beyond and (said == str(self._size) or ends_stream(b"".join((plain or [])[-8:])))
        self.end(None if done else why)


def _text(value: str) -> str:
    """A header's value as text: bytes that are no UTF-8, which pass as surrogates, cannot stand on a tape."""
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def learn(
    session: Session, request: HTTPRequest, headers: Headers = (), body: bytes = b""
) -> tuple[set[str], set[str]]:
    """Make the keys and cookies that an exchange carries known to the tape, so that they are neither written nor
    compared; they are given back."""
    passing = cookies(request.headers) | cookies(headers)
    keys = credentials(request.headers, request.url, request.body)
    if headers or body:
        keys |= credentials(headers, "", body)
    keys -= passing
    session.add_seen(keys)
    session.add_seen(passing, cookies=True)
    return keys, passing
