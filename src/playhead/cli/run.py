"""Ask a model, let it use tools, and stream its answer.

The answer goes to stdout; attempts, waits, tool calls, tokens and cost go to stderr. PROMPT is read from stdin when
it is "-". Everything that is asked and answered can be recorded with --tape, and is then kept whatever happens.

  playhead run openrouter:moonshotai/kimi-k2-0905 "What's the weather in Florence?" \\
      --tool weather.py --tape florence.yaml --option provider.only='["wandb"]'

  git diff | playhead run local:smollm2 - --system "Say in one sentence what changed." > summary.txt
"""

from __future__ import annotations

import argparse
import sys
from contextlib import aclosing
from typing import Any

import msgspec

from playhead.cli.main import UsageError

SUMMARY = "ask a model, with tools, and stream the answer"
MODES = ("once", "replay", "record", "resume", "off")


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead run``."""
    parser.add_argument("model", metavar="MODEL", help='"provider:model", as in local:smollm2')
    parser.add_argument("prompt", metavar="PROMPT", help='what to ask; "-" reads it from stdin')
    parser.add_argument(
        "--tool", metavar="FILE.py[:NAME]", action="append", default=[], help="a tool, or all of a file"
    )
    parser.add_argument("--system", metavar="TEXT", help="the system prompt")
    parser.add_argument("--tape", metavar="FILE", help="record on this tape, or play it where it exists")
    parser.add_argument("--tape-mode", choices=MODES, help="how the tape is used (default: once; replay where CI=true)")
    parser.add_argument("--max-tokens", type=_count, metavar="N", help="output tokens of one answer at most")
    parser.add_argument("--max-steps", type=_count, metavar="N", default=20, help="model calls at most (default: 20)")
    parser.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="for the whole run, waits included")
    parser.add_argument(
        "--option",
        metavar="KEY.PATH=JSON",
        action="append",
        default=[],
        help="an option of the provider's own; a value that is no JSON is taken as text",
    )
    parser.add_argument("--base-url", metavar="URL", help="where the provider's wire is spoken, instead of its own URL")
    parser.add_argument("-q", "--quiet", action="store_true", help="nothing on stderr but errors")


def main(arguments: argparse.Namespace) -> int:
    """Run, and show it as it happens."""
    import asyncio

    from playhead.agent.agent import Agent
    from playhead.cli.toolfile import load_tools

    if arguments.tape_mode not in (None, "off") and arguments.tape is None:
        raise UsageError(f"--tape-mode {arguments.tape_mode} needs a tape: add --tape FILE")
    prompt = _prompt(arguments.prompt)
    agent = Agent(
        arguments.model,
        system=arguments.system,
        tools=load_tools(arguments.tool),
        max_tokens=arguments.max_tokens,
        max_steps=arguments.max_steps,
        timeout=arguments.timeout,
        options=read_options(arguments.option),
        base_url=arguments.base_url,
    )
    runner = asyncio.Runner()
    try:
        runner.run(_run(agent, prompt, arguments))
    except KeyboardInterrupt:
        # Closing the runner would wait for tools that still run in threads. What is open is let go of; the process
        # ends without them.
        loop = runner.get_loop()
        loop.run_until_complete(loop.shutdown_asyncgens())
        raise
    except BaseException:
        runner.close()
        raise
    runner.close()
    return 0


async def _run(agent: Any, prompt: str, arguments: argparse.Namespace) -> None:
    stream = agent.stream(prompt, tape=arguments.tape, tape_mode=arguments.tape_mode)
    async with aclosing(stream.batches) as batches:
        if arguments.json:
            await _as_lines(batches, stream.run)
            return
        from playhead.cli.live import Live

        live = Live(sys.stdout, sys.stderr, arguments.color, quiet=arguments.quiet)
        try:
            async for batch in batches:
                live.show(batch)
        finally:
            if stream.run.steps or any(attempt.status for attempt in stream.run.attempts):
                live.total(stream.run, arguments.tape)


async def _as_lines(batches: Any, run: Any) -> None:
    """Each event as a line of JSON, the last one the run; it comes, with ``"complete": false``, of a run that failed
    as well."""
    from playhead.agent.events import RunEnd, StepEnd

    complete = False
    try:
        async for batch in batches:
            for event in batch:
                if isinstance(event, RunEnd):
                    complete = True
                elif isinstance(event, StepEnd):
                    _line({"event": "step_end", **msgspec.to_builtins(event.step, enc_hook=str)})
                else:
                    _line(event)
    finally:
        _line({"event": "run_end", **run_as_json(run, complete)})


def _line(value: Any) -> None:
    sys.stdout.write(msgspec.json.encode(value, enc_hook=str).decode() + "\n")
    sys.stdout.flush()


def run_as_json(run: Any, complete: bool) -> dict[str, Any]:
    """A run as the JSON document that ``run`` ends with and ``replay`` prints: costs are strings of dollars, durations
    seconds, null is not reported."""
    return {
        "complete": complete,
        "text": run.text,
        "finish": run.finish,
        "steps": len(run.steps),
        "attempts": run.attempts,
        "usage": run.usage,
        "cost": run.cost,
        "duration": run.duration,
        "messages": run.messages,
        "unplayed": len(run.unplayed),
        "warnings": run.warnings,
    }


def _prompt(given: str) -> str:
    text = sys.stdin.read() if given == "-" else given
    if not text.strip():
        raise UsageError("the prompt is empty" + (": nothing came on stdin" if given == "-" else ""))
    return text


def read_options(given: list[str]) -> dict[str, Any]:
    """``["provider.only=[\\"wandb\\"]"] -> {"provider": {"only": ["wandb"]}}``; a value that is no JSON is text.

    Raises:
        UsageError: no "=", an empty name, or a name that is both a value and a table of values.
    """
    options: dict[str, Any] = {}
    for item in given:
        path, equals, text = item.partition("=")
        keys = path.split(".")
        if not equals or not all(keys):
            raise UsageError(f"--option {item}: expected KEY.PATH=JSON, as in provider.sort=price")
        try:
            value = msgspec.json.decode(text)
        except msgspec.DecodeError:
            value = text
        place = options
        for key in keys[:-1]:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise UsageError(f"--option {item}: {key} has a value already")
        if keys[-1] in place:
            raise UsageError(f"--option {item}: {path} is given twice")
        place[keys[-1]] = value
    return options


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1, got {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected seconds above 0, got {text!r}")
    return value
