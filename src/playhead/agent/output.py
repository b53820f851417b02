"""Structured output: an answer as a value of the caller's type.

The type becomes a JSON schema that the request carries; the answer's text is read back as the type. What does not fit
is an :class:`OutputError` that says where. Dataclasses, TypedDicts, msgspec Structs, pydantic models and unions of them
are taken; ``str`` (or None) means plain text.

Types that JSON cannot tell apart (a union of two dataclasses) are told apart by what fits: of those that hold the
answer, the one that knows most of its fields, and of equals the first.

What providers make of a schema is read back here: a value in an object of one property, since an answer had to be an
object; null, where a property had to be there. How JSON is found and mended is in :mod:`.reading`.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

import msgspec

from playhead.agent.reading import found, mended, parsed, unfenced, without_nulls
from playhead.agent.schema import convert_foreign, schema_of, told
from playhead.errors import ConfigError, OutputError
from playhead.messages import Message, Part, Refusal, Text
from playhead.request import ANSWER, OutputMode, OutputSchema

if TYPE_CHECKING:
    from playhead.agent.run import Run

#: So much of an answer that does not fit is shown, in characters.
_SHOWN = 80


#: The property that holds a value which is no object, where a provider wants an object.
VALUE = "value"

#: How the words begin that an answer is sent back with.
COMPLAINT = "That does not fit: "


class Reading(msgspec.Struct, frozen=True):
    """An answer as a value. ``mended`` says that its JSON was broken."""

    value: Any
    mended: bool = False


def output_schema(kind: Any, mode: OutputMode | None = None) -> OutputSchema | None:
    """The schema that a request carries for an output type; None for plain text. ``mode`` says how it is asked for.

    Raises:
        ConfigError: the type is none that JSON can hold; the message names it.
    """
    if kind is None or kind is str:
        return None
    try:
        schema = _schema(kind)
    except ConfigError as error:
        raise ConfigError(f"output: {error}") from error
    return OutputSchema(_wire_name(kind), schema, schema.get("description"), None, mode)


def _schema(kind: Any) -> dict[str, Any]:
    try:
        return schema_of(kind)
    except ConfigError:
        if not _alternatives(kind):
            raise
        return {"anyOf": [_schema(one) for one in _alternatives(kind)]}


def answer_text(messages: Sequence[Message]) -> str:
    """The text of the answer that a conversation ends with: that which came as a tool's arguments where any did, and
    the last of them, else all of it, with what was said before a pause."""
    parts: list[Part] = []
    for message in reversed(messages):
        if message.role != "assistant" or (parts and not message.paused):
            break
        parts[:0] = message.parts
    texts = [part for part in parts if isinstance(part, Text)]
    given = [part.text for part in texts if part.opaque is not None and part.opaque.origin == ANSWER]
    return given[-1] if given else "".join(part.text for part in texts)


def complaint(kind: Any, messages: Sequence[Message]) -> str | None:
    """What is wrong with the answer that a conversation ends with, in words for the model; None where it fits, and
    where the model refused, which no complaint would change."""
    if messages[-1].all(Refusal):
        return None
    try:
        reading(kind, answer_text(messages))
    except OutputError as error:
        return f"{COMPLAINT}{error.complaint}. Give the whole answer again, corrected."
    return None


def read_output(kind: Any, text: str) -> Any:
    """The answer as the type.

    Raises:
        OutputError: the text is no JSON, or does not hold the type; the message says where.
    """
    return reading(kind, text).value


def reading(kind: Any, text: str, *, cut: bool = False) -> Reading:
    """The answer as the type. What is ``cut`` off is not mended: what is missing is not made up.

    Raises:
        OutputError: the text is no JSON, or does not hold the type; the message says where.
    """
    if kind is None or kind is str:
        return Reading(text)
    try:
        return _reading(kind, text, cut)
    except (ValueError, RecursionError) as error:  # msgspec's and pydantic's errors, and Unicode's, are ValueErrors
        words = told(error)
        raise OutputError(f"the answer is no {_name(kind)}: {words}; it begins {text[:_SHOWN]!r}", words) from error


def _reading(kind: Any, text: str, cut: bool) -> Reading:
    body = unfenced(text)
    union = bool(_alternatives(kind))
    try:
        if not (union and body.startswith("{")):
            return Reading(_read(kind, body))
    except ValueError as error:
        first: ValueError = error
    else:
        first = ValueError("")
    data = parsed(body)
    if data is not None:
        return Reading(_fitted(kind, data[0]))
    if not cut and not any(mark in body for mark in '{["'):
        raise ValueError("no JSON was found in it") from first
    if union:
        first = _syntax(body)
    for span in found(body):
        try:
            return Reading(_fitted(kind, msgspec.json.decode(span)))
        except ValueError as error:
            first = error
    whole = None if cut else mended(body)
    if whole is not None:
        try:
            return Reading(_fitted(kind, whole[0]), True)
        except ValueError:
            pass
    raise first


def _syntax(body: str) -> ValueError:
    try:
        msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        return error if isinstance(error, ValueError) else ValueError(str(error))
    return ValueError("it is no JSON")


def _fitted(kind: Any, data: Any) -> Any:
    """The data as the type: as it is, out of its object, without the nulls that stand for nothing."""
    schema = _schema(kind)
    tries: list[tuple[Any, dict[str, Any], bool]] = [(data, schema, False)]
    if isinstance(data, dict) and data.keys() == {VALUE} and not _has_value(schema):
        tries.insert(0, (data[VALUE], schema, True))
    first: ValueError | None = None
    for value, told_as, inside in tries:
        bare = without_nulls(value, told_as)
        # In a union a null too many must not make another type fit better.
        for body in (bare, value) if _alternatives(kind) else (value, bare):
            try:
                return _read(kind, msgspec.json.encode(body).decode())
            except ValueError as error:
                if first is None:
                    first = ValueError(str(told(error)).replace("`$", f"`$.{VALUE}")) if inside else error
    assert first is not None  # noqa: S101 - there is at least one try, and it either returned or left its error
    raise first


def unwraps(kind: Any) -> bool:
    """Whether an answer of this type may stand in an object that only holds it."""
    schema = _schema(kind)
    return schema.get("type") != "object" and not _has_value(schema)


def _has_value(schema: dict[str, Any]) -> bool:
    """Whether a property of the type itself is called as the one that holds a value."""
    every = [schema, *schema.get("anyOf", ())]
    return any(isinstance(one, dict) and VALUE in one.get("properties", ()) for one in every)


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
            complaints.append(f"as {_name(one)}: {told(error)}")
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
        return "None"
    return str(getattr(kind, "__name__", kind))


def _wire_name(kind: Any) -> str:
    """The name of a schema in the letters that every provider takes, 64 of them at most: ``A_or_B``."""
    name = _name(kind).removesuffix(" or None")
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in name)[:64] or "output"


def output_of(kind: Any, run: Run[Any], final: str | None = None) -> Any:
    """A run's answer as the output type; ``final`` is what a tool ended the run with, where one did.

    Raises:
        OutputError: it does not hold the type; an answer that was refused or cut off says so.
    """
    if final is not None:
        return reading(kind, final).value
    response = run.steps[-1].response
    finish = response.finish.unified
    refused = " ".join(part.text for part in response.parts if isinstance(part, Refusal))
    try:
        read = reading(kind, answer_text(run.messages), cut=finish == "length")
    except OutputError as error:
        if refused:
            raise OutputError(f"the model refused: {refused}") from error
        if finish == "length":
            raise OutputError(f"the answer was cut off at its token limit, see max_tokens=: {error}") from error
        if finish == "content_filter":
            raise OutputError(f"the answer was filtered: {error}") from error
        raise
    if read.mended:
        run.warnings.append("the answer's JSON was broken; it was mended, and the output is made of what that gave")
    return read.value
