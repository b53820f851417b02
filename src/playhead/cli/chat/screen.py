"""A chat on the terminal: a run shown as ``playhead run`` shows it, its answer painted as Markdown while it comes.

What was written is never written again, so that the terminal's own scrolling and selecting go on working. Where colours
are off the answer is shown as it came. Reasoning is dimmed, or left out where the user says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

from playhead.agent.events import ToolStart
from playhead.cli.chat.markdown import Markdown
from playhead.cli.live import Live
from playhead.cli.paint import clean, has_color, width_of

if TYPE_CHECKING:
    from playhead.agent.events import Event


class Screen(Live):
    """Shows the events of the runs of a chat. ``reasoning`` says whether thoughts are shown."""

    def __init__(self, out: TextIO, err: TextIO, color: str = "auto") -> None:
        super().__init__(out, err, color)
        self.reasoning = True
        self._painted = has_color(out, color)
        self._markdown: Markdown | None = None
        self._announced: set[str] = set()

    def show(self, events: Iterable[Event]) -> None:
        """Show what happened; a call that waited for its approval is told of once."""
        super().show(event for event in events if not self._told(event))

    def end_line(self) -> None:
        """What is held back of the answer is written, and its line ended."""
        self._settle()
        super().end_line()

    def say(self, text: str) -> None:
        """Words of the chat's own, in lines."""
        self.end_line()
        self._write_err(clean(text) + "\n")

    def warn(self, text: str) -> None:
        """A line that one should see."""
        self._note(self._paint.yellow(clean(text)))

    def _told(self, event: Event) -> bool:
        if not isinstance(event, ToolStart):
            return False
        known = event.call.id in self._announced
        self._announced.add(event.call.id)
        return known

    def forget_calls(self) -> None:
        """A new exchange begins; some providers number the calls of each from the beginning."""
        self._announced.clear()

    def _begin(self) -> None:
        self._settle()
        super()._begin()

    def _note(self, line: str) -> None:
        self._settle()
        super()._note(line)

    def _say(self, index: int, text: str) -> None:
        spoken = self._shown.get(index)
        if spoken and self._painted:
            if self._markdown is None:
                self._markdown = Markdown(width_of(self._out))
            self._out_painted(self._markdown.feed(text))
        elif spoken or self.reasoning:
            self._settle()
            super()._say(index, text)

    def _out_painted(self, text: str) -> None:
        if not text:
            return
        if not self._err_at_start and self._shared:
            self._write_err("\n")
        self._write(text)

    def _settle(self) -> None:
        """Write what is held back."""
        markdown, self._markdown = self._markdown, None
        if markdown is not None:
            self._out_painted(markdown.close())
