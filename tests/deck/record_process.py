"""`playhead record` as a process, with what it says on both streams."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any


def limited(command: list[str], limit: str) -> list[str]:
    """The command under what ``ulimit`` is told: "-n 64"."""
    return ["sh", "-c", f'ulimit {limit} && exec "$@"', "sh", *command]


class RecordProcess:
    """The command with ``--json``, under a limit of the shell's; leaving the block ends it where nobody has."""

    def __init__(
        self, upstream: str, tape: Path, *words: str, env: dict[str, str] | None = None, limit: str = ""
    ) -> None:
        command = [sys.executable, "-m", "playhead", "record", "--upstream", upstream, "--tape", str(tape)]
        command += ["--port", "0", "--json", *words]
        self.process = subprocess.Popen(
            limited(command, limit) if limit else command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(env or {})},
        )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        self.port = int(json.loads(self.line)["url"].rpartition(":")[2])
        self.noted: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self._listening = threading.Thread(target=self._listen)
        self._listening.start()

    def __enter__(self) -> RecordProcess:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self.process.poll() is None:
            self.stop()

    def stop(self) -> tuple[int, dict[str, Any]]:
        """End it; the exit status, and what it said at the end."""
        assert self.process.stdout is not None
        self.process.terminate()
        said = self.process.stdout.read()
        status = self.process.wait(20)
        self._listening.join(20)
        self.process.stdout.close()
        return status, json.loads(said)

    def note(self, number: int = 0) -> str:
        """A note, when it is here."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.noted) > number, 20)
            note: str = self.noted[number]["note"]
            return note

    def _listen(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr:
            for line in self.process.stderr:
                with self._news:
                    self.noted.append(json.loads(line))
                    self._news.notify_all()
