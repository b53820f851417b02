"""Refusals of our own, in the words of the wire that was asked in, so that every SDK shows them as its own error.

A request that no tape answers is status 404; ``playhead`` in its body has the same as data. What a fault lays over a
tape has the status that was asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import msgspec

from playhead.deck.http1.rendered import Rendered
from playhead.errors import (
    AuthenticationError,
    BadRequestError,
    ModelError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
)
from playhead.providers.paths import split
from playhead.wire import Headers

_KINDS: dict[int, type[ModelError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    429: RateLimitError,
    503: OverloadedError,
    529: OverloadedError,
}


def refused(url: str, status: int, retry_after: float | None) -> Rendered:
    """A refusal with this status; ``retry_after`` is in seconds, and goes out in whole ones and in milliseconds."""
    kind = _KINDS.get(status, ServerError if status >= 500 else BadRequestError)
    error = kind("a fault that was laid over the tape", status=status, retry_after=retry_after)
    headers: Headers = (("Content-Type", "application/json"),)
    if retry_after is not None:
        whole_seconds = str(int(-(-retry_after // 1)))
        headers += (("Retry-After", whole_seconds), ("Retry-After-Ms", str(int(retry_after * 1000))))
    return Rendered(status, "", headers, [(0.0, in_words_of_the_wire(url, error))], False, False)


def missed(url: str, message: str, told: dict[str, Any]) -> dict[str, Any]:
    """The body that says that no tape has an answer."""
    value: dict[str, Any] = msgspec.json.decode(in_words_of_the_wire(url, NotFoundError(message, status=404)))
    return {**value, "playhead": told}


def in_words_of_the_wire(url: str, error: ModelError) -> bytes:
    """The error as the wire of this URL says one; in OpenAI's words, which most clients read, where it is of none."""
    found = split(url if "://" in url else f"http://tape{url}")
    dialect: Any = import_module(f"playhead.dialects.{found[0] if found is not None else 'openai_chat'}")
    said: bytes = dialect.encode_error(error)
    return said
