"""``--output-schema``: an answer that holds a JSON schema of a file.

The schema goes to the model as any output type's does, in whichever way it does best; what comes back is looked at
here, as far as types, names and enumerations go (https://json-schema.org/draft/2020-12/json-schema-validation), and
what does not fit goes back to the model with what is wrong, as for every type. Whoever needs more of the schema held
(patterns, bounds) has the JSON, and a validator of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from playhead.cli.ends import UsageError
from playhead.errors import TapeError
from playhead.tapes.files import read_document

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
#: How deep a value is looked at; a schema may refer to itself.
_DEEPEST = 100


def schema_type(file: str) -> type:
    """A type whose schema is the one in the file; what is read as it has the ``value``.

    Raises:
        UsageError: the file cannot be read, or holds no JSON schema.
    """
    try:
        schema = msgspec.json.decode(read_document(Path(file), "the schema"))
    except TapeError as error:
        raise UsageError(f"--output-schema: {error}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"--output-schema {file}: this is no JSON: {error}") from error
    if not isinstance(schema, dict) or not ({"type", "properties", "anyOf", "oneOf", "$ref", "enum"} & schema.keys()):
        raise UsageError(f'--output-schema {file}: expected a JSON schema, as {{"type": "object", "properties": …}}')
    names = (schema.get("title"), Path(file).stem, "value")
    name = next(name for name in names if isinstance(name, str) and name.isidentifier())
    return type(name, (_Answer,), {"schema": schema})


class _Answer:
    """Read and told like a pydantic model, by the same two names."""

    schema: dict[str, Any]

    def __init__(self, value: Any) -> None:
        self.value = value

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        """The schema of the file."""
        return cls.schema

    @classmethod
    def model_validate(cls, value: Any) -> _Answer:
        """The value, looked at.

        Raises:
            ValueError: it does not fit; says where.
        """
        _check(value, cls.schema, cls.schema, "$", 0)
        return cls(value)


def _check(value: Any, schema: Any, root: dict[str, Any], place: str, depth: int) -> None:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return
    if isinstance(reference := schema.get("$ref"), str):
        _check(value, _referred(reference, root), root, place, depth + 1)
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is(value, kind) for kind in kinds):
        raise ValueError(f"expected {' or '.join(map(str, kinds))} - at `{place}`")
    if "enum" in schema and value not in schema["enum"]:
        raise ValueError(f"expected one of {_json(schema['enum'])} - at `{place}`")
    if "const" in schema and value != schema["const"]:
        raise ValueError(f"expected {_json(schema['const'])} - at `{place}`")
    for one in schema.get("allOf", ()):
        _check(value, one, root, place, depth + 1)
    for alternatives in (schema.get("anyOf"), schema.get("oneOf")):
        if alternatives and not any(_fits(value, one, root, place, depth + 1) for one in alternatives):
            _check(value, alternatives[0], root, place, depth + 1)
    if isinstance(value, dict):
        _check_object(value, schema, root, place, depth)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _check(item, schema.get("items"), root, f"{place}[{number}]", depth + 1)


def _check_object(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], place: str, depth: int) -> None:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    missing = next((name for name in schema.get("required", ()) if name not in value), None)
    if missing is not None:
        raise ValueError(f"{missing!r} is missing - at `{place}`")
    for name, item in value.items():
        if name in properties:
            _check(item, properties[name], root, f"{place}.{name}", depth + 1)
        elif others is False:
            raise ValueError(f"{name!r} is not expected - at `{place}`")
        else:
            _check(item, others, root, f"{place}.{name}", depth + 1)


def _fits(value: Any, schema: Any, root: dict[str, Any], place: str, depth: int) -> bool:
    try:
        _check(value, schema, root, place, depth)
    except ValueError:
        return False
    return True


def _is(value: Any, kind: Any) -> bool:
    if isinstance(value, bool):
        return bool(kind == "boolean")
    if kind == "integer" and isinstance(value, float):
        return bool(value % 1 == 0)
    known = _TYPES.get(kind) if isinstance(kind, str) else None
    return known is None or isinstance(value, known)


def _referred(reference: str, root: Any) -> Any:
    """What a reference within the schema leads to; None, which everything fits, where it leads nowhere."""
    for name in reference.removeprefix("#").split("/")[1:]:
        root = root.get(name.replace("~1", "/").replace("~0", "~")) if isinstance(root, dict) else None
    return root if reference.startswith("#") else None


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
