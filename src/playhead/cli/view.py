"""Make a page of tapes: one HTML file that shows a run in a browser, offline.

The timeline, the conversation, tokens and dollars, every request and response as it was, what each step added to its
prompt; of two tapes or more also both side by side, with the place where they part. The file needs no network, asks for
nothing and runs nothing that a tape holds.

  playhead view florence.yaml --open
  playhead view before.yaml after.yaml      # before-and-after.html
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

SUMMARY = "make a page of tapes, for the browser"


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead view``."""
    parser.add_argument("tapes", metavar="TAPE", nargs="+", help="tapes, in the format of go-vcr v2")
    parser.add_argument("--out", metavar="FILE.html", help="where to write the page; without it, here, TAPE.html")
    parser.add_argument("--open", action="store_true", help="open it in the browser")


def main(arguments: argparse.Namespace) -> int:
    """Write the page; say where it is."""
    from playhead.cli.ends import UsageError
    from playhead.cli.paint import clean, size
    from playhead.cli.reading import load_tape
    from playhead.deck.view import view
    from playhead.errors import TapeError
    from playhead.tapes.files import write_whole

    tapes = [(path, load_tape(path)) for path in arguments.tapes]
    out = Path(arguments.out) if arguments.out else _named_after(arguments.tapes)
    if any(out.exists() and out.samefile(path) for path in arguments.tapes):
        raise UsageError(f"{out} is the tape itself: name another file with --out")
    data = view(tapes)
    try:
        write_whole(out, data, "the page", like=map(Path, arguments.tapes))
    except TapeError as error:
        raise UsageError(str(error)) from error
    if arguments.json:
        from playhead.cli.document import encode_json

        sys.stdout.write(encode_json({"page": str(out), "bytes": len(data), "tapes": arguments.tapes}) + "\n")
    else:
        print(f"{clean(str(out))}  {size(len(data))}")
    if arguments.open:
        import webbrowser

        if not webbrowser.open(out.resolve().as_uri()):
            raise UsageError(f"no browser was found to open it with; the page is {out}")
    return 0


def _named_after(tapes: Sequence[str]) -> Path:
    """The page of these tapes, here: ``a.html``, ``a-and-b.html``, ``a-and-2-more.html``. That of several is never in
    the place of one's own."""
    first, *rest = (Path(Path(tape).name).with_suffix("").name for tape in tapes)
    more = "" if not rest else f"-and-{rest[0]}" if len(rest) == 1 else f"-and-{len(rest)}-more"
    return Path(f"{first}{more}.html")
