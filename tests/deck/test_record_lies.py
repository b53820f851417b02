"""`playhead record`: an upstream or a client that says what is not so, and errors that say whose fault it is."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
from base64 import b64encode
from contextlib import suppress
from pathlib import Path

import pytest
from odd_upstream import STREAMED, OddUpstream, Saying, answer, framed
from raw_wire import Wire, ask, request
from record_process import RecordProcess

from playhead import ConfigError, RecordingProxy, Tape
from playhead.deck.http1.reading import Asked
from playhead.wire import header

CHAT = "/v1/chat/completions"
EVENT = b'data: {"choices":[]}\n\n'
PASSWORD = "Uinfo-pass-99x"


def test_a_certificate_that_is_not_trusted_is_told_as_that(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-days", "1"]
    subprocess.run([*words, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def shake() -> None:
            with suppress(OSError), listener.accept()[0] as one, context.wrap_socket(one, server_side=True):
                pass

        server = threading.Thread(target=shake)
        server.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with RecordingProxy(url, tape=tmp_path / "t.yaml") as proxy:
            got = ask(proxy.port, CHAT, b"{}")
        server.join(20)
    assert got.status == 502
    assert "its certificate is not trusted: self-signed certificate" in got.json["error"]["message"]


def test_an_upstream_that_does_not_speak_tls_is_told_as_that(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak() -> None:
            with listener.accept()[0] as one:
                one.recv(10)
                one.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                one.recv(100_000)

        server = threading.Thread(target=speak)
        server.start()
        with RecordingProxy(f"https://127.0.0.1:{listener.getsockname()[1]}", tape=tmp_path / "t.yaml") as proxy:
            got = ask(proxy.port, CHAT, b"{}")
        server.join(20)
    assert got.status == 502
    assert "TLS failed: " in got.json["error"]["message"]


def test_a_length_that_the_connection_claims_is_handed_on(tmp_path: Path) -> None:
    said = answer("200 OK", "Connection: content-length, x-own", "X-Own: 1", "Content-Length: 3") + b"abc"
    with OddUpstream(lambda asked: [said]) as odd:
        with RecordingProxy(odd.url, tape=tmp_path / "t.yaml") as proxy, Wire(proxy.port) as wire:
            for _ in range(2):
                got = wire.ask(CHAT, b"{}")
                assert (got.body, got.headers["content-length"], "x-own" in got.headers) == (b"abc", "3", False)


@pytest.mark.parametrize("status", ["000 Odd", "042 Odd", "101 Switching Protocols"])
def test_a_status_that_ends_no_exchange_is_a_502(tmp_path: Path, status: str) -> None:
    path = tmp_path / "t.yaml"
    said = answer(status, "Upgrade: other", "Connection: upgrade", "Content-Length: 2") + b"{}"
    with OddUpstream(lambda asked: [said, None]) as odd, RecordingProxy(odd.url, tape=path) as proxy:
        got = ask(proxy.port, CHAT, b"{}")
    assert got.status == 502
    assert f"the status {status[:3]}" in got.json["error"]["message"]
    assert not path.exists()


@pytest.mark.parametrize(("value", "told"), [("b\nX: 1", "bare line break"), ("b\x01", "control character")])
def test_a_header_that_cannot_be_sent_is_the_clients_fault(tmp_path: Path, value: str, told: str) -> None:
    with OddUpstream(lambda asked: [answer("200 OK", body=b"{}")]) as odd:
        with RecordingProxy(odd.url, tape=tmp_path / "t.yaml") as proxy:
            got = ask(proxy.port, CHAT, b"{}", a=value)
        assert (got.status, odd.asked) == (400, [])
    assert told in got.json["error"]["message"]


def test_a_path_goes_upstream_as_it_was_asked(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    with OddUpstream(lambda asked: [answer("200 OK", body=b"{}")]) as odd, RecordingProxy(odd.url, tape=path) as proxy:
        for target in ("/v1/caf\u00e9?q=\u20ac", "/v1/caf%C3%A9?q=%E2%82%AC"):
            assert ask(proxy.port, target, b"{}").status == 200
        assert ask(proxy.port, "/v1/a\tb", b"{}").status == 400
    assert {asked.target for asked in odd.asked} == {"/v1/caf%C3%A9?q=%E2%82%AC"}
    assert {item.request.url for item in Tape.load(path).interactions} == {f"{odd.url}/v1/caf%C3%A9?q=%E2%82%AC"}


def test_a_recording_that_is_stopped_says_so_in_what_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"

    def say(asked: Asked) -> Saying:
        yield answer("200 OK", *STREAMED)
        yield from framed([EVENT], end=False)
        yield odd.gone.wait

    with OddUpstream(say) as odd, RecordProcess(odd.url, path) as proxy, Wire(proxy.port) as wire:
        wire.send(request(CHAT, b"{}"))
        while wire.file.readline() != EVENT[:-1]:
            pass
        proxy.process.send_signal(signal.SIGTERM)
        assert proxy.stop()[0] == 0
        odd.gone.set()
    (item,) = Tape.load(path).interactions
    assert (header(item.response.headers, "playhead-cut"), item.response.body) == ("the recording was stopped", EVENT)


def test_the_user_of_an_upstream_goes_in_the_place_of_the_clients_key_and_is_shown_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    basic = b64encode(f"us@r:{PASSWORD}".encode()).decode()

    def say(asked: Asked) -> Saying:
        return [answer("200 OK", body=json.dumps([header(asked.headers, "authorization"), "us@r", PASSWORD]).encode())]

    with OddUpstream(say) as odd:
        url = odd.url.replace("//", f"//us%40r:{PASSWORD}@")
        with RecordProcess(url, path) as proxy:
            for headers in ({}, {"authorization": "Bearer sk-the-clients-own-0123456789"}):
                assert ask(proxy.port, CHAT, b"{}", **headers).json == [f"Basic {basic}", "us@r", PASSWORD]
            said = proxy.line + json.dumps(proxy.stop())
    assert [len([name for name, _ in one.headers if name.lower() == "authorization"]) for one in odd.asked] == [1, 1]
    (one, other) = Tape.load(path).interactions
    assert one.request.url == other.request.url == f"{odd.url}{CHAT}"
    for text in (said, path.read_text()):
        assert [word for word in (PASSWORD, basic, "clients-own") if word in text] == []


def test_an_upstream_with_a_user_that_is_not_there_is_named_without_it(tmp_path: Path) -> None:
    with OddUpstream(lambda asked: [None]) as odd:
        with RecordingProxy(odd.url.replace("//", f"//u:{PASSWORD}@"), tape=tmp_path / "t.yaml") as proxy:
            got = ask(proxy.port, CHAT, b"{}")
    assert (got.status, PASSWORD.encode() in got.body) == (502, False)
    assert proxy.upstreams == {"/": odd.url}


@pytest.mark.parametrize(
    "upstream",
    [
        f"ftp://u:{PASSWORD}@h",
        f"u:{PASSWORD}@h",
        f"http://u:{PASSWORD}@h?a=b",
        f"http://u:{PASSWORD}@h:99999",
        f"http://u:{PASSWORD}@",
        f"http://u:a/{PASSWORD}@h",
        f"http://u:?{PASSWORD}@h",
        f"/a=http://u:{PASSWORD}@h#x",
        f"/a=http://u:a={PASSWORD}@h:port",
        "http://h:port",
        "http://h\n",
    ],
)
def test_an_upstream_that_is_none_is_refused_without_its_password(upstream: str, tmp_path: Path) -> None:
    words = ["record", "--upstream", upstream, "--tape", str(tmp_path / "t.yaml"), "--port", "0"]
    done = subprocess.run([sys.executable, "-m", "playhead", *words], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert "an upstream is written" in done.stderr
    assert PASSWORD not in done.stderr


def test_two_upstreams_for_a_prefix_are_named_without_their_passwords(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        RecordingProxy(f"http://u:{PASSWORD}@a", f"http://u:{PASSWORD}@b", tape=tmp_path / "t.yaml")
    assert "http://a and http://b" in str(error.value)
