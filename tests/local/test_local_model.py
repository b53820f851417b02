"""The embedded model itself, live: what it says, what it holds to, and that its tape knows no port."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import pytest

from playhead import Agent, tool
from playhead.errors import ConfigError
from playhead.local.transport import LocalTransport
from playhead.wire import HTTPRequest

URL = "http://local.localhost/v1/chat/completions"


@tool
def weather(location: Annotated[str, "the city"]) -> str:
    """Get weather information for a location"""
    return "40 C"


#: The model knows this one, when it is told what it is.
FRANCE = [
    {"role": "system", "content": "You are a helpful assistant"},
    {"role": "user", "content": "What is the capital of France?"},
]


def test_it_says_something_and_names_itself_without_a_path(ask: Any) -> None:
    answer = asyncio.run(ask(FRANCE, max_tokens=24))
    assert "Paris" in answer["choices"][0]["message"]["content"]
    assert answer["model"] == "smollm2"
    assert answer["usage"]["prompt_tokens"] > 10


def test_it_says_the_same_again(ask: Any) -> None:
    """Temperature 0 and a fixed seed are the defaults."""
    first, second = (
        asyncio.run(ask("Tell me about cats.", max_tokens=30))["choices"][0]["message"]["content"] for _ in range(2)
    )
    assert first == second


def test_it_streams_and_reports_usage_at_the_end(ask: Any) -> None:
    data = asyncio.run(ask("Say hi", max_tokens=8, stream=True, stream_options={"include_usage": True}))
    chunks = [line[6:] for line in data.decode().splitlines() if line.startswith("data: ")]
    assert chunks[-1] == "[DONE]"
    words = [c["choices"][0]["delta"].get("content") for c in map(json.loads, chunks[:-1]) if c["choices"]]
    assert len([word for word in words if word]) >= 4
    assert json.loads(chunks[-2])["usage"]["completion_tokens"] == 8


def test_it_holds_a_json_schema(ask: Any) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 20}, "size": {"enum": ["small", "large"]}},
        "required": ["city", "size"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "city", "schema": schema}}
    answer = asyncio.run(ask("Name a city in Italy as JSON.", response_format=form, max_tokens=100))
    value = json.loads(answer["choices"][0]["message"]["content"])
    assert set(value) == {"city", "size"}
    assert value["size"] in ("small", "large")


def test_two_requests_at_once_are_both_answered(ask: Any) -> None:
    async def both() -> list[Any]:
        return await asyncio.gather(ask("Say hi", max_tokens=12), ask(FRANCE, max_tokens=24))

    hi, france = asyncio.run(both())
    assert hi["choices"][0]["message"]["content"]
    assert "Paris" in france["choices"][0]["message"]["content"]


def test_a_prompt_beyond_the_context_is_refused_at_once(ask: Any) -> None:
    answer = asyncio.run(ask("word " * 9000))
    assert answer["error"]["code"] == 400
    assert answer["error"]["type"] == "exceed_context_size_error"


def test_the_server_answers_only_with_its_own_key(local: Any) -> None:
    """What the transport adds is not in the request it was given, and without it the server refuses."""

    plain = local.inner

    async def both() -> tuple[int, int]:
        request = HTTPRequest("POST", URL, (("Authorization", "Bearer mine"),), b"{}")
        with_key = await local.send(request)
        await with_key.read()
        sent = plain.sent[-1]
        assert sent.url.startswith("http://127.0.0.1:")
        assert sent.url.endswith("/v1/chat/completions")
        assert ("Authorization", "Bearer mine") not in sent.headers
        without = await plain.send(HTTPRequest("POST", sent.url, request.headers, request.body))
        await without.read()
        return with_key.status, without.status

    assert asyncio.run(both()) == (400, 401)


def test_a_missing_model_is_an_error_at_the_first_request_and_not_before(local: Any) -> None:
    """A replay of such a run needs no model, so making the transport is no error."""
    transport = LocalTransport(local.inner, "no-such-model")
    with pytest.raises(ConfigError, match="no local model is called"):
        asyncio.run(transport.send(HTTPRequest("POST", URL)))


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize("question", ["What's the weather in Florence,Italy?", "How is the weather in Florence?"])
def test_it_calls_a_constrained_tool_and_answers_with_the_result(question: str) -> None:
    agent = Agent("local:smollm2", system="You are a helpful assistant", tools=[weather])
    run = agent.run_sync(question)
    calls = [call for step in run.steps for call in step.response.tool_calls]
    assert [call.name for call in calls] == ["weather"]
    assert "Florence" in json.loads(calls[0].arguments)["location"]
    assert "Florence" in run.text
    assert "40" in run.text


@pytest.mark.usefixtures("weights")
def test_it_answers_without_a_tool_where_none_is_needed() -> None:
    agent = Agent("local:smollm2", system="You are a helpful assistant", tools=[weather])
    run = agent.run_sync("What is the capital of France?")
    assert len(run.steps) == 1
    assert "Paris" in run.text
