"""Tapes gone through: what was found, of which kind, where; and the tape without it.

Two passes. The first finds values in every text; the second replaces each of them wherever it stands, also where
nothing about the place would have told it (a key that was recognised behind "Bearer" stands bare in the next body). The
same value becomes the same words, ``REDACTED-EMAIL-1``, on all tapes that one Scrubber goes through: what a model was
told and what it says again stay the same, so that a tape still matches itself. ::

    scrubber = Scrubber(Finder())
    found = scrubber.find(tape.interactions)     # Find(kind="email", id=3, place="request.body", digest="9f86d0…", …)
    tape.interactions = scrubber.scrub(tape.interactions)

A value is never in what is told of it: its digest, the first 12 digits of its SHA-256, is what it is allowed by.

What cannot be replaced soundly is left and told (``left``): bytes that are no text, such as an AWS event stream, whose
every message carries its checksum. Not found is what no text holds in one piece: a value in base64 or percent-encoding
of a body, one that a model spells with spaces, one whose pieces come under names of their own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import msgspec

from playhead.tapes.interaction import Interaction
from playhead.tapes.named import header_names_credential
from playhead.tapes.redact import SHORTEST_SECRET, credentials_of
from playhead.tapes.scrub.kinds import SHORTEST, Finder, taken_off
from playhead.tapes.scrub.texts import Pieces, rewritten
from playhead.wire import Headers

#: Of which kind they are, of the headers whose whole value is a secret; others are by their names.
_SECRET_HEADERS = {
    **dict.fromkeys(("cookie", "set-cookie"), "cookie"),
    **dict.fromkeys(
        ("x-api-key", "api-key", "x-goog-api-key", "x-amz-security-token", "x-auth-token", "x-subscription-token"),
        "api-key",
    ),
    **dict.fromkeys(("authorization", "proxy-authorization"), "bearer"),
}
_PLACEHOLDER = re.compile(rb"REDACTED-([A-Z]+(?:-[A-Z]+)*)-([0-9]{1,9})")
_CHUNKS = "playhead-chunks"
#: Kinds of what a user names, which stands where it stands; all others are no part of a longer word.
_NAMED = ("word", "pattern")


class Find(msgspec.Struct, frozen=True):
    """A value that was found in one place of a tape, ``count`` times: the interaction's id and the place in it.
    ``left`` says that it cannot be replaced there."""

    kind: str
    id: int
    place: str
    digest: str
    count: int = 1
    left: bool = False


class Scrubber:
    """Knows what it has found, and the words for it.

    Args:
        allowed: digests (or their beginnings, of at least 6 digits) of values that are to stay.
    """

    def __init__(self, finder: Finder, allowed: Collection[str] = ()) -> None:
        self._finder = finder
        self._allowed = tuple(prefix.lower() for prefix in allowed)
        self._words: dict[str, str] = {}  # by value
        self._kinds: dict[str, str] = {}
        self._verdicts: dict[str, bool] = {}
        self._pattern: re.Pattern[str] | None = None
        self._last: dict[str, int] = {}  # the numbers that were given, of each kind by itself

    def find(self, interactions: Iterable[Interaction]) -> list[Find]:
        """What stands on a tape, in its order. The values are remembered, for :meth:`scrub`."""
        items = list(interactions)
        for one in items:
            self._avoid(one)
            for kind, value in self._values(one):
                self._learn(kind, value)
        self._compile()
        return [find for one in items for find in self._finds(one)]

    def scrub(self, interactions: Iterable[Interaction]) -> list[Interaction]:
        """The interactions without what was found; those that hold nothing are the same values."""
        return [self._scrubbed(one) for one in interactions]

    def value_of(self, digest: str) -> str | None:
        """The value of a digest, for whoever looks for its line."""
        return next((value for value in self._words if digest_of(value) == digest), None)

    def _values(self, one: Interaction) -> Iterator[tuple[str, str]]:
        """Each kind and value in an interaction."""
        find = self._finder.find
        url = one.request.url
        yield from find(url)
        if "password" in self._finder.kinds:
            yield from (("password", value) for value in credentials_of(url) if len(value) >= SHORTEST_SECRET)
        if "%" in url:
            from urllib.parse import unquote

            yield from find(unquote(url))
        for name, value in (*one.request.headers, *one.response.headers, *one.request.form):
            kind = _SECRET_HEADERS.get(name.lower())
            if kind is None and len(value) >= SHORTEST_SECRET and header_names_credential(name):
                kind = "api-key"
            if kind is not None and kind in self._finder.kinds:
                if value.partition(" ")[0].isalpha() and " " in value:  # "Bearer …": the scheme is no secret
                    value = value.partition(" ")[2]
                yield kind, value.strip()
            elif name.lower() != _CHUNKS:
                yield from find(value)
        found: list[tuple[str, str]] = []

        def collect(text: str) -> list[tuple[int, int, str]]:
            found.extend(find(text))
            return []

        for body in (one.request.body, one.response.body):
            if body and rewritten(body, collect) is None:
                found.extend(find(body.decode("ascii", "replace")))
        yield from found

    def _learn(self, kind: str, value: str) -> None:
        if value in self._words or value.startswith("REDACTED"):
            return
        if kind not in _NAMED and (len(value) < SHORTEST or taken_off(value)):
            return
        verdict = self._verdicts.get(value)
        if verdict is None:
            digest = digest_of(value, whole=True)
            allowed = any(digest.startswith(prefix) for prefix in self._allowed)
            verdict = self._verdicts[value] = not allowed
        if verdict:
            name = kind.upper()
            self._last[name] = self._last.get(name, 0) + 1
            self._words[value] = f"REDACTED-{name}-{self._last[name]}"
            self._kinds[value] = kind

    def _avoid(self, one: Interaction) -> None:
        """Leave out the numbers of what an earlier scrub has put there."""
        for body in (one.request.url.encode("utf-8", "replace"), one.request.body, one.response.body):
            if b"REDACTED-" in body:
                for match in _PLACEHOLDER.finditer(body):
                    name = match[1].decode()
                    self._last[name] = max(self._last.get(name, 0), int(match[2]))

    def _compile(self) -> None:
        """One pattern for all values: the longest first, as one may hold another."""
        values = sorted(self._words, key=lambda value: (-len(value), value))
        forms = [re.escape(value) if self._kinds[value] in _NAMED else _bounded(value) for value in values]
        self._pattern = re.compile("|".join(forms)) if forms else None

    def _changes(self, text: str) -> list[tuple[int, int, str]]:
        if self._pattern is None:
            return []
        return [(match.start(), match.end(), self._words[match[0]]) for match in self._pattern.finditer(text)]

    def _finds(self, one: Interaction) -> Iterator[Find]:
        if self._pattern is None:
            return
        seen: dict[tuple[str, str, bool], int] = {}

        def count(place: str, text: str, left: bool = False) -> list[tuple[int, int, str]]:
            for match in self._pattern.finditer(text) if self._pattern is not None else ():
                key = (place, match[0], left)
                seen[key] = seen.get(key, 0) + 1
            return []

        count("request.url", _unquoted(one.request.url))
        for place, headers in (("request", one.request.headers), ("response", one.response.headers)):
            for name, value in headers:
                if name.lower() != _CHUNKS:
                    count(f"{place}.headers.{name}", value)
        for _, value in one.request.form:
            count("request.form", value)
        for place, body in (("request.body", one.request.body), ("response.body", one.response.body)):
            if body and rewritten(body, lambda text, place=place: count(place, text)) is None:  # type: ignore[misc]
                count(place, body.decode("ascii", "replace"), True)
        for (place, value, left), number in seen.items():
            yield Find(self._kinds[value], one.id, place, digest_of(value), number, left)

    def _scrubbed(self, one: Interaction) -> Interaction:
        if self._pattern is None or not any(True for _ in self._finds(one)):
            return one
        request, response = one.request, one.response
        asked, answered = rewritten(request.body, self._changes), rewritten(response.body, self._changes)
        new_asked, new_answered = _joined(asked, request.body), _joined(answered, response.body)
        request = msgspec.structs.replace(
            request,
            url=self._url(request.url),
            headers=self._headers(request.headers, request.body, new_asked, asked),
            form=tuple((name, self._text(value)) for name, value in request.form),
            body=new_asked,
            content_length=_length(request.content_length, request.body, new_asked),
        )
        response = msgspec.structs.replace(
            response,
            headers=self._headers(response.headers, response.body, new_answered, answered),
            body=new_answered,
            content_length=_length(response.content_length, response.body, new_answered),
        )
        made = msgspec.structs.replace(one, request=request, response=response)
        return one if made == one else made

    def _text(self, text: str) -> str:
        from playhead.tapes.scrub.texts import changed

        return changed(text, self._changes)

    def _url(self, url: str) -> str:
        from urllib.parse import quote, quote_plus

        url = self._text(url)
        for value, words in self._words.items():
            for form in (quote(value, safe=""), quote(value), quote_plus(value)):
                url = url.replace(form, words)
        return url

    def _headers(self, headers: Headers, old: bytes, new: bytes, pieces: Pieces | None) -> Headers:
        out = []
        for name, value in headers:
            lowered = name.lower()
            if lowered == _CHUNKS and pieces is not None and old != new:
                value = recounted(value, pieces)
            elif lowered == "content-length" and value == str(len(old)):
                value = str(len(new))
            elif lowered != _CHUNKS:
                value = self._text(value)
            out.append((name, value))
        return tuple(out)


def digest_of(value: str, *, whole: bool = False) -> str:
    """The first 12 digits of a value's SHA-256, by which it is told and allowed."""
    from hashlib import sha256

    digest = sha256(value.encode("utf-8", "surrogateescape")).hexdigest()
    return digest if whole else digest[:12]


