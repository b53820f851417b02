"""The schema of an answer as OpenAI's two wires say it, both ways: the same fields, which one of them wraps once more.

``{"name", "description", "schema", "strict"}`` stand in ``response_format.json_schema`` of the chat wire, and beside
the type in ``text.format`` of the responses wire.
"""

from __future__ import annotations

from typing import Any

from playhead.request import OutputSchema


def encode_schema(output: OutputSchema) -> dict[str, Any]:
    """The fields of an output that has a schema."""
    said: dict[str, Any] = {"name": output.name}
    if output.description is not None:
        said["description"] = output.description
    said["schema"] = output.schema
    if output.strict is not None:
        said["strict"] = output.strict
    return said


def decode_schema(said: Any) -> OutputSchema | None:
    """The output that these fields say; None where they are not of that shape."""
    match said:
        case {"name": str(name), "schema": dict(schema)}:
            description, strict = said.get("description"), said.get("strict")
            return OutputSchema(
                name,
                schema,
                description if isinstance(description, str) else None,
                strict if isinstance(strict, bool) else None,
            )
        case _:
            return None
