"""What is said: messages and their parts, as frozen values without identity.

A conversation is a sequence of :class:`Message`; a message has a role and a tuple of parts; a part is one of a closed
union. No provider's words are used here: a dialect turns these values into a wire's JSON and back. Values compare by
content, so two equal histories are equal; ids belong to the wire (a tool call's id) or to storage, never to a value.

JSON there and back is :func:`dump_messages` and :func:`load_messages`::

    dump_messages([Message("user", (Text("hi"),))])
    -> b'{"version":1,"messages":[{"role":"user","parts":[{"type":"text","text":"hi"}]}]}'

Events, requests and responses are in their own modules; nothing here imports them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec

from playhead.errors import ConfigError, HistoryFormatError
from playhead.given import check_there

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]


class Cache(msgspec.Struct, frozen=True, omit_defaults=True):
    """A mark that says: the provider may cache the prompt up to and with this part.

    ``ttl`` is the provider's own word ("5m", "1h"); None means the provider's default.
    """

    ttl: str | None = None


class Opaque(msgspec.Struct, frozen=True):
    """A provider's own data that must go back to it verbatim: signatures, encrypted reasoning.

    ``origin`` names the dialect that made it ("openai_chat"); only that dialect writes ``value`` back. ``value`` is
    plain JSON data and is never looked into by anyone else.
    """

    origin: str
    value: Any


class Text(msgspec.Struct, frozen=True, tag_field="type", tag="text", omit_defaults=True):
    """Plain text, as said by any role. ``opaque`` holds what the provider said of it beside the words."""

    text: str
    cache: Cache | None = None
    opaque: Opaque | None = None


class Refusal(msgspec.Struct, frozen=True, tag_field="type", tag="refusal", omit_defaults=True):
    """The model's words for declining, where the provider sets them apart from text."""

    text: str
    opaque: Opaque | None = None


class Reasoning(msgspec.Struct, frozen=True, tag_field="type", tag="reasoning", omit_defaults=True):
    """What the model thought before it answered.

    ``text`` may be empty (encrypted reasoning). ``opaque`` holds what the provider wants back verbatim.
    """

    text: str = ""
    opaque: Opaque | None = None


class File(msgspec.Struct, frozen=True, tag_field="type", tag="file", omit_defaults=True):
    """An image, a PDF, audio: by value (``data``, base64 in JSON) or by ``url``; exactly one of the two is given.

    ``media_type`` is an IANA media type ("image/png"), or "" where a URL's type is not known. ``detail`` is the
    provider's own resolution word ("low", "high"); None means not said. ``opaque`` is what the provider that made the
    file wants back with it.
    """

    media_type: str
    data: bytes | None = None
    url: str | None = None
    name: str | None = None
    detail: str | None = None
    cache: Cache | None = None
    opaque: Opaque | None = None


class ToolCall(msgspec.Struct, frozen=True, tag_field="type", tag="tool_call", omit_defaults=True):
    """The model asks for a tool: ``ToolCall("call_1", "weather", '{"location": "Florence"}')``.

    ``arguments`` is the JSON text exactly as the model wrote it, which may be broken JSON; whoever runs the tool
    validates it. ``id`` is the wire's own.
    """

    id: str
    name: str
    arguments: str
    cache: Cache | None = None
    opaque: Opaque | None = None


class ToolResult(msgspec.Struct, frozen=True, tag_field="type", tag="tool_result", omit_defaults=True):
    """What a tool gave back for the call ``call_id``. ``is_error`` tells the model that it failed."""

    call_id: str
    name: str
    content: tuple[Text | File, ...]
    is_error: bool = False
    cache: Cache | None = None

    @property
    def text(self) -> str:
        """The text parts joined; files are left out."""
        return "".join(part.text for part in self.content if isinstance(part, Text))


class Source(msgspec.Struct, frozen=True, tag_field="type", tag="source", omit_defaults=True):
    """A source that the answer cites. ``start`` and ``end`` are character offsets into the text before it."""

    url: str
    title: str | None = None
    start: int | None = None
    end: int | None = None
    opaque: Opaque | None = None


class Native(msgspec.Struct, frozen=True, tag_field="type", tag="native", omit_defaults=True):
    """What a provider said or was told in a way of its own that has no other part: a search that it ran itself, the
    result of one, a document with settings that only it knows.

    ``kind`` is the wire's own word ("server_tool_use"), for people to read. ``opaque`` holds the whole of it; it goes
    back verbatim to the dialect that made it, and every other leaves it out with a warning.
    """

    kind: str
    opaque: Opaque


Part: TypeAlias = Text | Refusal | Reasoning | File | ToolCall | ToolResult | Source | Native

AnyPart = TypeVar("AnyPart", Text, Refusal, Reasoning, File, ToolCall, ToolResult, Source, Native)


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message: a role and its parts, in order. A "tool" message holds one or more :class:`ToolResult`.

    ``name`` is the optional participant name that some wires carry. ``paused`` marks an assistant's message that is not
    over: sent back as it is, the model goes on with it.
    """

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    paused: bool = False

    @property
    def text(self) -> str:
        """The text parts joined; "" when there are none."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    def all(self, kind: type[AnyPart]) -> tuple[AnyPart, ...]:
        """The parts of one kind, in order: ``message.all(ToolCall)``."""
        return tuple(part for part in self.parts if isinstance(part, kind))


