"""What every wire must do, over every wire: the same agent, the same script, whole and in pieces, the same result."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from services import SERVICES, Service, agent_of, run, those_with

from playhead import (
    File,
    Native,
    PartDelta,
    Reasoning,
    Refusal,
    Request,
    Source,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    tool,
    user,
)
from playhead.testing import FakeProvider, reply, tool_call

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def everywhere(*words: str) -> Any:
    """Each service whose wire has this, whole and streamed."""

    def decorate(test: Any) -> Any:
        test = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])(test)
        return pytest.mark.parametrize("service", those_with(*words), ids=lambda service: service.model)(test)

    return decorate


@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return f"40 C in {location}"


@tool
def add(a: int, b: int) -> str:
    """Adds two numbers"""
    return str(a + b)


@dataclass
class Person:
    name: str
    age: int


@everywhere()
def test_says_hi(service: Service, streamed: bool) -> None:
    with FakeProvider() as fake:
        fake.script("Oi! Olá, tudo bem?")
        result = asyncio.run(run(agent_of(fake, service, system="You are helpful"), streamed, "Say hi in Portuguese"))
        assert result.text == "Oi! Olá, tudo bem?"
        response = result.steps[0].response
        assert response.finish.unified == "stop"
        assert response.usage is not None
        assert (response.usage.input_tokens, response.usage.output_tokens) == (
            fake.billed.input_tokens,
            fake.billed.output_tokens,
        )
        asked = fake.requests[0]
        assert asked.dialect_name == service.dialect
        assert asked.stream is streamed
        assert [message.text for message in asked.request.messages] == ["You are helpful", "Say hi in Portuguese"]
        assert asked.unmodelled == ()
        assert asked.model == service.model.partition(":")[2]


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.model)
def test_a_stream_comes_in_pieces(service: Service) -> None:
    async def pieces() -> list[str]:
        async with agent_of(fake, service).stream("hi") as stream:
            return [event.text async for event in stream if isinstance(event, PartDelta)]

    with FakeProvider() as fake:
        fake.script("one two three")
        said = asyncio.run(pieces())
        assert "".join(said).endswith("two three")
        assert len(said) >= 2


@everywhere()
def test_calls_a_tool_and_says_what_it_said(service: Service, streamed: bool) -> None:
    with FakeProvider() as fake:
        fake.script(reply(tool_call("weather", location="Florence, Itália")), "It is 40 C in Florence")
        result = asyncio.run(run(agent_of(fake, service, tools=[weather]), streamed, "weather?"))
        assert result.text == "It is 40 C in Florence"
        assert result.steps[0].response.finish.unified == "tool_calls"
        told = fake.requests[1].request
        assert [message.role for message in told.messages] == ["user", "assistant", "tool"]
        call = told.messages[1].all(ToolCall)[0]
        answered = told.messages[2].all(ToolResult)[0]
        assert msgspec.json.decode(call.arguments) == {"location": "Florence, Itália"}
        assert (answered.text, answered.is_error) == ("40 C in Florence, Itália", False)
        assert answered.call_id == call.id
        assert told.tools[0].name == "weather"
        assert fake.requests[1].unmodelled == ()


@everywhere()
def test_calls_two_tools_at_once(service: Service, streamed: bool) -> None:
    with FakeProvider() as fake:
        calls = tool_call("add", a=2, b=3), tool_call("weather", location="Rome")
        fake.script(reply("Both.", *calls), "5, and 40 C")
        result = asyncio.run(run(agent_of(fake, service, tools=[weather, add]), streamed, "both"))
        assert [call.name for call in result.steps[0].response.tool_calls] == ["add", "weather"]
        results = [part for message in fake.requests[1].request.messages for part in message.all(ToolResult)]
        assert [result.text for result in results] == ["5", "40 C in Rome"]
        assert len({result.call_id for result in results}) == 2


@everywhere()
def test_a_failing_tool_is_told_as_an_error(service: Service, streamed: bool) -> None:
    with FakeProvider() as fake:
        fake.script(reply(tool_call("add", a="two", b=3)), "I see")
        result = asyncio.run(run(agent_of(fake, service, tools=[add]), streamed, "add"))
        assert result.text == "I see"
        assert result.steps[0].results[0].is_error
        assert "a" in fake.requests[1].request.messages[-1].all(ToolResult)[0].text


@everywhere("thinking")
def test_thoughts_are_parts_and_go_back_verbatim(service: Service, streamed: bool) -> None:
    with FakeProvider() as fake:
        fake.script(reply(Reasoning("First, ask."), tool_call("weather", location="Rome")), "40 C")
        result = asyncio.run(run(agent_of(fake, service, tools=[weather], reasoning="high"), streamed, "weather?"))
        said = result.steps[0].response
        thoughts = [part for part in said.parts if isinstance(part, Reasoning)]
        assert "".join(thought.text for thought in thoughts) == "First, ask."
        back = fake.requests[1].request.messages[1]
        signed = [part.opaque for part in said.parts if isinstance(part, Reasoning | ToolCall) and part.opaque]
        assert [part.opaque for part in back.parts if isinstance(part, Reasoning | ToolCall) and part.opaque] == signed
        if service.dialect == "openai_chat":
            assert [part.text for part in back.all(Reasoning)] == ["First, ask."]
        else:
            assert signed
        assert fake.requests[0].request.reasoning is not None


@everywhere()
def test_counts_what_was_cached(service: Service, streamed: bool) -> None:
    counts = {"input_tokens": 100, "output_tokens": 20, "cached_tokens": 60}
    if service.has("cache_write"):
        counts["cache_write_tokens"] = 10
    if service.has("reasoning_tokens"):
        counts["reasoning_tokens"] = 5
    with FakeProvider() as fake:
        fake.script(reply("ok", usage=Usage(**counts)))
        result = asyncio.run(run(agent_of(fake, service), streamed, "hi"))
        usage = result.usage
        assert {name: getattr(usage, name) for name in counts} == counts


@everywhere()
def test_an_object_is_the_type_that_was_asked_for(service: Service, streamed: bool) -> None:
    with FakeProvider() as fake:
        fake.script('{"name": "Ada", "age": 36}')
        result = asyncio.run(run(agent_of(fake, service, output=Person), streamed, "who?"))
        assert result.output == Person("Ada", 36)
        sent = fake.requests[0].request
        if sent.output is not None:
            assert sent.output.schema is not None
            assert set(sent.output.schema["properties"]) == {"name", "age"}


@pytest.mark.parametrize("mode", ["native", "tool", "text"])
@everywhere()
def test_an_object_is_asked_for_in_each_mode(service: Service, streamed: bool, mode: Any) -> None:
    """By the wire's own field, by a tool that must be called, or in words: the model does as it is told."""

    def ada(request: Request) -> Any:
        if request.tools:
            return reply(tool_call(request.tools[-1].name, name="Ada", age=36))
        return '{"name": "Ada", "age": 36}'

    with FakeProvider(answer=ada) as fake:
        result = asyncio.run(run(agent_of(fake, service, output=Person, output_mode=mode), streamed, "who?"))
        assert result.output == Person("Ada", 36)
        sent = fake.requests[0].request
        assert bool(sent.tools) is (mode == "tool")
        assert fake.requests[0].unmodelled == ()
        assert len(fake.requests) == 1
        if mode == "text":
            assert "age" in "".join(message.text for message in sent.messages)


