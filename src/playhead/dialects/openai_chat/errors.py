"""Refusals of this wire, both ways, and the errors that stand inside an answer.

The envelope and its words are those of every wire of OpenAI's: :mod:`playhead.dialects.openai_errors`. Here is what is
this wire's own: where an error may stand in an answer or a chunk, and OpenRouter's way to write one.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.base import Endpoint
from playhead.dialects.openai_chat.answer import WireAnswer
from playhead.dialects.openai_errors import availability, decode_error, error_of, error_words
from playhead.errors import ModelError

__all__ = ["decode_error", "encode_error", "error_in_answer", "error_object"]


def error_in_answer(answer: WireAnswer, endpoint: Endpoint, body: bytes) -> ModelError | None:
    """The error inside a 200, or inside a stream's chunk: on top, in the choice, or as its finish reason."""
    value = answer.error
    if value is None and answer.x_groq is not None:
        value = answer.x_groq.error
    for choice in answer.choices or ():
        if value is None:
            value = choice.error
        if value is None and choice.finish_reason == "error":
            value = "the upstream failed while it answered"
    if not value and (value is None or answer.choices):
        return None
    return error_of({"error": value}, endpoint, status=None, request_id=answer.id or None, body=body)


def encode_error(error: ModelError) -> bytes:
    """The error as OpenRouter writes it; decoding it with the same status gives the same class and message."""
    return msgspec.json.encode({"error": error_object(error)})


def error_object(error: ModelError) -> dict[str, Any]:
    """The inside of the envelope."""
    number, word = error_words(error)
    return {"message": error.message, "code": error.status or number, "type": word, **availability(error)}
