"""An answer's items and the parts that they are, in both directions; used by whole answers, streams and histories.

============================  ========================================================================
``message``                   a Text or Refusal for each of its contents, its annotations as Source after it
``reasoning``                 a Reasoning; the whole item is kept, it goes back verbatim
``function_call``             a ToolCall; so is ``custom_tool_call``, whose input is text of any form
``image_generation_call``     a Native that keeps all but the image, and the image as a File after it
anything else                 a Native that keeps the item, with its type for a kind
============================  ========================================================================

Ids and status are kept beside (see :mod:`.content` for a text's). An answer that comes from elsewhere has none, but a
server of this wire gives every item an id; those that :func:`made_id` makes are known again and not kept, so that an
answer written and read is the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from playhead.dialects.base64_text import decode_base64, encode_base64
from playhead.dialects.openai_responses.content import (
    NAME,
    decode_annotation,
    encode_source,
    kept_content,
    own,
)
from playhead.messages import File, Native, Opaque, Part, Reasoning, Refusal, Source, Text, ToolCall

#: Who reads an item: the id of its response, for an answer (items of a server's own making are known by it); HISTORY
#: for an item that a client sends back, of which everything is kept.
HISTORY = object()

_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}


def made_id(prefix: str, position: int, response_id: str | None) -> str:
    """The id of an item that came without one: ``made_id("msg", 0, "resp_1") -> "msg_0_resp_1"``."""
    return f"{prefix}_{position}_{response_id}" if response_id else f"{prefix}_{position}"


def decode_item(item: dict[str, Any], position: int, reader: Any, after: Part | None = None) -> list[Part]:
    """The parts that one item is. ``after`` is the part before it, from whose message this one's text is told."""
    kind = item.get("type")
    if kind == "message" or (kind is None and "content" in item):
        return _message(item, position, reader, after)
    if kind == "reasoning":
        opaque = Opaque(NAME, item)
        text = reasoning_text(item)
        if reader is not HISTORY and item == foreign_reasoning(text, position, reader):
            return [Reasoning(text)]
        return [Reasoning(text, opaque)]
    if isinstance(kind, str) and kind in _CALLS:
        return [_call(item, kind, position, reader)]
    if kind == "image_generation_call" and isinstance(item.get("result"), str):
        data = decode_base64(item["result"])
        if data is not None:
            rest = {key: value for key, value in item.items() if key != "result"}
            word = item.get("output_format")
            file = File(f"image/{word}" if isinstance(word, str) else "image/png", data=data)
            if reader is not HISTORY and item == foreign_image(file, position, reader):
                return [file]
            return [Native("image_generation_call", Opaque(NAME, rest)), file]
    return [Native(str(kind), Opaque(NAME, item))]


def _message(item: dict[str, Any], position: int, reader: Any, after: Part | None) -> list[Part]:
    content = item.get("content")
    if isinstance(content, str):
        content = [{"type": "output_text", "text": content}]
    if not isinstance(content, list) or not content or not all(isinstance(part, dict) for part in content):
        return [Native("message", Opaque(NAME, item))]
    extras = item_extras(item, boundary=isinstance(after, Text | Refusal | Source))
    parts: list[Part] = []
    for number, said in enumerate(content):
        parts.extend(decode_content(said, extras if number == 0 else None, position, reader))
    return parts


def decode_content(said: dict[str, Any], item: dict[str, Any] | None, position: int, reader: Any) -> list[Part]:
    """The parts of one content of a message: the text, and the sources that it cites."""
    match said:
        case {"type": "output_text" | "text" | "input_text", "text": str(text)}:
            return [Text(text, opaque=content_data(said, item, position, reader)), *sources_of(said)]
        case {"type": "refusal", "refusal": str(text)}:
            return [Refusal(text, content_data(said, item, position, reader))]
        case _:
            return [Native(str(said.get("type")), Opaque(NAME, {"content": said}))]


