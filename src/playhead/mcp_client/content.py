"""What an MCP server gives back, as parts of a message: results of tools, contents of resources, prompts.

The kinds of content are those of https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool-result.
Text stays text, and an image, a sound or an embedded blob becomes a file. A link to a resource becomes a line of text:
no provider can follow it, but a model can, where it is given a tool that reads resources. Structured content is what
the text says already, by the specification; it is shown where there is no text. The values come from the protocol's
library, which has checked their types.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable
from typing import Any

import msgspec

from playhead.agent.content import Content, ToolOutcome, as_content
from playhead.errors import ToolError
from playhead.messages import File, Message, Text

_NOTHING = "The tool gave no content."
_UNKNOWN_TYPE = "application/octet-stream"


class Resource(msgspec.Struct, frozen=True):
    """Something that a server lets be read by its URI. ``media_type`` and ``size`` (bytes) are None where not said."""

    uri: str
    name: str
    description: str = ""
    media_type: str | None = None
    size: int | None = None


class Prompt(msgspec.Struct, frozen=True):
    """Messages that a server makes by a name. ``arguments`` are the names of what it may be told, ``required`` of what
    it must be."""

    name: str
    description: str = ""
    arguments: tuple[str, ...] = ()
    required: tuple[str, ...] = ()


def outcome(result: Any) -> ToolOutcome:
    """What a call came to, from a ``CallToolResult``.

    Raises:
        ToolError: it holds base64 that is none.
    """
    parts = parts_of(result.content)
    structured = result.structured_content
    if structured is not None and not any(isinstance(part, Text) for part in parts):
        parts = (*parts, *as_content(structured))
    return ToolOutcome(as_content(parts or _NOTHING), is_error=bool(result.is_error))


def parts_of(blocks: Iterable[Any]) -> Content:
    """Blocks of content as parts, in order.

    Raises:
        ToolError: base64 that is none.
    """
    return tuple(_part(block) for block in blocks)


def _part(block: Any) -> Text | File:
    match block.type:
        case "text":
            return Text(block.text)
        case "image" | "audio":
            return File(block.mime_type, data=_bytes(block.data))
        case "resource":
            return of_resource(block.resource)
        case _:
            about = [f"{block.title or block.name}: {block.uri}", block.mime_type or "", block.description or ""]
            return Text("Resource " + ", ".join(word for word in about if word))


def of_resource(resource: Any) -> Text | File:
    """The contents of one resource.

    Raises:
        ToolError: base64 that is none.
    """
    text = getattr(resource, "text", None)
    if text is not None:
        return Text(text)
    name = str(resource.uri).rstrip("/").rpartition("/")[2]
    return File(resource.mime_type or _UNKNOWN_TYPE, data=_bytes(resource.blob), name=name or None)


def messages_of(prompt: Any) -> list[Message]:
    """The messages of a ``GetPromptResult``; what follows each other by one speaker is one message.

    Raises:
        ToolError: base64 that is none.
    """
    messages: list[Message] = []
    for said in prompt.messages:
        part = _part(said.content)
        if messages and messages[-1].role == said.role:
            messages[-1] = Message(said.role, (*messages[-1].parts, part))
        else:
            messages.append(Message(said.role, (part,)))
    return messages


def _bytes(data: str) -> bytes:
    try:
        return b64decode(data, validate=True)
    except ValueError as error:
        raise ToolError(f"the server sent what is no base64: {error}") from error
