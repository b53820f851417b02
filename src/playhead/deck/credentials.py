"""The keys that a stranger's request carries: found, so that they can be kept off the tape.

playhead's own models tell the tape their key. A client that is only passing through does not; so what it sends is
looked through before anything is written, and what is found is replaced wherever it stands, by value, in URLs, headers
and bodies, the answer's too (:mod:`playhead.tapes.redact`). Headers that may hold a key never reach a tape in any case.

A key is looked for where keys stand. By its name, which is read by one rule wherever it is
(:mod:`playhead.tapes.named`): in headers, the query, the fields of a form or of multipart, and the fields of JSON, in
JSON within JSON as well (a tool call's arguments). In cookies, whatever their name. And by its shape, where a maker
gives its keys one, in the path, the query, any header and any body. An answer may carry one too: ``access_token``.

In JSON a value is passed over that is plain words, a sentence, or what stands for a key in a manual: ``required``,
``the key of your account``, ``${OPENAI_API_KEY}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from playhead.tapes.named import KEYS, header_names_credential, is_placeholder, is_random, names_credential
from playhead.tapes.redact import SHORTEST_SECRET
from playhead.wire import Headers

_COOKIES = ("cookie", "set-cookie")
_SCHEMES = ("bearer", "basic", "token", "key", "apikey", "api-key", "digest")

#: A field of JSON up to where its text begins, with the backslashes that JSON within JSON has before its quotes.
_FIELD = re.compile(rb'"([A-Za-z_$][\w.$\[\] -]{0,63})(\\{0,15})"\s{0,20}:\s{0,20}(?:\[\s{0,20})?\2"')
_TEXT = re.compile(rb'((?:[^"\\]|\\.){8,4096})"', re.DOTALL)
#: Shapes by how they begin, which is looked for first: no regular expression goes through a long body.
_SHAPES: tuple[tuple[bytes, re.Pattern[bytes]], ...] = tuple(
    (start.encode(), re.compile(rb"%b%b(?![A-Za-z0-9_-])" % (re.escape(start).encode(), rest.encode())))
    for start, rest in {
        **KEYS,
        **dict.fromkeys(("AKIA", "ASIA"), "[A-Z2-7]{16}"),
        "eyJ": r"[\w-]{8,2000}\.eyJ[\w-]{8,9000}\.[\w-]{8,2000}",
    }.items()
)
_INSIDE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
#: These have no sign that base64 has not: within it there are such by chance.
_CHANCE = frozenset((b"AIza", b"dapi", b"AKIA", b"ASIA"))
_FORM = re.compile(rb"\s*[\w.%\[\]-]{1,128}=[^\s{}<>\"]*\s*\Z")
_PART = re.compile(
    rb'^content-disposition:[^\r\n]{0,200}?[; ]name="?([^"\r\n;]{1,64})"?[^\r\n]*\r?\n(?:[^\r\n]+\r?\n){0,10}\r?\n'
    rb"(.{8,4096}?)\r?\n--",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
_STANDS_FOR = re.compile(
    r"\$\{?\w+\}?|<[^<>]*>|\{\{.*\}\}|[xX*.•-]+"
    r"|\W*(?:redacted|filtered|masked|removed|scrubbed|placeholder|dummy)(?:\W.*)?",
    re.DOTALL | re.IGNORECASE,
)
_WORDS = re.compile(r"[A-Za-z][a-z]*(?:[ ._-]+[A-Za-z][a-z']*)*[.!?]?")
#: Words of schemas and manuals that are nobody's password.
_ORDINARY = frozenset(("required", "optional", "password", "disabled", "enabled", "redacted", "undefined", "changeme"))


def credentials(headers: Headers, target: str, *bodies: bytes) -> set[str]:
    """Every value in a message that is taken for a key."""
    found = {*_in_headers(headers), *_in_target(target)}
    for body in bodies:
        if body:
            found.update(_in_body(body))
    return _real(found)


def cookies(headers: Headers) -> set[str]:
    """Those that are cookies, which are others in every answer."""
    found = (value for name, given in headers if name.lower() in _COOKIES for value in _in_cookie(name.lower(), given))
    return _real(found)


def _real(found: Iterable[str]) -> set[str]:
    """Those that are long enough, and stand for no other."""
    return {
        value
        for value in found
        if len(value) >= SHORTEST_SECRET and not is_placeholder(value) and not _STANDS_FOR.fullmatch(value)
    }


def _in_headers(headers: Headers) -> Iterator[str]:
    for name, value in headers:
        lowered = name.lower()
        if lowered in _COOKIES:
            yield from _in_cookie(lowered, value)
            continue
        if header_names_credential(name):
            yield from _keys_of(value)
        if len(value) >= 20:
            yield from _shaped(value.encode("utf-8", "surrogateescape"), loose=True)


def _in_cookie(header: str, value: str) -> Iterator[str]:
    for pair in value.split(";"):
        yield pair.partition("=")[2].strip().strip('"')
        if header == "set-cookie":
            return


def _keys_of(value: str) -> Iterator[str]:
    """The key in a header's value, less the scheme before it: ``Bearer sk-…``, ``Basic …``."""
    scheme, space, rest = value.partition(" ")
    if not space:
        yield value
    elif "=" in rest and "," in rest:  # a signature of many fields: AWS4-HMAC-SHA256 Credential=…, Signature=…
        for field in rest.split(","):
            name, _, part = field.strip().partition("=")
            if names_credential(name) and name.lower() != "signedheaders":
                yield part.strip('"')
    else:
        yield rest.strip()
        if scheme.lower() not in _SCHEMES:
            yield value
        if scheme.lower() == "basic":
            yield from _basic(rest.strip())


