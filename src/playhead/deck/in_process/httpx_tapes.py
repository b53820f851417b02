"""httpx on tape: a transport that plays and records, for every SDK that is built on httpx or its successor httpx2.

OpenAI's, Anthropic's, Google's and many more take a ``Client`` of one of the two, and that takes a transport; one
object serves ``Client`` and ``AsyncClient`` of both. Which library a request is of is said by its class, and its answer
is made of the same; so neither is imported here, and nothing is a subclass of theirs but the bodies, which they check.

What passes is what travelled: a body that came compressed reaches its client so, and stands plain on the tape. A live
exchange is on the tape before its client learns that it is over. A request that the tape has no answer for is answered
with status 404 and not raised, see :mod:`.exchanges`; ``misses`` keeps them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from playhead.deck.http1.rendered import Rendered
from playhead.deck.in_process.exchanges import Exchanges
from playhead.deck.record.take import Take
from playhead.errors import ConfigError
from playhead.wire import Headers, HTTPRequest

_GONE = "closed by the consumer"
_LOST = "the connection was lost"
#: The libraries of this make.
LIBRARIES = ("httpx", "httpx2")


def handle(exchanges: Exchanges, request: Any, live: Callable[[Any], Any]) -> Any:
    """One exchange of a client that is not async: played, or live and recorded."""
    request.read()
    asked = _as_request(request)
    played = exchanges.play(asked)
    if played is not None:
        return _response(played, request)
    take = Take(exchanges.session, asked)
    response = live(request)
    _begin(take, response)
    response.stream = _bodies(_library(request))[0](response.stream, take)
    return response


async def handle_async(exchanges: Exchanges, request: Any, live: Callable[[Any], Awaitable[Any]]) -> Any:
    """One exchange of an async client."""
    await request.aread()
    asked = _as_request(request)
    played = exchanges.play(asked)
    if played is not None:
        return _response(played, request)
    take = Take(exchanges.session, asked)
    response = await live(request)
    _begin(take, response)
    response.stream = _bodies(_library(request))[0](response.stream, take)
    return response


class TapedTransport:
    """A transport for ``Client`` and ``AsyncClient`` alike; closing it closes the tape.

    Attributes:
        session: the open tape.
        misses: what it had no answer for, in words.
    """

    def __init__(
        self,
        exchanges: Exchanges,
        inner: Any = None,
    ) -> None:
        self._exchanges = exchanges
        self.session, self.misses = exchanges.session, exchanges.misses
        self._inner: Any = inner if hasattr(inner, "handle_request") else None
        self._async_inner: Any = inner if hasattr(inner, "handle_async_request") else None

    def handle_request(self, request: Any) -> Any:
        """One exchange; see httpx's ``BaseTransport``."""
        if self._inner is None:
            self._inner = _library(request).HTTPTransport()
        return handle(self._exchanges, request, self._inner.handle_request)

    async def handle_async_request(self, request: Any) -> Any:
        """One exchange; see httpx's ``AsyncBaseTransport``."""
        if self._async_inner is None:
            self._async_inner = _library(request).AsyncHTTPTransport()
        return await handle_async(self._exchanges, request, self._async_inner.handle_async_request)

    def close(self) -> None:
        """Close the connections, and the tape.

        Raises:
            UnplayedError: where that was asked for, and something on the tape was not asked for. Never while something
                else is being raised.
        """
        try:
            if self._inner is not None:
                self._inner.close()
        finally:
            self._exchanges.close(failing=sys.exception() is not None)

    async def aclose(self) -> None:
        """The same, of an async client."""
        try:
            if self._async_inner is not None:
                await self._async_inner.aclose()
        finally:
            self._exchanges.close(failing=sys.exception() is not None)

    def __enter__(self) -> TapedTransport:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    async def __aenter__(self) -> TapedTransport:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()


