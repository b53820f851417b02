"""The keys that a stranger's request carries: found, so that they can be kept off the tape.

playhead's own models tell the tape their key. A client that is only passing through does not; so what it sends is
looked through before anything is written, and what is found is replaced wherever it stands, by value, from then on:
in URLs, headers and bodies, the answer's too (:mod:`playhead.tapes.redact`). Headers that may hold a key never reach
a tape in any case.

A key is looked for where keys stand: in headers by their name, whatever the provider (``Authorization``,
``x-goog-api-key``, ``Cookie``), in the query, in JSON fields whose name can mean nothing else (``api_key``,
``authorization_token``, ``client_secret``; not ``token`` or ``code``, which are words of conversations), and anywhere
by its shape, where a maker gives its keys one. An answer may carry one too: ``access_token``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from playhead.tapes.redact import SHORTEST_SECRET, names_credential
from playhead.wire import Headers

#: Headers of which a word of the name sounds like a credential and whose value is none.
_HARMLESS = frozenset({"idempotency-key", "x-idempotency-key", "sec-websocket-key"})
_COOKIES = ("cookie", "set-cookie")
_SCHEMES = ("bearer", "basic", "token", "key", "apikey", "api-key", "digest")

_FIELD = re.compile(
    rb'"(?:x[-_])?(?:api[-_]?key|authorization(?:[-_]token)?|access[-_]?token|refresh[-_]?token|id[-_]token|'
    rb"client[-_]?secret|secret[-_]?(?:access[-_]?)?key|private[-_]?key|password|bearer[-_]token)"
    rb'"\s*:\s*"((?:[^"\\]|\\.){8,4096})"',
    re.IGNORECASE,
)
#: OpenAI's and most others', Google's, GitHub's, AWS's, Slack's, Hugging Face's, Groq's, xAI's and so on.
_SHAPE = re.compile(
    rb"(?<![A-Za-z0-9_-])(?:sk-[A-Za-z0-9_-]{20,200}|AIza[A-Za-z0-9_-]{35}|gh[pousr]_[A-Za-z0-9]{36,255}|"
    rb"github_pat_[A-Za-z0-9_]{50,255}|A[KS]IA[A-Z0-9]{16}|xox[abprs]-[A-Za-z0-9-]{20,250}|hf_[A-Za-z0-9]{30,100}|"
    rb"gsk_[A-Za-z0-9]{40,100}|xai-[A-Za-z0-9]{60,120}|pplx-[A-Za-z0-9]{40,80}|r8_[A-Za-z0-9]{30,60}|"
    rb"ya29\.[A-Za-z0-9_-]{20,400})(?![A-Za-z0-9_-])"
)


def credentials(headers: Headers, target: str, *bodies: bytes) -> set[str]:
    """Every value in a message that is taken for a key."""
    found = {*_in_headers(headers), *_in_query(target)}
    for body in bodies:
        found.update(_in_body(body))
    return {value for value in found if len(value) >= SHORTEST_SECRET}


def _in_headers(headers: Headers) -> Iterator[str]:
    for name, value in headers:
        lowered = name.lower()
        if lowered in _COOKIES:
            for pair in value.split(";"):
                yield pair.partition("=")[2].strip().strip('"')
                if lowered == "set-cookie":
                    break
        elif lowered not in _HARMLESS and names_credential(lowered.removeprefix("x-amz-").removeprefix("x-goog-")):
            yield from _keys_of(value)


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
        user, _, password = a2b_base64(encoded).decode().partition(":")
    except (Error, ValueError):
        return
    yield from (user, password)


def _in_query(target: str) -> Iterator[str]:
    query = target.partition("?")[2].partition("#")[0]
    if not query:
        return
    from urllib.parse import unquote_plus

    for pair in re.split("[&;]", query):
        name, _, value = pair.partition("=")
        if value and names_credential(name):
            yield unquote_plus(value)


def _in_body(body: bytes) -> Iterable[str]:
    found = [match[1] for match in _FIELD.finditer(body)] + _SHAPE.findall(body)
    for raw in found:
        text = raw.decode("utf-8", "surrogateescape")
        if "\\" in text:
            import msgspec

            try:
                text = msgspec.json.decode(b'"%b"' % raw, type=str)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
        scheme, space, rest = text.partition(" ")
        yield rest if space and scheme.lower() in ("bearer", "basic") else text
