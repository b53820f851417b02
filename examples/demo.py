"""The main job in three acts: a live run recorded, the recording played with no model there, a recording from the past.

Run it with ``make demo``, or ``python examples/demo.py``. No key, no network: the model is a small one that is
installed with playhead.
"""

import asyncio
import os
import socket
import sys
import time
from pathlib import Path
from typing import Annotated, Literal

from playhead import (
    Agent,
    AttemptEnd,
    ConfigError,
    PartDelta,
    PartStart,
    ResponseEnd,
    ResponseStart,
    Run,
    StepStart,
    Text,
    ToolEnd,
    ToolStart,
    tool,
)
from playhead.local.server import running, stop_all
from playhead.local.weights import find_weights

HERE = Path(__file__).resolve().parent
PROMPT = "What's the weather in Florence,Italy?"
COLORS = {"bold": "1", "dim": "2", "green": "32", "yellow": "33", "cyan": "36"} if sys.stdout.isatty() else {}


@tool
def weather(location: Annotated[str, "the city"]) -> str:
    """Get weather information for a location"""
    return "40 C"


def paint(color: str, text: str) -> str:
    return f"\x1b[{COLORS[color]}m{text}\x1b[0m" if color in COLORS else text


def say(text: str = "", color: str = "", end: str = "\n") -> None:
    print(paint(color, text), end=end, flush=True)


async def tell(agent: Agent, tape: Path, mode: Literal["record", "replay"]) -> tuple[Run, float]:
    """Run the agent, printing what happens as it happens; the run, and the seconds in which answers were arriving."""
    answering = began = 0.0
    texts: set[int] = set()  # the parts of this answer that are text; tool arguments come in deltas as well
    async with agent.stream(PROMPT, tape=tape, tape_mode=mode) as stream:
        async for event in stream:
            match event:
                case StepStart(step):
                    say(f"  step {step}  ", "bold", end="")
                case ResponseStart():
                    began = time.perf_counter()
                    texts.clear()
                case ResponseEnd():
                    answering += time.perf_counter() - began
                case PartStart(index, Text(text)):
                    texts.add(index)
                    say(text, end="")
                case PartDelta(index, text) if index in texts:
                    say(text, end="")
                case ToolStart(_, call):
                    say(f"→ {call.name}({call.arguments})", "cyan", end="")
                case ToolEnd(_, result, _, replayed):
                    say(f"  ← {result.text}" + ("  (from the tape)" if replayed else ""), "cyan")
                case AttemptEnd(attempt) if attempt.error:
                    wait = f", wait {attempt.wait:.2f} s" if attempt.wait else ""
                    say(f"{attempt.status} after {attempt.duration:.2f} s{wait}  ", "yellow", "")
                case _:
                    pass
    say()
    return stream.run, answering


def totals(run: Run) -> str:
    """What a run came to, in a line. None means that the provider did not report it."""
    refused = [attempt for attempt in run.attempts if attempt.error]
    waited = sum(attempt.wait or 0 for attempt in run.attempts)  # a tape holds no waits, and a replay takes none
    tries = f"{len(refused)} refused, {waited:.2f} s waited" if waited else f"{len(refused)} refused"
    usage, cost = run.usage, run.cost
    tokens = f"{usage.input_tokens} + {usage.output_tokens} tokens" if usage else "tokens not reported"
    price = "cost not reported" if cost is None else f"${cost.normalize():f}"
    return (
        f"{len(run.steps)} step{'s' * (len(run.steps) != 1)}, "
        f"{len(run.attempts)} attempt{'s' * (len(run.attempts) != 1)} ({tries}), {tokens}, {price}"
    )


def live_and_again(tape: Path) -> None:
    agent = Agent("local:smollm2", system="You are a helpful assistant", tools=[weather])

    say("1  Live: the weather agent on SmolLM2, a model of 135 million parameters, on this machine", "bold")
    say(f"  {PROMPT}")
    began = time.perf_counter()
    run, answering = asyncio.run(tell(agent, tape, "record"))
    speed = (run.usage.output_tokens or 0) / answering if run.usage and answering else 0
    say(f"  {totals(run)}, {time.perf_counter() - began:.2f} s, {speed:.0f} tokens/s", "dim")
    say(f"  recorded on {tape}", "dim")

    server = running(find_weights("smollm2"))
    stop_all()
    say("\n2  The same tape, with no model running", "bold")
    if server is not None:
        say(f"  {server.url} {'still answers' if answers(server.url) else 'is gone: connection refused'}", "dim")
    began = time.perf_counter()
    again, _ = asyncio.run(tell(agent, tape, "replay"))
    took = time.perf_counter() - began
    same = "every message as it was" if again.messages == run.messages else "NOT the same messages"
    say(f"  {totals(again)}, {took * 1000:.1f} ms; {same}", "dim")


def answers(url: str) -> bool:
    """Whether anybody listens there."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.socket() as caller:
        return caller.connect_ex((host, int(port))) == 0


def from_the_past() -> None:
    say("\n3  A tape from a day when the gateway was busy: examples/florence.yaml", "bold")
    agent = Agent(
        "openrouter:moonshotai/kimi-k2-0905",
        system="You are a helpful assistant",
        tools=[weather],
        max_tokens=4000,
        options={"provider": {"only": ["wandb"]}},
    )
    began = time.perf_counter()
    run = agent.run_sync(PROMPT, tape=HERE / "florence.yaml", tape_mode="replay")
    took = time.perf_counter() - began
    for step in run.steps:
        say(f"  step {step.number}  ", "bold", end="")
        say(" ".join(str(attempt.status) for attempt in step.attempts if attempt.error), "yellow", end=" ")
        say("200", "green")
        say(f"          {step.response.text}")
        for call, result in zip(step.response.tool_calls, step.results, strict=True):
            say(f"          → {call.name}({call.arguments})  ← {result.text}", "cyan")
    recorded = sum(attempt.duration for attempt in run.attempts)
    say(f"  {totals(run)}, {recorded:.2f} s when recorded, {took * 1000:.1f} ms now", "dim")


def main() -> int:
    tape = HERE.parent / "demo" / "weather.yaml"
    tape.parent.mkdir(exist_ok=True)
    status = 0
    try:
        live_and_again(tape)
    except ConfigError as error:  # the model is not installed; the message says how it would be
        say(f"  {error}", "yellow")
        status = 1
    from_the_past()
    here = os.path.relpath(sys.executable)
    say(f"\nSee the whole of it: {here} -m playhead show {os.path.relpath(HERE / 'florence.yaml')}", "dim")
    return status


if __name__ == "__main__":
    sys.exit(main())
