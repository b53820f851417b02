"""Tools: typed Python functions that a model may call.

``@tool`` reads a function's annotations and docstring once, when the tool is first needed: the arguments become a
JSON schema for the model and a validator for what the model sends. A bad argument, an unknown tool or an exception is
an answer to the model, in words it can act on, never the end of the run::

    @tool
    def weather(location: Annotated[str, "the city"]) -> str:
        "Get weather information for a location"

    await weather.answer(ToolCall("1", "weather", '{"location": 5}'))
    -> ToolOutcome((Text("Error: the arguments do not fit: Expected `str`, got `int` - at `$.location`"),), True)

Functions that are not ``async`` run in a thread, so that a slow one holds up neither the other calls of the step nor
the loop; context variables are carried along. How a signature becomes a schema is in :mod:`.signature`, how a result
becomes content in :mod:`.content`, and which calls run when in :mod:`.calls`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, TypeAlias, TypeVar, get_args, overload

import msgspec

from playhead.agent.content import ToolOutcome, failed, outcome_of
from playhead.agent.context import Context
from playhead.agent.docstring import summary
from playhead.agent.reading import without_nulls
from playhead.agent.schema import convert_foreign, schema_of
from playhead.agent.signature import Signature, read_signature
from playhead.errors import ConfigError, TapeError, ToolError, UnfinishedCallError, nearest
from playhead.given import check
from playhead.messages import Text, ToolCall, ToolResult
from playhead.request import ToolSpec
from playhead.surrogates import joined, whole_escapes

if TYPE_CHECKING:
    from asyncio import Future

#: What calling a tool does to the world: nothing that lasts, the same however often, or something each time.
Effect: TypeAlias = Literal["read", "idempotent", "write"]

#: Whether a call may be made: yes, no, no for this reason, or not decided yet (the run waits).
Verdict: TypeAlias = bool | str | None
#: What decides: a function of the call, or of the call and its :class:`Context`. May be async.
Approve: TypeAlias = (
    Callable[[ToolCall], "Verdict | Awaitable[Verdict]"]
    | Callable[[ToolCall, Context[Any]], "Verdict | Awaitable[Verdict]"]
)

#: Where an exception of a tool goes: to the model, or to whoever runs the agent.
ToolErrors: TypeAlias = Literal["tell", "raise"]

P = ParamSpec("P")
R = TypeVar("R")


class Tool(Generic[P, R]):
    """A function that a model may call. It stays callable as the function it was.

    Attributes:
        name: what the model calls it.
        description: what the model is told of it.
        spec: the same with the arguments' JSON schema, as a request carries it.
        effect: "read" (calls run at once, and may run again after a crash), "idempotent" (the same, with the same key),
            or "write" (one at a time, in the order asked; one that had begun is never run again without a word).
        timeout: seconds that one call may take; None for no limit.
        concurrency: calls that may run at once in one event loop; None for no limit.
        approve: whether a call is made: True asks a person, a function decides; see :class:`playhead.Agent`.
        taped: whether a call and its result are put on the tape. A tool that runs an agent is not: what that agent
            asks is, and how it ended where that was by an error.
        runs: the agent that a call asks; None for all other tools.
        hands_over_to: the agent that goes on with the run once the call is made; None for all other tools.
    """

    taped = True
    runs: Any = None
    hands_over_to: Any = None

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        strict: bool | None = None,
        effect: Effect = "read",
        timeout: float | None = None,
        concurrency: int | None = None,
        approve: bool | Approve = False,
    ) -> None:
        if not callable(function):
            raise ConfigError(f"a tool is a function, got {function!r}")
        check("tool", name=name, description=description, timeout=timeout, concurrency=concurrency, strict=strict)
        self.function = function
        self.name: str = name or str(getattr(function, "__name__", type(function).__name__))
        if not _NAME_CHARACTERS.issuperset(self.name) or not 1 <= len(self.name) <= 64:
            raise ConfigError(
                f"tool name {self.name!r}: letters, digits, '_' and '-', 1 to 64 of them, are what every provider "
                "takes; give one with @tool(name=…)"
            )
        if effect not in get_args(Effect):
            raise ConfigError(
                nearest(f"tool {self.name}: no effect is called {effect!r}", str(effect), get_args(Effect))
            )
        for what, value in (("timeout", timeout), ("concurrency", concurrency)):
            if value is not None and not value > 0:
                raise ConfigError(f"tool {self.name}: {what} is {value!r}; a number above 0 is expected, or None")
        if not (isinstance(approve, bool) or callable(approve)):
            raise ConfigError(f"tool {self.name}: approve is {approve!r}; True, False or a function is expected")
        self.description = description if description is not None else summary(function.__doc__)
        self.effect: Effect = effect
        self.timeout = timeout
        self.concurrency = concurrency
        self.approve = approve
        self._strict = strict
        self._spec: ToolSpec | None = None
        self._signature: Signature | None = None
        self._slots: Any = None
        self.__doc__ = function.__doc__
        self.__name__ = self.name

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<tool {self.name}>"

    @property
    def spec(self) -> ToolSpec:
        """The tool as a request carries it.

        Raises:
            ConfigError: a parameter has no annotation, or one that JSON cannot hold.
        """
        if self._spec is None:
            schema = schema_of(self._read().arguments)
            schema.setdefault("properties", {})
            schema.setdefault("required", [])
            self._spec = ToolSpec(self.name, self.description, schema, self._strict)
        return self._spec

    @property
    def takes_context(self) -> bool:
        """Whether the function is given the call's :class:`Context`."""
        return self._read().context is not None

    def _read(self) -> Signature:
        if self._signature is None:
            self._signature = read_signature(self.name, self.function)
        return self._signature

    def parse(self, arguments: str) -> dict[str, Any]:
        """The arguments as the function takes them, from the JSON text that the model wrote.

        Raises:
            ToolError: broken JSON, a missing, unknown or mistyped argument; the message is for the model.
        """
        kind = self._read().arguments
        known = kind.__struct_fields__
        given = read_json(arguments)
        if isinstance(given, dict):
            unknown = [name for name in given if name not in known]
            if unknown:
                takes = ", ".join(known) or "no arguments"
                raise ToolError(f"unknown argument {', '.join(map(repr, unknown))}: {self.name} takes {takes}")
        try:
            value = msgspec.convert(given, kind, strict=False, dec_hook=convert_foreign)
        except msgspec.ValidationError as error:
            bare = without_nulls(given, self.spec.parameters)  # a strict schema makes a model write them
            if bare == given:
                raise ToolError(f"the arguments do not fit: {error}") from error
            return self.parse(msgspec.json.encode(bare).decode())
        return {name: getattr(value, name) for name in known}

    async def answer(self, call: ToolCall, context: Context[Any] | None = None) -> ToolOutcome:
        """Run the function on the arguments that the model wrote. Whatever goes wrong in it is an outcome; only
        cancellation and what is no ``Exception`` pass through.

        Without a ``context`` one that knows nothing but the call is made."""
        context = context or Context(None, call)
        try:
            values = self.parse(call.arguments)
        except ToolError as error:
            return failed(_words(error))
        try:
            if self.timeout is None and self.concurrency is None:
                return outcome_of(await self._called(values, context))
            return await self._within_limits(values, context)
        except (TapeError, UnfinishedCallError) as error:
            if not self.taped:  # it is the tape of this very run that cannot go on
                raise
            return failure(error)
        except Exception as error:
            return failure(error)
        except BaseException as error:
            context.cancel()
            if not _cancelled_within(error):
                raise
            return failed(f"the tool was cancelled from within: {_words(error)}")

    async def _called(self, values: dict[str, Any], context: Context[Any]) -> Any:
        """The function's result for these arguments."""
        function: Callable[..., Any] = self.function
        taker = self._read().context
        if taker is not None:
            values[taker] = context
        if is_async(function):
            return await function(**values)
        from asyncio import ensure_future, shield, to_thread

        running = to_thread(_in_thread, function, values)
        if self.effect != "write":
            result = await running
        else:  # nobody may wait for it any more, but the next write does
            context.thread = ensure_future(running)
            context.thread.add_done_callback(_heard)
            result = await shield(context.thread)
        return await result if isinstance(result, Awaitable) else result

    async def _within_limits(self, values: dict[str, Any], context: Context[Any]) -> ToolOutcome:
        """The outcome of a call that waits for its turn, and does not take longer than it may."""
        import asyncio

        async with AsyncExitStack() as held:
            if self.concurrency is not None:
                await held.enter_async_context(self._turns(self.concurrency))
            deadline = asyncio.timeout(self.timeout)
            try:
                async with deadline:
                    return outcome_of(await self._called(values, context))
            except TimeoutError:
                if not deadline.expired():
                    raise
                context.cancel()
                return failed(f"the call took longer than its timeout of {self.timeout:g} s{self._late(context)}")

    def _late(self, context: Context[Any]) -> str:
        """What else there is to say of a call that took too long."""
        return " and may have been done all the same" if self.effect == "write" else ""

    def _turns(self, concurrency: int) -> Any:
        """The semaphore of the event loop that runs here: one belongs to one loop."""
        import asyncio
        from weakref import WeakKeyDictionary

        if self._slots is None:
            self._slots = WeakKeyDictionary()
        return self._slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(concurrency))