def _basic(encoded: str) -> Iterator[str]:
    from binascii import Error, a2b_base64

    try:
        pair = a2b_base64(encoded).decode()
    except (Error, ValueError):
        return
    user, _, password = pair.partition(":")
    yield from (pair, user, password) if len(password) < SHORTEST_SECRET else (user, password)


def _in_target(target: str) -> Iterator[str]:
    query = target.partition("?")[2].partition("#")[0]
    if query:
        yield from _in_pairs(query)
    if len(target) >= 20:
        yield from _shaped(target.encode("utf-8", "surrogateescape"), loose=True)
        if "%" in target:
            from urllib.parse import unquote_to_bytes

            yield from _shaped(unquote_to_bytes(target), loose=True)


def _in_pairs(text: str) -> Iterator[str]:
    """The credentials in ``name=value&name=value``."""
    from urllib.parse import unquote_plus

    for pair in re.split("[&;]", text):
        name, _, value = pair.partition("=")
        if value and names_credential(name):
            yield unquote_plus(value)


def _in_body(body: bytes) -> Iterator[str]:
    yield from _shaped(body)
    if body[:2] == b"--":
        for match in _PART.finditer(body):
            if names_credential(match[1].decode("utf-8", "replace")):
                yield match[2].decode("utf-8", "surrogateescape").strip()
    elif body[:1] not in b"{[" and _FORM.match(body):
        yield from _in_pairs(body.decode("utf-8", "surrogateescape").strip())
    if b"\\u0022" in body:  # a quote, as .NET writes it in JSON within JSON
        body = body.replace(b"\\u0022", b'\\"')
    for match in _FIELD.finditer(body):
        name = match[1].decode("utf-8", "replace")
        if names_credential(name, spoken=True) and (raw := _text_at(body, match.end(), len(match[2]))):
            text = _read(raw, len(match[2]))
            scheme, space, rest = text.partition(" ")
            if space and scheme.lower() == "basic":
                yield from _basic(rest.strip())
            value = rest.strip() if space and scheme.lower() in ("bearer", "basic") else text
            if _is_key(value, name):
                yield value


def _shaped(text: bytes, *, loose: bool = False) -> Iterator[str]:
    """What has a maker's shape; ``loose`` where a slash or a plus before it is no sign of base64."""
    for start, shape in _SHAPES:
        at = text.find(start)
        while at >= 0:
            before = text[at - 1] if at else 0
            chance = not loose and before in b"/+" and start in _CHANCE
            match = None if chance or before in _INSIDE else shape.match(text, at)
            if match and (start in _CHANCE or is_random(match[0].decode("ascii"))):
                yield match[0].decode("ascii")
            at = text.find(start, match.end() if match else at + 1)


def _text_at(body: bytes, start: int, depth: int) -> bytes:
    """The text that begins here and ends with a quote that has as many backslashes before it."""
    if not depth:
        found = _TEXT.match(body, start)
        return found[1] if found else b""
    end = start
    while (end := body.find(b'"', end, start + 4 * 4096)) >= 0:
        before = end
        while before > start and body[before - 1] == 0x5C and end - before <= depth:
            before -= 1
        if end - before <= depth:
            return body[start:before]
        end += 1
    return b""


def _read(raw: bytes, depth: int) -> str:
    """The text without its escapes, those of each JSON that it stands in."""
    import msgspec

    for _ in range((depth + 1).bit_length()):
        if b"\\" not in raw:
            break
        try:
            raw = msgspec.json.decode(b'"%b"' % raw, type=str).encode()
        except (msgspec.DecodeError, UnicodeError):
            break
    return raw.decode("utf-8", "surrogateescape")


def _is_key(value: str, name: str) -> bool:
    """Whether a value of JSON can be a credential at all."""
    if value.count(" ") > 3:
        return False
    if _WORDS.fullmatch(value):
        word = "pass" in name.lower() and " " not in value and value.lower() not in _ORDINARY
        return word or max(map(len, re.split("[ ._-]", value))) >= 20
    if any(sign.isdigit() for sign in value):
        return True
    return name.lower() != "secret" and not names_credential(value, spoken=True)
