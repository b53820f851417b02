"""A streamed answer of the Converse wire, in Amazon's framing."""

from __future__ import annotations

import json
from time import perf_counter
from typing import Any

import pytest

from playhead.dialects import bedrock_converse
from playhead.dialects.base import Endpoint
from playhead.errors import (
    BadRequestError,
    ContextTooLongError,
    CutStreamError,
    ModelError,
    OverloadedError,
    ProtocolError,
    RateLimitError,
    ServerError,
)
from playhead.events import PartDelta, PartEnd, PartStart, ResponseEnd, ResponseStart
from playhead.fold import fold
from playhead.framing.aws_event_stream import EventMessage, encode_message
from playhead.messages import File, Native, Opaque, Reasoning, Source, Text, ToolCall
from playhead.response import FinishReason, Response, Usage

ANYONE = Endpoint("bedrock", "https://b.test", bedrock_converse.Profile())
START = {"messageStart": {"role": "assistant"}}
STOP = {"messageStop": {"stopReason": "end_turn"}}
COUNTS = {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}
METADATA = {"metadata": {"usage": COUNTS, "metrics": {"latencyMs": 12}, "p": "abcdefg"}}


def own(value: Any) -> Opaque:
    return Opaque("bedrock_converse", value)


def frame(event: dict[str, Any], kind: str = "event") -> bytes:
    ((name, payload),) = event.items()
    headers: Any = {f":{kind}-type": name, ":content-type": "application/json", ":message-type": kind}
    return encode_message(EventMessage(headers, json.dumps(payload).encode()))


def frames(*events: dict[str, Any]) -> bytes:
    return b"".join(map(frame, events))


def begin(index: int, **start: Any) -> dict[str, Any]:
    return {"contentBlockStart": {"contentBlockIndex": index, "start": start}}


def delta(index: int, **said: Any) -> dict[str, Any]:
    return {"contentBlockDelta": {"contentBlockIndex": index, "delta": said, "p": "abc"}}


def end(index: int) -> dict[str, Any]:
    return {"contentBlockStop": {"contentBlockIndex": index}}


def read(data: bytes, size: int = 10**6, **more: Any) -> tuple[list[Any], Any]:
    decoder = bedrock_converse.decoder(ANYONE, **more)
    events = [event for start in range(0, len(data), size) for event in decoder.feed(data[start : start + size])]
    return events + decoder.close(), decoder


def said(*events: dict[str, Any]) -> tuple[Any, ...]:
    """The parts of an answer of these events, the same however its bytes are cut."""
    data = frames(START, *events, STOP, METADATA)
    whole, _ = read(data)
    assert read(data, 1)[0] == whole
    assert read(data, 13)[0] == whole
    return fold(whole).parts


def test_a_text_as_it_comes() -> None:
    events, decoder = read(
        frames(START, delta(0, text=""), delta(0, text="Hi"), delta(0, text=" 😀"), end(0), STOP, METADATA)
    )
    assert events == [
        ResponseStart(),
        PartStart(0, Text("")),
        PartDelta(0, "Hi"),
        PartDelta(0, " 😀"),
        PartEnd(0),
        ResponseEnd(FinishReason("stop", "end_turn"), Usage(3, 4)),
    ]
    assert decoder.finished
    assert decoder.usage == Usage(3, 4)
    assert decoder.unmodelled == {"metrics"}


def test_calls_come_in_pieces_and_two_at_once() -> None:
    assert said(
        begin(0, toolUse={"toolUseId": "a", "name": "f"}),
        begin(1, toolUse={"toolUseId": "b", "name": "g"}),
        delta(0, toolUse={"input": '{"x"'}),
        delta(1, toolUse={"input": ""}),
        delta(0, toolUse={"input": ": 1}"}),
        end(0),
        end(1),
    ) == (ToolCall("a", "f", '{"x": 1}'), ToolCall("b", "g", "{}"))


def test_reasoning_ends_with_its_signature() -> None:
    assert said(
        delta(0, reasoningContent={"text": "hm"}),
        delta(0, reasoningContent={"text": "…"}),
        delta(0, reasoningContent={"signature": "ab"}),
        delta(0, reasoningContent={"signature": "cd"}),
        end(0),
        delta(1, reasoningContent={"redactedContent": "AAE="}),
        end(1),
        delta(2, reasoningContent={"redactedContent": "AA=="}),
        delta(2, reasoningContent={"redactedContent": "AQ=="}),
        end(2),
        delta(3, reasoningContent={"text": "unsigned"}),
        end(3),
    ) == (
        Reasoning("hm…", own({"signature": "abcd"})),
        Reasoning("", own({"redactedContent": "AAE="})),
        Reasoning("", own({"redactedContent": "AAE="})),
        Reasoning("unsigned", own({})),
    )


