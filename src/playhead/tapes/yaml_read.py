"""The quick reader: YAML as go-vcr writes it, one line after the other.

It knows the four layouts, the order of the keys and the styles of scalars, and nothing else. What it does not recognise
with certainty it leaves to ``yaml_fallback``, whole: so it never guesses, and it need not be able to say what is wrong.

**A torn last item.** A recording process that is killed leaves the beginning of an item at the file's end. An item is
whole when its last key, ``duration``, is there and its line has its newline; a number cut short cannot pass for a
whole one then. When the lines end inside an item which is in order so far, that item is torn: it is dropped, with a
warning. Whatever is wrong before the end is an error, never dropped.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from playhead.errors import TapeFormatError
from playhead.tapes.duration import decode_duration
from playhead.tapes.interaction import Interaction, RecordedRequest, RecordedResponse
from playhead.tapes.layout import EMPTY, HEAD, NEW, REQUEST_KEYS, RESPONSE_KEYS, Key, Kind, Layout, layout_at
from playhead.tapes.reading import Reading
from playhead.tapes.scalars import Unsure, decode_base64, decode_inline

#: Control characters, which no YAML file may hold as they are. A CR is one that it may, but not for this reader.
_FORBIDDEN = bytes([*range(0x09), *range(0x0B, 0x20), 0x7F])
#: Further such characters, and the line breaks of YAML 1.1 that are more than one byte long.
_FORBIDDEN_WIDE = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]|\xef\xbb\xbf|\xef\xbf[\xbe\xbf]")
_INTEGER = re.compile(rb"-?(?:0|[1-9][0-9]{0,17})")
#: A last line that may have lost its end: ``12m`` may have been ``12ms``.
_CUT_DURATION = re.compile(rb"\n *duration: *[0-9.nums\xc2\xb5h]*\Z")
_BLOCK = re.compile(rb"\|([1-9]?)([-+]?)")
#: Lines up to this length are remembered with their values, where their kind is one of these.
_SHORT = 200
_REPEATED = frozenset({"text", "number"})


def read_tape(data: bytes, path: str | None = None) -> Reading:
    """Read a tape's file.

    Raises:
        TapeFormatError: it is no go-vcr v2 tape; says the line.
    """
    if HEAD.startswith(data):  # empty, or cut inside its first lines
        return Reading((), NEW, [], 0, warnings=[_torn(len(data), 0)] if data and data != HEAD else [])
    try:
        return _Reader(data).read()
    except Unsure:
        pass
    from playhead.tapes.yaml_fallback import read_any

    if _CUT_DURATION.search(data) is not None and (reading := _read_torn(data, path)) is not None:
        return reading
    try:
        return read_any(data, path)
    except TapeFormatError:
        reading = _read_torn(data, path)
        if reading is None:
            raise
        return reading


def _read_torn(data: bytes, path: str | None) -> Reading | None:
    """A file in another layout, less its torn last item; None when its last item is not torn."""
    from playhead.tapes.yaml_fallback import read_any

    whole_lines = data[: data.rfind(b"\n") + 1]
    first = re.search(rb"^( *)- id:[^\n]*\n *request:[^\n]*\n( *)proto:", whole_lines, re.MULTILINE)
    if first is None:
        return None
    starts = [match.start() for match in re.finditer(rb"^%s- id:" % first[1], whole_lines, re.MULTILINE)]
    if re.compile(rb"^%sduration: *\S+\r?$" % first[2], re.MULTILINE).search(whole_lines, starts[-1]) is None:
        cut = starts[-1]
    elif len(whole_lines) < len(data):
        cut = len(whole_lines)
    else:
        return None
    try:
        reading = read_any(data[:cut], path)
    except TapeFormatError:
        return None
    reading.end = cut
    reading.warnings.append(_torn(len(data) - cut, len(reading.interactions)))
    return reading


def _torn(size: int, count: int) -> str:
    return (
        f"the last interaction is torn: its {size} bytes are dropped, the {count} before it are whole"
        if count
        else f"the only interaction is torn: its {size} bytes are dropped, and the tape is empty"
    )


class _Plan:
    """The prefixes that a layout gives the lines of an item."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.dash = b" " * layout.dash + b"- id: "
        self.request = b" " * layout.section + b"request:"
        self.response = b" " * layout.section + b"response:"
        self.request_keys = _prefixes(REQUEST_KEYS, layout.field)
        self.response_keys = _prefixes(RESPONSE_KEYS, layout.field)
        self.block = b" " * (layout.field + layout.indent)
        self.name = b" " * layout.name
        self.item = b" " * layout.item + b"- "
        self.list_item = b" " * layout.list_item + b"- "


