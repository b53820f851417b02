r"""Characters that a server cut in two, joined again over the deltas of a stream.

JSON can write one half of a character beyond U+FFFF without the other (see :mod:`playhead.surrogates`), and a server
that cuts a token in the middle of a character sends one half at the end of a delta and the other at the start of the
next::

    join([PartDelta(0, "a\ud83d")]) -> [PartDelta(0, "a")]
    join([PartDelta(0, "\ude00")]) -> [PartDelta(0, "😀")]

A decoder has one of these only after strict decoding has refused a chunk: a stream without halves pays nothing.
"""

from __future__ import annotations

from playhead.events import ModelEvent, PartDelta, PartEnd
from playhead.surrogates import REPLACEMENT, parted


class Halves:
    """The half that each part of one answer ends with so far."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[int, str] = {}

    def join(self, events: list[ModelEvent]) -> list[ModelEvent]:
        """The events with whole characters only: a half waits for the next delta of its part, or for the part's end,
        where U+FFFD stands for it."""
        whole: list[ModelEvent] = []
        for event in events:
            if type(event) is PartDelta:
                text, half = parted(self._held.pop(event.index, "") + event.text)
                if half:
                    self._held[event.index] = half
                if text:
                    whole.append(PartDelta(event.index, text))
                continue
            if type(event) is PartEnd and self._held.pop(event.index, ""):
                whole.append(PartDelta(event.index, REPLACEMENT))
            whole.append(event)
        return whole
