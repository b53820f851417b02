"""A recorded answer, understood: streamed or whole, as the dialect of its question reads it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from playhead.deck.question import Question, question
from playhead.dialects.base import Decoder
from playhead.events import ModelEvent
from playhead.fold import Folder, fold, unfold
from playhead.response import Response
from playhead.wire import header

if TYPE_CHECKING:
    from playhead.tapes import Tape


STREAMS = ("text/event-stream", "application/vnd.amazon.eventstream")


def decoded(found: Question, decoder: Decoder) -> Response:
    """The answer to a recorded question, by a decoder of its dialect.

    Raises:
        ModelError: it is an error, was cut, or is not what the protocol says.
    """
    answer = found.interaction.response
    kind = header(answer.headers, "content-type") or ""
    # A recording may have no header that says so, or one whose value was taken off.
    streamed = kind.startswith(STREAMS) or (
        "/" not in kind and answer.body.lstrip()[:6].startswith((b"event:", b"data:"))
    )
    if streamed:
        events = [*decoder.feed(answer.body), *decoder.close()]
    else:
        response, _ = found.dialect.decode_response(answer.body, found.theirs)
        events = unfold(response)
    if found.request.tools and found.theirs.profile.tools == "constrained":
        from playhead.dialects.constrained_tools import Unconstrainer

        events = Unconstrainer(found.request).push(events)
    return fold(events)


def as_far_as_it_came(found: Question) -> Folder:
    """An answer that may have been cut: what there is of it."""
    folder, answer = Folder(), found.interaction.response
    constrained = None
    if found.request.tools and found.theirs.profile.tools == "constrained":
        from playhead.dialects.constrained_tools import Unconstrainer

        constrained = Unconstrainer(found.request)

    def push(events: Iterable[ModelEvent]) -> None:
        events = list(events)
        folder.push(events if constrained is None else constrained.push(events))

    try:
        if (header(answer.headers, "content-type") or "").startswith("application/json"):
            push(unfold(found.dialect.decode_response(answer.body, found.theirs)[0]))
        else:
            decoder = found.dialect.decoder(found.theirs)
            push(decoder.feed(answer.body))
            push(decoder.close())
    except Exception:  # noqa: S110 - cut, or not what its wire says: what there is of it is what is wanted
        pass
    return folder


def texts(tape: Tape) -> set[str]:
    """What the answers on a tape say, as far as they can be read."""
    said: set[str] = set()
    for interaction in tape.interactions:
        if interaction.request.method != "CALL" and interaction.response.code < 300:
            try:
                found = question(interaction)
                said.add(decoded(found, found.dialect.decoder(found.theirs)).text.strip())
            except Exception:  # noqa: S112 - another's bytes: they may be anything
                continue
    return said
