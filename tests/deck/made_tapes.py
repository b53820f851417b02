"""Tapes for the tests of the page, made from nothing: the wire of OpenAI, as OpenRouter speaks it, with fixed times.

`research()` has something of everything that a page shows; `long_run(5000)` is large; `hostile(text)` says the text in
every place that a tape has for one.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from typing import Any

from playhead.agent.taped import call_request
from playhead.messages import ToolCall
from playhead.tapes import Interaction, Tape
from playhead.tapes.interaction import interaction
from playhead.wire import Headers, HTTPRequest

URL = "https://openrouter.ai/api/v1/chat/completions"
JSON: Headers = (("Content-Type", "application/json"),)


class Maker:
    """A tape that grows."""

    def __init__(self) -> None:
        self.made: list[Interaction] = []

    @property
    def tape(self) -> Tape:
        """What was made."""
        return Tape(self.made)

    def put(
        self, request: HTTPRequest, body: bytes, seconds: float, status: int = 200, headers: Headers = JSON
    ) -> None:
        """An exchange."""
        self.made.append(
            interaction(
                len(self.made),
                request,
                status=status,
                reason="",
                proto="HTTP/1.1",
                headers=headers,
                body=body,
                nanoseconds=round(seconds * 1e9),
            )
        )

    def ask(
        self,
        messages: list[Any],
        answer: dict[str, Any] | str,
        seconds: float = 0.5,
        *,
        status: int = 200,
        headers: Headers = (),
        usage: tuple[int, int] = (100, 20),
        **settings: Any,
    ) -> None:
        """A question to a model; the answer is its message, or the words of a refusal."""
        asked: dict[str, Any] = {"model": "moonshotai/kimi-k2-0905", "messages": messages, **settings}
        told: dict[str, Any] = {"error": {"message": answer, "code": status}}
        if not isinstance(answer, str):
            finish = "tool_calls" if answer.get("tool_calls") else "stop"
            counts = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
            told = {
                "id": "gen-1",
                "model": asked["model"],
                "object": "chat.completion",
                "created": 1_758_647_926,
                "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", **answer}}],
                "usage": counts | {"cost": round(usage[0] * 6e-7 + usage[1] * 2.5e-6, 8)},
            }
        self.put(HTTPRequest("POST", URL, JSON, dumps(asked)), dumps(told), seconds, status, (*JSON, *headers))

    def stream(self, messages: list[Any], words: list[str], seconds: float, first: float, **settings: Any) -> None:
        """A question whose answer comes in pieces."""
        asked = {"model": "moonshotai/kimi-k2-0905", "messages": messages, "stream": True, **settings}
        chunks = []
        for number, word in enumerate(words):
            last = number == len(words) - 1
            choice = {"index": 0, "delta": {"role": "assistant", "content": word}}
            chunk: dict[str, Any] = {"id": "gen-2", "object": "chat.completion.chunk", "created": 1_758_647_999}
            chunk |= {"model": asked["model"], "choices": [choice | {"finish_reason": "stop" if last else None}]}
            if last:
                chunk["usage"] = {"prompt_tokens": 912, "completion_tokens": 2 * len(words), "cost": 0.0014}
            chunks.append(b"data: " + dumps(chunk) + b"\n\n")
        chunks.append(b"data: [DONE]\n\n")
        steps = (seconds - first) / len(chunks)
        rhythm = " ".join(f"{round((first + n * steps) * 1000)}:{len(chunk)}" for n, chunk in enumerate(chunks))
        headers = (("Content-Type", "text/event-stream"), ("Playhead-Chunks", rhythm))
        self.put(HTTPRequest("POST", URL, JSON, dumps(asked)), b"".join(chunks), seconds, 200, headers)

    def call(
        self, id: str, name: str, arguments: dict[str, Any], result: str, seconds: float, status: int = 200
    ) -> None:
        """A tool call."""
        request = call_request(ToolCall(id, name, json.dumps(arguments)))
        self.put(
            request,
            result.encode("utf-8", "surrogatepass"),
            seconds,
            status,
            (("Content-Type", "text/plain; charset=utf-8"),),
        )


def dumps(value: Any) -> bytes:
    """JSON as most clients write it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def calling(*calls: tuple[str, str, dict[str, Any]], text: str | None = None, **more: Any) -> dict[str, Any]:
    """The message of a model that calls tools: `(id, name, arguments)` each."""
    made = [
        {"id": id, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for id, name, arguments in calls
    ]
    return {"role": "assistant", "content": text, "tool_calls": made, **more}


def result(id: str, text: str) -> dict[str, Any]:
    """The message of a tool."""
    return {"role": "tool", "tool_call_id": id, "content": text}


def tools(*names: str) -> list[Any]:
    """Tools as a request tells of them."""
    schema = {"type": "object", "properties": {"query": {"type": "string"}}}
    return [
        {"type": "function", "function": {"name": name, "description": f"Does {name}", "parameters": schema}}
        for name in names
    ]


def png(width: int = 96, height: int = 48) -> bytes:
    """A small picture: a gradient."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(
        b"\0" + b"".join(bytes((240 - 2 * y, 150 + x % 90, 90 + 2 * x % 120)) for x in range(width))
        for y in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def research(last: str = "bring a hat") -> Tape:
    """A run with refusals, a wait, thoughts, parallel tools, a failed tool, an agent within a tool, a picture, a stream
    and a plain request. ``last`` are the last words of its answer."""
    tape = Maker()
    picture = "data:image/png;base64," + base64.b64encode(png()).decode()
    system = {
        "role": "system",
        "content": "You plan trips. Look things up before you answer, and say what you looked up.",
    }
    user = {
        "role": "user",
        "content": [
            {"type": "text", "text": "Where was this taken, and what should I pack for three days there?"},
            {"type": "image_url", "image_url": {"url": picture}},
        ],
    }
    told = tools("weather", "forecast", "guide", "book")
    date = "Tue, 23 Sep 2025 17:18:{:02} GMT".format
    busy = "kimi-k2-0905 is temporarily rate-limited upstream"
    tape.put(HTTPRequest("GET", "https://openrouter.ai/api/v1/models?supported=tools"), b'{"data":[]}', 0.21)
    tape.ask([system, user], busy, 0.31, status=429, headers=(("Retry-After", "2"), ("Date", date(10))), tools=told)
    look = calling(
        ("c1", "weather", {"city": "Florence", "units": "metric"}),
        ("c2", "forecast", {"city": "Florence", "days": 3}),
        ("c3", "guide", {"task": "what to see in Florence in three days, near the river"}),
        text="The dome is Brunelleschi's, so this is **Florence**. Let me look at the weather, and ask the guide.",
        reasoning="A terracotta dome with a lantern and a marble campanile beside it: Santa Maria del Fiore. "
        "The light is low, from the west.\nThey want a packing list, so I need the weather of the next three days.",
    )
    tape.ask([system, user], look, 2.4, headers=(("Date", date(16)),), usage=(412, 96), tools=told)
    tape.call(
        "c1", "weather", {"city": "Florence", "units": "metric"}, '{"now":{"temperature":40,"sky":"clear"}}', 0.35
    )
    tape.call("c2", "forecast", {"city": "Florence", "days": 3}, "TimeoutError: no answer in 1 s", 1.0, 500)
    inner = [{"role": "user", "content": "what to see in Florence in three days, near the river"}]
    tape.ask(inner, calling(("g1", "book", {"page": 12})), 0.9, usage=(80, 18), tools=tools("book"))
    tape.call("g1", "book", {"page": 12}, "Ponte Vecchio, the Uffizi, San Miniato al Monte.", 0.15)
    inner += [calling(("g1", "book", {"page": 12})), result("g1", "Ponte Vecchio, the Uffizi, San Miniato al Monte.")]
    tape.ask(inner, {"content": "The Uffizi early, San Miniato at dusk."}, 0.8, usage=(130, 14), tools=tools("book"))
    history = [
        system,
        user,
        look,
        result("c1", '{"now":{"temperature":40,"sky":"clear"}}'),
        result("c2", "TimeoutError: no answer in 1 s"),
        result("c3", "The Uffizi early, San Miniato at dusk."),
    ]
    words = (
        "It is **40 °C** and clear in Florence. Light cotton, sunscreen, and shoes for cobbles; "
        f"see the Uffizi early and San Miniato at dusk, and {last}."
    )
    pieces = [word + " " for word in words.split(" ")]
    tape.stream(history, pieces, 2.2, 0.7, tools=told)
    return tape.tape


def long_run(exchanges: int, steps: int = 50) -> Tape:
    """So many exchanges: runs of so many steps each, every third with a refusal first, a tool in each."""
    tape = Maker()
    number = 0
    while True:
        messages: list[Any] = [{"role": "user", "content": f"Task {number}: add up what the tool says."}]
        for step in range(steps):
            if step % 3 == 0:
                tape.ask(messages, "slow down", 0.1, status=429)
            id = f"c{number}_{step}"
            answer = calling((id, "add", {"a": step, "b": number}), text=f"Step {step} of task {number}.")
            tape.ask(messages, answer, 0.4 + step % 7 / 10, tools=tools("add"))
            tape.call(id, "add", {"a": step, "b": number}, f"the sum is {step + number}", 0.05)
            messages = [*messages, answer, result(id, f"the sum is {step + number}")]
            if len(tape.made) >= exchanges:
                return Tape(tape.made[:exchanges])
        number += 1


def hostile(text: str) -> Tape:
    """A tape that says this text wherever it can."""
    tape = Maker()
    raw = text.encode("utf-8", "surrogatepass")
    name = "".join(char for char in text if char.isascii() and char.isprintable()) or "x"
    message = {"role": "user", "content": text}
    picture = {"type": "image_url", "image_url": {"url": f"https://example.invalid/{name}"}}
    answer = calling(("c1", name, {"a": text}), text=text, reasoning=text)
    tape.ask([{"role": "system", "content": text}, message], text, status=400, headers=(("X-Request-Id", name),))
    tape.ask([message, {"role": "user", "content": [picture]}], answer)
    tape.call("c1", name, {"a": text}, text, 0.1)
    tape.ask([message, {"role": "user", "content": [picture]}, answer, result("c1", text)], {"content": text})
    tape.put(HTTPRequest("GET", f"https://example.invalid/{name}", (("X-Note", name),), raw), raw, 0.1)
    tape.put(HTTPRequest("POST", URL, JSON, raw), bytes(range(256)), 0.1)
    return tape.tape
