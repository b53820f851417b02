"""The tape of a chat with an answer that was stopped, as the other commands read it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from chat_server import ChatServer, streamed
from typed import Typed


def test_the_tape_of_a_chat_with_a_stopped_answer_verifies_and_replays(
    server: ChatServer, playhead: Callable[..., Any], tmp_path: Path
) -> None:
    """What stands after it is no answer that starts again."""
    server.script = [streamed("One."), streamed("half ", "an ", *["answer "] * 500, pause=0.05), streamed("Fine.")]
    with Typed("chat", "compatible:m", "--base-url", server.url, "--tape", "c.yaml", cwd=tmp_path) as terminal:
        terminal.prompt()
        terminal.type("first")
        terminal.prompt()
        terminal.type("second")
        terminal.wait_for("half an")
        terminal.type("\x03", end="")
        terminal.prompt()
        terminal.type("third")
        terminal.prompt()
        terminal.type("\x04", end="")
        assert terminal.ended() == 0
    verified = playhead("verify", "c.yaml")
    assert verified.returncode == 0, verified.stdout
    assert "3 of 3 requests equal" in verified.stdout
    assert "messages[3]: what came of the answer" in verified.stdout
    replayed = playhead("replay", "c.yaml")
    assert (replayed.returncode, replayed.stdout[-6:]) == (0, "Fine.\n")
    assert "it ends here without an answer: the answer was broken off" in replayed.stderr
    assert "starts again" not in replayed.stderr + replayed.stdout
