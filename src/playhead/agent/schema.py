"""JSON schemas from Python types: what a model is told of a tool's arguments or of an output type.

msgspec makes the schema of everything it knows (scalars, enums, dataclasses, TypedDicts, Structs, unions). A pydantic
model is recognised by its methods, so pydantic need not be installed. ``Annotated[str, "the city"]`` is a description;
references are inlined, since not every provider follows ``$ref`` (a type that holds itself keeps its ``$defs``).

``schema_of(Args) -> {"type": "object", "properties": {"location": {"type": "string", "description": "the city"}},
"required": ["location"]}``
"""

from __future__ import annotations

from datetime import datetime, time
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from playhead.errors import ConfigError


def described(annotation: Any, text: str | None = None) -> Any:
    """The annotation with its plain-text metadata turned into a msgspec description; ``text`` is used where it has
    none. ``Annotated[str, "the city"]`` -> ``Annotated[str, Meta(description="the city")]``."""
    if get_origin(annotation) is Annotated:
        base, *metadata = get_args(annotation)
        words = [item for item in metadata if isinstance(item, str)]
        kept = [item for item in metadata if isinstance(item, msgspec.Meta)]
        for item in metadata:  # pydantic's Field(description=…), typing's Doc: by attribute, so neither is imported
            word = getattr(item, "documentation", None) or (
                None if isinstance(item, msgspec.Meta) else getattr(item, "description", None)
            )
            if isinstance(word, str):
                words.append(word)
        if any(meta.description for meta in kept):
            words = []
        elif not words and text:
            words = [text]
        if words:
            kept.append(msgspec.Meta(description=" ".join(words)))
        result = base
        for meta in kept:
            result = Annotated[result, meta]
        return result
    return Annotated[annotation, msgspec.Meta(description=text)] if text else annotation


#: A time without a word of its zone is any text to msgspec's schemas.
_FORMATS = {datetime: "date-time", time: "time"}


def dated(annotation: Any) -> Any:
    """The annotation with a format where it says ``datetime`` or ``time``, itself or in a union or a container."""
    if isinstance(annotation, type) and annotation in _FORMATS:
        return Annotated[annotation, msgspec.Meta(extra_json_schema={"format": _FORMATS[annotation]})]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        made: Any = dated(inner[0])
        for more in inner[1:]:
            made = Annotated[made, more]
        return made
    if origin in (Union, UnionType):
        union: Any = Union
        return union[tuple(map(dated, inner))]
    if origin in (list, tuple, set, frozenset, dict):
        return origin[tuple(map(dated, inner))]
    return annotation


def schema_of(kind: Any) -> dict[str, Any]:
    """The JSON schema of a type, references inlined, without titles of our making.

    Raises:
        ConfigError: the type is none that JSON can hold; the message names it, and the tool and the parameter, or the
            struct and the field, that has it.
    """
    if hasattr(kind, "model_json_schema"):
        return inlined(kind.model_json_schema())
    try:
        return inlined(msgspec.json.schema(kind, schema_hook=_foreign_schema))
    except TypeError as error:
        place, part = _blamed(kind)
        raise ConfigError(f"{place}no JSON schema can be made of {part!r}: {error}") from error


#: What the struct of a tool's arguments is called after the tool's name.
ARGUMENTS = "_arguments"


def _blamed(kind: Any) -> tuple[str, Any]:
    """The first field of a struct of which no schema can be made: its place and its type. Other types: themselves."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for field in msgspec.structs.fields(kind):
            try:
                msgspec.json.schema(field.type, schema_hook=_foreign_schema)
            except TypeError:
                inner = get_args(field.type)[0] if get_origin(field.type) is Annotated else field.type
                if kind.__name__.endswith(ARGUMENTS):
                    return f"tool {kind.__name__.removesuffix(ARGUMENTS)}: parameter {field.name!r}: ", inner
                return f"{kind.__name__}: field {field.name!r}: ", inner
    return "", kind


def _foreign_schema(kind: Any) -> dict[str, Any]:
    if hasattr(kind, "model_json_schema"):
        return inlined(kind.model_json_schema())
    raise TypeError(f"{kind!r} is none of the types that can be read from JSON")


def convert_foreign(kind: Any, value: Any) -> Any:
    """msgspec's ``dec_hook``: a pydantic model validates itself."""
    if hasattr(kind, "model_validate"):
        try:
            return kind.model_validate(value)
        except ValueError as error:  # pydantic's ValidationError is one
            raise ValueError(told(error)) from error
    raise NotImplementedError(f"{kind!r} cannot be read from JSON")


def told(error: Exception) -> str:
    """What does not fit, and where. pydantic's own words run over lines and end in an address with its version in it:
    they are told as msgspec tells its, so that the same mistake is told in the same words tomorrow."""
    errors = getattr(error, "errors", None)
    if not callable(errors):
        return str(error)
    places = [
        (one["msg"], "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in one["loc"]))
        for one in errors(include_url=False)
    ]
    return "; ".join(f"{words} - at `${place}`" if place else words for words, place in places)


#: ``discriminator`` is OpenAPI's, beside an ``anyOf`` that says the same; it points at definitions that are inlined.
_DROPPED = ("$defs", "definitions", "discriminator")

_NOT_BESIDE = ("$ref", "$defs", "definitions", "title")


def inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with every ``$ref`` into its own ``$defs`` put in its place, and ``title`` left out where it only
    repeats a name. A definition that refers to itself stays a reference, and its ``$defs`` stay."""
    definitions: dict[str, Any] = {**schema.get("$defs", {}), **schema.get("definitions", {})}
    kept: dict[str, Any] = {}

    def walk(node: Any, open_names: tuple[str, ...], in_properties: bool = False) -> Any:
        if isinstance(node, list):
            return [walk(item, open_names) for item in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref") if not in_properties else None
        if isinstance(reference, str) and reference.rpartition("/")[0] in ("#/$defs", "#/definitions"):
            name = reference.rpartition("/")[2]
            if name in open_names:
                if name not in kept:
                    kept[name] = None  # holds the place while its own body is walked
                    kept[name] = walk(definitions[name], (*open_names, name))
                return {**node, "$ref": f"#/$defs/{name}"}
            beside = {key: walk(value, open_names) for key, value in node.items() if key not in _NOT_BESIDE}
            return {**walk(definitions.get(name, {}), (*open_names, name)), **beside}
        result = {}
        for key, value in node.items():
            if not in_properties and (key in _DROPPED or (key == "title" and isinstance(value, str))):
                continue
            result[key] = walk(value, open_names, in_properties=key == "properties" and not in_properties)
        return result

    body: dict[str, Any] = walk(schema, ())
    if kept:
        body["$defs"] = kept
    return body
