"""What a tool gave back, as content that a model can read: text, files, and everything else as JSON.

A tool may also say how the run goes on, by what it returns: :class:`Final` ends the run with an answer. Half a
character, which no wire can carry, is replaced here (:mod:`playhead.surrogates`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec

from playhead.errors import ToolError
from playhead.messages import File, Text
from playhead.surrogates import joined, joined_json

Content: TypeAlias = tuple[Text | File, ...]


class Final(msgspec.Struct, frozen=True):
    """Returned by a tool, it ends the run after this step with ``output`` as its output, which is to fit the agent's
    output type where that has one. Where it has none the output is text: what is no text stands in it as JSON."""

    output: Any


class ToolOutcome(msgspec.Struct, frozen=True):
    """What a call came to: the content for the model, whether it is an error, and whether it ends the run. ``waits`` is
    a run of another agent (:class:`playhead.Pending`) that the call is about, and that waits for a person. ``error`` is
    what the tool raised that was not meant for the model: all but a :class:`playhead.ToolError`."""

    content: Content
    is_error: bool = False
    final: bool = False
    waits: Any = None
    error: Exception | None = None


def failed(words: str, error: Exception | None = None) -> ToolOutcome:
    """A call that came to nothing, in words that the model can act on; ``error`` where they are those of an exception
    that was not made for it."""
    return ToolOutcome((Text(f"Error: {words}"),), is_error=True, error=error)


def outcome_of(result: Any) -> ToolOutcome:
    """What a tool returned, as an outcome: a failed one where it is neither text nor anything that JSON can hold."""
    if isinstance(result, ToolOutcome):
        return result
    try:
        if isinstance(result, Final):
            return ToolOutcome(as_content(result.output), final=True)
        return ToolOutcome(as_content(result))
    except ToolError as error:
        return failed(str(error), TypeError(str(error)))


def as_content(result: Any) -> Content:
    """What a tool returned, as content: text as it is, parts as they are, anything else as JSON. Half a character,
    which cannot be sent, is replaced: see :mod:`playhead.surrogates`."""
    if isinstance(result, str):
        return (Text(joined(str.__str__(result))),)  # a subclass, an enum's member, as the text that it is
    if isinstance(result, (Text, File)):
        return (_sendable(result),)
    if isinstance(result, Sequence) and result and all(isinstance(item, (Text, File)) for item in result):
        return tuple(map(_sendable, result))
    try:
        try:
            data = msgspec.json.encode(result, enc_hook=_plain)
        except UnicodeEncodeError:
            data = msgspec.json.encode(joined_json(msgspec.to_builtins(result, str_keys=True, enc_hook=_plain)))
        return (Text(data.decode()),)
    except (TypeError, msgspec.MsgspecError) as error:
        raise ToolError(f"the tool returned a {type(result).__name__}, neither text nor JSON: {error}") from error


def _sendable(part: Text | File) -> Text | File:
    if isinstance(part, Text):
        text = joined(part.text)
        return part if text is part.text else msgspec.structs.replace(part, text=text)
    name, url = part.name and joined(part.name), part.url and joined(part.url)
    if name is part.name and url is part.url:
        return part
    return msgspec.structs.replace(part, name=name, url=url)


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"a {type(value).__name__} is no JSON")
