"""The careful reader: any YAML that holds a go-vcr v2 tape, by way of PyYAML's parser, and every error with its line.

It reads what the quick reader leaves: other indentation, flow style, folded text, comments, another order of the
keys, keys that playhead does not know. Scalars are taken as go-yaml v3 reads them into go-vcr's typed fields: a
string's text stays as it stands, and null leaves a field empty. Refused, with the line: anchors and aliases (so that
no file can swell), tags of one's own, a key that stands twice, keys that are missing, values of another type, and
what is nested too deep.

Only this module imports PyYAML, and only files that need it load this module.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import yaml

from playhead.errors import TapeFormatError
from playhead.tapes.duration import decode_duration
from playhead.tapes.interaction import Interaction, RecordedRequest, RecordedResponse
from playhead.tapes.layout import EMPTY, LAYOUTS, NEW, REQUEST_KEYS, RESPONSE_KEYS, Key, Layout
from playhead.tapes.reading import LINE_BREAK, Reading
from playhead.tapes.scalars import Unsure, decode_base64
from playhead.wire import Headers

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_TAGS = {f"{_CORE}{name}" for name in ("binary", "str", "int", "bool", "float", "null", "map", "seq", "timestamp")}
_NULL = ("", "~", "null", "Null", "NULL")
_DEPTH = 20
_TOO_LARGE = 1 << 63
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|([0-9]+))")


class _Node(msgspec.Struct):
    """A piece of the document. ``kind`` is scalar, list or map; ``content`` a str, nodes, or pairs of nodes."""

    kind: str
    content: Any
    line: int
    column: int
    tag: str | None
    plain: bool = False
    flow: bool = False


def read_any(data: bytes, path: str | None) -> Reading:
    """Read a tape's file with a full YAML parser.

    Raises:
        TapeFormatError: it is no go-vcr v2 tape; says the line.
    """
    try:
        data.decode()
    except UnicodeDecodeError as error:
        message = f"expected UTF-8, got the byte 0x{data[error.start]:02X}"
        raise TapeFormatError(message, path=path, line=data.count(b"\n", 0, error.start) + 1) from None
    try:
        root = _Composer(data, path).compose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(str(part) for part in (error.problem, error.context) if part)
        raise TapeFormatError(f"not YAML: {message}", path=path, line=mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:
        position = getattr(error, "position", None)
        line = data.count(b"\n", 0, position) + 1 if isinstance(position, int) else None
        reason = getattr(error, "reason", None) or error
        raise TapeFormatError(f"not YAML: {reason}", path=path, line=line) from None
    return _Interpreter(data, path).read(root)


class _Composer:
    """Parser events to nodes, refusing what a tape has no use for."""

    def __init__(self, data: bytes, path: str | None) -> None:
        self.loader = _Loader(data)
        self.path = path

    def compose(self) -> _Node:
        loader = self.loader
        try:
            loader.get_event()
            if loader.check_event(yaml.StreamEndEvent):
                raise TapeFormatError("expected a mapping with the key `version`, got nothing", path=self.path, line=1)
            loader.get_event()
            root = self._node(0)
            loader.get_event()
            if not loader.check_event(yaml.StreamEndEvent):
                line = loader.peek_event().start_mark.line + 1
                raise TapeFormatError("expected one document, got a second", path=self.path, line=line)
            return root
        finally:
            loader.dispose()

    def _node(self, depth: int) -> _Node:
        event = self.loader.get_event()
        mark = event.start_mark
        line, column = mark.line + 1, mark.column
        if isinstance(event, yaml.AliasEvent):
            raise TapeFormatError(f"a tape has no aliases, got *{event.anchor}", path=self.path, line=line)
        if event.anchor is not None:
            raise TapeFormatError(f"a tape has no anchors, got &{event.anchor}", path=self.path, line=line)
        tag = event.tag if event.tag != "!" else f"{_CORE}str"
        if tag is not None and tag not in _TAGS:
            raise TapeFormatError(f"a tape has no tags of its own, got {tag}", path=self.path, line=line)
        if depth > _DEPTH:
            raise TapeFormatError(f"nested more than {_DEPTH} deep", path=self.path, line=line)
        if isinstance(event, yaml.ScalarEvent):
            plain = not event.style and tag is None
            return _Node("scalar", event.value, line, column, tag, plain)
        flow = bool(event.flow_style)
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not self.loader.check_event(yaml.SequenceEndEvent):
                items.append(self._node(depth + 1))
            self.loader.get_event()
            return _Node("list", items, line, column, tag, flow=flow)
        pairs = []
        while not self.loader.check_event(yaml.MappingEndEvent):
            pairs.append((self._node(depth + 1), self._node(depth + 1)))
        self.loader.get_event()
        return _Node("map", pairs, line, column, tag, flow=flow)


class _Interpreter:
    """Nodes to interactions. ``where`` in its errors is a path such as ``interactions[3].request.url``."""

    def __init__(self, data: bytes, path: str | None) -> None:
        self.data, self.path = data, path
        self.warnings: list[str] = []
        self.kept: set[str] = set()

    def read(self, root: _Node) -> Reading:
        top = self._keys(root, "the tape", ("version", "interactions"))
        self._check_version(top["version"])
        items = top["interactions"]
        if self._is_null(items):
            return Reading((), NEW, None, len(self.data), appendable=False, warnings=self.warnings)
        if items.kind != "list":
            raise self._error(items, "interactions", "a list")
        interactions = tuple(self._interaction(item, f"interactions[{at}]") for at, item in enumerate(items.content))
        layout = self._layout(items)
        starts = [item.line - 1 for item in items.content]
        if items.flow or not self._dashes_at(starts, layout.dash):
            return Reading(interactions, layout, None, len(self.data), appendable=False, warnings=self.warnings)
        appendable = self._ends_inside(root)
        return Reading(interactions, layout, starts, len(self.data), appendable=appendable, warnings=self.warnings)

    def _dashes_at(self, starts: list[int], column: int) -> bool:
        """Whether each item stands on lines of its own, its dash on the first of them."""
        lines = LINE_BREAK.split(self.data)
        return bool(starts) and all(lines[start][: column + 1] == b" " * column + b"-" for start in starts)

    def _check_version(self, node: _Node) -> None:
        version = self._number(node, "version")
        if version == 1:
            message = (
                "expected version 2, got a version 1 tape: record it again, or bring it to go-vcr's version 2 first"
            )
            raise TapeFormatError(message, path=self.path, line=node.line)
        if version != 2:
            raise TapeFormatError(f"expected version 2, got {version}", path=self.path, line=node.line)

    def _ends_inside(self, root: _Node) -> bool:
        """Whether another item may be written at the end of the file: the list ends there, and lines end in LF."""
        last_key = root.content[-1][0]
        lines = self.data.rstrip(b"\n").rsplit(b"\n", 1)
        return (
            not root.flow
            and last_key.content == "interactions"
            and lines[-1].startswith(b" ")
            and self.data.endswith(b"\n")
            and b"\r" not in self.data
            and not lines[-1].lstrip().startswith(b"#")
        )

    def _layout(self, items: _Node) -> Layout:
        """The layout nearest to the file's own columns, its dash where the file has it."""
        if items.flow or not items.content:
            return NEW
        first = items.content[0]
        dash = items.column
        section = first.content[0][0].column
        sections = {key.content: value for key, value in first.content}
        field = sections["request"].content[0][0].column if sections["request"].content else section + 2
        found = (dash, section, field)
        near = min(
            LAYOUTS,
            key=lambda known: sum(abs(a - b) for a, b in zip(found, msgspec.structs.astuple(known), strict=False)),
        )
        shift = dash - near.dash
        return Layout(
            dash,
            near.section + shift,
            near.field + shift,
            near.name + shift,
            near.item + shift,
            frozenset(self.kept),
        )

    def _interaction(self, node: _Node, where: str) -> Interaction:
        keys = self._keys(node, where, ("id", "request", "response"))
        id = self._number(keys["id"], f"{where}.id")
        request = RecordedRequest(*self._fields(keys["request"], f"{where}.request", "request", REQUEST_KEYS))
        response = RecordedResponse(*self._fields(keys["response"], f"{where}.response", "response", RESPONSE_KEYS))
        return Interaction(id, request, response)

    def _fields(self, node: _Node, where: str, place: str, keys: tuple[Key, ...]) -> list[Any]:
        required = tuple(key.name for key in keys if not key.optional)
        found = self._keys(node, where, required, tuple(key.name for key in keys if key.optional))
        values = []
        for key in keys:
            value = EMPTY[key.kind]
            if key.name in found:
                value = self._value(found[key.name], f"{where}.{key.name}", key)
                if key.optional and not value:
                    self.kept.add(f"{place}.{key.name}")
            values.append(value)
        return values

    def _value(self, node: _Node, where: str, key: Key) -> Any:
        if self._is_null(node):
            return EMPTY[key.kind]
        match key.kind:
            case "text":
                return self._bytes(node, where).decode("utf-8", "surrogateescape")
            case "bytes":
                return self._bytes(node, where)
            case "number":
                return self._number(node, where)
            case "flag":
                if node.kind == "scalar" and node.content in ("true", "True", "TRUE", "false", "False", "FALSE"):
                    return node.content in ("true", "True", "TRUE")
                raise self._error(node, where, "true or false")
            case "duration":
                try:
                    return decode_duration(self._bytes(node, where).decode())
                except ValueError:
                    raise self._error(node, where, "a duration such as 342.7ms") from None
            case "strings":
                return self._strings(node, where)
            case "map":
                return self._map(node, where)

    def _strings(self, node: _Node, where: str) -> tuple[str, ...]:
        if node.kind != "list":
            raise self._error(node, where, "a list")
        text = Key("", "text")
        return tuple(self._value(item, f"{where}[{at}]", text) for at, item in enumerate(node.content))

    def _map(self, node: _Node, where: str) -> Headers:
        if node.kind != "map":
            raise self._error(node, where, "a mapping of names to lists")
        pairs: list[tuple[str, str]] = []
        for name, values in self._pairs(node, where):
            if not self._is_null(values):
                pairs += [(name, value) for value in self._strings(values, f"{where}.{name}")]
        return tuple(pairs)

    def _keys(
        self, node: _Node, where: str, required: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> dict[str, _Node]:
        if node.kind != "map":
            raise self._error(node, where, "a mapping")
        found = dict(self._pairs(node, where))
        for name in required:
            if name not in found:
                raise TapeFormatError(f"{where}: the key `{name}` is missing", path=self.path, line=node.line)
        for key, _ in node.content:
            if key.content not in required and key.content not in optional:
                self.warnings.append(f"line {key.line}: the key `{key.content}` of {where} is unknown and not read")
        return found

    def _pairs(self, node: _Node, where: str) -> list[tuple[str, _Node]]:
        seen: set[str] = set()
        pairs = []
        for key, value in node.content:
            if key.kind != "scalar":
                raise self._error(key, where, "a name")
            name = self._bytes(key, where).decode("utf-8", "surrogateescape")
            if name in seen:
                raise TapeFormatError(f"{where}: the key `{name}` stands twice", path=self.path, line=key.line)
            seen.add(name)
            pairs.append((name, value))
        return pairs

    def _bytes(self, node: _Node, where: str) -> bytes:
        if node.kind != "scalar":
            raise self._error(node, where, "text")
        content: str = node.content
        if node.tag == f"{_CORE}binary":
            try:
                return decode_base64("".join(content.split()).encode("ascii", "replace"))
            except Unsure:
                raise self._error(node, where, "base64") from None
        return content.encode("utf-8", "surrogateescape")

    def _number(self, node: _Node, where: str) -> int:
        match = _INTEGER.fullmatch(node.content.replace("_", "")) if node.kind == "scalar" and node.plain else None
        if match is None and node.kind == "scalar" and node.tag == f"{_CORE}int":
            match = _INTEGER.fullmatch(node.content.replace("_", ""))
        if match is None:
            raise self._error(node, where, "a whole number")
        for digits, base in zip(match.groups()[1:], (16, 2, 8, 10), strict=True):
            if digits:
                # Go's numbers have 64 bits; and Python refuses to read or write one of some thousand digits.
                number = int(match[1] + digits, base) if len(digits) <= 80 else _TOO_LARGE
                if not -_TOO_LARGE <= number < _TOO_LARGE:
                    raise self._error(node, where, "a whole number of 64 bits")
                return number
        return 0

    def _is_null(self, node: _Node) -> bool:
        return node.kind == "scalar" and node.plain and node.content in _NULL

    def _error(self, node: _Node, where: str, expected: str) -> TapeFormatError:
        got = {"list": "a list", "map": "a mapping"}.get(node.kind) or repr(node.content[:60])
        return TapeFormatError(f"{where}: expected {expected}, got {got}", path=self.path, line=node.line)
