"""Constrained tools: tool calls for a model that knows none, on any server that can hold a JSON schema.

Pure over the vocabulary, so any dialect can carry it. :func:`constrain` turns a request with tools into one without:
the answer must be one JSON object, which is either a call or an answer, ::

    {"tool": "weather", "arguments": {"location": "Florence"}}
    {"tool": "none", "answer": "It is 40 degrees."}

an instruction and examples say so, and the history is told in the same terms (:mod:`.wording` has every
word that the model reads). :class:`Unconstrainer` turns the events of such an answer back: the call becomes a
ToolCall, the answer Text, which streams while it arrives. What is neither (a server that ignores the schema, a model
cut off in the middle) stays text as it came, so that nothing is lost.

One call at a time: a history with several at once is told one after the other. A model that repeats itself is kept from
going round for ever: a tool that was called twice with the same arguments since the user last spoke is not offered
again until the user speaks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from playhead.dialects.constrained_tools.wording import no_tool, places, told
from playhead.events import ModelEvent, PartDelta, PartEnd, PartStart, ResponseEnd, ResponseStart
from playhead.messages import Message, Part, Text, ToolCall
from playhead.request import NamedTool, OutputSchema, Request, ToolSpec
from playhead.response import FinishReason
from playhead.surrogates import whole_escapes

_SCHEMA_NAME = "tool_call_or_answer"

#: So often may one call be made, argument for argument the same, before its tool is withdrawn.
_SAME_CALL_LIMIT = 2


def constrain(request: Request) -> Request:
    """The same question for a model that knows no tools; one that offers none is given back as it is."""
    if not _constrains(request):
        return request
    offered, none = _offered(request), no_tool(request.tools)
    return msgspec.structs.replace(
        request,
        messages=tuple(told(request.messages, offered, none, request.output is not None)),
        tools=(),
        tool_choice=None,
        parallel_tool_calls=None,
        output=OutputSchema(_SCHEMA_NAME, _schema(request, offered, none)),
    )


def origins(request: Request) -> list[int]:
    """Of each message of :func:`constrain`'s request, the place in this one of what it is made of. The instruction and
    the examples, which nobody wrote, stand for the first message."""
    if not _constrains(request):
        return list(range(len(request.messages)))
    return places(request.messages, no_tool(request.tools), request.output is not None)


def _constrains(request: Request) -> bool:
    return bool(request.tools) and request.tool_choice != "none"


def _offered(request: Request) -> tuple[ToolSpec, ...]:
    """The tools that the model may call now."""
    choice = request.tool_choice
    withdrawn = _repeated(request.messages)
    return tuple(
        tool
        for tool in request.tools
        if tool.name not in withdrawn and (not isinstance(choice, NamedTool) or tool.name == choice.name)
    )


def _repeated(messages: tuple[Message, ...]) -> set[str]:
    """The tools that were called with the same arguments again and again since the user last spoke."""
    made: dict[tuple[str, bytes], int] = {}
    for message in reversed(messages):
        if message.role == "user":
            break
        for call in message.all(ToolCall):
            same = (call.name, _canonical(call.arguments))
            made[same] = made.get(same, 0) + 1
    return {name for (name, _), count in made.items() if count >= _SAME_CALL_LIMIT}


def _canonical(arguments: str) -> bytes:
    try:
        return msgspec.json.encode(msgspec.json.decode(arguments), order="deterministic")
    except (msgspec.DecodeError, UnicodeError):
        return arguments.encode(errors="replace")


def _schema(request: Request, tools: tuple[ToolSpec, ...], none: str) -> dict[str, Any]:
    definitions: dict[str, Any] = {}
    branches = []
    for tool in tools:
        parameters: dict[str, Any] = tool.parameters or {"type": "object"}
        if _has_ref(parameters):  # a reference counts from the root, and the root is another now
            definitions[tool.name] = _moved(parameters, f"#/$defs/{tool.name}")
            parameters = {"$ref": f"#/$defs/{tool.name}"}
        branches.append(_object(tool={"const": tool.name}, arguments=parameters))
    must_call = request.tool_choice == "required" or isinstance(request.tool_choice, NamedTool)
    if not (must_call and branches):
        answer: dict[str, Any] = {"type": "string"}
        if request.output is not None:
            answer = request.output.schema or {"type": "object"}
            if _has_ref(answer):
                definitions[none] = _moved(answer, f"#/$defs/{none}")
                answer = {"$ref": f"#/$defs/{none}"}
        branches.append(_object(tool={"const": none}, answer=answer))
    schema: dict[str, Any] = {"anyOf": branches}
    if definitions:
        schema["$defs"] = definitions
    return schema


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _has_ref(value: Any) -> bool:
    if isinstance(value, dict):
        return isinstance(value.get("$ref"), str) or any(map(_has_ref, value.values()))
    return isinstance(value, list) and any(map(_has_ref, value))


def _moved(value: Any, root: str) -> Any:
    """The schema with its references pointing under ``root``."""
    if isinstance(value, dict):
        return {
            key: root + inner[1:]
            if key == "$ref" and isinstance(inner, str) and inner.startswith("#")
            else _moved(inner, root)
            for key, inner in value.items()
        }
    return [_moved(item, root) for item in value] if isinstance(value, list) else value


class _Reply(msgspec.Struct):
    tool: str
    arguments: msgspec.Raw = msgspec.Raw(b"{}")
    answer: msgspec.Raw = msgspec.Raw(b'""')


class Unconstrainer:
    """Turns the events of a constrained answer back into text and tool calls, as they come.

    ``request`` is the request before :func:`constrain`. A call's id is ``call_<turn>_0``, where the turn counts the
    assistant's messages, and is free in the history.
    """

    __slots__ = ("_called", "_held", "_id", "_json", "_mode", "_none", "_numbers", "_parts", "_text", "_texts")

    def __init__(self, request: Request) -> None:
        self._id = _free_id(request.messages)
        self._json = request.output is not None
        self._none = no_tool(request.tools)
        self._mode = "" if _constrains(request) else "plain"  # "", "plain", "answer", "after", "hold"
        self._held = ""
        self._numbers: dict[int, int] = {}  # part numbers as they come to those handed on
        self._texts: set[int] = set()  # the numbers, as they come, of text
        self._parts = 0
        self._text: int | None = None
        self._called = False

    def push(self, events: Iterable[ModelEvent]) -> list[ModelEvent]:
        """The events that these become."""
        out: list[ModelEvent] = []
        for event in events:
            match event:
                case ResponseStart():
                    out.append(event)
                case PartStart(index=index, part=Text(text=text)):
                    self._texts.add(index)
                    self._take(text, out)
                case PartStart(index=index, part=part):
                    self._numbers[index] = self._begin(part, out)
                case PartDelta(index=index, text=text):
                    if index in self._texts:
                        self._take(text, out)
                    else:
                        out.append(PartDelta(self._numbers[index], text))
                case PartEnd(index=index):
                    if index not in self._texts:
                        out.append(PartEnd(self._numbers[index], event.opaque))
                case ResponseEnd():
                    self._finish(out)
                    finish = FinishReason("tool_calls", event.finish.raw) if self._called else event.finish
                    out.append(ResponseEnd(finish, event.usage))
        return out

    def _begin(self, part: Part, out: list[ModelEvent]) -> int:
        number = self._parts
        self._parts = number + 1
        out.append(PartStart(number, part))
        return number

    def _say(self, text: str, out: list[ModelEvent]) -> None:
        if not text:
            return
        if self._text is None:
            self._text = self._begin(Text(""), out)
        out.append(PartDelta(self._text, text))

    def _take(self, text: str, out: list[ModelEvent]) -> None:
        if self._mode == "plain":
            self._say(text, out)
            return
        if self._mode == "after":
            return
        self._held += text
        if not self._mode:
            self._mode = self._recognize()
            if self._mode == "plain":
                self._say(self._held, out)
                self._held = ""
        if self._mode == "answer":
            said, self._held, ended = _unescaped(self._held)
            self._say(said, out)
            if ended:
                self._mode = "after"

    def _recognize(self) -> str:
        """What the text so far begins: "answer" when it is inside the answer's string (and only that is held), "" as
        long as it may become that."""
        text = self._held
        if not (stripped := text.lstrip()):
            return ""
        if not stripped.startswith("{"):
            return "plain"
        if self._json:
            return "hold"
        for word in ("{", '"tool"', ":", f'"{self._none}"', ",", '"answer"', ":", '"'):
            stripped = stripped.lstrip()
            if not stripped.startswith(word):
                return "" if word.startswith(stripped) else "hold"
            stripped = stripped[len(word) :]
        self._held = stripped
        return "answer"

    def _finish(self, out: list[ModelEvent]) -> None:
        held, self._held = self._held, ""
        if self._mode in ("", "hold"):
            try:
                reply = msgspec.json.decode(whole_escapes(held), type=_Reply)
                msgspec.json.decode(reply.answer)  # a Raw was skipped over, not read
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                self._say(held, out)
            else:
                if reply.tool == self._none:
                    self._say(self._answer(bytes(reply.answer)), out)
                else:
                    self._called = True
                    call = ToolCall(self._id, reply.tool, bytes(reply.arguments).decode())
                    out.append(PartEnd(self._begin(call, out)))
        else:
            self._say(held, out)  # the half of an escape, where the model was cut off inside it
        if self._text is not None:
            out.append(PartEnd(self._text))

    def _answer(self, answer: bytes) -> str:
        """The answer's text, or its JSON where one was asked for."""
        text = msgspec.json.decode(answer)
        return text if isinstance(text, str) and not self._json else answer.decode()