def recounted(rhythm: str, pieces: Pieces) -> str:
    """``Playhead-Chunks`` of a body whose pieces have changed: the same moments, the new numbers of bytes. A chunk that
    ended within a piece that has changed ends within it still, or at its end."""
    words = [word.partition(":") for word in rhythm.split()]
    if not all(size.isdecimal() and len(size) < 16 for _, _, size in words):
        return rhythm
    out: list[str] = []
    at = old = new = 0  # the piece that is looked at, and the bytes before it
    end = before = 0
    for moment, _, size in words:
        end += int(size)
        while at < len(pieces) and old + len(pieces[at][0]) <= end:
            old, new, at = old + len(pieces[at][0]), new + len(pieces[at][1]), at + 1
        within = min(end - old, len(pieces[at][1])) if at < len(pieces) else 0
        now = new + within
        out.append(f"{moment}:{now - before}")
        before = now
    return " ".join(out)


def _bounded(value: str) -> str:
    before = r"(?<![^\W_])" if value[0].isalnum() else ""
    after = r"(?![^\W_])" if value[-1].isalnum() else ""
    return f"{before}{re.escape(value)}{after}"


def _joined(pieces: Pieces | None, body: bytes) -> bytes:
    return body if pieces is None else b"".join([new for _, new in pieces])


def _length(said: int, old: bytes, new: bytes) -> int:
    return len(new) if said == len(old) else said


def _unquoted(url: str) -> str:
    if "%" not in url:
        return url
    from urllib.parse import unquote

    return unquote(url)


def group(finds: Iterable[Find]) -> dict[str, int]:
    """How many of each kind."""
    counts: dict[str, Any] = {}
    for find in finds:
        counts[find.kind] = counts.get(find.kind, 0) + find.count
    return counts
