"""The fake provider: what it says, what it counts, and what it makes go wrong, over real sockets."""

from __future__ import annotations

import asyncio
import http.client
import math
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from playhead import (
    Agent,
    BadRequestError,
    ConfigError,
    CutStreamError,
    FinishReason,
    ModelError,
    OverloadedError,
    ProtocolError,
    RateLimitError,
    Request,
    Response,
    RetryPolicy,
    Text,
    TimeoutExceeded,
    Timeouts,
    TransportError,
    Usage,
    tool,
    user,
)
from playhead.testing import Answer, FakeProvider, garbage, raw, refuse, reply, tool_call

ONCE = RetryPolicy(attempts=1)
AT_ONCE = RetryPolicy(base=0.0)
MODELS = (
    "openai:gpt-4o",
    "openai-responses:gpt-4o",
    "openrouter:maker/model",
    "anthropic:claude-x",
    "bedrock:anthropic.claude-x-v1:0",
    "vertex:claude-x",
    "google:gemini-x",
    "vertex:gemini-x",
    "bedrock:amazon.nova-pro-v1:0",
)


@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return "40 C"


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("streamed", [False, True])
def test_every_wire_is_spoken_at_one_address(model: str, streamed: bool) -> None:
    with FakeProvider() as fake:
        fake.script(refuse(429, retry_after=0), reply("Let me", tool_call("weather", location="Rome")), "It is 40 C")
        agent = Agent(fake.model(model, retry=AT_ONCE), tools=[weather])
        run = asyncio.run(streaming(agent, "Rome?")) if streamed else agent.run_sync("Rome?")
        assert run.text == "It is 40 C"
        assert [attempt.status for attempt in run.attempts] == [429, 200, 200]
        assert [asked.stream for asked in fake.requests] == [streamed] * 3
        assert [message.role for message in fake.requests[2].request.messages] == ["user", "assistant", "tool"]
        assert fake.requests[2].unmodelled == ()
        assert (fake.answered, fake.refused, fake.left) == (2, 1, 0)
        assert (run.usage.input_tokens, run.usage.output_tokens) == (
            fake.billed.input_tokens,
            fake.billed.output_tokens,
        )


async def streaming(agent: Agent[Any], prompt: str) -> Any:
    async with agent.stream(prompt) as stream:
        async for _ in stream:
            pass
        return stream.run


def test_a_model_is_named_by_the_provider_that_it_is_at_or_by_the_dialect() -> None:
    with FakeProvider("anthropic_messages") as fake:
        assert fake.model("claude-x").id == "anthropic:claude-x"
        assert fake.model("us.anthropic.claude-x-v1:0").name == "us.anthropic.claude-x-v1:0"
        assert fake.model("google:gemini-x").endpoint.provider == "google"
    with pytest.raises(ConfigError, match="no provider and no dialect"):
        FakeProvider("nobody")


def test_an_answer_may_be_a_function_of_the_request_and_a_response_as_it_is() -> None:
    def echo(request: Request) -> str:
        return f"{request.model} was told {request.messages[-1].text}"

    said = Response((Text("hm"),), FinishReason("length"), Usage(7, 3), "id-1")
    with FakeProvider("anthropic", answer=echo) as fake:
        fake.script(said)
        agent = Agent(fake.model("m"))
        first = agent.run_sync("hi").steps[0].response
        assert (first.parts, first.usage, first.id) == (said.parts, said.usage, "id-1")
        assert agent.run_sync("hi").text == "m was told hi"


def test_a_used_up_script_a_failing_function_and_an_odd_path_are_refused_in_words() -> None:
    def failing(request: Request) -> str:
        raise KeyError("no such city")

    with FakeProvider() as fake:
        agent = Agent(fake.model("m", retry=ONCE))
        with pytest.raises(BadRequestError, match="script is used up: request 1"):
            agent.run_sync("hi")
        fake.script(failing)
        with pytest.raises(BadRequestError, match="KeyError: 'no such city'"):
            agent.run_sync("hi")
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{fake.url}/v1/images", b"{}")  # noqa: S310
        with caught.value as refused:
            assert refused.status == 404
            assert b"no wire here answers POST" in refused.read()
        with pytest.raises(ConfigError, match="a int is none of them"):
            fake.script(3)  # type: ignore[arg-type]


