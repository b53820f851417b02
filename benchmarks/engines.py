"""Measures HTTP engines beside each other: the figures behind docs/decisions/0001-http-engine.md.

One loopback server, in a process of its own, answers a chat completion's body or a stream of 1,000 server-sent
events, each in its own chunk. Every engine that is installed asks it the same, raw: no playhead, no JSON.
``playhead`` in the table is ``HTTPTransport``: the engine chosen, with what playhead adds.

    python benchmarks/engines.py [--calls 2000] [--rounds 3] [--only "pyreqwest;aiohttp"]

Columns: µs a call, one at a time (wall, CPU of the client's process with all its threads); µs a call, 100 at once
(wall, CPU); CPU and wall ms of one stream of 1,000 chunks, and how many pieces it was handed on in; CPU ms of the same
stream when it arrives in one burst; import in ms over bare Python. Each cell is the best of the rounds: what else the
machine does only ever adds.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

REQUEST = b'{"model":"m","messages":[{"role":"user","content":"What is the weather in Florence,Italy?"}]}'
ANSWER = (
    b'{"id":"gen-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,'
    b'"finish_reason":"tool_calls","message":{"role":"assistant","content":null,"tool_calls":[{"type":"function",'
    b'"index":0,"id":"c:0","function":{"name":"weather","arguments":"{\\"location\\": \\"Florence, Italy\\"}"}}]}}],'
    b'"usage":{"prompt_tokens":81,"completion_tokens":21}}'
)
EVENT = b'data: {"id":"gen-1","choices":[{"index":0,"delta":{"role":"assistant","content":"word "}}]}\n\n'
CHUNKS = 1000
COLUMNS = [
    *("engine", "one: wall µs", "CPU µs", "100 at once: wall µs", "CPU µs"),
    *("stream: CPU ms", "wall ms", "pieces", "burst: CPU ms", "import ms"),
]
HEADERS = {"Content-Type": "application/json", "Accept": "application/json", "Authorization": "Bearer none"}

# One call, read to its end; one stream from a path, giving the number of pieces it came in; closing.
Engine = tuple[Callable[[], Awaitable[int]], Callable[[str], Awaitable[int]], Callable[[], Awaitable[Any]]]


class Server(asyncio.Protocol):
    """Answers POST /chat with ANSWER, POST /stream with CHUNKS events a little apart and POST /burst with the same
    all at once; keeps the connection."""

    def connection_made(self, transport: Any) -> None:
        self.transport, self.pending = transport, b""

    def data_received(self, data: bytes) -> None:
        self.pending += data
        while b"\r\n\r\n" in self.pending:
            head, _, rest = self.pending.partition(b"\r\n\r\n")
            size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
            if len(rest) < size:
                return
            self.pending = rest[size:]
            if head.startswith(b"POST /burst"):
                self.transport.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + b"%x\r\n%b\r\n" % (len(EVENT), EVENT) * CHUNKS
                    + b"0\r\n\r\n"
                )
            elif head.startswith(b"POST /stream"):
                self.transport.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                )
                self.step(CHUNKS)
            else:
                self.transport.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                    % (len(ANSWER), ANSWER)
                )

    def step(self, left: int) -> None:
        if not left:
            self.transport.write(b"0\r\n\r\n")
            return
        self.transport.write(b"%x\r\n%b\r\n" % (len(EVENT), EVENT))
        asyncio.get_running_loop().call_later(0.0002, self.step, left - 1)


async def serve() -> None:
    """Run the server until the parent closes our standard input."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


async def pyreqwest(url: str) -> Engine:
    from pyreqwest.client import ClientBuilder

    client = ClientBuilder().build()

    async def call() -> int:
        response = await client.post(url + "/chat").headers(HEADERS).body_bytes(REQUEST).build().send()
        bytes(await response.bytes())
        return 1

    async def stream(path: str) -> int:
        pieces = 0
        request = client.post(url + path).headers(HEADERS).body_bytes(REQUEST)
        async with request.streamed_read_buffer_limit(0).build_streamed() as response:
            while (chunk := await response.body_reader.read_chunk()) is not None:
                bytes(chunk)
                pieces += 1
        return pieces

    return call, stream, client.close


async def pyreqwest_streamed(url: str) -> Engine:
    """The same engine as playhead uses it: the head first, the body as it comes."""
    from pyreqwest.client import ClientBuilder

    client = ClientBuilder().build()  # a limit above 0 holds the head back until as many bytes of the body are here

    async def ask(path: str) -> int:
        pieces = 0
        async with (
            client.post(url + path)
            .headers(HEADERS)
            .body_bytes(REQUEST)
            .streamed_read_buffer_limit(0)
            .build_streamed() as response
        ):
            while (chunk := await response.body_reader.read_chunk()) is not None:
                bytes(chunk)
                pieces += 1
        return pieces

    return lambda: ask("/chat"), ask, client.close


async def pyqwest(url: str) -> Engine:
    from pyqwest import Headers, HTTPTransport, Request

    transport = HTTPTransport(enable_otel=False, follow_redirects=False, pool_max_idle_per_host=100)

    async def ask(path: str) -> int:
        response = await transport.execute(Request("POST", url + path, Headers(HEADERS), REQUEST))
        pieces = 0
        async for chunk in response.content:
            bytes(chunk)
            pieces += 1
        return pieces

    return lambda: ask("/chat"), ask, transport.aclose


