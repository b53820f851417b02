"""Take secrets and personal data off tapes: keys, tokens, passwords, cookies, addresses, numbers of phones and cards.

They are found by what they look like, in URLs, headers and bodies, and so is what --word and --pattern name. The same
value is replaced by the same words everywhere, on all tapes that are given. What is no text is left, and told.

  playhead scrub florence.yaml -o clean.yaml --word Florence
  playhead scrub tapes/*.yaml --in-place --keep phone
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from playhead.cli.main import FAILED, UsageError

SUMMARY = "take secrets and personal data off tapes"


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead scrub``."""
    from playhead.cli.finding import add_options

    parser.add_argument("tapes", metavar="TAPE", nargs="+", help="tapes, or folders of them")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--in-place", action="store_true", help="write each tape over itself")
    where.add_argument("-o", "--out", metavar="OUT", help="the file to write, or the folder for several")
    add_options(parser)


def main(arguments: argparse.Namespace) -> int:
    """Scrub them; 1 where something that was found had to be left."""
    from playhead.cli.finding import scrubber_of, tapes_in
    from playhead.cli.paint import Paint, clean, plural
    from playhead.cli.reading import load_tape
    from playhead.errors import TapeError

    paint = Paint.of(sys.stdout, arguments.color)
    scrubber = scrubber_of(arguments)
    files = tapes_in(arguments.tapes)
    out = Path(arguments.out) if arguments.out is not None else None
    into = out is not None and (len(files) > 1 or out.is_dir() or any(inside for _, inside in files))
    targets = [Path(name) if out is None else out / Path(name).name if into else out for name, _ in files]
    if len({target.resolve() for target in targets}) < len(targets):
        raise UsageError("two tapes have one name: scrub them into folders of their own")
    rows: list[dict[str, Any]] = []
    for (name, _), target in zip(files, targets, strict=True):
        tape = load_tape(name)
        finds = scrubber.find(tape.interactions)
        tape.interactions = scrubber.scrub(tape.interactions)
        left = [find for find in scrubber.find(tape.interactions) if find.left]
        try:
            if finds or out is not None:
                tape.save(target)
        except TapeError as error:
            raise UsageError(str(error)) from error
        rows.append({"tape": name, "out": str(target), "ok": not left, "found": finds})
        if arguments.json:
            continue
        count = sum(find.count for find in finds if not find.left)
        print(f"{clean(name)} → {clean(str(target))}: {plural(count, 'value')} replaced")
        for find in finds:
            told = f"  {find.count}  {find.kind}  interaction {find.id} {clean(find.place)}  {find.digest}"
            print(paint.red(f"{told}  left: it is no text") if find.left else paint.dim(told))
    ok = all(row["ok"] for row in rows)
    if arguments.json:
        from playhead.cli.document import encode_json

        sys.stdout.write(encode_json({"ok": ok, "tapes": rows}, indent=True) + "\n")
    return 0 if ok else FAILED
