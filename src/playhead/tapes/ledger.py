"""What the sessions of this process that record on one tape know of each other.

A session is not to play what another is still recording: half a conversation, or a refusal whose retry is under way. So
each says which interactions are its own until it closes; from then on they are *settled*, and a session that opens
later may play them. How many record now says whether the tape may be emptied. Whether the tape was begun by this
process, in the mode ``once``, says whether ``once`` may go on with it; of a tape that has a file the path says that,
see ``recorder``.
"""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock

from playhead.tapes.interaction import Interaction


class Ledger:
    """The books of one tape. Safe between threads.

    Attributes:
        begun: a session of this process, opened in mode ``once`` where nothing was, has recorded on the tape.
    """

    __slots__ = ("_lock", "_sessions", "_under_way", "begun")

    def __init__(self) -> None:
        self._lock = Lock()
        self._sessions = 0
        self._under_way: set[int] = set()
        self.begun = False

    @property
    def recording(self) -> bool:
        """Whether a session records on the tape now."""
        return self._sessions > 0

    def enter(self) -> None:
        """A session begins to record."""
        with self._lock:
            self._sessions += 1

    def claim(self, interaction: Interaction) -> None:
        """The interaction, which is not on the tape yet, belongs to a session that is open; that must keep it alive."""
        with self._lock:
            self._under_way.add(id(interaction))

    def leave(self, own: Iterable[Interaction]) -> None:
        """A session closes; what it recorded is settled."""
        with self._lock:
            self._sessions -= 1
            self._under_way.difference_update(map(id, own))

    def settled(self, interactions: Iterable[Interaction]) -> tuple[Interaction, ...]:
        """Those of the interactions that belong to no open session, in order."""
        with self._lock:
            return tuple([item for item in interactions if id(item) not in self._under_way])
