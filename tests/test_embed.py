"""embed: over real connections, onto tapes and off them, in several requests, and what a failed one leaves."""

from __future__ import annotations

import asyncio
import math
import pickle
import threading
from array import array
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import playhead
from playhead import ConfigError, Embeddings, RetryPolicy, Usage, embed, embed_sync
from playhead.errors import AuthenticationError, CutStreamError, ModelError, ProtocolError, RateLimitError
from scripted_server import Answer, Asked, Loopback, reply

ONCE = RetryPolicy(attempts=1)
SOON = RetryPolicy(attempts=3, base=0.0)


def vector_of(text: str) -> list[float]:
    return [float(len(text)), float(ord(text[0])), 0.5]


def answer(asked: Asked, **more: Any) -> Answer:
    texts = asked.json["input"]
    data = [{"object": "embedding", "index": n, "embedding": vector_of(text)} for n, text in enumerate(texts)]
    usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
    return reply({"object": "list", "model": "m-1", "data": data, "usage": usage, **more})


def ask(server: Loopback, texts: Any, **settings: Any) -> Embeddings:
    return embed_sync("compatible:m", texts, **{"base_url": server.url, "api_key": "a-key-of-mine", **settings})


def test_texts_become_vectors_with_usage_and_the_model_that_answered() -> None:
    with Loopback(lambda n, asked: answer(asked)) as server:
        found = ask(server, ["a", "bcd"], dimensions=3)
    assert found == Embeddings((array("f", [1, 97, 0.5]), array("f", [3, 98, 0.5])), "m-1", Usage(input_tokens=2))
    sent = server.requests[0]
    assert (sent.method, sent.path) == ("POST", "/v1/embeddings")
    assert sent.json == {"model": "m", "input": ["a", "bcd"], "dimensions": 3}
    assert sent.headers["authorization"] == "Bearer a-key-of-mine"


def test_the_function_stays_the_function_after_its_module_is_imported() -> None:
    import playhead.embedding

    assert playhead.embed is playhead.embedding.embed


def test_openrouter_reports_what_it_cost() -> None:
    usage = {"prompt_tokens": 2, "total_tokens": 2, "cost": 0.0000001}
    with Loopback(lambda n, asked: answer(asked, usage=usage)) as server:
        found = embed_sync("openrouter:m", ["a", "b"], task="query", base_url=server.url, api_key="k" * 12)
    assert found.usage == Usage(input_tokens=2, cost=Decimal("1E-7"))
    assert server.requests[0].json["input_type"] == "search_query"


def test_more_texts_than_fit_go_in_several_requests_and_stand_in_order() -> None:
    texts = [chr(97 + n) * (n + 1) for n in range(10)]
    with Loopback(lambda n, asked: answer(asked)) as server:
        found = ask(server, texts, batch=3, concurrency=4)
    assert [list(vector) for vector in found.vectors] == [vector_of(text) for text in texts]
    assert sorted(len(asked.json["input"]) for asked in server.requests) == [1, 3, 3, 3]
    assert found.usage == Usage(input_tokens=10)


def test_a_request_holds_no_more_bytes_than_the_provider_takes_tokens() -> None:
    texts = ["x" * 150_000, "y" * 140_000, "z" * 400_000, "w"]
    with Loopback(lambda n, asked: answer(asked)) as server:
        found = ask(server, texts, concurrency=1)
    assert [[text[0] for text in asked.json["input"]] for asked in server.requests] == [["x", "y"], ["z"], ["w"]]
    assert len(found.vectors) == 4


def test_no_more_requests_are_under_way_than_asked_for() -> None:
    with Loopback(lambda n, asked: answer(asked)) as server:
        ask(server, list("abcdefgh"), batch=1, concurrency=2)
        assert server.connections <= 2


def test_a_refusal_is_tried_again() -> None:
    with Loopback(lambda n, asked: reply({"error": {"message": "slow"}}, 429) if n < 2 else answer(asked)) as server:
        assert len(ask(server, ["a"], retry=SOON).vectors) == 1
    assert len(server.requests) == 3


