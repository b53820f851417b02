"""What holds for any bytes: a reader gives interactions or says what is wrong, and what two formats hold survives."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st

from playhead.errors import TapeFormatError
from playhead.tapes import Tape
from playhead.tapes.formats import as_tape, read, write
from playhead.tapes.formats.brought import Brought, Format, cleaned
from playhead.tapes.interaction import Interaction, interaction
from playhead.wire import HTTPRequest

FORMATS: tuple[Format, ...] = ("vcrpy", "vcr", "go-vcr-1", "har", "jsonl")
LAWS = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])

#: Pieces that the formats are made of, so that chance comes further than the first byte.
PIECES = st.sampled_from(
    [
        b"interactions:",
        b"\n",
        b"- ",
        b"  ",
        b"request:",
        b"response:",
        b"body:",
        b"string:",
        b"headers:",
        b"method: GET",
        b"uri: http://a/",
        b"status: {code: 200}",
        b"!!binary ",
        b"!!python/tuple ",
        b"aGk=",
        b"&a ",
        b"*a",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b'"',
        b"'",
        b"|",
        b"null",
        b"\xff",
        b"\\uD800",
        b"\t",
        b"? ",
        b": ",
        b"parsed_body:",
        b"1e999",
        b'{"log": {"entries": [',
        b'{"request": {}, "response": {}}',
        b"<<: ",
        b'{"custom_id": "a", "body": {}}',
        b"\x00",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["gzip", "base64"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    [
        "method",
        "uri",
        "url",
        "body",
        "headers",
        "status",
        "code",
        "string",
        "base64_string",
        "encoding",
        "parsed_body",
        "content",
        "text",
        "postData",
        "params",
        "httpVersion",
        "duration",
        "_store",
        "state",
        "args",
        "host",
        "port",
    ]
)
HOLDER = st.dictionaries(KEYS, JSON | st.dictionaries(KEYS, JSON, max_size=3), max_size=6)


def held(data: bytes, format: Format | None) -> None:
    """Reading gives a recording, which can be shown and written in every format; or it says what is wrong."""
    try:
        brought = read(data, "x.yaml", format)
    except TapeFormatError:
        return
    kept, _ = cleaned(brought.interactions)
    for target in ("go-vcr", "vcrpy", "har", "jsonl"):
        written = write(Brought(brought.format, kept, (), brought.asks), target)
        if target != "jsonl":
            # In an archive, status 0 says that there was no answer.
            there = [one for one in kept if target != "har" or one.response.code or one.response.headers]
            assert len(read(written.data).interactions) == len(there)


@given(st.lists(PIECES | st.binary(max_size=4), max_size=40).map(b"".join), st.sampled_from((None, *FORMATS)))
@LAWS
def test_any_bytes_are_read_or_refused(data: bytes, format: Format | None) -> None:
    """With no other error than a TapeFormatError."""
    held(data, format)


@given(HOLDER, HOLDER)
@LAWS
def test_any_fields_are_read_or_refused(request: dict[str, Any], response: dict[str, Any]) -> None:
    """Whatever stands in the place of a body, a header or a status, in a cassette and in an archive."""
    item = {"request": request, "response": response}
    held(json.dumps({"interactions": [item]}).encode(), "vcrpy")
    held(json.dumps([item]).encode(), "vcrpy")
    held(json.dumps({"log": {"entries": [item]}}).encode(), "har")
    held(json.dumps({"custom_id": "a", "body": request, "response": response}).encode(), "jsonl")


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
NAMES = st.sampled_from(["Content-Type", "Date", "X-Request-Id", "Accept"])


@st.composite
def interactions(draw: st.DrawFn) -> list[Interaction]:
    """Interactions as playhead records them, of what all formats hold."""
    return [
        interaction(
            id,
            HTTPRequest(
                draw(st.sampled_from(["POST", "GET", "CALL"])),
                "https://a/" + draw(st.text("abc/?=&%20", max_size=9)),
                tuple(sorted((name, draw(TEXT)) for name in draw(st.sets(NAMES)))),
                draw(st.binary(max_size=30) | TEXT.map(str.encode)),
            ),
            status=draw(st.sampled_from([200, 404, 429])),
            reason=draw(st.text("abc d", max_size=5).map(str.strip)),
            proto=draw(st.sampled_from(["HTTP/1.1", "HTTP/2.0"])),
            headers=tuple(sorted((name, draw(TEXT)) for name in draw(st.sets(NAMES)))),
            body=draw(st.binary(max_size=30) | TEXT.map(str.encode)),
            nanoseconds=draw(st.integers(0, 10**15)),
        )
        for id in range(draw(st.integers(0, 3)))
    ]


@given(interactions())
@LAWS
def test_there_and_back_keeps_what_both_formats_hold(items: list[Interaction]) -> None:
    """All of it in an archive; in a cassette all but durations and the protocol."""
    brought = Brought("go-vcr", tuple(items))
    assert read(write(brought, "har").data, format="har").interactions == tuple(items)
    assert list(Tape.loads(as_tape(brought).dumps()).interactions) == items
    for json_too in (False, True):
        if json_too and not all(is_text(one.request.body) and is_text(one.response.body) for one in items):
            continue
        again = read(write(brought, "vcrpy", json=json_too).data, format="vcrpy").interactions
        assert [said(one) for one in again] == [said(one) for one in items]


def is_text(body: bytes) -> bool:
    """Whether the bytes are UTF-8."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def said(one: Interaction) -> tuple[object, ...]:
    """What a cassette holds of an interaction."""
    asked, answered = one.request, one.response
    return (
        (asked.method, asked.url, asked.headers, asked.body),
        (answered.code, answered.status, answered.headers, answered.body),
    )
