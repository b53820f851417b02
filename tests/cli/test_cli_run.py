"""``playhead run`` against a server on loopback: what goes where, tools, tapes, refusals, interruption."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer, Reply, refusal, streamed
from cli_process import command, environment, on_terminal

from playhead.cli.ends import UsageError
from playhead.cli.settings import read_options
from playhead.tapes import Tape

Chat = Callable[..., "subprocess.CompletedProcess[str]"]

TOOLS = '''
from typing import Annotated
from playhead import tool

@tool
def weather(location: Annotated[str, "the city"]) -> str:
    """Get weather information for a location"""
    return "40 C"

def plain(location: str) -> str:
    """Get weather"""
    return "12 C"

NUMBER = 5
'''

CALL = streamed(call=("weather", '{"location": "Florence"}'))


def test_the_answer_is_on_stdout_and_the_rest_on_stderr(chat: Chat, server: ChatServer) -> None:
    """So that ``playhead run … > answer.txt`` holds the answer."""
    server.script = [streamed("Hello", ", you")]
    done = chat("hi", "--system", "Be kind.")
    assert (done.returncode, done.stdout) == (0, "Hello, you\n")
    assert "1 step, 1 attempt, 10 in + 5 out tokens, cost not reported" in done.stderr
    assert [message["role"] for message in server.bodies[0]["messages"]] == ["system", "user"]
    assert server.bodies[0]["stream"] is True


def test_quiet_leaves_stderr_to_errors(chat: Chat, server: ChatServer) -> None:
    """Nothing but the answer."""
    server.script = [streamed("Hello")]
    done = chat("hi", "-q")
    assert (done.stdout, done.stderr) == ("Hello\n", "")


def test_the_prompt_may_come_from_stdin(playhead: Chat, server: ChatServer) -> None:
    """``git diff | playhead run MODEL -``."""
    server.script = [streamed("ok")]
    done = playhead("run", "compatible:m", "-", "--base-url", server.url, stdin="from a pipe\n")
    assert done.returncode == 0
    assert "from a pipe" in json.dumps(server.bodies[0]["messages"])


@pytest.mark.parametrize(("spec", "result"), [("t.py", "40 C"), ("t.py:weather", "40 C")])
def test_a_tool_from_a_file(chat: Chat, server: ChatServer, tmp_path: Path, spec: str, result: str) -> None:
    """The call and its result are on stderr, the result goes to the model."""
    (tmp_path / "t.py").write_text(TOOLS)
    server.script = [CALL, streamed("It is hot.")]
    done = chat("weather?", "--tool", spec)
    assert (done.returncode, done.stdout) == (0, "It is hot.\n")
    assert '→ weather({"location": "Florence"})' in done.stderr
    assert f"← {result}" in done.stderr
    assert server.bodies[1]["messages"][-1]["content"] == result


def test_a_plain_function_by_its_name(chat: Chat, server: ChatServer, tmp_path: Path) -> None:
    """A function needs no decorator when it is named."""
    (tmp_path / "t.py").write_text(TOOLS)
    server.script = [streamed("ok")]
    assert chat("hi", "--tool", "t.py:plain").returncode == 0
    assert server.bodies[0]["tools"][0]["function"]["name"] == "plain"


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("none.py", "no such file"),
        ("t.txt", "expected FILE.py or FILE.py:NAME"),
        ("t.py:wether", "has no 'wether'; did you mean 'weather'?"),
        ("t.py:NUMBER", "is an int, not a function"),
        ("t.py:qqqq", "has no 'qqqq'; there are: weather, plain\n"),
        ("bad.py", "line 2: ModuleNotFoundError: No module named 'nowhere'"),
        ("syntax.py", "line 1: SyntaxError"),
        ("empty.py", "holds no tool"),
        ("untyped.py:f", "parameter 'x' has no type"),
    ],
)
def test_a_tool_that_cannot_be_had_is_said(
    chat: Chat, server: ChatServer, tmp_path: Path, spec: str, complaint: str
) -> None:
    """Before anything is asked, in one line that says where."""
    files = {"t.py": TOOLS, "bad.py": "x = 1\nimport nowhere\n", "syntax.py": "def (:\n", "empty.py": "", "t.txt": ""}
    for name, text in (files | {"untyped.py": "def f(x):\n    return x\n"}).items():
        (tmp_path / name).write_text(text)
    done = chat("hi", "--tool", spec)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert server.bodies == []


PRINTING = """
import os, subprocess, sys
from playhead import tool
print("loading")

@tool
def weather(location: str) -> str:
    print("called from a thread")
    subprocess.run([sys.executable, "-c", "print('a child')"])
    os.write(1, b"by descriptor\\n")
    return "40 C"

