"""Blocks of content, to the wire and back: a block is an object of one key, which is its kind.

| block | part |
|---|---|
| text | Text |
| citationsContent | Text, and after it a Source for each of its citations |
| reasoningContent | Reasoning; the signature, or the encrypted content, is its opaque |
| toolUse | ToolCall |
| toolResult, in a user's message | ToolResult |
| image, document, video, audio | File, where a File holds it (see :mod:`.files`) |
| cachePoint | the mark of the part before it |
| toolUse and toolResult of a tool that the provider runs, guardContent, searchResult, all others | Native, verbatim |

A text that was said by another block than a plain one (several cited texts, JSON in a tool's result) has that block as
its opaque, and goes back as it. Every opaque of this dialect is plain JSON data.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from playhead.dialects.arguments import encode_input
from playhead.dialects.bedrock_converse.files import KINDS, NAME, decode_file
from playhead.dialects.foreign import fitting_id
from playhead.dialects.unmodelled import says_something
from playhead.messages import Cache, File, Native, Opaque, Part, Reasoning, Source, Text, ToolCall, ToolResult

_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")


def is_own(opaque: Opaque | None) -> bool:
    """Whether this dialect made it."""
    return opaque is not None and opaque.origin == NAME and isinstance(opaque.value, dict)


def encode_cache(cache: Cache) -> dict[str, Any]:
    """A ``cachePoint``, which marks what stands before it."""
    return {"cachePoint": {"type": "default"} if cache.ttl is None else {"type": "default", "ttl": cache.ttl}}


def decode_cache(block: Any) -> Cache | None:
    """The mark that a block is; None where it is none, or says more than a mark holds."""
    match block:
        case {"cachePoint": {"type": "default", **rest}} if len(block) == 1:
            if not rest:
                return Cache()
            ttl = rest.get("ttl")
            return Cache(ttl) if isinstance(ttl, str) and len(rest) == 1 else None
    return None


def marked(parts: list[Any], block: dict[str, Any]) -> bool:
    """Put the mark that a block is on the last part; False where it is no mark, or the part takes none."""
    cache = decode_cache(block)
    last = parts[-1] if parts else None
    if cache is None or not isinstance(last, Text | File | ToolCall | ToolResult) or last.cache is not None:
        return False
    parts[-1] = msgspec.structs.replace(last, cache=cache)
    return True


#: The blocks that a text may have been said by, beside a plain one: an answer's, and those of a tool's result.
_SAID_BY = frozenset(("text", "citationsContent", "json", "searchResult", *KINDS))


def whole_block(part: Text) -> dict[str, Any] | None:
    """The block that said this text, where that was no plain one."""
    if part.opaque is None or not is_own(part.opaque) or _SAID_BY.isdisjoint(part.opaque.value):
        return None
    value: dict[str, Any] = part.opaque.value
    return value


def encode_text(part: Text, sources: list[Source] | None = None) -> dict[str, Any]:
    """A text block; ``sources`` are the citations that stand after the text."""
    block = whole_block(part)
    if block is not None:
        return dict(block)
    if sources:
        cited = [encode_citation(source) for source in sources]
        return {"citationsContent": {"content": [{"text": part.text}], "citations": cited}}
    return {"text": part.text}


def encode_reasoning(part: Reasoning, *, unsigned: bool = True) -> dict[str, Any] | None:
    """A block of reasoning; None where it is another's, or has no signature where ``unsigned`` does not let it."""
    if part.opaque is None or not is_own(part.opaque):
        return None
    said = part.opaque.value
    if "redactedContent" in said:
        return {"reasoningContent": dict(said)}
    if not said and not unsigned:
        return None
    return {"reasoningContent": {"reasoningText": {"text": part.text, **said}}}


def call_id(identifier: str) -> str:
    """The id of a call as the wire takes it; one of another provider that does not fit becomes one that does."""
    return identifier if _ID.fullmatch(identifier) else fitting_id(identifier, "plain")


def encode_call(call: ToolCall) -> tuple[dict[str, Any], bool]:
    """A call's block, and whether its arguments were a JSON object, as the wire wants."""
    said, whole = encode_input(call.arguments)
    inner: dict[str, Any] = {"toolUseId": call_id(call.id), "name": call.name, "input": said}
    if call.opaque is not None and is_own(call.opaque):
        inner.update(call.opaque.value)
    return {"toolUse": inner}, whole