HISTORY_VERSION = 1


class Document(msgspec.Struct, frozen=True):
    """JSON that is kept, and says in which version of the format."""

    version: int


class _History(Document, frozen=True):
    messages: tuple[Message, ...]


def dump_messages(messages: Iterable[Message]) -> bytes:
    """Messages as JSON, versioned, readable by every later playhead.

    Raises:
        ConfigError: something else is among them, or a message holds what JSON cannot.
    """
    return write_document(_History(HISTORY_VERSION, as_messages(messages, "a history")), "message history")


def load_messages(data: bytes | str) -> list[Message]:
    """Messages from the JSON that :func:`dump_messages` wrote.

    Raises:
        HistoryFormatError: the JSON is broken, of another shape (the message says where, as ``$.messages[0].role``),
            or written by a version that this one does not know.
    """
    return list(read_document(data, _History, "playhead message history").messages)


AnyDocument = TypeVar("AnyDocument", bound=Document)


def read_document(data: bytes | str, shape: type[AnyDocument], what: str) -> AnyDocument:
    """A document of this shape; ``what`` it is to be is for the error.

    Raises:
        HistoryFormatError: it is none, or of a version that this playhead does not know.
    """
    try:
        document = msgspec.json.decode(data, type=shape)
    except (msgspec.DecodeError, UnicodeError, RecursionError, TypeError) as error:
        raise HistoryFormatError(f"this is not a {what}: {error}") from error
    if document.version != HISTORY_VERSION:
        raise HistoryFormatError(f"{what} of version {document.version}; this playhead reads version {HISTORY_VERSION}")
    return document


def write_document(document: Document, what: str) -> bytes:
    """A document as JSON; ``what`` it is, for the error.

    Raises:
        ConfigError: it holds what JSON cannot: half of a character, or a value that is no data.
    """
    try:
        return msgspec.json.encode(document)
    except (TypeError, UnicodeError, RecursionError) as error:
        raise ConfigError(f"this {what} cannot be written as JSON: {error}") from error


def system(text: str) -> Message:
    """A system message of plain text."""
    check_there("system", "text", text)
    return Message("system", (Text(text),))


def user(*content: str | Part) -> Message:
    """A user message: ``user("What is in this?", File("image/png", data=png))``."""
    for part in content:
        if not isinstance(part, str | Part):
            raise ConfigError(f"user: its content is text, and parts like playhead.File; got a {type(part).__name__}")
    return Message("user", tuple(Text(part) if isinstance(part, str) else part for part in content))


def as_messages(prompt: str | Message | Iterable[Message], what: str = "a prompt") -> tuple[Message, ...]:
    """What a caller may pass as a prompt, as messages: a string is one user message.

    Raises:
        ConfigError: something else is among them; the message says what would be right.
    """
    messages: tuple[Message, ...]
    if isinstance(prompt, str):
        messages = (user(prompt),)
    elif isinstance(prompt, Message):
        messages = (prompt,)
    elif isinstance(prompt, Iterable):
        messages = tuple(prompt)
    else:
        raise ConfigError(f"{what} is text, a Message or several; got a {type(prompt).__name__}")
    for number, message in enumerate(messages):
        if not isinstance(message, Message):
            raise ConfigError(
                f"message {number} is a {type(message).__name__}; a playhead.Message is expected, "
                'as user("…"), system("…") or Message("assistant", (Text("…"),)) make it'
            )
        for part in message.parts:
            if isinstance(part, Text):
                check_whole(part.text, f"message {number}")
    return messages


def check_whole(text: str, where: str) -> None:
    """Look whether a text is one that can be sent.

    Raises:
        ConfigError: it holds half of a character, or is no text at all.
    """
    try:
        text.encode()
    except AttributeError:
        raise ConfigError(f"{where} holds text that is none but a {type(text).__name__}") from None
    except UnicodeEncodeError as error:
        raise ConfigError(
            f"{where} holds half a character at {error.start} ({text[error.start]!a}), which no wire carries; "
            "text read with errors='surrogateescape' has such, errors='replace' has not"
        ) from None


def closed(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The history with every tool call answered: a call that never got its result (the run was stopped) is answered
    with an error that says so. Providers refuse a history in which something else follows an unanswered call."""
    result: list[Message] = []
    at = 0
    while at < len(messages):
        message = messages[at]
        at += 1
        result.append(message)
        calls = message.all(ToolCall) if message.role == "assistant" else ()
        if not calls:
            continue
        answers: list[ToolResult] = []
        while at < len(messages) and messages[at].role == "tool":
            answers.extend(messages[at].all(ToolResult))
            at += 1
        have = {answer.call_id for answer in answers}
        words = (Text("Error: interrupted before it had a result"),)
        answers.extend(ToolResult(call.id, call.name, words, True) for call in calls if call.id not in have)
        result.append(Message("tool", tuple(answers)))
    return tuple(result)
