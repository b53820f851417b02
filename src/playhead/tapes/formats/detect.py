"""Which format some bytes are in: by what they say, never by the name of their file.

Looking is cheap where the first lines say it, and reads the whole of a JSON document where they do not; what it finds
is only whose recording it is, and the format's own reader says what is wrong with it. A file that is gzip as a whole,
as LangChain's tests keep their cassettes, is what is in it (:func:`unpacked`).
"""

from __future__ import annotations

import re
from typing import Any

from playhead.errors import TapeFormatError
from playhead.tapes.formats.bodies import inflated
from playhead.tapes.formats.brought import Format
from playhead.tapes.formats.documents import load_json

_TOP = re.compile(
    rb"^(version|interactions|http_interactions|recorded_with|log|requests)\s*:[ \t]*([^\r\n]*)", re.MULTILINE
)
_RESPONSES = re.compile(rb"^responses\s*:", re.MULTILINE)
_ITEM = re.compile(rb"^[ ]*-[ ]+(?:request|response|recorded_at)\s*:", re.MULTILINE)
#: How many bytes of a YAML file are looked at: its keys may stand behind its interactions.
_ENDS = 65_536
#: The keys of which a line of a batch has one.
LINE_KEYS = ("custom_id", "messages", "prompt", "contents", "input")


def detect(data: bytes) -> Format | None:
    """The format; None where it is none that is known. Of an empty file "go-vcr": a tape that nothing stands on."""
    data = unpacked(data).removeprefix(b"\xef\xbb\xbf")
    start = data.lstrip()[:1]
    if not start:
        return "go-vcr"
    if start in b"{[":
        found = _json(data)
        if found is not None:
            return found
    return _yaml(data)


def unpacked(data: bytes) -> bytes:
    """A file that is gzip as a whole, undone; any other as it is, and one that cannot be undone."""
    if data[:3] != b"\x1f\x8b\x08":
        return data
    plain = inflated(data)
    return data if plain is None else plain


def _json(data: bytes) -> Format | None:
    first, _, rest = data.lstrip().partition(b"\n")
    if rest.strip():  # one object on the first line, and more behind it: lines
        try:
            value = load_json(first, None)
        except TapeFormatError:
            pass
        else:
            return "jsonl" if is_line(value) else None
    try:
        value = load_json(data, None)
    except TapeFormatError:
        return None
    return of_document(value)


def is_line(value: Any) -> bool:
    """Whether a line's value is a request, a prompt or a result."""
    return isinstance(value, dict) and any(key in value for key in LINE_KEYS)


def of_document(value: Any) -> Format | None:
    """The format of a whole document, as data."""
    if isinstance(value, list):
        return "vcrpy" if any(isinstance(item, dict) and "request" in item for item in value) else None
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("log"), dict) and "entries" in value["log"]:
        return "har"
    if "http_interactions" in value:
        return "vcr"
    if "interactions" not in value:
        return "vcrpy" if _is_halves(value) or _is_single(value) else "jsonl" if is_line(value) else None
    version = value.get("version")
    if str(version) == "2":
        return "go-vcr"
    items = value["interactions"]
    first = items[0] if isinstance(items, list) and items else None
    request = first.get("request") if isinstance(first, dict) else None
    if not isinstance(request, dict) or "url" not in request or "uri" in request:
        return "vcrpy"
    return "go-vcr-1" if str(version) == "1" else "go-vcr"


def _is_halves(value: dict[str, Any]) -> bool:
    """Requests in one list, and their answers in another: LangChain's serializer."""
    return isinstance(value.get("requests"), list) and isinstance(value.get("responses"), list)


def _is_single(value: dict[str, Any]) -> bool:
    """One exchange that is a file: Datadog's test agent. A line of a batch has another ``request``, or none."""
    request = value.get("request")
    return isinstance(request, dict) and isinstance(value.get("response"), dict) and bool({"url", "uri"} & set(request))


def _yaml(data: bytes) -> Format | None:
    ends = data if len(data) <= 2 * _ENDS else data[:_ENDS] + b"\n" + data[-_ENDS:]
    keys = {match[1]: match[2].strip(b"\"' ") for match in _TOP.finditer(ends)}
    if b"http_interactions" in keys:
        return "vcr"
    if b"interactions" in keys:
        if keys.get(b"version", b"").partition(b" ")[0] == b"2":
            return "go-vcr"
        if not _of_go(ends):
            return "vcrpy"
        return "go-vcr-1" if keys.get(b"version", b"").partition(b" ")[0] == b"1" else "go-vcr"
    if keys.get(b"version", b"").partition(b" ")[0] == b"2":
        return "go-vcr"
    if keys.keys() <= {b"requests", b"version"} and b"requests" in keys and _RESPONSES.search(data):
        return "vcrpy"
    return "vcrpy" if _ITEM.search(ends) and not keys else None


def _of_go(text: bytes) -> bool:
    """Whether the first request says where it goes in go-vcr's word, and not in vcrpy's."""
    request = re.search(rb"\n[ ]*(?:-[ ]+)?request[ ]*:", text)
    if request is None:
        return False
    response = re.compile(rb"\n[ ]*(?:-[ ]+)?response[ ]*:").search(text, request.end())
    fields = text[request.end() : response.start() if response is not None else len(text)]
    return re.search(rb"\n[ ]+url[ ]*:", fields) is not None and re.search(rb"\n[ ]+uri[ ]*:", fields) is None
