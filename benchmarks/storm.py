"""A storm: a thousand runs at once, at a provider that allows fifty requests a second and refuses the rest with 429.

The provider is a process of its own on loopback: a bucket of one second's worth that fills evenly. It tells how long to
wait in one of three ways: ``Retry-After`` in whole seconds, ``retry-after-ms`` to the millisecond, or ``x-ratelimit``
headers beside the former. Each is met twice: by the limiter that all runs of a process share, and by retries alone that
wait one second each time, the fixed backoff that clients without a limiter have. What counts is the time until all have
their answer, and the share of requests that were refused.

    python benchmarks/storm.py [--runs 1000] [--rate 50] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from typing import Any

from playhead import Agent, Model, RetryPolicy

WAYS = ("seconds", "milliseconds", "headers")
#: What a client does without a limiter: it waits so long after each refusal, as often as it takes.
FIXED = RetryPolicy(attempts=1_000, base=1.0, cap=1.0, deadline=3600.0)
ANSWER = json.dumps(
    {
        "id": "gen-1",
        "object": "chat.completion",
        "created": 1758647926,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Oi"}}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
    }
).encode()
REFUSAL = b'{"error":{"message":"too many requests"}}'


class Provider(asyncio.Protocol):
    """One connection to the provider; the bucket is shared by all."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.buffer = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            at = head.find(b"content-length:")
            size = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + size:
                return
            self.buffer = self.buffer[end + 4 + size :]
            self.transport.write(self.bucket.answer())


class Bucket:
    """So many requests in a second."""

    def __init__(self, rate: float, way: str) -> None:
        self.rate, self.way, self.left, self.at = rate, way, rate, time.monotonic()

    def answer(self) -> bytes:
        now = time.monotonic()
        self.left = min(self.rate, self.left + (now - self.at) * self.rate)
        self.at = now
        headers = ""
        if self.left >= 1:
            self.left -= 1
            status, body = "200 OK", ANSWER
        else:
            status, body, wait = "429 Too Many Requests", REFUSAL, (1 - self.left) / self.rate
            headers = f"Retry-After: {int(-(-wait // 1))}\r\n"
            if self.way == "milliseconds":
                headers = f"retry-after-ms: {wait * 1000:.0f}\r\n"
        if self.way == "headers":
            headers += f"x-ratelimit-limit-requests: {self.rate:.0f}\r\n"
            headers += f"x-ratelimit-remaining-requests: {int(self.left)}\r\n"
            headers += f"x-ratelimit-reset-requests: {(self.rate - self.left) / self.rate * 1000:.0f}ms\r\n"
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        return head.encode() + body


async def serve(rate: float, way: str) -> None:
    """Serve until the parent ends."""
    loop = asyncio.get_running_loop()
    bucket = Bucket(rate, way)
    server = await loop.create_server(lambda: Provider(bucket), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


async def storm(url: str, runs: int, *, limited: bool) -> dict[str, float]:
    """So many runs at once; seconds until all have ended, and what was refused."""
    how: dict[str, Any] = {} if limited else {"limiter": None, "retry": FIXED, "random": lambda: 1.0}
    agent = Agent(Model.of("openai:m", base_url=url, api_key="sk-storm-00000000", **how), max_tokens=50)
    began = time.perf_counter()
    done = await asyncio.gather(*(agent.run(f"question {number}") for number in range(runs)))
    seconds = time.perf_counter() - began
    assert all(run.text == "Oi" for run in done)
    tries = [attempt.status for run in done for attempt in run.attempts]
    return {"seconds": seconds, "requests": len(tries), "refused": tries.count(429)}


def measured(runs: int, rate: float, way: str, *, limited: bool) -> dict[str, float]:
    """One storm at a provider of its own."""
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve", way, "--rate", str(rate)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    assert server.stdin is not None
    try:
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        return asyncio.run(storm(url, runs, limited=limited))
    finally:
        server.stdin.close()
        server.wait()


def main() -> None:
    """Measure and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(given.rate, given.serve))
        return
    least = max(0.0, (given.runs - given.rate) / given.rate)
    found: dict[str, Any] = {"runs": given.runs, "rate": given.rate, "least_seconds": least, "ways": {}}
    if not given.json:
        print(f"{given.runs} runs at once, {given.rate:g} requests a second allowed: at least {least:.1f} s")
    for way in (given.way,) if given.way else WAYS:
        found["ways"][way] = both = {
            name: measured(given.runs, given.rate, way, limited=limited)
            for name, limited in (("limiter", True), ("fixed backoff", False))
        }
        if not given.json:
            for name, one in both.items():
                share = one["refused"] / one["requests"]
                print(f"{way:13} {name:14} {one['seconds']:6.1f} s  {one['requests']:6} requests  {share:5.1%} refused")
    if given.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