def sources_of(said: dict[str, Any]) -> list[Source]:
    """The sources that a content cites; none where one of its annotations cites nothing, which keeps them whole."""
    annotations = said.get("annotations")
    found = [decode_annotation(annotation) for annotation in annotations] if isinstance(annotations, list) else []
    sources = [source for source in found if source is not None]
    return sources if len(sources) == len(found) else []


def item_extras(item: dict[str, Any], *, boundary: bool = False) -> dict[str, Any] | None:
    """What a message has beside role and content; None where that is nothing, unless it must be told (``boundary``)
    that a message begins here."""
    extras = {key: value for key, value in item.items() if key not in ("type", "role", "content")}
    return extras if extras or boundary else None


def content_data(said: dict[str, Any], item: dict[str, Any] | None, position: int, reader: Any) -> Opaque | None:
    """What is kept with a text: its message's data, and its own beside type, words and sources."""
    words = ("type", "text", "refusal", "annotations") if sources_of(said) else ("type", "text", "refusal")
    part = {key: value for key, value in said.items() if key not in words}
    if reader is not HISTORY:
        default = foreign_content(said)
        made = {"id": made_id("msg", position, reader), "status": "completed"}
        if part == default and (item is None or item == made):
            return None
    value: dict[str, Any] = {} if item is None else {"item": item}
    if part:
        value["part"] = part
    return Opaque(NAME, value) if value else None


def foreign_content(said: dict[str, Any]) -> dict[str, Any]:
    """What a content has beside its words and sources when a server writes the text of another wire."""
    if said.get("type") == "refusal":
        return {}
    return {"logprobs": []} if said.get("annotations") else {"annotations": [], "logprobs": []}


def _call(item: dict[str, Any], kind: str, position: int, reader: Any) -> ToolCall:
    field = _CALLS[kind]
    arguments, name = item.get(field), item.get("name")
    if not isinstance(arguments, str):  # some servers send the object itself
        arguments = "" if arguments is None else msgspec.json.encode(arguments).decode()
    extras = call_extras(item)
    if reader is not HISTORY and extras == {"id": made_id("fc", position, reader), "status": "completed"}:
        extras = {}
    return ToolCall(
        call_id(item, position, reader),
        name if isinstance(name, str) else "",
        arguments,
        opaque=Opaque(NAME, extras) if extras else None,
    )


def call_id(item: dict[str, Any], position: int, reader: Any) -> str:
    """The id that a call's output names; where the server gave none, its item's or one of our own."""
    said = item.get("call_id") or item.get("id")
    return said if isinstance(said, str) else made_id("call", position, None if reader is HISTORY else reader)


def call_extras(item: dict[str, Any]) -> dict[str, Any]:
    """What a call has beside the vocabulary's fields; its type, where that is not ``function_call``."""
    known = ("call_id", "name", _CALLS[str(item["type"])])
    extras = {key: value for key, value in item.items() if key not in known}
    if extras["type"] == "function_call":
        del extras["type"]
    return extras


def reasoning_text(item: dict[str, Any]) -> str:
    """What a reasoning item says in words: its summaries, or where it has none the reasoning itself (open models)."""
    for field in ("summary", "content"):
        values = item.get(field)
        texts = [value.get("text") for value in values if isinstance(value, dict)] if isinstance(values, list) else []
        said = "\n\n".join(text for text in texts if isinstance(text, str) and text)
        if said:
            return said
    return ""


# From here on the other way: parts to the items that a server writes.


def foreign_reasoning(text: str, position: int, response_id: str | None) -> dict[str, Any]:
    """The item of reasoning that another wire gave."""
    summary = [{"type": "summary_text", "text": text}] if text else []
    return {"type": "reasoning", "id": made_id("rs", position, response_id), "summary": summary}


def foreign_image(file: File, position: int, response_id: str | None) -> dict[str, Any]:
    """The item of an image that another wire gave."""
    return {
        "type": "image_generation_call",
        "id": made_id("ig", position, response_id),
        "status": "completed",
        "output_format": file.media_type.partition("/")[2],
        "result": encode_base64(file.data or b""),
    }


