"""Cassettes of VCR's family: those that vcrpy itself records, of all ages, and back into what vcrpy plays."""

from __future__ import annotations

import base64
import gzip
import json
import threading
import urllib.request
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from playhead.errors import ConfigError, TapeFormatError
from playhead.tapes import Tape
from playhead.tapes.formats import read, write
from playhead.tapes.formats.brought import Brought, cleaned
from playhead.tapes.formats.detect import detect
from playhead.wire import header

ANSWER = {"id": "chatcmpl-1", "choices": [{"message": {"role": "assistant", "content": "Grüße 🎬"}}]}
PLAIN = json.dumps(ANSWER).encode()
BINARY = bytes(range(256))


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        encoding, body = {
            "/gzip": ("gzip", gzip.compress(PLAIN)),
            "/deflate": ("deflate", zlib.compress(PLAIN)),
            "/binary": (None, BINARY),
        }.get(self.path, (None, PLAIN))
        self.send_response(200)
        self.send_header("Content-Type", "application/json" if body != BINARY else "application/octet-stream")
        self.send_header("Set-Cookie", "session=secret")
        self.send_header("Set-Cookie", "other=secret")
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """A server on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def ask(url: str, body: bytes = b'{"model": "m"}') -> bytes:
    """One exchange by the standard library, which vcrpy listens to."""
    request = urllib.request.Request(  # noqa: S310 - its own server
        url, body, {"Content-Type": "application/json", "Authorization": "Bearer k"}
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        read: bytes = answer.read()
        return read


@pytest.mark.parametrize("serializer", ["yaml", "json"])
def test_what_vcrpy_records_is_read(url: str, serializer: str, tmp_path: Path) -> None:
    """Requests and answers as they were on the wire, compressed bodies plain, as Go's client has them."""
    vcr = pytest.importorskip("vcr", reason="vcrpy makes the cassettes: pip install vcrpy")
    paths = ["/a", "/gzip", "/deflate", "/binary"] if serializer == "yaml" else ["/a"]
    cassette = tmp_path / f"c.{serializer}"
    with vcr.use_cassette(str(cassette), serializer=serializer):
        for path in paths:
            ask(url + path)
    brought = read(cassette.read_bytes(), str(cassette))
    assert brought.format == "vcrpy"
    assert [one.request.url for one in brought.interactions] == [url + path for path in paths]
    assert [one.request.body for one in brought.interactions] == [b'{"model": "m"}'] * len(paths)
    assert [one.response.body for one in brought.interactions] == [PLAIN, PLAIN, PLAIN, BINARY][: len(paths)]
    assert [one.response.uncompressed for one in brought.interactions] == [False, True, True, False][: len(paths)]
    assert [one.response.code for one in brought.interactions] == [200] * len(paths)
    assert [value for name, value in brought.interactions[0].response.headers if name == "Set-Cookie"] == [
        "session=secret",
        "other=secret",
    ]
    kept, left = cleaned(brought.interactions)
    assert header(kept[0].request.headers, "Authorization") is None
    assert header(kept[0].response.headers, "Set-Cookie") is None
    assert [loss.what.partition(" (")[0] for loss in left if "Authorization" in loss.what] == [
        "request.headers: Authorization"
    ]


@pytest.mark.parametrize("serializer", ["yaml", "json"])
def test_vcrpy_plays_what_is_written_for_it(serializer: str, tmp_path: Path) -> None:
    """With nobody at the address; the text, the bytes and the status are those of the tape."""
    vcr = pytest.importorskip("vcr", reason="vcrpy plays the cassettes: pip install vcrpy")
    source = read(b'{"interactions": []}')
    items = [
        {"request": {"method": "POST", "uri": "http://127.0.0.1:1/a", "body": '{"model": "m"}', "headers": {}},
         "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": PLAIN.decode()}}},
    ]  # fmt: skip
    source = read(json.dumps({"version": 1, "interactions": items}).encode())
    cassette = tmp_path / f"c.{serializer}"
    cassette.write_bytes(write(source, "vcrpy", json=serializer == "json").data)
    with vcr.use_cassette(str(cassette), serializer=serializer, record_mode="none"):
        assert ask("http://127.0.0.1:1/a") == PLAIN


def test_the_seed_goes_to_vcrpy_and_comes_back(seed: Path) -> None:
    """All but what the format has no place for: durations, and that bodies came compressed."""
    tape = Tape.load(seed)
    brought = Brought("go-vcr", tuple(tape.interactions))
    written = write(brought, "vcrpy")
    assert detect(written.data) == "vcrpy"
    again = read(written.data)
    assert [
        (one.request.body, one.request.url, one.response.body, one.response.code) for one in again.interactions
    ] == [(one.request.body, one.request.url, one.response.body, one.response.code) for one in tape.interactions]
    assert [loss.what for loss in written.losses] == [
        "durations: the format has none",
        "response.uncompressed: the format has none",
    ]


