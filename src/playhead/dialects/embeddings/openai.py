"""OpenAI's ``/embeddings``, spoken by OpenRouter, Azure, Mistral, Together, vLLM, llama.cpp, Ollama and many more.

::

    {"model": "…", "input": ["a", "b"], "dimensions": 256, "encoding_format": "base64"}
    {"object": "list", "data": [{"index": 0, "embedding": [0.1, …] | "zczMPQ…"}, …], "model": "…", "usage": {…}}

In base64 a vector is its 32-bit floats, the lowest byte first: a quarter of the bytes of decimal digits. It is asked
for where the profile says that the server is known to take it; both forms are read whichever was asked, since servers
ignore the field. The vectors are put in the order of their ``index``. Reference:
https://platform.openai.com/docs/api-reference/embeddings; ``input_type`` and ``usage.cost`` are OpenRouter's,
https://openrouter.ai/docs/api/reference/embeddings.
"""

from __future__ import annotations

import sys
from array import array
from binascii import Error as Base64Error, a2b_base64, b2a_base64
from typing import Any

import msgspec

from playhead.dialects.base import Encoded, EncodeWarning, Endpoint
from playhead.dialects.embeddings.base import (
    JSON_HEADERS,
    DecodedEmbedRequest,
    Embeddings,
    EmbedRequest,
    Task,
    Vector,
    as_vector,
    checked,
    read_json,
    read_usage,
)
from playhead.dialects.openai_errors import error_of
from playhead.dialects.received import read_object
from playhead.errors import BadRequestError, ProtocolError
from playhead.wire import Headers, HTTPRequest

#: What stands under ``options`` and is sent as it is.
EXTRA = "extra"

_KNOWN = frozenset({"user", "encoding_format", "input_type", "provider"})
_TASKS: dict[Task, str] = {
    "query": "search_query",
    "document": "search_document",
    "classification": "classification",
    "clustering": "clustering",
}
_ITEM_SIZE = 4  # bytes of a float
_SWAPPED = sys.byteorder == "big"  # the wire has the lowest byte first


class Profile(msgspec.Struct, frozen=True):
    """A speaker's hand: whether it is asked for base64, and knows ``input_type``; a request with one bare text."""

    base64: bool = False
    input_type: bool = False
    bare: bool = False


class _Item(msgspec.Struct):
    embedding: list[float] | str
    index: int | None = None


class _Answer(msgspec.Struct):
    data: list[_Item] | None = None
    model: str | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")
    error: Any = None


_encode = msgspec.json.Encoder(decimal_format="number").encode


def encode_request(request: EmbedRequest, endpoint: Endpoint) -> Encoded:
    """The HTTP request that asks this, without authentication."""
    profile: Profile = endpoint.profile
    warnings: list[EncodeWarning] = []
    bare = profile.bare and len(request.texts) == 1
    body: dict[str, Any] = {"model": request.model, "input": request.texts[0] if bare else request.texts}
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    if profile.base64:
        body["encoding_format"] = "base64"
    if request.task is not None:
        word = _TASKS.get(request.task) if profile.input_type else None
        if word is None:
            warnings.append(
                EncodeWarning("task", f'{endpoint.provider} knows no task "{request.task}"; it is not said')
            )
        else:
            body["input_type"] = word
    body |= {name: value for name, value in request.options.items() if name != EXTRA}
    body |= request.options.get(EXTRA) or {}
    url = endpoint.url("/embeddings")
    return Encoded(HTTPRequest("POST", url, (*JSON_HEADERS, *endpoint.headers), _encode(body)), tuple(warnings))


