"""The dialect held against every recorded exchange of its wire."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from playhead.dialects import openai_chat
from playhead.dialects.base import Endpoint
from playhead.errors import CutStreamError, ModelError, RateLimitError
from playhead.events import ModelEvent, ResponseEnd
from playhead.fold import fold, unfold
from playhead.messages import Reasoning, ToolCall
from playhead.providers.catalog import by_url, endpoint
from playhead.request import Request, ToolSpec
from playhead.response import Response
from playhead.wire import HTTPRequest

ANYONE = Endpoint("anyone", "https://example.test/v1", openai_chat.Profile())

#: Later requests that the recording client wrote with less than the answer before them held, and why.
CLIENT_LOST = {
    "TestOpenRouterCommon/glm/multi_tool_streaming.yaml 1": "the first piece of reasoning",
    "TestOpenRouterCommon/glm/tool_streaming.yaml 1": "the first piece of reasoning",
    "TestOpenAICompatibleCommon/avian-kimi/multi_tool_streaming.yaml 1": "the text before the calls",
    "TestOpenAICompatibleThinking/avian-kimi/thinking-streaming.yaml 1": "the text before the calls",
    "TestVercelThinking/gemini-3-pro-preview/thinking-streaming.yaml 1": "the text of the reasoning",
    "TestVercelThinking/gemini-3-pro-preview/thinking.yaml 1": "it added an encrypted detail without data",
}


def decode_stream(data: bytes, cuts: list[int] | None = None) -> list[ModelEvent]:
    """The events of a stream that arrives in pieces, cut at these places."""
    decoder = openai_chat.decoder(ANYONE)
    events: list[ModelEvent] = []
    places = [0, *(cuts or []), len(data)]
    for start, end in pairwise(places):
        events += decoder.feed(data[start:end])
    return events + decoder.close()


def decode(exchange: Any) -> Response:
    if exchange.streamed:
        return fold(decode_stream(exchange.answer))
    return openai_chat.decode_response(exchange.answer, ANYONE)[0]


def test_every_recorded_request_is_written_back_the_same(exchanges: list[Any]) -> None:
    for exchange in exchanges:
        decoded = openai_chat.decode_request(HTTPRequest("POST", exchange.url, (), exchange.request))
        encoded = openai_chat.encode_request(decoded.request, Endpoint("x", "https://x.test", decoded.profile))
        assert json.loads(encoded.http.body) == json.loads(exchange.request), exchange.name
        assert not decoded.unmodelled, exchange.name
        assert not encoded.warnings, exchange.name


def test_the_catalogs_own_hand_is_the_recorded_one(exchanges: list[Any]) -> None:
    """What a provider's profile writes is what the recordings hold; cache marks aside, which stand on parts today."""
    for exchange in exchanges:
        provider = by_url(exchange.url)
        here = endpoint(provider, json.loads(exchange.request)["model"])
        request = openai_chat.decode_request(HTTPRequest("POST", exchange.url, (), exchange.request)).request
        encoded = openai_chat.encode_request(request, here)
        assert encoded.http.url == exchange.url
        if b"cache_control" not in exchange.request:
            assert json.loads(encoded.http.body) == json.loads(exchange.request), exchange.name


def test_the_seeds_first_request_is_what_the_agent_encodes(seed_exchanges: list[Any]) -> None:
    from playhead.messages import system, user

    weather = ToolSpec(
        "weather",
        "Get weather information for a location",
        {
            "type": "object",
            "properties": {"location": {"type": "string", "description": "the city"}},
            "required": ["location"],
        },
    )
    request = Request(
        "moonshotai/kimi-k2-0905",
        (system("You are a helpful assistant"), user("What's the weather in Florence,Italy?")),
        tools=(weather,),
        max_tokens=4000,
        options={"provider": {"only": ["wandb"]}},
    )
    here = endpoint(by_url(seed_exchanges[0].url), request.model)
    encoded = openai_chat.encode_request(request, here)
    assert json.loads(encoded.http.body) == json.loads(seed_exchanges[0].request)


def test_every_answer_decodes_and_is_encoded_again(exchanges: list[Any]) -> None:
    """Re-encoded as JSON and as a stream, an answer decodes to the same Response."""
    for exchange in exchanges:
        if exchange.status != 200:
            continue
        response = decode(exchange)
        assert response.parts
        assert response.usage is not None
        assert openai_chat.decode_response(openai_chat.encode_response(response), ANYONE)[0] == response, exchange.name
        for events in (unfold(response), decode_stream(exchange.answer) if exchange.streamed else []):
            encoder = openai_chat.encoder()
            data = b"".join(map(encoder.feed, events))
            assert not events or fold(decode_stream(data)) == response, exchange.name


