"""Secrets and personal data: found by what they look like, and gone from a tape that still matches itself."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given, settings, strategies as st

from playhead.tapes.interaction import Interaction, interaction
from playhead.tapes.scrub.kinds import OPTIONAL, PERSONAL, SECRETS, Finder
from playhead.tapes.scrub.scrubber import Scrubber, recounted
from playhead.tapes.scrub.texts import rewritten
from playhead.wire import Headers, HTTPRequest, header

KEY = "sk-proj-a1B2c3D4e5F6g7H8i9J0k1L2m3"
MAIL = "Ada.Lovelace@engine.co.uk"


def exchange(
    id: int = 0,
    request: bytes = b"",
    response: bytes = b"",
    url: str = "https://a/v1",
    asked: Headers = (),
    answered: Headers = (),
) -> Interaction:
    """An interaction that holds these."""
    return interaction(
        id,
        HTTPRequest("POST", url, asked, request),
        status=200,
        reason="",
        proto="HTTP/1.1",
        headers=answered,
        body=response,
        nanoseconds=1,
    )


def scrub(*items: Interaction, finder: Finder | None = None) -> list[Interaction]:
    """The interactions without what is found in them."""
    scrubber = Scrubber(finder or Finder())
    scrubber.find(items)
    return scrubber.scrub(items)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("api-key", KEY),
        ("api-key", "sk-ant-api03-Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2"),
        ("api-key", "AIzaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q"),
        ("api-key", "gsk_a1B2c3D4e5F6g7H8i9J0k1"),
        ("api-key", "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"),
        ("aws-key", "AKIAQ2W3E4R5T6Y7U2I3"),
        ("jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1g"),
        ("private-key", "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA1234567890\n-----END RSA PRIVATE KEY-----"),
        ("email", MAIL),
        ("phone", "+49 30 901820"),
        ("phone", "(415) 867-5309"),
        ("card", "4111 1111 1111 1111"),
        ("iban", "DE89 3704 0044 0532 0130 00"),
        ("ip", "8.8.8.8"),
        ("ip", "2001:4860:4860::8888"),
    ],
)
def test_a_value_is_found_in_a_sentence_and_gone_after(kind: str, value: str) -> None:
    """In a prompt of JSON, whatever stands around it; the rest of the body is the same bytes."""
    finder = Finder((*SECRETS, *PERSONAL, *OPTIONAL))
    body = json.dumps({"messages": [{"content": f"it is\n{value}, or so"}], "n": 1.50}).encode()
    one = exchange(request=body)
    found = Scrubber(finder).find([one])
    assert [(find.kind, find.place, find.count) for find in found] == [(kind, "request.body", 1)]
    assert found[0].digest == hashlib.sha256(value.encode()).hexdigest()[:12]
    (after,) = scrub(one, finder=finder)
    assert (
        after.request.body
        == json.dumps({"messages": [{"content": f"it is\nREDACTED-{kind.upper()}-1, or so"}], "n": 1.50}).encode()
    )
    assert Scrubber(finder).find([after]) == []


@pytest.mark.parametrize(
    "text",
    [
        *("sk-xxxxxxxxxxxxxxxxxxxxxxxx", "sk-your-api-key-goes-here-please", "Bearer <token>", "AKIAIOSFODNN7EXAMPLE"),
        *("ada@example.com", "a@b", "1234 5678 9012 3456", "4111111111111112", "2024-01-15 12:30:00", "DE00 1234 5678"),
        *(
            "call_a1B2c3D4e5F6g7H8i9J0k1L2",
            "chatcmpl-AbCdEf1234567890AbCdEf",
            "version 10.0.0.1",
            "toolu_01A09q90qw90lq917",
        ),
        *("https://host:8080/a@b", "1732000000123456", "msg_0123456789abcdef", "rated 555-1234"),
    ],
)
def test_what_only_looks_like_one_is_left(text: str) -> None:
    """Placeholders, examples, ids, dates, ports, numbers that are no card's."""
    assert list(Finder().find(f"it is {text} here")) == []


def test_the_same_value_is_the_same_words_everywhere() -> None:
    """What the model was told, what it says, what is asked next: JSON in JSON, in a URL, in a header, on all tapes."""
    call = json.dumps({"arguments": json.dumps({"to": MAIL, "q": 'a "b"'})}).encode()
    items = [
        exchange(0, json.dumps({"content": f"write to {MAIL}"}).encode(), call),
        exchange(1, call, b"ok", f"https://a/v1?to={MAIL.replace('@', '%40')}", answered=(("X-Request-Id", MAIL),)),
    ]
    first, second = scrub(*items)
    assert json.loads(first.request.body) == {"content": "write to REDACTED-EMAIL-1"}
    assert json.loads(json.loads(first.response.body)["arguments"]) == {"to": "REDACTED-EMAIL-1", "q": 'a "b"'}
    assert second.request.body == first.response.body
    assert second.request.url == "https://a/v1?to=REDACTED-EMAIL-1"
    assert header(second.response.headers, "x-request-id") == "REDACTED-EMAIL-1"


