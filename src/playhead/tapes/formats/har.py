"""HTTP archives (HAR 1.2), as browsers, proxies and testing tools write them, to interactions.

The format is a JSON object, ``{"log": {"entries": [{"request", "response", "time", …}]}}``; times are milliseconds
with a fraction, bodies are text or base64 (http://www.softwareishard.com/blog/har-12-spec/). What its writers do beside
the specification, and what is made of it:

- a byte order mark; control characters and halves of characters in text: read.
- pseudo headers of HTTP/2 (``:method``): left out, the method and the URL say them.
- status 0, where the browser got no answer: there was no exchange; left out and told.
- a body that was not saved though its size is known (streams, in browsers): the tape has none, which is told.
- ``postData`` with ``params`` and no text: a form, encoded again. With ``encoding: base64`` (HAR 1.3): bytes.
- a content that is still compressed, in base64: undone, as that of other formats.

Cookies, query strings, timings and pages say again what the headers, the URL and the time say, or have no place on a
tape; those that hold something are told.
"""

from __future__ import annotations

from binascii import Error as Base64Error, a2b_base64
from typing import Any

from playhead.errors import TapeFormatError
from playhead.surrogates import joined
from playhead.tapes.formats.bodies import json_bytes, number, text_bytes, undone
from playhead.tapes.formats.brought import Brought, Losses
from playhead.tapes.formats.documents import load_json
from playhead.tapes.interaction import Interaction, interaction
from playhead.wire import Headers, HTTPRequest

_SAID_ELSEWHERE = {"headersSize", "bodySize", "queryString", "redirectURL", "cookies"}
_ENTRY = {"request", "response", "time", "startedDateTime", "timings", "cache"}
_REQUEST = {"method", "url", "httpVersion", "headers", "postData"} | _SAID_ELSEWHERE
_RESPONSE = {"status", "statusText", "httpVersion", "headers", "content"} | _SAID_ELSEWHERE
_CONTENT = {"size", "compression", "mimeType", "text", "encoding"}
_FORM = "application/x-www-form-urlencoded"
#: The longest time that is believed, in milliseconds: that of ten thousand days.
_LONGEST = 864_000_000_000.0


