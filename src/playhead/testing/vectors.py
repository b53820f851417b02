"""Vectors of a fake provider: requests for embeddings, read and answered in the wire that they are in.

Which wire it is, the URL says, as it does for conversations. A vector is made of its text alone and has the length 1:
equal texts have equal vectors, others lie apart at random. So a test can look for what it put into its index, and means
nothing more by it.
"""

from __future__ import annotations

from array import array
from math import sqrt
from typing import TYPE_CHECKING, Any

from playhead.dialects.embeddings.base import Embeddings, EmbeddingWire, EmbedRequest, Vector
from playhead.response import Usage
from playhead.testing.answers import Answer, raw
from playhead.testing.bill import BYTES_PER_TOKEN
from playhead.testing.received import Received
from playhead.wire import Headers, HTTPRequest

if TYPE_CHECKING:
    from playhead.testing.bill import Price

#: Numbers in a vector where the request does not say how many.
DIMENSIONS = 8

#: Ends of the paths, each with its wire and the dialect that its refusals are in. Bedrock's other models are asked at
#: the same end: those are conversations.
_ENDS = (
    ("/embeddings", "openai", "openai_chat"),
    (":batchEmbedContents", "gemini", "gemini"),
    (":predict", "gemini", "gemini"),
    ("/invoke", "bedrock", "bedrock_converse"),
)
_EMBEDDERS = ("cohere.embed", "amazon.titan-embed")


class ReceivedTexts(Received):
    """One request for embeddings; ``embed`` is its meaning: texts, model, dimensions, task, options.

    Raises:
        BadRequestError: it is not what the wire's protocol says.
    """

    def __init__(self, http: HTTPRequest, wire: EmbeddingWire, dialect: str) -> None:
        self.http = http
        self.dialect_name = dialect
        self.stream = False
        self._wire = wire
        read = wire.decode_request(http)
        self._profile: Any = read.profile
        self.embed: EmbedRequest = read.request
        self._model = read.request.model

    def usage(self, price: Price | None) -> Usage:
        """What it is billed: a token for each four bytes of its body, and their cost where there is a price."""
        tokens = -(-len(self.http.body) // BYTES_PER_TOKEN)
        return Usage(tokens, 0, cost=None if price is None else price.input * tokens / 1_000_000)

    def answer(self, usage: Usage) -> Answer:
        """The vectors, as its wire has them."""
        from playhead.dialects.embeddings.bedrock import TOKENS

        size = self.embed.dimensions or DIMENSIONS
        vectors = tuple(vector(text, size) for text in self.embed.texts)
        body = self._wire.encode_response(Embeddings(vectors, self.embed.model, usage), self._profile)
        told: Headers = ((TOKENS, str(usage.input_tokens)),) if self.dialect_name == "bedrock_converse" else ()
        return raw(body, headers=told)


def received_texts(http: HTTPRequest) -> ReceivedTexts | None:
    """The request, where it asks for embeddings; None where it is a conversation, or nothing that is spoken here.

    Raises:
        BadRequestError: it is not what the wire's protocol says.
    """
    path = http.url.partition("?")[0]
    for end, name, dialect in _ENDS:
        if http.method == "POST" and path.endswith(end) and (name != "bedrock" or _embeds(path)):
            from importlib import import_module

            wire: Any = import_module(f"playhead.dialects.embeddings.{name}")
            return ReceivedTexts(http, wire, dialect)
    return None


def _embeds(path: str) -> bool:
    return any(name in path.rpartition("/model/")[2] for name in _EMBEDDERS)


def vector(text: str, size: int) -> Vector:
    """A vector of so many numbers and of the length 1, made of this text."""
    from hashlib import shake_256

    data = shake_256(text.encode("utf-8", "replace")).digest(size)
    numbers = [byte - 127.5 for byte in data]  # never 0, so that the length is not either
    length = sqrt(sum(number * number for number in numbers))
    return array("f", [number / length for number in numbers])