class SchemaTool(Tool[..., Any]):
    """A tool whose arguments are told by a JSON schema made elsewhere, and are passed on as they are: one of a server,
    or an agent. ``function`` takes the arguments as a dict, and the context."""

    def __init__(
        self,
        name: str,
        description: str,
        parameters: dict[str, Any],
        function: Callable[[dict[str, Any], Context[Any]], Awaitable[Any]],
        *,
        effect: Effect = "read",
        timeout: float | None = None,
        concurrency: int | None = None,
        approve: bool | Approve = False,
        taped: bool = True,
    ) -> None:
        super().__init__(
            function,
            name=name,
            description=description,
            effect=effect,
            timeout=timeout,
            concurrency=concurrency,
            approve=approve,
        )
        self.taped = taped
        self._spec = ToolSpec(name, description, parameters)

    takes_context = True

    def parse(self, arguments: str) -> dict[str, Any]:
        """The arguments as they were written.

        Raises:
            ToolError: broken JSON, or no object.
        """
        given = read_json(arguments)
        if not isinstance(given, dict):
            raise ToolError(f"the arguments are no JSON object: {arguments[:200]}")
        return given

    async def _called(self, values: dict[str, Any], context: Context[Any]) -> Any:
        function: Callable[..., Any] = self.function
        return await function(values, context)


