"""Messages as the page has them: plain data, of each part only what is shown.

An image is kept whole, since it is shown; of any other file its name and size. A provider's own bytes (signatures,
encrypted thoughts) are left out: they are in the raw body. Nothing that a tape may hold makes this fail::

    described(user("hi")) -> {"role": "user", "parts": [{"kind": "text", "text": "hi"}]}
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any, assert_never

import msgspec

from playhead.messages import File, Message, Native, Part, Reasoning, Refusal, Source, Text, ToolCall, ToolResult

#: Images that browsers show; an SVG shown as an image runs no script and loads nothing.
SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/svg+xml"})


def described(message: Message) -> dict[str, Any]:
    """A message as plain data."""
    told: dict[str, Any] = {"role": message.role, "parts": [part_of(part) for part in message.parts]}
    if message.name:
        told["name"] = message.name
    return told


def likened(told: dict[str, Any]) -> dict[str, Any]:
    """A described message without the ids that a provider makes up, for comparing what two runs said."""
    parts = [{name: value for name, value in part.items() if name != "id"} for part in told["parts"]]
    return {"role": told["role"], "parts": parts}


def part_of(part: Part) -> dict[str, Any]:
    """A part as plain data; ``kind`` says which."""
    match part:
        case Text(text=text):
            return {"kind": "text", "text": text}
        case Reasoning(text=text, opaque=opaque):
            return {"kind": "reasoning", "text": text, "sealed": opaque is not None and not text}
        case Refusal(text=text):
            return {"kind": "refusal", "text": text}
        case File():
            return _file(part)
        case ToolCall(id=id, name=name, arguments=arguments):
            return {"kind": "call", "id": id, "name": name, "arguments": arguments}
        case ToolResult(call_id=id, name=name, content=content, is_error=error):
            return {
                "kind": "result",
                "id": id,
                "name": name,
                "error": error,
                "parts": [part_of(one) for one in content],
            }
        case Source(url=url, title=title):
            return {"kind": "source", "url": url, "title": title}
        case Native(kind=kind, opaque=opaque):
            return {"kind": "native", "name": kind, "value": as_json(opaque.value)}
        case _:
            assert_never(part)


def _file(file: File) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": "file", "type": file.media_type, "name": file.name, "url": file.url}
    if file.data is not None:
        told["size"] = len(file.data)
        if file.media_type.lower() in SHOWN:
            told["data"] = b64encode(file.data).decode()
    return told


def as_json(value: Any) -> str:
    """Plain data as JSON text; what is no JSON, or has no end, as far as it can be said."""
    try:
        return msgspec.json.encode(value, enc_hook=str).decode()
    except RecursionError:
        return "(nested too deeply to be shown)"
    except (ValueError, TypeError, OverflowError):
        return repr(value)
