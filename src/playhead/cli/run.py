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
from collections.abc import Coroutine
from contextlib import suppress
from io import StringIO, TextIOWrapper
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias, TypeVar

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
from playhead.cli.ends import Terminated, UsageError
from playhead.errors import OutputError

if TYPE_CHECKING:
    from playhead.agent.agent import Agent
    from playhead.agent.pending import Pending
    from playhead.agent.run import Run
    from playhead.cli.live import Live
    from playhead.messages import Message, ToolCall

    Asking: TypeAlias = str | Message | Pending

SUMMARY = "ask a model, with tools, and stream the answer"
#: Digits of a number that is given; every one of so many fits 64 bits.
_DIGITS = 18
#: How deep a value of an option may be nested.
_DEEPEST = 100
Result = TypeVar("Result")
MODES = ("once", "replay", "record", "resume", "off")


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead run``."""
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


def add_settings(parser: argparse.ArgumentParser) -> None:
    """The arguments that say how an agent is made; :func:`playhead.cli.agents.asked_agent` reads them."""
    parser.add_argument(
        "--tool", metavar="FILE.py[:NAME]", action="append", default=[], help="a tool, or all of a file"
    )
    parser.add_argument(
        "--mcp", metavar="URL|COMMAND", action="append", default=[], help="an MCP server whose tools the model may call"
    )
    parser.add_argument("--system", metavar="TEXT", help="the system prompt")
    parser.add_argument("--max-tokens", type=_count, metavar="N", help="output tokens of one answer at most")
    parser.add_argument("--temperature", type=_number, metavar="N", help="0 for the likeliest words, more for variety")
    parser.add_argument("--seed", type=_seed, metavar="N", help="the same answer again, where the provider can")
    parser.add_argument("--reasoning", metavar="EFFORT", help="how much to think: low, medium or high")
    parser.add_argument("--max-steps", type=_count, metavar="N", help="model calls at most (default: 20)")
    parser.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="for the whole run, waits included")
    parser.add_argument(
        "--option",
        metavar="KEY.PATH=JSON",
        action="append",
        default=[],
        help="an option of the provider's own; a value that is no JSON is taken as text",
    )
    parser.add_argument("--base-url", metavar="URL", help="where the provider's wire is spoken, instead of its own URL")


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


def heeding_signals(work: Coroutine[Any, Any, Result]) -> Result:
    """Run what asks a model to its end. What ends it early, an error or a signal, ends it at once, whatever tools
    still run in their threads.

    Raises:
        Terminated: a signal asked for it.
    """
    import asyncio

    from playhead.cli.stopping import Signals, ToolThreads, let_go

    runner, threads, signals = asyncio.Runner(), ToolThreads(), Signals()
    loop = runner.get_loop()
    loop.set_default_executor(threads)
    try:
        with signals:
            result: Result = runner.run(signals.heeding(work))
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) or signals.received is not None or threads.busy:
            let_go(loop)
        else:
            runner.close()
        if signals.received is not None:
            raise Terminated(signals.received) from error
        raise
    runner.close()
    return result


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
                goes_on = run.pending is not None and somebody_looks(arguments)
                if not goes_on and (run.steps or any(attempt.status for attempt in run.attempts)):
                    live.total(run, arguments.tape)
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
        _line(out, {"event": "run_end", **run_as_json(stream.run, complete), **waiting})


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


def check_text(arguments: argparse.Namespace) -> None:
    """Bytes that are no text are allowed in the names of files alone.

    Raises:
        UsageError: they are somewhere else.
    """
    given = {"MODEL": arguments.model, "PROMPT": getattr(arguments, "prompt", None), "--base-url": arguments.base_url}
    given |= {"--system": arguments.system, "--reasoning": arguments.reasoning}
    for name, text in (*given.items(), *(("--option", text) for text in arguments.option)):
        try:
            (text or "").encode()
        except UnicodeEncodeError as error:
            raise UsageError(f"{name} is no text in UTF-8: {text}") from error


def read_options(given: list[str]) -> dict[str, Any]:
    """``["provider.only=[\\"wandb\\"]"] -> {"provider": {"only": ["wandb"]}}``; a value that is no JSON is text.

    Raises:
        UsageError: no "=", an empty name, or a name that is both a value and a table of values.
    """
    options: dict[str, Any] = {}
    for item in given:
        path, equals, text = item.partition("=")
        keys = path.split(".")
        if len(keys) > _DEEPEST:
            raise UsageError(f"--option {path[:40]}…: more than {_DEEPEST} names deep")
        if not equals or not all(keys):
            raise UsageError(f"--option {item}: expected KEY.PATH=JSON, as in provider.sort=price")
        try:
            value = msgspec.json.decode(text)
            msgspec.json.encode(value)
        except msgspec.DecodeError:
            value = text
        except RecursionError:
            raise UsageError(f"--option {path}: the value is nested too deeply") from None
        if _depth(value) > _DEEPEST:
            raise UsageError(f"--option {path}: the value is nested more than {_DEEPEST} deep")
        place = options
        for key in keys[:-1]:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise UsageError(f"--option {item}: {key} has a value already")
        if keys[-1] in place:
            raise UsageError(f"--option {item}: {path} is given twice")
        place[keys[-1]] = value
    return options


def _depth(value: Any) -> int:
    """How many lists and tables stand in each other."""
    depth, level = 0, [value]
    while level := [one for one in level if isinstance(one, (list, dict))]:
        depth += 1
        level = [one for outer in level for one in (outer.values() if isinstance(outer, dict) else outer)]
    return depth


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > _DIGITS or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1, got {text[:40]!r}")
    return int(text)


def _seed(text: str) -> int:
    digits = text.removeprefix("-")
    if not digits.isdecimal() or len(digits) > _DIGITS:
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text[:40]!r}")
    return int(text)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number from 0, got {text!r}")
    return value


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected seconds above 0, got {text!r}")
    return value
