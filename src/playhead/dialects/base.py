"""What every dialect gives: the shape of a codec, and the values at its edge.

A dialect is a module (a folder's ``__init__``) with the functions of :class:`Dialect`. It imports no HTTP library, no
asyncio, no clock, no file and no other dialect: bytes and values in, values and bytes out. Who speaks it is an
:class:`Endpoint`; how a speaker differs from another of the same wire is a profile, frozen data of the dialect's own.

What the other side sends and the vocabulary does not model is reported by path (``choices[0].delta.audio``), never
silently dropped and never smuggled through.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import msgspec

from playhead.errors import ConfigError, ModelError
from playhead.events import ModelEvent
from playhead.messages import Message
from playhead.request import Request
from playhead.response import Response, Usage
from playhead.wire import Headers, HTTPRequest

_encode = msgspec.json.Encoder().encode

#: Encoded messages by identity, kept by whoever holds the history, so that a long history is not encoded at each step.
#: The message is kept beside its bytes, so that its id stays its own. A message that gave warnings is kept as well:
#: they are given where it is encoded, and so once in a memo, not again with each request that repeats it.
Memo: TypeAlias = dict[int, tuple[Message, bytes]]


class Endpoint(msgspec.Struct, frozen=True):
    """Who is spoken to: the provider's name, its base URL without a final slash, its profile of the dialect, and what
    is put after every path, as Azure's ``api-version=2024-10-21``."""

    provider: str
    base_url: str
    profile: Any
    headers: Headers = ()
    query: str = ""

    def url(self, path: str) -> str:
        """The URL of this path: ``url("/responses") -> "https://api.openai.com/v1/responses"``."""
        return f"{self.base_url}{path}?{self.query}" if self.query else self.base_url + path


class EncodeWarning(msgspec.Struct, frozen=True):
    """Something that the wire could not say as asked. ``where`` is a path into the request ("messages[2]")."""

    where: str
    message: str


def warn(warnings: list[EncodeWarning], where: str, message: str) -> None:
    """Add a warning, once for each place: three files that a message loses are one loss to know of."""
    for known in reversed(warnings):
        if known.where != where:
            break
        if known.message == message:
            return
    warnings.append(EncodeWarning(where, message))


def to_json(value: Any, where: str) -> bytes:
    """A value as JSON.

    Raises:
        ConfigError: it holds what JSON cannot say, as half a character does or an object of the caller's; the message
            says where.
    """
    try:
        return _encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ConfigError(f"{where} holds what JSON cannot say: {error}") from error


class Encoded(msgspec.Struct, frozen=True):
    """A request as it leaves, and what was lost on the way into this wire."""

    http: HTTPRequest
    warnings: tuple[EncodeWarning, ...] = ()


class DecodedRequest(msgspec.Struct, frozen=True):
    """A request as it came in: its meaning, the hand it was written in, and what the vocabulary does not model."""

    request: Request
    profile: Any
    unmodelled: tuple[str, ...] = ()


class Decoder(Protocol):
    """Bytes of one streamed answer to events, whatever the chunk boundaries."""

    unmodelled: set[str]

    @property
    def finished(self) -> bool:
        """Whether the stream has said that it is over (``[DONE]``, ``message_stop``): nothing more of it counts."""

    @property
    def usage(self) -> Usage | None:
        """What the answer has counted of itself so far: of one that is cut, all there is to know of its bill."""

    def feed(self, data: bytes) -> list[ModelEvent]:
        """The events that these bytes complete.

        Raises:
            ModelError: the stream carries an error, or is not what the protocol says.
        """

    def close(self) -> list[ModelEvent]:
        """The stream has ended; the last events.

        Raises:
            CutStreamError: it ended before its end.
        """


class Encoder(Protocol):
    """Events of one answer to the bytes of a stream; the reverse of :class:`Decoder`."""

    def feed(self, event: ModelEvent) -> bytes:
        """The bytes that say this event; b"" when it waits for more."""


class Dialect(Protocol):
    """The functions that a dialect's module gives."""

    @property
    def NAME(self) -> str: ...

    def encode_request(self, request: Request, endpoint: Endpoint, memo: Memo | None = None) -> Encoded:
        """The HTTP request that asks this, without authentication."""

    def decode_request(self, http: HTTPRequest) -> DecodedRequest:
        """The reverse: ``encode_request(decode_request(h))`` has the same JSON body as ``h``."""

    def decode_response(self, body: bytes, endpoint: Endpoint, report: bool = False) -> tuple[Response, frozenset[str]]:
        """A whole answer and, where ``report`` asks for them, the paths in it that the vocabulary does not model.

        Raises:
            ModelError: the body is an error inside a 200, or not what the protocol says.
        """

    def encode_response(self, response: Response) -> bytes:
        """The reverse, as a server of this wire would write it."""

    def decode_error(self, status: int, headers: Headers, body: bytes, endpoint: Endpoint) -> ModelError:
        """The error that a refusal says, of the class that fits; never raises, whatever the body holds."""

    def encode_error(self, error: ModelError) -> bytes:
        """The reverse, as a server of this wire would write it."""

    def decoder(self, endpoint: Endpoint) -> Decoder:
        """A decoder for one streamed answer."""

    def encoder(self) -> Encoder:
        """An encoder for one streamed answer."""
