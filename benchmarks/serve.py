"""What ``playhead serve`` and ``playhead record`` cost: exchanges a second on one core, and the time to the first byte.

Each server is a process of its own and is asked over kept connections by a client that does next to nothing. An
exchange costs the server's CPU, user and system; what one core does in a second is 1 over
that. Beside ``playhead serve`` stand the same engine with one answer that never changes, aiohttp's web server with the
same, and vcrpy, which replays inside its client: there the client's own CPU is in the figure, as it cannot be without.

``record`` is asked through the proxy and directly, in turn: the difference of the medians is what it adds to the first
byte of a stream.

    python benchmarks/serve.py          prints one line of JSON
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "florence.yaml"
#: Seconds of one measurement, and the connections that ask at a time.
SECONDS, CONNECTIONS = 2.0, 16
#: Questions on the tape that is served.
QUESTIONS = 300
#: Streams whose first byte is timed, each way.
STREAMS = 200


def requests_of(tape: str) -> list[bytes]:
    """Every request of a tape as it goes over the wire."""
    from playhead import Tape

    return [request_of(item.request.body) for item in Tape.load(tape).interactions]


def request_of(body: bytes) -> bytes:
    """A request with this body, with the headers that an SDK sends."""
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
        "Content-Type: application/json\r\nUser-Agent: OpenAI/Python 2.0.0\r\nAuthorization: Bearer none\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def make_tape(path: str) -> None:
    """A tape of many questions, each with the example's last answer."""
    from playhead import Tape
    from playhead.tapes.interaction import Interaction, RecordedRequest

    item = Tape.load(EXAMPLE).interactions[-1]
    fields = {name: getattr(item.request, name) for name in RecordedRequest.__struct_fields__}
    made = []
    for number in range(QUESTIONS):
        body = item.request.body.replace(b"Florence", b"Florence %d" % number)
        made.append(Interaction(number, RecordedRequest(**{**fields, "body": body}), item.response))
    Tape(made).save(path)


def serve_tape(tape: str, told: Any) -> None:
    """``playhead serve --loop``."""
    from playhead.deck.serve.server import TapeServer

    server = TapeServer(tape, loop=True)
    asyncio.run(server.run(lambda: ready(told, server.port)))


def serve_static(tape: str, told: Any) -> None:
    """The same engine, and one answer."""
    from playhead import Tape
    from playhead.deck.http1.connection import Connection, whole
    from playhead.deck.http1.listener import Listener
    from playhead.deck.http1.reading import Asked

    data = whole(200, Tape.load(tape).interactions[0].response.body, (("Content-Type", "application/json"),))

    class Static(Listener):
        def answer(self, asked: Asked, connection: Connection) -> None:
            connection.write(data)
            connection.done()

    server = Static()
    asyncio.run(server.run(lambda: ready(told, server.port)))


def serve_aiohttp(tape: str, told: Any) -> None:
    """aiohttp's web server, and one answer."""
    from aiohttp import web

    from playhead import Tape

    data = Tape.load(tape).interactions[0].response.body

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=data, content_type="application/json")

    async def main() -> None:
        runner = web.ServerRunner(web.Server(answer))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        ready(told, site._server.sockets[0].getsockname()[1])  # type: ignore[union-attr]
        await asyncio.Event().wait()

    asyncio.run(main())


def ready(told: Any, port: int) -> None:
    """Say where the server listens, and from then on, when asked, how much CPU it has used."""

    def report() -> None:
        while True:
            told.recv()
            told.send(time.process_time())

    told.send(port)
    threading.Thread(target=report, daemon=True).start()


def cpu_of(server: Any) -> float:
    """Seconds of CPU that a server has used."""
    server.send(None)
    seconds: float = server.recv()
    return seconds


class Client(asyncio.Protocol):
    """Asks one thing after the other on one connection and counts the answers."""

    def __init__(self, requests: list[bytes], at: int) -> None:
        self.requests, self.at, self.count, self.left = requests, at, 0, 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        self.transport.write(self.requests[self.at % len(self.requests)])
        self.at += CONNECTIONS

    def data_received(self, data: bytes) -> None:
        if not self.left:
            head, _, rest = data.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), data[:300]
            start = head.lower().index(b"content-length: ") + 16
            self.left = int(head[start:].partition(b"\r")[0]) - len(rest)
        else:
            self.left -= len(data)
        if not self.left:
            self.count += 1
            self.ask()


