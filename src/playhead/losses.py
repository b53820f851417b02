"""What would be lost when these messages were sent to that model, told before anything is sent::

    for loss in playhead.preflight(run.messages, "mistral:mistral-large-latest"):
        print(loss.where, loss.message)
    messages[3] this wire takes no sources back; they were left out

A history can be taken from any model to any other, but not every wire can hold all of it: one takes no images in a
tool's result, another no reasoning but its own. What a run loses so is on ``run.warnings`` once it has been sent;
:func:`preflight` asks the same encoder beforehand. It needs no key and no network, and nothing leaves the process. What
the encoder cannot know, that a model takes no images where its provider does, comes from
:mod:`playhead.providers.abilities`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from playhead.given import check, check_there
from playhead.messages import Message, as_messages
from playhead.model import Model, dialect_named
from playhead.request import OutputSchema, ReasoningSettings, Request, ToolSpec

__all__ = ["Loss", "preflight"]


class Loss(msgspec.Struct, frozen=True):
    """Something that would not arrive as it was said. ``where`` is a path into the request: "messages[2]", "output"."""

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


def preflight(
    messages: str | Message | Sequence[Message],
    model: str | Model,
    *,
    tools: Iterable[ToolSpec | Callable[..., Any]] = (),
    output: Any = None,
    reasoning: str | ReasoningSettings | None = None,
    options: dict[str, Any] | None = None,
) -> tuple[Loss, ...]:
    """What would be lost, in the order of the request; () where all of it would arrive.

    Args:
        messages: what would be sent, as ``Agent.run`` takes it; of a run that ended, ``run.messages``.
        model: "provider:name", or a Model. Neither a key nor a base URL is needed.
        tools: functions, tools or specifications.
        output: a type, as for an agent, or an OutputSchema.
        reasoning: an effort, or settings.
        options: the provider's own.

    Raises:
        ConfigError: there is no such provider, an option is wrong, or the messages hold what no wire can say.
    """
    from playhead.dialects.base import Endpoint
    from playhead.providers.abilities import lack
    from playhead.providers.base import profile_for
    from playhead.providers.catalog import resolve
    from playhead.providers.options import check_options
    from playhead.shaping import beyond, placed, shaped

    check_there("preflight", "model", model)
    check_there("preflight", "tools", tools)
    check("preflight", options=options, reasoning=reasoning)
    provider, name = (model.provider, model.name) if isinstance(model, Model) else resolve(model)
    profile = model.endpoint.profile if isinstance(model, Model) else profile_for(provider, name)
    request = Request(
        name,
        as_messages(messages),
        tools=_specified(tools),
        output=_schema(output),
        reasoning=ReasoningSettings(effort=reasoning) if isinstance(reasoning, str) else reasoning,
        options=check_options(provider, options) if options else {},
    )
    asked, told, _ = shaped(request, profile)
    endpoint = Endpoint(provider.name, "https://preflight.invalid/v1", profile)
    encoded = dialect_named(provider.dialect).encode_request(asked, endpoint)
    found = [Loss(warning.where, warning.message) for warning in told]
    found += [Loss(placed(warning.where, request, profile), warning.message) for warning in encoded.warnings]
    found += [Loss(warning.where, warning.message) for warning in beyond(request, profile)]
    if request.tools and (row := lack(name)) is not None and "tools" in row.lacks:
        found.append(Loss("tools", f"{name} calls no tools: {row.reason}"))
    return tuple(dict.fromkeys(found))


def _specified(tools: Iterable[ToolSpec | Callable[..., Any]]) -> tuple[ToolSpec, ...]:
    given = list(tools)
    functions: Any = [tool for tool in given if not isinstance(tool, ToolSpec)]
    specs = [tool for tool in given if isinstance(tool, ToolSpec)]
    if functions:
        from playhead.agent.tools import as_tools

        specs.extend(tool.spec for tool in as_tools(functions).values())
    return tuple(specs)


def _schema(output: Any) -> OutputSchema | None:
    if output is None or isinstance(output, OutputSchema):
        return output
    from playhead.agent.output import output_schema

    made: OutputSchema | None = output_schema(output)
    return made
