"""Play tapes to any client, in any language: change its base URL, nothing else.

What was recorded at any host is answered at the path that its wire has, with or without what stood before it. Refusals
come in their order, for each client its own; a question that is not on the tapes is a 404 that says where it differs.

  playhead serve florence.yaml --port 8080
  playhead serve tapes/ --pace=0.5 --fault "2: 429 retry-after=1" --fault "4: cut after chunk 7"

A folder stands for all tapes in it. A client may say its name, http://127.0.0.1:8080/@alice/v1, and has the tapes for
itself then. How it stands is at /__playhead__; POST /__playhead__/reset begins anew. Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from playhead.cli.ends import FAILED, UsageError

if TYPE_CHECKING:
    from playhead.deck.serve.index import Recording
    from playhead.tapes import Tape

SUMMARY = "play tapes to any client, over HTTP"
#: Exchanges that were not asked for which are named; the others are counted.
_NAMED = 5


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead serve``."""
    from playhead.cli.serving import add_address

    parser.add_argument("tapes", metavar="TAPE|DIR", nargs="+", help="tapes and other recordings, or folders of them")
    add_address(parser, 8080)
    parser.add_argument(
        "--pace",
        type=_pace,
        nargs="?",
        const=1.0,
        default=0.0,
        metavar="FACTOR",
        help="answer as slowly as was recorded; 0.5 takes half the time (default: at once)",
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="SCRIPT",
        help='lay a fault over a request: "2: 429 retry-after=1", "4: cut after chunk 7", "3-5: 503", "/10: reset", '
        '"*: wait 0.5", "7: hang"',
    )
    parser.add_argument(
        "--loop", action="store_true", help="a question that a client has heard in full begins anew when asked again"
    )
    parser.add_argument(
        "--check", action="store_true", help="at the end, fail where something was missed or was not asked for"
    )


def main(arguments: argparse.Namespace) -> int:
    """Serve until stopped."""
    from playhead.cli.paint import clean, plural
    from playhead.cli.serving import serve_until_stopped
    from playhead.deck.serve.server import TapeServer

    tapes = _tapes(arguments.tapes)
    server = TapeServer(
        *tapes,
        host=arguments.host,
        port=arguments.port,
        pace=arguments.pace,
        faults=arguments.fault,
        loop=arguments.loop,
    )
    count = len(server.index.recordings)
    said = f"serving {plural(len(tapes), 'tape')}, {plural(count, 'exchange')}"
    serve_until_stopped(server, said, {"tapes": arguments.tapes, "exchanges": count}, arguments.json)
    left = server.unplayed
    if arguments.json:
        from playhead.cli.document import encode_json

        print(encode_json(server.status()))
    else:
        print(f"{count - len(left)} of {plural(count, 'exchange')} played, {server.missed} missed")
        for miss in server.misses:
            who = f"{miss['client']}: " if miss["client"] else ""
            print(clean(f"  missed {who}{miss['method']} {miss['path']}: {miss['message']}"), file=sys.stderr)
    if not arguments.check or not (left or server.missed):
        return 0
    why = [f"{len(left)} of {plural(count, 'exchange')} {'was' if len(left) == 1 else 'were'} not asked for"] * bool(
        left
    )
    why += [f"{plural(server.missed, 'request')} had no answer"] * bool(server.missed)
    print(f"--check fails: {' and '.join(why)}", file=sys.stderr)
    for line in _named(left):
        print(clean(f"  {line}"), file=sys.stderr)
    return FAILED


def _pace(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no factor: write --pace=0.5, or --pace=1 for the recorded time; --pace alone is 1 too, but "
            "takes the word after it, so that it stands behind the tapes"
        ) from None


def _tapes(names: Sequence[str]) -> list[Tape]:
    """The tapes that are named, and those of the folders that are.

    Raises:
        UsageError: one is not there, or there is none in all of the folders.
        TapeFormatError: one is no recording, or a broken one. In a folder, what is none is passed over.
    """
    from playhead.cli.finding import tapes_in
    from playhead.cli.reading import load_tape, read_bytes
    from playhead.tapes.formats.detect import detect

    tapes = [
        load_tape(path, any_format=True)
        for path, inside in tapes_in(names)
        if not inside or detect(read_bytes(path)) is not None
    ]
    if not tapes:
        raise UsageError(f"no tape in {', '.join(names)}")
    return tapes


def _named(left: Sequence[Recording]) -> list[str]:
    """The first of the exchanges that were not asked for, a line each."""
    lines = []
    for recording in left[:_NAMED]:
        item, path = recording.interaction, recording.tape.path
        name = f" of {path}" if path else ""
        lines.append(f"not asked for: interaction {item.id}{name}, {item.request.method} {item.request.url}")
    if len(left) > _NAMED:
        lines.append(
            f"and {len(left) - _NAMED} more, which /__playhead__ lists while it serves, as --json does at the end"
        )
    return lines