async def playhead(url: str) -> Engine:
    from playhead.transport.http import HTTPTransport
    from playhead.wire import HTTPRequest

    transport = HTTPTransport()
    headers = tuple(HEADERS.items())

    async def ask(path: str) -> int:
        response = await transport.send(HTTPRequest("POST", url + path, headers, REQUEST))
        pieces = 0
        async for _ in response.chunks:
            pieces += 1
        await response.aclose()
        return pieces

    return lambda: ask("/chat"), ask, transport.aclose


async def aiohttp(url: str) -> Engine:
    import aiohttp

    client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def call() -> int:
        async with client.post(url + "/chat", data=REQUEST, headers=HEADERS) as response:
            await response.read()
        return 1

    async def stream(path: str) -> int:
        async with client.post(url + path, data=REQUEST, headers=HEADERS) as response:
            return len([chunk async for chunk in response.content.iter_any()])

    return call, stream, client.close


async def httpx(url: str) -> Engine:
    import httpx

    client = httpx.AsyncClient(limits=httpx.Limits(max_connections=None), timeout=60, trust_env=False)

    async def call() -> int:
        (await client.post(url + "/chat", content=REQUEST, headers=HEADERS)).content  # noqa: B018
        return 1

    async def stream(path: str) -> int:
        async with client.stream("POST", url + path, content=REQUEST, headers=HEADERS) as response:
            return len([chunk async for chunk in response.aiter_bytes()])

    return call, stream, client.aclose


async def niquests(url: str) -> Engine:
    import niquests

    client = niquests.AsyncSession(pool_maxsize=100)

    async def call() -> int:
        (await client.post(url + "/chat", data=REQUEST, headers=HEADERS)).content  # noqa: B018
        return 1

    async def stream(path: str) -> int:
        response = await client.post(url + path, data=REQUEST, headers=HEADERS, stream=True)
        return len([chunk async for chunk in await response.iter_content(-1)])

    return call, stream, client.close


ENGINES: dict[str, Any] = {
    "pyreqwest": pyreqwest,
    "pyreqwest, streamed": pyreqwest_streamed,
    "pyqwest": pyqwest,
    "playhead": playhead,
    "aiohttp": aiohttp,
    "httpx": httpx,
    "niquests": niquests,
}
IMPORTS = {
    "pyreqwest": "import pyreqwest.client",
    "pyreqwest, streamed": "import pyreqwest.client",
    "playhead": "import playhead.transport.http, aiohttp",
}


async def measure(name: str, url: str, calls: int) -> list[float]:
    """One round: wall and CPU µs, the same at 100, stream CPU and wall ms, pieces, burst CPU ms."""
    call, stream, close = await ENGINES[name](url)
    for _ in range(50):
        await call()
    row: list[float] = []
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(calls):
        await call()
    row += [(time.perf_counter() - wall) / calls * 1e6, (time.process_time() - cpu) / calls * 1e6]

    async def worker() -> None:
        for _ in range(calls // 100):
            await call()

    await asyncio.gather(*(call() for _ in range(100)))
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(worker() for _ in range(100)))
    many = calls // 100 * 100
    row += [(time.perf_counter() - wall) / many * 1e6, (time.process_time() - cpu) / many * 1e6]
    await stream("/stream")
    wall, cpu, pieces = time.perf_counter(), time.process_time(), 0
    for _ in range(3):
        pieces = await stream("/stream")
    row += [(time.process_time() - cpu) / 3 * 1e3, (time.perf_counter() - wall) / 3 * 1e3, pieces]
    await stream("/burst")
    cpu = time.process_time()
    for _ in range(5):
        await stream("/burst")
    row.append((time.process_time() - cpu) / 5 * 1e3)
    await close()
    return row


def import_time(statement: str) -> float:
    """Milliseconds that an import adds to a bare interpreter, the best of five."""

    def best(code: str) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)
            times.append(time.perf_counter() - start)
        return min(times) * 1e3

    return best(statement) - best("pass")


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--calls", type=int, default=2000, help="calls a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="names of engines, separated by semicolons")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve())
        return
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        print("| " + " | ".join(COLUMNS) + " |")
        print("|---" * len(COLUMNS) + "|")
        rows: dict[str, list[list[float]]] = {}
        wanted = given.only.split(";") if given.only else list(ENGINES)
        for _ in range(given.rounds):  # rounds outermost, so that a drift of the machine meets all alike
            for name in wanted:
                try:
                    rows.setdefault(name, []).append(asyncio.run(measure(name, url, given.calls)))
                except ImportError as error:
                    print(f"{name} left out: {error}", file=sys.stderr)
        for name, rounds in rows.items():
            if rounds:
                best = [min(column) for column in zip(*rounds, strict=True)]
                cells = [*best[:4], *(f"{value:.1f}" for value in best[4:6]), best[6], f"{best[7]:.1f}"]
                text = " | ".join(cell if isinstance(cell, str) else f"{cell:.0f}" for cell in cells)
                print(f"| {name} | {text} | {import_time(IMPORTS.get(name, f'import {name}')):.0f} |", flush=True)
        server.stdin.close()


if __name__ == "__main__":
    main()
