"""What commands write is as private as what it is made of, and replaces no link, device or pipe."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from playhead.testing import FakeProvider, reply, tool_call

Playhead = Callable[..., "subprocess.CompletedProcess[str]"]

WRITERS = [
    ("convert", "private.yaml", "--force", "-o"),
    ("convert", "private.yaml", "--force", "--to", "har", "-o"),
    ("view", "private.yaml", "--out"),
    ("scrub", "private.yaml", "--word", "Florence", "-o"),
]


@pytest.fixture
def private(tmp_path: Path, seed: Path) -> Path:
    tape = tmp_path / "private.yaml"
    tape.write_bytes(seed.read_bytes())
    tape.chmod(0o600)
    return tape


@pytest.mark.parametrize("words", WRITERS)
def test_what_is_made_of_a_private_tape_is_private(
    playhead: Playhead, private: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = playhead(*words, "out")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("words", WRITERS)
def test_a_link_and_a_mode_are_kept(playhead: Playhead, private: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "there").touch(0o640)
    (tmp_path / "there").chmod(0o640)
    (tmp_path / "out").symlink_to("there")
    done = playhead(*words, "out")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out").is_symlink()
    there = (tmp_path / "there").stat()
    assert (there.st_mode & 0o777, there.st_size > 1000) == (0o640, True)


@pytest.mark.parametrize("words", WRITERS[2:])
def test_a_pipe_is_refused(playhead: Playhead, private: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    os.mkfifo(tmp_path / "out")
    done = playhead(*words, "out")
    assert done.returncode == 2
    assert "it is a pipe" in done.stderr
    assert (tmp_path / "out").is_fifo()


def test_a_run_that_waits_is_kept_through_a_link_in_a_file_of_the_same_mode(playhead: Playhead, tmp_path: Path) -> None:
    (tmp_path / "t.py").write_text(
        "from playhead import tool\n"
        "@tool(approve=True)\n"
        "def refund(order: int) -> str:\n"
        "    '''Pay back'''\n"
        "    return 'paid'\n"
    )
    (tmp_path / "old.json").touch(0o600)
    (tmp_path / "waits.json").symlink_to("old.json")
    with FakeProvider() as fake:
        fake.script(reply(tool_call("refund", "call_1", order=7)), "Paid.")
        words = ("run", "compatible:m", "--base-url", fake.url, "--tool", "t.py")
        assert playhead(*words, "refund", "--pending", "waits.json").returncode == 3
        assert (tmp_path / "waits.json").is_symlink()
        assert (tmp_path / "old.json").stat().st_mode & 0o777 == 0o600
        done = playhead(*words, "--continue", "waits.json", "--approve", "call_1")
    assert (done.returncode, done.stdout) == (0, "Paid.\n"), done.stderr


def test_the_prompt_may_stand_behind_the_options(playhead: Playhead) -> None:
    with FakeProvider() as fake:
        fake.script("Hello.")
        done = playhead("run", "compatible:m", "--base-url", fake.url, "hi")
    assert (done.returncode, done.stdout) == (0, "Hello.\n"), done.stderr
