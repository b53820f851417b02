"""A function's parameters, as what a model may send: one struct that is the schema and the validator.

Each parameter becomes a field with its annotation, default and the docstring's words. A parameter whose type is
:class:`playhead.Context` is not the model's to fill: it is left out here, and :class:`Signature` names it.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, get_origin, get_type_hints

import msgspec

from playhead.agent.context import Context
from playhead.agent.docstring import described_arguments
from playhead.agent.schema import ARGUMENTS, dated, described
from playhead.errors import ConfigError


class Signature(msgspec.Struct, frozen=True):
    """``arguments`` is a struct with a field for each parameter that the model fills; ``context`` the name of the
    parameter that takes the :class:`Context`, None where there is none."""

    arguments: type[msgspec.Struct]
    context: str | None = None


def read_signature(name: str, function: Callable[..., Any]) -> Signature:
    """What the tool ``name`` takes.

    Raises:
        ConfigError: a parameter has no annotation, cannot be passed by name, or is of a type that JSON cannot hold.
    """
    inner: Any = function
    while hasattr(inner, "__wrapped__"):  # a decorator that kept what it wraps: its signature is the inner one
        inner = inner.__wrapped__
    call: Any = inner if isinstance(inner, (types.FunctionType, types.MethodType)) else type(inner).__call__
    code = getattr(call, "__code__", None)
    if code is None:
        raise ConfigError(f"tool {name}: {inner!r} has no Python signature to read; wrap it in a function")
    bound = getattr(inner, "__self__", None) is not None or call is not inner
    if code.co_flags & 0x0C:  # CO_VARARGS, CO_VARKEYWORDS
        raise ConfigError(f"tool {name}: *args and **kwargs cannot be told to a model; name each parameter")
    if code.co_posonlyargcount > bound:
        raise ConfigError(f"tool {name}: arguments are passed by name; drop the '/' from its parameters")
    try:
        hints = get_type_hints(call, include_extras=True)
    except NameError as error:
        raise ConfigError(
            f"tool {name}: {error}; annotations must name types that are visible where the function is defined"
        ) from error
    names = code.co_varnames[bound : code.co_argcount + code.co_kwonlyargcount]
    positional = call.__defaults__ or ()
    last = code.co_varnames[code.co_argcount - len(positional) : code.co_argcount]
    defaults = {**dict(zip(last, positional, strict=True)), **(call.__kwdefaults__ or {})}
    texts = described_arguments(function.__doc__)
    context: str | None = None
    fields: list[Any] = []
    for parameter in names:
        if parameter not in hints and parameter in ("self", "cls"):
            raise ConfigError(f"tool {name}: a method has no {parameter} yet; give the bound one: tools=[made.{name}]")
        if parameter not in hints:
            raise ConfigError(f"tool {name}: parameter {parameter!r} has no type; annotate it, as in {parameter}: str")
        if hints[parameter] is Context or get_origin(hints[parameter]) is Context:
            context = parameter
            continue
        kind = described(dated(hints[parameter]), texts.get(parameter))
        if parameter in defaults:
            fields.append((parameter, kind, _default(defaults[parameter])))
        else:
            fields.append((parameter, kind))
    try:
        return Signature(msgspec.defstruct(f"{name}{ARGUMENTS}", fields, kw_only=True), context)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"tool {name}: {error}") from error


def takes_two(function: Callable[..., Any]) -> bool:
    """Whether a function has to be given two arguments by their place."""
    inner: Any = function
    call: Any = inner if isinstance(inner, (types.FunctionType, types.MethodType)) else type(inner).__call__
    code = getattr(call, "__code__", None)
    if code is None:  # a partial, a builtin
        from inspect import Parameter, signature

        try:
            parameters = signature(function).parameters.values()
        except (TypeError, ValueError):
            return False
        placed = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        return sum(one.kind in placed and one.default is Parameter.empty for one in parameters) == 2
    bound = getattr(inner, "__self__", None) is not None or call is not inner
    return int(code.co_argcount) - len(call.__defaults__ or ()) - bound == 2


def _default(value: Any) -> Any:
    if isinstance(value, (list, dict, set, bytearray)):
        return msgspec.field(default_factory=lambda: value.copy())
    return value
