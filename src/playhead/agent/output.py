"""Structured output: an answer as a value of the caller's type.

The type becomes a JSON schema that the request carries; the answer's text is read back as the type. What does not fit
is an :class:`OutputError` that says where. Dataclasses, TypedDicts, msgspec Structs, pydantic models and unions of them
are taken; ``str`` (or None) means plain text.

Types that JSON cannot tell apart (a union of two dataclasses) are told apart by what fits: of those that hold the
answer, the one that knows most of its fields, and of equals the first.
"""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from playhead.agent.schema import convert_foreign, schema_of
from playhead.errors import ConfigError, OutputError
from playhead.request import OutputSchema
from playhead.surrogates import whole_escapes

#: So much of an answer that does not fit is shown, in characters.
_SHOWN = 80


def output_schema(kind: Any) -> OutputSchema | None:
    """The schema that a request carries for an output type; None for plain text.

    Raises:
        ConfigError: the type is none that JSON can hold; the message names it.
    """
    if kind is None or kind is str:
        return None
    try:
        schema = schema_of(kind)
    except ConfigError:
        if not _alternatives(kind):
            raise
        schema = {"anyOf": [schema_of(one) for one in _alternatives(kind)]}
    return OutputSchema(_wire_name(kind), schema, schema.get("description"), None)


def read_output(kind: Any, text: str) -> Any:
    """The answer as the type.

    Raises:
        OutputError: the text is no JSON, or does not hold the type; the message says where.
    """
    if kind is None or kind is str:
        return text
    body = _unfenced(text)
    try:
        try:
            return _read(kind, body)
        except msgspec.DecodeError:
            whole = whole_escapes(body)
            if whole == body:
                raise
            return _read(kind, whole)
    except (ValueError, RecursionError) as error:  # msgspec's and pydantic's errors, and Unicode's, are ValueErrors
        raise OutputError(f"the answer is no {_name(kind)}: {error}; it begins {text[:_SHOWN]!r}") from error


def _read(kind: Any, body: str) -> Any:
    if hasattr(kind, "model_validate_json"):
        return kind.model_validate_json(body)
    try:
        return msgspec.json.decode(body, type=kind, dec_hook=convert_foreign)
    except TypeError:  # no decoder for this type: a union of what JSON cannot tell apart
        kinds = _alternatives(kind)
        if not kinds:
            raise
    given = msgspec.json.decode(body)
    fits: list[tuple[int, Any]] = []
    complaints: list[str] = []
    for one in kinds:
        try:
            value = _read(one, body)
        except ValueError as error:
            complaints.append(f"as {_name(one)}: {error}")
        else:
            known = schema_of(one).get("properties", ())
            fits.append((sum(name in known for name in given) if isinstance(given, dict) else 0, value))
    if not fits:
        raise ValueError("; ".join(complaints))
    return max(fits, key=lambda fit: fit[0])[1]


def _alternatives(kind: Any) -> tuple[Any, ...]:
    """The types of a union; () for what is none."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else ()


def _name(kind: Any) -> str:
    """What a type is called: ``A or B`` for a union."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    kinds = _alternatives(kind)
    if kinds:
        return " or ".join(_name(one) for one in kinds)
    if kind is None or kind is type(None):
        return "null"
    return str(getattr(kind, "__name__", kind))


def _wire_name(kind: Any) -> str:
    """The name of a schema in the letters that every provider takes, 64 of them at most: ``A_or_B``."""
    name = _name(kind).removesuffix(" or null")
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in name)[:64] or "output"


def _unfenced(text: str) -> str:
    """The JSON inside a Markdown fence, which models like to put around it."""
    body = text.strip()
    if body.startswith("```") and body.endswith("```") and "\n" in body:
        return body[body.index("\n") + 1 : -3].strip()
    return body
