"""Answers that mean harm, or are badly broken, on every wire: what was said is kept, and no time or memory is lost."""

from __future__ import annotations

import json
from decimal import Decimal
from time import perf_counter
from typing import Any, NamedTuple

import pytest

from playhead.dialects import anthropic_messages, bedrock_converse, gemini, openai_chat, openai_responses
from playhead.dialects.base import Endpoint
from playhead.errors import ModelError, ProtocolError
from playhead.fold import fold
from playhead.framing.aws_event_stream import EventMessage, encode_message
from playhead.messages import Opaque, Reasoning, Source, Text, ToolCall
from playhead.response import Response


class Wire(NamedTuple):
    """One dialect, and how a server of it says a text, in a stream of these deltas and whole; ``framed`` makes bytes
    of a stream out of what ``deltas`` gives, where that is not bytes of one already."""

    dialect: Any
    deltas: Any
    whole: Any
    framed: Any = bytes


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events)


def chat_chunk(delta: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"id": "r", "choices": [{"index": 0, "delta": delta, **rest}]}


def chat_deltas(texts: list[str], usage: Any, extra: dict[str, Any]) -> bytes:
    return sse(
        {**chat_chunk({"role": "assistant"}), **extra},
        *(chat_chunk({"content": text}) for text in texts),
        {**chat_chunk({}, finish_reason="stop"), "usage": usage},
    )


def chat_whole(text: str, usage: Any, extra: dict[str, Any]) -> dict[str, Any]:
    choice = {"index": 0, "message": {"content": text}, "finish_reason": "stop"}
    return {**extra, "id": "r", "choices": [choice], "usage": usage}


def responses_deltas(texts: list[str], usage: Any, extra: dict[str, Any]) -> bytes:
    item = {"type": "message", "content": [{"type": "output_text", "text": "".join(texts)}]}
    return sse(
        {"type": "response.created", "response": {"id": "r", **extra}},
        *({"type": "response.output_text.delta", "delta": text} for text in texts),
        {"type": "response.output_item.done", "item": item},
        {"type": "response.completed", "response": {"id": "r", "output": [item], "usage": usage, **extra}},
    )


def responses_whole(text: str, usage: Any, extra: dict[str, Any]) -> dict[str, Any]:
    item = {"type": "message", "content": [{"type": "output_text", "text": text}]}
    return {**extra, "id": "r", "status": "completed", "output": [item], "usage": usage}


