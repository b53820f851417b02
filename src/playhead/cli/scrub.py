"""Take secrets and personal data off tapes: keys, tokens, passwords, cookies, addresses, numbers of phones and cards.

They are found by what they look like, in URLs, headers and bodies, and so is what --word and --pattern name. The same
value is replaced by the same words everywhere, on all tapes that are given. What is no text is left, and told. Another
recording is made a tape first: playhead convert. Files of a folder that are no recording at all are passed over.

  playhead scrub florence.yaml -o clean.yaml --word Florence
  playhead scrub tapes/*.yaml --in-place --keep phone
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from playhead.cli.ends import FAILED, UsageError

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
    from playhead.errors import TapeError, TapeFormatError
    from playhead.tapes.files import TAPE, write_whole

    paint = Paint.of(sys.stdout, arguments.color)
    scrubber = scrubber_of(arguments)
    files = tapes_in(arguments.tapes)
    out = Path(arguments.out) if arguments.out is not None else None
    into = out is not None and (len(files) > 1 or out.is_dir() or any(inside for _, inside in files))
    targets = [Path(name) if out is None else out / Path(name).name if into else out for name, _ in files]
    if len({target.resolve() for target in targets}) < len(targets):
        raise UsageError("two tapes have one name: scrub them into folders of their own")
    rows: list[dict[str, Any]] = []
    for (name, inside), target in zip(files, targets, strict=True):
        try:
            tape = load_tape(name)
        except TapeFormatError as error:
            if _format(name) is None and inside:
                continue
            why = _converted_first(name) or str(error)
            if not inside:
                raise UsageError(why) from error
            rows.append({"tape": name, "out": None, "ok": False, "found": [], "error": why})
            if not arguments.json:
                print(paint.red("not scrubbed") + f"  {clean(why)}")
            continue
        finds = scrubber.find(tape.interactions)
        tape.interactions = scrubber.scrub(tape.interactions)
        left = [find for find in scrubber.find(tape.interactions) if find.left]
        try:
            if finds or out is not None:
                target.parent.mkdir(parents=True, exist_ok=True)
                write_whole(target, tape.dumps(), TAPE, like=[Path(name)])
        except (TapeError, OSError) as error:
            raise UsageError(str(error)) from error
        rows.append({"tape": name, "out": str(target), "ok": not left, "found": finds})
        if arguments.json:
            continue
        count = sum(find.count for find in finds if not find.left)
        print(f"{clean(name)} → {clean(str(target))}: {plural(count, 'value')} replaced")
        cells = [(f"{one.count}", one.kind, f"interaction {one.id}", clean(one.place), one.digest) for one in finds]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for find, row in zip(finds, cells, strict=True):
            told = f"  {row[0]:>{widths[0]}}"
            told += "".join(f"  {cell:{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
            print(paint.red(f"{told}  left: it is no text") if find.left else paint.dim(told))
    ok = all(row["ok"] for row in rows)
    if arguments.json:
        from playhead.cli.document import encode_json

        sys.stdout.write(encode_json({"ok": ok, "tapes": rows}, indent=True) + "\n")
    return 0 if ok else FAILED


def _format(name: str) -> str | None:
    """The format of a file, None where it is no recording."""
    from playhead.cli.reading import read_bytes
    from playhead.tapes.formats.detect import detect

    return detect(read_bytes(name))


def _converted_first(name: str) -> str | None:
    """What to do with a recording that is no tape."""
    from playhead.tapes.formats.brought import NAMES

    format: Any = _format(name)
    if format is None or format == "go-vcr":
        return None
    return f"{name} is {NAMES[format]}, and tapes are scrubbed: make one of it first, playhead convert {name} -o TAPE"
