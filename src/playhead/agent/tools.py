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
the loop; context variables are carried along.
"""

from __future__ import annotations

import types
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar, get_type_hints, overload

import msgspec

from playhead.agent.docstring import described_arguments, summary
from playhead.agent.schema import ARGUMENTS, convert_foreign, described, schema_of
from playhead.errors import ConfigError, ToolError
from playhead.messages import File, Text, ToolCall, ToolResult
from playhead.request import ToolSpec
from playhead.surrogates import joined, joined_json, whole_escapes

Content: TypeAlias = tuple[Text | File, ...]


class ToolOutcome(msgspec.Struct, frozen=True):
    """What a call came to: the content for the model, and whether it is an error."""

    content: Content
    is_error: bool = False


P = ParamSpec("P")
R = TypeVar("R")


class Tool(Generic[P, R]):
    """A function that a model may call. It stays callable as the function it was.

    Attributes:
        name: what the model calls it.
        description: what the model is told of it.
        spec: the same with the arguments' JSON schema, as a request carries it.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        strict: bool | None = None,
    ) -> None:
        if not callable(function):
            raise ConfigError(f"a tool is a function, got {function!r}")
        self.function = function
        self.name: str = name or str(getattr(function, "__name__", type(function).__name__))
        if not _NAME_CHARACTERS.issuperset(self.name) or not 1 <= len(self.name) <= 64:
            raise ConfigError(
                f"tool name {self.name!r}: letters, digits, '_' and '-', 1 to 64 of them, are what every provider "
                "takes; give one with @tool(name=…)"
            )
        self.description = description if description is not None else summary(function.__doc__)
        self._strict = strict
        self._spec: ToolSpec | None = None
        self._arguments: type[msgspec.Struct] | None = None
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
            schema = schema_of(self._arguments_type())
            schema.setdefault("properties", {})
            schema.setdefault("required", [])
            self._spec = ToolSpec(self.name, self.description, schema, self._strict)
        return self._spec

    def _arguments_type(self) -> type[msgspec.Struct]:
        if self._arguments is None:
            self._arguments = _arguments_struct(self)
        return self._arguments

    def parse(self, arguments: str) -> dict[str, Any]:
        """The arguments as the function takes them, from the JSON text that the model wrote.

        Raises:
            ToolError: broken JSON, a missing, unknown or mistyped argument; the message is for the model.
        """
        kind = self._arguments_type()
        known = kind.__struct_fields__
        text = arguments.strip() or "{}"
        try:
            try:
                given = msgspec.json.decode(text)
            except msgspec.DecodeError:
                whole = whole_escapes(text)
                if whole == text:
                    raise
                given = msgspec.json.decode(whole)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
            raise ToolError(f"the arguments are not valid JSON ({error}): {arguments[:200]}") from error
        if isinstance(given, dict):
            unknown = [name for name in given if name not in known]
            if unknown:
                takes = ", ".join(known) or "no arguments"
                raise ToolError(f"unknown argument {', '.join(map(repr, unknown))}: {self.name} takes {takes}")
        try:
            value = msgspec.convert(given, kind, strict=False, dec_hook=convert_foreign)
        except msgspec.ValidationError as error:
            raise ToolError(f"the arguments do not fit: {error}") from error
        return {name: getattr(value, name) for name in known}

    async def answer(self, call: ToolCall) -> ToolOutcome:
        """Run the function on the arguments that the model wrote. Whatever goes wrong in it is an outcome; only
        cancellation and what is no ``Exception`` pass through."""
        function: Callable[..., Any] = self.function
        try:
            values = self.parse(call.arguments)
            if is_async(function):
                result = await function(**values)
            else:
                from asyncio import to_thread

                result = await to_thread(_called, function, values)
                if isinstance(result, Awaitable):
                    result = await result
            return ToolOutcome(as_content(result))
        except ToolError as error:
            return ToolOutcome((Text(f"Error: {_words(error)}"),), is_error=True)
        except Exception as error:
            return ToolOutcome((Text(f"Error: {type(error).__name__}: {_words(error)}"),), is_error=True)
        except BaseException as error:
            if not _cancelled_within(error):
                raise
            return ToolOutcome((Text(f"Error: the tool was cancelled from within: {_words(error)}"),), is_error=True)


def _called(function: Callable[..., Any], values: dict[str, Any]) -> Any:
    """The function's result. StopIteration cannot pass out of a thread, whoever waits for it would wait for ever: it
    becomes what it becomes in a coroutine."""
    try:
        return function(**values)
    except StopIteration as error:
        raise RuntimeError("the tool raised StopIteration") from error


