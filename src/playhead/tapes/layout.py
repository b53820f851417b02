"""Where things stand in a tape's file, and which of the keys that may be left out it writes anyway.

go-vcr's own encoder, and the others that write its format, indent in four ways. A file is read together with its
layout, and what is added to it later is written in the same one. A layout is five columns:

====== ===== ========== ======== ============= ============= ================================================
layout ``-`` request    proto    header's name header's item who writes it
====== ===== ========== ======== ============= ============= ================================================
A      4     6          8        12            16            go-vcr's default
B      0     2          4        6             6             indent 2, compact sequences: most files today
C      2     4          8        12            14            indent 4, compact sequences: what playhead writes
D      2     4          6        8             10            indent 2, plain sequences
====== ===== ========== ======== ============= ============= ================================================
"""

from __future__ import annotations

from typing import Literal

import msgspec

#: The bytes that a tape opens with.
HEAD = b"---\nversion: 2\ninteractions:\n"

Kind = Literal["text", "number", "flag", "bytes", "strings", "map", "duration"]


class Key(msgspec.Struct, frozen=True):
    """A key of a request or a response: its name, the kind of its value, and whether it may be left out."""

    name: str
    kind: Kind
    optional: bool = False


REQUEST_KEYS = (
    Key("proto", "text"),
    Key("proto_major", "number"),
    Key("proto_minor", "number"),
    Key("content_length", "number"),
    Key("transfer_encoding", "strings", optional=True),
    Key("trailer", "map", optional=True),
    Key("host", "text"),
    Key("remote_addr", "text", optional=True),
    Key("request_uri", "text", optional=True),
    Key("body", "bytes", optional=True),
    Key("form", "map", optional=True),
    Key("headers", "map"),
    Key("url", "text"),
    Key("method", "text"),
)
RESPONSE_KEYS = (
    Key("proto", "text"),
    Key("proto_major", "number"),
    Key("proto_minor", "number"),
    Key("transfer_encoding", "strings", optional=True),
    Key("trailer", "map", optional=True),
    Key("content_length", "number"),
    Key("uncompressed", "flag", optional=True),
    Key("body", "bytes"),
    Key("headers", "map"),
    Key("status", "text"),
    Key("code", "number"),
    Key("duration", "duration"),
)

#: What an absent key of each kind means.
EMPTY: dict[Kind, object] = {
    "text": "",
    "number": 0,
    "flag": False,
    "bytes": b"",
    "strings": (),
    "map": (),
    "duration": 0,
}


class Layout(msgspec.Struct, frozen=True):
    """Five columns, counted from 0, and ``kept``: the optional keys that are written even when they are empty.

    A kept key is named with its place, ``request.form``. ``list_item`` is the column of an item of a list that stands
    directly under a key of a request or response.
    """

    dash: int
    section: int
    field: int
    name: int
    item: int
    kept: frozenset[str] = frozenset()

    @property
    def indent(self) -> int:
        """How much deeper than its key a block of text stands."""
        return self.name - self.field

    @property
    def list_item(self) -> int:
        """The column of an item of a list under a key such as ``transfer_encoding``."""
        return self.field + self.item - self.name


A = Layout(4, 6, 8, 12, 16)
B = Layout(0, 2, 4, 6, 6)
C = Layout(2, 4, 8, 12, 14)
D = Layout(2, 4, 6, 8, 10)

LAYOUTS = (A, B, C, D)

#: What a new tape is written in.
NEW = C


def layout_at(dash: int, section: int, field: int) -> Layout | None:
    """The layout whose first three columns these are."""
    for layout in LAYOUTS:
        if (layout.dash, layout.section, layout.field) == (dash, section, field):
            return layout
    return None
