"""Streamed answers of the responses wire: what each event means, how servers differ, and how streams end."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from playhead.dialects import openai_responses
from playhead.dialects.base import Endpoint
from playhead.errors import (
    ContextTooLongError,
    CutStreamError,
    ModelError,
    ProtocolError,
    RateLimitError,
    ServerError,
)
from playhead.events import ModelEvent, PartDelta, PartEnd, PartStart, ResponseEnd, ResponseStart
from playhead.fold import fold
from playhead.messages import File, Native, Opaque, Reasoning, Refusal, Source, Text, ToolCall
from playhead.response import FinishReason, Response, Usage

ANYONE = Endpoint("anyone", "https://example.test/v1", openai_responses.Profile())
NAME = "openai_responses"


def event(kind: str, **fields: Any) -> bytes:
    """One event as the server sends it."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def text_delta(delta: str, output_index: int = 0, content_index: int = 0) -> bytes:
    return event(
        "response.output_text.delta",
        output_index=output_index,
        content_index=content_index,
        delta=delta,
        logprobs=[],
        obfuscation="x8Yz",
    )


def added(item: dict[str, Any], output_index: int = 0) -> bytes:
    return event("response.output_item.added", output_index=output_index, item=item)


def done(item: dict[str, Any], output_index: int = 0) -> bytes:
    return event("response.output_item.done", output_index=output_index, item=item)


def ended(*output: dict[str, Any], status: str = "completed", **fields: Any) -> bytes:
    return event(f"response.{status}", response={"id": "r", "status": status, "output": output, **fields})


def message(*content: Any, **rest: Any) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": content, **rest}


def output_text(text: str, **rest: Any) -> dict[str, Any]:
    return {"type": "output_text", "text": text, **rest}


def events(data: bytes, size: int = 1 << 20) -> list[ModelEvent]:
    decoder = openai_responses.decoder(ANYONE)
    found = [each for start in range(0, len(data), size) for each in decoder.feed(data[start : start + size])]
    return found + decoder.close()


def response(data: bytes) -> Response:
    return fold(events(data))


def feed_all(decoder: Any, data: bytes, size: int, found: list[ModelEvent]) -> None:
    for start in range(0, len(data), size):
        found += decoder.feed(data[start : start + size])
    found += decoder.close()


START = event("response.created", response={"id": "r", "model": "m", "status": "in_progress", "created_at": 5})
HI = (
    added(message(id="msg_1", status="in_progress"))
    + event("response.content_part.added", output_index=0, content_index=0, part=output_text("", annotations=[]))
    + text_delta("h")
    + text_delta("")
    + text_delta("i")
)
HI_ITEM = message(output_text("hi", annotations=[]), id="msg_1", status="completed")
HI_DATA = Opaque(NAME, {"item": {"id": "msg_1", "status": "completed"}, "part": {"annotations": []}})
STOP = FinishReason("stop", "completed")


