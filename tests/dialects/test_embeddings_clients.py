"""Makers' own clients against our codecs: what they ask is read, what we answer is read by them."""

from __future__ import annotations

import json
from array import array
from typing import Any

import pytest

from playhead.dialects.base import Endpoint
from playhead.dialects.embeddings import gemini, openai
from playhead.dialects.embeddings.base import DecodedEmbedRequest, Embeddings
from playhead.response import Usage
from playhead.wire import HTTPRequest
from scripted_server import Answer, Asked, Loopback


def serve(wire: Any, seen: list[DecodedEmbedRequest]) -> Loopback:
    """A server whose every word is our codec's."""

    def script(number: int, asked: Asked) -> Answer:
        http = HTTPRequest(asked.method, f"http://host{asked.path}", (), asked.body)
        seen.append(read := wire.decode_request(http))
        vectors = tuple(array("f", [0.1, len(text)]) for text in read.request.texts)
        body = wire.encode_response(Embeddings(vectors, read.request.model, Usage(input_tokens=5)), read.profile)
        return Answer(200, [body], {"Content-Type": "application/json"})

    return Loopback(script)


@pytest.mark.parametrize("form", ["base64", "float", None])
def test_openais_client_reads_our_vectors(form: Any) -> None:
    client = pytest.importorskip("openai", reason="OpenAI's client is not installed")
    seen: list[DecodedEmbedRequest] = []
    more = {} if form is None else {"encoding_format": form}
    with serve(openai, seen) as server, client.OpenAI(base_url=server.url, api_key="none") as asking:
        answer = asking.embeddings.create(model="m", input=["a", "bc"], dimensions=2, **more)
    assert (seen[0].request.model, seen[0].request.texts, seen[0].request.dimensions) == ("m", ("a", "bc"), 2)
    assert seen[0].profile.base64 is (form != "float")
    assert answer.usage.prompt_tokens == 5
    if form == "base64":  # asked for by name it is handed on as it came
        assert answer.data[1].embedding == "zczMPQAAAEA="
    else:
        assert [list(array("f", item.embedding)) for item in answer.data] == [
            list(array("f", [0.1, 1])),
            list(array("f", [0.1, 2])),
        ]


def test_googles_client_asks_and_reads_as_we_do() -> None:
    genai = pytest.importorskip("google.genai", reason="Google's client is not installed")
    seen: list[DecodedEmbedRequest] = []
    with serve(gemini, seen) as server:
        options = genai.types.HttpOptions(base_url=server.url.removesuffix("/v1"), api_version="v1beta")
        client = genai.Client(api_key="none", vertexai=False, http_options=options)
        config = genai.types.EmbedContentConfig(task_type="RETRIEVAL_QUERY", output_dimensionality=2)
        answer = client.models.embed_content(model="gemini-embedding-001", contents=["a", "bc"], config=config)
        client.close()
    asked = seen[0].request
    assert (asked.model, asked.texts, asked.dimensions, asked.task) == ("gemini-embedding-001", ("a", "bc"), 2, "query")
    assert [item.values[1] for item in answer.embeddings] == [1.0, 2.0]
    ours = gemini.encode_request(asked, Endpoint("google", "http://host/v1beta", seen[0].profile)).http
    assert (ours.url.removeprefix("http://host"), json.loads(ours.body)) == (
        server.requests[0].path,
        server.requests[0].json,
    )
