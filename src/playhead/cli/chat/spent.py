"""What exchanges came to: tokens, dollars and seconds, of one answer and of the whole chat.

An answer may be several runs, where calls waited for an approval. What is not known is said: "at least" where an answer
has no known cost or was broken off, "about" where a figure is a list price (:mod:`playhead.cli.bill`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playhead.cli.bill import bill
from playhead.cli.paint import plural, seconds, tokens

if TYPE_CHECKING:
    from playhead.agent.ledger import Line
    from playhead.agent.run import Run
    from playhead.response import Usage


class Spent:
    """A sum over runs. ``anything`` says whether an answer or a refusal has come at all."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.usage: Usage | None = None
        self.seconds = 0.0
        self.answers = 0
        self.anything = False
        self._broken = False

    def add(self, run: Run[Any]) -> None:
        """Count a run, whole or as far as it came."""
        self.lines.extend(run.ledger)
        usage = run.leg_usage
        if usage is not None:
            self.usage = usage if self.usage is None else self.usage + usage
        self.seconds += run.duration
        self._broken = self._broken or bool(run.partial)
        self.anything = self.anything or bool(run.steps or run.partial) or any(one.status for one in run.attempts)

    @property
    def words(self) -> str:
        """``97 in + 31 out tokens, about $0.0033 (genai-prices 0.2.3)``."""
        from playhead.agent.ledger import total

        usage = self.usage
        counted = tokens(None, None) if usage is None else tokens(usage.input_tokens, usage.output_tokens)
        return f"{counted}, {bill(self.lines, None if self._broken else total(self.lines))}"

    @property
    def timed(self) -> str:
        """The same, and how long it took."""
        return f"{self.words}, {seconds(self.seconds)}"

    @property
    def session(self) -> str:
        """The same of a whole chat: how many answers, what they came to."""
        return f"{plural(self.answers, 'answer')}, {self.words}"
