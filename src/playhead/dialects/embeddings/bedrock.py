"""Amazon Bedrock's InvokeModel, with the bodies of Amazon's Titan and of Cohere, which differ in everything.

::

    POST {base}/model/{model}/invoke
    titan    {"inputText": "a", "dimensions": 256, "normalize": true}       one text to a request
             {"embedding": […], "inputTextTokenCount": 1}
    cohere   {"texts": ["a", "b"], "input_type": "search_document", "output_dimension": 256}     up to 96 texts
             {"embeddings": [[…], […]]}, or {"embeddings": {"float": [[…], […]]}}

Cohere's body has no count of tokens; Bedrock puts it into the header ``X-Amzn-Bedrock-Input-Token-Count``. Titan G1 and
Cohere v3 make vectors of one length only. References:
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html, ``…-embed-v3.html``,
``…-embed-v4.html``.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from playhead.dialects.base import Encoded, EncodeWarning, Endpoint
from playhead.dialects.embeddings.base import (
    JSON_HEADERS,
    DecodedEmbedRequest,
    Embeddings,
    EmbedRequest,
    Task,
    as_vector,
    checked,
    read_json,
)
from playhead.dialects.lenient import count
from playhead.dialects.path_segment import quoted, unquoted
from playhead.dialects.received import read_object
from playhead.errors import BadRequestError, ConfigError, ProtocolError
from playhead.response import Usage
from playhead.wire import Headers, HTTPRequest, header

TOKENS = "X-Amzn-Bedrock-Input-Token-Count"

_TASKS: dict[Task, str] = {
    "query": "search_query",
    "document": "search_document",
    "classification": "classification",
    "clustering": "clustering",
}


class Profile(msgspec.Struct, frozen=True):
    """Whose body is spoken, and whether the model makes vectors of other lengths than its own."""

    maker: Literal["titan", "cohere"] = "titan"
    sizes: bool = True


class _Titan(msgspec.Struct):
    embedding: list[float]
    inputTextTokenCount: Any = None


class _ByType(msgspec.Struct):
    floats: list[list[float]] | None = msgspec.field(default=None, name="float")


class _Cohere(msgspec.Struct):
    embeddings: list[list[float]] | _ByType


def profile_of(model: str) -> Profile:
    """The profile for a model's name, an inference profile's or an ARN's.

    Raises:
        ConfigError: it is neither Titan's nor Cohere's.
    """
    if "cohere.embed" in model:
        return Profile("cohere", "embed-v4" in model)
    if "amazon.titan-embed-text" in model or "amazon.titan-embed-g1-text" in model:
        return Profile("titan", "text-v1" not in model and "g1" not in model)
    raise ConfigError(
        f'"{model}" is no embedding model that is known on Bedrock; known are those of Amazon '
        '("amazon.titan-embed-text-v2:0") and of Cohere ("cohere.embed-v4:0")'
    )


def encode_request(request: EmbedRequest, endpoint: Endpoint) -> Encoded:
    """The HTTP request that asks this, without authentication.

    Raises:
        ConfigError: several texts for Titan, or no task for Cohere, which needs one.
    """
    profile: Profile = endpoint.profile
    warnings: list[EncodeWarning] = []
    size = request.dimensions
    if size is not None and not profile.sizes:
        warnings.append(EncodeWarning("dimensions", f"{request.model} makes vectors of one length; {size} is not said"))
        size = None
    body: dict[str, Any]
    if profile.maker == "titan":
        if len(request.texts) != 1:
            raise ConfigError("Titan takes one text in a request")
        body = {"inputText": request.texts[0]}
        if size is not None:
            body["dimensions"] = size
        if request.task is not None:
            warnings.append(EncodeWarning("task", f'Titan knows no task "{request.task}"; it is not said'))
    else:
        word = None if request.task is None else _TASKS.get(request.task)
        if word is None and "input_type" not in request.options:
            known = ", ".join(f'"{task}"' for task in _TASKS)
            raise ConfigError(
                f'Cohere must be told what the vectors are for: give task="document" for texts that are searched, '
                f'task="query" for what they are searched with; known are {known}'
            )
        body = {"texts": request.texts}
        if word is not None:
            body["input_type"] = word
        if size is not None:
            body["output_dimension"] = size
    body |= request.options
    url = endpoint.url(f"/model/{quoted(request.model)}/invoke")
    http = HTTPRequest("POST", url, (*JSON_HEADERS, *endpoint.headers), msgspec.json.encode(body))
    return Encoded(http, tuple(warnings))


def decode_request(http: HTTPRequest) -> DecodedEmbedRequest:
    """The reverse of :func:`encode_request`.

    Raises:
        BadRequestError: the URL names no model that is known, or the body is not its maker's.
    """
    head, _, method = http.url.partition("?")[0].rpartition("/")
    place, _, name = head.rpartition("/model/")
    if method != "invoke" or not place or not name:
        raise BadRequestError("a URL that ends in /model/{model}/invoke expected", status=400)
    model = unquoted(name)
    try:
        profile = profile_of(model)
    except ConfigError as error:
        raise BadRequestError(str(error), status=400) from error
    body = read_object(http.body)
    titan = profile.maker == "titan"
    texts = [body.pop("inputText", None)] if titan else body.pop("texts", None)
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        what = "inputText: a text" if titan else "texts: a list of texts"
        raise BadRequestError(f"{what} expected", status=400)
    size = "dimensions" if titan else "output_dimension"
    dimensions = body.pop(size, None) if profile.sizes else None
    if dimensions is not None and (type(dimensions) is not int or dimensions < 1):
        raise BadRequestError(f"{size}: a whole number of at least 1 expected", status=400)
    task = None
    if not titan:
        task = next((task for task, word in _TASKS.items() if word == body.get("input_type")), None)
        if task is not None:
            del body["input_type"]
    return DecodedEmbedRequest(EmbedRequest(model, tuple(texts), dimensions, task, body), profile)


def decode_response(body: bytes, headers: Headers, endpoint: Endpoint, texts: int) -> Embeddings:
    """The answer to a request of so many texts.

    Raises:
        ModelError: the body is not what the protocol says.
    """
    profile: Profile = endpoint.profile
    tokens = count(header(headers, TOKENS))
    if profile.maker == "titan":
        one: _Titan = read_json(body, _Titan, endpoint)
        found = [one.embedding]
        said = count(one.inputTextTokenCount)
        tokens = tokens if said is None else said
    else:
        several: _Cohere = read_json(body, _Cohere, endpoint)
        numbers = several.embeddings.floats if isinstance(several.embeddings, _ByType) else several.embeddings
        if numbers is None:
            raise ProtocolError(
                "embeddings.float: a list of vectors expected; there is none", provider=endpoint.provider, body=body
            )
        found = numbers
    vectors = checked([as_vector(numbers) for numbers in found], texts, endpoint, body)
    return Embeddings(vectors, usage=None if tokens is None else Usage(input_tokens=tokens))


def encode_response(answer: Embeddings, profile: Profile) -> bytes:
    """The body as Bedrock writes it; Cohere's count of tokens stands in a header, :data:`TOKENS`, not here."""
    body: dict[str, Any]
    if profile.maker == "titan":
        body = {"embedding": list(answer.vectors[0])}
        if answer.usage is not None and answer.usage.input_tokens is not None:
            body["inputTextTokenCount"] = answer.usage.input_tokens
    else:
        body = {"embeddings": [list(vector) for vector in answer.vectors], "response_type": "embeddings_floats"}
    return msgspec.json.encode(body)
