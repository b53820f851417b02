"""The client's side of the tests of the HTTP/2 transport: one request with a key in it, and ways to send it."""

from __future__ import annotations

import asyncio

from loopback_h2 import Certificate

from playhead.transport.http import DEFAULT_TIMEOUTS, Timeouts
from playhead.transport.http2 import HTTP2Transport
from playhead.wire import HTTPRequest

KEY = "sk-test-0123456789-never-shown"


def ask(url: str) -> HTTPRequest:
    return HTTPRequest("POST", url, (("Content-Type", "application/json"), ("Authorization", f"Bearer {KEY}")), b"{}")


def over(certificate: Certificate, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> HTTP2Transport:
    return HTTP2Transport(timeouts, root_certificates=certificate.authority.read_bytes())


async def read(transport: HTTP2Transport, url: str) -> bytes:
    response = await transport.send(ask(url))
    try:
        return await response.read()
    finally:
        await response.aclose()


def fetch(transport: HTTP2Transport, url: str) -> bytes:
    return asyncio.run(read(transport, url))
