"""The settings of an agent as they are given on the command line, to ``run`` and to ``chat``.

What they come to is made in :mod:`playhead.cli.agents`; here is how they are written, and what is wrong with one.
"""

from __future__ import annotations

import argparse
from typing import Any

import msgspec

from playhead.cli.ends import UsageError

#: Digits of a number that is given; every one of so many fits 64 bits.
_DIGITS = 18
#: How deep a value of an option may be nested.
_DEEPEST = 100


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
