"""Compressed bodies are made plain as far as they go, in as many pieces as came, and no further than any answer may."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from playhead import bounds
from playhead.deck.record.inflated import ENDS_EARLY, beginning, codings, inflated

TEXT = b'{"choices":[{"message":{"content":"' + bytes(range(32, 127)) * 20 + b'"}}]}'


def bare(data: bytes) -> bytes:
    return zlib.compress(data, wbits=-15)


@given(
    st.binary(max_size=3000), st.lists(st.integers(0, 4000), max_size=6), st.sampled_from(["gzip", "deflate", "bare"])
)
@settings(max_examples=100, deadline=None)
def test_any_body_in_any_pieces(body: bytes, cuts: list[int], how: str) -> None:
    packed = {"gzip": gzip.compress, "deflate": zlib.compress, "bare": bare}[how](body)
    places = [0, *sorted(min(cut, len(packed)) for cut in cuts), len(packed)]
    pieces = [packed[start:end] for start, end in pairwise(places)]
    plain, why = inflated(pieces, ["gzip" if how == "gzip" else "deflate"])
    assert plain is not None
    assert (b"".join(plain), len(plain), why) == (body, len(pieces), "")


def test_several_encodings_several_members_and_what_fills_up() -> None:
    assert inflated([gzip.compress(zlib.compress(TEXT))], ["deflate", "gzip"]) == ([TEXT], "")
    assert inflated([gzip.compress(TEXT) + gzip.compress(b"more") + b"\0" * 8], ["gzip"]) == ([TEXT + b"more"], "")
    assert inflated([b""], ["gzip"]) == ([b""], "")


def test_a_body_that_ends_early_gives_what_was_there() -> None:
    packed = gzip.compress(TEXT)
    plain, why = inflated([packed[:40], packed[40:-9]], ["gzip"])
    assert plain is not None
    assert why == ENDS_EARLY
    assert TEXT.startswith(b"".join(plain))
    assert len(b"".join(plain)) > len(TEXT) // 2


@pytest.mark.parametrize("size", [len(TEXT), 3 << 20])
def test_a_wrong_checksum_gives_all_that_was_there(size: int) -> None:
    body = (TEXT * (size // len(TEXT) + 1))[:size]
    packed = gzip.compress(body)[:-8] + b"12345678"
    plain, why = inflated([packed[:100], packed[100:]], ["gzip"])
    assert plain is not None
    assert b"".join(plain) == body
    assert why == "its compression is broken: incorrect data check"


def test_what_is_not_compressed_as_it_says_is_left() -> None:
    assert inflated([TEXT], ["gzip"]) == (None, "")
    assert inflated([gzip.compress(TEXT)], ["odd"]) == (None, "")
    assert inflated([gzip.compress(TEXT)], ["odd", "gzip"]) == (None, "")


def packed_by_a_library(encoding: str, body: bytes) -> bytes:
    packed: bytes
    if encoding == "br":
        packed = pytest.importorskip("brotli", reason="Brotli needs a library").compress(body, quality=5)
    else:
        packed = pytest.importorskip("zstandard", reason="zstd needs a library").ZstdCompressor().compress(body)
    return packed


@pytest.mark.parametrize("encoding", ["br", "zstd"])
def test_what_a_library_undoes(encoding: str) -> None:
    body = TEXT * 3000
    packed = packed_by_a_library(encoding, body)
    for size in (1, 7, len(packed)):
        pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
        plain, why = inflated(pieces, [encoding])
        assert plain is not None
        assert (b"".join(plain) == body, len(plain), why) == (True, len(pieces), "")
    plain, why = inflated([packed[: len(packed) // 2]], [encoding])
    assert why == ENDS_EARLY
    assert inflated([b"plain text, and no compression"], [encoding]) == (None, "")


@pytest.mark.parametrize("encoding", ["br", "zstd"])
def test_a_bomb_of_a_library_is_not_inflated(encoding: str) -> None:
    bomb = packed_by_a_library(encoding, bytes(100 << 20))
    tracemalloc.start()
    try:
        _, why = inflated([bomb], [encoding])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "became more than" in why
    assert peak < 6 * bounds.RATIO_FROM


def test_the_headers_of_encodings_are_read_together() -> None:
    headers = (("Content-Encoding", "identity"), ("content-encoding", "GZIP, identity"), ("Content-Encoding", "br"))
    assert codings(headers) == ["gzip", "br"]
    assert codings(()) == []


def test_a_bomb_is_not_inflated() -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join([packer.compress(bytes(1 << 20)) for _ in range(200)] + [packer.flush()])
    tracemalloc.start()
    try:
        plain, why = inflated([bomb], ["gzip"])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert plain is not None
    assert "became more than" in why
    assert peak < 3 * bounds.RATIO_FROM
    assert len(beginning(plain)[0]) == 1 << 20


def test_the_limit_of_an_answer_holds_for_what_becomes_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "VECTORS_LIMIT", 1000)
    plain, why = inflated([gzip.compress(TEXT)], ["gzip"])
    assert plain == [TEXT[:1000]]
    assert why == "it was more than 1000 bytes when decompressed"
