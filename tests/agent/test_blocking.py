"""run_sync: one loop kept for the main thread, and its connections with it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextvars import ContextVar
from pathlib import Path

import pytest

from playhead.blocking import block_on
from scripted_server import Answer, Asked, Loopback, completion, reply

PROGRAM = """
import sys, os, threading
from playhead import Agent, tool

agent = Agent("compatible:m", base_url=sys.argv[1], api_key="none")
for n in range(5):
    assert agent.run_sync("hi").text == "hi"
"""


def run(program: str, url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "always", "-c", program, url], capture_output=True, text=True, timeout=60
    )


def test_calls_one_after_another_share_a_connection_and_end_cleanly() -> None:
    with Loopback(lambda n, a: reply(completion("hi"))) as server:
        done = run(PROGRAM, server.url)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert len(server.requests) == 5
        assert server.connections == 1


def test_a_connection_that_the_server_closed_between_two_calls_is_not_used() -> None:
    program = PROGRAM + "import time; time.sleep(0.5)\nrun = agent.run_sync('hi')\nassert len(run.attempts) == 1\n"
    with Loopback(lambda n, a: reply(completion("hi"))) as server:
        server.close_after = 5
        done = run(program, server.url)
        assert (done.returncode, done.stderr) == (0, "")
        assert server.connections == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_has_a_loop_of_its_own() -> None:
    program = PROGRAM + (
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    assert agent.run_sync('hi').text == 'hi'\n"
        "    os._exit(7)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7\n"
        "assert agent.run_sync('hi').text == 'hi'\n"
    )
    with Loopback(lambda n, a: reply(completion("hi"))) as server:
        done = run(program, server.url)
        assert done.returncode == 0, done.stderr
        assert len(server.requests) == 7


FORKING = """
import multiprocessing, os, sys, threading, time
from playhead import Agent, tool

@tool
def work() -> str:
    time.sleep(0.05)  # in a thread, whose end wakes the loop
    return "done"

agent = Agent("compatible:m", base_url=sys.argv[1], api_key="none", tools=[work])

def child():
    assert agent.run_sync("hi").text == "hi"

def forked(end):
    pid = os.fork()
    if pid == 0:
        child()
        end(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

@tool
async def fork_here() -> str:
    forked(os._exit)
    return "forked"

assert agent.run_sync("hi").text == "hi"
"""


def uses_a_tool(number: int, asked: Asked) -> Answer:
    last = asked.json["messages"][-1]
    if last["role"] == "user":
        name = "fork_here" if last["content"] == "fork" else "work"
        return reply(completion(None, [("c1", name, "{}")]))
    return reply(completion("hi"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize(
    "fork",
    [
        "forked(sys.exit)",
        "forked(os._exit)",
        "process = multiprocessing.get_context('fork').Process(target=child); process.start(); process.join()\n"
        "assert process.exitcode == 0",
        "thread = threading.Thread(target=forked, args=(os._exit,)); thread.start(); thread.join()",
        "Agent('compatible:m', base_url=sys.argv[1], api_key='none', tools=[fork_here]).run_sync('fork')",
    ],
    ids=["exit", "_exit", "multiprocessing", "in a thread", "in a tool"],
)
def test_a_child_that_ends_leaves_its_parent_able_to_run(fork: str) -> None:
    """Twice, as the loop that comes after a fork must bear the next one."""
    with Loopback(uses_a_tool) as server:
        done = run(f"{FORKING}\nimport signal; signal.alarm(10)\n" + f"{fork}\nchild()\n" * 2, server.url)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        assert "Traceback" not in done.stderr
        assert len(server.requests) >= 10


def test_threads_run_at_once() -> None:
    from playhead import Agent

    texts: list[str] = []
    with Loopback(lambda n, a: reply(completion("hi"))) as server:
        agent = Agent("compatible:m", base_url=server.url, api_key="none")
        threads = [threading.Thread(target=lambda: texts.append(agent.run_sync("hi").text)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert texts == ["hi"] * 8


LEAVING = """
import asyncio, sys
from playhead import Agent, tool

log = []

@tool
def leave() -> str:
    raise KIND(3)

@tool
async def linger() -> str:
    try:
        await asyncio.sleep(0.3)
    except asyncio.CancelledError:
        log.append("cancelled")
        raise
    log.append("went on")
    return "late"

agent = Agent("compatible:m", base_url=sys.argv[1], api_key="none", tools=[leave, linger])
plain = Agent("compatible:m", base_url=sys.argv[1], api_key="none")

def main():
    try:
        agent.run_sync("leave", tape=sys.argv[2], tape_mode="once")
    except KIND:
        log.append("left")
    from playhead.tapes.recorder import _registry
    assert not _registry, "the tape is still held"
    for _ in range(2):
        assert plain.run_sync("hi").text == "hi"
    assert log == ["cancelled", "left"], log
"""


def leaves(number: int, asked: Asked) -> Answer:
    if asked.json["messages"][-1]["content"] == "leave":
        return reply(completion(None, [("c1", "leave", "{}"), ("c2", "linger", "{}")]))
    return reply(completion("hi"))


@pytest.mark.parametrize("kind", ["SystemExit", "KeyboardInterrupt"])
@pytest.mark.parametrize(
    "how", ["main()", "import threading\nthread = threading.Thread(target=main); thread.start(); thread.join()"]
)
def test_a_tool_that_leaves_the_program_leaves_no_run_behind(tmp_path: Path, kind: str, how: str) -> None:
    """The other call is cancelled, the tape let go, and what is run next is not troubled."""
    with Loopback(leaves) as server:
        done = subprocess.run(
            [sys.executable, "-c", LEAVING.replace("KIND", kind) + how, server.url, str(tmp_path / "t.yaml")],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_what_the_caller_has_set_in_its_context_is_seen_by_each_run() -> None:
    """The loop is kept from call to call, the context is not."""
    who: ContextVar[str] = ContextVar("who", default="nobody")
    seen: list[str] = []

    async def look() -> None:
        seen.append(who.get())

    for name in ("Ann", "Ben"):
        who.set(name)
        block_on(look(), "run_sync", "await")
    assert seen == ["Ann", "Ben"]
