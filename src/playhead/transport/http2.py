"""The second transport that goes out: HTTP/2 over pyreqwest, for those who have very many calls in the air at once.

It is asked for by name, ``Agent(…, transport=HTTP2Transport())``, and its engine comes with the extra ``http2``. What
it wins, what it loses and for whom it is worth it: docs/decisions/0004-http2.md. The transport that everybody else has
is :mod:`playhead.transport.http`, and the rules are that one's: head and chunks are handed on when they are here, no
redirect is followed, TLS is verified, an error names the host and the reason and holds no key, a body that ends before
its end raises, proxies are those of :mod:`playhead.transport.proxies`. One rule, that a cancelled call is given up at
once, is kept in part only: see :class:`HTTP2Transport`.

HTTP/2 is agreed on in the TLS handshake (ALPN); a server that does not know it, and every ``http://`` URL, is spoken to
in HTTP/1.1. RFC 9113, 2022-06.

A *lane* is one engine client, and so one HTTP/2 connection to one origin. Servers let 100 streams or so run in each
connection, and the engine lets further requests wait for one of them to end; with answers that take minutes that is a
standstill. So a lane takes :data:`STREAMS` calls at once, and the next call takes the next lane.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, TypeAlias

from playhead.errors import ConfigError, CutStreamError, ModelError, TimeoutExceeded, TransportError
from playhead.given import check, check_there
from playhead.transport.http import DEFAULT_TIMEOUTS, HEADER_LIMIT, KEEP_ALIVE, NO_URL, Timeouts
from playhead.transport.proxies import proxy_for
from playhead.wire import Headers, HTTPRequest, HTTPResponse

if TYPE_CHECKING:
    from pyreqwest.client import Client
    from pyreqwest.request import StreamRequest
    from pyreqwest.response import Response, ResponseBodyReader

INSTALL = 'pip install "playhead[http2]"'
#: Calls at once in one connection: the least that RFC 9113 (6.5.2) advises a server to allow, and what most do allow.
STREAMS = 100
#: Bytes that may be on their way in one stream; and in the connection, so that slow readers cannot starve the others.
STREAM_WINDOW = 1 << 18
CONNECTION_WINDOW = STREAM_WINDOW * (STREAMS + 1)


#: Seconds that the interpreter waits at its end for the engine's thread, see :func:`_let_the_engine_finish`.
FAREWELL = 0.05

#: Where calls share connections: the origin, and the proxy on the way there or None.
_Route: TypeAlias = tuple[str, str | None]


class _Lane:
    """One engine client and the places that are left in it."""

    __slots__ = ("abandoned", "client", "only_http2", "room")

    def __init__(self, client: Client, only_http2: bool) -> None:
        self.client = client
        self.only_http2 = only_http2
        self.room = STREAMS
        self.abandoned = 0


class HTTP2Transport:
    """Sends requests as they are, many in one connection.

    **What is lost: cancelling before the head.** A task that is cancelled while it waits for the head of an answer is
    free at once, but the engine (pyreqwest 0.15.1) does not give the stream up: the provider goes on generating, and
    billing, until its head is ready; only then is the stream reset. Of a streamed call that is until about the first
    token; of one that is not streamed, nearly the whole answer. The engine's own timers do reset the stream, so the
    loss is bounded: by the longer of ``first_byte`` and ``between_chunks`` (no bound where one of them is None), and by
    ``total``. Set them to what you are ready to lose. From the head on, a cancelled or closed answer's stream is reset
    at once.

    Header names come in lower case, as HTTP/2 has them, and there is no reason. A header whose value is not ASCII
    cannot be read, and is left out.

    ``root_certificates`` are PEM certificates of authorities to trust besides the system's (or SSL_CERT_FILE's). A
    transport serves any number of loops and threads, and its connections outlive their loops; :meth:`aclose` lets go of
    all of them.

    Raises:
        ConfigError: ``root_certificates`` holds no PEM certificate.
    """

    def __init__(
        self,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        *,
        root_certificates: bytes | None = None,
        user_agent: str = "playhead",
    ) -> None:
        check("HTTP2Transport", timeouts=timeouts, root_certificates=root_certificates)
        check_there("HTTP2Transport", "user_agent", user_agent)
        self.timeouts = timeouts
        self._roots = _certificates(root_certificates)
        self._user_agent = user_agent
        self._lanes: dict[_Route, list[_Lane]] = {}
        self._lock = threading.Lock()
        #: Routes that have answered in HTTP/2. An engine client that need not ask connects once for calls that start
        #: together; one that must ask connects for each of them, and keeps one connection.
        self._agreed: set[_Route] = set()

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        """Send, and return when the head of the answer is here.

        Raises:
            TransportError: no answer came; TimeoutExceeded where it was too slow.
            ConfigError: the URL is none, the engine is not installed, or the proxy of the environment cannot be used.
        """
        route = _origin(request.url), proxy_for(request.url, os.environ)
        lane = self._take(route)
        timeouts = self.timeouts
        began = asyncio.get_running_loop().time()
        failure: Exception | None = None
        try:
            sending = _prepare(lane.client, request, timeouts)
            async with asyncio.timeout(_least(timeouts.first_byte, timeouts.total)):
                response = await sending.__aenter__()
        except asyncio.CancelledError:
            self._abandon(route, lane)
            raise
        except TimeoutError as error:
            failure = _too_slow_head(error, request.url, timeouts)
            if type(error) is TimeoutError:  # ours: the engine, whose own are subclasses, may still be waiting
                self._abandon(route, lane)
            else:
                self._give_back(lane)
        except Exception as error:
            failure = _explain(error, request.url)
            self._give_back(lane)
            if lane.only_http2 and "stream error received" not in _causes(error):
                self._doubt(route, lane)
        if failure is not None:
            raise failure  # outside the handler: the engine's error holds the URL and its query, so it is no context
        if response.version == "HTTP/2.0":
            self._agreed.add(route)
        body = _Body(self, lane, sending, response, request.url, began)
        return HTTPResponse(
            response.status, _headers(response), body.chunks(), proto=response.version, close=body.aclose
        )

    async def aclose(self) -> None:
        """Let go of every connection; those with an answer on its way close after it."""
        with self._lock:
            lanes, self._lanes = self._lanes, {}
        for lane in (lane for row in lanes.values() for lane in row):
            await lane.client.close()

    def _take(self, route: _Route) -> _Lane:
        """A place in the first lane that has one, so that lanes beyond what is needed fall idle and close."""
        with self._lock:
            row = self._lanes.setdefault(route, [])
            for lane in row:
                if lane.room > 0:
                    break
            else:
                lane = _Lane(self._open(route), route in self._agreed)
                row.append(lane)
            lane.room -= 1
            return lane

    def _give_back(self, lane: _Lane) -> None:
        with self._lock:
            lane.room += 1

    def _abandon(self, route: _Route, lane: _Lane) -> None:
        """A call that was not waited for keeps its place for good: its stream may be open. A lane of such is let go."""
        with self._lock:
            lane.abandoned += 1
            row = self._lanes.get(route, [])
            if lane.abandoned == STREAMS and lane in row:
                row.remove(lane)

    def _doubt(self, route: _Route, lane: _Lane) -> None:
        """The server may have forgotten HTTP/2: the next call asks it again."""
        with self._lock:
            self._agreed.discard(route)
            row = self._lanes.get(route, [])
            if lane in row:
                row.remove(lane)

    def _open(self, route: _Route) -> Client:
        try:
            from pyreqwest.client import ClientBuilder
            from pyreqwest.proxy import ProxyBuilder
        except ImportError:
            raise ConfigError(f"HTTP2Transport needs the package pyreqwest; install it with: {INSTALL}") from None
        import atexit
        from datetime import timedelta

        atexit.unregister(_let_the_engine_finish)  # so that it is there once
        atexit.register(_let_the_engine_finish)
        timeouts = self.timeouts
        builder = (
            ClientBuilder()
            .http2(True)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_max_header_list_size(HEADER_LIMIT)
            .follow_redirects(False)
            .referer(False)
            .brotli(False)
            .zstd(False)
            .no_proxy()  # the environment is read here, by the rules of proxies.py, and not by the engine
            .pool_idle_timeout(timedelta(seconds=KEEP_ALIVE))
            .user_agent(self._user_agent)
        )
        if route in self._agreed and route[0].startswith("https:"):
            builder = builder.http2_prior_knowledge()
        if route[1] is not None:
            builder = builder.proxy(ProxyBuilder.all(route[1]))
        if timeouts.connect is not None:
            builder = builder.connect_timeout(timedelta(seconds=timeouts.connect))
        if timeouts.first_byte is not None and timeouts.between_chunks is not None:
            # The engine has one timer for both, and resets a stream by it even when nobody waits for that any more.
            builder = builder.read_timeout(timedelta(seconds=max(timeouts.first_byte, timeouts.between_chunks)))
        for certificate in self._roots:
            builder = builder.add_root_certificate_pem(certificate)
        return builder.build()


class _Body:
    """One body on its way in, and its stream's place in the lane.

    What keeps the engine's connection alive is held no longer than the stream, whoever may keep the answer.
    """

    __slots__ = ("_began", "_held", "_status", "_transport", "_url")

    def __init__(
        self,
        transport: HTTP2Transport,
        lane: _Lane,
        sending: StreamRequest,
        response: Response,
        url: str,
        began: float,
    ) -> None:
        self._transport, self._url, self._began, self._status = transport, url, began, response.status
        self._held: tuple[_Lane, StreamRequest, ResponseBodyReader] | None = (lane, sending, response.body_reader)

    async def chunks(self) -> AsyncIterator[bytes]:
        failure: ModelError | None = None
        try:
            while self._held is not None:
                async with asyncio.timeout_at(self._due()):
                    chunk = await self._held[2].read_chunk()
                if chunk is None:
                    self._leave()
                    return
                yield chunk.to_bytes()
        except TimeoutError:
            failure = self._late()
        except Exception as error:
            failure = self._cut(error)
        finally:
            await self.aclose()
        if failure is not None:
            raise failure

    async def aclose(self) -> None:
        """Reset the stream; where it has ended, or was reset before, do nothing."""
        sending = self._leave()
        if sending is not None:
            await sending.__aexit__(None, None, None)

    def _leave(self) -> StreamRequest | None:
        """Give the place back and let go of the stream, once; what is to be closed, where it has not ended."""
        held, self._held = self._held, None
        if held is None:
            return None
        self._transport._give_back(held[0])
        return held[1]

    def _due(self) -> float | None:
        timeouts, now = self._transport.timeouts, asyncio.get_running_loop().time()
        silence = None if timeouts.between_chunks is None else now + timeouts.between_chunks
        return _least(silence, None if timeouts.total is None else self._began + timeouts.total)

    def _late(self) -> ModelError:
        timeouts, now = self._transport.timeouts, asyncio.get_running_loop().time()
        if timeouts.total is not None and now - self._began >= 0.99 * timeouts.total:
            late = f"total: the exchange was not over after {timeouts.total:g} s"
        else:
            late = f"between chunks: the answer was silent for {timeouts.between_chunks:g} s"
        return TimeoutExceeded(f"{late} ({_host(self._url)})", status=self._status)

    def _cut(self, error: Exception) -> ModelError:
        host, causes = _host(self._url), _causes(error)
        status = self._status
        if "body error" in causes and "reading a body" not in causes:
            return TransportError(f"{host} sent a body that cannot be decompressed", status=status)
        return CutStreamError(f"{host} closed the connection before the end of its answer{_why(causes)}", status=status)


def _prepare(client: Client, request: HTTPRequest, timeouts: Timeouts) -> StreamRequest:
    """The engine's request.

    Raises:
        ValueError: the engine takes a header for none; its message quotes the value.
    """
    builder = client.request(request.method, request.url).headers(request.headers).streamed_read_buffer_limit(0)
    if request.body:
        builder = builder.body_bytes(request.body)
    if timeouts.total is not None:
        from datetime import timedelta

        builder = builder.timeout(timedelta(seconds=timeouts.total))
    return builder.build_streamed()


def _let_the_engine_finish() -> None:
    """Let the engine's thread come out of Python before the interpreter ends.

    It wakes the event loop from there, and is often still on its way back when a program that had one thing to ask is
    over already; met there by the end of the interpreter, CPython 3.11 aborts the process ("PyGILState_Release").
    """
    import time

    time.sleep(FAREWELL)


def _certificates(pem: bytes | None) -> list[bytes]:
    """The certificates of a bundle one by one, as the engine wants them."""
    if pem is None:
        return []
    end = b"-----END CERTIFICATE-----"
    found = [piece + end + b"\n" for piece in pem.split(end)[:-1] if b"-----BEGIN CERTIFICATE-----" in piece]
    if not found:
        raise ConfigError("root_certificates holds no PEM certificate; it begins with -----BEGIN CERTIFICATE-----")
    return found


def _origin(url: str) -> str:
    """``https://a.example/v1?x`` -> ``https://a.example``.

    Raises:
        ConfigError: it is no URL that can be asked.
    """
    scheme, _, rest = url.partition("://")
    authority = rest.partition("/")[0].partition("?")[0]
    if scheme not in ("http", "https") or not authority:
        raise ConfigError(NO_URL)
    return f"{scheme}://{authority}"


def _host(url: str) -> str:
    """``https://user:pass@host:8080/path?key=…`` -> ``host:8080``: all of a URL that an error may show."""
    return _origin(url).partition("://")[2].rpartition("@")[2]


