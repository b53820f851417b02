"""What the sessions of this process that record on one tape know of each other.

A session is not to play what another is still recording: half a conversation, or a refusal whose retry is under way. So
each says which interactions are its own until it closes; from then on they are *settled*, and a session that opens
later may play them. How many record now says whether the tape may be emptied. Whether the tape was begun by this
process, in the mode ``once``, says whether ``once`` may go on with it; of a tape that has a file the path says that,
see ``recorder``.

What is not to be done twice (a call that changes the world, of a run that several go on with at once) a session *takes*
first. It is refused to those who could not see what became of it: who were open already while it was under way.
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

    __slots__ = ("_lock", "_moment", "_sessions", "_taken", "_under_way", "begun")

    def __init__(self) -> None:
        self._lock = Lock()
        self._sessions = 0
        self._under_way: set[int] = set()
        self._moment = 0  # counts openings and closings
        self._taken: dict[object, tuple[int, float]] = {}  # by whom, told by when it opened, and until when
        self.begun = False

    @property
    def recording(self) -> bool:
        """Whether a session records on the tape now."""
        return self._sessions > 0

    def enter(self) -> int:
        """A session begins to record; when that was, for :meth:`take` and :meth:`leave`."""
        with self._lock:
            self._sessions += 1
            self._moment += 1
            return self._moment

    def take(self, what: object, entered: int) -> bool:
        """Keep others from doing this; False where another session does it, or did when the asking one was open."""
        with self._lock:
            owner, until = self._taken.get(what, (entered, 0.0))
            if owner != entered and until > entered:
                return False
            self._taken[what] = (entered, float("inf"))
            return True

    def claim(self, interaction: Interaction) -> None:
        """The interaction, which is not on the tape yet, belongs to a session that is open; that must keep it alive."""
        with self._lock:
            self._under_way.add(id(interaction))

    def leave(self, own: Iterable[Interaction], entered: int) -> None:
        """A session closes; what it recorded is settled."""
        with self._lock:
            self._sessions -= 1
            self._moment += 1
            self._under_way.difference_update(map(id, own))
            if not self._sessions:
                self._taken.clear()
            for what in [what for what, (owner, _) in self._taken.items() if owner == entered]:
                self._taken[what] = (entered, self._moment)

    def settled(self, interactions: Iterable[Interaction]) -> tuple[Interaction, ...]:
        """Those of the interactions that belong to no open session, in order."""
        with self._lock:
            return tuple([item for item in interactions if id(item) not in self._under_way])
