"""JSON schemas rewritten to what a provider takes: data says what that is, one pure function does it.

A :class:`Rules` row is what one maker documents of the schemas that it holds an answer to; ``rewritten(schema, rules)``
makes such a schema, or says why there is none. The rules it keeps:

- Nothing that was allowed before is forbidden after, but for what the row leaves no way to say; what a rewritten schema
  allows besides (null for an optional property, an object around a list) is read back by :mod:`playhead.agent.output`.
- A limit that the provider cannot hold (``minLength``) is told in the description instead, and reported by path; the
  type still holds it when the answer is read.
- A schema with something in it that cannot be said at all (a dict of any keys, where objects must be closed) gives
  None, and the caller does without the provider's guarantee.
- A schema that fits already comes out equal.

OpenAI: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas. Anthropic:
https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations. Amazon Bedrock:
https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html. Gemini:
https://ai.google.dev/api/generate-content#generationconfig (``responseJsonSchema``). The rows of
Anthropic and Gemini follow what those makers' own clients of 2026 do and say; OpenAI's follows a list made of its page,
and Bedrock's is Anthropic's, not compared word for word.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

# ruff: noqa: SIM905 - the lists read better as words than as literals

Schema = dict[str, Any]

#: The property that holds a value which is no object, where a provider wants an object at the top.
VALUE = "value"


class Rules(msgspec.Struct, frozen=True):
    """What one maker's schemas may hold.

    Attributes:
        strict: "flag" where holding the schema exactly is claimed with ``strict`` and may be left unclaimed, "always"
            where every schema is held so or refused, "never" where there is no such thing.
        object_root: the schema must be of one object, no list, scalar or union.
        all_required: every property is required; what was optional may be null instead.
        closed: objects must say ``additionalProperties: false``.
        recursive: a schema may refer to itself.
        limits: keywords beside the structure that are held.
        formats: the values of ``format`` that are held; None for any.
        least_items: the values of ``minItems`` that are held; None for any.
        says_const: ``const`` is known; where not, it is an enum of one.
        describes: the wire has a place of its own for the schema's description.
    """

    strict: Literal["flag", "always", "never"] = "never"
    object_root: bool = False
    all_required: bool = False
    closed: bool = False
    recursive: bool = True
    limits: frozenset[str] = frozenset()
    formats: frozenset[str] | None = None
    least_items: frozenset[int] | None = None
    says_const: bool = True
    describes: bool = False


_FORMATS = "date-time time date duration email hostname ipv4 ipv6 uuid"
_NUMBERS = "multipleOf minimum maximum exclusiveMinimum exclusiveMaximum"

_OPENAI = Rules(
    "flag",
    object_root=True,
    all_required=True,
    closed=True,
    limits=frozenset(f"{_NUMBERS} pattern format minItems maxItems".split()),
    formats=frozenset(_FORMATS.split()),
    describes=True,
)
_ANTHROPIC = Rules(
    "always",
    object_root=True,
    closed=True,
    recursive=False,
    limits=frozenset("format minItems".split()),
    formats=frozenset(f"{_FORMATS} uri".split()),
    least_items=frozenset((0, 1)),
)
_GEMINI = Rules(
    limits=frozenset("format minimum maximum minItems maxItems prefixItems additionalProperties".split()),
    says_const=False,
)

#: The rows by the name that a profile's ``output_schemas`` has. "any" takes a schema as it is.
RULES: dict[str, Rules] = {"openai": _OPENAI, "anthropic": _ANTHROPIC, "bedrock": _ANTHROPIC, "gemini": _GEMINI}

#: Say nothing of what fits, or what being absent means, which reading the answer does.
_SILENT = frozenset("$schema $id $anchor $comment default examples title strict deprecated readOnly writeOnly".split())

#: Told in words where they are not held.
_LIMITS = frozenset(
    f"""{_NUMBERS} pattern format minLength maxLength minItems maxItems uniqueItems minProperties maxProperties
    contentEncoding contentMediaType propertyNames""".split()
)


class Rewritten(msgspec.Struct, frozen=True):
    """A schema that fits, and the paths of the limits that are only told in words."""

    schema: Schema
    told: tuple[str, ...] = ()


class _CannotBe(Exception):
    """There is no such schema under these rules."""


def rewritten(schema: Schema, rules: Rules) -> Rewritten | str:
    """The schema as the rules want it; why there is none, in words, where there is none."""
    writer = _Writer(schema, rules)
    try:
        made = writer.root(schema)
    except _CannotBe as why:
        return str(why)
    return Rewritten(made, tuple(writer.told))


def is_object(schema: Schema) -> bool:
    """Whether a schema is of one object, and so may stand where a provider wants one."""
    return schema.get("type") == "object" and not any(key in schema for key in ("anyOf", "oneOf", "allOf", "$ref"))


def wrapped(schema: Schema) -> Schema:
    """The schema of an object that holds a value of this one: ``[1, 2] -> {"value": [1, 2]}``."""
    inner = {key: value for key, value in schema.items() if key not in ("$defs", "definitions")}
    made: Schema = {
        "type": "object",
        "properties": {VALUE: _moved(inner)},
        "required": [VALUE],
        "additionalProperties": False,
    }
    definitions = {**schema.get("definitions", {}), **schema.get("$defs", {})}
    return {**made, "$defs": _moved(definitions)} if definitions else made


def _moved(node: Any) -> Any:
    """References to the root point at where it is now."""
    if isinstance(node, dict):
        return {
            key: f"#/properties/{VALUE}" if key == "$ref" and value == "#" else _moved(value)
            for key, value in node.items()
        }
    return [_moved(item) for item in node] if isinstance(node, list) else node


class _Writer:
    def __init__(self, root: Schema, rules: Rules) -> None:
        self.rules = rules
        self.told: list[str] = []
        self.definitions: Schema = {**root.get("definitions", {}), **root.get("$defs", {})}

    def root(self, schema: Schema) -> Schema:
        body = {key: value for key, value in schema.items() if key not in ("$defs", "definitions")}
        made = self.write(body, "", ())
        if self.rules.recursive and _refers(made):
            made["$defs"] = {name: self.write(one, f"$defs.{name}", ()) for name, one in self.definitions.items()}
        return made

    def write(self, schema: Any, path: str, open_names: tuple[str, ...]) -> Schema:
        if not isinstance(schema, dict):
            if schema is True and not self.rules.closed:
                return {}
            raise _CannotBe(f"{path or 'the schema'} is {schema!r}")
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self._reference(schema, reference, path, open_names)
        if "allOf" in schema:
            schema = self._merged(schema, path)
        said: Schema = {}
        words: list[str] = []
        for key, value in schema.items():
            where = f"{path}.{key}" if path else key
            self._keyword(key, value, schema, said, words, where, open_names)
        if "properties" in said or said.get("type") == "object":
            self._close(schema, said, path)
        elif self.rules.closed and "type" not in said:
            if said.keys() & {"enum", "const"}:
                said["type"] = _kinds(said.get("enum", [said.get("const")]), path)
            elif "anyOf" not in said:
                raise _CannotBe(f"{path or 'the schema'} may be anything")
        if self.rules.closed and said.get("type") == "array" and "items" not in said:
            raise _CannotBe(f"{path or 'the schema'} is a list of anything")
        if words:
            said["description"] = f"{said.get('description', '')} ({', '.join(words)})".strip()
        return said

    def _keyword(
        self, key: str, value: Any, schema: Schema, said: Schema, words: list[str], where: str, names: tuple[str, ...]
    ) -> None:
        rules = self.rules
        if key == "properties" and isinstance(value, dict):
            said[key] = {name: self.write(one, f"{where}.{name}", names) for name, one in value.items()}
        elif key in ("anyOf", "oneOf") and isinstance(value, list):
            said["anyOf"] = [self.write(one, f"{where}[{n}]", names) for n, one in enumerate(value)]
        elif key == "items" and "prefixItems" not in schema:
            said[key] = self.write(value, where, names)
        elif key == "prefixItems" and isinstance(value, list):
            if key in rules.limits:
                said[key] = [self.write(one, f"{where}[{n}]", names) for n, one in enumerate(value)]
            else:  # the nearest that can be said: so many of any of them
                each: list[Schema] = []
                for n, one in enumerate(value):
                    made = self.write(one, f"{where}[{n}]", names)
                    if made not in each:
                        each.append(made)
                said["items"] = each[0] if len(each) == 1 else {"anyOf": each}
        elif key == "const" and not rules.says_const:
            said["enum"] = [value]
        elif key in ("type", "enum", "const", "required", "description"):
            said[key] = value
        elif key == "additionalProperties":
            self._additional(value, said, where, names)
        elif self._holds(key, value):
            said[key] = value
        elif key in _LIMITS:
            words.append(f"{key}: {value if isinstance(value, str) else msgspec.json.encode(value).decode()}")
            self.told.append(where)
        elif key not in _SILENT and key != "items":
            if rules.closed:
                raise _CannotBe(f"{where} cannot be said")
            self.told.append(where)

    def _holds(self, key: str, value: Any) -> bool:
        rules = self.rules
        if key not in rules.limits:
            return False
        if key == "format":
            return rules.formats is None or value in rules.formats
        return key != "minItems" or rules.least_items is None or value in rules.least_items

    def _additional(self, value: Any, said: Schema, where: str, names: tuple[str, ...]) -> None:
        if value is False or (not self.rules.closed and isinstance(value, bool)):
            said["additionalProperties"] = value
        elif self.rules.closed:
            raise _CannotBe(f"{where} is open, and objects must be closed")
        else:
            said["additionalProperties"] = self.write(value, where, names)

    def _close(self, schema: Schema, said: Schema, path: str) -> None:
        """An object with what the rules want of every object."""
        if not self.rules.closed:
            return
        if "properties" not in schema and "additionalProperties" not in schema:
            raise _CannotBe(f"{path or 'the schema'} is an object of any kind, and objects must be closed")
        said["additionalProperties"] = False
        properties = said.setdefault("properties", {})
        if self.rules.all_required:
            needed = said.get("required", ())
            for name, one in properties.items():
                if name not in needed:
                    properties[name] = nullable(one)
            if set(needed) != set(properties):
                said["required"] = list(properties)

    def _reference(self, schema: Schema, reference: str, path: str, open_names: tuple[str, ...]) -> Schema:
        name = reference.removeprefix("#/$defs/").removeprefix("#/definitions/")
        target: Schema = self.definitions.get(name, {})
        if reference != "#" and name not in self.definitions:
            raise _CannotBe(f"{path}: {reference} is not in the schema")
        if reference == "#" or name in open_names or _refers(target, name):
            if not self.rules.recursive:
                raise _CannotBe(f"{path or 'the schema'} refers to itself, which is not taken")
            return {"$ref": "#" if reference == "#" else f"#/$defs/{name}"}
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return self.write({**target, **beside}, path, (*open_names, name))

    def _merged(self, schema: Schema, path: str) -> Schema:
        """The schema with a lone ``allOf`` taken in; more of them cannot be said everywhere."""
        every = schema["allOf"]
        if not isinstance(every, list) or len(every) != 1 or not isinstance(every[0], dict):
            raise _CannotBe(f"{path or 'the schema'} joins schemas with allOf")
        rest = {key: value for key, value in schema.items() if key != "allOf"}
        return {**every[0], **rest}


_KINDS = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def _kinds(values: list[Any], path: str) -> str | list[str]:
    """The type of these values, which a strict reader of schemas wants said beside an enum."""
    kinds = list(dict.fromkeys(_KINDS.get(type(value), "") for value in values))
    if "" in kinds or not kinds:
        raise _CannotBe(f"{path or 'the schema'} is an enum of what is no scalar")
    return kinds[0] if len(kinds) == 1 else kinds


def nullable(schema: Schema) -> Schema:
    """The schema, or null."""
    kind = schema.get("type")
    if kind == "null" or (isinstance(kind, list) and "null" in kind):
        return schema
    scalar = isinstance(kind, str | list) and kind not in ("object", "array")
    if scalar and not schema.keys() & {"enum", "const", "anyOf"}:
        return {**schema, "type": [kind, "null"] if isinstance(kind, str) else [*(kind or ()), "null"]}
    members = schema["anyOf"] if schema.keys() <= {"anyOf", "description"} and "anyOf" in schema else None
    if members is None:
        members = [{key: value for key, value in schema.items() if key != "description"}]
    if not any(isinstance(one, dict) and one.get("type") == "null" for one in members):
        members = [*members, {"type": "null"}]
    said: Schema = {"anyOf": members}
    if "description" in schema:
        said["description"] = schema["description"]
    return said


def _refers(node: Any, name: str | None = None) -> bool:
    """Whether a schema holds a reference: to a definition of this name, or to any."""
    if isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str) and (name is None or reference.rpartition("/")[2] == name or reference == "#"):
            return True
        return any(_refers(value, name) for value in node.values())
    return isinstance(node, list) and any(_refers(item, name) for item in node)
