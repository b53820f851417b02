"""`playhead run` and `playhead chat` take an agent of a Python file where they take a model, and what else they ask."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from playhead.messages import File
from playhead.testing import FakeProvider, reply, tool_call

Playhead = Callable[..., "subprocess.CompletedProcess[str]"]

AGENT = '''"""Says how warm it is."""
import os
from playhead import Agent, tool

@tool
def weather(location: str) -> str:
    """Get weather information"""
    return "40 C"

def rain(location: str) -> str:
    """Whether it rains"""
    return "no"

agent = Agent("compatible:m", base_url=os.environ["HERE"], system="Be brief.", tools=[weather], max_tokens=77)
strict = Agent("compatible:m", base_url=os.environ["HERE"], tools=[weather], approve=lambda call: "not today")
'''
SCHEMA = {"type": "object", "properties": {"degrees": {"type": "number"}}, "required": ["degrees"]}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    (tmp_path / "agent.py").write_text(AGENT, "utf-8")
    with FakeProvider() as fake:
        monkeypatch.setenv("HERE", fake.url)
        yield fake


CALLS = reply(tool_call("weather", location="Florence"))


@pytest.mark.parametrize("name", ["agent.py:agent", "agent:agent"])
def test_an_agent_is_run_with_what_it_has(playhead: Playhead, fake: FakeProvider, name: str) -> None:
    fake.script(CALLS, "Hot.")
    done = playhead("run", name, "Florence?")
    assert (done.returncode, done.stdout) == (0, "Hot.\n"), done.stderr
    assert "← 40 C" in done.stderr
    first = fake.requests[0].request
    assert ([message.text for message in first.messages], first.max_tokens) == (["Be brief.", "Florence?"], 77)


def test_what_the_command_line_says_is_changed_in_it(playhead: Playhead, fake: FakeProvider) -> None:
    """Tools are added to its own."""
    fake.script("Hot.")
    words = ("--system", "Be long.", "--max-tokens", "5", "--temperature", "0.5", "--tool", "agent.py:rain")
    done = playhead("run", "agent.py:agent", "Florence?", *words)
    assert done.returncode == 0, done.stderr
    asked = fake.requests[0].request
    assert [message.text for message in asked.messages] == ["Be long.", "Florence?"]
    assert (asked.max_tokens, asked.temperature) == (5, 0.5)
    assert [tool.name for tool in asked.tools] == ["weather", "rain"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("agent.py:nobody",), "agent.py:nobody names no agent: expected FILE.py:NAME or module:NAME; in agent.py"),
        (("agent.py",), "there is agent, strict"),
        (("none.py:agent",), "no such file: none.py"),
        (("agent.py:agent", "--base-url", "http://127.0.0.1:1"), "--base-url: agent.py:agent is an agent"),
        (("agent.py:agent", "--tool", "agent.py:weather"), "two tools"),
        (("nosuch:agent",), 'no provider is called "nosuch"'),
    ],
)
def test_what_is_no_agent_or_does_not_go_with_one_is_refused(
    playhead: Playhead, fake: FakeProvider, words: tuple[str, ...], says: str
) -> None:
    done = playhead("run", words[0], "hi", *words[1:])
    assert (done.returncode, done.stdout, fake.requests) == (2, "", [])
    assert says in done.stderr


def test_a_chat_with_an_agent(playhead: Playhead, fake: FakeProvider) -> None:
    fake.script(CALLS, "Hot.", "Yes.")
    done = playhead("chat", "agent.py:agent", stdin="Florence?\nSure?\n")
    assert (done.returncode, done.stdout) == (0, "Hot.\nYes.\n"), done.stderr
    last = [message.text for message in fake.requests[-1].request.messages]
    assert (last[0], last[-1]) == ("Be brief.", "Sure?")


def test_in_a_chat_an_agent_decides_about_calls_as_it_does_elsewhere(playhead: Playhead, fake: FakeProvider) -> None:
    """By its own function, unless --yes is everybody's word."""
    fake.script(CALLS, "Well.", CALLS, "Hot.")
    assert "not today" in playhead("chat", "agent.py:strict", stdin="Florence?\n").stderr
    assert "← 40 C" in playhead("chat", "agent.py:strict", "--yes", stdin="Florence?\n").stderr


