"""Server-sent events: bytes to events, whatever the chunk boundaries.

The format is the WHATWG HTML standard's, section 9.2 "Server-sent events" (https://html.spec.whatwg.org/). Lines end in
LF, CR or CRLF; a blank line hands the event on; a line that begins with a colon is a comment; a leading byte order mark
is skipped; several ``data:`` lines are joined by LF; an event without data is none. ::

    decoder.feed(b'data: {"id":1}\n\n: keep-alive\n\nda') -> [ServerSentEvent(b'{"id":1}')]

One thing is kept that the standard throws away: what is left when the bytes end before the blank line. :meth:`close`
gives it, and the dialect decides whether it was whole (``data: [DONE]`` without its blank line is common).

Most streams are runs of ``data: {...}`` and a blank line, an ``event:`` line before it or none, with LF only;
:meth:`SSEDecoder.feed` cuts these with one split, and reads line by line only where something else stands. What an
event's data means is the dialect's.
"""

from __future__ import annotations

import msgspec

from playhead.errors import ProtocolError

#: The largest event that is taken. An image in base64 is some megabytes; a line that never ends is an attack or a bug.
MAX_EVENT_BYTES = 64 * 1024 * 1024
#: The most lines of data that one event may have: each costs some forty bytes beside its own.
MAX_EVENT_LINES = 1 << 20

_BOM = b"\xef\xbb\xbf"


class ServerSentEvent(msgspec.Struct, frozen=True, gc=False):
    """One event: its data, its name ("" where none was given, which the standard calls "message"), and the id that
    its own block gave, None where it gave none."""

    data: bytes
    event: str = ""
    id: str | None = None


class SSEDecoder:
    """Takes bytes as they come, gives the events that they complete."""

    __slots__ = ("_after_cr", "_data", "_event", "_held", "_id", "_limit", "_open", "_pieces", "_size", "_started")

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []  # the line that has not ended yet, in pieces
        self._held = 0  # bytes in _pieces
        self._size = 0  # bytes in _data
        self._data: list[bytes] = []
        self._event = ""
        self._id: str | None = None
        self._open = False  # whether a line of the current event was read
        self._after_cr = False  # the last byte was CR: an LF that follows belongs to it
        self._started = False  # whether the place of the byte order mark is passed

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """The events that these bytes complete, in order.

        Raises:
            ProtocolError: one event grew over the limit.
        """
        if not data:
            return []
        if not self._started:
            data = self._skip_bom(data)
        if b"\n" not in data and b"\r" not in data:
            self._hold(data)
            return []
        if self._after_cr:
            self._after_cr = False
            if data.startswith(b"\n"):
                data = data[1:]
        if self._pieces:
            data = b"".join([*self._pieces, data])
            self._pieces.clear()
            self._held = 0
        events: list[ServerSentEvent] = []
        if b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            data = b"\n\n".join(data.split(b"\r\n\r\n"))  # three times as fast as to replace them
            if b"\r" in data:
                data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if self._open:
            data = self._finish_open(data, events)
        end = data.rfind(b"\n\n")
        if end >= 0:
            for block in data[:end].split(b"\n\n"):
                if block.startswith(b"data: ") and b"\n" not in block:
                    if len(block) > self._limit:
                        raise self._too_large()
                    events.append(ServerSentEvent(block[6:]))
                    continue
                name, _, line = block.partition(b"\n")
                if name.startswith(b"event: ") and line.startswith(b"data: ") and b"\n" not in line:
                    if len(line) > self._limit:
                        raise self._too_large()
                    events.append(ServerSentEvent(line[6:], name[7:].decode("utf-8", "replace")))
                else:
                    for line in block.split(b"\n"):
                        self._line(line, events)
                    self._dispatch(events)
            data = data[end + 2 :]
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._line(line, events)
        if rest:
            self._hold(rest)
        return events

    def close(self) -> ServerSentEvent | None:
        """What the bytes left unfinished: the event whose blank line never came, its last line perhaps torn.

        None when nothing was left, or only comments.
        """
        if self._pieces:
            line = b"".join(self._pieces)
            self._pieces.clear()
            self._field(line)
        if not self._data:
            return None
        events: list[ServerSentEvent] = []
        self._dispatch(events)
        return events[0] if events else None

    def _skip_bom(self, data: bytes) -> bytes:
        head = b"".join([*self._pieces, data])
        self._pieces.clear()
        self._held = 0
        if len(head) < 3 and _BOM.startswith(head):
            self._pieces.append(head)
            self._held = len(head)
            return b""
        self._started = True
        return head.removeprefix(_BOM)

    def _hold(self, data: bytes) -> None:
        self._held += len(data)
        if self._held + self._size > self._limit:
            raise self._too_large()
        if data:
            if self._after_cr:  # the line end before is complete now
                self._after_cr = False
            self._pieces.append(data)

    def _finish_open(self, data: bytes, events: list[ServerSentEvent]) -> bytes:
        """Read the lines of the event that an earlier call began; the rest of the data."""
        if data.startswith(b"\n"):
            lines, ended, rest = b"", b"\n", data[1:]
        else:
            lines, ended, rest = data.partition(b"\n\n")
            if not ended:
                lines, newline, rest = data.rpartition(b"\n")
                if not newline:
                    return data
        if lines:
            for line in lines.split(b"\n"):
                self._line(line, events)
        if ended:
            self._dispatch(events)
        return rest

    def _line(self, line: bytes, events: list[ServerSentEvent]) -> None:
        if line:
            self._open = True
            self._field(line)
        else:
            self._dispatch(events)

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._size += len(value) + 1
            if self._size > self._limit or len(self._data) >= MAX_EVENT_LINES:
                raise self._too_large()
            self._data.append(value)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")
        # A comment has an empty name; retry is the transport's, and unknown fields are skipped, as the standard says.

    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        if self._data:
            events.append(ServerSentEvent(b"\n".join(self._data), self._event, self._id))
            self._data.clear()
        self._event, self._id, self._size, self._open = "", None, 0, False

    def _too_large(self) -> ProtocolError:
        return ProtocolError(
            f"a server-sent event of at most {self._limit:,} bytes in {MAX_EVENT_LINES:,} lines expected, "
            f"a larger one came: "
            f"{b''.join(self._data[:1] or self._pieces[:1])[:80]!r}…"
        )


def encode_sse(data: bytes, event: str = "") -> bytes:
    r"""One event as bytes: ``encode_sse(b"{}") -> b"data: {}\n\n"``. Line ends in the data become several lines."""
    head = f"event: {event}\n".encode() if event else b""
    if b"\n" in data or b"\r" in data:
        lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        return head + b"".join(b"data: %b\n" % line for line in lines) + b"\n"
    return head + b"data: %b\n\n" % data
