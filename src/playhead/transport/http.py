"""The transport that goes out: one HTTP exchange over aiohttp. Nothing else in playhead knows that library.

Why that engine, and what it was measured against: docs/decisions/0001-http-engine.md. It is imported at the first send.

Rules it keeps:

- The head is handed on when it is here, and each piece of the body as soon as it has arrived; nothing is held back.
- Cancelled or closed before its end, an exchange closes its connection at once, whether it waits for the head or for
  the body: a provider that sees the close stops working.
- A body that ends before its end is never a whole body: it raises CutStreamError.
- A redirect is not followed, since a key must not go to a host that the user did not name: the 3xx is the answer.
- An error says what happened and with which host, and holds no header and no query: no key can be in it, nor in its
  cause, for it has none.
- TLS certificates are verified, with the system's store, or with SSL_CERT_FILE and SSL_CERT_DIR where they are set
  when the engine is first used. Proxies are taken from the environment, see :mod:`playhead.transport.proxies`.

A connection belongs to the event loop that opened it, so there is a pool for each loop; it is closed when its loop
ends (``asyncio.run`` does that), and a transport may be used from any number of loops, one after another or in
several threads. Authentication, retry and tape are wrappers around this one.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from playhead import bounds
from playhead.errors import ConfigError, CutStreamError, ModelError, TimeoutExceeded, TransportError
from playhead.given import NamingStruct
from playhead.transport.deadline import Deadline
from playhead.wire import Headers, HTTPRequest, HTTPResponse

if TYPE_CHECKING:
    import ssl

    import aiohttp
    import yarl

    from playhead.transport.base import Transport

#: What a decoded body can be asked for in; br and zstd would need wheels of their own and win little on small JSON.
ACCEPT_ENCODING = "gzip, deflate"
#: Seconds that an idle connection is kept. Providers' balancers close theirs after 60 or more.
KEEP_ALIVE = 55.0
#: Seconds that the end of a body is waited for, whose reader knows already that the answer is whole.
LAST_BYTES = 0.25
#: Bytes of one header line and of one field; some gateways put long policies and cookies there.
HEADER_LIMIT = 65536
#: What is said of a URL that is none; nothing of it is repeated, as a key may be in it.
NO_URL = "the URL of the request is none that can be asked: it begins with http:// or https:// and names a host"


class Timeouts(msgspec.Struct, frozen=True, metaclass=NamingStruct):
    """How long to wait, in seconds; None is for ever.

    ``connect`` is for the name, the connection and TLS together; ``first_byte`` from sending to the head of the answer,
    in which a model may think; ``between_chunks`` for each silence in a body; ``total`` for the whole exchange.
    """

    connect: float | None = 10.0
    first_byte: float | None = 600.0
    between_chunks: float | None = 120.0
    total: float | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            seconds = getattr(self, name)
            if seconds is not None and not (isinstance(seconds, int | float) and seconds > 0):
                raise ConfigError(f"Timeouts: {name} is {seconds!r}; seconds above 0 are expected, or None")


DEFAULT_TIMEOUTS = Timeouts()


class _Pool:
    """The connections of one event loop, and the generator that closes them when the loop shuts down."""

    __slots__ = ("head", "keeper", "proxied", "session")

    def __init__(self, session: aiohttp.ClientSession, head: Deadline) -> None:
        self.session = session
        self.head = head
        self.proxied = any(name in os.environ for name in _PROXY_NAMES)  # asked once: it costs as much as a header
        self.keeper = self._keep()

    async def _keep(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            self.head.close()
            await self.session.close()


class HTTPTransport:
    """Sends requests as they are, over kept connections.

    ``tls`` replaces the default verification, for a certificate authority of one's own.
    """

    def __init__(
        self, timeouts: Timeouts = DEFAULT_TIMEOUTS, *, tls: ssl.SSLContext | None = None, user_agent: str = "playhead"
    ) -> None:
        self.timeouts = timeouts
        self._tls = tls
        self._user_agent = user_agent
        self._pools: dict[asyncio.AbstractEventLoop, _Pool] = {}
        self._lock = threading.Lock()
        self._urls: dict[str, yarl.URL] = {}

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        """Send, and return when the head of the answer is here.

        Raises:
            TransportError: no answer came; TimeoutExceeded where it was too slow.
            ConfigError: the URL is none, or the proxy of the environment cannot be used.
        """
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None or pool.session.closed:
            pool = await self._open(loop)
        timeouts = self.timeouts
        began = loop.time()
        failure: Exception | None = None
        try:
            asked = pool.session.request(
                request.method,
                self._urls.get(request.url) or self._url(request.url),
                headers=request.headers,
                data=request.body or None,
                allow_redirects=False,
                proxy=_proxy(request.url) if pool.proxied else None,
            )
            response = await pool.head.within(asked)
        except TimeoutError as error:
            failure = _too_slow_head(error, request.url, timeouts)
        except Exception as error:
            failure = _explain(error, request.url)
        if failure is not None:
            raise failure  # outside the handler: the engine's error holds the request's headers, so it is no context
        body = _Body(response, request.url, timeouts, began)
        version = response.version
        compressed = response.headers.get("Content-Encoding", "").lower() in ("gzip", "deflate")
        body.handed_out = answer = HTTPResponse(
            response.status,
            _headers(response, compressed),
            body.chunks(loop, compressed),
            reason=response.reason or "",
            proto="HTTP/1.0" if version is not None and version.minor == 0 else "HTTP/1.1",
            close=body.aclose,
        )
        answer.uncompressed = compressed
        return answer

    async def aclose(self) -> None:
        """Close every connection of the running event loop; those of other loops are closed when their loop ends."""
        with self._lock:
            pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.keeper.aclose()

    async def _open(self, loop: asyncio.AbstractEventLoop) -> _Pool:
        import aiohttp

        timeouts = self.timeouts
        tls = True if self._tls is None else self._tls
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE, ssl=tls)
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": self._user_agent, "Accept-Encoding": ACCEPT_ENCODING},
            timeout=aiohttp.ClientTimeout(total=None, connect=timeouts.connect, sock_connect=timeouts.connect),
            skip_auto_headers=("Content-Type",),
            max_line_size=HEADER_LIMIT,
            max_field_size=HEADER_LIMIT,
        )
        pool = _Pool(session, Deadline(loop, _least(timeouts.first_byte, timeouts.total)))
        await anext(pool.keeper)  # from now on the loop closes it when it shuts down
        with self._lock:
            for old in [old for old in self._pools if old.is_closed()]:
                del self._pools[old]
            self._pools[loop] = pool
        return pool

    def _url(self, url: str) -> yarl.URL:
        import yarl

        try:
            parsed = yarl.URL(url, encoded=True)
        except ValueError:
            raise ConfigError(NO_URL) from None
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise ConfigError(NO_URL)
        if len(self._urls) < 1000:
            self._urls[url] = parsed
        return parsed


_shared: dict[Timeouts, HTTPTransport] = {}


def shared_http(timeouts: Timeouts = DEFAULT_TIMEOUTS) -> Transport:
    """The process's one transport for these settings, so that all models share its connections."""
    found = _shared.get(timeouts)
    return found if found is not None else _shared.setdefault(timeouts, HTTPTransport(timeouts))


