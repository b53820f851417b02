"""What is measured: the same questions, asked through each client; one client a process.

A client is a function that takes the server's URL and gives its cases, each an act that gives a known value:

- ``call``: one question, and the arguments of the tool call in the answer, decoded;
- ``weather``: the weather run: two questions and the tool between them, and the final sentence;
- ``stream``: one question, answered in 1,000 deltas, and the number of characters that came;
- ``paced``: the same, one delta about every millisecond.

The raw ones are the floor: an HTTP engine and a JSON decoder, by hand, nothing of what makes a client a client.

    python benchmarks/clients.py NAME URL        prints the costs as one line of JSON
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any

from cases import BODY, EXPECTED, HEADERS, MESSAGES, MODEL, PROVIDER, QUESTION, SYSTEM
from measure import Act, Cost, measure, measure_at_once

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Client = Callable[[str], Awaitable[dict[str, Act]]]


def answered(message: dict[str, Any]) -> list[Any]:
    """The second question of the weather run: the call and its result behind the first."""
    call = message["tool_calls"][0]
    return [*MESSAGES, message, {"role": "tool", "tool_call_id": call["id"], "content": "40 C"}]


async def playhead(url: str) -> dict[str, Act]:
    """playhead, by its public API."""
    import msgspec

    from playhead import Agent, PartDelta, Request, tool, user
    from playhead.messages import system

    @tool
    def weather(location: Annotated[str, "the city"]) -> str:
        """Get weather information for a location"""
        return "40 C"

    options: dict[str, Any] = {"provider": {"only": ["wandb"]}}

    def made(prefix: str) -> Agent[str]:
        base = f"{url}{prefix}/api/v1"
        return Agent(
            f"openrouter:{MODEL}",
            system=SYSTEM,
            tools=[weather],
            max_tokens=4000,
            options=options,
            base_url=base,
            api_key="none",
        )

    agent, paced_agent = made(""), made("/paced")
    specs = tuple(known.spec for known in agent.tools.values())
    request = Request(MODEL, (system(SYSTEM), user(QUESTION)), specs, max_tokens=4000, options=options)

    async def call() -> object:
        response = await agent.model.ask(request)
        return msgspec.json.decode(response.tool_calls[0].arguments)

    async def run() -> object:
        return (await agent.run(QUESTION, tape=None)).text

    async def stream(of: Agent[str]) -> int:
        count = 0
        async for event in of.stream(QUESTION, tape=None):
            if type(event) is PartDelta:
                count += len(event.text)
        return count

    return {"call": call, "weather": run, "stream": lambda: stream(agent), "paced": lambda: stream(paced_agent)}


async def pyreqwest(url: str) -> dict[str, Act]:
    """pyreqwest and msgspec, by hand."""
    import msgspec
    from pyreqwest.client import ClientBuilder

    client = ClientBuilder().build()
    path = f"{url}/api/v1/chat/completions"

    async def ask(messages: list[Any]) -> Any:
        body = msgspec.json.encode(BODY | PROVIDER | {"messages": messages})
        response = await client.post(path).headers(HEADERS).body_bytes(body).build().send()
        return msgspec.json.decode(bytes(await response.bytes()))["choices"][0]["message"]

    async def call() -> object:
        return msgspec.json.decode((await ask(MESSAGES))["tool_calls"][0]["function"]["arguments"])

    async def weather() -> object:
        return (await ask(answered(await ask(MESSAGES))))["content"]

    async def pieces(prefix: str) -> AsyncIterator[bytes]:
        body = msgspec.json.encode(BODY | PROVIDER | {"stream": True})
        request = client.post(f"{url}{prefix}/api/v1/chat/completions").headers(HEADERS).body_bytes(body)
        async with request.build_streamed() as response:
            while (chunk := await response.body_reader.read_chunk()) is not None:
                yield bytes(chunk)

    async def stream(prefix: str) -> int:
        return await characters(pieces(prefix), msgspec.json.decode)

    return {"call": call, "weather": weather, "stream": lambda: stream(""), "paced": lambda: stream("/paced")}


async def aiohttp(url: str) -> dict[str, Act]:
    """aiohttp and orjson, by hand."""
    import aiohttp
    import orjson

    client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    path = f"{url}/api/v1/chat/completions"

    async def ask(messages: list[Any]) -> Any:
        body = orjson.dumps(BODY | PROVIDER | {"messages": messages})
        async with client.post(path, data=body, headers=HEADERS) as response:
            return orjson.loads(await response.read())["choices"][0]["message"]

    async def call() -> object:
        return orjson.loads((await ask(MESSAGES))["tool_calls"][0]["function"]["arguments"])

    async def weather() -> object:
        return (await ask(answered(await ask(MESSAGES))))["content"]

    async def stream(prefix: str) -> int:
        body = orjson.dumps(BODY | PROVIDER | {"stream": True})
        async with client.post(f"{url}{prefix}/api/v1/chat/completions", data=body, headers=HEADERS) as response:
            return await characters(response.content.iter_any(), orjson.loads)

    cases: dict[str, Act] = {"stream": lambda: stream(""), "paced": lambda: stream("/paced")}
    return {"call": call, "weather": weather, **cases, "close": client.close}


async def characters(chunks: AsyncIterator[bytes], decode: Callable[[bytes], Any]) -> int:
    """The characters in a stream of server-sent events, read in the plainest way that is right."""
    pending, count = b"", 0
    async for chunk in chunks:
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data: {"):
                count += len(decode(line[6:])["choices"][0]["delta"]["content"])
    return count


def client_named(name: str) -> tuple[Client, tuple[str, ...]]:
    """A client, and the distributions whose versions belong to its figures."""
    import peers

    return {
        "playhead": (playhead, ("playhead", "msgspec")),
        "raw aiohttp": (aiohttp, ("aiohttp", "orjson")),
        "raw pyreqwest": (pyreqwest, ("pyreqwest", "msgspec")),
        "openai": (peers.openai, ("openai",)),
        "litellm": (peers.litellm, ("litellm",)),
        "pydantic-ai": (peers.pydantic_ai, ("pydantic-ai-slim",)),
        "openai-agents": (peers.openai_agents, ("openai-agents",)),
    }[name]


async def costs(client: Client, url: str) -> dict[str, Cost]:
    """The cost of every case of a client."""
    cases = await client(url)
    close = cases.pop("close", None)
    found: dict[str, Cost] = {}
    for name, act in cases.items():
        once = name == "paced"  # it takes a second whatever the client does
        found[name] = await measure(act, EXPECTED[name], warm_up=0 if once else 3, at_least=1 if once else 3)
    if "call" in cases:
        found["at once"] = await measure_at_once(cases["call"], EXPECTED["call"])
    if close is not None:
        await close()
    return found


def main() -> None:
    """Measure one client, or say why it is absent."""
    _, name, url = sys.argv
    client, distributions = client_named(name)
    try:
        versions = {distribution: version(distribution) for distribution in distributions}
        found = asyncio.run(costs(client, url))
        engine = next((module for module in ("pyreqwest", "aiohttp", "httpx") if module in sys.modules), "")
        print(json.dumps({"versions": versions, "engine": engine, "costs": found}))
    except ImportError as error:
        print(json.dumps({"absent": str(error)}))


if __name__ == "__main__":
    main()
