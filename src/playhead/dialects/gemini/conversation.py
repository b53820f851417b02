"""A conversation as it came in: ``contents`` and ``systemInstruction`` to messages, the reverse of :mod:`.contents`.

A result names its call by an id in the vocabulary, and mostly by nothing but the function's name on this wire. So the
calls are numbered as they come, and a result without an id belongs to the first call of its name that still waits.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.gemini.parts import SIGNATURE, decode_part, kept, made_id, signed
from playhead.dialects.gemini.profile import text_key
from playhead.dialects.unmodelled import expect
from playhead.errors import BadRequestError
from playhead.messages import File, Message, Part, Text, ToolCall, ToolResult


def decode_messages(body: dict[str, Any]) -> tuple[Message, ...]:
    """The messages of a request, the system's first.

    Raises:
        BadRequestError: a value is of another type than the protocol says; the message says where.
    """
    messages: list[Message] = []
    system = body.get("systemInstruction")
    if system is not None:
        expect(system, dict, "systemInstruction", "an object")
        parts = _Content(system, "systemInstruction", _Calls()).parts()
        messages.append(Message("system", tuple(parts)))
    calls = _Calls()
    contents = expect(body.get("contents"), list, "contents", "a list")
    for position, content in enumerate(contents):
        where = f"contents[{position}]"
        expect(content, dict, where, "an object")
        role = content.get("role", "user")
        if role not in ("user", "model", "function", "tool"):
            raise BadRequestError(f"a role of user or model expected at {where}.role, {role!r} came", status=400)
        parts = _Content(content, where, calls).parts()
        if role == "model":
            messages.append(Message("assistant", tuple(parts)))
        elif parts and any(isinstance(part, ToolResult) for part in parts) and not _others(parts):
            messages.append(Message("tool", tuple(parts)))
        else:
            messages.append(Message("user", tuple(parts)))
    return tuple(messages)


def _others(parts: list[Part]) -> bool:
    return any(not isinstance(part, ToolResult) for part in parts)


class _Calls:
    """The calls of a conversation, so that a result without an id finds its own: the first of its name that waits."""

    def __init__(self) -> None:
        self.count = 0
        self.waiting: list[tuple[str, str]] = []

    def begin(self, given: Any, name: str) -> str:
        identifier = given if isinstance(given, str) and given else made_id(self.count, None)
        self.count += 1
        self.waiting.append((identifier, name))
        return identifier

    def end(self, given: Any, name: str) -> str:
        for place, (identifier, asked) in enumerate(self.waiting):
            if given == identifier if isinstance(given, str) and given else asked == name:
                del self.waiting[place]
                return identifier
        return given if isinstance(given, str) and given else made_id(self.count, None)


class _Content:
    """The parts of one content."""

    def __init__(self, content: dict[str, Any], where: str, calls: _Calls) -> None:
        self.content = content
        self.where = where
        self.calls = calls

    def parts(self) -> list[Part]:
        values = self.content.get("parts")
        if values is None:
            return []
        said: list[Part] = []
        for position, value in enumerate(expect(values, list, f"{self.where}.parts", "a list")):
            where = f"{self.where}.parts[{position}]"
            expect(value, dict, where, "an object")
            said.append(self._part(value, where))
        return said

    def _part(self, value: dict[str, Any], where: str) -> Part:
        match value:
            case {"functionCall": dict(call)}:
                return self._call(call, value)
            case {"functionResponse": dict(result)}:
                return self._result(result, where)
        part = decode_part(value)
        return kept(value) if part is None else part

    def _call(self, call: dict[str, Any], part: dict[str, Any]) -> ToolCall:
        name, arguments = call.get("name"), call.get("args")
        name = name if isinstance(name, str) else ""
        identifier = self.calls.begin(call.get("id"), name)
        text = msgspec.json.encode(arguments).decode() if isinstance(arguments, dict) else "{}"
        signature = part.get(SIGNATURE)
        return ToolCall(identifier, name, text, None, signed(signature if isinstance(signature, str) else None))

    def _result(self, result: dict[str, Any], where: str) -> ToolResult:
        name, response = result.get("name"), result.get("response")
        name = name if isinstance(name, str) else ""
        identifier = self.calls.end(result.get("id"), name)
        content: list[Text | File] = []
        failed = False
        match response:
            case {"error": str(text), **more} if not more:
                failed = True
                content.append(Text(text))
            case dict():
                key = text_key(response)
                content.append(Text(response[key] if key else msgspec.json.encode(response).decode()))
            case _:
                pass
        values = result.get("parts")
        for value in values if isinstance(values, list) else ():
            file = decode_part(value) if isinstance(value, dict) else None
            if isinstance(file, File):
                content.append(file)
        return ToolResult(identifier, name, tuple(content), failed)
