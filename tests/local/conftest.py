"""What the tests of the embedded model share: the model where it is installed, and a plain transport under it."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import pytest

from playhead.errors import ConfigError
from playhead.local.transport import LocalTransport
from playhead.local.weights import Weights, engine_folder, find_weights
from playhead.wire import HTTPRequest, HTTPResponse

URL = "http://local.localhost/v1/chat/completions"


class PlainTransport:
    """The standard library's client behind the one method; the body arrives in pieces. Keeps what it was asked."""

    def __init__(self) -> None:
        self.sent: list[HTTPRequest] = []

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        self.sent.append(request)

        def ask() -> Any:
            wire = urllib.request.Request(  # noqa: S310
                request.url, request.body or None, dict(request.headers), method=request.method
            )
            try:
                return urllib.request.urlopen(wire, timeout=60)  # noqa: S310
            except urllib.error.HTTPError as error:
                return error

        answer = await asyncio.to_thread(ask)

        async def chunks() -> AsyncIterator[bytes]:
            try:
                while piece := await asyncio.to_thread(answer.read1, 65536):
                    yield piece
            finally:
                answer.close()

        return HTTPResponse(answer.status, tuple(answer.headers.items()), chunks())

    async def aclose(self) -> None:
        pass


@pytest.fixture(scope="session")
def weights() -> Weights:
    """The small model's weights; skips, saying why, where they or the engine are not installed."""
    if engine_folder() is None:
        pytest.skip("xllamacpp is not installed")
    try:
        return find_weights("smollm2")
    except ConfigError as error:
        pytest.skip(str(error))


@pytest.fixture
def local(weights: Weights) -> LocalTransport:
    """A transport to the embedded model."""
    return LocalTransport(PlainTransport(), "smollm2")


@pytest.fixture
def ask(local: LocalTransport) -> Any:
    """``await ask(prompt or messages, **fields)`` -> the answer's JSON, or its bytes when it is streamed."""

    async def send(prompt: str | list[dict[str, str]], **fields: Any) -> Any:
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        body = {"model": "smollm2", "messages": messages, **fields}
        request = HTTPRequest("POST", URL, (("Content-Type", "application/json"),), json.dumps(body).encode())
        answer = await local.send(request)
        data = await answer.read()
        return data if fields.get("stream") else json.loads(data)

    return send
