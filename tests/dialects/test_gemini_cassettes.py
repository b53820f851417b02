"""The dialect held against every recorded exchange of its wire."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import yaml

from playhead.dialects import gemini
from playhead.dialects.base import Endpoint
from playhead.errors import CutStreamError, ModelError
from playhead.events import ModelEvent
from playhead.fold import fold, unfold
from playhead.messages import Reasoning, ToolCall, ToolResult
from playhead.request import Request
from playhead.response import Response
from playhead.wire import HTTPRequest

ANYONE = Endpoint("anyone", "https://example.test/v1beta", gemini.Profile())


class Exchange(NamedTuple):
    """One recorded exchange, named by its file and number."""

    name: str
    url: str
    request: bytes
    status: int
    answer: bytes

    @property
    def file(self) -> str:
        return self.name.rpartition(" ")[0]

    @property
    def streamed(self) -> bool:
        return self.answer.startswith(b"data:")

    @property
    def decoded(self) -> Any:
        return gemini.decode_request(HTTPRequest("POST", self.url, (), self.request))

    def again(self, request: Request, profile: gemini.Profile) -> Any:
        place = gemini.split_url(self.url)
        assert place is not None
        return gemini.encode_request(request, Endpoint("x", place.base_url, profile))


@pytest.fixture(scope="module")
def exchanges(cassettes: Path) -> list[Exchange]:
    """Every recorded exchange whose URL is one of this wire's."""
    found = []
    for file in sorted(cassettes.rglob("*.yaml")):
        text = file.read_text()
        if "enerateContent" not in text:
            continue
        tape = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        for item in tape["interactions"]:
            asked, said = item["request"], item["response"]
            if gemini.split_url(asked["url"]) is not None:
                name = f"{file.relative_to(cassettes)} {item['id']}"
                bodies = asked["body"].encode(), said["code"], said["body"].encode()
                found.append(Exchange(name, asked["url"], *bodies))
    assert len(found) >= 41
    return found


def decode_stream(data: bytes, cuts: list[int] | None = None) -> list[ModelEvent]:
    """The events of a stream that arrives in pieces, cut at these places."""
    decoder = gemini.decoder(ANYONE)
    events: list[ModelEvent] = []
    for start, end in pairwise([0, *(cuts or []), len(data)]):
        events += decoder.feed(data[start:end])
    return events + decoder.close()


def decode(exchange: Exchange) -> Response:
    if exchange.streamed:
        return fold(decode_stream(exchange.answer))
    return gemini.decode_response(exchange.answer, ANYONE)[0]


