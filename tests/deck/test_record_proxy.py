"""`playhead record`: what a client gets is what the upstream sent, and it is on the tape before the client has it."""

from __future__ import annotations

import gzip
import json
import os
import random
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from odd_upstream import STREAMED, OddUpstream, Saying, answer, framed
from raw_wire import Wire, ask

from playhead import ConfigError, RecordingProxy, Tape, TapeServer
from playhead.deck.http1.reading import Asked
from playhead.deck.record.upstreams import joined
from playhead.testing import FakeProvider, refuse
from playhead.wire import header

CHAT = "/v1/chat/completions"
#: Random answers that pass through; PLAYHEAD_PROXY_RESPONSES asks for more of them.
RESPONSES = int(os.environ.get("PLAYHEAD_PROXY_RESPONSES", "150"))
EVENT = b'data: {"choices":[]}\n\n'


def question(text: str) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode()


def test_what_comes_out_is_byte_for_byte_what_went_in(tmp_path: Path) -> None:
    """Random answers: whole and in chunks of any size, compressed or not, of every status, with odd headers."""
    chance = random.Random(5)
    sent: dict[bytes, tuple[int, bytes, bytes, bool]] = {}

    def say(asked: Asked) -> Saying:
        status, travelled, _, streamed = sent[asked.body]
        headers = [
            "Content-Type: application/octet-stream",
            "X-Odd: caf\u00e9; a=b",
            "Set-Cookie: a=b",
            "Set-Cookie: c=d",
        ]
        if travelled[:2] == b"\x1f\x8b":
            headers.append("Content-Encoding: gzip")
        if not streamed:
            return [answer(f"{status} Odd Reason", *headers, body=travelled)]
        cuts = sorted(chance.sample(range(len(travelled) + 1), min(5, len(travelled))))
        pieces = [travelled[a:b] for a, b in zip([0, *cuts], [*cuts, len(travelled)], strict=True)]
        return [answer(f"{status} Odd Reason", *headers, "Transfer-Encoding: chunked"), *framed(pieces)]

    path = tmp_path / "t.yaml"
    with OddUpstream(say) as upstream, RecordingProxy(upstream.url, tape=path) as proxy, Wire(proxy.port) as wire:
        for number in range(RESPONSES):
            plain = chance.choice(
                [chance.randbytes(chance.randrange(3000)), EVENT * chance.randrange(1, 40) + b"data: [DONE]\n\n"]
            )
            travelled = gzip.compress(plain) if chance.random() < 0.3 else plain
            asked = question(str(number))
            status = chance.choice([200, 200, 201, 400, 429, 500, 529])
            sent[asked] = (status, travelled, plain, chance.random() < 0.5)
            got = wire.ask(CHAT, asked, accept_encoding="gzip, br")
            assert (got.status, got.body, got.whole) == (status, travelled, True)
            assert got.headers["x-odd"] == "caf\u00e9; a=b"
            if number % 25 == 0:  # in full at the client is in full on the tape, at that moment
                assert len(Tape.load(path).interactions) == number + 1
    recorded = Tape.load(path).interactions
    assert [(item.response.code, item.response.body) for item in recorded] == [
        (status, plain) for status, _, plain, _ in sent.values()
    ]
    assert header(upstream.asked[0].headers, "accept-encoding") == "gzip"  # no encoding that the tape could not undo
    assert all(header(item.response.headers, "playhead-cut") is None for item in recorded)


def test_each_piece_is_handed_on_when_it_comes(tmp_path: Path) -> None:
    """The upstream sends the next piece only when the client has the one before."""
    took = [threading.Event() for _ in range(4)]

    def say(asked: Asked) -> Saying:
        yield answer("200 OK", *STREAMED)
        for event in took:
            yield framed([EVENT], end=False)[0]
            assert event.wait(10)
        yield b"0\r\n\r\n"

    path = tmp_path / "t.yaml"
    with OddUpstream(say) as upstream, RecordingProxy(upstream.url, tape=path) as proxy, Wire(proxy.port) as wire:
        wire.send(b"POST %b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}" % CHAT.encode())
        for event in took:
            while wire.file.readline() != b'data: {"choices":[]}\n':
                pass
            event.set()
        assert wire.file.read(8) == b"\n\r\n0\r\n\r\n"
    item = Tape.load(path).interactions[0]
    rhythm = header(item.response.headers, "playhead-chunks")
    assert rhythm is not None
    assert [word.partition(":")[2] for word in rhythm.split()] == [str(len(EVENT))] * 4


def test_the_last_event_of_a_stream_comes_after_the_tape_has_it(tmp_path: Path) -> None:
    """A client that knows the end by [DONE] does not wait for the connection's."""
    path, seen = tmp_path / "t.yaml", threading.Event()

    def say(asked: Asked) -> Saying:
        yield answer("200 OK", *STREAMED)
        yield from framed([EVENT, b"data: [DONE]\n\n"], end=False)
        seen.wait(10)
        yield b"0\r\n\r\n"

    with OddUpstream(say) as upstream, RecordingProxy(upstream.url, tape=path) as proxy, Wire(proxy.port) as wire:
        wire.send(b"POST %b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}" % CHAT.encode())
        while wire.file.readline() != b"data: [DONE]\n":
            pass
        assert Tape.load(path).interactions[0].response.body == EVENT + b"data: [DONE]\n\n"
        seen.set()


