"""What public functions are given: whether each argument is of a kind that it may be.

An argument of one name is one thing all over playhead, so what each may be is said once, here, and the functions say
only which they look at::

    check("embed", tape=tape, options=options)
    -> ConfigError: embed: options is a mapping of names to values; got a list

A class that is :class:`Naming` says of an argument that it does not have which one was probably meant; a struct is
:class:`NamingStruct`.

None passes: most arguments may be left out; of those that may not, :func:`check_there` is asked. What a value of the
right kind may be is looked at where it is used. Only the kind of a wrong value is shown, as it may hold a key.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from playhead.errors import ConfigError, nearest

_Fits: TypeAlias = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _path(value: Any) -> bool:
    return isinstance(value, str | os.PathLike)


def _mapping(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(name, str) for name in value)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _switch(value: Any) -> bool:
    return isinstance(value, bool)


def _several(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | bytearray)


def _texts(value: Any) -> bool:
    return _several(value) and all(isinstance(one, str) for one in value)


def _function(value: Any) -> bool:
    return callable(value) and not isinstance(value, type)


def _errors(value: Any) -> bool:
    return _several(value) and all(isinstance(one, type) and issubclass(one, Exception) for one in value)


def _command(value: Any) -> bool:
    return _several(value) and bool(value) and all(map(_path, value))


def _does(name: str) -> _Fits:
    """Values that have a method or field of this name; a class that makes such is none."""
    return lambda value: hasattr(value, name) and not isinstance(value, type)


def _either(one: _Fits, other: _Fits) -> _Fits:
    return lambda value: one(value) or other(value)


_PATH = "a path, as text or a pathlib.Path"
_COUNT = (_whole, "a whole number")
_SECONDS = (_number, "a number of seconds")
_SWITCH = (_switch, "True or False")
_WORDS = (_texts, "a list of texts")
_TAPE = (_does("interactions"), "a Tape; Tape.load(path) reads one")

#: What the arguments of each name may be, as a test and in words.
_KINDS: dict[str, tuple[_Fits, str]] = {
    "after": (_either(_number, lambda value: value == "p95"), 'seconds, or "p95"'),
    "approve": (_either(_switch, callable), "True, False or a function"),
    "at": _COUNT,
    "avoid": _SECONDS,
    "base_url": (_text, "text"),
    "clock": (_does("monotonic"), "a clock: it has monotonic(), time() and sleep()"),
    "command": (_command, 'a list of words, as ["python", "server.py"]'),
    "concurrency": _COUNT,
    "cwd": (_path, _PATH),
    "connect_timeout": _SECONDS,
    "conversation": _COUNT,
    "data": (lambda value: isinstance(value, bytes | bytearray), "bytes"),
    "description": (_text, "text"),
    "domains": _WORDS,
    "effect": (_either(_text, _mapping), "an effect, or a mapping of tools to effects"),
    "env": (_mapping, "a mapping of names to values"),
    "exclude": _WORDS,
    "fail_on_unplayed": _SWITCH,
    "headers": (_mapping, "a mapping of names to values"),
    "host": (_text, "text"),
    "id": (_text, 'text: "provider:model"'),
    "ignore": _WORDS,
    "include": _WORDS,
    "instruction": (_text, "text"),
    "keep_messages": _COUNT,
    "keep_tokens": _COUNT,
    "left": _TAPE,
    "limiter": (_either(_does("enter"), lambda value: value == "shared"), 'a playhead.Limiter or "shared"'),
    "max_tokens": _COUNT,
    "max_uses": _COUNT,
    "model": (_either(_text, _does("call")), 'text, "provider:model", or a playhead.Model'),
    "name": (_text, "text"),
    "max_steps": _COUNT,
    "on": (_either(_function, _errors), "classes of errors, in a tuple, or a function of an error"),
    "only": (lambda value: isinstance(value, tuple) and len(value) == 2 and all(map(_whole, value)), "two numbers"),
    "options": (_mapping, "a mapping of names to values"),
    "over_messages": _COUNT,
    "over_tokens": _COUNT,
    "pace": (_number, "a number"),
    "path": (_path, _PATH),
    "port": _COUNT,
    "prefix": (_text, "text"),
    "prices": (_mapping, 'a mapping of models to pairs, as {"my-model": ("0.30", "1.20")}'),
    "random": (_function, "a function that gives a number from 0 to 1"),
    "reasoning": (_either(_text, _does("effort")), "an effort, as text, or playhead.ReasoningSettings"),
    "recorded": (_either(_path, _does("interactions")), f"{_PATH}, or a Tape"),
    "requests_per_minute": (_number, "a number"),
    "required": _SWITCH,
    "results": (_mapping, "a mapping of call ids to results"),
    "retry": (_does("backoff"), "a playhead.RetryPolicy"),
    "right": _TAPE,
    "root_certificates": (lambda value: isinstance(value, bytes), "bytes, in PEM"),
    "secrets": _WORDS,
    "set": (_mapping, 'a mapping, as {"tool:NAME": result}'),
    "stop": (_either(_text, _texts), "text, or a list of texts"),
    "strict": _SWITCH,
    "system": (_text, "text"),
    "tape": (_either(_path, _does("interactions")), f"{_PATH}, or a Tape"),
    "text": (_text, "text"),
    "texts": (_several, "a list of texts"),
    "timeout": _SECONDS,
    "timeouts": (_does("between_chunks"), "playhead.Timeouts"),
    "tokens": _COUNT,
    "tokens_per_minute": (_number, "a number"),
    "tool_choice": (_text, "text"),
    "tools": (_several, "a list of tools"),
    "transport": (_does("send"), "a transport: it has send() and aclose()"),
    "ttl": _SECONDS,
    "url": (_text, "text"),
    "user_agent": (_text, "text"),
}


def in_python(words: str) -> str:
    """Words about types as JSON names them, "expected `float | null`", as who writes Python reads them."""
    for named, here in (("null", "None"), ("array", "list"), ("object", "dict")):
        if named in words:
            words = "`".join(
                " | ".join(here if one == named else one for one in part.split(" | ")) if at % 2 else part
                for at, part in enumerate(words.split("`"))
            )
    return words


def check(where: str, /, **given: Any) -> None:
    """Look at arguments, those that are None left out; ``where`` is what they were given to.

    Raises:
        ConfigError: one is of another kind than may be; names it, what it may be, and the kind that it is of.
    """
    for name, value in given.items():
        if value is not None:
            check_there(where, name, value)


def check_there(where: str, name: str, value: Any) -> None:
    """Look at an argument that may not be None.

    Raises:
        ConfigError: as :func:`check`.
    """
    fits, words = _KINDS[name]
    if not fits(value):
        got = "None" if value is None else "nan" if value != value else f"a {type(value).__name__}"
        raise ConfigError(f"{where}{': ' if where else ''}{name} is {words}; got {got}")


class _Naming(type):
    if not TYPE_CHECKING:  # to a type checker the class has the arguments of its __init__, and no others

        def __call__(cls, *args, **named):
            try:
                return super().__call__(*args, **named)
            except TypeError:
                known = _arguments(cls)
                unknown = [name for name in named if name not in known]
                if not unknown:
                    raise
                complaint = f"{cls.__name__}: unknown argument {unknown[0]!r}"
            raise ConfigError(nearest(complaint, unknown[0], known))


def _arguments(made: Any) -> list[str]:
    from inspect import signature

    return list(signature(made).parameters)


class Naming(_Naming):
    """The metaclass of a class that is called by users: an argument that it does not have is a ConfigError that names
    the nearest, as everywhere else, and no bare TypeError."""

    @property
    def __signature__(cls) -> Any:
        from inspect import signature

        whole = signature(cls.__init__)  # type: ignore[misc]
        return whole.replace(parameters=list(whole.parameters.values())[1:])


class NamingStruct(_Naming, msgspec.StructMeta):
    """:class:`Naming` of a struct, which has a signature of its own."""
