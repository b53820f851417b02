"""Laws of the Converse codec over values of any kind; and Amazon's own library reads the bytes that it writes, and
writes the bytes that it reads."""

from __future__ import annotations

import binascii
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings, strategies as st

from playhead.dialects import bedrock_converse
from playhead.dialects.base import Endpoint
from playhead.errors import CutStreamError, PlayheadError, RateLimitError
from playhead.events import ModelEvent, ResponseEnd
from playhead.fold import fold, unfold
from playhead.messages import (
    Cache,
    File,
    Message,
    Native,
    Opaque,
    Reasoning,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from playhead.request import NamedTool, OutputSchema, Request, ToolSpec
from playhead.response import FinishReason, Response, Usage
from playhead.wire import HTTPRequest
from scripted_server import Answer, Asked, Loopback

ANYONE = Endpoint("bedrock", "https://b.test", bedrock_converse.Profile())
NAME = "bedrock_converse"


def own(value: Any) -> Opaque:
    return Opaque(NAME, value)


def stream_of(response: Response) -> bytes:
    encoder = bedrock_converse.encoder()
    return b"".join(map(encoder.feed, unfold(response)))


def read(*pieces: bytes) -> list[ModelEvent]:
    decoder = bedrock_converse.decoder(ANYONE)
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
PLAIN = st.text("abcXYZ09_-", min_size=1, max_size=8)
TEXT = WORDS.filter(lambda word: bool(word.strip()))
JSON_OBJECT = st.dictionaries(WORDS, st.integers(-(2**53), 2**53) | WORDS | st.booleans(), max_size=3)
ARGUMENTS = JSON_OBJECT.map(lambda value: msgspec.json.encode(value).decode())
CITATION = st.fixed_dictionaries({"title": WORDS, "location": st.just({"web": {"url": "https://a.test"}})})
PARTS = st.one_of(
    TEXT.map(lambda word: (Text(word),)),
    st.tuples(TEXT, st.lists(CITATION, min_size=1, max_size=2)).map(
        lambda said: (Text(said[0]), *(Source("https://a.test", one["title"], opaque=own(one)) for one in said[1]))
    ),
    st.builds(lambda text, signature: (Reasoning(text, own({"signature": signature})),), WORDS, WORDS),
    st.builds(lambda text: (Reasoning(text, own({})),), WORDS),
    st.binary(min_size=1, max_size=9).map(
        lambda data: (Reasoning("", own({"redactedContent": binascii.b2a_base64(data, newline=False).decode()})),)
    ),
    st.builds(lambda id, name, arguments: (ToolCall(id, name, arguments),), PLAIN, PLAIN, ARGUMENTS),
    st.builds(lambda data: (File("image/png", data),), st.binary(min_size=1, max_size=9)),
    st.builds(
        lambda name, said: (
            Native(
                "toolUse", own({"toolUse": {"toolUseId": "t", "name": name, "type": "server_tool_use", "input": said}})
            ),
        ),
        PLAIN,
        JSON_OBJECT,
    ),
    st.builds(
        lambda text, said: (
            Native("toolResult", own({"toolResult": {"toolUseId": "t", "content": [{"text": text}, {"json": said}]}})),
        ),
        WORDS,
        JSON_OBJECT,
    ),
)
COUNT = st.integers(0, 10**9)
WORDS_OF_FINISH = {
    "end_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "guardrail_intervened": "content_filter",
    "malformed_tool_use": "error",
    "some_new_word": "other",
}


@st.composite
def responses(draw: st.DrawFn) -> Response:
    parts = [part for group in draw(st.lists(PARTS, max_size=5)) for part in group]
    word = draw(st.sampled_from(list(WORDS_OF_FINISH)))
    read, written = draw(st.none() | COUNT), draw(st.none() | COUNT)
    given = draw(st.integers(1, 10**9)) + (read or 0) + (written or 0)
    usage = draw(st.none() | st.just(Usage(given, draw(COUNT), read, written)))
    unified: Any = WORDS_OF_FINISH[word]
    return Response(tuple(parts), FinishReason(unified, word), usage)


@settings(max_examples=150, deadline=None)
@given(responses(), st.data())
def test_decoding_what_was_encoded_gives_the_same_whole_and_streamed(response: Response, data: st.DataObject) -> None:
    body = bedrock_converse.encode_response(response)
    assert bedrock_converse.decode_response(body, ANYONE, report=True) == (response, frozenset())
    stream = stream_of(response)
    cut = data.draw(st.integers(0, len(stream)))
    events = read(stream[:cut], stream[cut:])
    assert fold(events) == response
    assert read(*(stream[n : n + 7] for n in range(0, len(stream), 7))) == events


@settings(max_examples=100, deadline=None)
@given(responses(), st.data())
def test_a_stream_that_ends_early_is_cut_or_lacks_its_usage_only(response: Response, data: st.DataObject) -> None:
    stream = stream_of(response)
    cut = data.draw(st.integers(0, len(stream) - 1))
    try:
        said = fold(read(stream[:cut]))
    except CutStreamError:
        return
    assert said == msgspec.structs.replace(response, usage=None)


@settings(max_examples=150, deadline=None)
@given(responses(), st.data())
def test_a_flipped_byte_of_a_stream_is_noticed(response: Response, data: st.DataObject) -> None:
    stream = bytearray(stream_of(response))
    place = data.draw(st.integers(0, len(stream) - 1))
    stream[place] ^= data.draw(st.integers(1, 255))
    try:
        said = fold(read(bytes(stream)))
    except PlayheadError:
        return
    assert said == response


@settings(max_examples=150, deadline=None)
@given(responses(), st.data())
def test_damage_of_a_whole_answer_is_an_error_or_another_answer(response: Response, data: st.DataObject) -> None:
    body = bytearray(bedrock_converse.encode_response(response))
    for place in data.draw(st.lists(st.integers(0, len(body) - 1), max_size=3)):
        body[place] = data.draw(st.integers(0, 255))
    for decode in (lambda: bedrock_converse.decode_response(bytes(body), ANYONE)[0], lambda: fold(read(bytes(body)))):
        with suppress(PlayheadError):
            assert isinstance(unfold(decode())[-1], ResponseEnd)


CACHE = st.none() | st.just(Cache()) | st.just(Cache("1h"))
IMAGE = st.builds(lambda data: File("image/jpeg", data), st.binary(min_size=1, max_size=9))
DOCUMENT = st.builds(lambda data, name: File("application/pdf", data, name=name), st.binary(max_size=9), st.just("a b"))
IN_S3 = st.just(File("video/mp4", url="s3://bucket/a.mp4"))
SAID = st.builds(Text, TEXT, CACHE)
GUARDED = st.just(Native("guardContent", own({"guardContent": {"text": {"text": "look at this"}}})))
RESULT = st.builds(
    ToolResult,
    PLAIN,
    st.just(""),
    st.lists(st.builds(Text, TEXT) | IMAGE | DOCUMENT, max_size=2).map(tuple),
    st.booleans(),
    CACHE,
)
USERS = st.lists(SAID | IMAGE | DOCUMENT | IN_S3 | GUARDED, min_size=1, max_size=3)
ASSISTANTS = st.lists(PARTS, min_size=1, max_size=3).map(lambda groups: [part for group in groups for part in group])
SPECS = st.lists(
    st.builds(ToolSpec, PLAIN, TEXT, JSON_OBJECT, st.none() | st.booleans(), CACHE), min_size=1, max_size=2
)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    messages: list[Message] = []
    if draw(st.booleans()):
        messages.append(Message("system", tuple(draw(st.lists(SAID, min_size=1, max_size=2)))))
    for _ in range(draw(st.integers(1, 3))):
        results = draw(st.lists(RESULT, max_size=2))
        if results:
            messages.append(Message("tool", tuple(results)))
        messages += [Message("user", tuple(draw(USERS))), Message("assistant", tuple(draw(ASSISTANTS)))]
    return Request(
        draw(st.sampled_from(["us.amazon.nova-pro-v1:0", "arn:aws:bedrock:us-east-1:1:inference-profile/us.x.y-v1:0"])),
        tuple(messages),
        tuple(draw(SPECS)),
        draw(st.none() | st.just("required") | st.just(NamedTool("f"))),
        draw(st.none() | st.builds(OutputSchema, PLAIN, JSON_OBJECT, st.none() | WORDS)),
        draw(st.none() | st.integers(1, 10**6)),
        draw(st.none() | st.floats(0, 1)),
        stop=tuple(draw(st.lists(WORDS, max_size=2))),
        stream=draw(st.booleans()),
        options=draw(st.just({}) | st.just({"additionalModelRequestFields": {"top_k": 3}})),
    )


@settings(max_examples=150, deadline=None)
@given(requests())
def test_a_request_that_is_read_and_written_again_is_the_same(request: Request) -> None:
    # A result before any call, beside results that the provider made itself, cannot be told from one of those.
    calls = {call.id for message in request.messages for call in message.all(ToolCall)}
    orphans = any(result.call_id not in calls for message in request.messages for result in message.all(ToolResult))
    theirs_too = any(part.kind == "toolResult" for message in request.messages for part in message.all(Native))
    assume(not (orphans and theirs_too))
    http = bedrock_converse.encode_request(request, ANYONE).http
    found = bedrock_converse.decode_request(http)
    assert found.unmodelled == ()
    names = {call.id: call.name for message in request.messages for call in message.all(ToolCall)}
    for ours, theirs in zip(request.messages, found.request.messages, strict=True):
        assert ours.role == theirs.role
        for a, b in zip(ours.parts, theirs.parts, strict=True):
            if isinstance(a, ToolResult) and isinstance(b, ToolResult):
                a = msgspec.structs.replace(a, name=b.name if a.call_id in names else "")
            assert a == b
    assert msgspec.structs.replace(found.request, messages=request.messages) == request
    again = bedrock_converse.encode_request(found.request, Endpoint("b", "https://b.test", found.profile)).http
    assert again.url == http.url
    assert msgspec.json.decode(again.body) == msgspec.json.decode(http.body)


def botocore_output(response: Response, name: str) -> tuple[Any, Any]:
    """Amazon's parser of this operation's answers, and the shape that it reads."""
    pytest.importorskip("botocore", reason="Amazon's library judges the wire")
    import botocore.session
    from botocore.parsers import create_parser

    model = botocore.session.get_session().get_service_model("bedrock-runtime")
    return create_parser(model.metadata["protocol"]), model.operation_model(name).output_shape


@settings(max_examples=40, deadline=None)
@given(responses())
def test_amazons_library_reads_what_the_encoders_write(response: Response) -> None:
    parser, shape = botocore_output(response, "Converse")
    said = {"headers": {}, "status_code": 200, "body": bedrock_converse.encode_response(response)}
    whole = parser.parse(said, shape)
    content = whole["output"]["message"]["content"]
    assert whole["stopReason"] == response.finish.raw
    assert [block["toolUse"]["name"] for block in content if "toolUse" in block and "type" not in block["toolUse"]] == [
        call.name for call in response.tool_calls
    ]
    if response.usage is not None:
        assert whole["usage"]["totalTokens"] == response.usage.total_tokens

    from botocore.eventstream import EventStreamBuffer

    _, shape = botocore_output(response, "ConverseStream")
    buffer = EventStreamBuffer()
    buffer.add_data(stream_of(response))
    texts: list[str] = []
    kinds: list[str] = []
    for event in buffer:
        parsed = parser._event_stream_parser.parse(event.to_response_dict(), shape.members["stream"])
        kinds += parsed
        texts.append(parsed.get("contentBlockDelta", {}).get("delta", {}).get("text", ""))
    assert "".join(texts) == response.text
    assert kinds[0] == "messageStart"
    assert kinds[-2:] == ["messageStop", "metadata"]


def test_amazons_library_reads_an_error_in_a_stream() -> None:
    parser, shape = botocore_output(Response((), FinishReason("stop")), "ConverseStream")
    from botocore.eventstream import EventStreamBuffer

    buffer = EventStreamBuffer()
    buffer.add_data(bedrock_converse.encoder().error(RateLimitError("slowly")))
    (event,) = buffer
    said = parser._event_stream_parser.parse(event.to_response_dict(), shape.members["stream"])
    assert said["Error"] == {"Code": "throttlingException", "Message": "slowly"}
    assert "throttlingException" in shape.members["stream"].members


CONVERSATION: dict[str, Any] = {
    "modelId": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
    "system": [{"text": "Be kind."}, {"cachePoint": {"type": "default"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"text": "Look."},
                {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}},
                {
                    "document": {
                        "format": "pdf",
                        "name": "paper",
                        "source": {"s3Location": {"uri": "s3://b-1/x.pdf", "bucketOwner": "123456789012"}},
                        "citations": {"enabled": True},
                    }
                },
                {"guardContent": {"text": {"text": "q", "qualifiers": ["query"]}}},
                {"cachePoint": {"type": "default", "ttl": "1h"}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}},
                {"reasoningContent": {"redactedContent": b"\x00\x01"}},
                {
                    "citationsContent": {
                        "content": [{"text": "As it says."}],
                        "citations": [
                            {"title": "paper", "location": {"documentPage": {"documentIndex": 0, "start": 1}}}
                        ],
                    }
                },
                {"toolUse": {"toolUseId": "t.1", "name": "weather", "input": {"location": "Florence"}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "toolResult": {
                        "toolUseId": "t.1",
                        "content": [
                            {"json": {"c": 40}},
                            {"text": "hot"},
                            {"document": {"name": "d", "source": {"content": [{"text": "one"}, {"text": "two"}]}}},
                            {"video": {"format": "three_gp", "source": {"bytes": b"v"}}},
                        ],
                        "status": "success",
                    }
                },
                {"text": "And tomorrow?"},
            ],
        },
    ],
    "inferenceConfig": {"maxTokens": 100, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]},
    "toolConfig": {
        "tools": [
            {
                "toolSpec": {
                    "name": "weather",
                    "description": "The weather",
                    "inputSchema": {"json": {"type": "object", "properties": {"location": {"type": "string"}}}},
                    "strict": True,
                }
            },
            {"cachePoint": {"type": "default"}},
            {"systemTool": {"name": "nova_grounding"}},
        ],
        "toolChoice": {"tool": {"name": "weather"}},
    },
    "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1", "trace": "enabled"},
    "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2000}, "top_k": 5},
    "additionalModelResponseFieldPaths": ["/stop_sequence"],
    "requestMetadata": {"who": "me"},
    "performanceConfig": {"latency": "standard"},
    "serviceTier": {"type": "flex"},
    "promptVariables": {"name": {"text": "x"}},
    "outputConfig": {
        "textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": '{ "type": "object" }'}}},
        "effort": "high",
    },
}


