"""`playhead view`: where the page is written, what is said, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from playhead.cli.main import main


def test_the_page_is_named_after_the_tape(
    seed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is written into the folder that one stands in; its name and size are said."""
    monkeypatch.chdir(tmp_path)
    assert main(["view", str(seed)]) == 0
    assert capsys.readouterr().out.startswith("florence.html  ")
    assert (tmp_path / "florence.html").read_bytes().startswith(b"<!doctype html>")


def test_the_page_of_several_tapes_is_named_after_them_and_leaves_that_of_one_alone(
    seed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("colder.yaml", "warmer.yaml"):
        shutil.copy(seed, tmp_path / name)
    assert main(["view", "colder.yaml"]) == 0
    alone = (tmp_path / "colder.html").read_bytes()
    assert main(["view", "colder.yaml", "warmer.yaml"]) == 0
    assert main(["view", "colder.yaml", "warmer.yaml", str(seed)]) == 0
    named = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert named == ["colder.html", "colder-and-warmer.html", "colder-and-2-more.html"]
    assert sorted(path.name for path in tmp_path.glob("*.html")) == sorted(named)
    assert (tmp_path / "colder.html").read_bytes() == alone


def test_out_and_json_say_where(seed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two tapes, one page; with --json an object."""
    out = tmp_path / "both.html"
    assert main(["view", str(seed), str(seed), "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"page": str(out), "bytes": out.stat().st_size, "tapes": [str(seed), str(seed)]}


def test_a_tape_is_never_written_over(
    seed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not even where it is named as the page; the same by another path."""
    tape = tmp_path / "tape.html"
    shutil.copy(seed, tape)
    for out in (tape, tmp_path / "." / "tape.html"):
        assert main(["view", str(tape), "--out", str(out)]) == 2
    monkeypatch.chdir(tmp_path)
    assert main(["view", "tape.html"]) == 2
    assert tape.read_bytes() == seed.read_bytes()
    assert "is the tape itself" in capsys.readouterr().err


def test_what_cannot_be_done_is_said(tmp_path: Path, seed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No such tape, no such folder: one line, status 2."""
    assert main(["view", str(tmp_path / "none.yaml")]) == 2
    assert main(["view", str(seed), "--out", str(tmp_path / "no" / "page.html")]) == 2
    assert "cannot write the page" in capsys.readouterr().err
