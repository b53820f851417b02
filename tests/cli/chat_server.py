"""A chat completions server on loopback that answers by a script, for runs of the real command."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

JSON = {"Content-Type": "application/json"}
STREAM = {"Content-Type": "text/event-stream"}


class Reply(NamedTuple):
    """One answer: the pieces of its body, the seconds before each, and whether the connection breaks after them."""

    status: int
    headers: dict[str, str]
    pieces: tuple[bytes, ...]
    pause: float = 0.0
    cut: bool = False


def refusal(status: int, message: str = "not now", **headers: str) -> Reply:
    """A refusal in the wire's envelope; ``retry_after="0"`` becomes a header."""
    body = json.dumps({"error": {"message": message, "code": status}}).encode()
    return Reply(status, JSON | {name.replace("_", "-"): value for name, value in headers.items()}, (body,))


def streamed(*texts: str, call: tuple[str, str] | None = None, pause: float = 0.0, cut: bool = False) -> Reply:
    """An answer in pieces: texts, then a call of a tool with its arguments; ``cut`` ends it before its end."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": text} for text in texts]
    if call is not None:
        function = {"name": call[0], "arguments": call[1]}
        deltas.append({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]})
    choices: list[dict[str, Any]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    if not cut:
        choices.append({"index": 0, "delta": {}, "finish_reason": "tool_calls" if call else "stop"})
    chunks = [{"id": "1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]} for choice in choices]
    if not cut:
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        chunks[-1]["usage"] = usage
    pieces = [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks]
    return Reply(200, STREAM, (*pieces, *(() if cut else (b"data: [DONE]\n\n",))), pause, cut)


class ChatServer:
    """Answers each request by the next reply, the last one again and again. ``bodies`` are the requests it got."""

    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.broken = threading.Event()  # a client went away in the middle of an answer
        self._asked = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def next(self) -> Reply:
        """The reply to the request that has just come."""
        return self.script[min(len(self.bodies), len(self.script)) - 1]

    def take(self, body: dict[str, Any], headers: dict[str, str]) -> None:
        """A request has come."""
        with self._asked:
            self.bodies.append(body)
            self.headers.append(headers)
            self._asked.notify_all()

    def wait_for(self, count: int, seconds: float = 30.0) -> None:
        """Until so many requests have come."""
        with self._asked:
            assert self._asked.wait_for(lambda: len(self.bodies) >= count, seconds), f"{len(self.bodies)} requests came"

    def close(self) -> None:
        """Stop, and let go of the port."""
        self._server.shutdown()
        self._server.server_close()


def _handler(server: ChatServer) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            server.take(json.loads(self.rfile.read(length)), dict(self.headers))
            reply = server.next()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for piece in reply.pieces:
                    if reply.pause:
                        time.sleep(reply.pause)
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    self.wfile.flush()
                if not reply.cut:
                    self.wfile.write(b"0\r\n\r\n")
            except OSError:
                server.broken.set()
            self.close_connection = reply.cut or self.close_connection

        def log_message(self, *_: Any) -> None:
            """Nothing to say."""

    return Handler
