"""What a refusal says whatever wire it is of: its body (JSON, a web page, plain text), its words, its status.

A refusal must be read whatever its body holds, so nothing here raises. The message of an error goes into logs and onto
terminals, so it is cut at some thousand characters; the body beside it keeps all. Where in a wire's envelope the words
stand, and which of them say more than the status, is each dialect's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from playhead.dialects.lenient import decode_leniently
from playhead.errors import (
    AuthenticationError,
    BadRequestError,
    ContextTooLongError,
    ModelError,
    NotFoundError,
    OverloadedError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
)
from playhead.surrogates import joined_json

#: The longest message of an error, in characters.
MOST_SHOWN = 4000

#: The longest text of a body that is not JSON, or of a part of one that is no message.
SHOWN = 300

#: What a status says when no word says more; some wires add to it.
BY_STATUS: Mapping[int, type[ModelError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: ServerError,
    409: ServerError,
    413: ContextTooLongError,
    422: BadRequestError,
    429: RateLimitError,
    503: OverloadedError,
    529: OverloadedError,
}

#: The message of a refusal without words.
UNSAID = "the provider refused and did not say why"


def by_status(status: int, table: Mapping[int, type[ModelError]] = BY_STATUS) -> type[ModelError]:
    """The class that a status of 400 or more says."""
    return table.get(status) or (ServerError if status >= 500 else BadRequestError)


def inside(value: Any) -> dict[str, Any]:
    """The error's own object, in ``{"error": …}`` or bare; a text alone is its message."""
    if not isinstance(value, dict):
        return {"message": value} if isinstance(value, str) else {}
    inner = value.get("error")
    if isinstance(inner, str) and inner:
        return {"message": inner}
    return inner if isinstance(inner, dict) else value


def message_of(said: Mapping[str, Any], keys: Iterable[str], unsaid: str = UNSAID) -> str:
    """The words of an error, under the first of these keys that holds any; FastAPI's list of what is wrong with a body
    is shown as JSON."""
    for key in keys:
        value = said.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, list | dict) and value:
            return json_text(value)
    return unsaid


def amazon_kind(value: Any) -> str:
    """The kind of an Amazon error: ``ThrottlingException:http://…`` and ``com.amazon…#ThrottlingException`` are
    throttling; "" where it is no text."""
    if not isinstance(value, str):
        return ""
    return value.partition(":")[0].rpartition("#")[2].lower().removesuffix("exception")


def capped(text: str, most: int = MOST_SHOWN) -> str:
    """The text, its end replaced by an ellipsis where it is longer than ``most`` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def read_body(body: bytes) -> Any:
    """The JSON value of a refusal's body, or its text where it holds none."""
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        pass
    try:
        return joined_json(decode_leniently(body))
    except (ValueError, RecursionError):
        return plain_text(body)


def plain_text(body: bytes) -> str:
    """The text of a body that is no JSON; an HTML page gives its title."""
    text = body.decode("utf-8", "replace").strip()
    lowered = text[:500].lower()
    if "<html" in lowered or "<!doctype" in lowered:
        start, end = text.lower().find("<title>"), text.lower().find("</title>")
        title = " ".join(text[start + 7 : end].split()) if 0 <= start < end else ""
        return capped(f"an HTML page came instead of an answer: {title or text}", SHOWN)
    return capped(text, SHOWN)


def json_text(value: Any) -> str:
    """The beginning of a value that stands where a text was expected, as JSON."""
    try:
        return msgspec.json.encode(value)[:SHOWN].decode("utf-8", "replace")
    except (ValueError, OverflowError, RecursionError):
        return "(nested too deep to be shown)"
