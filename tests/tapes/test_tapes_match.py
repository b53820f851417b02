"""Which interaction answers which request, what a miss says, and what never reaches a tape."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from playhead.errors import TapeMissError
from playhead.tapes.canonical import canonical_body
from playhead.tapes.diff import first_difference
from playhead.tapes.interaction import interaction
from playhead.tapes.redact import Redactor
from playhead.tapes.session import open_session
from playhead.tapes.tape import Tape
from playhead.wire import HTTPRequest

URL = "https://example.org/chat"


def asked(body: bytes | object, url: str = URL, method: str = "POST") -> HTTPRequest:
    return HTTPRequest(method, url, (), body if isinstance(body, bytes) else json.dumps(body).encode())


def tape_of(*requests: HTTPRequest) -> Tape:
    return Tape(
        interaction(at, request, status=200, reason="", proto="HTTP/1.1", headers=(), body=b"{}", nanoseconds=0)
        for at, request in enumerate(requests)
    )


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def shuffled(value: object) -> object:
    if isinstance(value, dict):
        return {key: shuffled(item) for key, item in reversed(value.items())}
    if isinstance(value, list):
        return [shuffled(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


@settings(deadline=None, max_examples=200)
@given(json_values)
def test_json_is_equal_whatever_its_order_spaces_escapes_and_numbers(value: object) -> None:
    a = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    b = json.dumps(shuffled(value), indent=3).encode()
    assert canonical_body(a) == canonical_body(b)
    assert first_difference(a, b) is None


@settings(deadline=None, max_examples=200)
@given(json_values, json_values)
def test_a_difference_is_found_exactly_where_there_is_one(one: object, other: object) -> None:
    a, b = json.dumps(one).encode(), json.dumps(other).encode()
    assert (first_difference(a, b) is None) == (canonical_body(a) == canonical_body(b))


def test_equal_requests_are_answered_in_the_order_recorded() -> None:
    tape = tape_of(asked({"a": 1, "b": 2}), asked(b'{ "b": 2.0, "a": 1 }'), asked({"a": 1}), asked({"a": 1, "b": 2}))
    with open_session(tape, "replay") as session:
        ids = [session.play(asked(body)).id for body in (b'{"b":2,"a":1}',) * 3]  # type: ignore[union-attr]
    assert ids == [0, 1, 3]


def test_method_url_and_body_all_count() -> None:
    tape = tape_of(asked(b"x"), asked(b"x", method="PUT"), asked(b"x", url=f"{URL}/2"), asked(b"y"), asked(b""))
    with open_session(tape, "replay") as session:
        for request, id in ((asked(b""), 4), (asked(b"y"), 3), (asked(b"x", f"{URL}/2"), 2), (asked(b"x"), 0)):
            found = session.play(request)
            assert found is not None
            assert found.id == id
        with pytest.raises(TapeMissError):
            session.play(asked(b"X"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({"m": [1, {"c": "40 C"}]}, {"m": [1, {"c": "41 C"}]}, 'm[1].c: "40 C" on the tape, "41 C" asked'),
        ({"m": [1]}, {"m": [1, {"role": "user"}]}, 'm[1]: not on the tape, {"role":"user"} asked'),
        ({"m": [1, 2]}, {"m": [1]}, "m[1]: 2 on the tape, not asked"),
        ({"a": 1, "b": 2}, {"b": 2}, "a: 1 on the tape, not asked"),
        ({"b": 2}, {"b": 2, "x-y": None}, '["x-y"]: not on the tape, null asked'),
        ({"a": 1}, {"a": True}, "a: 1 on the tape, true asked"),
        ({"a": 1}, {"a": "1"}, 'a: 1 on the tape, "1" asked'),
        ([1], {"a": 1}, 'body: [1] on the tape, {"a":1} asked'),
        (b"abc", b"abd", 'body: "abc" on the tape, "abd" asked'),
        ({"a": 1}, b"", 'body: "{\\"a\\": 1}" on the tape, "" asked'),
        ({"a": 1}, {"a": 1.0}, None),
    ],
)  # fmt: skip
def test_the_first_difference(old: object, new: object, said: str | None) -> None:
    assert first_difference(asked(old).body, asked(new).body) == said


def test_bodies_nested_without_measure_are_compared_as_bytes() -> None:
    deep = b"[" * 990 + b"]" * 990
    tape = tape_of(asked(deep))
    with open_session(tape, "replay") as session:
        with pytest.raises(TapeMissError, match="body"):
            session.play(asked(deep.replace(b"[]", b"[1]")))
        assert session.play(asked(deep)) is not None


def test_a_long_text_is_shortened_around_the_difference() -> None:
    said = first_difference(
        asked({"t": "a" * 5000 + "é-b" + "c" * 5000}).body, asked({"t": "a" * 5000 + "é-x" + "c" * 9}).body
    )
    assert said is not None
    assert len(said) < 350
    assert '"…' in said
    assert "é-b" in said
    assert "é-x" in said


def conversation(*turns: str, model: str = "m") -> HTTPRequest:
    return asked({"model": model, "messages": [{"role": "user", "content": turn} for turn in turns]})


def test_a_miss_names_the_nearest_and_where_the_conversation_parts() -> None:
    tape = tape_of(
        conversation("hello"),
        conversation("a", "b"),
        conversation("a", "b", "c", "40 C"),
        conversation("a", "x", "y", "z"),
    )
    with open_session(tape, "replay") as session:
        session.play(conversation("hello"))
        with pytest.raises(TapeMissError) as caught:
            session.play(conversation("a", "b", "c", "41 C"))
        assert str(caught.value) == (
            "the tape has no answer for POST https://example.org/chat: nearest is interaction 2 (not played yet), "
            'which differs first at messages[3].content: "40 C" on the tape, "41 C" asked.'
        )
        with pytest.raises(TapeMissError, match="the same request was recorded once, and that was played"):
            session.play(conversation("hello"))
        with pytest.raises(TapeMissError, match=r"nearest is interaction \d .*, POST https://example.org/chat"):
            session.play(HTTPRequest("GET", "https://elsewhere.org/", (), b""))
    with open_session(Tape(), "replay") as session, pytest.raises(TapeMissError, match="it is empty"):
        session.play(asked(b""))


def test_a_miss_on_a_long_tape_is_told_quickly() -> None:
    turns = [f"turn {at} " + "word " * 20 for at in range(60)]
    tape = tape_of(*(conversation(*turns[: at % 60], str(at)) for at in range(3000)))
    with open_session(tape, "replay") as session:
        session.play(conversation("0"))
        begun = time.process_time()
        with pytest.raises(TapeMissError, match=r"messages\[\d+\].content"):
            session.play(conversation(*turns[:50], "other"))
        assert time.process_time() - begun < 3


def test_the_last_of_many_costs_what_the_first_does(seed: Path) -> None:
    items = Tape.load(seed).interactions
    many = Tape(msgspec.structs.replace(items[at % 12], id=at) for at in range(3000))
    asked_for = [HTTPRequest("POST", item.request.url, (), item.request.body) for item in items[:12]]
    with open_session(many, "replay") as session:
        session.play(asked_for[0])
        begun = time.process_time()
        for at in range(1, 3000):
            found = session.play(asked_for[at % 12])
            assert found is not None
        assert (time.process_time() - begun) / 3000 < 100e-6
        assert session.unplayed == ()


SECRET = 'sk-or-"v1"/é+abcdef0123456789&<x>'


def test_no_form_of_a_secret_reaches_the_tape(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    forms = [
        SECRET,
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        quote(SECRET),
        quote(SECRET, safe=""),
        *(base64.b64encode(b"x" * at + SECRET.encode() + b"tail").decode() for at in range(6)),
        *(base64.urlsafe_b64encode(b"y" * at + SECRET.encode()).decode() for at in range(6)),
    ]
    body = json.dumps({"note": "before"}).encode() + b"\n".join(form.encode() for form in forms)
    with open_session(path, "record", secrets=["short", SECRET]) as session:
        made = session.record(
            HTTPRequest(
                "POST",
                f"https://user:pass@example.org/{quote(SECRET, safe='')}?alt=sse&key=AIza123&X-Amz-Signature=abc#f",
                (("Authorization", "Bearer x"), ("X-Api-Key", "k"), ("Cookie", "c"), ("User-Agent", f"a {SECRET}"),
                 ("Accept", "*/*"), ("content-type", "text/plain"), ("Playhead-Step", "1")),
                body,
            ),
            status=429, reason="Too Many Requests", proto="HTTP/2.0",
            headers=(("Set-Cookie", "c"), ("retry-after-ms", "20"), ("x-ratelimit-limit", "5"), ("Server", "x"),
                     ("X-Request-Id", f"id-{SECRET}"), ("anthropic-ratelimit-tokens", "1")),
            body=body + b" short", nanoseconds=1,
        )  # fmt: skip
    written = path.read_bytes()
    assert written.count(b"REDACTED") > 2 * len(forms)
    for word in ("AIza123", "abcdef0123456789", "user:pass", "Bearer", "Cookie", "Api-Key", "Server"):
        assert word.encode() not in written
    assert base64.b64encode(SECRET.encode())[4:-4] not in written
    assert made.request.url == ("https://REDACTED@example.org/REDACTED?alt=sse&key=REDACTED&X-Amz-Signature=REDACTED#f")
    assert made.request.content_length == len(made.request.body)
    assert [name for name, _ in made.request.headers] == ["Accept", "Content-Type", "Playhead-Step", "User-Agent"]
    assert [name for name, _ in made.response.headers] == [
        "Anthropic-Ratelimit-Tokens", "Retry-After-Ms", "X-Ratelimit-Limit", "X-Request-Id",
    ]  # fmt: skip
    assert made.response.body.endswith(b" short")
    assert made.response.status == "429 Too Many Requests"


def test_a_request_with_a_key_matches_its_recording_without(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"

    def request(key: str) -> HTTPRequest:
        return HTTPRequest("POST", f"https://example.org/m?key={key}", (), json.dumps({"token": key}).encode())

    with open_session(path, "record", secrets=["first-key-1234"]) as session:
        session.record(
            request("first-key-1234"), status=200, reason="", proto="HTTP/1.1", headers=(), body=b"", nanoseconds=0
        )
    with open_session(path, "replay") as session:
        session.add_secret("other-key-5678")
        assert session.play(request("other-key-5678")) is not None


def test_a_secret_learned_late_is_kept_out_from_then_on() -> None:
    tape = tape_of(asked({"k": "REDACTED"}), asked({"k": "x"}))
    with open_session(tape, "replay") as session:
        assert session.play(asked({"k": "x"})) is not None
        session.add_secret("my-long-secret")
        assert session.play(asked({"k": "my-long-secret"})) is not None
        assert session.unplayed == ()


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("http://user:a@pa55word@h/v1", "http://REDACTED@h/v1"),
        ("http://h/v1?x-api-key=abc&page=2", "http://h/v1?x-api-key=REDACTED&page=2"),
        ("http://h/v1?hf_token=abc", "http://h/v1?hf_token=REDACTED"),
        ("http://h/v1?api%5Fkey=abc", "http://h/v1?api%5Fkey=REDACTED"),
        ("http://h/v1?Ocp-Apim-Subscription-Key=abc", "http://h/v1?Ocp-Apim-Subscription-Key=REDACTED"),
        (
            "http://h/v1?session_token=a&jwt=b&pwd=c&bearer=d",
            "http://h/v1?session_token=REDACTED&jwt=REDACTED&pwd=REDACTED&bearer=REDACTED",
        ),
        ("http://h/v1?api-version=2024&alt=sse&tokens=5", "http://h/v1?api-version=2024&alt=sse&tokens=5"),
    ],
)
def test_credentials_in_a_url_are_known_by_how_their_names_end(url: str, kept: str) -> None:
    assert Redactor().url(url) == kept


def test_a_secret_in_a_headers_name_is_replaced_too() -> None:
    headers = Redactor(["sk-12345678"]).response_headers((("x-ratelimit-sk-12345678", "1"),))
    assert headers == (("x-ratelimit-REDACTED", "1"),)


def test_short_values_are_no_secrets() -> None:
    redactor = Redactor(["", "a", "1234567"])
    assert redactor.body(b"a 1234567") == b"a 1234567"
    assert redactor.url("https://example.org/?alt=sse&monkey=1&q=a@b") == "https://example.org/?alt=sse&monkey=1&q=a@b"
