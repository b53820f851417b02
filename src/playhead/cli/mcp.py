"""Serve an agent as a tool of the Model Context Protocol, for any program that speaks it.

The tool takes a prompt and gives the agent's answer. What the agent does meanwhile is told as progress, to whoever asks
for it; a call that is cancelled stops its run; an error is the tool's. Standard input and output belong to the
protocol, and everything else that is printed goes to stderr.

  playhead mcp agent.py:agent --tape runs/
  playhead mcp agent.py:agent --http 8080
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from playhead.cli.ends import Terminated

if TYPE_CHECKING:
    from playhead.agent.agent import Agent
    from playhead.agent.run import Run

SUMMARY = "serve an agent as an MCP tool"

_PROMPT = {
    "type": "object",
    "properties": {"prompt": {"type": "string", "description": "what is asked, with all that is to be known"}},
    "required": ["prompt"],
}


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead mcp``."""
    parser.add_argument("agent", metavar="FILE.py:NAME", help="a Python file (or a module), and an agent in it")
    parser.add_argument("--name", metavar="NAME", help="the tool's name (default: the agent's in the file)")
    parser.add_argument(
        "--description", metavar="TEXT", help="what callers are told of it (default: the file's docstring, first line)"
    )
    parser.add_argument("--tape", metavar="DIR", help="record each run on a tape of its own in this folder")
    parser.add_argument("--http", metavar="PORT", type=_port, help="serve on 127.0.0.1 at this port, not on stdio")


def main(arguments: argparse.Namespace) -> int:
    """Serve until the input ends, or until a signal comes."""
    from playhead.cli.output import own_stdout
    from playhead.cli.stopping import Signals
    from playhead.cli.toolfile import load_agent

    with own_stdout() as out:
        agent, name, about = load_agent(arguments.agent)
        folder = None if arguments.tape is None else Path(arguments.tape)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        serving = Serving(
            agent, arguments.name or name, arguments.description or about or f"Ask the agent {name}.", folder
        )
        runner, signals = asyncio.Runner(), Signals()
        work = serving.on_stdio(out) if arguments.http is None else serving.on_http(arguments.http)
        with signals:
            try:
                runner.run(signals.heeding(serving.until_over(work)))
            except asyncio.CancelledError as error:
                # The loop stays open: a thread may be reading the input, and would be waited for.
                raise Terminated(signals.received or 15) from error
        runner.close()
    return 0


class Serving:
    """An agent that is served, and the runs of it that are under way."""

    def __init__(self, agent: Agent[Any], name: str, description: str, folder: Path | None) -> None:
        self._agent = agent
        self._name = name
        self._description = description
        self._folder = folder
        self._runs: set[asyncio.Task[Any]] = set()
        try:
            from mcp.server import Server
        except ImportError as error:
            from playhead.errors import ConfigError

            raise ConfigError(f"playhead mcp needs the extra mcp: pip install 'playhead[mcp]' ({error})") from error
        from playhead import __version__

        self._server = Server(name, version=__version__, on_list_tools=self._list, on_call_tool=self._call)

    async def until_over(self, work: Any) -> None:
        """Serve; when it ends, however it does, no run is left."""
        served = asyncio.ensure_future(work)
        try:
            await asyncio.wait({served})
            served.result()
        finally:
            for run in self._runs:
                run.cancel()
            await asyncio.gather(*self._runs, return_exceptions=True)

    async def on_stdio(self, out: TextIO) -> None:
        """Serve whoever started this process."""
        import anyio
        from mcp.server.stdio import stdio_server

        async with stdio_server(stdout=anyio.wrap_file(out)) as (read, write):
            await self._server.run(read, write, self._server.create_initialization_options())

    async def on_http(self, port: int) -> None:
        """Serve whoever asks on this machine."""
        import socket

        import uvicorn

        listener = socket.socket()
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen()
            print(f"serving {self._name} at http://127.0.0.1:{listener.getsockname()[1]}/mcp", file=sys.stderr)
            app = self._server.streamable_http_app()
            config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
            await uvicorn.Server(config).serve([listener])
        finally:
            listener.close()

    async def _list(self, context: Any, params: Any) -> Any:
        from mcp_types import ListToolsResult, Tool

        return ListToolsResult(tools=[Tool(name=self._name, description=self._description, input_schema=_PROMPT)])

    async def _call(self, context: Any, params: Any) -> Any:
        """Answer a call. The run is a task of its own, so that it can put its things in order when the call is
        cancelled."""
        prompt = (params.arguments or {}).get("prompt")
        if params.name != self._name:
            return _failed(f"there is no tool {params.name!r}; there is {self._name!r}")
        if not isinstance(prompt, str) or not prompt:
            return _failed("the argument prompt is missing: text that says what is asked")
        task = asyncio.ensure_future(self._answered(prompt, context))
        self._runs.add(task)
        task.add_done_callback(self._runs.discard)
        try:
            return await asyncio.shield(task)
        finally:
            task.cancel()

    async def _answered(self, prompt: str, context: Any) -> Any:
        from playhead.cli.wording import said

        tape = None if self._folder is None else self._folder / _tape_name()
        try:
            mode: Any = "off" if tape is None else "record"
            async with self._agent.stream(prompt, tape=tape, tape_mode=mode) as stream:
                async for number, words in _told(stream):
                    await context.session.report_progress(number, None, words)
            return _result(stream.run)
        except Exception as error:  # of the agent, of a tool, of the tape: the caller's to read, not ours to die of
            return _failed(f"{type(error).__name__}: {said(error)}")


async def _told(stream: Any) -> Any:
    """What happens in a run, numbered from 1, in words: the answer's text as it comes, and each call."""
    from playhead.agent.events import ToolEnd, ToolProgress, ToolStart
    from playhead.events import PartDelta, PartStart
    from playhead.messages import Text

    number, texts = 0, set[int]()
    async for event in stream:
        words = ""
        match event:
            case PartStart(index=index, part=part):
                texts.discard(index)
                if isinstance(part, Text):
                    texts.add(index)
                    words = part.text
            case PartDelta(index=index, text=delta) if index in texts:
                words = delta
            case ToolStart(call=call):
                words = f"calls {call.name}"
            case ToolProgress(call=call, text=text):
                words = f"{call.name}: {text}"
            case ToolEnd(result=result):
                words = f"{result.name} {'failed' if result.is_error else 'is done'}"
        if words:
            number += 1
            yield number, words


def _result(run: Run[Any]) -> Any:
    """A run's answer, as the protocol has it."""
    import msgspec
    from mcp_types import CallToolResult, TextContent

    from playhead.agent.content import as_content

    if run.pending is not None:
        names = ", ".join(call.name for call in run.pending.calls)
        return _failed(f"the agent waits for a person to approve of {names or 'a call'}, and nobody is here to ask")
    (part,) = as_content(run.output) if not isinstance(run.output, str) else as_content(run.text)
    text = getattr(part, "text", "")
    structured = None if isinstance(run.output, str) else msgspec.json.decode(text)
    return CallToolResult(
        content=[TextContent(text=text)], structured_content=structured if isinstance(structured, dict) else None
    )


def _failed(words: str) -> Any:
    from mcp_types import CallToolResult, TextContent

    return CallToolResult(content=[TextContent(text=words)], is_error=True)


def _tape_name() -> str:
    """A name that sorts by the time of its run, and that no two have."""
    import os
    import time

    return f"{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(4).hex()}.yaml"


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, got {text!r}")
    return int(text)
