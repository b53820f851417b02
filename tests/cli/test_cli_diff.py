"""``playhead diff``: two tapes beside each other, for people and for CI."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_process import on_terminal

from playhead.cli.diff import painted
from playhead.cli.paint import Paint
from playhead.deck.fork import fork_sync
from playhead.testing import FakeProvider, reply

Playhead = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def tapes(seed: Path, tmp_path: Path) -> None:
    """The seed as a.yaml, and with a colder answer as b.yaml."""
    shutil.copy(seed, tmp_path / "a.yaml")
    with FakeProvider() as fake:
        fake.script(reply("It's currently **12 °C (54 °F)** in Florence, Italy."))
        fork_sync(
            tmp_path / "a.yaml", at=1, set={"tool:weather": "12 C"}, model=fake.model("m"), tape=tmp_path / "b.yaml"
        )


@pytest.mark.usefixtures("tapes")
def test_where_two_runs_part_is_shown_and_fails_a_build(playhead: Playhead) -> None:
    """The first difference, those that follow from it, and what both came to; status 1."""
    done = playhead("diff", "a.yaml", "b.yaml")
    assert (done.returncode, done.stderr) == (1, "")
    shown = done.stdout.splitlines()
    assert shown[:7] == [
        "- a.yaml",
        "+ b.yaml",
        "",
        "step 1: the runs part",
        "  result          - weather: 40 C",
        "                  + weather: 12 C",
        "step 2: the runs differ further",
    ]
    assert '  setting options - {"provider":{"only":["wandb"]}}' in shown
    assert shown[-6:-3] == [
        "                  - a.yaml          + b.yaml",
        "  steps           2                 2",
        "  attempts        12 (10 refused)   4 (2 refused)",
    ]
    assert all("tokens" not in line.removeprefix("  tokens") for line in shown[-6:])


@pytest.mark.usefixtures("tapes")
def test_what_is_the_same_passes(playhead: Playhead) -> None:
    """A tape and itself, and two whose differences are all ignored: status 0."""
    assert playhead("diff", "a.yaml", "a.yaml").stdout.startswith("the same\n")
    assert playhead("diff", "a.yaml", "a.yaml", "--strict").stdout == "the same, byte for byte\n"
    ignored = playhead("diff", "a.yaml", "b.yaml", "--ignore", "result,answer,model", "--ignore", "settings")
    assert (ignored.returncode, ignored.stdout.splitlines()[0]) == (0, "the same")


@pytest.mark.usefixtures("tapes")
def test_strict_compares_bytes_and_attempts_counts_refusals(playhead: Playhead) -> None:
    """Each finds what is else left aside."""
    strict = playhead("diff", "a.yaml", "b.yaml", "--strict")
    assert strict.returncode == 1
    assert strict.stdout.startswith("interaction 3: ")
    everything = ("--ignore", "result,answer,model,settings", "--attempts")
    tries = playhead("diff", "a.yaml", "b.yaml", *everything)
    assert tries.returncode == 1
    assert "attempts     - 429 429 429 429 429 429 429 429 200" in tries.stdout


@pytest.mark.usefixtures("tapes")
def test_as_json_it_is_one_document(playhead: Playhead) -> None:
    """With the step at which the runs part, every difference, and both runs' figures."""
    done = playhead("diff", "a.yaml", "b.yaml", "--json")
    document = json.loads(done.stdout)
    [pair] = document["pairs"]
    assert (done.returncode, document["same"], pair["parts_at"]) == (1, False, 1)
    assert pair["differences"][0] == {"step": 1, "what": "result", "name": "weather", "left": "40 C", "right": "12 C"}
    assert [figures["attempts"] for figures in pair["figures"]] == [12, 4]
    assert pair["figures"][0]["cost"] == "0.0006258"