def test_a_text_is_a_part_that_ends_with_its_item() -> None:
    usage = {"input_tokens": 3, "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 1}}
    data = (
        START + event("response.in_progress", response={"id": "r"}) + HI + done(HI_ITEM) + ended(HI_ITEM, usage=usage)
    )
    assert events(data) == [
        ResponseStart("r", "m", None, 5),
        PartStart(0, Text("", opaque=Opaque(NAME, {"item": {"id": "msg_1"}}))),
        PartDelta(0, "h"),
        PartDelta(0, "i"),
        PartEnd(0, HI_DATA),
        ResponseEnd(STOP, Usage(3, 4, reasoning_tokens=1)),
    ]


@pytest.mark.parametrize(
    "data",
    [
        HI + done(HI_ITEM) + ended(HI_ITEM),
        HI + ended(HI_ITEM),
        HI.partition(b"event: response.content_part")[0] + text_delta("hi") + done(HI_ITEM) + ended(),
        added(message(id="msg_1")) + done(HI_ITEM) + ended(HI_ITEM),
        done(HI_ITEM) + ended(HI_ITEM),
        ended(HI_ITEM),
        HI.replace(text_delta("h"), b"").replace(text_delta("i"), b"") + done(HI_ITEM) + ended(HI_ITEM),
        HI + event("response.output_text.done", output_index=0, content_index=0, text="hi") + done(HI_ITEM) + ended(),
        HI
        + event("response.content_part.done", output_index=0, content_index=0, part=output_text("hi", annotations=[]))
        + done(HI_ITEM)
        + ended(HI_ITEM),
        (HI + done(HI_ITEM) + ended(HI_ITEM)).replace(b"event: ", b"x-event: "),
        HI + done(HI_ITEM) + ended(HI_ITEM) + b"data: [DONE]\n\n",
        HI + done(HI_ITEM) + event("response.done", response={"id": "r", "status": "completed"}),
        (HI + done(HI_ITEM) + ended(HI_ITEM)).rstrip(),
    ],
)
def test_what_the_deltas_left_out_is_taken_from_where_it_is_said_again(data: bytes) -> None:
    for size in (1 << 20, 1, 7):
        assert fold(events(START + data, size)).parts == (Text("hi", opaque=HI_DATA),)


CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "add"}


def arguments(delta: str, output_index: int = 0) -> bytes:
    return event("response.function_call_arguments.delta", output_index=output_index, delta=delta)


@pytest.mark.parametrize(
    "data",
    [
        added({**CALL, "arguments": ""}) + arguments('{"x"') + arguments(":1}"),
        added({**CALL, "arguments": ""})
        + arguments('{"x":1}')
        + event("response.function_call_arguments.done", output_index=0, arguments='{"x":1}'),
        added({**CALL, "arguments": ""}),
        b"",
    ],
)
def test_a_call_is_put_together_however_the_server_says_it(data: bytes) -> None:
    item = {**CALL, "arguments": '{"x":1}', "status": "completed"}
    call = ToolCall("c1", "add", '{"x":1}', opaque=Opaque(NAME, {"id": "fc_1", "status": "completed"}))
    answer = response(START + data + done(item) + ended(item))
    assert answer.parts == (call,)
    assert answer.finish == FinishReason("tool_calls", "completed")


def test_two_calls_at_once_do_not_mix() -> None:
    one, two = {**CALL, "arguments": "[1]"}, {**CALL, "call_id": "c2", "name": "mul", "arguments": "[2]"}
    data = START + added({**one, "arguments": ""}, 0) + added({**two, "arguments": ""}, 1)
    data += arguments("[", 1) + arguments("[1]", 0) + arguments("2]", 1) + done(two, 1) + done(one, 0) + ended(one, two)
    assert [(call.id, call.name, call.arguments) for call in response(data).tool_calls] == [
        ("c1", "add", "[1]"),
        ("c2", "mul", "[2]"),
    ]


def test_a_call_of_a_free_form_tool_is_a_call() -> None:
    item = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c", "name": "sql", "input": "select 1"}
    data = added({**item, "input": ""}) + event("response.custom_tool_call_input.delta", output_index=0, delta="select")
    data += event("response.custom_tool_call_input.delta", output_index=0, delta=" 1") + done(item) + ended(item)
    kept = Opaque(NAME, {"type": "custom_tool_call", "id": "ctc_1"})
    assert response(START + data).parts == (ToolCall("c", "sql", "select 1", opaque=kept),)


def summary(delta: str, summary_index: int = 0) -> bytes:
    return event("response.reasoning_summary_text.delta", output_index=0, summary_index=summary_index, delta=delta)


def test_summaries_are_joined_as_those_of_a_whole_answer() -> None:
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": text} for text in ("I think", "", "so")],
        "encrypted_content": "gAAA",
    }
    data = START + added({**item, "summary": [], "encrypted_content": "gAA"})
    data += event("response.reasoning_summary_part.added", output_index=0, summary_index=0, part={})
    data += summary("I ") + summary("think") + summary("so", 2) + done(item) + ended(item)
    assert response(data).parts == (Reasoning("I think\n\nso", Opaque(NAME, item)),)


