"""Interactions to YAML, byte for byte as go-vcr writes them.

From values and a layout alone, ``encode_interaction`` gives the very bytes that the tool which wrote the file would
give. The order of the keys, which of them are left out, and the styles of scalars are in ``layout`` and ``scalars``.

Header names are sorted as Go's YAML encoder sorts a map's keys: by code point, save that digits count as numbers
(``X-2`` before ``X-10``) and that signs stand before letters.
"""

from __future__ import annotations

from playhead.tapes.duration import encode_duration
from playhead.tapes.interaction import Interaction
from playhead.tapes.layout import REQUEST_KEYS, RESPONSE_KEYS, Key, Layout
from playhead.tapes.scalars import encode_name, encode_scalar
from playhead.wire import Headers

#: The longest name that Go writes as a simple key; a longer one takes ``? name`` and ``:`` on two lines.
_SIMPLE_KEY = 128


def encode_interaction(interaction: Interaction, layout: Layout) -> bytes:
    """One item of ``interactions``, from its dash to its final newline."""
    out = [b"%s- id: %d\n" % (b" " * layout.dash, interaction.id)]
    section = b" " * layout.section
    out.append(section + b"request:\n")
    _encode_keys(out, "request", interaction.request, REQUEST_KEYS, layout)
    out.append(section + b"response:\n")
    _encode_keys(out, "response", interaction.response, RESPONSE_KEYS, layout)
    return b"".join(out)


def encode_text(text: str) -> bytes:
    """Text as bytes; bytes that were no UTF-8 when they were read are themselves again."""
    return text.encode("utf-8", "surrogateescape")


def _encode_keys(out: list[bytes], place: str, value: object, keys: tuple[Key, ...], layout: Layout) -> None:
    pad = b" " * layout.field
    for key in keys:
        name = key.name
        field = getattr(value, "nanoseconds" if key.kind == "duration" else name)
        if key.optional and not field and f"{place}.{name}" not in layout.kept:
            continue
        start = b"%s%s:" % (pad, name.encode())
        match key.kind:
            case "number":
                out.append(b"%s %d\n" % (start, field))
            case "flag":
                out.append(start + (b" true\n" if field else b" false\n"))
            case "duration":
                out.append(b"%s %s\n" % (start, encode_duration(field).encode()))
            case "map":
                out.append(start + _encode_map(field, layout))
            case "strings":
                out.append(start + _encode_strings(field, layout))
            case "bytes":
                out.append(b"%s %s\n" % (start, encode_scalar(field, layout.field + layout.indent, layout.indent)))
            case "text":
                raw = encode_text(field)
                out.append(b"%s %s\n" % (start, encode_scalar(raw, layout.field + layout.indent, layout.indent)))


def _encode_strings(strings: tuple[str, ...], layout: Layout) -> bytes:
    if not strings:
        return b" []\n"
    column = layout.list_item
    pad = b" " * column
    items = [b"%s- %s\n" % (pad, encode_scalar(encode_text(text), column + 2, 2)) for text in strings]
    return b"\n" + b"".join(items)


def _encode_map(headers: Headers, layout: Layout) -> bytes:
    if not headers:
        return b" {}\n"
    grouped: dict[str, list[str]] = {}
    for name, value in headers:
        grouped.setdefault(name, []).append(value)
    pad, item = b" " * layout.name, b" " * layout.item
    out = [b"\n"]
    for name in sort_names(list(grouped)):
        key = encode_name(encode_text(name))
        if len(key) > _SIMPLE_KEY:
            out.append(b"%s? %s\n%s:\n" % (pad, key, pad))
        else:
            out.append(b"%s%s:\n" % (pad, key))
        out += [b"%s- %s\n" % (item, encode_scalar(encode_text(text), layout.item + 2, 2)) for text in grouped[name]]
    return b"".join(out)


def sort_names(names: list[str]) -> list[str]:
    """The names in the order that Go's YAML encoder gives the keys of a map."""
    if len(names) < 2:
        return names
    if all(name.isascii() and name.replace("-", "a").isalpha() for name in names):
        return sorted(names)  # letters and dashes: the order of their code points
    from functools import cmp_to_key

    return sorted(names, key=cmp_to_key(_compare_names))


def _compare_names(a: str, b: str) -> int:
    digits = False
    for at, (x, y) in enumerate(zip(a, b, strict=False)):
        if x == y:
            digits = x.isdigit()
            continue
        if x.isalpha() and y.isalpha():
            return -1 if x < y else 1
        if x.isalpha() or y.isalpha():
            first = x.isalpha() if digits else y.isalpha()
            return -1 if first else 1
        m, n = _number_at(a, at), _number_at(b, at)
        if m != n:
            return -1 if m < n else 1
        return -1 if x < y else 1
    return len(a) - len(b)


def _number_at(name: str, at: int) -> tuple[int, int]:
    """The number whose digits go on at this place, and how many digits it has."""
    end = at
    while end < len(name) and name[end].isdecimal():
        end += 1
    lead = 0
    if name[at] == "0":
        start = at
        while start > 0 and name[start - 1].isdecimal():
            start -= 1
        lead = 1 if name[start:at].strip("0") else 0
    return int(f"{lead}{name[at:end]}" if end > at else lead), end