def decode_block(block: dict[str, Any], arguments: str | None = None, *, history: bool = False) -> list[Part] | None:
    """The parts that a block of an assistant's message says; None where it is not of its kind's shape.

    ``arguments`` is the text of a call's input where it is known as it was written. ``history`` keeps what an answer
    says in vain (``"signature": null``), because a request must come back as it was.
    """
    match block:
        case {"text": str(text)}:
            return [Text(text, opaque=None if len(block) == 1 else Opaque(NAME, block))]
        case {"citationsContent": dict(inner)}:
            return _cited(block, inner)
        case {"reasoningContent": {"reasoningText": {"text": str(text), **rest}}}:
            return [Reasoning(text, _rest(rest, history) or Opaque(NAME, {}))]
        case {"reasoningContent": {"redactedContent": str()}}:
            return [Reasoning("", Opaque(NAME, dict(block["reasoningContent"])))]
        case {"toolUse": {"toolUseId": str(identifier), "name": str(name), **rest}} if "type" not in rest:
            said = rest.pop("input", {})
            if arguments is None:
                arguments = msgspec.json.encode(said).decode()
            return [ToolCall(identifier, name, arguments, None, _rest(rest, history))]
        case {"toolUse": {"type": str()}}:
            return [kept(block)]
        case {"text": _} | {"citationsContent": _} | {"reasoningContent": _} | {"toolUse": _}:
            return None
    if len(block) == 1 and block.keys() <= KINDS:
        file = decode_file(block)
        if file is not None:
            return [file]
    return [kept(block)] if block else None


def _rest(rest: dict[Any, Any], history: bool) -> Opaque | None:
    said = {key: value for key, value in rest.items() if history or says_something(value)}
    return Opaque(NAME, said) if said else None


def _cited(block: dict[str, Any], inner: dict[str, Any]) -> list[Part] | None:
    """A text and what it cites. The block itself is kept where a Text and Sources do not make the same again."""
    content, citations = inner.get("content", []), inner.get("citations", [])
    if not isinstance(content, list) or not isinstance(citations, list):
        return None
    text = Text("".join(texts_of(content)))
    sources = [decode_citation(citation) for citation in citations if isinstance(citation, dict)]
    if encode_text(text, sources) != block:
        text = msgspec.structs.replace(text, opaque=Opaque(NAME, block))
    return [text, *sources]


def kept(block: dict[str, Any]) -> Native:
    """A block that goes back verbatim and has no part of its own."""
    return Native(next(iter(block)), Opaque(NAME, block))


def kept_in_result(block: dict[str, Any]) -> Text:
    """A block of a tool's result that neither a Text nor a File holds (JSON, a search result, a document of several
    texts): it goes back whole, and its words are there for every other wire."""
    ((kind, inner),) = list(block.items())[:1] or [("", None)]
    if kind == "json":
        text = msgspec.json.encode(inner).decode()
    else:
        inner = inner if isinstance(inner, dict) else {}
        source = inner.get("source")
        source = source if isinstance(source, dict) else inner
        said = source.get("text")
        text = said if isinstance(said, str) else "\n".join(texts_of(source.get("content")))
    return Text(text, opaque=Opaque(NAME, block))


def texts_of(blocks: Any) -> list[str]:
    """The texts of a list of blocks."""
    said = [block.get("text") for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    return [text for text in said if isinstance(text, str)]


def decode_citation(citation: dict[str, Any]) -> Source:
    """A citation as a source; one of a document that was given with the question has no URL. The offsets that it may
    have are places in that document, not in the answer."""
    location = citation.get("location")
    web = location.get("web") if isinstance(location, dict) else None
    url = web.get("url") if isinstance(web, dict) else citation.get("source")
    title = citation.get("title")
    return Source(
        url if isinstance(url, str) else "",
        title if isinstance(title, str) else None,
        opaque=Opaque(NAME, citation),
    )


def encode_citation(source: Source) -> dict[str, Any]:
    """One of ``citations``; a source that another dialect made is cited as a web page."""
    if source.opaque is not None and is_own(source.opaque):
        return dict(source.opaque.value)
    said: dict[str, Any] = {} if source.title is None else {"title": source.title}
    return {**said, "location": {"web": {"url": source.url}}}
