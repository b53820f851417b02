"""Structured output by the way that a model does it best, on any wire: pure over the vocabulary.

A request whose :class:`~playhead.request.OutputSchema` has a mode is a wish ("an answer that holds this"); what comes
out of :func:`structured` is a request that a dialect writes as it stands. There are three ways:

- **native**: the wire has a field for a schema. It is rewritten to what the provider takes (:mod:`.schemas`).
- **tool**: the schema is a tool, and the model is made to call it. :class:`Unstructurer` turns the call back into Text
  while it arrives, so that everything above sees an answer of JSON, as in native mode; the Text bears a mark
  (:data:`~playhead.request.ANSWER`) with the call's id, by which the history is told as it was
  (:mod:`.history`). Beside other tools a call of any is required; where the caller forces a tool of his own, the answer
  waits; where the model may not be forced (Anthropic's while they think) an instruction asks for the call.
- **text**: an instruction in the system message holds the schema, and the JSON is found in what the model says.

Which is best, what may be forced and which schemas are taken is data: the fields ``output_mode``,
``output_beside_tools``, ``output_schemas`` and ``forced_choice`` of a dialect's profile. A mode of None leaves the
schema as it is: so a request that was read off a wire is written back unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from playhead.dialects.base import EncodeWarning
from playhead.dialects.structured.history import answer_mark, instructed, told
from playhead.dialects.structured.schemas import RULES, Rewritten, Rules, is_object, rewritten, wrapped
from playhead.events import ModelEvent, PartEnd, PartStart, ResponseEnd
from playhead.messages import Opaque, Text, ToolCall
from playhead.request import NamedTool, OutputMode, OutputSchema, ReasoningSettings, Request, ToolSpec
from playhead.response import FinishReason


class Structured(msgspec.Struct, frozen=True):
    """A request as it is to be written. ``tool`` names the tool that takes the answer, None where none does."""

    request: Request
    warnings: tuple[EncodeWarning, ...] = ()
    tool: str | None = None


def structured(request: Request, profile: Any) -> Structured:
    """The same question as this speaker is best asked it. A profile without the fields says: native, any schema."""
    rules = RULES.get(getattr(profile, "output_schemas", "any"))
    warnings: list[EncodeWarning] = []
    tools = tuple(_held(tool, n, rules, warnings) for n, tool in enumerate(request.tools))
    if any(new is not old for new, old in zip(tools, request.tools, strict=True)):
        request = msgspec.structs.replace(request, tools=tools)
    tool: str | None = None
    output = request.output
    if output is not None and output.mode is not None and output.schema is not None:
        mode = _mode(output, request, profile)
        made = _natively(output, rules, warnings) if mode == "native" else None
        if made is not None:
            request = msgspec.structs.replace(request, output=made)
        elif mode == "text":
            request = _as_text(request, output)
        else:
            request, tool = _as_tool(request, output, profile, rules)
    return Structured(request, tuple(warnings), tool)


def _mode(output: OutputSchema, request: Request, profile: Any) -> OutputMode | None:
    if output.mode != "best":
        return output.mode
    beside: OutputMode | None = getattr(profile, "output_beside_tools", None)
    if beside is not None and request.tools:
        return beside
    if beside is not None and request.options.get("tools"):
        return "text"  # a tool of ours goes together with the provider's own no more than a schema does
    mode: OutputMode = getattr(profile, "output_mode", "native")
    return mode


def _natively(output: OutputSchema, rules: Rules | None, warnings: list[EncodeWarning]) -> OutputSchema | None:
    """The output in the wire's own field; None where the provider takes no such schema in any form."""
    schema: dict[str, Any] = output.schema or {}
    if rules is None:
        return msgspec.structs.replace(output, mode=None)
    if rules.object_root and not is_object(schema):
        schema = wrapped(schema)
    strict = output.strict
    made = rewritten(schema, rules) if strict is not False or rules.strict != "flag" else "strict is not wanted"
    if isinstance(made, Rewritten):
        _tell(made, "output.schema", warnings)
        schema, strict = made.schema, True if rules.strict == "flag" else None
    elif rules.strict == "always":
        warnings.append(
            EncodeWarning("output.schema", f"{made}: the answer is asked for as a tool's arguments instead")
        )
        return None
    elif strict is not False:
        warnings.append(EncodeWarning("output.schema", f"{made}: it is not held strictly"))
        strict = False if rules.strict == "flag" else None
    if rules.describes and output.description is not None and schema.get("description") == output.description:
        schema = {key: value for key, value in schema.items() if key != "description"}
    return OutputSchema(output.name, schema, output.description, strict)


def _as_text(request: Request, output: OutputSchema) -> Request:
    when = "When you have all that you need, answer" if request.tools else "Answer"
    schema = msgspec.json.encode(output.schema).decode()
    words = (
        f"{when} with JSON alone: no words around it, no Markdown fence. It must hold to this JSON schema:\n{schema}"
    )
    return msgspec.structs.replace(request, messages=instructed(request.messages, words), output=None)


