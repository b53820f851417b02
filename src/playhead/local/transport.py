"""The lowest wrapper of a local model: from a stable URL to the port that is served now.

Requests come for a URL such as ``http://local.localhost/v1/chat/completions``, which is what a tape holds, so that two
recordings of one run are the same and a replay, standing above this, needs no server. The scheme and the
authority are replaced by those of the running server, and the bearer token that it asks for is added; the rest passes
through untouched. The first request starts the server, in a thread, so that the event loop goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from playhead.local.weights import Weights, find_weights
from playhead.wire import HTTPRequest, HTTPResponse

if TYPE_CHECKING:
    from playhead.local.server import LocalServer
    from playhead.transport.base import Transport


class LocalTransport:
    """Sends to the embedded server of one model, through ``inner``: ``LocalTransport(HTTPTransport(), "smollm2")``.

    ``model_name`` is as in :func:`playhead.local.weights.find_weights`; it is looked up at the first request.
    """

    def __init__(self, inner: Transport, model_name: str) -> None:
        self.inner = inner
        self.model_name = model_name
        self._weights: Weights | None = None

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        """Send to the server, which is started when none runs.

        Raises:
            ConfigError: the engine or the weights are missing, or the file cannot be served.
            TransportError: no answer came.
        """
        server = await self._server(request.url.endswith("/embeddings"))
        _, _, rest = request.url.partition("://")
        path = rest[rest.find("/") :] if "/" in rest else "/"
        kept = tuple(pair for pair in request.headers if pair[0].lower() not in ("authorization", "host"))
        return await self.inner.send(
            HTTPRequest(
                request.method,
                server.url + path,
                (*kept, ("Authorization", f"Bearer {server.key}")),
                request.body,
            )
        )

    async def aclose(self) -> None:
        """Let go of the connections. The server stays for the next run of this process, and ends with it."""
        await self.inner.aclose()

    async def _server(self, embeds: bool) -> LocalServer:
        from playhead.local.server import running, start

        if self._weights is None:
            self._weights = find_weights(self.model_name)
        found = running(self._weights, embeds)
        if found is not None:
            return found
        import asyncio

        return await asyncio.to_thread(start, self._weights, embeds)
