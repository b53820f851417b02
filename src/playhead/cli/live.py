"""A run as it happens, on the terminal: the answer on stdout, everything about it on stderr.

So ``playhead run … > answer.txt`` holds the model's words and nothing else, while attempts, waits, tool calls, tokens
and cost are seen. ``run`` and ``replay`` show a run by the same code; a replay is only faster.

An answer that was cut begins again. What stdout has of it by then is taken back where stdout is a file; on a terminal
and in a pipe it stands, and stderr says that the answer starts again. A cut that ends the run takes nothing back: the
last that came is worth more than nothing.

On a terminal lines are broken between words, and a call that a person is asked about is shown once, with the question.
While nothing comes, a quiet line says what is waited for; it is taken away again.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from playhead.agent.events import RunEnd, StepEnd, StepStart, ToolEnd, ToolProgress, ToolStart
from playhead.cli.bill import bill
from playhead.cli.flow import Flow, Piece
from playhead.cli.paint import (
    HARD,
    TIMES,
    Paint,
    clean,
    columns,
    dollars,
    hung,
    kept_whole,
    limit_of,
    plural,
    seconds,
    tokens,
    width_of,
)
from playhead.cli.taken import tape_use, tape_words
from playhead.cli.wording import reworded
from playhead.events import Attempt, AttemptEnd, Discard, PartDelta, PartStart, ResponseStart
from playhead.messages import Reasoning, Refusal, Text

if TYPE_CHECKING:
    from playhead.agent.events import Event
    from playhead.agent.run import Run
    from playhead.messages import ToolCall

#: Seconds without a word after which a terminal is told what is waited for.
PATIENCE = 0.4

#: Characters of a call's arguments where they tell it from another.
_SHORT = 40

#: Characters of a tool's result, or of an error, that are shown while a run goes on; the tape has all of them.
GLIMPSE = 300


class Live:
    """Shows the events of a run. ``quiet`` leaves stderr to errors; ``replay`` says that tools do not run; ``fixed``
    are results that somebody set, by "tool:NAME" or "call:ID". ``asks`` says of a call whether a person will be asked
    about it: it is shown then. ``waits_for`` is what is waited for until the first answer."""

    def __init__(
        self,
        out: TextIO,
        err: TextIO,
        color: str = "auto",
        *,
        quiet: bool = False,
        replay: bool = False,
        fixed: Mapping[str, str] | None = None,
        asks: Callable[[ToolCall], bool] | None = None,
        waits_for: str = "waiting",
    ) -> None:
        self._out, self._err, self._quiet, self._replay = out, err, quiet, replay
        self._fixed = fixed or {}
        self._refusal = ""  # the last one told, so that the same words are not told ten times
        # A replay takes no waits: its failed attempt is told when the next one got somewhere. What ends the run is not
        # told here, it is its error.
        self._failed: Attempt | None = None
        self._cut = False  # whether something of the failed attempt's answer was handed on
        self._paint = Paint.of(err, color)
        self._asks, self._waits_for = asks, waits_for
        self._terminal = out.isatty()
        self._patient = err.isatty() and not quiet
        self._waiting = 0  # columns of the quiet line, where it is there
        self._written = 0  # how often something was written
        self._announced: set[str] = set()  # the calls that were told of and have no result yet
        self._step: dict[str, ToolCall] = {}  # the calls of this step
        self._latest = ""  # the call that the last line is about, where it is about one
        self._running: set[str] = set()  # those of them that have no result
        # What sets the answer (or, where the second is False, the reasoning) in lines of the terminal.
        self._flow: tuple[Flow, bool] | None = None
        self._shared = _same_place(out, err)
        self._at_start = self._err_at_start = True
        self._shown: dict[int, bool] = {}  # by part: whether its text is the answer's (else it is reasoning)
        self._step_text = 0  # bytes of this answer on stdout
        self._mark = 0
        self._began: str | None = None  # how the first leg of this run stood to its tape
        self._made = False  # whether a call was made, and not played
        self._slowest: dict[int, float] = {}  # by step, the seconds of its slowest call as the tape has them

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
                    self._step[call.id] = call
                    self._running.add(call.id)
                    self._cease()
                    if call.id not in self._announced and not (self._asks is not None and self._asks(call)):
                        self._announce("→", call)
                case ToolProgress(_, call, text):
                    self._latest = call.id
                    self._note(self._paint.dim(f"  {clean(call.name)}: {glimpse(text)}"))
                case ToolEnd(step, result, duration, replayed):
                    took = "from the tape" if replayed or self._replay else seconds(duration) if duration else ""
                    if replayed:
                        self._slowest[step] = max(duration, self._slowest.get(step, 0.0))
                    self._made = self._made or not replayed
                    if replayed and result.text in (
                        self._fixed.get(f"call:{result.call_id}"),
                        self._fixed.get(f"tool:{result.name}"),
                    ):
                        took = "as set"
                    self._announced.discard(result.call_id)
                    self._running.discard(result.call_id)
                    whose, self._latest = self._whose(result.call_id), ""
                    color = self._paint.red if result.is_error else self._paint.cyan
                    files = sum(not isinstance(part, Text) for part in result.content)
                    also = f" + {plural(files, 'file')}" if files else ""
                    took = f"  {took}".replace(" ", HARD) if took else ""
                    self._note(color(f"← {whose}{glimpse(result.text)}{also}") + self._paint.dim(took))
                case StepStart() | StepEnd() | RunEnd():
                    self._step.clear()
                    self.end_line()
                case _:
                    pass

    async def follow(self, events: AsyncIterable[Event]) -> None:
        """Show what happens as it does, and on a terminal what is waited for while nothing does."""
        from asyncio import get_running_loop

        self._running.clear()
        later = get_running_loop().call_later
        timer = later(PATIENCE, self._wait)
        try:
            async for event in events:
                before = self._written
                self.show((event,))
                if self._written != before:
                    timer.cancel()
                    timer = later(PATIENCE, self._wait)
        finally:
            timer.cancel()
            self._cease()

    def end_line(self) -> None:
        """Answers of two steps do not run into each other, and the last one ends its line."""
        self._settle()
        if not self._at_start:
            self._write("\n")
        if not self._err_at_start:
            self._write_err("\n")

    def leg(self, run: Run[Any]) -> None:
        """A run that waits for who sits here has ended, and goes on at once: how it stood to the tape is how the whole
        does."""
        self._began = self._began or tape_use(run)

    def total(self, run: Run[Any], tape: str | None = None, *, goes_on: bool = False, note: str = "") -> None:
        """The last line: what the run came to, and whether that was recorded on its tape or played from there; of one
        that was played the seconds are those of the recording. ``goes_on`` says that calls that are made are added to
        the tape; ``note`` is said at the end. What another run shows from here on has nothing to do with it."""
        self.end_line()
        self._failed, self._cut = None, False
        for warning in run.warnings:
            self._note(self._paint.yellow(f"warning: {clean(warning)}"))
        made = self._made and goes_on
        took = None
        if tape_use(run, made=made) == "played":
            took = sum(attempt.duration for attempt in run.attempts) + sum(self._slowest.values())
        self._made, self._slowest = False, {}
        on_tape = tape_words(run, tape, made=made, recorded=self._began == "recorded")
        words = filter(None, (total(run, took), on_tape, note))
        self.figures("; ".join(words))

    def figures(self, text: str) -> None:
        """What something came to, in parts that are not broken: a line begins with one of them."""
        self._note(self._paint.dim(kept_whole(clean(text), width_of(self._err) - 2)))

    def note(self, text: str) -> None:
        """One line of the command's own."""
        self._note(self._paint.dim(clean(text)))

    def ask(self, call: ToolCall) -> None:
        """A call that somebody is asked about; one that was told of just now stands there already."""
        self.end_line()
        if self._announced != {call.id}:
            self._announce("?", call)
        self._latest = call.id

    def fault(self, text: str) -> None:
        """What ended the run before its end."""
        self.end_line()
        limit, line = limit_of(self._err), self._paint.red("error: ") + clean(text)
        self._write_err((line if limit is None else hung(line, limit)) + "\n")

    def _announce(self, mark: str, call: ToolCall) -> None:
        self._announced.add(call.id)
        self._note(self._paint.cyan(f"{mark} {clean(call.name)}({glimpse(call.arguments)})"))

    def _whose(self, call_id: str) -> str:
        """Which call a result is of, where it might be another's."""
        call = self._step.get(call_id)
        if call is None or len(self._step) == 1 or self._latest == call_id:
            return ""
        alike = sum(one.name == call.name for one in self._step.values())
        return f"{clean(call.name)}({glimpse(call.arguments, _SHORT)}): " if alike > 1 else f"{clean(call.name)}: "

    def _wait(self) -> None:
        """Say what is waited for, where nothing else is being said and no call is being made."""
        busy = self._running or not self._err_at_start or (self._shared and not self._at_start)
        if self._patient and not self._waiting and not busy:
            line = f"… {clean(self._waits_for)}"[: width_of(self._err) - 1]
            self._err.write(self._paint.dim(line))
            self._err.flush()
            self._waiting = columns(line)

    def _cease(self) -> None:
        """Take away the line that says what is waited for."""
        if self._waiting:
            self._err.write(f"\r{' ' * self._waiting}\r")
            self._err.flush()
            self._waiting = 0

    def _begin(self) -> None:
        self._waits_for = "waiting"
        self._settle()
        self._told_failure()
        self._start_again()
        self._shown.clear()
        self._step_text = 0
        if not self._terminal:
            self._mark = _position(self._out)

    def _say(self, index: int, text: str) -> None:
        spoken = self._shown.get(index)
        if not text or spoken is None or (self._quiet and not spoken):
            return
        if self._flow is not None and self._flow[1] != spoken:
            self._settle()
        if spoken:
            if not self._err_at_start and self._shared:
                self._write_err("\n")
            self._write(self._lined(text, spoken) if self._terminal else text)
        else:
            if self._shared and not self._at_start:
                self._write("\n")
            if self._err.isatty():
                self._write_err(self._lined(text, spoken))
            else:
                self._write_err(self._paint.dim(clean(text)), ends=text.endswith("\n"))

    def _lined(self, text: str, spoken: bool) -> str:
        """What can be written of it now: lines are broken between words, and the last word may grow."""
        if self._flow is None:
            self._flow = (Flow(width_of(self._out if spoken else self._err)), spoken)
        flow = self._flow[0]
        for number, line in enumerate(clean(text).split("\n")):
            if number:
                flow.end()
            flow.add([Piece(line)])
        return self._taken()

    def _taken(self) -> str:
        """What the flow has to write, thoughts dimmed."""
        if self._flow is None:
            return ""
        flow, spoken = self._flow
        return flow.take() if spoken else "\n".join(map(self._paint.dim, flow.take().split("\n")))

    def _settle(self) -> None:
        """Write what is held back, and end its line."""
        if self._flow is None:
            return
        flow, spoken = self._flow
        if flow.begun:
            flow.end()
        rest, self._flow = self._taken(), None
        (self._write if spoken else self._write_err)(rest)

    def _write(self, text: str) -> None:
        if not text:
            return
        self._cease()
        self._written += 1
        self._out.write(text)
        self._out.flush()
        self._step_text += len(text.encode(self._out.encoding or "utf-8", "backslashreplace"))
        self._at_start = text.endswith("\n")

    def _write_err(self, text: str, ends: bool | None = None) -> None:
        if not text:
            return
        self._cease()
        self._written += 1
        self._err.write(text)
        self._err.flush()
        self._err_at_start = text.endswith("\n") if ends is None else ends

    def _note(self, line: str) -> None:
        if self._quiet:
            return
        self._settle()
        limit = limit_of(self._err)
        line = (line if limit is None else hung(line, limit)).replace(HARD, " ")
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
        error = glimpse(re.sub(rf"^(?:\S+ )?{attempt.status}: ", "", reworded(attempt.error or "")))
        told, self._refusal = self._refusal, error
        again = "" if not attempt.wait else f" in {seconds(attempt.wait)}".replace(" ", HARD)
        wait = "" if attempt.wait is None else f"; again{again}"
        why = "the same" if error == told else error
        # A recording may have none.
        after = f" after {seconds(attempt.duration)}".replace(" ", HARD) if attempt.duration else ""
        return f"attempt {attempt.number}: {status}{after}: {why}{wait}"

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


