"""Prompt caching by one switch: marks where each provider wants them, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from playhead import Agent, tool
from playhead.agent.caching import Caching
from playhead.agent.plan import Preparation
from playhead.errors import ConfigError
from playhead.messages import Cache, Message, Text, ToolResult, system, user
from playhead.providers.caching import CachePlaces, cache_places
from playhead.providers.catalog import resolve
from playhead.request import Request
from playhead.testing import FakeProvider, reply, tool_call


@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return "40 C"


@tool
def clock() -> str:
    """Tell the time"""
    return "noon"


def scripted(fake: FakeProvider, steps: int) -> None:
    for number in range(steps):
        fake.script(reply(tool_call("weather", f"call_{number}", location="Florence")))
    fake.script(reply("Hot."))


def marks(value: Any, path: str = "") -> list[str]:
    """Where a body has marks."""
    if isinstance(value, dict):
        own = [path] if "cache_control" in value or "cachePoint" in value else []
        return own + [found for key, inner in value.items() for found in marks(inner, f"{path}.{key}".lstrip("."))]
    if isinstance(value, list):
        return [found for index, inner in enumerate(value) for found in marks(inner, f"{path}[{index}]")]
    return []


def bodies(model: str, steps: int = 3, **settings: Any) -> list[dict[str, Any]]:
    with FakeProvider() as fake:
        scripted(fake, steps)
        agent = Agent(fake.model(model), system="be good", tools=[clock, weather], **{"cache": True, **settings})
        run = agent.run_sync("Florence?")
        assert not any("cache" in warning for warning in run.warnings)
        assert all(getattr(part, "cache", None) is None for message in run.messages for part in message.parts)
        return [one.json for one in fake.requests]


def test_anthropic_has_four_marks_and_the_last_two_move_with_the_conversation() -> None:
    sent = bodies("anthropic:claude-sonnet-5")
    assert set(marks(sent[0])) == {"messages[0].content[0]", "system[0]", "tools[1]"}
    for step, body in enumerate(sent[1:], 1):
        assert {found for found in marks(body) if found.startswith("messages")} == {
            f"messages[{2 * step - 2}].content[0]",
            f"messages[{2 * step}].content[0]",
        }
        assert {"system[0]", "tools[1]"} <= set(marks(body))
        assert len(marks(body)) == 4
    assert sent[0]["system"][0]["cache_control"] == {"type": "ephemeral"}


@pytest.mark.parametrize("model", ["vertex:claude-sonnet-5", "bedrock:anthropic.claude-sonnet-5"])
def test_claude_is_marked_the_same_wherever_it_is_served(model: str) -> None:
    assert [set(marks(body)) for body in bodies(model)] == [
        set(marks(body)) for body in bodies("anthropic:claude-sonnet-5")
    ]


def test_converse_has_cache_points_and_nova_none_among_its_tools() -> None:
    claude = bodies("bedrock-converse:anthropic.claude-sonnet-5")[-1]
    assert set(marks(claude)) == {
        "toolConfig.tools[2]",
        "system[1]",
        "messages[4].content[1]",
        "messages[6].content[1]",
    }
    nova = bodies("bedrock-converse:amazon.nova-pro-v1:0", cache="1h")[-1]
    assert set(marks(nova)) == {"system[1]", "messages[4].content[1]", "messages[6].content[1]"}
    assert nova["system"][1] == {"cachePoint": {"type": "default"}}  # it has one length only


@pytest.mark.parametrize("gateway", ["openrouter", "vercel"])
def test_a_gateway_is_told_for_claude_only(gateway: str) -> None:
    claude = bodies(f"{gateway}:anthropic/claude-sonnet-5", cache="5m")[-1]
    assert len(marks(claude)) == 4
    assert claude["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral", "ttl": "5m"}
    assert [marks(body) for body in bodies(f"{gateway}:openai/gpt-5")] == [[], [], [], []]


@pytest.mark.parametrize(
    "model", ["openai:gpt-5", "openai-responses:gpt-5", "google:gemini-2.5-pro", "deepseek:deepseek-chat", "xai:grok-4"]
)
def test_a_provider_that_caches_by_itself_is_asked_as_without_the_switch(model: str) -> None:
    assert bodies(model) == bodies(model, cache=None)


def test_how_long_the_cache_holds_is_said_in_every_mark() -> None:
    body = bodies("anthropic:claude-sonnet-5", cache="1h")[-1]
    assert body["tools"][1]["cache_control"] == body["messages"][-1]["content"][0]["cache_control"]
    assert body["system"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


def test_a_recorded_run_replays_and_shows_no_marks(tmp_path: Path) -> None:
    tape = tmp_path / "tape.yaml"
    with FakeProvider() as fake:
        scripted(fake, 2)
        agent = Agent(fake.model("anthropic:claude-x"), system="be good", tools=[weather], cache=True)
        run = agent.run_sync("Florence?", tape=tape, tape_mode="record")
    assert "cache_control" in tape.read_text()
    replayed = agent.run_sync("Florence?", tape=tape, tape_mode="replay", fail_on_unplayed=True)
    assert replayed.messages == run.messages
    assert b'"cache"' not in run.messages_json()


def test_a_model_that_prepare_takes_for_one_step_is_marked_as_it_wants() -> None:
    with FakeProvider() as fake:
        other = fake.model("anthropic:claude-x")

        def prepare(step: Preparation) -> Preparation | None:
            return msgspec.structs.replace(step, model=other) if step.number == 2 else None

        scripted(fake, 2)
        Agent(fake.model("openai:m"), tools=[weather], cache=True, prepare=prepare).run_sync("Florence?")
        assert [len(marks(one.json)) for one in fake.requests] == [0, 3, 0]


def asked(*messages: Message, tools: Any = ()) -> Request:
    return Request("claude-x", messages, tools=tools)


def test_marks_of_your_own_stay_and_count() -> None:
    anthropic = resolve("anthropic:claude-x")[0]
    own = Message("user", tuple(Text(f"part {n}", Cache()) for n in range(3)))
    request = asked(system("s"), own, Message("assistant", (Text("a"),)), user("q"))
    marked = Caching().marked(request, anthropic)
    assert [part.cache is not None for message in marked.messages for part in message.parts] == [
        *(False, True, True, True),  # the system's would be a fifth
        *(False, True),
    ]
    full = asked(Message("user", tuple(Text(f"part {n}", Cache()) for n in range(4))))
    assert Caching().marked(full, anthropic) is full


def test_a_message_has_one_marked_copy_so_that_its_bytes_are_encoded_once() -> None:
    anthropic = resolve("anthropic:claude-x")[0]
    caching = Caching()
    first, second = user("q"), Message("tool", (ToolResult("c", "weather", (Text("40 C"),)),))
    said = Message("assistant", (Text("a"),))
    one = caching.marked(asked(first), anthropic)
    two = caching.marked(asked(first, said, second), anthropic)
    assert two.messages[0] is one.messages[0]
    assert two.messages[1] is said
    three = caching.marked(asked(first, said, second, said, user("and?")), anthropic)
    assert three.messages[0] is first
    assert three.messages[2] is two.messages[2]


def test_what_cannot_bear_a_mark_is_passed_over() -> None:
    anthropic = resolve("anthropic:claude-x")[0]
    marked = Caching().marked(asked(Message("user", (Text("q"), Text(" ")))), anthropic)
    assert [part.cache for part in marked.messages[0].all(Text)] == [Cache(), None]
    nothing = asked(Message("user", (Text(" "),)))
    assert Caching().marked(nothing, anthropic).messages == nothing.messages


def test_a_model_of_unknown_make_gets_no_marks() -> None:
    assert cache_places(*resolve("bedrock-converse:arn:aws:bedrock:x")) == CachePlaces()
    assert cache_places(*resolve("compatible:claude-like")) == CachePlaces()


def test_another_length_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ConfigError, match='"5m" or "1h" is expected'):
        Agent("openai:m", cache="24h")  # type: ignore[arg-type]
