"""JSON schema to the subset of OpenAPI 3.0's that this wire's ``Schema`` is, and back.

``to_wire({"type": ["string", "null"]}, upper=True) -> ({"type": "STRING", "nullable": True}, [])``. Where the wire
takes JSON schema itself (``parametersJsonSchema``, ``responseJsonSchema``) none of this is needed.

- References are inlined; one that refers to itself cannot be, and becomes an object of any kind.
- ``const`` becomes an enum of one; a union with null becomes ``nullable``; ``oneOf`` becomes ``anyOf``; ``allOf`` is
  merged. Enums hold strings only: numbers in one are left out where their type is said beside them.
- ``additionalProperties: false`` and what only names the schema (``$schema``, ``$id``) is dropped without a word: it
  takes nothing away from what a model is told. Everything else that is dropped is named by path.

Reference: https://ai.google.dev/api/caching#Schema, as of 2026.
"""

from __future__ import annotations

from typing import Any

# ruff: noqa: SIM905 - the lists read better as words than as literals

#: Fields that mean the same in both, and whose value is no schema.
_PLAIN = frozenset(
    """description title format default example pattern required propertyOrdering minItems maxItems minProperties
    maxProperties minLength maxLength minimum maximum""".split()
)
_SILENT = frozenset("$schema $id $anchor $comment $defs definitions strict examples".split())

#: How deep references are followed: deeper than a real schema goes, shallower than Python's stack.
_DEPTH = 40

Schema = dict[str, Any]


def to_wire(schema: Schema, *, upper: bool) -> tuple[Schema, list[str]]:
    """The schema in the wire's subset, and the paths of what is lost. ``upper`` writes types as ``STRING``."""
    lost: list[str] = []
    writer = _Writer(schema, upper, lost)
    return writer.convert(schema, "", ()), lost


def from_wire(schema: Any) -> Any:
    """A schema of the wire as JSON schema: types in lower case, ``nullable`` as a union with null."""
    if not isinstance(schema, dict):
        return schema
    said: Schema = {}
    for key, value in schema.items():
        if key == "type" and isinstance(value, str):
            said[key] = value.lower()
        elif key in ("items", "additionalProperties"):
            said[key] = from_wire(value)
        elif key == "properties" and isinstance(value, dict):
            said[key] = {name: from_wire(inner) for name, inner in value.items()}
        elif key in ("anyOf", "prefixItems") and isinstance(value, list):
            said[key] = [from_wire(inner) for inner in value]
        elif key != "nullable":
            said[key] = value
    if schema.get("nullable") is True and isinstance(said.get("type"), str):
        said["type"] = [said["type"], "null"]
    elif "nullable" in schema:
        said["nullable"] = schema["nullable"]
    return said


