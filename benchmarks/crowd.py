"""Ten thousand weather runs at once in one process, against a server that takes five seconds for each answer.

    python benchmarks/crowd.py [--json]     each in a process of its own, and what it came to
    python benchmarks/crowd.py playhead URL 10000

A run is two requests with a tool call between them, so that ten seconds is as fast as it could be. ``raw`` does the
same two exchanges with the HTTP client alone: the same bodies, sent and read, and nothing made of them. ``seldom`` is
playhead with Python's collector told to look seldom, as docs/control.md advises for so many. Memory is what the process
grew by at its peak, from just before the first run begins, over the number of runs.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUNS = 10_000
IDEAL = 10.0


async def by_playhead(url: str, runs: int) -> None:
    """The weather run, so many times at once."""
    from playhead import Agent, Model, tool

    @tool
    async def weather(location: str) -> str:
        """Get weather information for a location"""
        return "40 C"

    model = Model.of("compatible:moonshotai/kimi-k2-0905", base_url=url, api_key="sk-crowd")
    agent = Agent(model, system="You are a helpful assistant", tools=[weather], max_tokens=4000)
    await agent.run("What's the weather in Florence,Italy?")  # the engine is imported, the pool is there
    begin(runs)
    made = await asyncio.gather(*(agent.run("What's the weather in Florence,Italy?") for _ in range(runs)))
    assert all("40 °C" in run.text for run in made)


async def by_hand(url: str, runs: int) -> None:
    """The same exchanges by aiohttp alone."""
    import aiohttp

    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
    asked = [{"role": "system", "content": "You are a helpful assistant"}, {"role": "user", "content": "Florence?"}]
    first = json.dumps({"model": "m", "messages": asked, "tools": [tool]}).encode()
    asked += [
        {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather"}}]},
        {"role": "tool", "tool_call_id": "1", "content": "40 C"},
    ]
    second = json.dumps({"model": "m", "messages": asked, "tools": [tool]}).encode()
    headers = {"Content-Type": "application/json", "Authorization": "Bearer sk-crowd"}
    whole = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=whole) as session:

        async def run() -> bytes:
            for body in (first, second):
                async with session.post(f"{url}/chat/completions", data=body, headers=headers) as response:
                    answer = await response.read()
            return answer

        await run()
        begin(runs)
        made = await asyncio.gather(*(run() for _ in range(runs)))
    assert all("40 °C".encode() in answer for answer in made)


_began: dict[str, float] = {}


def begin(runs: int) -> None:
    """The clocks start."""
    import gc

    gc.collect()
    _began.update(wall=time.monotonic(), cpu=time.process_time(), memory=float(grown()))


def grown() -> int:
    """Bytes that the process has in memory now."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()


def measured(who: str, url: str, runs: int) -> dict[str, float]:
    """What one process took for all runs, the first one aside."""
    if who == "seldom":
        import gc

        gc.set_threshold(50_000)
    asyncio.run((by_hand if who == "raw" else by_playhead)(url, runs))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "wall": round(time.monotonic() - _began["wall"], 2),
        "cpu": round(time.process_time() - _began["cpu"], 2),
        "kilobytes": round((peak - _began["memory"]) / runs / 1024, 1),
    }


def main() -> None:
    """One of them, or all side by side."""
    if len(sys.argv) > 2:
        print(json.dumps(measured(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
        return
    found = {}
    for who in ("raw", "playhead", "seldom"):
        command = [sys.executable, str(HERE / "server.py")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            assert server.stdin is not None
            url = f"http://127.0.0.1:{server.stdout.readline().strip()}/slow"
            done = subprocess.run([sys.executable, __file__, who, url, str(RUNS)], capture_output=True, text=True)
            server.stdin.close()
        if done.returncode:
            sys.exit(done.stderr)
        found[who] = one = json.loads(done.stdout) | {"ideal": IDEAL, "runs": RUNS}
        ratio = one["wall"] / IDEAL
        if "--json" not in sys.argv:
            words = f"{one['wall']} s, {ratio:.2f} of the ideal; {one['cpu']} s CPU; {one['kilobytes']} KB a run"
            print(f"{who:<9} {words}")
    if "--json" in sys.argv:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
