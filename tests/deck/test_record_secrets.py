"""What a proxy passes on and keeps off its tape: secrets of every place, and answers that nobody can look into."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from odd_upstream import OddUpstream, Saying, answer
from raw_wire import Wire, ask

from playhead import RecordingProxy, Tape, TapeServer
from playhead.deck.http1.reading import Asked
from playhead.tapes.interaction import RecordedResponse
from playhead.wire import header

CHAT = "/v1/chat/completions"
KEY = "Zq7SecretValue7xYLongEnough"
MAKERS = f"sk-proj-{KEY}"


def echo(asked: Asked) -> Saying:
    """All that was asked, headers and all."""
    said = json.dumps([asked.target, asked.headers, asked.body.decode("latin-1")]).encode()
    return [answer("200 OK", "Content-Type: application/json", f"x-request-id: {MAKERS}", body=said)]


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        (f"/v1/x?accessToken={KEY}", b"", {}),
        (f"/v1/{MAKERS}", b"", {}),
        (CHAT, b"", {"x_jwt_assertion": KEY}),
        (CHAT, b"", {"authentication": f"Token {KEY}"}),
        (CHAT, b"", {"cookie": f"any={KEY}"}),
        (CHAT, b"", {"user_agent": f"app/{MAKERS}"}),
        ("/oauth/token", f"grant_type=password&password={KEY}".encode(), {"content_type": "text/plain"}),
        (CHAT, json.dumps({"openai_api_key": KEY}).encode(), {}),
        (CHAT, json.dumps({"arguments": json.dumps({"authToken": KEY})}).encode(), {}),
    ],
)
def test_a_secret_that_is_sent_is_on_no_tape_though_the_answer_repeats_it(
    path: str, body: bytes, headers: dict[str, str], tmp_path: Path
) -> None:
    tape = tmp_path / "t.yaml"
    with OddUpstream(echo) as upstream, RecordingProxy(upstream.url, tape=tape) as proxy:
        assert KEY.encode() in ask(proxy.port, path, body, **headers).body
    assert KEY not in tape.read_text()
    assert b"REDACTED" in Tape.load(tape).interactions[0].response.body


def test_a_cookie_is_kept_off_the_answer_that_sets_it_and_those_to_who_sends_it_back(tmp_path: Path) -> None:
    def say(asked: Asked) -> Saying:
        number = len(upstream.asked)
        said = asked.header("cookie") or f"cookie-value-{number:06}"
        return [answer("200 OK", f"Set-Cookie: a=cookie-value-{number:06}; Path=/", body=f"it is {said}".encode())]

    tape = tmp_path / "t.yaml"
    with OddUpstream(say) as upstream, RecordingProxy(upstream.url, tape=tape) as proxy, Wire(proxy.port) as wire:
        for _ in range(40):
            wire.ask(CHAT)
        assert wire.ask(CHAT, cookie="a=cookie-value-000001").body == b"it is a=cookie-value-000001"
    assert "cookie-value" not in tape.read_text()


def recorded(tmp_path: Path, body: bytes, *headers: str, key: str = KEY) -> tuple[RecordedResponse, list[str]]:
    """What stands on the tape of an answer to a request with a key, where the client has it as it was."""
    tape = tmp_path / "t.yaml"
    with OddUpstream(lambda asked: [answer("200 OK", *headers, body=body)]) as upstream:
        with RecordingProxy(upstream.url, tape=tape) as proxy:
            assert ask(proxy.port, CHAT, **({"authorization": f"Bearer {key}"} if key else {})).body == body
        return Tape.load(tape).interactions[0].response, proxy.notes


SAID = b'{"error":"bad key ' + KEY.encode() + b'"}'


@pytest.mark.parametrize(
    ("pack", "headers", "cut"),
    [
        (gzip.compress, ["Content-Encoding: gzip, identity"], None),
        (gzip.compress, ["Content-Encoding: identity", "Content-Encoding: gzip"], None),
        (
            lambda data: gzip.compress(zlib.compress(data)),
            ["Content-Encoding: deflate", "Content-Encoding: gzip"],
            None,
        ),
        (lambda data: gzip.compress(data)[:-8] + b"12345678", ["Content-Encoding: gzip"], "incorrect data check"),
        (lambda data: gzip.compress(data)[:-8], ["Content-Encoding: gzip"], "ended before its end"),
    ],
)
def test_an_odd_encoding_is_undone_as_far_as_it_goes(
    pack: Callable[[bytes], bytes], headers: list[str], cut: str | None, tmp_path: Path
) -> None:
    response, _ = recorded(tmp_path, pack(SAID), *headers)
    assert response.body == b'{"error":"bad key REDACTED"}'
    assert response.uncompressed
    said = header(response.headers, "playhead-cut")
    assert said is None if cut is None else cut in (said or "")


def test_brotli_is_undone_where_its_library_is_there(tmp_path: Path) -> None:
    brotli = pytest.importorskip("brotli", reason="Brotli needs a library")
    response, notes = recorded(tmp_path, brotli.compress(SAID), "Content-Encoding: br")
    assert (response.body, response.uncompressed, notes) == (b'{"error":"bad key REDACTED"}', True, [])


@pytest.mark.parametrize("headers", [[], ["Content-Encoding: odd"], ["Content-Encoding: odd, gzip"]])
def test_what_cannot_be_looked_into_is_withheld_and_told(headers: list[str], tmp_path: Path) -> None:
    packed = gzip.compress(SAID)
    response, notes = recorded(tmp_path, packed, *headers)
    assert response.body == b""
    assert f"withheld: {len(packed)} bytes" in (header(response.headers, "playhead-cut") or "")
    assert any("withheld" in note for note in notes)


def test_what_hides_no_secret_stays_as_it_came(tmp_path: Path) -> None:
    """Gzip that is a file, a body in an odd encoding where nobody sent a secret, text that says it is compressed."""
    for number, (body, headers, key) in enumerate(
        [
            (gzip.compress(b"a file"), [], KEY),
            (b"\x0b\x01\x80\xff\x03", ["Content-Encoding: odd"], ""),
            (b"plain, whatever it says", ["Content-Encoding: odd"], KEY),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        response, notes = recorded(folder, body, *headers, key=key)
        assert response.body == body
        assert header(response.headers, "playhead-cut") is None
        assert notes == []
        assert header(response.headers, "playhead-encoding") == ("odd" if headers else None)


def test_an_answer_whose_compression_breaks_off_is_cut_where_it_is_played(tmp_path: Path) -> None:
    body = gzip.compress(b'{"choices":[{"message":{"content":"' + bytes(range(32, 127)) * 30 + b'"}}]}')[:-20]
    response, _ = recorded(tmp_path, body, "Content-Encoding: gzip")
    assert header(response.headers, "playhead-cut") == "its compression ended before its end"
    with TapeServer(tmp_path / "t.yaml") as server:
        got = ask(server.port, CHAT)
    assert (got.whole, got.body) == (False, response.body)
