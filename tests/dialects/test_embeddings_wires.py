"""The embedding wires: what is asked and answered, both ways, by law and by the documented shapes."""

from __future__ import annotations

import json
from array import array
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from playhead.dialects.base import Endpoint
from playhead.dialects.embeddings import bedrock, gemini, openai
from playhead.dialects.embeddings.base import Embeddings, EmbedRequest
from playhead.errors import BadRequestError, ConfigError, ModelError
from playhead.response import Usage
from playhead.wire import HTTPRequest

TASKS = st.sampled_from([None, "query", "document", "classification", "clustering"])
TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=4).map(tuple)
SIZES = st.none() | st.integers(1, 4096)
TOKENS = st.none() | st.integers(0, 10**6)


def hands() -> st.SearchStrategy[tuple[ModuleType, str, Any]]:
    """A wire, a model that it is spoken for, and a hand."""
    openais = st.builds(openai.Profile, st.booleans(), st.just(True), st.booleans())
    geminis = st.sampled_from(
        [
            gemini.Profile("studio"),
            gemini.Profile("studio", True),
            gemini.Profile("vertex"),
            gemini.Profile("vertex", True),
            gemini.Profile("predict"),
        ]
    )
    models = ["amazon.titan-embed-text-v2:0", "us.cohere.embed-v4:0", "cohere.embed-english-v3"]
    return st.one_of(
        openais.map(lambda profile: (openai, "text-embedding-3-small", profile)),
        geminis.map(lambda profile: (gemini, "gemini-embedding-001", profile)),
        st.sampled_from(models).map(lambda model: (bedrock, model, bedrock.profile_of(model))),
    )


@settings(max_examples=150, deadline=None)
@given(hands(), TEXTS, SIZES, TASKS)
def test_a_request_that_is_read_and_written_again_is_the_same(
    hand: tuple[Any, str, Any], texts: tuple[str, ...], size: int | None, task: Any
) -> None:
    wire, model, profile = hand
    if wire is bedrock:
        texts = texts if profile.maker == "cohere" else texts[:1]
        task = (task or "query") if profile.maker == "cohere" else None
        size = size if profile.sizes else None
    here = Endpoint("p", "https://host/v1", profile)
    asked = EmbedRequest(model, texts, size, task)
    encoded = wire.encode_request(asked, here)
    assert encoded.warnings == ()
    read = wire.decode_request(encoded.http)
    assert read.request == asked
    again = wire.encode_request(read.request, Endpoint("p", "https://host/v1", read.profile)).http
    assert (again.url, json.loads(again.body)) == (encoded.http.url, json.loads(encoded.http.body))


@settings(max_examples=150, deadline=None)
@given(hands(), st.integers(1, 5), st.data(), TOKENS)
def test_an_answer_that_is_written_and_read_again_is_the_same(
    hand: tuple[Any, str, Any], size: int, data: st.DataObject, tokens: int | None
) -> None:
    wire, _, profile = hand
    numbers = st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=size, max_size=size)
    count = 1 if wire is bedrock and profile.maker == "titan" else data.draw(st.integers(1, 4))
    vectors = tuple(array("f", data.draw(numbers)) for _ in range(count))
    usage = None if tokens is None else Usage(input_tokens=tokens)
    if wire is openai:
        usage = Usage(input_tokens=tokens or 0)  # the wire always has one
    said = Embeddings(vectors, "m" if wire is openai else None, usage)
    headers: tuple[tuple[str, str], ...] = ()
    if wire is bedrock and profile.maker == "cohere" and tokens is not None:
        headers = ((bedrock.TOKENS.lower(), str(tokens)),)
    read = wire.decode_response(wire.encode_response(said, profile), headers, Endpoint("p", "", profile), count)
    assert read == said


@settings(max_examples=300, deadline=None)
@given(hands(), st.data())
def test_a_broken_answer_is_an_error_of_our_tree(hand: tuple[Any, str, Any], data: st.DataObject) -> None:
    wire, _, profile = hand
    whole = wire.encode_response(Embeddings((array("f", [1.0, 0.5]),), "m", Usage(input_tokens=3)), profile)
    place = data.draw(st.integers(0, len(whole) - 1))
    bytes_ = data.draw(st.binary(max_size=3) | st.sampled_from([b"null", b"NaN", b"1e999", b"{}", b"[[[["]))
    body = whole[:place] + bytes_ + whole[place + data.draw(st.integers(0, 8)) :]
    try:
        read = wire.decode_response(body, (), Endpoint("p", "", profile), 1)
    except ModelError:
        return
    assert len(read.vectors) == 1


def sent(wire: Any, profile: Any, model: str, *texts: str, **more: Any) -> tuple[str, Any]:
    http = wire.encode_request(EmbedRequest(model, texts, **more), Endpoint("p", "https://h/v1", profile)).http
    return http.url, json.loads(http.body)