def _as_tool(request: Request, output: OutputSchema, profile: Any, rules: Rules | None) -> tuple[Request, str | None]:
    choice = request.tool_choice
    if choice == "required" or isinstance(choice, NamedTool):  # the caller's own tools come first
        return msgspec.structs.replace(request, output=None), None
    name = _free_name(output.name, request.tools)
    request = msgspec.structs.replace(
        request,
        messages=told(request.messages, name),
        tools=(*request.tools, _answer_tool(name, request, output, rules)),
        output=None,
    )
    if not _may_force(request, profile):
        words = f"Give your answer by calling the tool {name}, once, when you have all that you need, and not in text."
        said = instructed(request.messages, words)
        return msgspec.structs.replace(request, messages=said, tool_choice="auto"), name
    alone = len(request.tools) == 1 and not request.options.get("tools")
    forced = NamedTool(name) if alone or choice == "none" else "required"
    return msgspec.structs.replace(request, tool_choice=forced), name


def _answer_tool(name: str, request: Request, output: OutputSchema, rules: Rules | None) -> ToolSpec:
    schema: dict[str, Any] = output.schema or {}
    if not is_object(schema):
        schema = wrapped(schema)
    strict: bool | None = None
    made = rewritten(schema, rules) if rules is not None and output.strict is not False else None
    if isinstance(made, Rewritten) and rules is not None:
        if rules.strict == "flag":
            schema, strict = made.schema, True
        elif rules.strict == "never":
            schema = made.schema
    description = output.description or ""
    if request.tools:
        description = f"Gives the final answer. Call it once, when you have all that you need. {description}".strip()
    if output.description is not None and schema.get("description") == output.description:
        schema = {key: value for key, value in schema.items() if key != "description"}
    return ToolSpec(name, description, schema, strict)


def _may_force(request: Request, profile: Any) -> bool:
    forced: str = getattr(profile, "forced_choice", "always")
    return forced == "always" or (forced == "unless_thinking" and not _thinks(request))


def _thinks(request: Request) -> bool:
    settings: ReasoningSettings | None = request.reasoning
    own = request.options.get("thinking")
    if isinstance(own, dict) and own.get("type") != "disabled":
        return True
    if settings is None or settings.enabled is False:
        return False
    return settings.effort != "none" or settings.max_tokens is not None


def _free_name(name: str, tools: Sequence[ToolSpec]) -> str:
    taken = {tool.name for tool in tools}
    number = 1
    free = name
    while free in taken:
        number += 1
        free = f"{name[:60]}_{number}"
    return free


def _held(tool: ToolSpec, position: int, rules: Rules | None, warnings: list[EncodeWarning]) -> ToolSpec:
    """A tool that is to be held strictly, with a schema that can be."""
    if not tool.strict or rules is None or rules.strict == "never":
        return tool
    where = f"tools[{position}].parameters"
    made = rewritten(tool.parameters or {"type": "object", "properties": {}}, rules)
    if isinstance(made, str):
        warnings.append(EncodeWarning(where, f"{made}: the tool {tool.name} is not held strictly"))
        return msgspec.structs.replace(tool, strict=None)
    _tell(made, where, warnings)
    return tool if made.schema == tool.parameters else msgspec.structs.replace(tool, parameters=made.schema)


def _tell(made: Rewritten, where: str, warnings: list[EncodeWarning]) -> None:
    warnings.extend(
        EncodeWarning(f"{where}.{path}", "the provider does not hold this; it is told in the description")
        for path in made.told
    )


class Unstructurer:
    """Turns the call of the answer's tool into Text, as it comes; every other event passes as it is."""

    __slots__ = ("_answers", "_called", "_name")

    def __init__(self, tool: str) -> None:
        self._name = tool
        self._answers: dict[int, ToolCall] = {}
        self._called = False

    def push(self, events: Iterable[ModelEvent]) -> list[ModelEvent]:
        """The events that these become."""
        return [self._changed(event) for event in events]

    def _changed(self, event: ModelEvent) -> ModelEvent:
        match event:
            case PartStart(index=index, part=ToolCall() as call):
                if call.name != self._name:
                    self._called = True
                    return event
                self._answers[index] = call
                return PartStart(index, Text(call.arguments, opaque=answer_mark(call, call.opaque)))
            case PartEnd(index=index, opaque=Opaque() as opaque) if index in self._answers:
                return PartEnd(index, answer_mark(self._answers[index], opaque))
            case ResponseEnd(finish=FinishReason(unified="tool_calls", raw=raw)) if self._answers and not self._called:
                return ResponseEnd(FinishReason("stop", raw), event.usage)
            case _:
                return event
