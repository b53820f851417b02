"""What never reaches a tape: keys, cookies, signatures, and whatever else was named as a secret.

Three nets, one behind the other:

1. Headers pass by an allow-list. A header that is not on it is left out, whatever it holds; so no ``Authorization``,
   no ``Cookie`` and no ``x-api-key`` is ever written, nor what comes up next year.
2. In a URL, the user and password, and the values of query keys that carry credentials, become ``REDACTED``.
3. Known secret values are replaced wherever they stand in a URL, a header's value or a body: as they are, in base64,
   and in whatever escapes JSON, a URL or a page writes them, some characters or all (:mod:`.escaped`). What holds no
   escape that could be of a secret, as most bodies do not, is not looked through for any.

What was named as a secret is one for good. What was only seen in somebody else's exchange
(:mod:`playhead.deck.credentials`)
is one for that exchange, and as long after it as not many others were seen.

A secret that is cut in two by the chunks of a stream's own protocol (half in one event, half in the next) is not
seen. Values of fewer than 8 characters are no secrets: they would be found everywhere. Nor is what is given for a key
where none is wanted (``lm-studio``, ``not-needed``): its words are those of conversations.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

from playhead.tapes.escaped import places, plain
from playhead.tapes.named import is_placeholder, names_credential
from playhead.wire import Headers, HTTPRequest

REDACTED = "REDACTED"
_REDACTED = REDACTED.encode()
#: Shorter values are ignored.
SHORTEST_SECRET = 8
#: So many values that were seen in passing are replaced beside those of the last exchange, keys and cookies.
_SEEN_KEYS, _SEEN_COOKIES = 16, 8

_REQUEST_HEADERS = frozenset({"accept", "content-type", "user-agent"})
_RESPONSE_HEADERS = frozenset(
    {
        "content-type",
        "date",
        "retry-after",
        "retry-after-ms",
        "x-should-retry",
        "x-request-id",
        "request-id",
        "x-generation-id",
        "x-amzn-bedrock-input-token-count",  # not in the body of every answer
    }
)
_OWN_PREFIX = "playhead-"
_RESPONSE_PREFIXES = (_OWN_PREFIX, "x-ratelimit-", "anthropic-ratelimit-")

_QUERY_PAIR = re.compile(r"(?<=[?&;])([^=&;#]+)=([^&;#]*)")
_USER = re.compile(r"(?<=://)[^/?#]*@")  # to the last @: that is where a URL's host begins


class Redactor:
    """Knows the secrets of a session. Adding one while another thread redacts is safe."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: tuple[bytes, ...] = ()
        self._said: tuple[bytes, ...] = ()
        self._marks: frozenset[_Mark] = frozenset()
        self._secrets: frozenset[str] = frozenset()
        self._seen: tuple[dict[str, None], dict[str, None]] = ({}, {})
        for secret in secrets:
            self.add_secret(secret)

    @property
    def secrets(self) -> frozenset[str]:
        """The values that are replaced."""
        return self._secrets.union(*self._seen)

    def add_secret(self, secret: str) -> bool:
        """Replace this value from now on; False when it is known already, or no secret."""
        if secret in self._secrets or not _is_secret(secret):
            return False
        self._secrets |= {secret}
        forms, said, marks = _written(secret)
        # The longest first: a secret may hold another.
        self._forms = tuple(sorted({*self._forms, *forms}, key=lambda form: (-len(form), form)))
        self._said = (*self._said, *said)
        self._marks |= {*marks}
        return True

    def add_seen(self, secrets: Iterable[str], *, cookies: bool = False) -> bool:
        """Replace what one exchange of somebody else's client carries, and forget what was seen longest ago: each new
        one costs, and a server may say a new cookie with every answer. Whether what is replaced is now another."""
        seen = dict(self._seen[cookies])
        known = self.secrets
        values = [secret for secret in secrets if secret not in self._secrets and _is_secret(secret)]
        for value in values:
            seen.pop(value, None)
            seen[value] = None
        limit = max(len(values), _SEEN_COOKIES if cookies else _SEEN_KEYS)
        for value in list(seen)[: max(0, len(seen) - limit)]:
            del seen[value]
        self._seen = (self._seen[0], seen) if cookies else (seen, self._seen[1])
        if self.secrets == known:
            return False
        written = [_written(secret) for secret in self.secrets]
        forms = {form for each, _, _ in written for form in each}
        self._marks = frozenset(mark for _, _, marks in written for mark in marks)
        self._said = tuple(word for _, said, _ in written for word in said)
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        return True

    def request(self, request: HTTPRequest) -> HTTPRequest:
        """The request as it may be recorded."""
        return HTTPRequest(
            request.method,
            self.url(request.url),
            self.request_headers(request.headers),
            self.body(request.body),
        )

    def question(self, request: HTTPRequest) -> HTTPRequest:
        """The request as it is compared with recorded ones: without headers."""
        return HTTPRequest(request.method, self.url(request.url), (), self.body(request.body))

    def request_headers(self, headers: Headers) -> Headers:
        """The headers of a question that may be recorded."""
        return self.headers(headers, _REQUEST_HEADERS, (_OWN_PREFIX,))

    def response_headers(self, headers: Headers) -> Headers:
        """The headers of an answer that may be recorded."""
        return self.headers(headers, _RESPONSE_HEADERS, _RESPONSE_PREFIXES)

    def headers(self, headers: Headers, names: frozenset[str], prefixes: tuple[str, ...]) -> Headers:
        """The headers that are allowed, their values without secrets."""
        return tuple(
            (self.text(name), self.text(value))
            for name, value in headers
            if (lowered := name.lower()) in names or lowered.startswith(prefixes)
        )

    def url(self, url: str) -> str:
        """The URL without credentials."""
        if "@" in url:
            url = _USER.sub(f"{REDACTED}@", url)
        if "?" in url:
            start = url.index("?")
            url = url[:start] + _QUERY_PAIR.sub(_redact_pair, url[start:])
        return self.text(url)

    def text(self, text: str) -> str:
        """The text with every known secret replaced."""
        if not self._forms:
            return text
        return self.body(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def body(self, body: bytes) -> bytes:
        """The bytes with every known secret replaced."""
        for form in self._forms:
            if form in body:
                body = body.replace(form, _REDACTED)
        for sign, mark in self._marks:
            if sign in body and mark.search(body):
                return self._unescaped(body)
        return body

    def _unescaped(self, body: bytes) -> bytes:
        """The bytes with every known secret replaced that stands there in escapes."""
        for start, end in reversed(places(self._said, body)):
            body = body[:start] + _REDACTED + body[end:]
        return body


def _is_secret(value: str) -> bool:
    return len(value) >= SHORTEST_SECRET and not is_placeholder(value)


def credentials_of(url: str) -> list[str]:
    """The values in a URL that are credentials: a user with a password, and the values of query keys for them."""
    found = [user for match in _USER.finditer(url) if ":" in (user := match[0].rpartition("@")[0])]
    if "?" in url:
        found += [match[2] for match in _QUERY_PAIR.finditer(url[url.index("?") :]) if _redact_pair(match) != match[0]]
    return [value for value in found if value and value != REDACTED]


def _redact_pair(match: re.Match[str]) -> str:
    return f"{match[1]}={REDACTED}" if names_credential(match[1]) else match[0]


_Mark: TypeAlias = tuple[bytes, re.Pattern[bytes]]
#: Secrets of signs that JSON and pages escape by their number only, or not at all.
_ORDINARY = re.compile(r"[!#-%(-;=?-\[\]-~]*")
#: What tells of escapes that may be of any secret (of ASCII in JSON, of base64 in JSON, of a URL, of a page), by their
#: first sign, which is found sooner.
_MARKS: tuple[_Mark, ...] = (
    (b"\\", re.compile(rb"\\(?:u00[2-7]|/)")),
    (b"%", re.compile(rb"%[2-7][0-9a-fA-F]")),
    (b"&", re.compile(rb"&(?:amp;)?#")),
)
#: The same of secrets that have signs with escapes of their own: each that begins so.
_ANY_MARKS: tuple[_Mark, ...] = tuple((sign, re.compile(re.escape(sign))) for sign in (b"\\", b"%", b"&"))


@lru_cache(256)
def _written(secret: str) -> tuple[frozenset[bytes], tuple[bytes, ...], tuple[_Mark, ...]]:
    """How a secret is written without escapes, what its escapes say, and the marks of those."""
    raw = secret.encode("utf-8", "surrogateescape")
    forms = {raw, raw.replace(b" ", b"+")}  # the latter as a URL's query has it
    for before in range(3):
        # Base64 of longer bytes holds the secret at one of three alignments; the signs that it shares with its
        # neighbours are left out.
        whole = b2a_base64(b"\0" * before + raw, newline=False).rstrip(b"=")
        start = (0, 2, 3)[before]
        inner = whole[start : (before + len(raw)) * 8 // 6]
        forms.add(inner)
        forms.add(inner.replace(b"+", b"-").replace(b"/", b"_"))
    said = {plain(form) for form in (*forms, _in_halves(secret))}
    marks = _MARKS if _ORDINARY.fullmatch(secret) else _ANY_MARKS
    return frozenset(forms), tuple(one for one in said if len(one) >= SHORTEST_SECRET), marks


def _in_halves(text: str) -> bytes:
    """The text in UTF-8, what is beyond U+FFFF as the two halves that JSON's escapes make of it."""
    raw = text.encode("utf-16-be", "surrogatepass")
    units = (chr(raw[at] << 8 | raw[at + 1]) for at in range(0, len(raw), 2))
    return "".join(units).encode("utf-8", "surrogatepass")
