"""Amazon's framing: any message there and back, however it is cut, and no damage unseen."""

from __future__ import annotations

import struct
from contextlib import suppress
from itertools import pairwise
from zlib import crc32

import pytest
from hypothesis import given, settings, strategies as st

from playhead.errors import ProtocolError
from playhead.framing.aws_event_stream import (
    Byte,
    EventMessage,
    EventStreamDecoder,
    Sized,
    Timestamp,
    Uuid,
    encode_message,
)

INT64 = st.integers(-(2**63), 2**63 - 1)
VALUES = st.one_of(
    st.booleans(),
    st.text(max_size=40),
    st.binary(max_size=40),
    st.builds(Byte, st.integers(-128, 127)),
    st.builds(Sized, st.integers(-(2**15), 2**15 - 1), st.just(2)),
    st.builds(Sized, st.integers(-(2**31), 2**31 - 1), st.just(4)),
    st.builds(Sized, INT64, st.just(8)),
    st.builds(Timestamp, INT64),
    st.builds(Uuid, st.binary(min_size=16, max_size=16)),
)
NAMES = st.text(min_size=1, max_size=20).filter(lambda name: len(name.encode()) < 256)
MESSAGES = st.builds(EventMessage, st.dictionaries(NAMES, VALUES, max_size=4), st.binary(max_size=60))

HI = EventMessage({":message-type": "event", ":event-type": "chunk"}, b'{"bytes":"e30="}')


def decode(data: bytes, cuts: list[int] | None = None) -> list[EventMessage]:
    decoder = EventStreamDecoder()
    messages: list[EventMessage] = []
    for start, end in pairwise([0, *sorted(cuts or []), len(data)]):
        messages += decoder.feed(data[start:end])
    assert decoder.close() == 0
    return messages


def frame(headers: bytes, payload: bytes = b"") -> bytes:
    """A message whose checksums hold, whatever its headers are."""
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    data = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return data + struct.pack(">I", crc32(data))


@settings(max_examples=60, deadline=None)
@given(st.lists(MESSAGES, max_size=4), st.data())
def test_messages_come_back_however_they_are_cut(messages: list[EventMessage], data: st.DataObject) -> None:
    encoded = b"".join(map(encode_message, messages))
    cuts = data.draw(st.lists(st.integers(0, len(encoded)), max_size=6))
    assert decode(encoded, cuts) == messages
    assert decode(encoded, list(range(len(encoded)))) == messages


def test_the_bytes_are_those_of_the_specification() -> None:
    """The example of the AWS event stream test vectors: an int32 header, and a payload."""
    data = bytes.fromhex(
        "0000002d00000010 41c424b8 0a6576656e742d74797065 04 0000a00c 7b27666f6f273a27626172277d 36f480a0"
    )
    message = EventMessage({"event-type": Sized(40972, 4)}, b"{'foo':'bar'}")
    assert decode(data) == [message]
    assert encode_message(message) == data
    assert encode_message(EventMessage({}, b"")) == bytes.fromhex("000000100000000005c248eb7d98c8ff")


@pytest.mark.parametrize("bit", range(8))
def test_a_flip_of_any_bit_is_detected(bit: int) -> None:
    whole = encode_message(HI)
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << bit
        with pytest.raises(ProtocolError, match="expected"):
            EventStreamDecoder().feed(bytes(damaged))


def test_a_breach_is_raised_after_the_messages_before_it() -> None:
    decoder = EventStreamDecoder()
    assert decoder.feed(encode_message(HI) + b"\1" * 12) == [HI]
    with pytest.raises(ProtocolError, match=r"prelude expected at byte \d+"):
        decoder.feed(encode_message(HI))
    with pytest.raises(ProtocolError):
        decoder.close()


def test_close_says_how_much_of_a_message_is_left() -> None:
    decoder = EventStreamDecoder()
    data = encode_message(HI)
    assert decoder.feed(data + data[:20]) == [HI]
    assert decoder.close() == 20
    assert decoder.feed(data[20:]) == [HI]
    assert decoder.close() == 0


def test_a_message_over_the_limit_is_refused_by_its_prelude_alone() -> None:
    head = struct.pack(">II", 200, 0)
    decoder = EventStreamDecoder(limit=100)
    with pytest.raises(ProtocolError, match="at most 100 bytes"):
        decoder.feed(head + struct.pack(">I", crc32(head)))


@pytest.mark.parametrize(
    "headers",
    [b"\x05ab", b"\x01a", b"\x01a\x07", b"\x01a\x07\x00\x09x", b"\x01a\x04\x00\x00", b"\x01a\x09\x00", b"\xff"],
    ids=["name", "type", "length", "text", "number", "uuid", "nothing"],
)
def test_torn_headers_are_a_breach(headers: bytes) -> None:
    with pytest.raises(ProtocolError, match="torn"):
        EventStreamDecoder().feed(frame(headers))


def test_an_unknown_type_and_broken_text_are_a_breach() -> None:
    with pytest.raises(ProtocolError, match="unknown type 10"):
        EventStreamDecoder().feed(frame(b"\x01a\x0a"))
    with pytest.raises(ProtocolError, match="utf-8"):
        EventStreamDecoder().feed(frame(b"\x01a\x07\x00\x01\xff"))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80))
def test_any_headers_decode_or_are_a_protocol_error(headers: bytes) -> None:
    with suppress(ProtocolError):
        assert len(EventStreamDecoder().feed(frame(headers, b"payload"))) == 1


@pytest.mark.parametrize(
    "message",
    [
        EventMessage({"": "x"}, b""),
        EventMessage({"n" * 256: "x"}, b""),
        EventMessage({"a": "x" * 70000}, b""),
        EventMessage({"a": Byte(128)}, b""),
        EventMessage({"a": Sized(1, 3)}, b""),
        EventMessage({"a": Uuid(b"x")}, b""),
        EventMessage({str(n): "x" * 60000 for n in range(3)}, b""),
    ],
)
def test_what_the_format_cannot_hold_is_refused(message: EventMessage) -> None:
    with pytest.raises(ValueError, match=r"header|UUID"):
        encode_message(message)