def test_no_key_reaches_the_tape(tmp_path: Path) -> None:
    keys = [f"key-{name}-0123456789abcdef" for name in ("bearer", "xapi", "query", "body", "cookie", "mcp", "told")]
    bearer, x_api, query, in_body, cookie, mcp, told = keys
    shaped = "AIza" + "x" * 35
    said = json.dumps({"echo": [*keys, shaped], "access_token": told}).encode()
    body = json.dumps({"api_key": in_body, "tools": [{"authorization": f"Bearer {mcp}"}], "text": f"{bearer} {shaped}"})
    path = tmp_path / "t.yaml"
    with OddUpstream(lambda asked: [answer("200 OK", f"X-Request-Id: {bearer}", body=said)]) as upstream:
        with RecordingProxy(upstream.url, tape=path) as proxy:
            headers = {"authorization": f"Bearer {bearer}", "x_api_key": x_api, "cookie": f"session={cookie}; a=b"}
            got = ask(proxy.port, f"/v1/x?key={query}&a=1", body.encode(), **headers)
        assert got.body == said
        passed = upstream.asked[0]
    assert header(passed.headers, "authorization") == f"Bearer {bearer}"
    assert (passed.target, passed.body) == (f"/v1/x?key={query}&a=1", body.encode())
    written = path.read_text()
    assert [key for key in [*keys, shaped] if key in written] == []
    assert "key=REDACTED&a=1" in written


