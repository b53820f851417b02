"""What many tapes come to: tokens, cost, latency, refusals, tools; by model, provider, tape or day.

Tapes are read one after another and forgotten, so that the memory does not grow with their number; several processes
may read. A tape that cannot be read is named in ``failed`` and passed over::

    stats(["runs/"], by="model").rows["openrouter:moonshotai/kimi-k2-0905"].refusals -> {429: 10}

Every attempt counts, as on :attr:`playhead.Run.ledger`: what it cost is the provider's own figure or about that by list
price, and an answer with no known cost is counted as such with the reason, never as 0: a local model's is not known
either, as no list has a price of it. The percentiles are :mod:`.spread`'s; tables are :mod:`playhead.cli.stats`'s.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from playhead.agent.ledger import REFUSED, REPORTED, Line
from playhead.agent.prices import EARLIEST, HERE
from playhead.deck.spread import Spread
from playhead.deck.transcript.telling import transcript
from playhead.deck.transcript.values import Conversation, Step, Try
from playhead.errors import ConfigError, PlayheadError
from playhead.response import Response, Usage
from playhead.tapes import Interaction, Tape
from playhead.transport.record import CHUNKS
from playhead.transport.replay import recorded_pieces
from playhead.wire import header

By: TypeAlias = Literal["model", "provider", "tape", "day"]
#: How many tapes are read before further processes are worth their start, and how many one of them is given at a time.
_MANY, _SHARE = 400, 50
#: Why an answer has no known cost.
NO_TOKENS, LOCAL, NO_DATE = "tokens not reported", "a local model", "no date on the tape"
NO_PRICE, NO_TABLE = "no price known", "no list of prices"
#: The files of a folder that are taken for tapes.
_ENDINGS = (".yaml", ".yml")


class ToolFigures(msgspec.Struct):
    """What the calls of one tool came to. ``duration`` is of those that stand on the tape, in seconds."""

    calls: int = 0
    errors: int = 0
    duration: Spread = msgspec.field(default_factory=Spread)


class Row(msgspec.Struct):
    """What one group came to.

    Attributes:
        conversations, steps, attempts: how many; a conversation counts where it began.
        joined: conversations that began elsewhere (with another model, on another day) and came here.
        refusals: by HTTP status, 0 for what was given up before it was answered.
        failed: answers with a good status that could not be taken: cut, or said an error.
        usage: tokens of all attempts that reported any, and what the provider itself said that they cost (None where
            it did not say so of each); None where none did.
        cost: US dollars, as far as known; None where nothing is.
        about: whether there is a list price in ``cost``.
        unpriced: answers of no known cost; ``why_unpriced`` counts them by the reason.
        latency: seconds of each attempt, where the tape says; ``first_byte`` until the first of it came, likewise.
        tools: by name.
    """

    conversations: int = 0
    joined: int = 0
    steps: int = 0
    attempts: int = 0
    refusals: dict[int, int] = msgspec.field(default_factory=dict)
    failed: int = 0
    usage: Usage | None = None
    cost: Decimal | None = None
    about: bool = False
    unpriced: int = 0
    why_unpriced: dict[str, int] = msgspec.field(default_factory=dict)
    latency: Spread = msgspec.field(default_factory=Spread)
    first_byte: Spread = msgspec.field(default_factory=Spread)
    tools: dict[str, ToolFigures] = msgspec.field(default_factory=dict)

    def __iadd__(self, other: Row) -> Row:
        self.conversations += other.conversations
        self.joined += other.joined
        self.steps += other.steps
        self.attempts += other.attempts
        for status, count in other.refusals.items():
            self.refusals[status] = self.refusals.get(status, 0) + count
        self.failed += other.failed
        self.count_usage(other.usage)
        self.count_cost(other.cost)
        self.about = self.about or other.about
        self.unpriced += other.unpriced
        for why, count in other.why_unpriced.items():
            self.why_unpriced[why] = self.why_unpriced.get(why, 0) + count
        self.latency += other.latency
        self.first_byte += other.first_byte
        for name, figures in other.tools.items():
            mine = self.tools.setdefault(name, ToolFigures())
            mine.calls += figures.calls
            mine.errors += figures.errors
            mine.duration += figures.duration
        return self

    def count_usage(self, usage: Usage | None) -> None:
        """Add tokens, and what the provider said of their cost where that is a number."""
        if usage is not None:
            if usage.cost is not None and not usage.cost.is_finite():
                usage = msgspec.structs.replace(usage, cost=None)
            self.usage = usage if self.usage is None else self.usage + usage

    def count_cost(self, cost: Decimal | None) -> None:
        """Add dollars, where they are known and a number."""
        if cost is not None and cost.is_finite():
            self.cost = cost if self.cost is None else self.cost + cost


class Stats(msgspec.Struct):
    """What tapes came to. ``rows`` by the name of the group; ``other`` are exchanges that speak to no model; ``failed``
    are tapes that could not be read, and why; ``warnings`` says how many had something odd about them."""

    by: By
    tapes: int = 0
    interactions: int = 0
    other: int = 0
    warnings: int = 0
    rows: dict[str, Row] = msgspec.field(default_factory=dict)
    failed: list[tuple[str, str]] = msgspec.field(default_factory=list)

    def __iadd__(self, other: Stats) -> Stats:
        self.tapes += other.tapes
        self.interactions += other.interactions
        self.other += other.other
        self.warnings += other.warnings
        for name, row in other.rows.items():
            if name in self.rows:
                self.rows[name] += row
            else:
                self.rows[name] = row
        self.failed += other.failed
        return self

    @property
    def total(self) -> Row:
        """All groups together. A conversation counts once, whoever joined it."""
        whole = Row()
        for row in self.rows.values():
            whole += row
        whole.joined = 0
        return whole

    def take(self, tape: Tape, name: str) -> None:
        """Count a tape."""
        told = transcript(tape)
        self.tapes += 1
        self.interactions += told.interactions
        self.other += len(told.entries) - len(told.conversations)
        self.warnings += bool(tape.warnings)
        by_id = {item.id: item for item in tape.interactions}
        for talk in told.conversations:
            seen: list[Row] = []
            for step in talk.steps:
                row = self._step(talk, step, by_id, name)
                if not any(row is one for one in seen):
                    row.conversations += not seen
                    row.joined += bool(seen)
                    seen.append(row)

    def _step(self, talk: Conversation, step: Step, by_id: dict[int, Interaction], tape: str) -> Row:
        whom = step.asked or f"{talk.provider}:{talk.model}"
        row = self._row(whom, by_id[step.attempts[0].id], step, tape)
        row.steps += 1
        for attempt, line in zip(step.attempts, step.ledger, strict=True):
            _attempt(row, attempt, line, by_id[attempt.id], step.answer)
        results = {told.result.call_id: told for told in step.results}
        for call in step.answer.tool_calls if step.answer is not None else ():
            figures = row.tools.setdefault(call.name, ToolFigures())
            figures.calls += 1
            result = results.get(call.id)
            if result is not None:
                figures.errors += result.result.is_error
                if result.duration is not None:
                    figures.duration.add(result.duration)
        return row

    def _row(self, whom: str, first: Interaction, step: Step, tape: str) -> Row:
        match self.by:
            case "model":
                name = whom
            case "provider":
                name = whom.partition(":")[0]
            case "tape":
                name = tape
            case "day":
                name = _day(first, step)
        return self.rows.setdefault(name, Row())


def _attempt(row: Row, attempt: Try, line: Line, item: Interaction, answer: Response | None) -> None:
    row.attempts += 1
    if attempt.duration is not None:
        row.latency.add(attempt.duration)
    if attempt.error is not None:
        if 200 <= attempt.status < 300:
            row.failed += 1
        else:
            row.refusals[attempt.status] = row.refusals.get(attempt.status, 0) + 1
    chunks = header(item.response.headers, CHUNKS)
    if chunks is not None:
        row.first_byte.add(recorded_pieces(chunks, item.response.body)[0][0])
    row.count_usage(line.usage)
    row.count_cost(line.cost)
    row.about = row.about or line.source not in (None, REPORTED, REFUSED)
    if line.cost is None and answer is not None:
        row.unpriced += 1
        why = _why_unpriced(line, item, answer)
        row.why_unpriced[why] = row.why_unpriced.get(why, 0) + 1


def _why_unpriced(line: Line, item: Interaction, answer: Response | None) -> str:
    """Why nobody knows what an answer cost."""
    usage = line.usage
    if usage is None or usage.input_tokens is None or usage.output_tokens is None:
        return NO_TOKENS
    if line.provider == "local" or item.request.url.startswith(HERE):
        return LOCAL
    created = answer.created if answer is not None else None
    if (created or 0) < EARLIEST and header(item.response.headers, "Date") is None:
        return NO_DATE
    from importlib.util import find_spec

    return NO_PRICE if find_spec("genai_prices") is not None else NO_TABLE


def _day(first: Interaction, step: Step) -> str:
    """The day of a step, UTC, as ``2025-09-23``; "unknown" where the tape does not say."""
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    said = header(first.response.headers, "Date")
    try:
        if said:
            return f"{parsedate_to_datetime(said).astimezone(UTC):%Y-%m-%d}"
        if step.answer is not None and step.answer.created:
            return f"{datetime.fromtimestamp(step.answer.created, UTC):%Y-%m-%d}"
    except (ValueError, TypeError, OverflowError, OSError, IndexError):
        pass
    return "unknown"


def files(paths: Iterable[str | os.PathLike[str]]) -> Iterator[str]:
    """The tapes that these paths name: a file as it is, of a folder all that look like tapes, in the order of names."""
    for path in paths:
        if not os.path.isdir(path):
            yield os.fspath(path)
            continue
        for folder, names, found in os.walk(path):
            names[:] = sorted(name for name in names if not name.startswith("."))
            for name in sorted(found):
                if name.endswith(_ENDINGS) and not name.startswith("."):
                    yield str(Path(folder) / name)


def stats(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], *, by: By = "model", processes: int | None = 1
) -> Stats:
    """Count tapes.

    Args:
        paths: tapes, and folders of them.
        by: what makes a row: "model", "provider", "tape" or "day" (UTC).
        processes: how many read; None means as many as there are processors, where the tapes are many. Others than this
            one are started anew, so that a program that asks for them must stand behind ``__name__ == "__main__"``.

    Raises:
        ConfigError: ``by`` is none of those.
    """
    if by not in get_args(By):
        raise ConfigError(f"by is {by!r}; expected one of {', '.join(get_args(By))}")
    given = [paths] if isinstance(paths, str | os.PathLike) else paths
    names = list(files(given))
    count = processes or (min(os.cpu_count() or 1, 8) if len(names) >= _MANY else 1)
    whole = Stats(by)
    if count == 1:
        for name in names:
            _read(whole, name)
        return whole
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    shares = [(by, names[at : at + _SHARE]) for at in range(0, len(names), _SHARE)]
    with ProcessPoolExecutor(count, get_context("spawn")) as pool:
        for part in pool.map(_share, shares):
            whole += part
    return whole


def _share(given: tuple[By, Sequence[str]]) -> Stats:
    by, names = given
    part = Stats(by)
    for name in names:
        _read(part, name)
    return part


def _read(whole: Stats, name: str) -> None:
    """Count a file, or say why it cannot be."""
    try:
        tape: Any = Tape.load(name)
        one = Stats(whole.by)  # what fails in the middle of a tape is not half counted
        one.take(tape, name)
    except (PlayheadError, RecursionError, ArithmeticError) as error:
        whole.failed.append((name, str(error) or type(error).__name__))
        return
    whole += one