class _Body:
    """One body on its way in, with a watch over its silences.

    The watch is one timer, set anew only when it fires, so that a chunk costs two readings of the clock and no timer.
    """

    __slots__ = ("_began", "_response", "_timeouts", "_url", "_waiting", "_watch", "handed_out", "late")

    def __init__(self, response: aiohttp.ClientResponse, url: str, timeouts: Timeouts, began: float) -> None:
        self._response, self._url, self._timeouts, self._began = response, url, timeouts, began
        self._waiting = 0.0  # since when, on the loop's clock; 0.0 while the consumer works
        self._watch: asyncio.TimerHandle | None = None
        self.late: str | None = None
        #: The answer that the consumer has, which says how it was let go; None once it was.
        self.handed_out: HTTPResponse | None = None

    async def chunks(self, loop: asyncio.AbstractEventLoop, compressed: bool) -> AsyncIterator[bytes]:
        response, content, now = self._response, self._response.content, loop.time
        failure: ModelError | None = None
        size = 0
        try:
            while True:
                self._waiting = now()
                if self._watch is None and not content.is_eof():  # a body that is all here needs no watch
                    self._look(loop)
                chunk = await content.readany()
                self._waiting = 0.0
                if not chunk:
                    return
                if compressed:
                    size += len(chunk)
                    if size > bounds.RATIO_FROM and (failure := self._too_dense(size)) is not None:
                        response.close()
                        break
                yield chunk
        except (GeneratorExit, asyncio.CancelledError):
            response.close()
            raise
        except Exception as error:
            response.close()
            failure = self._cut(error)
        finally:
            if self._watch is not None:
                self._watch.cancel()
        if failure is not None:
            raise failure

    async def aclose(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        answer, self.handed_out = self.handed_out, None
        try:
            if answer is not None and answer.finished:
                await self._see_the_end()
        finally:
            self._response.close()  # after the end of the body this does nothing: the connection is kept

    async def _see_the_end(self) -> None:
        """Wait a moment for the body's end, which mostly is here already, so that the connection can be used again."""
        content = self._response.content
        if content.is_eof():
            return
        with suppress(Exception):  # the answer is whole: how its connection ends is nobody's concern
            async with asyncio.timeout(LAST_BYTES):
                while await content.readany():
                    pass

    def _too_dense(self, size: int) -> ModelError | None:
        """The error of a body that became ``size`` bytes of far fewer; None where it may be honest."""
        sent: int | None = getattr(self._response.content, "total_compressed_bytes", None)  # since aiohttp 3.14
        if sent is None or size <= bounds.RATIO_LIMIT * sent:
            return None
        return bounds.too_dense(size, sent, _host(self._url), status=self._response.status)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close the connection if a timeout has passed; else look again when the next one may have."""
        timeouts, now = self._timeouts, loop.time()
        silence = None if timeouts.between_chunks is None else (self._waiting or now) + timeouts.between_chunks
        whole = None if timeouts.total is None else self._began + timeouts.total
        due = _least(silence, whole)
        if due is None:
            return
        if due > now:
            self._watch = loop.call_at(due, self._look, loop)
            return
        if due == whole:
            self.late = f"total: the exchange was not over after {timeouts.total:g} s"
        else:
            self.late = f"between chunks: the answer was silent for {timeouts.between_chunks:g} s"
        self._response.content.set_exception(TimeoutError(self.late))
        self._response.close()

    def _cut(self, error: Exception) -> ModelError:
        host = _host(self._url)
        if self.late is not None:
            return TimeoutExceeded(f"{self.late} ({host})", status=self._response.status)
        if "decode content-encoding" in str(error):
            return TransportError(f"{host} sent a body that cannot be decompressed", status=self._response.status)
        return CutStreamError(
            f"{host} closed the connection before the end of its answer{_why(error)}", status=self._response.status
        )


def _least(a: float | None, b: float | None) -> float | None:
    if a is None or b is None:
        return b if a is None else a
    return min(a, b)


def _headers(response: aiohttp.ClientResponse, compressed: bool) -> Headers:
    """The head as it came; without what described the compressed body, when the engine has decompressed it."""
    headers = tuple(response.headers.items())
    if compressed:
        headers = tuple(field for field in headers if field[0].lower() not in ("content-encoding", "content-length"))
    for _, value in headers:
        if not value.isascii():
            return tuple((name, _readable(value)) for name, value in headers)
    return headers


def _readable(value: str) -> str:
    """Bytes that are no UTF-8 were smuggled in as surrogates; such a header is Latin-1, as HTTP once said."""
    raw = value.encode("utf-8", "surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


_PROXY_NAMES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


def _proxy(url: str) -> str | None:
    from playhead.transport.proxies import proxy_for

    return proxy_for(url, os.environ)


def _host(url: str) -> str:
    """``https://user:pass@host:8080/path?key=…`` -> ``host:8080``: all of a URL that an error may show."""
    authority = url.partition("://")[2].partition("/")[0].partition("?")[0]
    return authority.rpartition("@")[2]


def _why(error: BaseException) -> str:
    """The operating system's word for it, when it has one; never the engine's own text, which may quote the wire."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror and seen.errno is not None and seen.errno > 0:
            return f": {os.strerror(seen.errno).lower()}"
        seen = seen.__cause__ or seen.__context__
    return ""


def _is_unknown(error: BaseException) -> bool:
    """Whether the name servers said for sure that there is no such name; else they may know it in a moment."""
    import socket

    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, socket.gaierror):
            return seen.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
        seen = seen.__cause__ or seen.__context__
    return False


def _too_slow_head(error: TimeoutError, url: str, timeouts: Timeouts) -> ModelError:
    """The connection's own timeout is a subclass of the engine's error; a bare TimeoutError is ours."""
    host = _host(url)
    if type(error) is not TimeoutError:
        return TimeoutExceeded(f"connect: no connection to {host} within {timeouts.connect:g} s")
    if timeouts.total is not None and timeouts.total == _least(timeouts.first_byte, timeouts.total):
        return TimeoutExceeded(f"total: the exchange with {host} was not over after {timeouts.total:g} s")
    return TimeoutExceeded(f"first byte: no answer from {host} within {timeouts.first_byte:g} s")


def _unsent(error: TransportError) -> TransportError:
    """The error of a connection that was never made."""
    error.sent = False
    return error


def _explain(error: Exception, url: str) -> Exception:
    """An error of the engine as one of ours, that says what happened and where."""
    import aiohttp

    if isinstance(error, ConfigError):
        return error
    host = _host(url)
    match error:
        case aiohttp.ClientConnectorDNSError():
            words = f"there is no host {host}: its name was not found"
            return _unsent(TransportError(words, retryable=not _is_unknown(error)))
        case aiohttp.ClientProxyConnectionError():
            return _unsent(TransportError(f"no connection to the proxy for {host}{_why(error)}"))
        case aiohttp.ClientHttpProxyError():
            return _unsent(TransportError(f"the proxy refused the way to {host} with status {error.status}"))
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", "") or "not trusted"
            return _unsent(TransportError(f"the TLS certificate of {host} was refused: {reason}", retryable=False))
        case aiohttp.ClientSSLError():
            return _unsent(TransportError(f"no TLS connection to {host}"))
        case aiohttp.ClientConnectorError():
            return _unsent(TransportError(f"no connection to {host}{_why(error)}"))
        case aiohttp.ServerDisconnectedError():
            return TransportError(f"{host} closed the connection before it answered")
        case aiohttp.ClientOSError():
            return TransportError(f"the connection to {host} broke before it answered{_why(error)}")
        case aiohttp.ClientResponseError() | aiohttp.ClientPayloadError():
            return TransportError(f"{host} answered with what is not HTTP, or with too large a head")
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return ConfigError(NO_URL)
        case ValueError() if "credentials encoded in URL" in str(error):
            return ConfigError(f"{host} was given a key and, in the base URL, a user; one of them is to be left out")
        case ValueError() if "header" in str(error).lower():
            return ConfigError("a header of the request holds a line break or another character that none may hold")
        case _:
            return TransportError(f"the exchange with {host} failed: {type(error).__name__}{_why(error)}")
