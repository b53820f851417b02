"""`playhead mcp`: an agent as a tool of another program, over stdio and HTTP, with the protocol's own client."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from playhead import Tape
from playhead.testing import FakeProvider, refuse, reply, tool_call

pytest.importorskip("mcp", reason="the extra mcp is not installed")

AGENT = '''
"""Knows the weather.

And no more.
"""
from playhead import Agent, tool

print("this is no message")

@tool
async def weather(location: str) -> str:
    """Get the weather."""
    print("nor is this")
    if location == "nowhere":
        import asyncio
        print("waits", flush=True)
        await asyncio.Event().wait()
    return f"{location}: 40 C"

forecaster = Agent("openai:gpt-x", base_url="BASE", api_key="sk-0123456789abcdef", tools=[weather], retry=None)
typed = Agent("openai:gpt-x", base_url="BASE", api_key="sk-0123456789abcdef", output=dict[str, int])
'''
COMMAND = [sys.executable, "-c", "import sys; from playhead.cli.main import main; sys.exit(main())", "mcp"]


def agent_file(folder: Path, fake: FakeProvider) -> Path:
    path = folder / "agent.py"
    path.write_text(AGENT.replace("BASE", fake.url), "utf-8")
    return path


def test_an_agent_is_a_tool_over_stdio(tmp_path: Path) -> None:
    """With its description, its progress, its tape, its errors and its output."""
    from mcp import Client, StdioServerParameters

    async def main() -> None:
        with FakeProvider() as fake:
            path = agent_file(tmp_path, fake)
            fake.script(
                reply(tool_call("weather", location="Rome")),
                reply("It is 40 C."),
                refuse(401),
                reply('{"celsius": 40}'),
            )
            words = [*COMMAND, f"{path}:forecaster", "--tape", str(tmp_path / "tapes")]
            errors = (tmp_path / "stderr").open("w")
            from mcp.client.stdio import stdio_client

            parameters = StdioServerParameters(command=words[0], args=words[1:])
            async with Client(stdio_client(parameters, errors)) as client:
                (listed,) = (await client.list_tools()).tools
                assert (listed.name, listed.description) == ("forecaster", "Knows the weather.")
                told: list[str | None] = []

                async def progress(done: float, total: float | None, message: str | None) -> None:
                    told.append(message)

                asked = {"prompt": "Rome?"}
                result = await client.call_tool("forecaster", asked, progress_callback=progress)
                assert (result.content[0].text, result.is_error) == ("It is 40 C.", False)  # type: ignore[union-attr]
                assert told[:2] == ["calls weather", "weather is done"]
                assert "".join(map(str, told[2:])) == "It is 40 C."
                refused = await client.call_tool("forecaster", asked)
                assert refused.is_error
                assert "AuthenticationError" in refused.content[0].text  # type: ignore[union-attr]
                assert (await client.call_tool("forecaster", {})).is_error
            errors.close()
            assert "this is no message" in (tmp_path / "stderr").read_text()
            tapes = [Tape.load(one) for one in sorted((tmp_path / "tapes").iterdir())]
            assert sorted(len(tape.interactions) for tape in tapes) == [1, 3]
            words = [*COMMAND, f"{path}:typed", "--name", "celsius"]
            async with Client(StdioServerParameters(command=words[0], args=words[1:])) as client:
                result = await client.call_tool("celsius", asked)
                assert result.structured_content == {"celsius": 40}
                assert json.loads(result.content[0].text) == {"celsius": 40}  # type: ignore[union-attr]

    asyncio.run(main())


def test_a_call_that_is_cancelled_stops_its_run_and_a_signal_stops_the_server(tmp_path: Path) -> None:
    """The tape has what was done; standard output has messages, and nothing else."""

    def line(asked: dict[str, Any]) -> bytes:
        return json.dumps({"jsonrpc": "2.0", **asked}).encode() + b"\n"

    with FakeProvider() as fake:
        path = agent_file(tmp_path, fake)
        fake.script(reply(tool_call("weather", location="nowhere")), reply(tool_call("weather", location="nowhere")))
        pipe = subprocess.PIPE
        command = [*COMMAND, f"{path}:forecaster", "--tape", str(tmp_path / "tapes")]
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}
            process.stdin.write(line({"id": 0, "method": "initialize", "params": about}))
            process.stdin.write(line({"method": "notifications/initialized"}))
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["result"]["serverInfo"]["name"] == "forecaster"
            for number in (1, 2):
                call = {"name": "forecaster", "arguments": {"prompt": "Where?"}}
                process.stdin.write(line({"id": number, "method": "tools/call", "params": call}))
                process.stdin.flush()
                while b"waits" not in process.stderr.readline():
                    assert process.poll() is None
                if number == 1:
                    gone = {"requestId": 1, "reason": "enough"}
                    process.stdin.write(line({"method": "notifications/cancelled", "params": gone}))
                    process.stdin.flush()
            process.send_signal(signal.SIGTERM)
            rest = process.stdout.read()
        assert process.returncode == 128 + signal.SIGTERM
        assert all("jsonrpc" in json.loads(one) for one in rest.splitlines())
        tapes = [Tape.load(one) for one in (tmp_path / "tapes").iterdir()]
        assert [len(tape.interactions) for tape in tapes] == [1, 1]


@pytest.mark.skipif(os.name != "posix", reason="it is stopped by a signal")
def test_an_agent_is_a_tool_over_http(tmp_path: Path) -> None:
    """On loopback; a signal stops it."""
    from mcp import Client

    async def main(url: str) -> None:
        async with Client(url) as client:
            result = await client.call_tool("forecaster", {"prompt": "Rome?"})
            assert result.content[0].text == "It is 40 C."  # type: ignore[union-attr]

    with FakeProvider() as fake:
        fake.script(reply("It is 40 C."))
        command = [*COMMAND, f"{agent_file(tmp_path, fake)}:forecaster", "--http", "0"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            url = ""
            while "http" not in url:
                url = process.stderr.readline().decode()
            asyncio.run(main(url.split()[-1]))
            process.send_signal(signal.SIGTERM)
            process.stderr.read()
        assert process.returncode == 128 + signal.SIGTERM


def test_what_is_no_agent_is_refused(tmp_path: Path) -> None:
    """In one line, with what there is."""
    with FakeProvider() as fake:
        path = agent_file(tmp_path, fake)
    for spec, words in ((f"{path}:nobody", "there is forecaster, typed"), ("nowhere.py:x", "no such file")):
        done = subprocess.run([*COMMAND, spec], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr
