"""What a whole test session did with its tapes: which were used, what was left unplayed, and what nobody wants now.

Each process of a session keeps a :class:`Book`; under pytest-xdist those of the workers are sent to the one that
reports, as plain data, and added up there. A tape counts as not used where the tests that could have used it have all
run and passed, so that a test which is skipped, or fails before its agent runs, orphans none; and only in folders whose
tests were all collected.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from playhead.testing.shelf import shown


class Book(msgspec.Struct):
    """What one process has seen.

    Attributes:
        claimed: the tests that may use a tape, by its path without suffix.
        passed: the ids of those that did.
        folders: where their tapes are.
        used: paths of tapes that a test did something with.
        recorded: by path, who recorded a tape anew.
        left: sentences about what was left unplayed.
        partial: some tests were left out, so that nothing can be said of what was not used.
    """

    claimed: dict[str, list[str]] = {}
    passed: set[str] = set()
    folders: set[str] = set()
    used: set[str] = set()
    recorded: dict[str, set[str]] = {}
    left: list[str] = []
    partial: bool = False

    def claim(self, tape: Path, test: str) -> None:
        """A test may use the tape at this path, and those named after it."""
        self.claimed.setdefault(str(tape.with_suffix("")), []).append(test)

    def add(self, other: Book) -> None:
        """What another process has seen."""
        for stem, tests in other.claimed.items():
            self.claimed.setdefault(stem, tests)
        for path, who in other.recorded.items():
            self.recorded.setdefault(path, set()).update(who)
        self.passed |= other.passed
        self.folders |= other.folders
        self.used |= other.used
        self.left += other.left
        self.partial = self.partial or other.partial

    def plain(self) -> Any:
        """The book as plain data."""
        return msgspec.to_builtins(self)

    @classmethod
    def of(cls, plain: Any) -> Book:
        """The book that :meth:`plain` gave."""
        return msgspec.convert(plain, cls)

    def unused(self, given: Sequence[Path]) -> list[Path]:
        """The tapes that no test uses; ``given`` are the folders that were asked for, whole."""
        if self.partial:
            return []
        waiting = [stem for stem, tests in self.claimed.items() if not self.passed.issuperset(tests)]
        found: list[Path] = []
        for folder in sorted(Path(one) for one in self.folders):
            if not any(folder.parent.is_relative_to(whole) for whole in given):
                continue
            found += [path for path in _tapes(folder) if str(path) not in self.used and not _is_of(path, waiting)]
        return found

    def torn(self) -> list[str]:
        """Tapes that more than one process has recorded anew, so that only one's part is on them."""
        return [path for path, who in self.recorded.items() if len(who) > 1]

    def sentences(self, unused: Iterable[Path]) -> list[str]:
        """What people should know, a line each."""
        lines = list(self.left)
        lines += [f"{shown(path)} is used by no test" for path in unused]
        lines += [
            f"{shown(Path(path))} was recorded by several workers at once and holds the tests of one: tests that share "
            "a tape belong on one worker (--dist loadgroup), or give each its own"
            for path in self.torn()
        ]
        if self.recorded:
            lines.append(f"{len(self.recorded)} {'tape' if len(self.recorded) == 1 else 'tapes'} recorded anew")
        return lines


def _tapes(folder: Path) -> list[Path]:
    return sorted(
        Path(where, name)
        for where, _, names in os.walk(folder)
        for name in names
        if name.endswith((".yaml", ".yml")) and not name.startswith(".")
    )


def _is_of(path: Path, stems: Iterable[str]) -> bool:
    bare = str(path.with_suffix(""))
    return any(bare == stem or bare.startswith(f"{stem}.") for stem in stems)
