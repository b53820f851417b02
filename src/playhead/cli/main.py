"""The entry point: which command, where errors go, what the exit status says.

Every command is a module of this package with ``SUMMARY``, ``configure(parser)`` and ``main(arguments) -> status``;
only the one that is called is imported, so that ``playhead --help`` imports little. The parser is the standard
library's: a library for command lines would cost more to import than all that most commands do.

What the exit status says stands in :mod:`playhead.cli.ends`. An error is one line on stderr, or with ``--json`` one
JSON object there.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from playhead import __version__
from playhead.cli.ends import FAILED, INTERRUPTED, READER_GONE, TOOL_THREAD, USAGE, Terminated, UsageError
from playhead.cli.output import open_streams, settle_streams

#: Columns of the help where no terminal says how wide it is.
_HELP_WIDTH = 100

COMMANDS = {
    "run": "ask a model, with tools, and stream the answer",
    "chat": "talk with a model in the terminal, with tools, on tape",
    "replay": "play a recorded run again, offline",
    "show": "print the transcript of a tape",
    "view": "make a page of tapes, for the browser",
    "diff": "compare two tapes as conversations",
    "fork": "go on from a step of a tape, with one thing changed",
    "rerun": "give the task of a tape to another model",
    "stats": "tokens, cost, latency and refusals of many tapes",
    "verify": "check that playhead asks what the tape says was asked",
    "serve": "play tapes to any client, over HTTP",
    "record": "record what any client asks, as a proxy",
    "mcp": "serve an agent as an MCP tool",
    "convert": "make tapes of other recordings, and other recordings of tapes",
    "scrub": "take secrets and personal data off tapes",
    "check": "fail where a tape holds a secret or personal data",
    "models": "list providers, what each can do, and their models",
}


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, through the same door as all other errors."""

    def error(self, message: str) -> NoReturn:
        """Raise what :func:`main` prints."""
        raise UsageError(f"{message} (see: {self.prog} --help)")


class Help(argparse.RawDescriptionHelpFormatter):
    """Help in lines of the terminal's width, the options' and the prose alike; what is indented, as the examples,
    stands as it is written."""

    def __init__(self, prog: str, **given: Any) -> None:
        from shutil import get_terminal_size

        given["width"] = max(get_terminal_size((_HELP_WIDTH, 24)).columns, 20)
        super().__init__(prog, **given)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        from textwrap import fill

        blocks = text.strip("\n").split("\n\n")
        told = [
            block
            if any(line.startswith(" ") for line in block.splitlines())
            else fill(" ".join(block.split()), width, break_long_words=False, break_on_hyphens=False)
            for block in blocks
        ]
        return "\n\n".join(told) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    open_streams()
    try:
        status = _dispatch(words)
        sys.stdout.flush()
    except BrokenPipeError:
        status = READER_GONE
    except KeyboardInterrupt:
        _stopped("interrupted", INTERRUPTED, words)
    except Terminated as signal:
        _stopped("terminated", 128 + signal.number, words)
    except BaseException as error:  # a tool is anybody's code, and may raise anything
        status = _told(error, words)
    settle_streams()
    if status and _has_tools_left():
        os._exit(status)  # the interpreter would wait for them
    return status


def _dispatch(words: list[str]) -> int:
    if not words or words[0].startswith("-"):
        parser = _top()
        if _parsed(parser, words) is not None:
            parser.print_help()
            return USAGE
        return 0
    name = words[0]
    if name not in COMMANDS:
        from playhead.errors import nearest

        raise UsageError(nearest(f"no command {name!r}", name, COMMANDS))
    command: Any = import_module(f"playhead.cli.{name}")
    parser = Parser(
        prog=f"playhead {name}",
        description=command.__doc__,
        formatter_class=Help,
        allow_abbrev=False,
    )
    command.configure(parser)
    parser.add_argument("--json", action="store_true", help="print JSON, errors as well; the shape is in docs/cli.md")
    parser.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="colours; auto: on a terminal only"
    )
    arguments = _parsed(parser, words[1:])
    status: int = command.main(arguments) if arguments is not None else 0
    return status