def anthropic_deltas(texts: list[str], usage: Any, extra: dict[str, Any]) -> bytes:
    return sse(
        {"type": "message_start", "message": {"id": "r", "usage": usage, **extra}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": t}} for t in texts),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage},
        {"type": "message_stop"},
    )


def anthropic_whole(text: str, usage: Any, extra: dict[str, Any]) -> dict[str, Any]:
    said = {"id": "r", "type": "message", "content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}
    return {**extra, **said, "usage": usage}


def gemini_chunk(text: str, **rest: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": text}]}, "index": 0, **rest}], "responseId": "r"}


def gemini_deltas(texts: list[str], usage: Any, extra: dict[str, Any]) -> bytes:
    last = {**gemini_chunk("", finishReason="STOP"), "usageMetadata": usage}
    return sse(*({**gemini_chunk(text), **extra} for text in texts), last)


def gemini_whole(text: str, usage: Any, extra: dict[str, Any]) -> dict[str, Any]:
    return {**extra, **gemini_chunk(text, finishReason="STOP"), "usageMetadata": usage}


def converse_deltas(texts: list[str], usage: Any, extra: dict[str, Any]) -> bytes:
    """A line for each event, to be framed: a frame has a checksum, which no damage leaves right."""
    events: list[tuple[str, dict[str, Any]]] = [
        ("messageStart", {"role": "assistant", **extra}),
        *(("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}}) for text in texts),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"usage": usage}),
    ]
    return b"\n".join(f"{name} {json.dumps(payload)}".encode() for name, payload in events)


def converse_framed(lines: bytes) -> bytes:
    frames = []
    for line in lines.split(b"\n"):
        name, _, payload = line.partition(b" ")
        headers: Any = {":event-type": name.decode(), ":message-type": "event"}
        frames.append(encode_message(EventMessage(headers, payload)))
    return b"".join(frames)


def converse_whole(text: str, usage: Any, extra: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": [{"text": text}]}
    return {**extra, "output": {"message": message}, "stopReason": "end_turn", "usage": usage}


WIRES = {
    "openai_chat": Wire(openai_chat, chat_deltas, chat_whole),
    "openai_responses": Wire(openai_responses, responses_deltas, responses_whole),
    "anthropic_messages": Wire(anthropic_messages, anthropic_deltas, anthropic_whole),
    "gemini": Wire(gemini, gemini_deltas, gemini_whole),
    "bedrock_converse": Wire(bedrock_converse, converse_deltas, converse_whole, converse_framed),
}
every_wire = pytest.mark.parametrize("wire", WIRES.values(), ids=list(WIRES))


def endpoint(wire: Wire) -> Endpoint:
    return Endpoint("p", "https://p.test/v1", wire.dialect.Profile())


def stream(wire: Wire, data: bytes, size: int = 65536) -> tuple[Response, set[str]]:
    decoder = wire.dialect.decoder(endpoint(wire))
    events = []
    for start in range(0, len(data), size):
        events += decoder.feed(data[start : start + size])
    return fold(events + decoder.close()), decoder.unmodelled


def both(wire: Wire, text: str, usage: Any, extra: dict[str, Any], damage: Any = None) -> list[Response]:
    """What a stream and a whole answer of this say; ``damage`` changes the bytes of both."""
    damage = damage or (lambda data: data)
    whole = damage(json.dumps(wire.whole(text, usage, extra)).encode())
    return [
        stream(wire, wire.framed(damage(wire.deltas([text], usage, extra))))[0],
        wire.dialect.decode_response(whole, endpoint(wire))[0],
    ]


@every_wire
@pytest.mark.parametrize("depth", [400, 900])
def test_nesting_in_a_field_that_nobody_reads_costs_no_answer(wire: Wire, depth: int) -> None:
    """The report says that it could not look; what the model said is whole."""
    deep = b"[" * depth + b"]" * depth
    for said in both(wire, "hi", None, {"zzz": "@"}, lambda data: data.replace(b'"@"', deep)):
        assert said.text == "hi"


@every_wire
@pytest.mark.parametrize("depth", [5000, 100_000])
def test_nesting_beyond_what_can_be_parsed_is_a_breach_of_the_protocol(wire: Wire, depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    with pytest.raises(ProtocolError):
        both(wire, "hi", None, {"zzz": "@"}, lambda data: data.replace(b'"@"', deep))


@every_wire
@pytest.mark.parametrize("number", [b"1e999", b"1e99999999999999999999", b"9" * 5000, b"NaN"])
def test_a_number_out_of_range_in_a_field_that_nobody_reads_costs_no_answer(wire: Wire, number: bytes) -> None:
    for said in both(wire, "hi", None, {"zzz": "@"}, lambda data: data.replace(b'"@"', number)):
        assert said.text == "hi"


def test_a_report_that_could_not_be_made_says_so() -> None:
    deep = b"[" * 900 + b"]" * 900
    for wire in WIRES.values():
        data = wire.framed(wire.deltas(["hi"], None, {"zzz": "@"}).replace(b'"@"', deep))
        assert "(not looked at)" in stream(wire, data)[1]


USAGES: dict[str, Any] = {
    "words": {"prompt_tokens": "many", "input_tokens": "many", "promptTokenCount": "many", "inputTokens": "many"},
    "a list": [1],
    "a string": "",
    "absurd": {"prompt_tokens": 10**30, "input_tokens": 10**30, "promptTokenCount": 10**30, "inputTokens": 10**30},
    "negative": {"prompt_tokens": -5, "input_tokens": -5, "promptTokenCount": -5, "inputTokens": -5},
    "fractions": {"prompt_tokens": 1.5, "input_tokens": 1.5, "promptTokenCount": 1.5, "inputTokens": 1.5},
    "objects": {"prompt_tokens": {}, "input_tokens": {}, "promptTokenCount": {}, "inputTokens": {}},
    "details": {"prompt_tokens_details": 3, "input_tokens_details": [], "output_tokens_details": "x"},
}


@every_wire
@pytest.mark.parametrize("usage", USAGES.values(), ids=list(USAGES))
def test_a_usage_that_is_none_costs_no_answer(wire: Wire, usage: Any) -> None:
    for said in both(wire, "hi", usage, {}):
        assert said.text == "hi"
        assert said.usage is None or said.usage.input_tokens is None


@every_wire
def test_counts_of_the_wrong_type_are_read_where_they_can_mean_one_thing(wire: Wire) -> None:
    said = {"prompt_tokens": "12", "input_tokens": "12", "promptTokenCount": 12.0, "inputTokens": "12"}
    for response in both(wire, "hi", said, {}):
        assert response.usage is not None
        assert response.usage.input_tokens == 12


@pytest.mark.parametrize("wire", [WIRES["openai_chat"], WIRES["openai_responses"]], ids=["chat", "responses"])
@pytest.mark.parametrize(
    "cost",
    ['"sNaN"', '"NaN"', '"Infinity"', "1e9999999", "1e99999999999999999999", "-1", "1e10", "1e-9999999", "0e999", "[]"],
)
def test_a_cost_that_no_answer_has_is_none(wire: Wire, cost: str) -> None:
    usage = {"cost": "@", "is_byok": True, "cost_details": {"upstream_inference_cost": "@"}}
    for said in both(wire, "hi", usage, {}, lambda data: data.replace(b'"@"', cost.encode())):
        assert said.usage is None or said.usage.cost is None


@pytest.mark.parametrize("wire", [WIRES["openai_chat"], WIRES["openai_responses"]], ids=["chat", "responses"])
def test_a_cost_is_exact_and_an_upstreams_that_is_none_is_not_added(wire: Wire) -> None:
    usage = {"cost": "@", "is_byok": True, "cost_details": {"upstream_inference_cost": "sNaN"}}
    exact = b"0.12345678901234567890123"
    for said in both(wire, "hi", usage, {}, lambda data: data.replace(b'"@"', exact)):
        assert said.usage is not None
        assert said.usage.cost == Decimal(exact.decode())


@every_wire
def test_a_character_that_was_cut_between_two_deltas_is_joined(wire: Wire) -> None:
    """Half of a surrogate pair at the end of one delta, half at the start of the next; one that stays alone is
    replaced, and the same in a whole answer."""
    data = wire.framed(wire.deltas(["a\ud83d", "\ude00b", "c\ud83d"], None, {}))
    assert stream(wire, data)[0].text == "a😀bc\ufffd"
    assert stream(wire, data, 1)[0].text == "a😀bc\ufffd"
    whole = json.dumps(wire.whole("a\ud83d", None, {})).encode()
    assert wire.dialect.decode_response(whole, endpoint(wire))[0].text == "a\ufffd"


def test_a_signed_text_and_a_thought_are_joined_too() -> None:
    parts = [{"text": "a\ud83d", "thought": True}, {"text": "b\udc00", "thoughtSignature": "s"}]
    data = sse({"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]})
    signed = Text("b\ufffd", opaque=Opaque("gemini", {"thoughtSignature": "s"}))
    assert stream(WIRES["gemini"], data)[0].parts == (Reasoning("a\ufffd"), signed)


@every_wire
def test_the_message_of_an_error_is_cut_and_its_body_kept(wire: Wire) -> None:
    body = json.dumps({"error": {"message": "m" * 3_000_000, "code": 400}}).encode()
    error = wire.dialect.decode_error(400, (), body, endpoint(wire))
    assert len(str(error)) < 5000
    assert error.message.endswith("m…")
    assert error.body == body
    assert wire.dialect.decode_error(400, (), wire.dialect.encode_error(error), endpoint(wire)).message == error.message


@every_wire
def test_a_refusal_is_read_whatever_is_in_it(wire: Wire) -> None:
    for depth in (400, 900, 100_000):
        deep = b"[" * depth + b"1" + b"]" * depth
        for body in (
            b'{"error":{"message":%b}}' % deep,
            b'{"error":{"message":"m","metadata":{"raw":%b}}}' % deep,
            b'{"error":{"message":"m","code":1e999,"x":"\\ud83d"}}',
        ):
            assert wire.dialect.decode_error(400, (), body, endpoint(wire)).status == 400


@every_wire
def test_a_body_that_never_ends_is_given_up(wire: Wire) -> None:
    decoder = wire.dialect.decoder(endpoint(wire))
    piece = b" " * (16 * 1024 * 1024)
    decoder.feed(b'{"id":')
    for _ in range(7):
        decoder.feed(piece)
    with pytest.raises(ProtocolError, match="134,217,728 bytes"):
        decoder.feed(piece)
    with pytest.raises(ModelError):
        decoder.close()


@every_wire
def test_white_space_before_a_stream_is_passed_over(wire: Wire) -> None:
    data = b"\n \r\n" + wire.framed(wire.deltas(["hi"], None, {}))
    assert stream(wire, data)[0] == stream(wire, data, 1)[0] == stream(wire, data.lstrip())[0]
    decoder = wire.dialect.decoder(endpoint(wire))
    blank, began = b" " * 65536, perf_counter()
    for _ in range(160):
        assert decoder.feed(blank) == []
    assert perf_counter() - began < 2
    assert fold(decoder.feed(data) + decoder.close()).text == "hi"


MANY = 20_000


def chat_call(number: int, **rest: Any) -> dict[str, Any]:
    return chat_chunk({"tool_calls": [{"function": {"name": "f", "arguments": "{}"}, **rest, "id": f"c{number}"}]})


def detail(text: str, **rest: Any) -> dict[str, Any]:
    return chat_chunk({"reasoning_details": [{"type": "reasoning.text", "text": text, **rest}]})


def block(number: int) -> list[dict[str, Any]]:
    call = {"type": "tool_use", "id": f"c{number}", "name": "f", "input": {}}
    return [{"type": "content_block_start", "index": number, "content_block": call}]


def item(number: int) -> dict[str, Any]:
    call = {"type": "function_call", "call_id": f"c{number}", "name": "f", "arguments": "{}"}
    return {"type": "response.output_item.added", "output_index": number, "item": call}


def signature(text: str) -> dict[str, Any]:
    delta = {"type": "signature_delta", "signature": text}
    return {"type": "content_block_delta", "index": 0, "delta": delta}


def argument(words: str) -> dict[str, Any]:
    piece = {"jsonPath": "$.a", "stringValue": words, "willContinue": True}
    call = {"partialArgs": [piece], "willContinue": True}
    return {"candidates": [{"content": {"parts": [{"functionCall": call}]}}]}


LONG = "y" * 1000
THINKING = {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}
CROWDS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "calls of an index each": ("openai_chat", [chat_call(n, index=n) for n in range(MANY)]),
    "calls of one index": ("openai_chat", [chat_call(n, index=0) for n in range(MANY)]),
    "calls without an index": ("openai_chat", [chat_call(n) for n in range(MANY)]),
    "calls that are never named": (
        "openai_chat",
        [chat_chunk({"tool_calls": [{"index": 0, "function": {"arguments": LONG}}]})] * MANY,
    ),
    "details of an index each": ("openai_chat", [detail("a", index=n) for n in range(MANY)]),
    "details of an id each": ("openai_chat", [detail("a", index=0, id=f"i{n}") for n in range(MANY)]),
    "one detail that grows": ("openai_chat", [detail(LONG, index=0)] * MANY),
    "tool blocks": ("anthropic_messages", [event for n in range(MANY) for event in block(n)]),
    "a signature that grows": ("anthropic_messages", [THINKING, *[signature(LONG)] * MANY]),
    "items": ("openai_responses", [item(n) for n in range(MANY)]),
    "an argument that grows": ("gemini", [argument(LONG)] * MANY),
    "parts kept whole": (
        "gemini",
        [{"candidates": [{"content": {"parts": [{"executableCode": {"code": "x"}}] * (MANY // 2)}}]}],
    ),
}


@pytest.mark.parametrize(("name", "events"), CROWDS.values(), ids=list(CROWDS))
def test_a_crowd_is_read_in_time_that_grows_with_its_length(name: str, events: list[dict[str, Any]]) -> None:
    """Well under two seconds on a slow machine; what is searched for or copied each time takes ten and more."""
    wire = WIRES[name]
    decoder = wire.dialect.decoder(endpoint(wire))
    data = sse(*events)
    began = perf_counter()
    for start in range(0, len(data), 65536):
        decoder.feed(data[start : start + 65536])
    taken = perf_counter() - began
    assert taken < 4, f"{taken:.1f} s"


def test_a_detail_whose_text_is_no_string_stands_alone() -> None:
    odd: list[Any] = [["a"], {"a": 1}, True]
    for value in odd:
        data = sse(*(detail(text, index=0) for text in (value, "b", "c")), chat_chunk({}, finish_reason="stop"))
        (part,) = stream(WIRES["openai_chat"], data)[0].parts
        assert isinstance(part, Reasoning)
        assert part.opaque is not None
        assert [entry["text"] for entry in part.opaque.value] == [value, "bc"]


def test_details_and_calls_that_come_in_turns_go_where_they_belong() -> None:
    details = [detail("a", index=0, id="x"), detail("b", index=0, id="y"), detail("c", index=0, id="x")]
    calls = [chat_call(1, index=0), chat_call(2, index=0), chat_call(1, index=0)]
    data = sse(*details, *calls, chat_chunk({}, finish_reason="stop"))
    thought, *asked = stream(WIRES["openai_chat"], data)[0].parts
    assert isinstance(thought, Reasoning)
    assert thought.opaque is not None
    assert [entry["text"] for entry in thought.opaque.value] == ["ac", "b"]
    assert asked == [ToolCall("c1", "f", "{}{}"), ToolCall("c2", "f", "{}")]


def test_sources_of_a_long_text_are_placed_in_time_that_grows_with_it() -> None:
    text = "ä😀b" * 100_000
    data = text.encode()
    supports = [
        {"segment": {"startIndex": 7 * n, "endIndex": 7 * n + 2, "text": "ä"}, "groundingChunkIndices": [0]}
        for n in range(MANY)
    ]
    grounding = {"groundingChunks": [{"web": {"uri": "u"}}], "groundingSupports": supports}
    began = perf_counter()
    sources = gemini.decode_response(
        json.dumps(gemini_chunk(text, finishReason="STOP", groundingMetadata=grounding)).encode(),
        endpoint(WIRES["gemini"]),
    )[0].parts[1:]
    assert perf_counter() - began < 4
    assert sources[5] == Source("u", None, 15, 16)
    assert len(data[: 7 * 1999].decode()) == 3 * 1999
    assert sources[1999] == Source("u", None, 3 * 1999, 3 * 1999 + 1)
