"""Tools that a provider has of its own, as values beside functions: ``Agent(tools=[weather, WebSearch(max_uses=3)])``.

A :class:`WebSearch` or :class:`CodeExecution` runs on the provider's side; a :class:`ComputerUse` is asked for in the
provider's own form, and run by the caller's function. Each becomes an item of the provider's own options
(:mod:`playhead.providers.own_tools` has the forms), beside those that the caller gives there. A provider that has none
is a ConfigError, when the agent is made, that names those that have one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeAlias

import msgspec

from playhead.agent.context import Context
from playhead.agent.tools import AnyTool, SchemaTool
from playhead.errors import ConfigError, ToolError
from playhead.given import check, check_there
from playhead.model import AnyModel
from playhead.providers.own_tools import Form, Kind, form_of, having

#: What runs a computer: given the action ("left_click") and its arguments, it does it and gives back a picture of the
#: screen (a :class:`playhead.File`) or text. May be async.
Act: TypeAlias = Callable[[str, dict[str, Any]], Any | Awaitable[Any]]


class WebSearch(msgspec.Struct, frozen=True, kw_only=True):
    """The provider searches the web. What it found is cited by Source parts of the answer.

    Attributes:
        max_uses: searches that one answer may take; None leaves it to the provider.
        domains: searches these domains only; none means all.
    """

    KIND: ClassVar[Kind] = "web search"

    max_uses: int | None = None
    domains: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check("WebSearch", max_uses=self.max_uses)
        check_there("WebSearch", "domains", self.domains)


class CodeExecution(msgspec.Struct, frozen=True):
    """The provider runs code that the model writes, in a sandbox of its own."""

    KIND: ClassVar[Kind] = "code execution"


class ComputerUse(msgspec.Struct, frozen=True):
    """The model uses a computer that the caller runs.

    Attributes:
        width, height: the screen in pixels.
        act: does one action, in the provider's words: ``act("left_click", {"coordinate": [10, 20]})``. Actions are done
            one at a time, in the order asked.
        approve: whether an action is done; as for any tool.
    """

    KIND: ClassVar[Kind] = "computer use"

    width: int
    height: int
    act: Act
    approve: bool = False


Provided: TypeAlias = WebSearch | CodeExecution | ComputerUse


def provided_among(tools: Any) -> tuple[Any, list[Provided]]:
    """The caller's own tools, and those that are the provider's."""
    if not isinstance(tools, Iterable):
        return tools, []  # whoever makes tools of it says what is wrong
    given = list(tools)
    return [one for one in given if not isinstance(one, Provided)], [one for one in given if isinstance(one, Provided)]


def with_provided(options: Mapping[str, Any], provided: Iterable[Provided], model: AnyModel) -> dict[str, Any]:
    """The options with these tools among them.

    Raises:
        ConfigError: the provider has no such tool, or it cannot be set so.
    """
    said = dict(options)
    for tool in provided:
        form = _form(tool, model)
        said[form.option] = [*said.get(form.option, ()), _item(tool, form, model)]
        if form.beta:
            betas = said.get("anthropic_beta", ())
            known = [betas] if isinstance(betas, str) else list(betas)
            said["anthropic_beta"] = known if form.beta in known else [*known, form.beta]
    return said


def run_here(provided: Iterable[Provided], model: AnyModel, own: Mapping[str, AnyTool]) -> dict[str, AnyTool]:
    """The tools by which the model calls what the caller runs, by name. The model is not told of them as functions.

    Raises:
        ConfigError: one of the caller's own tools has such a name.
    """
    made: dict[str, AnyTool] = {}
    for tool in provided:
        if isinstance(tool, ComputerUse):
            made.update({name: _action(name, tool) for name in _form(tool, model).calls})
    taken = sorted(made.keys() & own.keys())
    if taken:
        raise ConfigError(f"ComputerUse: {model.id} calls an action {taken[0]!r}, and a tool has that name; rename it")
    return made


def _form(tool: Provided, model: AnyModel) -> Form:
    form = form_of(tool.KIND, model.provider, model.name)
    if form is None:
        raise ConfigError(
            f"{type(tool).__name__}: {model.id} has no {tool.KIND} of its own; models of these have: "
            + ", ".join(having(tool.KIND))
        )
    return form


def _item(tool: Provided, form: Form, model: AnyModel) -> dict[str, Any]:
    item: dict[str, Any] = msgspec.to_builtins(form.item)  # a copy
    settings: dict[str, Any] = {}
    match tool:
        case WebSearch(max_uses=max_uses, domains=domains):
            settings = {"max_uses": max_uses, "domains": list(domains) or None}
        case ComputerUse(width=width, height=height):
            settings = {"width": width, "height": height}
    for name, value in settings.items():
        if value is None:
            continue
        if name not in form.put:
            raise ConfigError(f"{type(tool).__name__}: {model.id} cannot be told {name}; leave it out")
        place = form.put[name]
        if not place:
            continue
        inner = item
        for step in place[:-1]:
            inner = inner.setdefault(step, {})
        inner[place[-1]] = value
    return item


def _action(name: str, computer: ComputerUse) -> AnyTool:
    """The tool that the model calls for an action, or for any of them with the action among the arguments."""

    async def act(arguments: dict[str, Any], context: Context[Any]) -> Any:
        rest = dict(arguments)
        action = name
        if name == "computer":
            action = rest.pop("action", None)
            if not isinstance(action, str):
                raise ToolError("the argument action is missing")
        made = computer.act(action, rest)
        return await made if isinstance(made, Awaitable) else made

    return SchemaTool(name, "", {"type": "object"}, act, effect="write", approve=computer.approve)
