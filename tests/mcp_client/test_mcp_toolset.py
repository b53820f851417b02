"""An agent with the tools of an MCP server: what the model is told, what it gets, what is on the tape."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp_servers import GOOD, LYING, program, serving

from playhead import Agent, ConfigError, File, MCPToolset, Message, Tape, Text, ToolsetError, mcp, tool
from playhead.agent.events import ToolProgress
from playhead.deck.verify import verify
from playhead.testing import FakeProvider, reply, tool_call

pytest.importorskip("mcp", reason="the extra mcp is not installed")

SCHEMA = {"type": "object", "properties": {"x": {"type": "string"}}}
NOWHERE = [sys.executable + "-nowhere"]


def lying(folder: Path, tools: list[Any], result: Any = None, **settings: Any) -> MCPToolset:
    """A server by hand with these tools, whose calls give this."""
    said = result if result is not None else {"content": [{"type": "text", "text": "told"}]}
    command = [*program(folder, LYING, "liar.py"), json.dumps(tools), json.dumps(said), str(folder / "starts")]
    return mcp(command=command, **settings)


def test_the_model_is_told_of_the_servers_tools_and_gets_what_they_give(tmp_path: Path) -> None:
    """Text, files, structure, and failures that the server tells of."""
    calls = (
        tool_call("my_weather", location="Florence"),
        tool_call("my_everything"),
        tool_call("my_numbers"),
        tool_call("my_broken"),
        tool_call("my_files_append", path=str(tmp_path / "a"), text="one"),
    )

    async def main() -> None:
        with FakeProvider() as fake:
            fake.script(reply(*calls), reply("40 C."))
            async with mcp(command=program(tmp_path, GOOD), prefix="my_", exclude=["whoami"]) as tools:
                run = await Agent(fake.model("openai:gpt-x"), tools=[tools]).run("Weather?")
                assert tools.name == "server"
                assert [one.uri for one in await tools.resources()] == ["data://picture"]
                assert [(one.name, one.required) for one in await tools.prompts()] == [("ask", ("city",))]
                assert await tools.read("note://x") == (Text("the note x"),)
                assert await tools.read("data://picture") == (File("image/png", data=b"\x89PNG", name="picture"),)
                asked, answered = await tools.prompt("ask", city="Rome")
                assert asked == Message("user", (Text("The weather in Rome?"), Text("In Celsius.")))
                assert answered == Message("assistant", (Text("40 C."),))
                with pytest.raises(ToolsetError, match="nowhere"):
                    await tools.read("nowhere://x")
        told = {spec.name: spec for spec in fake.requests[0].request.tools}
        assert "my_whoami" not in told
        assert told["my_weather"].description == "Get the weather."
        assert told["my_weather"].parameters["required"] == ["location"]
        weather, everything, numbers, broken, appended = run.steps[0].results
        assert (weather.text, numbers.text, appended.text) == ("Florence: 40 C", '{"celsius":40}', "appended")
        assert broken.is_error
        assert [type(part) for part in everything.content] == [Text, File, File, Text, File, Text]
        assert everything.content[1] == File("image/png", data=b"\x89PNG\r\n\x1a\n")
        assert everything.content[5] == Text("Resource spec: file:///spec.md, text/markdown, the rules")
        assert (tmp_path / "a").read_text() == "one\n"

    asyncio.run(main())


def test_a_run_with_a_server_is_replayed_without_it(tmp_path: Path) -> None:
    """To the end of the tape, nothing unplayed; verify agrees; the key is nowhere on it."""
    tape, key = tmp_path / "run.yaml", "secret-0123456789"
    settings: dict[str, Any] = {"name": "good", "env": {"WEATHER_TOKEN": key}}
    with FakeProvider() as fake:
        put = tool_call("put", path=str(tmp_path / "a"), text=key)
        fake.script(reply(put), reply(tool_call("files_append", path=str(tmp_path / "a"), text="two")), reply("Done."))
        model = fake.model("openai:gpt-x")
        live = mcp(command=program(tmp_path, GOOD), **settings)
        Agent(model, tools=[live]).run_sync("Write.", tape=tape, tape_mode="record")
        assert key not in tape.read_text()
        dead = mcp(command=NOWHERE, **settings)
        run = Agent(model, tools=[dead]).run_sync("Write.", tape=tape, tape_mode="replay", fail_on_unplayed=True)
    assert (run.text, run.warnings, len(fake.requests)) == ("Done.", [], 3)
    urls = [item.request.url for item in Tape.load(tape).interactions if item.request.method == "CALL"]
    assert urls == ["mcp:good/tools", "tool:put#begun", "tool:put", "tool:files_append#begun", "tool:files_append"]
    verdict = asyncio.run(verify(Tape.load(tape)))
    assert verdict.ok, verdict


def test_a_run_that_was_stopped_goes_on_where_its_tape_ends(tmp_path: Path) -> None:
    """The listing is the tape's; the server is asked for what is not there, and for nothing else."""
    tape = tmp_path / "run.yaml"
    tools = [{"name": "look", "inputSchema": SCHEMA, "annotations": {"readOnlyHint": True}}]
    with FakeProvider() as fake:
        fake.script(reply(tool_call("look", x="1")), reply(tool_call("look", x="2")), reply("Seen."))
        agent = Agent(fake.model("openai:gpt-x"), tools=[lying(tmp_path, tools, name="eye")])
        agent.run_sync("Look.", tape=tape, tape_mode="record")
        cut = Tape.load(tape)
        Tape(cut.interactions[:3]).save(tape)  # the listing, the first answer, the first call
        fake.script(reply(tool_call("look", x="2")), reply("Seen again."))
        other = [{"name": "blink", "inputSchema": SCHEMA}]
        now = lying(tmp_path, other, {"content": [{"type": "text", "text": "now"}]}, name="eye")
        run = Agent(fake.model("openai:gpt-x"), tools=[now]).run_sync("Look.", tape=tape, tape_mode="resume")
    assert [step.results[0].text for step in run.steps if step.results] == ["told", "now"]
    assert [spec.name for spec in fake.requests[-1].request.tools] == ["look"]


