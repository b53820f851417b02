"""In the process of a client, too, a question is found however it is put: by the index that ``playhead serve`` has.

A tape is asked word for word first (:mod:`playhead.tapes.match`). What that does not find is looked for here: asked at
another base URL, with a text as a list of one, whole where a stream was recorded, and the reverse. What makes two
requests one question is said in :mod:`playhead.deck.serve.index` and nowhere else.

One thing is known here that a server does not know: the host that was meant. Where a question was recorded at several,
those of the asked one answer it; and what is of no wire, as the ``GET`` of a page or the ``POST`` of a form, is
answered by what its own host said at the same path, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

from playhead.deck.serve.index import Index, Question, path_of, place_of
from playhead.tapes.interaction import Interaction
from playhead.tapes.tape import Tape
from playhead.wire import HTTPRequest

_WORDS = ("played already", "not played yet")


class Alike:
    """The interactions of one session, by what they ask; see :class:`playhead.tapes.match.Alike`."""

    def __init__(self, interactions: Sequence[Interaction]) -> None:
        self._interactions = interactions
        self._index: Index | None = None
        self._places: dict[int, int] = {}

    def places(self, request: HTTPRequest) -> Sequence[int]:
        """Where the answers to a request stand among the interactions, in their order."""
        index = self._indexed()
        question = _find(index, request)
        if question is None:
            return ()
        items = [(recording.origin or recording).interaction for recording in question.recordings]
        host = _host(request.url)
        mine = [item for item in items if _host(item.request.url) == host]
        if not place_of(request.url):
            mine = [item for item in mine if path_of(item.request.url) == path_of(request.url)]
        elif not mine:
            mine = items
        return [self._places[id(item)] for item in mine]

    def as_asked(self, request: HTTPRequest, item: Interaction) -> Interaction:
        """The interaction that answers a request, as a stream or whole, as it was asked for."""
        if (item.request.url, item.request.body) == (request.url, request.body):
            return item
        question = _find(self._indexed(), request)
        for recording in question.recordings if question is not None else ():
            if recording.origin is not None and recording.origin.interaction is item:
                return recording.interaction
        return item

    def describe(self, request: HTTPRequest, played: Sequence[int]) -> str:
        """How a request that has no answer parts from what is nearest to it, in words."""
        index = self._indexed()
        heard = {one for one in index.recordings if played[self._places[id(one.interaction)]]}
        return index.describe(request.method, request.url, request.body, heard, _WORDS)[0]

    def _indexed(self) -> Index:
        if self._index is None:
            self._places = {id(item): at for at, item in enumerate(self._interactions)}
            self._index = Index([Tape(self._interactions)])
        return self._index


def _find(index: Index, request: HTTPRequest) -> Question | None:
    return index.find(request.method, request.url, request.body, request.headers)


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].lower()
