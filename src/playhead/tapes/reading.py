"""What reading a tape's file gives: the interactions, and all that is needed to write the file back unchanged.

Two readers give it: ``yaml_read`` quickly, for files as go-vcr writes them, and ``yaml_fallback`` for all others.
"""

from __future__ import annotations

import re

import msgspec

from playhead.tapes.interaction import Interaction
from playhead.tapes.layout import Layout

#: What ends a line in YAML 1.1.
LINE_BREAK = re.compile(rb"\r\n|[\r\n]|\xc2\x85|\xe2\x80[\xa8\xa9]")


class Reading(msgspec.Struct):
    """A file, read.

    Attributes:
        interactions: in the order of the file.
        layout: what is added to the file is written in it.
        starts: the line (from 0) at which each item begins; None when the items do not stand on lines of their own.
        end: the byte after the last whole item; what follows it is a torn item, and is dropped.
        appendable: whether an item may be written at ``end`` as it is.
        warnings: for people.
    """

    interactions: tuple[Interaction, ...]
    layout: Layout
    starts: list[int] | None
    end: int
    appendable: bool = True
    warnings: list[str] = []
