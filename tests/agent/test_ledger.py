"""What a run was billed: a line for each attempt, with where its figure comes from; the same when it is replayed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, RateLimitError, ResponseStart, RetryPolicy, Run, Text, Usage
from playhead.agent.budget import Price
from playhead.agent.ledger import line, total
from playhead.events import Asked as Whom, Attempt
from playhead.response import FinishReason, Response
from scripted_server import Answer, Asked, Loopback, completion, delta, reply, streamed

QUICK = RetryPolicy(attempts=4, base=0.001, cap=0.002)
DATE = {"Date": "Thu, 20 Nov 2025 10:00:00 GMT"}
REFUSAL = reply({"error": {"message": "slow down"}}, 429)


def agent(server: Loopback, model: str = "compatible:m", **settings: Any) -> Agent[str]:
    return Agent(model, base_url=server.url, api_key="key-of-the-test", retry=QUICK, **settings)


def drained(made: Agent[str], **how: Any) -> Run[str]:
    async def go() -> Run[str]:
        return await made.stream("hi", **how).drain()

    return asyncio.run(go())


def test_every_attempt_is_a_line_and_the_providers_figure_is_its_own() -> None:
    answers = [REFUSAL, reply(completion("hi", prompt_tokens=9, completion_tokens=2, cost=0.25))]
    with Loopback(lambda n, asked: answers[n]) as server:
        run = agent(server).run_sync("hi")
    refused, answered = run.ledger
    assert (refused.step, refused.number, refused.status) == (1, 1, 429)
    assert (refused.cost, refused.source, refused.billed) == (None, None, None), "nobody knows what this server bills"
    assert (answered.cost, answered.source, answered.billed) == (Decimal("0.25"), "provider", True)
    assert (answered.provider, answered.model) == ("compatible", "m")
    assert answered.usage is not None
    assert answered.usage.input_tokens == 9
    assert run.cost == Decimal("0.25")


def test_a_refusal_costs_nothing_where_the_provider_says_so() -> None:
    answers = [REFUSAL, reply(completion("hi", prompt_tokens=9, completion_tokens=2, cost=0.25))]
    with Loopback(lambda n, asked: answers[n]) as server:
        run = agent(server, "openrouter:m").run_sync("hi")
    refused = run.ledger[0]
    assert (refused.cost, refused.source, refused.billed) == (Decimal(0), "not billed", False)
    assert run.cost == Decimal("0.25")


def test_a_run_of_refusals_has_no_cost() -> None:
    with Loopback(lambda n, asked: REFUSAL) as server, pytest.raises(RateLimitError) as caught:
        agent(server, "openrouter:m").run_sync("hi")
    run = caught.value.run
    assert len(run.ledger) == 4
    assert run.cost is None


def cut_then_whole(number: int, asked: Asked) -> Answer:
    """A stream that counts what it cost and is cut before its end, and then one that is whole."""
    usage = {"prompt_tokens": 9, "completion_tokens": 1}
    if number == 0:
        return streamed(delta("I", usage={**usage, "cost": 0.01}), done=False, cut=True)
    last = {"choices": [], "usage": {**usage, "cost": 0.25}}
    return streamed(delta("It is hot."), delta(finish="stop"), last)


def cut_and_uncounted(number: int, asked: Asked) -> Answer:
    return streamed(delta("I"), done=False, cut=True) if number == 0 else cut_then_whole(number, asked)


def test_a_stream_that_was_cut_makes_the_cost_of_the_run_unknown() -> None:
    """It may have cost as much as the other, and a bill that lacks a part is none."""
    with Loopback(cut_and_uncounted) as server:
        run = drained(agent(server))
    assert run.text == "It is hot."
    assert [(line.status, line.cost, line.billed) for line in run.ledger] == [
        (200, None, None),
        (200, Decimal("0.25"), True),
    ]
    assert run.cost is None


@pytest.mark.parametrize("script", [cut_then_whole, cut_and_uncounted])
def test_a_replayed_run_has_the_ledger_of_the_live_one(tmp_path: Path, script: Any) -> None:
    tape = tmp_path / "cut.yaml"
    with Loopback(script) as server:
        made = agent(server)
        live = drained(made, tape=tape, tape_mode="record")
    again = drained(made, tape=tape, tape_mode="replay")
    assert len(live.ledger) == 2
    assert again.ledger == live.ledger
    assert again.cost == live.cost


def test_what_a_cut_answer_had_counted_is_on_its_line() -> None:
    start = {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 40, "output_tokens": 1}}}
    whole = {"id": "m", "type": "message", "model": "claude", "content": [], "stop_reason": "end_turn"}
    answers = [streamed(start, done=False, cut=True), reply(whole)]
    with Loopback(lambda n, asked: answers[n]) as server:
        run = drained(agent(server, "anthropic:claude-sonnet-4-5"))
    cut = run.ledger[0]
    assert cut.usage is not None
    assert (cut.usage.input_tokens, cut.cost, cut.billed) == (40, None, None)


def test_a_run_that_was_broken_off_in_an_answer_has_no_cost() -> None:
    async def go(server: Loopback) -> Run[str]:
        async with agent(server).stream("hi") as stream:
            async for event in stream:
                if stream.run.attempts or type(event).__name__ == "PartDelta":
                    break
        return stream.run

    with Loopback(lambda n, asked: streamed(*[delta("x")] * 500, pause=0.02)) as server:
        run = asyncio.run(go(server))
    (line,) = run.ledger
    assert (line.model, line.cost, line.billed) == ("m", None, None)
    assert run.cost is None


def taped(tmp_path: Path, base_url: str, model: str, **headers: str) -> Run[str]:
    """A run as it would be on a tape of the provider at ``base_url``."""
    tape = tmp_path / "tape.yaml"
    body = completion("hi", prompt_tokens=1_000_000, completion_tokens=100_000)
    del body["created"]
    with Loopback(lambda n, asked: reply({**body, "model": model}, **headers)) as server:
        agent(server, f"openai:{model}").run_sync("hi", tape=tape, tape_mode="record")
        tape.write_text(tape.read_text().replace(server.url, base_url))
    made: Agent[str] = Agent(f"openai:{model}", base_url=base_url, api_key="key-of-the-test")
    return made.run_sync("hi", tape=tape, tape_mode="replay")


def test_where_the_provider_is_silent_the_list_price_of_the_day_counts(tmp_path: Path) -> None:
    pytest.importorskip("genai_prices", reason="list prices are the extra playhead[prices]")
    run = taped(tmp_path, "https://api.openai.com/v1", "gpt-4o-2024-08-06", **DATE)
    (line,) = run.ledger
    assert run.cost == line.cost == Decimal("3.5"), "a million tokens in at 2.50, a tenth of one out at 10 dollars"
    assert line.source is not None
    assert line.source.startswith("genai-prices ")
    assert line.source.endswith("2025-11-20"), "the day is the one on the tape"
    assert line.billed is True


@pytest.mark.parametrize(
    ("base_url", "model", "headers"),
    [
        ("https://api.openai.com/v1", "a-model-of-tomorrow", DATE),
        ("https://models.example.test/v1", "gpt-4o-2024-08-06", DATE),
        ("https://api.openai.com/v1", "gpt-4o-2024-08-06", {}),
    ],
)
def test_what_the_table_does_not_hold_has_no_price(
    tmp_path: Path, base_url: str, model: str, headers: dict[str, str]
) -> None:
    """A model or a server that it does not know, or an answer of nobody knows which day."""
    run = taped(tmp_path, base_url, model, **headers)
    assert [(line.cost, line.source) for line in run.ledger] == [(None, None)]
    assert run.cost is None


def test_the_prices_are_not_imported_before_one_is_asked_for(seed: Path) -> None:
    program = (
        "import sys; from playhead import Agent, Tape; from playhead.deck.transcript.telling import transcript\n"
        f"print(transcript(Tape.load({str(seed)!r})).conversations[0].cost, 'genai_prices' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "0.0006258 False\n"


def test_an_answer_that_was_whole_when_its_reader_left_makes_the_cost_unknown() -> None:
    async def go(made: Agent[str]) -> Run[str]:
        async with made.stream("hi") as stream:
            async for event in stream:
                if isinstance(event, ResponseStart):
                    break
        return stream.run

    whole = streamed(delta("hi", "stop"))
    at_once = Answer(200, [b"".join(whole.chunks)], whole.headers)
    with Loopback(lambda n, asked: at_once) as server:
        run = asyncio.run(go(agent(server)))
    (line,) = run.ledger
    assert (line.status, line.billed, line.cost, run.cost) == (None, True, None, None)


def test_what_a_local_model_does_is_billed_by_nobody_and_its_cost_is_not_known() -> None:
    asked = Whom("local", "http://local.localhost/v1", "smollm2")
    made = line(Attempt(1, 1, 200, 0.5, asked=asked), Response((Text("hi"),), FinishReason("stop"), Usage(9, 2)))
    assert (made.cost, made.source, made.billed) == (None, None, False)
    assert total((made,)) is None
    told = line(
        Attempt(1, 1, 200, 0.5, asked=asked),
        Response((Text("hi"),), FinishReason("stop"), Usage(1_000_000, 0)),
        {"smollm2": Price(Decimal(1), Decimal(1))},
    )
    assert (told.cost, told.source, told.billed) == (Decimal(1), "budget", False)
    assert total((told,)) == Decimal(1)
