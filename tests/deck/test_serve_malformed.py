"""What is no request, or one without end, is refused in words, whatever it was cut into."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from raw_wire import Wire

from playhead import TapeServer
from playhead.deck.http1.reading import HEAD_LIMIT, Reader, Refused

EXAMPLE = Path(__file__).resolve().parent.parent.parent / "examples" / "florence.yaml"
CHUNKED = b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
#: As OpenSSL's begins.
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(500)


def test_trailers_without_end_are_refused() -> None:
    with TapeServer(EXAMPLE) as server, Wire(server.port) as wire:
        wire.send(CHUNKED)
        for _ in range(HEAD_LIMIT // 1000 + 1):
            wire.send(b"X-T: " + b"a" * 993 + b"\r\n")
        got = wire.read()
        assert (got.status, "trailers" in got.json["error"]["message"]) == (431, True)
        assert wire.file.read() == b""


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("line", [b"X-T: a\r\n", b"X-T: " + b"a" * 70 + b"\r\n", b"a"])
def test_trailers_are_bounded_however_they_are_cut(line: bytes, size: int) -> None:
    reader = Reader()
    sent = CHUNKED + line * (HEAD_LIMIT // len(line) + 2)
    held: list[int] = []

    def feed() -> None:
        for at in range(0, len(sent), size):
            reader.feed(sent[at : at + size])
            assert reader.next() is None
            held.append(len(reader))

    with pytest.raises(Refused, match="trailers"):
        feed()
    assert max(held) <= HEAD_LIMIT


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_trailers_say_nothing_and_what_follows_them_is_read(size: int) -> None:
    reader, found = Reader(), []
    sent = (CHUNKED + b"X-T: a\r\nX-U: b\r\n\r\n" + CHUNKED + b"\r\nGET /after HTTP/1.1\r\n\r\n") * 2
    for at in range(0, len(sent), size):
        reader.feed(sent[at : at + size])
        while (asked := reader.next()) is not None:
            found.append((asked.target, asked.body, asked.headers[1:]))
    assert found == [("/x", b"{}", ()), ("/x", b"{}", ()), ("/after", b"", ())] * 2


@pytest.mark.parametrize("beginning", [HELLO, HELLO[:1], HELLO + b"\r\n\r\n"])
def test_a_client_that_speaks_tls_is_refused_at_once(beginning: bytes) -> None:
    with TapeServer(EXAMPLE) as server, Wire(server.port) as wire:
        wire.send(beginning)
        got = wire.read()
        assert (got.status, "http://" in got.json["error"]["message"]) == (400, True)
        assert wire.file.read() == b""


@pytest.mark.parametrize("beginning", [b"\x00", b"\xff\xff", b"{", b" GET", b"\rGET"])
def test_what_cannot_begin_a_request_is_not_waited_for(beginning: bytes) -> None:
    with TapeServer(EXAMPLE) as server, Wire(server.port) as wire:
        wire.send(beginning)
        assert wire.read().status == 400


@pytest.mark.parametrize(
    "field", [b"A: b\nX: 1", b"A: b\rX: 1", b"A: \0", b"A\n: b", b"A: b\rX: 1\nC: d", b"A: b\n\rX: 1"]
)
def test_bare_line_breaks_in_a_head_are_refused(field: bytes) -> None:
    reader = Reader()
    reader.feed(b"GET / HTTP/1.1\r\n%b\r\nB: c\r\n\r\n" % field)
    with pytest.raises(Refused, match="bare line break"):
        reader.next()


@pytest.mark.parametrize(
    ("target", "read"),
    [
        (b"/v1/caf\xc3\xa9?q=\xe2\x82\xac", "/v1/caf%C3%A9?q=%E2%82%AC"),
        (b"/v1/caf%C3%A9", "/v1/caf%C3%A9"),
        (b"/v1/a\tb", None),
        (b"/v1/a b", None),
        (b"/v1/a\x7f", None),
        (b"/v1/a\nb", None),
    ],
)
def test_a_target_is_read_as_ascii_or_refused(target: bytes, read: str | None) -> None:
    reader = Reader()
    reader.feed(b"GET %b HTTP/1.1\r\nX: a\tb \xc3\xa9\r\n\r\n" % target)
    if read is None:
        with pytest.raises(Refused):
            reader.next()
        return
    asked = reader.next()
    assert asked is not None
    assert (asked.target, asked.headers) == (read, (("X", "a\tb \xc3\xa9"),))
