"""What many sessions play at once: a file that is read once, an index that is built once, and what they play together.

A thousand runs that replay one tape at the same time are to cost one reading. So sessions of this process that play
the same file share what was read of it (:func:`load_shared`), for as long as one of their tapes lives; the same file
is the same real path, device, inode, time of change and size. Each has a :class:`Tape` of its own all the same, which
it may change. Sessions that play the same interactions share a :class:`Playable`: the index, by the secrets that were
replaced in it, and the marks of what was played by any of them since the first of those that are open now was opened.
Whose own turn comes next is each session's own, see ``match``.

All of it is held weakly: when nobody plays, nothing is kept.
"""

from __future__ import annotations

import os
import time
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


class Playable:
    """Interactions that sessions of this process play at the same time. Safe between threads.

    Attributes:
        interactions: in order.
        played: one byte an interaction, 1 for what any of the sessions has played.
    """

    __slots__ = ("__weakref__", "_has_tool_calls", "_indexes", "_lock", "_sessions", "interactions", "played")

    def __init__(self, interactions: tuple[Interaction, ...]) -> None:
        self.interactions = interactions
        self.played = bytearray(len(interactions))
        self._has_tool_calls: bool | None = None
        self._indexes: WeakValueDictionary[frozenset[str], Index] = WeakValueDictionary()
        self._lock = Lock()
        self._sessions = 0

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

    def enter(self) -> None:
        """A session begins to play."""
        with self._lock:
            self._sessions += 1

    def leave(self) -> bytes:
        """A session ends; gives the marks as they are. After the last one they are gone."""
        with self._lock:
            marks = bytes(self.played)
            self._sessions -= 1
            if not self._sessions:
                self.played = bytearray(len(self.interactions))
            return marks

    def unplayed(self, marks: bytes | None = None) -> tuple[Interaction, ...]:
        """What none of the sessions has played, in order, now or when the marks were as given."""
        if marks is None:
            marks = bytes(self.played)
        if 0 not in marks:
            return ()
        return tuple([item for item, played in zip(self.interactions, marks, strict=True) if not played])


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
