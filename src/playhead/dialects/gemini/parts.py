"""One part of a content, to the wire and back, and the ids of calls that the wire gave none.

A part is an object with one field of data (``text``, ``functionCall``, ``functionResponse``, ``inlineData``,
``fileData``, …) and others beside it. ``thoughtSignature`` may stand on any of them and must come back on the same
one, so it is held by the vocabulary's part: its ``opaque`` is ``{"thoughtSignature": …}``. A signature on an
empty text is a :class:`~playhead.messages.Reasoning` without words, whose ``opaque`` is ``{"part": {…}}``. What has no
part in the vocabulary (code that Google ran and its result, whatever comes next) is a
:class:`~playhead.messages.Native` that holds it whole. All of it goes back as it came.

Most calls on this wire have no id, and the vocabulary names a result's call by it. :func:`made_id` makes one, the same
each time; :func:`is_made` knows them again, and they are never sent.

Reference: https://ai.google.dev/api/caching#Part and https://ai.google.dev/gemini-api/docs/thought-signatures, as of
2026.
"""

from __future__ import annotations

import binascii
from typing import Any

import msgspec

from playhead.dialects.base64_text import encode_base64
from playhead.messages import File, Native, Opaque, Part, Reasoning, Text

NAME = "gemini"

SIGNATURE = "thoughtSignature"

#: What an id of this dialect's own making begins with. With a response's id it stays under 40 characters, and in the
#: letters that other providers allow, so that a history can be taken to them.
_MADE = "gemini_call_"
_LONGEST = 40


def made_id(position: int, response_id: str | None) -> str:
    """The id of an answer's call that has none: ``made_id(0, "zwCzaYWf") -> "gemini_call_0_zwCzaYWf"``."""
    if not response_id:
        return f"{_MADE}{position}"
    safe = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "-_") else "_" for letter in response_id
    )
    return f"{_MADE}{position}_{safe}"[:_LONGEST]


def is_made(identifier: str) -> bool:
    """Whether an id was made here, or is none at all: nothing to send."""
    return not identifier or identifier.startswith(_MADE)


def signed(signature: str | None) -> Opaque | None:
    """A part's signature as the data that goes back with it."""
    return None if signature is None else Opaque(NAME, {SIGNATURE: signature})


def own(opaque: Opaque | None) -> dict[str, Any]:
    """What of a part's data is this wire's; {} where it is another's."""
    if opaque is None or opaque.origin != NAME or not isinstance(opaque.value, dict):
        return {}
    return opaque.value


def kept(part: dict[str, Any]) -> Native | Reasoning:
    """A part that the vocabulary has no place for, held whole. A signature on no text is a thought without words."""
    kind = next((key for key in part if key not in ("thought", SIGNATURE)), SIGNATURE)
    if kind in ("text", SIGNATURE):
        return Reasoning("", Opaque(NAME, {"part": part}))
    return Native(kind, Opaque(NAME, part))


def encode_thought(part: Reasoning) -> dict[str, Any]:
    """A thought, or a part that was held whole."""
    data = own(part.opaque)
    whole = data.get("part")
    return whole if isinstance(whole, dict) else {"text": part.text, "thought": True, **data}


def encode_file(file: File, *, names: bool = False, resolution: bool = False) -> dict[str, Any]:
    """``inlineData`` for bytes, ``fileData`` for a URL; a data URL is data."""
    inside: dict[str, Any] = {}
    if file.media_type:
        inside["mimeType"] = file.media_type
    said: dict[str, Any]
    if file.data is not None:
        said = {"inlineData": {**inside, "data": encode_base64(file.data)}}
    elif (file.url or "").startswith("data:"):
        head, _, data = (file.url or "").partition(",")
        media_type = file.media_type or head[5:].partition(";")[0]
        said = {"inlineData": {**({"mimeType": media_type} if media_type else {}), "data": data}}
    else:
        said = {"fileData": {**inside, "fileUri": file.url or ""}}
    if names and file.name is not None:
        next(iter(said.values()))["displayName"] = file.name
    if resolution and file.detail is not None:
        said["mediaResolution"] = {"level": f"MEDIA_RESOLUTION_{file.detail.upper()}"}
    said.update(own(file.opaque))
    return said


def decode_blob(blob: dict[str, Any], opaque: Opaque | None = None, detail: str | None = None) -> File | None:
    """The file of ``inlineData``. Base64 that would not be written back the same stays a data URL."""
    media_type, data, name = blob.get("mimeType"), blob.get("data"), blob.get("displayName")
    media_type = media_type if isinstance(media_type, str) else ""
    name = name if isinstance(name, str) else None
    if not isinstance(data, str):
        return None
    try:
        value = binascii.a2b_base64(data, strict_mode=True)
    except (binascii.Error, ValueError):
        value = b""
    if binascii.b2a_base64(value, newline=False) != data.encode("utf-8", "replace"):
        return File(media_type, None, f"data:{media_type};base64,{data}", name, detail, None, opaque)
    return File(media_type, value, None, name, detail, None, opaque)


def decode_uri(said: dict[str, Any], opaque: Opaque | None = None, detail: str | None = None) -> File | None:
    """The file of ``fileData``."""
    media_type, uri, name = said.get("mimeType"), said.get("fileUri"), said.get("displayName")
    if not isinstance(uri, str):
        return None
    media_type = media_type if isinstance(media_type, str) else ""
    return File(media_type, None, uri, name if isinstance(name, str) else None, detail, None, opaque)


def decode_part(part: dict[str, Any]) -> Part | None:
    """The text, thought or file that a part says; None where it says something else."""
    signature = part.get(SIGNATURE)
    opaque = signed(signature if isinstance(signature, str) else None)
    text = part.get("text")
    if isinstance(text, str):
        if part.get("thought") is True:
            return Reasoning(text, opaque)
        return kept(part) if opaque is not None and not text else Text(text, None, opaque)
    match part:
        case {"inlineData": dict(blob)}:
            return decode_blob(blob, opaque, _detail(part))
        case {"fileData": dict(said)}:
            return decode_uri(said, opaque, _detail(part))
        case _:
            return None


def _detail(part: dict[str, Any]) -> str | None:
    match part.get("mediaResolution"):
        case {"level": str(level)} if level.startswith("MEDIA_RESOLUTION_"):
            return level.removeprefix("MEDIA_RESOLUTION_").lower()
        case _:
            return None


def compact(raw: msgspec.Raw | bytes) -> str:
    """JSON text without white space, its numbers as they were written."""
    return msgspec.json.format(bytes(raw), indent=-1).decode()
