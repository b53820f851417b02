"""A stranger's test suite: a folder of test files that pytest runs in a process of its own, the plugin in it.

A provider on loopback says the weather; ``suite.asked`` counts what it was asked. What other plugins are installed is
left out, so that what is seen is pytest, the plugin, and what the test names.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from playhead import Request
from playhead.testing import Answer, FakeProvider, reply, tool_call

KEY = "sk-secret-0123456789"

#: What every suite begins with: an agent with a tool, whose words the environment may change.
HEAD = f'''
import os, socket, sys, unittest
import pytest
from playhead import Agent, Model, tool

@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return os.environ.get("DEGREES", "40 C")

def ask(prompt, tape, **more):
    return agent(**more).run_sync(prompt, tape=tape).text

def agent(system=os.environ.get("PROMPT", "Be brief."), **more):
    model = Model.of("openai:m", base_url=os.environ["PROVIDER"], api_key="{KEY}")
    return Agent(model, system=system, tools=[weather], **more)
'''


def says_the_weather(request: Request) -> Answer:
    """A call of the tool first, then its result in a sentence."""
    last = request.messages[-1]
    if last.role == "user":
        return reply(tool_call("weather", location=last.text))
    return reply(f"It is {last.parts[0].text} there.")  # type: ignore[union-attr]


class Suite:
    """A folder, and the runs of pytest in it. ``out`` is what the last one printed."""

    def __init__(self, folder: Path, fake: FakeProvider) -> None:
        self.folder = folder
        self.out = ""
        self._fake = fake
        (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers -rA -p no:faulthandler\n")

    def write(self, name: str, text: str) -> Path:
        """A test file, after the head that all have."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{HEAD}\n{text}", "utf-8")
        return path

    def run(self, *args: str, **environment: str) -> tuple[dict[str, int], int]:
        """Run pytest; how many tests came to which end, and how many requests reached the provider meanwhile."""
        kept = {name: value for name, value in os.environ.items() if name not in ("CI", "PLAYHEAD_TAPE_MODE")}
        kept = {name: value for name, value in kept.items() if not name.startswith("PYTEST_")}
        kept |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PROVIDER": self._fake.url, "COLUMNS": "200", **environment}
        before = len(self._fake.requests)
        argv = [sys.executable, "-W", "error", "-m", "pytest", "-p", "playhead.testing.plugin", *args]
        done = subprocess.run(
            argv, cwd=self.folder, env=kept, capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL
        )
        self.out = done.stdout + done.stderr
        self.status = done.returncode
        counted = re.findall(r"^=+ (.*) in [0-9.]+s.* =+$", self.out, re.MULTILINE)[-1:]
        counts = {kind: int(count) for line in counted for count, kind in re.findall(r"(\d+) (\w+)", line)}
        return counts, len(self._fake.requests) - before

    @property
    def tapes(self) -> list[str]:
        """The tapes that there are, from the folder; whatever lies beside them too."""
        found = [path for path in self.folder.rglob("*") if path.is_file() and "tapes" in path.parts]
        return sorted(str(path.relative_to(self.folder)) for path in found if ".pytest_cache" not in path.parts)

    def bytes(self, tape: str) -> bytes:
        """What stands in a tape's file."""
        return (self.folder / tape).read_bytes()
