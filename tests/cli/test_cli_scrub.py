"""``playhead scrub`` and ``playhead check``: what a tape should not hold, taken off it, and kept out of a commit."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Playhead = Callable[..., "subprocess.CompletedProcess[str]"]

MAIL = "ada@engine.co.uk"
DIGEST = hashlib.sha256(MAIL.encode()).hexdigest()[:12]


@pytest.fixture
def tape(seed: Path, tmp_path: Path) -> Path:
    """The seed, asked by somebody who gave an address."""
    path = tmp_path / "t.yaml"
    path.write_bytes(seed.read_bytes().replace(b"Florence,Italy?", b"Florence,Italy? Mail " + MAIL.encode()))
    return path


def test_check_says_where_and_never_what(playhead: Playhead, tape: Path) -> None:
    """File, line, kind, place and digest; exit status 1."""
    done = playhead("check", "t.yaml")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert len(lines) == 13
    assert lines[0] == f"t.yaml:11: email in interaction 0 request.body, sha256 {DIGEST}"
    assert MAIL not in done.stdout
    assert MAIL in tape.read_text().splitlines()[10]
    told = json.loads(playhead("check", "t.yaml", "--json").stdout)
    assert (told["ok"], len(told["found"]), told["found"][1]["interaction"]) == (False, 12, 1)
    assert told["found"][1]["line"] > 12


def test_what_is_allowed_passes(playhead: Playhead, tape: Path, tmp_path: Path) -> None:
    """By the digest, as an option or as a line of a file; or its kind altogether."""
    (tmp_path / "allowed.txt").write_text(f"# of Ada's own\n{DIGEST}  # she said yes\n")
    for words in (("--allow", DIGEST[:8]), ("--allow-file", "allowed.txt"), ("--keep", "email")):
        done = playhead("check", "t.yaml", *words)
        assert (done.returncode, done.stdout) == (0, "1 file: nothing found\n")
    assert playhead("check", "t.yaml", "--allow", "xyz").returncode == 2
    assert playhead("check", "t.yaml", "--pattern", "(").returncode == 2


def test_the_seed_and_the_cassettes_hold_nothing(playhead: Playhead, seed: Path, cassettes: Path) -> None:
    """So a check is of use on tapes as they are."""
    assert playhead("check", str(seed), str(cassettes)).returncode == 0


def test_a_scrubbed_tape_is_one_that_verifies(playhead: Playhead, tape: Path, tmp_path: Path) -> None:
    """The same words stand in every request, so it matches itself; the tape that was read is as it was."""
    before = tape.read_bytes()
    done = playhead("scrub", "t.yaml", "-o", "clean.yaml", "--word", "Florence")
    assert done.returncode == 0
    assert done.stdout.startswith("t.yaml → clean.yaml: ")
    assert MAIL not in done.stdout
    assert tape.read_bytes() == before
    text = (tmp_path / "clean.yaml").read_text()
    assert MAIL not in text
    assert "Florence" not in text
    assert playhead("check", "clean.yaml", "--word", "Florence").returncode == 0
    verified = playhead("verify", "clean.yaml")
    assert (verified.returncode, verified.stdout) == (0, "clean.yaml: 12 of 12 requests equal\n")


def test_in_place_writes_only_what_has_changed(playhead: Playhead, tape: Path, seed: Path, tmp_path: Path) -> None:
    """A tape without anything to find keeps its bytes."""
    (tmp_path / "seed.yaml").write_bytes(seed.read_bytes())
    told = json.loads(playhead("scrub", "t.yaml", "seed.yaml", "--in-place", "--json").stdout)
    assert [len(row["found"]) for row in told["tapes"]] == [12, 0]
    assert (tmp_path / "seed.yaml").read_bytes() == seed.read_bytes()
    assert MAIL not in tape.read_text()


def test_a_folder_is_checked_with_all_that_is_in_it(playhead: Playhead, tape: Path, tmp_path: Path) -> None:
    """Cassettes and archives too, at the line of the file that has the value; other files are passed over."""
    folder = tmp_path / "tapes"
    folder.mkdir()
    assert playhead("convert", "t.yaml", "--to", "har", "-o", "tapes/t.har").returncode == 0
    (folder / "config.yaml").write_text(f"owner: {MAIL}\n")
    (folder / "broken.yaml").write_text("interactions: [\nversion: 1\n")
    told = json.loads(playhead("check", "tapes", "--json").stdout)
    assert {row["file"] for row in told["found"]} == {"tapes/t.har"}
    line = told["found"][0]["line"]
    assert MAIL in (folder / "t.har").read_text().splitlines()[line - 1]
    assert [problem["file"] for problem in told["errors"]] == ["tapes/broken.yaml"]


def test_scrub_says_where_to_write(playhead: Playhead, tape: Path) -> None:
    """Or does nothing."""
    assert playhead("scrub", "t.yaml").returncode == 2
    assert playhead("scrub", "none.yaml", "--in-place").returncode == 2


def test_a_cassette_of_another_format_says_what_to_do_first(playhead: Playhead, tape: Path, tmp_path: Path) -> None:
    """As check finds what is in it; and then it can be done. In a folder it does not keep the tapes from it."""
    (tmp_path / "tapes").mkdir()
    assert playhead("convert", "t.yaml", "--to", "vcrpy", "-o", "tapes/c.yaml").returncode == 0
    assert playhead("check", "tapes/c.yaml").returncode == 1
    refused = playhead("scrub", "tapes/c.yaml", "-o", "clean.yaml")
    assert refused.returncode == 2
    assert "a vcrpy cassette" in refused.stderr
    assert "playhead convert tapes/c.yaml -o TAPE" in refused.stderr
    tape.rename(tmp_path / "tapes" / "t.yaml")
    (tmp_path / "tapes" / "config.yaml").write_text("a: 1\n")
    folder = playhead("scrub", "tapes", "-o", "clean")
    assert folder.returncode == 1
    assert [path.name for path in (tmp_path / "clean").iterdir()] == ["t.yaml"]
    assert "not scrubbed  tapes/c.yaml is a vcrpy cassette" in folder.stdout
    assert playhead("convert", "tapes/c.yaml", "-o", "c.tape.yaml").returncode == 0
    assert playhead("scrub", "c.tape.yaml", "--in-place").returncode == 0


def test_what_was_found_stands_in_columns(playhead: Playhead, tape: Path, tmp_path: Path) -> None:
    """However long the kinds and places; and each kind is counted by itself."""
    tape.write_bytes(tape.read_bytes().replace(MAIL.encode(), MAIL.encode() + b" or 4111 1111 1111 1111"))
    done = playhead("scrub", "t.yaml", "-o", "clean.yaml", "--word", "Florence")
    rows = done.stdout.splitlines()[1:]
    assert len({row.rindex(" ") for row in rows}) == 1
    assert len({row.index("interaction") for row in rows}) == 1
    text = (tmp_path / "clean.yaml").read_text()
    assert all(word in text for word in ("REDACTED-EMAIL-1", "REDACTED-CARD-1", "REDACTED-WORD-1"))