def test_bytes_that_are_no_text_do_not_go_into_json() -> None:
    """The YAML form holds them."""
    cassette = (
        b"interactions:\n- request: {method: GET, uri: 'http://a/'}\n  response: {body: {string: !!binary /w==}}\n"
    )
    brought = read(cassette)
    assert brought.interactions[0].response.body == b"\xff"
    assert read(write(brought, "vcrpy").data).interactions == brought.interactions
    with pytest.raises(ConfigError, match=r"write it as \.yaml"):
        write(brought, "vcrpy", json=True)


OLD = b"""\
- request: !!python/object:vcr.request.Request
    body: null
    headers: !!python/object/apply:__builtin__.frozenset
    - - !!python/tuple [accept-encoding, 'gzip, deflate, compress']
      - !!python/tuple [accept, '*/*']
    host: httpbin.org
    method: GET
    path: /ip
    port: 8080
    protocol: http
  response:
    body: {string: !!python/unicode "{}"}
    headers: [!!python/unicode "content-type: application/json\\r\\n"]
    status: {code: 200, message: OK}
"""


def test_a_cassette_from_before_version_1_is_read() -> None:
    """A list at the top, Python's tags, pairs in a frozen set, headers as lines."""
    (one,) = read(OLD).interactions
    assert one.request.url == "http://httpbin.org:8080/ip"
    assert one.request.headers == (("Accept", "*/*"), ("Accept-Encoding", "gzip, deflate, compress"))
    assert (one.response.body, one.response.headers) == (b"{}", (("Content-Type", "application/json"),))
    assert one.response.status == "200 OK"


def cassette(request: str = "", response: str = "") -> bytes:
    """A cassette of one exchange, with these lines in its request and response."""
    return (
        "interactions:\n- request:\n    method: post\n    uri: http://a/b\n"
        f"{request}  response:\n    status: {{code: 200, message: OK}}\n{response}version: 1\n"
    ).encode()


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        ("    body: null\n", b""),
        ("    body: 123\n", b"123"),
        ("    body: {string: !!binary aGk=}\n", b"hi"),
        ("    body: {base64_string: aGk=}\n", b"hi"),
        ("    body: {encoding: ASCII-8BIT, base64_string: aGk=}\n", b"hi"),
        ('    body: {encoding: ISO-8859-1, string: "\\xe9"}\n', b"\xe9"),
        ("    body: !!python/object/new:_io.BytesIO\n      state: !!python/tuple [!!binary aGk=, 0, null]\n", b"hi"),
        ("    body: !!python/object/apply:builtins.iter\n      args: [[!!binary aGk=, ho]]\n", b"hiho"),
        ("    parsed_body: {a: 1, b: [true, null, 1.5, '1', yes]}\n", b'{"a":1,"b":[true,null,1.5,"1",true]}'),
        ("    body: {a: 1}\n", b'{"a":1}'),
        ("    body: {type: json, content: {a: [1, '2']}}\n", b'{"a":[1,"2"]}'),
        ("    body: {type: text, content: 12}\n", b"12"),
        ("    body: {type: base64, content: aGk=}\n", b"hi"),
        ('    body: "\\uD83D\\uDE00"\n', "😀".encode()),
    ],
)
def test_a_body_is_found_in_every_shape(lines: str, body: bytes) -> None:
    """Of the request as of the response."""
    assert read(cassette(lines)).interactions[0].request.body == body
    assert read(cassette("", lines)).interactions[0].response.body == body


def test_a_parsed_body_whose_headers_speak_of_gzip_is_plain() -> None:
    """pydantic-ai's serializer keeps the header; what is there is what was in it."""
    found = read(
        cassette("", "    headers: {content-encoding: [gzip], content-length: ['99']}\n    parsed_body: {a: ü}\n")
    )
    answer = found.interactions[0].response
    assert (answer.body, answer.headers, answer.uncompressed) == ('{"a":"ü"}'.encode(), (), True)


def test_what_cannot_be_decompressed_stays_as_it_is() -> None:
    """Headers and all, and is told: half a gzip body, an encoding that is unknown, more than fits in memory."""
    for encoding, body in (("gzip", gzip.compress(PLAIN)[:20]), ("rot13", b"\xff\x00")):
        text = base64.b64encode(body).decode()
        lines = f"    headers: {{Content-Encoding: [{encoding}]}}\n    body: {{string: !!binary {text}}}\n"
        brought = read(cassette("", lines))
        answer = brought.interactions[0].response
        assert (answer.body, answer.uncompressed) == (body, False)
        assert header(answer.headers, "content-encoding") == encoding
        assert any("stays as it is" in loss.what for loss in brought.losses)


