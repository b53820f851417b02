"""What happens while a model answers, as it happens.

A stream is events; a response is their fold (see :mod:`playhead.fold`). The order is fixed::

    ResponseStart (PartStart PartDelta* PartEnd)* ResponseEnd

Parts are numbered from 0 in the order they begin and may overlap (two tool calls at once). A whole JSON response is
the same events, at once.

Around them stand what the transport does: an attempt begins and ends, a wait is taken, and where a stream failed after
something of it had been handed on, :class:`Discard` tells the consumer to forget what it has of this response.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from playhead.messages import Opaque, Part
from playhead.response import FinishReason, Usage


class ResponseStart(msgspec.Struct, frozen=True, tag_field="event", tag="response_start"):
    """The answer begins; what the wire said of itself, None where it did not."""

    id: str | None = None
    model: str | None = None
    provider: str | None = None
    created: int | None = None


class PartStart(msgspec.Struct, frozen=True, tag_field="event", tag="part_start"):
    """Part ``index`` begins as ``part``, which holds what is known so far: mostly an empty text, or a call's id and
    name with empty arguments."""

    index: int
    part: Part


class PartDelta(msgspec.Struct, frozen=True, tag_field="event", tag="part_delta"):
    """``text`` is to be appended to part ``index``: to its text, or to a tool call's arguments."""

    index: int
    text: str


class PartEnd(msgspec.Struct, frozen=True, tag_field="event", tag="part_end"):
    """Part ``index`` is complete. ``opaque``, where given, is the provider's data that came with or after it."""

    index: int
    opaque: Opaque | None = None


class ResponseEnd(msgspec.Struct, frozen=True, tag_field="event", tag="response_end"):
    """The answer is complete. ``usage`` is None where the provider did not report it."""

    finish: FinishReason
    usage: Usage | None = None


ModelEvent: TypeAlias = ResponseStart | PartStart | PartDelta | PartEnd | ResponseEnd


class Asked(msgspec.Struct, frozen=True):
    """Whom an attempt asks: the provider's name, its base URL (without user and password) and the model."""

    provider: str = ""
    base_url: str = ""
    model: str = ""


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One try at one model call, as it stands on ``run.attempts``.

    ``step`` and ``number`` count from 1. ``status`` is the HTTP status, None when no answer came. ``error`` says what
    went wrong, None for the one that succeeded. ``duration`` is seconds from sending to the end of the answer, and
    ``wait`` the seconds then waited before the next attempt, None where there was none. On a replay ``duration`` is
    what the tape says, and ``wait`` None: a tape does not hold it, and a replay does not wait. ``date`` is the answer's
    ``Date`` header as it stands. ``usage`` is what an answer that was cut had counted of itself; one that came whole
    has its own. ``asked`` is whom it asked, ``url`` where it was sent: without user, password and query, "" where that
    is not known. ``replayed`` says that it was played from a tape, and nobody was asked.
    """

    step: int
    number: int
    status: int | None
    duration: float
    error: str | None = None
    wait: float | None = None
    request_id: str | None = None
    date: str | None = None
    usage: Usage | None = None
    asked: Asked | None = None
    url: str = ""
    replayed: bool = False


class AttemptStart(msgspec.Struct, frozen=True, tag_field="event", tag="attempt_start"):
    """Attempt ``number`` (from 1) of step ``step`` leaves."""

    step: int
    number: int


class AttemptEnd(msgspec.Struct, frozen=True, tag_field="event", tag="attempt_end"):
    """An attempt ended, well or not; ``attempt.wait`` is the wait that now begins."""

    attempt: Attempt


class Discard(msgspec.Struct, frozen=True, tag_field="event", tag="discard"):
    """Forget what you have of this response: it was cut and will be asked again. Text shown is to be taken back."""

    step: int
    reason: str


AttemptEvent: TypeAlias = AttemptStart | AttemptEnd | Discard
