"""A recorded request for vectors, understood: which model, how many texts, what came back; and asked again.

Requests for vectors are no conversation, so the dialects do not know them: their wires are in
:mod:`playhead.dialects.embeddings`, and which of them a URL is of is told by its end. ::

    embedding(interaction) -> Embedding(model="text-embedding-3-small", texts=2, vectors=2, dimensions=1536, …)

An answer that cannot be read leaves what it would have said at None: it is shown all the same.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

import msgspec

from playhead.dialects.base import Endpoint
from playhead.errors import ConfigError, ModelError, PlayheadError
from playhead.tapes import first_difference
from playhead.wire import HTTPRequest

if TYPE_CHECKING:
    from playhead.dialects.embeddings.base import DecodedEmbedRequest, EmbeddingWire
    from playhead.tapes import Interaction

#: Ends of URLs, and the wire and the place from which its own path begins.
_WIRES = (
    ("/embeddings", "openai", "/embeddings"),
    (":batchEmbedContents", "gemini", "/models/"),
    (":predict", "gemini", "/models/"),
    ("/invoke", "bedrock", "/model/"),
)


class Embedding(msgspec.Struct, frozen=True):
    """What a request for vectors asked and got. ``tokens`` is what the answer reports; None was not said."""

    model: str
    texts: int
    vectors: int | None = None
    dimensions: int | None = None
    tokens: int | None = None


class _Known(msgspec.Struct, frozen=True):
    wire: EmbeddingWire
    endpoint: Endpoint
    decoded: DecodedEmbedRequest


def embedding(interaction: Interaction) -> Embedding | None:
    """What the exchange is about; None where it is no request for vectors, or none that is understood."""
    known = _known(interaction)
    if known is None:
        return None
    request, answer = known.decoded.request, interaction.response
    told = Embedding(request.model, len(request.texts))
    if answer.code >= 300:
        return told
    try:
        found = known.wire.decode_response(answer.body, answer.headers, known.endpoint, len(request.texts))
    except (PlayheadError, ValueError, TypeError, ArithmeticError, RecursionError):  # another's bytes
        return told
    tokens = found.usage.input_tokens if found.usage is not None else None
    return Embedding(request.model, len(request.texts), len(found.vectors), len(found.vectors[0]), tokens)


def embedding_difference(interaction: Interaction) -> tuple[bool, str | None]:
    """Whether an exchange asks for vectors, and where the same request differs when playhead writes it; None where it
    is the same JSON, asked at the same place."""
    known = _known(interaction)
    if known is None:
        return False, None
    recorded = interaction.request
    try:
        again = known.wire.encode_request(known.decoded.request, known.endpoint).http
    except (ConfigError, ModelError) as error:
        return True, str(error)
    if again.url != recorded.url:
        return True, f"{recorded.url} on the tape, {again.url} asked"
    return True, first_difference(recorded.body, again.body)


def _known(interaction: Interaction) -> _Known | None:
    recorded = interaction.request
    path, _, query = recorded.url.partition("#")[0].partition("?")
    found = next((row for row in _WIRES if path.endswith(row[0])), None)
    if recorded.method != "POST" or found is None:
        return None
    _, name, begins = found
    base = path.rpartition(begins)[0]
    wire = cast("EmbeddingWire", import_module(f"playhead.dialects.embeddings.{name}"))
    http = HTTPRequest(recorded.method, recorded.url, recorded.headers, recorded.body)
    try:
        decoded = wire.decode_request(http)
    except (PlayheadError, ValueError, TypeError, AttributeError, RecursionError):  # whatever may be in a body
        return None
    provider = base.partition("://")[2].partition("/")[0]
    return _Known(wire, Endpoint(provider, base, decoded.profile, query=query), decoded)
