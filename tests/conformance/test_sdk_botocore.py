"""Amazon's own client against the fake provider, in Converse: its requests are understood, and it understands our
answers, their frames among them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from sdk_law import PNG, SCHEMA, understood

from playhead import ContextTooLongError, File, OverloadedError, Reasoning, ToolCall, ToolResult, Usage
from playhead.testing import FakeProvider, refuse, reply, tool_call

session = pytest.importorskip("botocore.session", reason="a counter-check with Amazon's client: pip install botocore")
exceptions = pytest.importorskip("botocore.exceptions")

MODEL = "anthropic.claude-sonnet-4-v1:0"
TOOLS = {"tools": [{"toolSpec": {"name": "weather", "description": "the weather", "inputSchema": {"json": SCHEMA}}}]}
CONVERSATION: list[dict[str, Any]] = [
    {"role": "user", "content": [{"text": "What is this?"}, {"image": {"format": "png", "source": {"bytes": PNG}}}]},
    {
        "role": "assistant",
        "content": [
            {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
            {"text": "Let me look"},
            {"toolUse": {"toolUseId": "tooluse_1", "name": "weather", "input": {"location": "Rome"}}},
        ],
    },
    {
        "role": "user",
        "content": [{"toolResult": {"toolUseId": "tooluse_1", "content": [{"text": "40 C"}], "status": "success"}}],
    },
]


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider("bedrock_converse") as provider:
        yield provider


@pytest.fixture
def client(fake: FakeProvider) -> Iterator[Any]:
    from botocore.config import Config

    made = session.get_session().create_client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=fake.url,
        aws_access_key_id="fake",
        aws_secret_access_key="fake",
        config=Config(retries={"total_max_attempts": 1}),
    )
    yield made
    made.close()


def test_a_whole_answer(fake: FakeProvider, client: Any) -> None:
    usage = Usage(100, 20, cached_tokens=60, cache_write_tokens=10)
    fake.script(reply(Reasoning("Hm."), "Let me look", tool_call("weather", location="Rome"), usage=usage))
    answer = client.converse(
        modelId=MODEL,
        system=[{"text": "Be kind"}],
        messages=CONVERSATION,
        toolConfig={**TOOLS, "toolChoice": {"any": {}}},
        inferenceConfig={"maxTokens": 100, "temperature": 0.5, "stopSequences": ["END"]},
    )
    assert answer["stopReason"] == "tool_use"
    content = answer["output"]["message"]["content"]
    assert content[0]["reasoningContent"]["reasoningText"]["text"] == "Hm."
    assert content[0]["reasoningContent"]["reasoningText"]["signature"]
    assert content[1] == {"text": "Let me look"}
    assert (content[2]["toolUse"]["name"], content[2]["toolUse"]["input"]) == ("weather", {"location": "Rome"})
    said = answer["usage"]
    assert (said["cacheReadInputTokens"], said["cacheWriteInputTokens"], said["outputTokens"]) == (60, 10, 20)
    assert answer["ResponseMetadata"]["RequestId"] == "req_fake_1"
    asked = understood(fake.requests[0])
    assert [message.role for message in asked.messages] == ["system", "user", "assistant", "tool"]
    assert asked.messages[1].all(File)[0].data == PNG
    assert asked.messages[2].all(Reasoning)[0].text == "Hm."
    assert json.loads(asked.messages[2].all(ToolCall)[0].arguments) == {"location": "Rome"}
    assert asked.messages[3].all(ToolResult)[0].text == "40 C"
    assert (asked.tool_choice, asked.temperature, asked.max_tokens) == ("required", 0.5, 100)
    # The answer goes back as it came.
    fake.script("done")
    result = {"toolResult": {"toolUseId": content[2]["toolUse"]["toolUseId"], "content": [{"text": "40 C"}]}}
    more = [answer["output"]["message"], {"role": "user", "content": [result]}]
    client.converse(modelId=MODEL, messages=[*CONVERSATION[:1], *more], toolConfig=TOOLS)
    assert understood(fake.requests[1]).messages[1].all(Reasoning)[0].text == "Hm."


def test_a_streamed_answer(fake: FakeProvider, client: Any) -> None:
    fake.script(reply(Reasoning("Let me think."), "one two", tool_call("weather", location="Rome")))
    answer = client.converse_stream(modelId=MODEL, messages=CONVERSATION, toolConfig=TOOLS)
    with closing(answer["stream"]) as stream:
        events = list(stream)
    deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
    assert "".join(delta.get("text", "") for delta in deltas) == "one two"
    thoughts = [delta["reasoningContent"] for delta in deltas if "reasoningContent" in delta]
    assert "".join(thought.get("text", "") for thought in thoughts) == "Let me think."
    assert any(thought.get("signature") for thought in thoughts)
    said = "".join(delta["toolUse"]["input"] for delta in deltas if "toolUse" in delta)
    assert json.loads(said) == {"location": "Rome"}
    assert [event["messageStop"]["stopReason"] for event in events if "messageStop" in event] == ["tool_use"]
    usage = [event["metadata"]["usage"] for event in events if "metadata" in event]
    assert usage[0]["outputTokens"] == fake.billed.output_tokens
    assert understood(fake.requests[0]).stream


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ValidationException"),
        (403, "AccessDeniedException"),
        (404, "ResourceNotFoundException"),
        (429, "ThrottlingException"),
        (500, "InternalServerException"),
        (503, "ServiceUnavailableException"),
    ],
)
def test_refusals_are_its_own_errors(fake: FakeProvider, client: Any, status: int, code: str) -> None:
    fake.script(refuse(status, "no, and here is why"))
    with pytest.raises(exceptions.ClientError) as caught:
        client.converse(modelId=MODEL, messages=CONVERSATION[:1])
    said = caught.value.response
    assert said["ResponseMetadata"]["HTTPStatusCode"] == status
    assert "no, and here is why" in said["Error"]["Message"]
    assert said["Error"]["Code"] == code


def test_a_request_that_is_too_long_says_so(fake: FakeProvider, client: Any) -> None:
    fake.script(refuse(ContextTooLongError("Input is too long for requested model")))
    with pytest.raises(exceptions.ClientError, match=r"ValidationException.*too long"):
        client.converse(modelId=MODEL, messages=CONVERSATION[:1])


def test_an_error_in_a_stream_raises(fake: FakeProvider, client: Any) -> None:
    fake.script(reply("one two", error=OverloadedError("busy now")))
    answer = client.converse_stream(modelId=MODEL, messages=CONVERSATION[:1])
    with closing(answer["stream"]) as stream, pytest.raises(exceptions.EventStreamError, match="busy now"):
        list(stream)