def test_what_came_before_a_failure_is_on_the_error_and_on_the_tape(tmp_path: Path) -> None:
    tape = tmp_path / "torn.yaml"
    broken = [True]

    def script(n: int, asked: Asked) -> Answer:
        return reply({"error": {"message": "no"}}, 429) if broken[0] and "c" in asked.json["input"] else answer(asked)

    with Loopback(script) as server:
        with pytest.raises(RateLimitError) as caught:
            ask(server, list("abcde"), batch=1, concurrency=1, retry=ONCE, tape=tape, tape_mode="record")
        partial = pickle.loads(pickle.dumps(caught.value)).partial  # noqa: S301
        assert [list(vector) for vector in partial.vectors] == [vector_of("a"), vector_of("b"), [], [], []]
        assert (partial.missing, partial.usage) == ((2, 3, 4), Usage(input_tokens=2))
        assert len(server.requests) == 3
        broken[0] = False
        found = ask(server, list("abcde"), batch=1, concurrency=1, tape=tape, tape_mode="resume")
        assert [asked.json["input"] for asked in server.requests[3:]] == [["c"], ["d"], ["e"]]
    assert found.missing == ()
    assert len(found.vectors) == 5


def test_requests_under_way_are_waited_for_when_another_fails() -> None:
    def script(n: int, asked: Asked) -> Answer:
        if asked.json["input"] == ["a"]:
            return reply({"error": {"message": "no"}}, 400)
        slow = answer(asked)
        slow.delay = 0.2
        return slow

    with Loopback(script) as server, pytest.raises(ModelError) as caught:
        ask(server, list("abcd"), batch=1, concurrency=2)
    assert caught.value.partial.missing == (0, 2, 3)


def test_a_recording_is_played_without_server_or_key_and_holds_no_key(tmp_path: Path) -> None:
    tape = tmp_path / "vectors.yaml"
    texts = list("abcdefg")
    with Loopback(lambda n, asked: answer(asked)) as server:
        first = ask(server, texts, batch=2, tape=tape, tape_mode="record")
        url = server.url
    assert "a-key-of-mine" not in tape.read_text()
    again = embed_sync("compatible:m", texts, batch=2, base_url=url, tape=tape, tape_mode="replay")
    assert again == first
    with pytest.raises(playhead.TapeMissError):
        embed_sync("compatible:m", ["other"], base_url=url, tape=tape, tape_mode="replay")


def test_a_key_that_a_refusal_repeats_is_in_no_error() -> None:
    with (
        Loopback(lambda n, asked: reply({"error": {"message": "bad a-key-of-mine"}}, 401)) as server,
        pytest.raises(AuthenticationError) as caught,
    ):
        ask(server, ["a"])
    assert "a-key-of-mine" not in str(caught.value) + repr(caught.value.body)


def broken(data: Any, status: int = 200) -> Answer:
    return reply({"object": "list", "model": "m", "data": data}, status)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([{"index": 0, "embedding": [1.0]}], "2 vectors expected"),
        ([{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [2.0]}], "indexes 0 to 1 expected"),
        ([{"index": 1, "embedding": [1.0]}, {"index": 2, "embedding": [2.0]}], "indexes 0 to 1 expected"),
        ([{"index": 0, "embedding": [1.0]}, {"embedding": [2.0]}], "indexes 0 to 1 expected"),
        ([{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [2.0, 3.0]}], "vectors of one length"),
        ([{"index": 0, "embedding": []}, {"index": 1, "embedding": []}], "an empty one came"),
        ([{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [math.nan]}], "embeddings expected as JSON"),
        ([{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1e300]}], "finite numbers expected"),
        ([{"index": 0, "embedding": "AADAfw=="}, {"index": 1, "embedding": "AACAPw=="}], "finite numbers expected"),
        ([{"index": 0, "embedding": "!!!!"}, {"index": 1, "embedding": [1.0]}], "32-bit floats in base64"),
        ([{"index": 0, "embedding": "AAA="}, {"index": 1, "embedding": [1.0]}], "2 bytes are no 32-bit floats"),
        ([{"index": 0, "embedding": [None]}, {"index": 1, "embedding": [1.0]}], "embeddings expected as JSON"),
        (None, "there is none"),
    ],
)
def test_an_answer_that_would_go_wrong_unseen_into_an_index_is_refused(data: Any, words: str) -> None:
    with Loopback(lambda n, asked: broken(data)) as server, pytest.raises(ProtocolError, match=words):
        ask(server, ["a", "b"])


