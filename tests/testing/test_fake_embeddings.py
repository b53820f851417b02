"""The fake provider makes vectors, in every wire that playhead asks for them in."""

from __future__ import annotations

from decimal import Decimal

import pytest

from playhead import Agent, Embeddings, Model, embed_sync
from playhead.testing import FakeProvider, refuse

TEXTS = ["a cat", "a dog", "a cat"]


@pytest.mark.parametrize(
    "name",
    [
        "openai:text-embedding-3-small",
        "mistral:mistral-embed",
        "google:gemini-embedding-001",
        "vertex:text-embedding-005",
        "bedrock:amazon.titan-embed-text-v2:0",
        "bedrock:cohere.embed-v4:0",
    ],
)
def test_every_wire_gets_a_vector_for_each_text(name: str) -> None:
    with FakeProvider() as fake:
        settings = {"concurrency": 1, "task": "document" if "cohere" in name else None}
        found = embed_sync(fake.model(name), TEXTS, **settings)  # type: ignore[arg-type]
        long = embed_sync(fake.model(name), TEXTS[:1], dimensions=256, **settings)  # type: ignore[arg-type]
    assert found.vectors[0] == found.vectors[2] != found.vectors[1]
    assert abs(sum(number * number for number in found.vectors[0]) - 1) < 1e-5
    assert len(long.vectors[0]) == 256
    assert [text for asked in fake.embedded for text in asked.texts] == [*TEXTS, "a cat"]
    assert fake.requests == []
    assert found.usage is not None
    assert long.usage is not None
    assert fake.billed.input_tokens == (found.usage.input_tokens or 0) + (long.usage.input_tokens or 0)


def test_a_refusal_that_is_next_on_the_script_is_theirs_and_an_answer_is_not() -> None:
    with FakeProvider(price=(1, 0)) as fake:
        fake.script(refuse(429, retry_after=0), "Hello!")
        found = embed_sync(fake.model("openai:some-embedder"), ["a"])
        assert Agent(fake.model("some-model")).run_sync("hi").text == "Hello!"
    assert (fake.refused, fake.answered, len(fake.embedded)) == (1, 2, 2)
    assert found.usage is not None
    assert found.usage.cost == Decimal(found.usage.input_tokens or 0) / 1_000_000


def test_fields_that_nobody_knows_are_kept() -> None:
    def asked(model: Model) -> Embeddings:
        return embed_sync(model, ["a"], options={"extra": {"dimensions_": 1}})

    with FakeProvider() as fake:
        assert asked(fake.model("openai:some-embedder")).vectors
        assert fake.embedded[0].options == {"extra": {"dimensions_": 1}}
