"""``--file``: images, PDFs and audio that go to the model with the prompt.

What a file is, its first bytes say, and not its name. A text is none of these: it is the prompt itself, or a part of it
that the shell puts there.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from playhead.cli.ends import UsageError
from playhead.errors import TapeError

if TYPE_CHECKING:
    from playhead.messages import File

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
)
#: Within a RIFF file, https://developers.google.com/speed/webp/docs/riff_container.
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}


def attached(paths: Iterable[str]) -> tuple[File, ...]:
    """The files, in order.

    Raises:
        UsageError: one cannot be read, or is none that a message holds.
    """
    from playhead.messages import File

    return tuple(File(_media_type(data, path), data, name=Path(path).name) for path in paths for data in (_read(path),))


def _read(path: str) -> bytes:
    from playhead.tapes.files import read_document

    try:
        return read_document(Path(path), "the file")
    except TapeError as error:
        raise UsageError(f"--file: {error}") from error


def _media_type(data: bytes, path: str) -> str:
    if data[:4] == b"RIFF" and data[8:12] in _RIFF:
        return _RIFF[data[8:12]]
    for beginning, name in _BEGINNINGS:
        if data.startswith(beginning):
            return name
    raise UsageError(
        f"--file {path}: expected an image (PNG, JPEG, GIF, WebP), a PDF or audio (WAV, MP3, FLAC, Ogg); a text goes "
        'into PROMPT, as in "$(cat FILE)", or comes on stdin'
    )
