"""How much of an answer is read, and for how long: a server that lies, or has gone wrong, shall not fill the memory.

Every answer has these bounds, streamed or whole, from a provider or from a tape, and whatever its wire. They are far
beyond what any model says, and are read anew for each answer: a program that must have more sets the name,
``playhead.bounds.ANSWER_LIMIT = 1 << 30``. An answer that goes beyond is refused and not asked for again; what had come
of it stays in the run (``run.partial``) and on the tape.

The size of one event within a stream is bounded by its framing, see :mod:`playhead.framing`. How long a silence may be,
and a whole exchange, is said by :class:`playhead.Timeouts`.
"""

from __future__ import annotations

from playhead.errors import ProtocolError, TimeoutExceeded

#: Bytes of one answer, after any compression is undone. The longest that are honest, twenty minutes of sound in base64
#: or some large images, have 80 MB.
ANSWER_LIMIT = 128 * 1024 * 1024
#: The same of an answer that is vectors: two thousand long ones as decimal numbers have 180 MB.
VECTORS_LIMIT = 256 * 1024 * 1024
#: Pieces in which one answer comes. Each costs some eighty bytes beside its own, so that single bytes would weigh much.
PIECES_LIMIT = 1 << 20
#: Bytes of a refusal that are read; the rest is let go, and the refusal is what it said so far.
REFUSAL_LIMIT = 1024 * 1024
#: Seconds in which a stream may send nothing but comments and pings, and in which a whole answer is to end.
SILENCE_LIMIT = 3600.0
#: A compressed body may be so many times as long as what was sent of it, once it is longer than this many bytes.
RATIO_LIMIT = 100
RATIO_FROM = 16 * 1024 * 1024


def too_long(size: int, pieces: int, limit: int, *, provider: str = "", status: int | None = None) -> ProtocolError:
    """The error of an answer that is longer than ``limit`` bytes, or in more pieces than any may be."""
    if size > limit:
        name = "VECTORS_LIMIT" if limit == VECTORS_LIMIT else "ANSWER_LIMIT"
        expected = f"{limit:,} bytes was expected (playhead.bounds.{name})"
    else:
        expected = f"{PIECES_LIMIT:,} pieces was expected (playhead.bounds.PIECES_LIMIT)"
    return ProtocolError(
        f"an answer of at most {expected}; {size:,} bytes in {pieces:,} pieces came and it had not ended",
        provider=provider,
        status=status,
    )


def too_dense(size: int, sent: int, host: str, *, status: int | None = None) -> ProtocolError:
    """The error of a body whose compression is none that an honest server's text has."""
    return ProtocolError(
        f"{host} sent {sent:,} bytes that became more than {size:,} when decompressed: no answer is like that, and it "
        "is read no further (playhead.bounds.RATIO_LIMIT)",
        status=status,
    )


def too_quiet(*, streamed: bool, status: int | None = None) -> TimeoutExceeded:
    """The error of an answer that keeps its connection open and says nothing."""
    said = "sent nothing but signs of life" if streamed else "did not end"
    return TimeoutExceeded(f"the answer {said} for {SILENCE_LIMIT:g} s (playhead.bounds.SILENCE_LIMIT)", status=status)
