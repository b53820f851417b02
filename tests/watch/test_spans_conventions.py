"""Spans by the letter of OpenTelemetry's conventions: names, settings, URLs, classes of errors, and right sums."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import msgspec
import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra otel and OpenTelemetry's SDK are not installed")

from test_spans import Seen, weather

from playhead import Agent, ToolError, tool
from playhead.response import Usage
from playhead.testing import FakeProvider, reply, tool_call
from playhead.transport.retry import RetryPolicy


class Weather(msgspec.Struct):
    degrees: int


def about(seen: Seen, name: str) -> dict[str, Any]:
    """The attributes of the first span of this name."""
    return dict(next(span for span in seen.spans if span.name == name).attributes or {})


def test_an_agent_s_name_is_in_the_span_s_and_on_it() -> None:
    seen = Seen()
    with FakeProvider() as fake:
        fake.script(reply(tool_call("scout", task="look")), reply("inner"), reply("outer"))
        scout = Agent(fake.model("small"), name="scout")
        guide = Agent(fake.model("big"), name="guide", tools=[scout.as_tool("scout", "finds")], on_event=seen.watch)
        guide.run_sync("hi")
    names = [span.name for span in seen.spans if span.name.startswith("invoke_agent")]
    assert names == ["invoke_agent guide", "invoke_agent scout"]
    assert about(seen, "invoke_agent scout")["gen_ai.agent.name"] == "scout"
    assert seen.above(seen.named("invoke_agent scout")) == "execute_tool scout"


def test_a_sum_over_runs_counts_each_token_and_cent_once() -> None:
    seen = Seen()
    with FakeProvider("openrouter", price=(1, 2)) as fake:
        fake.script(
            reply(tool_call("scout", task="look"), usage=Usage(10, 1)),
            reply("inner", usage=Usage(20, 2)),
            reply("outer", usage=Usage(40, 4)),
        )
        scout = Agent(fake.model("small"), name="scout")
        guide = Agent(fake.model("big"), name="guide", tools=[scout.as_tool("scout", "finds")], on_event=seen.watch)
        run = guide.run_sync("hi")
    told = {
        kind: [dict(span.attributes or {}) for span in seen.spans if span.name.startswith(kind)]
        for kind in ("invoke_agent", "chat")
    }
    assert [one["gen_ai.usage.input_tokens"] for one in told["invoke_agent"]] == [50, 20]
    assert run.usage is not None
    for spans in told.values():
        assert sum(one["gen_ai.usage.input_tokens"] for one in spans) == run.usage.input_tokens == 70
        assert sum(one["gen_ai.usage.output_tokens"] for one in spans) == run.usage.output_tokens == 7
        assert sum(one["playhead.cost"] for one in spans) == pytest.approx(float(run.cost or 0))


def test_what_was_asked_for_is_on_runs_and_model_calls_and_nothing_else() -> None:
    seen = Seen()
    with FakeProvider() as fake:
        fake.script(reply('{"degrees": 40}'), reply("Hot."))
        settings: dict[str, Any] = {"max_tokens": 200, "temperature": 0.3, "top_p": 0.9, "stop": ["END"], "seed": 7}
        options = {"frequency_penalty": 0.5, "presence_penalty": 0.25}
        agent: Agent[Any] = Agent(fake.model("m"), output=Weather, options=options, on_event=seen.watch, **settings)
        agent.run_sync("hi")
        for name in ("invoke_agent", "chat m"):
            asked = {key: value for key, value in about(seen, name).items() if "request" in key or "output" in key}
            asked.pop("gen_ai.usage.output_tokens", None)
            assert asked == {
                "gen_ai.request.model": "m",
                "gen_ai.request.max_tokens": 200,
                "gen_ai.request.temperature": 0.3,
                "gen_ai.request.top_p": 0.9,
                "gen_ai.request.stop_sequences": ("END",),
                "gen_ai.request.seed": 7,
                "gen_ai.request.frequency_penalty": 0.5,
                "gen_ai.request.presence_penalty": 0.25,
                "gen_ai.output.type": "json",
            }
        seen.exporter.clear()
        Agent(fake.model("m"), on_event=seen.watch).run_sync("hi")
    assert not [key for key in about(seen, "chat m") if "request" in key and key != "gen_ai.request.model"]
    assert "gen_ai.output.type" not in about(seen, "chat m")


def test_a_stream_says_when_its_first_piece_came() -> None:
    seen = Seen()

    async def go(agent: Agent[str]) -> None:
        async for _ in agent.stream("hi").text():
            pass

    with FakeProvider() as fake:
        fake.script(reply("One two.", delay=0.2, pause=0.05))
        asyncio.run(go(Agent(fake.model("m"), on_event=seen.watch)))
    chat = seen.named("chat m")
    assert chat.attributes is not None
    assert chat.attributes["gen_ai.request.stream"] is True
    took = ((chat.end_time or 0) - (chat.start_time or 0)) / 1e9
    assert 0.2 <= float(str(chat.attributes["gen_ai.response.time_to_first_chunk"])) < took


def test_an_attempt_has_its_url_without_keys() -> None:
    """Neither those of a base URL, nor what stands in a query."""
    seen, secret = Seen(), "secret-0123456789"
    with FakeProvider() as fake:
        fake.script(reply("Hot."), reply("Hot."))
        host = fake.url.removeprefix("http://")
        Agent(fake.model("google:m"), on_event=seen.watch).run_sync("hi")
        base = f"http://user:{secret}@{host}/v1"
        Agent("ollama:m", base_url=base, on_event=seen.watch).run_sync("hi")
    urls = [(span.attributes or {})["url.full"] for span in seen.spans if span.name == "POST"]
    assert urls[1] == f"{fake.url}/v1/chat/completions"
    assert str(urls[0]).startswith(fake.url)
    assert str(urls[0]).endswith("m:generateContent")
    assert secret not in seen.all_said
    assert base64.b64encode(secret.encode()).decode() not in seen.all_said


def test_an_error_of_a_tool_is_named_by_its_class_and_words_for_the_model_are_other() -> None:
    seen = Seen()

    @tool
    def divide(by: int) -> str:
        return str(1 // by)

    @tool
    def refuse(by: int) -> str:
        raise ToolError("not today")

    with FakeProvider() as fake:
        fake.script(
            reply(tool_call("divide", by=0), tool_call("refuse", by=0), tool_call("weather", location="Rome")),
            reply("So."),
        )
        model = fake.model("m", retry=RetryPolicy(attempts=1))
        Agent(model, tools=[divide, refuse, weather], on_event=seen.watch).run_sync("hi")
    kinds = {name: about(seen, f"execute_tool {name}").get("error.type") for name in ("divide", "refuse", "weather")}
    assert kinds == {"divide": "ZeroDivisionError", "refuse": "_OTHER", "weather": None}
    measured = {
        point["gen_ai.tool.name"]: point.get("error.type")
        for point, _ in seen.points("gen_ai.client.operation.duration")
        if "gen_ai.tool.name" in point
    }
    assert measured == kinds
