"""What a refusal says before any wire's envelope is looked for (JSON, a web page, plain text), and how much is shown.

A refusal must be read whatever its body holds, so nothing here raises. The message of an error goes into logs and onto
terminals, so it is cut at some thousand characters; the body beside it keeps all.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.lenient import decode_leniently
from playhead.surrogates import joined_json

#: The longest message of an error, in characters.
MOST_SHOWN = 4000

#: The longest text of a body that is not JSON, or of a part of one that is no message.
SHOWN = 300


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