def read_har(data: bytes, path: str | None = None) -> Brought:
    """The exchanges of an archive.

    Raises:
        TapeFormatError: it is none.
    """
    document = load_json(data, path)
    log = document.get("log") if isinstance(document, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(log, dict) or not isinstance(entries, list):
        raise TapeFormatError("expected an HTTP archive: a JSON object with `log.entries`, a list", path=path)
    losses = Losses()
    made: list[Interaction] = []
    for at, entry in enumerate(entries):
        request = entry.get("request") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(request, dict):
            raise TapeFormatError(f"log.entries[{at}]: expected an object with `request`", path=path)
        response = entry.get("response")
        if not isinstance(response, dict) or not _answered(response):
            losses.add("an entry without an answer (left out)")
            continue
        made.append(_interaction(len(made), at, entry, request, response, losses, path))
    _tell_rest("log", log, {"version", "creator", "browser", "entries"}, losses)
    return Brought("har", tuple(made), losses.told())


def _answered(response: dict[str, Any]) -> bool:
    """Whether there was an answer: a browser's status 0 is none, one of a tape's, with headers, is."""
    return bool(number(response.get("status"))) or bool(_headers(response.get("headers")))


def _interaction(
    id: int,
    at: int,
    entry: dict[str, Any],
    request: dict[str, Any],
    response: dict[str, Any],
    losses: Losses,
    path: str | None,
) -> Interaction:
    where = f"log.entries[{at}]"
    headers = _headers(response.get("headers"))
    content = response.get("content")
    body = b""
    if isinstance(content, dict):
        body = _text_of(content, f"{where}.response.content", losses, path)
        if not body and (number(content.get("size")) or 0) > 0:
            losses.add("an answer whose body was not saved: the tape has none")
        _tell_rest("response.content", content, _CONTENT, losses)
    body, headers, uncompressed = undone(body, headers, losses)
    _tell_rest("entries[]", entry, _ENTRY, losses)
    _tell_rest("request", request, _REQUEST, losses)
    _tell_rest("response", response, _RESPONSE, losses)
    if not any(name.lower() == "date" for name, _ in headers) and entry.get("startedDateTime"):
        losses.add("entries[].startedDateTime: a tape has no place for it where the answer has no Date")
    http = HTTPRequest(
        _text(request.get("method")).upper() or "GET",
        _text(request.get("url")),
        _headers(request.get("headers")),
        _posted(request.get("postData"), f"{where}.request.postData", losses, path),
    )
    return interaction(
        id,
        http,
        status=number(response.get("status")) or 0,
        reason=_text(response.get("statusText")),
        proto=_proto(response.get("httpVersion")),
        headers=headers,
        body=body,
        nanoseconds=_nanoseconds(entry, losses),
        uncompressed=uncompressed,
    )


def _text_of(holder: dict[str, Any], where: str, losses: Losses, path: str | None) -> bytes:
    text = holder.get("text")
    if text is None:
        return b""
    if not isinstance(text, str):
        losses.add(f"{where.rpartition('].')[2]}.text: parsed data, written as JSON anew")
        return json_bytes(text, path)
    if _text(holder.get("encoding")).lower() != "base64":
        return text_bytes(text, losses)
    raw = "".join(text.split()).encode("ascii", "replace").rstrip(b"=")
    try:  # some leave the padding out
        return a2b_base64(raw + b"=" * (-len(raw) % 4))
    except Base64Error:
        raise TapeFormatError(f"{where}.text: expected base64", path=path) from None


def _posted(post: Any, where: str, losses: Losses, path: str | None) -> bytes:
    if not isinstance(post, dict):
        return b""
    body = _text_of(post, where, losses, path)
    params = post.get("params")
    if body or not isinstance(params, list) or not params:
        return body
    if not _text(post.get("mimeType")).startswith(_FORM):
        losses.add("request.postData.params: a form whose bytes were not saved")
        return b""
    from urllib.parse import quote_plus

    pairs = [(_text(one.get("name")), _text(one.get("value"))) for one in params if isinstance(one, dict)]
    losses.add("request.postData.params: a form, encoded anew")
    # Chrome has names and values as they were sent, the specification as they are meant.
    encoded = [(name, value) if "%" in name + value else (quote_plus(name), quote_plus(value)) for name, value in pairs]
    return "&".join(f"{name}={value}" for name, value in encoded).encode("utf-8", "replace")


def _headers(said: Any) -> Headers:
    """Name and value of each, pseudo headers left out."""
    found: list[tuple[str, str]] = []
    for one in said if isinstance(said, list) else ():
        if isinstance(one, dict) and (name := _text(one.get("name"))) and not name.startswith(":"):
            # Chrome writes a header that came more than once with line breaks between its values.
            found += [(name, value) for value in _text(one.get("value")).split("\n")]
    return tuple(found)


def _nanoseconds(entry: dict[str, Any], losses: Losses) -> int:
    time = entry.get("time")
    if not isinstance(time, (int, float)) or isinstance(time, bool) or not 0 <= time <= _LONGEST:
        if time is not None:
            losses.add("an entry whose time is none: the tape says 0s")
        return 0
    return round(time * 1e6)


def _proto(said: Any) -> str:
    word = _text(said).lower().removeprefix("http/")
    versions = {"2": "HTTP/2.0", "h2": "HTTP/2.0", "2.0": "HTTP/2.0", "3": "HTTP/3.0", "h3": "HTTP/3.0"}
    return versions.get(word, "HTTP/1.0" if word == "1.0" else "HTTP/1.1")


def _text(value: Any) -> str:
    return joined(value) if isinstance(value, str) else "" if value is None else _scalar(value)


def _scalar(value: Any) -> str:
    return str(value) if isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < 1 << 62) else ""


def _tell_rest(place: str, holder: dict[str, Any], known: set[str], losses: Losses) -> None:
    for name, value in holder.items():
        if name not in known and value not in (None, "", [], {}):
            losses.add(f"{place}.{joined(name)[:80]}: a tape has no place for it")
