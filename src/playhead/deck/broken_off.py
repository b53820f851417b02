"""An answer that its reader broke off, and the conversation that goes on from what came of it.

Who stops an answer, as Ctrl-C does in ``playhead chat``, may go on talking. What came of the answer then stands in the
next request as if it had been whole; where nothing came of it, or it is taken back, so is the question. No run of the
tape comes to that request: it is the first of a run of its own, and :func:`after_broken_off` says whether its history
is one that the recorder may have made of the one before. It may leave off at any place. It adds nothing: what an
assistant says there was said on the tape, and is followed by what a user says. It is the same with a question that was
refused, and given up for another: :func:`after_refusal`.
"""

from __future__ import annotations

from collections.abc import Sequence

from playhead.deck.answer import as_far_as_it_came
from playhead.deck.follow import is_told
from playhead.deck.question import Question
from playhead.messages import Message, Text
from playhead.transport.record import CUT
from playhead.wire import header

#: What a tape says of an answer that was left by whoever read it; such a one is not asked for again.
_LEFT = ("cancelled", "closed by the consumer")


def after_broken_off(asked: Question, next: Question) -> str | None:
    """What to say of ``next``, where it goes on from the answer to ``asked``, which was broken off; None where that
    answer was whole or a refusal, and where the next request does not come of it."""
    answer = asked.interaction.response
    if answer.code >= 300:
        return None
    came = as_far_as_it_came(asked)
    if came.complete:
        return None
    words = tuple(Text(part.text) for part in came.partial if isinstance(part, Text) and part.text.strip())
    ours = _spoken(asked.request.messages)
    theirs = _spoken(next.request.messages)
    kept = _without_last_question(theirs)
    if len(kept) == len(theirs) or not kept:  # nothing is asked, or it begins anew
        return None
    whole = [*ours, Message("assistant", words)] if words else ours
    if len(kept) > len(whole) or not all(is_told(a, b) for a, b in zip(whole, kept, strict=False)):
        return None
    place = f"messages[{len(next.request.messages) - len(theirs) + len(kept) - 1}]"
    if words and len(kept) == len(whole):
        return f"{place}: what came of the answer to interaction {asked.interaction.id}, which was broken off"
    if header(answer.headers, CUT) not in _LEFT:
        return None  # what is asked again after a cut is the same
    return (
        f"{place}: the recorder broke off the answer to interaction {asked.interaction.id}, and goes on from before it"
    )


def after_refusal(asked: Question, next: Question) -> str | None:
    """What to say of ``next``, where ``asked`` was refused and its question was given up for another of the same
    history; None where it was not, or where there was no history: nothing says then that the two belong together."""
    if asked.interaction.response.code < 400:
        return None
    ours, theirs = _spoken(asked.request.messages), _spoken(next.request.messages)
    kept, before = _without_last_question(theirs), _without_last_question(ours)
    if not kept or len(kept) != len(before) or len(kept) in (len(ours), len(theirs)):
        return None
    if not all(is_told(a, b) for a, b in zip(before, kept, strict=True)):
        return None
    place = len(next.request.messages) - len(theirs) + len(kept)
    return (
        f"messages[{place}]: the recorder gave up the question of interaction {asked.interaction.id}, and asks another"
    )


def _spoken(messages: Sequence[Message]) -> list[Message]:
    return [message for message in messages if message.role != "system"]


def _without_last_question(messages: Sequence[Message]) -> list[Message]:
    kept = list(messages)
    while kept and kept[-1].role == "user":
        kept.pop()
    return kept
