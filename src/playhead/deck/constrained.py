"""A recorded question to a model that knows no tool calls, told again as the question with tools that it was.

The embedded model and others like it are given tools as a JSON schema and words
(:mod:`playhead.dialects.constrained_tools`), and that is what is on the tape. ``unconstrained(request)`` is the
reverse: the instruction goes from the system message into tools, the examples go, a call as JSON becomes a ToolCall,
the user's "The tool weather gave: …" its result. What comes out is constrained again and compared, so it is right or
it is None. No word is repeated here: the constrained form of a placeholder says what stands around it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.constrained_tools import constrain
from playhead.dialects.constrained_tools.wording import NO_TOOL, told
from playhead.messages import Message, Text, ToolCall, ToolResult
from playhead.request import OutputSchema, Request, ToolSpec

#: Stands where words are looked for; no tape holds it, as YAML and JSON both write it as an escape.
_HOLE = "\0"


def unconstrained(request: Request) -> Request | None:
    """The question with tools that this one was made of; None where it was made of none."""
    branches = (request.output.schema or {}).get("anyOf") if request.output is not None else None
    if not isinstance(branches, list):
        return None
    try:
        offered: dict[str, Any] = {}
        none, answer = NO_TOOL, None
        for branch in branches:
            name = branch["properties"]["tool"]["const"]
            if "answer" in branch["properties"]:
                none, answer = name, branch["properties"]["answer"]
            else:
                offered[name] = branch["properties"]["arguments"]
        json_answers = answer not in (None, {"type": "string"})
        tools, messages = _without_instruction(request.messages, offered, none)
        found = msgspec.structs.replace(
            request,
            messages=_told_again(messages, none, json_answers),
            tools=tools,
            tool_choice="required" if answer is None else None,
            output=OutputSchema("answer", answer) if json_answers else None,
        )
        return found if constrain(found) == request else None
    except (AttributeError, LookupError, TypeError, ValueError, msgspec.DecodeError):
        return None  # a schema of somebody else's, of a like shape


def _without_instruction(
    messages: tuple[Message, ...], offered: dict[str, Any], none: str
) -> tuple[tuple[ToolSpec, ...], tuple[Message, ...]]:
    """The tools that the instruction describes, and the messages without it and without the examples."""
    blank = tuple(ToolSpec(name, _HOLE, schema) for name, schema in offered.items())
    instruction, *examples = told((), blank, none, False)
    head, *pieces = instruction.text.split(_HOLE)
    said, found, rest = messages[0].text.rpartition(head)
    if not found:
        raise ValueError
    tools = []
    for tool, piece in zip(blank, pieces, strict=True):
        description, found, rest = rest.partition(piece)
        tools.append(ToolSpec(tool.name, description, tool.parameters))
    said = said.removesuffix("\n\n")
    kept = (Message("system", (Text(said),), messages[0].name),) if said else ()
    return tuple(tools), (*kept, *messages[1 + len(examples) :])


def _told_again(messages: tuple[Message, ...], none: str, json_answers: bool) -> tuple[Message, ...]:
    """The history with calls and results in it again."""
    history: list[Message] = []
    turn = 0
    call: ToolCall | None = None
    for message in messages:
        if message.role == "assistant":
            turn += 1
            said = msgspec.json.decode(message.text)
            call = None
            if said["tool"] == none:
                answer = said["answer"]
                part: Text | ToolCall = Text(_written(answer) if json_answers else answer)
            else:
                part = call = ToolCall(f"call_{turn}_0", said["tool"], _written(said["arguments"]))
            history.append(Message("assistant", (*message.parts[:-1], part), message.name))
        elif call is not None and message.role == "user":
            history.append(Message("tool", (_result(call, message, none),)))
            call = None
        else:
            history.append(message)
    return tuple(history)


def _result(call: ToolCall, message: Message, none: str) -> ToolResult:
    for is_error in (False, True):
        blank = ToolResult(call.id, call.name, (Text(_HOLE),), is_error)
        asked = (Message("assistant", (call,)), Message("tool", (blank,)))
        before, after = told(asked, (), none, False)[-1].text.split(_HOLE)
        text = message.text
        if text.startswith(before) and text.endswith(after):
            content = Text(text[len(before) : len(text) - len(after)])
            return msgspec.structs.replace(blank, content=(content, *message.parts[1:]))
    raise ValueError


def _written(value: Any) -> str:
    """JSON as a model writes it, with a space after commas and colons."""
    return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()
