"""The command: which tapes it takes, what it says of arguments that are none, and why a check failed."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from raw_wire import ask

from playhead import ConfigError, Tape
from playhead.deck.serve.faults import fault

CHAT = "/v1/chat/completions"


class Ended(NamedTuple):
    status: int
    out: str
    err: str


def served(*arguments: object, asked: list[tuple[str, bytes]]) -> Ended:
    """What the command says and how it ends, where it is asked this and then stopped."""
    command = [sys.executable, "-m", "playhead", "serve", "--port", "0", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", first)
        assert found is not None, first
        for path, body in asked:
            ask(int(found[1]), path, body)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    return Ended(process.returncode, first + out, err)


def refused(*arguments: object) -> str:
    command = [sys.executable, "-m", "playhead", "serve", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2, done
    return done.stderr


def test_a_check_that_fails_says_why(seed: Path) -> None:
    items = Tape.load(seed).interactions
    asked = [(CHAT, items[0].request.body), (f"/@ann{CHAT}", b'{"model":"m","messages":[]}')]
    ended = served(seed, "--check", asked=asked)
    assert ended.status == 1
    assert "missed ann: POST /v1/chat/completions" in ended.err
    assert "--check fails: 11 of 12 exchanges were not asked for and 1 request had no answer" in ended.err
    assert ended.err.count("not asked for: interaction ") == 5
    assert f"interaction 1 of {seed}, POST https://openrouter.ai/api/v1/chat/completions" in ended.err
    assert "and 6 more" in ended.err


def test_a_check_that_holds_says_nothing_and_so_does_none(seed: Path) -> None:
    asked = [(f"/@ann{CHAT}", item.request.body) for item in Tape.load(seed).interactions]
    assert served(seed, "--check", asked=asked[:12])[::2] == (0, "")
    ended = served(seed, "--json", "--check", asked=asked[:1])
    assert ended.status == 1
    assert "11 of 12 exchanges were not asked for\n" in ended.err
    assert json.loads(ended.out.splitlines()[1])["tapes"][0]["unplayed"] == list(range(1, 12))
    assert served(seed, asked=[])[::2] == (0, "")


def test_a_folder_stands_for_all_tapes_in_it(seed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tapes"
    (folder / "deeper").mkdir(parents=True)
    shutil.copy(seed, folder / "a.yaml")
    shutil.copy(seed, folder / "deeper" / "b.yaml")
    (folder / "other.yaml").write_text("of: something else\n")
    ended = served(folder, asked=[])
    assert ended.out.startswith("serving 2 tapes, 24 exchanges")
    assert served(folder, seed, asked=[]).out.startswith("serving 3 tapes, 36 exchanges")
    (tmp_path / "none").mkdir()
    assert "no tape in" in refused(tmp_path / "none")


def test_a_pace_that_is_a_tape_says_how_to_write_one(seed: Path) -> None:
    assert "is no factor: write --pace=0.5" in refused("--pace", seed)


@pytest.mark.parametrize(
    ("script", "part", "expected"),
    [
        ("hang", "there is no colon", ""),
        ("x: hang", "'x' says no request", '"/10:"'),
        ("0: hang", "'0' says no request", '"3-5:"'),
        ("/0: hang", "'/0' says no request", '"*:"'),
        ("3-2: hang", "'3-2' says no request", ""),
        ("1: 200", "'200' says nothing that could happen", "400 to 599"),
        ("1: wait", "'wait' says nothing that could happen", '"wait 0.5"'),
        ("1: cut before chunk 3", "'cut before chunk 3' says nothing", '"reset after 100 bytes"'),
    ],
)
def test_a_fault_that_is_none_says_which_part_of_it(script: str, part: str, expected: str) -> None:
    with pytest.raises(ConfigError, match="cut after chunk 7") as error:
        fault(script)
    assert part in str(error.value)
    assert expected in str(error.value)


def test_faults_are_read_in_all_the_forms_that_are_documented() -> None:
    assert fault("2: cut") == fault(" 2 : cut ")
    assert (fault("2: cut").breaks, fault("2: cut").chunks, fault("2: cut").bytes) == ("cut", None, None)
    assert fault("*: wait 0.5s") == fault("*: wait 0.5")
    assert fault("2 - 4: 503") == fault("2-4: 503")
    assert fault("/10: reset after 1 byte").bytes == 1
