"""The HTTP transport against real servers on loopback that misbehave by script."""

from __future__ import annotations

import asyncio
import gc
import gzip
import os
import random
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from loopback import Exchange, Loopback, Script, chunked, free_port, plain, raw, reset, silent

from playhead.errors import ConfigError, CutStreamError, ModelError, TimeoutExceeded, TransportError
from playhead.transport.http import DEFAULT_TIMEOUTS, HTTPTransport, Timeouts, shared_http
from playhead.wire import HTTPRequest, header

KEY = "sk-test-0123456789-never-shown"


def ask(url: str) -> HTTPRequest:
    return HTTPRequest("POST", url, (("Content-Type", "application/json"), ("Authorization", f"Bearer {KEY}")), b"{}")


async def read(transport: HTTPTransport, url: str) -> bytes:
    response = await transport.send(ask(url))
    try:
        return await response.read()
    finally:
        await response.aclose()


def fetch(url: str, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> bytes:
    return asyncio.run(read(HTTPTransport(timeouts), url))


def test_an_answer_has_its_status_reason_protocol_headers_and_body() -> None:
    async def main(url: str) -> None:
        response = await HTTPTransport().send(ask(url))
        assert (response.status, response.reason, response.proto) == (429, "Too Many Requests", "HTTP/1.1")
        assert ("X-Foo-BAR", "a") in response.headers
        assert ("X-Foo-BAR", "b") in response.headers
        assert header(response.headers, "retry-after") == "7"
        assert await response.read() == b'{"error":1}'
        await response.aclose()

    answer = plain(429, b'{"error":1}', "X-Foo-BAR: a", "X-Foo-BAR: b", "Retry-After: 7", reason="Too Many Requests")
    with Loopback(answer) as server:
        asyncio.run(main(server.url))
        head, body = server.requests[0].head, server.requests[0].body
    assert b"Content-Type: application/json\r\n" in head
    assert b"Content-Length: 2\r\n" in head
    assert b"User-Agent: playhead" in head
    assert body == b"{}"


def test_a_chunk_is_handed_on_as_soon_as_it_arrives() -> None:
    async def main(url: str) -> list[tuple[bytes, float]]:
        began = time.perf_counter()
        response = await HTTPTransport().send(ask(url))
        seen = [(b"head", time.perf_counter() - began)]
        seen += [(chunk, time.perf_counter() - began) async for chunk in response.chunks]
        return seen

    with Loopback(chunked(b"one", b"two", b"three", pause=0.15)) as server:
        seen = asyncio.run(main(server.url))
    assert [name for name, _ in seen] == [b"head", b"one", b"two", b"three"]
    for index, (_, moment) in enumerate(seen):
        assert 0.15 * index - 0.02 <= moment < 0.15 * index + 0.12


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        (reset, TransportError, "connection reset by peer"),
        (raw(b"", close=True), TransportError, "closed the connection before it answered"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Le", close=True), TransportError, "closed the connection before it answered"),
        (raw(b"garbage garbage\r\n\r\n", close=True), TransportError, "what is not HTTP"),
        (plain(200, b"", "X-Long: " + "a" * 100_000), TransportError, "too large a head"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", close=True), CutStreamError, "before the end"),
        (chunked(b"abc", end=b""), CutStreamError, "before the end"),
        (plain(200, b"no gzip at all", "Content-Encoding: gzip"), TransportError, "cannot be decompressed"),
    ],
)
def test_a_broken_answer_is_an_error_that_says_what_broke_and_where(
    script: Script, error: type[ModelError], words: str
) -> None:
    with Loopback(script) as server, pytest.raises(error) as caught:
        fetch(server.url + f"?key={KEY}")
    assert type(caught.value) is error
    assert words in str(caught.value)
    assert f"127.0.0.1:{server.port}" in str(caught.value)
    assert caught.value.retryable


def test_a_cut_body_raises_after_what_came_of_it() -> None:
    async def main(url: str) -> list[bytes]:
        chunks = aiter((await HTTPTransport().send(ask(url))).chunks)
        seen = [await anext(chunks), await anext(chunks)]
        with pytest.raises(CutStreamError):
            await anext(chunks)
        return seen

    with Loopback(chunked(b"a", b"b", pause=0.05, end=b"")) as server:
        assert asyncio.run(main(server.url)) == [b"a", b"b"]


def test_a_reset_in_the_middle_of_a_body_is_a_cut_stream() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        await asyncio.sleep(0.05)
        await exchange.reset()

    with Loopback(script) as server, pytest.raises(CutStreamError, match="before the end"):
        fetch(server.url)


def test_nobody_listening_is_an_error_that_names_the_host() -> None:
    port = free_port()
    with pytest.raises(TransportError, match=f"no connection to 127.0.0.1:{port}: connection refused"):
        fetch(f"http://127.0.0.1:{port}/v1")


def test_a_host_without_an_address_is_an_error_that_names_it() -> None:
    with pytest.raises(TransportError, match=r"no host no-such-host.invalid"):
        fetch("http://no-such-host.invalid/v1")


@pytest.mark.parametrize("url", ["nowhere", "ftp://a.example/", "http://", ""])
def test_what_is_no_url_is_the_callers_mistake(url: str) -> None:
    with pytest.raises(ConfigError):
        fetch(url)


def test_a_header_with_a_line_break_is_the_callers_mistake_and_is_not_shown() -> None:
    async def main(url: str) -> None:
        await HTTPTransport().send(HTTPRequest("POST", url, (("X-Key", f"{KEY}\r\nX-Other: 1"),)))

    with Loopback(plain(200)) as server:
        with pytest.raises(ConfigError) as caught:
            asyncio.run(main(server.url))
        server.wait_closed()
        assert server.requests == []
    assert KEY not in str(caught.value)


def test_no_error_holds_the_key() -> None:
    """Neither the message, nor the repr, nor any error that this one came from."""
    scripts = [reset, raw(b"garbage\r\n\r\n", close=True), chunked(b"a", end=b""), raw(b"", close=True)]
    for script in scripts:
        with Loopback(script) as server, pytest.raises(ModelError) as caught:
            fetch(server.url + f"?key={KEY}")
        seen: BaseException | None = caught.value
        while seen is not None:
            assert KEY not in f"{seen} {seen!r} {vars(seen)}"
            seen = seen.__cause__ or seen.__context__


def test_the_timeouts_say_which_of_them_passed() -> None:
    with Loopback(silent) as server:
        with pytest.raises(TimeoutExceeded, match=r"first byte: no answer from .* within 0.2 s"):
            fetch(server.url, Timeouts(first_byte=0.2))
        with pytest.raises(TimeoutExceeded, match="total: "):
            fetch(server.url, Timeouts(total=0.2))
        server.wait_closed(2)
    with Loopback(chunked(b"a", b"b", b"c", pause=0.3)) as server:
        with pytest.raises(TimeoutExceeded, match=r"between chunks: the answer was silent for 0.2 s"):
            fetch(server.url, Timeouts(between_chunks=0.2))
        with pytest.raises(TimeoutExceeded, match=r"total: the exchange was not over after 0.5 s"):
            fetch(server.url, Timeouts(total=0.5))
        assert fetch(server.url, Timeouts(between_chunks=0.6)) == b"abc"
    with full_port() as port, pytest.raises(TimeoutExceeded, match="connect: no connection to"):
        fetch(f"http://127.0.0.1:{port}/", Timeouts(connect=0.2))


@contextmanager
def full_port() -> Iterator[int]:
    """A port whose queue of connections is full, so that the next one waits."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield int(listening.getsockname()[1])


def test_a_slow_consumer_is_not_a_silent_answer() -> None:
    async def main(url: str) -> bytes:
        response = await HTTPTransport(Timeouts(between_chunks=0.1)).send(ask(url))
        seen = b""
        async for chunk in response.chunks:
            await asyncio.sleep(0.25)
            seen += chunk
        return seen

    with Loopback(chunked(b"a", b"b", b"c", pause=0.02)) as server:
        assert asyncio.run(main(server.url)) == b"abc"


@pytest.mark.parametrize("script", [silent, chunked(b"a", *[b"b"] * 1000, pause=0.05)], ids=["head", "body"])
def test_cancelling_closes_the_connection_at_once(script: Script) -> None:
    async def main(server: Loopback) -> float:
        task = asyncio.create_task(read(HTTPTransport(), server.url))
        await asyncio.sleep(0.12)
        cancelled = time.perf_counter()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await asyncio.to_thread(server.wait_closed) - cancelled

    with Loopback(script) as server:
        assert asyncio.run(main(server)) < 0.1


def test_closing_an_answer_before_its_end_closes_the_connection_at_once() -> None:
    async def main(server: Loopback) -> float:
        response = await HTTPTransport().send(ask(server.url))
        await anext(aiter(response.chunks))
        closed = time.perf_counter()
        await response.aclose()
        return await asyncio.to_thread(server.wait_closed) - closed

    with Loopback(chunked(*[b"b"] * 1000, pause=0.05)) as server:
        assert asyncio.run(main(server)) < 0.1


def test_cancelled_at_random_moments_nothing_is_left_open() -> None:
    """Sixty exchanges, each cancelled somewhere between before its connection and after its end."""

    async def main(server: Loopback) -> None:
        transport = HTTPTransport()
        chance = random.Random(20)
        await read(transport, server.url)
        for _ in range(60):
            task = asyncio.create_task(read(transport, server.url))
            await asyncio.sleep(chance.random() * 0.03)
            task.cancel()
            with suppress(asyncio.CancelledError):
                assert await task == b"abcd"
        assert await read(transport, server.url) == b"abcd"
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await transport.aclose()
        await asyncio.to_thread(server.wait_closed, server.connections)

    with Loopback(chunked(b"a", b"b", b"c", b"d", pause=0.004)) as server:
        before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
        asyncio.run(main(server))
        assert server.open == 0
        gc.collect()
        if before:
            assert len(os.listdir("/proc/self/fd")) <= before


def test_connections_are_kept_and_shared_in_a_loop() -> None:
    async def main(url: str) -> None:
        transport = shared_http()
        assert shared_http() is transport
        for _ in range(5):
            response = await transport.send(ask(url))
            await response.read()
            await response.aclose()

    with Loopback(plain(200, b"hi")) as server:
        asyncio.run(main(server.url))
        assert server.connections == 1


def test_one_transport_serves_loops_one_after_another_and_in_threads() -> None:
    transport = HTTPTransport()
    seen: list[bytes] = []

    def run(url: str) -> None:
        seen.extend(asyncio.run(read(transport, url)) for _ in range(3))

    with Loopback(plain(200, b"hi")) as server:
        threads = [threading.Thread(target=run, args=(server.url,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == [b"hi"] * 12
        server.wait_closed(12)  # each loop closed its own when it ended


def test_a_hundred_exchanges_at_once() -> None:
    async def main(url: str) -> list[bytes]:
        transport = HTTPTransport()
        return await asyncio.gather(*(read(transport, url) for _ in range(100)))

    with Loopback(chunked(b"h", b"i", pause=0.05)) as server:
        assert asyncio.run(main(server.url)) == [b"hi"] * 100


def test_a_connection_that_the_server_closed_while_idle_is_not_used_again() -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        await asyncio.sleep(0.02)
        exchange.writer.close()

    async def main(url: str) -> None:
        transport = HTTPTransport()
        for _ in range(3):
            assert await read(transport, url) == b"hi"
            await asyncio.sleep(0.08)

    with Loopback(answer) as server:
        asyncio.run(main(server.url))
        assert server.connections == 3


def test_a_redirect_is_the_answer_and_is_not_followed() -> None:
    async def main(url: str) -> tuple[int, str | None]:
        response = await HTTPTransport().send(ask(url))
        await response.aclose()
        return response.status, header(response.headers, "location")

    with Loopback(plain(200)) as other, Loopback(plain(307, b"", f"Location: {other.url}")) as server:
        assert asyncio.run(main(server.url)) == (307, other.url)
        assert other.requests == []


def test_a_gzip_body_is_decompressed_and_its_head_no_longer_says_gzip() -> None:
    async def main(url: str) -> tuple[bytes, str | None, str | None]:
        response = await HTTPTransport().send(ask(url))
        body = await response.read()
        return body, header(response.headers, "content-encoding"), header(response.headers, "content-length")

    with Loopback(plain(200, gzip.compress(b"hello"), "Content-Encoding: gzip")) as server:
        assert asyncio.run(main(server.url)) == (b"hello", None, None)
        assert b"Accept-Encoding: gzip, deflate\r\n" in server.requests[0].head


def test_a_header_that_is_not_ascii_is_text_all_the_same() -> None:
    async def main(url: str) -> tuple[str | None, str | None]:
        response = await HTTPTransport().send(ask(url))
        await response.aclose()
        return header(response.headers, "x-latin"), header(response.headers, "x-utf")

    head = b"HTTP/1.1 200 OK\r\nX-Latin: caf\xe9\r\nX-Utf: caf\xc3\xa9\r\nContent-Length: 0\r\n\r\n"
    with Loopback(raw(head)) as server:
        assert asyncio.run(main(server.url)) == ("café", "café")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    folder = tmp_path_factory.mktemp("tls")
    made, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(made), "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no certificate could be made with the openssl command: {error}")
    return made, key


@pytest.fixture
def tls_server(certificate: tuple[Path, Path]) -> Iterator[Loopback]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with Loopback(plain(200, b"hi"), tls=context) as server:
        yield server


def test_a_certificate_that_nobody_vouches_for_is_refused(tls_server: Loopback) -> None:
    with pytest.raises(TransportError, match=f"certificate of 127.0.0.1:{tls_server.port} was refused: self") as caught:
        fetch(tls_server.url)
    assert not caught.value.retryable
    assert tls_server.requests == []


def test_a_certificate_authority_of_ones_own_is_taken_as_an_argument(
    tls_server: Loopback, certificate: tuple[Path, Path]
) -> None:
    context = ssl.create_default_context(cafile=str(certificate[0]))
    assert asyncio.run(read(HTTPTransport(tls=context), tls_server.url)) == b"hi"


def test_ssl_cert_file_is_honoured(tls_server: Loopback, certificate: tuple[Path, Path]) -> None:
    code = (
        "import asyncio\n"
        "from playhead.transport.http import HTTPTransport\n"
        "from playhead.wire import HTTPRequest\n"
        "async def main():\n"
        f"    print(await (await HTTPTransport().send(HTTPRequest('GET', {tls_server.url!r}))).read())\n"
        "asyncio.run(main())\n"
    )
    environ = {**os.environ, "SSL_CERT_FILE": str(certificate[0])}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("b'hi'\n", "")


def test_a_proxy_of_the_environment_is_used_and_no_proxy_excepts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy answers itself: what it was asked shows that the request went to it and for which host."""
    with Loopback(plain(200, b"by proxy")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://user:pass@127.0.0.1:{proxy.port}")
        assert fetch("http://model.test/v1/chat") == b"by proxy"
        head = proxy.requests[0].head
        assert head.startswith(b"POST http://model.test/v1/chat HTTP/1.1\r\n")
        assert b"Proxy-Authorization: Basic dXNlcjpwYXNz\r\n" in head
        monkeypatch.setenv("NO_PROXY", "example.com,model.invalid")
        with pytest.raises(TransportError, match=r"no host model.invalid"):
            fetch("http://model.invalid/v1/chat")
        with Loopback(plain(200, b"direct")) as server:
            assert fetch(server.url) == b"direct"
        assert len(proxy.requests) == 1


def test_https_goes_through_a_proxy_by_connect_and_a_refusal_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(plain(407, b"no")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(TransportError, match=r"the proxy refused the way to model.test with status 407"):
            fetch("https://model.test/v1/chat")
        assert proxy.requests[0].head.startswith(b"CONNECT model.test:443 HTTP/1.1\r\n")
        assert KEY.encode() not in proxy.requests[0].head
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(TransportError, match=r"no connection to the proxy for model.test"):
        fetch("https://model.test/v1/chat")


def test_importing_the_transport_does_not_import_the_engine() -> None:
    code = "import sys, playhead.transport.http; print([m for m in ('aiohttp', 'ssl', 'http') if m in sys.modules])"
    bare = "import sys, asyncio; print([m for m in ('aiohttp', 'ssl', 'http') if m in sys.modules])"
    ours, base = (
        subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout
        for text in (code, bare)
    )
    assert ours == base


@pytest.mark.parametrize("pause", [0.0, 0.05])
def test_an_answer_found_whole_before_its_body_ends_keeps_its_connection(pause: float) -> None:
    """The reader stops at the last event; the end of the body comes a moment later."""

    async def script(exchange: Exchange) -> None:
        await exchange.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nend\r\n")
        await asyncio.sleep(pause)
        await exchange.write(b"1\r\n\n\r\n0\r\n\r\n")

    async def main(url: str) -> None:
        transport = HTTPTransport()
        for _ in range(5):
            response = await transport.send(HTTPRequest("POST", url))
            assert (await anext(aiter(response.chunks))).startswith(b"end")
            await response.aclose(finished=True)
        await transport.aclose()

    with Loopback(script) as server:
        asyncio.run(main(server.url))
        assert (len(server.requests), server.connections) == (5, 1)


def test_an_answer_found_whole_whose_connection_does_not_end_is_not_waited_for() -> None:
    async def main(server: Loopback) -> float:
        response = await HTTPTransport().send(HTTPRequest("POST", server.url))
        await anext(aiter(response.chunks))
        began = time.perf_counter()
        await response.aclose(finished=True)
        seconds = time.perf_counter() - began
        await asyncio.to_thread(server.wait_closed)
        return seconds

    with Loopback(chunked(b"end", end=b"1\r\n")) as server:
        assert 0.2 < asyncio.run(main(server)) < 0.5
