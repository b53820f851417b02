"""``scrub`` and ``check`` that are to find an empty text find nothing: that is refused, not passed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Playhead = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize("option", ["--word", "--pattern"])
@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_word_as_of_a_variable_that_is_not_set_is_refused(
    option: str, empty: str, playhead: Playhead, seed: Path, tmp_path: Path
) -> None:
    (tmp_path / "t.yaml").write_bytes(seed.read_bytes())
    for command in (["check", "t.yaml"], ["scrub", "t.yaml", "--out", "clean.yaml"]):
        done = playhead(*command, option, "Florence", option, empty)
        assert done.returncode == 2
        assert f"{option}: something to find expected" in done.stderr
    assert not (tmp_path / "clean.yaml").exists()
