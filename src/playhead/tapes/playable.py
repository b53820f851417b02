"""What many sessions play at once: a file that is read once, an index that is built once, and what they play together.

A thousand runs that replay one tape at the same time are to cost one reading. So sessions of this process that play
the same file share what was read of it (:func:`load_shared`), for as long as one of their tapes lives; the same file
is the same real path, device, inode, time of change and size. Each has a :class:`Tape` of its own all the same, which
it may change. Sessions that play the same interactions share a :class:`Playable`: the index, by the secrets that were
replaced in it, and the moments at which each was last played by any of them. Whose own turn comes next is each
session's own, see ``match``.

What counts for a session is what it and those *beside* it have played. A session is beside another where it did
something, play or close, while that was open; and so is who is beside one that is. So runs that go on at once, a few at
a time or all of them, play the tape together, from when the first of them opened. One that was left open and does
nothing is beside nobody who opens later, and what it has played hides nothing from them.

All of it is held weakly: when nobody plays, nothing is kept.
"""

from __future__ import annotations

import os
import time
from array import array
from operator import is_
from pathlib import Path
from threading import Lock
from weakref import WeakValueDictionary

from playhead.tapes.files import open_to_read, read_descriptor
from playhead.tapes.interaction import CALL, Interaction
from playhead.tapes.match import Index
from playhead.tapes.redact import Redactor
from playhead.tapes.tape import Tape

#: A file that was changed so short a time before it was read, in nanoseconds, may be changed again without a sign of
#: it: file systems count time in steps of some milliseconds. Such a reading is not shared.
_TOO_FRESH = 100_000_000

_Key = tuple[str, int, int, int, int]
_loaded: WeakValueDictionary[_Key, Tape] = WeakValueDictionary()
_playables: WeakValueDictionary[int, Playable] = WeakValueDictionary()
_lock = Lock()


class Party:
    """Sessions that are beside each other. ``since`` is the moment when the first of them opened; ``open`` is how many
    of them are; ``into`` is the party that this one has become part of."""

    __slots__ = ("into", "open", "since")

    def __init__(self, since: int) -> None:
        self.since = since
        self.open = 1
        self.into: Party | None = None


class Playable:
    """Interactions that sessions of this process play at the same time. Safe between threads.

    Attributes:
        interactions: in order.
        played: when each was last played, by any of the sessions; 0 for never. Moments are counted, not measured.
    """

    __slots__ = ("__weakref__", "_has_tool_calls", "_indexes", "_lock", "_moment", "_parties", "interactions", "played")

    def __init__(self, interactions: tuple[Interaction, ...]) -> None:
        self.interactions = interactions
        self.played = array("Q", bytes(8 * len(interactions)))
        self._has_tool_calls: bool | None = None
        self._indexes: WeakValueDictionary[frozenset[str], Index] = WeakValueDictionary()
        self._lock = Lock()
        self._moment = 0
        self._parties: list[Party] = []  # in the order in which they began

    def index(self, redactor: Redactor) -> Index:
        """The index of the interactions with these secrets replaced."""
        with self._lock:
            index = self._indexes.get(redactor.secrets)
            if index is None:
                index = self._indexes[redactor.secrets] = Index(self.interactions, redactor)
            return index

    @property
    def has_tool_calls(self) -> bool:
        """Whether there are tool calls among them."""
        if self._has_tool_calls is None:
            self._has_tool_calls = any(item.request.method == CALL for item in self.interactions)
        return self._has_tool_calls

    def enter(self) -> Party:
        """A session begins to play; by itself, until it or one that was open before does something."""
        with self._lock:
            self._moment += 1
            party = Party(self._moment)
            self._parties.append(party)
            return party

    def play(self, at: int, party: Party) -> None:
        """A session of this party plays the interaction at this place."""
        with self._lock:
            self._moment += 1
            self.played[at] = self._moment
            self._join(party)

    def leave(self, party: Party) -> bytes:
        """A session ends; gives what counts for it, a byte an interaction, 1 for what was played."""
        with self._lock:
            party = self._join(party)
            party.open -= 1
            while self._parties and not self._parties[-1].open:
                self._parties.pop()
            return self._marks(party)

    def unplayed(self, party: Party) -> tuple[Interaction, ...]:
        """What neither a session of this party nor one beside it has played yet, in order."""
        with self._lock:
            return self.left(self._marks(_whole(party)))

    def left(self, marks: bytes | bytearray) -> tuple[Interaction, ...]:
        """The interactions that are not marked."""
        if 0 not in marks:
            return ()
        return tuple([item for item, played in zip(self.interactions, marks, strict=True) if not played])

    def _marks(self, party: Party) -> bytes:
        since = party.since
        return bytes([moment > since for moment in self.played])

    def _join(self, party: Party) -> Party:
        """Somebody of the party has done something: all who opened meanwhile are beside it."""
        party = _whole(party)
        parties = self._parties
        while parties and parties[-1].since > party.since:
            last = parties.pop()
            last.into = party
            party.open += last.open
        return party


def _whole(party: Party) -> Party:
    """The party that this one is part of by now."""
    whole = party
    while whole.into is not None:
        whole = whole.into
    if party is not whole:
        party.into = whole
    return whole


def playable_of(interactions: tuple[Interaction, ...]) -> Playable:
    """What the sessions that play these very interactions share."""
    if not interactions:
        return Playable(())
    first = id(interactions[0])
    with _lock:
        playable = _playables.get(first)
        if playable is None or not _same(playable.interactions, interactions):
            playable = _playables[first] = Playable(interactions)
        return playable


def _same(one: tuple[Interaction, ...], other: tuple[Interaction, ...]) -> bool:
    return one is other or (len(one) == len(other) and all(map(is_, one, other)))


def load_shared(path: Path) -> Tape:
    """The tape in a file, as :meth:`Tape.load` gives it; read once for all whose tapes are alive.

    Raises:
        TapeError: there is no such file, or it cannot be read.
        TapeFormatError: it is no go-vcr v2 tape; says the line.
    """
    with _lock:
        descriptor, found = open_to_read(path)
        key = (os.path.realpath(path), found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)
        master = _loaded.get(key)
        if master is not None:
            os.close(descriptor)
            return master.copy(path)
        data = read_descriptor(descriptor, path)
        tape = Tape.loads(data, path)
        if len(data) == found.st_size and time.time_ns() - found.st_mtime_ns > _TOO_FRESH:
            _loaded[key] = tape
            return tape.copy(path)
        return tape


def _forget_lock() -> None:
    """In a forked child, where another thread of the parent may have held it."""
    global _lock
    _lock = Lock()
    _playables.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_lock)