@tool
async def wind(location: str) -> str:
    print("called in the loop")
    return "none"
"""


@pytest.mark.parametrize("name", ["weather", "wind"])
@pytest.mark.parametrize("words", [(), ("--json",), ("--quiet",)], ids=["plain", "json", "quiet"])
def test_what_a_tool_prints_goes_to_stderr(
    chat: Chat, server: ChatServer, tmp_path: Path, name: str, words: tuple[str, ...]
) -> None:
    """While its file loads and while it runs, by whatever way: stdout is the answer's, or lines of JSON."""
    (tmp_path / "t.py").write_text(PRINTING)
    server.script = [streamed(call=(name, '{"location": "F"}')), streamed("It is hot.")]
    done = chat("hi", "--tool", "t.py", *words)
    assert done.returncode == 0
    if words == ("--json",):
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert events[-1]["event"] == "run_end"
    else:
        assert done.stdout == "It is hot.\n"
    prints = ["called from a thread", "a child", "by descriptor"] if name == "weather" else ["called in the loop"]
    assert {"loading", *prints} <= set(done.stderr.splitlines())


def test_settings_of_the_answer_reach_the_request(chat: Chat, server: ChatServer) -> None:
    """Temperature, seed and effort, each by its option."""
    server.script = [streamed("ok")]
    assert chat("hi", "--temperature", "0.5", "--seed", "7", "--reasoning", "low").returncode == 0
    body = server.bodies[0]
    assert (body["temperature"], body["seed"], body["reasoning_effort"]) == (0.5, 7, "low")


def test_refusals_and_waits_are_told(chat: Chat, server: ChatServer) -> None:
    """Each refused attempt with its status, and how long the wait is."""
    server.script = [refusal(429, "slow down", retry_after="0"), streamed("done")]
    done = chat("hi")
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert "attempt 1: 429 after" in done.stderr
    assert "slow down" in done.stderr
    assert "; again in" in done.stderr
    assert "2 attempts (429)" in done.stderr


def test_a_refusal_for_good_is_status_1(chat: Chat, server: ChatServer) -> None:
    """One line says what the provider said; with --json it is an object with the HTTP status."""
    server.script = [refusal(400, "no such thing")]
    done = chat("hi")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: " in done.stderr
    assert "no such thing" in done.stderr
    done = chat("hi", "--json")
    assert done.returncode == 1
    error = json.loads(done.stderr)["error"]
    assert (error["type"], error["status"]) == ("BadRequestError", 400)
    assert json.loads(done.stdout.splitlines()[-1])["complete"] is False