def test_reasoning_in_the_clear_is_text_of_its_own() -> None:
    """As servers of open models stream it; a summary that comes too is kept with the item."""
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "ab"}]}
    deltas = [event("response.reasoning_text.delta", output_index=0, content_index=0, delta=delta) for delta in "ab"]
    assert response(START + added(item) + b"".join(deltas) + done(item) + ended(item)).parts == (
        Reasoning("ab", Opaque(NAME, item)),
    )
    assert response(START + added(item) + done(item) + ended(item)).parts == (Reasoning("ab", Opaque(NAME, item)),)


def test_a_refusal_is_a_part() -> None:
    item = message({"type": "refusal", "refusal": "no way"})
    data = START + added(message())
    data += event("response.content_part.added", output_index=0, content_index=0, part={"type": "refusal"})
    for delta in ("no", " way"):
        data += event("response.refusal.delta", output_index=0, content_index=0, delta=delta)
    data += event("response.refusal.done", output_index=0, content_index=0, refusal="no way") + done(item) + ended(item)
    assert response(data).parts == (Refusal("no way"),)


def test_a_search_begins_and_its_item_is_kept_and_sources_come_once() -> None:
    search = {
        "type": "web_search_call",
        "id": "ws_1",
        "status": "completed",
        "action": {"type": "search", "query": "q"},
    }
    cited = {"type": "url_citation", "url": "https://x.test", "title": "X", "start_index": 0, "end_index": 2}
    also = {**cited, "url": "https://y.test"}
    part = output_text("hi", annotations=[cited, also])
    data = START + added({"type": "web_search_call", "id": "ws_1", "status": "in_progress"})
    for state in ("in_progress", "searching", "completed"):
        data += event(f"response.web_search_call.{state}", output_index=0, item_id="ws_1")
    data += done(search) + added(message(), 1) + text_delta("h", 1)
    data += event("response.output_text.annotation.added", output_index=1, content_index=0, annotation=cited)
    data += text_delta("i", 1)
    data += event("response.content_part.done", output_index=1, content_index=0, part=part)
    data += done(message(part), 1) + ended(search, message(part))
    found = events(data)
    begun = {"type": "web_search_call", "id": "ws_1", "status": "in_progress"}
    assert found[1] == PartStart(0, Native("web_search_call", Opaque(NAME, begun)))
    assert fold(found).parts == (
        Native("web_search_call", Opaque(NAME, search)),
        Text("hi"),
        Source("https://x.test", "X", 0, 2),
        Source("https://y.test", "X", 0, 2),
    )


def test_an_image_that_the_model_made_is_a_file() -> None:
    item = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "eA=="}
    partial = event("response.image_generation_call.partial_image", output_index=0, partial_image_b64="eQ==")
    data = START + added({**item, "result": None, "status": "in_progress"}) + partial + done(item) + ended(item)
    kept = {key: item[key] for key in ("type", "id", "status")}
    assert response(data).parts == (Native("image_generation_call", Opaque(NAME, kept)), File("image/png", data=b"x"))


def test_an_index_that_is_used_again_is_the_next_item() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    data = START + added(thought) + done(thought) + HI + done(HI_ITEM) + ended(thought, HI_ITEM)
    assert response(data).parts == (Reasoning("", Opaque(NAME, thought)), Text("hi", opaque=HI_DATA))


