"""A request as the fake provider got it: its bytes, and its meaning when someone looks.

Which wire a request speaks is said by its URL, as :mod:`playhead.providers.paths` reads it. What decides how it is
answered (the model, whether a stream is wanted) is read at once and cheaply; the whole meaning, by the dialect's
``decode_request``, is read when it is first asked for, so that ten thousand requests cost ten thousand peeks.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import msgspec

from playhead.dialects.base import DecodedRequest, Dialect
from playhead.errors import BadRequestError, NotFoundError
from playhead.model import dialect_named
from playhead.providers.paths import split
from playhead.request import Request
from playhead.wire import HTTPRequest


class _Peek(msgspec.Struct):
    """What of a body decides how it is answered."""

    model: str | None = None
    stream: bool | None = None


_peek = msgspec.json.Decoder(_Peek).decode

#: Endings of the paths of those wires that ask for a stream by the URL.
_STREAMS = (":streamGenerateContent", ":streamRawPredict", "/invoke-with-response-stream", "/converse-stream")


class Received:
    """One request.

    Attributes:
        http: as it came: method, full URL, headers, body.
        dialect_name: the wire that it is in ("anthropic_messages").
        stream: whether the answer is wanted in pieces.
    """

    def __init__(self, http: HTTPRequest) -> None:
        self.http = http
        path = http.url.partition("?")[0]
        found = split(http.url)
        if http.method != "POST" or found is None:
            raise NotFoundError(f"no wire here answers {http.method} {path}", status=404)
        self.dialect_name = found[0]
        try:
            peek = _peek(http.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadRequestError(f"a JSON object expected as the body: {error}", status=400) from None
        self._model = peek.model
        self.stream = path.endswith(_STREAMS) or bool(peek.stream)

    def __repr__(self) -> str:
        return f"<received {self.dialect_name} {self.http.url}>"

    @property
    def dialect(self) -> Dialect:
        """The dialect's module."""
        return dialect_named(self.dialect_name)

    @property
    def model(self) -> str:
        """The model that was asked, as the wire names it."""
        return self._model if self._model is not None else self.request.model

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return msgspec.json.decode(self.http.body)

    @cached_property
    def decoded(self) -> DecodedRequest:
        """The request, the hand it was written in, and the paths in it that the vocabulary does not model.

        Raises:
            BadRequestError: it is not what the wire's protocol says.
        """
        return self.dialect.decode_request(self.http)

    @property
    def request(self) -> Request:
        """What was asked, in no provider's words."""
        return self.decoded.request

    @property
    def unmodelled(self) -> tuple[str, ...]:
        """Paths in the body that the vocabulary does not model."""
        return self.decoded.unmodelled
