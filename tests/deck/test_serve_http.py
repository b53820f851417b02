"""HTTP/1.1 as clients of all makes speak it: framing, pipelining, Expect, what is refused and how."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from raw_wire import Wire, ask, request

from playhead import ConfigError, TapeServer
from playhead.deck.http1.reading import Asked, Reader, Refused

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def server(seed: Path) -> Iterator[TapeServer]:
    with TapeServer(seed, loop=True) as serving:
        yield serving


@pytest.fixture
def body(server: TapeServer) -> bytes:
    server.reset()
    return server.tapes[0].interactions[0].request.body


def in_chunks(body: bytes, size: int, trailer: bytes = b"") -> bytes:
    head = f"POST {CHAT} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    framed = [b"%x;name=value\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
    return head + b"".join(framed) + b"0\r\n" + trailer + b"\r\n"


def test_what_is_pipelined_is_answered_in_its_order(server: TapeServer, body: bytes) -> None:
    with Wire(server.port) as wire:
        wire.send(request(CHAT, body) * 3 + request("/v1/models", method="HEAD") + request("/v1/models", method="GET"))
        assert [wire.read().status for _ in range(3)] == [429, 429, 200]
        assert wire.read("HEAD").status == 200
        assert wire.read("GET").json["object"] == "list"


def test_a_request_that_comes_byte_by_byte_is_one(server: TapeServer, body: bytes) -> None:
    with Wire(server.port) as wire:
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request(CHAT, body):
            wire.send(bytes([byte]))
        assert wire.read().status == 429


@pytest.mark.parametrize("trailer", [b"", b"X-Sum: 1\r\nX-More: 2\r\n"])
def test_a_body_in_chunks_is_the_same_body(server: TapeServer, body: bytes, trailer: bytes) -> None:
    with Wire(server.port) as wire:
        wire.send(in_chunks(body, 7, trailer) + request(CHAT, body))
        assert [wire.read().status, wire.read().status] == [429, 429]


def test_a_client_that_asks_for_leave_gets_it(server: TapeServer, body: bytes) -> None:
    with Wire(server.port) as wire:
        whole = request(CHAT, body, Expect="100-continue")
        wire.send(whole[: -len(body)])
        assert wire.read().status == 100
        wire.send(body)
        assert wire.read().status == 429
        wire.send(whole)  # one that does not wait gets no leave
        assert wire.read().status == 429
        wire.send(request(CHAT, body, Expect="a-miracle"))
        assert wire.read().status == 417


def test_a_client_that_closes_and_one_of_http_1_0_are_closed_after(server: TapeServer, body: bytes) -> None:
    with Wire(server.port) as wire:
        assert wire.ask(CHAT, body, Connection="close").headers["connection"] == "close"
        assert wire.file.read() == b""
    with Wire(server.port) as wire:
        wire.send(request(CHAT, body).replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert wire.read().status == 429
        assert wire.file.read() == b""


def test_a_large_body_and_what_follows_it_are_told_apart(server: TapeServer, body: bytes) -> None:
    large = b'{"model":"m","messages":[{"role":"user","content":"%b"}]}' % (b"x" * 8_000_000)
    with Wire(server.port) as wire:
        wire.send(request(CHAT, large))
        assert wire.read().status == 404
        assert wire.ask(CHAT, body).status == 429


@pytest.mark.parametrize(
    ("sent", "status", "word"),
    [
        (b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 501, "websockets"),
        (b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: h\r\n\r\n", 501, "CONNECT"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/2"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", 400, "TLS"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "two ways"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "Content-Length"),
        (b"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400, "Content-Length"),
        (b"POST / HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n", 413, "256 MiB"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501, "gzip"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 400, "chunk"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n", 400, "chunk"),
        (b"GET / HTTP/1.1\r\nNo colon\r\n\r\n", 400, "header"),
        (b"GET / HTTP/1.1\r\nSpaced : x\r\n\r\n", 400, "header"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70000, 431, "64 KiB"),
        (request(CHAT, b"{}", content_encoding="br"), 415, "br"),
        (request(CHAT, b"{}", content_encoding="gzip"), 400, "gzip"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_words(server: TapeServer, sent: bytes, status: int, word: str) -> None:
    with Wire(server.port) as wire:
        wire.send(sent)
        got = wire.read()
        assert got.status == status
        assert word in got.json["error"]["message"]
        assert wire.file.read() == b""


def test_an_address_that_is_taken_is_an_error_at_once(server: TapeServer, seed: Path) -> None:
    with pytest.raises(ConfigError, match=f"port {server.port}"):
        TapeServer(seed, port=server.port).start()


def test_a_client_that_resets_its_connection_hurts_nobody(server: TapeServer, body: bytes) -> None:
    with Wire(server.port) as wire:
        wire.send(request(CHAT, body)[:-1])
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert ask(server.port, CHAT, body).status == 429


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=60), st.booleans(), st.integers(1, 9)), max_size=5), st.data())
def test_requests_are_the_same_however_their_bytes_are_cut(
    sent: list[tuple[bytes, bool, int]], data: st.DataObject
) -> None:
    stream = b"".join(in_chunks(body, size) if chunked else request(CHAT, body) for body, chunked, size in sent)
    reader = Reader()
    got: list[Asked] = []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        reader.feed(stream[:cut])
        stream = stream[cut:]
        while (asked := reader.next()) is not None:
            got.append(asked)
    assert [(asked.method, asked.target, asked.body) for asked in got] == [("POST", CHAT, body) for body, _, _ in sent]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_do_worse_than_being_refused(noise: bytes) -> None:
    reader = Reader()
    reader.feed(b"POST / HTTP/1.1\r\n" + noise)
    with suppress(Refused):
        while reader.next() is not None:
            pass


def test_the_status_is_json(server: TapeServer, body: bytes) -> None:
    got = ask(server.port, "/__playhead__", method="GET")
    assert json.loads(got.body)["tapes"][0]["exchanges"] == 12
    assert ask(server.port, "/__playhead__/nothing", method="GET").status == 404
