"""The texts in a body, found and put back without touching what stands between them.

Three layouts are known. In JSON (one document, or one a line) the texts are its strings, read without their escapes and
written with them again; a string that is JSON itself (the arguments of a call) is gone into. In a stream of
server-sent events they are the strings of each event's JSON, and those that hold an answer bit by bit are read joined:
a value may begin in one event and end some events later. Anything else that is UTF-8 is one text.

A stream's deltas are known without knowing its dialect: strings that stand at the same path of many events, under one
of the names that all of them use (:data:`GROWING`). Those of one ``type`` and ``index`` grow together. ::

    rewritten(b'{"a": "x@y.de"}', changes) -> [(b'{"a": ', …), (b'"x@y.de"', b'"REDACTED-EMAIL-1"'), (b'}', b'}')]

What comes back is the body in pieces, each with what stands in its place, so that whoever counted the old bytes (the
chunks of a recording) can count the new ones.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import msgspec

#: What is to change in a text: for each place its start, its end, and the words that stand there then; in order, and
#: none over another.
Changes: TypeAlias = Callable[[str], list[tuple[int, int, str]]]
#: A body: each piece as it was and as it is now.
Pieces: TypeAlias = list[tuple[bytes, bytes]]

#: The names under which streams hold an answer bit by bit.
GROWING = frozenset(
    """content text arguments partial_json thinking reasoning reasoning_content delta refusal input thought
    output_text summary""".split()  # noqa: SIM905 - it reads better as words
)
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NUMBER = re.compile(r"(?<![\w.+-])[0-9]{13,19}(?![\w.+-])")
#: How deep JSON in JSON in JSON is gone into.
_DEEP = 4


def is_stream(body: bytes) -> bool:
    """Whether it reads as server-sent events."""
    return re.match(rb"(?:\xef\xbb\xbf)?\s*(?:data|event|id|retry)?:", body) is not None


def changed(text: str, changes: Changes) -> str:
    """The text, with what is to change in it changed."""
    out, end = [], 0
    for start, stop, words in changes(text):
        out += [text[end:start], words]
        end = stop
    return "".join([*out, text[end:]]) if out else text


def rewritten(body: bytes, changes: Changes) -> Pieces | None:
    """The body with each of its texts changed; a bare number as long as a card's that is to change becomes 0. None
    where the body is no text."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    if is_stream(body):
        return _stream(text, changes)
    if text.lstrip()[:1] in ("{", "[", '"') and _is_json(text):
        return _strings(text, changes)
    return [(body, changed(text, changes).encode("utf-8", "replace"))]


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) < 2:
            return False
        try:
            for line in lines:
                msgspec.json.decode(line, type=msgspec.Raw)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return False
    return True


def _strings(text: str, changes: Changes, deep: int = 0) -> Pieces:
    def zero(found: re.Match[str]) -> str:
        return "0" if changes(found[0]) else found[0]

    pieces: Pieces = []
    end = 0
    for match in _STRING.finditer(text):
        between = text[end : match.start()]
        _keep(pieces, between, _NUMBER.sub(zero, between) if len(between) > 12 else between)
        _keep(pieces, match[0], _string(match[0], changes, deep))
        end = match.end()
    _keep(pieces, text[end:], _NUMBER.sub(zero, text[end:]))
    return pieces


def _keep(pieces: Pieces, old: str, new: str) -> None:
    if old or new:
        raw = old.encode()
        pieces.append((raw, raw if new == old else new.encode("utf-8", "replace")))


def _string(raw: str, changes: Changes, deep: int) -> str:
    """A JSON string, quotes and all, with its text changed."""
    text = _read(raw)
    if deep < _DEEP and text[:1] in ("{", "[") and '"' in text and _is_json(text):
        new = b"".join([new for _, new in _strings(text, changes, deep + 1)]).decode()
    else:
        new = changed(text, changes)
    return raw if new == text else written(new, raw)