def test_vectors_in_another_order_are_put_in_the_order_of_the_texts() -> None:
    data = [{"index": 1, "embedding": "AACAPw=="}, {"index": 0, "embedding": [2.0]}]
    with Loopback(lambda n, asked: broken(data)) as server:
        assert ask(server, ["a", "b"]).vectors == (array("f", [2.0]), array("f", [1.0]))


def test_an_error_inside_a_200_and_an_answer_that_ends_early_are_errors() -> None:
    answers = [reply({"error": {"message": "No such model", "code": 404}}), Answer(200, [b'{"data": [{"ind'])]
    with Loopback(lambda n, asked: answers[n]) as server:
        with pytest.raises(playhead.NotFoundError, match="No such model"):
            ask(server, ["a"], retry=ONCE)
        with pytest.raises(CutStreamError):
            ask(server, ["a"], retry=ONCE)


def test_vectors_of_another_length_than_asked_are_told_of_once() -> None:
    with Loopback(lambda n, asked: answer(asked)) as server:
        found = ask(server, ["a", "b"], dimensions=2, task="query", batch=1)
    assert found.warnings == (
        'task: compatible knows no task "query"; it is not said',
        "dimensions: 2 were asked for, 3 came",
    )


@pytest.mark.parametrize(
    ("texts", "settings", "words"),
    [
        ([], {}, "there is no text"),
        (["a", " "], {}, r"texts\[1\] is empty"),
        ("a", {}, r"write \[text\]"),
        (["a", 1], {}, r"texts\[1\] is no text but of type int"),
        (["a"], {"dimensions": 0}, "at least 1"),
        (["a"], {"batch": True}, "at least 1"),
        (["a"], {"task": "querry"}, "did you mean 'query'"),
        (["a"], {"dimension": 3}, "did you mean 'dimensions'"),
        (["a"], {"options": {"usr": "me"}}, "did you mean 'user'"),
        (["a"], {"options": {"user": 1}}, "options.user: expected"),
        (["a"], {"options": {"extra": {"input": ["b"]}}}, "cannot be said a second time"),
        (["a"], {"tape_mode": "replay"}, "needs a tape"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_is_sent(texts: Any, settings: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        embed_sync("compatible:m", texts, base_url="http://127.0.0.1:9/v1", **settings)


def test_a_provider_without_embeddings_says_so() -> None:
    with pytest.raises(ConfigError, match='"anthropic" makes no embeddings; write for example "openai:'):
        embed_sync("anthropic:claude-opus-5", ["a"])


def test_inside_a_running_loop_embed_sync_says_what_to_write() -> None:
    async def inside() -> None:
        with pytest.raises(ConfigError, match=r"embed_sync would block .* use: await playhead\.embed\(…\)"):
            embed_sync("compatible:m", ["a"], base_url="http://127.0.0.1:9/v1")

    asyncio.run(inside())


def test_a_cancelled_call_leaves_no_task_behind() -> None:
    all_asked = threading.Event()

    def script(n: int, asked: Asked) -> Answer:
        if n == 3:
            all_asked.set()
        slow = answer(asked)
        slow.delay = 30.0
        return slow

    with Loopback(script) as server:

        async def cancelled() -> set[Any]:
            call = asyncio.ensure_future(
                embed("compatible:m", list("abcd"), batch=1, base_url=server.url, api_key="none")
            )
            assert await asyncio.to_thread(all_asked.wait, 10)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            return asyncio.all_tasks() - {asyncio.current_task()}

        assert asyncio.run(cancelled()) == set()
