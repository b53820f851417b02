"""The parts of a message, to the wire and back: text, images, audio, video, documents.

A part of this wire is an object with a type. ``image_url``, ``video_url`` and ``file`` take a data URL or a plain one,
``input_audio`` base64 and a format. The vocabulary has one :class:`~playhead.messages.File` for all; its media type
decides which it becomes. Where a data URL would not come back byte for byte (another alphabet, no padding, a media
type that belongs to another kind of part), it stays a URL, so that nothing is rewritten. A document that was uploaded
is named by its id (``{"file": {"file_id": …}}``), and is a File whose URL is ``openai-file:`` and that id.

Mistral has parts of its own for two kinds: ``{"type": "document_url", "document_url": …}`` and ``{"type":
"input_audio", "input_audio": …}`` with nothing but the base64, or a URL (https://docs.mistral.ai/api).
"""

from __future__ import annotations

from typing import Any

from playhead.dialects.base64_text import decode_base64, encode_base64
from playhead.dialects.foreign import kind_of, lies_elsewhere
from playhead.dialects.openai_chat.profile import Profile
from playhead.messages import File, Opaque, Text

NAME = "openai_chat"

#: input_audio's own words for formats whose media type is called otherwise.
_AUDIO_TYPES = {"mp3": "audio/mpeg", "m4a": "audio/mp4"}
_AUDIO_FORMATS = {media_type: word for word, media_type in _AUDIO_TYPES.items()}


def encode_text(part: Text) -> dict[str, Any]:
    """``{"type": "text", "text": …}``, without its mark."""
    return {"type": "text", "text": part.text}


#: How the id of an uploaded file is written as a URL.
FILE_ID = "openai-file:"

_DEFAULT = Profile()


def encode_file(file: File, profile: Profile = _DEFAULT) -> dict[str, Any] | None:
    """The part that carries this file; None where the wire has no such part (audio by URL, a file that lies with
    another provider)."""
    kind = kind_of(file)
    if lies_elsewhere(file, ""):
        if kind != "document" or not profile.file_ids or not (file.url or "").startswith(FILE_ID):
            return None
        return {"type": "file", "file": {"file_id": (file.url or "").removeprefix(FILE_ID)}}
    if profile.file_parts == "mistral" and kind == "audio":
        return {"type": "input_audio", "input_audio": file.url if file.data is None else encode_base64(file.data)}
    if profile.file_parts == "mistral" and kind == "document":
        document: dict[str, Any] = {"type": "document_url", "document_url": _url(file)}
        if file.name is not None:
            document["document_name"] = file.name
        return document
    if kind == "image":
        image: dict[str, Any] = {"url": _url(file)}
        if file.detail is not None:
            image["detail"] = file.detail
        return {"type": "image_url", "image_url": image}
    if kind == "audio":
        if file.data is None:
            return None
        word = _AUDIO_FORMATS.get(file.media_type) or file.media_type.partition("/")[2]
        return {"type": "input_audio", "input_audio": {"data": encode_base64(file.data), "format": word}}
    if kind == "video":
        return {"type": "video_url", "video_url": {"url": _url(file)}}
    name = file.name or ("document.pdf" if file.media_type == "application/pdf" else "document")
    return {"type": "file", "file": {"filename": name, "file_data": _url(file)}}


def decode_part(part: dict[str, Any]) -> Text | File | None:
    """The part that this object says, without its mark; None where the vocabulary has none for it."""
    body: Any = part.get(str(part.get("type")))
    match part.get("type"), body:
        case "text", str():
            return Text(body)
        case "image_url", {"url": str(url)}:
            detail = body.get("detail")
            return decode_file(url, "image", "", detail=detail if isinstance(detail, str) else None)
        case "input_audio", str(data):
            content = decode_base64(data)
            return File("audio/*", url=data) if content is None else File("audio/*", data=content)
        case "document_url", str(url):
            name = part.get("document_name")
            return decode_file(url, "", "application/pdf", name=name if isinstance(name, str) else None)
        case "input_audio", {"data": str(data), "format": str(word)}:
            content = decode_base64(data)
            return None if content is None else File(_AUDIO_TYPES.get(word) or f"audio/{word}", data=content)
        case "video_url", {"url": str(url)}:
            return decode_file(url, "video", "video/*")
        case "file", {"file_data": str(url)}:
            name = body.get("filename")
            return decode_file(url, "", "application/pdf", name=name if isinstance(name, str) else None)
        case "file", {"file_id": str(identifier)}:
            return File("application/octet-stream", url=FILE_ID + identifier)
        case _:
            return None


def decode_file(url: str, kind: str, otherwise: str, *, name: str | None = None, detail: str | None = None) -> File:
    """The file behind a URL, by value where it is a data URL of this ``kind`` ("" is anything but media), else by URL
    with the media type ``otherwise``."""
    head, comma, data = url.partition(";base64,")
    if comma and head.startswith("data:"):
        media_type = head[5:]
        main = media_type.partition("/")[0]
        if main == kind or (not kind and main not in ("", "image", "audio", "video")):
            content = decode_base64(data)
            if content is not None:
                return File(media_type, data=content, name=name, detail=detail)
    if not kind and url.startswith("data:"):
        otherwise = "application/octet-stream"
    return File(otherwise, url=url, name=name, detail=detail)


def decode_images(values: Any) -> list[File]:
    """The files of an assistant's ``images``."""
    found = []
    for value in values if isinstance(values, list) else ():
        url = value.get("image_url") if isinstance(value, dict) else None
        if isinstance(url, dict) and isinstance(url.get("url"), str):
            found.append(decode_file(url["url"], "image", ""))
    return found


def call_data(extra: Any) -> Opaque | None:
    """What a call carries beside its name and arguments and wants back verbatim: Google's thought signatures."""
    return None if extra is None else Opaque(NAME, {"extra_content": extra})


def _url(file: File) -> str:
    if file.data is None:
        return file.url or ""
    return f"data:{file.media_type or 'image/png'};base64,{encode_base64(file.data)}"
