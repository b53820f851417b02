"""What undoes an encoding, one body each, in steps: zlib's own way for all of them.

gzip and deflate are there always. Brotli and zstd need a library of their own; a client in this process that asks for
them has one (``brotli`` or ``brotlicffi``; ``zstandard``, ``backports.zstd``, or Python's own from 3.14 on).

A decoder is given bytes and a limit, and gives no more than about as many as that. What it has not looked at yet is
``left``; ``more`` says that it has more to give without any; ``eof`` that its encoding ended, and ``left`` is what
comes behind it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Protocol

#: How gzip begins.
GZIP = b"\x1f\x8b\x08"
#: How zstd begins.
ZSTD = b"\x28\xb5\x2f\xfd"
#: Bytes that zstd is given at once where it knows no limit: what comes out of them fits in memory, whatever they are.
_PIECE = 1024


class Decoder(Protocol):
    """One body under way. ``again`` is how another member of the same encoding begins, empty where there is none."""

    again: bytes
    left: bytes
    more: bool
    eof: bool

    def decode(self, data: bytes, limit: int) -> bytes:
        """Some of what is in it; an exception of the library's own where it is not in this encoding."""


class Zlib:
    """gzip and deflate."""

    def __init__(self, bits: int) -> None:
        self.again = GZIP[:1] if bits > 0 else b""
        self.left, self.more, self.eof = b"", False, False
        self._machine: Any = zlib.decompressobj(bits)

    def decode(self, data: bytes, limit: int) -> bytes:
        out: bytes = self._machine.decompress(data, limit)
        self.eof = self._machine.eof
        self.left = self._machine.unconsumed_tail or self._machine.unused_data
        self.more = len(out) == limit and not self.eof
        return out


class Brotli:
    """Of ``brotli`` and ``brotlicffi``; before version 1.2 they know no limit."""

    again = b""

    def __init__(self, library: Any) -> None:
        self.left, self.more, self.eof = b"", False, False
        self._machine = library.Decompressor()

    def decode(self, data: bytes, limit: int) -> bytes:
        out: bytes
        try:
            out = self._machine.process(data, output_buffer_limit=limit)
            self.more = len(out) >= limit or not self._machine.can_accept_more_data()
        except TypeError:
            out = self._machine.process(data)
        self.eof = self._machine.is_finished()
        self.more = self.more and not self.eof
        return out


class Zstandard:
    """Of ``zstandard``."""

    again = ZSTD

    def __init__(self, library: Any) -> None:
        self.left, self.more, self.eof = b"", False, False
        self._machine = library.ZstdDecompressor().decompressobj()

    def decode(self, data: bytes, limit: int) -> bytes:
        out: bytes = self._machine.decompress(data[:_PIECE])
        self.eof = self._machine.eof
        self.left = (self._machine.unused_data if self.eof else b"") + data[_PIECE:]
        return out


class PythonZstd:
    """Of Python's own library, and of its backport."""

    again = ZSTD

    def __init__(self, library: Any) -> None:
        self.left, self.more, self.eof = b"", False, False
        self._machine = library.ZstdDecompressor()

    def decode(self, data: bytes, limit: int) -> bytes:
        out: bytes = self._machine.decompress(data, limit)
        self.eof = self._machine.eof
        self.left = self._machine.unused_data if self.eof else b""
        self.more = not self.eof and not self._machine.needs_input
        return out


_LIBRARIES: dict[str, tuple[tuple[str, Callable[[Any], Decoder]], ...]] = {
    "br": (("brotli", Brotli), ("brotlicffi", Brotli)),
    "zstd": (("compression.zstd", PythonZstd), ("zstandard", Zstandard), ("backports.zstd", PythonZstd)),
}


def decoders(encoding: str) -> list[Callable[[], Decoder]]:
    """What may undo an encoding, the likeliest first; nothing where nothing here can."""
    if encoding in ("gzip", "x-gzip"):
        return [lambda: Zlib(47)]  # gzip and zlib, as the bytes say
    if encoding == "deflate":
        return [lambda: Zlib(47), lambda: Zlib(-15)]  # the latter as some send it, bare
    from importlib import import_module

    for name, made in _LIBRARIES.get(encoding, ()):
        try:
            library = import_module(name)
        except ImportError:
            continue
        return [lambda library=library, made=made: made(library)]  # type: ignore[misc]
    return []
