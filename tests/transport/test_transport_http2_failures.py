"""The HTTP/2 transport where something is wrong or in between: broken answers, certificates, proxies, no engine."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

pytest.importorskip("pyreqwest", reason="the extra http2 is not installed")
pytest.importorskip("h2", reason="h2, of which the test server is made, is not installed")

from http2_client import KEY, ask, fetch, over
from loopback import Loopback, Script as PlainScript, chunked, free_port, plain, raw, reset
from loopback_h2 import Certificate, LoopbackH2, Script, Stream, answer, make_certificate, pieces

from playhead.errors import ConfigError, CutStreamError, ModelError, TransportError
from playhead.transport.http2 import HTTP2Transport
from playhead.wire import HTTPRequest


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


async def broken(stream: Stream) -> None:
    await stream.refuse(2)


async def refused(stream: Stream) -> None:
    await stream.refuse(7)


async def cut(stream: Stream) -> None:
    await stream.cut()


async def too_long(stream: Stream) -> None:
    await stream.head(200, ("x-long", "a" * 70_000), end=True)


async def short(stream: Stream) -> None:
    await stream.head(200, ("content-length", "9"))
    await stream.data(b"abc", end=True)


async def broken_in_the_body(stream: Stream) -> None:
    await stream.head(200)
    await stream.data(b"abc")
    await asyncio.sleep(0.05)
    await stream.refuse(2)


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        (broken, TransportError, "it reset the stream, unexpected internal error"),
        (refused, TransportError, "it reset the stream, refused stream"),
        (cut, TransportError, "broke before it answered"),
        (too_long, TransportError, "too large a head"),
        (short, CutStreamError, "before the end"),
        (broken_in_the_body, CutStreamError, "before the end of its answer: it reset the stream, unexpected internal"),
        (pieces(b"abc", end=False), CutStreamError, "before the end"),
        (answer(200, b"no gzip at all", ("content-encoding", "gzip")), TransportError, "cannot be decompressed"),
    ],
)
def test_a_broken_answer_is_an_error_that_says_what_broke_and_where(
    certificate: Certificate, script: Script, error: type[ModelError], words: str
) -> None:
    with LoopbackH2(certificate, script) as server, pytest.raises(error) as caught:
        fetch(over(certificate), server.url + f"?key={KEY}")
    assert type(caught.value) is error
    assert words in str(caught.value)
    assert f"127.0.0.1:{server.port}" in str(caught.value)
    assert caught.value.retryable
    assert_no_key_in(caught.value)


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        (reset, TransportError, "connection reset by peer"),
        (raw(b"", close=True), TransportError, "closed the connection before it answered"),
        (raw(b"garbage garbage\r\n\r\n", close=True), TransportError, "what is not HTTP"),
        (plain(200, b"", "X-Long: " + "a" * 900_000), TransportError, "too large a head"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", close=True), CutStreamError, "before the end"),
        (chunked(b"abc", end=b""), CutStreamError, "before the end"),
    ],
)
def test_a_broken_answer_in_http_1_is_the_same_error(
    script: PlainScript, error: type[ModelError], words: str, certificate: Certificate
) -> None:
    with Loopback(script) as server, pytest.raises(error) as caught:
        fetch(over(certificate), server.url + f"?key={KEY}")
    assert type(caught.value) is error
    assert words in str(caught.value)
    assert f"127.0.0.1:{server.port}" in str(caught.value)
    assert_no_key_in(caught.value)


def assert_no_key_in(error: BaseException) -> None:
    """Neither the message, nor the repr, nor any error that this one came from."""
    seen: BaseException | None = error
    while seen is not None:
        assert KEY not in f"{seen} {seen!r} {vars(seen)}"
        seen = seen.__cause__ or seen.__context__


def test_nobody_listening_and_no_such_host_are_errors_that_name_the_host() -> None:
    port = free_port()
    with pytest.raises(TransportError, match=f"no connection to 127.0.0.1:{port}: connection refused"):
        fetch(HTTP2Transport(), f"http://127.0.0.1:{port}/v1")
    with pytest.raises(TransportError, match=r"no host no-such-host.invalid"):
        fetch(HTTP2Transport(), "https://no-such-host.invalid/v1")


@pytest.mark.parametrize("url", ["nowhere", "ftp://a.example/", "http://", "", "https://[::1/"])
def test_what_is_no_url_is_the_callers_mistake(url: str) -> None:
    with pytest.raises(ConfigError):
        fetch(HTTP2Transport(), url)


def test_a_header_with_a_line_break_is_the_callers_mistake_and_is_not_shown(certificate: Certificate) -> None:
    async def main(url: str) -> None:
        await over(certificate).send(HTTPRequest("POST", url, (("X-Key", f"{KEY}\r\nX-Other: 1"),)))

    with LoopbackH2(certificate, answer(200)) as server:
        with pytest.raises(ConfigError) as caught:
            asyncio.run(main(server.url))
        assert server.requests == []
    assert_no_key_in(caught.value)


def test_a_certificate_that_nobody_vouches_for_or_of_another_host_is_refused(certificate: Certificate) -> None:
    with LoopbackH2(certificate, answer(200)) as server:
        where = f"certificate of 127.0.0.1:{server.port} was refused: unknown issuer"
        with pytest.raises(TransportError, match=where) as caught:
            fetch(HTTP2Transport(), server.url)
        assert not caught.value.retryable
        with pytest.raises(TransportError, match="was refused: certificate not valid for name"):
            fetch(over(certificate), server.url.replace("127.0.0.1", "localhost"))
        assert server.requests == []


def test_a_bundle_of_root_certificates_is_taken_whole_and_what_is_none_is_refused(
    certificate: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = make_certificate(tmp_path_factory.mktemp("other"))
    bundle = other.authority.read_bytes() + certificate.authority.read_bytes()
    with LoopbackH2(certificate, answer(200, b"hi")) as server:
        assert fetch(HTTP2Transport(root_certificates=bundle), server.url) == b"hi"
    with pytest.raises(ConfigError, match="no PEM certificate"):
        HTTP2Transport(root_certificates=b"junk")


def test_a_program_that_ends_right_after_its_answer_ends_well_and_ssl_cert_file_is_honoured(
    certificate: Certificate,
) -> None:
    """Ten programs: without the farewell to the engine's thread, three or four would be aborted at their end."""
    with LoopbackH2(certificate, answer(200, b"hi")) as server:
        code = (
            "import asyncio\n"
            "from playhead.transport.http2 import HTTP2Transport\n"
            "from playhead.wire import HTTPRequest\n"
            "async def main():\n"
            f"    print(await (await HTTP2Transport().send(HTTPRequest('GET', {server.url!r}))).read())\n"
            "asyncio.run(main())\n"
        )
        environ = {**os.environ, "SSL_CERT_FILE": str(certificate.authority)}
        for _ in range(10):
            done = subprocess.run(
                [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False
            )
            assert (done.returncode, done.stdout, done.stderr) == (0, "b'hi'\n", "")


def test_a_proxy_of_the_environment_is_used_and_loopback_is_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(plain(200, b"by proxy")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://user:pass@127.0.0.1:{proxy.port}")
        assert fetch(HTTP2Transport(), "http://model.test/v1/chat") == b"by proxy"
        head = proxy.requests[0].head
        assert head.startswith(b"POST http://model.test/v1/chat HTTP/1.1\r\n")
        assert b"Proxy-Authorization: Basic dXNlcjpwYXNz\r\n" in head
        monkeypatch.setenv("NO_PROXY", "model.invalid")
        with pytest.raises(TransportError, match=r"no host model.invalid"):
            fetch(HTTP2Transport(), "http://model.invalid/v1/chat")
        with Loopback(plain(200, b"direct")) as server:
            assert fetch(HTTP2Transport(), server.url) == b"direct"
        assert len(proxy.requests) == 1


def test_http_2_goes_through_a_proxy_by_connect(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    heads: list[bytes] = []

    async def main(server: LoopbackH2) -> tuple[str, bytes]:
        ended = asyncio.Event()

        async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            there, back = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await asyncio.gather(pump(reader, back), pump(there, writer))
            ended.set()

        proxy = await asyncio.start_server(tunnel, "127.0.0.1", 0)
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
        transport = over(certificate)
        response = await transport.send(ask("https://model.test/v1/chat"))
        body = await response.read()
        await transport.aclose()
        await asyncio.wait_for(ended.wait(), 2)
        proxy.close()
        return response.proto, body

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()
        await writer.wait_closed()

    with LoopbackH2(certificate, answer(200, b"hi")) as server:
        assert asyncio.run(main(server)) == ("HTTP/2.0", b"hi")
    assert len(heads) == 1
    assert heads[0].startswith(b"CONNECT model.test:443 HTTP/1.1\r\n")
    assert KEY.encode() not in heads[0]


def test_a_proxy_that_refuses_is_not_there_or_speaks_socks_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(plain(407, b"no"), plain(503, b"no")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(TransportError, match=r"the proxy refused the way to model.test with status 407"):
            fetch(HTTP2Transport(), "https://model.test/v1/chat")
        with pytest.raises(TransportError, match=r"the proxy refused the way to model.test"):
            fetch(HTTP2Transport(), "https://model.test/v1/chat")
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(TransportError, match=r"no connection to the proxy for model.test: connection refused"):
        fetch(HTTP2Transport(), "https://model.test/v1/chat")
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")
    with pytest.raises(ConfigError, match="socks5"):
        fetch(HTTP2Transport(), "https://model.test/v1/chat")


def test_without_the_engine_the_first_send_says_how_to_install_it() -> None:
    code = (
        "import asyncio, sys\n"
        "sys.modules['pyreqwest'] = None\n"
        "from playhead.transport.http2 import HTTP2Transport\n"
        "from playhead.wire import HTTPRequest\n"
        "asyncio.run(HTTP2Transport().send(HTTPRequest('GET', 'https://a.example/')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == (
        "playhead.errors.ConfigError: HTTP2Transport needs the package pyreqwest; "
        'install it with: pip install "playhead[http2]"'
    )
