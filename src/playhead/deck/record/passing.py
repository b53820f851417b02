"""An exchange passed on to its upstream and back, recorded on the way: the middle of a recording proxy.

What comes is handed on as it comes, byte for byte, compressed as it was; nothing is waited for but the end. Before the
last bytes of an answer leave, the answer is on the tape: before the rest of a known length, before the end of chunks,
and before the event by which a client knows that its stream is over. A process that is killed has on tape whatever a
client had in full.

Requests go out with the client's own headers and key; only what belongs to the connection is left out, and of
encodings those that could not be undone for the tape.
"""

from __future__ import annotations

import asyncio
import io
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from playhead.deck.http1.connection import HOP_BY_HOP, LAST_CHUNK, Connection, chunk, head
from playhead.deck.http1.reading import Asked
from playhead.deck.record.take import UNDONE, Take, ends_stream
from playhead.errors import PlayheadError
from playhead.wire import Headers, HTTPRequest

if TYPE_CHECKING:
    import aiohttp

#: Seconds for the name, the connection and TLS together.
CONNECT = 10.0
#: Seconds that the end of a stream is waited for when its last event is here.
END = 0.02
#: Bytes of one header line.
HEADER_LIMIT = 65536
#: Bytes of a body from which on the engine wants it as a file.
_LARGE = 1 << 20
#: Headers that say what a body is.
_OF_THE_BODY = frozenset({"content-length", "content-encoding", "content-type"})


