"""Where ``playhead convert`` writes to, and texts that the target cannot hold: nothing is eaten or lost unsaid."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_process import command, environment

Playhead = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def tape(seed: Path, tmp_path: Path) -> Path:
    """The seed as florence.yaml."""
    return Path(shutil.copy(seed, tmp_path / "florence.yaml"))


@pytest.mark.parametrize("words", [(), ("--force",)])
def test_a_pipe_is_written_to_and_stays_one(playhead: Playhead, tape: Path, tmp_path: Path, words: tuple[str]) -> None:
    """Whoever reads has the recording; there is nothing to write over."""
    os.mkfifo(tmp_path / "pipe")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()), daemon=True)
    reader.start()
    done = playhead("convert", "florence.yaml", "-o", "pipe", *words)
    reader.join(20)
    assert (done.returncode, got) == (0, [tape.read_bytes()])
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.parametrize("to", ["go-vcr", "har"])
@pytest.mark.usefixtures("tape")
def test_a_socket_is_never_replaced(playhead: Playhead, tmp_path: Path, to: str) -> None:
    """Nor is any other thing that takes no bytes."""
    with socket.socket(socket.AF_UNIX) as bound:
        here = os.getcwd()
        os.chdir(tmp_path)  # the address of a socket may not be long
        try:
            bound.bind("sock")
        finally:
            os.chdir(here)
        done = playhead("convert", "florence.yaml", "--to", to, "--force", "-o", "sock")
        assert done.returncode == 2
        assert "no regular file" in done.stderr
        assert stat.S_ISSOCK((tmp_path / "sock").stat().st_mode)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["florence.yaml", "sock"]


def test_the_null_device_stays_one_and_stdout_is_stdout(playhead: Playhead, tape: Path, tmp_path: Path) -> None:
    """By any name of it; what is told of the recording does not stand in it then."""
    assert playhead("convert", "florence.yaml", "--force", "-o", "/dev/null").returncode == 0
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    for name in ("/dev/stdout", "/proc/self/fd/1"):
        with (tmp_path / "out.yaml").open("wb") as out:
            words = command("convert", "florence.yaml", "-o", name)
            done = subprocess.run(words, stdout=out, stderr=subprocess.PIPE, cwd=tmp_path, env=environment())
        assert (done.returncode, (tmp_path / "out.yaml").read_bytes()) == (0, tape.read_bytes())
        assert b"12 exchanges" in done.stderr


def test_a_link_stays_one_and_what_it_names_is_written_over(playhead: Playhead, tape: Path, tmp_path: Path) -> None:
    """Only with --force, and with the rights that it had."""
    (tmp_path / "old.yaml").write_text("old\n")
    (tmp_path / "old.yaml").chmod(0o600)
    (tmp_path / "link.yaml").symlink_to("old.yaml")
    assert playhead("convert", "florence.yaml", "-o", "link.yaml").returncode == 2
    assert playhead("convert", "florence.yaml", "--force", "-o", "link.yaml").returncode == 0
    assert (tmp_path / "link.yaml").is_symlink()
    assert (tmp_path / "old.yaml").read_bytes() == tape.read_bytes()
    assert stat.S_IMODE((tmp_path / "old.yaml").stat().st_mode) == 0o600


ODD = """\
interactions:
- request: {body: null, headers: {}, method: !!binary //4=, uri: "https://a.example/x"}
  response: {body: {string: x}, headers: {}, status: {code: 200, message: OK}}
version: 1
"""


@pytest.mark.parametrize("to", ["har", "vcrpy", "go-vcr"])
def test_what_is_no_unicode_is_told_and_no_fault(playhead: Playhead, tmp_path: Path, to: str) -> None:
    """A tape keeps the bytes; the others have a sign in their place, and say so."""
    (tmp_path / "c.yaml").write_text(ODD)
    done = playhead("convert", "c.yaml", "--to", to, "-o", "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert ("method: what is no Unicode, U+FFFD stands for it" in done.stdout) is (to != "go-vcr")
    shown = playhead("show", "c.yaml", "--json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["entries"][0]["method"] == r"\udcff\udcfe"


@pytest.mark.parametrize(("words", "said"), [((), "run.yaml"), (("--tape-per-client",), "named after run.yaml")])
def test_record_names_the_tapes_that_it_makes(tmp_path: Path, words: tuple[str], said: str) -> None:
    """With a tape for each client there is none of the name alone."""
    arguments = command("record", "--upstream", "http://127.0.0.1:9", "--tape", "run.yaml", "--port", "0", *words)
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment()) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
        process.wait(20)
    whose = "a tape for each client, " if words else ""
    assert line.startswith(f"recording on {whose}{said}, at http://127.0.0.1:")
