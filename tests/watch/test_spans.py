"""Runs as spans and metrics, seen by OpenTelemetry's own SDK."""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra otel and OpenTelemetry's SDK are not installed")

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from playhead import Agent, drop_oldest, summarise, tool
from playhead.errors import LimitError, RateLimitError
from playhead.events import ResponseStart
from playhead.response import Usage
from playhead.testing import FakeProvider, refuse, reply, tool_call
from playhead.transport.retry import RetryPolicy
from playhead.watch import otel

FLORENCE = tool_call("weather", "c1", location="Florence")
SECRET = "a word that nobody else says"


@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return f"40 C, {SECRET}"


class Seen:
    """What an application's own SDK has seen."""

    def __init__(self, **settings: Any) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self.watch = otel(tracer_provider=self.provider, meter_provider=self.meters, **settings)

    @property
    def spans(self) -> list[ReadableSpan]:
        """Ended spans, by their beginning."""
        return sorted(
            self.exporter.get_finished_spans(), key=lambda span: (span.start_time or 0, -(span.end_time or 0))
        )

    def named(self, name: str) -> ReadableSpan:
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def above(self, span: ReadableSpan) -> str | None:
        """The name of the span that this one is in."""
        if span.parent is None:
            return None
        (found,) = [one.name for one in self.spans if one.context.span_id == span.parent.span_id]
        return found

    def points(self, metric: str) -> list[tuple[dict[str, Any], Any]]:
        data = self.reader.get_metrics_data()
        return [
            (dict(point.attributes), point)
            for resource in (data.resource_metrics if data is not None else ())
            for scope in resource.scope_metrics
            for one in scope.metrics
            if one.name == metric
            for point in one.data.data_points
        ]

    @property
    def all_said(self) -> str:
        return "".join(span.to_json() for span in self.spans)


def test_a_run_is_a_tree_of_spans_with_the_conventions_names() -> None:
    seen = Seen()
    with FakeProvider(price=(1, 2)) as fake:
        fake.script(reply(FLORENCE, usage=Usage(10, 5, 3), id="resp_1"), reply("Hot.", usage=Usage(30, 2)))
        agent = Agent(fake.model("mistral:m"), tools=[weather], system=SECRET, on_event=seen.watch)
        run = agent.run_sync(SECRET)
    names = [(span.name, seen.above(span)) for span in seen.spans]
    assert names == [
        ("invoke_agent", None),
        ("chat m", "invoke_agent"),
        ("POST", "chat m"),
        ("execute_tool weather", "invoke_agent"),
        ("chat m", "invoke_agent"),
        ("POST", "chat m"),
    ]
    root, chat, attempt, call = seen.spans[:4]
    assert root.attributes == {
        **root.attributes,
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "mistral_ai",
        "gen_ai.request.model": "m",
        "gen_ai.usage.input_tokens": 40,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.response.finish_reasons": ("stop",),
    }
    assert (root.kind, chat.kind, attempt.kind, call.kind) == (
        SpanKind.INTERNAL,
        SpanKind.CLIENT,
        SpanKind.CLIENT,
        SpanKind.INTERNAL,
    )
    assert chat.attributes == {
        **chat.attributes,
        "gen_ai.operation.name": "chat",
        "gen_ai.response.id": "resp_1",
        "gen_ai.response.model": "m",
        "gen_ai.response.finish_reasons": ("tool_calls",),
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 3,
        "server.address": "127.0.0.1",
        "playhead.step": 1,
    }
    assert attempt.attributes == {**attempt.attributes, "http.request.method": "POST", "http.response.status_code": 200}
    assert call.attributes == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "weather",
        "gen_ai.tool.call.id": "c1",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.description": "Get weather information for a location",
    }
    assert all(span.status.status_code is StatusCode.UNSET for span in seen.spans)
    assert SECRET not in seen.all_said
    assert run.text == "Hot."