#: A key, how its line begins, and its lines that were read before with their values: most repeat from item to item.
_Prefix: TypeAlias = tuple[Key, bytes, dict[bytes, Any]]


def _prefixes(keys: tuple[Key, ...], column: int) -> list[_Prefix]:
    return [(key, b"%s%s:" % (b" " * column, key.name.encode()), {}) for key in keys]


class _Reader:
    """Reads one file. An IndexError inside an item means that the lines ended there: the item is torn."""

    def __init__(self, data: bytes) -> None:
        if not data.startswith(HEAD):
            raise Unsure
        self.data = data
        complete = data.rfind(b"\n") + 1
        self.partial = data[complete:]
        text = data[:complete] if self.partial else data
        if len(text.translate(None, _FORBIDDEN)) != len(text):
            raise Unsure
        if not text.isascii():
            try:
                text.decode()
            except UnicodeDecodeError:
                raise Unsure from None
            if _FORBIDDEN_WIDE.search(text) is not None:
                raise Unsure
        self.lines = text.split(b"\n")
        self.lines.pop()
        self.at = HEAD.count(b"\n")
        self.texts: dict[bytes, str] = {}
        self.maps: dict[tuple[bytes, ...], tuple[tuple[str, str], ...]] = {}
        self.kept: set[str] = set()

    def read(self) -> Reading:
        lines = self.lines
        first = self.at
        if len(lines) < first + 3:
            return self._read_first_lines()
        layout = layout_at(*(len(line) - len(line.lstrip(b" ")) for line in lines[first : first + 3]))
        if layout is None:
            raise Unsure
        self.plan = plan = _Plan(layout)
        interactions: list[Interaction] = []
        starts: list[int] = []
        count = len(lines)
        start = first
        whole = True
        try:
            while self.at < count:
                start = self.at
                interactions.append(self._read_item(plan))
                starts.append(start)
        except IndexError:
            whole = False
            self.at = start
        if whole and self.partial and not _may_begin(self.partial, plan.dash):
            raise Unsure
        rest = len(self.partial) + sum(map(len, lines[self.at :])) + count - self.at
        end = len(self.data) - rest
        if self.kept:
            layout = Layout(layout.dash, layout.section, layout.field, layout.name, layout.item, frozenset(self.kept))
        warnings = [_torn(rest, len(interactions))] if rest else []
        return Reading(tuple(interactions), layout, starts, end, warnings=warnings)

    def _read_first_lines(self) -> Reading:
        """A file cut in the first lines of its first item."""
        lines = self.lines[self.at :]
        if lines and re.fullmatch(rb" *- id: [0-9]+", lines[0]) is None:
            raise Unsure
        if lines[1:] and lines[1].strip() != b"request:":
            raise Unsure
        if not lines and re.fullmatch(rb" *(-( (i(d(:( [0-9]*)?)?)?)?)?)?", self.partial) is None:
            raise Unsure
        return Reading((), NEW, [], len(HEAD), warnings=[_torn(len(self.data) - len(HEAD), 0)])

    def _read_item(self, plan: _Plan) -> Interaction:
        lines = self.lines
        line = lines[self.at]
        if not line.startswith(plan.dash):
            raise Unsure
        id = _integer(line[len(plan.dash) :])
        if lines[self.at + 1] != plan.request:
            raise Unsure
        self.at += 2
        request = RecordedRequest(*self._read_keys("request", plan.request_keys))
        if lines[self.at] != plan.response:
            raise Unsure
        self.at += 1
        return Interaction(id, request, RecordedResponse(*self._read_keys("response", plan.response_keys)))

    def _read_keys(self, place: str, keys: list[_Prefix]) -> list[Any]:
        lines = self.lines
        values: list[Any] = []
        for key, prefix, seen in keys:
            line = lines[self.at]
            value: Any = seen.get(line)
            if value is not None:
                self.at += 1
                values.append(value)
                continue
            if not line.startswith(prefix):
                if not key.optional:
                    raise Unsure
                values.append(EMPTY[key.kind])
                continue
            self.at += 1
            value = self._read_value(key.kind, line[len(prefix) :])
            if key.optional and not value:
                self.kept.add(f"{place}.{key.name}")
            elif key.kind in _REPEATED and len(line) < _SHORT:
                seen[line] = value
            values.append(value)
        return values

    def _read_value(self, kind: Kind, rest: bytes) -> Any:
        if kind == "map":
            return self._read_map(rest)
        if kind == "strings":
            return self._read_strings(rest)
        if rest[:1] != b" ":
            raise Unsure
        rest = rest[1:]
        if kind == "bytes":
            return self._read_bytes(rest)
        if kind == "text":
            return self._text(rest)
        if kind == "number":
            return _integer(rest)
        return _duration(rest) if kind == "duration" else _flag(rest)

    def _text(self, raw: bytes) -> str:
        text = self.texts.get(raw)
        if text is None:
            text = decode_inline(raw).decode("utf-8", "surrogateescape")
            if len(raw) < _SHORT:
                self.texts[raw] = text
        return text

    def _read_bytes(self, raw: bytes) -> bytes:
        if raw[:1] == b"|":
            return self._read_block(raw)
        if raw == b"!!binary |":
            return self._read_base64()
        return decode_inline(raw)

    def _read_block(self, mark: bytes) -> bytes:
        """A literal block: the lines at its column or empty."""
        match = _BLOCK.fullmatch(mark)
        if match is None or (match[1] and int(match[1]) != self.plan.layout.indent):
            raise Unsure
        lines, pad, start = self.lines, self.plan.block, self.at
        at = start
        while not (line := lines[at]) or line.startswith(pad):
            at += 1
        block = lines[start:at]
        self.at = at
        column = len(pad)
        blank = 0
        while block and not block[-1]:
            block.pop()
            blank += 1
        if not block or (not match[1] and block[0][column : column + 1] in (b" ", b"\t", b"")):
            raise Unsure
        text = b"\n".join([line[column:] for line in block])
        chomp = match[2]
        if chomp == b"-":
            return text
        return text + b"\n" * (blank + 1 if chomp == b"+" else 1)

    def _read_base64(self) -> bytes:
        lines, pad, start = self.lines, self.plan.block, self.at
        at = start
        while lines[at].startswith(pad):
            at += 1
        self.at = at
        return decode_base64(b"".join([line[len(pad) :] for line in lines[start:at]]))

    def _read_map(self, rest: bytes) -> tuple[tuple[str, str], ...]:
        if rest:
            if rest != b" {}":
                raise Unsure
            return ()
        lines, pad, start = self.lines, self.plan.name, self.at
        at = start
        while lines[at].startswith(pad):
            at += 1
        self.at = at
        block = tuple(lines[start:at])
        pairs = self.maps.get(block)
        if pairs is None:
            pairs = self.maps[block] = self._pairs(block)
        return pairs

    def _pairs(self, block: tuple[bytes, ...]) -> tuple[tuple[str, str], ...]:
        item, column = self.plan.item, self.plan.layout.name
        pairs: list[tuple[str, str]] = []
        names: set[str] = set()
        name: str | None = None
        filled = False
        for line in block:
            if name is not None and line.startswith(item):
                pairs.append((name, self._text(line[len(item) :])))
                filled = True
            elif line[column : column + 1] not in b" -?" and line[-1:] == b":":
                name = self._text(line[column:-1])
                if not (filled or not names) or name in names or name == "<<":
                    raise Unsure
                names.add(name)
                filled = False
            else:
                raise Unsure
        if not filled:
            raise Unsure
        return tuple(pairs)

    def _read_strings(self, rest: bytes) -> tuple[str, ...]:
        if rest:
            if rest != b" []":
                raise Unsure
            return ()
        item = self.plan.list_item
        strings = []
        while (line := self.lines[self.at]).startswith(item):
            strings.append(self._text(line[len(item) :]))
            self.at += 1
        if not strings:
            raise Unsure
        return tuple(strings)


def _may_begin(partial: bytes, dash: bytes) -> bool:
    return dash.startswith(partial) or (partial.startswith(dash) and partial[len(dash) :].isdigit())


def _integer(raw: bytes) -> int:
    if _INTEGER.fullmatch(raw) is None:
        raise Unsure
    return int(raw)


def _flag(raw: bytes) -> bool:
    if raw == b"true":
        return True
    if raw != b"false":
        raise Unsure
    return False


def _duration(raw: bytes) -> int:
    try:
        return decode_duration(raw.decode())
    except ValueError:
        raise Unsure from None
