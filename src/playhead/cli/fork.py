"""Go on from a step of a recorded run, with one thing changed, live.

What stands before the step is played from the tape; from there on the model is asked. Tools are answered from the tape
where the call is the same, else by those of --tool. The new tape holds the whole; a fork that fails before it has asked
anything leaves none.

  playhead fork florence.yaml --at 1 --set "tool:weather=12 C" --model local:smollm2 --tape colder.yaml
  playhead diff florence.yaml colder.yaml
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any, TextIO

from playhead.cli.ends import UsageError

SUMMARY = "go on from a step of a tape, with one thing changed"


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead fork``."""
    parser.add_argument("recorded", metavar="TAPE", help="a tape; it is not changed")
    parser.add_argument("--at", metavar="STEP", required=True, type=step, help="the step, from 1")
    parser.add_argument(
        "--set",
        metavar="TARGET=TEXT",
        action="append",
        default=[],
        help="what a tool of this step gave: tool:NAME=TEXT, or call:ID=TEXT for one call; its answer then stands",
    )
    parser.add_argument("--model", metavar="MODEL", help='"provider:model" from there on (default: the recorded one)')
    parser.add_argument("--prompt", metavar="TEXT", help="instead of what the user said at this step")
    add_going(parser)
    parser.add_argument(
        "--tape", metavar="NEW", required=True, help="where the whole is recorded: a file that is not there yet"
    )


def add_going(parser: argparse.ArgumentParser) -> None:
    """The arguments that ``fork`` and ``rerun`` share."""
    parser.add_argument("--system", metavar="TEXT", help="another system prompt")
    parser.add_argument(
        "--tool", metavar="FILE.py[:NAME]", action="append", default=[], help="for calls that the tape does not know"
    )
    parser.add_argument("--no-tools", action="store_true", help="such a call ends the run, and is no error")
    parser.add_argument("--conversation", metavar="N", type=step, default=1, help="of several on the tape (default: 1)")
    parser.add_argument("--force", action="store_true", help="write over a file that is at --tape")
    parser.add_argument("--max-steps", metavar="N", type=step, default=20, help="new model calls (default: 20)")
    parser.add_argument("-q", "--quiet", action="store_true", help="nothing on stderr but errors")


def step(text: str) -> int:
    """A number from 1, as an argument."""
    if not text.isdecimal() or len(text) > 9 or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1, got {text[:40]!r}")
    return int(text)


def main(arguments: argparse.Namespace) -> int:
    """Fork, and show what is new as it happens."""
    from playhead.cli.document import encode_json
    from playhead.cli.output import own_stdout
    from playhead.cli.run import run_as_json
    from playhead.cli.stopping import heeding_signals
    from playhead.deck.fork import fork

    changes = _changes(arguments.set)
    with own_stdout() as out:
        live, going = shared(arguments, out, changes)
        run: Any = None
        try:
            run = heeding_signals(
                fork(
                    going.pop("recorded"),
                    at=arguments.at,
                    set=changes,
                    model=arguments.model,
                    prompt=arguments.prompt,
                    **going,
                )
            )
        except BaseException as error:
            run = getattr(error, "run", None)
            raise
        finally:
            if live is not None and run is not None:
                live.total(run, note=tape_note(on_tape(arguments.tape)))
            elif run is not None:
                complete = sys.exception() is None
                out.write(
                    encode_json({"tape": on_tape(arguments.tape), **run_as_json(run, complete)}, indent=True) + "\n"
                )
    return 0


def on_tape(path: str | None) -> str | None:
    """The new tape, where there is one: a run that never went live leaves none."""
    return path if path is not None and os.path.exists(path) else None


def tape_note(path: str | None) -> str:
    """What the last line says of the new tape, which holds what was kept and what was added."""
    return f"tape: {path}" if path else ""


def shared(
    arguments: argparse.Namespace, out: TextIO, fixed: dict[str, str] | None = None
) -> tuple[Any, dict[str, Any]]:
    """What shows the run, None for JSON, and what ``fork`` and ``rerun`` are both given.
    ``fixed`` are the results that were set.

    Raises:
        UsageError: a tool cannot be loaded, or is none that a single call can be made of; a tape cannot be read.
    """
    from playhead.agent.toolsets import is_toolset
    from playhead.cli.live import Live
    from playhead.cli.reading import load_tape
    from playhead.cli.toolfile import load_tools

    tools = load_tools(arguments.tool)
    toolset = next((tool for tool in tools if is_toolset(tool)), None)
    if toolset is not None:
        raise UsageError(f"--tool: {toolset.name} is a toolset; name the tools that are to be run")
    recorded = load_tape(arguments.recorded, any_format=True)
    live = None
    if not arguments.json:
        live = Live(out, sys.stderr, arguments.color, quiet=arguments.quiet, fixed=fixed or {})
    return live, {
        "recorded": recorded,
        "system": arguments.system,
        "tools": tools,
        "tape": arguments.tape,
        "missing": "end" if arguments.no_tools else "error",
        "conversation": arguments.conversation,
        "max_steps": arguments.max_steps,
        "force": arguments.force,
        "on_event": None if live is None else lambda event, run: live.show((event,)),
    }


def _changes(given: list[str]) -> dict[str, str]:
    changes: dict[str, str] = {}
    for item in given:
        target, equals, text = item.partition("=")
        if not equals or not target.startswith(("tool:", "call:")):
            raise UsageError(f'--set {item}: expected tool:NAME=TEXT or call:ID=TEXT, as in --set "tool:weather=12 C"')
        if target in changes:
            raise UsageError(f"--set {target} is given twice")
        changes[target] = text
    return changes
