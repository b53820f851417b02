"""Answers of the chat wire: every response of the vocabulary there and back, and what servers make of the shape."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from playhead.dialects import openai_chat
from playhead.dialects.base import Endpoint
from playhead.errors import CutStreamError, ModelError, OverloadedError, ProtocolError, RateLimitError
from playhead.fold import fold, unfold
from playhead.messages import File, Opaque, Reasoning, Refusal, Source, Text, ToolCall
from playhead.response import FinishReason, Response, Usage

ANYONE = Endpoint("anyone", "https://example.test/v1", openai_chat.Profile())


def decoded(message: dict[str, Any], **rest: Any) -> Response:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}
    return openai_chat.decode_response(json.dumps({"choices": [choice], **rest}).encode(), ANYONE)[0]


def usage(text: str) -> Usage | None:
    body = b'{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":%b}' % text.encode()
    return openai_chat.decode_response(body, ANYONE)[0].usage


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
counts = st.none() | st.integers(0, 10**9)
opaques = st.none() | st.builds(
    Opaque, st.just("openai_chat"), st.just([{"type": "reasoning.encrypted", "data": "x", "index": 0}])
)
usages = st.builds(
    lambda prompt, output, cached, written, share, cost: Usage(
        prompt, output, cached, written, None if share is None or output is None else int(output * share), cost
    ),
    counts,
    counts,
    counts,
    counts,
    st.none() | st.floats(0, 1),
    st.none() | st.decimals(0, 1000, places=9),
).filter(lambda usage: not (usage.reasoning_tokens and usage.input_tokens is None))
responses = st.builds(
    Response,
    parts=st.tuples(
        st.lists(st.builds(Reasoning, texts, opaques), max_size=1),
        st.lists(st.builds(Text, texts), max_size=1),
        st.lists(st.builds(Refusal, texts), max_size=1),
        st.lists(st.builds(File, st.just("image/png"), data=st.binary(max_size=4)), max_size=1),
        st.lists(
            st.builds(
                ToolCall,
                texts,
                texts,
                st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
                opaque=st.none()
                | st.just(Opaque("openai_chat", {"extra_content": {"google": {"thought_signature": "s"}}})),
            ),
            max_size=3,
            unique_by=lambda call: call.id,
        ),
        st.lists(
            st.builds(
                Source,
                texts,
                st.none() | texts,
                counts,
                counts,
                st.none() | st.just(Opaque("openai_chat", {"content": "c"})),
            ),
            max_size=2,
        ),
    ).map(lambda groups: tuple(part for group in groups for part in group)),
    finish=st.builds(
        FinishReason,
        st.sampled_from(["stop", "length", "tool_calls", "content_filter", "other"]),
        st.sampled_from([None, "stop", "end_turn", "other", "tool_use"]),
    ),
    usage=st.none() | usages,
    id=st.none() | texts,
    model=st.none() | texts,
    provider=st.none() | texts,
    created=counts,
)


@settings(max_examples=200, deadline=None)
@given(responses)
def test_every_response_is_encoded_whole_and_decoded_the_same(response: Response) -> None:
    assert openai_chat.decode_response(openai_chat.encode_response(response), ANYONE)[0] == response


@settings(max_examples=200, deadline=None)
@given(responses.filter(lambda response: response.parts or response.usage), st.integers(1, 50))
def test_every_response_is_encoded_as_a_stream_and_decoded_the_same(response: Response, size: int) -> None:
    encoder, decoder = openai_chat.encoder(), openai_chat.decoder(ANYONE)
    data = b"".join(map(encoder.feed, unfold(response)))
    events = [event for start in range(0, len(data), size) for event in decoder.feed(data[start : start + size])]
    assert fold(events + decoder.close()) == response


def test_white_space_around_the_body_is_padding() -> None:
    body = b"\n         \n" * 19 + b'{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}\n'
    assert openai_chat.decode_response(body, ANYONE)[0].text == "hi"


def test_the_finish_reason_keeps_the_upstreams_own_word() -> None:
    body = b'{"choices":[{"message":{"content":"x"},"finish_reason":"tool_calls","native_finish_reason":"tool_use"}]}'
    assert openai_chat.decode_response(body, ANYONE)[0].finish == FinishReason("tool_calls", "tool_use")
    assert decoded({"content": "x"}).finish == FinishReason("stop", "stop")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('{"cost": 0.00025495}', Usage(cost=Decimal("0.00025495"))),
        ('{"cost": 2.5495e-4}', Usage(cost=Decimal("0.00025495"))),
        ('{"cost": "0.1"}', Usage(cost=Decimal("0.1"))),
        ('{"cost": 0.123456789012345678901}', Usage(cost=Decimal("0.123456789012345678901"))),
        ('{"cost_in_usd_ticks": 37756000}', Usage(cost=Decimal("0.0037756"))),
        (
            '{"cost": 0.01, "is_byok": true, "cost_details": {"upstream_inference_cost": 0.2}}',
            Usage(cost=Decimal("0.21")),
        ),
        (
            '{"cost": 0.01, "is_byok": false, "cost_details": {"upstream_inference_cost": 0.2}, "market_cost": 5}',
            Usage(cost=Decimal("0.01")),
        ),
        ('{"prompt_tokens": 5, "prompt_cache_hit_tokens": 3}', Usage(5, None, 3)),
        ('{"prompt_tokens": 5, "cache_creation_input_tokens": 2}', Usage(5, None, None, 2)),
        (
            '{"prompt_tokens":165,"completion_tokens":2,"total_tokens":292,"completion_tokens_details":{"reasoning_tokens":125}}',
            Usage(165, 127, reasoning_tokens=125),
        ),
        (
            '{"prompt_tokens":165,"completion_tokens":127,"total_tokens":292,"completion_tokens_details":{"reasoning_tokens":125}}',
            Usage(165, 127, reasoning_tokens=125),
        ),
        ("null", None),
    ],
)
def test_usage_is_what_the_user_paid_for(said: str, expected: Usage | None) -> None:
    assert usage(said) == expected


def test_content_may_be_a_list_of_parts() -> None:
    content = [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "no"}, {"type": "text", "text": "b"}]
    assert decoded({"content": content}).parts == (Text("ab"), Refusal("no"))


def test_images_and_sources_are_parts() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,eA=="}}
    citation = {
        "type": "url_citation",
        "url_citation": {"url": "https://x.test", "title": "X", "start_index": 0, "end_index": 2},
    }
    assert decoded({"content": "ok", "images": [image], "annotations": [citation]}).parts == (
        Text("ok"),
        File("image/png", data=b"x"),
        Source("https://x.test", "X", 0, 2),
    )


def test_reasoning_is_read_from_whichever_field_holds_it() -> None:
    details = [{"type": "reasoning.text", "text": "hm", "index": 0}]
    assert decoded({"reasoning_content": "hm"}).parts == (Reasoning("hm"),)
    assert decoded({"reasoning": "hm"}).parts == (Reasoning("hm"),)
    assert decoded({"reasoning_details": details}).parts == (Reasoning("hm", Opaque("openai_chat", details)),)
    encrypted = [{"type": "reasoning.encrypted", "data": "x"}]
    assert decoded({"reasoning_details": encrypted}).parts == (Reasoning("", Opaque("openai_chat", encrypted)),)


def test_a_call_without_an_id_gets_one_of_its_own() -> None:
    calls = [
        {"function": {"name": "a", "arguments": "{}"}},
        {"id": "", "function": {"name": "b", "arguments": {"x": 1}}},
    ]
    assert decoded({"tool_calls": calls}, id="r1").tool_calls == (
        ToolCall("call_0_r1", "a", "{}"),
        ToolCall("call_1_r1", "b", '{"x":1}'),
    )


def test_other_choices_and_unknown_fields_are_reported() -> None:
    body = (
        b'{"choices":[{"index":0,"message":{"content":"a","mood":"good","nothing":null}},'
        b'{"index":1,"message":{"content":"b"}}],"extra":{"x":1},"empty":[]}'
    )
    response, unmodelled = openai_chat.decode_response(body, ANYONE, report=True)
    assert response.text == "a"
    assert unmodelled == {"choices[1]", "choices[].message.mood", "extra"}


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        (b"<html><title>502</title></html>", ProtocolError, "expected as JSON.*it begins '<html>"),
        (b"oops", ProtocolError, "it begins 'oops'"),
        (b"[]", ProtocolError, "Expected `object`, got `array`"),
        (b"{}", ProtocolError, r"choices\[0\]\.message expected in the answer"),
        (b'{"choices":[]}', ProtocolError, r"choices\[0\]\.message expected"),
        (b'{"choices":[{"message":{"content":5}}]}', ProtocolError, r"at `\$\.choices\[0\]\.message\.content"),
        (b"\xff\xfe", ProtocolError, "expected as JSON"),
        (b"", CutStreamError, "ended after 0 bytes"),
        (b"\n\n   \n", CutStreamError, "before its end"),
        (b'{"choices":[{"mess', CutStreamError, "before its end"),
        (b'{"error":{"message":"slow down","code":429}}', RateLimitError, "slow down"),
        (b'\n\n{"error":{"message":"no room","code":503},"choices":[]}', OverloadedError, "no room"),
        (
            b'{"choices":[{"message":{"content":"half"},"finish_reason":"error"}]}',
            ModelError,
            "failed while it answered",
        ),
        (b'{"choices":[{"message":{"content":"half"},"error":{"code":502,"message":"died"}}]}', ModelError, "died"),
    ],
)
def test_an_answer_that_is_none_raises_what_it_is(body: bytes, kind: type[ModelError], says: str) -> None:
    with pytest.raises(kind, match=says) as caught:
        openai_chat.decode_response(body, ANYONE)
    assert caught.value.provider == "anyone"
    assert type(caught.value) is kind or kind is ModelError


@pytest.mark.parametrize(
    ("said", "read", "reported"),
    [
        ('{"prompt_tokens":10.0,"completion_tokens":"5"}', Usage(10, 5), set()),
        ('{"prompt_tokens":-1,"completion_tokens":5}', Usage(None, 5), {"usage.prompt_tokens"}),
        ('{"prompt_tokens":1.5,"completion_tokens":1e30}', Usage(), {"usage.prompt_tokens", "usage.completion_tokens"}),
        ('{"prompt_tokens":true,"total_tokens":[]}', Usage(), {"usage.prompt_tokens", "usage.total_tokens"}),
        ('{"prompt_tokens":3,"cost":"0.25"}', Usage(3, cost=Decimal("0.25")), set()),
        ('{"prompt_tokens":3,"cost":"free"}', Usage(3), {"usage.cost"}),
        ('{"prompt_tokens":3,"cost":NaN}', Usage(3), {"usage.cost"}),
        ('{"prompt_tokens":3,"cost":"NaN"}', Usage(3), {"usage.cost"}),
        ('{"prompt_tokens":3,"cost":-0.1}', Usage(3), {"usage.cost"}),
        (
            '{"prompt_tokens":3.0,"cost":0.12345678901234567890123}',
            Usage(3, cost=Decimal("0.12345678901234567890123")),
            set(),
        ),
        (
            '{"prompt_tokens":3,"completion_tokens_details":[],"prompt_tokens_details":{"cached_tokens":"many"}}',
            Usage(3),
            {"usage.completion_tokens_details", "usage.prompt_tokens_details.cached_tokens"},
        ),
        ('"none"', None, {"usage"}),
    ],
)
def test_a_badly_typed_usage_does_not_throw_the_answer_away(said: str, read: Usage | None, reported: set[str]) -> None:
    """What is no count is not reported, with the report saying where; what can mean one thing only is read."""
    body = b'{"choices":[{"message":{"content":"paid for"},"finish_reason":"stop"}],"usage":%b}' % said.encode()
    whole, paths = openai_chat.decode_response(body, ANYONE, True)
    assert (whole.text, whole.usage, set(paths)) == ("paid for", read, reported)
    decoder = openai_chat.decoder(ANYONE)
    stream = b'data: {"choices":[{"delta":{"content":"paid for"},"finish_reason":"stop"}]}\n\n'
    stream += b'data: {"choices":[],"usage":%b}\n\ndata: [DONE]\n\n' % said.encode()
    streamed = fold(decoder.feed(stream) + decoder.close())
    assert (streamed.text, streamed.usage, decoder.unmodelled) == ("paid for", read, reported)


def test_a_badly_typed_head_does_not_throw_the_answer_away() -> None:
    answer = decoded({"content": "x"}, id=7, model=["m"], created={}, provider=False)
    assert (answer.text, answer.id, answer.model, answer.created, answer.provider) == ("x", "7", None, None, None)


def test_what_the_model_said_must_still_be_of_the_wires_shape() -> None:
    """Leniency ends where it would change what was said, whatever the usage is."""
    with pytest.raises(ProtocolError):
        decoded({"content": 5}, usage={"prompt_tokens": "10"})


def test_half_a_character_in_an_answer_becomes_a_replacement_character() -> None:
    body = (
        rb'{"id":"g","choices":[{"finish_reason":"stop","message":{"content":"a\ud83d b\ude00 \ud83d\ude00 \\ud83d"}}]}'
    )
    answer, _ = openai_chat.decode_response(body, ANYONE, True)
    assert answer.text == "a\ufffd b\ufffd \U0001f600 \\ud83d"
    assert openai_chat.decode_response(openai_chat.encode_response(answer), ANYONE)[0] == answer


def test_a_torn_answer_is_still_a_torn_one() -> None:
    """The second reading does not mend what is not whole."""
    with pytest.raises(CutStreamError):
        openai_chat.decode_response(rb'{"id":"g","choices":[{"message":{"content":"a\ud83d', ANYONE)


def test_two_calls_of_one_id_get_an_id_each_the_same_every_time() -> None:
    calls = [{"id": id, "function": {"name": "f", "arguments": "{}"}} for id in ("c", "c", "c_2", "c", "", "")]
    answer = decoded({"tool_calls": calls}, id="r")
    assert [call.id for call in answer.tool_calls] == ["c", "c_2", "c_2_2", "c_3", "call_4_r", "call_5_r"]


def test_a_call_without_an_id_is_written_with_the_one_that_its_reader_makes() -> None:
    """Whole or streamed, a reader of ours has the same id, and writing what it read changes nothing more."""
    said = Response(
        (ToolCall("", "f", "{}"), ToolCall("", "g", "{}")), FinishReason("tool_calls", "tool_calls"), id="r"
    )
    body, encoder = openai_chat.encode_response(said), openai_chat.encoder()
    stream = b"".join(encoder.feed(event) for event in unfold(said))
    assert all(b'"id":"call_0_r"' in data and b'"id":"call_1_r"' in data for data in (body, stream))
    whole = openai_chat.decode_response(body, ANYONE)[0]
    decoder = openai_chat.decoder(ANYONE)
    streamed = fold(decoder.feed(stream) + decoder.close())
    assert [call.id for call in whole.tool_calls] == ["call_0_r", "call_1_r"]
    assert streamed == whole
    assert openai_chat.decode_response(openai_chat.encode_response(whole), ANYONE)[0] == whole


@pytest.mark.parametrize("index", [-1, 10**18, 10**400, 0.0, "0", None])
def test_the_index_of_a_call_is_only_a_name(index: Any) -> None:
    """Below 0, enormous or of another type: nothing is counted up to it."""
    calls = [{"index": index, "id": "c", "function": {"name": "f\u00e9 \"'\n", "arguments": "{}"}}]
    wanted = (ToolCall("c", "f\u00e9 \"'\n", "{}"),)
    assert decoded({"tool_calls": calls}).parts == wanted
    body = json.dumps({"choices": [{"delta": {"tool_calls": calls}, "finish_reason": "tool_calls"}]}).encode()
    decoder = openai_chat.decoder(ANYONE)
    assert fold(decoder.feed(b"data: %b\n\ndata: [DONE]\n\n" % body) + decoder.close()).parts == wanted


def test_an_answer_of_which_all_was_filtered_is_an_answer() -> None:
    """Azure leaves the message out then; tokens were paid for all the same. Of any other choice it is missed."""
    choice = {"index": 0, "finish_reason": "content_filter", "content_filter_results": {"hate": {"filtered": True}}}
    body = {"choices": [choice], "usage": {"prompt_tokens": 15, "completion_tokens": 19, "total_tokens": 34}}
    found = openai_chat.decode_response(json.dumps(body).encode(), ANYONE)[0]
    assert (found.parts, found.finish.unified) == ((), "content_filter")
    assert found.usage == Usage(15, 19)
    with pytest.raises(ProtocolError, match="message expected"):
        openai_chat.decode_response(json.dumps({"choices": [choice | {"finish_reason": "stop"}]}).encode(), ANYONE)
