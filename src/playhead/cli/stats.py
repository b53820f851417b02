"""Count tapes: tokens, cost, latency, refusals and tools, by model, provider, tape or day.

A folder stands for all tapes in it. Percentiles are of the seconds of each attempt, refused ones too, and of those
until its first byte where the tape says. A tape that cannot be read is named on stderr and passed over.

  playhead stats runs/
  playhead stats runs/ --by day --json
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from playhead.cli.main import FAILED, UsageError

if TYPE_CHECKING:
    from playhead.cli.paint import Paint
    from playhead.deck.spread import Spread
    from playhead.deck.stats import Row, Stats

SUMMARY = "tokens, cost, latency and refusals of many tapes"

_SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
#: Tapes that could not be read which are named; the others are counted.
_NAMED = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead stats``."""
    parser.add_argument("tapes", metavar="TAPE|DIR", nargs="+", help="tapes, and folders of them")
    parser.add_argument(
        "--by", choices=("model", "provider", "tape", "day"), default="model", help="what makes a row (default: model)"
    )
    parser.add_argument("--jobs", metavar="N", type=int, help="processes that read (default: as it pays)")


def main(arguments: argparse.Namespace) -> int:
    """Count, and show it; 1 where nothing could be read."""
    from playhead.cli.document import encode_json
    from playhead.cli.paint import Paint, clean
    from playhead.deck.stats import stats

    if arguments.jobs is not None and not 1 <= arguments.jobs <= 256:
        raise UsageError(f"--jobs {arguments.jobs}: expected a number from 1 to 256")
    found = stats(arguments.tapes, by=arguments.by, processes=arguments.jobs)
    if not found.tapes and not found.failed:
        raise UsageError(f"no tape in {', '.join(arguments.tapes)}")
    if arguments.json:
        sys.stdout.write(encode_json(as_document(found), indent=True) + "\n")
    else:
        paint = Paint.of(sys.stderr, arguments.color)
        for name, why in found.failed[:_NAMED]:
            print(paint.yellow("passed over: ") + clean(why if name in why else f"{name}: {why}"), file=sys.stderr)
        if len(found.failed) > _NAMED:
            print(paint.yellow(f"passed over: {len(found.failed) - _NAMED} more"), file=sys.stderr)
        for line in lines(found, Paint.of(sys.stdout, arguments.color)):
            sys.stdout.write(line.rstrip() + "\n")
    return 0 if found.tapes else FAILED


def as_document(found: Stats) -> dict[str, Any]:
    """The figures as JSON: costs are strings of dollars, durations seconds."""
    return {
        "by": found.by,
        "tapes": found.tapes,
        "interactions": found.interactions,
        "other": found.other,
        "warnings": found.warnings,
        "failed": [{"tape": name, "error": why} for name, why in found.failed],
        "rows": [{found.by: name, **_fields(row)} for name, row in sorted(found.rows.items())],
        "total": _fields(found.total),
    }


def _fields(row: Row) -> dict[str, Any]:
    return {
        "conversations": row.conversations,
        "steps": row.steps,
        "attempts": row.attempts,
        "refusals": {str(status): count for status, count in sorted(row.refusals.items())},
        "failed": row.failed,
        "usage": row.usage,
        "cost": None if row.cost is None else row.cost.normalize(),
        "about": row.about,
        "unpriced": row.unpriced,
        "latency": _percentiles(row.latency),
        "first_byte": _percentiles(row.first_byte),
        "tools": {
            name: {
                "calls": figures.calls,
                "errors": figures.errors,
                "duration": _percentiles(figures.duration),
            }
            for name, figures in sorted(row.tools.items())
        },
    }


def _percentiles(spread: Spread) -> dict[str, Any]:
    return {"count": spread.count, **{name: spread.at(share) for name, share in _SHARES.items()}}


def lines(found: Stats, paint: Paint) -> Iterator[str]:
    """The figures as tables for people."""
    from playhead.cli.paint import clean, plural

    words = [plural(found.tapes, "tape"), plural(found.interactions, "interaction")]
    if found.other:
        words.append(f"{found.other} of them not with a model")
    if found.failed:
        words.append(f"{plural(len(found.failed), 'tape')} not read")
    yield ", ".join(words)
    if not found.rows:
        return
    head = [found.by, "runs", "steps", "attempts", "refused", "tokens in", "out", "cost", "p50", "p90", "p99"]
    table = [[clean(name), *_cells(row)] for name, row in sorted(found.rows.items())]
    if len(table) > 1:
        table.append(["total", *_cells(found.total)])
    yield ""
    yield from _table([head, *table], paint)
    first = [(name, row.first_byte) for name, row in sorted(found.rows.items()) if row.first_byte.count]
    if first:
        yield ""
        yield from _table(
            [
                ["first byte", "attempts", *_SHARES],
                *([clean(name), f"{one.count}", *_times(one)] for name, one in first),
            ],
            paint,
        )
    tools = found.total.tools
    if tools:
        yield ""
        yield from _table(
            [
                ["tool", "calls", "errors", *_SHARES],
                *(
                    [clean(name), f"{one.calls:,}", f"{one.errors:,}", *_times(one.duration)]
                    for name, one in sorted(tools.items())
                ),
            ],
            paint,
        )


def _cells(row: Row) -> list[str]:
    from playhead.cli.paint import TIMES, dollars, whole

    refused = [f"{status or 'none'} {TIMES}{count:,}" for status, count in sorted(row.refusals.items())]
    if row.failed:
        refused.append(f"cut {TIMES}{row.failed:,}")
    cost = "not known" if row.cost is None else dollars(row.cost)
    if row.cost is not None and (row.about or row.unpriced):
        cost = ("at least " if row.unpriced else "about ") + cost
    usage = row.usage
    counts = (None, None) if usage is None else (usage.input_tokens, usage.output_tokens)
    return [
        f"{row.conversations:,}",
        f"{row.steps:,}",
        f"{row.attempts:,}",
        ", ".join(refused) or "-",
        *("?" if count is None else whole(count) for count in counts),
        cost,
        *_times(row.latency),
    ]


def _times(spread: Spread) -> list[str]:
    from playhead.cli.paint import seconds

    found = [spread.at(share) for share in _SHARES.values()]
    return ["-" if value is None else seconds(value) for value in found]


def _table(rows: Sequence[Sequence[str]], paint: Paint) -> Iterator[str]:
    """Rows as columns, the first to the left and all others to the right; the first row is their heading."""
    from playhead.cli.paint import columns

    widths = [max(columns(row[at]) for row in rows) for at in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [row[0] + " " * (widths[0] - columns(row[0]))]
        cells += [" " * (width - columns(cell)) + cell for cell, width in zip(row[1:], widths[1:], strict=True)]
        line = "  ".join(cells)
        yield paint.bold(line) if number == 0 else line
