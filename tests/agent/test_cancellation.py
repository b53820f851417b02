"""A run that is cancelled leaves nothing open, and is there as far as it came: at any moment, over real sockets.

``PLAYHEAD_CANCELLATIONS`` says how many moments are tried (1,000 before a release; fewer here). Each run has a tape,
calls tools at once, streams or does not, and is refused now and then; its moment is drawn from the time that such a run
takes.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, Request, RetryPolicy, Run, tool
from playhead.messages import closed
from playhead.tapes import Tape
from playhead.testing import Answer, FakeProvider, refuse, reply, tool_call

MOMENTS = int(os.environ.get("PLAYHEAD_CANCELLATIONS") or 50)
FOLDER = Path("/proc/self/fd")
WIRES = ("openai:m", "openai-responses:m", "anthropic:claude-x", "google:gemini-x", "bedrock:amazon.nova-x")


@tool
async def fetch(x: int) -> str:
    """waits for something outside"""
    await asyncio.sleep(0.002 * x)
    return "there"


@tool(effect="write")
async def write(x: int) -> str:
    """changes the world"""
    await asyncio.sleep(0.001)
    return "written"


def says(request: Request) -> Answer:
    steps = sum(message.role == "assistant" for message in request.messages)
    if steps == 0:
        return reply(
            "Let me see.", tool_call("fetch", x=1), tool_call("fetch", x=2), tool_call("write", x=3), pause=0.001
        )
    if steps == 1 and random.random() < 0.4:
        return refuse(429, retry_after=0)
    return reply("That is all there is to say.", delay=0.002, pause=0.001)


def open_files() -> Counter[str]:
    """What this process has open, by kind: "socket", "pipe", a path. No garbage is collected for it: what closes then
    was left open."""
    found: Counter[str] = Counter()
    for entry in FOLDER.iterdir():
        try:
            found[os.readlink(entry).partition(":[")[0]] += 1
        except FileNotFoundError:  # the one by which the folder is read
            continue
    return found


async def start(agent: Agent[Any], tape: Path, streamed: bool) -> Run[Any]:
    if not streamed:
        return await agent.run("hi", tape=tape, tape_mode="record")
    async with agent.stream("hi", tape=tape, tape_mode="record") as stream:
        async for _ in stream:
            pass
    return stream.run


@pytest.mark.skipif(not FOLDER.is_dir(), reason="open files are counted as Linux lists them")
def test_cancelled_at_random_moments_nothing_is_left_open_and_the_run_is_there(tmp_path: Path) -> None:
    ended: Counter[str] = Counter()

    async def trial(number: int, agent: Agent[Any]) -> None:
        tape = tmp_path / f"{number}.yaml"
        task = asyncio.ensure_future(start(agent, tape, streamed=number % 2 == 0))
        await asyncio.wait({task}, timeout=random.uniform(0, 0.04))
        await asyncio.sleep(0)
        task.cancel()
        try:
            run = await task
            ended["done"] += 1
        except asyncio.CancelledError as error:
            run = error.run  # type: ignore[attr-defined]  # without it, this is the failure
            ended["cancelled"] += 1
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert isinstance(run, Run)
        assert run.messages[0].text == "hi"
        assert len(closed(run.messages)) >= len(run.messages)
        left = [name for name in open_files() if str(tmp_path) in name]
        assert left == []
        if tape.exists():
            for item in Tape.load(tape).interactions:
                ended[item.request.method] += 1
            tape.unlink()

    async def all_trials(agents: list[Agent[Any]]) -> None:
        before = open_files()["socket"]
        for number in range(MOMENTS):
            await trial(number, agents[number % len(agents)])
            # One connection to each wire may be kept for the next run, on both sides of it.
            assert open_files()["socket"] <= before + 2 * len(WIRES)

    before_all = open_files()
    with FakeProvider(answer=says) as fake:
        agents = [Agent(fake.model(name, retry=RetryPolicy(base=0)), tools=[fetch, write]) for name in WIRES]
        asyncio.run(all_trials(agents))
    assert open_files() == before_all
    assert ended["cancelled"] > MOMENTS // 4
    assert ended["POST"] > 0
    assert ended["CALL"] > 0
