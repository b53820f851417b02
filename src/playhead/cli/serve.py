"""Play tapes to any client, in any language: change its base URL, nothing else.

What was recorded at any host is answered at the path that its wire has, with or without what stood before it. Refusals
come in their order, for each client its own; a question that is not on the tapes is a 404 that says where it differs.

  playhead serve florence.yaml --port 8080
  playhead serve tapes/*.yaml --pace --fault "2: 429 retry-after=1" --fault "4: cut after chunk 7"

A client may say its name, http://127.0.0.1:8080/@alice/v1, and has the tapes for itself then. How it stands is at
/__playhead__; POST /__playhead__/reset begins anew. Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
import sys

from playhead.cli.main import FAILED

SUMMARY = "play tapes to any client, over HTTP"


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead serve``."""
    from playhead.cli.serving import add_address

    parser.add_argument("tapes", metavar="TAPE", nargs="+", help="tapes, in the format of go-vcr v2")
    add_address(parser, 8080)
    parser.add_argument(
        "--pace",
        type=float,
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
        help='lay a fault over a request: "2: 429 retry-after=1", "4: cut after chunk 7", "*: wait 0.5", "7: hang"',
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
    from playhead.cli.reading import load_tape
    from playhead.cli.serving import serve_until_stopped
    from playhead.deck.serve.server import TapeServer

    tapes = [load_tape(path) for path in arguments.tapes]
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
            print(clean(f"  missed {miss['method']} {miss['path']}: {miss['message']}"), file=sys.stderr)
    return FAILED if arguments.check and (left or server.missed) else 0
