"""A run as it happens, on the terminal: the answer on stdout, everything about it on stderr.

So ``playhead run … > answer.txt`` holds the model's words and nothing else, while attempts, waits, tool calls, tokens
and cost are seen. ``run`` and ``replay`` show a run by the same code; a replay is only faster.

An answer that was cut begins again. What stdout has of it by then is taken back where stdout is a file; on a terminal
and in a pipe it stands, and stderr says that the answer starts again. A cut that ends the run takes nothing back: the
last that came is worth more than nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from playhead.agent.events import RunEnd, StepEnd, StepStart, ToolEnd, ToolProgress, ToolStart
from playhead.cli.bill import bill
from playhead.cli.paint import TIMES, Paint, clean, plural, seconds, tokens
from playhead.cli.wording import reworded
from playhead.events import Attempt, AttemptEnd, Discard, PartDelta, PartStart, ResponseStart
from playhead.messages import Reasoning, Refusal, Text

if TYPE_CHECKING:
    from playhead.agent.events import Event
    from playhead.agent.run import Run

#: Characters of a tool's result, or of an error, that are shown while a run goes on; the tape has all of them.
GLIMPSE = 300


class Live:
    """Shows the events of a run. ``quiet`` leaves stderr to errors; ``replay`` says that tools do not run; ``fixed`` are
    results that somebody set, by "tool:NAME" or "call:ID"."""

    def __init__(
        self,
        out: TextIO,
        err: TextIO,
        color: str = "auto",
        *,
        quiet: bool = False,
        replay: bool = False,
        fixed: Mapping[str, str] | None = None,
    ) -> None:
        self._out, self._err, self._quiet, self._replay = out, err, quiet, replay
        self._fixed = fixed or {}
        self._refusal = ""  # the last one told, so that the same words are not told ten times
        # A replay takes no waits: its failed attempt is told when the next one got somewhere. What ends the run is not
        # told here, it is its error.
        self._failed: Attempt | None = None
        self._cut = False  # whether something of the failed attempt's answer was handed on
        self._paint = Paint.of(err, color)
        self._terminal = out.isatty()
        self._shared = _same_place(out, err)
        self._at_start = self._err_at_start = True
        self._shown: dict[int, bool] = {}  # by part: whether its text is the answer's (else it is reasoning)
        self._step_text = 0  # bytes of this answer on stdout
        self._mark = 0

    def show(self, events: Iterable[Event]) -> None:
        """Show what happened, in order."""
        for event in events:
            match event:
                case PartDelta(index, text):
                    self._say(index, text)
                case PartStart(index, part):
                    if isinstance(part, (Text, Refusal, Reasoning)):
                        self._shown[index] = not isinstance(part, Reasoning)
                        self._say(index, part.text)
                case ResponseStart():
                    self._begin()
                case Discard():
                    self._cut = True
                case AttemptEnd(attempt):
                    self._told_failure()
                    self._failed = attempt if attempt.error is not None else None
                    if attempt.wait is not None:
                        self._told_failure()
                case ToolStart(_, call):
                    arguments = glimpse(call.arguments)
                    self._note(self._paint.cyan(f"→ {clean(call.name)}({arguments})"))
                case ToolProgress(_, call, text):
                    self._note(self._paint.dim(f"  {clean(call.name)}: {glimpse(text)}"))
                case ToolEnd(_, result, duration, replayed):
                    took = "from the tape" if replayed or self._replay else seconds(duration)
                    if replayed and result.text in (
                        self._fixed.get(f"call:{result.call_id}"),
                        self._fixed.get(f"tool:{result.name}"),
                    ):
                        took = "as set"
                    color = self._paint.red if result.is_error else self._paint.cyan
                    files = sum(not isinstance(part, Text) for part in result.content)
                    also = f" + {plural(files, 'file')}" if files else ""
                    self._note(color(f"← {glimpse(result.text)}{also}") + self._paint.dim(f"  {took}"))
                case StepStart() | StepEnd() | RunEnd():
                    self.end_line()
                case _:
                    pass

    def end_line(self) -> None:
        """Answers of two steps do not run into each other, and the last one ends its line."""
        if not self._at_start:
            self._write("\n")
        if not self._err_at_start:
            self._write_err("\n")

    def total(self, run: Run[Any], tape: str | None = None) -> None:
        """The last line: what the run came to."""
        self.end_line()
        for warning in run.warnings:
            self._note(self._paint.yellow(f"warning: {clean(warning)}"))
        self._note(self._paint.dim(total(run) + (f"; tape: {clean(tape)}" if tape else "")))

    def note(self, text: str) -> None:
        """One line of the command's own."""
        self._note(self._paint.dim(clean(text)))

    def ask(self, name: str, arguments: str) -> None:
        """A call that somebody is asked about."""
        self.end_line()
        self._note(self._paint.cyan(f"? {clean(name)}({glimpse(arguments)})"))

    def fault(self, text: str) -> None:
        """What ended the run before its end."""
        self.end_line()
        self._write_err(self._paint.red("error: ") + clean(text) + "\n")

    def _begin(self) -> None:
        self._told_failure()
        self._start_again()
        self._shown.clear()
        self._step_text = 0
        if not self._terminal:
            self._mark = _position(self._out)

    def _say(self, index: int, text: str) -> None:
        spoken = self._shown.get(index)
        if not text or spoken is None:
            return
        if spoken:
            if not self._err_at_start and self._shared:
                self._write_err("\n")
            self._write(clean(text) if self._terminal else text)
        elif not self._quiet:
            if self._shared and not self._at_start:
                self._write("\n")
            self._write_err(self._paint.dim(clean(text)), ends=text.endswith("\n"))

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
        self._step_text += len(text.encode(self._out.encoding or "utf-8", "backslashreplace"))
        self._at_start = text.endswith("\n")

    def _write_err(self, text: str, ends: bool = True) -> None:
        self._err.write(text)
        self._err.flush()
        self._err_at_start = ends

    def _note(self, line: str) -> None:
        if self._quiet:
            return
        if self._shared and not self._at_start:
            self._write("\n")
        self._write_err(("" if self._err_at_start else "\n") + line + "\n")

    def _told_failure(self) -> None:
        attempt, self._failed = self._failed, None
        if attempt is not None:
            self._note(self._paint.yellow(self._refused(attempt)))

    def _start_again(self) -> None:
        """The answer that was cut begins anew: take back what is there of it, or say so."""
        cut, self._cut = self._cut and self._step_text > 0, False
        if not cut:
            return
        if not self._terminal and self._take_back():
            self._note(self._paint.yellow("what was written of the answer is taken back; it starts again:"))
            return
        if not self._at_start:
            self._write("\n")
        self._note(self._paint.yellow("the answer starts again:"))

    def _refused(self, attempt: Attempt) -> str:
        status = refusal(attempt.status)
        error = glimpse(reworded(attempt.error or "").removeprefix(f"{attempt.status}: "))
        told, self._refusal = self._refusal, error
        wait = "" if attempt.wait is None else f"; again in {seconds(attempt.wait)}" if attempt.wait else "; again"
        why = "the same" if error == told else error
        return f"attempt {attempt.number}: {status} after {seconds(attempt.duration)}: {why}{wait}"

    def _take_back(self) -> bool:
        """Cut the file that stdout is back to where this answer began, if it holds nothing else since."""
        try:
            here = self._out.fileno()
            if self._mark < 0 or os.lseek(here, 0, os.SEEK_CUR) - self._mark != self._step_text:
                return False
            os.ftruncate(here, self._mark)
            os.lseek(here, self._mark, os.SEEK_SET)
        except (OSError, ValueError):  # a pipe, or no file at all
            return False
        self._step_text = 0
        self._at_start = True
        return True