def _read(raw: str) -> str:
    if "\\" not in raw:
        return raw[1:-1]
    try:
        return msgspec.json.decode(raw, type=str)
    except (msgspec.DecodeError, UnicodeEncodeError):
        pass
    import json

    try:  # half a character
        return str(json.loads(raw, strict=False))
    except ValueError:
        return raw[1:-1]


def written(text: str, like: str) -> str:
    """A text as a JSON string, its other characters escaped where they were."""
    import json

    return json.dumps(text, ensure_ascii=like.isascii())


class _Part:
    """A string of an event that grows with others: where its text begins in the joined one, and what it is now."""

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.start = start
        self.now = text


def _stream(text: str, changes: Changes) -> Pieces:
    lines = re.split(r"(\r\n|\n|\r)", text)
    grown: dict[Any, list[_Part]] = {}
    # By line its strings, those that grow with their part.
    found = [list(_event_strings(line, grown)) if line.startswith("data:") else [] for line in lines]
    for parts in grown.values():
        _change_joined(parts, changes)
    pieces: Pieces = []
    for line, strings in zip(lines, found, strict=True):
        if not line.startswith("data:"):
            _keep(pieces, line, changed(line, changes))
            continue
        if not strings:
            _keep(pieces, line, line[:5] + changed(line[5:], changes))
            continue
        out, end = [], 0
        for start, stop, part in strings:
            raw = line[start:stop]
            out.append(line[end:start])
            if part is None:
                out.append(_string(raw, changes, 0))
            else:
                out.append(raw if part.now == part.text else written(part.now, raw))
            end = stop
        _keep(pieces, line, "".join([*out, line[end:]]))
    return pieces


def _event_strings(line: str, grown: dict[Any, list[_Part]]) -> Iterator[tuple[int, int, _Part | None]]:
    data = line[5:]
    if not data.lstrip().startswith(("{", "[")):
        return
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return
    of = (value.get("type"), value.get("index"), value.get("item_id")) if isinstance(value, dict) else ()
    for path, is_key, start, stop in _places(data):
        part = None
        if not is_key and path and path[-1] in GROWING:
            others = grown.setdefault((path, str(of)), [])
            begin = others[-1].start + len(others[-1].text) if others else 0
            part = _Part(_read(data[start:stop]), begin)
            others.append(part)
        yield start + 5, stop + 5, part


def _places(text: str) -> Iterator[tuple[tuple[str, ...], bool, int, int]]:
    """The strings of a JSON text: the path of names that each is at, whether it is a name itself, and its place."""
    names: list[str | None] = []  # by depth: the name whose value comes next; None in a list
    objects: list[bool] = []
    awaits = False
    for match in _TOKEN.finditer(text):
        token = match[0]
        sign = token[0]
        if sign == "{":
            objects.append(True)
            names.append("")
            awaits = True
        elif sign == "[":
            objects.append(False)
            names.append(None)
            awaits = False
        elif sign in "}]":
            if objects:
                objects.pop()
                names.pop()
            awaits = False
        elif sign == ",":
            awaits = bool(objects) and objects[-1]
        elif sign == ":":
            awaits = False
        elif sign == '"':
            if awaits:
                names[-1] = _read(token)
            yield tuple(name for name in names if name is not None), awaits, match.start(), match.end()


def _change_joined(parts: list[_Part], changes: Changes) -> None:
    """Change the text that the parts are together; what stands for a value goes where the value begins."""
    starts = [part.start for part in parts]
    # From the last to the first, so that what was changed moves nothing that is still to be.
    for start, stop, words in reversed(changes("".join([part.text for part in parts]))):
        for at in range(bisect_right(starts, start) - 1, bisect_left(starts, stop)):
            part = parts[at]
            inside, beyond = max(start - part.start, 0), min(stop - part.start, len(part.text))
            if inside >= len(part.text):
                continue
            part.now = part.now[:inside] + (words if part.start <= start else "") + part.now[beyond:]
