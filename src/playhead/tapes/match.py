"""Which interaction answers a request: the first unplayed one with the same method, URL and body.

Bodies are compared as bytes first, and as canonical JSON when no unplayed interaction has the same bytes. Headers are
not compared: the keys in them never reach a tape. Both sides are redacted before they are compared, so that a request
which carries a key matches its recording without one.

Interactions are found by hash, so that the last of 3,000 costs what the first does. The bytes are hashed when the first
request comes; JSON is parsed only when bytes alone have not answered, and then only that of the same method and URL.
What is found so is the same for all who play the tape; only what was played is each player's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Protocol

from playhead.tapes.canonical import canonical_body
from playhead.tapes.interaction import Interaction
from playhead.tapes.redact import Redactor
from playhead.wire import HTTPRequest

_Question = tuple[str, str, bytes]
_NOWHERE: list[int] = []


class Alike(Protocol):
    """What answers a question that is asked in other words, or elsewhere, than it was recorded."""

    def places(self, request: HTTPRequest) -> Sequence[int]:
        """Where the answers to a request stand among the session's interactions, in their order."""

    def describe(self, request: HTTPRequest, played: Sequence[int]) -> str:
        """How a request that has no answer parts from what is nearest to it, in words."""


class Index:
    """Where the interactions of each question stand, with the secrets of a redactor replaced. It never changes for who
    asks, so that any number of players may share one; safe between threads."""

    def __init__(self, interactions: Sequence[Interaction], redactor: Redactor) -> None:
        self._questions: list[_Question] = []
        self._same_bytes: dict[_Question, list[int]] = {}
        self._same_json: dict[_Question, list[int]] = {}
        self._parsed: set[tuple[str, str]] = set()
        self._lock = Lock()
        for at, item in enumerate(interactions):
            request = item.request
            question = (request.method, redactor.url(request.url), redactor.body(request.body))
            self._questions.append(question)
            self._same_bytes.setdefault(question, []).append(at)

    def same_bytes(self, question: _Question) -> list[int]:
        """The places of the interactions whose request has the same bytes."""
        return self._same_bytes.get(question, _NOWHERE)

    def same_json(self, question: _Question) -> list[int]:
        """The places of those whose request is the same JSON, or the same bytes."""
        method, url, body = question
        with self._lock:
            if (method, url) not in self._parsed:
                for at, (other_method, other_url, other) in enumerate(self._questions):
                    if (other_method, other_url) == (method, url):
                        same = (method, url, canonical_body(other))
                        self._same_json.setdefault(same, []).append(at)
                self._parsed.add((method, url))
        return self._same_json.get((method, url, canonical_body(body)), _NOWHERE)


class Player:
    """Plays interactions, each once. Not safe between threads by itself. ``index`` gives the index for the secrets
    that the redactor knows now; without it the player makes one of its own."""

    def __init__(
        self,
        interactions: Sequence[Interaction],
        redactor: Redactor,
        index: Callable[[Redactor], Index] | None = None,
    ) -> None:
        self.interactions = interactions
        self.played = bytearray(len(interactions))
        self._redactor = redactor
        self._make_index = index
        self._index: Index | None = None
        #: By the id of a list of places: how many of its first are played. The index keeps the lists alive.
        self._passed: dict[int, int] = {}

    def forget_index(self) -> None:
        """The redactor has learned of another secret; what was played stays played."""
        self._index = None
        self._passed = {}

    def play(self, asked: HTTPRequest) -> Interaction | None:
        """The first unplayed interaction that answers the request (which is redacted already), now played."""
        at = self.find(asked)
        if at is None:
            return None
        self.played[at] = 1
        return self.interactions[at]

    def find(self, asked: HTTPRequest) -> int | None:
        """The place of the first unplayed interaction that answers the request, which is redacted already."""
        index = self._indexed()
        question = (asked.method, asked.url, asked.body)
        at = self._first_unplayed(index.same_bytes(question))
        return at if at is not None else self._first_unplayed(index.same_json(question))

    def unplayed(self, asked: HTTPRequest) -> list[Interaction]:
        """Every interaction that answers the request, which is redacted already, and was not played, in order."""
        places = self._indexed().same_json((asked.method, asked.url, asked.body))
        return [self.interactions[at] for at in places if not self.played[at]]

    def mark(self, interaction: Interaction) -> int:
        """This interaction is played, by whoever chose it; its place."""
        at = next(at for at, item in enumerate(self.interactions) if item is interaction)
        self.played[at] = 1
        return at

    def equal(self, asked: HTTPRequest) -> list[Interaction]:
        """Every interaction that answers the request, played or not."""
        places = self._indexed().same_json((asked.method, asked.url, asked.body))
        return [self.interactions[at] for at in places]

    def was_played(self, interaction: Interaction) -> bool:
        """Whether this interaction was played."""
        return any(item is interaction and played for item, played in zip(self.interactions, self.played, strict=True))

    def _indexed(self) -> Index:
        index = self._index
        if index is None:
            make = self._make_index
            index = self._index = Index(self.interactions, self._redactor) if make is None else make(self._redactor)
        return index

    def _first_unplayed(self, places: list[int]) -> int | None:
        played, passed = self.played, self._passed.get(id(places), 0)
        while passed < len(places) and played[places[passed]]:
            passed += 1
        self._passed[id(places)] = passed
        return places[passed] if passed < len(places) else None
