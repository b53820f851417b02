"""Bodies: as cassettes write them down, and with their content encodings undone.

A cassette has a body as text, as bytes, as a mapping with ``string`` or ``base64_string``, as a list of pieces, as a
file object's remains, or parsed into data. :func:`body_bytes` finds the bytes in all of these.

A tape has answers as Go's client gives them: plain, ``uncompressed`` where an encoding was undone, and then without the
headers Content-Encoding and Content-Length. :func:`undone` does the same. What is not in the encoding that its headers
name was undone by whoever recorded it, as most do; what is, and cannot be undone here (Brotli and zstd need a library
of their own, ``brotli`` and ``zstandard``), stays as it is, headers and all, and is told.
"""

from __future__ import annotations

import zlib
from binascii import Error as Base64Error, a2b_base64
from collections.abc import Callable
from typing import Any

import msgspec

from playhead.errors import TapeFormatError
from playhead.surrogates import joined, joined_json
from playhead.tapes.formats.brought import Losses
from playhead.tapes.formats.documents import Plain, line_of, typed
from playhead.wire import Headers, header

#: The largest body that comes out of a compressed one, in bytes: a file of a kilobyte can hold a terabyte of nothing.
LARGEST = 256 * 1024 * 1024
#: Bytes that zstd is given at once: what comes out of them fits in memory, whatever they are.
_PIECE = 1024
_ENCODED = frozenset({"content-encoding", "content-length"})


def text_bytes(text: str, losses: Losses) -> bytes:
    """Text as UTF-8."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        losses.add("half a character in a body: U+FFFD stands for it")
        return joined(text).encode("utf-8", "replace")


def body_bytes(body: Any, where: str, losses: Losses, path: str | None) -> bytes:
    """The bytes of a body, in whatever shape the cassette has it.

    Raises:
        TapeFormatError: its base64 is none, or it is data without end.
    """
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return text_bytes(body, losses)
    if isinstance(body, list):  # an iterator's pieces
        return b"".join([body_bytes(piece, where, losses, path) for piece in body])
    if isinstance(body, dict):
        return _of_mapping(body, where, losses, path)
    return json_bytes(body, path)


def _of_mapping(body: dict[str, Any], where: str, losses: Losses, path: str | None) -> bytes:
    base64 = body.get("base64_string")
    if isinstance(base64, (str, bytes)):
        raw = base64 if isinstance(base64, bytes) else base64.encode("ascii", "replace")
        try:
            return a2b_base64(b"".join(raw.split()))
        except Base64Error:
            message = f"{where}.base64_string: expected base64"
            raise TapeFormatError(message, path=path, line=line_of(body)) from None
    if "content" in body and set(body) <= {"type", "content", "encoding"}:
        return _of_kind(str(body.get("type")), body["content"], where, losses, path)
    if "string" in body:
        text, encoding = body["string"], body.get("encoding")
        if isinstance(text, str) and isinstance(encoding, str) and encoding.lower() not in ("", "utf-8", "utf8"):
            return _encoded(text, encoding, losses)
        if isinstance(text, str) or text is None or isinstance(text, (bytes, list)):
            return body_bytes(text, where, losses, path)
        losses.add(f"{where}: parsed data, written as JSON anew")
        return json_bytes(text, path)
    state = body.get("state") or body.get("args")
    if isinstance(state, list) and len(body) <= 3:  # an io.BytesIO, an iterator, as pickles of them
        return body_bytes(state[0] if state else None, where, losses, path)
    if set(body) <= {"encoding"}:
        return b""
    losses.add(f"{where}: parsed data, written as JSON anew")
    return json_bytes(body, path)


def _of_kind(kind: str, content: Any, where: str, losses: Losses, path: str | None) -> bytes:
    """A body that says of what kind it is: ``{"type": "json", "content": {…}}``."""
    if kind == "json":
        losses.add(f"{where.rpartition('.')[0]}.body: the body's own bytes are not on the cassette, it is JSON anew")
        return json_bytes(content, path)
    if kind in ("base64", "binary", "bytes") and isinstance(content, str):
        try:
            return a2b_base64("".join(content.split()).encode("ascii"))
        except (Base64Error, UnicodeEncodeError):
            pass
    return body_bytes(content, where, losses, path)


def _encoded(text: str, encoding: str, losses: Losses) -> bytes:
    """Text as the bytes that it was, of the encoding that Ruby names."""
    known = {"ascii-8bit": "latin-1", "us-ascii": "utf-8", "binary": "latin-1"}
    try:
        return text.encode(known.get(encoding.lower(), encoding))
    except (LookupError, UnicodeError, ValueError):
        return text_bytes(text, losses)


def json_bytes(value: Any, path: str | None = None) -> bytes:
    """Data as JSON, as short as it goes.

    Raises:
        TapeFormatError: it swells or nests beyond measure.
    """
    data = typed(value, path)
    try:
        return msgspec.json.encode(data, enc_hook=str)
    except (UnicodeEncodeError, ValueError, OverflowError, TypeError):
        pass
    except RecursionError:
        raise TapeFormatError("a body nested too deeply", path=path) from None
    import json

    try:
        return json.dumps(joined_json(data), separators=(",", ":"), default=_told).encode("utf-8", "replace")
    except (ValueError, RecursionError) as error:  # an integer of thousands of digits
        raise TapeFormatError(f"a body that JSON cannot hold: {error}", path=path) from None


def _told(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def number(value: Any) -> int | None:
    """A whole number, however it was written; None where it is none."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value if abs(value) < 1 << 62 else None
    if isinstance(value, float):
        return int(value) if value == value and abs(value) < 1 << 62 else None
    if isinstance(value, (str, Plain)):
        text = value.strip()
        if len(text) < 19 and text.isascii() and text.removeprefix("-").isdecimal():
            return int(text)
    return None