def test_content_is_told_where_it_was_asked_for() -> None:
    seen = Seen(content=True)
    with FakeProvider() as fake:
        fake.script(reply("Let me look", FLORENCE), reply("Hot."))
        Agent(fake.model("m"), tools=[weather], system="be good", on_event=seen.watch).run_sync("Florence?")
    first = next(span for span in seen.spans if span.name == "chat m")
    assert first.attributes is not None
    said = {name: json.loads(str(first.attributes[f"gen_ai.{name}"])) for name in ("input.messages", "output.messages")}
    assert said["input.messages"] == [{"role": "user", "parts": [{"type": "text", "content": "Florence?"}]}]
    assert said["output.messages"] == [
        {
            "role": "assistant",
            "parts": [
                {"type": "text", "content": "Let me look"},
                {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"location": "Florence"}},
            ],
            "finish_reason": "tool_call",
        }
    ]
    assert json.loads(str(first.attributes["gen_ai.system_instructions"])) == [{"type": "text", "content": "be good"}]
    call = seen.named("execute_tool weather").attributes or {}
    assert call["gen_ai.tool.call.arguments"] == '{"location":"Florence"}'
    assert json.loads(str(call["gen_ai.tool.call.result"])) == f"40 C, {SECRET}"


def test_each_attempt_is_a_span_and_what_refused_it_is_its_error() -> None:
    seen = Seen()
    with FakeProvider() as fake:
        fake.script(refuse(429, SECRET, retry_after=0), refuse(503, retry_after=0), reply("Hot."))
        Agent(fake.model("m"), on_event=seen.watch).run_sync("hi")
    attempts = [span for span in seen.spans if span.name == "POST"]
    told = [(a.attributes or {}) for a in attempts]
    assert [one.get("http.response.status_code") for one in told] == [429, 503, 200]
    assert [one.get("error.type") for one in told] == ["429", "503", None]
    assert [one.get("http.request.resend_count") for one in told] == [None, 1, 2]
    assert {seen.above(attempt) for attempt in attempts} == {"chat m"}
    for one, after in pairwise(attempts):
        assert (one.end_time or 0) <= (after.start_time or 0)
    assert seen.named("chat m").status.status_code is StatusCode.UNSET
    assert SECRET not in seen.all_said


def test_an_error_closes_every_span_and_is_named_by_its_class() -> None:
    seen = Seen()
    with FakeProvider() as fake:
        fake.script(refuse(RateLimitError(SECRET)))
        agent = Agent(fake.model("m", retry=RetryPolicy(attempts=1)), on_event=seen.watch)
        with pytest.raises(RateLimitError):
            agent.run_sync("hi")
    assert [span.name for span in seen.spans] == ["invoke_agent", "chat m", "POST"]
    assert [(span.attributes or {})["error.type"] for span in seen.spans] == ["RateLimitError", "RateLimitError", "429"]
    assert all(span.status.status_code is StatusCode.ERROR for span in seen.spans)
    assert SECRET not in seen.all_said
    kinds = {
        about["gen_ai.operation.name"]: about["error.type"]
        for about, _ in seen.points("gen_ai.client.operation.duration")
    }
    assert kinds == {"chat": "RateLimitError", "invoke_agent": "RateLimitError"}


def test_a_cut_answer_that_is_asked_again_leaves_nothing_of_itself_on_the_span() -> None:
    seen = Seen()

    async def go(agent: Agent[str]) -> None:
        async with agent.stream("hi") as stream:
            async for _ in stream:
                pass

    with FakeProvider() as fake:
        fake.script(reply("Hot and", id="cut", cut_after=2), reply("Hot.", id="whole"))
        agent = Agent(fake.model("m", retry=RetryPolicy(attempts=2, base=0.0)), on_event=seen.watch)
        asyncio.run(go(agent))
    assert (seen.named("chat m").attributes or {})["gen_ai.response.id"] == "whole"
    assert [(span.attributes or {}).get("error.type") for span in seen.spans if span.name == "POST"] == ["_OTHER", None]