def total(run: Run[Any], took: float | None = None) -> str:
    """``2 steps, 12 attempts (429 ten times), 268 in + 66 out tokens, $0.0006258, 3.1 s``; of a run that went on from
    one that waited, what it came to itself, and then what both did: ``…; 3 steps, …, $0.0009 in all``. ``took`` are
    other seconds than the run's own."""
    lasted = run.duration if took is None else took
    usage, before = run.leg_usage, run.before
    attempts = plural(len(run.attempts), "attempt")
    refused = refusals(attempt.status for attempt in run.attempts if attempt.error is not None)
    itself = ", ".join(
        (
            plural(len(run.steps), "step"),
            f"{attempts} ({refused})" if refused else attempts,
            tokens(usage.input_tokens, usage.output_tokens) if usage is not None else tokens(None, None),
            bill(run.ledger, run.leg_cost),
            seconds(lasted) if lasted else "duration not reported",
        )
    )
    if before is None:
        return itself
    whole = run.usage
    counted = tokens(None, None) if whole is None else tokens(whole.input_tokens, whole.output_tokens)
    cost = bill(run.ledger, run.cost) if run.cost is None else dollars(run.cost)
    figures = [plural(before.steps + len(run.steps), "step"), counted, cost]
    known = [words for words in figures if any(map(str.isdigit, words))]
    return "; ".join((itself, ", ".join([", ".join(known) + " in all", *(one for one in figures if one not in known)])))


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


def glimpse(text: str, most: int = GLIMPSE) -> str:
    """One line of a text, to be shown while a run goes on."""
    line = " ".join(clean(text[: 10 * most].strip()).split())
    return line if len(line) <= most else line[: most - 1] + "…"


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