def _free_id(messages: Iterable[Message]) -> str:
    messages = tuple(messages)
    taken = {call.id for message in messages for call in message.all(ToolCall)}
    turn = 1 + sum(message.role == "assistant" for message in messages)
    while f"call_{turn}_0" in taken:
        turn += 1
    return f"call_{turn}_0"


_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def _unescaped(text: str) -> tuple[str, str, bool]:
    """The text of the inside of a JSON string as far as it is sure, what must wait for more, and whether it ended."""
    said: list[str] = []
    position = 0
    while position < len(text):
        quote, slash = text.find('"', position), text.find("\\", position)
        stops = [stop for stop in (quote, slash) if stop >= 0]
        stop = min(stops) if stops else len(text)
        said.append(text[position:stop])
        position = stop
        if stop == len(text):
            break
        if stop == quote:
            return "".join(said), "", True
        if len(text) < stop + 2:
            break
        letter = text[stop + 1]
        if letter != "u":
            said.append(_ESCAPES.get(letter, text[stop : stop + 2]))
            position = stop + 2
            continue
        unit = _unit(text, stop)
        if unit is None:
            break
        position = stop + 6
        if 0xD800 <= unit < 0xDC00:  # the first half of a pair
            rest = text[position : position + 6]
            if len(rest) < 6 and "\\u".startswith(rest[:2]):
                position = stop
                break
            low = _unit(text, position) if rest.startswith("\\u") else None
            if low is not None and 0xDC00 <= low < 0xE000:
                said.append(chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)))
                position += 6
                continue
        said.append("\ufffd" if 0xD800 <= unit < 0xE000 else chr(unit))
    return "".join(said), text[position:], False


def _unit(text: str, position: int) -> int | None:
    r"""The code unit of the ``\uXXXX`` at a position; None when it is not all there yet. A broken one is U+FFFD."""
    digits = text[position + 2 : position + 6]
    if len(digits) < 4:
        return None
    try:
        return int(digits, 16)
    except ValueError:
        return 0xFFFD
