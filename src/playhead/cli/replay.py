"""Play a recorded run again, offline: the same words, calls and totals as when it was recorded, at once. The time is
that of the recorded exchanges too, without the waits between them, which no tape has.

The run is made again from what the tape's first request says, with the answers and tool results that the tape holds;
no network, no key and no tool is touched. The answer goes to stdout, the rest to stderr, as with playhead run.

A run that was to stop has an end without an answer, and that is said. A tape that ends at a call is a failure: a run
that waits for a person and one that was killed look alike on it, and the calls are named. So is one that ends after a
refusal, or asks what nobody would.

  playhead replay florence.yaml
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from playhead.cli.ends import FAILED, UsageError

if TYPE_CHECKING:
    from playhead.cli.live import Live
    from playhead.tapes import Tape

SUMMARY = "play a recorded run again, offline"


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead replay``."""
    parser.add_argument("tape", metavar="TAPE", help="a tape, in the format of go-vcr v2")
    parser.add_argument("-q", "--quiet", action="store_true", help="nothing on stderr but errors")


def main(arguments: argparse.Namespace) -> int:
    """Play it."""
    import asyncio

    from playhead.cli.live import Live
    from playhead.cli.reading import load_tape

    tape = load_tape(arguments.tape)
    live = None
    if not arguments.json:
        live = Live(sys.stdout, sys.stderr, arguments.color, quiet=arguments.quiet, replay=True)
        for warning in tape.warnings:
            live.note(f"warning: {warning}")
    runs, failed = asyncio.run(_replay(tape, live))
    if live is None:
        from playhead.cli.document import encode_json

        document = {"tape": arguments.tape, "warnings": tape.warnings, "runs": runs}
        sys.stdout.write(encode_json(document, indent=True) + "\n")
    elif not runs:
        raise UsageError(f"{arguments.tape} holds nothing to replay; see: playhead show {arguments.tape}")
    return FAILED if failed else 0


async def _replay(tape: Tape, live: Live | None) -> tuple[list[dict[str, Any]], bool]:
    """Each conversation of the tape in turn, and whether one failed; what no dialect understands is passed over, and
    said."""
    import msgspec

    from playhead.agent.pending import Pending
    from playhead.agent.run import Run
    from playhead.cli.run import run_as_json
    from playhead.cli.wording import reworded
    from playhead.deck.question import question
    from playhead.deck.reel import Reel
    from playhead.deck.rerun import rerun
    from playhead.deck.transcript.telling import transcript
    from playhead.deck.verify import all_equal
    from playhead.errors import ConfigError, ModelError

    reel = Reel(tape)
    # How long each conversation took when it was recorded, by its exchanges.
    took = {
        attempt.id: talk.duration
        for talk in transcript(tape).conversations
        for step in talk.steps
        for attempt in step.attempts
    }
    runs: list[dict[str, Any]] = []
    failed = False
    while reel.left:
        first = reel.left[0]
        try:
            found = question(first)
        except (ConfigError, ModelError, ModuleNotFoundError, RecursionError) as error:
            reel.skip()
            why = f"interaction {first.id} ({first.request.method} {first.request.url}): {error}"
            if live is not None:
                live.note(f"passed over {why}")
            continue
        try:
            again = await rerun(found, reel, live.show if live is not None else None)
        except (RecursionError, ArithmeticError) as error:  # nested too deeply, or numbers that none can calculate with
            if reel.left and reel.left[0] is first:
                reel.skip()
            failed, why = True, f"interaction {first.id} cannot be run again: {type(error).__name__}: {error}"
            runs.append({**run_as_json(Run(found.request.messages), False), "stopped": why})
            if live is not None:
                live.fault(why)
            continue
        lasted = next((took[item.id] for _, item in again.asked if item.id in took), None)
        again.run.duration = lasted or 0.0
        equal = again.ended and all_equal(again)
        ended = equal and not again.waiting
        failed = failed or not (again.stopped is None or ended)
        told = run_as_json(again.run, again.stopped is None)
        runs.append({**told, "duration": lasted, "stopped": again.stopped})
        if equal and again.waiting:
            done = again.run
            waits = Pending(
                tuple(done.messages), again.waiting, steps=len(done.steps), usage=done.usage, cost=done.cost
            )
            runs[-1]["pending"] = msgspec.json.decode(waits.to_json())
        if live is not None:
            live.total(again.run)
            if ended:
                live.note(f"it ends here without an answer: {reworded(again.stopped or '')}")
            elif again.stopped is not None:
                live.fault(reworded(again.stopped))
                for call in again.waiting if equal else ():
                    live.note(f"without a result: {call.name}({call.arguments}) (call {call.id})")
    return runs, failed or not runs
