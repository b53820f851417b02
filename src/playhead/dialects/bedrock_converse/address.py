"""The URL that a request goes to, and what it says: ``{base}/model/{model}/converse`` and ``…/converse-stream``.

A model's id is percent-encoded as one segment, for an ARN has slashes and colons. Whether a stream is asked for is
said here alone; the body is the same.
"""

from __future__ import annotations

import msgspec

from playhead.dialects.bedrock_converse.profile import Profile
from playhead.dialects.path_segment import quoted, unquoted

_WHOLE, _STREAM = "/converse", "/converse-stream"


def encode_address(base_url: str, model: str, stream: bool, profile: Profile) -> str:
    """The URL for this model."""
    return f"{base_url}/model/{quoted(model, ':' if profile.raw_colon else '')}{_STREAM if stream else _WHOLE}"


def decode_address(url: str, base: Profile) -> tuple[str, bool, Profile]:
    """The model, whether a stream is asked for, and the hand; "" and False where the URL is of no known form."""
    path = url.partition("#")[0].partition("?")[0].rstrip("/")
    stream = path.endswith(_STREAM)
    if not stream and not path.endswith(_WHOLE):
        return "", False, base
    name = path.rpartition("/")[0].rpartition("/model/")[2]
    model = unquoted(name)
    if ":" in model:
        base = msgspec.structs.replace(base, raw_colon=":" in name)
    return model, stream, base
