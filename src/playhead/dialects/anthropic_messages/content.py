"""Blocks of content, to the wire and back: text with its citations, thinking, calls, images, documents.

A message of this wire is a list of blocks, and its order is kept. What a block means in the vocabulary:

| block | part |
|---|---|
| text | Text, and after it a Source for each of its citations |
| thinking, redacted_thinking | Reasoning; the signature or the encrypted data is its opaque |
| tool_use | ToolCall; who called, where not the model itself, is in its opaque |
| image, document | File, where it holds nothing that a File does not |
| no block: the ``container`` that an answer's tools ran in | Native "container", after the other parts |
| everything else: server_tool_use, web_search_tool_result, search_result, container_upload, … | Native, verbatim |

A citation is for the whole text before it. Every opaque of this dialect is plain JSON data: the block itself, or what
of it the vocabulary does not model.
"""

from __future__ import annotations

import binascii
from typing import Any

import msgspec

from playhead.dialects.anthropic_messages.profile import DIRECT, Profile
from playhead.dialects.arguments import encode_input
from playhead.dialects.base64_text import encode_base64
from playhead.dialects.cache_control import decode_cache, encode_cache
from playhead.dialects.foreign import lies_elsewhere
from playhead.dialects.unmodelled import says_something
from playhead.messages import File, Native, Opaque, Part, Reasoning, Source, Text, ToolCall

NAME = "anthropic_messages"

#: The opaque of a text that was written as a block where the same hand wrote strings elsewhere: nothing beside it.
AS_BLOCK = Opaque(NAME, {})

#: The kind of the part that an answer's ``container`` is. It is no block: a request names the container by its id.
CONTAINER = "container"


def decode_container(value: Any) -> list[Part]:
    """The part of an answer's ``container``, where it has one."""
    return [Native(CONTAINER, Opaque(NAME, value))] if isinstance(value, dict) and value.get("id") else []


def container_of(part: Part) -> dict[str, Any] | None:
    """The ``container`` that a part is; None for every other."""
    if not isinstance(part, Native) or part.kind != CONTAINER or not is_own(part.opaque):
        return None
    return None if part.opaque.value.get("type") == CONTAINER else part.opaque.value


def is_own(opaque: Opaque | None) -> bool:
    """Whether this dialect made it."""
    return opaque is not None and opaque.origin == NAME and isinstance(opaque.value, dict)


def encode_text(part: Text, sources: list[Source] | None = None) -> dict[str, Any]:
    """A text block; ``sources`` are the citations that stand after the text, this dialect's own only."""
    block: dict[str, Any] = {"type": "text", "text": part.text}
    if part.opaque is not None and is_own(part.opaque):
        if "type" in part.opaque.value:
            return dict(part.opaque.value)  # see kept_in_result
        block.update(part.opaque.value)
    if sources:
        block["citations"] = [source.opaque.value for source in sources if source.opaque is not None]
    if part.cache is not None:
        block["cache_control"] = encode_cache(part.cache)
    return block


def encode_reasoning(part: Reasoning) -> dict[str, Any] | None:
    """A thinking block; None where the reasoning is another's, for this wire takes signed thinking only."""
    opaque = part.opaque
    if opaque is None or not is_own(opaque):
        return None
    if opaque.value.get("type") == "redacted_thinking":
        return dict(opaque.value)
    return {"type": "thinking", "thinking": part.text, **opaque.value}


def encode_call(call: ToolCall, direct_caller: bool) -> tuple[dict[str, Any], bool]:
    """A call's block, and whether its arguments were a JSON object, as the wire wants."""
    block: dict[str, Any] = {"type": "tool_use", "id": call.id, "name": call.name}
    block["input"], whole = encode_input(call.arguments)
    if direct_caller:
        block["caller"] = DIRECT
    if call.opaque is not None and is_own(call.opaque):
        block.update(call.opaque.value)
    if call.cache is not None:
        block["cache_control"] = encode_cache(call.cache)
    return block, whole


def decode_block(block: dict[str, Any], arguments: str | None = None, *, history: bool = False) -> list[Part] | None:
    """The parts that a block of an assistant's message says; None where it is not of its type's shape.

    ``arguments`` is the text of a call's input where it is known as it was written. ``history`` keeps what an answer
    says in vain (``"citations": null``), because a request must come back as it was.
    """
    match block:
        case {"type": "text", "text": str(text)}:
            cited = [decode_citation(citation) for citation in citations_of(block.get("citations"))]
            data = text_data(block, bool(cited), history=history)
            return [Text(text, decode_cache(block.get("cache_control")), data), *cited]
        case {"type": "thinking", "thinking": str(text), **rest}:
            return [Reasoning(text, Opaque(NAME, rest))]
        case {"type": "redacted_thinking", "data": str()}:
            return [Reasoning("", Opaque(NAME, block))]
        case {"type": "tool_use", "id": str(identifier), "name": str(name)}:
            if arguments is None:
                arguments = msgspec.json.encode(block.get("input", {})).decode()
            cache = decode_cache(block.get("cache_control"))
            return [ToolCall(identifier, name, arguments, cache, call_data(block, history=history))]
        case {"type": "text" | "thinking" | "redacted_thinking" | "tool_use"}:
            return None
        case {"type": str(kind)}:
            return [Native(kind, Opaque(NAME, block))]
        case _:
            return None


