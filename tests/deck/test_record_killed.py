"""A recording proxy that is killed has on tape whatever a client had in full, and goes on with it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from raw_wire import Wire

from playhead import Tape
from playhead.testing import FakeProvider

CHAT = "/v1/chat/completions"
#: How often the proxy is killed; PLAYHEAD_KILLS asks for more.
KILLS = int(os.environ.get("PLAYHEAD_KILLS", "4"))
CLIENTS = 8


def test_a_proxy_that_is_killed_loses_nothing_that_a_client_had(tmp_path: Path) -> None:
    path, chance = tmp_path / "t.yaml", random.Random(7)
    had: dict[bytes, bytes] = {}
    with FakeProvider("openai", answer="one two three four five six seven") as fake:
        for kill in range(KILLS):
            with _proxy(fake.url, path) as process:
                assert process.stdout is not None
                port = int(json.loads(process.stdout.readline())["url"].rpartition(":")[2])
                answered = threading.Semaphore(0)
                names = [f"{kill}.{at}" for at in range(CLIENTS)]
                threads = [threading.Thread(target=_ask, args=(port, name, had, answered)) for name in names]
                for thread in threads:
                    thread.start()
                for _ in range(chance.randrange(1, 80)):
                    assert answered.acquire(timeout=20)
                process.kill()
                for thread in threads:
                    thread.join()
            recorded = {item.request.body: item.response.body for item in Tape.load(path).interactions}
            assert {asked: recorded.get(asked) for asked in had} == had
    assert len(had) >= KILLS


def test_a_proxy_that_is_stopped_says_what_it_did(tmp_path: Path) -> None:
    with FakeProvider("openai", answer="hello") as fake, _proxy(fake.url, tmp_path / "t.yaml") as process:
        assert process.stdout is not None
        port = int(json.loads(process.stdout.readline())["url"].rpartition(":")[2])
        with Wire(port) as wire:
            assert wire.ask(CHAT, b'{"model":"m","messages":[{"role":"user","content":"x"}]}').status == 200
        process.terminate()
        assert json.loads(process.stdout.readline()) == {"recorded": 1, "saved": [], "notes": []}
    assert process.returncode == 0


@pytest.mark.parametrize("words", [["--tape", "t.yaml"], ["--upstream", "nowhere", "--tape", "t.yaml"]])
def test_what_cannot_be_recorded_is_said_at_once(words: list[str], tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "playhead", "record", *words], cwd=tmp_path, capture_output=True)
    assert done.returncode == 2
    assert b"upstream" in done.stderr


def _proxy(upstream: str, path: Path) -> subprocess.Popen[str]:
    words = ["record", "--upstream", upstream, "--tape", str(path), "--port", "0", "--json"]
    return subprocess.Popen([sys.executable, "-m", "playhead", *words], stdout=subprocess.PIPE, text=True)


def _ask(port: int, name: str, had: dict[bytes, bytes], answered: threading.Semaphore) -> None:
    """Ask until the proxy is gone; what came in full is kept."""
    try:
        with Wire(port) as wire:
            for number in range(100_000):
                said = {
                    "model": "m",
                    "stream": number % 2 == 0,
                    "messages": [{"role": "user", "content": f"{name}.{number}"}],
                }
                asked = json.dumps(said).encode()
                got = wire.ask(CHAT, asked)
                if got.whole:
                    had[asked] = got.body
                    answered.release()
    except (OSError, ValueError, IndexError):  # the connection broke off, in a head or between two answers
        return
