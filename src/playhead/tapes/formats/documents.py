"""YAML and JSON as plain data: mappings, lists, text, bytes, numbers, None. Nothing that a file names is ever made.

Cassettes were written by Python's full YAML dumper: text is tagged ``!!python/unicode``, a body may be an
``io.BytesIO`` in the clothes of a pickle. A loader that obeys such tags runs what the file says. Here a tag of Python's
is a remark: the scalar, list or mapping below it is read as what it is, and whoever wants the value looks for it by its
shape. Aliases are the same value once more (PyYAML's dumper writes them for equal headers); one that leads into itself
is refused.

In YAML a plain scalar is text here (:class:`Plain`), since what it stands in is known only to the reader of the
format: ``code: 200`` is a number, ``body: 200`` is text. :func:`typed` gives the data that a YAML loader would.

YAML is read by PyYAML's events; the C parser refuses escapes of half characters, which its pure sibling writes, so what
it refuses on their account is read by the sibling.
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error, a2b_base64
from typing import Any

import msgspec

from playhead.errors import TapeFormatError
from playhead.tapes.formats.brought import Losses

_CORE = "tag:yaml.org,2002:"
_PYTHON = f"{_CORE}python/"
_NULL = ("", "~", "null", "Null", "NULL")
#: Tags that say no more than what is read anyway.
_PLAIN_TAGS = {f"{_CORE}{name}" for name in ("str", "map", "seq", "timestamp", "set", "omap", "pairs", "value")}
_PLAIN_TAGS |= {f"{_PYTHON}{name}" for name in ("str", "unicode", "tuple", "list", "dict", "name")}
_TYPED_TAGS = {f"{_CORE}{name}" for name in ("int", "float", "bool")}
_TYPED_TAGS |= {f"{_PYTHON}{name}" for name in ("int", "long", "float", "bool")}
#: How deep a document may be nested: the schema of a tool is some dozen.
DEPTH = 200
#: How many values :func:`typed` gives at most: aliases let a small file say a great many.
_MOST = 5_000_000
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


class Plain(str):
    """The text of a plain scalar, which may be meant as a number, a date or a truth."""

    __slots__ = ()


class Map(dict[str, Any]):
    """A mapping, and the line (from 1) at which it begins."""

    __slots__ = ("line",)

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


def line_of(value: Any) -> int | None:
    """The line of a value; None where it is not known."""
    return value.line if isinstance(value, Map) else None


def decoded_text(data: bytes, path: str | None) -> str:
    """UTF-8 as text, without a byte order mark.

    Raises:
        TapeFormatError: it is no UTF-8; says the line.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"expected UTF-8, got the byte 0x{data[error.start]:02X}"
        raise TapeFormatError(message, path=path, line=data.count(b"\n", 0, error.start) + 1) from None


