"""MCP servers for the tests, as programs of their own: made with the protocol's library, or by hand where they lie.

``program(folder, NAME)`` writes one and gives the command that starts it. ``serving(…)`` runs one that speaks HTTP, and
gives its URL.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: A server of every kind of content. Its tools write what they do into the file that they are told of.
GOOD = '''
import asyncio, os, sys
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.prompts.base import AssistantMessage, UserMessage
from mcp_types import (AudioContent, BlobResourceContents, CallToolResult, EmbeddedResource, ImageContent, ResourceLink,
    TextContent, TextResourceContents, ToolAnnotations)

server = MCPServer("good", version="1.2")
PNG = "iVBORw0KGgo="


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def weather(location: str) -> str:
    """Get the weather."""
    return f"{location}: 40 C"


@server.tool(annotations=ToolAnnotations(idempotent_hint=True))
def put(path: str, text: str) -> str:
    """Write a file."""
    with open(path, "w") as file:
        file.write(text)
    return "written"


@server.tool(name="files.append")
def append(path: str, text: str) -> str:
    """Append to a file."""
    with open(path, "a") as file:
        file.write(text + "\\n")
    return "appended"


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def everything() -> CallToolResult:
    """Every kind of content."""
    return CallToolResult(content=[
        TextContent(text="words"),
        ImageContent(data=PNG, mime_type="image/png"),
        AudioContent(data=PNG, mime_type="audio/wav"),
        EmbeddedResource(resource=TextResourceContents(uri="note://a", text="a note")),
        EmbeddedResource(resource=BlobResourceContents(uri="file:///x/y.bin", blob=PNG)),
        ResourceLink(name="spec", uri="file:///spec.md", description="the rules", mime_type="text/markdown"),
    ])


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def numbers() -> CallToolResult:
    """Structure alone."""
    return CallToolResult(content=[], structured_content={"celsius": 40})


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def broken() -> str:
    """It fails."""
    raise ValueError("no such city")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
async def slow(ctx: Context, path: str) -> str:
    """It never ends; says when it is cancelled."""
    await ctx.report_progress(1, 3, "one of three")
    try:
        await asyncio.Event().wait()
    finally:
        with open(path, "w") as file:
            file.write("cancelled")
    return ""


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def whoami() -> str:
    """The process."""
    return str(os.getpid())


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
async def grow(ctx: Context) -> str:
    """There is another tool from now on."""
    server.add_tool(whoami, name="grown")
    await ctx.notify_tools_changed()
    return "grown"


@server.resource("note://{name}")
def note(name: str) -> str:
    return f"the note {name}"


@server.resource("data://picture", mime_type="image/png")
def picture() -> bytes:
    return b"\\x89PNG"


@server.prompt()
def ask(city: str) -> list:
    """Ask about a city."""
    return [UserMessage(f"The weather in {city}?"), UserMessage("In Celsius."), AssistantMessage("40 C.")]


if __name__ == "__main__":
    if sys.argv[1:]:
        import socket, threading
        import uvicorn

        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", int(sys.argv[1])))
        listener.listen()
        print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
        config = uvicorn.Config(server.streamable_http_app(), log_level="critical", timeout_graceful_shutdown=0)
        uvicorn.Server(config).run([listener])
    else:
        server.run()
'''

#: It reads, and never answers. It does not end by itself either, and says which process it is.
HANGING = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(sys.argv[1], "w") as file:
    file.write(str(os.getpid()))
while True:
    time.sleep(60)
"""

#: It writes what is no message, and never answers.
GARBAGE = """
import sys
print("Welcome to \\x00 garbage!", flush=True)
for line in sys.stdin:
    print("{]" * 40, flush=True)
"""

#: A server by hand, that says whatever its two arguments say: its tools, and what each call gives ("die" ends it). It
#: adds a line to the file that the third names when it starts.
LYING = """
import json, os, sys
tools, result = json.loads(sys.argv[1]), json.loads(sys.argv[2])
print("liar starts with", os.environ.get("WEATHER_TOKEN", "no token"), file=sys.stderr, flush=True)
if sys.argv[3:]:
    with open(sys.argv[3], "a") as file:
        print("started", file=file)
print("hello, I am a server", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    answer = {"jsonrpc": "2.0", "id": asked.get("id")}
    if asked["method"] == "initialize":
        about = {"name": "liar", "version": "0"}
        version = asked["params"]["protocolVersion"]
        answer["result"] = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about}
    elif asked["method"] == "tools/list":
        answer["result"] = {"tools": tools}
    elif asked["method"] == "tools/call" and result == "die":
        print("out of cheese", file=sys.stderr, flush=True)
        os._exit(3)
    elif asked["method"] == "tools/call":
        answer["result"] = result
        tools += result.get("newTools", [])
        changed = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
        if "newTools" in result:
            print(json.dumps(changed), flush=True)
    elif "id" in asked:
        answer["error"] = {"code": -32601, "message": "no such method"}
    else:
        continue
    print(json.dumps(answer), flush=True)
"""


def program(folder: Path, source: str, name: str = "server.py") -> list[str]:
    """Write a server; the command that starts it."""
    path = folder / name
    path.write_text(source, "utf-8")
    return [sys.executable, str(path)]


@contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[str]:
    """The good server at a URL on loopback."""
    process = subprocess.Popen([*program(folder, GOOD), str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().decode().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