_TEXT_FIELDS = frozenset(("type", "text", "cache_control"))
_CALL_FIELDS = frozenset(("type", "id", "name", "input", "cache_control"))


def lone_data(blocks: list[Any], role: str, profile: Profile) -> Opaque | None:
    """What is to be remembered of a lone text that stands as a block, where this hand writes strings too."""
    lone = len(blocks) == 1 and blocks[0].keys() == {"type", "text"} and role not in profile.text_as_parts
    return AS_BLOCK if lone else None


def text_data(block: dict[str, Any], cited: bool = False, *, history: bool = True) -> Opaque | None:
    """What a text block carries beside its text, mark and citations."""
    rest = {
        key: value for key, value in block.items() if key not in _TEXT_FIELDS and (history or says_something(value))
    }
    if cited:
        rest.pop("citations", None)
    return Opaque(NAME, rest) if rest else None


def call_data(block: dict[str, Any], *, history: bool = False) -> Opaque | None:
    """What a call carries beside its name and input and wants back: its caller, where that is not the model itself."""
    rest = {
        key: value for key, value in block.items() if key not in _CALL_FIELDS and (history or says_something(value))
    }
    if rest.get("caller") == DIRECT:
        del rest["caller"]
    return Opaque(NAME, rest) if rest else None


def citations_of(values: Any) -> list[dict[str, Any]]:
    """The citations of a text block."""
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def kept_in_result(block: dict[str, Any]) -> Text:
    """A block of a tool's result that neither a Text nor a File holds (a search_result, a document to be cited, a
    tool_reference): it goes back whole, and its words are there for every other wire."""
    said = block.get("content")
    if said is None:
        match block.get("source"):
            case {"type": "text", "data": str(data)}:
                said = data
            case {"type": "content", "content": content}:
                said = content
    inner = said if isinstance(said, list) else [{"text": said}]
    texts = [one.get("text") for one in inner if isinstance(one, dict)]
    return Text("\n".join(text for text in texts if isinstance(text, str)), opaque=Opaque(NAME, block))


def decode_citation(citation: dict[str, Any]) -> Source:
    """A citation as a source; one of a document that was given with the question has no URL."""
    url = citation.get("url") or citation.get("source")
    title = citation.get("title") or citation.get("document_title")
    return Source(
        url if isinstance(url, str) else "",
        title if isinstance(title, str) else None,
        opaque=Opaque(NAME, citation),
    )


def foreign_citation(source: Source) -> dict[str, Any]:
    """A source that another dialect made, as this wire cites one."""
    return {
        "type": "web_search_result_location",
        "url": source.url,
        "title": source.title,
        "cited_text": "",
        "encrypted_index": "",
    }


def encode_file(file: File) -> dict[str, Any] | None:
    """The image or document that carries this file; None where the wire has none for it (audio, video, archives, what
    lies with another provider)."""
    if lies_elsewhere(file, NAME):
        return None
    kind = file.media_type.partition("/")[0]
    url = file.url or ""
    if file.data is None and url.startswith("data:"):
        head, comma, data = url[5:].partition(";base64,")
        if not comma:
            return None
        source = {"type": "base64", "media_type": head, "data": data}
        kind = head.partition("/")[0]
    elif file.data is None:
        source = {"type": "url", "url": url}
    elif kind == "text" or file.media_type == "application/json":
        try:
            text = file.data.decode()
        except UnicodeDecodeError:
            return None
        source = {"type": "text", "media_type": "text/plain", "data": text}
    else:
        data = encode_base64(file.data)
        source = {"type": "base64", "media_type": file.media_type or "image/png", "data": data}
    if kind in ("", "image"):
        return {"type": "image", "source": source}
    if kind != "text" and file.media_type not in ("application/pdf", "application/json"):
        return None
    block: dict[str, Any] = {"type": "document", "source": source}
    if file.name is not None:
        block["title"] = file.name
    return block


def decode_file(block: dict[str, Any]) -> File | None:
    """The file of an image or document block; None where a File cannot hold all of it."""
    source = block.get("source")
    image = block.get("type") == "image"
    name = block.get("title")
    name = name if isinstance(name, str) and not image else None
    file: File | None = None
    match source:
        case {"type": "base64", "media_type": str(media_type), "data": str(text)}:
            try:
                file = File(media_type, data=binascii.a2b_base64(text), name=name)
            except ValueError:
                return None
        case {"type": "text", "media_type": str(media_type), "data": str(text)}:
            file = File(media_type, data=text.encode(), name=name)
        case {"type": "url", "url": str(url)}:
            file = File("" if image else "application/pdf", url=url, name=name)
        case _:
            return None
    cache = decode_cache(block.get("cache_control"))
    if cache is not None:
        file = msgspec.structs.replace(file, cache=cache)
    return file if encode_marked_file(file) == block else None


def encode_marked_file(file: File) -> dict[str, Any] | None:
    """:func:`encode_file`, with its cache mark."""
    block = encode_file(file)
    if block is not None and file.cache is not None:
        block["cache_control"] = encode_cache(file.cache)
    return block