def test_the_effects_are_what_the_server_says_and_a_write_where_it_says_nothing(tmp_path: Path) -> None:
    """And what the caller says goes before it."""
    hints: list[Any] = [{"readOnlyHint": True}, {"idempotentHint": True}, {"destructiveHint": False}, None]
    tools = [
        {"name": f"t{number}", "inputSchema": SCHEMA, **({"annotations": hint} if hint else {})}
        for number, hint in enumerate(hints)
    ]

    async def effects(**settings: Any) -> list[str]:
        from playhead.agent.toolsets import Opening

        async with lying(tmp_path, tools, **settings) as toolset:
            return [one.effect for one in await toolset.tools_for(Opening(None, lambda: 0.0, print))]

    assert asyncio.run(effects()) == ["read", "idempotent", "write", "write"]
    assert asyncio.run(effects(effect={"t3": "read"})) == ["read", "idempotent", "write", "read"]
    assert asyncio.run(effects(effect="write", include=["t0", "t1"])) == ["write", "write"]


def test_runs_of_one_loop_share_a_connection_and_a_listing(tmp_path: Path) -> None:
    """Each loop has its own; a closed one is opened again."""
    toolset = lying(tmp_path, [{"name": "look", "inputSchema": SCHEMA}], effect="read")
    with FakeProvider(answer=lambda asked: reply("ok") if asked.messages[-1].role == "tool" else look()) as fake:
        agent = Agent(fake.model("openai:gpt-x"), tools=[toolset])

        async def many() -> None:
            runs = await asyncio.gather(*(agent.run("Look.") for _ in range(5)))
            assert [run.steps[0].results[0].text for run in runs] == ["told"] * 5

        asyncio.run(many())
        assert (tmp_path / "starts").read_text() == "started\n"
        asyncio.run(many())
        assert (tmp_path / "starts").read_text() == "started\n" * 2


