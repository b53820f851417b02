"""What an answer rests on, as sources: Google search's results, retrieved documents, maps, and recited passages.

``groundingMetadata`` lists chunks (a page each) and supports (which stretch of the answer rests on which chunks). Each
pair of the two is a :class:`~playhead.messages.Source`; a chunk that no support names is one without a place.
``citationMetadata`` lists passages that the answer recites. The wire counts places in bytes of UTF-8, the vocabulary in
characters, so the text is needed to turn one into the other; a support repeats its stretch, which tells where the two
do not fit.

A source's ``opaque`` holds what else there is: the chunk itself where it is more than an address and a title, the
confidence, a citation's licence, and on the first source the searches and the widget that Google's terms want shown.

Reference: https://ai.google.dev/gemini-api/docs/google-search and
https://ai.google.dev/api/generate-content#GroundingMetadata, as of 2026.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.gemini.parts import NAME, own
from playhead.messages import Opaque, Source

_SEARCH = ("webSearchQueries", "searchEntryPoint")
#: The bytes of UTF-8 that begin no character, and how many bytes one entry of a table of places stands for.
_INNER = bytes(range(0x80, 0xC0))
_BLOCK = 1024

#: How many bytes of text are searched, in all, for words that do not stand where the wire says.
_PATIENCE = 256 * 1024 * 1024

_CITATION = ("uri", "title", "startIndex", "endIndex")


def sources_of(grounding: Any, citation: Any, text: str) -> list[Source]:
    """The sources of an answer whose text is ``text``; what is not of the expected shape is passed over."""
    data = _Said(text)
    found: list[Source] = []
    if isinstance(grounding, dict):
        chunks = _list(grounding.get("groundingChunks"))
        named: set[int] = set()
        for support in _list(grounding.get("groundingSupports")):
            if isinstance(support, dict):
                found += _supported(support, chunks, named, data)
        found += [source for n, chunk in enumerate(chunks) if n not in named and (source := _source(chunk, {}))]
        search = {name: grounding[name] for name in _SEARCH if grounding.get(name)}
        if search and found:
            held = own(found[0].opaque)
            found[0] = msgspec.structs.replace(found[0], opaque=Opaque(NAME, {**held, "search": search}))
    if isinstance(citation, dict):
        for said in _list(citation.get("citationSources")) + _list(citation.get("citations")):
            if isinstance(said, dict) and isinstance(said.get("uri"), str):
                rest = {name: value for name, value in said.items() if name not in _CITATION}
                start, end = _place(said, data)
                found.append(Source(said["uri"], _title(said), start, end, Opaque(NAME, {"citation": rest})))
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _title(said: dict[str, Any]) -> str | None:
    title = said.get("title")
    return title if isinstance(title, str) else None


def _supported(support: dict[str, Any], chunks: list[Any], named: set[int], data: _Said) -> list[Source]:
    segment = support.get("segment")
    start, end = _place(segment, data) if isinstance(segment, dict) else (None, None)
    scores = _list(support.get("confidenceScores"))
    found = []
    for place, number in enumerate(_list(support.get("groundingChunkIndices"))):
        if type(number) is not int or not 0 <= number < len(chunks):
            continue
        more = {"confidenceScore": scores[place]} if place < len(scores) else {}
        source = _source(chunks[number], more, start, end)
        if source is not None:
            named.add(number)
            found.append(source)
    return found


def _source(chunk: Any, more: dict[str, Any], start: int | None = None, end: int | None = None) -> Source | None:
    if not isinstance(chunk, dict):
        return None
    said = next((value for value in chunk.values() if isinstance(value, dict)), {})
    url = said.get("uri", said.get("sourceUri"))
    url = url if isinstance(url, str) else ""
    title = _title(said)
    held = dict(more)
    if chunk != _web(url, title):
        held["groundingChunk"] = chunk
    return Source(url, title, start, end, Opaque(NAME, held) if held else None)


def _web(url: str, title: str | None) -> dict[str, Any]:
    return {"web": {"uri": url} if title is None else {"uri": url, "title": title}}


class _Said:
    """The answer's text in the wire's bytes, with tables that turn a place in bytes into one in characters: an answer
    of any number of sources is read in time that grows with its length."""

    __slots__ = ("_before", "_searched", "data")

    def __init__(self, text: str) -> None:
        self.data = text.encode("utf-8", "replace")
        self._searched = 0  # bytes that were searched for words that stand elsewhere than said
        self._before = [0]  # the characters that begin before each block
        for start in range(0, len(self.data), _BLOCK):
            self._before.append(self._before[-1] + _begun(self.data[start : start + _BLOCK]))

    def characters(self, place: int) -> int:
        """How many whole characters stand before this byte."""
        block = place // _BLOCK
        begun = self._before[block] + _begun(self.data[block * _BLOCK : place])
        inside = place < len(self.data) and self.data[place] & 0xC0 == 0x80
        return begun - 1 if inside else begun

    def find(self, words: bytes) -> int:
        """Where these words stand; -1 where they do not, or where too much was searched for already."""
        if self._searched > _PATIENCE:
            return -1
        at = self.data.find(words)
        self._searched += len(self.data) if at < 0 else at
        return at


def _begun(data: bytes) -> int:
    return len(data.translate(None, _INNER))


def _place(segment: dict[str, Any], said: _Said) -> tuple[int | None, int | None]:
    """Where a stretch stands, in characters; (None, None) where it says no end. The wire leaves out a start of 0."""
    start, end, words = segment.get("startIndex", 0), segment.get("endIndex"), segment.get("text")
    if type(start) is not int or type(end) is not int or not 0 <= start <= end:
        return None, None
    if isinstance(words, str) and words:
        data = words.encode("utf-8", "replace")
        if end - start != len(data) or not said.data.startswith(data, start):
            start = said.find(data)
            if start < 0:
                return None, None
            end = start + len(data)
    if end > len(said.data):
        return None, None
    return said.characters(start), said.characters(end)


def encode_sources(sources: list[Source], text: str) -> dict[str, Any]:
    """``groundingMetadata`` and ``citationMetadata`` of a candidate, those that there are."""
    chunks: list[dict[str, Any]] = []
    numbers: dict[bytes, int] = {}
    supports: list[dict[str, Any]] = []
    citations: list[dict[str, Any]] = []
    search: dict[str, Any] = {}
    for source in sources:
        held = own(source.opaque)
        search.update(held.get("search") or {})
        segment = _segment(source, text)
        if "citation" in held:
            place = {key: value for key, value in (segment or {}).items() if key != "text"}
            citations.append({**place, **_web(source.url, source.title)["web"], **held["citation"]})
            continue
        chunk = held.get("groundingChunk") or _web(source.url, source.title)
        if segment is None:
            chunks.append(chunk)
            continue
        key = msgspec.json.encode(chunk)
        if key not in numbers:
            numbers[key] = len(chunks)
            chunks.append(chunk)
        support: dict[str, Any] = {"segment": segment, "groundingChunkIndices": [numbers[key]]}
        if "confidenceScore" in held:
            support["confidenceScores"] = [held["confidenceScore"]]
        supports.append(support)
    said: dict[str, Any] = {}
    if chunks:
        said["groundingMetadata"] = {**search, "groundingChunks": chunks}
        if supports:
            said["groundingMetadata"]["groundingSupports"] = supports
    if citations:
        said["citationMetadata"] = {"citationSources": citations}
    return said


def _segment(source: Source, text: str) -> dict[str, Any] | None:
    start, end = source.start or 0, source.end
    if end is None or not 0 <= start <= end <= len(text):
        return None
    before, words = text[:start].encode("utf-8", "replace"), text[start:end]
    said: dict[str, Any] = {"startIndex": len(before)} if before else {}
    said["endIndex"] = len(before) + len(words.encode("utf-8", "replace"))
    said["text"] = words
    return said
