"""Which interaction answers a request: the first unplayed one with the same method, URL and body.

Bodies are compared as bytes first, and as canonical JSON when no unplayed interaction has the same bytes. Headers are
not compared: the keys in them never reach a tape. Both sides are redacted before they are compared, so that a request
which carries a key matches its recording without one.

Interactions are found by hash, so that the last of 3,000 costs what the first does. The bytes are hashed when the first
request comes; JSON is parsed only when bytes alone have not answered, and then only that of the same method and URL.
"""

from __future__ import annotations

from collections.abc import Sequence

from playhead.tapes.canonical import canonical_body
from playhead.tapes.interaction import Interaction
from playhead.tapes.redact import Redactor
from playhead.wire import HTTPRequest

_Question = tuple[str, str, bytes]


class _Places:
    """Where the interactions of one question stand. All before ``next`` are played."""

    __slots__ = ("next", "positions")

    def __init__(self) -> None:
        self.positions: list[int] = []
        self.next = 0


class Player:
    """Plays interactions, each once. Not safe between threads by itself."""

    def __init__(self, interactions: Sequence[Interaction], redactor: Redactor) -> None:
        self.interactions = interactions
        self.played = bytearray(len(interactions))
        self._redactor = redactor
        self._questions: list[_Question] | None = None
        self._same_bytes: dict[_Question, _Places] = {}
        self._same_json: dict[_Question, _Places] = {}
        self._parsed: set[tuple[str, str]] = set()

    def forget_index(self) -> None:
        """The redactor has learned of another secret; what was played stays played."""
        self._questions = None
        self._same_bytes, self._same_json, self._parsed = {}, {}, set()

    def play(self, asked: HTTPRequest) -> Interaction | None:
        """The first unplayed interaction that answers the request (which is redacted already), now played."""
        at = self._find(asked)
        if at is None:
            return None
        self.played[at] = 1
        return self.interactions[at]

    def has_answer(self, asked: HTTPRequest) -> bool:
        """Whether there is an unplayed interaction that answers the request, which is redacted already."""
        return self._find(asked) is not None

    def mark(self, interaction: Interaction) -> None:
        """This interaction is played, by whoever chose it."""
        at = next(at for at, item in enumerate(self.interactions) if item is interaction)
        self.played[at] = 1

    def equal(self, asked: HTTPRequest) -> list[Interaction]:
        """Every interaction that answers the request, played or not."""
        if self._questions is None:
            self._build()
        places = self._equal((asked.method, asked.url, asked.body))
        return [self.interactions[at] for at in places.positions] if places else []

    def unplayed(self) -> tuple[Interaction, ...]:
        """What was not played yet, in order."""
        return tuple(item for item, played in zip(self.interactions, self.played, strict=True) if not played)

    def was_played(self, interaction: Interaction) -> bool:
        """Whether this interaction was played."""
        return any(item is interaction and played for item, played in zip(self.interactions, self.played, strict=True))

    def _build(self) -> None:
        self._questions = questions = []
        redactor = self._redactor
        for at, item in enumerate(self.interactions):
            request = item.request
            question = (request.method, redactor.url(request.url), redactor.body(request.body))
            questions.append(question)
            places = self._same_bytes.get(question)
            if places is None:
                places = self._same_bytes[question] = _Places()
            places.positions.append(at)

    def _find(self, asked: HTTPRequest) -> int | None:
        if self._questions is None:
            self._build()
        question = (asked.method, asked.url, asked.body)
        at = self._first_unplayed(self._same_bytes.get(question))
        return at if at is not None else self._first_unplayed(self._equal(question))

    def _first_unplayed(self, places: _Places | None) -> int | None:
        if places is None:
            return None
        positions, played = places.positions, self.played
        while places.next < len(positions):
            at = positions[places.next]
            if not played[at]:
                return at
            places.next += 1
        return None

    def _equal(self, question: _Question) -> _Places | None:
        method, url, body = question
        if (method, url) not in self._parsed:
            self._parsed.add((method, url))
            for at, (other_method, other_url, other) in enumerate(self._questions or ()):
                if (other_method, other_url) == (method, url):
                    same = (method, url, canonical_body(other))
                    self._same_json.setdefault(same, _Places()).positions.append(at)
        return self._same_json.get((method, url, canonical_body(body)))
