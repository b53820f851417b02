"""What holds for any bytes whatever, one function for each reader: it returns, or the assertion says what broke.

- :func:`sse`: however the bytes are cut the same events come, and they are those of the standard, read line by line.
- :func:`aws_event_stream`: however they are cut the same messages come, or the same breach; a message that is read is
  the same when written and read again. As no mutation meets a checksum by chance, the bytes are tried as the inside of
  a message, too.
- :func:`tape`: a file is refused with a TapeFormatError, or saved as it was; what it holds, written anew, is read as
  the same; the quick reader and the careful one agree, and so does PyYAML where it has the text as a string.

Nothing here knows the fuzzer: ``tests/test_fuzz_laws.py`` holds the same laws over the inputs that once broke them.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import pack
from typing import Any
from zlib import crc32

import msgspec
import yaml

from playhead.errors import ProtocolError, TapeFormatError
from playhead.framing.aws_event_stream import EventMessage, EventStreamDecoder, encode_message
from playhead.framing.sse import ServerSentEvent, SSEDecoder
from playhead.tapes import Tape
from playhead.tapes.interaction import Interaction
from playhead.tapes.layout import HEAD
from playhead.tapes.reading import Reading
from playhead.tapes.scalars import Unsure
from playhead.tapes.yaml_fallback import read_any
from playhead.tapes.yaml_read import _Reader
from playhead.tapes.yaml_write import encode_interaction

#: Sizes of pieces; beside them one cut in two, at a place that the bytes choose.
SIZES = (1, 2, 3, 7)


def cuts(data: bytes) -> Iterator[list[bytes]]:
    """The bytes in pieces, in several ways."""
    for size in SIZES:
        yield [data[start : start + size] for start in range(0, len(data), size)]
    place = crc32(data) % (len(data) + 1)
    yield [data[:place], b"", data[place:]]


def sse(data: bytes) -> None:
    """Server-sent events."""
    whole = sse_events([data])
    assert whole == standard_events(data), "not the events of the standard"
    for pieces in cuts(data):
        assert sse_events(pieces) == whole, f"other events in pieces of {len(pieces[0]) if pieces else 0}"


def sse_events(pieces: list[bytes]) -> list[ServerSentEvent]:
    """The events of a decoder that is fed so, that of a stream that ends within one among them."""
    decoder = SSEDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    last = decoder.close()
    return events if last is None else [*events, last]


def standard_events(data: bytes) -> list[ServerSentEvent]:
    """The events as the standard describes it, one line after the other; and what is left at the end, as one more."""
    lines = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    events: list[ServerSentEvent] = []
    said: list[bytes] = []
    name, identifier = "", None
    for number, line in enumerate(lines):
        if line:
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"data":
                said.append(value)
            elif field == b"event":
                name = value.decode("utf-8", "replace")
            elif field == b"id" and b"\0" not in value:
                identifier = value.decode("utf-8", "replace")
        if not line or number == len(lines) - 1:
            if said:
                events.append(ServerSentEvent(b"\n".join(said), name, identifier))
            said, name, identifier = [], "", None
    return events


def aws_event_stream(data: bytes) -> None:
    """Amazon's event stream: the bytes as they are, and as the inside of a message."""
    one_event_stream(data)
    if len(data) > 1:
        border = 2 + data[0] % (len(data) - 1)
        one_event_stream(sealed(data[1:border], data[border:]) + data[:20])


def sealed(headers: bytes, payload: bytes) -> bytes:
    """A message of these headers and this payload, with the right lengths and checksums."""
    prelude = pack(">II", 16 + len(headers) + len(payload), len(headers))
    data = prelude + pack(">I", crc32(prelude)) + headers + payload
    return data + pack(">I", crc32(data))


