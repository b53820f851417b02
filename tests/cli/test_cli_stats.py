"""``playhead stats``: tapes as a table and as JSON."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

Playhead = Callable[..., "subprocess.CompletedProcess[str]"]


def test_a_folder_is_a_table(playhead: Playhead, seed: Path, tmp_path: Path) -> None:
    """A row for each model, what was refused, and the tools; what is damaged is named on stderr."""
    (tmp_path / "runs").mkdir()
    for name in ("a", "b"):
        shutil.copy(seed, tmp_path / "runs" / f"{name}.yaml")
    (tmp_path / "runs" / "bad.yaml").write_text("no tape")
    done = playhead("stats", "runs")
    assert done.returncode == 0
    assert done.stderr.startswith("passed over: ")
    assert "bad.yaml" in done.stderr
    shown = [line.split() for line in done.stdout.splitlines() if line]
    assert done.stdout.startswith("2 tapes, 24 interactions, 1 tape not read\n")
    assert shown[2][:9] == [
        "openrouter:moonshotai/kimi-k2-0905",
        "2",
        "4",
        "24",
        "429",
        "\N{MULTIPLICATION SIGN}20",
        "536",
        "132",
        "$0.0012516",
    ]
    assert shown[-1][:3] == ["weather", "2", "0"]


def test_as_json_it_has_every_figure(playhead: Playhead, seed: Path) -> None:
    """Costs as strings of dollars, durations as seconds."""
    document = json.loads(playhead("stats", str(seed), "--by", "day", "--json", "--jobs", "2").stdout)
    [row] = document["rows"]
    assert (row["day"], row["attempts"], row["refusals"], row["cost"]) == ("2025-09-23", 12, {"429": 10}, "0.0006258")
    assert row["latency"]["count"] == 12
    assert row["latency"]["p50"] < row["latency"]["p99"]
    assert row["first_byte"] == {"count": 0, "p50": None, "p90": None, "p99": None}
    assert document["total"]["usage"] == row["usage"]
    assert document["failed"] == []


def test_where_nothing_can_be_read_it_fails(playhead: Playhead, tmp_path: Path) -> None:
    """Status 1 where all are damaged, 2 where there is none."""
    (tmp_path / "bad.yaml").write_text("no tape")
    (tmp_path / "empty").mkdir()
    assert playhead("stats", "bad.yaml").returncode == 1
    assert playhead("stats", "empty").returncode == 2
    assert playhead("stats", "bad.yaml", "--jobs", "0").returncode == 2
