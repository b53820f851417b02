"""Answers of the responses wire: every response of the vocabulary there and back, and what servers make of it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from playhead.dialects import openai_responses
from playhead.dialects.base import Endpoint
from playhead.errors import CutStreamError, ModelError, OverloadedError, ProtocolError, RateLimitError, ServerError
from playhead.fold import fold, unfold
from playhead.messages import File, Native, Opaque, Part, Reasoning, Refusal, Source, Text, ToolCall
from playhead.response import FinishReason, Response, Usage

ANYONE = Endpoint("anyone", "https://example.test/v1", openai_responses.Profile())
NAME = "openai_responses"


def decoded(*output: Any, **rest: Any) -> Response:
    body = {"object": "response", "status": "completed", "output": output, **rest}
    return openai_responses.decode_response(json.dumps(body).encode(), ANYONE)[0]


def message(*content: Any, **rest: Any) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": content, **rest}


def output_text(text: str, **rest: Any) -> dict[str, Any]:
    return {"type": "output_text", "text": text, **rest}


def thought(text: str, **rest: Any) -> Reasoning:
    summary = [{"type": "summary_text", "text": text}] if text else []
    return Reasoning(text, Opaque(NAME, {"type": "reasoning", "id": "rs_1", "summary": summary, **rest}))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
counts = st.none() | st.integers(0, 10**9)
kept = st.none() | st.fixed_dictionaries(
    {"item": st.fixed_dictionaries({"id": words}, optional={"status": st.just("completed"), "phase": words})},
    optional={"part": st.just({"logprobs": []})},
).map(lambda value: Opaque(NAME, value))
sources = st.builds(
    Source, words, st.none() | words, counts, counts, st.none() | st.just(Opaque(NAME, {"snippet": "s"}))
)
searches = st.builds(
    lambda id: Native("web_search_call", Opaque(NAME, {"type": "web_search_call", "id": id, "status": "completed"})),
    words,
)
drawings = st.builds(
    lambda id, data: [
        Native(
            "image_generation_call",
            Opaque(NAME, {"type": "image_generation_call", "id": id, "output_format": "webp", "status": "completed"}),
        ),
        File("image/webp", data=data),
    ],
    words,
    st.binary(max_size=4),
)
calls = st.builds(
    ToolCall,
    words,
    words,
    texts,
    opaque=st.none()
    | st.builds(lambda id: Opaque(NAME, {"id": id, "status": "completed"}), words)
    | st.builds(lambda id: Opaque(NAME, {"id": id, "type": "custom_tool_call"}), words),
)
said: st.SearchStrategy[list[Part]] = st.one_of(
    st.builds(lambda part, cited: [part, *cited], st.builds(Text, texts, opaque=kept), st.lists(sources, max_size=2)),
    st.builds(Refusal, texts, kept).map(lambda part: [part]),
    st.builds(Reasoning, texts).map(lambda part: [part]),
    st.builds(thought, texts, encrypted_content=words).map(lambda part: [part]),
    calls.map(lambda part: [part]),
    searches.map(lambda part: [part]),
    drawings,
    st.builds(File, st.just("image/png"), data=st.binary(max_size=4)).map(lambda part: [part]),
)


def as_response(groups: list[list[Part]], finish: FinishReason, **rest: Any) -> Response:
    parts = tuple(part for group in groups for part in group)
    if finish.unified == "stop" and any(isinstance(part, ToolCall) for part in parts):
        finish = FinishReason("tool_calls", "completed")
    return Response(parts, finish, **rest)


responses = st.builds(
    as_response,
    st.lists(said, max_size=5),
    finish=st.sampled_from(
        [
            FinishReason("stop", "completed"),
            FinishReason("length", "max_output_tokens"),
            FinishReason("content_filter", "content_filter"),
            FinishReason("other", "cancelled"),
            FinishReason("other", "max_tool_calls"),
            FinishReason("other", "incomplete"),
        ]
    ),
    usage=st.builds(Usage, counts, counts, counts, counts, counts, st.none() | st.decimals(0, 1000, places=9)),
    id=st.none() | words,
    model=st.none() | words,
    provider=st.none() | words,
    created=counts,
)


@settings(max_examples=300, deadline=None)
@given(responses)
def test_every_response_is_encoded_whole_and_decoded_the_same(response: Response) -> None:
    assert openai_responses.decode_response(openai_responses.encode_response(response), ANYONE)[0] == response


@settings(max_examples=300, deadline=None)
@given(responses, st.integers(1, 80))
def test_every_response_is_encoded_as_a_stream_and_decoded_the_same(response: Response, size: int) -> None:
    encoder, decoder = openai_responses.encoder(), openai_responses.decoder(ANYONE, report=True)
    data = b"".join(map(encoder.feed, unfold(response)))
    events = [event for start in range(0, len(data), size) for event in decoder.feed(data[start : start + size])]
    assert fold(events + decoder.close()) == response
    assert decoder.unmodelled == set()


@settings(max_examples=100, deadline=None)
@given(responses)
def test_a_stream_ends_with_what_it_would_be_whole(response: Response) -> None:
    encoder = openai_responses.encoder()
    data = b"".join(map(encoder.feed, unfold(response)))
    events = [json.loads(block.partition(b"\ndata: ")[2]) for block in data.split(b"\n\n") if block]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[-1]["response"] == json.loads(openai_responses.encode_response(response))


@pytest.mark.parametrize(
    ("said", "finish"),
    [
        ({}, FinishReason("stop", "completed")),
        ({"status": None}, FinishReason("stop", "completed")),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            FinishReason("length", "max_output_tokens"),
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            FinishReason("content_filter", "content_filter"),
        ),
        ({"status": "incomplete", "incomplete_details": None}, FinishReason("other", "incomplete")),
        ({"status": "cancelled"}, FinishReason("other", "cancelled")),
        ({"status": "in_progress"}, FinishReason("other", "in_progress")),
        ({"status": "queued"}, FinishReason("other", "queued")),
    ],
)
def test_the_finish_is_the_status_or_what_made_it_incomplete(said: Any, finish: FinishReason) -> None:
    assert decoded(message(output_text("x")), **said).finish == finish


def test_an_answer_that_calls_a_tool_finishes_with_it() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "add", "arguments": '{"x":1}', "id": "fc_1"}
    response = decoded(call, {**call, "call_id": "d", "namespace": "n"})
    assert response.finish == FinishReason("tool_calls", "completed")
    assert response.tool_calls[0] == ToolCall("c", "add", '{"x":1}', opaque=Opaque(NAME, {"id": "fc_1"}))
    assert response.tool_calls[1].opaque == Opaque(NAME, {"id": "fc_1", "namespace": "n"})


def test_usage_is_read_with_its_details_and_its_cost() -> None:
    usage = {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 17,
        "cost": 0.00025495,
    }
    assert decoded(message(output_text("x")), usage=usage).usage == Usage(10, 7, 4, 2, 3, Decimal("0.00025495"))
    assert decoded(message(output_text("x"))).usage is None


def test_a_message_becomes_its_texts_refusals_and_sources() -> None:
    cited = {"type": "url_citation", "url": "https://x.test", "title": "X", "start_index": 0, "end_index": 2}
    file = {"type": "file_citation", "file_id": "file-1", "filename": "a.pdf", "index": 2}
    said = message(
        output_text("hi", annotations=[cited, file], logprobs=[]),
        {"type": "refusal", "refusal": "no"},
        id="msg_1",
        status="completed",
        phase="final_answer",
    )
    item = {"id": "msg_1", "status": "completed", "phase": "final_answer"}
    assert decoded(said).parts == (
        Text("hi", opaque=Opaque(NAME, {"item": item, "part": {"logprobs": []}})),
        Source("https://x.test", "X", 0, 2),
        Source("openai-file:file-1", "a.pdf", opaque=Opaque(NAME, file)),
        Refusal("no"),
    )


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ({"summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]}, "a\n\nb"),
        ({"summary": [], "content": [{"type": "reasoning_text", "text": "raw"}]}, "raw"),
        ({"summary": [{"type": "summary_text", "text": "a"}], "content": [{"text": "raw"}]}, "a"),
        ({"summary": [], "encrypted_content": "gAAA"}, ""),
        ({}, ""),
    ],
)
def test_reasoning_is_its_summary_and_keeps_its_item(item: Any, text: str) -> None:
    item = {"type": "reasoning", "id": "rs_1", **item}
    assert decoded(item).parts == (Reasoning(text, Opaque(NAME, item)),)


def test_what_the_providers_own_tools_did_is_kept_whole() -> None:
    ran = {"type": "code_interpreter_call", "id": "ci_1", "code": "1+1", "outputs": [{"type": "logs", "logs": "2"}]}
    drew = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "eA=="}
    odd = {"type": "image_generation_call", "id": "ig_2", "status": "failed", "result": None}
    assert decoded(ran, drew, odd, message(id="msg_1")).parts == (
        Native("code_interpreter_call", Opaque(NAME, ran)),
        Native("image_generation_call", Opaque(NAME, {key: drew[key] for key in ("type", "id", "status")})),
        File("image/png", data=b"x"),
        Native("image_generation_call", Opaque(NAME, odd)),
        Native("message", Opaque(NAME, message(id="msg_1") | {"content": []})),
    )


def test_messages_without_ids_stay_apart() -> None:
    first, second = decoded(message(output_text("a")), message(output_text("b"))).parts
    assert isinstance(second, Text)
    assert (first, second.text) == (Text("a"), "b")
    body = json.loads(openai_responses.encode_response(Response((first, second), FinishReason("stop"))))
    assert [item["content"][0]["text"] for item in body["output"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "no"}}, RateLimitError),
        ({"status": "failed", "error": {"code": "server_error", "message": "no"}}, ServerError),
        ({"status": "failed", "error": None}, ServerError),
        ({"error": {"message": "no", "type": "x", "code": "server_is_overloaded"}}, OverloadedError),
        ({"object": "response"}, ProtocolError),
        ({"output": [5]}, ProtocolError),
        ([], ProtocolError),
    ],
)
def test_what_is_no_answer_raises_the_error_that_fits(body: Any, kind: type[ModelError]) -> None:
    with pytest.raises(ModelError) as caught:
        openai_responses.decode_response(json.dumps(body).encode(), ANYONE)
    assert type(caught.value) is kind
    assert caught.value.provider == "anyone"


@pytest.mark.parametrize("body", [b"", b"  \n", b'{"id":"r","output":[{"type":"mess'])
def test_an_answer_that_ends_before_its_end_is_cut(body: bytes) -> None:
    with pytest.raises(CutStreamError):
        openai_responses.decode_response(body, ANYONE)


def test_white_space_around_the_body_is_padding() -> None:
    body = b"\n         \n" * 9 + json.dumps({"output": [message(output_text("hi"))]}).encode() + b"\n"
    assert openai_responses.decode_response(body, ANYONE)[0].text == "hi"


def test_a_reasoning_part_of_another_wire_is_written_as_a_summary() -> None:
    response = Response((Reasoning("hm", Opaque("anthropic_messages", {"signature": "s"})),), FinishReason("stop"))
    body = json.loads(openai_responses.encode_response(response))
    assert body["output"] == [{"type": "reasoning", "id": "rs_0", "summary": [{"type": "summary_text", "text": "hm"}]}]


def test_a_report_survives_what_it_cannot_read() -> None:
    body = b'{"output":[],"odd":1e999}'
    assert openai_responses.decode_response(body, ANYONE) == (
        Response((), FinishReason("stop", "completed")),
        frozenset(),
    )
    assert openai_responses.decode_response(body, ANYONE, True)[1] == {"odd"}