class _Writer:
    def __init__(self, root: Schema, upper: bool, lost: list[str]) -> None:
        self.root = root
        self.upper = upper
        self.lost = lost

    def convert(self, schema: Any, path: str, seen: tuple[str, ...]) -> Schema:
        if not isinstance(schema, dict):
            if schema is not True:
                self.lost.append(path or "the schema")
            return {}
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self._inline(schema, reference, path, seen)
        schema = self._merged(schema, path, seen)
        said: Schema = {}
        for key, value in schema.items():
            where = f"{path}.{key}" if path else key
            if key in _PLAIN:
                said[key] = value
            elif key == "type":
                self._type(value, said, where)
            elif key == "nullable":
                said[key] = value
            elif key == "properties" and isinstance(value, dict):
                said[key] = {name: self.convert(inner, f"{where}.{name}", seen) for name, inner in value.items()}
            elif key == "items":
                said[key] = self.convert(value, where, seen)
            elif key in ("anyOf", "oneOf") and isinstance(value, list):
                self._union(value, said, where, seen)
            elif key == "enum" and isinstance(value, list):
                self._enum(value, said, where)
            elif key == "const":
                self._enum([value], said, where)
            elif key == "exclusiveMinimum" and schema.get("type") == "integer" and type(value) is int:
                said["minimum"] = value + 1
            elif key == "exclusiveMaximum" and schema.get("type") == "integer" and type(value) is int:
                said["maximum"] = value - 1
            elif key not in _SILENT and not (key == "additionalProperties" and value is False):
                self.lost.append(where)
        if "anyOf" in said and "type" in said:
            del said["type"]  # beside a union the wire takes no type
        return said

    def _inline(self, schema: Schema, reference: str, path: str, seen: tuple[str, ...]) -> Schema:
        target: Any = self.root if reference.startswith("#") else None
        for step in reference[1:].split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            target = target.get(step) if isinstance(target, dict) else None
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        if not isinstance(target, dict) or reference in seen or len(seen) > _DEPTH:
            self.lost.append(f"{path}.$ref" if path else "$ref")
            return {"type": self._word("object"), **self.convert(beside, path, seen)}
        return self.convert({**target, **beside}, path, (*seen, reference))

    def _merged(self, schema: Schema, path: str, seen: tuple[str, ...]) -> Schema:
        """The schema with its ``allOf`` taken in, where that is a list of schemas."""
        every = schema.get("allOf")
        if not isinstance(every, list):
            return schema
        said: Schema = {}
        for inner in [*every, {key: value for key, value in schema.items() if key != "allOf"}]:
            while isinstance(inner, dict) and isinstance(inner.get("$ref"), str) and inner["$ref"] not in seen:
                seen = (*seen, inner["$ref"])
                target: Any = self.root
                for step in inner["$ref"][1:].split("/")[1:]:
                    target = target.get(step) if isinstance(target, dict) else None
                inner = target
            if not isinstance(inner, dict):
                self.lost.append(f"{path}.allOf" if path else "allOf")
                continue
            for key, value in inner.items():
                known = said.get(key)
                if key == "properties" and isinstance(known, dict) and isinstance(value, dict):
                    said[key] = {**known, **value}
                elif key == "required" and isinstance(known, list) and isinstance(value, list):
                    said[key] = [*known, *(name for name in value if name not in known)]
                else:
                    said[key] = value
        return said if "allOf" not in said else {key: value for key, value in said.items() if key != "allOf"}

    def _word(self, kind: Any) -> Any:
        return kind.upper() if self.upper and isinstance(kind, str) else kind

    def _type(self, kind: Any, said: Schema, where: str) -> None:
        if isinstance(kind, str):
            said["type"] = self._word(kind)
        elif isinstance(kind, list):
            others = [word for word in kind if word != "null"]
            if len(others) < len(kind):
                said["nullable"] = True
            if len(others) == 1:
                said["type"] = self._word(others[0])
            elif others:
                said["anyOf"] = [{"type": self._word(word)} for word in others]
        else:
            self.lost.append(where)

    def _union(self, members: list[Any], said: Schema, where: str, seen: tuple[str, ...]) -> None:
        others = [member for member in members if member != {"type": "null"}]
        if len(others) < len(members):
            said["nullable"] = True
        converted = [self.convert(member, f"{where}[{n}]", seen) for n, member in enumerate(others)]
        if len(converted) == 1 and len(others) < len(members):
            for key, value in converted[0].items():
                said.setdefault(key, value)
        else:
            said["anyOf"] = converted

    def _enum(self, values: list[Any], said: Schema, where: str) -> None:
        if None in values:
            said["nullable"] = True
            values = [value for value in values if value is not None]
        if all(isinstance(value, str) for value in values):
            said["enum"] = values
            said.setdefault("type", self._word("string"))
        else:
            self.lost.append(where)
            if "type" not in said:
                kinds = {bool: "boolean", int: "integer", float: "number"}
                kind = kinds.get(type(values[0])) if values else None
                if kind is not None:
                    said["type"] = self._word(kind)
