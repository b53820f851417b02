"""``playhead replay`` and ``playhead verify``: a tape run again, with nothing but the tape."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

Playhead = Callable[..., "subprocess.CompletedProcess[str]"]

ANSWER = """\
I'll get the current weather for Florence, Italy.
It's currently **40 °C (104 °F)** in Florence, Italy—quite a hot day, so stay hydrated and seek shade if you're out \
enjoying the city!
"""


def test_the_seed_is_played_again(playhead: Playhead, seed: Path) -> None:
    """Ten refusals, the call and its result from the tape, the answer, its cost."""
    done = playhead("replay", str(seed))
    assert (done.returncode, done.stdout) == (0, ANSWER)
    assert done.stderr.count(": 429 after") == 10
    assert '→ weather({"location": "Florence, Italy"})' in done.stderr
    assert "← 40 C" in done.stderr
    assert "12 attempts (429 ×10), 268 in + 66 out tokens, $0.0006258, 5.30 s" in done.stderr  # noqa: RUF001
    assert playhead("show", str(seed)).stdout.endswith(", 5.30 s\n")


def test_json_is_one_document(playhead: Playhead, seed: Path) -> None:
    """A run for each conversation."""
    told = json.loads(playhead("replay", str(seed), "--json").stdout)
    (run,) = told["runs"]
    assert (run["complete"], run["steps"], run["stopped"]) == (True, 2, None)
    assert (run["cost"], run["usage"]["cost"], round(run["duration"], 2)) == ("0.0006258", "0.0006258", 5.30)
    assert [attempt.get("status") for attempt in run["attempts"]].count(429) == 10


def test_a_tape_without_times_has_none_when_it_is_played(playhead: Playhead, seed: Path) -> None:
    """Nobody measured them, and the time that a replay takes is none of the run's."""
    assert playhead("convert", str(seed), "--to", "vcrpy", "-o", "c.yaml").returncode == 0
    assert playhead("convert", "c.yaml", "-o", "t.yaml").returncode == 0
    said = playhead("replay", "t.yaml").stderr
    assert said.splitlines()[-1].endswith(", duration not reported")
    assert " after " not in said
    assert json.loads(playhead("replay", "t.yaml", "--json").stdout)["runs"][0]["duration"] is None
    shown = json.loads(playhead("show", "c.yaml", "--json").stdout)["entries"][0]
    assert shown["duration"] is None
    assert [attempt["duration"] for attempt in shown["steps"][0]["attempts"]] == [None, None, None]
    assert " s" not in playhead("diff", "c.yaml", "t.yaml").stdout.partition("duration")[2]
    assert "0 s" not in playhead("show", "c.yaml").stdout


def test_a_cost_is_written_in_one_way(playhead: Playhead, seed: Path) -> None:
    """By every command, as the cost and in the usage."""
    stats = json.loads(playhead("stats", str(seed), "--json").stdout)
    shown = json.loads(playhead("show", str(seed), "--json").stdout)["entries"][0]
    (run,) = json.loads(playhead("replay", str(seed), "--json").stdout)["runs"]
    (pair,) = json.loads(playhead("diff", str(seed), str(seed), "--json").stdout)["pairs"]
    found = {(one["cost"], one["usage"]["cost"]) for one in (stats["total"], shown, run, *pair["figures"])}
    assert found == {("0.0006258", "0.0006258")}


def test_a_tape_that_ends_too_soon_is_status_1(playhead: Playhead, seed: Path, tmp_path: Path) -> None:
    """What there is is played, and why it stops is said."""
    data = seed.read_bytes()
    (tmp_path / "short.yaml").write_bytes(data[: data.index(b"  - id: 3")])
    done = playhead("replay", "short.yaml")
    assert done.returncode == 1
    assert done.stdout.startswith("I'll get the current weather")
    assert "error: the tape holds no" in done.stderr
    assert 'without a result: weather({"location": "Florence, Italy"})' in done.stderr
    (run,) = json.loads(playhead("replay", "short.yaml", "--json").stdout)["runs"]
    assert not run["complete"]
    assert run["stopped"].startswith("the tape holds no result")


def test_a_tape_that_ends_with_a_refusal_is_status_1(playhead: Playhead, seed: Path, tmp_path: Path) -> None:
    data = seed.read_bytes()
    (tmp_path / "short.yaml").write_bytes(data[: data.index(b"  - id: 5")])
    done = playhead("replay", "short.yaml")
    assert done.returncode == 1
    assert "error: " in done.stderr


def test_what_no_dialect_understands_is_passed_over(playhead: Playhead, seed: Path, tmp_path: Path) -> None:
    """A tape of plain HTTP has nothing to replay, and says so."""
    data = seed.read_bytes().replace(b"https://openrouter.ai/api/v1/chat/completions", b"https://example.com/")
    (tmp_path / "http.yaml").write_bytes(data)
    done = playhead("replay", "http.yaml")
    assert done.returncode == 2
    assert done.stderr.count("passed over") == 12
    assert "holds nothing to replay" in done.stderr


def test_verify_says_that_all_requests_are_equal(playhead: Playhead, seed: Path, tmp_path: Path) -> None:
    """The line is the one that scripts look for."""
    (tmp_path / "florence.yaml").write_bytes(seed.read_bytes())
    done = playhead("verify", "florence.yaml")
    assert (done.returncode, done.stdout) == (0, "florence.yaml: 12 of 12 requests equal\n")


def test_verify_says_how_many_conversations_there_are(playhead: Playhead, seed: Path, tmp_path: Path) -> None:
    """Where it is not one: two runs on a tape, one after the other."""
    head, first = seed.read_bytes().split(b"interactions:\n")
    second = first.replace(b"Florence,Italy", b"Siena,Italy")
    (tmp_path / "two.yaml").write_bytes(head + b"interactions:\n" + first + second)
    done = playhead("verify", "two.yaml")
    assert done.stdout.startswith("two.yaml: 24 of 24 requests equal, 2 conversations\n")


def test_verify_shows_where_a_request_differs(playhead: Playhead, seed: Path, tmp_path: Path) -> None:
    """A tape whose later request was changed by hand: status 1, and the place."""
    data = seed.read_bytes()
    at = data.index(b"  - id: 3")
    (tmp_path / "t.yaml").write_bytes(data[:at] + data[at:].replace(b"You are a helpful", b"You are a careless"))
    done = playhead("verify", "t.yaml")
    assert done.returncode == 1
    assert "of 12 requests equal" in done.stdout


def test_verify_of_several_tapes_goes_on_after_a_bad_one(playhead: Playhead, seed: Path, tmp_path: Path) -> None:
    """Each has its line, the last line is the sum, and JSON has a row for each."""
    (tmp_path / "good.yaml").write_bytes(seed.read_bytes())
    (tmp_path / "bad.yaml").write_text("no tape\n")
    done = playhead("verify", "bad.yaml", "good.yaml", "missing.yaml")
    assert done.returncode == 1
    assert "good.yaml: 12 of 12 requests equal" in done.stdout
    assert done.stdout.endswith("1 of 3 tapes, 12 of 12 requests equal\n")
    told = json.loads(playhead("verify", "bad.yaml", "good.yaml", "--json").stdout)
    assert (told["ok"], [row["ok"] for row in told["tapes"]]) == (False, [False, True])
