"""When each exchange stood in its run, as far as a tape can say.

A tape has how long each exchange took and in which order they ended, and no clock. What follows from that is a
schedule: an attempt begins when the one before it has ended, tools begin when the answer that called them has, a step
when its results are there; a run within a tool call (an agent as a tool) lies within that call; runs that were recorded
in turns ran beside each other; and nothing ends before what stands before it on the tape. The earliest times that hold
all of this are the page's timeline.

Waits are on no tape. Where two answers in a row have a ``Date`` header, the seconds between them that neither took are
put between them, less the second that such a date may be off; the page calls them "about".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from playhead.deck.transcript.values import Conversation, Transcript
from playhead.wire import header

if TYPE_CHECKING:
    from playhead.tapes import Interaction

#: Seconds (some thirty years) from which a duration is none: it would flatten all others.
LONGEST = 1e9
#: Seconds that the difference of two Date headers may be off.
COARSE = 1.0


class Span(msgspec.Struct, frozen=True):
    """Seconds from the beginning of the tape, the seconds taken, and about how many were waited before it (None where
    nothing says)."""

    start: float
    duration: float
    wait: float | None = None


class _Thread:
    """One run within the tape: what begins next in it begins at ``ready``, what it waits for began at ``answered``."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.begun: float | None = None
        self.ready = 0.0
        self.answered = 0.0
        self.dated: tuple[float, float] | None = None
        self.within: _Thread | None = None
        self.pending = False


def spans(interactions: Sequence[Interaction], told: Transcript) -> list[Span]:
    """Where each interaction stands. ``told`` is their transcript, with places for ids."""
    owners, tools = _owners(told)
    calling = {
        step.attempts[-1].id
        for talk in told.conversations
        for step in talk.steps
        if step.answer is not None and step.answer.tool_calls
    }
    open_threads: list[_Thread] = []
    found: list[Span] = []
    end = 0.0
    for place, one in enumerate(interactions):
        took = seconds_of(one)
        thread = owners.get(place)
        if thread is None:
            found.append(Span(end, took))
            end += took
            continue
        wait = None
        if place in tools:
            start = thread.answered
        else:
            if thread.begun is None:
                thread.begun = thread.ready = _begins(thread, open_threads, end)
                open_threads.append(thread)
            date, gap = _date(one), None
            if date is not None and thread.dated is not None:
                gap = date - thread.dated[0] - (thread.ready - thread.dated[1]) - _head(one, took)
            wait = gap if gap is not None and gap > COARSE else None
            start = thread.ready + (wait or 0.0)
        stop = max(end, start + took)
        found.append(Span(stop - took, took, wait))
        end = stop
        thread.ready = max(thread.ready, stop)
        if place not in tools:
            thread.answered, thread.pending = stop, place in calling
            date = _date(one)
            thread.dated = None if date is None else (date, stop - took + _head(one, took))
        above = thread.within
        if above is not None and above.pending:
            above.ready = max(above.ready, stop)
        if place >= thread.last and thread in open_threads:
            open_threads.remove(thread)
    return found


def seconds_of(one: Interaction) -> float:
    """How long it took; what is no duration took no time."""
    nanoseconds = one.response.nanoseconds
    return nanoseconds / 1e9 if 0 <= nanoseconds < LONGEST * 1e9 else 0.0


def _owners(told: Transcript) -> tuple[dict[int, _Thread], set[int]]:
    """The thread of each place, and the places that are tool calls."""
    owners: dict[int, _Thread] = {}
    tools: set[int] = set()
    for entry in told.entries:
        if not isinstance(entry, Conversation):
            continue
        calls = [result.id for step in entry.steps for result in step.results if result.id is not None]
        places = [attempt.id for step in entry.steps for attempt in step.attempts] + calls
        thread = _Thread(max(places))
        owners.update(dict.fromkeys(places, thread))
        tools.update(calls)
    return owners, tools


def _begins(thread: _Thread, others: list[_Thread], end: float) -> float:
    """When a run begins whose first exchange is next on the tape and ends no sooner than ``end``."""
    for other in reversed(others):
        if other.pending:
            thread.within = other
            return other.answered
    if others:
        return max(0.0, min(other.begun or 0.0 for other in others))
    return end


def _date(one: Interaction) -> float | None:
    said = header(one.response.headers, "Date")
    if not said:
        return None
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(said).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _head(one: Interaction, took: float) -> float:
    """Seconds until the answer began, by its first piece; all of it where it came in one."""
    pieces = header(one.response.headers, "Playhead-Chunks") or ""
    first = pieces.partition(":")[0]
    return min(int(first) / 1000, took) if first.isdecimal() and len(first) < 12 else took
