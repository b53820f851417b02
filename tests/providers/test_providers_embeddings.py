"""Who is asked for vectors in which wire, where, and how many at once."""

from __future__ import annotations

from array import array
from typing import Any

import pytest

from playhead import Embeddings, Model, Usage, embed_sync
from playhead.dialects.embeddings import bedrock, gemini
from playhead.errors import BadRequestError, ConfigError
from playhead.providers.abilities import abilities
from playhead.providers.base import Provider
from playhead.providers.catalog import PROVIDERS
from playhead.providers.embeddings import embedder
from playhead.wire import HTTPRequest
from scripted_server import Answer, Asked, Loopback, reply


@pytest.mark.parametrize(
    ("model", "wire", "texts"),
    [
        ("openai:text-embedding-3-small", "openai", 2048),
        ("openai-responses:text-embedding-3-small", "openai", 2048),
        ("openrouter:openai/text-embedding-3-small", "openai", 2048),
        ("ollama:nomic-embed-text", "openai", 2048),
        ("google:gemini-embedding-001", "gemini", 100),
        ("mistral:mistral-embed", "openai", 512),
        ("cohere:embed-v4.0", "openai", 96),
    ],
)
def test_each_provider_has_its_wire_and_its_limit(model: str, wire: str, texts: int) -> None:
    bound = Model.of(model)
    row = embedder(bound.provider, bound.name)
    assert (row.wire, row.texts) == (wire, texts)


def test_openai_is_asked_for_base64() -> None:
    answer = {"data": [{"index": 0, "embedding": "AACAPw=="}], "usage": {"prompt_tokens": 1}}
    with Loopback(lambda n, asked: reply(answer)) as server:
        found = embed_sync("openai:text-embedding-3-small", ["a"], base_url=server.url, api_key="none")
    assert server.requests[0].json["encoding_format"] == "base64"
    assert found.vectors == (array("f", [1.0]),)


def by_our_codec(wire: Any) -> Any:
    def script(number: int, asked: Asked) -> Answer:
        read = wire.decode_request(HTTPRequest("POST", f"http://host{asked.path}", (), asked.body))
        vectors = tuple(array("f", [len(text)]) for text in read.request.texts)
        body = wire.encode_response(Embeddings(vectors, None, Usage(input_tokens=2)), read.profile)
        return Answer(200, [body], {"Content-Type": "application/json", bedrock.TOKENS: "9"})

    return script


@pytest.mark.parametrize(
    ("model", "end"),
    [
        ("text-embedding-005", ":predict"),
        ("gemini-embedding-001", ":predict"),
        ("gemini-embedding-2", ":batchEmbedContents"),
    ],
)
def test_vertex_is_asked_as_the_model_wants_it(model: str, end: str) -> None:
    with Loopback(by_our_codec(gemini)) as server:
        found = embed_sync(f"vertex:{model}", ["a", "bb"], task="query", base_url=server.url, api_key="none")
    assert server.requests[0].path == f"/v1/models/{model}{end}"
    assert found.vectors == (array("f", [1]), array("f", [2]))
    assert found.usage == Usage(input_tokens=2)


def test_google_takes_a_hundred_texts_at_once() -> None:
    with Loopback(by_our_codec(gemini)) as server:
        found = embed_sync("google:gemini-embedding-001", ["a"] * 250, base_url=server.url, api_key="none")
    assert sorted(len(asked.json["requests"]) for asked in server.requests) == [50, 100, 100]
    assert (len(found.vectors), found.usage) == (250, Usage(input_tokens=6))
    assert server.requests[0].headers["x-goog-api-key"] == "none"


def test_titan_is_asked_for_each_text_and_cohere_for_all(tmp_path: Any) -> None:
    tape = tmp_path / "cohere.yaml"
    with Loopback(by_our_codec(bedrock)) as server:
        at: dict[str, Any] = {"base_url": server.url, "api_key": "none-of-yours"}
        titan = embed_sync("bedrock:amazon.titan-embed-text-v2:0", ["a", "bb", "ccc"], dimensions=256, **at)
        assert [vector[0] for vector in titan.vectors] == [1, 2, 3]
        assert (len(server.requests), titan.usage) == (3, Usage(input_tokens=6))
        taped: dict[str, Any] = {"task": "document", "tape": tape}
        cohere = embed_sync("bedrock:cohere.embed-v4:0", ["a", "bb"], **at, **taped, tape_mode="record")
    assert cohere.usage == Usage(input_tokens=9)
    assert embed_sync("bedrock:cohere.embed-v4:0", ["a", "bb"], **at, **taped, tape_mode="replay") == cohere


def test_a_refusal_of_bedrock_is_read_by_the_dialect_that_it_speaks() -> None:
    with (
        Loopback(lambda n, asked: reply({"message": "Malformed input request"}, 400)) as server,
        pytest.raises(BadRequestError, match="Malformed input request"),
    ):
        embed_sync("bedrock:amazon.titan-embed-text-v2:0", ["a"], base_url=server.url, api_key="none")


def test_a_model_on_bedrock_that_makes_no_vectors_is_named() -> None:
    with pytest.raises(ConfigError, match=r"no embedding model that is known on Bedrock.*titan.*cohere"):
        embed_sync("bedrock:anthropic.claude-opus-4-6-v1", ["a"], base_url="http://127.0.0.1:9", api_key="none")


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.name)
def test_what_is_said_of_a_provider_is_what_it_is_asked(provider: Provider) -> None:
    model = "amazon.titan-embed-text-v2:0" if provider.name.startswith("bedrock") else "some-model"
    serves = abilities(provider).embeddings
    if serves is False:
        with pytest.raises(ConfigError, match="makes no embeddings"):
            embedder(provider, model)
    elif serves:
        assert embedder(provider, model)


def test_local_and_compatible_servers_are_not_said_to_have_none() -> None:
    assert abilities(PROVIDERS["local"]).embeddings is True
    assert abilities(PROVIDERS["compatible"]).embeddings is None
    assert abilities(PROVIDERS["groq"]).embeddings is False
