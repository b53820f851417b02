"""Anthropic's own SDK against the fake provider, on its API, on Bedrock and on Vertex AI: its requests are understood,
and it understands our answers."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from sdk_law import PNG, SCHEMA, understood

from playhead import (
    ContextTooLongError,
    File,
    OverloadedError,
    Reasoning,
    Source,
    ToolCall,
    ToolResult,
    Usage,
)
from playhead.testing import FakeProvider, refuse, reply, tool_call

anthropic = pytest.importorskip("anthropic", reason="a counter-check with Anthropic's SDK: pip install anthropic")

PICTURE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()},
}
PAPER = {
    "type": "document",
    "source": {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(b"%PDF-1.4").decode()},
    "title": "paper.pdf",
}
TOOLS = [{"name": "weather", "description": "the weather", "input_schema": SCHEMA}]
CONVERSATION: list[dict[str, Any]] = [
    {"role": "user", "content": [{"type": "text", "text": "What is this?"}, PICTURE, PAPER]},
    {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
            {"type": "text", "text": "Let me look"},
            {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"location": "Rome"}},
        ],
    },
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "40 C"}]},
]


def api(fake: FakeProvider) -> Any:
    return anthropic.Anthropic(base_url=fake.url, api_key="sk-fake", max_retries=0)


def bedrock(fake: FakeProvider) -> Any:
    return anthropic.AnthropicBedrock(base_url=fake.url, api_key="fake-key", aws_region="us-east-1", max_retries=0)


def vertex(fake: FakeProvider) -> Any:
    return anthropic.AnthropicVertex(
        base_url=f"{fake.url}/v1", region="us-east5", project_id="project", access_token="token", max_retries=0
    )


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider("anthropic") as provider:
        yield provider


@pytest.fixture(params=[api, bedrock, vertex], ids=lambda make: make.__name__)
def client(fake: FakeProvider, request: pytest.FixtureRequest) -> Iterator[Any]:
    with request.param(fake) as made:
        yield made


def asking(**more: Any) -> dict[str, Any]:
    return {"model": "claude-x", "max_tokens": 2000, "messages": CONVERSATION, "tools": TOOLS, **more}


def test_a_whole_answer(fake: FakeProvider, client: Any) -> None:
    usage = Usage(100, 20, cached_tokens=60, cache_write_tokens=10)
    fake.script(reply("Let me look", tool_call("weather", location="Rome"), usage=usage, id="msg_1"))
    answer = client.messages.create(
        **asking(
            system=[{"type": "text", "text": "Be kind", "cache_control": {"type": "ephemeral"}}],
            tool_choice={"type": "any"},
            thinking={"type": "enabled", "budget_tokens": 1024},
            stop_sequences=["END"],
        )
    )
    assert (answer.id, answer.model, answer.role, answer.stop_reason) == ("msg_1", "claude-x", "assistant", "tool_use")
    assert [block.type for block in answer.content] == ["text", "tool_use"]
    assert answer.content[0].text == "Let me look"
    assert answer.content[1].input == {"location": "Rome"}
    said = answer.usage
    assert (said.cache_read_input_tokens, said.cache_creation_input_tokens) == (60, 10)
    assert said.input_tokens + 60 + 10 == 100
    assert said.output_tokens == 20
    asked = understood(fake.requests[0])
    assert [message.role for message in asked.messages] == ["system", "user", "assistant", "tool"]
    assert [file.media_type for file in asked.messages[1].all(File)] == ["image/png", "application/pdf"]
    assert asked.messages[2].all(Reasoning)[0].text == "Hm."
    assert asked.messages[2].all(ToolCall)[0].arguments == '{"location":"Rome"}'
    assert asked.messages[3].all(ToolResult)[0].text == "40 C"
    assert (asked.tool_choice, asked.max_tokens, asked.stop) == ("required", 2000, ("END",))
    assert asked.reasoning is not None
    assert asked.reasoning.max_tokens == 1024


def test_a_streamed_answer_and_its_way_back(fake: FakeProvider, client: Any) -> None:
    fake.script(reply(Reasoning("Let me think."), "one two", tool_call("weather", location="Rome")), "done")
    with client.messages.stream(**asking(thinking={"type": "enabled", "budget_tokens": 1024})) as stream:
        kinds = [event.type for event in stream]
        answer = stream.get_final_message()
    assert {"thinking", "text", "input_json", "message_stop"} <= set(kinds)
    assert [block.type for block in answer.content] == ["thinking", "text", "tool_use"]
    assert answer.content[0].thinking == "Let me think."
    assert answer.content[0].signature
    assert answer.content[1].text == "one two"
    assert answer.content[2].input == {"location": "Rome"}
    assert answer.usage.output_tokens == fake.billed.output_tokens
    assert understood(fake.requests[0]).stream
    # The answer goes back as the SDK writes it, thoughts and signature with it.
    result = {"type": "tool_result", "tool_use_id": answer.content[2].id, "content": "40 C", "is_error": False}
    more = [{"role": "assistant", "content": answer.content}, {"role": "user", "content": [result]}]
    client.messages.create(**asking(messages=[*CONVERSATION[:1], *more]))
    back = understood(fake.requests[1]).messages[1].all(Reasoning)[0]
    assert back.text == "Let me think."
    assert back.opaque is not None
    assert back.opaque.value["signature"] == answer.content[0].signature


def test_citations(fake: FakeProvider, client: Any) -> None:
    cited = reply("Rome is hot", Source("https://example.test/rome", "Rome"))
    fake.script(cited, cited)
    whole = client.messages.create(**asking())
    with client.messages.stream(**asking()) as stream:
        streamed = stream.get_final_message()
    for answer in (whole, streamed):
        assert answer.content[0].citations[0].url == "https://example.test/rome"
        assert answer.content[0].citations[0].title == "Rome"


def test_structured(fake: FakeProvider) -> None:
    pydantic = pytest.importorskip("pydantic", reason="the SDK's own way to ask for a type")
    person = pydantic.create_model("Person", name=(str, ...), age=(int, ...))
    fake.script('{"name": "Ada", "age": 36}')
    with api(fake) as client:
        answer = client.messages.parse(
            model="claude-x", max_tokens=100, messages=[{"role": "user", "content": "who?"}], output_format=person
        )
    assert answer.parsed_output == person(name="Ada", age=36)
    asked = understood(fake.requests[0])
    assert asked.output is not None
    assert asked.output.schema is not None
    assert set(asked.output.schema["properties"]) == {"name", "age"}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (529, "InternalServerError"),
    ],
)
def test_refusals_are_its_own_errors(fake: FakeProvider, client: Any, status: int, kind: str) -> None:
    fake.script(refuse(status, "no, and here is why", retry_after=3))
    with pytest.raises(getattr(anthropic, kind)) as caught:
        client.messages.create(**asking())
    assert "no, and here is why" in str(caught.value)
    assert caught.value.status_code == status
    assert caught.value.response.headers["retry-after"] == "3"
    assert caught.value.body["type"] == "error"


def test_an_error_in_a_stream_raises(fake: FakeProvider, client: Any) -> None:
    fake.script(reply("one two", error=OverloadedError("busy now")))
    with pytest.raises(anthropic.APIStatusError, match="busy now"), client.messages.stream(**asking()) as stream:
        list(stream)


def test_a_request_that_is_too_long_says_so(fake: FakeProvider, client: Any) -> None:
    fake.script(refuse(ContextTooLongError("prompt is too long: 3 tokens > 2 maximum")))
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long"):
        client.messages.create(**asking())


def test_its_own_retries_meet_the_script(fake: FakeProvider) -> None:
    fake.script(refuse(429, retry_after=0.01), refuse(529), "ok")
    with anthropic.Anthropic(base_url=fake.url, api_key="sk-fake", max_retries=3) as client:
        assert client.messages.create(**asking()).content[0].text == "ok"
    assert (fake.refused, fake.answered) == (2, 1)
    assert understood(fake.requests[0]).messages[0].role == "user"
