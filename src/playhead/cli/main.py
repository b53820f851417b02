"""The entry point: which command, where errors go, what the exit status says.

Every command is a module of this package with ``SUMMARY``, ``configure(parser)`` and ``main(arguments) -> status``;
only the one that is called is imported, so that ``playhead --help`` imports no module of playhead but this one. The
parser is the standard library's: a library for command lines would cost more to import than all that most commands do.

Exit status: 0 it went well; 1 it failed (a run's error, a request that is not equal); 2 what was asked cannot be done
as given (bad arguments, no such file, not a tape, an unknown provider, no key); 130 interrupted; 141 the reader of the
output went away. An error is one line on stderr, or with ``--json`` one JSON object there.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from playhead import __version__

FAILED, USAGE, INTERRUPTED, READER_GONE = 1, 2, 130, 141

COMMANDS = {
    "run": "ask a model, with tools, and stream the answer",
    "replay": "play a recorded run again, offline",
    "show": "print the transcript of a tape",
    "verify": "check that playhead asks what the tape says was asked",
}


class UsageError(Exception):
    """What was asked on the command line cannot be done as given."""


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, through the same door as all other errors."""

    def error(self, message: str) -> NoReturn:
        """Raise what :func:`main` prints."""
        raise UsageError(f"{message} (see: {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _dispatch(words)
        sys.stdout.flush()
    except SystemExit as leaving:  # argparse, after --help and --version
        return leaving.code if isinstance(leaving.code, int) else 0
    except BrokenPipeError:
        return _reader_gone()
    except KeyboardInterrupt:
        _interrupted(words)
    except Exception as error:
        return _failed(error, words)
    return status


def _dispatch(words: list[str]) -> int:
    if not words or words[0].startswith("-"):
        parser = _top()
        parser.parse_args(words)
        parser.print_help()
        return USAGE
    name = words[0]
    if name not in COMMANDS:
        from playhead.errors import nearest

        raise UsageError(nearest(f"no command {name!r}", name, COMMANDS))
    command: Any = import_module(f"playhead.cli.{name}")
    parser = Parser(
        prog=f"playhead {name}",
        description=command.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.configure(parser)
    parser.add_argument("--json", action="store_true", help="print JSON, errors as well; the shape is in docs/cli.md")
    parser.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="colours; auto: on a terminal only"
    )
    status: int = command.main(parser.parse_args(words[1:]))
    return status


def _top() -> Parser:
    rows = "\n".join(f"  {name:8}{summary}" for name, summary in COMMANDS.items())
    parser = Parser(
        prog="playhead",
        usage="playhead COMMAND [ARGUMENTS]",
        description="LLM agents on tape.",
        epilog=f"commands:\n{rows}\n\nplayhead COMMAND --help shows a command's arguments, with an example.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"playhead {__version__}")
    return parser


def _failed(error: Exception, words: list[str]) -> int:
    from playhead.errors import AuthenticationError, ConfigError, PlayheadError, TapeFormatError

    expected = isinstance(error, (UsageError, PlayheadError, OSError))
    as_json = "--json" in words
    if as_json:
        import msgspec

        told: dict[str, Any] = {"type": type(error).__name__, "message": str(error)}
        for name in ("provider", "status", "request_id", "retryable", "retry_after", "limit", "path", "line"):
            value = getattr(error, name, None)
            if value is not None and value != "":
                told[name] = value
        print(msgspec.json.encode({"error": told}, enc_hook=str).decode(), file=sys.stderr)
    elif expected:
        from playhead.cli.paint import Paint, clean

        lines = clean(str(error)).strip().split("\n")
        more = "".join(f"\n  {line}" for line in lines[1:])
        print(Paint.of(sys.stderr, _color(words)).red("error: ") + lines[0] + more, file=sys.stderr)
    if not expected and not as_json:
        import traceback

        traceback.print_exception(error)
        print("error: this is a fault of playhead; please report what is above", file=sys.stderr)
    if isinstance(error, AuthenticationError) and error.status is None:  # nobody refused: there is no key to send
        return USAGE
    return USAGE if isinstance(error, (UsageError, ConfigError, TapeFormatError)) else FAILED


def _color(words: list[str]) -> str:
    """The word of ``--color``, as far as it can be read from arguments that may be wrong."""
    for index, word in enumerate(words):
        name, _, value = word.partition("=")
        if name == "--color":
            value = value or "".join(words[index + 1 : index + 2])
            if value in ("always", "never"):
                return value
    return "auto"


def _reader_gone() -> int:
    """Nobody reads the output: stop without a word, and keep the interpreter from flushing into the broken pipe."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(null, stream.fileno())
    return READER_GONE


def _interrupted(words: list[str]) -> NoReturn:
    """Ctrl-C: everything that a run held has been let go of by now, the tape is whole. The process ends here, as a tool
    that still runs in a thread would hold it until it is done."""
    try:
        if "--json" not in words:
            print("\ninterrupted", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        pass
    os._exit(INTERRUPTED)
