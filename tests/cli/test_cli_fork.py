"""``playhead fork`` and ``playhead rerun``: a recorded run goes on differently, live."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from playhead.testing import FakeProvider, reply, tool_call

Playhead = Callable[..., "subprocess.CompletedProcess[str]"]

TOOL = '''
from playhead import tool

@tool
def weather(location: str) -> str:
    """The weather."""
    print("looking")
    return "21 C"
'''


@pytest.fixture
def fake(seed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    """A provider at the address that PLAYHEAD_BASE_URL names, and the seed as florence.yaml."""
    shutil.copy(seed, tmp_path / "florence.yaml")
    (tmp_path / "weather.py").write_text(TOOL)
    with FakeProvider() as running:
        monkeypatch.setenv("PLAYHEAD_BASE_URL", running.url)
        yield running


COLDER = ("fork", "florence.yaml", "--at", "1", "--set", "tool:weather=12 C", "--model", "compatible:m")


def test_a_fork_answers_on_stdout_and_its_tape_plays_whole(playhead: Playhead, fake: FakeProvider) -> None:
    """What is new is shown as it happens; the new tape replays, verifies and differs in what was changed."""
    fake.script(reply("It is cold."))
    done = playhead(*COLDER, "--tape", "new.yaml")
    assert (done.returncode, done.stdout) == (0, "It is cold.\n"), done.stderr
    assert "← 12 C" in done.stderr
    assert "tape: new.yaml" in done.stderr
    again = playhead("replay", "new.yaml", "-q")
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "It is cold.")
    assert playhead("verify", "new.yaml").stdout == "new.yaml: 4 of 4 requests equal\n"
    shown = playhead("show", "new.yaml").stdout
    assert "fork       compatible:m\nstep 2     200" in shown
    assert playhead("diff", "florence.yaml", "new.yaml").stdout.startswith(
        "- florence.yaml\n+ new.yaml\n\nstep 1: the runs part\n  result"
    )


def test_as_json_a_fork_is_its_run(playhead: Playhead, fake: FakeProvider) -> None:
    """The kept steps and the new ones."""
    fake.script(reply("It is cold."))
    document = json.loads(playhead(*COLDER, "--tape", "new.yaml", "--json").stdout)
    assert (document["tape"], document["complete"], document["steps"]) == ("new.yaml", True, 2)
    assert [attempt["status"] for attempt in document["attempts"]] == [429, 429, 200, 200]


def test_a_call_that_nobody_knows_names_the_options(playhead: Playhead, fake: FakeProvider) -> None:
    """An error in the words of the command line; with --no-tools the end, with --tool no matter."""
    rome = reply(tool_call("weather", location="Rome"))
    fake.script(rome, rome, rome, reply("Mild."))
    words = ("rerun", "florence.yaml", "--model", "compatible:m")
    failed = playhead(*words)
    assert failed.returncode == 1
    assert "Give it with --tool FILE.py:weather" in failed.stderr
    assert "--no-tools" in failed.stderr
    assert playhead(*words, "--no-tools").returncode == 0
    done = playhead(*words, "--tool", "weather.py", "--tape", "rome.yaml")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Mild.\n\n- florence.yaml\n+ rome.yaml\n\nstep 1: the runs part\n")
    assert "looking" in done.stderr
    assert "looking" not in done.stdout


def test_a_rerun_as_json_has_its_comparison(playhead: Playhead, fake: FakeProvider) -> None:
    """The same call is answered from the tape, so that the answers alone differ."""
    fake.script(reply(tool_call("weather", location="Florence, Italy")), reply("Hot."))
    done = playhead("rerun", "florence.yaml", "--model", "compatible:m", "--json")
    document = json.loads(done.stdout)
    assert document["text"] == "Hot."
    assert document["messages"][3]["parts"][0]["content"][0]["text"] == "40 C"
    whats = {item["what"] for item in document["comparison"]["pairs"][0]["differences"]}
    assert whats == {"model", "settings", "answer"}


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--at", "0"), "expected a number from 1"),
        (("--at", "9"), "has 2 steps"),
        (("--at", "1", "--set", "weather=12"), "tool:NAME=TEXT"),
        (("--at", "1", "--set", "tool:wether=12"), "it calls: weather"),
        (("--at", "1", "--tape", "florence.yaml"), "already"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_asked(
    playhead: Playhead, words: tuple[str, ...], said: str
) -> None:
    """Status 2, and the tape that is there stays."""
    done = playhead("fork", "florence.yaml", "--model", "compatible:m", "--tape", "new.yaml", *words)
    assert done.returncode == 2
    assert said in done.stderr


NO_KEY = ("fork", "florence.yaml", "--at", "1", "--set", "tool:weather=12 C", "--tape", "new.yaml")


@pytest.mark.usefixtures("fake")
def test_without_a_key_nothing_is_begun(playhead: Playhead, tmp_path: Path) -> None:
    """The missing key is all that is said; no file stands there, so that the command can be given again."""
    done = playhead(*NO_KEY)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: openrouter: no key")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "new.yaml").exists()


def test_a_fork_that_fails_before_anything_is_asked_leaves_what_was_there(
    playhead: Playhead, fake: FakeProvider, tmp_path: Path
) -> None:
    """No file where there was none; with --force the one that there was. The same command works a moment later."""
    failing = (*COLDER, "--tool", "weather.py", "--tape", "new.yaml", "--max-steps", "1")
    refused = {"PLAYHEAD_BASE_URL": "no-address"}
    assert playhead(*failing, **refused).returncode != 0
    assert not (tmp_path / "new.yaml").exists()
    (tmp_path / "new.yaml").write_text("of somebody's\n")
    assert playhead(*failing).returncode == 2
    assert playhead(*failing, "--force", **refused).returncode != 0
    assert (tmp_path / "new.yaml").read_text() == "of somebody's\n"
    fake.script(reply("It is cold."))
    done = playhead(*failing, "--force")
    assert done.returncode == 0, done.stderr
    assert "12 C" in (tmp_path / "new.yaml").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["florence.yaml", "new.yaml", "weather.py"]


@pytest.mark.usefixtures("fake")
def test_force_never_writes_over_what_is_forked(playhead: Playhead, seed: Path, tmp_path: Path) -> None:
    """Under no name of it."""
    (tmp_path / "link.yaml").symlink_to("florence.yaml")
    done = playhead(*COLDER, "--tape", "link.yaml", "--force")
    assert done.returncode == 2
    assert "name another file" in done.stderr
    assert (tmp_path / "florence.yaml").read_bytes() == seed.read_bytes()


def test_what_was_set_has_no_time(playhead: Playhead, fake: FakeProvider) -> None:
    """Nothing was measured, while it happens and afterwards; a function's time is told."""
    fake.script(reply("It is cold."))
    done = playhead(*COLDER, "--tape", "new.yaml")
    assert "← 12 C  as set\n" in done.stderr
    assert "tool       ← 12 C\n" in playhead("show", "new.yaml").stdout
    fake.script(reply(tool_call("weather", location="Florence, Italy")), reply("Hot."))
    again = playhead("rerun", "florence.yaml", "--model", "compatible:m", "--tape", "again.yaml")
    assert "← 40 C  from the tape\n" in again.stderr
    fake.script(reply(tool_call("weather", location="Rome")), reply("Mild."))
    rome = playhead("rerun", "florence.yaml", "--model", "compatible:m", "--tool", "weather.py")
    assert "← 21 C  from the tape" not in rome.stderr
    assert "← 21 C  " in rome.stderr


def test_a_rerun_that_differs_went_well(playhead: Playhead, fake: FakeProvider) -> None:
    """Another model says other words; whether they are the same is what diff's status tells."""
    fake.script(reply("Hot."))
    done = playhead("rerun", "florence.yaml", "--model", "compatible:m", "--tape", "new.yaml")
    assert (done.returncode, "the runs part" in done.stdout) == (0, True)
    assert playhead("diff", "florence.yaml", "new.yaml").returncode == 1
