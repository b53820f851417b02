"""What one exchange looks like on a tape: the fields of a go-vcr v2 interaction, as frozen values.

A tape holds bytes, not meanings: a body is what was on the wire, a header a pair of strings, and whether a body is a
chat completion is nobody's business here. The fields and their order are those of go-vcr's cassette format, version 2,
so that a struct's fields can be walked beside a file's keys. Tool calls are interactions too: their method is CALL and
their URL ``tool:<name>``.

The values hold no other than strings, bytes, numbers and tuples of them, so that no cycle can run through one; the
garbage collector is spared the walk (``gc=False``), which a tape of thousands of interactions would feel.

The codec between these values and YAML is in ``yaml_read`` and ``yaml_write``; which headers and which secrets may
stand on a tape is decided in ``redact``.
"""

from __future__ import annotations

import msgspec

from playhead.wire import Headers, HTTPRequest

#: The method of an interaction that is a tool call and no HTTP exchange.
CALL = "CALL"


class RecordedRequest(msgspec.Struct, frozen=True, gc=False):
    """The question: what was sent. ``content_length`` is in bytes, -1 where unknown."""

    proto: str
    proto_major: int
    proto_minor: int
    content_length: int
    transfer_encoding: tuple[str, ...]
    trailer: Headers
    host: str
    remote_addr: str
    request_uri: str
    body: bytes
    form: Headers
    headers: Headers
    url: str
    method: str


class RecordedResponse(msgspec.Struct, frozen=True, gc=False):
    """The answer: what came back. ``status`` is the whole status text, "429 Too Many Requests"; ``code`` is 429.

    ``uncompressed`` says that the client undid a compression, so that ``body`` is plain. ``nanoseconds`` is the time
    from sending the request to the last byte of the answer.
    """

    proto: str
    proto_major: int
    proto_minor: int
    transfer_encoding: tuple[str, ...]
    trailer: Headers
    content_length: int
    uncompressed: bool
    body: bytes
    headers: Headers
    status: str
    code: int
    nanoseconds: int

    @property
    def duration(self) -> float:
        """Seconds from sending the request to the last byte of the answer."""
        return self.nanoseconds / 1e9


class Interaction(msgspec.Struct, frozen=True, gc=False):
    """One exchange. ``id`` counts from 0 in the order of recording."""

    id: int
    request: RecordedRequest
    response: RecordedResponse


def interaction(
    id: int,
    request: HTTPRequest,
    *,
    status: int,
    reason: str,
    proto: str,
    headers: Headers,
    body: bytes,
    nanoseconds: int,
    uncompressed: bool = False,
) -> Interaction:
    """An interaction as playhead records it, from an exchange that has just ended.

    Nothing is redacted here. Header names take the form that Go gives them (``retry-after-ms`` becomes
    ``Retry-After-Ms``), so that Go's tools find them, and stand sorted; repeated headers stay repeated.

    Args:
        status: the HTTP status; for a tool call 200, or what says that it failed.
        reason: the status text, "" where the wire had none (HTTP/2); the standard one is written then.
        proto: the protocol of the answer, "HTTP/1.1" or "HTTP/2.0".
        nanoseconds: from sending the request to the last byte of the answer.
        uncompressed: ``body`` came compressed.
    """
    major, minor = _proto_version(proto)
    return Interaction(
        id,
        RecordedRequest(
            proto="HTTP/1.1",
            proto_major=1,
            proto_minor=1,
            content_length=len(request.body),
            transfer_encoding=(),
            trailer=(),
            host="",
            remote_addr="",
            request_uri="",
            body=request.body,
            form=(),
            headers=canonical_headers(request.headers),
            url=request.url,
            method=request.method,
        ),
        RecordedResponse(
            proto=proto,
            proto_major=major,
            proto_minor=minor,
            transfer_encoding=(),
            trailer=(),
            content_length=-1,
            uncompressed=uncompressed,
            body=body,
            headers=canonical_headers(headers),
            status=f"{status} {reason or _standard_reason(status)}".rstrip(),
            code=status,
            nanoseconds=nanoseconds,
        ),
    )


def canonical_headers(headers: Headers) -> Headers:
    """Headers by name in Go's canonical case, sorted; the values of one name keep their order."""
    if not headers:
        return ()
    named = [(canonical_name(name), value) for name, value in headers]
    named.sort(key=lambda pair: pair[0])
    return tuple(named)


def canonical_name(name: str) -> str:
    """``x-request-id`` as ``X-Request-Id``; a name that is no HTTP token stays as it is."""
    if not name.isascii() or " " in name:
        return name
    return "-".join(word[:1].upper() + word[1:].lower() for word in name.split("-"))


def _proto_version(proto: str) -> tuple[int, int]:
    major, _, minor = proto.partition("/")[2].partition(".")
    return (int(major), int(minor or 0)) if major.isdecimal() and (minor or "0").isdecimal() else (0, 0)


def _standard_reason(status: int) -> str:
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
