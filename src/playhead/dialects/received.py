"""A request as it came in, before and after its wire's own reading: JSON that is an object, and compared with itself.

What a dialect understood of a request is written again, and each path where that differs from what came is reported: so
a request that is read wrongly shows, on every wire in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from playhead.dialects.base import DecodedRequest, Encoded, Endpoint
from playhead.dialects.unmodelled import differing_paths, expect
from playhead.errors import BadRequestError
from playhead.request import Request


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object that a request's body is.

    Raises:
        BadRequestError: it is none.
    """
    try:
        value = msgspec.json.decode(body)
    except RecursionError as error:
        cause = f"{type(error).__name__}: {error}"
        raise BadRequestError(
            f"a JSON object expected as the body, not nested too deep to be read ({cause})", status=400
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequestError(f"a JSON object expected as the body: {error}", status=400) from error
    said: dict[str, Any] = expect(value, dict, "the body", "a JSON object")
    return said


def compared(
    came: dict[str, Any],
    request: Request,
    profile: Any,
    encode: Callable[[Request, Endpoint], Encoded],
    known: Iterable[str] = (),
) -> DecodedRequest:
    """What ``came`` was understood as. ``encode`` is the wire's own ``encode_request``; ``known`` are the paths that
    are known already not to be modelled."""
    again = msgspec.json.decode(encode(request, Endpoint("", "", profile)).http.body)
    unmodelled = list(known)
    differing_paths(came, again, "", unmodelled)
    return DecodedRequest(request, profile, tuple(unmodelled))
