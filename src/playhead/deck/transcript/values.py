"""What a transcript is made of: conversations of steps, each with its attempts, answer and tool results.

Values only, so that a terminal, JSON and a page are three ways of showing the same; how they are made of a tape is
:mod:`.telling`'s. None means that the tape does not say, and is never 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TypeAlias

import msgspec

from playhead.agent.ledger import Line
from playhead.deck.embedded import Embedding
from playhead.messages import Message, ToolResult
from playhead.response import Response, Usage

TRANSCRIPT_VERSION = 1


class Exchange(msgspec.Struct, frozen=True, tag_field="kind", tag="exchange"):
    """One exchange as plain HTTP. ``id`` is the interaction's on the tape, sizes are bytes of the bodies, ``duration``
    is seconds, None where the recording has none. ``reason`` says why it was not understood; None where it speaks to no
    model that playhead knows. ``embedding`` is what it is about where it asks for vectors, ``listing`` what a server
    said of its tools."""

    id: int
    method: str
    url: str
    status: int
    request_size: int
    response_size: int
    duration: float | None
    reason: str | None = None
    embedding: Embedding | None = None
    listing: str | None = None


class Try(msgspec.Struct, frozen=True, omit_defaults=True):
    """One attempt: interaction ``id`` on the tape, the HTTP status, seconds (None where the recording has none).
    ``error`` is what the refusal said, None for an answer."""

    id: int
    status: int
    duration: float | None
    error: str | None = None


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tool's result. ``id`` is the interaction that recorded it and ``duration`` its seconds; both are None where it
    is known from the next request only, and so are seconds that nobody measured. ``final`` says that it ended the
    run."""

    result: ToolResult
    id: int | None = None
    duration: float | None = None
    final: bool = False


class Begun(msgspec.Struct, frozen=True):
    """A call of which the tape says that it began, and has no result: whether it was done is not known, and a run that
    is taken up stops there until someone says. ``key`` is its idempotency key, ``id`` the interaction of the mark."""

    call_id: str
    key: str
    id: int


class Step(msgspec.Struct, frozen=True):
    """One question and its answer.

    ``said`` are the messages that this question added to the conversation, results of the tools apart: those are
    ``results`` of the step that called them. ``answer`` is None where no attempt succeeded. ``duration`` is seconds of
    all attempts and of the slowest tool, as far as they are known, None where none is. ``ledger`` is what each attempt
    cost, and how that is known. ``asked`` is "provider:model" where it is another than the conversation began with,
    else None; ``forked`` says that the tape was forked here. ``begun`` are the calls that had begun when the run was
    stopped.
    """

    number: int
    said: tuple[Message, ...]
    attempts: tuple[Try, ...]
    answer: Response | None
    results: tuple[Told, ...]
    duration: float | None
    ledger: tuple[Line, ...] = ()
    asked: str | None = None
    begun: tuple[Begun, ...] = ()
    forked: bool = False


class Conversation(msgspec.Struct, frozen=True, tag_field="kind", tag="conversation"):
    """One run as the tape shows it. ``tools`` are the names that the model was told of. ``usage`` is that of all steps
    together, ``cost`` US dollars as :attr:`playhead.Run.cost` has them. ``inside`` says of a run that was made inside
    of another, where that can be seen, what it was for: ``clerk, called in step 1``."""

    provider: str
    dialect: str
    model: str
    tools: tuple[str, ...]
    steps: tuple[Step, ...]
    usage: Usage | None
    cost: Decimal | None
    duration: float | None
    inside: str | None = None


Entry: TypeAlias = Conversation | Exchange


class Transcript(msgspec.Struct, frozen=True):
    """A tape, told. ``date`` is when its first dated answer was made: the response's ``Date`` header as it stands, or
    Unix seconds of the answer itself; None where nothing says."""

    version: int
    path: str | None
    interactions: int
    entries: tuple[Entry, ...]
    warnings: tuple[str, ...]
    date: str | int | None

    @property
    def conversations(self) -> tuple[Conversation, ...]:
        """The entries that are conversations."""
        return tuple(entry for entry in self.entries if isinstance(entry, Conversation))


def lasted(durations: Iterable[float | None]) -> float | None:
    """Seconds of all together, as far as they are known; None where none is."""
    known = [one for one in durations if one is not None]
    return sum(known) if known else None


def summed(costs: list[Decimal | None]) -> Decimal | None:
    """The sum of costs; None where there are none, one is missing, or one is such that it has no sum."""
    known = [cost for cost in costs if cost is not None]
    if not known or len(known) < len(costs):
        return None
    try:
        return sum(known, Decimal(0)).normalize()
    except ArithmeticError:  # infinities of both signs, a signalling NaN
        return None