def one_event_stream(data: bytes) -> None:
    """The laws for these bytes."""
    whole = aws_messages([data])
    for pieces in cuts(data):
        assert aws_messages(pieces) == whole, f"other messages in pieces of {len(pieces[0]) if pieces else 0}"
    for message in whole[0]:
        try:
            again = encode_message(message)
        except ValueError:
            continue  # a header without a name, which the format forbids to write
        assert aws_messages([again]) == ([message], "", 0), "a message is another when written and read again"


def aws_messages(pieces: list[bytes]) -> tuple[list[EventMessage], str, int]:
    """The messages of a decoder that is fed so, the breach that it found, and how many bytes were left."""
    decoder = EventStreamDecoder()
    messages: list[EventMessage] = []
    try:
        for piece in pieces:
            messages += decoder.feed(piece)
        return messages, "", decoder.close()
    except ProtocolError as error:
        return messages, str(error), 0


def tape(data: bytes) -> None:
    """A tape's file."""
    careful = read_carefully(data)
    quick = read_quickly(data)
    if quick is not None:
        ended = read_carefully(data[: quick.end]) if quick.warnings else careful
        if quick.interactions:
            assert ended is not None, "the quick reader takes what the careful one refuses"
            assert ended.interactions == quick.interactions, "the two readers read it differently"
    if careful is not None:
        agrees(data, careful)
    try:
        loaded = Tape.loads(data)
    except TapeFormatError:
        assert careful is None, "refused, though the careful reader takes it"
        assert quick is None, "refused, though the quick reader takes it"
        return
    saved = loaded.dumps()
    assert data.startswith(saved) or not loaded.interactions, "saved otherwise than loaded"
    assert len(saved) == len(data) or loaded.warnings or not loaded.interactions, "cut, and nothing said"
    anew = HEAD + b"".join(encode_interaction(item, loaded.layout) for item in loaded.interactions)
    if loaded.interactions:
        again = map(in_order, Tape.loads(anew).interactions)
        assert list(again) == list(map(in_order, loaded.interactions)), "written anew, it is read as another"


def in_order(item: Interaction) -> Interaction:
    """The interaction with its header names in one order: they are written in go-vcr's, wherever they stood."""

    def by_name(side: Any, *names: str) -> Any:
        maps = {name: tuple(sorted(getattr(side, name), key=lambda pair: pair[0])) for name in names}
        return msgspec.structs.replace(side, **maps)

    request = by_name(item.request, "trailer", "form", "headers")
    return Interaction(item.id, request, by_name(item.response, "trailer", "headers"))


def read_quickly(data: bytes) -> Reading | None:
    """What the quick reader gives; None where it leaves the file to the careful one."""
    try:
        return _Reader(data).read()
    except Unsure:
        return None


def read_carefully(data: bytes) -> Reading | None:
    """What the careful reader gives; None where it refuses."""
    try:
        return read_any(data, None)
    except TapeFormatError:
        return None


#: The keys whose values are text, and bytes.
TEXTS = (("request", ("proto", "host", "url", "method", "body", "remote_addr", "request_uri")),)
TEXTS += (("response", ("proto", "status", "body")),)


def agrees(data: bytes, reading: Reading) -> None:
    """PyYAML has the same text where it has a string, and the same bytes where it has bytes."""
    try:
        value: Any = yaml.load(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        return  # a date that is none, a key that cannot be one
    for item, plain in zip(reading.interactions, value["interactions"] or (), strict=True):
        for side, names in TEXTS:
            for name in names:
                ours, theirs = getattr(getattr(item, side), name), (plain[side] or {}).get(name)
                if isinstance(theirs, str):
                    theirs = theirs.encode("utf-8", "surrogateescape")
                if isinstance(theirs, bytes):
                    ours = ours if isinstance(ours, bytes) else ours.encode("utf-8", "surrogateescape")
                    assert ours == theirs, f"{side}.{name}: {ours!r}, and {theirs!r} to PyYAML"


LAWS = {"sse": sse, "aws_event_stream": aws_event_stream, "tape": tape}
