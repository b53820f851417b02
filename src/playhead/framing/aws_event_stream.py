r"""The AWS event stream: bytes to messages, whatever the chunk boundaries, and back.

The format is ``application/vnd.amazon.eventstream``, as the Smithy specification gives it
(https://smithy.io/2.0/aws/amazon-eventstream.html). Numbers are big-endian; a message is ::

    total length  4 | headers' length  4 | CRC-32 of these 8 bytes  4
    headers       name's length 1, name, type 1, value; any number of times
    payload
    CRC-32 of everything before it  4

    decoder.feed(b"\0\0\2\x91\0\0\0K…") -> [EventMessage({":event-type": "chunk", …}, b'{"bytes":…}')]

Both checksums are checked, the first before its length is believed, so that no flipped byte passes and no wrong length
makes a reader wait for gigabytes. After a breach the place of the next message is not known: the decoder raises it
again for whatever follows. What a message means (``:message-type`` event, exception or error) is the dialect's.
"""

from __future__ import annotations

import struct
from typing import TypeAlias
from zlib import crc32

import msgspec

from playhead.errors import ProtocolError

#: What the specification allows at most: 24 MiB of payload, 128 KiB of headers.
MAX_PAYLOAD_BYTES = 24 * 1024 * 1024
MAX_HEADERS_BYTES = 128 * 1024

_PRELUDE = 12
_OVERHEAD = 16  # the prelude and the last checksum
_prelude = struct.Struct(">III").unpack_from
_number = struct.Struct(">I").unpack_from


class Byte(msgspec.Struct, frozen=True):
    """A number sent as one byte, -128 to 127."""

    value: int


class Sized(msgspec.Struct, frozen=True):
    """A number sent in ``width`` bytes: 2, 4 or 8."""

    value: int
    width: int


class Timestamp(msgspec.Struct, frozen=True):
    """A time, in milliseconds since 1970."""

    milliseconds: int


class Uuid(msgspec.Struct, frozen=True):
    """A UUID, as its 16 bytes."""

    value: bytes


HeaderValue: TypeAlias = bool | str | bytes | Byte | Sized | Timestamp | Uuid


class EventMessage(msgspec.Struct, frozen=True, gc=False):
    """One message: its headers by name, and its payload. Messages of equal headers may share one dict."""

    headers: dict[str, HeaderValue]
    payload: bytes

    def text(self, name: str) -> str:
        """A header's text; "" where it is absent or no text."""
        value = self.headers.get(name)
        return value if isinstance(value, str) else ""


class EventStreamDecoder:
    """Takes bytes as they come, gives the messages that they complete."""

    __slots__ = ("_error", "_held", "_known", "_limit", "_need", "_pieces", "_seen")

    def __init__(self, limit: int = MAX_PAYLOAD_BYTES) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []  # the message that has not ended yet, in pieces
        self._held = 0  # bytes in _pieces
        self._need = _PRELUDE  # bytes without which nothing can be said
        self._seen = 0  # bytes of the messages before it
        self._known: tuple[bytes, dict[str, HeaderValue]] = (b"", {})  # the last headers: most are like those before
        self._error: ProtocolError | None = None

    def feed(self, data: bytes) -> list[EventMessage]:
        """The messages that these bytes complete, in order. A breach is raised after the messages before it were
        handed on: at once when this call has none, else by the next call or :meth:`close`.

        Raises:
            ProtocolError: a checksum, a length or a header is not what the format says; the message says where.
        """
        if self._error is not None:
            raise self._error
        self._held += len(data)
        if self._held < self._need:
            self._pieces.append(data)
            return []
        if self._pieces:
            data = b"".join([*self._pieces, data])
            self._pieces.clear()
        messages: list[EventMessage] = []
        start, size = 0, len(data)
        try:
            while True:
                self._need = _PRELUDE
                if size - start < _PRELUDE:
                    break
                total, headers = self._read_prelude(data, start)
                if size - start < total:
                    self._need = total
                    break
                messages.append(self._read(data[start : start + total], headers))
                start += total
                self._seen += total
        except ProtocolError as error:
            self._error = error
            if not messages:
                raise
        self._held = size - start
        if self._held:
            self._pieces.append(data[start:] if start else data)
        return messages

    def close(self) -> int:
        """The stream has ended: how many bytes of a message that never came to its end are left, 0 when none.

        Raises:
            ProtocolError: the breach that an earlier call found.
        """
        if self._error is not None:
            raise self._error
        return self._held

    def _read_prelude(self, data: bytes, start: int) -> tuple[int, int]:
        total, headers, checksum = _prelude(data, start)
        found = crc32(data[start : start + 8])
        if found != checksum:
            raise ProtocolError(
                f"checksum {checksum:08x} of a message's prelude expected at byte {self._seen} of the event stream, "
                f"{found:08x} found: {data[start : start + _PRELUDE]!r}"
            )
        payload = total - headers - _OVERHEAD
        if headers > MAX_HEADERS_BYTES or not 0 <= payload <= self._limit:
            raise ProtocolError(
                f"a message of at most {self._limit:,} bytes and {MAX_HEADERS_BYTES:,} bytes of headers expected "
                f"at byte {self._seen} of the event stream; its lengths are {total:,} and {headers:,}"
            )
        return total, headers

    def _read(self, data: bytes, headers: int) -> EventMessage:
        (checksum,) = _number(data, len(data) - 4)
        found = crc32(data[:-4])
        if found != checksum:
            raise ProtocolError(
                f"checksum {checksum:08x} expected of the message at byte {self._seen} of the event stream, "
                f"{found:08x} found"
            )
        border = _PRELUDE + headers
        raw = data[_PRELUDE:border]
        if raw != self._known[0]:
            self._known = (raw, _decode_headers(raw, self._seen))
        return EventMessage(self._known[1], data[border:-4])


