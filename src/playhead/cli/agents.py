"""Which agent a command runs: one made of MODEL and the options, or one of the user's own.

Where a model is named, ``FILE.py:NAME`` and ``module:NAME`` name an agent of a Python file instead: its model, tools,
system prompt and settings hold. What the command line says as well is changed in it for this once, tools are added to
its own; only where its model is reached is its own business.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from playhead.cli.ends import UsageError

if TYPE_CHECKING:
    from playhead.agent.agent import Agent

#: Model calls of an agent that is made here, where nothing else is said.
MAX_STEPS = 20

#: Options that change a setting of an agent of the same name.
_SETTINGS = ("system", "max_tokens", "temperature", "seed", "reasoning", "max_steps", "timeout")


def names_agent(text: str) -> bool:
    """Whether this names an agent, and no model: ``agent.py:agent``, ``package.module:agent``."""
    if text.endswith(".py") or text.rpartition(":")[0].endswith(".py"):
        return True
    word, colon, name = text.partition(":")
    if not colon or not name.isidentifier():
        return False
    from playhead.cli.toolfile import is_module
    from playhead.providers.catalog import PROVIDERS

    return word not in PROVIDERS and is_module(word)


def asked_agent(arguments: argparse.Namespace, **more: Any) -> Agent[Any]:
    """The agent that MODEL and the options of :func:`playhead.cli.run.add_settings` say; ``more`` are settings that are
    given to it whatever it is.

    Raises:
        UsageError: there is no such agent, an option is not well put, or does not go with it.
        ConfigError: there is no such provider, or a setting that cannot be.
    """
    from playhead.agent.agent import Agent
    from playhead.cli.settings import check_text, read_options
    from playhead.cli.toolfile import load_agent, load_tools

    check_text(arguments)
    given = {name: value for name in _SETTINGS if (value := getattr(arguments, name)) is not None}
    options, tools = read_options(arguments.option), [*load_tools(arguments.tool), *_servers(arguments.mcp)]
    if getattr(arguments, "output_schema", None) is not None:
        from playhead.cli.schema import schema_type

        given["output"] = schema_type(arguments.output_schema)
    if not names_agent(arguments.model):
        given.setdefault("max_steps", MAX_STEPS)
        return Agent(arguments.model, tools=tools, options=options, base_url=arguments.base_url, **given, **more)
    if arguments.base_url is not None:
        raise UsageError(f"--base-url: {arguments.model} is an agent, and has its model; say there where that is")
    agent = load_agent(arguments.model)[0]
    if options:
        given["options"] = {**(agent._given["options"] or {}), **options}
    if tools:
        given["tools"] = (*agent._given["tools"], *tools)
    changed: Agent[Any] = agent.clone(**given, **more) if given or more else agent
    return changed


def _servers(specs: Sequence[str]) -> list[Any]:
    if not specs:
        return []
    from playhead.cli.servers import servers

    return list(servers(specs))