def test_reasoning_and_text_of_one_index_are_two_parts() -> None:
    assert said(delta(0, reasoningContent={"text": "hm"}), delta(0, text="a"), end(0)) == (
        Reasoning("hm", own({})),
        Text("a"),
    )


def test_citations_are_parts_of_their_own() -> None:
    citation = {"title": "t", "location": {"web": {"url": "https://a.test"}}}
    assert said(delta(0, citation=citation), delta(0, text="a"), delta(0, citation=citation), end(0)) == (
        Text("a"),
        Source("https://a.test", "t", opaque=own(citation)),
        Source("https://a.test", "t", opaque=own(citation)),
    )


def test_what_the_provider_runs_itself_is_kept_whole() -> None:
    call = {"toolUseId": "t", "name": "nova_grounding", "type": "server_tool_use"}
    result = {"toolUseId": "t", "type": "nova_grounding_result", "status": "success"}
    assert said(
        begin(0, toolUse=call),
        delta(0, toolUse={"input": '{"q":'}),
        delta(0, toolUse={"input": '"x"}'}),
        end(0),
        begin(1, toolResult=result),
        delta(1, toolResult=[{"text": "a"}]),
        delta(1, toolResult=[{"text": "b"}, {"json": {"c": 1}}, {"text": "d"}]),
        end(1),
    ) == (
        Native("toolUse", own({"toolUse": {**call, "input": {"q": "x"}}})),
        Native(
            "toolResult",
            own({"toolResult": {**result, "content": [{"text": "ab"}, {"json": {"c": 1}}, {"text": "d"}]}}),
        ),
    )


def test_what_was_handed_on_of_a_verbatim_block_does_not_change() -> None:
    call = {"toolUseId": "t", "name": "g", "type": "server_tool_use"}
    events, _ = read(frames(START, begin(0, toolUse=call), delta(0, toolUse={"input": "{}"}), end(0), STOP, METADATA))
    assert events[1] == PartStart(0, Native("toolUse", own({"toolUse": call})))


def test_an_image_is_a_part_when_it_is_whole() -> None:
    assert said(
        begin(0, image={"format": "png"}),
        delta(0, image={"source": {"bytes": "YWI="}}),
        delta(0, image={"source": {"bytes": "Yw=="}}),
        end(0),
        begin(1, image={"format": "png"}),
        delta(1, image={"error": {"message": "no"}}),
        end(1),
    ) == (File("image/png", b"abc"), Native("image", own({"image": {"format": "png", "error": {"message": "no"}}})))


def test_a_stream_that_closes_after_its_stop_reason_is_whole_without_usage() -> None:
    events, decoder = read(frames(START, delta(0, text="a"), STOP))
    assert fold(events) == Response((Text("a"),), FinishReason("stop", "end_turn"))
    assert decoder.finished


@pytest.mark.parametrize("events", [[], [START], [START, delta(0, text="a")], [START, delta(0, text="a"), end(0)]])
def test_a_stream_that_closes_before_its_stop_reason_was_cut(events: list[Any]) -> None:
    decoder = bedrock_converse.decoder(ANYONE)
    decoder.feed(frames(*events))
    for _ in range(2):
        with pytest.raises(CutStreamError, match="before its messageStop"):
            decoder.close()


@pytest.mark.parametrize(
    ("name", "kind", "status", "message"),
    [
        ("throttlingException", RateLimitError, 429, "slowly"),
        ("modelStreamErrorException", ServerError, 424, "broke"),
        ("internalServerException", ServerError, 500, "oh"),
        ("serviceUnavailableException", OverloadedError, 503, "full"),
        ("validationException", BadRequestError, 400, "bad"),
        ("validationException", ContextTooLongError, 400, "Input is too long for requested model."),
        ("exceptionOfTomorrow", ServerError, 500, "new"),
    ],
)
def test_an_exception_in_a_stream_is_the_error_that_it_names(name: str, kind: Any, status: int, message: str) -> None:
    data = frames(START, delta(0, text="a")) + frame({name: {"message": message}}, "exception")
    decoder = bedrock_converse.decoder(ANYONE)
    assert decoder.feed(data) == [ResponseStart(), PartStart(0, Text("")), PartDelta(0, "a")]
    for _ in range(2):
        with pytest.raises(ModelError) as raised:
            decoder.close()
        assert type(raised.value) is kind
        assert (raised.value.status, raised.value.message, raised.value.provider) == (status, message, "bedrock")