@everywhere()
def test_a_picture_and_a_document_are_shown(service: Service, streamed: bool) -> None:
    with FakeProvider() as fake:
        fake.script("A dot.")
        files = File("image/png", PNG), File("application/pdf", PDF, name="paper.pdf")
        asyncio.run(run(agent_of(fake, service), streamed, "What is this?", *files))
        shown = fake.requests[0].request.messages[0].all(File)
        assert [(file.media_type, file.data) for file in shown] == [(file.media_type, file.data) for file in files]


@everywhere("sources")
def test_sources_are_cited(service: Service, streamed: bool) -> None:
    with FakeProvider() as fake:
        fake.script(reply("Tokyo has 14 million.", Source("https://example.test/tokyo", "Tokyo")))
        result = asyncio.run(run(agent_of(fake, service), streamed, "Tokyo?"))
        sources = result.messages[-1].all(Source)
        assert [(source.url, source.title) for source in sources] == [("https://example.test/tokyo", "Tokyo")]
        assert result.text == "Tokyo has 14 million."


@everywhere("refusal")
def test_a_refusal_is_a_part_of_its_own(service: Service, streamed: bool) -> None:
    with FakeProvider() as fake:
        fake.script(reply(Refusal("I cannot help with that.")))
        result = asyncio.run(run(agent_of(fake, service), streamed, "?"))
        assert result.messages[-1].all(Refusal)[0].text == "I cannot help with that."
        assert result.text == ""


@pytest.mark.parametrize("finish", ["length", "content_filter"])
@everywhere()
def test_why_it_stopped_is_said(service: Service, streamed: bool, finish: Any) -> None:
    with FakeProvider() as fake:
        fake.script(reply("It was", finish=finish))
        result = asyncio.run(run(agent_of(fake, service, max_tokens=2), streamed, "?"))
        assert result.steps[0].response.finish.unified == finish
        assert result.text == "It was"


@everywhere()
def test_a_conversation_goes_on_from_its_messages(service: Service, streamed: bool) -> None:
    with FakeProvider() as fake:
        fake.script(reply(tool_call("weather", location="Rome")), "40 C", "You are welcome")
        agent = agent_of(fake, service, tools=[weather])
        first = asyncio.run(run(agent, streamed, "weather?"))
        again = asyncio.run(agent.run(user("thanks"), messages=first.messages))
        assert again.text == "You are welcome"
        told = fake.requests[2].request.messages
        assert [message.role for message in told] == ["user", "assistant", "tool", "assistant", "user"]
        assert not any(message.all(Native) for message in told)
        assert told[3].parts[-1] == Text("40 C") or told[3].text == "40 C"
