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
    assert playhead("diff", "florence.yaml", "new.yaml").stdout.startswith("step 1: the runs part\n  result")


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
    assert done.stdout.startswith("Mild.\n\nstep 1: the runs part\n")
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
