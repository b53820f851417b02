"""Recording what passes and playing it again, over real servers, connections and tape files."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from loopback import Exchange, Loopback, Script, chunked, free_port, plain, raw, reset, silent

from playhead.errors import CutStreamError, ModelError, TapeMissError, TimeoutExceeded, TransportError
from playhead.tapes.session import open_session
from playhead.tapes.tape import Tape
from playhead.transport.auth import AuthTransport, bearer
from playhead.transport.http import DEFAULT_TIMEOUTS, HTTPTransport, Timeouts
from playhead.transport.record import RecordTransport
from playhead.transport.replay import ReplayTransport, recorded_pieces
from playhead.wire import HTTPRequest, HTTPResponse, header


def ask(url: str, body: bytes = b'{"a":1}') -> HTTPRequest:
    return HTTPRequest("POST", url, (("Content-Type", "application/json"),), body)


async def take(response: HTTPResponse) -> list[bytes]:
    """Every chunk, the connection let go."""
    try:
        return [chunk async for chunk in response.chunks]
    finally:
        await response.aclose()


def record(
    path: Path, server: Loopback, timeouts: Timeouts = DEFAULT_TIMEOUTS, count: int = 1
) -> list[list[bytes] | str]:
    """Ask ``count`` times and record; the chunks of each answer, or the name of its error."""

    async def main() -> list[list[bytes] | str]:
        seen: list[list[bytes] | str] = []
        with open_session(path, "record") as session:
            transport = RecordTransport(session, HTTPTransport(timeouts))
            for _ in range(count):
                try:
                    seen.append(await take(await transport.send(ask(server.url))))
                except ModelError as error:
                    seen.append(type(error).__name__)
        return seen

    return asyncio.run(main())


def play(path: Path, url: str, pace: float = 0.0) -> tuple[HTTPResponse, list[tuple[bytes, float]]]:
    """Replay; the answer and its chunks with the seconds at which each came."""

    async def main() -> tuple[HTTPResponse, list[tuple[bytes, float]]]:
        with open_session(path, "replay") as session:
            began = time.perf_counter()
            response = await ReplayTransport(session, None, pace).send(ask(url))
            seen: list[tuple[bytes, float]] = []
            play.seen = seen  # type: ignore[attr-defined]
            async for chunk in response.chunks:
                seen.append((chunk, time.perf_counter() - began))
            return response, seen

    return asyncio.run(main())


def test_what_passed_is_on_the_tape_and_plays_again(tmp_path: Path) -> None:
    path = tmp_path / "tape.yaml"
    answer = plain(429, b'{"error":1}', "Retry-After: 7", reason="Too Many Requests")
    with Loopback(answer) as server:
        assert record(path, server) == [[b'{"error":1}']]
    response, seen = play(path, server.url)
    assert (response.status, response.reason, response.proto) == (429, "Too Many Requests", "HTTP/1.1")
    assert header(response.headers, "retry-after") == "7"
    assert [chunk for chunk, _ in seen] == [b'{"error":1}']
    assert response.recorded_duration is not None
    assert 0 < response.recorded_duration < 5


def test_a_body_of_one_piece_has_no_rhythm(tmp_path: Path) -> None:
    with Loopback(plain(200, b"hi")) as server:
        record(tmp_path / "tape.yaml", server)
    assert b"Playhead-Chunks" not in (tmp_path / "tape.yaml").read_bytes()


def test_a_replay_at_the_recorded_pace_has_the_recorded_chunks_and_moments(tmp_path: Path) -> None:
    path, chunks = tmp_path / "tape.yaml", [b"data: 1\n\n", b"data: 22\n\n", b"data: 333\n\n"]
    with Loopback(chunked(*chunks, pause=0.1)) as server:
        assert record(path, server) == [chunks]
    response, seen = play(path, server.url, pace=1.0)
    assert [chunk for chunk, _ in seen] == chunks
    for index, (_, moment) in enumerate(seen):
        assert 0.1 * (index + 1) - 0.03 <= moment <= 0.1 * (index + 1) + 0.1
    assert header(response.headers, "Playhead-Chunks") is None
    _, seen = play(path, server.url, pace=0.2)
    assert seen[-1][1] < 0.2
    _, seen = play(path, server.url)
    assert [chunk for chunk, _ in seen] == [b"".join(chunks)]
    assert seen[0][1] < 0.05


def test_recording_holds_nothing_back(tmp_path: Path) -> None:
    async def main(url: str) -> list[float]:
        began = time.perf_counter()
        with open_session(tmp_path / "tape.yaml", "record") as session:
            response = await RecordTransport(session, HTTPTransport()).send(ask(url))
            return [time.perf_counter() - began async for _ in response.chunks]

    with Loopback(chunked(b"a", b"b", b"c", pause=0.1)) as server:
        moments = asyncio.run(main(server.url))
    assert all(0.1 * index + 0.07 < moment < 0.1 * index + 0.2 for index, moment in enumerate(moments))


def test_it_is_on_the_tape_before_the_consumer_sees_the_end(tmp_path: Path) -> None:
    path = tmp_path / "tape.yaml"

    async def main(url: str) -> None:
        with open_session(path, "record") as session:
            response = await RecordTransport(session, HTTPTransport()).send(ask(url))
            async for _ in response.chunks:
                pass
            assert [item.response.body for item in Tape.load(path).interactions] == [b"abc"]

    with Loopback(chunked(b"a", b"b", b"c", pause=0.02)) as server:
        asyncio.run(main(server.url))


@pytest.mark.parametrize(
    ("script", "error", "why"),
    [
        (chunked(b"a", b"b", pause=0.05, end=b""), "CutStreamError", "the connection was lost"),
        (
            raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", close=True),
            "CutStreamError",
            "the connection was lost",
        ),
        (chunked(b"a", b"b", pause=0.05, end=b"1\r\n"), "TimeoutExceeded", "between chunks"),
    ],
)
def test_a_cut_body_is_recorded_as_far_as_it_came_and_is_cut_again(
    tmp_path: Path, script: Script, error: str, why: str
) -> None:
    path = tmp_path / "tape.yaml"
    with Loopback(script) as server:
        assert record(path, server, Timeouts(between_chunks=0.2)) == [error]
    (item,) = Tape.load(path).interactions
    assert item.response.body == b"ab"
    assert why in (header(item.response.headers, "playhead-cut") or "")
    for pace in (0.0, 0.5):
        with pytest.raises(CutStreamError, match=why):
            play(path, server.url, pace)
        assert b"".join(chunk for chunk, _ in play.seen) == b"ab"  # type: ignore[attr-defined]


@pytest.mark.parametrize("script", [reset, silent, raw(b"garbage\r\n\r\n", close=True)])
def test_an_exchange_without_an_answer_leaves_nothing_on_the_tape(tmp_path: Path, script: Script) -> None:
    path = tmp_path / "tape.yaml"
    with Loopback(script, plain(200, b"hi")) as server:
        seen = record(path, server, Timeouts(first_byte=0.2), count=2)
        assert seen[0] in ("TransportError", "TimeoutExceeded")
        assert seen[1] == [b"hi"]
    assert len(Tape.load(path).interactions) == 1


def test_a_consumer_that_stops_or_is_cancelled_leaves_what_it_had(tmp_path: Path) -> None:
    path = tmp_path / "tape.yaml"

    async def main(server: Loopback) -> None:
        with open_session(path, "record") as session:
            transport = RecordTransport(session, HTTPTransport())
            response = await transport.send(ask(server.url))
            await anext(aiter(response.chunks))
            await response.aclose()
            task = asyncio.create_task(take(await transport.send(ask(server.url))))
            await asyncio.sleep(0.12)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(Tape.load(path).interactions) == 2
            await asyncio.to_thread(server.wait_closed, 2)

    with Loopback(chunked(*[b"x"] * 1000, pause=0.05)) as server:
        asyncio.run(main(server))
    first, second = Tape.load(path).interactions
    assert first.response.body == b"x"
    assert header(first.response.headers, "playhead-cut") == "closed by the consumer"
    assert header(second.response.headers, "playhead-cut") == "cancelled"
    assert second.response.body in (b"x", b"xx", b"xxx")


def test_how_the_consumer_lets_go_stands_on_the_tape(tmp_path: Path) -> None:
    """An answer that its reader has found whole is whole on the tape, though its connection has not ended."""
    path = tmp_path / "tape.yaml"

    async def main(server: Loopback) -> None:
        with open_session(path, "record") as session:
            transport = ReplayTransport(session, RecordTransport(session, HTTPTransport()))
            for refused, finished in ((None, False), ("refused by\nthe reader", False), (None, True)):
                response = await transport.send(ask(server.url))
                await anext(aiter(response.chunks))
                await response.aclose(refused, finished=finished)
                await response.aclose("a second call says nothing")

    with Loopback(chunked(b"a", end=b"1\r\n")) as server:
        asyncio.run(main(server))
    items = Tape.load(path).interactions
    assert [item.response.body for item in items] == [b"a"] * 3
    cuts = [header(item.response.headers, "playhead-cut") for item in items]
    assert cuts == ["closed by the consumer", "refused by the reader", None]
    assert items[2].response.duration < 0.2, "the time is that of the answer, not of the wait for the connection's end"


def test_a_recorded_answer_may_be_let_go_in_every_way(tmp_path: Path) -> None:
    path = tmp_path / "tape.yaml"

    async def main(url: str) -> None:
        for refused, finished in ((None, False), ("refused by the reader", False), (None, True)):
            with open_session(path, "resume") as session:
                response = await ReplayTransport(session, None).send(ask(url))
                await anext(aiter(response.chunks))
                await response.aclose(refused, finished=finished)

    with Loopback(plain(200, b"hi")) as server:
        record(path, server)
        kept = path.read_bytes()
        asyncio.run(main(server.url))
    assert path.read_bytes() == kept


def test_a_key_that_was_made_after_the_tape_was_opened_does_not_reach_it(tmp_path: Path) -> None:
    """The provider repeats the key that it refuses; the tape has heard of it before the request left."""
    path, keys = tmp_path / "tape.yaml", iter(["key-of-today-0001", "key-of-tomorrow-2"])

    async def repeat(exchange: Exchange) -> None:
        key = exchange.head.partition(b"Bearer ")[2].partition(b"\r\n")[0]
        await plain(401, b"bad key: " + key)(exchange)

    async def main(url: str) -> list[list[bytes]]:
        with open_session(path, "record") as session:
            auth = AuthTransport(HTTPTransport(), bearer(value=lambda: next(keys)), learn=session.add_secret)
            return [await take(await RecordTransport(session, auth).send(ask(url))) for _ in range(2)]

    with Loopback(repeat) as server:
        assert asyncio.run(main(server.url)) == [[b"bad key: key-of-today-0001"], [b"bad key: key-of-tomorrow-2"]]
    assert [item.response.body for item in Tape.load(path).interactions] == [b"bad key: REDACTED"] * 2
    assert b"key-of" not in path.read_bytes()


def test_a_body_that_came_compressed_says_so_on_the_tape(tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "tape.yaml"
    with Loopback(plain(200, gzip.compress(b"plain"), "Content-Encoding: gzip"), plain(200, b"plain")) as server:
        assert record(path, server, count=2) == [[b"plain"], [b"plain"]]
    responses = [item.response for item in Tape.load(path).interactions]
    assert [(one.uncompressed, one.body) for one in responses] == [(True, b"plain"), (False, b"plain")]
    assert header(responses[0].headers, "content-encoding") is None


def test_cancelled_at_random_moments_the_tape_holds_what_each_consumer_had(tmp_path: Path) -> None:
    path = tmp_path / "tape.yaml"
    chance = random.Random(5)

    async def main(server: Loopback) -> list[bytes]:
        had: list[bytes] = []
        with open_session(path, "record") as session:
            transport = RecordTransport(session, HTTPTransport())

            async def consume() -> None:
                response = await transport.send(ask(server.url))
                had.append(b"")
                try:
                    async for chunk in response.chunks:
                        had[-1] += chunk
                finally:
                    await response.aclose()

            for _ in range(40):
                task = asyncio.create_task(consume())
                await asyncio.sleep(chance.random() * 0.03)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        return had

    with Loopback(chunked(b"a", b"b", b"c", b"d", pause=0.004)) as server:
        had = asyncio.run(main(server))
    assert [item.response.body for item in Tape.load(path).interactions] == had
    for item in Tape.load(path).interactions:
        assert item.response.body == b"abcd" or header(item.response.headers, "playhead-cut") is not None


def test_what_is_not_on_the_tape_goes_live_or_is_a_miss(tmp_path: Path) -> None:
    path = tmp_path / "tape.yaml"

    async def main(url: str) -> list[list[bytes]]:
        with open_session(path, "resume") as session:
            live = RecordTransport(session, HTTPTransport())
            transport = ReplayTransport(session, live)
            return [await take(await transport.send(ask(url))) for _ in range(2)]

    with Loopback(plain(200, b"first"), plain(200, b"second")) as server:
        assert record(path, server) == [[b"first"]]
        assert asyncio.run(main(server.url)) == [[b"first"], [b"second"]]
        assert len(server.requests) == 2
    with pytest.raises(TapeMissError):
        play(path, f"http://127.0.0.1:{free_port()}/other")


def test_a_replay_opens_no_connection(tmp_path: Path) -> None:
    path = tmp_path / "tape.yaml"
    with Loopback(plain(200, b"hi")) as server:
        record(path, server)
        connections = server.connections
        play(path, server.url)
        assert server.connections == connections


@given(
    body=st.binary(max_size=60),
    words=st.lists(st.one_of(st.text(max_size=6), st.builds("{}:{}".format, st.integers(-5, 99), st.integers(-5, 40)))),
)
@settings(deadline=None, max_examples=200)
def test_whatever_the_rhythm_says_no_byte_is_lost(body: bytes, words: list[str]) -> None:
    assert b"".join(piece for _, piece in recorded_pieces(" ".join(words), body)) == body


def test_the_clock_is_an_argument(tmp_path: Path) -> None:
    """Two pieces, at 5 and 9 ms, the end at 20 ms."""
    moments = iter([0, 5_000_000, 9_000_000, 20_000_000])

    class Wire:
        async def send(self, request: HTTPRequest) -> HTTPResponse:
            async def body() -> AsyncIterator[bytes]:
                yield b"ab"
                yield b"c"

            return HTTPResponse(200, (), body(), reason="OK")

        async def aclose(self) -> None:
            pass

    async def main() -> None:
        with open_session(tmp_path / "tape.yaml", "record") as session:
            await take(
                await RecordTransport(session, Wire(), clock=lambda: next(moments)).send(ask("http://a.example/"))
            )

    asyncio.run(main())
    (item,) = Tape.load(tmp_path / "tape.yaml").interactions
    assert header(item.response.headers, "playhead-chunks") == "5:2 9:1"
    assert item.response.duration == 0.02


def test_the_errors_of_the_wire_pass_through_a_recording(tmp_path: Path) -> None:
    with open_session(tmp_path / "tape.yaml", "record") as session:
        transport = RecordTransport(session, HTTPTransport(Timeouts(first_byte=0.1)))
        with pytest.raises(TransportError, match="connection refused"):
            asyncio.run(transport.send(ask(f"http://127.0.0.1:{free_port()}/")))
        with Loopback(silent) as server, pytest.raises(TimeoutExceeded):
            asyncio.run(transport.send(ask(server.url)))