def test_it_bills_what_left_by_its_own_count() -> None:
    """Four bytes are a token; an answer that is cut is billed whole, a refusal not at all."""
    with FakeProvider("openrouter", price=(2, "10")) as fake:
        fake.script(reply("12345678"), reply("x", usage=Usage(100, 50)), refuse(500), reply("1234", cut_after=0))
        model = fake.model("m", retry=ONCE)
        run = Agent(model).run_sync("hi")
        asked = -(-len(fake.requests[0].http.body) // 4)
        assert run.usage.input_tokens == asked
        assert run.usage.output_tokens == 2
        assert run.usage.cost == fake.billed.cost == (Decimal(2) * asked + Decimal(10) * 2) / 1_000_000
        assert Agent(model).run_sync("hi").usage.cost == Decimal("0.0007")
        for kind in (ModelError, TransportError):
            with pytest.raises(kind):
                Agent(model).run_sync("hi")
        assert (fake.answered, fake.refused) == (3, 1)
        assert fake.billed.output_tokens == 2 + 50 + 1


@pytest.mark.parametrize(
    ("answer", "whole", "pieces"),
    [
        (reply("one two three", cut_after=1), TransportError, CutStreamError),
        (reply("one two three", cut_after=0), TransportError, CutStreamError),
        (reply("one two three", cut_after=2, reset=True), TransportError, TransportError),
        (reply("one two three", error=OverloadedError("busy")), OverloadedError, OverloadedError),
        (garbage(), TransportError, TransportError),
        (raw(b"<html>no</html>", content_type="text/html"), ProtocolError, ModelError),
        (raw(b""), CutStreamError, CutStreamError),
        (reply("late", delay=math.inf), TimeoutExceeded, TimeoutExceeded),
    ],
)
@pytest.mark.parametrize("model", MODELS)
def test_a_fault_is_an_error_that_fits(
    model: str, answer: Answer, whole: type[ModelError], pieces: type[ModelError]
) -> None:
    with FakeProvider() as fake:
        fake.script(answer, answer)
        agent = Agent(fake.model(model, retry=ONCE, timeouts=Timeouts(first_byte=0.2)))
        with pytest.raises(whole):
            agent.run_sync("hi")
        with pytest.raises(pieces):
            asyncio.run(streaming(agent, "hi"))


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_that_never_ends_after_its_end_is_whole(model: str) -> None:
    with FakeProvider() as fake:
        fake.script(reply("one two", hold=True))
        run = asyncio.run(streaming(Agent(fake.model(model, retry=ONCE, timeouts=Timeouts(between_chunks=0.3))), "hi"))
        assert run.text == "one two"


def test_a_rate_is_kept_by_refusals_that_say_when_to_come_back() -> None:
    with FakeProvider("openai", rate=2, answer="ok") as fake:
        model = fake.model("m", retry=ONCE, limiter=None)  # with one it would wait its turn
        Agent(model).run_sync("1")
        Agent(model).run_sync("2")
        with pytest.raises(RateLimitError) as caught:
            Agent(model).run_sync("3")
        assert caught.value.retry_after is not None
        assert 0 < caught.value.retry_after <= 0.51
        patient = Agent(fake.model("m", retry=AT_ONCE))
        assert patient.run_sync("4").text == "ok"
        assert fake.refused >= 1


def test_pauses_stand_between_the_chunks_and_a_delay_before_the_first() -> None:
    with FakeProvider("anthropic") as fake:
        fake.script(reply("one two three", delay=0.05, pause=0.01))
        began = time.monotonic()
        asyncio.run(streaming(Agent(fake.model("m")), "hi"))
        assert time.monotonic() - began > 0.05 + 0.01 * 5


def test_a_thousand_answers_wait_at_once_in_one_thread() -> None:
    async def main(fake: FakeProvider) -> list[str]:
        agent = Agent(fake.model("m", retry=ONCE))
        runs = await asyncio.gather(*(agent.run(f"question {n}") for n in range(1000)))
        return [run.text for run in runs]

    threads = threading.active_count()
    with FakeProvider(answer=lambda request: reply(request.messages[-1].text, delay=0.5)) as fake:
        began = time.monotonic()
        assert asyncio.run(main(fake)) == [f"question {n}" for n in range(1000)]
        assert time.monotonic() - began < 30  # one after another would take 500 s
        assert threading.active_count() <= threads + 2
        assert fake.answered == 1000


def test_what_was_asked_is_kept_as_it_came() -> None:
    async def main() -> None:
        async with FakeProvider("anthropic", answer="ok") as fake:
            await fake.model("m").ask(Request("m", (user("hi"),), max_tokens=5))
            asked = fake.requests[0]
            assert asked.request.max_tokens == asked.json["max_tokens"] == 5
            assert asked.http.url == f"{fake.url}/messages"
            assert ("anthropic-version", "2023-06-01") in [(name.lower(), value) for name, value in asked.http.headers]
            assert repr(asked) == f"<received anthropic_messages {fake.url}/messages>"

    asyncio.run(main())


def test_a_connection_is_kept_and_a_body_may_come_in_chunks() -> None:
    """One connection, several exchanges: a length, chunks, two requests at once, and a path that nobody speaks."""
    body = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'
    with FakeProvider(answer="ok") as fake:
        line = http.client.HTTPConnection("127.0.0.1", int(fake.url.rpartition(":")[2]))
        line.request("POST", "/v1/chat/completions", body)
        assert b'"ok"' in line.getresponse().read()
        line.request("POST", "/v1/chat/completions", iter([body[:7], body[7:]]), encode_chunked=True)
        assert b'"ok"' in line.getresponse().read()
        line.request("GET", "/")
        assert line.getresponse().read().startswith(b'{"error"')
        head = b"POST /chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
        line.sock.sendall((head + body) * 2)
        said = b""
        while said.count(b'"ok"') < 2:
            said += line.sock.recv(65536)
        assert said.count(b"HTTP/1.1 200 OK") == 2
        assert fake.open_connections == 1
        line.close()
        assert [asked.request.messages[0].text for asked in fake.requests] == ["hi"] * 4
        assert fake.requests[3].http.url == "http://x/chat/completions"


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/v1/chat/completions", ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests")),
        ("/v1/messages", ("anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining")),
    ],
)
def test_a_rate_is_told_in_the_headers_of_the_wire(path: str, names: tuple[str, str]) -> None:
    body = b'{"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}'
    with FakeProvider(answer="ok", rate=0.01) as fake:
        line = http.client.HTTPConnection("127.0.0.1", int(fake.url.rpartition(":")[2]))
        answers = []
        for _ in range(2):
            line.request("POST", path, body)
            answers.append(line.getresponse())
            answers[-1].read()
        assert [answer.status for answer in answers] == [200, 429]
        assert [answers[0].headers[name] for name in names] == ["1", "0"]
        assert 90 <= int(answers[1].headers["Retry-After"]) <= 100
        line.close()