def _least(a: float | None, b: float | None) -> float | None:
    if a is None or b is None:
        return b if a is None else a
    return min(a, b)


def _headers(response: Response) -> Headers:
    try:
        return tuple(response.headers.items())
    except ValueError:  # one of them is not ASCII, and the engine has no other way to its bytes
        names = dict.fromkeys(response.headers)
        return tuple((name, value) for name in names for value in _values(response, name))


def _values(response: Response, name: str) -> list[str]:
    try:
        return response.get_header_all(name)
    except ValueError:
        return []


def _causes(error: BaseException) -> str:
    """The engine's chain of reasons as one text, to look into and never to show: it quotes the URL."""
    details = getattr(error, "details", None) or {}
    return "\n".join(cause["message"] for cause in details.get("causes") or ())


def _why(causes: str) -> str:
    """The operating system's word for it, or HTTP/2's own; else nothing."""
    import re

    if found := re.search(r"\(os error (\d+)\)", causes):
        return f": {os.strerror(int(found[1])).lower()}"
    if found := re.search(r"^stream error received: ([a-z ]+)$", causes, re.MULTILINE):
        return f": it reset the stream, {found[1]}"
    return ""


def _too_slow_head(error: TimeoutError, url: str, timeouts: Timeouts) -> ModelError:
    """Which of the timeouts it was; the engine's timer and ours may both have said it, and mean the same."""
    host = _host(url)
    whole_first = timeouts.total is not None and (timeouts.connect is None or timeouts.total < timeouts.connect)
    if type(error).__name__ == "ConnectTimeoutError" and not whole_first:
        return TimeoutExceeded(f"connect: no connection to {host} within {timeouts.connect:g} s")
    if timeouts.total is not None and timeouts.total == _least(timeouts.first_byte, timeouts.total):
        return TimeoutExceeded(f"total: the exchange with {host} was not over after {timeouts.total:g} s")
    return TimeoutExceeded(f"first byte: no answer from {host} within {timeouts.first_byte:g} s")