def test_a_stream_gives_the_same_events_however_it_is_cut(exchanges: list[Any]) -> None:
    for exchange in exchanges:
        if exchange.streamed:
            data = exchange.answer
            whole = decode_stream(data)
            assert decode_stream(data, list(range(1, len(data)))) == whole, exchange.name
            assert decode_stream(data, [len(data) // 3, len(data) // 2]) == whole, exchange.name
            assert decode_stream(data.replace(b"\n", b"\r\n"), [len(data) // 2]) == whole, exchange.name


def test_a_stream_that_ends_early_raises_or_is_whole_but_for_usage(exchanges: list[Any]) -> None:
    for exchange in exchanges:
        if not exchange.streamed:
            continue
        whole = decode_stream(exchange.answer)
        for tenth in range(10):
            try:
                events = decode_stream(exchange.answer[: len(exchange.answer) * tenth // 10])
            except CutStreamError:
                continue
            else:
                assert events[:-1] == whole[:-1], exchange.name
                assert isinstance(events[-1], ResponseEnd)


def test_a_later_request_holds_the_whole_answer_before_it(exchanges: list[Any]) -> None:
    """The answer as we decode it, in the history as we encode it, is what was recorded: nothing is lost on the way."""
    before: tuple[str, Request, Response, Any] | None = None
    equal = 0
    for exchange in exchanges:
        here = endpoint(by_url(exchange.url), json.loads(exchange.request)["model"])
        decoded = openai_chat.decode_request(HTTPRequest("POST", exchange.url, (), exchange.request), here.profile)
        file = exchange.name.rpartition(" ")[0]
        if before is not None and before[0] == file and len(decoded.request.messages) > len(before[1].messages):
            _, first, response, profile = before
            known = len(first.messages)
            messages = (*first.messages, response.as_message(), *decoded.request.messages[known + 1 :])
            ours = openai_chat.encode_request(
                msgspec.structs.replace(first, messages=messages), Endpoint("x", "https://x.test", profile)
            )
            if exchange.name not in CLIENT_LOST and b"cache_control" not in exchange.request:
                assert json.loads(ours.http.body) == json.loads(exchange.request), exchange.name
                equal += 1
        if exchange.status == 200:
            before = (file, decoded.request, decode(exchange), decoded.profile)
    assert equal >= 50


def test_what_is_not_modelled_is_reported(exchanges: list[Any]) -> None:
    """Every key of a recorded answer is either read or reported."""
    seen: set[str] = set()
    for exchange in exchanges:
        if exchange.status != 200:
            continue
        if exchange.streamed:
            decoder = openai_chat.decoder(ANYONE, report=True)
            decoder.feed(exchange.answer)
            decoder.close()
            seen |= decoder.unmodelled
        else:
            seen |= openai_chat.decode_response(exchange.answer, ANYONE, report=True)[1]
    assert {"system_fingerprint", "usage.cost_details", "choices[].delta.provider_metadata", "timings"} <= seen
    assert not {path for path in seen if path.endswith(("content", "arguments", "reasoning_details", ".cost"))}


def test_refusals_of_the_seed_are_rate_limits(seed_exchanges: list[Any]) -> None:
    refused = [exchange for exchange in seed_exchanges if exchange.status == 429]
    assert len(refused) == 10
    for exchange in refused:
        error = openai_chat.decode_error(429, (("X-Request-Id", "r1"),), exchange.answer, ANYONE)
        assert isinstance(error, RateLimitError)
        assert error.retryable
        assert error.request_id == "r1"
        assert "WandB" in str(error)
        assert "temporarily rate-limited upstream" in str(error)


def test_the_seeds_answers_cost_what_they_cost(seed_exchanges: list[Any]) -> None:
    answers = [decode(exchange) for exchange in seed_exchanges if exchange.status == 200]
    assert [type(part) for part in answers[0].parts][-1] is ToolCall
    assert not any(isinstance(part, Reasoning) for answer in answers for part in answer.parts)
    costs = [answer.usage.cost for answer in answers if answer.usage is not None]
    assert sum(cost for cost in costs if cost is not None) == Decimal("0.0006258")


@pytest.mark.parametrize("every", [97])
def test_a_flipped_bit_raises_a_model_error_or_decodes(exchanges: list[Any], every: int) -> None:
    """Damage in transit is a ModelError or another answer, never another exception."""
    for number, exchange in enumerate(exchanges[::4]):
        for place in range(number % every, len(exchange.answer), every * 7):
            damaged = bytearray(exchange.answer)
            damaged[place] ^= 1 << (place % 8)
            try:
                if exchange.streamed:
                    decode_stream(bytes(damaged))
                else:
                    openai_chat.decode_response(bytes(damaged), ANYONE)
            except ModelError:
                pass
            openai_chat.decode_error(500, (), bytes(damaged), ANYONE)