def test_a_client_that_goes_away_leaves_what_it_had(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"

    def say(asked: Asked) -> Saying:
        yield answer("200 OK", *STREAMED)
        while True:
            yield framed([EVENT], end=False)[0]

    with OddUpstream(say) as upstream, RecordingProxy(upstream.url, tape=path) as proxy:
        with Wire(proxy.port) as wire:
            wire.send(b"POST %b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}" % CHAT.encode())
            while wire.file.readline() != b'data: {"choices":[]}\n':
                pass
        assert upstream.gone.wait(10)  # a provider that sees the close stops working
    response = Tape.load(path).interactions[0].response
    assert header(response.headers, "playhead-cut") == "the client went away"
    assert response.body.startswith(EVENT)
    with TapeServer(path) as server:
        got = ask(server.port, CHAT, b"{}")
    assert (got.whole, got.body) == (False, response.body)


def test_an_upstream_that_goes_away_does_so_for_the_client(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    pieces = [answer("200 OK", *STREAMED), *framed([EVENT], end=False), None]
    with OddUpstream(lambda asked: pieces) as upstream, RecordingProxy(upstream.url, tape=path) as proxy:
        got = ask(proxy.port, CHAT, b"{}")
    assert (got.whole, got.body) == (False, EVENT)
    response = Tape.load(path).interactions[0].response
    assert header(response.headers, "playhead-cut") == "the connection was lost"


def test_an_upstream_that_is_not_there_is_said_in_json(tmp_path: Path) -> None:
    with OddUpstream(lambda asked: [None]) as upstream:
        with RecordingProxy(upstream.url, tape=tmp_path / "t.yaml") as proxy:
            broken = ask(proxy.port, CHAT, b"{}")
    with RecordingProxy(upstream.url, tape=tmp_path / "t.yaml") as proxy, Wire(proxy.port) as wire:
        refused = [wire.ask(CHAT, b"{}") for _ in range(2)][1]
    for got in (broken, refused):
        assert got.status == 502
        assert f"127.0.0.1:{upstream.port}" in got.json["error"]["message"]
    assert "connection refused" in refused.json["error"]["message"]
    assert not (tmp_path / "t.yaml").exists()  # an exchange to which no answer came leaves nothing


def test_answers_without_a_body_are_whole(tmp_path: Path) -> None:
    def say(asked: Asked) -> Saying:
        if asked.method == "HEAD":
            return [answer("200 OK", "Content-Length: 99")]
        return [answer("204 No Content")] if "none" in asked.target else [answer("200 OK", body=b"")]

    path = tmp_path / "t.yaml"
    with OddUpstream(say) as upstream, RecordingProxy(upstream.url, tape=path) as proxy, Wire(proxy.port) as wire:
        head = wire.ask("/x", method="HEAD")
        assert (head.status, head.headers["content-length"]) == (200, "99")
        assert [wire.ask(target, method="DELETE").status for target in ("/none", "/empty")] == [204, 200]
    assert len(Tape.load(path).interactions) == 3


def test_an_encoding_that_cannot_be_undone_is_served_as_it_came(tmp_path: Path) -> None:
    path, data = tmp_path / "t.yaml", b"\x0b\x05\x80hello world\x03"
    with OddUpstream(lambda asked: [answer("200 OK", "Content-Encoding: compress", body=data)]) as upstream:
        with RecordingProxy(upstream.url, tape=path) as proxy:
            assert ask(proxy.port, CHAT, b"{}").body == data
    with TapeServer(path) as server:
        got = ask(server.port, CHAT, b"{}")
    assert (got.body, got.headers["content-encoding"]) == (data, "compress")


def test_bare_deflate_and_compressed_requests_stand_plain_on_the_tape(tmp_path: Path) -> None:
    path, asked = tmp_path / "t.yaml", question("hi")
    packer = zlib.compressobj(wbits=-15)
    data = packer.compress(b"plain words") + packer.flush()
    with OddUpstream(lambda _: [answer("200 OK", "Content-Encoding: deflate", body=data)]) as upstream:
        with RecordingProxy(upstream.url, tape=path) as proxy:
            assert ask(proxy.port, CHAT, gzip.compress(asked), content_encoding="gzip").body == data
        assert gzip.decompress(upstream.asked[0].body) == asked
    item = Tape.load(path).interactions[0]
    assert (item.request.body, item.response.body, item.response.uncompressed) == (asked, b"plain words", True)


def test_a_hundred_clients_at_once_and_every_retry_are_on_one_tape(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    with FakeProvider("openai", answer="hello there") as fake, RecordingProxy(fake.url, tape=path) as proxy:
        fake.script(*[refuse(429)] * 50)

        def client(number: int) -> int:
            with Wire(proxy.port) as wire:
                statuses = [wire.ask(CHAT, question(str(number)), authorization=f"Bearer key-{number:020}").status]
                while statuses[-1] == 429:
                    statuses.append(wire.ask(CHAT, question(str(number))).status)
            return len(statuses)

        with ThreadPoolExecutor(100) as threads:
            tries = list(threads.map(client, range(100)))
    recorded = Tape.load(path).interactions
    assert len(recorded) == sum(tries) == 150
    assert [item.id for item in recorded] == list(range(150))
    assert "key-000" not in path.read_text()


def test_each_client_has_a_tape_if_asked(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    (tmp_path / "run.1.yaml").write_text("somebody's")
    with FakeProvider("openai", answer="hello") as fake:
        with RecordingProxy(fake.url, tape=path, tape_per_client=True) as proxy:
            for _ in range(2):
                assert ask(proxy.port, f"/@alice{CHAT}", question("a")).status == 200
            with Wire(proxy.port) as wire:
                assert [wire.ask(CHAT, question("b")).status for _ in range(2)] == [200, 200]
            assert ask(proxy.port, f"/@..%2Fx{CHAT}", question("c")).status == 404
    found = {
        one.name: len(Tape.load(one).interactions) for one in tmp_path.glob("run[-.]*.yaml") if one.stem != "run.1"
    }
    assert found == {"run-alice.yaml": 2, "run.2.yaml": 2}
    assert (tmp_path / "run.1.yaml").read_text() == "somebody's"
    assert not path.exists()


def test_a_tape_that_is_there_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    with FakeProvider("openai", answer="hello") as fake:
        for count in (1, 2):
            with RecordingProxy(fake.url, tape=path) as proxy:
                ask(proxy.port, CHAT, question("a"))
            assert proxy.recorded == 1
            assert len(Tape.load(path).interactions) == count


@pytest.mark.parametrize(
    ("base", "target", "url"),
    [
        ("https://h", "/v1/models?a=b", "https://h/v1/models?a=b"),
        ("https://h/api/v1", "/v1/chat/completions", "https://h/api/v1/chat/completions"),
        ("https://h/api/v1", "/chat/completions", "https://h/api/v1/chat/completions"),
        ("https://h/api/v1", "/api/v1/chat/completions", "https://h/api/v1/chat/completions"),
        ("https://h/api", "/v1/", "https://h/api/v1/"),
    ],
)
def test_what_the_upstream_and_the_path_have_in_common_is_said_once(base: str, target: str, url: str) -> None:
    assert joined(base, target) == url


def test_upstreams_are_told_apart_by_prefix(tmp_path: Path) -> None:
    with FakeProvider("openai", answer="one") as one, FakeProvider("openai", answer="two") as two:
        with RecordingProxy(f"/a={one.url}", f"/a/b={two.url}", tape=tmp_path / "t.yaml") as proxy:
            assert b"one" in ask(proxy.port, f"/a{CHAT}", question("x")).body
            assert b"two" in ask(proxy.port, f"/a/b{CHAT}", question("x")).body
            nowhere = ask(proxy.port, CHAT, question("x"))
    assert nowhere.status == 404
    assert "/a, /a/b" in nowhere.json["error"]["message"]


@pytest.mark.parametrize(
    "upstreams", [(), ("api.openai.com",), ("/a=ftp://x",), ("https://x", "https://y"), ("https://x?a",)]
)
def test_an_upstream_that_is_none_is_refused(upstreams: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="upstream"):
        RecordingProxy(*upstreams, tape=tmp_path / "t.yaml")
