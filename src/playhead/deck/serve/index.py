"""Which recorded question a request asks, whoever asks it and at whatever address.

A client of ``playhead serve`` has only its base URL changed, so neither host nor what stands before a wire's own path
needs to be the recorded one: what was recorded at ``https://openrouter.ai/api/v1/chat/completions`` answers
``/v1/chat/completions``, ``/api/v1/chat/completions`` and ``/chat/completions``. Where several recordings would do,
those whose path is most like the asked one do. But a model is part of the question wherever it is said: what was asked
of Azure's ``/deployments/gpt-4o`` answers no other deployment, and where a body names no model, the shorter of the two
paths is the end of the longer.

For paths of no wire known here (embeddings, files, lists) the whole path is the question, and the query, credentials
aside, which are on no tape. What an upstream's own prefix was before a version may be missing: recorded at
``/api/v1/embeddings``, it answers ``/v1/embeddings``.

Bodies are compared as bytes, then as JSON, then by what they mean: read by the dialect of the path, so that a client
that says a text as a list of one part, or null where the recorder said nothing, asks the same. What was recorded only
whole, or only as a stream, is served in the form that is asked for (:mod:`.forms`), and what a request means is said in
:mod:`.meaning`. A key in a body is replaced before it is compared, as it was before it was recorded.

All interactions that answer one question, in the order of the tapes, are its recordings. Whose turn is which of them is
in :mod:`.turns`. A client that is taped in its own process is answered by the same index
(:mod:`playhead.deck.in_process.alike`).
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from playhead.deck.credentials import credentials
from playhead.deck.serve.forms import one_form, other_form
from playhead.deck.serve.meaning import meaning
from playhead.providers.paths import PATHS, split
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
#: The places of wires that have their model in the body, and what may name one before them.
_IN_BODY = frozenset(PATHS.values())
_NAMING = ("deployments", "endpoints")
#: A version in a path, before which an upstream may have a prefix of its own.
_VERSION = re.compile(r"v\d+[a-z0-9]*")
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
    conversation begins, the same for all steps of one; None where it is no conversation. ``nameless``: neither its body
    nor its wire's own path names a model."""

    __slots__ = ("method", "nameless", "opening", "other", "path", "query", "recordings")

    def __init__(self, method: str, path: tuple[str, ...], query: str, opening: bytes | None, nameless: bool) -> None:
        self.method, self.path, self.query, self.opening, self.nameless = method, path, query, opening, nameless
        self.recordings: list[Recording] = []
        self.other: Question | None = None

    def in_other_form(self, streams: bool) -> Question | None:
        """The same question, answered as a stream, or whole; None where that cannot be said."""
        if self.other is None:
            made = [(other_form(recording.interaction, streams), recording) for recording in self.recordings]
            if any(item is None for item, _ in made):
                return None
            other = Question(self.method, self.path, self.query, self.opening, self.nameless)
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
        path, query = path_of(request.url), _query(request.url) if place == "" else ""
        same = self._by_json.setdefault((request.method, place, canonical_body(request.body)), [])
        for question in same:
            if question.path == path and question.query == query:
                break
        else:
            said = _object(request.body)
            nameless = place in _IN_BODY and not said.get("model")
            question = Question(request.method, path, query, _opening(place, said), nameless)
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


def _opening(place: str, said: dict[str, Any]) -> bytes | None:
    """How a conversation begins: all up to the first thing that its user says."""
    for field in _TURNS:
        turns = said.get(field)
        if isinstance(turns, str):
            turns = [turns]
        if isinstance(turns, list):
            users = (at for at, turn in enumerate(turns, 1) if not isinstance(turn, dict) or turn.get("role") == "user")
            try:
                begins = canonical_value(turns[: next(users, 1)])
                return msgspec.json.encode([place, begins], order="sorted")
            except RecursionError:
                return None
    return None


def _object(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is; an empty one where it is none."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _best(questions: list[Question], place: str, target: str) -> Question | None:
    """The question whose recorded path has most in common with the asked one, from the end."""
    if not questions:
        return None
    asked = path_of(target)
    best, most = None, (-1, False)
    for question in questions:
        same = _common_end(question.path, asked)
        if place:
            if place in _IN_BODY and _other_model(question, asked, same):
                continue
        elif not _one_path(question.path, asked) or question.query != _query(target):
            continue
        if (alike := (same, question.path == asked)) > most:
            best, most = question, alike
    return best


def _common_end(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many segments two paths have in common from the end."""
    same = 0
    for ours, theirs in zip(reversed(one), reversed(other), strict=False):
        if ours != theirs:
            break
        same += 1
    return same


def _one_path(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two paths of no wire are one, an upstream's prefix before a version aside."""
    shorter = min(one, other, key=len)
    same = _common_end(one, other)
    return same == len(shorter) and (len(one) == len(other) or _VERSION.fullmatch(shorter[0]) is not None)


def _other_model(question: Question, asked: tuple[str, ...], same: int) -> bool:
    """Whether two paths, which have so many segments in common, name two models, or may where the body names none."""
    ours, theirs = (
        next((name for before, name in pairwise(path) if before in _NAMING and name != "openapi"), "")
        for path in (question.path, asked)
    )
    if ours and theirs and ours != theirs:
        return True
    return question.nameless and same < min(len(question.path), len(asked))


def place_of(url: str) -> str:
    """What a wire puts after its base URL, ``/chat/completions``; "" for the path of none."""
    address = _absolute(url).partition("#")[0].partition("?")[0].rstrip("/")
    found = split(address)
    return address[len(found[1]) :] if found is not None else ""


def _absolute(url: str) -> str:
    return url if "://" in url else f"http://tape{url}"


def path_of(url: str) -> tuple[str, ...]:
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
    return not place_of(target) and _one_path(path_of(request.url), path_of(target))


def _at(item: Interaction, url: str) -> Interaction:
    """The interaction as if it had been recorded at this address; its own where there is none."""
    if not url:
        return item
    fields = {name: getattr(item.request, name) for name in RecordedRequest.__struct_fields__}
    return Interaction(item.id, RecordedRequest(**{**fields, "url": url}), item.response)
