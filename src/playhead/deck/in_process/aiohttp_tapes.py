"""aiohttp on tape: a connector that plays and records, for every client that is built on aiohttp.

A connector gives connections. This one gives connections to a server in the same process, over a pair of sockets that
no other process can reach: the one that ``playhead serve`` and ``playhead record`` are made of. What is on the tape it
plays; the rest it passes on to the real host, as the mode of the tape allows. So the client's own reading of HTTP, its
timeouts, its streams and its errors, are the real ones.

TLS is spoken where the exchange goes live, with the system's certificates. A request that the tape has no answer for is
status 404, in the words of its wire, as in :mod:`.httpx_tapes`. This module imports aiohttp.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

from playhead.deck.http1.connection import Connection
from playhead.deck.http1.reading import Asked
from playhead.deck.http1.rendered import send
from playhead.deck.record.passing import as_request, open_client, pass_on
from playhead.deck.record.take import Take

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.tracing import Trace

    from playhead.deck.in_process.exchanges import Exchanges


class Inside:
    """The server inside: plays, or passes on. One for an event loop.

    Attributes:
        live: the client that goes to the real hosts, once it was needed.
    """

    def __init__(self, exchanges: Exchanges) -> None:
        self.exchanges = exchanges
        self.live: aiohttp.ClientSession | None = None
        self.keeper: AsyncGenerator[None] | None = None
        self._open: set[Connection] = set()
        self._tasks: dict[Connection, asyncio.Task[None]] = {}
        self._opened = 0

    async def connect(self, origin: str, protocol: Any) -> Any:
        """A connection of the client's to this server, which speaks for ``origin`` (``https://api.openai.com``)."""
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        self._opened += 1
        connection = Connection(self, self._opened)
        connection.state = origin
        self._open.add(connection)
        await loop.connect_accepted_socket(lambda: connection, ours)
        _, made = await loop.create_connection(protocol, sock=theirs)
        return made

    def answer(self, asked: Asked, connection: Connection) -> None:
        """See :class:`playhead.deck.http1.connection.Application`."""
        request = as_request(asked, f"{connection.state}{asked.target}")
        played = self.exchanges.play(request)
        if played is not None:
            send(played, asked, connection)
            return
        if self.live is None:
            self.live = open_client()
        task = asyncio.get_running_loop().create_task(self._pass_on(asked, connection, request.url, self.live))
        self._tasks[connection] = task

    def gone(self, connection: Connection) -> None:
        """See :class:`playhead.deck.http1.connection.Application`."""
        self._open.discard(connection)
        task = self._tasks.pop(connection, None)
        if task is not None:
            task.cancel()

    def cut(self) -> None:
        """Close the connections to clients."""
        for connection in tuple(self._open):
            connection.cut()

    async def close(self) -> None:
        """Close all connections; what was under way is on the tape as far as it came."""
        tasks = list(self._tasks.values())
        self.cut()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        live, self.live = self.live, None
        if live is not None:
            await live.close()

    async def _pass_on(self, asked: Asked, connection: Connection, url: str, live: aiohttp.ClientSession) -> None:
        take = Take(self.exchanges.session, as_request(asked, url))
        failure = await pass_on(asked, connection, url, take, live)
        if failure:  # there is no answer, and none is made up
            self.exchanges.session.notes.append(failure)
            connection.cut()


class TapedConnector(aiohttp.BaseConnector):
    """A connector for ``aiohttp.ClientSession``; closing it closes the tape.

    Attributes:
        misses: what the tape had no answer for, in words.
    """

    def __init__(self, exchanges: Exchanges, **settings: Any) -> None:
        super().__init__(**{"limit": 0, **settings})
        self._exchanges = exchanges
        self._inside = Inside(exchanges)
        self.misses = exchanges.misses

    async def _create_connection(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - it is the engine's
    ) -> ResponseHandler:
        made: ResponseHandler = await self._inside.connect(str(req.url.origin()), self._factory)
        return made

    async def _finish(self, closing: Any, failing: bool) -> None:
        await closing
        await self._inside.close()
        self._exchanges.close(failing=failing)

    def close(self, *, abort_ssl: bool = False) -> Any:
        """Close every connection, then the tape, when what this gives is awaited.

        Raises:
            UnplayedError: where that was asked for, and something on the tape was not asked for. Never while something
                else is being raised.
        """
        failing = sys.exception() is not None
        return asyncio.ensure_future(self._finish(super().close(abort_ssl=abort_ssl), failing))


def connecting(exchanges: Exchanges, original: Any) -> tuple[Any, Callable[[], None]]:
    """What stands in the place of ``TCPConnector._create_connection`` while :func:`playhead.taped` is open, and what to
    call when it is closed. A server inside belongs to an event loop, and goes with it; the connections that it goes
    live over are real ones."""
    insides: dict[asyncio.AbstractEventLoop, Inside] = {}

    async def create(self: Any, req: ClientRequest, *more: Any) -> Any:
        if getattr(self, "playhead_goes_live", False):
            return await original(self, req, *more)
        loop = asyncio.get_running_loop()
        inside = insides.get(loop)
        if inside is None:
            inside = insides[loop] = Inside(exchanges)
            inside.keeper = _closed_with_its_loop(inside)
            await anext(inside.keeper)
        return await inside.connect(str(req.url.origin()), self._factory)

    def let_go() -> None:
        """Cut the connections that clients have kept: what they ask next is not for the tape."""
        for loop, inside in insides.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(inside.cut)

    return create, let_go


async def _closed_with_its_loop(inside: Inside) -> AsyncGenerator[None]:
    """Begun, it is closed by the loop when that shuts down, and the server with it."""
    try:
        yield
    finally:
        await inside.close()
