"""The dialect held against every recorded exchange of its wire."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import yaml

from playhead.dialects import openai_responses
from playhead.dialects.base import Endpoint
from playhead.errors import CutStreamError, ModelError
from playhead.events import ModelEvent
from playhead.fold import fold, unfold
from playhead.messages import Native, Reasoning, Source, Text
from playhead.request import Request
from playhead.response import Response
from playhead.wire import HTTPRequest

ANYONE = Endpoint("anyone", "https://example.test/v1", openai_responses.Profile())

#: Later requests that the recording client wrote with less than the answer before them held: it sends no reasoning.
CLIENT_LOST = {
    "TestAzureResponsesWithSummaryThinking/azure-gpt-5-mini/thinking-streaming.yaml 1",
    "TestAzureResponsesWithSummaryThinking/azure-gpt-5-mini/thinking.yaml 1",
    "TestOpenAIResponsesWithSummaryThinking/openai-gpt-5/thinking-streaming.yaml 1",
    "TestOpenAIResponsesWithSummaryThinking/openai-gpt-5/thinking.yaml 1",
}


class Exchange(NamedTuple):
    """One recorded exchange, named by its file and number."""

    name: str
    url: str
    request: bytes
    answer: bytes

    @property
    def streamed(self) -> bool:
        return not self.answer.lstrip().startswith(b"{")


@pytest.fixture(scope="module")
def exchanges(cassettes: Path) -> list[Exchange]:
    """Every exchange of every recording whose URL ends in /responses."""
    found = []
    for file in sorted(cassettes.rglob("*.yaml")):
        text = file.read_text()
        if "/responses" not in text:
            continue
        for item in yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["interactions"]:  # noqa: S506
            url = item["request"]["url"]
            if url.partition("?")[0].endswith("/responses"):
                name = f"{file.relative_to(cassettes)} {item['id']}"
                request, answer = item["request"]["body"], item["response"]["body"]
                found.append(Exchange(name, url, request.encode(), answer.encode()))
    assert len(found) >= 44
    return found


def decode_stream(data: bytes, cuts: list[int] | None = None) -> list[ModelEvent]:
    """The events of a stream that arrives in pieces, cut at these places."""
    decoder = openai_responses.decoder(ANYONE)
    events: list[ModelEvent] = []
    for start, end in pairwise([0, *(cuts or []), len(data)]):
        events += decoder.feed(data[start:end])
    return events + decoder.close()


def decode(exchange: Exchange) -> Response:
    if exchange.streamed:
        return fold(decode_stream(exchange.answer))
    return openai_responses.decode_response(exchange.answer, ANYONE)[0]


def test_every_recorded_request_is_written_back_the_same(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        decoded = openai_responses.decode_request(HTTPRequest("POST", exchange.url, (), exchange.request))
        base = exchange.url.removesuffix("/responses")
        encoded = openai_responses.encode_request(decoded.request, Endpoint("x", base, decoded.profile))
        assert encoded.http.url == exchange.url
        assert json.loads(encoded.http.body) == json.loads(exchange.request), exchange.name
        assert not decoded.unmodelled, exchange.name
        assert not encoded.warnings, exchange.name


def test_the_default_hand_is_the_recorded_one(exchanges: list[Exchange]) -> None:
    """All but the role of the system's messages, which is developer's for models that reason."""
    for exchange in exchanges:
        request = openai_responses.decode_request(HTTPRequest("POST", exchange.url, (), exchange.request)).request
        role: Any = "system" if b'"role":"system"' in exchange.request else "developer"
        here = Endpoint("x", "https://x.test", openai_responses.Profile(system_role=role))
        encoded = openai_responses.encode_request(request, here)
        assert json.loads(encoded.http.body) == json.loads(exchange.request), exchange.name


def test_every_answer_decodes_and_is_encoded_again(exchanges: list[Exchange]) -> None:
    """Re-encoded as JSON and as a stream, an answer decodes to the same Response."""
    for exchange in exchanges:
        response = decode(exchange)
        assert response.parts
        assert response.usage is not None
        assert response.finish.unified in ("stop", "tool_calls")
        again = openai_responses.decode_response(openai_responses.encode_response(response), ANYONE)[0]
        assert again == response, exchange.name
        for events in (unfold(response), decode_stream(exchange.answer) if exchange.streamed else []):
            data = b"".join(map(openai_responses.encoder().feed, events))
            assert not events or fold(decode_stream(data)) == response, exchange.name


def test_a_stream_and_its_last_event_say_the_same(exchanges: list[Exchange]) -> None:
    """The deltas of a stream make what the whole answer in its last event is; reasoning is encrypted anew each time."""

    def same(response: Response) -> tuple[Any, ...]:
        thoughts = [part for part in response.parts if isinstance(part, Reasoning)]
        others = [part for part in response.parts if not isinstance(part, Reasoning)]
        data = [{**t.opaque.value, "encrypted_content": ""} for t in thoughts if t.opaque is not None]
        return [t.text for t in thoughts], data, others, response.finish, response.usage, response.id, response.model

    streams = [exchange for exchange in exchanges if exchange.streamed]
    assert streams
    for exchange in streams:
        last = json.loads(exchange.answer.rstrip().rpartition(b"\ndata: ")[2])
        whole = openai_responses.decode_response(json.dumps(last["response"]).encode(), ANYONE)[0]
        assert same(decode(exchange)) == same(whole), exchange.name


def test_a_stream_gives_the_same_events_however_it_is_cut(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        if exchange.streamed:
            data = exchange.answer
            whole = decode_stream(data)
            assert decode_stream(data, list(range(1, len(data)))) == whole, exchange.name
            assert decode_stream(data, [len(data) // 3, len(data) // 2]) == whole, exchange.name
            assert decode_stream(data.replace(b"\n", b"\r\n"), [len(data) // 2]) == whole, exchange.name


def test_a_stream_that_ends_early_is_cut(exchanges: list[Exchange]) -> None:
    """The end is the last event, so a stream that lacks any byte of it is cut."""
    for exchange in exchanges:
        if exchange.streamed:
            size = len(exchange.answer.rstrip())
            for end in [*(size * tenth // 10 for tenth in range(10)), size - 1]:
                with pytest.raises(CutStreamError):
                    decode_stream(exchange.answer[:end])


def test_a_later_request_holds_the_whole_answer_before_it(exchanges: list[Exchange]) -> None:
    """The answer as we decode it, in the history as we encode it, is what was recorded: nothing is lost on the way."""
    before: tuple[str, Request, Response, Any] | None = None
    equal = 0
    for exchange in exchanges:
        decoded = openai_responses.decode_request(HTTPRequest("POST", exchange.url, (), exchange.request))
        file = exchange.name.rpartition(" ")[0]
        if before is not None and before[0] == file:
            _, first, response, profile = before
            known = len(first.messages)
            messages = (*first.messages, response.as_message(), *decoded.request.messages[known + 1 :])
            request = msgspec.structs.replace(first, messages=messages)
            ours = json.loads(
                openai_responses.encode_request(request, Endpoint("x", "https://x.test", profile)).http.body
            )
            theirs = json.loads(exchange.request)
            if exchange.name in CLIENT_LOST:
                lost = [item for item in ours["input"] if item not in theirs["input"]]
                assert [item["type"] for item in lost] == ["reasoning"], exchange.name
                assert lost[0]["encrypted_content"]
                ours["input"].remove(lost[0])
            assert ours == theirs, exchange.name
            equal += 1
        before = (file, decoded.request, decode(exchange), decoded.profile)
    assert equal >= 14


def test_summaries_are_the_words_of_reasoning_and_the_item_is_kept(exchanges: list[Exchange]) -> None:
    thinking = [exchange for exchange in exchanges if "Summary" in exchange.name]
    assert thinking
    for exchange in thinking:
        thoughts = [part for part in decode(exchange).parts if isinstance(part, Reasoning)]
        assert thoughts, exchange.name
        for thought in thoughts:
            assert thought.opaque is not None
            assert thought.opaque.value["encrypted_content"].startswith("gAAAA")
            assert thought.text == "\n\n".join(summary["text"] for summary in thought.opaque.value["summary"])


def test_a_web_search_and_what_it_found_are_parts(exchanges: list[Exchange]) -> None:
    searches = [exchange for exchange in exchanges if "WebSearch" in exchange.name]
    assert len(searches) == 2
    for exchange in searches:
        response = decode(exchange)
        search, text, *sources = response.parts
        assert isinstance(search, Native)
        assert search.kind == "web_search_call"
        assert search.opaque.value["action"]["query"]
        assert isinstance(text, Text)
        assert sources
        for source in sources:
            assert isinstance(source, Source)
            assert source.opaque is None
            assert source.url in text.text[source.start : source.end]
        decoded = openai_responses.decode_request(HTTPRequest("POST", exchange.url, (), exchange.request))
        assert decoded.request.options["tools"] == [{"type": "web_search"}]
        request = msgspec.structs.replace(decoded.request, messages=(response.as_message(),))
        back = json.loads(openai_responses.encode_request(request, Endpoint("x", "", decoded.profile)).http.body)
        assert back["input"][0] == search.opaque.value
        assert len(back["input"][1]["content"][0]["annotations"]) == len(sources)


def test_what_is_not_modelled_is_reported(exchanges: list[Exchange]) -> None:
    """Every key of a recorded answer is either read, kept or reported."""
    seen: set[str] = set()
    for exchange in exchanges:
        if exchange.streamed:
            decoder = openai_responses.decoder(ANYONE, report=True)
            decoder.feed(exchange.answer)
            decoder.close()
            seen |= decoder.unmodelled
        else:
            seen |= openai_responses.decode_response(exchange.answer, ANYONE, True)[1]
    assert seen == {"billing", "completed_at", "content_filters", "service_tier"}


@pytest.mark.parametrize("every", [97])
def test_a_flipped_bit_raises_a_model_error_or_decodes(exchanges: list[Exchange], every: int) -> None:
    """Damage in transit is a ModelError or another answer, never another exception."""
    for number, exchange in enumerate(exchanges[::2]):
        for place in range(number % every, len(exchange.answer), every * 7):
            damaged = bytearray(exchange.answer)
            damaged[place] ^= 1 << (place % 8)
            try:
                if exchange.streamed:
                    decode_stream(bytes(damaged))
                else:
                    openai_responses.decode_response(bytes(damaged), ANYONE, True)
            except ModelError:
                pass
            openai_responses.decode_error(500, (), bytes(damaged), ANYONE)


def test_every_item_of_a_written_stream_keeps_its_id(exchanges: list[Exchange]) -> None:
    """What is announced under an id is done under it, and it is the id that was recorded: clients hold on to it."""
    items = 0
    for exchange in exchanges:
        if not exchange.streamed:
            continue
        decoder, encoder = openai_responses.decoder(ANYONE), openai_responses.encoder()
        written = b"".join(map(encoder.feed, [*decoder.feed(exchange.answer), *decoder.close()]))
        said: dict[int, set[str]] = {}
        for line in written.splitlines():
            event = json.loads(line[6:]) if line.startswith(b"data: ") else {"type": ""}
            if event["type"].startswith("response.output_item."):
                said.setdefault(event["output_index"], set()).add(event["item"]["id"])
        for ids in said.values():
            assert len(ids) == 1, exchange.name
            assert ids.pop().encode() in exchange.answer, exchange.name
            items += 1
    assert items > 20
