"""On which line of a file something stands that was found in an interaction: of the field that is named, and no other.

A value may stand all over a file, and a report that names the response must not point to the request. So the file is
read as the tree that it is, YAML or JSON, each node with where it begins and ends; in it the interaction is looked up,
in that the field, and in that alone the value, as it is or as the file spells it (escaped, or folded over lines)::

    lines = Lines(data, "go-vcr", tape.interactions)
    lines.of(find, "ada@engine.example")  -> 23

Where a value is not spelled out (it came in pieces), the line is that of the field. Lines of JSON are lines already.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from playhead.tapes import Interaction
    from playhead.tapes.formats.brought import Format
    from playhead.tapes.scrub.scrubber import Find

#: What holds a part of a request or response, by the names that the formats have for it.
_FIELDS = {
    "url": ("url", "uri"),
    "body": ("body", "parsed_body", "body_base64", "postData", "content"),
    "headers": ("headers",),
    "form": ("form", "postData", "body"),
}
#: What holds the interactions.
_LISTS = ("interactions", "http_interactions", "entries")
_JSON = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
#: How a line is broken within a quoted scalar of YAML.
_FOLD = r"(?:\\\r?\n\s*\\?)?"


class _Node(msgspec.Struct):
    """A piece of the file: characters ``start`` to ``end``. ``content`` is a text, or nodes, in a list or by name."""

    start: int
    end: int
    content: Any = None

    def get(self, *names: str) -> _Node | None:
        """What stands under the first of these names that there is."""
        pairs = self.content if isinstance(self.content, dict) else {}
        return next((pairs[name] for name in names if name in pairs), None)

    def items(self) -> list[_Node]:
        """The nodes of a list."""
        return self.content if isinstance(self.content, list) else []


class Lines:
    """Where values stand in a file. ``interactions`` are what it was read as, in its order."""

    def __init__(self, data: bytes, format: Format | None, interactions: Sequence[Interaction]) -> None:
        self._text = data.decode("utf-8", "replace").removeprefix("\N{BYTE ORDER MARK}")
        self._breaks = [match.start() for match in re.finditer("\n", self._text)]
        self._wide = format == "jsonl"
        self._ids = [one.id for one in interactions]
        self._asked: dict[int, _Node] = {}
        self._answered: dict[int, _Node] = {}
        if not self._wide:
            self._pair(_tree(self._text), interactions)

    def of(self, find: Find, value: str | None) -> int | None:
        """The line, from 1; that of the field where the value is not spelled out; None where neither is known."""
        if self._wide:
            return self._line_of(find, value) if value else None
        side, _, rest = find.place.partition(".")
        half = (self._asked if side == "request" else self._answered).get(find.id)
        if half is None:
            return None
        what, _, name = rest.partition(".")
        field = half.get(*_FIELDS.get(what, ())) or half
        if what == "headers":
            field = _header(field, name) or field
        at = self._spelled(field, value) if value else None
        return self._line(field.start if at is None else at)

    def _pair(self, root: _Node | None, interactions: Sequence[Interaction]) -> None:
        """Find the nodes of each interaction. A reader may have left some of the file out, so addresses must agree."""
        if root is None:
            return
        apart = root.get("requests"), root.get("responses")
        halves: list[tuple[_Node, _Node]] = []
        if apart[0] is not None and apart[1] is not None:  # one list for each
            halves = list(zip(apart[0].items(), apart[1].items(), strict=False))
        else:
            inner = root.get("log") or root
            found = inner.get(*_LISTS)
            for item in [inner] if found is None else found.items():
                asked = item.get("request")
                if asked is not None:
                    halves.append((asked, item.get("response") or item))
        whole, place = len(halves) == len(interactions), 0
        for one in interactions:
            for at in range(place, len(halves)):
                asked, answered = halves[at]
                url = asked.get("url", "uri")
                if whole or url is None or url.content == one.request.url:
                    self._asked.setdefault(one.id, asked)
                    self._answered.setdefault(one.id, answered)
                    place = at + 1
                    break

    def _spelled(self, field: _Node, value: str) -> int | None:
        text = self._text[field.start : field.end]
        forms = list(_forms(value))
        for form in forms:
            if (at := text.find(form)) >= 0:
                return field.start + at
        for form in forms:
            folded = _FOLD.join(r"\s+" if char == " " else re.escape(char) for char in form)
            if (match := re.search(folded, text)) is not None:
                return field.start + match.start()
        return None

    def _line_of(self, find: Find, value: str) -> int | None:
        """Of lines that are a request or a result each, the one of this interaction, else the first that has it."""
        answered = find.place.startswith("response")
        rows = list(enumerate(self._text.split("\n"), 1))
        own = [(number, row) for number, row in rows if row.strip() and ('"response"' in row) is answered]
        if len(own) == len(self._ids) and find.id in self._ids:
            own = [own[self._ids.index(find.id)]]
        forms = list(_forms(value))
        held = (number for number, row in (*own, *rows) if any(form in row for form in forms))
        return next(held, None)

    def _line(self, at: int) -> int:
        return bisect_right(self._breaks, at - 1) + 1 if at else 1


def _forms(value: str) -> Iterator[str]:
    """A text as a file may spell it: as it is, within JSON, within JSON in JSON, and within quotes of YAML."""
    from playhead.tapes.scrub.texts import written

    yield value
    for ascii in ("", "\N{BULLET}"):
        once = written(value, ascii)[1:-1]
        yield once
        yield written(once, ascii)[1:-1]
    yield value.replace("'", "''")


def _header(field: _Node, name: str) -> _Node | None:
    """The header of this name: a key of a map, or an item of a list that says its name."""
    lowered = name.lower()
    if isinstance(field.content, dict):
        return next((node for key, node in field.content.items() if key.lower() == lowered), None)
    for item in field.items():
        said = item.get("name")
        if said is not None and str(said.content).lower() == lowered:
            return item
    return None


def _tree(text: str) -> _Node | None:
    """The file as nodes; None where it cannot be read so."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            return _built(_json_events(text))
        except (LookupError, ValueError):
            pass
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _built(_yaml_events(yaml.parse(text, loader)))
    except (yaml.YAMLError, LookupError, ValueError):
        return None


