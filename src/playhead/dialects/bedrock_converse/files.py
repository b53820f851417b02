"""Files, to the wire and back: blocks of image, document, video and audio.

A block names its format by a short word of the wire's ("jpeg", "docx", "three_gp"), and its content is base64 or a
place in S3, which is a File's URL. A document has a name, in which the wire takes ASCII letters, digits, single spaces,
hyphens, parentheses and brackets: other characters of a File's name become spaces, and a file without one is named by
the checksum of its content, since two documents of one request may not share a name.

What else such a block says (a context, whether to cite it, an S3 bucket's owner) is the File's opaque, and goes back.
"""

from __future__ import annotations

import binascii
from typing import Any

import msgspec

from playhead.dialects.base64_text import encode_base64
from playhead.messages import File, Opaque

NAME = "bedrock_converse"

_OFFICE = "application/vnd.openxmlformats-officedocument"

#: Media types by the wire's words, the preferred word first where several have one type.
_TYPES: dict[str, dict[str, str]] = {
    "image": {"png": "image/png", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"},
    "document": {
        "pdf": "application/pdf",
        "csv": "text/csv",
        "doc": "application/msword",
        "docx": f"{_OFFICE}.wordprocessingml.document",
        "xls": "application/vnd.ms-excel",
        "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
        "html": "text/html",
        "txt": "text/plain",
        "md": "text/markdown",
    },
    "video": {
        "mp4": "video/mp4",
        "mkv": "video/x-matroska",
        "mov": "video/quicktime",
        "webm": "video/webm",
        "flv": "video/x-flv",
        "mpeg": "video/mpeg",
        "mpg": "video/mpeg",
        "wmv": "video/x-ms-wmv",
        "three_gp": "video/3gpp",
    },
    "audio": {
        "mp3": "audio/mpeg",
        "wav": "audio/wav",
        "ogg": "audio/ogg",
        "flac": "audio/flac",
        "aac": "audio/aac",
        "m4a": "audio/mp4",
        "webm": "audio/webm",
        "opus": "audio/opus",
        "mka": "audio/x-matroska",
        "pcm": "audio/pcm",
    },
}

#: The block and the format of each media type, aliases among them.
_FORMATS: dict[str, tuple[str, str]] = {
    "image/jpg": ("image", "jpeg"),
    "application/json": ("document", "txt"),
    "application/x-pdf": ("document", "pdf"),
    "audio/mp3": ("audio", "mp3"),
    "audio/x-wav": ("audio", "wav"),
    "audio/x-m4a": ("audio", "m4a"),
    **{
        media_type: (kind, word)
        for kind, types in _TYPES.items()
        for word, media_type in reversed(types.items())  # the first word of a type is the one that stays
    },
}

#: The kinds of blocks that are files.
KINDS = frozenset(_TYPES)

#: The longest name of a document, in characters.
_LONGEST_NAME = 200


def encode_file(file: File) -> dict[str, Any] | None:
    """The block that carries this file, its mark to cache aside; None where the wire has none for it: an unknown type,
    a URL that is none of S3's."""
    source: dict[str, Any]
    media_type, url = file.media_type, file.url or ""
    if file.data is not None:
        source = {"bytes": encode_base64(file.data)}
    elif url.startswith("s3://"):
        source = {"s3Location": {"uri": url}}
        media_type = media_type or _by_ending(url)
    elif url.startswith("data:"):
        media_type, comma, data = url[5:].partition(";base64,")
        if not comma:
            return None
        source = {"bytes": data}
    else:
        return None
    kind, word = _FORMATS.get(media_type) or (("document", "txt") if media_type.startswith("text/") else ("", ""))
    if not kind:
        return None
    inner: dict[str, Any] = {"format": word, "source": source}
    if kind == "document":
        inner["name"] = _name(file)
    if file.opaque is not None and file.opaque.origin == NAME and isinstance(file.opaque.value, dict):
        inner.update(file.opaque.value)
    return {kind: inner}


def decode_file(block: dict[str, Any]) -> File | None:
    """The file of a block of one of :data:`KINDS`; None where a File cannot hold all of it."""
    ((kind, inner),) = block.items()
    if not isinstance(inner, dict):
        return None
    word, name = inner.get("format"), inner.get("name")
    media_type = _TYPES[kind].get(word) if isinstance(word, str) else None
    match inner.get("source"):
        case {"bytes": str(text)}:
            try:
                file = File(media_type or "", data=binascii.a2b_base64(text))
            except ValueError:
                return None
        case {"s3Location": {"uri": str(uri)}} if uri.startswith("s3://"):
            file = File(media_type or "", url=uri)
        case _:
            return None
    if media_type is None:
        return None
    if kind == "document" and isinstance(name, str):
        file = msgspec.structs.replace(file, name=name)
    again = encode_file(file)
    if again is None or kind not in again or not again[kind].keys() <= inner.keys():
        return None
    rest = {key: value for key, value in inner.items() if key not in again[kind] or again[kind][key] != value}
    return msgspec.structs.replace(file, opaque=Opaque(NAME, rest)) if rest else file


def _by_ending(url: str) -> str:
    """The media type that a URL's ending means; "" where it means none."""
    ending = url.rpartition(".")[2].lower()
    ending = {"jpg": "jpeg", "htm": "html", "3gp": "three_gp", "text": "txt", "markdown": "md"}.get(ending, ending)
    return next((types[ending] for types in _TYPES.values() if ending in types), "")


def _name(file: File) -> str:
    name = "".join(
        letter if (letter.isascii() and letter.isalnum()) or letter in "-()[]" else " " for letter in file.name or ""
    )
    name = " ".join(name.split())[:_LONGEST_NAME].rstrip()
    return name or f"document-{binascii.crc32(file.data or (file.url or '').encode()):08x}"
