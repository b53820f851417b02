"""A chat on the terminal: a run shown as ``playhead run`` shows it, its answer painted as Markdown while it comes.

What was written is never written again, so that the terminal's own scrolling and selecting go on working. Where colours
are off the answer is shown as it came. Reasoning is dimmed, or left out where the user says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TextIO

from playhead.cli.chat.markdown import Markdown
from playhead.cli.live import Live
from playhead.cli.paint import DEFAULT_WIDTH, clean, columns, has_color, hung, limit_of, width_of, wrap

if TYPE_CHECKING:
    from playhead.messages import ToolCall


#: Columns that the words beside a name are to have.
_LEAST = 30


class Screen(Live):
    """Shows the events of the runs of a chat. ``reasoning`` says whether thoughts are shown."""

    def __init__(
        self,
        out: TextIO,
        err: TextIO,
        color: str = "auto",
        *,
        asks: Callable[[ToolCall], bool] | None = None,
    ) -> None:
        super().__init__(out, err, color, asks=asks)
        self.reasoning = True
        self._painted = has_color(out, color)
        self._markdown: Markdown | None = None

    def say(self, text: str) -> None:
        """Words of the chat's own, in lines."""
        self.end_line()
        limit = limit_of(self._err)
        lines = clean(text).split("\n")
        self._write_err("\n".join(lines if limit is None else [hung(line, limit) for line in lines]) + "\n")

    def rows(self, rows: Iterable[tuple[str, str]]) -> None:
        """Names and what is said of them, in two columns where there is room, else one below the other."""
        self.end_line()
        shown = [(clean(left), clean(right)) for left, right in rows]
        limit = limit_of(self._err) or DEFAULT_WIDTH
        wide = max(columns(left) for left, _ in shown)
        first = wide + 2 if wide + _LEAST <= limit else 4
        for left, right in shown:
            head = left + " " * (first - columns(left)) if first > wide else f"{left}\n{' ' * first}"
            said = f"\n{' ' * first}".join(wrap(right, max(limit - first, 1)))
            self._write_err((head + self._paint.dim(said)).rstrip() + "\n")

    def warn(self, text: str) -> None:
        """A line that one should see."""
        self._note(self._paint.yellow(clean(text)))

    def begins(self, waits_for: str) -> None:
        """A new exchange begins; some providers number the calls of each from the beginning."""
        self._announced.clear()
        self._waits_for = waits_for

    def _say(self, index: int, text: str) -> None:
        spoken = self._shown.get(index)
        if spoken and self._painted:
            if self._markdown is None:
                super()._settle()
                self._markdown = Markdown(width_of(self._out))
            self._out_painted(self._markdown.feed(text))
        elif spoken or self.reasoning:
            if self._markdown is not None:
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
        super()._settle()