def test_nothing_that_a_cassette_names_is_made(tmp_path: Path) -> None:
    """A tag that a full loader would obey is a remark."""
    mark = tmp_path / "mark"
    brought = read(cassette(f"    body: !!python/object/apply:os.system ['touch {mark}']\n"))
    assert not mark.exists()
    assert any("python/object/apply:os.system" in loss.what for loss in brought.losses)


def test_old_httpx_ruby_betamax_and_go_vcr_1_are_read() -> None:
    """The same in other words."""
    httpx = "    status_code: 201\n    http_version: HTTP/2\n    content: hi\n"
    text = cassette("", httpx).decode().replace("    status: {code: 200, message: OK}\n", "")
    answer = read(text.encode()).interactions[0].response
    assert (answer.code, answer.proto, answer.body) == (201, "HTTP/2.0", b"hi")
    ruby = text.replace("interactions:", "http_interactions:").replace("version: 1", "recorded_with: VCR 6")
    assert read(ruby.encode()).format == "vcr"
    go = b"""---
version: 1
interactions:
- request:
    body: q
    headers: {Accept: ['*/*']}
    url: https://a/b
    method: POST
  response:
    body: a
    headers: {}
    status: 429 Too Many Requests
    code: 429
    duration: 1.5ms
"""
    (one,) = read(go).interactions
    assert read(go).format == "go-vcr-1"
    assert (one.request.url, one.request.body) == ("https://a/b", b"q")
    assert (one.response.status, one.response.code, one.response.nanoseconds) == ("429 Too Many Requests", 429, 1500000)


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        (b"interactions:\n- 1\n", "expected a mapping", None),
        (b"interactions:\n- request:\n  response: {}\n", "request: expected a mapping", 2),
        (b"interactions: 5\n", "expected a list", 1),
        (b"interactions:\n- &a [*a]\n", "leads to nothing", 2),
        (b"interactions:\n- request: {\n", "not YAML", 3),
        (b"interactions: []\n\xff", "expected UTF-8", 2),
        (b"interactions:\n" + b"- " * 300, "nested more than 200", 2),
        (b"name: x\n", "no recording that is known", None),
        (b'{"interactions": [}', "no recording that is known", None),
    ],
)
def test_what_is_none_is_refused_with_its_line(text: bytes, message: str, line: int | None) -> None:
    """A TapeFormatError, whatever it is."""
    with pytest.raises(TapeFormatError, match=message) as caught:
        read(text)
    assert caught.value.line == line


def test_a_small_file_that_says_a_great_deal_is_refused() -> None:
    """A hundred lists of a hundred aliases of a hundred, and one body again and again."""
    levels = "\n".join(f"    l{n}: &l{n} [{', '.join([f'*l{n - 1}' if n else 'x' * 50] * 30)}]" for n in range(8))
    swells = cassette(f"    parsed_body:\n{levels}\n".replace("    l", "      l"))
    with pytest.raises(TapeFormatError, match="swells"):
        read(swells)


def test_a_tape_is_asked_for_and_a_cassette_is_there(tmp_path: Path) -> None:
    """The error says what makes a tape of it."""
    path = tmp_path / "c.yaml"
    path.write_bytes(cassette())
    with pytest.raises(TapeFormatError, match=r"got a vcrpy cassette: `playhead convert` makes a tape of it"):
        Tape.load(path)


def test_an_empty_file_is_a_recording_of_nothing() -> None:
    """As vcrpy leaves one behind that recorded nothing."""
    assert read(b"").interactions == read(b"interactions: []\nversion: 1\n").interactions == ()


@pytest.mark.parametrize(("encoding", "library"), [("br", "brotli"), ("zstd", "zstandard")])
def test_brotli_and_zstd_are_undone_where_their_library_is(encoding: str, library: str) -> None:
    """Also a body that a bomb would be; what is plain already stays so; what ends too soon stays as it is."""
    module = pytest.importorskip(library, reason=f"undoes {encoding}: pip install {library}")
    packed = module.compress(PLAIN)
    for body, plain, undone in ((packed, PLAIN, True), (PLAIN, PLAIN, True), (packed[:-4], packed[:-4], False)):
        text = base64.b64encode(body).decode()
        lines = f"    headers: {{content-encoding: {encoding}}}\n    body: {{string: !!binary {text}}}\n"
        answer = read(cassette("", lines)).interactions[0].response
        assert (answer.body, answer.uncompressed) == (plain, undone)