def test_an_unmodelled_error_of_the_framing_is_raised_too() -> None:
    headers: Any = {":message-type": "error", ":error-code": "InternalFailure", ":error-message": "An error"}
    with pytest.raises(ServerError, match="An error"):
        read(frames(START) + encode_message(EventMessage(headers, b"")))


def test_events_and_fields_that_nobody_knows_are_skipped_and_reported() -> None:
    data = frames(
        START,
        {"ping": {}},
        delta(0, text="a", more=1),
        delta(0, text="b", later=1),
        {"messageStop": {"stopReason": "end_turn", "additionalModelResponseFields": {"stop_sequence": "x"}}},
        {"metadata": {"usage": {**COUNTS, "cacheDetails": [{"ttl": "5m", "inputTokens": 2}]}, "trace": {"x": 1}}},
    )
    events, decoder = read(data)
    assert fold(events).text == "ab"
    assert decoder.unmodelled == {"event ping", "additionalModelResponseFields", "usage.cacheDetails", "trace"}
    assert read(data, report=True)[1].unmodelled == decoder.unmodelled | {"delta.more", "delta.later"}


@pytest.mark.parametrize(
    "event",
    [
        delta(0, toolUse={"input": "{}"}),
        delta(0, toolResult=[{"text": "a"}]),
        delta(0, image={"source": {}}),
        {"contentBlockDelta": {"contentBlockIndex": 0}},
        {"contentBlockDelta": {"delta": {"text": "a"}}},
        {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": 3}}},
        {"contentBlockStart": {"contentBlockIndex": 0, "start": []}},
        {"contentBlockStart": {"contentBlockIndex": 0, "start": {"toolUse": {"name": "f"}}}},
        {"messageStop": []},
    ],
)
def test_an_event_that_is_not_of_its_shape_is_a_breach_of_the_protocol(event: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match="expected in the answer; it begins"):
        read(frames(START, event, STOP, METADATA))


def test_nothing_counts_after_the_end() -> None:
    decoder = bedrock_converse.decoder(ANYONE)
    decoder.feed(frames(START, delta(0, text="a"), STOP, METADATA))
    assert decoder.feed(frames(delta(0, text="b")) + b"\0\0not a frame at all") == []
    assert decoder.close() == []


def test_an_answer_that_came_whole_where_a_stream_was_asked_for_is_read_as_it_is() -> None:
    response = Response((Text("a"),), FinishReason("stop", "end_turn"), Usage(1, 2))
    events, decoder = read(b" " + bedrock_converse.encode_response(response), 9)
    assert fold(events) == response
    assert decoder.finished


def test_the_encoder_writes_a_live_stream_as_it_comes() -> None:
    """Events of a decoder, written again while they come: nothing of them is lost."""
    data = frames(
        START,
        delta(0, reasoningContent={"text": "hm"}),
        delta(0, reasoningContent={"signature": "s"}),
        end(0),
        delta(1, text="Hi"),
        delta(1, citation={"title": "t", "location": {"web": {"url": "u"}}}),
        end(1),
        begin(2, toolUse={"toolUseId": "t", "name": "g", "type": "server_tool_use"}),
        delta(2, toolUse={"input": '{"q":1}'}),
        end(2),
        begin(3, toolUse={"toolUseId": "t3", "name": "f"}),
        delta(3, toolUse={"input": "{}"}),
        end(3),
        STOP,
        METADATA,
    )
    events, _ = read(data)
    encoder = bedrock_converse.encoder()
    again, _ = read(b"".join(map(encoder.feed, events)))
    assert again == events


@pytest.mark.parametrize(
    "events",
    [
        [begin(n, toolUse={"toolUseId": f"t{n}", "name": "f"}) for n in range(5000)],
        [delta(0, reasoningContent={"signature": "y" * 1000})] * 5000,
        [begin(0, toolResult={"toolUseId": "t"}), *[delta(0, toolResult=[{"text": "y" * 1000}])] * 5000],
        [begin(0, image={"format": "png"}), *[delta(0, image={"source": {"bytes": "YWJj" * 250}})] * 5000],
    ],
    ids=["calls", "a signature", "a result", "an image"],
)
def test_a_crowd_is_read_in_time_that_grows_with_its_length(events: list[dict[str, Any]]) -> None:
    data = frames(START, *events, STOP, METADATA)
    began = perf_counter()
    assert fold(read(data, 65536)[0]).parts
    assert perf_counter() - began < 3
