"""The line to one MCP server in one event loop, shared by all runs there.

The protocol's library wants what it opens to be closed by the same task, so a task of its own keeps the connection:
it opens it, waits, and closes it when it is told to, when the server has gone, or when the loop cancels its tasks, as
``asyncio.run`` does at its end. Whoever needs the connection waits for no longer than it may, whatever that task does.

A connection that was lost is not mended but replaced, by the next call that needs one. A call that was under way when
it was lost has failed: whether it was done is not known. The one exception is a server that answers that it knows the
session no more; then it has not looked at the call, and the call is made again on a new connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from playhead.errors import ConfigError, ToolError, ToolsetError
from playhead.mcp_client.listing import Listing, read_listing
from playhead.tapes.redact import Redactor

if TYPE_CHECKING:
    from playhead.mcp_client.process import Server

Result = TypeVar("Result")

#: Pages of a listing; a server that has more never ends.
_PAGES = 100
#: Seconds in which a connection that was lost says why.
_LAST_WORDS = 2.0


class Address(msgspec.Struct, frozen=True):
    """Where a server is: at ``url``, or started by ``command``. ``seconds`` is how long connecting may take."""

    name: str
    url: str | None
    headers: Mapping[str, str]
    command: tuple[str, ...]
    env: Mapping[str, str] | None
    cwd: str | None
    seconds: float
    redactor: Redactor

    @property
    def words(self) -> str:
        """The server in words, without secrets."""
        where = self.redactor.url(self.url) if self.url is not None else self.redactor.text(" ".join(self.command))
        return f"the MCP server {self.name} ({where})"


class Connection:
    """A connection, opened by making this. ``changed`` is called when the server says that its tools have changed.
    ``before`` is how the one was lost whose place this takes, "" where it is the first."""

    def __init__(self, address: Address, changed: Callable[[], None], before: str = "") -> None:
        self._address = address
        self._changed = changed
        self._before = before
        self._closing = asyncio.Event()
        self._lost = asyncio.Event()
        self._refused = ""
        self._servers: list[Server] = []
        self._failure: BaseException | None = None
        self._ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._ready.add_done_callback(lambda done: done.cancelled() or done.exception())  # it was looked at
        self._keeper = asyncio.create_task(self._keep(), name=f"mcp {address.name}")

    @property
    def over(self) -> bool:
        """Whether it is of no more use."""
        gone = any(server.over.is_set() for server in self._servers)
        return gone or self._lost.is_set() or self._closing.is_set() or self._keeper.done()

    @property
    def last_words(self) -> str:
        """How it was lost, as far as it is known."""
        told = self._known("", _reason(self._failure) if self._failure is not None else "")
        return f"the connection before was lost{told}"

    @property
    def awaited(self) -> str:
        """What it waits for as long as it is not there, for a model."""
        what = "connected to" if self._address.url is not None else "started"
        again = " again" if self._before else ""
        return f"the MCP server {self._address.name} was still being {what}{again}{self._lost_before}"

    @property
    def _lost_before(self) -> str:
        return f" ({self._before})" if self._before else ""

    async def client(self) -> Any:
        """The library's client, connected.

        Raises:
            ToolsetError: there is none in time, or at all; says why.
        """
        seconds = self._address.seconds
        try:
            async with asyncio.timeout(seconds) as deadline:
                return await asyncio.shield(self._ready)
        except TimeoutError:
            if not deadline.expired():
                raise
            self._keeper.cancel()
            raise ToolsetError(self._told(f"did not answer within {seconds:g} s{self._lost_before}")) from None

    async def ask(self, question: Callable[[Any], Awaitable[Result]]) -> Result:
        """What the server answers.

        Raises:
            ToolsetError: it could not be asked: there is no connection.
            Stale: the server knows this session no more, and has not looked at the question.
            ToolError: it was asked, and gave no answer, or one that is none; the message says what it gave.
        """
        client = await self.client()
        from mcp import MCPError
        from mcp_types import CONNECTION_CLOSED, INVALID_REQUEST
        from pydantic import ValidationError

        try:
            return await question(client)
        except MCPError as error:
            if error.code == CONNECTION_CLOSED:
                self._lost.set()
                await asyncio.wait({self._keeper}, timeout=_LAST_WORDS)
                why = _reason(self._failure) if self._failure is not None else ""
                raise ToolError(self._said("was lost before it answered", why)) from error
            if error.code == INVALID_REQUEST and error.message == "Session terminated":
                self._lost.set()
                raise Stale(self._said("has ended the session")) from error
            raise ToolError(self._clean(f"{error.message}{self._status()}")) from error
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise ToolError(self._said("gave an answer that is none", f"{where}: {first['msg']}")) from error
        except RuntimeError as error:  # the library's word for structured content that is not as was promised
            raise ToolError(self._said("gave an answer that is none", str(error))) from error

    async def listing(self) -> Listing:
        """The tools that the server says it has.

        Raises:
            ToolsetError: it did not say; says why.
        """
        await self.client()
        try:
            async with asyncio.timeout(self._address.seconds) as deadline:
                return await self.ask(_listed)
        except ToolError as error:
            raise ToolsetError(f"{self._address.words} does not list its tools: {error}") from error
        except TimeoutError:
            if not deadline.expired():
                raise
            raise ToolsetError(self._told(f"did not list its tools within {self._address.seconds:g} s")) from None

    async def aclose(self) -> None:
        """Close it, and wait until it is."""
        self._closing.set()
        if not self._ready.done():
            self._keeper.cancel()
        await asyncio.wait({self._keeper})

    def drop(self) -> None:
        """Close it, without waiting; for another thread: by ``call_soon_threadsafe``."""
        self._keeper.cancel()

    async def _keep(self) -> None:
        """Hold the connection open."""
        watcher: asyncio.Task[None] | None = None
        try:
            async with AsyncExitStack() as stack:
                client = await stack.enter_async_context(self._opened())
                watcher = asyncio.create_task(self._watch(client))
                self._ready.set_result(client)
                waits = [asyncio.ensure_future(self._closing.wait()), asyncio.ensure_future(self._lost.wait())]
                waits += [asyncio.ensure_future(server.over.wait()) for server in self._servers]
                try:
                    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for one in (*waits, watcher):
                        one.cancel()
                    await asyncio.gather(*waits, watcher, return_exceptions=True)
        except BaseException as error:
            self._failure = error
            if not self._ready.done():
                self._ready.set_exception(self._unreachable(error))
            elif isinstance(error, asyncio.CancelledError):
                raise

    def _unreachable(self, error: BaseException) -> Exception:
        if isinstance(error, ConfigError):
            return error
        if isinstance(error, asyncio.CancelledError):
            return ToolsetError(self._told("is not reached: the connection was closed"))
        return ToolsetError(self._told("cannot be reached", _reason(error)))

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Any]:
        """The client, connected for as long as this is held."""
        try:
            await asyncio.to_thread(import_module, "mcp")  # half a second in which others may go on
        except ImportError as error:
            raise ConfigError(f"MCP servers need the extra mcp: pip install 'playhead[mcp]' ({error})") from error
        from mcp import Client
        from mcp_types import Implementation

        from playhead import __version__

        address = self._address
        async with AsyncExitStack() as stack:
            transport: Any
            if address.url is not None:
                from mcp.client.streamable_http import streamable_http_client

                http = await stack.enter_async_context(self._http(dict(address.headers)))
                transport = streamable_http_client(address.url, http_client=http)
            else:
                from playhead.mcp_client.process import launched

                transport = launched(address.command, address.env, address.cwd, self._servers)
            yield await stack.enter_async_context(
                Client(
                    transport,
                    message_handler=self._heard,
                    client_info=Implementation(name="playhead", version=__version__),
                    cache=None,
                )
            )

    def _http(self, headers: dict[str, str]) -> Any:
        """The library's HTTP client. Each call has its own limit of time, so that reading has none here."""
        import httpx2
        from mcp.shared._httpx_utils import create_mcp_http_client

        async def note(response: Any) -> None:
            self._refused = f"HTTP {response.status_code} {response.reason_phrase}" if response.is_error else ""

        client = create_mcp_http_client(headers, httpx2.Timeout(self._address.seconds, read=None))
        client.event_hooks = {"request": [], "response": [note]}
        return client

    async def _heard(self, message: Any) -> None:
        if getattr(message, "method", None) == "notifications/tools/list_changed":
            self._changed()

    async def _watch(self, client: Any) -> None:
        """Where the server's version of the protocol tells of changes only those who ask, ask."""
        with suppress(Exception):  # an older version, or a server that tells nobody: the listing's age has to do
            async with client.listen(tools_list_changed=True) as changes:
                async for _ in changes:
                    self._changed()

    def _told(self, what: str, why: str = "") -> str:
        """A sentence on the server, with all that is known of it, for whoever wrote down where it is."""
        return f"{self._address.words} {self._known(what, why)}"

    def _said(self, what: str, why: str = "") -> str:
        """The same for a model, which knows of no addresses."""
        return f"the MCP server {self._address.name} {self._known(what, why)}"

    def _known(self, what: str, why: str) -> str:
        known = [why, *(server.words() for server in self._servers)]
        if self._address.url is not None:
            known.append(self._refused)
        told = "; ".join(word for word in known if word)
        return self._clean(f"{what}{f': {told}' if told else ''}")

    def _status(self) -> str:
        return f" ({self._refused})" if self._refused else ""

    def _clean(self, words: str) -> str:
        return self._address.redactor.text(words)


class Stale(ToolError):
    """The server has forgotten the session, and has not looked at what it was asked."""


async def _listed(client: Any) -> Listing:
    """All pages of a listing."""
    tools: list[Any] = []
    cursor: str | None = None
    for _ in range(_PAGES):
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if cursor is None:
            break
    info = client.server_info
    said = {
        "server": None if info is None else {"name": info.name, "version": info.version},
        "protocolVersion": client.protocol_version,
        "tools": [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools],
    }
    return read_listing(msgspec.json.encode(said))


def _reason(error: BaseException) -> str:
    """The first thing that went wrong."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    words = str(error)
    if isinstance(error, asyncio.CancelledError):
        return ""
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
