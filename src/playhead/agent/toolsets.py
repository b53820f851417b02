"""Toolsets: tools that are not known before a run begins, as those of a server that must be asked for them.

A toolset stands in ``Agent(tools=[…])`` beside the tools. It is asked once for each run, before anything else happens
in it, and what it gives are the run's tools until its end: a history in which tools come and go would be none that a
tape could play. What it learned is to be on the tape, so that a replay needs no server: :class:`Opening` has the
session. The one that asks MCP servers is :mod:`playhead.mcp_client`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

import msgspec

from playhead.agent.tools import AnyTool
from playhead.errors import ConfigError, nearest
from playhead.request import NamedTool

if TYPE_CHECKING:
    from playhead.agent.plan import Plan
    from playhead.agent.run import Run
    from playhead.tapes import Session


class Opening(msgspec.Struct, frozen=True):
    """What a toolset is given when a run begins: the run's tape, None where there is none; a clock of seconds; and
    ``warn``, which puts a sentence on ``run.warnings``."""

    session: Session | None
    monotonic: Callable[[], float]
    warn: Callable[[str], None]


class Toolset(Protocol):
    """Gives tools to a run. ``name`` is for error messages."""

    @property
    def name(self) -> str:
        """What it is called."""

    async def tools_for(self, opening: Opening) -> Sequence[AnyTool]:
        """The tools of one run.

        Raises:
            PlayheadError: they cannot be had; the run fails before it has asked anything.
        """


def is_toolset(item: object) -> TypeGuard[Toolset]:
    """Whether something that stands among tools is a toolset."""
    return not isinstance(item, type) and callable(getattr(item, "tools_for", None))


def apart(tools: Any) -> tuple[Any, tuple[Toolset, ...]]:
    """All other tools, and the toolsets among them, each in order."""
    if not isinstance(tools, Iterable):
        return tools, ()  # whoever makes tools of it says what is wrong
    given = list(tools)
    return [one for one in given if not is_toolset(one)], tuple(one for one in given if is_toolset(one))


async def equipped(plan: Plan, run: Run[Any], session: Session | None, monotonic: Callable[[], float]) -> Plan:
    """The plan with the tools of its toolsets, which are asked at once.

    Raises:
        ConfigError: two tools share a name, or the tool that the model is to call is none of them.
        PlayheadError: what a toolset raised.
    """
    names = [toolset.name for toolset in plan.toolsets]
    for name in names:
        if names.count(name) > 1:  # a tape knows them by it
            raise ConfigError(f"two toolsets are named {name!r}; give one another name, with name=")
    opening = Opening(session, monotonic, run.warnings.append)
    given = await _all([toolset.tools_for(opening) for toolset in plan.toolsets])
    tools = dict(plan.tools)
    whose = dict.fromkeys(tools, "the agent")
    for toolset, found in zip(plan.toolsets, given, strict=True):
        for tool in found:
            if tool.name in tools:
                raise ConfigError(
                    f"two tools are named {tool.name!r}: one of {whose[tool.name]}, one of {toolset.name}; give the "
                    "toolset a prefix=, or leave one out"
                )
            tools[tool.name], whose[tool.name] = tool, toolset.name
    choice = plan.request.tool_choice
    if isinstance(choice, NamedTool) and choice.name not in tools:
        raise ConfigError(nearest(f"tool_choice {choice.name!r}: there is no such tool", choice.name, tools))
    told = {spec.name for spec in plan.request.tools}
    new = tuple(tool.spec for name, tool in tools.items() if name not in plan.tools and name not in told)
    request = msgspec.structs.replace(plan.request, tools=(*plan.request.tools, *new))
    return msgspec.structs.replace(plan, tools=tools, request=request, toolsets=())


async def _all(asked: Iterable[Coroutine[Any, Any, Sequence[AnyTool]]]) -> Sequence[Sequence[AnyTool]]:
    """What all of them give; where one fails, the others are stopped first."""
    import asyncio

    tasks = [asyncio.ensure_future(one) for one in asked]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
