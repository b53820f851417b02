"""Tools that a provider has of its own, as values beside functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, CodeExecution, ComputerUse, Message, WebSearch, tool
from playhead.errors import ConfigError
from playhead.messages import File, ToolResult
from playhead.providers.own_tools import ROWS
from playhead.testing import FakeProvider, reply, tool_call


@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return "40 C"


def asked(model: str, *tools: Any, **settings: Any) -> Any:
    with FakeProvider() as fake:
        fake.script(reply("done"))
        Agent(fake.model(model), tools=[weather, *tools], **settings).run_sync("go")
        return fake.requests[0]


@pytest.mark.parametrize(
    ("model", "search"),
    [
        ("anthropic:claude-sonnet-5", {"type": "web_search_20250305", "name": "web_search"}),
        ("vertex:claude-sonnet-5", {"type": "web_search_20250305", "name": "web_search"}),
        ("openai-responses:gpt-5", {"type": "web_search"}),
        ("google:gemini-3-pro", {"googleSearch": {}}),
    ],
)
def test_a_search_is_said_in_each_wire_s_own_form_beside_the_functions(model: str, search: dict[str, Any]) -> None:
    one = asked(model, WebSearch())
    assert search in one.json["tools"]
    assert [spec.name for spec in one.request.tools] == ["weather"]


def test_what_bounds_a_search_goes_where_the_wire_has_it() -> None:
    search = WebSearch(max_uses=3, domains=("python.org",))
    assert asked("anthropic:claude-x", search).json["tools"][-1] == {
        "type": "web_search_20250305",
        "name": "web_search",
        "max_uses": 3,
        "allowed_domains": ["python.org"],
    }
    assert asked("openai-responses:gpt-5", WebSearch(domains=("python.org",))).json["tools"][-1] == {
        "type": "web_search",
        "filters": {"allowed_domains": ["python.org"]},
    }
    assert asked("openrouter:x-ai/grok-4", search).json["plugins"] == [
        {"id": "web", "max_uses": 3, "include_domains": ["python.org"]}
    ]


@pytest.mark.parametrize(
    ("model", "search", "complaint"),
    [
        ("openai-responses:gpt-5", WebSearch(max_uses=3), "cannot be told max_uses"),
        ("google:gemini-3-pro", WebSearch(domains=("a.b",)), "cannot be told domains"),
        (
            "deepseek:deepseek-chat",
            WebSearch(),
            "has no web search of its own; .*openrouter, openai-responses, anthropic",
        ),
        ("bedrock:anthropic.claude-sonnet-5", WebSearch(), "has no web search of its own"),
        ("openai:gpt-5", CodeExecution(), "these have: openai-responses, anthropic, google, vertex, azure-responses$"),
        (
            "google:gemini-3",
            ComputerUse(10, 10, lambda action, arguments: ""),
            "these have: anthropic, vertex, bedrock$",
        ),
    ],
)
def test_what_a_provider_has_not_is_refused_and_those_are_named_that_have(
    model: str, search: Any, complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        Agent(model, tools=[search], base_url="http://localhost", api_key="k")


def test_options_of_your_own_stay_beside_them() -> None:
    one = asked(
        "anthropic:claude-x", CodeExecution(), options={"tools": [{"type": "memory_20250818", "name": "memory"}]}
    )
    assert [item["name"] for item in one.json["tools"]] == ["weather", "memory", "code_execution"]


@pytest.mark.parametrize(
    ("model", "kind", "beta"),
    [
        ("anthropic:claude-sonnet-4-5", "computer_20250124", "computer-use-2025-01-24"),
        ("anthropic:claude-opus-4-5-20251101", "computer_20251124", "computer-use-2025-11-24"),
        ("bedrock:anthropic.claude-opus-5", "computer_20251124", "computer-use-2025-11-24"),
    ],
)
def test_a_computer_is_used_by_the_caller_s_function(model: str, kind: str, beta: str, tmp_path: Path) -> None:
    done: list[Any] = []

    async def act(action: str, arguments: dict[str, Any]) -> Any:
        done.append((action, arguments))
        return File("image/png", data=b"\x89PNG") if action == "screenshot" else "done"

    tape = tmp_path / "tape.yaml"
    with FakeProvider() as fake:
        fake.script(
            reply(
                tool_call("computer", action="screenshot"),
                tool_call("computer", action="left_click", coordinate=[1, 2]),
            ),
            reply("It is open."),
        )
        agent = Agent(fake.model(model), tools=[ComputerUse(1280, 800, act)], options={"anthropic_beta": "files-x"})
        run = agent.run_sync("open it", tape=tape, tape_mode="record")
        first = fake.requests[0]
    assert first.json["tools"] == [
        {"type": kind, "name": "computer", "display_width_px": 1280, "display_height_px": 800}
    ]
    assert first.request.options["anthropic_beta"] == ["files-x", beta]
    assert done == [("screenshot", {}), ("left_click", {"coordinate": [1, 2]})]
    results = run.messages[2].all(ToolResult)
    assert isinstance(results[0].content[0], File)
    again = agent.run_sync("open it", tape=tape, tape_mode="replay", fail_on_unplayed=True)
    assert again.messages == run.messages
    assert len(done) == 2  # a replay clicks nothing


def test_the_newest_models_call_each_action_by_its_name() -> None:
    done: list[Any] = []

    def act(action: str, arguments: dict[str, Any]) -> str:
        done.append((action, arguments))
        return "done"

    with FakeProvider() as fake:
        fake.script(reply(tool_call("left_click", coordinate=[1, 2]), tool_call("type", text="hi")), reply("ok"))
        agent = Agent(fake.model("anthropic:claude-opus-5"), tools=[ComputerUse(1280, 800, act)])
        agent.run_sync("open it")
        assert fake.requests[0].json["tools"] == [{"type": "computer_toolset_20260801"}]
        assert "anthropic_beta" not in fake.requests[0].request.options
    assert done == [("left_click", {"coordinate": [1, 2]}), ("type", {"text": "hi"})]


def test_an_action_that_waits_for_a_person_is_not_done_until_then() -> None:
    done: list[str] = []
    with FakeProvider() as fake:
        fake.script(reply(tool_call("computer", "c1", action="key", text="Return")), reply("ok"))
        computer = ComputerUse(10, 10, lambda action, arguments: done.append(action) or "done", approve=True)
        agent = Agent(fake.model("anthropic:claude-sonnet-4-5"), tools=[computer])
        run = agent.run_sync("go")
        assert run.pending is not None
        assert done == []
        run = agent.run_sync(run.pending.approve("c1"))
    assert (run.text, done) == ("ok", ["key"])


def test_a_call_without_an_action_is_an_error_for_the_model() -> None:
    with FakeProvider() as fake:
        fake.script(reply(tool_call("computer")), reply("ok"))
        computer = ComputerUse(10, 10, lambda action, arguments: "done")
        run = Agent(fake.model("anthropic:claude-sonnet-4-5"), tools=[computer]).run_sync("go")
    message: Message = run.messages[2]
    assert message.all(ToolResult)[0].text.startswith("Error: the argument action is missing")


def test_a_tool_with_the_name_of_an_action_is_refused() -> None:
    @tool
    def wait() -> str:
        return ""

    with pytest.raises(ConfigError, match="calls an action 'wait', and a tool has that name"):
        Agent("anthropic:claude-opus-5", tools=[wait, ComputerUse(10, 10, lambda action, arguments: "")])


def test_every_form_has_its_reason() -> None:
    assert all(row.reason for rows in ROWS.values() for row in rows)
