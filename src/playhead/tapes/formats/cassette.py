"""VCR's family: cassettes of vcrpy, of Ruby's VCR and of Betamax, and go-vcr's own before version 2.

All of them say the same in other words, and the words have changed over the years; what is read here, by key:

- the exchanges: ``interactions``; ``http_interactions`` (Ruby, Betamax); a list at the top (vcrpy before 1.0);
  ``requests`` and ``responses``, a list each (LangChain's serializer); one alone (Datadog's test agent).
- where: ``uri``; ``url`` (go-vcr 1); ``protocol``, ``host``, ``port`` and ``path`` (vcrpy before 1.0).
- headers: a mapping to lists or texts; a list of ``"name: value\\r\\n"`` lines; a frozen set of pairs.
- bodies: ``body``; ``parsed_body``, JSON as YAML (the serializer of pydantic-ai); ``content`` (vcrpy's httpx before 6).
- status: ``{code, message}``; ``status_code`` (vcrpy's httpx before 6); text beside ``code`` (go-vcr 1).

References: vcrpy's ``serialize.py``, ``migration.py`` and stubs (https://github.com/kevin1024/vcrpy), the cassette
format of VCR (https://benoittgt.github.io/vcr), go-vcr's ``cassette.go``.

An exchange without an answer is left out and told. A key that is not known is told when it holds something.
"""

from __future__ import annotations

import re
from typing import Any

from playhead.errors import TapeFormatError
from playhead.surrogates import joined
from playhead.tapes.duration import decode_duration
from playhead.tapes.formats.bodies import body_bytes, json_bytes, number, undone
from playhead.tapes.formats.brought import NAMES, Brought, Format, Losses
from playhead.tapes.formats.documents import line_of, load_json, load_yaml
from playhead.tapes.interaction import Interaction, interaction
from playhead.wire import Headers, HTTPRequest

_REQUEST_KEYS = {"method", "uri", "url", "body", "parsed_body", "headers", "protocol", "host", "port", "path", "form"}
_RESPONSE_KEYS = {"status", "status_code", "code", "headers", "body", "parsed_body", "content", "http_version"}
_RESPONSE_KEYS |= {"protocol", "duration", "uncompressed"}
#: What the bodies of a file may come to, in bytes: so much, and so many times its own size. Aliases say things twice.
_ROOM, _TIMES = 256 * 1024 * 1024, 64
_VERSION = re.compile(r"(?:HTTP/)?([0-9](?:\.[0-9])?)\Z", re.IGNORECASE)


def read_cassette(data: bytes, path: str | None = None, format: Format = "vcrpy") -> Brought:
    """The exchanges of a cassette, YAML or JSON.

    Raises:
        TapeFormatError: it is none; says the line where it is known.
    """
    losses = Losses()
    document = _document(data, path, losses)
    reader = _Reader(path, losses, _ROOM + _TIMES * len(data))
    return Brought(format, reader.interactions(_items(document, path, format, losses)), losses.told())


def _document(data: bytes, path: str | None, losses: Losses) -> Any:
    if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        try:
            return load_json(data, path)
        except TapeFormatError:
            try:  # YAML in flow style begins so as well
                return load_yaml(data, path, losses)
            except TapeFormatError:
                pass
            raise
    return load_yaml(data, path, losses)


def _items(document: Any, path: str | None, format: Format, losses: Losses) -> list[Any]:
    if document is None:
        return []
    items = document
    if isinstance(document, dict):
        if isinstance(document.get("requests"), list) and isinstance(document.get("responses"), list):
            return _paired(document["requests"], document["responses"], losses)
        if isinstance(document.get("request"), dict) and isinstance(document.get("response"), dict):
            return [document]
        key = "http_interactions" if "http_interactions" in document else "interactions"
        if key not in document:
            raise TapeFormatError(f"{NAMES[format]} has the key `{key}`", path=path, line=line_of(document) or 1)
        items = document[key]
        for name, value in document.items():
            if name not in (key, "version", "recorded_with") and value:
                losses.add(f"{name}: a tape has no place for it")
    if items is None:
        return []
    if not isinstance(items, list):
        raise TapeFormatError("interactions: expected a list", path=path, line=line_of(items) or line_of(document))
    return items


def _paired(requests: list[Any], responses: list[Any], losses: Losses) -> list[Any]:
    if len(responses) > len(requests):
        losses.add("an answer without a request (left out)", len(responses) - len(requests))
    answers = responses + [None] * (len(requests) - len(responses))
    return [{"request": one, "response": answer} for one, answer in zip(requests, answers, strict=False)]


