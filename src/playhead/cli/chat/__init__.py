"""Talk with a model in the terminal, with tools, on tape.

The answer is painted as Markdown while it comes; tool calls, waits, tokens and cost are shown as they happen. Ctrl-C
stops an answer and keeps the chat. Calls of tools that change the world are asked about first. With --tape everything
is recorded, and the same command goes on where the tape ends. Without MODEL it is the embedded model, which needs no
key. Lines that are piped in are turns, one after the other.

  playhead chat
  playhead chat openrouter:moonshotai/kimi-k2-0905 --tool weather.py --tape chat.yaml
  playhead chat agent.py:agent
  printf 'My name is Ada.\\nWhat is my name?\\n' | playhead chat local
"""

from __future__ import annotations

import argparse
import sys

SUMMARY = "talk with a model in the terminal, with tools, on tape"


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead chat``."""
    from playhead.cli.settings import add_settings

    parser.add_argument(
        "model",
        metavar="MODEL",
        nargs="?",
        default="local",
        help='"provider:model" (default: local, on this machine); or an agent of yours, FILE.py:NAME',
    )
    add_settings(parser)
    parser.add_argument("--tape", metavar="FILE", help="record on this tape, and go on where it ends")
    parser.add_argument("-y", "--yes", action="store_true", help="make every call without asking")


def main(arguments: argparse.Namespace) -> int:
    """Talk."""
    from playhead.cli.output import own_stdout

    with own_stdout() as out:  # for the tools' file as well: it is run when it is loaded
        from playhead.cli.agents import asked_agent
        from playhead.cli.chat.conversation import Conversation, model_named
        from playhead.cli.chat.journal import Journal
        from playhead.cli.chat.loop import Loop

        typed = sys.stdin.isatty() and not arguments.json
        arguments.model = model_named(arguments.model)
        agent = asked_agent(arguments)
        journal = None if arguments.tape is None else Journal.open(arguments.tape)
        try:
            keep = arguments.system is not None
            talk = Conversation(agent, journal, arguments.base_url, yes=arguments.yes, asks=typed, keep_system=keep)
        except BaseException:
            if journal is not None:
                journal.close()
            raise
        Loop(talk, out, arguments).serve(typed=typed)
    return 0
