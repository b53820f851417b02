"""A whole answer of the Converse wire."""

from __future__ import annotations

import json
from typing import Any

import pytest

from playhead.dialects import bedrock_converse
from playhead.dialects.base import Endpoint
from playhead.errors import CutStreamError, ProtocolError, RateLimitError
from playhead.messages import File, Native, Opaque, Reasoning, Refusal, Source, Text, ToolCall
from playhead.response import FinishReason, Response, Usage

ANYONE = Endpoint("bedrock", "https://b.test", bedrock_converse.Profile())
STOP = FinishReason("stop", "end_turn")


def own(value: Any) -> Opaque:
    return Opaque("bedrock_converse", value)


def answer(*content: Any, stop: Any = "end_turn", **more: Any) -> bytes:
    said = {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": stop, **more}
    return json.dumps(said).encode()


def parts(*content: Any) -> tuple[Any, ...]:
    return bedrock_converse.decode_response(answer(*content), ANYONE)[0].parts


def test_an_answer_as_amazon_documents_it() -> None:
    body = answer(
        {"text": "Here it is."},
        usage={"inputTokens": 125, "outputTokens": 60, "totalTokens": 185},
        metrics={"latencyMs": 1175},
        trace={"guardrail": {"actionReason": "x"}},
    )
    response, unmodelled = bedrock_converse.decode_response(body, ANYONE, report=True)
    assert response == Response((Text("Here it is."),), STOP, Usage(125, 60))
    assert unmodelled == {"metrics", "trace"}
    assert bedrock_converse.decode_response(body, ANYONE)[1] == frozenset()


def test_input_tokens_include_what_was_read_from_a_cache_and_written_to_it() -> None:
    counts = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 815, "cacheReadInputTokens": 300}
    body = answer({"text": "a"}, usage={**counts, "cacheWriteInputTokens": 500})
    response = bedrock_converse.decode_response(body, ANYONE)[0]
    assert response.usage == Usage(810, 5, 300, 500)
    written = json.loads(bedrock_converse.encode_response(response))
    assert written["usage"] == {**counts, "cacheWriteInputTokens": 500}


def test_an_answer_without_counts_has_none() -> None:
    for usage in ({}, {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}, "none", None):
        assert bedrock_converse.decode_response(answer({"text": "a"}, usage=usage), ANYONE)[0].usage is None
    assert json.loads(bedrock_converse.encode_response(Response((), STOP)))["usage"]["totalTokens"] == 0


@pytest.mark.parametrize(
    ("word", "unified"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "tool_calls"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("malformed_model_output", "error"),
        ("malformed_tool_use", "error"),
        ("of_tomorrow", "other"),
        (None, "other"),
    ],
)
def test_stop_reasons_have_their_unified_words(word: str | None, unified: Any) -> None:
    response = bedrock_converse.decode_response(answer({"text": "a"}, stop=word), ANYONE)[0]
    assert response.finish == FinishReason(unified, word)
    again = json.loads(bedrock_converse.encode_response(response))["stopReason"]
    assert again == (word or "end_turn")


@pytest.mark.parametrize(
    ("finish", "word"),
    [
        (FinishReason("stop", "STOP"), "end_turn"),
        (FinishReason("tool_calls", "end_turn"), "tool_use"),
        (FinishReason("content_filter", "refusal"), "content_filtered"),
        (FinishReason("paused", "pause_turn"), "end_turn"),
        (FinishReason("error"), "malformed_model_output"),
    ],
)
def test_a_finish_of_another_wire_is_written_in_words_of_this_one(finish: FinishReason, word: str) -> None:
    assert json.loads(bedrock_converse.encode_response(Response((), finish)))["stopReason"] == word


def test_blocks_become_parts() -> None:
    web = {"title": "t", "location": {"web": {"url": "https://a.test", "domain": "a.test"}}}
    searched = {"source": "https://b.test", "title": "s", "location": {"searchResultLocation": {"start": 0}}}
    guarded = {"guardContent": {"text": {"text": "x"}}}
    assert parts(
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
        {"reasoningContent": {"reasoningText": {"text": "unsigned"}}},
        {"reasoningContent": {"redactedContent": "AAE="}},
        {"citationsContent": {"content": [{"text": "cited"}], "citations": [web, searched]}},
        {"image": {"format": "png", "source": {"bytes": "YWJj"}}},
        {"image": {"format": "png", "error": {"message": "no"}}},
        {"toolUse": {"toolUseId": "t", "name": "f", "input": {"b": 1, "a": [1.50]}}},
        guarded,
        {"text": "x", "beside": 1},
    ) == (
        Reasoning("hm", own({"signature": "s"})),
        Reasoning("unsigned", own({})),
        Reasoning("", own({"redactedContent": "AAE="})),
        Text("cited"),
        Source("https://a.test", "t", opaque=own(web)),
        Source("https://b.test", "s", opaque=own(searched)),
        File("image/png", b"abc"),
        Native("image", own({"image": {"format": "png", "error": {"message": "no"}}})),
        ToolCall("t", "f", '{"b": 1, "a": [1.5]}'),
        Native("guardContent", own(guarded)),
        Text("x", opaque=own({"text": "x", "beside": 1})),
    )


def test_a_calls_input_keeps_the_text_it_came_in() -> None:
    body = answer({"toolUse": {"toolUseId": "t", "name": "f", "input": "@"}}).replace(b'"@"', b'{ "a" : 1.50 }')
    (call,) = bedrock_converse.decode_response(body, ANYONE)[0].tool_calls
    assert call.arguments == '{ "a" : 1.50 }'


def test_what_another_wire_said_is_written_as_this_one_says_it() -> None:
    foreign = Opaque("gemini", {"x": 1})
    said = Response(
        (
            Reasoning("hm", foreign),
            Refusal("no"),
            Text("a"),
            Source("https://a.test", "t", opaque=foreign),
            Native("executableCode", foreign),
        ),
        STOP,
    )
    content = json.loads(bedrock_converse.encode_response(said))["output"]["message"]["content"]
    assert content == [
        {"reasoningContent": {"reasoningText": {"text": "hm"}}},
        {"text": "no"},
        {
            "citationsContent": {
                "content": [{"text": "a"}],
                "citations": [{"title": "t", "location": {"web": {"url": "https://a.test"}}}],
            }
        },
    ]


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        (b"", CutStreamError, "ended after 0 bytes"),
        (answer({"text": "a"})[:-5], CutStreamError, "before its end"),
        (b"<html><title>Sorry</title>", ProtocolError, "an answer expected as JSON"),
        (b"[]", ProtocolError, "an answer expected as JSON"),
        (b"{}", ProtocolError, "output.message.content expected"),
        (answer("text"), ProtocolError, r"a block of content at output\.message\.content\[0\]"),
        (answer({}), ProtocolError, r"content\[0\]"),
        (answer({"text": 3}), ProtocolError, r"content\[0\]"),
        (answer({"toolUse": {"name": "f"}}), ProtocolError, r"content\[0\]"),
        (b'{"__type":"ThrottlingException","message":"slowly"}', RateLimitError, "slowly"),
    ],
)
def test_a_body_that_is_no_answer_is_said_to_be_none(body: bytes, kind: Any, says: str) -> None:
    with pytest.raises(kind, match=says) as raised:
        bedrock_converse.decode_response(body, ANYONE)
    assert type(raised.value) is kind
    assert raised.value.provider == "bedrock"
    assert raised.value.body == body
