"""Requests for vectors on a tape: told as such, and verified."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from playhead.deck.embedded import Embedding, embedding
from playhead.deck.transcript.telling import transcript
from playhead.deck.verify import verify
from playhead.tapes import Tape
from playhead.tapes.interaction import Interaction, interaction
from playhead.wire import HTTPRequest

OPENAI = "https://api.openai.com/v1/embeddings"
STUDIO = "https://generativelanguage.googleapis.com/v1beta/models/gemini-embedding-001:batchEmbedContents"
TITAN = "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.titan-embed-text-v2%3A0/invoke"
ANSWER = {
    "data": [{"index": n, "embedding": [0.5, 1.0, 2.0]} for n in range(2)],
    "model": "m",
    "usage": {"prompt_tokens": 7},
}


def exchange(url: str, asked: object, answered: object, status: int = 200) -> Interaction:
    """An exchange of JSON."""
    request = HTTPRequest("POST", url, (("Content-Type", "application/json"),), json.dumps(asked).encode())
    body = json.dumps(answered).encode()
    return interaction(0, request, status=status, reason="", proto="HTTP/1.1", headers=(), body=body, nanoseconds=1)


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (exchange(OPENAI, {"model": "m", "input": ["a", "b"]}, ANSWER), Embedding("m", 2, 2, 3, 7)),
        (
            exchange(
                STUDIO,
                {"requests": [{"model": "models/gemini-embedding-001", "content": {"parts": [{"text": "a"}]}}]},
                {"embeddings": [{"values": [1.0, 2.0]}]},
            ),
            Embedding("gemini-embedding-001", 1, 1, 2, None),
        ),
        (
            exchange(TITAN, {"inputText": "a"}, {"embedding": [1.0], "inputTextTokenCount": 3}),
            Embedding("amazon.titan-embed-text-v2:0", 1, 1, 1, 3),
        ),
        (exchange(OPENAI, {"model": "m", "input": "a"}, {"error": {"message": "no"}}, 429), Embedding("m", 1)),
        (exchange(OPENAI, {"model": "m", "input": "a"}, "?"), Embedding("m", 1)),
    ],
)
def test_it_is_told_and_verified(one: Interaction, told: Embedding) -> None:
    """Model, texts, vectors and tokens; and playhead asks it in the same JSON, at the same place."""
    assert embedding(one) == told
    (entry,) = transcript(Tape([one])).entries
    assert entry.embedding == told  # type: ignore[union-attr]
    verdict = asyncio.run(verify(Tape([one])))
    assert (verdict.ok, verdict.requests, verdict.differences) == (True, 1, [])


def test_what_is_no_request_for_vectors_is_none() -> None:
    """Whatever stands at such a URL."""
    assert embedding(exchange(OPENAI, [1], ANSWER)) is None
    assert embedding(exchange("https://api.openai.com/v1/chat/completions", {"model": "m"}, {})) is None
    assert embedding(exchange(OPENAI, {"model": "m", "input": [[1, 2]]}, ANSWER)) is None


def test_a_tape_of_both_is_verified_whole(seed: Path) -> None:
    """An exchange of vectors in the midst of a conversation is not taken for its answer."""
    items = list(Tape.load(seed).interactions)
    tape = Tape([*items[:3], exchange(OPENAI, {"model": "m", "input": ["a", "b"]}, ANSWER), *items[3:]])
    verdict = asyncio.run(verify(tape))
    assert (verdict.ok, verdict.requests, verdict.equal) == (True, 13, 13)


def test_a_request_that_is_written_otherwise_is_a_difference() -> None:
    """It is said where."""
    one = exchange(OPENAI, {"model": "m", "input": ["a"], "dimensions": 5}, ANSWER)
    again = exchange(OPENAI + "/", {"model": "m", "input": ["a"]}, ANSWER)
    assert asyncio.run(verify(Tape([one]))).ok
    assert not asyncio.run(verify(Tape([again]))).ok