_WIDTHS = {2: (1, ">b"), 3: (2, ">h"), 4: (4, ">i"), 5: (8, ">q"), 8: (8, ">q")}


def _decode_headers(data: bytes, place: int) -> dict[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {}
    position, end = 0, len(data)
    try:
        while position < end:
            position += 1
            name_end = position + data[position - 1]
            name = str(data[position:name_end], "utf-8")
            kind = data[name_end]
            position = name_end + 1
            value: HeaderValue
            if kind in (6, 7):
                start = position + 2
                position = start + (data[position] << 8 | data[position + 1])
                value = data[start:position] if kind == 6 else str(data[start:position], "utf-8")
            elif kind < 2:
                value = kind == 0
            elif kind == 9:
                value = Uuid(data[position : position + 16])
                position += 16
            elif kind in _WIDTHS:
                width, form = _WIDTHS[kind]
                (number,) = struct.unpack_from(form, data, position)
                value = Timestamp(number) if kind == 8 else Byte(number) if width == 1 else Sized(number, width)
                position += width
            else:
                raise ValueError(f"header {name!r} is of the unknown type {kind}")
            if position > end:
                raise IndexError
            headers[name] = value
    except (IndexError, struct.error):
        raise ProtocolError(f"the headers of the message at byte {place} of the event stream are torn") from None
    except ValueError as error:
        raise ProtocolError(f"the message at byte {place} of the event stream: {error}") from None
    return headers


def encode_message(message: EventMessage) -> bytes:
    """One message as bytes; decoding them gives it back.

    Raises:
        ValueError: a name, a value or the whole is longer than the format holds.
    """
    headers = b"".join(_encode_header(name, value) for name, value in message.headers.items())
    if len(headers) > MAX_HEADERS_BYTES or len(message.payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(
            f"an event stream's message holds at most {MAX_HEADERS_BYTES:,} bytes of headers and "
            f"{MAX_PAYLOAD_BYTES:,} of payload; these are {len(headers):,} and {len(message.payload):,}"
        )
    prelude = struct.pack(">II", _OVERHEAD + len(headers) + len(message.payload), len(headers))
    data = b"".join((prelude, struct.pack(">I", crc32(prelude)), headers, message.payload))
    return data + struct.pack(">I", crc32(data))


def _encode_header(name: str, value: HeaderValue) -> bytes:
    label = name.encode()
    if not 0 < len(label) < 256:
        raise ValueError(f"a header's name has 1 to 255 bytes; {name!r} has {len(label)}")
    return bytes((len(label),)) + label + _encode_value(name, value)


_KINDS = {2: (3, ">h"), 4: (4, ">i"), 8: (5, ">q")}


def _encode_value(name: str, value: HeaderValue) -> bytes:
    try:
        match value:
            case bool():
                return b"\0" if value else b"\1"
            case str() | bytes():
                data = value.encode() if isinstance(value, str) else value
                return (b"\7" if isinstance(value, str) else b"\6") + struct.pack(">H", len(data)) + data
            case Byte(number):
                return b"\2" + struct.pack(">b", number)
            case Sized(number, width):
                kind, form = _KINDS[width]
                return bytes((kind,)) + struct.pack(form, number)
            case Timestamp(number):
                return b"\10" + struct.pack(">q", number)
            case Uuid(data):
                if len(data) != 16:
                    raise ValueError(f"a UUID has 16 bytes; header {name!r} has {len(data)}")
                return b"\11" + data
    except (struct.error, KeyError) as error:
        raise ValueError(f"header {name!r} cannot hold {value!r}: {error}") from None
