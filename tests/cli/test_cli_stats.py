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
    """Status 2, as of every command: not a tape, no such file, none in the folder."""
    (tmp_path / "bad.yaml").write_text("no tape")
    (tmp_path / "empty").mkdir()
    assert playhead("stats", "bad.yaml").returncode == 2
    assert playhead("stats", "nope").returncode == 2
    assert playhead("stats", "empty").returncode == 2
    assert playhead("stats", "bad.yaml", "--jobs", "0").returncode == 2


def test_a_table_fits_the_line_and_leaves_out_nothing(playhead: Playhead, seed: Path, tmp_path: Path) -> None:
    """Where a width is told; else it is as wide as it is. The folder that all tapes are in is said once."""
    folder = tmp_path / "a-folder-with-a-name" / "and-one-within-it-that-is-long"
    folder.mkdir(parents=True)
    for name in ("one", "two"):
        shutil.copy(seed, folder / f"{name}.yaml")
    wide = playhead("stats", str(folder), "--by", "tape").stdout
    assert wide.count("and-one-within-it-that-is-long") == 1
    assert [line.split()[0] for line in wide.splitlines()[3:7]] == ["tape", "one.yaml", "two.yaml", "total"]
    for width in (50, 80, 130):
        for words in (("--by", "tape"), ()):
            shown = playhead("stats", str(folder), *words, COLUMNS=str(width)).stdout
            assert max(map(len, shown.splitlines())) <= width
            for figure in ("conversations", "tokens in", "$0.0012516", "536", "p99", "0.73 s"):
                assert figure in shown
    assert "openrouter:" in shown
    told = json.loads(playhead("stats", str(folder), "--by", "tape", "--json").stdout)
    assert {Path(row["tape"]).parent for row in told["rows"]} == {folder}


def test_a_forked_conversation_counts_for_each_model_that_answered(
    playhead: Playhead, seed: Path, tmp_path: Path
) -> None:
    """In all it is one. Why nobody knows what an answer cost is said."""
    from playhead import fork_sync
    from playhead.testing import FakeProvider, reply

    with FakeProvider() as fake:
        fake.script(reply("It is cold."))
        change = {"tool:weather": "12 C"}
        fork_sync(seed, at=1, set=change, model=fake.model("m"), tape=tmp_path / "new.yaml")
    shown = playhead("stats", "new.yaml").stdout.splitlines()
    assert [line.split()[:2] for line in shown[3:6]] == [
        ["compatible:m", "1"],
        ["openrouter:moonshotai/kimi-k2-0905", "1"],
        ["total", "1"],
    ]
    assert "cost not known of 1 answer: a local model 1" in shown
    told = json.loads(playhead("stats", "new.yaml", "--json").stdout)
    assert [(row["conversations"], row["joined"]) for row in (*told["rows"], told["total"])] == [(0, 1), (1, 0), (1, 0)]
    assert told["total"]["why_unpriced"] == {"a local model": 1}
    assert told["rows"][0]["cost"] is None
