"""What an answer's head and body say before a dialect reads them: its kind, its id, its bytes, and whether it is one.

A body is read whole up to the limits of :mod:`playhead.bounds`; what the tape could not take is told beside what came,
since that was paid for. How the events of an answer are made is in :mod:`playhead.call`.
"""

from __future__ import annotations

from collections.abc import Sequence

from playhead import bounds
from playhead.errors import PlayheadError, ProtocolError, TapeError
from playhead.events import ModelEvent
from playhead.transport.retry import Batches, Clock
from playhead.wire import HTTPResponse, header


async def whole(answer: HTTPResponse, limit: int, clock: Clock, *, cut: bool = False) -> tuple[bytes, TapeError | None]:
    """The body of an answer, and what went wrong in putting it on the tape: what was paid for is read all the same.
    ``cut`` says to take what is there where it is longer than ``limit`` bytes, or does not end.

    Raises:
        ProtocolError: it is longer.
        TimeoutExceeded: it does not end.
    """
    until = clock.monotonic() + bounds.SILENCE_LIMIT
    pieces: list[bytes] = []
    size = 0
    lost: TapeError | None = None
    try:
        async for chunk in answer.chunks:
            pieces.append(chunk)
            size += len(chunk)
            if size > limit or len(pieces) > bounds.PIECES_LIMIT:
                if cut:
                    break
                raise bounds.too_long(size, len(pieces), limit, status=answer.status)
            if clock.monotonic() > until:
                if cut:
                    break
                raise bounds.too_quiet(streamed=False, status=answer.status)
    except TapeError as error:
        lost = error
    return (pieces[0] if len(pieces) == 1 else b"".join(pieces)), lost


async def and_then(events: Sequence[ModelEvent], error: PlayheadError) -> Batches:
    """Hand on what was paid for, and then say what went wrong."""
    yield events
    raise error


def redirected(answer: HTTPResponse) -> ProtocolError:
    """The error that a redirection is."""
    target = header(answer.headers, "location") or "nowhere"
    host = target.partition("://")[2].partition("/")[0].rpartition("@")[2] or "another path"
    return ProtocolError(
        f"the server redirects to {host}, and redirects are not followed, since a key must not go where nobody sent "
        "it; set base_url= to where the answers are",
        status=answer.status,
    )


def comes_in_pieces(kind: str, streamed: bool) -> bool:
    """Whether an answer of this content type is a stream: it says so, or a stream was asked for and nothing says that
    this is none."""
    kind = kind.lower()
    return kind.startswith("text/event-stream") or (streamed and not kind.startswith("application/json"))


#: Where providers put their id of an exchange, the most telling first.
_REQUEST_IDS = ("x-request-id", "request-id", "x-generation-id", "x-amzn-requestid", "cf-ray")


def request_id(head: dict[str, str]) -> str | None:
    """The provider's id of an exchange, from its header fields by their names in small letters; None where it gave
    none."""
    for name in _REQUEST_IDS:
        if found := head.get(name):
            return found
    return None
