"""Messages as OpenTelemetry's conventions write them: JSON text of roles and parts.

https://opentelemetry.io/docs/specs/semconv/gen-ai/ (``gen-ai-input-messages.json``, ``gen-ai-output-messages.json``).
Files by value are named by their type and size and left out: a trace is no place for pictures.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from playhead.messages import File, Message, Part, Reasoning, Refusal, Source, Text, ToolCall, ToolResult

_FINISH = {"tool_calls": "tool_call"}


def input_messages(messages: Iterable[Message]) -> str:
    """What a model was given, the system messages aside."""
    return _json([_message(message) for message in messages if message.role != "system"])


def system_instructions(messages: Iterable[Message]) -> str | None:
    """The system messages; None where there are none."""
    parts = [_part(part) for message in messages if message.role == "system" for part in message.parts]
    return _json(parts) if parts else None


def output_messages(message: Message, finish: str) -> str:
    """What a model answered."""
    return _json([{**_message(message), "finish_reason": _FINISH.get(finish, finish)}])


def result_text(result: ToolResult) -> str:
    """What a tool gave back."""
    return _json(_response(result))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _message(message: Message) -> dict[str, Any]:
    return {"role": message.role, "parts": [_part(part) for part in message.parts]}


def _part(part: Part) -> dict[str, Any]:
    match part:
        case Text(text=text) | Refusal(text=text):
            return {"type": "text", "content": text}
        case Reasoning(text=text):
            return {"type": "reasoning", "content": text}
        case ToolCall(id=id, name=name, arguments=arguments):
            return {"type": "tool_call", "id": id, "name": name, "arguments": _arguments(arguments)}
        case ToolResult():
            return {"type": "tool_call_response", "id": part.call_id, "response": _response(part)}
        case File(media_type=kind, url=str(url)):
            return {"type": "uri", "mime_type": kind or None, "modality": _modality(kind), "uri": url}
        case File(media_type=kind, data=data):
            return {"type": "file_left_out", "mime_type": kind, "bytes": len(data or b"")}
        case Source(url=url):
            return {"type": "source", "url": url}
        case _:
            return {"type": part.kind}


def _response(result: ToolResult) -> Any:
    if all(isinstance(part, Text) for part in result.content):
        return result.text
    return [_part(part) for part in result.content]


def _arguments(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return text


def _modality(kind: str) -> str:
    first = kind.partition("/")[0]
    return first if first in ("image", "audio", "video") else "document"
