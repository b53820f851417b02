"""What an embedding wire gives: its functions, the values at its edge, and what every vector is held to.

A vector is an ``array("f")``: four bytes a number where a list of floats takes thirty, which counts with a million
texts of 1536 numbers; and numpy, faiss and every vector database take it as it is, by the buffer protocol. Nothing is
lost by it: models compute in 32 bits or fewer.

Decoding is strict where a mistake would go unseen into an index: as many vectors as texts, each in its text's place,
all of one length, every number finite. Only a usage is read leniently, and an odd one is None.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from playhead.dialects.base import Encoded, Endpoint
from playhead.dialects.lenient import amount, count, read_object
from playhead.errors import CutStreamError, ProtocolError
from playhead.response import Usage
from playhead.wire import Headers, HTTPRequest

Vector: TypeAlias = "array[float]"
Task: TypeAlias = Literal["query", "document", "similarity", "classification", "clustering"]

JSON_HEADERS: Headers = (("Content-Type", "application/json"), ("Accept", "application/json"))


class EmbedRequest(msgspec.Struct, frozen=True):
    """Texts to embed. ``dimensions`` is the length of each vector, ``task`` what the vectors are for; None is not said.
    ``options`` are the provider's own fields, under the wire's names."""

    model: str
    texts: tuple[str, ...]
    dimensions: int | None = None
    task: Task | None = None
    options: dict[str, Any] = msgspec.field(default_factory=dict)


class Embeddings(msgspec.Struct, frozen=True):
    """The vectors of some texts, in the order of the texts, each an ``array("f")``.

    Attributes:
        vectors: one for each text.
        model: as the wire named it; None where it does not.
        usage: tokens, and cost where the provider reports it; None where it reports nothing.
        warnings: what could not be said or done as asked, as sentences.
        missing: on the ``partial`` of an error, the places of the texts whose vectors did not come; those are empty.
    """

    vectors: tuple[Vector, ...]
    model: str | None = None
    usage: Usage | None = None
    warnings: tuple[str, ...] = ()
    missing: tuple[int, ...] = ()


class DecodedEmbedRequest(msgspec.Struct, frozen=True):
    """A request as it came in: its meaning, and the hand it was written in."""

    request: EmbedRequest
    profile: Any


class EmbeddingWire(Protocol):
    """The functions that an embedding wire's module gives."""

    def encode_request(self, request: EmbedRequest, endpoint: Endpoint) -> Encoded:
        """The HTTP request that asks this, without authentication.

        Raises:
            ConfigError: the wire cannot ask it of this model.
        """

    def decode_request(self, http: HTTPRequest) -> DecodedEmbedRequest:
        """The reverse: encoding what this gives has the same JSON body.

        Raises:
            BadRequestError: it is not what the wire's protocol says.
        """

    def decode_response(self, body: bytes, headers: Headers, endpoint: Endpoint, texts: int) -> Embeddings:
        """The answer to a request of so many texts.

        Raises:
            ModelError: the body is an error inside a 200, or not what the protocol says.
        """

    def encode_response(self, answer: Embeddings, profile: Any) -> bytes:
        """The reverse, as a server of this wire would write it for a request in this hand."""


def read_json(body: bytes, kind: type[Any], endpoint: Endpoint) -> Any:
    """The body as this struct.

    Raises:
        CutStreamError: it is empty, or ends before its JSON does.
        ProtocolError: it is none; the message says where.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        problem = str(error)
        if not body.strip() or problem.startswith("Input data was truncated"):
            raise CutStreamError(
                f"embeddings expected as JSON; the answer ended after {len(body)} bytes, before its end",
                provider=endpoint.provider,
                body=body,
            ) from error
        start = body.strip()[:200].decode("utf-8", "replace")
        raise ProtocolError(
            f"embeddings expected as JSON: {problem}; it begins {start!r}", provider=endpoint.provider, body=body
        ) from error


def as_vector(numbers: Iterable[float]) -> Vector:
    """Numbers as a vector."""
    return array("f", numbers)


def checked(vectors: Sequence[Vector], texts: int, endpoint: Endpoint, body: bytes) -> tuple[Vector, ...]:
    """The vectors, where there is one for each text, all are of one length, and every number is finite.

    Raises:
        ProtocolError: it is not so; the message says which.
    """

    def wrong(problem: str) -> ProtocolError:
        return ProtocolError(problem, provider=endpoint.provider, body=body)

    if len(vectors) != texts:
        raise wrong(f"{texts} vectors expected, one for each text; {len(vectors)} came")
    for place, vector in enumerate(vectors):
        if not vector:
            raise wrong(f"a vector expected for text {place}; an empty one came")
        if len(vector) != len(vectors[0]):
            raise wrong(
                f"vectors of one length expected; that of text 0 has {len(vectors[0])} numbers, that of text {place} "
                f"has {len(vector)}"
            )
        if not isfinite(sum(vector)):  # 32-bit numbers do not overflow the sum, which is of 64
            raise wrong(f"finite numbers expected; the vector of text {place} holds one that is not")
    return tuple(vectors)


def read_usage(raw: msgspec.Raw, tokens: str) -> Usage | None:
    """A usage whose count of tokens stands under this name; None where nothing is reported."""
    said = read_object(raw)
    if said is None:
        return None
    usage = Usage(input_tokens=count(said.get(tokens)), cost=amount(said.get("cost")))
    return None if usage == Usage() else usage
