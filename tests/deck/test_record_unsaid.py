"""What no header says is compressed is looked into all the same, in requests and answers, and withheld for a secret."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from odd_upstream import OddUpstream, Saying, answer
from raw_wire import ask

from playhead import RecordingProxy, Tape
from playhead.deck.http1.reading import Asked
from playhead.deck.record.inflated import unsaid
from playhead.wire import header

KEY = "sk-proj-Ab3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5bC7d"
INSIDE = json.dumps({"path": "/v1/x", "echo": f"Bearer {KEY}", "q": "x" * 50}).encode()
PLAIN = json.dumps({"path": "/v1/x", "q": ["nothing"] * 9}).encode()


def brotli(data: bytes) -> bytes:
    packed: bytes = pytest.importorskip("brotli", reason="Brotli needs a library").compress(data)
    return packed


def zstd(data: bytes) -> bytes:
    packed: bytes = pytest.importorskip("zstandard", reason="zstd needs a library").ZstdCompressor().compress(data)
    return packed


def bare(data: bytes) -> bytes:
    return zlib.compress(data, wbits=-15)


def twice(data: bytes) -> bytes:
    return gzip.compress(zlib.compress(data))


PACKED = [gzip.compress, zlib.compress, bare, brotli, zstd, twice]


def exchange(tape: Path, asked: bytes, said: bytes, **headers: Any) -> tuple[Any, bytes, bytes]:
    """The interaction on the tape, and what arrived at the other side of the proxy, either way."""

    def say(request: Asked) -> Saying:
        return [answer("200 OK", body=said)]

    with OddUpstream(say) as upstream, RecordingProxy(upstream.url, tape=tape) as proxy:
        got = ask(proxy.port, "/v1/files", asked, **headers).body
        arrived = upstream.asked[0].body
    return Tape.load(tape).interactions[0], arrived, got


@pytest.mark.parametrize("pack", PACKED)
def test_a_request_that_hides_a_known_key_is_withheld(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    asked = pack(INSIDE)
    item, arrived, _ = exchange(tmp_path / "t.yaml", asked, b"{}", authorization=f"Bearer {KEY}")
    assert arrived == asked
    assert item.request.body == b""
    assert (header(item.request.headers, "Playhead-Cut") or "").startswith(f"withheld: {len(asked)} bytes of ")


@pytest.mark.parametrize("pack", PACKED)
def test_an_answer_that_hides_one_is_withheld(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    said = pack(INSIDE)
    item, _, got = exchange(tmp_path / "t.yaml", b"{}", said, authorization=f"Bearer {KEY}")
    assert got == said
    assert item.response.body == b""
    assert (header(item.response.headers, "Playhead-Cut") or "").startswith(f"withheld: {len(said)} bytes of ")


def test_a_key_that_only_the_hidden_body_tells_of_is_kept_off_the_rest(tmp_path: Path) -> None:
    tape = tmp_path / "t.yaml"
    hidden = json.dumps({"api_key": "Zq7SecretValue7xYLongEnough"}).encode()
    item, _, _ = exchange(tape, gzip.compress(hidden), b"you sent Zq7SecretValue7xYLongEnough")
    assert item.request.body == b""
    assert item.response.body == b"you sent REDACTED"


@pytest.mark.parametrize("pack", [*PACKED, lambda data: b"\x89PNG\r\n\x1a\n\0" + random.Random(7).randbytes(3000)])
def test_what_hides_nothing_is_recorded_as_it_came(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    packed = pack(PLAIN)
    item, _, _ = exchange(tmp_path / "t.yaml", packed, packed, authorization=f"Bearer {KEY}")
    assert (item.request.body, item.response.body) == (packed, packed)


def test_text_is_not_looked_into_and_nothing_is_gone_into_for_ever() -> None:
    assert list(unsaid(INSIDE)) == []
    deep = PLAIN
    for _ in range(9):
        deep = gzip.compress(deep)
    assert [encoding for encoding, _, _ in unsaid(deep)] == ["gzip"] * 3


def test_gzip_that_breaks_off_may_hide_more() -> None:
    assert [doubtful for _, _, doubtful in unsaid(gzip.compress(INSIDE)[:-9])] == [True]