def test_run_takes_an_mcp_server(playhead: Playhead, fake: FakeProvider, tmp_path: Path) -> None:
    pytest.importorskip("mcp", reason="the server of this test is made with the extra mcp")
    (tmp_path / "server.py").write_text(
        "from mcp.server.mcpserver import MCPServer\n"
        "server = MCPServer('s')\n"
        "@server.tool()\n"
        "def height(mountain: str) -> str:\n"
        "    '''How high'''\n"
        "    return '4809 m'\n"
        "server.run()\n"
    )
    fake.script(reply(tool_call("height", mountain="Mont Blanc")), "High.")
    done = playhead("run", "compatible:m", "How high?", "--base-url", fake.url, "--mcp", f"{sys.executable} server.py")
    assert (done.returncode, done.stdout) == (0, "High.\n"), done.stderr
    assert "← 4809 m" in done.stderr


def test_an_answer_holds_the_schema_that_is_asked_for(playhead: Playhead, fake: FakeProvider, tmp_path: Path) -> None:
    """What does not goes back to the model; stdout has the one that does."""
    (tmp_path / "heat.json").write_text(json.dumps(SCHEMA))
    fake.script('{"degrees": "very"}', '{"degrees": 40}')
    done = playhead("run", "compatible:m", "hot?", "--base-url", fake.url, "--output-schema", "heat.json")
    assert (done.returncode, done.stdout) == (0, '{"degrees":40}\n'), done.stderr
    assert "expected number - at `$.degrees`" in fake.requests[1].request.messages[-1].text


def test_an_answer_that_never_holds_the_schema_fails_and_is_not_lost(
    playhead: Playhead, fake: FakeProvider, tmp_path: Path
) -> None:
    (tmp_path / "heat.json").write_text(json.dumps(SCHEMA))
    fake.script("Very hot.", "Very hot.", "Very hot.")
    done = playhead("run", "compatible:m", "hot?", "--base-url", fake.url, "--output-schema", "heat.json")
    assert (done.returncode, done.stdout) == (1, "Very hot.\n")
    assert "error: the answer is no heat: no JSON was found in it" in done.stderr


@pytest.mark.parametrize(
    ("schema", "value", "says"),
    [
        ({"type": "array", "items": {"type": "integer"}}, [1, 2.5], "expected integer - at `$[1]`"),
        ({"type": ["string", "null"]}, True, "expected string or null - at `$`"),
        ({"enum": ["a", "b"]}, "c", 'expected one of ["a","b"] - at `$`'),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"b": 1}, "'b' is not expected - at `$`"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1, "expected string - at `$`"),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "object", "required": ["x"]}}}, {}, "'x' is missing - at `$`"),
        ({"type": "object", "properties": {"a": {"const": 1}}}, {"a": 1}, ""),
        ({"type": "integer"}, 2.0, ""),
        ({"oneOf": [{"type": "string"}, {"type": "object", "allOf": [{"required": ["a"]}]}]}, {"a": None}, ""),
    ],
)
def test_a_value_is_held_against_the_schema(tmp_path: Path, schema: object, value: object, says: str) -> None:
    from playhead.cli.schema import schema_type

    file = tmp_path / "schema.json"
    file.write_text(json.dumps(schema))
    kind: object = schema_type(str(file))
    validate = kind.model_validate  # type: ignore[attr-defined]
    if says:
        with pytest.raises(ValueError, match="at `") as caught:
            validate(value)
        assert str(caught.value) == says
    else:
        assert validate(value).value == value


def test_files_go_with_the_prompt(playhead: Playhead, fake: FakeProvider, tmp_path: Path) -> None:
    """What they are, their first bytes say."""
    (tmp_path / "picture").write_bytes(PNG)
    fake.script("A cat.")
    done = playhead("run", "compatible:m", "What is it?", "--base-url", fake.url, "--file", "picture")
    assert (done.returncode, done.stdout) == (0, "A cat.\n"), done.stderr
    message = fake.requests[0].request.messages[-1]
    (file,) = message.all(File)
    assert (file.media_type, file.data, message.text) == ("image/png", PNG, "What is it?")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--file", "agent.py"), "--file agent.py: expected an image"),
        (("--file", "none.png"), "--file: cannot read the file none.png: no such file"),
        (("--file", "/dev/zero"), "--file: cannot read the file /dev/zero: it is a device"),
        (("--output-schema", "none.json"), "--output-schema: cannot read the schema none.json: no such file"),
        (("--output-schema", "agent.py"), "--output-schema agent.py: this is no JSON"),
        (("--output-schema", "list.json"), "--output-schema list.json: expected a JSON schema"),
        (("--pending", "/dev/null"), "--pending: cannot write the run that waits to /dev/null: it is a device"),
    ],
)
def test_files_that_are_not_what_they_should_be_are_refused_before_anything_is_asked(
    playhead: Playhead, fake: FakeProvider, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    (tmp_path / "list.json").write_text("[1]")
    done = playhead("run", "compatible:m", "hi", "--base-url", fake.url, *words)
    assert (done.returncode, fake.requests) == (2, [])
    assert says in done.stderr