@pytest.mark.usefixtures("tapes")
def test_what_cannot_be_compared_is_status_2(playhead: Playhead, tmp_path: Path) -> None:
    """No file, no conversation, nothing of that name to ignore."""
    (tmp_path / "empty.yaml").write_text("---\nversion: 2\ninteractions: []\n")
    for words in (("a.yaml", "none.yaml"), ("empty.yaml", "empty.yaml"), ("a.yaml", "b.yaml", "--ignore", "answr")):
        done = playhead("diff", *words)
        assert (done.returncode, done.stderr[:7]) == (2, "error: "), words
    assert "answer" in done.stderr.replace("answr", "")


@pytest.mark.usefixtures("tapes")
def test_on_a_terminal_the_words_that_differ_are_coloured(tmp_path: Path) -> None:
    """And those alone, where most are the same."""
    shown = on_terminal("diff", "a.yaml", "b.yaml", cwd=tmp_path)
    assert shown.status == 1
    assert "weather: \x1b[31m40\x1b[0m C" in shown.text
    assert "weather: \x1b[32m12\x1b[0m C" in shown.text


def test_painting_changes_no_word() -> None:
    """Without its colours a text is as it was, in each of its lines; texts with little in common are coloured whole."""
    paint = Paint(True)
    for left, right in (
        ("one two\nthree four five", "one 2\nthree four 5"),
        ("all this", "is something else entirely"),
        ("", "x"),
        ("w " * 4000, "w " * 3999 + "v"),
    ):
        bare = [re.sub(r"\x1b\[\d+m", "", text) for text in painted(left, right, paint)]
        assert bare == [left, right]
    assert painted("a b", "a c", Paint(False)) == ("a b", "a c")
    old, _ = painted("x" * 5000 + "left", "x" * 5000 + "right", Paint(False), 400)
    assert len(old) < 600
    assert "left" in old


@pytest.mark.usefixtures("tapes")
@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(playhead: Playhead, width: int) -> None:
    """Texts are wrapped and columns go below each other; nothing of them is lost, and the colours are as without."""
    wide = playhead("diff", "a.yaml", "b.yaml").stdout
    plain = playhead("diff", "a.yaml", "b.yaml", COLUMNS=str(width)).stdout
    assert max(map(len, plain.splitlines())) <= width < max(map(len, wide.splitlines()))
    bare = [re.sub(r"[-+\s]", "", text) for text in (wide, plain)]
    if width >= 60:
        assert bare[0] == bare[1]
    coloured = playhead("diff", "a.yaml", "b.yaml", "--color", "always", COLUMNS=str(width)).stdout
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain
    for line in coloured.splitlines():
        assert line.count("\x1b[0m") * 2 == line.count("\x1b[")


def test_what_differs_in_a_tool_is_told_by_its_place(playhead: Playhead, seed: Path, tmp_path: Path) -> None:
    """Not as two schemas; a step that one has more is told as such, and what was not reported once."""
    data = seed.read_bytes()
    (tmp_path / "a.yaml").write_bytes(data)
    (tmp_path / "b.yaml").write_bytes(
        data.replace(b'"description":"the city"', b'"description":"a town"').replace(
            b'"max_tokens":4000', b'"max_tokens":9'
        )
    )
    shown = playhead("diff", "a.yaml", "b.yaml").stdout.splitlines()
    assert shown[4:8] == [
        '  tool weather       - parameters.properties.location.description: "the city"',
        '                     + parameters.properties.location.description: "a town"',
        "  setting max_tokens - 4000",
        "                     + 9",
    ]
    (tmp_path / "c.yaml").write_bytes(data[: data.index(b"  - id: 3")].replace(b"usage", b"used"))
    less = playhead("diff", "a.yaml", "c.yaml").stdout
    assert "one step more" in less
    rows = {line.split()[0]: line for line in less.splitlines()[-5:]}
    assert rows["tokens"].endswith("268 in + 66 out   not reported")
    assert rows["cost"].endswith("$0.0006258        not reported")