def open_client() -> aiohttp.ClientSession:
    """The connections to upstreams, for the running loop; bodies are handed on as they came."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=55.0)
    connector.playhead_goes_live = True  # type: ignore[attr-defined]  # within playhead.taped, this is its own
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT, sock_connect=CONNECT),
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        max_line_size=HEADER_LIMIT,
        max_field_size=HEADER_LIMIT,
    )


async def pass_on(
    asked: Asked,
    connection: Connection,
    url: str,
    take: Take,
    client: aiohttp.ClientSession,
    authorization: str = "",
) -> str:
    """Ask the upstream at ``url`` and hand its answer on; cancelled, it lets go of the upstream and records what came.
    An ``authorization`` goes in the place of the client's own.

    Gives "", or why no answer came and nothing was written: ``no answer from the upstream …: connection refused``.
    """
    import aiohttp
    import yarl

    from playhead.transport.proxies import proxy_for

    body: bytes | io.BytesIO | None = asked.body or None
    if len(asked.body) > _LARGE:
        body = io.BytesIO(asked.body)
    failure = ""
    try:
        response = await client.request(
            asked.method,
            yarl.URL(url, encoded=True),
            headers=_forwarded(asked.headers, authorization),
            data=body,
            allow_redirects=False,
            proxy=proxy_for(url, os.environ),
        )
    except PlayheadError as error:  # the environment names a proxy that is none
        failure = str(error)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        failure = _why(error)
    else:
        if response.status < 200:  # among them an upgrade that nobody asked for
            response.close()
            failure = f"it sent the status {response.status:03}, with which no exchange ends"
    if failure:
        host = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
        return f"no answer from the upstream {host}: {failure}"
    try:
        await _hand_on(asked, connection, response, take)
    finally:
        response.close()  # after the end of the body this does nothing: the connection is kept
    return ""


async def _hand_on(asked: Asked, connection: Connection, response: aiohttp.ClientResponse, take: Take) -> None:
    import aiohttp

    headers = _received(response)
    take.begin(response.status, response.reason or "", "HTTP/1.1", headers)
    length = _length(asked, response)
    framed = length is None and asked.minor > 0
    sent = tuple(
        field
        for field in headers
        if field[0].lower() != "content-length" or length is not None or asked.method == "HEAD"
    )
    if framed:
        sent += (("Transfer-Encoding", "chunked"),)
    if asked.last:
        sent += (("Connection", "close"),)
    if length == 0:
        take.end()
    connection.write(head(response.status, response.reason or "", sent))
    left = length
    held: list[bytes] = []
    try:
        while left != 0:
            data = await _read(response, held)
            if data is None:  # the last event is here and the connection's end is not: it will not be waited for
                await take.settle()
            elif not data:
                break
            else:
                take.piece(data)
                held.append(chunk(data) if framed else data)
                if left is not None:
                    left -= len(data)
                    if left <= 0:
                        await take.settle()
                elif not take.ended and ends_stream(data):
                    continue
            connection.write(b"".join(held))
            held.clear()
            await connection.drained()
    except (aiohttp.ClientError, OSError, TimeoutError):
        await take.settle("the connection was lost")
        connection.write(b"".join(held))
        connection.cut()
        return
    except asyncio.CancelledError:
        went = not connection.open and not connection.cut_here
        await take.settle("the client went away" if went else "the recording was stopped")
        raise
    await take.settle()
    connection.write(b"".join(held) + (LAST_CHUNK if framed else b""))
    connection.done(close=length is None and not framed)


async def _read(response: aiohttp.ClientResponse, held: list[bytes]) -> bytes | None:
    """The next bytes, b"" at the end; None where bytes are held back and nothing follows them at once."""
    if not held:
        return await response.content.readany()
    try:
        async with asyncio.timeout(END):
            return await response.content.readany()
    except TimeoutError:
        return None


def _length(asked: Asked, response: aiohttp.ClientResponse) -> int | None:
    """How many bytes the body has; None where only its end says it."""
    if asked.method == "HEAD" or response.status in (204, 304):
        return 0
    said = response.headers.get("Content-Length", "")
    chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
    return int(said) if said.isascii() and said.isdecimal() and not chunked else None


def _received(response: aiohttp.ClientResponse) -> Headers:
    """The headers of an answer as they came, less those of the connection."""
    named = tuple((name.decode("latin-1"), _readable(value)) for name, value in response.raw_headers)
    return _of_the_message(named)


def _readable(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _of_the_message(headers: Headers) -> Headers:
    """Without the headers of the connection, and those that its ``Connection`` names as such. It cannot name those
    without which the body would be another."""
    own = set(HOP_BY_HOP)
    for name, value in headers:
        if name.lower() == "connection":
            own.update(word.strip().lower() for word in value.split(","))
            own -= _OF_THE_BODY
    return tuple(field for field in headers if field[0].lower() not in own)


def _forwarded(headers: Headers, authorization: str) -> Headers:
    kept: list[tuple[str, str]] = [("Authorization", authorization)] if authorization else []
    for name, value in _of_the_message(headers):
        lowered = name.lower()
        if lowered in ("host", "content-length", "expect") or (authorization and lowered == "authorization"):
            continue
        if lowered == "accept-encoding":
            value = ", ".join(
                word.strip() for word in value.split(",") if word.partition(";")[0].strip().lower() in UNDONE
            )
            value = value or "identity"
        if not value.isascii():  # it was read as Latin-1, and is written as UTF-8, which it mostly was
            with suppress(UnicodeDecodeError):
                value = value.encode("latin-1").decode("utf-8")
        kept.append((name, value))
    return tuple(kept)


def _why(error: BaseException) -> str:
    """The operating system's word for it, or what kind of failure it is; never text that may quote the wire."""
    if isinstance(error, TimeoutError):
        return f"it could not be reached within {CONNECT:g} s"
    import ssl

    seen: BaseException | None = error
    while seen is not None:
        inner = getattr(seen, "os_error", None) or seen.__cause__ or seen.__context__
        if isinstance(seen, ssl.SSLError):  # its number is TLS's, and none of the system's
            said = getattr(seen, "verify_message", "")
            if said:
                return f"its certificate is not trusted: {said}"
            if reason := getattr(seen, "reason", None):
                return f"TLS failed: {reason.lower().replace('_', ' ')}"
        elif isinstance(seen, OSError) and seen.strerror and seen.errno is not None:
            return seen.strerror.lower() if seen.errno < 0 else os.strerror(seen.errno).lower()
        seen = inner
    return f"it closed the connection or did not speak HTTP/1.1 ({type(error).__name__})"


def as_request(asked: Asked, url: str) -> HTTPRequest:
    """A request as a tape takes it: at its upstream's URL, the body without its compression."""
    return HTTPRequest(asked.method, url, asked.headers, asked.plain())
