"""The server that all is measured against: the weather run's own answers, from loopback, in a process of its own.

It reads no more of a request than it must: a body that holds a tool's result gets the final sentence, a body that asks
for a stream gets 1,000 text deltas, anything else gets the tool call. A base URL that begins with ``/wires/NAME`` gets
the same deltas as that wire says them, see ``wires.py``; one that begins with ``/slow`` is answered after five seconds.
A base URL that begins with ``/paced`` gets its stream one delta at a time, about one a millisecond; otherwise the whole
stream is handed to the socket at once, each delta a chunk of its own. The answers are encoded once, so that the server
costs less than any client does.

    python benchmarks/server.py        prints its port, and serves until its standard input is closed
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from wires import WIRES

DELTAS = 1000
WORDS = [f"w{number:03d} " for number in range(DELTAS)]
PACE = 0.001
SLOW = 5.0

CALL = {
    "id": "gen-1758647926-pRFHibYqUibCHufWlJLK",
    "provider": "WandB",
    "model": "moonshotai/kimi-k2-0905",
    "object": "chat.completion",
    "created": 1758647926,
    "choices": [
        {
            "logprobs": None,
            "finish_reason": "tool_calls",
            "native_finish_reason": "tool_calls",
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "I'll get the current weather for Florence, Italy.",
                "refusal": None,
                "reasoning": None,
                "tool_calls": [
                    {
                        "id": "functions.weather:0",
                        "type": "function",
                        "index": 0,
                        "function": {"name": "weather", "arguments": '{"location": "Florence, Italy"}'},
                    }
                ],
            },
        }
    ],
    "usage": {"prompt_tokens": 97, "completion_tokens": 31, "total_tokens": 128, "cost": 0.00025495, "is_byok": False},
}
SENTENCE = CALL | {
    "choices": [
        {
            "logprobs": None,
            "finish_reason": "stop",
            "native_finish_reason": "stop",
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "It's currently **40 °C (104 °F)** in Florence, Italy—quite a hot day, so stay hydrated and "
                "seek shade if you're out enjoying the city!",
                "refusal": None,
                "reasoning": None,
            },
        }
    ],
    "usage": {"prompt_tokens": 171, "completion_tokens": 35, "total_tokens": 206, "cost": 0.00037085, "is_byok": False},
}


def chunk_of(delta: dict[str, Any], finish: str | None = None, usage: dict[str, Any] | None = None) -> bytes:
    """One chunk of the stream, as the gateway writes them, in the framing of HTTP/1.1."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "native_finish_reason": finish, "logprobs": None}
    event = {name: CALL[name] for name in ("id", "provider", "model", "created")}
    event |= {"object": "chat.completion.chunk", "choices": [choice]}
    if usage is not None:
        event["usage"] = usage
    return framed(b"data: " + json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n")


def framed(data: bytes) -> bytes:
    """Bytes as one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def whole(body: dict[str, Any]) -> bytes:
    """A JSON answer, head and body."""
    data = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(data), data)


ANSWER_CALL, ANSWER_SENTENCE = whole(CALL), whole(SENTENCE)


def head_of(kind: str) -> bytes:
    """The head of an answer that comes in chunks."""
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()


HEAD = head_of("text/event-stream")
PIECES = [chunk_of({"role": "assistant", "content": word}) for word in WORDS]
USAGE = {"prompt_tokens": 97, "completion_tokens": DELTAS, "total_tokens": 97 + DELTAS, "cost": 0.0024}
TAIL = (
    chunk_of({"role": "assistant", "content": ""}, "stop")
    + chunk_of({"role": "assistant", "content": ""}, None, USAGE)
    + framed(b"data: [DONE]\n\n")
    + b"0\r\n\r\n"
)
ANSWER_STREAM = b"".join([HEAD, *PIECES, TAIL])
ANSWER_WIRES = {
    name.encode(): b"".join([head_of(kind), *map(framed, make(WORDS)), b"0\r\n\r\n"])
    for name, (kind, make) in WIRES.items()
}


class Server(asyncio.Protocol):
    """One connection: requests with a Content-Length, one after the other."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.pending = transport, b""

    def data_received(self, data: bytes) -> None:
        self.pending = self.pending + data if self.pending else data
        while (end := self.pending.find(b"\r\n\r\n")) >= 0:
            head = self.pending[:end].lower()
            size = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
            if len(self.pending) < end + 4 + size:
                return
            body, self.pending = self.pending[end + 4 : end + 4 + size], self.pending[end + 4 + size :]
            if head.startswith(b"post /wires/"):
                self.transport.write(ANSWER_WIRES[head.split(b"/", 3)[2]])
            elif b'"stream":true' in body or b'"stream": true' in body:
                if head.startswith(b"post /paced"):
                    self.transport.write(HEAD)
                    self.step(0)
                else:
                    self.transport.write(ANSWER_STREAM)
            else:
                answer = ANSWER_SENTENCE if b'"tool_call_id"' in body else ANSWER_CALL
                if head.startswith(b"post /slow"):
                    asyncio.get_running_loop().call_later(SLOW, self.transport.write, answer)
                else:
                    self.transport.write(answer)

    def step(self, number: int) -> None:
        """Write one delta, and the next after a while."""
        if self.transport.is_closing():
            return
        if number == DELTAS:
            self.transport.write(TAIL)
            return
        self.transport.write(PIECES[number])
        asyncio.get_running_loop().call_later(PACE, self.step, number + 1)


async def serve() -> None:
    """Serve until standard input is closed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Server, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
