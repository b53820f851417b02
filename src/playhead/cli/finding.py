"""What ``scrub`` and ``check`` have in common: which values are looked for, which tapes are meant, which are allowed.

A value that may stay is allowed by the beginning of its SHA-256, which both commands print, on the command line or as
a line of a file: digits, and what it is behind a ``#``. So neither a report nor a baseline repeats what it is about.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterable

from playhead.cli.ends import UsageError
from playhead.tapes.scrub.kinds import OPTIONAL, PERSONAL, SECRETS, Finder, Kind
from playhead.tapes.scrub.scrubber import Scrubber

#: A shorter beginning of a digest would allow others as well.
_SHORTEST = 6
_SUFFIXES = (".yaml", ".yml", ".json", ".har", ".yaml.gz", ".yml.gz", ".json.gz")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what is looked for."""
    kinds = (*SECRETS, *PERSONAL, *OPTIONAL)
    parser.add_argument("--word", action="append", default=[], help="a value to find as it is")
    parser.add_argument("--pattern", metavar="RE", action="append", default=[], help="a regular expression to find")
    parser.add_argument(
        "--keep", metavar="KIND", action="append", default=[], choices=kinds, help=f"not these: {', '.join(kinds)}"
    )
    parser.add_argument(
        "--also", metavar="KIND", action="append", default=[], choices=OPTIONAL, help="look for ip as well"
    )
    parser.add_argument("--allow", metavar="SHA256", action="append", default=[], help="a value that may stay")
    parser.add_argument("--allow-file", metavar="FILE", help="such values, one a line, # before a remark")


def scrubber_of(arguments: argparse.Namespace) -> Scrubber:
    """What goes through the tapes.

    Raises:
        UsageError: a word or a pattern is empty or none, or what is allowed is no beginning of a digest.
    """
    for option, given in (("--word", arguments.word), ("--pattern", arguments.pattern)):
        if not all(one.strip() for one in given):  # as of a variable that is not set: nothing would be looked for
            raise UsageError(f"{option}: something to find expected, got an empty one")
    kinds: list[Kind] = [kind for kind in (*SECRETS, *PERSONAL) if kind not in arguments.keep]
    kinds += [kind for kind in OPTIONAL if kind in arguments.also]
    try:
        finder = Finder(kinds, arguments.word, arguments.pattern)
    except re.error as error:
        raise UsageError(f"--pattern: no regular expression: {error}") from error
    return Scrubber(finder, _allowed(arguments))


def _allowed(arguments: argparse.Namespace) -> list[str]:
    words = [(word, "--allow") for word in arguments.allow]
    if arguments.allow_file is not None:
        from playhead.cli.reading import read_bytes

        text = read_bytes(arguments.allow_file).decode("utf-8", "replace")
        for number, line in enumerate(text.splitlines(), 1):
            if word := line.partition("#")[0].strip():
                words.append((word, f"{arguments.allow_file}:{number}"))
    for word, where in words:
        if not re.fullmatch(rf"[0-9a-fA-F]{{{_SHORTEST},64}}", word):
            raise UsageError(f"{where}: at least {_SHORTEST} digits of a SHA-256 expected, got {word[:80]!r}")
    return [word for word, _ in words]


def tapes_in(names: Iterable[str]) -> list[tuple[str, bool]]:
    """The files that are named, and those of the folders that are, with whether they were found in one."""
    found: list[tuple[str, bool]] = []
    for name in names:
        if not os.path.isdir(name):
            found.append((name, False))
            continue
        for place, folders, files in os.walk(name):
            folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
            found += [(os.path.join(place, file), True) for file in sorted(files) if file.lower().endswith(_SUFFIXES)]
    return found