def read_json(arguments: str) -> Any:
    """The arguments that a model wrote, as plain data; nothing written is no arguments.

    Raises:
        ToolError: they are no JSON; the message is for the model.
    """
    text = arguments.strip() or "{}"
    try:
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            whole = whole_escapes(text)
            if whole == text:
                raise
            return msgspec.json.decode(whole)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise ToolError(f"the arguments are not valid JSON ({error}): {arguments[:200]}") from error


def _in_thread(function: Callable[..., Any], values: dict[str, Any]) -> Any:
    """The function's result. StopIteration cannot pass out of a thread, whoever waits for it would wait for ever: it
    becomes what it becomes in a coroutine. GeneratorExit would close whatever waits for the tool."""
    try:
        return function(**values)
    except (StopIteration, GeneratorExit) as error:
        raise RuntimeError(f"the tool raised {type(error).__name__}") from error


def _heard(thread: Future[Any]) -> None:
    """What a thread raises that nobody waits for any more is nobody's concern."""
    if not thread.cancelled():
        thread.exception()


def _cancelled_within(error: BaseException) -> bool:
    """Whether it is not the run that is being cancelled, but something that the tool awaited."""
    from asyncio import CancelledError, current_task

    task = current_task()
    return isinstance(error, CancelledError) and task is not None and not task.cancelling()


def failure(error: Exception) -> ToolOutcome:
    """What a model is told of an error."""
    if isinstance(error, ToolError):
        return failed(_words(error))
    return failed(f"{type(error).__name__}: {_words(error)}", error)


def _words(error: BaseException) -> str:
    """What an error says, as text that can be sent; "" where its own ``__str__`` fails."""
    try:
        return joined(str(error))
    except Exception:
        return ""


AnyTool: TypeAlias = Tool[..., Any]

_NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    strict: bool | None = None,
    effect: Effect = "read",
    timeout: float | None = None,
    concurrency: int | None = None,
    approve: bool | Approve = False,
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...
def tool(
    function: Callable[P, R] | None = None, /, **settings: Any
) -> Tool[P, R] | Callable[[Callable[P, R]], Tool[P, R]]:
    """Make a function a tool: ``@tool``, or ``@tool(name="get_weather", effect="write")``.

    ``strict`` asks providers that can to hold the model to the schema exactly; the others are attributes of
    :class:`Tool`.
    """
    if function is not None:
        return Tool(function)
    unknown = settings.keys() - _SETTINGS
    if unknown:
        name = min(unknown)
        raise ConfigError(nearest(f"tool: unknown argument {name!r}", name, _SETTINGS))
    return lambda inner: Tool(inner, **settings)


_SETTINGS = ("approve", "concurrency", "description", "effect", "name", "strict", "timeout")


def as_tools(tools: Iterable[Any]) -> dict[str, AnyTool]:
    """Tools by name; plain functions become tools.

    Raises:
        ConfigError: two tools share a name.
    """
    if not isinstance(tools, Iterable):
        raise ConfigError(
            f"tools is a list of functions, got {tools!r}; write tools=[{getattr(tools, '__name__', '…')}]"
        )
    by_name: dict[str, AnyTool] = {}
    for item in tools:
        made = item if isinstance(item, Tool) else Tool(item)
        if made.name in by_name:
            raise ConfigError(f"two tools are named {made.name!r}; give one another name with @tool(name=…)")
        by_name[made.name] = made
    return by_name


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine, seen without calling it."""
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    return bool(code is not None and code.co_flags & 0x80)  # CO_COROUTINE


def unknown_tool(call: ToolCall, known: Iterable[str]) -> ToolResult:
    """The answer to a call of a tool that is not there."""
    names = ", ".join(known) or "none"
    return ToolResult(call.id, call.name, (Text(f"Error: no tool named {call.name!r}; there are: {names}"),), True)