def test_spans_that_a_tool_makes_are_below_its_own_however_many_run_at_once() -> None:
    seen = Seen()
    tracer = seen.provider.get_tracer("application")
    together = asyncio.Barrier(3)

    @tool
    async def look(city: str) -> str:
        await together.wait()  # all three are under way
        with tracer.start_as_current_span(f"query {city}"):
            await asyncio.sleep(0)
        return "40 C"

    @tool
    def read(city: str) -> str:
        with tracer.start_as_current_span(f"read {city}"):
            return "40 C"

    calls = [tool_call("look", city, city=city) for city in "abc"]
    with FakeProvider() as fake:
        fake.script(reply(*calls), reply(tool_call("read", "d", city="d")), reply("Hot."))
        asyncio.run(Agent(fake.model("m"), tools=[look, read], on_event=seen.watch).run("hi"))
    owners = {(span.attributes or {}).get("gen_ai.tool.call.id"): span for span in seen.spans}
    for city in "abc":
        below = seen.named(f"query {city}")
        assert below.parent is not None
        assert below.parent.span_id == owners[city].context.span_id
    in_thread = seen.named("read d")
    assert in_thread.parent is not None
    assert in_thread.parent.span_id == owners["d"].context.span_id
    assert len({span.context.trace_id for span in seen.spans}) == 1


def test_a_run_is_below_the_span_that_the_caller_is_in() -> None:
    seen = Seen()
    with FakeProvider() as fake:
        fake.script(reply("Hot."))
        with seen.provider.get_tracer("application").start_as_current_span("request"):
            Agent(fake.model("m"), on_event=seen.watch).run_sync("hi")
    assert seen.above(seen.named("invoke_agent")) == "request"


def test_an_agent_that_is_a_tool_is_a_run_below_the_tool() -> None:
    seen = Seen()
    with FakeProvider() as fake:
        fake.script(reply(tool_call("ask", "c", task="look")), reply("inner"), reply("outer"))
        inner = Agent(fake.model("small"))
        outer = Agent(fake.model("big"), tools=[inner.as_tool("ask", "asks")], on_event=[seen.watch])
        outer.run_sync("hi")
    below = next(span for span in seen.spans if span.name == "chat small")
    run = next(span for span in seen.spans if below.parent and span.context.span_id == below.parent.span_id)
    assert run.name == "invoke_agent"
    assert seen.above(run) == "execute_tool ask"


def test_a_summary_is_a_run_below_the_run_whose_history_it_is_of() -> None:
    seen = Seen()
    with FakeProvider() as fake:
        fake.script(reply(FLORENCE), reply(FLORENCE, usage=Usage(5_000, 1)), reply("It was hot."), reply("Hot."))
        how = summarise(over_tokens=1_000, keep_messages=1)
        Agent(fake.model("m"), tools=[weather], compact=how, on_event=seen.watch).run_sync("hi")
    runs = [span for span in seen.spans if span.name == "invoke_agent"]
    assert [seen.above(span) for span in runs] == [None, "invoke_agent"]
    assert (runs[0].attributes or {})["gen_ai.conversation.compacted"] is True


def test_a_tool_that_fails_says_so_and_one_that_is_cancelled_is_closed() -> None:
    seen = Seen()

    @tool
    async def fail() -> str:
        raise ValueError(SECRET)

    @tool
    async def hang() -> str:
        await asyncio.Event().wait()
        return ""

    with FakeProvider() as fake:
        fake.script(reply(tool_call("fail")), reply(tool_call("hang")))
        agent = Agent(fake.model("m"), tools=[fail, hang], timeout=0.5, on_event=seen.watch)
        with pytest.raises(LimitError):
            asyncio.run(agent.run("hi"))
    failed, hung = seen.named("execute_tool fail"), seen.named("execute_tool hang")
    assert ((failed.attributes or {})["error.type"], failed.status.status_code) == ("ValueError", StatusCode.ERROR)
    assert (hung.attributes or {})["error.type"] == "LimitError"
    assert (seen.spans[0].attributes or {})["error.type"] == "LimitError"
    assert SECRET not in seen.all_said


