"""Calls that wait for a person: asked about on a terminal, decided by arguments, or kept in a file until someone does.

A run that comes to a call of a tool with ``approve=True`` waits (:class:`playhead.Pending`). Where somebody looks,
they are asked, between two runs and not inside of one: the first has ended, its tape is whole, and nothing is held open
for a person who went to lunch. Elsewhere the command ends with the status :data:`WAITS` and names the calls;
``--pending`` keeps the run in a file, ``--continue`` goes on with it, and ``--approve`` and ``--refuse`` say what was
decided.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from playhead.cli.ends import UsageError
from playhead.errors import TapeError

if TYPE_CHECKING:
    from playhead.agent.pending import Pending
    from playhead.messages import ToolCall

#: The exit status of a command whose run waits for a person.
WAITS = 3
#: What ``--pending`` writes, in an error.
_KEPT = "the run that waits to"


def add_approvals(parser: argparse.ArgumentParser) -> None:
    """The arguments that decide about calls."""
    parser.add_argument("--yes", action="store_true", help="make every call that asks for approval")
    parser.add_argument("--pending", metavar="FILE", help="where a run that waits for approval is kept")
    parser.add_argument(
        "--continue", dest="going_on", metavar="FILE", help="go on with a run that --pending kept, in place of PROMPT"
    )
    parser.add_argument("--approve", metavar="CALL", action="append", default=[], help="make this call (--continue)")
    parser.add_argument(
        "--refuse", metavar="CALL[=WHY]", action="append", default=[], help="do not make this call (--continue)"
    )


def check_approvals(arguments: argparse.Namespace) -> None:
    """Raises:
    UsageError: there is nothing to decide about, or nothing or too much to ask, or --pending names no file.
    """
    if arguments.pending is not None:
        from playhead.tapes.files import look

        try:
            look("write", Path(arguments.pending), _KEPT)
        except TapeError as error:
            raise UsageError(f"--pending: {error}") from error
    if arguments.going_on is None:
        if arguments.prompt is None:
            raise UsageError("the following arguments are required: PROMPT (see: playhead run --help)")
        if arguments.approve or arguments.refuse:
            raise UsageError("--approve and --refuse are about calls of a run that waits: give it with --continue FILE")
    elif arguments.prompt is not None:
        raise UsageError("PROMPT and --continue: the run that is gone on with has its prompt")
    elif arguments.tape_mode == "record":
        raise UsageError(
            "--continue with --tape-mode record would lose what the tape holds of the run; resume adds to it"
        )


def taken_up(arguments: argparse.Namespace) -> Pending:
    """The run of ``--continue``, with what was decided.

    Raises:
        UsageError: the file cannot be read.
        PlayheadError: it is no run that waits, or no such call waits in it.
    """
    from playhead.agent.pending import Pending
    from playhead.tapes.files import LARGEST

    try:
        with open(arguments.going_on, "rb") as file:  # which may be a pipe, from a program that decrypts it
            pending = Pending.from_json(file.read(LARGEST))
    except OSError as error:
        raise UsageError(f"--continue {arguments.going_on}: {error.strerror or error}") from error
    for call_id in arguments.approve:
        pending = pending.approve(call_id)
    for given in arguments.refuse:
        call_id, _, why = given.partition("=")
        pending = pending.refuse(call_id, why)
    return pending


def kept(pending: Pending, path: str) -> None:
    """Put a run that waits into a file, which is never half of one.

    Raises:
        TapeError: it cannot be written, or is no regular file.
    """
    from playhead.tapes.files import write_whole

    write_whole(Path(path), pending.to_json(), _KEPT)


def somebody_looks(arguments: argparse.Namespace) -> bool:
    """Whether a person can be asked: at a terminal, from which the prompt did not come, and not in JSON."""
    return not arguments.json and arguments.prompt != "-" and sys.stdin.isatty() and sys.stderr.isatty()


def decided(pending: Pending, show: Callable[[ToolCall], None], line: Callable[[str], str]) -> Pending:
    """The run that waits, with what a person says to each call; ``show`` shows it, ``line`` asks.

    Raises:
        EOFError, KeyboardInterrupt: the person does not say.
    """
    for call in pending.calls:
        show(call)
        while not (answer := line("make this call? y, n, or why not: ").strip()):
            pass
        if answer.lower() in ("y", "yes"):
            pending = pending.approve(call.id)
        else:
            pending = pending.refuse(call.id, "" if answer.lower() in ("n", "no") else answer)
    return pending


def waiting(pending: Pending, path: str | None) -> str:
    """What is said of a run that waits, with what to do."""
    calls = ", ".join(f"{call.name}({call.arguments}) (call {call.id})" for call in pending.calls)
    first = pending.calls[0].id if pending.calls else "CALL"
    if path is None:
        way = "--yes makes such calls, and --pending FILE keeps a run that waits"
    else:
        way = f"it is kept in {path}: go on with --continue {path} --approve {first}, or --refuse {first}=WHY"
    return f"the run waits for a person's word on {calls}; {way}"


def say_waiting(pending: Pending, arguments: argparse.Namespace) -> None:
    """Say it on stderr."""
    words = waiting(pending, arguments.pending)
    if arguments.json:
        from playhead.cli.document import encode_json

        print(encode_json({"error": {"type": "Pending", "message": words}}), file=sys.stderr)
    else:
        from playhead.cli.paint import Paint, clean

        print(Paint.of(sys.stderr, arguments.color).yellow("waits: ") + clean(words), file=sys.stderr)