def test_ai_studio_is_asked_by_batch_with_the_task_at_each_text() -> None:
    url, body = sent(gemini, gemini.Profile(), "gemini-embedding-001", "a", "b", dimensions=8, task="document")
    assert url == "https://h/v1/models/gemini-embedding-001:batchEmbedContents"
    assert body["requests"][1] == {
        "model": "models/gemini-embedding-001",
        "content": {"parts": [{"text": "b"}]},
        "taskType": "RETRIEVAL_DOCUMENT",
        "outputDimensionality": 8,
    }


def test_vertex_is_asked_by_predict_and_counts_and_cuts_are_read() -> None:
    profile = gemini.Profile("predict")
    options = {"autoTruncate": True, "title": "t"}
    url, body = sent(gemini, profile, "text-embedding-005", "a", dimensions=8, task="query", options=options)
    assert url == "https://h/v1/models/text-embedding-005:predict"
    assert body == {
        "instances": [{"content": "a", "task_type": "RETRIEVAL_QUERY", "title": "t"}],
        "parameters": {"outputDimensionality": 8, "autoTruncate": True},
    }
    one = {"embeddings": {"values": [0.5], "statistics": {"token_count": 4, "truncated": True}}}
    two = {"embeddings": {"values": [1.5], "statistics": {"token_count": 3.0, "truncated": False}}}
    read = gemini.decode_response(json.dumps({"predictions": [one, two]}).encode(), (), Endpoint("p", "", profile), 2)
    assert read.usage == Usage(input_tokens=7)
    assert read.warnings == ("text 0 was cut to the length that the model takes",)


def test_cohere_on_bedrock_is_asked_with_its_task_and_read_in_both_forms() -> None:
    profile = bedrock.profile_of("us.cohere.embed-v4:0")
    url, body = sent(bedrock, profile, "us.cohere.embed-v4:0", "a", "b", dimensions=256, task="query")
    assert url == "https://h/v1/model/us.cohere.embed-v4%3A0/invoke"
    assert body == {"texts": ["a", "b"], "input_type": "search_query", "output_dimension": 256}
    here = Endpoint("p", "", profile)
    plain = bedrock.decode_response(b'{"embeddings": [[1], [2]]}', (), here, 2)
    typed = bedrock.decode_response(b'{"embeddings": {"float": [[1], [2]]}, "id": "x"}', (), here, 2)
    assert plain == typed
    assert plain.usage is None
    with pytest.raises(ConfigError, match='give task="document"'):
        sent(bedrock, profile, "us.cohere.embed-v4:0", "a")


def test_what_a_model_cannot_be_asked_is_a_warning() -> None:
    here = Endpoint("bedrock", "https://h", bedrock.profile_of("amazon.titan-embed-text-v1"))
    encoded = bedrock.encode_request(EmbedRequest("amazon.titan-embed-text-v1", ("a",), 256, "query"), here)
    assert [warning.where for warning in encoded.warnings] == ["dimensions", "task"]
    assert json.loads(encoded.http.body) == {"inputText": "a"}


def test_fields_that_are_not_known_come_back_where_they_stood() -> None:
    asked = {"model": "m", "input": "a", "encoding_format": "float", "input_type": "passage", "truncate": "END"}
    read = openai.decode_request(HTTPRequest("POST", "https://h/v1/embeddings", (), json.dumps(asked).encode()))
    assert read.request.options["extra"] == {"truncate": "END"}
    again = openai.encode_request(read.request, Endpoint("p", "https://h/v1", read.profile)).http
    assert json.loads(again.body) == asked


@pytest.mark.parametrize(
    ("wire", "url", "body"),
    [
        (openai, "https://h/v1/embeddings", b"[]"),
        (openai, "https://h/v1/embeddings", b'{"model": "m", "input": [[1, 2]]}'),
        (openai, "https://h/v1/embeddings", b'{"model": "m", "input": ["a"], "dimensions": "8"}'),
        (gemini, "https://h/models/m:generateContent", b"{}"),
        (gemini, "https://h/models/m:batchEmbedContents", b'{"requests": [{"content": {"parts": []}}]}'),
        (bedrock, "https://h/model/anthropic.claude/invoke", b"{}"),
        (bedrock, "https://h/model/cohere.embed-v4%3A0/invoke", b'{"texts": "a"}'),
    ],
)
def test_a_request_that_is_none_of_the_wire_is_refused_with_400(wire: Any, url: str, body: bytes) -> None:
    with pytest.raises(BadRequestError) as caught:
        wire.decode_request(HTTPRequest("POST", url, (), body))
    assert caught.value.status == 400


def test_a_usage_of_wrong_types_loses_no_vector() -> None:
    body = b'{"data": [{"embedding": [1]}], "usage": {"prompt_tokens": "many", "cost": "0.5"}}'
    read = openai.decode_response(body, (), Endpoint("p", "", openai.Profile()), 1)
    assert read.usage == Usage(cost=Decimal("0.5"))