#: What a reader comes by: where it begins and ends, and "map", "list", "end", or a text.
_Event = tuple[int, int, str, str | None]


def _built(events: Iterable[_Event]) -> _Node | None:
    """The tree of these events, without going down into it by calls: a file may be nested as deep as it likes."""
    root: _Node | None = None
    above: list[tuple[_Node, list[Any]]] = []  # what is open, and the key that waits for its value
    for start, end, kind, text in events:
        if kind == "end":
            node, _ = above.pop()
            node.end = end
            continue
        node = _Node(start, end, {"map": {}, "list": []}.get(kind, text))
        if not above:
            root = root or node
        else:
            outer, key = above[-1]
            if isinstance(outer.content, list):
                outer.content.append(node)
            elif not key:
                key.append("" if kind in ("map", "list") else str(text))
            else:
                outer.content.setdefault(key.pop(), node)
        if kind in ("map", "list"):
            above.append((node, []))
    return root


def _yaml_events(events: Iterable[Any]) -> Iterator[_Event]:
    import yaml

    for event in events:
        place = event.start_mark.index, event.end_mark.index
        match event:
            case yaml.MappingStartEvent():
                yield *place, "map", None
            case yaml.SequenceStartEvent():
                yield *place, "list", None
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                yield *place, "end", None
            case yaml.ScalarEvent(value=value):
                yield *place, "text", value
            case yaml.AliasEvent(anchor=anchor):
                yield *place, "text", anchor


def _json_events(text: str) -> Iterator[_Event]:
    for match in _JSON.finditer(text):
        said, start, end = match[0], match.start(), match.end()
        if said in "{[":
            yield start, end, "map" if said == "{" else "list", None
        elif said in "}]":
            yield start, end, "end", None
        elif said not in ":,":
            yield start, end, "text", said[1:-1] if said[0] == '"' else said
