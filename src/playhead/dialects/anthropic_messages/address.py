"""The URL that a request goes to, and what it says, on each of the services of this wire.

::

    api      {base}/messages
    vertex   {base}/publishers/anthropic/models/{model}:rawPredict    :streamRawPredict
    bedrock  {base}/model/{model}/invoke                              /invoke-with-response-stream

References: https://docs.claude.com/en/api/messages, ``…/claude-on-vertex-ai``, ``…/claude-on-amazon-bedrock``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.anthropic_messages.profile import Profile
from playhead.dialects.path_segment import quoted, unquoted

_VERTEX = "/publishers/anthropic/models/"


def encode_address(base_url: str, model: str, stream: bool, profile: Profile) -> str:
    """The URL for this model."""
    if profile.service == "vertex":
        return f"{base_url}{_VERTEX}{model}:{'streamRawPredict' if stream else 'rawPredict'}"
    if profile.service == "bedrock":
        name = quoted(model, ":" if profile.raw_colon else "")
        return f"{base_url}/model/{name}/{'invoke-with-response-stream' if stream else 'invoke'}"
    return f"{base_url}/messages?beta=true" if profile.beta_query else f"{base_url}/messages"


class Address(msgspec.Struct, frozen=True):
    """What a URL says: the model and whether a stream is asked for, None where the body says it; and the hand."""

    model: str | None
    stream: bool | None
    profile: Profile


def decode_address(url: str, base: Profile) -> Address:
    """What this URL says; where it is of no known form, ``base`` stands."""
    path, _, query = url.partition("?")
    said: dict[str, Any] = {}
    model: str | None = None
    stream: bool | None = None
    if path.endswith((":rawPredict", ":streamRawPredict")):
        head, _, verb = path.rpartition(":")
        model, stream = head.rpartition("/")[2], verb == "streamRawPredict"
        said["service"] = "vertex"
    elif "/model/" in path and path.endswith(("/invoke", "/invoke-with-response-stream")):
        name, _, verb = path.partition("/model/")[2].rpartition("/")
        model, stream = unquoted(name), verb != "invoke"
        said["service"] = "bedrock"
        if ":" in model:
            said["raw_colon"] = ":" in name
    elif path.endswith("/messages"):
        said["service"] = "api"
        said["beta_query"] = query == "beta=true"
    return Address(model, stream, msgspec.structs.replace(base, **said))
