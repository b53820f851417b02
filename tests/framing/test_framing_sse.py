"""Server-sent events, held against the standard's own examples and any chunk boundaries."""

from __future__ import annotations

from itertools import pairwise
from time import perf_counter

import pytest
from hypothesis import given, settings, strategies as st

from playhead.errors import ProtocolError
from playhead.framing.sse import ServerSentEvent, SSEDecoder, encode_sse

EXAMPLES = [
    (b'data: {"a":1}\n\n', [ServerSentEvent(b'{"a":1}')]),
    (b"data: one\n\ndata: two\n\n", [ServerSentEvent(b"one"), ServerSentEvent(b"two")]),
    (b"data: YHOO\ndata: +2\ndata: 10\n\n", [ServerSentEvent(b"YHOO\n+2\n10")]),
    (b": a comment\n\ndata: x\n\n", [ServerSentEvent(b"x")]),
    (b": a comment\ndata: x\n\n", [ServerSentEvent(b"x")]),
    (b"data\n\ndata\ndata\n\ndata:", [ServerSentEvent(b""), ServerSentEvent(b"\n")]),
    (b"data:test\n\ndata: test\n\n", [ServerSentEvent(b"test"), ServerSentEvent(b"test")]),
    (b"data:  two spaces\n\n", [ServerSentEvent(b" two spaces")]),
    (
        b"event: delta\nid: 7\nretry: 5\ndata: x\n\ndata: y\n\n",
        [ServerSentEvent(b"x", "delta", "7"), ServerSentEvent(b"y")],
    ),
    (b"event: empty\n\ndata: x\n\n", [ServerSentEvent(b"x")]),
    (b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", [ServerSentEvent(b"a"), ServerSentEvent(b"b"), ServerSentEvent(b"c")]),
    (b"\xef\xbb\xbfdata: x\n\n", [ServerSentEvent(b"x")]),
    (b"\n\n\ndata: x\n\n\n\n", [ServerSentEvent(b"x")]),
    (b"unknown: field\nnocolon\ndata: x\n\n", [ServerSentEvent(b"x")]),
    (b"data: unfinished\n", []),
]


def feed(data: bytes, size: int) -> list[ServerSentEvent]:
    decoder = SSEDecoder()
    return [event for start in range(0, len(data), size) for event in decoder.feed(data[start : start + size])]


@pytest.mark.parametrize(("data", "events"), EXAMPLES)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
def test_decoder_gives_the_events_of_the_standard(data: bytes, events: list[ServerSentEvent], size: int) -> None:
    assert feed(data, size) == events


LINES = st.sampled_from(
    [b"data: a", b"data:b", b"data", b": c", b"event: e", b"id: 1", b"", b"", b"x", b"data: \xc3\xa9 \xf0\x9f\x99\x82"]
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"]))),
    st.lists(st.integers(0, 200)),
    st.booleans(),
)
def test_events_do_not_depend_on_the_chunk_boundaries(
    lines: list[tuple[bytes, bytes]], cuts: list[int], bom: bool
) -> None:
    data = (b"\xef\xbb\xbf" if bom else b"") + b"".join(line + end for line, end in lines)
    whole, pieces = SSEDecoder(), SSEDecoder()
    expected = whole.feed(data)
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    found = [event for a, b in pairwise(places) for event in pieces.feed(data[a:b])]
    assert found == expected
    assert pieces.close() == whole.close()
    assert feed(data, 1) == expected


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"])), min_size=1), st.integers(1, 9)
)
def test_what_is_encoded_decodes_to_the_same(texts: list[str], size: int) -> None:
    data = b"".join(encode_sse(text.encode()) for text in texts)
    assert [event.data.decode() for event in feed(data, size)] == texts


def test_close_gives_what_its_blank_line_never_finished() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: x\n\ndata: [DONE]") == [ServerSentEvent(b"x")]
    assert decoder.close() == ServerSentEvent(b"[DONE]")
    assert decoder.close() is None


@pytest.mark.parametrize("line", [b"data: ", b"data: x\ndata: ", b"no field at all "])
def test_decoder_refuses_an_event_beyond_the_limit(line: bytes) -> None:
    decoder = SSEDecoder(limit=1000)
    decoder.feed(line)
    for _ in range(8):
        decoder.feed(b"x" * 100)
    with pytest.raises(ProtocolError, match=r"at most 1,000 bytes in 1,048,576 lines expected"):
        decoder.feed(b"x" * 500)


def test_the_limit_is_for_one_event_not_for_the_stream() -> None:
    decoder = SSEDecoder(limit=1000)
    for _ in range(50):
        assert len(decoder.feed(b"data: %b\n\n" % (b"x" * 500))) == 1


def test_an_event_of_many_lines_is_read_in_time_that_grows_with_its_length() -> None:
    decoder = SSEDecoder()
    began = perf_counter()
    for _ in range(64):
        assert decoder.feed(b":\n" * 32768) == []
    assert perf_counter() - began < 4
    assert decoder.feed(b"data: a\n\ndata: b\n\n") == [ServerSentEvent(b"a"), ServerSentEvent(b"b")]
