"""Structured output: an answer as a value of the caller's type.

The type becomes a JSON schema that the request carries; the answer's text is read back as the type. What does not fit
is an :class:`OutputError` that says where. Dataclasses, TypedDicts, msgspec Structs, unions of them and pydantic
models are taken; ``str`` (or None) means plain text.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.agent.schema import convert_foreign, schema_of
from playhead.errors import OutputError
from playhead.request import OutputSchema


def output_schema(kind: Any) -> OutputSchema | None:
    """The schema that a request carries for an output type; None for plain text."""
    if kind is None or kind is str:
        return None
    schema = schema_of(kind)
    name = "".join(
        c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in getattr(kind, "__name__", "output")
    )
    return OutputSchema(name[:64] or "output", schema, schema.get("description"), None)


def read_output(kind: Any, text: str) -> Any:
    """The answer as the type.

    Raises:
        OutputError: the text is no JSON, or does not hold the type; the message says where.
    """
    if kind is None or kind is str:
        return text
    body = _unfenced(text)
    try:
        if hasattr(kind, "model_validate_json"):
            try:
                return kind.model_validate_json(body)
            except ValueError as error:
                raise OutputError(f"the answer is no {kind.__name__}: {error}") from error
        return msgspec.json.decode(body, type=kind, dec_hook=convert_foreign)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        name = getattr(kind, "__name__", str(kind))
        raise OutputError(f"the answer is no {name}: {error}; it begins {text[:80]!r}") from error


def _unfenced(text: str) -> str:
    """The JSON inside a Markdown fence, which models like to put around it."""
    body = text.strip()
    if body.startswith("```") and body.endswith("```") and "\n" in body:
        return body[body.index("\n") + 1 : -3].strip()
    return body