def _cancelled_within(error: BaseException) -> bool:
    """Whether it is not the run that is being cancelled, but something that the tool awaited."""
    from asyncio import CancelledError, current_task

    task = current_task()
    return isinstance(error, CancelledError) and task is not None and not task.cancelling()


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
    *, name: str | None = None, description: str | None = None, strict: bool | None = None
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...
def tool(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    strict: bool | None = None,
) -> Tool[P, R] | Callable[[Callable[P, R]], Tool[P, R]]:
    """Make a function a tool: ``@tool``, or ``@tool(name="get_weather")``.

    ``strict`` asks providers that can to hold the model to the schema exactly.
    """
    if function is not None:
        return Tool(function)
    return lambda inner: Tool(inner, name=name, description=description, strict=strict)


def as_tools(tools: Iterable[AnyTool | Callable[..., Any]]) -> dict[str, AnyTool]:
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


def _arguments_struct(tool: AnyTool) -> type[msgspec.Struct]:
    function: Any = tool.function
    while hasattr(function, "__wrapped__"):  # a decorator that kept what it wraps: its signature is the inner one
        function = function.__wrapped__
    call: Any = function if isinstance(function, (types.FunctionType, types.MethodType)) else type(function).__call__
    code = getattr(call, "__code__", None)
    if code is None:
        raise ConfigError(f"tool {tool.name}: {function!r} has no Python signature to read; wrap it in a function")
    bound = getattr(function, "__self__", None) is not None or call is not function
    if code.co_flags & 0x0C:  # CO_VARARGS, CO_VARKEYWORDS
        raise ConfigError(f"tool {tool.name}: *args and **kwargs cannot be told to a model; name each parameter")
    if code.co_posonlyargcount > bound:
        raise ConfigError(f"tool {tool.name}: arguments are passed by name; drop the '/' from its parameters")
    try:
        hints = get_type_hints(call, include_extras=True)
    except NameError as error:
        raise ConfigError(
            f"tool {tool.name}: {error}; annotations must name types that are visible where the function is defined"
        ) from error
    names = code.co_varnames[bound : code.co_argcount + code.co_kwonlyargcount]
    positional = call.__defaults__ or ()
    last = code.co_varnames[code.co_argcount - len(positional) : code.co_argcount]
    defaults = {**dict(zip(last, positional, strict=True)), **(call.__kwdefaults__ or {})}
    texts = described_arguments(function.__doc__)
    fields: list[Any] = []
    for name in names:
        if name not in hints and name in ("self", "cls"):
            raise ConfigError(
                f"tool {tool.name}: a method has no {name} yet; give the bound one: tools=[made.{tool.name}]"
            )
        if name not in hints:
            raise ConfigError(f"tool {tool.name}: parameter {name!r} has no type; annotate it, as in {name}: str")
        kind = described(hints[name], texts.get(name))
        if name in defaults:
            default = defaults[name]
            fields.append((name, kind, _default(default)))
        else:
            fields.append((name, kind))
    try:
        return msgspec.defstruct(f"{tool.name}{ARGUMENTS}", fields, kw_only=True)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"tool {tool.name}: {error}") from error


def _default(value: Any) -> Any:
    if isinstance(value, (list, dict, set, bytearray)):
        return msgspec.field(default_factory=lambda: value.copy())
    return value


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine, seen without calling it."""
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    return bool(code is not None and code.co_flags & 0x80)  # CO_COROUTINE


def as_content(result: Any) -> Content:
    """What a tool returned, as content: text as it is, parts as they are, anything else as JSON. Half a character,
    which cannot be sent, is replaced: see :mod:`playhead.surrogates`."""
    if isinstance(result, str):
        return (Text(joined(str.__str__(result))),)  # a subclass, an enum's member, as the text that it is
    if isinstance(result, (Text, File)):
        return (_sendable(result),)
    if isinstance(result, Sequence) and result and all(isinstance(item, (Text, File)) for item in result):
        return tuple(map(_sendable, result))
    try:
        try:
            data = msgspec.json.encode(result, enc_hook=_plain)
        except UnicodeEncodeError:
            data = msgspec.json.encode(joined_json(msgspec.to_builtins(result, str_keys=True, enc_hook=_plain)))
        return (Text(data.decode()),)
    except (TypeError, msgspec.MsgspecError) as error:
        raise ToolError(f"the tool returned a {type(result).__name__}, neither text nor JSON: {error}") from error


def _sendable(part: Text | File) -> Text | File:
    if isinstance(part, Text):
        text = joined(part.text)
        return part if text is part.text else msgspec.structs.replace(part, text=text)
    name, url = part.name and joined(part.name), part.url and joined(part.url)
    if name is part.name and url is part.url:
        return part
    return msgspec.structs.replace(part, name=name, url=url)


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"a {type(value).__name__} is no JSON")


def unknown_tool(call: ToolCall, known: Iterable[str]) -> ToolResult:
    """The answer to a call of a tool that is not there."""
    names = ", ".join(known) or "none"
    return ToolResult(call.id, call.name, (Text(f"Error: no tool named {call.name!r}; there are: {names}"),), True)
