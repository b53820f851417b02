"""Ask a model, let it use tools, and stream its answer.

The answer goes to stdout; attempts, waits, tool calls, tokens and cost go to stderr. PROMPT is read from stdin when
it is "-". Everything that is asked and answered can be recorded with --tape, and is then kept whatever happens.

  playhead run openrouter:moonshotai/kimi-k2-0905 "What's the weather in Florence?" \\
      --tool weather.py --tape florence.yaml --option provider.only='["wandb"]'

  git diff | playhead run local:smollm2 - --system "Say in one sentence what changed." > summary.txt
  playhead run agent.py:agent "What's the weather in Florence?"
"""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from io import StringIO, TextIOWrapper
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

import msgspec

from playhead.cli.approvals import (
    WAITS,
    add_approvals,
    check_approvals,
    decided,
    kept,
    say_waiting,
    somebody_looks,
    taken_up,
)
from playhead.cli.document import encode_json
from playhead.cli.ends import UsageError
from playhead.errors import OutputError

if TYPE_CHECKING:
    from playhead.agent.agent import Agent
    from playhead.agent.pending import Pending
    from playhead.agent.run import Run
    from playhead.cli.live import Live
    from playhead.messages import Message, ToolCall

    Asking: TypeAlias = str | Message | Pending

SUMMARY = "ask a model, with tools, and stream the answer"
MODES = ("once", "replay", "record", "resume", "off")


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead run``."""
    from playhead.cli.settings import add_settings

    parser.add_argument(
        "model", metavar="MODEL", help='"provider:model", as in local:smollm2; or an agent of yours, FILE.py:NAME'
    )
    parser.add_argument("prompt", metavar="PROMPT", nargs="?", help='what to ask; "-" reads it from stdin')
    add_settings(parser)
    add_approvals(parser)
    parser.add_argument(
        "--file", metavar="PATH", action="append", default=[], help="an image, a PDF or audio that goes with PROMPT"
    )
    parser.add_argument("--output-schema", metavar="FILE.json", help="the JSON schema that the answer is to hold")
    parser.add_argument("--tape", metavar="FILE", help="record on this tape, or play it where it exists")
    parser.add_argument("--tape-mode", choices=MODES, help="how the tape is used (default: once; replay where CI=true)")
    parser.add_argument("-q", "--quiet", action="store_true", help="nothing on stderr but errors")


def main(arguments: argparse.Namespace) -> int:
    """Run, and show it as it happens."""
    from playhead.cli.output import own_stdout

    if arguments.going_on is not None and arguments.file:
        raise UsageError("--file goes with PROMPT; the run of --continue has its files")
    if arguments.tape_mode not in (None, "off") and arguments.tape is None:
        raise UsageError(f"--tape-mode {arguments.tape_mode} needs a tape: add --tape FILE")
    check_approvals(arguments)
    asking = _asked(arguments) if arguments.going_on is None else taken_up(arguments)
    with own_stdout() as out:  # for the tools' file as well: it is run when it is loaded
        pending = _ask(asking, arguments, out)
    if pending is None:
        return 0
    if arguments.pending is not None:
        kept(pending, arguments.pending)
    say_waiting(pending, arguments)
    return WAITS


def _ask(asking: Asking, arguments: argparse.Namespace, out: TextIO) -> Pending | None:
    """Ask, and go on as often as somebody at the terminal decides about calls; the run that waits for someone else."""
    from playhead.cli.agents import asked_agent
    from playhead.cli.stopping import heeding_signals

    agent = asked_agent(arguments, **({"approve": _yes} if arguments.yes else {}))
    live = None if arguments.json else _live(agent, arguments, out)
    while True:
        pending = heeding_signals(_run(agent, asking, arguments, out, live))
        if pending is None or live is None or not somebody_looks(arguments):
            return pending
        from playhead.cli.chat.lines import Lines

        try:
            asking = decided(pending, live.ask, Lines(sys.stderr).line)
        except EOFError:
            return pending
        if arguments.tape is not None and arguments.tape_mode in ("once", "record"):
            arguments.tape_mode = "resume"  # the tape holds the run up to here


def _live(agent: Agent[Any], arguments: argparse.Namespace, out: TextIO) -> Live:
    """What shows the runs. An answer of a schema is shown when it is whole, and holds it."""
    from playhead.cli.live import Live

    def asks(call: ToolCall) -> bool:
        tool = agent.tools.get(call.name)
        return tool is not None and tool.approve is True and agent.approve is None

    shown = out if arguments.output_schema is None else StringIO()
    return Live(
        shown, sys.stderr, arguments.color, quiet=arguments.quiet, asks=asks, waits_for=waited_for(agent.model.id)
    )


def waited_for(model: str) -> str:
    """What the first answer waits for, in a word or two: a model on this machine is read from disk first."""
    provider, _, name = model.partition(":")
    return f"loading {name}" if provider == "local" else "waiting"


def _yes(call: ToolCall) -> bool:
    return True


async def _run(
    agent: Agent[Any], asking: Asking, arguments: argparse.Namespace, out: TextIO, live: Live | None
) -> Pending | None:
    try:
        async with agent.stream(asking, tape=arguments.tape, tape_mode=arguments.tape_mode) as stream:
            if live is None:
                await as_lines(stream, out)
                return stream.run.pending
            try:
                await live.follow(stream)
            finally:
                live.end_line()  # an error begins a line of its own
                run = stream.run
                # One that waits for who sits here goes on at once, and the end has the sum.
                asked_here = run.pending is not None and somebody_looks(arguments)
                if asked_here:
                    live.leg(run)
                elif run.steps or any(attempt.status for attempt in run.attempts):
                    goes_on = arguments.tape_mode == "resume" or arguments.going_on is not None
                    live.total(run, arguments.tape, goes_on=goes_on)
                if arguments.output_schema is not None and run.pending is None:
                    out.write(_value(run) + "\n" * bool(run.text))
            return run.pending
    finally:
        for server in agent.toolsets:  # its connection is of this loop
            if hasattr(server, "aclose"):
                with suppress(Exception):  # it goes with the loop, whatever it has to say
                    await server.aclose()


def _value(run: Run[Any]) -> str:
    """The answer that holds the schema, as JSON; where none did, what came last."""
    try:
        return encode_json(run.output.value)
    except OutputError:
        return run.text


async def as_lines(stream: Any, out: TextIO) -> None:
    """Each event as a line of JSON, the last one the run; it comes, with ``"complete": false``, of a run that failed
    as well."""
    from playhead.agent.events import RunEnd, StepEnd
    from playhead.cli.taken import tape_use

    complete = False
    try:
        async for event in stream:
            if isinstance(event, RunEnd):
                complete = event.run.pending is None
            elif isinstance(event, StepEnd):
                _line(out, {"event": "step_end", **msgspec.structs.asdict(event.step)})
            else:
                _line(out, event)
    finally:
        waits = stream.run.pending
        waiting = {} if waits is None else {"pending": msgspec.json.decode(waits.to_json())}
        ends = {"event": "run_end", **run_as_json(stream.run, complete), "tape_use": tape_use(stream.run)}
        _line(out, {**ends, **waiting})


def _line(out: TextIO, value: Any) -> None:
    out.write(encode_json(value) + "\n")
    out.flush()


def run_as_json(run: Any, complete: bool) -> dict[str, Any]:
    """A run as the JSON document that ``run`` ends with and ``replay`` prints: costs are strings of dollars, durations
    seconds; what is null or left out was not reported."""
    return {
        "complete": complete,
        "text": run.text,
        "finish": run.finish,
        "steps": len(run.steps),
        "attempts": run.attempts,
        "usage": run.usage,
        "cost": run.cost,
        "ledger": run.ledger,
        "duration": run.duration,
        "messages": run.messages,
        "unplayed": len(run.unplayed),
        "warnings": run.warnings,
    }


def _asked(arguments: argparse.Namespace) -> str | Message:
    """PROMPT, with the files that go with it before it."""
    from playhead.cli.attached import attached
    from playhead.messages import Text, user

    text = _prompt(arguments.prompt)
    return user(*attached(arguments.file), Text(text)) if arguments.file else text


def _prompt(given: str) -> str:
    text = _read_stdin() if given == "-" else given
    if not text.strip():
        raise UsageError("the prompt is empty" + (": nothing came on stdin" if given == "-" else ""))
    return text


def _read_stdin() -> str:
    stdin = text_of_stdin()
    try:
        return stdin.read()
    except UnicodeDecodeError as error:
        raise no_text(error) from error


def text_of_stdin() -> TextIO:
    """stdin, read strictly, and as UTF-8 where the locale knows only ASCII."""
    stdin = sys.stdin
    if isinstance(stdin, TextIOWrapper):
        encoding = "utf-8" if stdin.encoding.lower() in ("ascii", "us-ascii", "ansi_x3.4-1968") else stdin.encoding
        stdin.reconfigure(encoding=encoding, errors="strict")
    return stdin


def no_text(error: UnicodeDecodeError) -> UsageError:
    """What is said of bytes on stdin that are no text."""
    return UsageError(f"what came on stdin is no text in {error.encoding}: byte 0x{error.object[error.start]:02x}")
