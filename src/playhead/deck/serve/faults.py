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

A fault takes nothing off the tape: asked again, the client gets the recording that it was kept from. A wait does not
keep it from any.
"""

from __future__ import annotations

import re

import msgspec

from playhead.errors import ConfigError

_SCRIPT = re.compile(r"\s*(?P<which>\*|/?\d+|\d+\s*-\s*\d+)\s*:\s*(?P<what>.+?)\s*")
_REFUSAL = re.compile(r"(?P<status>[45]\d\d)(?:\s+retry-after=(?P<after>\d+(?:\.\d+)?))?")
_BREAK = re.compile(r"(?P<how>cut|reset)(?:\s+after\s+(?:chunk\s+(?P<chunk>\d+)|(?P<bytes>\d+)\s+bytes?))?")
_WAIT = re.compile(r"wait\s+(?P<seconds>\d+(?:\.\d+)?)\s*s?")


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
        ConfigError: it is none; says what one looks like.
    """
    found = _SCRIPT.fullmatch(script)
    if found is not None:
        which, what = found["which"], found["what"]
        first, last, every = 1, None, 1
        if which.startswith("/"):
            every = int(which[1:])
        elif which != "*":
            begin, _, end = which.partition("-")
            first = int(begin)
            last = int(end) if end else first
        place = Fault(first, last, every)
        if every > 0 and first > 0 and (last is None or last >= first):
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
    raise ConfigError(
        f'no fault is written {script!r}: expected such as "2: 429 retry-after=1", "4: cut after chunk 7", '
        '"3-5: 503", "*: wait 0.5", "6: reset after 100 bytes" or "7: hang"'
    )