def encode_call(call: ToolCall, position: int, response_id: str | None) -> dict[str, Any]:
    """The item of a call."""
    extras = own(call.opaque) or {"id": made_id("fc", position, response_id), "status": "completed"}
    field = _CALLS.get(str(extras.get("type")), "arguments")
    return {"type": "function_call", "call_id": call.id, "name": call.name, field: call.arguments, **extras}


def encode_content(part: Text | Refusal, sources: Iterable[Source], *, server: bool) -> dict[str, Any]:
    """One content of a message; as a ``server`` writes it, one of another wire has the fields that clients expect."""
    annotations = [encode_source(source) for source in sources]
    said: dict[str, Any] = (
        {"type": "output_text", "text": part.text}
        if isinstance(part, Text)
        else {"type": "refusal", "refusal": part.text}
    )
    if annotations:
        said["annotations"] = annotations
    kept = own(part.opaque)
    said.update(kept.get("part", {}) if kept or not server else foreign_content(said))
    return said


def message_head(part: Part, position: int, response_id: str | None) -> dict[str, Any]:
    """What a message has beside its content, as its first part says it."""
    extras = own(getattr(part, "opaque", None)).get("item")
    if extras is None:
        extras = {"id": made_id("msg", position, response_id), "status": "completed"}
    return {"type": "message", "role": "assistant", **extras}


def begins_message(part: Part) -> bool:
    """Whether this part says that a message of its own begins with it."""
    return "item" in own(getattr(part, "opaque", None))


def is_content(part: Part) -> bool:
    """Whether this part stands in a message: text, a refusal, a source, or a content that was kept whole."""
    if isinstance(part, Native):
        return kept_content(part) is not None
    return isinstance(part, Text | Refusal | Source)


def in_messages(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """The parts, a list for each item: the contents of one message together, an image with the call that made it."""
    open_: list[Part] = []
    for part in parts:
        last = open_[-1] if open_ else None
        together = last is not None and (
            is_content(last) and is_content(part) and not begins_message(part)
            if not isinstance(part, File)
            else len(open_) == 1 and wants_image(last) and part.data is not None
        )
        if open_ and not together:
            yield open_
            open_ = []
        open_.append(part)
    if open_:
        yield open_


def wants_image(part: Part) -> bool:
    """Whether this part is the call of an image without the image."""
    kept = own(part.opaque) if isinstance(part, Native) else {}
    return kept.get("type") == "image_generation_call" and "result" not in kept


def encode_contents(parts: Sequence[Part], *, server: bool = True) -> list[dict[str, Any]]:
    """The contents of one message. Sources before any text have an empty one to stand on."""
    contents: list[dict[str, Any]] = []
    position = 0
    while position < len(parts):
        part = parts[position]
        position += 1
        if isinstance(part, Native):
            contents.append(kept_content(part) or {})
            continue
        if isinstance(part, Source):
            position -= 1
            part = Text("")
        sources: list[Source] = []
        while position < len(parts) and isinstance(source := parts[position], Source):
            sources.append(source)
            position += 1
        if isinstance(part, Text | Refusal):
            contents.append(encode_content(part, sources, server=server))
    return contents


def encode_item(parts: Sequence[Part], position: int, response_id: str | None) -> dict[str, Any] | None:
    """The item that these parts of :func:`in_messages` are; None where the wire has none for them."""
    part = parts[0]
    match part:
        case _ if is_content(part):
            return {**message_head(part, position, response_id), "content": encode_contents(parts)}
        case Reasoning():
            return own(part.opaque) or foreign_reasoning(part.text, position, response_id)
        case ToolCall():
            return encode_call(part, position, response_id)
        case File() if part.data is not None and part.media_type.startswith("image/"):
            return foreign_image(part, position, response_id)
        case Native() if own(part.opaque):
            kept = own(part.opaque)
            if len(parts) > 1 and isinstance(image := parts[1], File):
                kept = {**kept, "result": encode_base64(image.data or b"")}
            return kept
        case _:
            return None
