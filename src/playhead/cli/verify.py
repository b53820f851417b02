"""Check tapes: that playhead, given what each first request says, asks every request as it was recorded.

Every exchange is decoded and every conversation run again with the tool results that the tape holds; each request is
compared with the recorded one as JSON. The exit status is 1 where one differs, and the first difference is shown.

  playhead verify florence.yaml tapes/*.yaml
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from playhead.cli.main import FAILED

if TYPE_CHECKING:
    from playhead.cli.paint import Paint
    from playhead.deck.verify import Verdict

SUMMARY = "check that playhead asks what the tape says was asked"


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead verify``."""
    parser.add_argument("tapes", metavar="TAPE", nargs="+", help="tapes, in the format of go-vcr v2")


def main(arguments: argparse.Namespace) -> int:
    """Check them all; one that is no tape does not keep the others from being checked."""
    import asyncio

    from playhead.cli.main import UsageError
    from playhead.cli.paint import Paint
    from playhead.cli.reading import load_tape
    from playhead.deck.verify import verify
    from playhead.errors import TapeFormatError

    paint = Paint.of(sys.stdout, arguments.color)
    rows: list[dict[str, Any]] = []
    equal = requests = 0
    for path in arguments.tapes:
        try:
            verdict = asyncio.run(verify(load_tape(path)))
        except (UsageError, TapeFormatError) as error:
            if len(arguments.tapes) == 1:
                raise
            rows.append({"tape": path, "ok": False, "error": str(error)})
            if not arguments.json:
                print(paint.red("not read") + f"  {error}")
            continue
        equal, requests = equal + verdict.equal, requests + verdict.requests
        rows.append({"tape": path, "ok": verdict.ok, **_fields(verdict)})
        if not arguments.json:
            _print(paint, path, verdict)
    ok = all(row["ok"] for row in rows)
    if arguments.json:
        import msgspec

        document = {"ok": ok, "requests": requests, "equal": equal, "tapes": rows}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(document)).decode() + "\n")
    elif len(rows) > 1:
        good = sum(row["ok"] for row in rows)
        print(f"{good} of {len(rows)} tapes, {equal} of {requests} requests equal")
    return 0 if ok else FAILED


def _print(paint: Paint, path: str, verdict: Verdict) -> None:
    from playhead.cli.paint import clean

    words = f"{verdict.equal} of {verdict.requests} requests equal" if verdict.requests else "no requests on this tape"
    print(f"{clean(path)}: " + (paint.green if verdict.ok else paint.red)(words))
    for edit in verdict.edits:
        print(paint.dim(f"  {clean(edit)}"))
    for difference in verdict.differences:
        print(f"  interaction {difference.id}: {clean(difference.where)}")
    for path_in_request in verdict.unmodelled:
        print(paint.yellow(f"  not modelled: {clean(path_in_request)}"))


def _fields(verdict: Verdict) -> dict[str, Any]:
    import msgspec

    fields: dict[str, Any] = msgspec.to_builtins(verdict)
    return fields
