"""Which recorded question a request asks, whoever asks it and at whatever address.

A client of ``playhead serve`` has only its base URL changed, so neither host nor what stands before a wire's own path
needs to be the recorded one: what was recorded at ``https://openrouter.ai/api/v1/chat/completions`` answers
``/v1/chat/completions``, ``/api/v1/chat/completions`` and ``/chat/completions``. Where several recordings would do,
those whose path is most like the asked one do. For paths of no wire known here (embeddings, files, lists), one path
must end as the other does, and the query must be the same, credentials aside.

Bodies are compared as bytes, then as JSON, then by what they mean: read by the dialect of the path, so that a client
that says a text as a list of one part, or null where the recorder said nothing, asks the same. What was recorded only
whole, or only as a stream, is served in the form that is asked for (:mod:`.forms`). A key in a body
is replaced before it is compared, as it was before it was recorded.

All interactions that answer one question, in the order of the tapes, are its recordings. Whose turn is which of them is
in :mod:`.turns`. A client that is taped in its own process is answered by the same index
(:mod:`playhead.deck.in_process.alike`).
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from importlib import import_module
from typing import Any

import msgspec

from playhead.deck.credentials import credentials
from playhead.deck.serve.forms import one_form, other_form
from playhead.errors import PlayheadError
from playhead.providers.paths import split
from playhead.surrogates import joined
from playhead.tapes.canonical import canonical_body, canonical_value
from playhead.tapes.diff import first_difference, nearest
from playhead.tapes.interaction import CALL, Interaction, RecordedRequest
from playhead.tapes.named import names_credential
from playhead.tapes.redact import Redactor
from playhead.tapes.tape import Tape
from playhead.transport.record import CUT
from playhead.wire import HTTPRequest, header

#: Requests whose question is remembered by their bytes, and how long a body may be for it.
_REMEMBERED, _SHORT = 4096, 65536
#: Fields in which the wires hold a conversation.
_TURNS = ("messages", "contents", "input")


class Recording:
    """One interaction as it is served. ``played`` counts how often it was; ``cut``: it breaks off on the tape;
    ``refuses``: a client will ask again, as its status says no, or it is cut; ``origin``: what stands on the tape, of
    one that is served in another form."""

    __slots__ = ("cut", "interaction", "origin", "played", "refuses", "rendered", "tape")

    def __init__(self, interaction: Interaction, tape: Tape, origin: Recording | None = None) -> None:
        self.interaction, self.tape, self.origin = interaction, tape, origin
        self.played = 0
        self.rendered: bytes | None = None
        self.cut = header(interaction.response.headers, CUT) is not None
        self.refuses = self.cut or interaction.response.code >= 400


class Question:
    """One question as it was recorded at one address, and all its recordings in order. ``opening`` is how its
    conversation begins, the same for all steps of one; None where it is no conversation."""

    __slots__ = ("method", "opening", "other", "path", "query", "recordings")

    def __init__(self, method: str, path: tuple[str, ...], query: str, opening: bytes | None) -> None:
        self.method, self.path, self.query, self.opening = method, path, query, opening
        self.recordings: list[Recording] = []
        self.other: Question | None = None

    def in_other_form(self, streams: bool) -> Question | None:
        """The same question, answered as a stream, or whole; None where that cannot be said."""
        if self.other is None:
            made = [(other_form(recording.interaction, streams), recording) for recording in self.recordings]
            if any(item is None for item, _ in made):
                return None
            other = Question(self.method, self.path, self.query, self.opening)
            other.recordings = [Recording(item, origin.tape, origin) for item, origin in made if item is not None]
            self.other = other
        return self.other


_Key = tuple[str, str, bytes]


class Index:
    """The questions of some tapes. It never changes but for what it remembers."""

    def __init__(self, tapes: Sequence[Tape]) -> None:
        self.recordings: list[Recording] = []
        self._by_json: dict[_Key, list[Question]] = {}
        self._by_meaning: dict[_Key, list[tuple[Question, bool]]] | None = None
        self._known: dict[_Key, Question] = {}
        for tape in tapes:
            for item in tape.interactions:
                if item.request.method != CALL:
                    self._add(Recording(item, tape))

    def find(self, method: str, target: str, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> Question | None:
        """The recorded question that a request asks; None where the tapes hold none."""
        key = (method, target, body)
        known = self._known.get(key)
        if known is not None:
            return known
        found = self._find(method, target, body)
        if found is None and (secrets := credentials(headers, target, body)):
            found = self._find(method, target, Redactor(secrets).body(body))
        if found is not None and len(body) <= _SHORT:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = found
        return found

    def describe(
        self, method: str, target: str, body: bytes, heard: Container[Recording], words: tuple[str, str]
    ) -> tuple[str, Recording | None]:
        """Why a request has no answer, in words, and the recording that is most like it. ``heard`` are those that who
        asks has had; ``words`` say of a recording that it is one of them, or is not."""
        place = place_of(target)
        # All that was recorded for this path is compared at one address, since hosts say nothing here.
        address = place or target
        asked = HTTPRequest(method, address, (), body)
        items = [_at(one.interaction, address if _suits(one, method, target) else "") for one in self.recordings]
        near = nearest(items, [recording in heard for recording in self.recordings], asked)
        if near is None:
            return "the tapes are empty", None
        found = self.recordings[next(at for at, item in enumerate(items) if item is near)]
        request = found.interaction.request
        state = words[0] if found in heard else words[1]
        name = f" of {joined(str(found.tape.path))}" if found.tape.path else ""
        said = f"nearest is interaction {found.interaction.id}{name} ({state})"
        parts = first_difference(request.body, body) if near.request.url == address else None
        if parts is None:
            return f"{said}, {request.method} {joined(request.url)}", found
        return f"{said}, which differs first at {parts}", found

    def _add(self, recording: Recording) -> None:
        self.recordings.append(recording)
        request = recording.interaction.request
        place = place_of(request.url)
        path, query = _path(request.url), _query(request.url) if place == "" else ""
        same = self._by_json.setdefault((request.method, place, canonical_body(request.body)), [])
        for question in same:
            if question.path == path and question.query == query:
                break
        else:
            question = Question(request.method, path, query, opening(place, request.body))
            same.append(question)
        question.recordings.append(recording)

    def _find(self, method: str, target: str, body: bytes) -> Question | None:
        place = place_of(target)
        found = _best(self._by_json.get((method, place, canonical_body(body)), []), place, target)
        if found is None and place:
            read = meaning(HTTPRequest(method, _absolute(target), (), body))
            if read is not None:
                meant, streams = read
                alike = self._meanings().get((method, one_form(place), meant), [])
                found = _best([question for question, streamed in alike if streamed == streams], place, target)
                if found is None and (other := _best([question for question, _ in alike], place, target)) is not None:
                    found = other.in_other_form(streams)
        return found

    def _meanings(self) -> dict[_Key, list[tuple[Question, bool]]]:
        if self._by_meaning is None:
            meant: dict[_Key, list[tuple[Question, bool]]] = {}
            for (method, place, _), questions in self._by_json.items():
                if not place:
                    continue
                for question in questions:
                    request = question.recordings[0].interaction.request
                    read = meaning(HTTPRequest(method, request.url, (), request.body))
                    if read is not None:
                        key = (method, one_form(place), read[0])
                        meant.setdefault(key, []).append((question, read[1]))
            self._by_meaning = meant
        return self._by_meaning


def opening(place: str, body: bytes) -> bytes | None:
    """How a conversation begins: all up to the first thing that its user says."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    for field in _TURNS:
        turns = value.get(field)
        if isinstance(turns, str):
            turns = [turns]
        if isinstance(turns, list):
            said = (at for at, turn in enumerate(turns, 1) if not isinstance(turn, dict) or turn.get("role") == "user")
            return msgspec.json.encode([place, canonical_value(turns[: next(said, 1)])], order="sorted")
    return None