def test_an_incomplete_answer_says_what_stopped_it() -> None:
    item = message(output_text("hi", annotations=[]), id="msg_1", status="incomplete")
    data = START + HI + done(item)
    data += ended(item, status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    assert response(data).finish == FinishReason("length", "max_output_tokens")
    assert response(data).text == "hi"


@pytest.mark.parametrize(
    ("data", "kind", "wait"),
    [
        (
            ended(status="failed", error={"code": "rate_limit_exceeded", "message": "Please try again in 1m2.5s."}),
            RateLimitError,
            62.5,
        ),
        (
            ended(status="failed", error={"code": "rate_limit_exceeded", "message": "Please try again in 250ms."}),
            RateLimitError,
            0.25,
        ),
        (ended(status="failed", error={"code": "server_error", "message": "no"}), ServerError, None),
        (ended(status="failed", error=None), ServerError, None),
        (event("error", code="context_length_exceeded", message="no", param=None), ContextTooLongError, None),
        (event("error", error={"type": "server_error", "code": None, "message": "no"}), ServerError, None),
        (b'data: {"error":{"code":"rate_limit_exceeded","message":"no"}}\n\n', RateLimitError, None),
        (b"event: error\ndata: no\n\n", ServerError, None),
        (b'data: {"type":"error","code":"server_error","message":"no","odd":1e999}\n\n', ServerError, None),
        (b"data: <html>\n\n", ProtocolError, None),
        (b"data: null\n\n", ProtocolError, None),
        (b'data: {"type":"response.output_text.delta","delta":5}\n\n', ProtocolError, None),
        (b'data: {"type":"response.completed","response":[\n\n', ProtocolError, None),
    ],
)
def test_an_error_on_the_way_is_raised_after_the_events_before_it(
    data: bytes, kind: type[ModelError], wait: float | None
) -> None:
    """Whole or byte by byte: the same events are handed on, then the same error is raised."""
    stream = START + HI + data + ended(HI_ITEM)
    for size in (len(stream), 1, 10):
        decoder = openai_responses.decoder(ANYONE)
        found: list[ModelEvent] = []
        with pytest.raises(ModelError) as caught:
            feed_all(decoder, stream, size, found)
        assert [type(each) for each in found] == [ResponseStart, PartStart, PartDelta, PartDelta]
        assert type(caught.value) is kind
        assert caught.value.retry_after == wait
        assert caught.value.retryable is kind.retryable_by_default


@pytest.mark.parametrize(
    "data",
    [b"", b": ping\n\n", START, START + HI, START + HI + done(HI_ITEM), START + b"data: [DONE]\n\n", b'{"id":"r","o'],
)
def test_a_stream_that_ends_before_its_end_is_cut(data: bytes) -> None:
    with pytest.raises(CutStreamError) as caught:
        events(data)
    assert caught.value.retryable


def test_the_decoder_says_when_the_answer_is_over() -> None:
    decoder = openai_responses.decoder(ANYONE)
    decoder.feed(START + HI + done(HI_ITEM))
    assert not decoder.finished
    decoder.feed(ended(HI_ITEM) + b"data: [DO")
    assert decoder.finished
    assert decoder.close() == []


def test_a_server_that_does_not_stream_is_understood() -> None:
    body = b"\n\n" + json.dumps({"id": "r", "output": [message(output_text("hi"))], "odd": 1}).encode()
    decoder = openai_responses.decoder(ANYONE)
    assert decoder.feed(body[:1]) + decoder.feed(body[1:9]) + decoder.feed(body[9:]) == []
    assert fold(decoder.close()).text == "hi"
    assert decoder.unmodelled == {"odd"}
    assert decoder.close() == []


def test_events_that_nobody_knows_are_reported_and_passed_over() -> None:
    odd = event("response.mood.delta", delta={"mood": "good"}) + event("response.audio.delta", delta="AA==")
    decoder = openai_responses.decoder(ANYONE)
    found = decoder.feed(START + odd + HI + done(HI_ITEM) + ended(HI_ITEM, service_tier="flex")) + decoder.close()
    assert fold(found).text == "hi"
    assert decoder.unmodelled == {"response.mood.delta", "response.audio.delta", "service_tier"}


def test_every_event_is_looked_at_when_asked() -> None:
    data = START + HI + text_delta("!").replace(b'"logprobs"', b'"mood"').replace(b"[]", b"1") + ended(HI_ITEM)
    plain, thorough = openai_responses.decoder(ANYONE), openai_responses.decoder(ANYONE, report=True)
    plain.feed(data)
    thorough.feed(data)
    assert plain.unmodelled == set()
    assert thorough.unmodelled == {"mood"}


def test_an_encoded_error_ends_the_stream_with_it() -> None:
    encoder = openai_responses.encoder()
    data = encoder.feed(ResponseStart("r")) + encoder.error(RateLimitError("slow down", retry_after=3.0))
    decoder = openai_responses.decoder(ANYONE)
    assert decoder.feed(data) == [ResponseStart("r")]
    with pytest.raises(RateLimitError, match="slow down") as caught:
        decoder.close()
    assert caught.value.retry_after == 3.0


def test_parts_of_another_wire_that_end_late_or_come_in_turns_are_written() -> None:
    """Another wire ends its parts at the end, and cites after the calls; nothing of it is lost."""
    stream: list[ModelEvent] = [
        ResponseStart("r", "m"),
        PartStart(0, Text("")),
        PartDelta(0, "a"),
        PartStart(1, ToolCall("c", "add", "")),
        PartDelta(1, "{"),
        PartDelta(0, "b"),
        PartDelta(1, "}"),
        PartStart(2, Source("https://x.test")),
        PartStart(3, File("audio/mpeg", data=b"x")),
        *map(PartEnd, range(4)),
        ResponseEnd(FinishReason("tool_calls")),
    ]
    encoder = openai_responses.encoder()
    parts = response(b"".join(map(encoder.feed, stream))).parts
    assert parts == (Text("ab"), ToolCall("c", "add", "{}"), Text(""), Source("https://x.test"))


SOME = START + HI + done(HI_ITEM) + added({**CALL, "arguments": ""}, 1) + arguments("{}", 1)
SOME += done({**CALL, "arguments": "{}"}, 1) + ended(HI_ITEM, {**CALL, "arguments": "{}"})


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(SOME) - 1), st.integers(0, 255))
def test_a_changed_byte_raises_a_model_error_or_decodes(place: int, value: int) -> None:
    damaged = SOME[:place] + bytes([value]) + SOME[place + 1 :]
    with suppress(ModelError):
        events(damaged)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from("type id content text annotations summary arguments call_id name result role".split()),  # noqa: SIM905
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
KINDS = ["message", "reasoning", "function_call", "custom_tool_call", "image_generation_call", "web_search_call"]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "response.output_item.added",
                    "response.output_item.done",
                    "response.content_part.added",
                    "response.content_part.done",
                    "response.output_text.delta",
                    "response.refusal.delta",
                    "response.function_call_arguments.delta",
                    "response.reasoning_summary_text.delta",
                    "response.output_text.annotation.added",
                    "response.completed",
                ]
            ),
            st.integers(-1, 2),
            st.integers(-1, 2),
            st.sampled_from(KINDS),
            json_values,
        ),
        max_size=8,
    )
)
def test_any_events_in_any_order_raise_a_model_error_or_fold(
    said: list[tuple[str, int, int, str, Any]],
) -> None:
    """A server that sends nonsense is refused or understood; nothing else is ever raised, and the events fold."""
    data = START
    for kind, output_index, content_index, item_kind, value in said:
        item = {**value, "type": item_kind} if isinstance(value, dict) else {"type": item_kind, "content": value}
        part = {"type": "output_text", "text": value, "annotations": value}
        data += event(
            kind,
            output_index=output_index,
            content_index=content_index,
            item=item,
            part=part,
            annotation=value,
            delta=value if isinstance(value, str) else "d",
            response={"id": "r", "output": [item]},
        )
    with suppress(ModelError):
        fold(events(data + ended()))
