"""Requests read off a connection's bytes, however those were cut: the half of HTTP/1.1 that needs no socket.

:class:`Reader` is fed what came and gives whole requests. What is not HTTP/1.1 as RFC 9112 has it is refused in words,
and so is what could be read in two ways (a length beside chunks): a proxy that guesses there can be made to see one
request where its upstream sees two. Upgrades, CONNECT and HTTP/2 are refused as well. Nothing is read twice: a head is
parsed once, and chunks are taken off as they come.
"""

from __future__ import annotations

from playhead.wire import Headers, header

#: Bytes of a request's head; some clients send long cookies and traces.
HEAD_LIMIT = 65536
#: Bytes of a request's body: above what any provider takes.
BODY_LIMIT = 256 << 20
#: Bytes of the line that says a chunk's size, extensions with it.
_SIZE_LINE = 4096
_METHOD = frozenset("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
#: What a request may begin with.
_FIRST = frozenset("".join(_METHOD).encode())
#: With what a client begins TLS: the record type of a handshake.
_TLS = 0x16


class Refused(Exception):
    """A request that is not answered as it is; ``status`` and the words go to the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Asked:
    """One request, whole.

    Attributes:
        target: what stood in the request line, less a scheme and host: ``/v1/messages?beta=true``. ASCII; bytes that
            are none are written as ``%C3``.
        body: as it came, less the framing of chunks; :meth:`plain` undoes a compression, too.
        last: the client sends nothing after it on this connection.
        minor: of the HTTP version, 0 or 1.
    """

    __slots__ = ("body", "headers", "last", "method", "minor", "target")

    def __init__(self, method: str, target: str, headers: Headers, minor: int, body: bytes = b"") -> None:
        self.method, self.target, self.headers, self.minor, self.body = method, target, headers, minor, body
        self.last = minor == 0

    def header(self, name: str) -> str | None:
        """The first value of a header; None when it is not there."""
        return header(self.headers, name)

    def plain(self) -> bytes:
        """The body without its compression.

        Raises:
            Refused: it is compressed in a way that is not known here, or is not what it says.
        """
        encoding = (self.header("content-encoding") or "").strip().lower()
        if encoding in ("", "identity") or not self.body:
            return self.body
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise Refused(415, f"a request body in {encoding[:40]} cannot be read here; gzip and deflate can")
        import zlib

        for bits in (47, -15):  # 47: gzip and zlib, as the bytes say; -15: the bare deflate that some send
            inflater = zlib.decompressobj(bits)
            try:
                plain = inflater.decompress(self.body, BODY_LIMIT)
            except zlib.error:
                continue
            if inflater.unconsumed_tail:
                raise Refused(413, f"the request body is more than {BODY_LIMIT >> 20} MiB when it is decompressed")
            if inflater.eof:
                return plain
        raise Refused(400, f"the request body is not the {encoding[:40]} that it says")


class Reader:
    """Bytes in, requests out.

    Attributes:
        waits_for_leave: the request under way asked to be told (``Expect: 100-continue``) before it sends its body.
    """

    def __init__(self) -> None:
        self.waits_for_leave = False
        self._buffer = bytearray()
        self._asked: Asked | None = None  # its head is here, its body is not yet
        self._length = 0  # of the body that is waited for; -1 where it comes in chunks
        self._chunks: list[bytes] = []
        self._received = 0
        self._trailed = -1  # bytes of trailers that were taken off; -1 before the last chunk

    def __len__(self) -> int:
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take what came."""
        self._buffer += data

    def next(self) -> Asked | None:
        """The next request, when all of it is here.

        Raises:
            Refused: what is here is no request that can be answered; nothing after it can be read.
        """
        asked = self._asked
        if asked is None and (asked := self._head()) is None:
            return None
        if self._length > 0:
            if len(self._buffer) < self._length:
                self._asked = asked
                return None
            with memoryview(self._buffer) as view:
                asked.body = bytes(view[: self._length])
            del self._buffer[: self._length]
        elif self._length < 0:
            if not self._dechunked():
                self._asked = asked
                return None
            asked.body = b"".join(self._chunks)
            self._chunks, self._received = [], 0
        self._asked, self.waits_for_leave = None, False
        return asked

    def _head(self) -> Asked | None:
        buffer = self._buffer
        while buffer[:2] == b"\r\n":  # an empty line before a request is nothing (RFC 9112, section 2.2)
            del buffer[:2]
        end = buffer.find(b"\r\n\r\n", 0, HEAD_LIMIT)
        if end < 0:
            if len(buffer) >= HEAD_LIMIT:
                raise Refused(431, f"the head of the request is more than {HEAD_LIMIT >> 10} KiB")
            if buffer and buffer[0] not in _FIRST and buffer != b"\r":  # it would be waited for for ever
                raise Refused(400, _no_request(buffer[0]))
            return None
        asked = read_head(buffer[:end].decode("latin-1"))
        del buffer[: end + 4]
        sizes: list[str] = []
        codings: list[str] = []
        expects = False
        for name, value in asked.headers:
            lowered = name.lower()
            if lowered == "content-length":
                sizes += [size.strip() for size in value.split(",")]
            elif lowered == "transfer-encoding":
                codings.append(value.strip().lower())
            elif lowered == "connection":
                words = value.lower().replace(" ", "").split(",")
                asked.last = asked.last or "close" in words
            elif lowered == "expect":
                if value.lower() != "100-continue":
                    raise Refused(417, f"nothing here can do what is expected: {value[:40]!r}")
                expects = asked.minor > 0
            elif lowered == "upgrade" and "websocket" in value.lower():
                raise Refused(501, "websockets are not spoken here: ask over HTTP, with a stream where one is wanted")
        self._length = _length(sizes, codings, asked.minor)
        self.waits_for_leave = expects and (self._length < 0 or len(buffer) < self._length)
        return asked

    def _dechunked(self) -> bool:
        """Take the chunks that are here off the buffer; whether the last one was among them."""
        if self._trailed >= 0:
            return self._trailers()
        buffer, at = self._buffer, 0
        try:
            while (line := buffer.find(b"\r\n", at, at + _SIZE_LINE)) >= 0:
                size = _chunk_size(bytes(buffer[at:line]))
                if size == 0:
                    del buffer[: line + 2]
                    at, self._trailed = 0, 0
                    return self._trailers()
                start, stop = line + 2, line + 2 + size
                if self._received + size > BODY_LIMIT:
                    raise Refused(413, f"the request body is more than {BODY_LIMIT >> 20} MiB")
                if stop + 2 > len(buffer):
                    return False
                if buffer[stop : stop + 2] != b"\r\n":
                    raise Refused(400, "a chunk of the request body does not end where it says")
                self._chunks.append(bytes(buffer[start:stop]))
                self._received += size
                at = stop + 2
            if len(buffer) - at >= _SIZE_LINE:
                raise Refused(400, "a chunk of the request body has a size that is no number")
            return False
        finally:
            del buffer[:at]

    def _trailers(self) -> bool:
        """Take the trailers that are here off the buffer; whether their end was among them. They say nothing that
        counts here, and are bounded as a head is."""
        buffer, at, ended = self._buffer, 0, False
        while not ended and (end := buffer.find(b"\r\n", at)) >= 0:
            ended, at = end == at, end + 2
        del buffer[:at]
        self._trailed += at
        if self._trailed + (0 if ended else len(buffer)) > HEAD_LIMIT:
            raise Refused(431, f"the trailers of the request are more than {HEAD_LIMIT >> 10} KiB")
        if ended:
            self._trailed = -1
        return ended


def read_head(head: str) -> Asked:
    """The request line and the headers.

    Raises:
        Refused: it is no request of HTTP/1.1, or one that no server here answers.
    """
    first, *lines = head.split("\r\n")
    if head.count("\n") != len(lines) or head.count("\r") != len(lines) or "\0" in head:
        told = _no_request(_TLS) if head[0] == "\x16" else "the head of the request holds a bare line break, or a NUL"
        raise Refused(400, told)
    method, _, rest = first.partition(" ")
    target, _, version = rest.rpartition(" ")
    if version == "HTTP/2.0" and method == "PRI":
        raise Refused(505, "HTTP/2 is not spoken here; HTTP/1.1 is")
    if version not in ("HTTP/1.1", "HTTP/1.0") or not method or not _METHOD.issuperset(method) or " " in target:
        raise Refused(400, _no_request(_TLS) if head[0] == "\x16" else f"no request of HTTP/1.1: {first[:60]!r}")
    if method == "CONNECT":
        raise Refused(501, "this is no proxy for CONNECT: give it to the client as its base URL, over http")
    if not target.startswith("/"):
        after = target.partition("://")[2]  # a client that takes this for its proxy says the whole URL
        target = "/" + after.partition("/")[2] if after else target
        if not target.startswith(("/", "*")):
            raise Refused(400, f"no request of HTTP/1.1: {first[:60]!r}")
    if not (target.isascii() and target.isprintable()):
        if any(letter < " " or letter == "\x7f" for letter in target):
            raise Refused(400, "the path of the request holds a control character: write it as %09")
        target = "".join([letter if letter.isascii() else f"%{ord(letter):02X}" for letter in target])
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or not _METHOD.issuperset(name):
            raise Refused(400, "a header of the request is none")
        headers.append((name, value.strip(" \t")))
    return Asked(method, target, tuple(headers), 0 if version == "HTTP/1.0" else 1)


def _length(sizes: list[str], codings: list[str], minor: int) -> int:
    """How long the body is; -1 where it comes in chunks."""
    if codings:
        if sizes or minor == 0:
            raise Refused(400, "the request says a transfer coding beside a length, or in HTTP/1.0: it reads two ways")
        if codings != ["chunked"]:
            raise Refused(501, f"the transfer coding {', '.join(codings)[:40]!r} is not known here; chunked is")
        return -1
    if not sizes:
        return 0
    if len(set(sizes)) > 1 or not (sizes[0].isascii() and sizes[0].isdecimal()) or len(sizes[0]) > 15:
        raise Refused(400, "the Content-Length of the request is no one number")
    length = int(sizes[0])
    if length > BODY_LIMIT:
        raise Refused(413, f"the request body is more than {BODY_LIMIT >> 20} MiB")
    return length


def _no_request(first: int) -> str:
    if first == _TLS:
        return "this is TLS, and HTTP is spoken here: let the client's base URL begin with http://"
    return f"no request of HTTP/1.1: it begins with the byte {first:#04x}"


def _chunk_size(line: bytes) -> int:
    word = line.partition(b";")[0].strip(b" \t")
    if not word or word.strip(b"0123456789abcdefABCDEF") or len(word) > 12:
        raise Refused(400, "a chunk of the request body has a size that is no number")
    return int(word, 16)
