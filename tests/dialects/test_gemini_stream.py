"""Answers of the Gemini wire, whole and streamed, in and out."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, strategies as st

from playhead.dialects import gemini
from playhead.dialects.base import Endpoint
from playhead.errors import (
    ContentFilteredError,
    CutStreamError,
    ModelError,
    OverloadedError,
    ProtocolError,
    RateLimitError,
)
from playhead.events import ModelEvent, PartDelta, PartEnd, PartStart, ResponseEnd, ResponseStart
from playhead.fold import fold
from playhead.messages import File, Native, Opaque, Reasoning, Source, Text, ToolCall
from playhead.response import FinishReason, Response, Usage

ANYONE = Endpoint("google", "https://example.test/v1beta", gemini.Profile())
STOP = FinishReason("stop", "STOP")


def candidate(*parts: dict[str, Any], finish: str | None = None, **rest: Any) -> dict[str, Any]:
    said: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0, **rest}
    return said if finish is None else {**said, "finishReason": finish}


def answer(*parts: dict[str, Any], finish: str | None = None, **rest: Any) -> bytes:
    return json.dumps({"candidates": [candidate(*parts, finish=finish)], "responseId": "r", **rest}).encode()


def chunk(*parts: dict[str, Any], finish: str | None = None, **rest: Any) -> bytes:
    return b"data: %b\r\n\r\n" % answer(*parts, finish=finish, **rest)


def text(words: str, **rest: Any) -> dict[str, Any]:
    return {"text": words, **rest}


def signed(signature: str) -> Opaque:
    return Opaque("gemini", {"thoughtSignature": signature})


def events(data: bytes) -> list[ModelEvent]:
    decoder = gemini.decoder(ANYONE)
    return decoder.feed(data) + decoder.close()


def whole(body: bytes) -> Response:
    return gemini.decode_response(body, ANYONE)[0]


def test_a_stream_is_start_parts_and_end() -> None:
    data = chunk(text("Hi"), modelVersion="m", createTime="2026-03-12T18:06:05.232680Z")
    data += chunk(text("!")) + chunk(text(""), finish="STOP", usageMetadata={"promptTokenCount": 1})
    assert events(data) == [
        ResponseStart("r", "m", None, 1773338765),
        PartStart(0, Text("")),
        PartDelta(0, "Hi"),
        PartDelta(0, "!"),
        PartEnd(0),
        ResponseEnd(STOP, Usage(1)),
    ]


def test_parts_stand_in_the_order_they_came() -> None:
    data = chunk(text("a", thought=True)) + chunk(text("b", thought=True), text("x"))
    data += chunk({"functionCall": {"name": "t", "args": {"n": 1.50}}}) + chunk(text("y"), finish="STOP")
    response = fold(events(data))
    assert response.parts == (
        Reasoning("ab"),
        Text("x"),
        ToolCall("gemini_call_0_r", "t", '{"n":1.5}'),
        Text("y"),
    )
    assert response.finish == FinishReason("tool_calls", "STOP")


def test_a_signed_part_stands_alone() -> None:
    """The wire wants a signature back on just the part that carried it, not on one joined with others."""
    data = chunk(text("a")) + chunk(text("b", thoughtSignature="s1")) + chunk(text("c"))
    data += chunk(text("", thoughtSignature="s2"), finish="STOP")
    assert fold(events(data)).parts == (
        Text("a"),
        Text("b", None, signed("s1")),
        Text("c"),
        Reasoning("", Opaque("gemini", {"part": {"text": "", "thoughtSignature": "s2"}})),
    )


def test_parts_of_kinds_that_nobody_knows_are_kept_whole_and_reported() -> None:
    parts = [{"executableCode": {"language": "PYTHON", "code": "1"}}, {"hologram": {"x": 1}, "thoughtSignature": "s"}]
    response, unmodelled = gemini.decode_response(answer(*parts, text("ok"), finish="STOP"), ANYONE, report=True)
    assert response.parts[:2] == (
        Native("executableCode", Opaque("gemini", parts[0])),
        Native("hologram", Opaque("gemini", parts[1])),
    )
    assert response.text == "ok"
    assert {"candidates[].content.parts[].executableCode", "candidates[].content.parts[].hologram"} <= unmodelled
    assert whole(gemini.encode_response(response)) == response


def test_files_that_the_model_made_are_parts() -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": "eA=="}, "thoughtSignature": "s"}
    video = {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/v.mp4"}}
    response = fold(events(chunk(image) + chunk(video, finish="STOP")))
    assert response.parts == (
        File("image/png", b"x", opaque=signed("s")),
        File("video/mp4", url="gs://b/v.mp4"),
    )
    assert whole(gemini.encode_response(response)) == response


def test_a_calls_own_id_is_kept_and_a_missing_one_made() -> None:
    calls = [{"functionCall": {"name": name, **more}} for name, more in (("a", {"id": "x1"}), ("b", {}), ("c", {}))]
    response = whole(answer(*calls, finish="STOP"))
    assert [call.id for call in response.tool_calls] == ["x1", "gemini_call_1_r", "gemini_call_2_r"]
    assert [call.arguments for call in response.tool_calls] == ["{}", "{}", "{}"]
    again = json.loads(gemini.encode_response(response))["candidates"][0]["content"]["parts"]
    assert [part["functionCall"].get("id") for part in again] == ["x1", None, None]


def test_made_ids_can_be_taken_to_other_providers() -> None:
    from playhead.dialects.gemini.parts import is_made, made_id

    long = made_id(3, "a/é" * 30)
    assert len(long) <= 40
    assert all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in long)
    assert is_made(long)
    assert not is_made("call_1")


def test_arguments_in_pieces_are_put_together() -> None:
    def piece(path: str, more: bool = False, **value: Any) -> dict[str, Any]:
        return {"jsonPath": path, **value, **({"willContinue": True} if more else {})}

    def call(*pieces: dict[str, Any], **fields: Any) -> bytes:
        said = {**fields, **({"partialArgs": list(pieces)} if pieces else {})}
        return chunk({"functionCall": said})

    data = call(name="go", willContinue=True)
    data += call(piece("$.city", True, stringValue="Flo"), willContinue=True)
    data += call(piece("$.city", stringValue="rence"), piece("$.days", numberValue=3.0), willContinue=True)
    data += call(piece("$.tags[0]", stringValue="a"), piece("$.tags[1]['x y']", boolValue=True), willContinue=True)
    data += call(piece("$.none", nullValue=None)) + call(name="next", args={"a": 1}) + chunk(finish="STOP")
    response = fold(events(data))
    assert [call.name for call in response.tool_calls] == ["go", "next"]
    assert json.loads(response.tool_calls[0].arguments) == {
        "city": "Florence",
        "days": 3,
        "tags": ["a", {"x y": True}],
        "none": None,
    }


@pytest.mark.parametrize("path", ["", "x", "$", "$.a[9]", "$[0]", "$.a[x]", "$.a[0", "$..a[1]", 5, None])
def test_pieces_that_are_not_understood_are_reported(path: Any) -> None:
    data = chunk(
        {"functionCall": {"name": "t", "partialArgs": [{"jsonPath": path, "stringValue": "x"}]}}, finish="STOP"
    )
    decoder = gemini.decoder(ANYONE)
    response = fold(decoder.feed(data) + decoder.close())
    assert response.tool_calls[0].name == "t"
    assert "candidates[].content.parts[].functionCall.partialArgs" in decoder.unmodelled


@pytest.mark.parametrize(
    ("word", "unified"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "error"),
        ("UNEXPECTED_TOOL_CALL", "error"),
        ("LANGUAGE", "other"),
        ("SOMETHING_NEW", "other"),
    ],
)
def test_a_finish_reason_keeps_its_word(word: str, unified: Any) -> None:
    response = whole(answer(finish=word))
    assert response.finish == FinishReason(unified, word)
    assert response.parts == ()
    assert whole(gemini.encode_response(response)).finish == response.finish


def test_a_finish_reason_as_a_number_is_read() -> None:
    assert whole(b'{"candidates":[{"finishReason":2}]}').finish == FinishReason("length", "MAX_TOKENS")


def test_an_answer_without_content_is_an_answer() -> None:
    assert whole(b'{"candidates":[{"content":{"role":"model"},"finishReason":"STOP"}]}').parts == ()


def test_counts_are_summed_in_the_vocabularys_sense() -> None:
    usage = {
        "promptTokenCount": 10,
        "candidatesTokenCount": 3,
        "thoughtsTokenCount": 4,
        "cachedContentTokenCount": 2,
        "toolUsePromptTokenCount": 5,
        "totalTokenCount": 22,
    }
    said = whole(answer(text("x"), finish="STOP", usageMetadata=usage)).usage
    assert said == Usage(15, 7, 2, None, 4)
    assert said.total_tokens == 22
    assert whole(answer(text("x"), finish="STOP", usageMetadata={"trafficType": "ON_DEMAND"})).usage is None
    data = chunk(text("x"), finish="STOP", usageMetadata=usage) + chunk(usageMetadata={"trafficType": "ON_DEMAND"})
    assert fold(events(data)).usage == said


@pytest.mark.parametrize("usage", [{"promptTokenCount": "x"}, {"promptTokenCount": -1}, [1], "x", 5])
def test_a_badly_typed_count_costs_no_answer(usage: Any) -> None:
    body = answer(text("x"), finish="STOP", usageMetadata=usage)
    response, unmodelled = gemini.decode_response(body, ANYONE, report=True)
    assert (response.text, response.usage) == ("x", None)
    assert not isinstance(usage, dict) or unmodelled == {"usageMetadata.promptTokenCount"}
    counts = {"promptTokenCount": "10", "candidatesTokenCount": 3.0}
    assert whole(answer(text("x"), finish="STOP", usageMetadata=counts)).usage == Usage(10, 3)


def test_half_a_character_costs_no_answer() -> None:
    body = answer(text("a~b"), finish="STOP").replace(b"~", rb"\ud83d")
    assert whole(body).text == "a\ufffdb"
    assert fold(events(b"data: %b\n\n" % body)).text == "a\ufffdb"


def test_search_results_are_sources_with_places_in_characters() -> None:
    grounding = {
        "webSearchQueries": ["olá?"],
        "searchEntryPoint": {"renderedContent": "<div>"},
        "groundingChunks": [
            {"web": {"uri": "https://a", "title": "A"}},
            {"web": {"uri": "https://b", "title": "B", "domain": "b"}},
            {"retrievedContext": {"uri": "gs://c", "title": "C", "text": "…"}},
        ],
        "groundingSupports": [
            {
                "segment": {"endIndex": 4, "text": "Olá"},
                "groundingChunkIndices": [0, 1],
                "confidenceScores": [0.9, 0.5],
            },
            {"segment": {"startIndex": 6, "endIndex": 11, "text": "mundo"}, "groundingChunkIndices": [0, 7]},
            {"segment": {"startIndex": 90, "endIndex": 95, "text": "mundo"}, "groundingChunkIndices": [1]},
        ],
    }
    body = json.dumps(
        {"candidates": [candidate(text("Olá, mundo"), finish="STOP", groundingMetadata=grounding)]}
    ).encode()
    response = whole(body)
    found = [(source.url, source.title, source.start, source.end) for source in response.parts[1:]]  # type: ignore[union-attr]
    assert found == [
        ("https://a", "A", 0, 3),
        ("https://b", "B", 0, 3),
        ("https://a", "A", 5, 10),
        ("https://b", "B", 5, 10),
        ("gs://c", "C", None, None),
    ]
    first = response.parts[1]
    assert isinstance(first, Source)
    assert first.opaque is not None
    assert first.opaque.value["search"]["webSearchQueries"] == ["olá?"]
    streamed = chunk(text("Olá,")) + b"data: %b\r\n\r\n" % body.replace(rb"Ol\u00e1, mundo", b" mundo", 1)
    assert fold(events(streamed)).parts == response.parts
    assert whole(gemini.encode_response(response)) == response


def test_recited_passages_are_sources() -> None:
    citation = {"citationSources": [{"startIndex": 0, "endIndex": 2, "uri": "https://a", "license": "mit"}]}
    body = {"candidates": [candidate(text("hello"), finish="STOP", citationMetadata=citation)]}
    response = whole(json.dumps(body).encode())
    assert response.parts[1] == Source("https://a", None, 0, 2, Opaque("gemini", {"citation": {"license": "mit"}}))
    assert whole(gemini.encode_response(response)) == response


def test_grounding_without_a_source_is_reported() -> None:
    body = {"candidates": [candidate(text("x"), finish="STOP", groundingMetadata={"webSearchQueries": ["q"]})]}
    assert "candidates[].groundingMetadata" in gemini.decode_response(json.dumps(body).encode(), ANYONE, report=True)[1]


def test_of_several_candidates_the_first_is_taken_and_the_others_reported() -> None:
    said = [candidate(text("a"), finish="STOP"), {**candidate(text("b"), finish="STOP"), "index": 1}]
    response, unmodelled = gemini.decode_response(json.dumps({"candidates": said}).encode(), ANYONE, report=True)
    assert response.text == "a"
    assert unmodelled == {"candidates[1]"}


BLOCKED = {
    "promptFeedback": {
        "blockReason": "PROHIBITED_CONTENT",
        "blockReasonMessage": "It is prohibited.",
        "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "HIGH", "blocked": True}],
    },
    "usageMetadata": {"promptTokenCount": 3},
    "responseId": "r9",
}


def test_a_blocked_prompt_is_an_error_of_its_class() -> None:
    body = json.dumps(BLOCKED).encode()
    for attempt in (lambda: whole(body), lambda: whole(b"[%b]" % body), lambda: events(b"data: %b\r\n\r\n" % body)):
        with pytest.raises(ContentFilteredError) as caught:
            attempt()
        assert "PROHIBITED_CONTENT (harassment). It is prohibited." in str(caught.value)
        assert caught.value.request_id == "r9"
        assert caught.value.body == body
        assert not caught.value.retryable


OVERLOADED = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}


def test_an_error_in_the_stream_is_raised_after_what_came_before() -> None:
    data = chunk(text("Hi")) + b"data: %b\n\n" % json.dumps(OVERLOADED).encode()
    decoder = gemini.decoder(ANYONE)
    assert [type(event) for event in decoder.feed(data)] == [ResponseStart, PartStart, PartDelta]
    for act in (decoder.close, lambda: decoder.feed(b"x")):
        with pytest.raises(OverloadedError) as caught:
            act()
        assert caught.value.status == 503
        assert caught.value.retryable


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("layout", [None, 2])
def test_an_error_in_bare_json_ends_the_stream(size: int, layout: int | None) -> None:
    data = chunk(text("Hi")) + json.dumps(OVERLOADED, indent=layout).encode() + b"\n"
    decoder = gemini.decoder(ANYONE)
    for start in range(0, len(data), size):
        decoder.feed(data[start : start + size])
    with pytest.raises(OverloadedError):
        decoder.close()


def test_an_error_inside_a_whole_answer_is_raised() -> None:
    for body in (json.dumps(OVERLOADED).encode(), json.dumps([OVERLOADED]).encode()):
        with pytest.raises(OverloadedError):
            whole(body)
        with pytest.raises(OverloadedError):
            events(body)


@pytest.mark.parametrize("rest", [b"", b"data: [DONE]\r\n\r\n", b": bye\r\n\r\n", b"data: {torn", b'data: {"cand'])
def test_a_stream_is_whole_when_it_closes_after_a_finish_reason(rest: bytes) -> None:
    assert fold(events(chunk(text("x"), finish="STOP") + rest)).text == "x"


@pytest.mark.parametrize(
    "data", [b"", b"  ", chunk(text("x")), chunk(text("x")) + b'data: {"candidates"', b"data: \n\n"]
)
def test_a_stream_without_a_finish_reason_is_cut(data: bytes) -> None:
    with pytest.raises(CutStreamError) as caught:
        events(data)
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", CutStreamError),
        (b'{"candidates":', CutStreamError),
        (b"{}", ProtocolError),
        (b'{"candidates":[]}', ProtocolError),
        (b"[]", ProtocolError),
        (b"nothing", ProtocolError),
        (b"<html>", ProtocolError),
        (b'{"candidates":{}}', ProtocolError),
        (b'{"candidates":[{"content":{"parts":[{"text":1}]}}]}', ProtocolError),
        (b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"t","args":{"a":01}}}]}}]}', ProtocolError),
        (b'[{"candidates":[{"content":{"parts":[{"text":"x"}]}}]}]', CutStreamError),
    ],
)
def test_a_body_that_is_no_answer_says_what_was_expected(body: bytes, kind: type[ModelError]) -> None:
    with pytest.raises(kind) as caught:
        whole(body)
    assert "expected" in str(caught.value) or "ended" in str(caught.value) or "not what" in str(caught.value)
    assert caught.value.provider == "google"


@pytest.mark.parametrize("depth", [300, 600, 900, 20_000])
@pytest.mark.parametrize(
    "body",
    [
        b'{"candidates":[{"finishReason":"STOP"}],"more":%b}',
        b'{"candidates":[{"content":{"parts":[{"hologram":%b}]},"finishReason":"STOP"}]}',
        b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"t","args":%b}}]},"finishReason":"STOP"}]}',
        b'{"candidates":[{"finishReason":"STOP","groundingMetadata":%b}]}',
        b'{"candidates":[{"finishReason":"STOP"}],"usageMetadata":%b}',
        b'{"error":%b}',
    ],
)
def test_no_depth_of_nesting_is_more_than_a_model_error(body: bytes, depth: int) -> None:
    deep = body % (b'{"a":' * depth + b"1" + b"}" * depth)
    for attempt in (lambda: whole(deep), lambda: events(b"data: %b\n\n" % deep)):
        with suppress(ModelError):
            attempt()
    assert isinstance(gemini.decode_error(400, (), deep, ANYONE), ModelError)


def test_a_chunk_that_is_none_is_shown() -> None:
    with pytest.raises(ProtocolError, match="chunk of an answer") as caught:
        events(b"data: [1]\n\n")
    assert caught.value.body == b"[1]"


def test_an_encoded_stream_that_fails_ends_with_its_error() -> None:
    encoder = gemini.encoder()
    data = encoder.feed(ResponseStart("r")) + encoder.feed(PartStart(0, Text("x")))
    data += encoder.error(RateLimitError("slow", status=429, retry_after=2))
    decoder = gemini.decoder(ANYONE)
    decoder.feed(data)
    with pytest.raises(RateLimitError) as caught:
        decoder.close()
    assert caught.value.retry_after == 2


@given(st.integers(0, 253402300799))
def test_times_are_the_standard_librarys(seconds: int) -> None:
    from datetime import UTC, datetime

    from playhead.dialects.gemini.timestamp import read_time, write_time

    stamp = datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    assert write_time(seconds) == stamp
    assert read_time(stamp) == seconds
    assert read_time(stamp.replace("Z", ".5Z")) == seconds


@pytest.mark.parametrize("stamp", ["", None, "now", "2026-03-12T18:06:05+01:00", "2026-13-12T18:06:05Z", "2026-03-12"])
def test_what_is_no_time_is_none(stamp: str | None) -> None:
    from playhead.dialects.gemini.timestamp import read_time

    assert read_time(stamp) is None
