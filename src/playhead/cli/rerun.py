"""Give the task of a recorded run to another model, live, and compare what it makes of it.

The user says what was said on the tape; tools are answered from the tape where the call is the same, else by those of
--tool. The answer goes to stdout and the comparison after it; --json prints both as one document. The exit status is 0
where the run came to its end, whatever differs: another model is expected to say other words. playhead diff of the two
tapes has one that tells.

  playhead rerun florence.yaml --model local:smollm2 --tool weather.py --tape local.yaml
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from playhead.cli.fork import add_going, on_tape, shared, tape_note

SUMMARY = "give the task of a tape to another model"


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead rerun``."""
    parser.add_argument("recorded", metavar="TAPE", help="a tape; it is not changed")
    parser.add_argument("--model", metavar="MODEL", required=True, help='"provider:model"')
    add_going(parser)
    parser.add_argument("--tape", metavar="NEW", help="record it here: a file that is not there yet")


def main(arguments: argparse.Namespace) -> int:
    """Run the task again, show it as it happens, and the comparison."""
    from playhead.cli.diff import as_document, lines
    from playhead.cli.document import encode_json
    from playhead.cli.output import own_stdout
    from playhead.cli.paint import Paint
    from playhead.cli.run import run_as_json
    from playhead.cli.stopping import heeding_signals
    from playhead.deck.fork import rerun

    with own_stdout() as out:
        live, going = shared(arguments, out)
        try:
            retake = heeding_signals(rerun(going.pop("recorded"), model=arguments.model, **going))
        except BaseException as error:
            run: Any = getattr(error, "run", None)
            if live is not None and run is not None:
                live.total(run, note=tape_note(on_tape(arguments.tape)))
            raise
        if live is None:
            document = {**run_as_json(retake.run, True), "comparison": as_document(retake.comparison)}
            out.write(encode_json({"tape": arguments.tape, **document}, indent=True) + "\n")
            return 0
        live.total(retake.run, note=tape_note(arguments.tape))
        out.write("\n")
        names = (arguments.recorded, arguments.tape or f"the same with {arguments.model}")
        for line in lines(retake.comparison, Paint.of(sys.__stdout__ or out, arguments.color), names):
            out.write(line.rstrip() + "\n")
    return 0
