"""OpenAI's own SDK against the fake provider: its requests are understood, and it understands our answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from sdk_law import PNG, SCHEMA, understood

from playhead import ContextTooLongError, File, OverloadedError, Reasoning, Refusal, Source, ToolCall, ToolResult, Usage
from playhead.request import NamedTool
from playhead.testing import FakeProvider, refuse, reply, tool_call

openai = pytest.importorskip("openai", reason="a counter-check with OpenAI's SDK: pip install openai")

DATA_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()
FUNCTION = {"name": "weather", "description": "the weather", "parameters": SCHEMA, "strict": True}


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def client(fake: FakeProvider) -> Iterator[Any]:
    with openai.OpenAI(base_url=fake.url + "/v1", api_key="sk-fake", max_retries=0) as made:
        yield made


def conversation() -> list[dict[str, Any]]:
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"location": "Rome"}'}}
    picture = {"type": "image_url", "image_url": {"url": DATA_URL, "detail": "low"}}
    return [
        {"role": "system", "content": "Be kind"},
        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, picture]},
        {"role": "assistant", "content": "Let me look", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "40 C"},
        {"role": "user", "content": "And now?"},
    ]


def test_chat_whole(fake: FakeProvider, client: Any) -> None:
    usage = Usage(30, 20, cached_tokens=10, reasoning_tokens=5)
    fake.script(reply("Let me look", tool_call("weather", location="Rome"), usage=usage, id="chatcmpl-1"))
    answer = client.chat.completions.create(
        model="gpt-4o",
        messages=conversation(),
        tools=[{"type": "function", "function": FUNCTION}],
        tool_choice={"type": "function", "function": {"name": "weather"}},
        parallel_tool_calls=False,
        temperature=0.5,
        max_completion_tokens=100,
        reasoning_effort="low",
        seed=3,
        stop=["END"],
    )
    choice = answer.choices[0]
    assert (answer.id, answer.model, answer.object) == ("chatcmpl-1", "gpt-4o", "chat.completion")
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content == "Let me look"
    assert choice.message.tool_calls[0].function.name == "weather"
    assert json.loads(choice.message.tool_calls[0].function.arguments) == {"location": "Rome"}
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (30, 20, 50)
    assert answer.usage.prompt_tokens_details.cached_tokens == 10
    assert answer.usage.completion_tokens_details.reasoning_tokens == 5
    asked = understood(fake.requests[0])
    assert [message.role for message in asked.messages] == ["system", "user", "assistant", "tool", "user"]
    assert asked.messages[1].all(File)[0].data == PNG
    assert asked.messages[2].all(ToolCall)[0].arguments == '{"location": "Rome"}'
    assert asked.messages[3].all(ToolResult)[0].text == "40 C"
    assert asked.tool_choice == NamedTool("weather")
    assert (asked.temperature, asked.max_tokens, asked.seed, asked.stop) == (0.5, 100, 3, ("END",))
    assert asked.reasoning is not None
    assert asked.reasoning.effort == "low"
    # What it was answered, as it writes it back.
    fake.script("done")
    result = {**conversation()[3], "tool_call_id": choice.message.tool_calls[0].id}
    client.chat.completions.create(model="gpt-4o", messages=[conversation()[0], choice.message, result])
    back = understood(fake.requests[1], but=("messages[1].refusal", "messages[1].tool_calls[0].index"))
    assert back.messages[1].text == "Let me look"
    assert back.messages[2].all(ToolResult)[0].call_id == back.messages[1].all(ToolCall)[0].id


def test_chat_streamed(fake: FakeProvider, client: Any) -> None:
    fake.script(reply("one two", tool_call("weather", location="Rome"), tool_call("weather", location="Pisa")))
    with client.chat.completions.stream(
        model="gpt-4o",
        messages=conversation(),
        tools=[{"type": "function", "function": FUNCTION}],
        stream_options={"include_usage": True},
    ) as stream:
        kinds = [event.type for event in stream]
        answer = stream.get_final_completion()
    assert "content.delta" in kinds
    assert "tool_calls.function.arguments.done" in kinds
    message = answer.choices[0].message
    assert message.content == "one two"
    said = [json.loads(call.function.arguments) for call in message.tool_calls]
    assert said == [{"location": "Rome"}, {"location": "Pisa"}]
    assert answer.usage.completion_tokens == fake.billed.output_tokens
    assert understood(fake.requests[0]).stream


def test_chat_structured(fake: FakeProvider, client: Any) -> None:
    pydantic = pytest.importorskip("pydantic", reason="the SDK's own way to ask for a type")
    person = pydantic.create_model("Person", name=(str, ...), age=(int, ...))
    fake.script('{"name": "Ada", "age": 36}', reply(Refusal("I will not")))
    asking = {"model": "gpt-4o", "messages": [{"role": "user", "content": "who?"}], "response_format": person}
    answer = client.chat.completions.parse(**asking)
    assert answer.choices[0].message.parsed == person(name="Ada", age=36)
    asked = understood(fake.requests[0])
    assert asked.output is not None
    assert (asked.output.name, asked.output.strict) == ("Person", True)
    assert client.chat.completions.parse(**asking).choices[0].message.refusal == "I will not"


PICTURE = {"type": "input_image", "image_url": DATA_URL, "detail": "auto"}
ITEMS: list[dict[str, Any]] = [
    {"role": "user", "content": [{"type": "input_text", "text": "What?"}, PICTURE]},
    {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"location": "Rome"}'},
    {"type": "function_call_output", "call_id": "call_1", "output": "40 C"},
    {"role": "user", "content": "And now?"},
]


def test_responses_whole(fake: FakeProvider, client: Any) -> None:
    usage = Usage(30, 20, cached_tokens=10, reasoning_tokens=5)
    source = Source("https://example.test/rome", "Rome", 0, 3)
    fake.script(reply(Reasoning("Hm."), "Rome is hot", source, tool_call("weather", location="Rome"), usage=usage))
    answer = client.responses.create(
        model="gpt-5",
        instructions="Be kind",
        input=ITEMS,
        tools=[{"type": "function", **FUNCTION}],
        tool_choice="required",
        include=["reasoning.encrypted_content"],
        store=False,
        reasoning={"effort": "low", "summary": "auto"},
        max_output_tokens=100,
    )
    assert answer.status == "completed"
    assert answer.output_text == "Rome is hot"
    assert [item.type for item in answer.output] == ["reasoning", "message", "function_call"]
    assert answer.output[0].summary[0].text == "Hm."
    assert answer.output[0].encrypted_content
    assert answer.output[1].content[0].annotations[0].url == "https://example.test/rome"
    assert json.loads(answer.output[2].arguments) == {"location": "Rome"}
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (30, 20, 50)
    assert answer.usage.input_tokens_details.cached_tokens == 10
    assert answer.usage.output_tokens_details.reasoning_tokens == 5
    asked = understood(fake.requests[0])
    assert [message.role for message in asked.messages] == ["system", "user", "assistant", "tool", "user"]
    assert asked.messages[1].all(File)[0].data == PNG
    assert asked.tool_choice == "required"
    # The answer goes back as the SDK writes it, thoughts and all.
    fake.script("done")
    result = {"type": "function_call_output", "call_id": answer.output[2].call_id, "output": "40 C"}
    client.responses.create(model="gpt-5", input=[*ITEMS, *answer.output, result])
    back = understood(fake.requests[1])
    assert [part.text for message in back.messages for part in message.all(Reasoning)] == ["Hm."]


def test_responses_streamed(fake: FakeProvider, client: Any) -> None:
    fake.script(reply(Reasoning("Let me think."), "one two", tool_call("weather", location="Rome")))
    with client.responses.stream(
        model="gpt-5", input=ITEMS, tools=[{"type": "function", **FUNCTION}], reasoning={"effort": "high"}
    ) as stream:
        events = list(stream)
        answer = stream.get_final_response()
    kinds = {event.type for event in events}
    assert {
        "response.created",
        "response.reasoning_summary_text.delta",
        "response.output_text.delta",
        "response.function_call_arguments.delta",
        "response.output_item.done",
        "response.completed",
    } <= kinds
    assert answer.output_text == "one two"
    assert json.loads(answer.output[2].arguments) == {"location": "Rome"}
    assert [event.sequence_number for event in events if hasattr(event, "sequence_number")] == sorted(
        event.sequence_number for event in events if hasattr(event, "sequence_number")
    )
    assert understood(fake.requests[0]).stream


def test_responses_structured(fake: FakeProvider, client: Any) -> None:
    pydantic = pytest.importorskip("pydantic", reason="the SDK's own way to ask for a type")
    person = pydantic.create_model("Person", name=(str, ...), age=(int, ...))
    fake.script('{"name": "Ada", "age": 36}')
    answer = client.responses.parse(model="gpt-5", input="who?", text_format=person)
    assert answer.output_parsed == person(name="Ada", age=36)
    asked = understood(fake.requests[0])
    assert asked.output is not None
    assert asked.output.name == "Person"


@pytest.mark.parametrize("wire", ["chat", "responses"])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (503, "InternalServerError"),
    ],
)
def test_refusals_are_its_own_errors(fake: FakeProvider, client: Any, wire: str, status: int, kind: str) -> None:
    fake.script(refuse(status, "no, and here is why", retry_after=3))
    said = [{"role": "user", "content": "hi"}]
    ask = client.chat.completions.create if wire == "chat" else client.responses.create
    with pytest.raises(getattr(openai, kind)) as caught:
        ask(model="m", **({"messages": said} if wire == "chat" else {"input": said}))
    assert "no, and here is why" in caught.value.message
    assert caught.value.request_id == "req_fake_1"
    assert caught.value.response.headers["retry-after"] == "3"


def test_a_code_is_read_and_an_error_in_a_stream_raises(fake: FakeProvider, client: Any) -> None:
    long = ContextTooLongError("too long")
    fake.script(refuse(long), refuse(long), reply("one two", error=OverloadedError("busy now")))
    messages = [{"role": "user", "content": "hi"}]
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="m", messages=messages)
    assert caught.value.type == "context_length_exceeded"  # as OpenRouter has it; its code is the status
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="m", input="hi")
    assert caught.value.code == "context_length_exceeded"
    with pytest.raises(openai.APIError, match="busy now"):
        list(client.chat.completions.create(model="m", messages=messages, stream=True))


def test_its_own_retries_meet_the_script(fake: FakeProvider) -> None:
    fake.script(refuse(429, retry_after=0.01), refuse(503), "ok")
    with openai.OpenAI(base_url=fake.url, api_key="sk-fake", max_retries=3) as client:
        answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    assert answer.choices[0].message.content == "ok"
    assert (fake.refused, fake.answered) == (2, 1)