def test_json_is_a_line_for_each_event_and_the_run_at_the_end(chat: Chat, server: ChatServer) -> None:
    """Machine readable as it streams."""
    server.script = [streamed("Hel", "lo")]
    done = chat("hi", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    names = [event["event"] for event in events]
    assert names[:3] == ["step_start", "attempt_start", "response_start"]
    assert names[-2:] == ["step_end", "run_end"]
    assert "".join(event["text"] for event in events if event["event"] == "part_delta") in ("Hello", "lo")
    end = events[-1]
    assert (end["complete"], end["text"], end["steps"], end["cost"]) == (True, "Hello", 1, None)
    not_reported = dict.fromkeys(("cached_tokens", "cache_write_tokens", "reasoning_tokens", "cost"))
    assert end["usage"] == {"input_tokens": 10, "output_tokens": 5} | not_reported
    assert events[-2]["response"]["usage"] == end["usage"]
    assert [message["role"] for message in end["messages"]] == ["user", "assistant"]
    assert done.stderr == ""


def test_recorded_then_played_without_the_server(chat: Chat, server: ChatServer, tmp_path: Path) -> None:
    """The second run asks nothing and says the same."""
    (tmp_path / "t.py").write_text(TOOLS)
    server.script = [CALL, streamed("It is hot.")]
    words = ("weather?", "--tool", "t.py", "--tape", "t.yaml")
    first = chat(*words)
    assert [item.request.method for item in Tape.load(tmp_path / "t.yaml").interactions] == ["POST", "CALL", "POST"]
    server.script = []
    second = chat(*words)
    assert (second.returncode, second.stdout) == (0, first.stdout)
    assert "from the tape" in second.stderr
    assert len(server.bodies) == 2


def test_a_replay_without_a_tape_is_an_error(chat: Chat, server: ChatServer) -> None:
    """It never goes live; the status is that of a file that is not there, and the modes are named as options."""
    done = chat("hi", "--tape", "none.yaml", "--tape-mode", "replay")
    assert done.returncode == 2
    assert "none.yaml" in done.stderr
    assert "--tape-mode once" in done.stderr
    assert "mode='" not in done.stderr
    assert server.bodies == []


def test_a_cut_answer_is_taken_back_where_stdout_is_a_file(server: ChatServer, tmp_path: Path) -> None:
    """``> answer.txt`` holds the whole answer once, and what stood in the file before."""
    server.script = [streamed("Half an ans", cut=True), streamed("The whole answer")]
    target = tmp_path / "answer.txt"
    target.write_text("before\n")
    with target.open("a") as out:
        done = subprocess.run(
            command("run", "compatible:m", "hi", "--base-url", server.url),
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            timeout=60,
        )
    assert done.returncode == 0
    assert target.read_text() == "before\nThe whole answer\n"
    assert done.stderr.count("is taken back; it starts again") == 1
    assert done.stderr.count("200") == 0
    told = [line for line in done.stderr.splitlines() if line.startswith("attempt 1: cut after ")]
    assert len(told) == 1
    reason = told[0].split(": ", 2)[2].partition("; again")[0]
    assert "closed the connection before the end" in reason
    assert done.stderr.count(reason) == 1


def test_a_cut_that_ends_the_run_takes_nothing_back(server: ChatServer, tmp_path: Path) -> None:
    """What came of the answer stays in the file, as there will be no other."""
    server.script = [streamed("Half an ans", cut=True)]
    words = ("run", "compatible:m", "hi", "--base-url", server.url, "--tape", "t.yaml")
    with (tmp_path / "first.txt").open("w") as out:
        subprocess.run(
            command(*words, "--timeout", "1"), stdout=out, stderr=subprocess.PIPE, env=environment(), cwd=tmp_path
        )
    with (tmp_path / "answer.txt").open("w") as out:
        done = subprocess.run(
            command(*words, "--tape-mode", "replay"),
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            cwd=tmp_path,
        )
    assert done.returncode == 1
    assert (tmp_path / "answer.txt").read_text() == "Half an ans\n"
    assert "error: the answer was cut when it was recorded: " in done.stderr


def test_a_cut_answer_on_a_terminal_says_that_it_starts_again(server: ChatServer, tmp_path: Path) -> None:
    """What was shown stands, and is said to be void."""
    server.script = [streamed("Half an ans", cut=True), streamed("The whole answer")]
    shown = on_terminal("run", "compatible:m", "hi", "--base-url", server.url, "--color=never", cwd=tmp_path)
    assert shown.status == 0
    head, _, rest = shown.text.partition("the answer starts again:\n")
    assert head.startswith("Half an ans\nattempt 1: cut after ")
    assert all(line.startswith("  ") for line in head.splitlines()[2:])
    assert "The whole answer\n" in rest


def test_an_error_in_mid_answer_begins_a_line_of_its_own(server: ChatServer, tmp_path: Path) -> None:
    """On a terminal, where both stand in one column."""
    server.script = [streamed(*["word "] * 100, pause=0.1)]
    words = ("run", "compatible:m", "hi", "--base-url", server.url, "--timeout", "1", "--color=never")
    for quiet in ((), ("--quiet",)):
        shown = on_terminal(*words, *quiet, cwd=tmp_path)
        assert shown.status == 1
        lines = shown.text.splitlines()
        assert lines[0].startswith("word word ")
        assert lines[-1].startswith("error: the run took longer")


def test_a_replay_tells_of_the_refusals_on_the_tape(playhead: Chat, seed: Path, tmp_path: Path) -> None:
    """``run`` on a tape shows the attempts that ``replay`` shows, waits apart."""
    (tmp_path / "florence.yaml").write_bytes(seed.read_bytes())
    (tmp_path / "t.py").write_text(TOOLS)
    done = playhead(
        *("run", "openrouter:moonshotai/kimi-k2-0905", "What's the weather in Florence,Italy?", "--tool", "t.py"),
        *("--system", "You are a helpful assistant", "--max-tokens", "4000", "--option", 'provider.only=["wandb"]'),
        *("--tape", "florence.yaml", "--tape-mode", "replay"),
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(": 429 after") == 10


def test_an_answer_cannot_command_the_terminal(server: ChatServer, tmp_path: Path, chat: Chat) -> None:
    """Escape sequences are written out on a terminal and kept in a pipe."""
    server.script = [streamed("\x1b]0;owned\x07text")]
    shown = on_terminal("run", "compatible:m", "hi", "--base-url", server.url, "--color=never", cwd=tmp_path)
    assert "\\x1b]0;owned\\x07text" in shown.text
    assert chat("hi").stdout == "\x1b]0;owned\x07text\n"


def test_what_a_step_says_does_not_run_into_the_next(server: ChatServer, tmp_path: Path) -> None:
    """Words before a tool call end their line; the call is shown between, in order."""
    (tmp_path / "t.py").write_text(TOOLS)
    server.script = [streamed("Let me look.", call=("weather", '{"location": "F"}')), streamed("Hot.")]
    shown = on_terminal(
        "run", "compatible:m", "hi", "--base-url", server.url, "--tool", "t.py", "--color=never", cwd=tmp_path
    )
    lines = shown.text.splitlines()
    assert lines[0:2] == ["Let me look.", '→ weather({"location": "F"})']
    assert lines[2].startswith("← 40 C")
    assert lines[3] == "Hot."


def interrupted(words: list[str], cwd: Path, ready: Callable[[], Any]) -> tuple[int, str, float]:
    """Start, wait until ready, interrupt; the status, stderr, and the seconds that it took to end."""
    process = subprocess.Popen(
        command(*words), cwd=cwd, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=20)[1]
    return process.returncode, errors, time.monotonic() - began


def test_ctrl_c_stops_at_once_and_closes_the_connection(server: ChatServer, tmp_path: Path) -> None:
    """In the middle of an answer: status 130, no traceback, the tape still opens."""
    server.script = [streamed(*(f"word {n} " for n in range(400)), pause=0.05)]
    words = ["run", "compatible:m", "hi", "--base-url", server.url, "--tape", "t.yaml"]
    status, errors, took = interrupted(words, tmp_path, lambda: server.bodies and not time.sleep(0.3))
    assert status == 130
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert took < 2
    assert server.broken.wait(5)
    assert len(Tape.load(tmp_path / "t.yaml").interactions) <= 1


def test_ctrl_c_does_not_wait_for_a_tool(server: ChatServer, tmp_path: Path) -> None:
    """A tool that sleeps in its thread holds nothing up; what was recorded before it stands."""
    slow = "import time, pathlib\ndef nap() -> str:\n    pathlib.Path('napping').touch()\n    time.sleep(60)\n"
    (tmp_path / "t.py").write_text(slow)
    server.script = [streamed(call=("nap", "{}"))]
    words = ["run", "compatible:m", "hi", "--base-url", server.url, "--tool", "t.py:nap", "--tape", "t.yaml"]
    status, errors, took = interrupted(words, tmp_path, (tmp_path / "napping").exists)
    assert status == 130
    assert "Traceback" not in errors
    assert took < 2
    assert len(Tape.load(tmp_path / "t.yaml").interactions) == 1


def test_a_server_that_is_not_there_is_status_1(playhead: Chat) -> None:
    """The run fails by its own timeout, in a line."""
    words = ("run", "compatible:m", "hi", "--base-url", "http://127.0.0.1:9/v1", "--timeout", "1")
    done = playhead(*words)
    assert done.returncode == 1
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_no_chat_answer_is_an_error(chat: Chat, server: ChatServer) -> None:
    """A page of HTML with status 200 says what was expected."""
    server.script = [Reply(200, {"Content-Type": "text/html"}, (b"<html>hello</html>",))]
    done = chat("hi", "--timeout", "5")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_the_limit_of_steps(chat: Chat, server: ChatServer, tmp_path: Path) -> None:
    """A model that calls for ever is stopped, and what it came to is said."""
    (tmp_path / "t.py").write_text(TOOLS)
    server.script = [CALL]
    done = chat("hi", "--tool", "t.py", "--max-steps", "2")
    assert done.returncode == 1
    assert "2 steps" in done.stderr
    assert len(server.bodies) == 2


def test_options_are_read_as_json_or_text() -> None:
    """Nested by dots; what is no JSON is text."""
    given = ['provider.only=["wandb"]', "provider.sort=price", "top_k=5", "note=a=b"]
    assert read_options(given) == {"provider": {"only": ["wandb"], "sort": "price"}, "top_k": 5, "note": "a=b"}
    for wrong in (["a"], ["=1"], ["a..b=1"], ["a=1", "a=2"], ["a=1", "a.b=2"]):
        with pytest.raises(UsageError):
            read_options(wrong)


def test_no_key_of_the_environment_is_printed(playhead: Chat, server: ChatServer) -> None:
    """Not even where the provider repeats it."""
    server.script = [refusal(401, "bad key sk-or-verysecretkey123")]
    words = ("run", "openrouter:m", "hi", "--base-url", server.url)
    done = playhead(*words, OPENROUTER_API_KEY="sk-or-verysecretkey123")
    assert done.returncode == 1
    assert any("verysecretkey" in value for value in server.headers[0].values())
    assert "verysecretkey" not in done.stdout + done.stderr
    assert os.environ.get("OPENROUTER_API_KEY") != "sk-or-verysecretkey123"
