"""The history of answers that came as a tool's arguments, told as it was; and instructions, where they belong.

Above the wire such an answer is a Text with a mark; on the wire it was a call, and providers want a call answered::

    Text('{"name": 5}', mark)            ->  ToolCall(id, "City", '{"name": 5}')
    a complaint about it (a correction)  ->  ToolResult(id, "City", "…does not fit…", is_error=True)
    anything else that follows           ->  ToolResult(id, "City", "Taken.") before it

A Text whose mark names another tool than the one that is offered now stays the text that it is.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.messages import Message, Opaque, Part, Text, ToolCall, ToolResult
from playhead.request import ANSWER, CORRECTION

_TAKEN = "Taken."
_NOT_TAKEN = "Not taken, since other tools were called beside it. Call it again when you have their results."


def answer_mark(call: ToolCall, opaque: Opaque | None) -> Opaque:
    """The mark of a Text that was the arguments of this call; ``opaque`` is what the wire wants back with it."""
    value: dict[str, Any] = {"id": call.id, "name": call.name}
    if opaque is not None:
        value["opaque"] = {"origin": opaque.origin, "value": opaque.value}
    return Opaque(ANSWER, value)


def told(messages: tuple[Message, ...], tool: str) -> tuple[Message, ...]:
    """The history with the answers of this tool as calls, each with its result."""
    if not any(_call(part, tool) for message in messages for part in message.parts):
        return messages
    history: list[Message] = []
    open_calls: list[ToolCall] = []
    beside = False
    for message in messages:
        if open_calls:
            if beside and message.role == "tool":
                late = tuple(_result(call, _NOT_TAKEN, True) for call in open_calls)
                message = msgspec.structs.replace(message, parts=(*message.parts, *late))
            elif (complaint := _complaint(message)) is not None:
                message = Message("tool", tuple(_result(call, complaint, True) for call in open_calls))
            else:
                history.append(Message("tool", tuple(_result(call, _TAKEN, False) for call in open_calls)))
            open_calls = []
        if message.role == "assistant":
            beside = bool(message.all(ToolCall))
            parts = tuple(_call(part, tool) or part for part in message.parts)
            pairs = zip(parts, message.parts, strict=True)
            open_calls = [new for new, old in pairs if isinstance(new, ToolCall) and new is not old]
            if open_calls:
                message = msgspec.structs.replace(message, parts=parts)
        history.append(message)
    if open_calls:
        history.append(Message("tool", tuple(_result(call, _TAKEN, False) for call in open_calls)))
    return tuple(history)


def _call(part: Part, tool: str) -> ToolCall | None:
    """The call that a Text was; None for every other part."""
    if not isinstance(part, Text) or part.opaque is None or part.opaque.origin != ANSWER:
        return None
    said = part.opaque.value
    if not isinstance(said, dict) or said.get("name") != tool or not isinstance(said.get("id"), str):
        return None
    kept = said.get("opaque")
    opaque = Opaque(kept["origin"], kept["value"]) if isinstance(kept, dict) else None
    return ToolCall(said["id"], tool, part.text, part.cache, opaque)


def _complaint(message: Message) -> str | None:
    """The words of a correction; None for every other message."""
    texts = message.all(Text) if message.role == "user" else ()
    corrects = any(text.opaque is not None and text.opaque.origin == CORRECTION for text in texts)
    return message.text if corrects else None


def _result(call: ToolCall, words: str, is_error: bool) -> ToolResult:
    return ToolResult(call.id, call.name, (Text(words),), is_error)


def instructed(messages: tuple[Message, ...], words: str) -> tuple[Message, ...]:
    """The messages with an instruction at the end of the system message, which is made where there is none."""
    if messages and messages[0].role == "system":
        first = messages[0]
        *before, last = first.parts or (Text(""),)
        if isinstance(last, Text) and last.cache is None:
            parts = (*before, msgspec.structs.replace(last, text=f"{last.text}\n\n{words}".lstrip()))
        else:  # what is cached ends where it did
            parts = (*first.parts, Text(words))
        return (msgspec.structs.replace(first, parts=parts), *messages[1:])
    return (Message("system", (Text(words),)), *messages)
