"""What is asked of every request that somebody else's SDK makes: our decoder takes all of it, and writes it again."""

from __future__ import annotations

import json

from playhead import Request
from playhead.dialects.base import Endpoint
from playhead.testing import Received

PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)
SCHEMA = {
    "type": "object",
    "properties": {"location": {"type": "string", "description": "the city"}},
    "required": ["location"],
    "additionalProperties": False,
}


def understood(received: Received, but: tuple[str, ...] = ()) -> Request:
    """What the request means. ``but`` names the paths that are known not to be modelled: what an SDK repeats of an
    answer, though it says nothing; the rest of the request is still read.

    Raises:
        AssertionError: something of it is not modelled, or it is not the same JSON when it is written again.
    """
    decoded = received.decoded
    assert decoded.unmodelled == but
    if but:
        return decoded.request
    encoded = received.dialect.encode_request(decoded.request, Endpoint("sdk", "http://sdk.test", decoded.profile))
    assert json.loads(encoded.http.body) == received.json
    assert encoded.warnings == ()
    ours, theirs = encoded.http.url.partition("?"), received.http.url.partition("?")
    assert theirs[0].endswith(ours[0].removeprefix("http://sdk.test"))
    return decoded.request
