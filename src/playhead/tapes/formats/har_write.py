"""A tape as an HTTP archive (HAR 1.2), which browsers' network panels, proxies and load testers open.

Durations are milliseconds with their nanoseconds as a fraction, and come back as they were. ``timings.wait`` ends where
the first piece of a stream came, where the tape knows that (``Playhead-Chunks``, which stands among the headers, as on
the tape: a tape made of the archive has it again). When an exchange began is on no tape: it is taken from the answer's
``Date``, less its duration, and is the first second of 1970 where there is none.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Iterable
from typing import Any

import msgspec

from playhead import __version__
from playhead.tapes.formats.brought import Losses, Written
from playhead.tapes.formats.cassette_write import plain_text, reason, tell_rest
from playhead.tapes.interaction import Interaction, RecordedResponse
from playhead.wire import Headers, header

_NOWHEN = "1970-01-01T00:00:00.000Z"


def write_har(interactions: Iterable[Interaction]) -> Written:
    """The archive's file."""
    losses = Losses()
    entries = [_entry(one, losses) for one in interactions]
    creator = {"name": "playhead", "version": __version__}
    document = {"log": {"version": "1.2", "creator": creator, "pages": [], "entries": entries}}
    return Written(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n", losses.told())


def _entry(one: Interaction, losses: Losses) -> dict[str, Any]:
    request, response = one.request, one.response
    tell_rest(request, response, losses)
    time = response.nanoseconds / 1e6
    wait = _wait(response, time)
    kind = header(request.headers, "content-type") or ""
    asked: dict[str, Any] = {
        "method": plain_text(request.method),
        "url": plain_text(request.url),
        "httpVersion": _version(request.proto),
        "cookies": [],
        "headers": _headers(request.headers),
        "queryString": _query(request.url),
        "headersSize": -1,
        "bodySize": len(request.body),
    }
    if request.body:
        asked["postData"] = {"mimeType": plain_text(kind), **_content(request.body)}
    return {
        "startedDateTime": _started(response, losses),
        "time": time,
        "request": asked,
        "response": {
            "status": response.code,
            "statusText": reason(response),
            "httpVersion": _version(response.proto),
            "cookies": [],
            "headers": _headers(response.headers),
            "content": {
                "size": len(response.body),
                "mimeType": plain_text(header(response.headers, "content-type") or ""),
                **_content(response.body),
            },
            "redirectURL": plain_text(header(response.headers, "location") or ""),
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {"send": 0, "wait": wait, "receive": max(time - wait, 0.0)},
    }


def _content(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"text": b2a_base64(body, newline=False).decode(), "encoding": "base64"}


def _wait(response: RecordedResponse, time: float) -> float:
    """Milliseconds until the first piece; all of them where the pieces are not known."""
    first = (header(response.headers, "Playhead-Chunks") or "").partition(":")[0]
    return min(float(first), time) if first.isdecimal() and len(first) < 12 else time


def _started(response: RecordedResponse, losses: Losses) -> str:
    from datetime import UTC, timedelta
    from email.utils import parsedate_to_datetime

    try:
        ended = parsedate_to_datetime(header(response.headers, "date") or "")
        began = ended.astimezone(UTC) - timedelta(microseconds=response.nanoseconds // 1000)
        return began.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, TypeError, OverflowError, IndexError):
        losses.add("startedDateTime: no Date on the tape, the archive says 1970")
        return _NOWHEN


def _query(url: str) -> list[dict[str, str]]:
    from urllib.parse import parse_qsl

    query = plain_text(url).partition("#")[0].partition("?")[2]
    try:
        pairs = parse_qsl(query, keep_blank_values=True)
    except ValueError:
        pairs = []
    return [{"name": name, "value": value} for name, value in pairs]


def _headers(headers: Headers) -> list[dict[str, str]]:
    return [{"name": plain_text(name), "value": plain_text(value)} for name, value in headers]


def _version(proto: str) -> str:
    return {"HTTP/2.0": "HTTP/2", "HTTP/3.0": "HTTP/3"}.get(proto, plain_text(proto) or "HTTP/1.1")
