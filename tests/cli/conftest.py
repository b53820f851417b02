"""Fixtures: the command in a folder of its own, and a chat server for it to ask."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer
from cli_process import command, environment


@pytest.fixture
def playhead(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ``playhead …`` to its end, in a folder of its own; extra keywords are environment variables."""

    def run(*words: str, stdin: str = "", **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*words),
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            cwd=tmp_path,
            env=environment(**extra),
            timeout=60,
        )

    return run


@pytest.fixture
def server() -> Iterator[ChatServer]:
    """A scripted chat server; a test fills ``server.script``."""
    running = ChatServer()
    yield running
    running.close()


@pytest.fixture
def chat(playhead: Callable[..., Any], server: ChatServer) -> Callable[..., Any]:
    """Runs ``playhead run`` against the server: ``chat("hello", "--json")``."""

    def run(prompt: str, *words: str, **extra: str) -> Any:
        return playhead("run", "compatible:m", prompt, "--base-url", server.url, *words, **extra)

    return run
