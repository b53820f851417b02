"""The Messages dialect held against every recorded exchange of its wire."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import yaml

from playhead.dialects import anthropic_messages
from playhead.dialects.base import Endpoint
from playhead.errors import CutStreamError, ModelError, ProtocolError
from playhead.events import ModelEvent, ResponseEnd
from playhead.fold import fold, unfold
from playhead.messages import Native, Reasoning, Source, Text, ToolCall
from playhead.request import Request
from playhead.response import Response
from playhead.wire import HTTPRequest

ANYONE = Endpoint("anyone", "https://example.test/v1", anthropic_messages.Profile())
FOLDERS = (
    "TestAnthropic*/**/*.yaml",
    "TestBedrock*/**/*.yaml",
    "TestGoogle*/vertex-claude*/*.yaml",
    "TestImageUploadAgent/anthropic*.yaml",
)

#: Later requests that the recording client wrote with less than the answer before them held, and what.
CLIENT_LOST = {
    "TestAnthropicComputerUse/claude-sonnet-4/computer_use.yaml 1": "the text before the call",
    "TestAnthropicComputerUse/claude-sonnet-4/computer_use_streaming.yaml 1": "the text before the call",
    "TestAnthropicWebSearch/stream.yaml 1": "the citations, the callers, the pages' age",
}


class Exchange(NamedTuple):
    name: str
    url: str
    request: bytes
    answer: bytes

    @property
    def streamed(self) -> bool:
        return not self.answer.startswith(b"{")


@pytest.fixture(scope="module")
def exchanges(cassettes: Path) -> list[Exchange]:
    found: list[Exchange] = []
    for file in sorted(file for pattern in FOLDERS for file in cassettes.glob(pattern)):
        tape = yaml.load(file.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        for item in tape["interactions"]:
            answer = item["response"]["body"]
            found.append(
                Exchange(
                    f"{file.relative_to(cassettes)} {item['id']}",
                    item["request"]["url"],
                    item["request"]["body"].encode(),
                    answer if isinstance(answer, bytes) else answer.encode(),
                )
            )
    assert len(found) >= 40
    return found


def decode_stream(data: bytes, cuts: Any = ()) -> list[ModelEvent]:
    decoder = anthropic_messages.decoder(ANYONE)
    events: list[ModelEvent] = []
    for start, end in pairwise([0, *cuts, len(data)]):
        events += decoder.feed(data[start:end])
    return events + decoder.close()


def decode(exchange: Exchange) -> Response:
    if exchange.streamed:
        return fold(decode_stream(exchange.answer))
    return anthropic_messages.decode_response(exchange.answer, ANYONE)[0]


def test_every_recorded_request_is_written_back_the_same(exchanges: list[Exchange]) -> None:
    services = set()
    for exchange in exchanges:
        decoded = anthropic_messages.decode_request(HTTPRequest("POST", exchange.url, (), exchange.request))
        encoded = anthropic_messages.encode_request(decoded.request, Endpoint("x", "https://x.test", decoded.profile))
        assert json.loads(encoded.http.body) == json.loads(exchange.request), exchange.name
        assert not decoded.unmodelled, exchange.name
        assert not encoded.warnings, exchange.name
        assert exchange.url.endswith(encoded.http.url.removeprefix("https://x.test")), exchange.name
        assert decoded.request.model.find("claude") >= 0
        assert decoded.request.stream == exchange.streamed
        services.add(decoded.profile.service)
    assert services == {"api", "vertex", "bedrock"}


def test_every_answer_decodes_and_is_encoded_again(exchanges: list[Exchange]) -> None:
    """Re-encoded as JSON and as a stream in either framing, an answer decodes to the same Response."""
    kinds = set()
    for exchange in exchanges:
        response = decode(exchange)
        kinds |= {type(part) for part in response.parts}
        assert response.parts
        assert response.usage is not None
        assert response.usage.input_tokens
        again = anthropic_messages.encode_response(response)
        assert anthropic_messages.decode_response(again, ANYONE)[0] == response, exchange.name
        for events in (unfold(response), decode_stream(exchange.answer) if exchange.streamed else []):
            for encoder in (anthropic_messages.encoder(), anthropic_messages.encoder(framing="aws")):
                data = b"".join(map(encoder.feed, events))
                assert not events or fold(decode_stream(data)) == response, exchange.name
    assert kinds == {Text, Reasoning, ToolCall, Native, Source}


def test_a_stream_gives_the_same_events_however_it_is_cut(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        if exchange.streamed:
            data = exchange.answer
            whole = decode_stream(data)
            assert decode_stream(data, range(1, len(data))) == whole, exchange.name
            assert decode_stream(data, [len(data) // 3, len(data) // 2]) == whole, exchange.name


def test_a_stream_that_ends_early_raises_or_is_whole(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        if not exchange.streamed:
            continue
        whole = decode_stream(exchange.answer)
        for tenth in range(40):
            try:
                events = decode_stream(exchange.answer[: len(exchange.answer) * tenth // 40])
            except CutStreamError:
                continue
            assert events == whole, exchange.name
            assert isinstance(events[-1], ResponseEnd)


def test_a_later_request_holds_the_whole_answer_before_it(exchanges: list[Exchange]) -> None:
    """The answer as we decode it, in the history as we encode it, is what was recorded: nothing is lost on the way."""
    before: tuple[str, Request, Response, Any] | None = None
    equal = 0
    for exchange in exchanges:
        decoded = anthropic_messages.decode_request(HTTPRequest("POST", exchange.url, (), exchange.request))
        file = exchange.name.rpartition(" ")[0]
        if before is not None and before[0] == file and len(decoded.request.messages) > len(before[1].messages):
            _, first, response, profile = before
            known = len(first.messages)
            messages = (*first.messages, response.as_message(), *decoded.request.messages[known + 1 :])
            ours = anthropic_messages.encode_request(
                msgspec.structs.replace(first, messages=messages), Endpoint("x", "https://x.test", profile)
            )
            same = json.loads(ours.http.body) == json.loads(exchange.request)
            assert same is (exchange.name not in CLIENT_LOST), exchange.name
            equal += same
        before = (file, decoded.request, decode(exchange), decoded.profile)
    assert equal >= 10


def test_what_is_not_modelled_is_reported(exchanges: list[Exchange]) -> None:
    """Every key of a recorded answer is read, kept in a part, or reported."""
    seen: set[str] = set()
    for exchange in exchanges:
        if exchange.streamed:
            decoder = anthropic_messages.decoder(ANYONE, report=True)
            decoder.feed(exchange.answer)
            decoder.close()
            seen |= decoder.unmodelled
        else:
            seen |= anthropic_messages.decode_response(exchange.answer, ANYONE, report=True)[1]
    assert seen == {
        "usage.service_tier",
        "usage.inference_geo",
        "usage.server_tool_use",
        "amazon-bedrock-invocationMetrics",
    }


@pytest.mark.parametrize("every", [97])
def test_a_flipped_bit_raises_a_model_error_or_decodes(exchanges: list[Exchange], every: int) -> None:
    """Damage in transit is a ModelError or another answer, never another exception; in Amazon's framing always an
    error."""
    for number, exchange in enumerate(exchanges):
        binary = exchange.answer.startswith(b"\0")
        for place in range(number % every, len(exchange.answer), every * (1 if binary else 5)):
            damaged = bytearray(exchange.answer)
            damaged[place] ^= 1 << (place % 8)
            if binary:
                with pytest.raises((ProtocolError, CutStreamError)):
                    decode_stream(bytes(damaged))
            with suppress(ModelError):
                decode(exchange._replace(answer=bytes(damaged)))
            anthropic_messages.decode_error(500, (), bytes(damaged), ANYONE)