def test_every_recorded_request_is_written_back_the_same(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        decoded = exchange.decoded
        encoded = exchange.again(decoded.request, decoded.profile)
        assert encoded.http.url == exchange.url, exchange.name
        assert json.loads(encoded.http.body) == json.loads(exchange.request), exchange.name
        assert not decoded.unmodelled, exchange.name
        assert not encoded.warnings, exchange.name


def test_the_hand_of_playhead_is_the_recorded_one(exchanges: list[Exchange]) -> None:
    """A first request of an answer's schema, tools or thinking needs no hand but the default one."""
    for exchange in exchanges:
        request = exchange.decoded.request
        if not any(isinstance(part, ToolResult) for message in request.messages for part in message.parts):
            encoded = exchange.again(request, gemini.Profile())
            assert json.loads(encoded.http.body) == json.loads(exchange.request), exchange.name


def test_every_answer_decodes_and_is_encoded_again(exchanges: list[Exchange]) -> None:
    """Re-encoded as JSON and as a stream, an answer decodes to the same Response."""
    for exchange in exchanges:
        response = decode(exchange)
        assert response.parts, exchange.name
        assert response.id
        assert response.model
        assert response.usage is not None
        assert response.usage.output_tokens
        assert gemini.decode_response(gemini.encode_response(response), ANYONE)[0] == response, exchange.name
        for events in (unfold(response), decode_stream(exchange.answer) if exchange.streamed else []):
            encoder = gemini.encoder()
            data = b"".join(map(encoder.feed, events))
            assert not events or fold(decode_stream(data)) == response, exchange.name


def test_a_stream_gives_the_same_events_however_it_is_cut(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        if exchange.streamed:
            data = exchange.answer
            whole = decode_stream(data)
            assert decode_stream(data, list(range(1, len(data)))) == whole, exchange.name
            assert decode_stream(data, [len(data) // 3, len(data) // 2]) == whole, exchange.name
            assert decode_stream(data.replace(b"\n", b"\r\n"), [len(data) // 2]) == whole, exchange.name


def test_a_stream_that_ends_early_raises(exchanges: list[Exchange]) -> None:
    """Cut anywhere but in the blank line after its last chunk, a stream raises."""
    for exchange in exchanges:
        if not exchange.streamed:
            continue
        last = len(exchange.answer.rstrip())
        for place in [*range(0, last, 37), last - 1]:
            with pytest.raises(CutStreamError):
                decode_stream(exchange.answer[:place])
        assert decode_stream(exchange.answer[:last]) == decode_stream(exchange.answer)


def test_a_list_of_chunks_is_the_same_answer(exchanges: list[Exchange]) -> None:
    """Without alt=sse Google sends the chunks as a JSON list."""
    for exchange in exchanges:
        if not exchange.streamed:
            continue
        chunks = [line[6:] for line in exchange.answer.splitlines() if line.startswith(b"data: ")]
        listed = b"[" + b"\n,\r\n".join(chunks) + b"]\n"
        assert gemini.decode_response(listed, ANYONE)[0] == decode(exchange), exchange.name
        assert fold(decode_stream(listed, [1, 5])) == decode(exchange), exchange.name
        with pytest.raises(CutStreamError):
            decode_stream(listed[: len(listed) // 2])


def test_a_later_request_holds_the_whole_answer_before_it(exchanges: list[Exchange]) -> None:
    """The answer as we decode it, in the history as we encode it, is what was recorded: nothing is lost on the way.

    The recording client left out the thoughts' text, which the wire does not read, and numbered the calls that had no
    id; both are read off its hand.
    """
    before: tuple[str, Request, Response] | None = None
    equal = 0
    for exchange in exchanges:
        decoded = exchange.decoded
        if before is not None and before[0] == exchange.file and len(decoded.request.messages) > 2:
            _, first, response = before
            results = decoded.request.messages[-1]
            assert results.role == "tool"
            calls = [part.id for part in response.parts if isinstance(part, ToolCall)]
            renamed = tuple(
                msgspec.structs.replace(part, call_id=call)
                for part, call in zip(results.parts, calls, strict=True)
                if isinstance(part, ToolResult)
            )
            results = msgspec.structs.replace(results, parts=renamed)
            messages = (*first.messages, response.as_message(), results)
            ours = exchange.again(msgspec.structs.replace(first, messages=messages), decoded.profile)
            assert json.loads(ours.http.body) == json.loads(exchange.request), exchange.name
            equal += 1
        before = (exchange.file, decoded.request, decode(exchange))
    assert equal >= 12


def test_what_is_not_modelled_is_reported(exchanges: list[Exchange]) -> None:
    """Every key of a recorded answer is either read or reported."""
    seen: set[str] = set()
    for exchange in exchanges:
        if exchange.streamed:
            decoder = gemini.decoder(ANYONE, report=True)
            decoder.feed(exchange.answer)
            decoder.close()
            seen |= decoder.unmodelled
        else:
            seen |= gemini.decode_response(exchange.answer, ANYONE, report=True)[1]
    assert seen == {
        "candidates[].avgLogprobs",
        "candidates[].finishMessage",
        "usageMetadata.candidatesTokensDetails",
        "usageMetadata.promptTokensDetails",
        "usageMetadata.trafficType",
    }


def test_signatures_go_back_on_the_part_that_carried_them(exchanges: list[Exchange]) -> None:
    """Every signature of an answer is in the request that holds the answer, on a part with the same data."""
    signed = 0
    for exchange in exchanges:
        bodies = (
            [json.loads(line[6:]) for line in exchange.answer.splitlines() if line.startswith(b"data: ")]
            if exchange.streamed
            else [json.loads(exchange.answer)]
        )
        parts = [part for body in bodies for part in body["candidates"][0]["content"]["parts"]]
        theirs = [part for part in parts if "thoughtSignature" in part]
        request = Request("m", (decode(exchange).as_message(),))
        contents = json.loads(gemini.encode_request(request, ANYONE).http.body)["contents"]
        ours = [part for content in contents for part in content["parts"] if "thoughtSignature" in part]
        assert ours == theirs, exchange.name
        signed += len(theirs)
    assert signed >= 15


def test_thoughts_come_before_what_was_thought_of(exchanges: list[Exchange]) -> None:
    thinking = [exchange for exchange in exchanges if b'"thought": true' in exchange.answer]
    assert len(thinking) == 4
    for exchange in thinking:
        response = decode(exchange)
        assert isinstance(response.parts[0], Reasoning)
        assert response.parts[0].text
        assert response.usage is not None
        assert response.usage.reasoning_tokens


@pytest.mark.parametrize("every", [97])
def test_a_flipped_bit_raises_a_model_error_or_decodes(exchanges: list[Exchange], every: int) -> None:
    """Damage in transit is a ModelError or another answer, never another exception."""
    for number, exchange in enumerate(exchanges):
        for place in range(number % every, len(exchange.answer), every):
            damaged = bytearray(exchange.answer)
            damaged[place] ^= 1 << (place % 8)
            try:
                if exchange.streamed:
                    decode_stream(bytes(damaged))
                else:
                    gemini.decode_response(bytes(damaged), ANYONE)
            except ModelError:
                pass
            gemini.decode_error(500, (), bytes(damaged), ANYONE)
            request = bytearray(exchange.request)
            request[place % len(request)] ^= 1 << (place % 8)
            with suppress(ModelError):
                gemini.decode_request(HTTPRequest("POST", exchange.url, (), bytes(request)))
