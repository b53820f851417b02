"""YAML scalars as Go's encoder writes them: which style a text takes, and the way back for those on one line.

The rules, in the order in which they are asked:

1. Bytes that are not UTF-8 are ``!!binary`` and base64, in lines of 70.
2. Text with a line break is a literal block, unless a block cannot hold it; then it is double-quoted.
3. Other text is plain when it reads back as the same text; double-quoted when it would read back as another type or
   holds a character that only an escape can carry; single-quoted when only its signs stand in the way.

No line is ever folded. Two choices go beyond what Go does, both where its own output cannot be read back safely: a
block that would begin with a tab, and text that holds U+2028 or U+2029 (which are line breaks in YAML 1.1 and are not
in 1.2), is double-quoted. The rules follow the emitter of go-yaml v3; spec: YAML 1.1, chapters 5 and 9.

Reading works on bytes, and raises :class:`Unsure` for whatever it does not recognise with certainty; the reader then
asks a full YAML parser.
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error, a2b_base64, b2a_base64

#: Characters that no block and no plain or single-quoted text can hold, as bytes: controls, DEL, and the first bytes of
#: everything beyond U+FFFF. Tab and newline are not among them.
_UNPRINTABLE = bytes([*range(0x09), *range(0x0B, 0x20), 0x7F, *range(0xF0, 0xF5)])
#: The same for characters of two and three bytes: U+0080 to U+009F, U+2028, U+2029, U+FEFF, U+FFFE, U+FFFF.
_UNPRINTABLE_WIDE = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]|\xef\xbb\xbf|\xef\xbf[\xbe\xbf]")
_ESCAPED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\U00010000-\U0010ffff]")
_NAMED = {
    0x00: "0", 0x07: "a", 0x08: "b", 0x0B: "v", 0x0C: "f", 0x0D: "r", 0x1B: "e", 0x85: "N", 0x2028: "L", 0x2029: "P",
}  # fmt: skip
_UNNAMED = {
    **{name: chr(code) for code, name in _NAMED.items()},
    "t": "\t", "\t": "\t", "n": "\n", " ": " ", '"': '"', "/": "/", "_": "\xa0",
}  # fmt: skip

#: Text that begins so may read back as another type; no other can.
_DOUBTFUL = frozenset(b"+-.0123456789~yYnNtTfFoO<=")
_WORDS = frozenset(
    b"~ null Null NULL true True TRUE false False FALSE y Y yes Yes YES n N no No NO on On ON off Off OFF << = "
    b".nan .NaN .NAN .inf .Inf .INF +.inf +.Inf +.INF -.inf -.Inf -.INF".split()
)
_NUMBER = re.compile(
    rb"[-+]?0[bB][01_]+|[-+]?0[xX][0-9a-fA-F_]+|[-+]?0[oO][0-7_]+"
    rb"|[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9_]+)?"
    rb"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    rb"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]*)?"
    rb"(?:[ \t]*(?:[Zz]|[-+][0-9]{1,2}(?::?[0-9]{2})?))?)?"
)
_LEADING = frozenset(b"#,[]{}&*!|>'\"%@`")
_BASE64_LINE = 70


class Unsure(Exception):
    """The quick reader does not know for certain what this is."""


def is_utf8(raw: bytes) -> bool:
    """Whether the bytes are text."""
    if raw.isascii():
        return True
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def encode_scalar(raw: bytes, column: int, indent: int) -> bytes:
    """The bytes that stand after ``key: ``, without the final newline.

    Args:
        column: where the lines of a block stand.
        indent: how much deeper that is than the key or the item which holds the scalar.
    """
    if not raw:
        return b'""'
    if not is_utf8(raw):
        return _encode_binary(raw, column)
    special = _is_special(raw)
    if b"\n" in raw:
        if special or b" \n" in raw or raw[-1] == 0x20 or raw[0] == 0x09 or not raw.decode().strip():
            return _encode_double(raw)
        return _encode_literal(raw, column, indent)
    if special or b"\t" in raw or reads_as_another_type(raw):
        return _encode_double(raw)
    if _needs_quotes(raw):
        return b"'" + raw.replace(b"'", b"''") + b"'"
    return raw


def encode_name(raw: bytes) -> bytes:
    """A mapping's key, always on one line."""
    if not is_utf8(raw):
        return b"!!binary " + b2a_base64(raw, newline=False)
    return _encode_double(raw) if b"\n" in raw else encode_scalar(raw, 0, 0)


def reads_as_another_type(raw: bytes) -> bool:
    """Whether plain text would read back as a bool, null, number or date, in YAML 1.1 or 1.2."""
    if raw[0] not in _DOUBTFUL:
        return False
    return raw in _WORDS or _NUMBER.fullmatch(raw) is not None


def _is_special(raw: bytes) -> bool:
    if len(raw.translate(None, _UNPRINTABLE)) != len(raw):
        return True
    return not raw.isascii() and _UNPRINTABLE_WIDE.search(raw) is not None


