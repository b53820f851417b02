"""Check tapes: that playhead, given what each first request says, asks every request as it was recorded.

Every exchange is decoded and every conversation run again with the tool results that the tape holds; each request is
compared with the recorded one as JSON. The exit status is 1 where one differs, and the first difference is shown.

  playhead verify florence.yaml tapes/*.yaml
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from playhead.cli.ends import FAILED

if TYPE_CHECKING:
    from playhead.cli.paint import Paint
    from playhead.deck.verify import Verdict

SUMMARY = "check that playhead asks what the tape says was asked"


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead verify``."""
    parser.add_argument("tapes", metavar="TAPE", nargs="+", help="tapes, in the format of go-vcr v2")


def main(arguments: argparse.Namespace) -> int:
    """Check them all; one that is no tape does not keep the others from being checked."""
    from playhead.cli.ends import UsageError
    from playhead.cli.paint import Paint, clean
    from playhead.errors import TapeFormatError

    paint = Paint.of(sys.stdout, arguments.color)
    rows: list[dict[str, Any]] = []
    equal = requests = 0
    for path in arguments.tapes:
        try:
            verdict = _verdict(path)
        except (UsageError, TapeFormatError) as error:
            if len(arguments.tapes) == 1:
                raise
            rows.append({"tape": path, "ok": False, "error": str(error)})
            if not arguments.json:
                print(paint.red("not read") + f"  {clean(str(error))}")
            continue
        equal, requests = equal + verdict.equal, requests + verdict.requests
        rows.append({"tape": path, "ok": verdict.ok, **_fields(verdict)})
        if not arguments.json:
            _print(paint, path, verdict)
    ok = all(row["ok"] for row in rows)
    if arguments.json:
        from playhead.cli.document import encode_json

        document = {"ok": ok, "requests": requests, "equal": equal, "tapes": rows}
        sys.stdout.write(encode_json(document, indent=True) + "\n")
    elif len(rows) > 1:
        good = sum(row["ok"] for row in rows)
        print(f"{good} of {len(rows)} tapes, {equal} of {requests} requests equal")
    return 0 if ok else FAILED


def _verdict(path: str) -> Verdict:
    """What the verification of one tape says.

    Raises:
        UsageError: there is no such file, or what it holds cannot be run again: it is nested too deeply, or has numbers
            that none can calculate with.
        TapeFormatError: it is no tape.
    """
    import asyncio

    from playhead.cli.ends import UsageError
    from playhead.cli.reading import load_tape
    from playhead.deck.verify import verify

    tape = load_tape(path)
    try:
        return asyncio.run(verify(tape))
    except (RecursionError, ArithmeticError) as error:
        raise UsageError(f"{path}: cannot be run again: {type(error).__name__}: {error}") from error


def _print(paint: Paint, path: str, verdict: Verdict) -> None:
    from playhead.cli.paint import clean, plural

    words = f"{verdict.equal} of {verdict.requests} requests equal" if verdict.requests else "no requests on this tape"
    if verdict.requests and verdict.conversations != 1:
        words += f", {plural(verdict.conversations, 'conversation')}"
    print(f"{clean(path)}: " + (paint.green if verdict.ok else paint.red)(words))
    for edit in verdict.edits:
        print(paint.dim(f"  {clean(edit)}"))
    for difference in verdict.differences:
        print(f"  interaction {difference.id}: {clean(difference.where)}")
    for note in verdict.notes:
        print(paint.dim(f"  {clean(note)}"))
    for path_in_request in verdict.unmodelled:
        print(paint.yellow(f"  not modelled: {clean(path_in_request)}"))


def _fields(verdict: Verdict) -> dict[str, Any]:
    import msgspec

    fields: dict[str, Any] = msgspec.to_builtins(verdict)
    return fields
