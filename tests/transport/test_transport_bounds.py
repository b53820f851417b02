"""Servers that never end, on loopback: an answer has its bounds, what came of it is kept, and nobody asks again."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
from loopback import Exchange, Loopback, Script, plain

from playhead import Agent, RetryPolicy, Run, bounds, embed_sync
from playhead.errors import ModelError, ProtocolError, TimeoutExceeded
from playhead.messages import Text
from playhead.tapes.tape import Tape
from playhead.transport.http import HTTPTransport
from playhead.wire import Headers, HTTPRequest, HTTPResponse, header

LIMIT = 200_000
ONCE = RetryPolicy(attempts=1)
STREAM = b"Content-Type: text/event-stream\r\n"
JSON = b"Content-Type: application/json\r\n"
SAID = b'data: {"id":"r","choices":[{"index":0,"delta":{"content":"' + b"word " * 200 + b'"}}]}\n\n'


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "ANSWER_LIMIT", LIMIT)


def endless(piece: bytes, fields: bytes = STREAM, status: bytes = b"200 OK", begin: bytes = b"") -> Script:
    """The same bytes until the client goes away."""

    async def script(exchange: Exchange) -> None:
        await exchange.write(b"HTTP/1.1 " + status + b"\r\n" + fields + b"\r\n" + begin)
        for one in repeat(piece):
            await exchange.write(one)

    return script


def asked(server: Loopback, tape: Path | None = None, *, stream: bool = True, **options: Any) -> ModelError:
    """The error of a run that asks this server, which was asked once."""
    agent = Agent("compatible:m", base_url=server.url.removesuffix("/chat"), api_key="sk-0123456789", **options)
    mode: Any = {} if tape is None else {"tape": tape, "tape_mode": "record"}

    async def main() -> None:
        if not stream:
            await agent.run("hi", **mode)
            return
        async with agent.stream("hi", **mode) as events:
            async for _ in events:
                pass

    with pytest.raises(ModelError) as caught:
        asyncio.run(main())
    assert len(server.requests) == 1
    return caught.value


def test_a_stream_without_end_is_refused_and_what_was_said_is_kept(tmp_path: Path) -> None:
    with Loopback(endless(SAID)) as server:
        error = asked(server, tmp_path / "tape.yaml")
        server.wait_closed()
    assert isinstance(error, ProtocolError)
    assert str(error).startswith("compatible: an answer of at most 200,000 bytes was expected")
    assert "playhead.bounds.ANSWER_LIMIT" in str(error)
    run: Run[Any] = error.run
    (part,) = run.partial
    assert isinstance(part, Text)
    (interaction,) = Tape.load(tmp_path / "tape.yaml").interactions
    body = interaction.response.body
    assert part.text.startswith("word word")
    assert len(part.text) <= body.count(b"word ") * 5
    assert LIMIT < len(body) < 4 * LIMIT
    assert header(interaction.response.headers, "Playhead-Cut") == "refused by the reader"


def test_the_tape_of_an_endless_stream_plays_to_the_same_error(tmp_path: Path) -> None:
    with Loopback(endless(SAID)) as server:
        live = asked(server, tmp_path / "tape.yaml")
        base = server.url.removesuffix("/chat")
    with pytest.raises(ModelError) as caught:
        Agent("compatible:m", base_url=base, api_key="sk-0123456789").run_sync("hi", tape=tmp_path / "tape.yaml")
    assert type(caught.value) is type(live)


@pytest.mark.parametrize("fields", [STREAM, STREAM + b"Content-Encoding: gzip\r\n"], ids=["plain", "gzip"])
@pytest.mark.parametrize("taped", [False, True])
def test_a_stream_of_comments_alone_has_an_end(tmp_path: Path, fields: bytes, taped: bool) -> None:
    piece, begin = b": ping\n\n" * 500, b""
    if b"gzip" in fields:
        deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
        begin = deflate.compress(piece) + deflate.flush(zlib.Z_FULL_FLUSH)
        piece = deflate.compress(piece) + deflate.flush(zlib.Z_FULL_FLUSH)  # from there on, all are alike
    with Loopback(endless(piece, fields, begin=begin)) as server:
        error = asked(server, tmp_path / "tape.yaml" if taped else None)
    assert isinstance(error, ProtocolError)
    assert "200,000 bytes" in str(error)
    assert error.run.partial == ()


def test_a_body_that_is_no_stream_and_never_ends_is_refused() -> None:
    with Loopback(endless(b" " * 5000, begin=b"{")) as server:
        assert isinstance(asked(server), ProtocolError)
    with Loopback(endless(b" " * 5000, JSON, begin=b"{")) as server:
        error = asked(server, stream=False)
    assert isinstance(error, ProtocolError)
    assert "200,000 bytes" in str(error)


def test_single_bytes_are_counted_as_what_they_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "PIECES_LIMIT", 20)
    pieces = Pieces(200, "text/event-stream", repeat(b":"))
    error = asked_of(pieces)
    assert isinstance(error, ProtocolError)
    assert "at most 20 pieces" in str(error)
    assert pieces.taken == 21


def test_a_refusal_without_end_is_the_refusal_as_far_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "REFUSAL_LIMIT", 1000)
    with Loopback(endless(b"no " * 100, JSON, b"503 Full")) as server:
        error = asked(server, retry=ONCE)
    assert error.status == 503
    assert 1000 < len(error.body) < 400_000


class Pieces:
    """A transport whose answer comes in these pieces; ``clock`` goes on by a minute with each."""

    def __init__(self, status: int, kind: str, pieces: Any) -> None:
        self.status, self.headers, self.pieces = status, (("Content-Type", kind),), iter(pieces)
        self.taken, self.asked = 0, 0

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        self.asked += 1
        headers: Headers = self.headers
        return HTTPResponse(self.status, headers, self.chunks())

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            self.taken += 1
            yield piece

    async def aclose(self) -> None:
        pass

    def monotonic(self) -> float:
        return self.taken * 60.0

    def time(self) -> float:
        return self.taken * 60.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing is waited for")


def asked_of(pieces: Pieces, *, stream: bool = True) -> ModelError:
    """The error of a run whose answer is these pieces, live and not on loopback; it is asked for once."""
    agent = Agent(
        "compatible:m", base_url="http://x.invalid/v1", api_key="sk-0123456789", transport=pieces, clock=pieces
    )

    async def main() -> None:
        if not stream:
            await agent.run("hi")
            return
        async with agent.stream("hi") as events:
            async for _ in events:
                pass

    with pytest.raises(ModelError) as caught:
        asyncio.run(main())
    assert pieces.asked == 1
    return caught.value


def test_an_hour_of_pings_is_the_longest_that_a_stream_may_say_nothing() -> None:
    pings = Pieces(200, "text/event-stream", [SAID, *[b": ping\n\n"] * 50, SAID, *[b": ping\n\n"] * 1000])
    error = asked_of(pings)
    assert isinstance(error, TimeoutExceeded)
    assert "signs of life for 3600 s" in str(error)
    assert 52 + 60 <= pings.taken <= 52 + 63  # the hour begins anew with what is said
    (part,) = error.run.partial
    assert part.text.count("word") == 400


def test_a_whole_answer_is_to_end_within_an_hour() -> None:
    spaces = Pieces(200, "application/json", repeat(b" "))
    error = asked_of(spaces, stream=False)
    assert isinstance(error, TimeoutExceeded)
    assert 60 <= spaces.taken <= 63


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("status", [200, 503])
def test_a_bomb_is_let_go_before_it_is_large(encoding: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("aiohttp", "3.14", reason="before, the engine does not say how much it decompressed")
    monkeypatch.setattr(bounds, "RATIO_FROM", 1_000_000)
    body = b"{" + b" " * 20_000_000
    bomb = gzip.compress(body, 9) if encoding == "gzip" else zlib.compress(body, 9)
    seen: list[int] = []

    async def main(url: str) -> None:
        response = await HTTPTransport().send(HTTPRequest("POST", url))
        try:
            async for chunk in response.chunks:
                seen.append(len(chunk))
        finally:
            await response.aclose()

    with Loopback(plain(status, bomb, f"Content-Encoding: {encoding}")) as server:
        with pytest.raises(ProtocolError, match=r"127\.0\.0\.1:\d+ sent [\d,]+ bytes that became more than") as caught:
            asyncio.run(main(server.url))
        server.wait_closed()
    assert caught.value.status == status
    assert not caught.value.retryable
    assert sum(seen) <= 1_000_000 + max(seen)
    assert max(seen) < 2_000_000  # it is decompressed in steps


def test_text_that_compresses_well_is_no_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "RATIO_FROM", 100_000)
    body = b"".join(b'{"token": %d, "logprob": -0.%d}\n' % (n % 50000, n * n) for n in range(20_000))

    async def main(url: str) -> bytes:
        response = await HTTPTransport().send(HTTPRequest("POST", url))
        return await response.read()

    with Loopback(plain(200, gzip.compress(body, 9), "Content-Encoding: gzip")) as server:
        assert asyncio.run(main(server.url)) == body


def test_vectors_have_a_bound_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "VECTORS_LIMIT", 300_000)
    with Loopback(endless(b"0.125," * 1000, JSON, begin=b'{"data":[{"embedding":[')) as server:
        base = server.url.removesuffix("/chat")
        with pytest.raises(ProtocolError, match=r"300,000 bytes was expected \(playhead\.bounds\.VECTORS_LIMIT\)"):
            embed_sync("openai:m", ["a"], base_url=base, api_key="sk-0123456789")
        server.wait_closed()
    assert len(server.requests) == 1