def test_what_amazons_client_sends_is_understood_and_written_again() -> None:
    """A real client over a real socket: what it asks is read whole, and it reads what is answered, in both ways."""
    pytest.importorskip("botocore", reason="Amazon's library judges the wire")
    import botocore.config
    import botocore.session

    said = Response(
        (Reasoning("hm", own({"signature": "s"})), Text("Hi 😀"), ToolCall("t2", "weather", '{"location":"Rome"}')),
        FinishReason("tool_calls", "tool_use"),
        Usage(12, 5, 4, 2),
    )

    def script(number: int, asked: Asked) -> Answer:
        if asked.path.endswith("-stream"):
            return Answer(200, [stream_of(said)], {"Content-Type": "application/vnd.amazon.eventstream"})
        return Answer(200, [bedrock_converse.encode_response(said)], {"Content-Type": "application/json"})

    with Loopback(script) as server:
        client = botocore.session.get_session().create_client(
            "bedrock-runtime",
            region_name="us-east-1",
            endpoint_url=server.url.removesuffix("/v1"),
            aws_access_key_id="AKIAEXAMPLE",
            aws_secret_access_key="example",
            config=botocore.config.Config(retries={"max_attempts": 0}, proxies={}),
        )
        whole = client.converse(**CONVERSATION)
        pieces = list(client.converse_stream(**CONVERSATION)["stream"])
        client.close()
        requests = list(server.requests)
    for asked, stream in zip(requests, (False, True), strict=True):
        http = HTTPRequest("POST", f"http://b.test{asked.path}", tuple(asked.headers.items()), asked.body)
        found = bedrock_converse.decode_request(http)
        assert found.unmodelled == ()
        assert (found.request.model, found.request.stream) == (CONVERSATION["modelId"], stream)
        assert [message.role for message in found.request.messages] == ["system", "user", "assistant", "tool", "user"]
        again = bedrock_converse.encode_request(found.request, Endpoint("b", "http://b.test", found.profile))
        assert again.warnings == ()
        assert msgspec.json.decode(again.http.body) == asked.json
        assert again.http.url == http.url
    assert whole["output"]["message"]["content"][1] == {"text": "Hi 😀"}
    assert whole["usage"] == {
        "inputTokens": 6,
        "outputTokens": 5,
        "totalTokens": 17,
        "cacheReadInputTokens": 4,
        "cacheWriteInputTokens": 2,
    }
    assert pieces[-2] == {"messageStop": {"stopReason": "tool_use"}}
    inputs = [piece["contentBlockDelta"]["delta"].get("toolUse") for piece in pieces if "contentBlockDelta" in piece]
    assert {"input": '{"location":"Rome"}'} in inputs
