"""llama.cpp's server: started once, quiet, and gone when its owner is, however that ends. Real processes throughout."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from playhead.errors import ConfigError
from playhead.local import server
from playhead.local.weights import Weights, find_weights

START = """
import os, sys, time
from playhead.local import server
from playhead.local.weights import find_weights
weights = find_weights("smollm2")
started = server.start(weights)
print(started.pid, flush=True)
"""

#: Asks for a long answer from a thread, so that the interpreter exits while it is being made.
BUSY = """
import json, threading, urllib.request
body = {"messages": [{"role": "user", "content": "Tell me a story."}], "max_tokens": 900, "ignore_eos": True}
wire = urllib.request.Request(started.url + "/v1/chat/completions", json.dumps(body).encode(),
                              {"Authorization": "Bearer " + started.key})
threading.Thread(target=lambda: urllib.request.urlopen(wire).read(), daemon=True).start()
time.sleep(0.4)
"""

FORK = """
child = os.fork()
if child == 0:
    assert server.running(weights) is None
    sys.exit(7)
_, status = os.waitpid(child, 0)
print("child", os.waitstatus_to_exitcode(status), "alive", server.running(weights) is started, flush=True)
"""


def ended(pid: int) -> bool:
    """Whether a process is gone within five seconds."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True  # nobody's child any more, and nobody collects it
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=30)


def test_one_server_serves_all_threads_that_start_it(weights: Weights) -> None:
    found: list[server.LocalServer] = []
    threads = [threading.Thread(target=lambda: found.append(server.start(weights))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each.pid for each in found}) == 1
    assert server.running(weights) is found[0]


def test_a_server_that_died_is_started_again(weights: Weights) -> None:
    first = server.start(weights)
    os.kill(first.pid, signal.SIGKILL)
    assert ended(first.pid)
    deadline = time.monotonic() + 5
    while server.running(weights) is not None and time.monotonic() < deadline:
        time.sleep(0.02)  # its threads end a moment after it
    assert server.start(weights).pid != first.pid


def test_stopping_ends_the_process(weights: Weights) -> None:
    pid = server.start(weights).pid
    server.stop_all()
    assert ended(pid)
    assert server.running(weights) is None


@pytest.mark.parametrize("rest", ["", BUSY, "raise SystemExit(0)"], ids=["idle", "busy", "raising"])
def test_exit_is_clean_and_quiet_and_takes_the_server_along(weights: Weights, rest: str) -> None:
    done = run(START + rest)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" or rest is BUSY
    assert ended(int(done.stdout))


def test_a_killed_owner_takes_the_server_along(weights: Weights) -> None:
    """Not even SIGKILL leaves a server behind."""
    owner = subprocess.Popen([sys.executable, "-c", START + "time.sleep(30)"], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.wait()
    owner.stdout.close()
    assert ended(pid)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_exits_and_leaves_the_server_to_its_parent(weights: Weights) -> None:
    done = run(START + FORK)
    assert done.stdout.splitlines()[1] == "child 7 alive True", done.stderr


def test_the_log_is_shown_when_asked_for(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYHEAD_LOCAL_LOG", "1")
    done = run(START)
    assert "loading model" in done.stderr


def test_a_truncated_model_is_an_error_with_the_reason_of_llama_cpp(weights: Weights, tmp_path: Path) -> None:
    path = tmp_path / "cut.gguf"
    with open(weights.path, "rb") as file:
        path.write_bytes(file.read(3_000_000))
    with pytest.raises(ConfigError, match=r"cannot serve .*cut\.gguf: .*(corrupted or incomplete|failed to read)"):
        server.start(find_weights(str(path)))


def test_garbage_behind_a_good_header_is_an_error_and_no_crash(weights: Weights, tmp_path: Path) -> None:
    path = tmp_path / "garbage.gguf"
    path.write_bytes(b"GGUF" + (3).to_bytes(4, "little") + (5).to_bytes(8, "little") * 2 + b"\xa5" * 5000)
    with pytest.raises(ConfigError, match=r"cannot serve .*garbage\.gguf: \w+"):
        server.start(find_weights(str(path)))
