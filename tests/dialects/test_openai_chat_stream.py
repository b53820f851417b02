"""Streams of the chat wire, as servers differ in writing them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from playhead.dialects import openai_chat
from playhead.dialects.base import Endpoint
from playhead.errors import CutStreamError, ModelError, OverloadedError, ProtocolError, RateLimitError, ServerError
from playhead.events import ModelEvent, PartDelta, PartEnd, PartStart, ResponseEnd, ResponseStart
from playhead.fold import fold
from playhead.messages import File, Opaque, Reasoning, Refusal, Source, Text, ToolCall
from playhead.response import FinishReason, Response, Usage

ANYONE = Endpoint("anyone", "https://example.test/v1", openai_chat.Profile())
DONE = b"data: [DONE]\n\n"


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **rest: Any) -> bytes:
    choice: dict[str, Any] = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return b"data: %b\n\n" % json.dumps({"id": "r", "choices": [choice], **rest}).encode()


def call(
    index: int | None = None, id: str | None = None, name: str | None = None, arguments: str | None = None
) -> bytes:
    function = {"name": name, "arguments": arguments}
    said = {"index": index, "id": id, "function": {key: value for key, value in function.items() if value is not None}}
    return chunk({"tool_calls": [{key: value for key, value in said.items() if value is not None}]})


def events(data: bytes) -> list[ModelEvent]:
    decoder = openai_chat.decoder(ANYONE)
    return decoder.feed(data) + decoder.close()


def feed_all(decoder: Any, data: bytes, size: int, found: list[ModelEvent]) -> None:
    for start in range(0, len(data), size):
        found += decoder.feed(data[start : start + size])
    found += decoder.close()


def response(data: bytes) -> Response:
    return fold(events(data))


def test_a_stream_is_start_parts_and_end() -> None:
    data = chunk({"role": "assistant", "content": ""}, model="m", provider="P", created=5)
    data += chunk({"content": "Hi"}) + chunk({"content": "!"}) + chunk({}, "stop", usage={"prompt_tokens": 1}) + DONE
    assert events(data) == [
        ResponseStart("r", "m", "P", 5),
        PartStart(0, Text("")),
        PartDelta(0, "Hi"),
        PartDelta(0, "!"),
        PartEnd(0),
        ResponseEnd(FinishReason("stop", "stop"), Usage(1)),
    ]


WAYS_TO_CALL = {
    "openai": call(0, "a", "add", "")
    + call(0, arguments='{"x"')
    + call(0, arguments=":1}")
    + call(1, "b", "mul", "{}"),
    "whole": call(0, "a", "add", '{"x":1}') + call(1, "b", "mul", "{}"),
    "id on every chunk": call(0, "a", "add", "") + call(0, "a", None, '{"x":1}') + call(1, "b", "mul", "{}"),
    "name on every chunk": call(0, "a", "add", "") + call(0, "a", "add", '{"x":1}') + call(1, "b", "mul", "{}"),
    "no index": call(None, "a", "add", '{"x":1}') + call(None, "b", "mul", "{}"),
    "no index, in pieces": call(None, "a", "add", '{"x"')
    + call(None, None, None, ":1}")
    + call(None, "b", "mul", "{}"),
    "one index for all": call(0, "a", "add", '{"x":1}') + call(0, "b", "mul", "{}"),
    "interleaved": call(0, "a", "add", "")
    + call(1, "b", "mul", "{")
    + call(0, arguments='{"x":1}')
    + call(1, arguments="}"),
    "name after its arguments": call(0, "a", None, '{"x":1}') + call(0, None, "add") + call(1, "b", "mul", "{}"),
    "in one chunk": chunk(
        {
            "tool_calls": [
                {"index": 0, "id": "a", "function": {"name": "add", "arguments": '{"x":1}'}},
                {"index": 1, "id": "b", "function": {"name": "mul", "arguments": "{}"}},
            ]
        }
    ),
}


@pytest.mark.parametrize("way", WAYS_TO_CALL)
def test_calls_are_put_together_however_the_server_cuts_them(way: str) -> None:
    answer = response(WAYS_TO_CALL[way] + chunk({}, "tool_calls") + DONE)
    assert answer.tool_calls == (ToolCall("a", "add", '{"x":1}'), ToolCall("b", "mul", "{}"))


def test_calls_without_ids_get_ids_of_their_own() -> None:
    answer = response(call(0, None, "a", "{}") + call(1, None, "b", "{}") + chunk({}, "tool_calls") + DONE)
    assert [part.id for part in answer.tool_calls] == ["call_0_r", "call_1_r"]
    answer = response(call(None, None, "a", "{}") + call(None, None, "b", "{}") + chunk({}, "tool_calls") + DONE)
    assert [part.name for part in answer.tool_calls] == ["a", "b"]


def test_text_around_a_call_is_one_part() -> None:
    answer = response(
        chunk({"content": " "}) + call(0, "a", "t", "{}") + chunk({"content": "x"}) + chunk({}, "stop") + DONE
    )
    assert answer.parts == (Text(" x"), ToolCall("a", "t", "{}"))


def test_details_of_reasoning_are_joined_as_they_go_back() -> None:
    def piece(**fields: Any) -> bytes:
        detail = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0, **fields}
        return chunk({"reasoning": fields.get("text"), "reasoning_details": [detail]})

    encrypted = {"type": "reasoning.encrypted", "data": "zz", "format": "anthropic-claude-v1", "index": 1}
    data = piece(text="I ") + piece(text="think") + piece(signature="sig") + piece(text="next", index=2)
    data += chunk({"content": "ok"}) + chunk({"reasoning_details": [encrypted]}) + chunk({}, "stop") + DONE
    base = {"type": "reasoning.text", "format": "anthropic-claude-v1"}
    details = [
        {**base, "index": 0, "text": "I think", "signature": "sig"},
        {**base, "index": 2, "text": "next"},
        encrypted,
    ]
    assert response(data).parts == (Reasoning("I thinknext", Opaque("openai_chat", details)), Text("ok"))


def test_a_signed_entry_takes_no_more_text() -> None:
    def piece(**fields: Any) -> bytes:
        return chunk({"reasoning_details": [{"type": "reasoning.text", "index": 0, **fields}]})

    part = response(piece(text="a", signature="s") + piece(text="b", signature="t") + chunk({}, "stop")).parts[0]
    assert isinstance(part, Reasoning)
    assert part.text == "ab"
    assert part.opaque is not None
    assert [detail["signature"] for detail in part.opaque.value] == ["s", "t"]


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_without_details_is_text(field: str) -> None:
    answer = response(
        chunk({field: "a"}) + chunk({field: "b", "content": None}) + chunk({"content": "x"}, "stop") + DONE
    )
    assert answer.parts == (Reasoning("ab"), Text("x"))


def test_refusals_images_sources_and_spoken_words_are_parts() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,eA=="}}
    source = {"type": "url_citation", "url_citation": {"url": "https://x.test"}}
    data = chunk({"refusal": "I "}) + chunk({"refusal": "won't"}) + chunk({"images": [image]})
    data += chunk({"annotations": [source]}) + chunk({"audio": {"transcript": "hey"}}) + chunk({}, "stop") + DONE
    assert response(data).parts == (
        Refusal("I won't"),
        File("image/png", data=b"x"),
        Source("https://x.test"),
        Text("hey"),
    )


USAGE = {"prompt_tokens": 3, "completion_tokens": 4}
END = FinishReason("stop", "stop")


@pytest.mark.parametrize(
    ("tail", "end"),
    [
        (chunk({}, "stop", usage=USAGE) + DONE, ResponseEnd(END, Usage(3, 4))),
        (chunk({}, "stop") + chunk({}, "stop", usage=USAGE) + DONE, ResponseEnd(END, Usage(3, 4))),
        (
            chunk({}, "stop") + b'data: {"id":"r","choices":[],"usage":{"prompt_tokens":3}}\n\n' + DONE,
            ResponseEnd(END, Usage(3)),
        ),
        (chunk({}, "stop", x_groq={"usage": USAGE}) + DONE, ResponseEnd(END, Usage(3, 4))),
        (chunk({}, "stop", usage=USAGE), ResponseEnd(END, Usage(3, 4))),
        (chunk({}, "stop"), ResponseEnd(END)),
        (chunk({}, "stop").rstrip(), ResponseEnd(END)),
        (chunk({}, "stop") + b'data: {"id":"r","cho', ResponseEnd(END)),
        (chunk({}, "stop") + b"data: [DONE]", ResponseEnd(END)),
        (chunk({}, "stop") + DONE + chunk({"content": "after"}), ResponseEnd(END)),
        (DONE, ResponseEnd(FinishReason("other"))),
    ],
)
def test_a_stream_is_whole_when_it_says_so(tail: bytes, end: ResponseEnd) -> None:
    found = events(chunk({"content": "hi"}) + tail)
    assert found[-1] == end
    assert fold(found).text == "hi"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b": OPENROUTER PROCESSING\n\n",
        DONE,
        chunk({"content": "hi"}),
        chunk({"content": "hi"})[:-5],
        call(0, "a", "add", '{"x"'),
        b'{"id":"r","choices":[{"mess',
    ],
)
def test_a_stream_that_ends_before_its_end_is_cut(data: bytes) -> None:
    with pytest.raises(CutStreamError) as caught:
        events(data)
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (
            b'data: {"id":"r","error":{"code":429,"message":"no"},"choices":[{"delta":{},"finish_reason":null}]}\n\n',
            RateLimitError,
        ),
        (
            b'data: {"id":"r","error":{"code":"server_error","message":"n"},"choices":[{"finish_reason":"error"}]}\n\n',
            ServerError,
        ),
        (chunk({}, "error"), ServerError),
        (b'event: error\ndata: {"message":"no","code":503}\n\n', OverloadedError),
        (b"event: error\ndata: no\n\n", ServerError),
        (b"data: <html>\n\n", ProtocolError),
        (b'data: {"choices":[{"delta":{"content":5}}]}\n\n', ProtocolError),
        (b'data: {"choices":[\n\n', ProtocolError),
    ],
)
def test_an_error_on_the_way_is_raised_after_the_events_before_it(data: bytes, kind: type[ModelError]) -> None:
    """Whole or byte by byte: the same events are handed on, then the same error is raised."""
    stream = chunk({"content": "hi"}) + data + DONE
    for size in (len(stream), 1, 10):
        decoder = openai_chat.decoder(ANYONE)
        found: list[ModelEvent] = []
        with pytest.raises(kind) as caught:
            feed_all(decoder, stream, size, found)
        assert found == [ResponseStart("r"), PartStart(0, Text("")), PartDelta(0, "hi")]
        assert type(caught.value) is kind
        assert caught.value.retryable is (kind is not ProtocolError)


def test_only_the_first_choice_is_taken() -> None:
    decoder = openai_chat.decoder(ANYONE)
    other = b'data: {"choices":[{"index":1,"delta":{"content":"other"},"finish_reason":"stop"}]}\n\n'
    found = decoder.feed(chunk({"content": "mine"}) + other + chunk({}, "stop") + DONE) + decoder.close()
    assert fold(found).text == "mine"
    assert decoder.unmodelled == {"choices[1]"}


def test_chunks_before_the_answer_begin_nothing() -> None:
    azure = b'data: {"choices":[],"id":"","model":"","prompt_filter_results":[{"x":1}]}\n\n'
    decoder = openai_chat.decoder(ANYONE)
    found = decoder.feed(azure + chunk({"content": "x"}, "stop", model="m") + DONE)
    assert found[0] == ResponseStart("r", "m")
    assert decoder.unmodelled == {"prompt_filter_results"}


def test_a_server_that_does_not_stream_is_understood() -> None:
    body = b'\n\n{"id":"r","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"odd":1}'
    decoder = openai_chat.decoder(ANYONE)
    assert decoder.feed(body[:1]) + decoder.feed(body[1:9]) + decoder.feed(body[9:]) == []
    assert fold(decoder.close()).text == "hi"
    assert decoder.unmodelled == {"odd"}
    assert decoder.close() == []


def test_a_page_instead_of_a_stream_is_a_protocol_error() -> None:
    decoder = openai_chat.decoder(ANYONE)
    decoder.feed(b"<!DOCTYPE html><html>busy</html>")
    with pytest.raises(ProtocolError, match="it begins '<!DOCTYPE html>"):
        decoder.close()


def test_every_chunk_is_looked_at_when_asked() -> None:
    data = chunk({"content": "a"}) + chunk({"content": "b", "mood": "good"}) + chunk({"content": "c"}, "stop") + DONE
    plain, thorough = openai_chat.decoder(ANYONE), openai_chat.decoder(ANYONE, report=True)
    plain.feed(data)
    thorough.feed(data)
    assert plain.unmodelled == set()
    assert thorough.unmodelled == {"choices[].delta.mood"}


def test_an_encoded_error_ends_the_stream_with_it() -> None:
    encoder = openai_chat.encoder()
    data = encoder.feed(ResponseStart("r")) + encoder.error(RateLimitError("slow down", retry_after=3.0))
    decoder = openai_chat.decoder(ANYONE)
    assert decoder.feed(data) == [ResponseStart("r")]
    with pytest.raises(RateLimitError, match="slow down") as caught:
        decoder.close()
    assert caught.value.retry_after == 3.0


def torn(*deltas: bytes) -> bytes:
    """A stream of these deltas, written as they are."""
    whole = b"".join(b'data: {"id":"r","choices":[{"delta":%b}]}\n\n' % delta for delta in deltas)
    return whole + chunk({}, "stop") + DONE


def test_a_character_cut_between_two_deltas_is_joined() -> None:
    data = torn(rb'{"content":"a\ud83d"}', rb'{"content":"\ude00 b"}')
    assert events(data)[1:4] == [PartStart(0, Text("")), PartDelta(0, "a"), PartDelta(0, "\U0001f600 b")]


def test_a_character_is_joined_within_its_own_part_whatever_comes_between() -> None:
    data = torn(
        rb'{"content":"a\ud83d"}',
        rb'{"reasoning":"so\ud83d"}',
        rb'{"content":""}',
        rb'{"reasoning":"\ude01"}',
        rb'{"content":"\ude00"}',
    )
    assert response(data).parts == (Text("a\U0001f600"), Reasoning("so\U0001f601"))


def test_half_a_character_that_stays_alone_is_replaced() -> None:
    data = torn(rb'{"content":"a\ud83d"}', rb'{"content":"b\ude00"}', rb'{"content":"c\ud83d"}')
    assert response(data).text == "a\ufffdb\ufffdc\ufffd"


def test_a_character_cut_inside_a_calls_arguments_and_in_details_is_joined() -> None:
    details = rb'{"reasoning_details":[{"type":"reasoning.text","index":0,"text":"%b"}]}'
    arguments = rb'{"tool_calls":[{"index":0,"function":{"arguments":"%b"}}]}'
    data = torn(
        details % rb"h\ud83d",
        details % rb"\ude00",
        rb'{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{\"x\":\"\ud83d"}}]}',
        arguments % rb"\ude00\"}",
    )
    found = response(data)
    thought = "h\U0001f600"
    kept = Opaque("openai_chat", [{"type": "reasoning.text", "index": 0, "text": thought}])
    assert found.parts == (Reasoning(thought, kept), ToolCall("c", "f", '{"x":"\U0001f600"}'))


def test_two_streamed_calls_of_one_id_get_an_id_each() -> None:
    data = call(0, "c", "f", "{}") + call(1, "c", "g", "{}") + chunk({}, "tool_calls") + DONE
    assert [part.id for part in response(data).tool_calls] == ["c", "c_2"]