def _parsed(parser: Parser, words: list[str]) -> argparse.Namespace | None:
    """The arguments; None where they asked for the help or the version, which has been printed."""
    try:
        return parser.parse_intermixed_args(words)  # PROMPT may stand behind the options
    except SystemExit:
        return None


def _top() -> Parser:
    rows = "\n".join(f"  {name:8}{summary}" for name, summary in COMMANDS.items())
    parser = Parser(
        prog="playhead",
        usage="playhead COMMAND [ARGUMENTS]",
        description="LLM agents on tape.",
        epilog=f"commands:\n{rows}\n\nplayhead COMMAND --help shows a command's arguments, with an example.",
        formatter_class=Help,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"playhead {__version__}")
    return parser


def _told(error: BaseException, words: list[str]) -> int:
    """Say what went wrong, where that can still be said; the exit status."""
    try:
        return _failed(error, words)
    except OSError:  # stderr is as broken as what went wrong
        return FAILED


def _failed(error: BaseException, words: list[str]) -> int:
    from playhead.cli.wording import reworded, said
    from playhead.errors import AuthenticationError, ConfigError, PlayheadError, TapeFormatError, TapeModeError

    expected = isinstance(error, (UsageError, PlayheadError, OSError, RecursionError)) or not isinstance(
        error, Exception
    )
    as_json = "--json" in words
    message = said(error)
    if isinstance(error, PlayheadError):
        message = reworded(message)
    elif isinstance(error, RecursionError):
        message = f"something here is nested too deeply ({message})"
    elif isinstance(error, SystemExit):
        message = f"a tool ended the program: sys.exit({error.code!r})"
    elif not isinstance(error, Exception):
        message = f"{type(error).__name__}: {message}"
    if as_json:
        from playhead.cli.document import encode_json

        told: dict[str, Any] = {"type": type(error).__name__, "message": message}
        for name in ("provider", "status", "request_id", "retryable", "retry_after", "limit", "path", "line"):
            value = getattr(error, name, None)
            if value is not None and value != "":
                told[name] = value
        print(encode_json({"error": told}), file=sys.stderr)
    elif expected:
        from playhead.cli.paint import Paint, clean

        lines = (clean(message).strip() or type(error).__name__).split("\n")
        more = "".join(f"\n  {line}" for line in lines[1:])
        print(Paint.of(sys.stderr, _color(words)).red("error: ") + lines[0] + more, file=sys.stderr)
    if not expected and not as_json:
        import traceback

        from playhead.cli.paint import clean

        print(clean("".join(traceback.format_exception(error))), end="", file=sys.stderr)
        print("error: this is a fault of playhead; please report what is above", file=sys.stderr)
    if isinstance(error, AuthenticationError) and error.status is None:  # nobody refused: there is no key to send
        return USAGE
    return USAGE if isinstance(error, (UsageError, ConfigError, TapeFormatError, TapeModeError)) else FAILED


def _color(words: list[str]) -> str:
    """The word of ``--color``, as far as it can be read from arguments that may be wrong."""
    for index, word in enumerate(words):
        name, _, value = word.partition("=")
        if name == "--color":
            value = value or "".join(words[index + 1 : index + 2])
            if value in ("always", "never"):
                return value
    return "auto"


def _has_tools_left() -> bool:
    """Whether a thread of a tool's outlived its run."""
    threading = sys.modules.get("threading")
    return threading is not None and any(one.name.startswith(TOOL_THREAD) for one in threading.enumerate())


def _stopped(word: str, status: int, words: list[str]) -> NoReturn:
    """Ctrl-C, or a signal: everything that a run held has been let go of by now, the tape is whole. The process ends
    here, as a tool that still runs in a thread would hold it until it is done."""
    try:
        if "--json" not in words:
            print(f"\n{word}", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        pass
    os._exit(status)