def look() -> Any:
    return reply(tool_call("look", x="1"))


@pytest.mark.parametrize("version", ["handshake", "modern"])
def test_a_listing_is_asked_for_again_when_the_server_says_that_it_has_changed(tmp_path: Path, version: str) -> None:
    """In either way that the protocol has had for it."""
    new = [{"name": "grown", "inputSchema": SCHEMA}]
    if version == "handshake":
        toolset = lying(tmp_path, [{"name": "grow", "inputSchema": SCHEMA}], {"content": [], "newTools": new})
    else:
        toolset = mcp(command=program(tmp_path, GOOD))

    async def main() -> None:
        from playhead.agent.toolsets import Opening

        async def names() -> list[str]:
            return [one.name for one in await toolset.tools_for(Opening(None, lambda: 0.0, print))]

        async with toolset:
            assert "grown" not in await names()
            with FakeProvider() as fake:
                fake.script(reply(tool_call("grow")), reply("Grown."))
                await Agent(fake.model("openai:gpt-x"), tools=[toolset]).run("Grow.")
            async with asyncio.timeout(5):
                while "grown" not in await names():
                    await asyncio.sleep(0.01)

    asyncio.run(main())


def test_two_tools_of_one_name_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    """Be they the agent's and a server's; a prefix keeps them apart."""

    @tool
    def look(x: str) -> str:
        """Look."""
        return x

    listed = [{"name": "look", "inputSchema": SCHEMA}]
    with FakeProvider() as fake:
        fake.script(reply("ok"))
        model = fake.model("openai:gpt-x")
        with pytest.raises(ConfigError, match="two tools are named 'look': one of the agent, one of liar"):
            Agent(model, tools=[look, lying(tmp_path, listed)]).run_sync("Look.")
        with pytest.raises(ConfigError, match="two toolsets are named 'liar'"):
            Agent(model, tools=[lying(tmp_path, listed), lying(tmp_path, listed)]).run_sync("Look.")
        with pytest.raises(ConfigError, match="no tool 'lok'; did you mean 'look'"):
            Agent(model, tools=[lying(tmp_path, listed, include=["lok"])]).run_sync("Look.")
        with pytest.raises(ConfigError, match="tool_choice 'lok'"):
            Agent(model, tools=[lying(tmp_path, listed)], tool_choice="lok").run_sync("Look.")
        assert fake.requests == []
        Agent(model, tools=[look, lying(tmp_path, listed, prefix="their-")]).run_sync("Look.")
        assert [spec.name for spec in fake.requests[0].request.tools] == ["look", "their-look"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "a URL or a command"),
        ({"url": "https://x/mcp", "command": ["x"]}, "a URL or a command"),
        ({"url": "server.py"}, "is no URL"),
        ({"command": "python server.py"}, "a list of words"),
        ({"command": []}, "a list of words"),
        ({"command": ["x"], "timeout": 0}, "timeout is 0"),
        ({"command": ["x"], "effect": "reed"}, "did you mean 'read'"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(settings: dict[str, Any], words: str) -> None:
    """When the toolset is made, in words that say what would be right."""
    with pytest.raises(ConfigError, match=words):
        mcp(**settings)


def test_a_server_at_a_url_is_used_again_after_it_was_started_anew(tmp_path: Path) -> None:
    """Its key goes to it, and nowhere else; while it is gone, an error says so."""
    tape, key = tmp_path / "run.yaml", "sk-0123456789abcdef"

    async def main() -> None:
        with FakeProvider() as fake:
            with serving(tmp_path) as url:
                toolset = mcp(url, api_key=key, ttl=0.001)
                agent = Agent(fake.model("openai:gpt-x"), tools=[toolset])
                fake.script(reply(tool_call("weather", location="Rome")), reply("40 C."))
                run = await agent.run("Weather?", tape=tape, tape_mode="record")
                assert run.steps[0].results[0].text == "Rome: 40 C"
                assert key not in tape.read_text()
            with pytest.raises(
                ToolsetError, match=r"the MCP server 127\.0\.0\.1 \(http://127.*cannot be reached"
            ) as error:
                await agent.run("Weather?")
            assert key not in str(error.value)
            with serving(tmp_path, int(url.split(":")[2].split("/")[0])):
                fake.script(reply(tool_call("weather", location="Oslo")), reply("4 C."))
                run = await agent.run("Weather?")
                assert run.steps[0].results[0].text == "Oslo: 40 C"
                await toolset.aclose()
            run = await agent.run("Weather?", tape=tape, tape_mode="replay", fail_on_unplayed=True)
            assert run.text == "40 C."

    asyncio.run(main())


def test_progress_is_told_and_a_call_that_nobody_waits_for_is_cancelled_on_the_server(tmp_path: Path) -> None:
    """By its timeout, which is an error for the model, and by the end of its run."""
    first, second = tmp_path / "first", tmp_path / "second"

    async def main() -> None:
        with FakeProvider() as fake:
            fake.script(reply(tool_call("slow", path=str(first))), reply(tool_call("slow", path=str(second))))
            async with mcp(command=program(tmp_path, GOOD), timeout=0.5) as toolset:
                told: list[str] = []
                async with Agent(fake.model("openai:gpt-x"), tools=[toolset]).stream("Wait.") as stream:
                    async for event in stream:
                        if isinstance(event, ToolProgress):
                            told.append(event.text)
                            if len(told) == 2:
                                break
                assert told == ["one of three"] * 2
                assert "longer than its timeout of 0.5 s" in stream.run.steps[0].results[0].text
                async with asyncio.timeout(5):
                    while not (first.exists() and second.exists()):
                        await asyncio.sleep(0.01)

    asyncio.run(main())


def test_an_agent_within_another_and_one_that_takes_over_have_their_toolsets_too(tmp_path: Path) -> None:
    """Their listings are on the same tape, which is played without a server."""
    tape = tmp_path / "run.yaml"
    listed = [{"name": "look", "inputSchema": SCHEMA}]

    def agents(fake: FakeProvider, here: MCPToolset, there: MCPToolset) -> Agent[str]:
        model = fake.model("openai:gpt-x")
        inner = Agent(model, tools=[here]).as_tool("inner", "looks")
        heir = Agent(model, tools=[there]).hand_over("heir", "goes on")
        return Agent(model, tools=[inner, heir])

    with FakeProvider() as fake:
        fake.script(reply(tool_call("inner", task="Look.")), look(), reply("Seen."))
        fake.script(reply(tool_call("heir")), look(), reply("Seen twice."))
        live = agents(fake, lying(tmp_path, listed, name="here"), lying(tmp_path, listed, name="there"))
        live.run_sync("Look.", tape=tape, tape_mode="record")
        gone = agents(fake, mcp(command=NOWHERE, name="here"), mcp(command=NOWHERE, name="there"))
        run = gone.run_sync("Look.", tape=tape, tape_mode="replay", fail_on_unplayed=True)
    assert run.text == "Seen twice."
    assert run.children[0].text == "Seen."
    urls = [item.request.url for item in Tape.load(tape).interactions if item.request.method == "CALL"]
    assert [url for url in urls if url.startswith("mcp:")] == ["mcp:here/tools", "mcp:there/tools"]


def test_the_transcript_of_a_tape_has_its_listing(tmp_path: Path) -> None:
    """As a line of its own, between what was asked and what was said."""
    from playhead.deck.transcript.telling import transcript

    tape = tmp_path / "run.yaml"
    with FakeProvider() as fake:
        fake.script(look(), reply("Seen."))
        toolset = lying(tmp_path, [{"name": "look", "inputSchema": SCHEMA}], name="eye", effect="read")
        Agent(fake.model("openai:gpt-x"), tools=[toolset]).run_sync("Look.", tape=tape, tape_mode="record")
    listing, told = transcript(Tape.load(tape)).entries
    assert getattr(listing, "url", None) == "mcp:eye/tools"
    assert getattr(told, "steps", None) is not None