class _Reader:
    """Items to interactions; ``room`` is how many bytes of bodies there may be."""

    def __init__(self, path: str | None, losses: Losses, room: int) -> None:
        self._path = path
        self._losses = losses
        self._room = room

    def interactions(self, items: list[Any]) -> tuple[Interaction, ...]:
        """Those that have an answer, numbered as they stand."""
        made: list[Interaction] = []
        for at, item in enumerate(items):
            where = f"interactions[{at}]"
            if not isinstance(item, dict):
                raise TapeFormatError(f"{where}: expected a mapping with `request` and `response`", path=self._path)
            request, response = item.get("request"), item.get("response")
            if not isinstance(request, dict):
                message = f"{where}.request: expected a mapping"
                if "request" not in item:
                    names = ", ".join(f"`{name[:40]}`" for name in list(item)[:4])
                    message = f"{where}: expected `request` and `response`, got {names or 'nothing'}"
                raise TapeFormatError(message, path=self._path, line=line_of(item))
            if not isinstance(response, dict):
                self._losses.add("an exchange without an answer (left out)")
                continue
            self._tell_rest("interactions[]", item, {"request", "response"})
            self._tell_rest("request", request, _REQUEST_KEYS)
            self._tell_rest("response", response, _RESPONSE_KEYS)
            made.append(self._interaction(len(made), request, response))
        if made and all(one.response.nanoseconds == 0 for one in made):
            self._losses.add("durations: the cassette has none, the tape says 0s", len(made))
        return tuple(made)

    def _interaction(self, id: int, request: dict[str, Any], response: dict[str, Any]) -> Interaction:
        http = HTTPRequest(
            self._text(request.get("method")).upper() or "GET",
            self._url(request),
            self._headers(request.get("headers")),
            self._body(request, "request"),
        )
        code, reason = self._status(response)
        headers = self._headers(response.get("headers"))
        body, headers, uncompressed = undone(self._body(response, "response"), headers, self._losses)
        self._spend(len(http.body) + len(body), request)
        return interaction(
            id,
            http,
            status=code,
            reason=reason,
            proto=_proto(response),
            headers=headers,
            body=body,
            nanoseconds=self._duration(response),
            uncompressed=uncompressed,
        )

    def _spend(self, size: int, request: dict[str, Any]) -> None:
        self._room -= size
        if self._room < 0:
            message = "the bodies come to far more than the file: it says the same again and again"
            raise TapeFormatError(message, path=self._path, line=line_of(request))

    def _body(self, holder: dict[str, Any], place: str) -> bytes:
        parsed = holder.get("parsed_body")
        if parsed is not None:
            self._losses.add(f"{place}.parsed_body: the body's own bytes are not on the cassette, it is JSON anew")
            return json_bytes(parsed, self._path)
        body = holder.get("body")
        if body is None and place == "response":
            body = holder.get("content")
        return body_bytes(body, f"{place}.body", self._losses, self._path)

    def _url(self, request: dict[str, Any]) -> str:
        url = self._text(request.get("uri") or request.get("url"))
        if url or "host" not in request:
            return url
        scheme, port = self._text(request.get("protocol")) or "http", number(request.get("port"))
        usual = {"https": 443, "http": 80}.get(scheme)
        end = f":{port}" if port is not None and port != usual else ""
        return f"{scheme}://{self._text(request['host'])}{end}{self._text(request.get('path'))}"

    def _status(self, response: dict[str, Any]) -> tuple[int, str]:
        status = response.get("status")
        if isinstance(status, dict):
            code, reason = number(status.get("code")), self._text(status.get("message"))
        else:
            text = self._text(status)
            code = number(text[:3]) if text[:3].isdecimal() else number(response.get("code"))
            reason = text[3:].strip() if text[:3].isdecimal() else text
        if code is None:
            code = number(response.get("status_code"))
        if code is None:
            self._losses.add("an answer without a status: the tape says 0")
        return code or 0, reason

    def _duration(self, response: dict[str, Any]) -> int:
        said = response.get("duration")
        if said is None:
            return 0
        try:
            return decode_duration(self._text(said))
        except ValueError:
            self._losses.add("a duration that is none")
            return 0

    def _headers(self, said: Any) -> Headers:
        while isinstance(said, dict) and len(said) == 1 and isinstance(said.get("_store"), (dict, list)):
            said = said["_store"]  # a mapping that does not see the case of its keys: {lower: [name, value]}
            pairs = said.values() if isinstance(said, dict) else [pair[-1] for pair in _listed(said) if pair]
            said = [pair for pair in pairs if isinstance(pair, list) and len(pair) == 2]
        if isinstance(said, dict) and isinstance(said.get("dictitems"), dict):
            said = said["dictitems"]
        if isinstance(said, dict):
            return tuple((self._text(name), value) for name in said for value in self._values(said[name]))
        if not isinstance(said, list):
            return ()
        while len(said) == 1 and isinstance(said[0], list) and all(isinstance(item, list) for item in said[0]):
            said = said[0]  # a frozen set of pairs
        found: list[tuple[str, str]] = []
        for item in said:
            if isinstance(item, list) and len(item) == 2:
                found += [(self._text(item[0]), value) for value in self._values(item[1])]
            elif isinstance(item, (str, bytes)):
                name, colon, value = self._text(item).partition(":")
                if colon:
                    found.append((name.strip(), value.strip()))
        return tuple(found)

    def _values(self, said: Any) -> list[str]:
        return [self._text(item) for item in said] if isinstance(said, list) else [self._text(said)]

    def _text(self, value: Any) -> str:
        """A value that is meant as text, whatever it is wrapped in."""
        while isinstance(value, list) and len(value) == 1:
            value = value[0]
        if value is None or isinstance(value, (list, dict)):
            return ""
        if isinstance(value, bytes):
            value = value.decode("utf-8", "surrogateescape")
            return str(value)
        try:
            return joined(str(value))
        except ValueError:  # an integer of thousands of digits
            return ""

    def _tell_rest(self, place: str, holder: dict[str, Any], known: set[str]) -> None:
        for name, value in holder.items():
            if name not in known and value not in (None, "", [], {}):
                self._losses.add(f"{place}.{name[:80]}: a tape has no place for it")


def _listed(said: Any) -> list[list[Any]]:
    while isinstance(said, list) and len(said) == 1 and isinstance(said[0], list):
        said = said[0]
    return [item for item in said if isinstance(item, list)]


def _proto(response: dict[str, Any]) -> str:
    for name in ("http_version", "protocol"):
        said = response.get(name)
        match = _VERSION.match(str(said)) if isinstance(said, (str, int, float)) else None
        if match:
            version = match[1]
            return f"HTTP/{version if '.' in version else version + '.0'}"
    return "HTTP/1.1"