def load_json(data: bytes, path: str | None, line: int | None = None) -> Any:
    """A JSON document. What is not quite JSON and written by common libraries is read as well: halves of characters,
    NaN, control characters in text. ``line`` is where it stands, for one that is a line of a file.

    Raises:
        TapeFormatError: it is none; says the line.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    text = decoded_text(data, path)
    import json

    try:
        return json.loads(text, strict=False)
    except json.JSONDecodeError as error:
        message = f"not JSON: {error.msg}, at column {error.colno}"
        raise TapeFormatError(message, path=path, line=line if line is not None else error.lineno) from None
    except RecursionError:
        raise TapeFormatError("nested too deeply", path=path, line=line) from None
    except ValueError as error:  # an integer of thousands of digits
        raise TapeFormatError(f"not JSON that can be read: {error}", path=path, line=line) from None


def load_yaml(data: bytes, path: str | None, losses: Losses) -> Any:
    """A YAML document, as data.

    Raises:
        TapeFormatError: it is none, or holds what no recording needs; says the line.
    """
    import yaml

    text = decoded_text(data, path)
    quick: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _composed(quick, text, path, losses)
    except TapeFormatError as error:
        if quick is yaml.SafeLoader or "escape" not in error.message or not _HALF.search(data):
            raise
    return _composed(yaml.SafeLoader, text, path, losses)


def _composed(loader: Any, text: str, path: str | None, losses: Losses) -> Any:
    import yaml

    try:
        return _Composer(loader(text), path, losses).document()
    except TapeFormatError:  # a ValueError, too
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(str(part) for part in (error.problem, error.context) if part)
        raise TapeFormatError(f"not YAML: {message}", path=path, line=mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:
        at = getattr(error, "position", None)
        line = text.count("\n", 0, at) + 1 if isinstance(at, int) else None
        raise TapeFormatError(f"not YAML: {getattr(error, 'reason', None) or error}", path=path, line=line) from None
    except (ValueError, OverflowError) as error:  # an escape beyond the last character, in the pure parser
        raise TapeFormatError(f"not YAML: {error}", path=path) from None


class _Composer:
    """Parser events to data."""

    def __init__(self, loader: Any, path: str | None, losses: Losses) -> None:
        import yaml

        self._yaml = yaml
        self._loader = loader
        self._path = path
        self._losses = losses
        self._anchors: dict[str, Any] = {}

    def document(self) -> Any:
        """The only document of the stream; None of an empty one."""
        loader, kinds = self._loader, self._yaml
        try:
            loader.get_event()
            if loader.check_event(kinds.StreamEndEvent):
                return None
            loader.get_event()
            root = self._node(0)
            loader.get_event()
            if not loader.check_event(kinds.StreamEndEvent):
                raise self._error("expected one document, got a second", loader.peek_event())
            return root
        finally:
            loader.dispose()

    def _node(self, depth: int) -> Any:
        event = self._loader.get_event()
        if depth > DEPTH:
            raise self._error(f"nested more than {DEPTH} deep", event)
        if isinstance(event, self._yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise self._error(f"the alias *{event.anchor} leads to nothing that ended before it", event)
            return self._anchors[event.anchor]
        if isinstance(event, self._yaml.ScalarEvent):
            value = self._scalar(event)
        elif isinstance(event, self._yaml.SequenceStartEvent):
            self._remark(event.tag)
            value = []
            while not self._loader.check_event(self._yaml.SequenceEndEvent):
                value.append(self._node(depth + 1))
            self._loader.get_event()
        else:
            self._remark(event.tag)
            value = self._map(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _map(self, start: Any, depth: int) -> Map:
        made = Map(start.start_mark.line + 1)
        while not self._loader.check_event(self._yaml.MappingEndEvent):
            key = self._node(depth + 1)
            value = self._node(depth + 1)
            while isinstance(key, list) and len(key) == 1:  # a name in the clothes of an object
                key = key[0]
            if isinstance(key, bytes):
                key = key.decode("utf-8", "replace")
            if key is None:
                key = "null"
            if not isinstance(key, str):
                self._losses.add("a key that is no text, with its value")
                continue
            if key in made:
                self._losses.add(f"the key `{key[:80]}` stands twice: the last is taken")
            made[str(key)] = value
        self._loader.get_event()
        return made

    def _scalar(self, event: Any) -> Any:
        tag, text = event.tag, event.value
        if tag is None or tag == "!":
            if event.style or tag == "!":
                return text
            return None if text in _NULL else Plain(text)
        if tag in (f"{_CORE}binary", f"{_PYTHON}bytes"):
            try:
                return a2b_base64("".join(text.split()).encode("ascii"))
            except (Base64Error, UnicodeEncodeError):
                raise self._error("expected base64 after !!binary", event) from None
        if tag == f"{_CORE}null" or tag == f"{_PYTHON}none":
            return None
        if tag in _TYPED_TAGS:
            return Plain(text)
        self._remark(tag)
        return text

    def _remark(self, tag: str | None) -> None:
        if tag is not None and tag != "!" and tag not in _PLAIN_TAGS:
            name = tag.removeprefix(_CORE)
            self._losses.add(f"the tag !!{name[:80]} (its content is read as plain data, no object is made)")

    def _error(self, message: str, event: Any) -> TapeFormatError:
        return TapeFormatError(message, path=self._path, line=event.start_mark.line + 1)


def typed(value: Any, path: str | None = None) -> Any:
    """The data with its plain scalars read as YAML 1.1 has them: numbers, truths, nulls; dates stay text.

    Raises:
        TapeFormatError: it is more than can be meant.
    """
    import yaml

    return _Typing(yaml.SafeLoader(""), path).typed(value)


class _Typing:
    def __init__(self, loader: Any, path: str | None) -> None:
        self._loader = loader
        self._path = path
        self._seen = 0

    def typed(self, value: Any, depth: int = 0) -> Any:
        self._seen += 1
        if self._seen > _MOST or depth > DEPTH:
            raise TapeFormatError("a body that swells or nests beyond measure", path=self._path)
        if isinstance(value, Plain):
            return self._scalar(value)
        if isinstance(value, list):
            return [self.typed(item, depth + 1) for item in value]
        if isinstance(value, dict):
            return {key: self.typed(item, depth + 1) for key, item in value.items()}
        return value

    def _scalar(self, plain: Plain) -> Any:
        from yaml import ScalarNode

        text = str(plain)
        tag = self._loader.resolve(ScalarNode, text, (True, False)).removeprefix(_CORE)
        if tag not in ("int", "float", "bool"):
            return text
        try:
            return getattr(self._loader, f"construct_yaml_{tag}")(ScalarNode(f"{_CORE}{tag}", text))
        except (ValueError, KeyError, OverflowError):
            return text
