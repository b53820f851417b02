"""MCP servers that hang, die, write garbage and lie: errors in their time, and no process left behind."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from mcp_servers import GARBAGE, HANGING, LYING, program
from test_mcp_toolset import NOWHERE, SCHEMA, lying

from playhead import Agent, ToolsetError, mcp
from playhead.testing import FakeProvider, reply, tool_call

pytest.importorskip("mcp", reason="the extra mcp is not installed")


def gone(pid: int, seconds: float = 10) -> bool:
    """Whether a process is no more, or a zombie that nobody has asked for, within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_a_server_that_hangs_is_an_error_in_time_and_its_process_ends(tmp_path: Path) -> None:
    """Even one that listens to nothing but SIGKILL."""
    pid = tmp_path / "pid"
    toolset = mcp(command=[*program(tmp_path, HANGING), str(pid)], connect_timeout=0.4)
    with FakeProvider() as fake, pytest.raises(ToolsetError, match=r"server.py.*did not answer within 0.4 s"):
        asyncio.run(Agent(fake.model("openai:gpt-x"), tools=[toolset]).run("Hi."))
    assert gone(int(pid.read_text()))


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (NOWHERE, "No such file"),
        ([sys.executable, "-c", "import sys; sys.exit('no key given')"], "ended with status 1; .*no key given"),
        ([sys.executable, "-c", GARBAGE], "did not answer within 1 s: .*what is no message"),
    ],
    ids=["missing", "dying", "garbage"],
)
def test_a_server_that_is_none_is_named_with_its_reason(command: list[str], words: str) -> None:
    """What it wrote to its standard error is in the error's message, and not on the terminal."""
    toolset = mcp(command=command, connect_timeout=1, name="odd")
    with FakeProvider() as fake, pytest.raises(ToolsetError, match=f"(?s)the MCP server odd .*{words}"):
        Agent(fake.model("openai:gpt-x"), tools=[toolset]).run_sync("Hi.")
    assert fake.requests == []


def test_a_server_that_a_run_can_do_without_is_a_warning(tmp_path: Path) -> None:
    """On the tape as well, so that a replay goes without it too, though it is there by then."""
    tape = tmp_path / "run.yaml"
    with FakeProvider() as fake:
        fake.script(reply("Hi."))
        model = fake.model("openai:gpt-x")
        missing = mcp(command=NOWHERE, name="odd", required=False)
        run = Agent(model, tools=[missing]).run_sync("Hi.", tape=tape, tape_mode="record")
        assert "goes without these tools: the MCP server odd" in run.warnings[0]
        there = lying(tmp_path, [{"name": "look", "inputSchema": SCHEMA}], name="odd")
        again = Agent(model, tools=[there]).run_sync("Hi.", tape=tape, tape_mode="replay", fail_on_unplayed=True)
    assert (again.text, again.warnings) == ("Hi.", run.warnings)


def test_a_server_that_dies_in_a_call_is_an_error_for_the_model_and_is_started_again(tmp_path: Path) -> None:
    """Its last words are in the error, the secrets that it was given aside."""
    with FakeProvider() as fake:
        fake.script(reply(tool_call("look")), reply(tool_call("look")), reply("Done."))
        listed = [{"name": "look", "inputSchema": SCHEMA}]
        toolset = lying(tmp_path, listed, "die", env={"WEATHER_TOKEN": "secret-0123456789"})
        run = asyncio.run(Agent(fake.model("openai:gpt-x"), tools=[toolset]).run("Hi."))
    assert run.text == "Done."
    assert (tmp_path / "starts").read_text() == "started\n" * 2
    for died in (step.results[0] for step in run.steps[:2]):
        assert died.is_error
        assert "the MCP server liar was lost before it answered: it ended with status 3" in died.text
        assert died.text.endswith("liar starts with REDACTED\nout of cheese")


def test_a_call_that_was_late_for_a_server_started_again_says_that_it_had_died(tmp_path: Path) -> None:
    """And that it was not made, though it is one that changes the world: nobody was asked."""
    second = f"import os, sys\nif os.path.exists(sys.argv[3]):\n    sys.argv[1:] = [sys.argv[3] + '.pid']\n{HANGING}"
    source = f"import os, sys\nif os.path.exists(sys.argv[3]):\n    exec({second!r})\n{LYING}"
    listed = json.dumps([{"name": "order", "inputSchema": SCHEMA}])
    command = [*program(tmp_path, source), listed, '"die"', str(tmp_path / "starts")]
    toolset = mcp(command=command, name="stock", timeout=1)

    async def main() -> Any:
        async with toolset:
            return await Agent(fake.model("openai:gpt-x"), tools=[toolset]).run("Hi.")

    with FakeProvider() as fake:
        fake.script(reply(tool_call("order")), reply(tool_call("order")), reply("Done."))
        run = asyncio.run(main())
    died, late = (step.results[0] for step in run.steps[:2])
    assert "the MCP server stock was lost before it answered: it ended with status 3" in died.text
    assert late.text.startswith(
        "Error: the call took longer than its timeout of 1 s, and was not made: the MCP server stock was still being "
        "started again (the connection before was lost: it ended with status 3"
    )


LIES: list[tuple[Any, str]] = [
    ({"content": 5}, "gave an answer that is none"),
    ({"content": [{"type": "hologram"}]}, "gave an answer that is none"),
    ({"content": [{"type": "image", "data": "§", "mimeType": "image/png"}]}, "no base64"),
    ({"content": [], "structuredContent": {"celsius": "hot"}}, "Invalid structured content"),
    ({"content": []}, "did not return structured content"),
]


