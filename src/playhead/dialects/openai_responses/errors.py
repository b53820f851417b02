"""Refusals of this wire, both ways, and the errors that stand inside an answer.

The envelope and its words are those of every wire of OpenAI's: :mod:`playhead.dialects.openai_errors`. This wire's own
are the places: ``error`` of an answer whose status is ``failed`` (``{"code", "message"}``), and a stream's event
``error``, whose fields stand in it or in an ``error`` of its own. Neither has an HTTP status; its code says the class.

Reference: https://platform.openai.com/docs/api-reference/responses-streaming/error, as of 2026.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.base import Endpoint
from playhead.dialects.openai_errors import availability, decode_error, error_of, error_words
from playhead.errors import ModelError, RateLimitError

__all__ = ["decode_error", "encode_error", "error_object", "failure"]


def failure(value: Any, endpoint: Endpoint, request_id: str | None, body: bytes) -> ModelError:
    """The error inside a 200: what ``error`` holds, or the fields of an event ``error``."""
    error = error_of(value, endpoint, status=None, request_id=request_id, body=body)
    if isinstance(error, RateLimitError) and error.retry_after is None:
        error.retry_after = _seconds_said(error.message)
    return error


def _seconds_said(message: str) -> float | None:
    """The wait in "Please try again in 1m2.5s.", or in 250ms; None where none is said. An error in a stream has no
    header that could say it."""
    import re

    found = re.search(r"try again in (?:(\d{1,4})m)?(\d{1,6}(?:\.\d{1,6})?)(m?)s\b", message)
    if found is None:
        return None
    minutes, number, milli = found.groups()
    return int(minutes or 0) * 60 + float(number) / (1000 if milli else 1)


def encode_error(error: ModelError) -> bytes:
    """The error as OpenAI writes it; decoding it with the status of its class gives the same class and message."""
    return msgspec.json.encode({"error": error_object(error)})


def error_object(error: ModelError) -> dict[str, Any]:
    """The inside of the envelope."""
    _, word = error_words(error)
    kind = "server_error" if error.retryable_by_default else "invalid_request_error"
    if isinstance(error, RateLimitError):
        kind = "rate_limit_error"
    return {"message": error.message, "type": kind, "param": None, "code": word, **availability(error)}
