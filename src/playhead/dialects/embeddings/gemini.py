"""Google's three ways to ask for vectors; the model and the way are said by the URL.

::

    studio    {base}/models/{model}:batchEmbedContents
              {"requests": [{"model": "models/…", "content": {"parts": [{"text": "a"}]}, "taskType": …}, …]}
              {"embeddings": [{"values": […]}, …], "usageMetadata": {"promptTokenCount": 2}}
    vertex    the same URL, for the models from gemini-embedding-2 on, with what is asked of each text in
              "embedContentConfig"
    predict   {base}/models/{model}:predict, for the models before
              {"instances": [{"content": "a", "task_type": …}, …], "parameters": {"outputDimensionality": 256}}
              {"predictions": [{"embeddings": {"values": […], "statistics": {"token_count": 1, "truncated": false}}}]}

References: https://ai.google.dev/api/embeddings and
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api; the second form as Google's
own client writes it. A text that was cut to the model's length is a warning.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from playhead.dialects.base import Encoded, Endpoint
from playhead.dialects.embeddings.base import (
    JSON_HEADERS,
    DecodedEmbedRequest,
    Embeddings,
    EmbedRequest,
    Task,
    as_vector,
    checked,
    read_json,
    read_usage,
)
from playhead.dialects.lenient import count
from playhead.dialects.received import read_object
from playhead.errors import BadRequestError, ProtocolError
from playhead.response import Usage
from playhead.wire import Headers, HTTPRequest

BATCH, PREDICT = "batchEmbedContents", "predict"

_TASKS: dict[Task, str] = {
    "query": "RETRIEVAL_QUERY",
    "document": "RETRIEVAL_DOCUMENT",
    "similarity": "SEMANTIC_SIMILARITY",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
}
_CONFIG = "embedContentConfig"
_TASK, _TITLE, _SIZE, _CUT = "taskType", "title", "outputDimensionality", "autoTruncate"


class Profile(msgspec.Struct, frozen=True):
    """Which of the three ways is spoken; whether each content says that it is the user's."""

    way: Literal["studio", "vertex", "predict"] = "studio"
    role: bool = False


class _Statistics(msgspec.Struct):
    token_count: Any = None
    truncated: Any = None


class _Values(msgspec.Struct):
    values: list[float] | None = None
    statistics: _Statistics | None = None
    truncated: Any = None


class _Prediction(msgspec.Struct):
    embeddings: _Values | None = None


class _Answer(msgspec.Struct):
    embeddings: list[_Values] | None = None
    predictions: list[_Prediction] | None = None
    usageMetadata: msgspec.Raw = msgspec.Raw(b"null")


def encode_request(request: EmbedRequest, endpoint: Endpoint) -> Encoded:
    """The HTTP request that asks this, without authentication."""
    profile: Profile = endpoint.profile
    asked: dict[str, Any] = {}
    if request.task is not None:
        asked[_TASK] = _TASKS[request.task]
    if request.dimensions is not None:
        asked[_SIZE] = request.dimensions
    asked |= request.options
    name = request.model if "/" in request.model else f"models/{request.model}"
    body: dict[str, Any]
    if profile.way == "predict":
        parameters = {key: asked[key] for key in (_SIZE, _CUT) if key in asked}
        of_each = {"task_type" if key == _TASK else key: asked[key] for key in (_TASK, _TITLE) if key in asked}
        body = {"instances": [{"content": text, **of_each} for text in request.texts]}
        if parameters:
            body["parameters"] = parameters
    elif profile.way == "vertex":
        of_each = {_CONFIG: asked} if asked else {}
        body = {"requests": [{"content": _content(text, profile), **of_each} for text in request.texts]}
    else:
        body = {"requests": [{"model": name, "content": _content(text, profile), **asked} for text in request.texts]}
    url = endpoint.url(f"/{name}:{PREDICT if profile.way == 'predict' else BATCH}")
    return Encoded(HTTPRequest("POST", url, (*JSON_HEADERS, *endpoint.headers), msgspec.json.encode(body)))


def _content(text: str, profile: Profile) -> dict[str, Any]:
    return {"parts": [{"text": text}], **({"role": "user"} if profile.role else {})}


