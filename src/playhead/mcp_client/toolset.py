"""``mcp(…)``: the tools of an MCP server for an agent, its resources and prompts for everyone.

::

    agent = Agent("openrouter:…", tools=[weather, mcp("https://host/mcp", api_key=key)])
    agent = Agent("openrouter:…", tools=[mcp(command=["python", "server.py"])])

Making one opens nothing. The server is asked for its tools when a run begins, unless it has been a short while ago, and
the listing is on the run's tape (:mod:`.listing`), as each call is (:mod:`playhead.agent.taped`). So a replay needs no
server, and none of what connects them: HTTP exchanges with a server belong to a connection that many runs share, and to
none of them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, get_args
from weakref import WeakKeyDictionary

from playhead.agent.tools import AnyTool, Approve, Effect, SchemaTool
from playhead.errors import ConfigError, ToolError, ToolsetError, nearest
from playhead.given import check, check_there
from playhead.mcp_client.connection import Address, Connection, Stale
from playhead.mcp_client.content import Prompt, Resource, messages_of, of_resource, outcome
from playhead.mcp_client.listing import ListedTool, Listing, name_for, play_listing, record_listing
from playhead.tapes.redact import Redactor

if TYPE_CHECKING:
    from playhead.agent.content import ToolOutcome
    from playhead.agent.context import Context
    from playhead.agent.toolsets import Opening
    from playhead.messages import File, Message, Text

Result = TypeVar("Result")

#: Words in the names of headers and of environment variables whose values are secrets.
_SECRET = ("auth", "key", "token", "secret", "password", "cookie", "credential", "session")


def mcp(
    url: str | None = None,
    *,
    command: Sequence[str] | None = None,
    headers: Mapping[str, str] | None = None,
    api_key: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    name: str | None = None,
    include: Collection[str] | None = None,
    exclude: Collection[str] = (),
    prefix: str = "",
    effect: Effect | Mapping[str, Effect] | None = None,
    approve: bool | Approve = False,
    concurrency: int | None = None,
    timeout: float | None = 60.0,
    connect_timeout: float = 30.0,
    ttl: float = 300.0,
    required: bool = True,
) -> MCPToolset:
    """The tools of an MCP server, for ``Agent(tools=[…])``.

    Args:
        url: where it answers, by streamable HTTP.
        command: or the program that is it, and its arguments; it is started when it is first needed.
        headers: HTTP headers of every request.
        api_key: a bearer token.
        env: environment variables of the program, beside the few that it is given anyway (``PATH``, ``HOME`` and the
            like; no others, as they hold keys).
        cwd: the folder that the program runs in.
        name: what it is called on tapes and in errors; made of the host or the program where it is not given.
        include: the tools to take, by the server's names for them; None takes all.
        exclude: those to leave out.
        prefix: put before every tool's name.
        effect: what its tools do to the world, for all of them or by the server's names; where it is not given, what
            the server's annotations say, and "write" where they say nothing.
        approve: whether its calls are made; see :class:`playhead.Agent`.
        concurrency: calls of each tool that may run at once.
        timeout: seconds that a call may take, None for no limit.
        connect_timeout: seconds that connecting may take, and listing the tools.
        ttl: seconds for which a listing is good, unless the server says that it has changed.
        required: whether a run fails when the server cannot be asked for its tools; else it goes on without them, with
            a warning.

    Raises:
        ConfigError: both or neither of ``url`` and ``command``, or a setting that cannot be.
    """
    if (url is None) == (command is None):
        raise ConfigError('mcp takes a URL or a command: mcp("https://host/mcp"), mcp(command=["python", "server.py"])')
    check("mcp", command=command, approve=approve)
    check("mcp", url=url, headers=headers, env=env, cwd=cwd, name=name, include=include, concurrency=concurrency)
    check("mcp", timeout=timeout, connect_timeout=connect_timeout, ttl=ttl, effect=effect)
    if not isinstance(api_key, str | None):
        raise ConfigError(f"mcp: api_key is text; got a {type(api_key).__name__}")
    check_there("mcp", "exclude", exclude)
    check_there("mcp", "prefix", prefix)
    check_there("mcp", "required", required)
    if url is not None and not url.startswith(("http://", "https://")):
        raise ConfigError(f'mcp: {url!r} is no URL; for a program write mcp(command=["python", "server.py"])')
    for what, value in {
        "connect_timeout": connect_timeout,
        "ttl": ttl,
        "timeout": timeout,
        "concurrency": concurrency,
    }.items():
        if value is not None and not value > 0:
            raise ConfigError(f"mcp: {what} is {value!r}; a number above 0 is expected")
    for kind in [effect] if isinstance(effect, str) else (effect or {}).values():
        if kind not in get_args(Effect):
            raise ConfigError(nearest(f"mcp: no effect is called {kind!r}", str(kind), get_args(Effect)))
    words = tuple(map(str, command or ()))
    sent = {**(headers or {}), **({"Authorization": f"Bearer {api_key}"} if api_key else {})}
    redactor = Redactor(_secrets(api_key, headers, env))
    given = name or (_host(url) if url is not None else _program(words))
    folder = None if cwd is None else os.fspath(cwd)
    address = Address(name_for(given, more="."), url, sent, words, env, folder, connect_timeout, redactor)
    taken = None if include is None else frozenset(include)
    settings = _Taken(taken, frozenset(exclude), prefix, effect, approve, concurrency, timeout)
    return MCPToolset(address, settings, ttl, required)


class _Taken:
    """Which tools of a server are taken, and how."""

    def __init__(
        self,
        include: frozenset[str] | None,
        exclude: frozenset[str],
        prefix: str,
        effect: Effect | Mapping[str, Effect] | None,
        approve: bool | Approve,
        concurrency: int | None,
        timeout: float | None,
    ) -> None:
        self.include = include
        self.exclude = exclude
        self.prefix = prefix
        self.effect = effect
        self.approve = approve
        self.concurrency = concurrency
        self.timeout = timeout

    def of(self, listed: Iterable[ListedTool]) -> list[ListedTool]:
        """Those that are taken.

        Raises:
            ConfigError: one that was to be taken is not there.
        """
        tools = list(listed)
        names = [tool.name for tool in tools]
        for name in sorted((self.include or frozenset()).difference(names)):
            raise ConfigError(nearest(f"include: the server has no tool {name!r}", name, names))
        wanted = self.include if self.include is not None else frozenset(names)
        return [tool for tool in tools if tool.name in wanted and tool.name not in self.exclude]

    def effect_of(self, tool: ListedTool) -> Effect:
        """What calling it does to the world."""
        if isinstance(self.effect, str):
            return self.effect
        return (self.effect or {}).get(tool.name) or tool.effect


class _ServerTool(SchemaTool):
    """A server's tool. ``unasked`` says of calls, by the ids of their contexts, why they were let go before the server
    was asked."""

    def __init__(self, *told: Any, unasked: dict[int, str], **settings: Any) -> None:
        super().__init__(*told, **settings)
        self._unasked = unasked

    def _late(self, context: Context[Any]) -> str:
        why = self._unasked.pop(id(context), None)
        return super()._late(context) if why is None else f", and was not made: {why}"


class MCPToolset:
    """An MCP server's tools, resources and prompts; :func:`playhead.mcp` makes one. Any number of runs may use it, in
    any event loop; each loop has one connection, which ``aclose`` or ``async with`` closes, and the loop's end."""

    def __init__(self, address: Address, taken: _Taken, ttl: float, required: bool) -> None:
        self._address = address
        self._taken = taken
        self._ttl = ttl
        self._required = required
        self._connections: WeakKeyDictionary[asyncio.AbstractEventLoop, Connection] = WeakKeyDictionary()
        self._listing: tuple[float, Listing] | None = None
        self._changes = 0

    @property
    def name(self) -> str:
        """What it is called on tapes and in errors."""
        return self._address.name

    def __repr__(self) -> str:
        return f"<{self._address.words.removeprefix('the ')}>"

    async def __aenter__(self) -> MCPToolset:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def tools_for(self, opening: Opening) -> Sequence[AnyTool]:
        """The tools of one run, from its tape where that holds them.

        Raises:
            ToolsetError: the server cannot be asked for them, and is required.
            ConfigError: a tool of ``include`` is not there.
        """
        session, began = opening.session, opening.monotonic()
        if session is not None:
            for secret in self._address.redactor.secrets:
                session.add_secret(secret)
        listing = None if session is None else play_listing(session, self.name)
        if listing is None:
            try:
                listing = await self._listed()
            except ToolsetError as error:
                if self._required:
                    raise
                listing = Listing(missing=str(error))
            if session is not None and session.recording:
                record_listing(session, self.name, listing, opening.monotonic() - began)
        if listing.missing:
            opening.warn(f"the run goes without these tools: {listing.missing}")
            return ()
        return self._tools(listing, opening)

    async def resources(self) -> list[Resource]:
        """What the server lets be read.

        Raises:
            ToolsetError: it did not say; says why.
        """
        return [
            Resource(str(one.uri), one.name, one.description or "", one.mime_type, one.size)
            for one in await self._pages("list_resources", "resources")
        ]

    async def prompts(self) -> list[Prompt]:
        """The prompts that the server makes.

        Raises:
            ToolsetError: it did not say; says why.
        """
        return [
            Prompt(
                one.name,
                one.description or "",
                tuple(argument.name for argument in one.arguments or ()),
                tuple(argument.name for argument in one.arguments or () if argument.required),
            )
            for one in await self._pages("list_prompts", "prompts")
        ]

    async def read(self, uri: str) -> tuple[Text | File, ...]:
        """The contents of a resource, as parts: ``user("What is in this?", *await toolset.read(uri))``.

        Raises:
            ToolsetError: the server did not give it; says why.
        """

        async def question(client: Any) -> Any:
            return await client.read_resource(uri)

        return tuple(map(of_resource, (await self._asked(question)).contents))

    async def prompt(self, name: str, /, **arguments: str) -> list[Message]:
        """The messages of a prompt.

        Raises:
            ToolsetError: the server did not give it; says why.
        """

        async def question(client: Any) -> Any:
            return await client.get_prompt(name, arguments)

        return messages_of(await self._asked(question))

    async def aclose(self) -> None:
        """Close the connections: that of this event loop before this returns, those of others as soon as they look.
        The next use opens one again."""
        here = self._connections.pop(asyncio.get_running_loop(), None)
        for loop, other in list(self._connections.items()):
            if not loop.is_closed():
                loop.call_soon_threadsafe(other.drop)
        self._connections.clear()
        if here is not None:
            await here.aclose()

    def _connection(self) -> Connection:
        """The connection of this event loop; a new one where it was lost."""
        loop = asyncio.get_running_loop()
        connection = self._connections.get(loop)
        if connection is None or connection.over:
            before = "" if connection is None else connection.last_words
            connection = self._connections[loop] = Connection(self._address, self._forget, before)
        return connection

    def _forget(self) -> None:
        """The server's tools have changed, those of a listing that is under way as well."""
        self._listing = None
        self._changes += 1

    async def _listed(self) -> Listing:
        """The listing, as it was asked for a short while ago, or now."""
        import time

        known = self._listing
        if known is not None and time.monotonic() - known[0] < self._ttl:
            return known[1]
        changes, old = self._changes, self._connections.get(asyncio.get_running_loop())
        connection = self._connection()
        try:
            listing = await connection.listing()
        except ToolsetError:
            if connection is not old or not connection.over:
                raise
            listing = await self._connection().listing()  # it was lost while nobody used it
        if changes == self._changes:
            self._listing = (time.monotonic(), listing)
        return listing

    def _tools(self, listing: Listing, opening: Opening) -> list[AnyTool]:
        tools: dict[str, AnyTool] = {}
        for listed in self._taken.of(listing.tools):
            name = name_for(self._taken.prefix + listed.name)
            if not name or name in tools:
                why = "another has its name" if name else "it has no name"
                opening.warn(f"{self._address.words}: the tool {listed.name!r} is left out: {why}")
                continue
            tools[name] = self._tool(name, listed)
        return list(tools.values())

    def _tool(self, name: str, listed: ListedTool) -> AnyTool:
        taken = self._taken
        unasked: dict[int, str] = {}

        async def call(arguments: dict[str, Any], context: Context[Any]) -> ToolOutcome:
            async def progress(done: float, total: float | None, message: str | None) -> None:
                share = f"{done:g}" if total is None else f"{done:g} of {total:g}"
                context.progress(message or share)

            asked = False

            async def question(client: Any) -> Any:
                nonlocal asked
                asked = True
                return await client.call_tool(listed.name, arguments, progress_callback=progress)

            connection = self._connection()
            try:
                result = await connection.ask(question)
            except Stale:
                result = await self._connection().ask(question)
            except ToolsetError as error:
                raise ToolError(str(error)) from error
            except asyncio.CancelledError:
                if not asked:
                    unasked[id(context)] = connection.awaited
                raise
            return outcome(result)

        return _ServerTool(
            name,
            listed.description or "",
            listed.input_schema,
            call,
            effect=taken.effect_of(listed),
            timeout=taken.timeout,
            concurrency=taken.concurrency,
            approve=taken.approve,
            unasked=unasked,
        )

    async def _pages(self, method: str, field: str) -> list[Any]:
        async def question(client: Any) -> list[Any]:
            found: list[Any] = []
            cursor: str | None = None
            for _ in range(100):
                page = await getattr(client, method)(cursor=cursor)
                found += getattr(page, field)
                cursor = page.next_cursor
                if cursor is None:
                    break
            return found

        found: list[Any] = await self._asked(question)
        return found

    async def _asked(self, question: Any) -> Any:
        """What the server answers to something that is no call of a tool."""
        seconds = self._taken.timeout
        try:
            async with asyncio.timeout(seconds) as deadline:
                try:
                    return await self._connection().ask(question)
                except Stale:
                    return await self._connection().ask(question)
        except ToolError as error:
            raise ToolsetError(str(error)) from error
        except TimeoutError:
            if not deadline.expired():
                raise
            raise ToolsetError(f"{self._address.words} did not answer within {seconds:g} s") from None


def _secrets(api_key: str | None, headers: Mapping[str, str] | None, env: Mapping[str, str] | None) -> list[str]:
    """What must not be seen: the key, and the values whose names say so."""
    named = [*(headers or {}).items(), *(env or {}).items()]
    values = [value for name, value in named if any(word in name.lower() for word in _SECRET)]
    return [word for value in (api_key or "", *values) for word in {value, value.rpartition(" ")[2]} if word]


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2].partition(":")[0]


def _program(command: Sequence[str]) -> str:
    """What a program is called: the script or package among the words of its command."""
    words = [word for word in command[1:] if not word.startswith("-")]
    named = [word for word in words if "." in word or "/" in word or "mcp" in word] or words or command[:1]
    last = named[0].rstrip("/\\").replace("\\", "/").rpartition("/")[2]
    return last.partition(".")[0] or last or "server"
