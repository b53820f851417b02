"""Compressed bodies made plain for the tape: as far as they go, and no further than any answer may.

What a client makes of a body that breaks off, or is not what it says, is its own affair: the bytes are handed on as
they came. The tape has what was plain before the break, and the reason. All encodings that something here can undo
(:mod:`.decoders`) are undone, the last that was laid on first; in steps, and no further than :mod:`playhead.bounds` has
it. Of what is denser than any text is, only a beginning is kept.

What nothing says is compressed may be so all the same: a file that is uploaded, a header that was forgotten.
:func:`unsaid` looks for that, by how the bytes begin, and by trying where an encoding begins as it likes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from playhead import bounds
from playhead.deck.record.decoders import GZIP, ZSTD, Decoder, decoders
from playhead.wire import Headers

__all__ = ["ENDS_EARLY", "UNDONE", "beginning", "codings", "inflated", "is_text", "unsaid"]

#: What can be undone here always, so that a proxy asks for no other.
UNDONE = ("gzip", "x-gzip", "deflate")
#: Bytes that are inflated at once, and that come out at once.
_IN, _OUT = 16384, 1 << 20
#: Bytes that are kept of what is denser than any text.
_KEPT = 1 << 20
ENDS_EARLY = "its compression ended before its end"
#: How often compressed bytes are looked for within compressed bytes.
_DEEP = 3


def codings(headers: Headers) -> list[str]:
    """The encodings of a body, in the order in which they were laid on, whatever number of headers says them."""
    words = [
        word.strip().lower() for name, said in headers if name.lower() == "content-encoding" for word in said.split(",")
    ]
    return [word for word in words if word not in ("", "identity")]


def inflated(pieces: Sequence[bytes], encodings: Sequence[str]) -> tuple[list[bytes] | None, str]:
    """The pieces without their compression, as many as there were, and why that is not all; None where one of the
    encodings cannot be undone here, or the body is not in it from its first byte on."""
    plain: list[bytes] | None = list(pieces)
    why = ""
    for encoding in reversed(encodings):
        if plain is None:
            break
        before, plain, broke = plain, None, ""
        for make in decoders(encoding):
            plain, broke = _undone(before, make)
            if plain is not None:
                break
        why = why or broke
    return plain, why if plain is not None else ""


def unsaid(body: bytes, depth: int = _DEEP) -> Iterator[tuple[str, bytes, bool]]:
    """What may be in a body that nothing says is compressed: each encoding that it can be read in, what comes out, and
    whether that may be not all of what is in it for certain. Nothing of what is text."""
    if not depth or is_text(body):
        return
    for encoding, begins in _begins(body):
        plain, broke = inflated([body], [encoding])
        if plain is None:
            if begins:
                yield encoding, b"", True
            continue
        yield encoding, plain[0], begins and bool(broke)
        yield from unsaid(plain[0], depth - 1)


def _begins(body: bytes) -> list[tuple[str, bool]]:
    """The encodings that a body may be in, and whether it begins as nothing else does."""
    if body.startswith(GZIP):
        return [("gzip", True)]
    if body.startswith(ZSTD):
        return [("zstd", True)]
    return [("deflate", False), ("br", False)]


def is_text(body: bytes) -> bool:
    """Whether a body is text as it stands."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in body


def _undone(pieces: Sequence[bytes], make: Callable[[], Decoder]) -> tuple[list[bytes] | None, str]:
    inflating = _Inflating(make)
    plain: list[bytes] = []
    for number, piece in enumerate(pieces):
        out: list[bytes] = []
        try:
            out.extend(inflating.fed(piece))
        except Exception:  # each library has its own
            # What had come out of this step is lost with the error: all is read again, this piece byte by byte.
            inflating = _Inflating(make)
            for earlier in pieces[:number]:
                for _ in inflating.fed(earlier):
                    pass
            out = list(inflating.rescued(piece))
        plain.append(b"".join(out))
        if inflating.why:
            break
    if not inflating.size and inflating.why:
        return None, ""
    plain += [b""] * (len(pieces) - len(plain))
    if not inflating.why and any(pieces) and not inflating.over and not inflating.decoder.eof:
        return plain, ENDS_EARLY
    return plain, inflating.why


class _Inflating:
    """One body under way.

    Attributes:
        size: bytes that came out.
        why: nothing more is read, for this reason.
        over: what still follows is no compression.
    """

    def __init__(self, make: Callable[[], Decoder]) -> None:
        self.size = self._sent = 0
        self.why = ""
        self.over = False
        self._make = make
        self.decoder = make()

    def fed(self, piece: bytes, step: int = _IN) -> Iterator[bytes]:
        """What comes out of a piece, or an exception where it is no compression."""
        for start in range(0, len(piece), step):
            if self.why or self.over:
                return
            yield from self._step(piece[start : start + step])

    def rescued(self, piece: bytes) -> Iterator[bytes]:
        """What comes out of a piece before it breaks. A longer one is read byte by byte towards its end only."""
        try:
            yield from self.fed(piece[: -2 * _IN])
            yield from self.fed(piece[-2 * _IN :] if len(piece) > 2 * _IN else piece, 1)
        except Exception as error:
            said = str(error).rpartition(": ")[2] or type(error).__name__
            self.why = f"its compression is broken: {said[:80]}"

    def _step(self, data: bytes) -> Iterator[bytes]:
        self._sent += len(data)
        while data or self.decoder.more:
            if self.decoder.eof:  # there may be several, one after the other, and zeros fill it up
                if not self.decoder.again or not data.startswith(self.decoder.again[: len(data)]):
                    self.over = True
                    return
                self.decoder = self._make()
            out = self.decoder.decode(data, _OUT)
            data = self.decoder.left
            yield self._kept(out)
            if self.why:
                return

    def _kept(self, out: bytes) -> bytes:
        self.size += len(out)
        if self.size > bounds.RATIO_FROM and self.size > bounds.RATIO_LIMIT * self._sent:
            self.why = f"{self._sent} bytes became more than {self.size} when decompressed"
        elif self.size > bounds.VECTORS_LIMIT:
            self.why = f"it was more than {bounds.VECTORS_LIMIT} bytes when decompressed"
            return out[: max(0, len(out) - (self.size - bounds.VECTORS_LIMIT))]
        return out


def beginning(pieces: list[bytes], size: int = _KEPT) -> list[bytes]:
    """So many bytes of what is denser than any text, in as many pieces."""
    out = []
    for piece in pieces:
        out.append(piece[:size])
        size -= len(out[-1])
    return out