async def ask(port: int, requests: list[bytes], seconds: float) -> int:
    """How many were answered."""
    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(lambda at=at: Client(requests, at), "127.0.0.1", port))[1]  # type: ignore[misc]
        for at in range(CONNECTIONS)
    ]
    await asyncio.sleep(seconds)
    count = sum(client.count for client in clients)
    for client in clients:
        client.transport.abort()
    return count


def measured(server: Callable[[str, Any], None], tape: str, requests: list[bytes]) -> dict[str, float]:
    """Exchanges a second by the clock, and on one whole core."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=server, args=(tape, theirs), daemon=True)
    process.start()
    port = ours.recv()
    asyncio.run(ask(port, requests, 0.5))
    cpu = cpu_of(ours)
    count = asyncio.run(ask(port, requests, SECONDS))
    cpu = cpu_of(ours) - cpu
    process.kill()
    return {"per second": round(count / SECONDS), "per core second": round(count / cpu)}


def vcrpy(requests: list[bytes], folder: str) -> dict[str, float] | None:
    """vcrpy's replay of the same questions, in the client's process, through requests; None where it is not there."""
    try:
        import requests as client
        import vcr
    except ModuleNotFoundError:
        return None
    path = Path(folder) / "vcrpy.json"
    url = "http://127.0.0.1:9/v1/chat/completions"
    bodies = [one.partition(b"\r\n\r\n")[2].decode() for one in requests][:100]
    said = {"status": {"code": 200, "message": "OK"}, "headers": {"Content-Type": ["application/json"]}}
    recorded = [
        {
            "request": {"method": "POST", "uri": url, "body": body, "headers": {}},
            "response": {**said, "body": {"string": "{}"}},
        }
        for body in bodies
    ]
    path.write_text(json.dumps({"version": 1, "interactions": recorded}))
    tape = vcr.VCR(serializer="json", record_mode="none", match_on=["method", "uri", "body"])
    count, cpu, began = 0, time.process_time(), time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        with tape.use_cassette(str(path)), client.Session() as session:
            for body in bodies:
                assert session.post(url, data=body).status_code == 200
        count += len(bodies)
    spent = time.process_time() - cpu
    return {"per second": round(count / (time.perf_counter() - began)), "per core second": round(count / spent)}


async def first_byte(url: str, streams: int) -> list[float]:
    """Seconds from sending to the first byte of each stream's body."""
    import aiohttp

    body = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}'
    took = []
    async with aiohttp.ClientSession() as session:
        for _ in range(streams):
            began = time.perf_counter()
            async with session.post(f"{url}/v1/chat/completions", data=body) as response:
                await response.content.readany()
                took.append(time.perf_counter() - began)
                await response.read()
    return took


def recording(folder: str) -> dict[str, float]:
    """What the proxy adds to the first byte, in milliseconds."""
    from playhead.deck.record.proxy import RecordingProxy
    from playhead.testing import FakeProvider

    direct: list[float] = []
    through: list[float] = []
    with (
        FakeProvider("openai", answer="one two three four") as fake,
        RecordingProxy(fake.url, tape=Path(folder) / "record.yaml") as proxy,
    ):
        for _ in range(4):
            direct += asyncio.run(first_byte(fake.url, STREAMS // 4))
            through += asyncio.run(first_byte(proxy.url, STREAMS // 4))
    one, other = statistics.median(direct) * 1000, statistics.median(through) * 1000
    return {"direct ms": round(one, 3), "recorded ms": round(other, 3), "added ms": round(other - one, 3)}


def main() -> dict[str, Any]:
    """All of it."""
    with tempfile.TemporaryDirectory() as folder:
        tape = str(Path(folder) / "questions.yaml")
        make_tape(tape)
        requests = requests_of(tape)
        return {
            "playhead serve": measured(serve_tape, tape, requests),
            "the same engine, static": measured(serve_static, tape, requests),
            "aiohttp.web, static": measured(serve_aiohttp, tape, requests),
            "vcrpy, in its client": vcrpy(requests, folder),
            "record, first byte": recording(folder),
        }


if __name__ == "__main__":
    print(json.dumps(main()))
