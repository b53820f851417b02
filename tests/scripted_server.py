"""A scripted HTTP server on loopback for tests: real sockets, answers and faults by script.

``with Loopback(script) as server`` serves in a thread of its own; ``script(number, request)`` gives the
:class:`Answer` to the request with that number, from 0. What was asked is on ``server.requests``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Asked:
    """A request as the server read it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """What to answer: ``chunks`` are sent one by one, each after ``pause`` seconds; ``cut`` closes before the end,
    ``hold`` waits so many seconds before it ends."""

    status: int = 200
    chunks: Sequence[bytes] = ()
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0.0
    delay: float = 0.0
    cut: bool = False
    hold: float = 0.0


def reply(body: Any, status: int = 200, **headers: str) -> Answer:
    """A JSON answer."""
    named = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Answer(status, [json.dumps(body).encode()], named)


def streamed(*chunks: Any, done: bool = True, pause: float = 0.0, cut: bool = False) -> Answer:
    """A server-sent-events answer, an event for each JSON value."""
    pieces = [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks]
    if done:
        pieces.append(b"data: [DONE]\n\n")
    return Answer(200, pieces, {"Content-Type": "text/event-stream"}, pause, cut=cut)


def completion(text: str | None, calls: Sequence[tuple[str, str, str]] = (), **usage: Any) -> dict[str, Any]:
    """The body of a chat completion: a text, or calls as (id, name, arguments)."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
            for id, name, arguments in calls
        ]
    body: dict[str, Any] = {
        "id": "gen-1",
        "object": "chat.completion",
        "created": 1758647926,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "tool_calls" if calls else "stop", "message": message}],
    }
    if usage:
        body["usage"] = usage
    return body


def delta(text: str | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """One chunk of a streamed chat completion."""
    content: dict[str, Any] = {"role": "assistant", **({} if text is None else {"content": text}), **more}
    return {"id": "gen-1", "model": "m", "choices": [{"index": 0, "delta": content, "finish_reason": finish}]}


class Loopback:
    """The server. ``open_connections`` counts the connections that are open now, ``connections`` all there were; after
    request number ``close_after`` (from 1) the connection is closed in order."""

    def __init__(self, script: Callable[[int, Asked], Answer]) -> None:
        self.script = script
        self.requests: list[Asked] = []
        self.open_connections = 0
        self.connections = 0
        self.close_after: int | None = None
        self.port = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Loopback:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _serve(self) -> None:
        async def main() -> None:
            self._loop = asyncio.get_running_loop()
            self._stop = asyncio.Event()
            server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await self._stop.wait()
            server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await asyncio.sleep(0)

        asyncio.run(main())

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open_connections += 1
        self.connections += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open_connections -= 1
            with contextlib.suppress(Exception):
                writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        method, path, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        number = len(self.requests)
        asked = Asked(method, path, headers, body)
        self.requests.append(asked)
        answer = self.script(number, asked)
        closed = asyncio.ensure_future(reader.read(1))
        try:
            return await self._write(writer, answer, closed) and len(self.requests) != self.close_after
        finally:
            closed.cancel()

    async def _write(self, writer: asyncio.StreamWriter, answer: Answer, closed: asyncio.Future[bytes]) -> bool:
        async def pause(seconds: float) -> None:
            if seconds:
                done, _ = await asyncio.wait({closed}, timeout=seconds)
                if done:
                    raise ConnectionResetError

        await pause(answer.delay)
        lines = [f"HTTP/1.1 {answer.status} Status", "Transfer-Encoding: chunked"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        for chunk in answer.chunks:
            await pause(answer.pause)
            writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            await writer.drain()
        if answer.cut:
            return False
        await pause(answer.hold)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True
