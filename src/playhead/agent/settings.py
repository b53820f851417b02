"""What an agent and a run may be given: the settings by name, and what they may be.

:class:`playhead.Agent` documents the first, :meth:`playhead.Agent.run` the second; here they are checked, before
anything is sent, so that a wrong one is a :class:`ConfigError` that names it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict, get_args

import msgspec

from playhead.agent.output import output_schema
from playhead.errors import ConfigError
from playhead.given import in_python
from playhead.messages import check_whole
from playhead.request import NamedTool, OutputMode, OutputSchema, ReasoningSettings, ToolChoice

if TYPE_CHECKING:
    from playhead.agent.budget import Budget
    from playhead.agent.caching import Caching
    from playhead.agent.calls import Assume
    from playhead.agent.compaction import Compact
    from playhead.agent.plan import Prepare, System
    from playhead.agent.run import Run
    from playhead.agent.tools import AnyTool, Approve, ToolErrors
    from playhead.agent.watching import OnEvent
    from playhead.messages import Message
    from playhead.tapes import Mode, Tape
    from playhead.transport.auth import APIKey
    from playhead.transport.base import Transport
    from playhead.transport.http import Timeouts
    from playhead.transport.retry import Clock, RetryPolicy


class Settings(TypedDict, total=False):
    """What an agent may be given besides its model; see :class:`Agent`."""

    name: str | None
    system: str | System | None
    tools: Iterable[object]  # Tools, functions, tools of the provider, toolsets: type checkers join them to object
    max_tokens: int | None
    temperature: float | None
    top_p: float | None
    stop: str | Sequence[str] | None
    seed: int | None
    tool_choice: str | None
    parallel_tool_calls: bool | None
    reasoning: str | ReasoningSettings | None
    options: Mapping[str, Any] | None
    output_mode: OutputMode
    output_retries: int
    max_steps: int
    timeout: float | None
    approve: Approve | None
    tool_errors: ToolErrors
    prepare: Prepare | None
    stop_when: Callable[[Run[Any]], bool] | None
    budget: Budget | None
    compact: Compact | None
    cache: bool | Literal["5m", "1h"] | None
    on_event: OnEvent | None
    retry: RetryPolicy | None
    timeouts: Timeouts | None
    base_url: str | None
    api_key: APIKey | None
    transport: Transport | None
    clock: Clock | None
    random: Callable[[], float] | None


class Going(TypedDict, total=False):
    """What one run may be given besides its prompt; see :meth:`playhead.Agent.run`."""

    messages: Sequence[Message]
    tape: str | os.PathLike[str] | Tape | None
    tape_mode: Mode | None
    fail_on_unplayed: bool
    deps: Any
    assume: Assume | None
    results: Mapping[str, Any] | None
    budget: Budget | None


class _Checked(msgspec.Struct):
    """The settings that are plain values, and what they may be."""

    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None
    temperature: Annotated[float, msgspec.Meta(ge=0)] | None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None
    stop: tuple[str, ...]
    seed: int | None
    parallel_tool_calls: bool | None
    max_steps: Annotated[int, msgspec.Meta(ge=1)]
    output_retries: Annotated[int, msgspec.Meta(ge=0)]
    timeout: Annotated[float, msgspec.Meta(gt=0)] | None


def check_settings(**settings: Any) -> None:
    """Look at the settings that are plain values.

    Raises:
        ConfigError: one is of a wrong type or out of its range; names it.
    """
    try:
        msgspec.convert(settings, _Checked)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$.")
        raise ConfigError(f"Agent: {place.rstrip('`')}: {in_python(what[:1].lower() + what[1:])}") from None
    except UnicodeError:  # text where a number is expected, and half a character in it
        name = next(name for name, value in settings.items() if isinstance(value, str))
        raise ConfigError(f"Agent: {name}: this cannot be text") from None


def check_system(system: Any) -> None:
    """Look at ``system=``.

    Raises:
        ConfigError: it is neither text nor a function that gives one.
    """
    if isinstance(system, str):
        check_whole(system, "system")
    elif system is not None and not (callable(system) and not isinstance(system, type)):
        raise ConfigError(
            f"Agent: system: expected `str`, or a function of deps that gives one, got a {type(system).__name__}"
        )


def check_tool_errors(tool_errors: Any) -> None:
    """Look at ``tool_errors=``.

    Raises:
        ConfigError: it says neither of the two ways.
    """
    if tool_errors not in ("tell", "raise"):
        raise ConfigError(f'tool_errors is {tool_errors!r}; "tell" or "raise" is expected')


def compact_asked(compact: Any) -> Compact | None:
    """What ``compact=`` says, checked.

    Raises:
        ConfigError: it is none of the ways to cut a history.
    """
    if compact is None:
        return None
    from playhead.agent.compaction import DropOldest, Summarise

    if not isinstance(compact, DropOldest | Summarise):
        raise ConfigError(f"compact is drop_oldest(…) or summarise(…); got a {type(compact).__name__}")
    return compact


def cache_asked(switch: Any) -> bool | Literal["5m", "1h"]:
    """What ``cache=`` says, checked.

    Raises:
        ConfigError: something else than True, False, None, "5m" or "1h".
    """
    if switch is None or switch is False:
        return False
    if switch is True or switch in ("5m", "1h"):
        return switch  # type: ignore[no-any-return]
    raise ConfigError(f'cache is {switch!r}; True, "5m" or "1h" is expected')


def caching(switch: bool | Literal["5m", "1h"]) -> Caching | None:
    """What marks the requests of one run; None where nothing is to be."""
    if not switch:
        return None
    from playhead.agent.caching import Caching

    return Caching(None if switch is True else switch)


def check_kinds(**given: Any) -> None:
    """Look at the settings that are functions or a budget.

    Raises:
        ConfigError: one is something else; names it.
    """
    for name, value in given.items():
        if value is None:
            continue
        if name == "budget":
            from playhead.agent.budget import Budget

            if not isinstance(value, Budget):
                raise ConfigError(f'budget is {value!r}; a playhead.Budget is expected, as Budget(dollars="0.50")')
        elif not callable(value):
            raise ConfigError(f"{name} is {value!r}; a function is expected")


def output_asked(kind: Any, mode: OutputMode) -> OutputSchema | None:
    """The schema of an output type, to be asked for in this way; None for text.

    Raises:
        ConfigError: there is no such way, or no type that it could be for.
    """
    if mode not in get_args(OutputMode):
        raise ConfigError(f'output_mode {mode!r}: expected "best", "native", "tool" or "text"')
    schema = output_schema(kind, mode)
    if schema is None and mode != "best":
        raise ConfigError(f"output_mode={mode!r} says how an output type is asked for: give output= as well")
    return schema


def tool_choice_asked(choice: str | None, tools: Mapping[str, AnyTool], more: bool = False) -> ToolChoice | None:
    """The choice of tools that these words say. ``more`` says that there may be others, which are not known here: those
    that toolsets give, and the provider's own.

    Raises:
        ConfigError: they name no tool that is there.
    """
    match choice:
        case None | "auto" | "none" | "required":
            return choice
    if choice in tools or more:
        return NamedTool(choice)
    raise ConfigError(
        f'tool_choice {choice!r}: expected "auto", "none", "required" or the name of a tool; there are: '
        + (", ".join(tools) or "none")
    )