def total(run: Run[Any]) -> str:
    """``2 steps, 12 attempts (429 ten times), 268 in + 66 out tokens, $0.0006258, 3.1 s``."""
    usage = run.usage
    attempts = plural(len(run.attempts), "attempt")
    refused = refusals(attempt.status for attempt in run.attempts if attempt.error is not None)
    return ", ".join(
        (
            plural(len(run.steps), "step"),
            f"{attempts} ({refused})" if refused else attempts,
            tokens(usage.input_tokens, usage.output_tokens) if usage is not None else tokens(None, None),
            bill(run.ledger, run.cost),
            seconds(run.duration),
        )
    )


def refusals(statuses: Iterable[int | None]) -> str:
    """Refusals in words: each status and how often it came, "no answer" where there was none."""
    counts: dict[str, int] = {}
    for status in statuses:
        word = refusal(status)
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{word} {TIMES}{count}" if count > 1 else word for word, count in counts.items())


def refusal(status: int | None) -> str:
    """The status of an attempt that failed, in a word: a good one is that of an answer that was cut."""
    return "no answer" if status is None else "cut" if status < 300 else str(status)


def glimpse(text: str) -> str:
    """One line of a text, to be shown while a run goes on."""
    line = " ".join(clean(text[: 10 * GLIMPSE].strip()).split())
    return line if len(line) <= GLIMPSE else line[: GLIMPSE - 1] + "…"


def _same_place(out: TextIO, err: TextIO) -> bool:
    """Whether both end up in one terminal, pipe or file, where lines of one must not begin in lines of the other."""
    try:
        a, b = os.fstat(out.fileno()), os.fstat(err.fileno())
    except (OSError, ValueError):
        return False
    return (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)


def _position(stream: TextIO) -> int:
    """The offset of a file, -1 for what is none."""
    try:
        stream.flush()
        return os.lseek(stream.fileno(), 0, os.SEEK_CUR)
    except (OSError, ValueError):
        return -1