class _Taken:
    """A live body on its way to the client and to the tape."""

    def __init__(self, stream: Any, take: Take) -> None:
        self._stream, self._take = stream, take
        self._left: Any = None  # what is still to come, once somebody reads

    def __iter__(self) -> Iterator[bytes]:
        self._left = iter(self._stream)
        with self._told():
            for piece in self._left:
                self._take.piece(piece)
                yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._left = aiter(self._stream)
        with self._told():
            async for piece in self._left:
                self._take.piece(piece)
                yield piece

    @contextmanager
    def _told(self) -> Iterator[None]:
        """The take is told how the body ends."""
        try:
            yield
        except Exception:
            self._take.end(_LOST)
            raise
        except BaseException:  # the client stops, or is cancelled
            self._take.close(_GONE)
            raise
        self._take.end()

    def close(self) -> None:
        """The client is done. A refusal that it tries again without having read it is read here, for the tape."""
        if self._take.refused_unread:
            with suppress(Exception):
                for piece in iter(self._stream) if self._left is None else self._left:
                    self._take.piece(piece)
        self._take.close(_GONE)
        self._stream.close()

    async def aclose(self) -> None:
        """The same, of an async client."""
        if self._take.refused_unread:
            with suppress(Exception):
                async for piece in aiter(self._stream) if self._left is None else self._left:
                    self._take.piece(piece)
        self._take.close(_GONE)
        await self._stream.aclose()


class _Played:
    """A recorded body, in its pieces and at their moments, cut where it was."""

    def __init__(self, rendered: Rendered, library: Any) -> None:
        self._rendered, self._library = rendered, library

    def __iter__(self) -> Iterator[bytes]:
        before = 0.0
        for moment, piece in self._rendered.pieces:
            if moment > before:
                time.sleep(moment - before)
                before = moment
            yield piece
        self._end()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        import asyncio

        before = 0.0
        for moment, piece in self._rendered.pieces:
            if moment > before:
                await asyncio.sleep(moment - before)
                before = moment
            yield piece
        self._end()

    def _end(self) -> None:
        if self._rendered.cut:
            raise self._library.RemoteProtocolError("the recorded answer ends before its end")


@cache
def _bodies(library: Any) -> tuple[Any, Any]:
    """:class:`_Taken` and :class:`_Played` as bodies of this library, whose clients look at what they are given."""
    bases = (library.SyncByteStream, library.AsyncByteStream)
    return type("Taken", (_Taken, *bases), {}), type("Played", (_Played, *bases), {})


def _library(request: Any) -> Any:
    """The library that a request is of."""
    for kind in type(request).__mro__:
        name = kind.__module__.partition(".")[0]
        if name in LIBRARIES:
            return sys.modules[name]
    raise ConfigError(f"a request of {' or '.join(LIBRARIES)} was expected, not {type(request).__module__}")


def _as_request(request: Any) -> HTTPRequest:
    return HTTPRequest(request.method, str(request.url), tuple(request.headers.multi_items()), request.content)


def _begin(take: Take, response: Any) -> None:
    proto = response.extensions.get("http_version", b"HTTP/1.1")
    reason = response.extensions.get("reason_phrase", b"")
    headers: Headers = tuple(response.headers.multi_items())
    version = {"HTTP/2": "HTTP/2.0"}.get(proto.decode("ascii", "replace"), proto.decode("ascii", "replace"))
    take.begin(response.status_code, reason.decode("latin-1"), version, headers)


def _response(rendered: Rendered, request: Any) -> Any:
    headers = list(rendered.headers)
    if not rendered.streamed:
        headers.append(("Content-Length", str(len(rendered.body))))
    library = _library(request)
    response: Any = library.Response(
        rendered.status,
        headers=headers,
        stream=_bodies(library)[1](rendered, library),
        request=request,
        extensions={"http_version": b"HTTP/1.1", "reason_phrase": rendered.reason.encode("latin-1", "replace")},
    )
    return response
