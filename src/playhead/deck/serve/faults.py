"""Faults laid over what is served, by script: ``2: 429 retry-after=1`` and ``4: cut after chunk 7``.

Before the colon stands which request it is, counted from 1 over all that ask for a recording since the server began or
was reset: a number, a range (``2-4``), every so many (``/3``) or all (``*``). After it, what happens:

====================================== ==========================================================================
``429 [retry-after=SECONDS]``          a refusal with this status, as the wire that was asked in says it
``cut [after chunk N | after N bytes]`` the recorded answer breaks off there (without a place: after its head)
``reset [after …]``                    the same, as a host that dies does it
``wait SECONDS``                       the recorded answer, that much later
``hang``                               nothing comes, and the connection stays open
====================================== ==========================================================================

Seconds may be written ``0.5`` or ``0.5s``. A fault takes nothing off the tape: asked again, the client gets the
recording that it was kept from. A wait does not keep it from any.
"""

from __future__ import annotations

import re

import msgspec

from playhead.errors import ConfigError

_WHICH = re.compile(r"\*|/(?P<every>\d+)|(?P<first>\d+)(?:\s*-\s*(?P<last>\d+))?")
_REFUSAL = re.compile(r"(?P<status>[45]\d\d)(?:\s+retry-after=(?P<after>\d+(?:\.\d+)?)\s*s?)?")
_BREAK = re.compile(r"(?P<how>cut|reset)(?:\s+after\s+(?:chunk\s+(?P<chunk>\d+)|(?P<bytes>\d+)\s+bytes?))?")
_WAIT = re.compile(r"wait\s+(?P<seconds>\d+(?:\.\d+)?)\s*s?")

_PLACES = 'expected a number from 1 ("2:"), a range ("3-5:"), every so many ("/10:") or all ("*:")'
_EVENTS = (
    'expected a refusal, of a status from 400 to 599 ("429", "429 retry-after=1"), "cut" or "reset" ("cut after chunk '
    '7", "reset after 100 bytes"), "wait 0.5" or "hang"'
)


class Fault(msgspec.Struct, frozen=True):
    """What happens to the requests from ``first`` to ``last``, or to every one that ``every`` divides.

    ``status`` refuses, ``retry_after`` in seconds; ``breaks`` is "cut", "reset" or "hang", after so many chunks or
    bytes of the body; ``wait`` is in seconds.
    """

    first: int = 1
    last: int | None = None
    every: int = 1
    status: int | None = None
    retry_after: float | None = None
    breaks: str | None = None
    chunks: int | None = None
    bytes: int | None = None
    wait: float = 0.0

    def strikes(self, number: int) -> bool:
        """Whether it is this request's, which is counted from 1."""
        return self.first <= number and (self.last is None or number <= self.last) and number % self.every == 0

    @property
    def keeps_back(self) -> bool:
        """Whether the client does not get the whole recording."""
        return self.status is not None or self.breaks is not None


def fault(script: str) -> Fault:
    """Read one fault.

    Raises:
        ConfigError: it is none; says which part of it is not, and what one looks like.
    """
    which, colon, what = (part.strip() for part in script.partition(":"))
    if not colon:
        raise _no_fault(script, "there is no colon between which request it is and what happens to it")
    place = _place(which)
    if place is None:
        raise _no_fault(script, f"{which!r} says no request: {_PLACES}")
    if (refusal := _REFUSAL.fullmatch(what)) is not None:
        after = None if refusal["after"] is None else float(refusal["after"])
        return msgspec.structs.replace(place, status=int(refusal["status"]), retry_after=after)
    if (broken := _BREAK.fullmatch(what)) is not None:
        chunks = None if broken["chunk"] is None else int(broken["chunk"])
        count = None if broken["bytes"] is None else int(broken["bytes"])
        return msgspec.structs.replace(place, breaks=broken["how"], chunks=chunks, bytes=count)
    if (waited := _WAIT.fullmatch(what)) is not None:
        return msgspec.structs.replace(place, wait=float(waited["seconds"]))
    if what == "hang":
        return msgspec.structs.replace(place, breaks="hang")
    raise _no_fault(script, f"{what!r} says nothing that could happen: {_EVENTS}")


def _place(which: str) -> Fault | None:
    found = _WHICH.fullmatch(which)
    if found is None:
        return None
    if found["every"] is not None:
        return Fault(every=int(found["every"])) if int(found["every"]) else None
    if found["first"] is None:
        return Fault()
    first = int(found["first"])
    last = int(found["last"] or first)
    return Fault(first, last) if 0 < first <= last else None


def _no_fault(script: str, why: str) -> ConfigError:
    return ConfigError(f'no fault is written {script!r}: {why}. One is written such as "4: cut after chunk 7"')