def _explain(error: Exception, url: str) -> Exception:
    """An error of the engine as one of ours, that says what happened and where."""
    host, causes, kind = _host(url), _causes(error), type(error).__name__
    if not causes and isinstance(error, ValueError):
        if "header" in str(error):
            return ConfigError("a header of the request holds a line break or another character that none may hold")
        return ConfigError(NO_URL)
    if kind == "BuilderError":
        return ConfigError(NO_URL)
    if "invalid peer certificate: " in causes:
        return TransportError(f"the TLS certificate of {host} was refused: {_distrust(causes)}", retryable=False)
    if "tunnel error: proxy authorization required" in causes:
        return TransportError(f"the proxy refused the way to {host} with status 407")
    if "tunnel error: unsuccessful" in causes:
        return TransportError(f"the proxy refused the way to {host}")
    if "tunnel error" in causes:
        return TransportError(f"no connection to the proxy for {host}{_why(causes)}")
    if "dns error" in causes:
        return TransportError(f"there is no host {host}: its name was not found")
    if "client error (Connect)" in causes:
        tls = "" if "(os error" in causes else "TLS "
        return TransportError(f"no {tls}connection to {host}{_why(causes)}")
    if "closed before message completed" in causes:
        return TransportError(f"{host} closed the connection before it answered")
    if kind == "DecodeError" or "stream error detected" in causes:
        return TransportError(f"{host} answered with what is not HTTP, or with too large a head")
    if "client error (SendRequest)" in causes:
        return TransportError(f"the connection to {host} broke before it answered{_why(causes)}")
    return TransportError(f"the exchange with {host} failed: {kind}{_why(causes)}")


def _distrust(causes: str) -> str:
    """``invalid peer certificate: UnknownIssuer`` -> ``unknown issuer``; what else it says is about names and days."""
    import re

    reason = causes.rpartition("invalid peer certificate: ")[2].partition("\n")[0]
    return re.sub(r"(?<=[a-z])([A-Z])", r" \1", reason).lower() if reason.isalpha() else reason
