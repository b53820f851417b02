"""Where on a tape a question belongs: which conversation it goes on with, or what it is asked for inside of another.

Pure functions over what was said; :mod:`.telling` keeps the conversations. A history is known by a key
for each of its beginnings, and where an agent changed something on the way (another model, another prompt, less of the
history) by the calls of the last answer and their ids, which no two answers share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from playhead.agent.compaction import INSTRUCTION
from playhead.messages import Message, Text, ToolCall, ToolResult

if TYPE_CHECKING:
    from playhead.deck.question import Question
    from playhead.response import Response
    from playhead.tapes import Interaction


#: What a run is for that makes a summary of another's history.
SUMMARY = "a summary"


def histories(found: Question) -> list[int]:
    """A key for each beginning of the history: the last is that of the whole. Cache marks, which move from request to
    request, are left out."""
    key = hash((found.provider.name, found.request.model))
    keys = []
    for message in found.request.messages:
        parts = tuple(
            msgspec.structs.replace(part, cache=None) if getattr(part, "cache", None) else part
            for part in message.parts
        )
        key = hash((key, msgspec.json.encode((message.role, message.name, parts))))
        keys.append(key)
    return keys or [key]


def goes_on(answer: Response | None, message: Message) -> bool:
    """Whether a message can be what came after a conversation's last question: its answer, as the client wrote it
    down."""
    if answer is None or message.role != "assistant":
        return False
    return {call.id for call in message.all(ToolCall)} == {call.id for call in answer.tool_calls}


def spoken_in(messages: tuple[Message, ...]) -> tuple[tuple[str, str], ...]:
    """Who said what in a history, prompts aside, as far as another model is told the same."""
    spoken = [message for message in messages if message.role != "system"]
    return tuple((message.role, text.text) for message in spoken for text in message.all(Text) if text.text)


def since(answer: Response | None, messages: tuple[Message, ...], *, same_ids: bool = False) -> tuple[Message, ...]:
    """What follows the last answer of a conversation in a history that goes on from it after a fork, that answer first;
    () where none does. Another wire may not have the ids of its calls: they are known by what they say, unless they are
    to be the same as well, as where nothing says that it goes on."""
    if answer is None or (same_ids and not answer.tool_calls):
        return ()
    ids = [call.id for call in answer.tool_calls]
    made = [(call.name, call.arguments) for call in answer.tool_calls]
    for at in range(len(messages) - 1, -1, -1):
        calls = messages[at].all(ToolCall)
        if same_ids and [call.id for call in calls] != ids:
            continue
        if messages[at].role == "assistant" and [(call.name, call.arguments) for call in calls] == made:
            own = {call.id: told.id for call, told in zip(calls, answer.tool_calls, strict=True)}
            return tuple(_renamed(message, own) for message in messages[at:])
    return ()


def _renamed(message: Message, ids: dict[str, str]) -> Message:
    """The message, its results under the ids that the calls had before."""
    if message.role != "tool":
        return message
    parts = tuple(
        msgspec.structs.replace(part, call_id=ids.get(part.call_id, part.call_id))
        if isinstance(part, ToolResult)
        else part
        for part in message.parts
    )
    return msgspec.structs.replace(message, parts=parts)


def task_in(messages: tuple[Message, ...]) -> str | None:
    """What a run is asked that begins with these messages: its user's only words, or :data:`SUMMARY`; None of one that
    goes on with something."""
    spoken = [message for message in messages if message.role != "system"]
    if len(spoken) != 1 or spoken[0].role != "user":
        return None
    if messages[0].role == "system" and messages[0].text == INSTRUCTION:
        return SUMMARY
    return spoken[0].text


def task_of(call: ToolCall) -> str | None:
    """What a call gives to another agent to do; None of one that gives nothing of the kind."""
    try:
        arguments = msgspec.json.decode(call.arguments)
    except (msgspec.DecodeError, RecursionError):
        return None
    task = arguments.get("task") if isinstance(arguments, dict) else None
    return task if isinstance(task, str) else None


def listing(interaction: Interaction) -> str | None:
    """What a server of tools said, in a line; None for what is no listing."""
    url = interaction.request.url
    if not (url.startswith("mcp:") and url.endswith("/tools")):
        return None
    if interaction.response.code >= 400:
        return f"the server was not there: {interaction.response.body.decode('utf-8', 'replace')}"
    try:
        said = msgspec.json.decode(interaction.response.body, type=_Listed)
    except (msgspec.DecodeError, RecursionError):
        return None
    return "tools: " + (", ".join(tool.name for tool in said.tools) or "none")


class _Tool(msgspec.Struct):
    name: str


class _Listed(msgspec.Struct):
    tools: tuple[_Tool, ...]