@pytest.mark.parametrize(("result", "words"), LIES, ids=[words for _, words in LIES])
def test_a_result_that_is_none_is_an_error_for_the_model(tmp_path: Path, result: Any, words: str) -> None:
    """And the run goes on."""
    promised = {"type": "object", "properties": {"celsius": {"type": "number"}}, "required": ["celsius"]}
    listed = [{"name": "look", "inputSchema": SCHEMA, **({"outputSchema": promised} if "tructured" in words else {})}]
    with FakeProvider() as fake:
        fake.script(reply(tool_call("look")), reply("Well."))
        toolset = lying(tmp_path, listed, result)
        run = Agent(fake.model("openai:gpt-x"), tools=[toolset]).run_sync("Hi.")
    assert run.text == "Well."
    assert run.steps[0].results[0].is_error
    assert words in run.steps[0].results[0].text


def test_tools_that_cannot_be_are_left_out_with_a_warning(tmp_path: Path) -> None:
    """Two whose names are the same once what no provider takes is taken out."""
    listed = [{"name": "look.up", "inputSchema": SCHEMA}, {"name": "look/up", "inputSchema": SCHEMA}]
    with FakeProvider() as fake:
        fake.script(reply("Hi."))
        run = Agent(fake.model("openai:gpt-x"), tools=[lying(tmp_path, listed)]).run_sync("Hi.")
    assert [spec.name for spec in fake.requests[0].request.tools] == ["look_up"]
    assert [warning.partition(": the tool ")[2] for warning in run.warnings] == [
        "'look/up' is left out: another has its name"
    ]


def test_a_listing_that_is_none_is_an_error(tmp_path: Path) -> None:
    """It names the server."""
    with FakeProvider() as fake, pytest.raises(ToolsetError, match="does not list its tools"):
        Agent(fake.model("openai:gpt-x"), tools=[lying(tmp_path, [{"name": 5}])]).run_sync("Hi.")


@pytest.mark.skipif(os.name != "posix", reason="process groups are POSIX's")
def test_a_server_dies_with_its_owner_though_that_is_killed(tmp_path: Path) -> None:
    """kill -9 leaves no time to say good-bye, and this server would not listen."""
    pid = tmp_path / "pid"
    owner = (
        "import asyncio, sys\nfrom playhead import mcp\n"
        "asyncio.run(mcp(command=sys.argv[1:], connect_timeout=600).resources())"
    )
    command = [sys.executable, "-c", owner, *program(tmp_path, HANGING), str(pid)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while not (pid.exists() and pid.read_text()):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert gone(int(pid.read_text()))


def test_a_program_that_closes_nothing_ends_without_a_word(tmp_path: Path) -> None:
    """No warning, no server left, nothing on its standard error."""
    source = (
        "import sys\nfrom playhead import mcp\nfrom playhead.agent.toolsets import Opening\n"
        "from playhead.blocking import block_on\ntoolset = mcp(command=sys.argv[1:])\n"
        "print(block_on(toolset.tools_for(Opening(None, float, print)), '', ''))"
    )
    listed = json.dumps([{"name": "look", "inputSchema": SCHEMA}])
    server = [*program(tmp_path, LYING), listed, "{}"]
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", source, *server]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[<tool look>]\n", "")


def test_without_the_extra_a_live_server_is_an_error_that_says_how_to_get_it(tmp_path: Path) -> None:
    """And a tape is played all the same."""
    tape = tmp_path / "run.yaml"
    listed = [{"name": "look", "inputSchema": SCHEMA}]
    with FakeProvider() as fake:
        fake.script(reply(tool_call("look")), reply("Seen."))
        agent = Agent(fake.model("openai:gpt-x"), tools=[lying(tmp_path, listed, name="eye")])
        agent.run_sync("Look.", tape=tape, tape_mode="record")
        source = (
            "import sys\nsys.modules.update(mcp=None, mcp_types=None, anyio=None, pydantic=None)\n"
            "from playhead import Agent, ConfigError, mcp\n"
            f"agent = Agent('openai:gpt-x', base_url={fake.url!r}, api_key='0', tools=[mcp('https://x', name='eye')])\n"
            f"print(agent.run_sync('Look.', tape={str(tape)!r}, tape_mode='replay', fail_on_unplayed=True).text)\n"
            "try:\n    agent.run_sync('Look.')\nexcept ConfigError as error:\n    print(error)"
        )
        done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert done.stdout.startswith("Seen.\nMCP servers need the extra mcp: pip install 'playhead[mcp]'"), done.stderr


def test_a_run_that_is_cancelled_at_any_moment_leaves_nothing_behind(tmp_path: Path) -> None:
    """No task, and a toolset that the next run can use."""
    listed = [{"name": "look", "inputSchema": SCHEMA, "annotations": {"readOnlyHint": True}}]
    chance = random.Random(7)

    async def main() -> None:
        with FakeProvider(answer=lambda asked: reply("ok" if asked.messages[-1].role == "tool" else look)) as fake:
            for number in range(40):
                if number % 8 == 0:  # while it connects, and while it calls
                    toolset = lying(tmp_path, listed)
                agent = Agent(fake.model("openai:gpt-x"), tools=[toolset])
                task = asyncio.ensure_future(agent.run("Look."))
                await asyncio.wait({task}, timeout=chance.random() * (0.05 if number % 8 == 0 else 0.01))
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                if number % 8 == 7:
                    assert (await agent.run("Look.")).text == "ok"
                    await toolset.aclose()
            assert asyncio.all_tasks() == {asyncio.current_task()}

    look = tool_call("look")
    asyncio.run(main())