def test_at_a_port_of_its_own_another_process_takes_up_the_run(tmp_path: Path) -> None:
    """The tape holds the URL; the first process is killed in its call, and the port is free at once."""
    program = tmp_path / "order.py"
    program.write_text(CRASHES)
    with FakeProvider() as free:
        port = free.url.rpartition(":")[2]
    first, second = (
        subprocess.run([sys.executable, program, port, word], cwd=tmp_path, capture_output=True, text=True)
        for word in ("crash", "go on")
    )
    assert (first.returncode, first.stdout) == (-9, "asked\n")
    assert second.stdout == "asked\nOrdered.\n", second.stderr


CRASHES = """
import os, sys
from playhead import Agent, tool
from playhead.testing import FakeProvider, reply, tool_call

@tool(effect="write")
def order(number: int) -> str:
    if sys.argv[2] == "crash":
        os.kill(os.getpid(), 9)
    return f"{number} ordered"

def answer(request):
    print("asked", flush=True)
    return "Ordered." if request.messages[-1].role == "tool" else reply(tool_call("order", "c1", number=8))

with FakeProvider(answer=answer, port=int(sys.argv[1])) as fake:
    agent = Agent(fake.model("gpt-x"), tools=[order])
    print(agent.run_sync("Order 8.", tape="order.yaml", tape_mode="resume", assume="not_done").text)
"""


def test_a_port_that_is_another_s_or_none_is_named() -> None:
    with FakeProvider() as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(ConfigError, match=f"cannot listen on port {port}"), FakeProvider(port=port):
            pass
    for wrong in (-1, 70_000, True, "80"):
        with pytest.raises(ConfigError, match="a number from 0"):
            FakeProvider(port=wrong)  # type: ignore[arg-type]