def decode_request(http: HTTPRequest) -> DecodedEmbedRequest:
    """The reverse of :func:`encode_request`. What is asked of the texts must be the same for all.

    Raises:
        BadRequestError: the URL or the body is not one of the three ways, or a text is asked of as no other is.
    """
    head, _, method = http.url.partition("?")[0].rpartition(":")
    collection, _, model = head.rpartition("/")
    if method not in (BATCH, PREDICT) or not model:
        raise BadRequestError(f"a URL that ends in :{BATCH} or :{PREDICT} expected", status=400)
    if not collection.endswith("/models"):
        model = f"{collection.rpartition('/')[2]}/{model}"
    body = read_object(http.body)
    items = body.get("instances" if method == PREDICT else "requests")
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise BadRequestError("a list of texts expected", status=400)
    asked: dict[str, Any] = {}
    way: Literal["studio", "vertex", "predict"] = "predict"
    role = False
    if method == PREDICT:
        parameters = body.get("parameters")
        asked = dict(parameters) if isinstance(parameters, dict) else {}
        texts = [item.pop("content", None) for item in items]
    else:
        way = "studio" if "model" in items[0] else "vertex"
        first = items[0].get("content")
        role = isinstance(first, dict) and "role" in first
        texts = [_text(item.pop("content", None)) for item in items]
        for item in items:
            item.pop("model", None)
    if not all(isinstance(text, str) for text in texts):
        raise BadRequestError("a text expected in each content", status=400)
    if any(item != items[0] for item in items):
        raise BadRequestError("the same task, title and dimensions expected for all texts of one request", status=400)
    of_each = items[0].get(_CONFIG) if way == "vertex" else items[0]
    asked |= {_TASK if key == "task_type" else key: value for key, value in (of_each or {}).items()}
    dimensions = asked.pop(_SIZE, None)
    if dimensions is not None and (type(dimensions) is not int or dimensions < 1):
        raise BadRequestError(f"{_SIZE}: a whole number of at least 1 expected", status=400)
    task = next((task for task, word in _TASKS.items() if word == asked.get(_TASK)), None)
    if task is not None:
        del asked[_TASK]
    return DecodedEmbedRequest(EmbedRequest(model, tuple(texts), dimensions, task, asked), Profile(way, role))


def _text(content: Any) -> str | None:
    """The text of a content; None where it holds anything else."""
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(parts, list) or len(parts) != 1 or not isinstance(parts[0], dict) or set(parts[0]) != {"text"}:
        return None
    text = parts[0]["text"]
    return text if isinstance(text, str) else None


def decode_response(body: bytes, headers: Headers, endpoint: Endpoint, texts: int) -> Embeddings:
    """The answer to a request of so many texts.

    Raises:
        ModelError: the body is not what the protocol says.
    """
    answer: _Answer = read_json(body, _Answer, endpoint)
    found = answer.embeddings
    if found is None and answer.predictions is not None:
        found = [item.embeddings or _Values() for item in answer.predictions]
    if found is None:
        raise ProtocolError(
            "embeddings or predictions: a list of vectors expected; there is none",
            provider=endpoint.provider,
            body=body,
        )
    vectors = checked([as_vector(item.values or ()) for item in found], texts, endpoint, body)
    usage = read_usage(answer.usageMetadata, "promptTokenCount")
    if usage is None:
        counts = [None if item.statistics is None else count(item.statistics.token_count) for item in found]
        if None not in counts:
            usage = Usage(input_tokens=sum(number or 0 for number in counts))
    cut = tuple(
        f"text {place} was cut to the length that the model takes"
        for place, item in enumerate(found)
        if item.truncated is True or (item.statistics is not None and item.statistics.truncated is True)
    )
    return Embeddings(vectors, usage=usage, warnings=cut)


def encode_response(answer: Embeddings, profile: Profile) -> bytes:
    """The answer as a server writes it. ``predict`` has a count for each text; all of it stands at the first."""
    tokens = None if answer.usage is None else answer.usage.input_tokens
    body: dict[str, Any]
    if profile.way == "predict":
        predictions: list[dict[str, Any]] = [{"embeddings": {"values": list(vector)}} for vector in answer.vectors]
        if tokens is not None:
            for place, item in enumerate(predictions):
                item["embeddings"]["statistics"] = {"token_count": 0 if place else tokens, "truncated": False}
        body = {"predictions": predictions}
    else:
        body = {"embeddings": [{"values": list(vector)} for vector in answer.vectors]}
        if tokens is not None:
            body["usageMetadata"] = {"promptTokenCount": tokens}
    return msgspec.json.encode(body)
