"""Answers of the Messages wire, streamed and whole."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from playhead.dialects import anthropic_messages
from playhead.dialects.base import Endpoint
from playhead.errors import CutStreamError, ModelError, OverloadedError, ProtocolError, RateLimitError, ServerError
from playhead.events import ModelEvent, PartDelta, PartEnd, PartStart, ResponseEnd, ResponseStart
from playhead.fold import fold, unfold
from playhead.framing.aws_event_stream import EventMessage, encode_message
from playhead.messages import Native, Opaque, Part, Reasoning, Refusal, Source, Text, ToolCall
from playhead.response import FinishReason, Response, Usage

ORIGIN = "anthropic_messages"
ANYONE = Endpoint("anyone", "https://example.test/v1", anthropic_messages.Profile())
STOP = FinishReason("stop", "end_turn")
CITATION = {"type": "web_search_result_location", "url": "u", "title": "t", "cited_text": "c", "encrypted_index": "e"}


def event(kind: str, **fields: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind, **fields}).encode())


def delta(index: int, kind: str, **fields: Any) -> bytes:
    return event("content_block_delta", index=index, delta={"type": kind, **fields})


def block(index: int, start: dict[str, Any], *deltas: bytes) -> bytes:
    begin = event("content_block_start", index=index, content_block=start)
    return begin + b"".join(deltas) + event("content_block_stop", index=index)


def said(text: str, index: int = 0) -> bytes:
    return block(index, {"type": "text", "text": ""}, delta(index, "text_delta", text=text))


START = event(
    "message_start",
    message={
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [],
        "stop_reason": None,
        "usage": {
            "input_tokens": 5,
            "cache_read_input_tokens": 3,
            "cache_creation_input_tokens": 2,
            "output_tokens": 1,
        },
    },
)
PING = event("ping")


def end(reason: str | None = "end_turn", **usage: Any) -> bytes:
    last = event("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage=usage)
    return last + event("message_stop")


def events(data: bytes, cuts: Any = ()) -> list[ModelEvent]:
    decoder = anthropic_messages.decoder(ANYONE)
    found: list[ModelEvent] = []
    for first, last in pairwise([0, *cuts, len(data)]):
        found += decoder.feed(data[first:last])
    return found + decoder.close()


def parts(*blocks: bytes) -> tuple[Part, ...]:
    return fold(events(START + b"".join(blocks) + end(output_tokens=9))).parts


def test_a_stream_is_start_parts_and_end() -> None:
    data = START + PING + said("Hi") + PING + end(output_tokens=7, output_tokens_details={"thinking_tokens": 4})
    assert events(data) == [
        ResponseStart("msg_1", "claude"),
        PartStart(0, Text("")),
        PartDelta(0, "Hi"),
        PartEnd(0),
        ResponseEnd(STOP, Usage(10, 7, 3, 2, 4)),
    ]


@pytest.mark.parametrize(
    ("word", "unified"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("pause_turn", "paused"),
        ("a_new_word", "other"),
    ],
)
def test_every_stop_reason_keeps_its_own_word(word: str, unified: Any) -> None:
    response = fold(events(START + said("x") + end(word)))
    assert response.finish == FinishReason(unified, word)
    again = anthropic_messages.decode_response(anthropic_messages.encode_response(response), ANYONE)[0]
    assert again == response


def test_a_call_is_streamed_as_text_and_its_empty_input_is_an_object() -> None:
    call = {"type": "tool_use", "id": "1", "name": "add", "input": {}}
    pieces = [delta(0, "input_json_delta", partial_json=piece) for piece in ("", '{"a"', ": 1}")]
    assert parts(block(0, call, *pieces)) == (ToolCall("1", "add", '{"a": 1}'),)
    assert parts(block(0, call, pieces[0])) == (ToolCall("1", "add", "{}"),)
    assert parts(block(0, {**call, "input": {"a": 1}})) == (ToolCall("1", "add", '{"a": 1}'),)


def test_only_a_caller_that_is_not_the_model_is_kept() -> None:
    call = {"type": "tool_use", "id": "1", "name": "add", "input": {}, "caller": {"type": "direct"}}
    code = {"type": "code_execution_20250825", "tool_id": "srv"}
    assert parts(block(0, call), block(1, {**call, "caller": code})) == (
        ToolCall("1", "add", "{}"),
        ToolCall("1", "add", "{}", opaque=Opaque(ORIGIN, {"caller": code})),
    )


def test_thinking_ends_with_its_signature_and_redacted_thinking_is_whole() -> None:
    thinking = block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        delta(0, "thinking_delta", thinking="hm"),
        delta(0, "signature_delta", signature="s1"),
    )
    redacted = {"type": "redacted_thinking", "data": "d"}
    assert parts(thinking, block(1, redacted)) == (
        Reasoning("hm", Opaque(ORIGIN, {"signature": "s1"})),
        Reasoning("", Opaque(ORIGIN, redacted)),
    )


def test_what_the_provider_ran_is_kept_verbatim_with_the_citations_as_sources() -> None:
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    result = {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"encrypted_content": "x"}]}
    text = block(
        2,
        {"type": "text", "text": "", "citations": []},
        delta(2, "citations_delta", citation=CITATION),
        delta(2, "text_delta", text="Rome"),
    )
    query = [delta(0, "input_json_delta", partial_json=piece) for piece in ('{"query":', '"q"}')]
    stream = START + block(0, search, *query) + block(1, result) + text + end()
    found = events(stream)
    assert found[1] == PartStart(0, Native("server_tool_use", Opaque(ORIGIN, search)))
    response = fold(found)
    assert response.parts == (
        Native("server_tool_use", Opaque(ORIGIN, {**search, "input": {"query": "q"}})),
        Native("web_search_tool_result", Opaque(ORIGIN, result)),
        Text("Rome"),
        Source("u", "t", opaque=Opaque(ORIGIN, CITATION)),
    )
    assert response.text == "Rome"
    encoder = anthropic_messages.encoder()
    assert fold(events(b"".join(map(encoder.feed, found)))) == response


def test_a_compaction_comes_in_one_delta() -> None:
    start = {"type": "compaction", "content": None}
    assert parts(block(0, start, delta(0, "compaction_delta", content="so far"))) == (
        Native("compaction", Opaque(ORIGIN, {"type": "compaction", "content": "so far"})),
    )


def test_usage_is_the_greatest_of_what_was_counted_and_none_where_nothing_was() -> None:
    tail = said("x") + end(input_tokens=0, output_tokens=8, cache_read_input_tokens=0)
    assert fold(events(START + tail)).usage == Usage(10, 8, 3, 2)
    bare = event("message_start", message={"usage": {"input_tokens": 0, "output_tokens": 0}})
    assert fold(events(bare + said("x") + end(output_tokens=0))).usage is None
    assert fold(events(bare + said("x") + end(input_tokens=4, output_tokens=2))).usage == Usage(4, 2)


def test_what_a_compaction_on_the_server_used_is_counted_with_the_rest() -> None:
    """It stands beside the sums, which are of the answer alone."""
    turns: list[Any] = [
        {"type": "compaction", "input_tokens": 83_555, "output_tokens": 139, "cache_read_input_tokens": 7},
        {"type": "message", "input_tokens": 5, "output_tokens": 8, "cache_read_input_tokens": 3},
        "no turn",
    ]
    tail = said("x") + end(input_tokens=5, output_tokens=8, cache_read_input_tokens=3, iterations=turns)
    assert fold(events(START + tail)).usage == Usage(83_572, 147, 10, 2)
    paused = end("compaction", input_tokens=0, output_tokens=0, iterations=turns[:1])
    bare = event("message_start", message={"usage": {"input_tokens": 0, "output_tokens": 0}})
    assert fold(events(bare + said("x") + paused)).usage == Usage(83_562, 139, 7)


def test_an_error_is_raised_after_the_events_before_it() -> None:
    failed = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    decoder = anthropic_messages.decoder(ANYONE)
    assert decoder.feed(START + failed) == [ResponseStart("msg_1", "claude")]
    with pytest.raises(OverloadedError, match="Overloaded") as caught:
        decoder.close()
    assert caught.value.retryable
    assert (caught.value.status, caught.value.request_id) == (529, "msg_1")
    with pytest.raises(OverloadedError):
        anthropic_messages.decoder(ANYONE).feed(failed)


def test_bedrocks_exceptions_are_errors_by_name() -> None:
    def framed(headers: dict[str, Any], payload: bytes) -> bytes:
        return encode_message(EventMessage(headers, payload))

    throttled = framed({":message-type": "exception", ":exception-type": "throttlingException"}, b'{"message":"slow"}')
    with pytest.raises(RateLimitError, match="slow"):
        anthropic_messages.decoder(ANYONE).feed(throttled)
    broken = {":message-type": "error", ":error-code": "internalServerException", ":error-message": "oh"}
    with pytest.raises(ServerError, match="oh"):
        anthropic_messages.decoder(ANYONE).feed(framed(broken, b""))
    for payload in (b"{}", b"nonsense", b'{"bytes":"!"}'):
        with pytest.raises(ProtocolError, match="base64"):
            anthropic_messages.decoder(ANYONE).feed(framed({":message-type": "event"}, payload))


def test_a_stream_without_its_end_is_cut_unless_a_stop_reason_came() -> None:
    whole = START + said("Hi") + end()
    assert events(whole.removesuffix(event("message_stop"))) == events(whole)
    for data in (b"", START, START + said("Hi"), b"event: message_start\nda"):
        with pytest.raises(CutStreamError):
            events(data)


def test_a_server_that_does_not_stream_is_read_whole() -> None:
    body = anthropic_messages.encode_response(Response((Text("Hi"),), STOP, Usage(1, 2), "m", "c"))
    assert fold(events(b"\n " + body, [1, 5])) == Response((Text("Hi"),), STOP, Usage(1, 2), "m", "c")
    with pytest.raises(OverloadedError):
        events(b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}')


@pytest.mark.parametrize(
    "data",
    [
        START + b"data: nonsense\n\n",
        START + delta(0, "text_delta", text="x"),
        START + event("content_block_start", index=0),
        START + event("content_block_start", index=0, content_block={"type": "text"}),
        START + event("content_block_start", index=0, content_block=5),
        b'data: {"type": 5}\n\n',
    ],
)
def test_what_the_protocol_does_not_allow_raises(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        events(data)


def test_unknown_events_and_deltas_are_skipped_and_reported() -> None:
    decoder = anthropic_messages.decoder(ANYONE, report=True)
    text = block(0, {"type": "text", "text": "a"}, delta(0, "mood_delta", mood="good"))
    tail = event("message_delta", delta={"stop_reason": "refusal", "stop_details": {"category": "bio"}})
    decoder.feed(START + event("weather", sun=True) + text + tail + event("message_stop", extra=1))
    assert decoder.unmodelled == {
        "event weather",
        "sun",
        "delta of type mood_delta",
        "delta.mood",
        "delta.stop_details",
        "extra",
    }


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", CutStreamError),
        (b'{"type":"message","content":[{"type":"te', CutStreamError),
        (b"nonsense", ProtocolError),
        (b'{"type":"message"}', ProtocolError),
        (b'{"type":"message","content":[{"type":"text"}]}', ProtocolError),
        (b'{"type":"message","content":[5]}', ProtocolError),
        (b'{"type":"error","error":{"type":"rate_limit_error","message":"x"}}', RateLimitError),
    ],
)
def test_a_whole_answer_that_is_none_raises(body: bytes, error: type[ModelError]) -> None:
    with pytest.raises(error):
        anthropic_messages.decode_response(body, ANYONE)


def test_a_calls_input_keeps_the_text_it_came_in() -> None:
    call = b'{"type":"tool_use","id":"1","name":"n","input":{"b": 1.0, "a":2}}'
    body = b'{"type":"message","content":[%b],"stop_reason":"tool_use"}' % call
    response, unmodelled = anthropic_messages.decode_response(body, ANYONE, report=True)
    assert response.tool_calls[0].arguments == '{"b": 1.0, "a":2}'
    assert not unmodelled


def test_overlapping_parts_of_another_wire_are_written_and_read_back() -> None:
    """Chat completions end all parts at the end, and cite sources before it."""
    found: list[ModelEvent] = [
        ResponseStart("r", "m"),
        PartStart(0, Reasoning()),
        PartStart(1, Text("")),
        PartDelta(1, "a"),
        PartDelta(0, "hm"),
        PartStart(2, ToolCall("1", "add", "")),
        PartStart(3, Source("u", "t")),
        PartDelta(2, "{}"),
        PartDelta(1, "b"),
        *(PartEnd(number) for number in range(4)),
        ResponseEnd(FinishReason("tool_calls", "tool_calls"), None),
    ]
    encoder = anthropic_messages.encoder()
    response = fold(events(b"".join(map(encoder.feed, found))))
    assert response.text == "ab"
    assert response.tool_calls == (ToolCall("1", "add", "{}"),)
    assert [part.url for part in response.parts if isinstance(part, Source)] == ["u"]
    assert (response.finish, response.usage) == (FinishReason("tool_calls", "tool_use"), None)
    whole = anthropic_messages.encode_response(fold(found))
    assert anthropic_messages.decode_response(whole, ANYONE)[0].text == "ab"


def test_an_encoded_error_ends_the_stream_with_it() -> None:
    for encoder in (anthropic_messages.encoder(), anthropic_messages.encoder(framing="aws")):
        data = encoder.feed(ResponseStart("r", "m")) + encoder.error(RateLimitError("slow down"))
        decoder = anthropic_messages.decoder(ANYONE)
        assert decoder.feed(data) == [ResponseStart("r", "m")]
        with pytest.raises(RateLimitError, match="slow down"):
            decoder.close()


def test_a_refusal_of_another_wire_is_written_as_text() -> None:
    body = anthropic_messages.encode_response(Response((Refusal("no"),), FinishReason("content_filter", None)))
    response = anthropic_messages.decode_response(body, ANYONE)[0]
    assert response.parts == (Text("no"),)
    assert response.finish == FinishReason("content_filter", "refusal")


WORDS = st.text(max_size=12)
OBJECTS = st.dictionaries(WORDS, st.integers(-9, 9) | WORDS | st.none(), max_size=3)
PARTS = st.one_of(
    st.builds(Text, WORDS),
    st.builds(lambda text, sign: Reasoning(text, Opaque(ORIGIN, {"signature": sign})), WORDS, WORDS),
    st.builds(lambda data: Reasoning("", Opaque(ORIGIN, {"type": "redacted_thinking", "data": data})), WORDS),
    st.builds(lambda i, name, given: ToolCall(i, name, json.dumps(given)), WORDS, WORDS, OBJECTS),
    st.builds(
        lambda given: Native("server_tool_use", Opaque(ORIGIN, {"type": "server_tool_use", "input": given})), OBJECTS
    ),
)
CITED = st.builds(lambda text: (Text(text), Source("u", "t", opaque=Opaque(ORIGIN, CITATION))), WORDS)
RESPONSES = st.builds(
    Response,
    st.lists(PARTS.map(lambda part: (part,)) | CITED, max_size=5).map(lambda found: sum(found, ())),
    st.sampled_from([STOP, FinishReason("length", "max_tokens"), FinishReason("paused", "pause_turn")]),
    st.none() | st.builds(Usage, st.integers(10, 99), st.integers(0, 99), st.none() | st.integers(0, 9), st.just(1)),
    st.none() | st.text(min_size=1, max_size=5),
    st.none() | st.text(min_size=1, max_size=5),
)


@settings(max_examples=80, deadline=None)
@given(RESPONSES, st.sampled_from(["sse", "aws"]), st.data())
def test_decode_is_the_reverse_of_encode(response: Response, framing: Any, data: st.DataObject) -> None:
    body = anthropic_messages.encode_response(response)
    assert anthropic_messages.decode_response(body, ANYONE)[0] == response
    encoder = anthropic_messages.encoder(framing=framing)
    stream = b"".join(map(encoder.feed, unfold(response)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    assert fold(events(stream, cuts)) == response
    assert events(stream, range(1, len(stream))) == events(stream)


@settings(max_examples=80, deadline=None)
@given(RESPONSES, st.sampled_from(["sse", "aws", "json"]), st.data())
def test_a_flipped_bit_raises_only_model_errors(response: Response, framing: Any, data: st.DataObject) -> None:
    if framing == "json":
        damaged = bytearray(anthropic_messages.encode_response(response))
    else:
        encoder = anthropic_messages.encoder(framing=framing)
        damaged = bytearray(b"".join(map(encoder.feed, unfold(response))))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        events(bytes(damaged))
    except ModelError as error:
        assert error.provider in ("anyone", "")  # noqa: PT017 - damage may as well leave another answer