def _needs_quotes(raw: bytes) -> bool:
    first = raw[0]
    if first in _LEADING or first == 0x20 or raw[-1] == 0x20:
        return True
    if first in b"-?:" and raw[1:2] in (b"", b" "):
        return True
    return b": " in raw or b" #" in raw or raw[-1] == 0x3A or raw.startswith((b"---", b"..."))


def _encode_binary(raw: bytes, column: int) -> bytes:
    text = b2a_base64(raw, newline=False)
    if len(text) < _BASE64_LINE:
        return b"!!binary " + text
    pad = b"\n" + b" " * column
    return b"!!binary |" + b"".join(pad + text[at : at + _BASE64_LINE] for at in range(0, len(text), _BASE64_LINE))


def _encode_literal(raw: bytes, column: int, indent: int) -> bytes:
    mark = b"|%d" % indent if raw[0] in b" \n" else b"|"
    if raw[-1] != 0x0A:
        mark += b"-"
    elif raw[-2:] == b"\n\n":
        mark += b"+"
    pad = b"\n" + b" " * column
    # As a whole and not line by line: a body may be millions of lines, and each would cost more than it says.
    text = b"\n" + raw.removesuffix(b"\n")  # the newline after the block belongs to whoever writes the line
    text = text.replace(b"\n", pad)
    if b"\n\n" in raw or raw[0] == 0x0A:  # an empty line has no pad; every other of a row is found by the second look
        text = text.replace(pad + b"\n", b"\n\n").replace(pad + b"\n", b"\n\n")
    return mark + text.removesuffix(pad) + (b"\n" if text.endswith(pad) else b"")


def _encode_double(raw: bytes) -> bytes:
    plain = raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n").replace(b"\t", b"\\t")
    # One look for each of the control characters: a body of nothing else would be as many matches.
    for code, written in _CONTROLS:
        plain = plain.replace(code, written)
    if not plain.isascii():
        plain = _ESCAPED.sub(_escape, plain.decode()).encode()
    return b"".join((b'"', plain, b'"'))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if (name := _NAMED.get(code)) is not None:
        return "\\" + name
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


#: The control characters of one byte, each as it is written.
_CONTROLS = tuple(
    (bytes([code]), _ESCAPED.sub(_escape, chr(code)).encode()) for code in (*range(0x09), *range(0x0B, 0x20), 0x7F)
)


def decode_inline(raw: bytes) -> bytes:
    """What the rest of a line after ``key: `` says, when the whole value stands on that line.

    Raises:
        Unsure: it may be something else.
    """
    first = raw[:1]
    if first == b"'":
        return _decode_single(raw)
    if first == b'"':
        return _decode_double(raw)
    if first == b"!":
        return _decode_short_binary(raw)
    if (
        not raw
        or raw[0] in _LEADING
        or raw[0] == 0x20
        or raw[-1] in b" :"
        or (raw[0] in b"-?:" and raw[1:2] in (b"", b" "))
        or b": " in raw
        or b" #" in raw
        or b"\t" in raw
        or raw in (b"~", b"null", b"Null", b"NULL", b"---", b"...")
    ):
        raise Unsure
    return raw


def _decode_single(raw: bytes) -> bytes:
    if len(raw) < 2 or raw[-1:] != b"'":
        raise Unsure
    inner = raw[1:-1]
    if b"'" in inner:
        inner = inner.replace(b"''", b"\xff")  # a byte that no UTF-8 holds
        if b"'" in inner:
            raise Unsure
        inner = inner.replace(b"\xff", b"'")
    return inner


def _decode_double(raw: bytes) -> bytes:
    if len(raw) < 2 or raw[-1:] != b'"':
        raise Unsure
    inner = raw[1:-1]
    if b"\\" in inner:
        inner = inner.replace(b"\\\\", b"\xff").replace(b'\\"', b"\xfe")
        if b'"' in inner or inner[-1:] == b"\\":
            raise Unsure
        inner = inner.replace(b"\\n", b"\n")
        if b"\\" in inner:
            inner = _ESCAPE_READ.sub(_unescape, inner)
        return inner.replace(b"\xfe", b'"').replace(b"\xff", b"\\")
    if b'"' in inner:
        raise Unsure
    return inner


_ESCAPE_READ = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.?))", re.DOTALL)


def _unescape(match: re.Match[bytes]) -> bytes:
    digits = match[1] or match[2] or match[3]
    if digits is None:
        text = _UNNAMED.get(match[4].decode("latin-1"))
        if text is None:
            raise Unsure
        return text.encode()
    code = int(digits, 16)
    if 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
        raise Unsure
    return chr(code).encode()


def _decode_short_binary(raw: bytes) -> bytes:
    if not raw.startswith(b"!!binary ") or raw[9:10] in (b"|", b">", b"'", b'"', b"", b" "):
        raise Unsure
    return decode_base64(raw[9:])


def decode_base64(text: bytes) -> bytes:
    """Base64 without spaces.

    Raises:
        Unsure: it is none.
    """
    try:
        return a2b_base64(text, strict_mode=True)
    except (Base64Error, ValueError):
        raise Unsure from None