def test_a_run_that_is_left_closes_its_spans_and_is_no_error() -> None:
    seen = Seen()

    async def left(agent: Agent[str]) -> None:
        async with agent.stream("hi") as stream:
            async for event in stream:
                if isinstance(event, ResponseStart):
                    break

    with FakeProvider() as fake:
        fake.script(reply("Hot."))
        asyncio.run(left(Agent(fake.model("m"), on_event=seen.watch)))
    assert [span.name for span in seen.spans] == ["invoke_agent", "chat m", "POST"]
    assert [(span.attributes or {}).get("error.type") for span in seen.spans] == [None, None, None]


def test_a_run_that_is_cancelled_closes_its_spans() -> None:
    seen = Seen()

    async def cancelled(agent: Agent[str], fake: FakeProvider) -> None:
        running = asyncio.ensure_future(agent.run("hi"))
        while not fake.requests:
            await asyncio.sleep(0.005)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    with FakeProvider() as fake:
        fake.script(reply("Hot.", delay=math.inf))
        asyncio.run(cancelled(Agent(fake.model("m"), on_event=seen.watch), fake))
    assert [span.name for span in seen.spans] == ["invoke_agent", "chat m", "POST"]
    assert {(span.attributes or {}).get("error.type") for span in seen.spans} == {"CancelledError"}


def test_metrics_count_tokens_durations_and_cost_once() -> None:
    seen = Seen()
    with FakeProvider("openrouter", price=(1_000_000, 2_000_000)) as fake:
        fake.script(reply(FLORENCE, usage=Usage(10, 5)), reply("Hot.", usage=Usage(30, 2)))
        run = Agent(fake.model("m"), tools=[weather], on_event=seen.watch).run_sync("hi")
    tokens = {about["gen_ai.token.type"]: point for about, point in seen.points("gen_ai.client.token.usage")}
    assert (tokens["input"].sum, tokens["input"].count, tokens["output"].sum) == (40, 2, 7)
    durations = {a["gen_ai.operation.name"]: p for a, p in seen.points("gen_ai.client.operation.duration")}
    assert {name: point.count for name, point in durations.items()} == {"chat": 2, "execute_tool": 1, "invoke_agent": 1}
    assert durations["invoke_agent"].sum >= durations["chat"].sum > 0
    assert durations["chat"].explicit_bounds[0] == 0.01
    ((about, cost),) = seen.points("playhead.client.cost")
    assert (about["gen_ai.provider.name"], cost.value) == ("openrouter", float(run.cost or 0))


def test_a_replayed_result_is_a_span_that_says_so(tmp_path: Path) -> None:
    tape = tmp_path / "tape.yaml"
    seen = Seen()
    with FakeProvider() as fake:
        fake.script(reply(FLORENCE), reply("Hot."))
        agent = Agent(fake.model("m"), tools=[weather], on_event=seen.watch, compact=drop_oldest(keep_messages=50))
        agent.run_sync("hi", tape=tape, tape_mode="record")
    seen.exporter.clear()
    agent.run_sync("hi", tape=tape, tape_mode="replay")
    assert (seen.named("execute_tool weather").attributes or {})["playhead.replayed"] is True
    assert len(seen.spans) == 6


def test_two_runs_at_once_do_not_mix() -> None:
    seen = Seen()

    async def both(agent: Agent[str]) -> None:
        await asyncio.gather(*(agent.run("hi") for _ in range(8)))

    with FakeProvider(answer=lambda request: reply(FLORENCE) if len(request.messages) == 1 else reply("Hot.")) as fake:
        asyncio.run(both(Agent(fake.model("m"), tools=[weather], on_event=seen.watch)))
    trees: dict[int, list[str]] = {}
    for span in seen.spans:
        trees.setdefault(span.context.trace_id, []).append(span.name)
    assert len(trees) == 8
    assert all(sorted(tree) == sorted(trees[next(iter(trees))]) and len(tree) == 6 for tree in trees.values())


def test_nothing_is_loaded_where_nobody_watches() -> None:
    program = """
import sys
from playhead import Agent
from playhead.testing import FakeProvider, reply
with FakeProvider() as fake:
    fake.script(reply("Hot."))
    Agent(fake.model("m")).run_sync("hi")
import playhead.watch
print([name for name in sys.modules if name.split(".")[0] == "opentelemetry" or name.startswith("playhead.watch.")])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
