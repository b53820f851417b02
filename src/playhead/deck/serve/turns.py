"""Whose turn is which recording: refusals and retries in their order, for each client its own.

The recordings of one question are gone through in order, as the seed's 429, 429, 200 are; one going-through is a
*walk*. A walk belongs to a client. A client that says who it is, by a base URL with a name in it
(``http://127.0.0.1:PORT/@alice/v1``), has one walk for each question, over all its connections, and that is all.

A client that does not is told by its connection. Nothing in a request says whether it is another client's first try or
the same client's next one over another connection; these rules decide, the first that fits:

1. A connection goes on with its own walk.
2. A walk whose connection has closed is taken up by who asks next: ``curl`` in a loop, a client that reconnects. Where
   the request says that it is a first try (``x-stainless-retry-count: 0``, as the OpenAI and Anthropic SDKs do), it
   does not take up a walk that was left in the middle of its refusals.
3. A request that says it is a retry takes up the walk that has waited longest.
4. A connection that was last used for another conversation is one of a pool; so is one that goes on with another
   question than that of the walk it began. Of such, walks are taken up too.
5. Else it is a client that was not seen before, and begins at the first recording.

A question that was answered in full has no more to say to the connection that had it: asked again it is a miss, as on
any tape, unless the server loops. A connection that was opened later is a new client, to whom it is new; so of the
seed's question, asked a fourth time, one connection hears 404 and a fourth ``curl`` 429. The miss says so.
"""

from __future__ import annotations

from playhead.deck.http1.connection import Connection
from playhead.deck.serve.index import Question, Recording


class Walk:
    """One going-through of a question's recordings. ``at`` is the next; ``over`` is the number of the newest connection
    when the last one was played, 0 before; ``client`` is whose it is, where it has said its name."""

    __slots__ = ("at", "client", "connection", "over", "question")

    def __init__(self, question: Question, connection: Connection, client: str = "") -> None:
        self.question, self.connection, self.client = question, connection, client
        self.at = self.over = 0

    @property
    def waits_for_retry(self) -> bool:
        """Whether what it played last was a refusal."""
        return self.at > 0 and self.question.recordings[self.at - 1].refuses


class Seat:
    """What is kept with a connection: the question it last asked, those that it has heard in full, and every recording
    that it had."""

    __slots__ = ("had", "heard", "last")

    def __init__(self) -> None:
        self.last: Question | None = None
        self.heard: set[Question] = set()
        self.had: set[Recording] = set()


class Turns:
    """The walks of all clients. ``loop`` begins a question anew for who has heard it in full.

    Attributes:
        names: of the clients that have said theirs, with the recordings that each had.
    """

    def __init__(self, loop: bool = False) -> None:
        self.loop = loop
        self.names: dict[str, set[Recording]] = {}
        self._named: dict[tuple[str, Question], Walk] = {}
        self._walks: dict[Question, list[Walk]] = {}

    def forget(self, client: str | None = None) -> None:
        """Begin anew, all of it or one client that has a name."""
        if client is None:
            self._named, self._walks, self.names = {}, {}, {}
        else:
            self.names.pop(client, None)
            self._named = {key: walk for key, walk in self._named.items() if key[0] != client}

    def had(self, connection: Connection, client: str) -> set[Recording]:
        """The recordings that a client had, over all its connections where it says its name, else over this one."""
        return self.names.setdefault(client, set()) if client else _seat(connection).had

    def whose(self, question: Question, connection: Connection, client: str, tries: str | None) -> Walk | None:
        """The walk whose next recording answers this request; None where the client has heard them all.

        Args:
            client: its name, "" for none.
            tries: how often it says that it has tried before, None where it does not say.
        """
        if client:
            return self._of_name(question, connection, client)
        seat = _seat(connection)
        walks = self._walks.get(question)
        if walks is None:
            walks = self._walks[question] = []
        found = self._taken_up(walks, question, connection, seat, tries)
        if found is None:
            if question in seat.heard and not self.loop:
                return None
            found = Walk(question, connection)
            walks.append(found)
        found.connection = connection
        seat.last = question
        return found

    def advance(self, walk: Walk, newest: int) -> Recording:
        """The walk's next recording, now played; ``newest`` is the number of the newest connection."""
        recording = walk.question.recordings[walk.at]
        walk.at += 1
        if walk.at == len(walk.question.recordings):
            walk.over = newest
            walks = self._walks.get(walk.question)
            if walks is not None and walk in walks:
                walks.remove(walk)
                _seat(walk.connection).heard.add(walk.question)
        origin = recording.origin or recording
        origin.played += 1
        self.had(walk.connection, walk.client).add(origin)
        return recording

    def _of_name(self, question: Question, connection: Connection, client: str) -> Walk | None:
        walk = self._named.get((client, question))
        if walk is not None and walk.over:
            if not self.loop and connection.number <= walk.over:
                return None
            walk = None
        if walk is None:
            walk = self._named[client, question] = Walk(question, connection, client)
        walk.connection = connection
        return walk

    def _taken_up(
        self, walks: list[Walk], question: Question, connection: Connection, seat: Seat, tries: str | None
    ) -> Walk | None:
        for walk in walks:
            if walk.connection is connection:
                return walk
        first = tries == "0"
        for walk in walks:
            if not walk.connection.open and not (first and walk.waits_for_retry):
                return walk
        if first:
            return None
        pooled = seat.last is not None and seat.last.opening != question.opening
        for walk in walks:
            theirs = _seat(walk.connection)
            if walk.connection.busy and theirs.last is question:
                continue  # it is being answered now
            if tries is not None or pooled or theirs.last is not question:
                return walk
        return None


def _seat(connection: Connection) -> Seat:
    seat = connection.state
    if not isinstance(seat, Seat):
        seat = connection.state = Seat()
    return seat
