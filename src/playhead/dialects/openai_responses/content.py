"""What stands in messages and in tools' outputs, to the wire and back: ``input_text``, ``input_image``, ``input_file``.

An image or a file is given by value (a data URL), by URL, or by the id of an upload. The vocabulary has two of the
three: an uploaded file is a :class:`~playhead.messages.File` whose URL is ``openai-file:`` and the id. Where a data URL
would not come back byte for byte it stays a URL, so that nothing is rewritten.

What this wire says of a text beside its words is kept by the part, ``Opaque("openai_responses", {"item": …, "part":
…})``: ``item`` is what its message has beside role and content (id, status, phase) and stands on the first part of
each message; ``part`` is what the part has beside type and text (logprobs).
"""

from __future__ import annotations

from typing import Any

from playhead.dialects.base64_text import decode_base64, encode_base64
from playhead.dialects.foreign import lies_elsewhere
from playhead.messages import Cache, File, Native, Opaque, Source, Text

NAME = "openai_responses"

#: How the id of an uploaded file is written as a URL.
FILE_ID = "openai-file:"

#: input_audio's own words for formats whose media type is called otherwise.
_AUDIO_TYPES = {"mp3": "audio/mpeg"}
_AUDIO_FORMATS = {media_type: word for word, media_type in _AUDIO_TYPES.items()}

#: The mark of the prompt cache; how long it holds is said for the whole request.
BREAKPOINT = {"mode": "explicit"}


def own(opaque: Opaque | None) -> dict[str, Any]:
    """What this dialect kept with a part; {} when it kept nothing."""
    return opaque.value if opaque is not None and opaque.origin == NAME and isinstance(opaque.value, dict) else {}


def kept_content(part: Native) -> dict[str, Any] | None:
    """The content of a message that was kept whole; None where the part is an item of its own."""
    kept = own(part.opaque)
    return kept["content"] if kept.keys() == {"content"} else None


def encode_input(part: Text | File) -> dict[str, Any] | None:
    """The ``input_…`` that carries this part, without its mark; None where the wire has none (video)."""
    if isinstance(part, Text):
        return {"type": "input_text", "text": part.text, **own(part.opaque).get("part", {})}
    if lies_elsewhere(part, "openai"):
        return None
    kind = part.media_type.partition("/")[0]
    said: dict[str, Any]
    if kind in ("", "image"):
        said = {"type": "input_image"}
        said.update(_place(part, "image_url", "image_url"))
    elif kind == "audio" and part.data is not None:
        word = _AUDIO_FORMATS.get(part.media_type) or part.media_type.partition("/")[2]
        return {"type": "input_audio", "input_audio": {"data": encode_base64(part.data), "format": word}}
    elif kind in ("audio", "video"):
        return None
    else:
        said = {"type": "input_file"}
        if part.data is not None and part.name is None:
            said["filename"] = "document.pdf" if part.media_type == "application/pdf" else "document"
        elif part.name:
            said["filename"] = part.name
        said.update(_place(part, "file_data", "file_url"))
    if part.detail is not None:
        said["detail"] = part.detail
    return said


def _place(file: File, by_value: str, by_url: str) -> dict[str, str]:
    if file.data is not None:
        return {by_value: f"data:{file.media_type or 'image/png'};base64,{encode_base64(file.data)}"}
    url = file.url or ""
    if url.startswith(FILE_ID):
        return {"file_id": url.removeprefix(FILE_ID)}
    return {by_value if url.startswith("data:") else by_url: url}


def decode_input(part: dict[str, Any]) -> Text | File | Native:
    """The part that this object says; one that the vocabulary has no word for is kept whole."""
    cache = Cache() if part.get("prompt_cache_breakpoint") == BREAKPOINT else None
    detail, name = part.get("detail"), part.get("filename")
    detail, name = detail if isinstance(detail, str) else None, name if isinstance(name, str) else None
    match part:
        case {"type": "input_text" | "output_text" | "text", "text": str(text)}:
            return Text(text, cache)
        case {"type": "input_image", "image_url": str(url)}:
            return _file(url, "", detail=detail, cache=cache)
        case {"type": "input_image", "file_id": str(id)}:
            return File("", url=FILE_ID + id, detail=detail, cache=cache)
        case {"type": "input_file", "file_data": str(url)}:
            return _file(url, "application/octet-stream", name=name or "", detail=detail, cache=cache)
        case {"type": "input_file", "file_url": str(url)}:
            return File("application/pdf", url=url, name=name, detail=detail, cache=cache)
        case {"type": "input_file", "file_id": str(id)}:
            return File("application/octet-stream", url=FILE_ID + id, name=name, detail=detail, cache=cache)
        case {"type": "input_audio", "input_audio": {"data": str(data), "format": str(word)}}:
            content = decode_base64(data)
            if content is not None:
                return File(_AUDIO_TYPES.get(word) or f"audio/{word}", data=content)
    return Native(str(part.get("type")), Opaque(NAME, {"content": part}))


def _file(
    url: str, otherwise: str, *, name: str | None = None, detail: str | None = None, cache: Cache | None = None
) -> File:
    """The file of a data URL by value, where it would come back the same; else by URL."""
    head, comma, data = url.partition(";base64,")
    if comma and head.startswith("data:"):
        media_type = head[5:]
        is_media = media_type.partition("/")[0] in ("", "image", "audio", "video")
        content = decode_base64(data) if (media_type.startswith("image/") if not otherwise else not is_media) else None
        if content is not None:
            return File(media_type, data=content, name=name, detail=detail, cache=cache)
    return File(otherwise, url=url, name=name, detail=detail, cache=cache)


def encode_source(source: Source) -> dict[str, Any]:
    """An annotation of ``output_text``."""
    kept = own(source.opaque)
    if "type" in kept:
        return kept
    said = {
        "type": "url_citation",
        "url": source.url,
        "title": source.title,
        "start_index": source.start,
        "end_index": source.end,
    }
    return {**{key: value for key, value in said.items() if value is not None}, **kept}


def decode_annotation(annotation: Any) -> Source | None:
    """The source that an annotation cites; None where it cites none.

    A citation of an uploaded file or of one that the code interpreter wrote has the file's id for a URL; what it says
    beside is kept whole.
    """
    match annotation:
        case {"type": "url_citation", "url": str(url)}:
            title, start, end = annotation.get("title"), annotation.get("start_index"), annotation.get("end_index")
            title = title if isinstance(title, str) else None
            start = start if type(start) is int else None
            end = end if type(end) is int else None
            known = {"url": url, "title": title, "start_index": start, "end_index": end}
            rest = {k: v for k, v in annotation.items() if k != "type" and (k not in known or known[k] != v)}
            return Source(url, title, start, end, Opaque(NAME, rest) if rest else None)
        case {"type": str(), "file_id": str(id)}:
            title = annotation.get("filename")
            return Source(FILE_ID + id, title if isinstance(title, str) else None, opaque=Opaque(NAME, annotation))
        case _:
            return None
