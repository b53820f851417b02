"""Count tapes: tokens, cost, latency, refusals and tools, by model, provider, tape or day.

A folder stands for all tapes in it. Percentiles are of the seconds of each attempt, refused ones too, and of those
until its first byte where the tape says. A conversation counts for each model (or day) that answered in it, in all
once. A tape that cannot be read is named on stderr and passed over.

  playhead stats runs/
  playhead stats runs/ --by day --json
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from playhead.cli.ends import USAGE, UsageError

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
    """Count, and show it; 2 where nothing could be read."""
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
    return 0 if found.tapes else USAGE


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
        "joined": row.joined,
        "steps": row.steps,
        "attempts": row.attempts,
        "refusals": {str(status): count for status, count in sorted(row.refusals.items())},
        "failed": row.failed,
        "usage": row.usage,
        "cost": row.cost,
        "about": row.about,
        "unpriced": row.unpriced,
        "why_unpriced": dict(sorted(row.why_unpriced.items())),
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
    from playhead.cli.paint import clean, plural, wrap
    from playhead.cli.table import shortened, table

    words = [plural(found.tapes, "tape"), plural(found.interactions, "interaction")]
    if found.other:
        words.append(f"{found.other} of them not with a model")
    if found.failed:
        words.append(f"{plural(len(found.failed), 'tape')} not read")
    yield ", ".join(words)
    if not found.rows:
        return
    total, folder = found.total, _common(found)
    named = [(clean(name.removeprefix(folder)), row) for name, row in sorted(found.rows.items())]
    if folder:
        inside = f"tapes in {clean(folder)}"
        yield inside if paint.limit is None else shortened(inside, paint.limit)
    head = [found.by, "conversations", "steps", "attempts", "refused", "tokens in", "out", "cost", "p50", "p90", "p99"]
    rows = [[name, *_cells(row)] for name, row in named]
    if len(rows) > 1:
        rows.append(["total", *_cells(total)])
    yield ""
    yield from table([head, *rows], paint)
    if total.unpriced:
        yield ""
        yield from wrap(_unpriced(total), paint.limit or 10_000)
    first = [(name, row.first_byte) for name, row in named if row.first_byte.count]
    if first:
        yield ""
        yield from table(
            [
                ["first byte", "attempts", *_SHARES],
                *([name, f"{one.count}", *_times(one)] for name, one in first),
            ],
            paint,
        )
    tools = total.tools
    if tools:
        yield ""
        yield from table(
            [
                ["tool", "calls", "errors", *_SHARES],
                *(
                    [clean(name), f"{one.calls:,}", f"{one.errors:,}", *_times(one.duration)]
                    for name, one in sorted(tools.items())
                ),
            ],
            paint,
        )


def _common(found: Stats) -> str:
    """The folder that all tapes are in, as far as their names say, with its slash; "" where rows are no tapes, or there
    is one alone."""
    if found.by != "tape" or len(found.rows) < 2:
        return ""
    from os.path import commonpath, dirname, sep

    try:
        folder = commonpath([dirname(name) for name in found.rows]).rstrip(sep) + sep
    except ValueError:  # some from the root, some from here
        return ""
    return folder if all(name.startswith(folder) for name in found.rows) else ""


def _unpriced(row: Row) -> str:
    """``cost not known of 3 answers: no date on the tape 2, a local model 1``."""
    from playhead.cli.paint import plural
    from playhead.deck.stats import NO_TABLE

    whys = [f"{why} {count:,}" for why, count in sorted(row.why_unpriced.items(), key=lambda one: (-one[1], one[0]))]
    more = "; pip install 'playhead[prices]' has one" if NO_TABLE in row.why_unpriced else ""
    return f"cost not known of {plural(row.unpriced, 'answer')}: {', '.join(whys)}{more}"


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
        f"{row.conversations + row.joined:,}",
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
