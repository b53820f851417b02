"""What would be lost, told before anything is sent."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import playhead
from playhead import (
    Agent,
    ConfigError,
    File,
    Loss,
    Message,
    Model,
    Reasoning,
    Source,
    TapeMissError,
    Text,
    ToolResult,
    preflight,
    system,
    tool,
    user,
)
from playhead.request import OutputSchema, ToolSpec
from playhead.testing import FakeProvider

HISTORY = (
    user("what is this?", File("image/png", data=b"x")),
    Message("assistant", (Reasoning("I look"), Text("a cat"), Source("https://x.test"))),
    user("why?"),
)


def where(model: str, *messages: Message, **more: object) -> list[str]:
    return [loss.where for loss in preflight(messages or HISTORY, model, **more)]  # type: ignore[arg-type]


def test_each_loss_says_where_and_what() -> None:
    losses = preflight(HISTORY, "openai:gpt-5")
    assert [str(loss) for loss in losses] == [
        "messages[1]: this wire takes no sources back; they were left out",
        "messages[1]: this wire takes no reasoning back; it was left out",
    ]
    assert all(isinstance(loss, Loss) for loss in losses)


def test_where_all_would_arrive_there_is_none() -> None:
    assert preflight("hi", "openai:gpt-5") == ()
    assert preflight(HISTORY[:1], "anthropic:claude-opus-4-7") == ()


def test_what_a_provider_takes_and_a_model_does_not_is_told_once() -> None:
    (loss,) = preflight(HISTORY[:1], "openrouter:moonshotai/kimi-k2-0905")
    assert loss.where == "messages[0]"
    assert "takes no image: the model card names text as its only input" in loss.message
    assert where("openrouter:moonshotai/kimi-k2.5", HISTORY[0]) == []
    assert where("deepseek:deepseek-chat", HISTORY[0]) == ["messages[0]"]
    inside = Message("tool", (ToolResult("c", "look", (File("image/png", data=b"x"),)),))
    assert where("openrouter:z-ai/glm-4.6", inside) == ["messages[0]"]
    assert where("openrouter:z-ai/glm-4.6v", inside) == []


def test_tools_and_a_schema_are_looked_at_as_an_agent_takes_them() -> None:
    @tool
    def weather(location: str) -> str:
        """The weather."""
        return location

    @dataclass
    class City:
        name: str

    assert where("openai:o1-mini", user("hi"), tools=[weather]) == ["tools"]
    assert where("openai:gpt-5", user("hi"), tools=[weather], output=City, reasoning="low") == []
    strict = ToolSpec("weather", "", {"type": "object", "properties": {}}, strict=True)
    assert where("google:gemini-2.5-pro", user("hi"), tools=[strict]) == ["tools[0].strict"]
    any_object = OutputSchema("json", None)
    assert where("anthropic:claude-opus-4-7", user("hi"), output=any_object) == ["output"]


def test_a_model_that_was_made_is_asked_by_its_own_profile() -> None:
    assert preflight(HISTORY, Model.of("openai:gpt-5")) == preflight(HISTORY, "openai:gpt-5")


def test_what_is_wrong_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no provider is called"):
        preflight("hi", "opnai:gpt-5")
    with pytest.raises(ConfigError, match="knows no such option"):
        preflight("hi", "openai:gpt-5", options={"usr": "me"})


@pytest.mark.parametrize("name", ["vertex:gemini-2.5-pro", "bedrock:us.amazon.nova-pro-v1:0", "azure:gpt-5"])
def test_neither_a_key_nor_an_address_is_needed(name: str) -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS", "GOOGLE", "AZURE"))}
    code = f"import playhead; print(playhead.preflight('hi', {name!r}))"
    done = subprocess.run([sys.executable, "-c", code], env=kept, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("()\n", "")


def test_the_name_is_always_the_function() -> None:
    code = "import playhead.losses, playhead; assert callable(playhead.preflight)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert playhead.preflight is preflight


def test_the_messages_are_counted_as_they_were_given_and_not_as_the_model_is_asked() -> None:
    @tool
    def weather(location: str) -> str:
        """The weather."""
        return location

    assert where("local:smollm2", HISTORY[0], tools=[weather]) == ["messages[0]"]
    later = (system("Be brief."), user("hi"), Message("assistant", (Text("hello"),)), HISTORY[0])
    assert where("local:smollm2", *later, tools=[weather]) == ["messages[3]"]
    ask = OutputSchema("city", {"type": "object", "properties": {}}, mode="text")
    assert "messages[1]" in where("mistral:mistral-large-latest", *HISTORY, output=ask)


def test_a_run_warns_of_the_same() -> None:
    with FakeProvider(answer="A cat.") as fake:
        agent = Agent(fake.model("openrouter:moonshotai/kimi-k2-0905"))
        run = agent.run_sync(HISTORY[0])
    (loss,) = preflight(HISTORY[:1], "openrouter:moonshotai/kimi-k2-0905")
    assert run.warnings == [str(loss)]


def test_a_replay_that_misses_counts_the_messages_of_the_run(tmp_path: Path) -> None:
    @tool
    def weather(location: str) -> str:
        """The weather."""
        return location

    tape = tmp_path / "local.yaml"
    said = '{"tool": "none", "answer": "Hello!"}'
    with FakeProvider(answer=said) as fake:
        model = fake.model("local:smollm2")
        Agent(model, system="Be brief.", tools=[weather]).run_sync("hi", tape=tape, tape_mode="record")
        with pytest.raises(TapeMissError, match=r"differs first at messages\[1\]\.content: \"hi\" on the tape"):
            Agent(model, system="Be brief.", tools=[weather]).run_sync("ho", tape=tape, tape_mode="replay")
