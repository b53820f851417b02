"""Fail where a tape holds a secret or personal data: for a build, before a tape is committed.

Each is told with its file and line, its kind, and the beginning of its SHA-256; never itself. What may stay is allowed
by that: --allow 3f7a9c21, or lines of a file. The exit status is 1 where one is found, and where a file that is named
is no recording.

  playhead check tests/tapes --allow-file tests/tapes/allowed.txt
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from playhead.cli.ends import FAILED

SUMMARY = "fail where a tape holds a secret or personal data"


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead check``."""
    from playhead.cli.finding import add_options

    parser.add_argument("tapes", metavar="TAPE", nargs="+", help="tapes and other recordings, or folders of them")
    add_options(parser)


def main(arguments: argparse.Namespace) -> int:
    """Check them all."""
    from playhead.cli.ends import UsageError
    from playhead.cli.finding import scrubber_of, tapes_in
    from playhead.cli.paint import Paint, clean, plural
    from playhead.cli.reading import read_bytes
    from playhead.cli.whereabouts import Lines
    from playhead.errors import TapeFormatError
    from playhead.tapes.formats import read
    from playhead.tapes.formats.detect import detect

    paint = Paint.of(sys.stdout, arguments.color)
    rows: list[dict[str, Any]] = []
    problems: list[dict[str, Any]] = []
    files = tapes_in(arguments.tapes)
    for name, inside in files:
        scrubber = scrubber_of(arguments)
        try:
            data = read_bytes(name)
            format = detect(data)
            if format is None and inside:
                continue
            interactions = read(data, name, format).interactions
        except (UsageError, TapeFormatError) as error:
            if len(files) == 1:
                raise
            problems.append({"file": name, "error": str(error)})
            if not arguments.json:
                print(paint.red("not read") + f"  {clean(str(error))}")
            continue
        finds = scrubber.find(interactions)
        lines = Lines(data, format, interactions) if finds else None
        for find in finds:
            line = lines.of(find, scrubber.value_of(find.digest)) if lines is not None else None
            rows.append(
                {"file": name, "line": line, "kind": find.kind, "interaction": find.id, "place": find.place}
                | {"sha256": find.digest, "count": find.count}
            )
            if not arguments.json:
                where = clean(name if line is None else f"{name}:{line}")
                times = f" ({find.count} times)" if find.count > 1 else ""
                told = f"interaction {find.id} {clean(find.place)}{times}"
                print(f"{where}: {paint.red(find.kind)} in {told}, sha256 {find.digest}")
    ok = not rows and not problems
    if arguments.json:
        from playhead.cli.document import encode_json

        document = {"ok": ok, "files": len(files), "found": rows, "errors": problems}
        sys.stdout.write(encode_json(document, indent=True) + "\n")
    elif ok:
        print(paint.green(f"{plural(len(files), 'file')}: nothing found"))
    else:
        print(f"{plural(len(rows), 'value')} found in {plural(len({row['file'] for row in rows}), 'file')}")
    return 0 if ok else FAILED
