"""What a model reads when it is given constrained tools: the instruction, the examples, and the history retold.

Every word here was chosen by trying it on a model of 135 million parameters, at temperature 0, over questions that need
a tool and questions that need none; docs/decisions holds the figures. What made the difference:

- The first property of every reply is ``tool``, and an answer is the tool ``none``. Where the first property told
  calls from answers (``name`` or ``answer``), the model always called or never did.
- The examples are turns of the conversation, not text of the instruction, and each goes on to its result and the
  answer made of it; without that the model makes the same call again. Their tools need not exist: the schema lets only
  real ones through.
- JSON is written with a space after commas and colons, as the model then does.
- A result is told by the user and names its tool.

The turns before the history are the same for everyone, so a server's prompt cache holds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from playhead.messages import Message, Part, Text, ToolCall, ToolResult
from playhead.request import ToolSpec

#: The tool that is none. A real tool of this name makes it another word, see :func:`no_tool`.
NO_TOOL = "none"

_RESULT = "The tool {name} gave: {text}"
_ERROR = "The tool {name} failed: {text}"

#: Question, tool, arguments, result, answer; where no tool is called, only the question and the answer.
_EXAMPLES: tuple[tuple[str, str, dict[str, Any], str, str], ...] = (
    ("What is the square root of 81?", "square_root", {"number": 81}, "9", "The square root of 81 is 9."),
    (
        "How far is it from Rome to Milan?",
        "distance",
        {"from": "Rome", "to": "Milan"},
        "570 km",
        "It is 570 km from Rome to Milan.",
    ),
    (
        "Call my sister",
        "phone",
        {"who": "my sister"},
        "no one answered",
        "I called your sister, but no one answered.",
    ),
    ("Hello!", "", {}, "", "Hello! How can I help you?"),
)


def no_tool(tools: Iterable[ToolSpec]) -> str:
    """The word that stands for no tool: "none", with underscores where a tool is called so."""
    taken = {tool.name for tool in tools}
    word = NO_TOOL
    while word in taken:
        word += "_"
    return word


def told(messages: tuple[Message, ...], tools: tuple[ToolSpec, ...], none: str, json_answers: bool) -> list[Message]:
    """The whole conversation as the model reads it: instruction, examples, then the history retold.

    ``tools`` are those that may be called now; ``json_answers`` says that answers are JSON values, not text.
    """
    instruction = _instruction(tools, none)
    name = None
    if messages and messages[0].role == "system":
        first, messages = messages[0], messages[1:]
        name = first.name
        instruction = f"{first.text}\n\n{instruction}" if first.text else instruction
    history = (message for _, message in _history(messages, none, json_answers))
    return [Message("system", (Text(instruction),), name), *_examples(none), *history]


def places(messages: tuple[Message, ...], none: str, json_answers: bool) -> list[int]:
    """Of each message that :func:`told` gives, the place of the one that it is made of; the instruction and the
    examples stand for the first."""
    start = int(bool(messages) and messages[0].role == "system")
    history = [start + at for at, _ in _history(messages[start:], none, json_answers)]
    return [0] * (1 + len(_examples(none))) + history


def _instruction(tools: tuple[ToolSpec, ...], none: str) -> str:
    lines = "\n".join(f"- {_signature(tool)}" for tool in tools)
    return f"You have these tools:\n{lines}\n- {none}: answer without a tool\n\nReply with JSON."


def _signature(tool: ToolSpec) -> str:
    """``weather(location: the city): Get weather information for a location``."""
    properties = tool.parameters.get("properties")
    arguments = ", ".join(
        f"{name}: {_argument(schema)}" for name, schema in (properties.items() if isinstance(properties, dict) else ())
    )
    return f"{tool.name}({arguments}): {' '.join(tool.description.split())}"


def _argument(schema: Any) -> str:
    if not isinstance(schema, dict):
        return "anything"
    word = schema.get("description") or schema.get("type") or "object"
    text = " ".join(word.split()) if isinstance(word, str) else " or ".join(map(str, word))
    choices = schema.get("enum")
    return f"{text}, one of {_written(choices)}" if choices else text


def _examples(none: str) -> list[Message]:
    turns: list[Message] = []
    for question, tool, arguments, result, answer in _EXAMPLES:
        turns.append(_said("user", question))
        if tool:
            turns.append(_said("assistant", _call(tool, arguments)))
            turns.append(_said("user", _RESULT.format(name=tool, text=result)))
        turns.append(_said("assistant", _answer(answer, none)))
    return turns


def _said(role: Any, text: str) -> Message:
    return Message(role, (Text(text),))


def _call(name: str, arguments: Any) -> str:
    return _written({"tool": name, "arguments": arguments})


def _answer(answer: Any, none: str) -> str:
    return _written({"tool": none, "answer": answer})


def _written(value: Any) -> str:
    """JSON on one line, with a space after commas and colons."""
    return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()


def _history(messages: tuple[Message, ...], none: str, json_answers: bool) -> Iterator[tuple[int, Message]]:
    """The history without calls and results, each call followed by its result; with the place of what each is made
    of."""
    results = {part.call_id: part for message in messages for part in message.all(ToolResult)}
    for at, message in enumerate(messages):
        calls = message.all(ToolCall)
        rest = tuple(part for part in message.parts if not isinstance(part, ToolCall | ToolResult))
        if message.role == "assistant":
            if said := _as_answer(rest, none, json_answers):
                yield at, Message("assistant", said, message.name)
            for call in calls:
                yield at, Message("assistant", (Text(_call(call.name, _arguments(call))),), message.name)
                if (result := results.get(call.id)) is not None:
                    yield at, _result(call.name, result)
        elif rest or message.role != "tool":
            yield at, Message("user" if message.role == "tool" else message.role, rest, message.name)


def _result(name: str, result: ToolResult) -> Message:
    words = _ERROR if result.is_error else _RESULT
    files = tuple(part for part in result.content if not isinstance(part, Text))
    return Message("user", (Text(words.format(name=name, text=result.text)), *files))


def _arguments(call: ToolCall) -> Any:
    try:
        return msgspec.json.decode(call.arguments)
    except (msgspec.DecodeError, UnicodeError):
        return call.arguments


def _as_answer(parts: tuple[Part, ...], none: str, json_answers: bool) -> tuple[Part, ...]:
    """An earlier answer in the form that the schema would have given it."""
    text = "".join(part.text for part in parts if isinstance(part, Text))
    if not text:
        return parts
    value: Any = text
    if json_answers:
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError):
            value = text
    return (*(part for part in parts if not isinstance(part, Text)), Text(_answer(value, none)))
