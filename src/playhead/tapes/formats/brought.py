"""What bringing a recording in or out gives, and the account of what was left behind.

An account is sentences with a count: ``Loss("durations: the format has none", 12)``. The same sentence is told once,
however often it was true, so that a cassette of a thousand exchanges has an account of some lines. ::

    brought = read(data, "cassette.yaml")   # Brought(format="vcrpy", interactions=(…), losses=(…))

What may stand on a tape is decided as for a recording: :func:`cleaned` leaves out headers that are not on the list and
the credentials of URLs, and tells which.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from playhead.tapes.interaction import Interaction, canonical_headers
from playhead.tapes.redact import Redactor
from playhead.wire import Headers

#: The formats that are read. ``vcr`` is Ruby's VCR, which Betamax shares; ``go-vcr-1`` the format before go-vcr's own
#: version 2; ``jsonl`` the lines of a batch.
Format: TypeAlias = Literal["go-vcr", "go-vcr-1", "vcrpy", "vcr", "har", "jsonl"]

#: Those that are written.
WRITTEN = ("go-vcr", "vcrpy", "har", "jsonl")

#: How each is called in a sentence.
NAMES: dict[Format, str] = {
    "go-vcr": "a go-vcr tape",
    "go-vcr-1": "a version 1 tape of go-vcr",
    "vcrpy": "a vcrpy cassette",
    "vcr": "a cassette of Ruby's VCR",
    "har": "an HTTP archive (HAR)",
    "jsonl": "lines of JSON",
}


class Loss(msgspec.Struct, frozen=True):
    """Something that could not be carried over, and how often."""

    what: str
    count: int = 1


class Losses:
    """An account while it is made."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def add(self, what: str, count: int = 1) -> None:
        """Once more, or so many times more."""
        self._counts[what] = self._counts.get(what, 0) + count

    def told(self) -> tuple[Loss, ...]:
        """The account, in the order in which each was first seen."""
        return tuple(Loss(what, count) for what, count in self._counts.items())


class Ask(msgspec.Struct, frozen=True):
    """A request that has no answer yet, of a file of prompts: what a batch will ask. ``body`` is JSON."""

    id: str
    method: str
    url: str
    body: bytes


class Brought(msgspec.Struct, frozen=True):
    """A recording, read. ``asks`` are requests without an answer, which no tape holds; () of all formats but lines."""

    format: Format
    interactions: tuple[Interaction, ...]
    losses: tuple[Loss, ...] = ()
    asks: tuple[Ask, ...] = ()


class Written(msgspec.Struct, frozen=True):
    """A tape, written in another format."""

    data: bytes
    losses: tuple[Loss, ...] = ()


def cleaned(
    interactions: Iterable[Interaction], keep: Iterable[str] = ()
) -> tuple[tuple[Interaction, ...], tuple[Loss, ...]]:
    """The interactions as a recording would have them: with the headers of the list, and those of ``keep``, and
    without credentials in URLs; and what that left out, by the headers' names."""
    redactor = Redactor()
    kept = frozenset(name.lower() for name in keep)
    losses = Losses()
    out = []
    for one in interactions:
        request, response = one.request, one.response
        if request.method == "CALL":
            out.append(one)
            continue
        url = redactor.url(request.url)
        if url != request.url:
            losses.add("request.url: credentials in it")
        asked = _sifted("request", request.headers, redactor.request_headers(request.headers), kept, losses)
        answered = _sifted("response", response.headers, redactor.response_headers(response.headers), kept, losses)
        request = msgspec.structs.replace(request, url=url, headers=asked)
        response = msgspec.structs.replace(response, headers=answered)
        out.append(msgspec.structs.replace(one, request=request, response=response))
    return tuple(out), losses.told()


def _sifted(place: str, headers: Headers, allowed: Headers, kept: frozenset[str], losses: Losses) -> Headers:
    names = {name.lower() for name, _ in allowed} | kept
    for name, _ in headers:
        if name.lower() not in names:
            losses.add(f"{place}.headers: {name} (a tape keeps only the headers of its list)")
    return canonical_headers(tuple((name, value) for name, value in headers if name.lower() in names))