def test_credentials_in_headers_and_urls_are_found_by_their_place() -> None:
    """And then wherever else they stand, bare."""
    asked = (("Authorization", "Bearer hunter2hunter2"), ("Cookie", "sid=12345678"))
    one = exchange(0, b'{"a": "hunter2hunter2"}', b"", "https://me:pass@a/v1?api_key=topsecret1&q=pass", asked)
    (after,) = scrub(one)
    assert after.request.body == b'{"a": "REDACTED-BEARER-1"}'
    assert header(after.request.headers, "authorization") == "Bearer REDACTED-BEARER-1"
    assert header(after.request.headers, "cookie") == "REDACTED-COOKIE-1"
    assert after.request.url == "https://REDACTED-PASSWORD-1@a/v1?api_key=REDACTED-PASSWORD-2&q=pass"


def stream(*deltas: str) -> bytes:
    """A stream that says these, one event each."""
    events = [{"choices": [{"index": 0, "delta": {"content": delta}}]} for delta in deltas]
    return b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events) + b"data: [DONE]\n\n"


def said(body: bytes) -> list[str]:
    """The deltas of a stream."""
    events = [line[6:] for line in body.split(b"\n\n") if line.startswith(b"data: {")]
    return [json.loads(event)["choices"][0]["delta"]["content"] for event in events]


def test_a_value_that_a_stream_says_in_pieces_is_found_and_replaced() -> None:
    """Its words stand where it began, and the chunks of the recording are counted anew."""
    body = stream("Mail A", "da.Lovelace@", "engine", ".co.uk", " now, or Ada.Lovelace@engine.co.uk")
    sizes = [len(part) + 2 for part in body.split(b"\n\n")[:-1]]
    rhythm = " ".join(f"{10 * at}:{size}" for at, size in enumerate(sizes))
    one = exchange(0, b"", body, answered=(("Content-Type", "text/event-stream"), ("Playhead-Chunks", rhythm)))
    (after,) = scrub(one)
    assert said(after.response.body) == ["Mail REDACTED-EMAIL-1", "", "", "", " now, or REDACTED-EMAIL-1"]
    counted = (header(after.response.headers, "playhead-chunks") or "").split()
    assert [int(word.partition(":")[2]) for word in counted] == [
        len(part) + 2 for part in after.response.body.split(b"\n\n")[:-1]
    ]
    assert [word.partition(":")[0] for word in counted] == ["0", "10", "20", "30", "40", "50"]


@given(st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=6), st.text("ab", min_size=2, max_size=4))
@settings(deadline=None, max_examples=100)
def test_a_stream_without_a_word_says_the_rest(deltas: list[str], word: str) -> None:
    """However it was cut: what was said, joined, is what was said with the word replaced."""
    (after,) = scrub(exchange(0, b"", stream(*deltas)), finder=Finder((), [word]))
    assert "".join(said(after.response.body)) == "".join(deltas).replace(word, "REDACTED-WORD-1")
    assert len(said(after.response.body)) == len(deltas)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@settings(deadline=None, max_examples=200)
def test_a_body_in_which_nothing_changes_is_the_same_bytes(body: bytes) -> None:
    """Of any bytes; None where they are no text."""
    for data in (body, b"data: " + body, b'{"a": "' + body, json.dumps(body.decode("latin-1")).encode()):
        pieces = rewritten(data, lambda text: [])
        if pieces is not None:
            assert b"".join([old for old, _ in pieces]) == b"".join([new for _, new in pieces]) == data


def test_what_is_no_text_is_left_and_told() -> None:
    """An AWS event stream has a checksum over each message."""
    one = exchange(0, b"", b"\x00\xff" + MAIL.encode() + b"\x00")
    scrubber = Scrubber(Finder())
    (found,) = scrubber.find([one])
    assert (found.kind, found.left) == ("email", True)
    assert scrubber.scrub([one]) == [one]


def test_words_patterns_and_what_is_allowed() -> None:
    """Named values go, allowed ones stay, kinds that are not looked for stay."""
    one = exchange(0, json.dumps({"a": f"Florence, order 12-345, {MAIL}"}).encode())
    (after,) = scrub(one, finder=Finder((), ["Florence"], [r"order ([0-9-]+)"]))
    assert json.loads(after.request.body) == {"a": f"REDACTED-WORD-1, order REDACTED-PATTERN-1, {MAIL}"}
    digest = hashlib.sha256(MAIL.encode()).hexdigest()
    assert Scrubber(Finder(), [digest[:8]]).find([one]) == []


def test_a_second_scrub_takes_no_number_again() -> None:
    """So two values are never one."""
    (first,) = scrub(exchange(0, json.dumps({"a": MAIL}).encode()))
    added = exchange(1, json.dumps({"a": "other@engine.co.uk"}).encode())
    _, second = scrub(first, added)
    assert json.loads(second.request.body) == {"a": "REDACTED-EMAIL-2"}


def test_a_card_as_a_bare_number_leaves_json_whole() -> None:
    """It becomes 0; lengths that are known are mended."""
    body = b'{"card": 4111111111111111, "id": 4111111111111112}'
    (after,) = scrub(exchange(0, body, asked=(("Content-Length", str(len(body))),)))
    assert after.request.body == b'{"card": 0, "id": 4111111111111112}'
    assert after.request.content_length == len(after.request.body)
    assert header(after.request.headers, "content-length") == str(len(after.request.body))


def test_chunks_that_end_within_what_has_changed_end_within_it() -> None:
    """No byte is lost, whatever was cut where."""
    pieces = [(b"ab", b"ab"), (b"secret", b"X"), (b"cd", b"cd")]
    assert recounted("1:4 2:3 3:3", pieces) == "1:3 2:0 3:2"
    assert recounted("edited", pieces) == "edited"
