"""What tapes cost: an exchange replayed from tapes of 12, 300 and 3,000, an exchange recorded, and megabytes of YAML.

The tapes are recorded here, from the server, each exchange a question of its own, and then played: no server is asked.
``loaded`` leaves out the reading of the file, ``with loading`` has it in. CPU of the process, as everywhere.

    python benchmarks/replays.py playhead|PyYAML|vcrpy URL FOLDER        prints one line of JSON
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from cases import BODY, HEADERS, MODEL, PROVIDER, QUESTION, SYSTEM
from measure import cpu_seconds

SIZES = (12, 300, 3000)
VCRPY_SIZES = (12, 300)  # it grows with the tape: 3,000 take minutes
EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "florence.yaml"


def question(number: int) -> str:
    """A question that no other on the tape is equal to."""
    return f"{QUESTION} ({number})"


async def playhead(url: str, folder: Path) -> dict[str, Any]:
    """playhead's own tapes."""
    from playhead import Agent, Model, Request, Tape, tool, user
    from playhead.fold import Folder
    from playhead.messages import system
    from playhead.tapes import open_session

    @tool
    def weather(location: Annotated[str, "the city"]) -> str:
        """Get weather information for a location"""
        return "40 C"

    model = Model.of(f"openrouter:{MODEL}", base_url=f"{url}/api/v1", api_key="none")
    options = {"provider": {"only": ["wandb"]}}

    async def ask(session: Any, size: int) -> None:
        call = model.call(session)
        for number in range(size):
            request = Request(
                MODEL, (system(SYSTEM), user(question(number))), (weather.spec,), max_tokens=4000, options=options
            )
            answer = Folder()
            async for batch in call.stream(request, step=1):
                answer.push(batch)
            assert answer.response().tool_calls[0].name == "weather"

    found: dict[str, Any] = {"loaded": {}, "with loading": {}}
    for size in SIZES:
        path = folder / f"playhead-{size}.yaml"
        session = open_session(path, "record", secrets=())
        began = cpu_seconds()
        await ask(session, size)
        found["record"] = (cpu_seconds() - began) / size * 1e6  # of the largest, in the end
        session.close()
        repeats = max(1, 600 // size)
        found["with loading"][str(size)] = found["loaded"][str(size)] = 0.0
        for _ in range(repeats):
            began = cpu_seconds()
            tape = Tape.load(path)
            session = open_session(tape, "replay", secrets=())
            ready = cpu_seconds()
            await ask(session, size)
            ended = cpu_seconds()
            session.close()
            found["with loading"][str(size)] += (ended - began) / size / repeats * 1e6
            found["loaded"][str(size)] += (ended - ready) / size / repeats * 1e6
    agent = Agent(f"openrouter:{MODEL}", system=SYSTEM, tools=[weather], max_tokens=4000, options=options)
    began = cpu_seconds()
    for _ in range(20):
        run = await agent.run(QUESTION, tape=EXAMPLE, tape_mode="replay")
        assert len(run.attempts) == 12
    found["example"] = (cpu_seconds() - began) / 20 / 12 * 1e6
    path = folder / f"playhead-{SIZES[-1]}.yaml"
    data = path.read_bytes()
    found["read"] = rate(len(data), lambda: Tape.loads(data))
    interactions = Tape.loads(data).interactions
    found["write"] = rate(len(data), lambda: Tape(interactions).dumps())  # as new: a loaded tape copies its own bytes
    assert Tape(interactions).dumps() == data
    return found


async def vcrpy(url: str, folder: Path) -> dict[str, Any]:
    """vcrpy, in front of httpx."""
    import httpx
    import vcr

    # The default leaves the body out; then every question here is the same, and the order alone says which is meant.
    matched = ["method", "scheme", "host", "port", "path", "query", "body"]

    async def ask(size: int) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            for number in range(size):
                messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question(number)}]
                body = json.dumps(BODY | PROVIDER | {"messages": messages}).encode()
                answer = await client.post(f"{url}/api/v1/chat/completions", content=body, headers=HEADERS)
                assert answer.json()["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "weather"

    found: dict[str, Any] = {"loaded": {}, "with loading": {}}
    for size in VCRPY_SIZES:
        path = folder / f"vcrpy-{size}.yaml"
        if not path.exists():
            with vcr.use_cassette(str(path), record_mode="all", match_on=matched):
                await ask(size)
        began = cpu_seconds()
        with vcr.use_cassette(str(path), record_mode="none", match_on=matched):
            ready = cpu_seconds()
            await ask(size)
            ended = cpu_seconds()
        found["with loading"][str(size)] = (ended - began) / size * 1e6
        found["loaded"][str(size)] = (ended - ready) / size * 1e6
    return found


async def pyyaml(url: str, folder: Path) -> dict[str, Any]:
    """PyYAML's C reader and writer on the largest of the tapes."""
    import yaml

    path = folder / "playhead-3000.yaml"
    text = path.read_bytes()
    document = yaml.load(text, yaml.CSafeLoader)
    return {
        "read": rate(len(text), lambda: yaml.load(text, yaml.CSafeLoader)),
        "write": rate(len(text), lambda: yaml.dump(document, Dumper=yaml.CSafeDumper, allow_unicode=True)),
    }


def rate(size: int, act: Callable[[], object]) -> float:
    """Megabytes a second, on the clock, for an act on so many bytes."""
    began, count = time.perf_counter(), 0
    while not count or time.perf_counter() - began < 0.5:
        act()
        count += 1
    return size * count / (time.perf_counter() - began) / 1e6


KINDS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "playhead": (playhead, ("playhead",)),
    "vcrpy": (vcrpy, ("vcrpy", "httpx")),
    "PyYAML": (pyyaml, ("PyYAML",)),
}


def main() -> None:
    """Measure one kind, or say why it is absent."""
    _, name, url, folder = sys.argv
    measure, distributions = KINDS[name]
    try:
        found = asyncio.run(measure(url, Path(folder)))
        print(json.dumps({"versions": {each: version(each) for each in distributions}, **found}))
    except ImportError as error:
        print(json.dumps({"absent": str(error)}))


if __name__ == "__main__":
    main()