def decode_request(http: HTTPRequest) -> DecodedEmbedRequest:
    """The reverse of :func:`encode_request`. Fields that are no known option stand under ``extra``.

    Raises:
        BadRequestError: there is no model or no text; tokens as numbers are not taken.
    """
    body = read_object(http.body)
    model, given, dimensions = body.pop("model", None), body.pop("input", None), body.pop("dimensions", None)
    if not isinstance(model, str) or not model:
        raise BadRequestError("model: the name of a model expected", status=400)
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise BadRequestError("input: a text, or a list of texts, expected", status=400)
    if dimensions is not None and (type(dimensions) is not int or dimensions < 1):
        raise BadRequestError("dimensions: a whole number of at least 1 expected", status=400)
    base64 = body.get("encoding_format") == "base64"
    if base64:
        del body["encoding_format"]
    words = {word: task for task, word in _TASKS.items()}
    said = body.get("input_type")
    task = words.get(said) if isinstance(said, str) else None
    if task is not None:
        del body["input_type"]
    options: dict[str, Any] = {name: value for name, value in body.items() if name in _KNOWN}
    if len(options) < len(body):
        options[EXTRA] = {name: value for name, value in body.items() if name not in _KNOWN}
    request = EmbedRequest(model, tuple(texts), dimensions, task, options)
    return DecodedEmbedRequest(request, Profile(base64, task is not None, isinstance(given, str)))


def decode_response(body: bytes, headers: Headers, endpoint: Endpoint, texts: int) -> Embeddings:
    """The answer to a request of so many texts.

    Raises:
        ModelError: the body is an error inside a 200, or not what the protocol says.
    """
    answer: _Answer = read_json(body, _Answer, endpoint)
    if answer.error:
        raise error_of({"error": answer.error}, endpoint, status=None, request_id=None, body=body)
    if answer.data is None:
        raise ProtocolError("data: a list of vectors expected; there is none", provider=endpoint.provider, body=body)
    vectors = [
        _vector(item, place, endpoint, body) for place, item in enumerate(_in_order(answer.data, endpoint, body))
    ]
    return Embeddings(
        checked(vectors, texts, endpoint, body), answer.model or None, read_usage(answer.usage, "prompt_tokens")
    )


def _in_order(items: list[_Item], endpoint: Endpoint, body: bytes) -> list[_Item]:
    """The items by their index; where none has one, as they came."""
    if all(item.index is None for item in items):
        return items
    placed = {item.index: item for item in items}
    if placed.keys() != set(range(len(items))):
        said = sorted((item.index for item in items if item.index is not None), key=int)[:20]
        raise ProtocolError(
            f"data: indexes 0 to {len(items) - 1} expected, each once; there are {said}",
            provider=endpoint.provider,
            body=body,
        )
    return [placed[place] for place in range(len(items))]


def _vector(item: _Item, place: int, endpoint: Endpoint, body: bytes) -> Vector:
    if isinstance(item.embedding, list):
        return as_vector(item.embedding)
    try:
        data = a2b_base64(item.embedding.encode("ascii"), strict_mode=True)
        if len(data) % _ITEM_SIZE:
            raise ValueError(f"{len(data)} bytes are no 32-bit floats")
    except (Base64Error, ValueError) as error:
        raise ProtocolError(
            f"data[{place}].embedding: numbers, or 32-bit floats in base64, expected: {error}",
            provider=endpoint.provider,
            body=body,
        ) from error
    vector = array("f", data)
    if _SWAPPED:
        vector.byteswap()
    return vector


def encode_response(answer: Embeddings, profile: Profile) -> bytes:
    """The answer as a server writes it, in base64 where the request asked for that."""
    usage = answer.usage
    tokens = 0 if usage is None else usage.input_tokens or 0
    said: dict[str, Any] = {"prompt_tokens": tokens, "total_tokens": tokens}
    if usage is not None and usage.cost is not None:
        said["cost"] = usage.cost
    data = [
        {"object": "embedding", "index": place, "embedding": _base64(vector) if profile.base64 else list(vector)}
        for place, vector in enumerate(answer.vectors)
    ]
    return _encode({"object": "list", "data": data, "model": answer.model or "", "usage": said})


def _base64(vector: Vector) -> str:
    if _SWAPPED:
        vector = vector[:]
        vector.byteswap()
    return b2a_base64(vector.tobytes(), newline=False).decode()