def meaning(request: HTTPRequest) -> tuple[bytes, bool] | None:
    """What a request asks, in no wire's words, as bytes that are equal where it is, and whether it asks for a stream;
    None where no dialect reads it."""
    found = split(request.url)
    if found is None:
        return None
    dialect: Any = import_module(f"playhead.dialects.{found[0]}")
    try:
        said = msgspec.json.decode(request.body)
        if isinstance(said, dict) and None in said.values():  # a field that is null is one that is not said
            body = msgspec.json.encode({name: value for name, value in said.items() if value is not None})
            request = HTTPRequest(request.method, request.url, (), body)
        decoded = dialect.decode_request(request)
        asked = msgspec.to_builtins(msgspec.structs.replace(decoded.request, stream=False))
        return msgspec.json.encode([asked, sorted(decoded.unmodelled)], order="sorted"), decoded.request.stream
    except (PlayheadError, ValueError, TypeError, RecursionError, OverflowError):
        return None


def _best(questions: list[Question], place: str, target: str) -> Question | None:
    """The question whose recorded path has most in common with the asked one, from the end."""
    if not questions:
        return None
    asked = _path(target)
    best, most = None, -1
    for question in questions:
        same = 0
        for one, other in zip(reversed(question.path), reversed(asked), strict=False):
            if one != other:
                break
            same += 1
        if not place and (same < min(len(question.path), len(asked)) or question.query != _query(target)):
            continue
        if same > most:
            best, most = question, same
    return best


def place_of(url: str) -> str:
    """What a wire puts after its base URL, ``/chat/completions``; "" for the path of none."""
    address = _absolute(url).partition("#")[0].partition("?")[0].rstrip("/")
    found = split(address)
    return address[len(found[1]) :] if found is not None else ""


def _absolute(url: str) -> str:
    return url if "://" in url else f"http://tape{url}"


def _path(url: str) -> tuple[str, ...]:
    path = _absolute(url).partition("://")[2].partition("?")[0].partition("#")[0].partition("/")[2]
    return tuple(path.rstrip("/").split("/"))


def _query(url: str) -> str:
    """The query with its pairs in order, credentials left out."""
    pairs = url.partition("#")[0].partition("?")[2].split("&")
    return "&".join(sorted(pair for pair in pairs if pair and not names_credential(pair.partition("=")[0])))


def _suits(recording: Recording, method: str, target: str) -> bool:
    request = recording.interaction.request
    place = place_of(request.url)
    if request.method != method:
        return False
    if place:
        return place == place_of(target)
    ours, theirs = _path(request.url)[::-1], _path(target)[::-1]
    shorter = min(len(ours), len(theirs))
    return not place_of(target) and ours[:shorter] == theirs[:shorter]


def _at(item: Interaction, url: str) -> Interaction:
    """The interaction as if it had been recorded at this address; its own where there is none."""
    if not url:
        return item
    fields = {name: getattr(item.request, name) for name in RecordedRequest.__struct_fields__}
    return Interaction(item.id, RecordedRequest(**{**fields, "url": url}), item.response)