def undone(body: bytes, headers: Headers, losses: Losses) -> tuple[bytes, Headers, bool]:
    """The body, plain, the headers that are left then, and whether an encoding was undone, here or before."""
    said = header(headers, "content-encoding")
    encodings = [word.strip().lower() for word in (said or "").split(",")]
    encodings = [word for word in encodings if word not in ("", "identity")]
    if not encodings:
        return body, headers, False
    plain = body
    for encoding in reversed(encodings):
        try:
            found = decode_content(plain, encoding)
        except _NotHere as error:
            losses.add(str(error))
            return body, headers, False
        if found is None:
            break  # it is not in this encoding: whoever recorded it has undone it, and those before it
        plain = found
    return plain, tuple(pair for pair in headers if pair[0].lower() not in _ENCODED), True


class _NotHere(Exception):
    """An encoding that cannot be undone here; the text says why."""


def decode_content(body: bytes, encoding: str) -> bytes | None:
    """A body with one encoding undone; None where it is not in it, as it is plain already.

    Raises:
        _NotHere: it may be in it, and that cannot be undone here.
    """
    if not body:
        return body
    if encoding in ("gzip", "x-gzip"):
        return _inflated(body, 31) if body[:2] == b"\x1f\x8b" else None
    if encoding == "deflate":
        if _is_text(body):
            return None
        for bits in (15, -15):
            try:
                return _inflated(body, bits)
            except _NotHere:
                continue
        raise _NotHere("a body said to be deflate that cannot be undone: it stays as it is")
    if encoding in ("br", "zstd"):
        if _is_text(body) or (encoding == "zstd" and body[:4] != b"\x28\xb5\x2f\xfd"):
            return None
        return _by_library(body, encoding)
    if _is_text(body):
        return None
    raise _NotHere(f"a body in the content encoding {encoding[:40]}, which is not known here: it stays as it is")


def inflated(data: bytes) -> bytes | None:
    """What is in gzip; None where it is none, or cannot be undone."""
    try:
        return _inflated(data, 31)
    except _NotHere:
        return None


def _inflated(body: bytes, bits: int) -> bytes:
    """Decompressed by zlib: every member, as a gzip body may have several."""
    out: list[bytes] = []
    left, room = body, LARGEST
    while left:
        machine = zlib.decompressobj(bits)
        try:
            piece = machine.decompress(left, room + 1)
        except zlib.error as error:
            if out:
                break  # padding behind the last member
            raise _NotHere(f"a body said to be compressed that cannot be undone ({error}): it stays as it is") from None
        room -= len(piece)
        if room < 0:
            raise _NotHere(f"a compressed body of more than {LARGEST >> 20} MiB: it stays as it is")
        if not machine.eof:
            raise _NotHere("a compressed body that ends before its end: it stays as it is")
        out.append(piece)
        left = machine.unused_data.lstrip(b"\0")
        if bits != 31:
            break
    return b"".join(out)


def _by_library(body: bytes, encoding: str) -> bytes:
    decoder = _decoder(encoding)
    if decoder is None:
        name = "brotli" if encoding == "br" else "zstandard"
        raise _NotHere(f"a body in the content encoding {encoding}: it stays as it is (pip install {name})")
    try:
        plain = decoder(body)
    except Exception as error:  # each library has its own
        raise _NotHere(f"a body said to be {encoding} that cannot be undone ({error}): it stays as it is") from None
    if len(plain) > LARGEST:
        raise _NotHere(f"a compressed body of more than {LARGEST >> 20} MiB: it stays as it is")
    return plain


def _decoder(encoding: str) -> Callable[[bytes], bytes] | None:
    """What undoes it, of a library that is there."""
    from importlib import import_module

    try:
        if encoding == "br":
            return _brotli(import_module("brotli"))
        return _zstd(import_module("zstandard"))
    except ImportError:
        return None


def _zstd(library: Any) -> Callable[[bytes], bytes]:
    def undo(body: bytes) -> bytes:
        out: list[bytes] = []
        size = 0
        while body:
            machine = library.ZstdDecompressor().decompressobj()
            for start in range(0, len(body), _PIECE):
                out.append(machine.decompress(body[start : start + _PIECE]))
                size += len(out[-1])
                if size > LARGEST:
                    return b"".join(out)
                if machine.eof:
                    body = machine.unused_data + body[start + _PIECE :]
                    break
            else:
                raise ValueError("it ends before its end")
        return b"".join(out)

    return undo


def _brotli(library: Any) -> Callable[[bytes], bytes]:
    def undo(body: bytes) -> bytes:
        machine = library.Decompressor()
        out = [_step(machine, body)]
        size = len(out[0])
        while not machine.is_finished() and size <= LARGEST:
            piece = _step(machine, b"")
            if not piece:
                raise ValueError("it ends before its end")
            size += len(piece)
            out.append(piece)
        return b"".join(out)

    return undo


def _step(machine: Any, body: bytes) -> bytes:
    try:
        piece: bytes = machine.process(body, output_buffer_limit=LARGEST)
    except TypeError:  # before version 1.2 there is no limit
        piece = machine.process(body)
    return piece


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in body
