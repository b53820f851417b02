"""Histories in providers' own words, read as messages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from playhead import Agent, ConfigError, HistoryFormatError, Message, Text, ToolCall, ToolResult, read_messages, tool
from playhead.providers.catalog import PROVIDERS
from playhead.testing import FakeProvider, reply, tool_call

#: A conversation with a call, as OpenAI's and LiteLLM's users keep it.
CHAT: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "What's the weather in Pisa?"}]},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"location":"Pisa"}'}}
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "40 C"},
    {"role": "assistant", "content": "It is 40 C."},
]

MEANT = [
    Message("system", (Text("Be brief."),)),
    Message("user", (Text("What's the weather in Pisa?"),)),
    Message("assistant", (ToolCall("c1", "weather", '{"location":"Pisa"}'),)),
    Message("tool", (ToolResult("c1", "weather", (Text("40 C"),)),)),
    Message("assistant", (Text("It is 40 C."),)),
]


@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return "41 C"


def test_a_list_in_openai_s_words_is_a_history() -> None:
    assert read_messages("openai", CHAT) == MEANT
    assert read_messages("openai", json.dumps(CHAT)) == MEANT
    assert read_messages("openai", {"model": "m", "messages": CHAT, "temperature": 0}) == MEANT


def test_a_run_goes_on_from_it_with_any_provider() -> None:
    with FakeProvider("anthropic") as fake:
        fake.script("So it is.")
        agent = Agent(fake.model("m"), tools=[weather])
        assert agent.run_sync("And in Lucca?", messages=read_messages("openai", CHAT)).text == "So it is."
        assert [message.role for message in fake.requests[0].request.messages] == [
            "system",
            "user",
            "assistant",
            "tool",
            "assistant",
            "user",
        ]


def test_anthropic_s_system_stands_beside_its_messages() -> None:
    theirs = {
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": "What's the weather in Pisa?"},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "c1", "name": "weather", "input": {"location": "Pisa"}}],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "40 C"}]},
            {"role": "assistant", "content": "It is 40 C."},
        ],
    }
    assert read_messages("anthropic", theirs) == MEANT
    assert read_messages("anthropic", theirs["messages"]) == MEANT[1:]


@pytest.mark.parametrize("provider", ["openai", "openai-responses", "anthropic", "google", "bedrock", "mistral"])
def test_what_playhead_itself_sends_on_each_wire_is_read_back(provider: str) -> None:
    with FakeProvider(provider) as fake:
        fake.script(reply(tool_call("weather", location="Pisa")), "It is 41 C.")
        run = Agent(fake.model("m"), tools=[weather], system="Be brief.").run_sync("Pisa?")
        body = fake.requests[-1].json
    read = read_messages(provider, body)
    assert [message.role for message in read] == ["system", "user", "assistant", "tool"]
    assert read[1].text == "Pisa?"
    assert [call.name for call in read[2].all(ToolCall)] == ["weather"]
    assert read[3].all(ToolResult)[0].text == "41 C"
    assert len(run.messages) == 5


def test_the_objects_of_openai_s_own_library_are_read() -> None:
    openai = pytest.importorskip("openai", reason="OpenAI's library is not installed")
    said = openai.types.chat.ChatCompletionMessage.model_validate({**CHAT[2], "refusal": None})
    assert read_messages("openai", [CHAT[0], CHAT[1], said, *CHAT[3:]]) == MEANT


@pytest.mark.parametrize(
    ("history", "says"),
    [
        ([{"role": "robot", "content": "x"}], r"messages\[0\].role"),
        (["hi"], r"messages\[0\]"),
        ("[{", "truncated"),
        ([object()], "an? object is no JSON"),
        (None, "messages"),
        (7, "messages"),
    ],
)
def test_what_is_none_says_where(history: Any, says: str) -> None:
    with pytest.raises(HistoryFormatError, match=f"this is no history of openai: .*{says}"):
        read_messages("openai", history)


def test_a_provider_that_is_none_is_named() -> None:
    with pytest.raises(ConfigError, match="openia"):
        read_messages("openia", CHAT)


@pytest.mark.parametrize("dialect", sorted({provider.dialect for provider in PROVIDERS.values()}))
def test_every_wire_reads_a_list(dialect: str) -> None:
    name = next(provider.name for provider in PROVIDERS.values() if provider.dialect == dialect)
    assert read_messages(name, []) == []


@pytest.mark.parametrize(
    ("named", "kept", "meant"),
    [
        ("openai", [{"type": "message", "content": [{"type": "output_text", "text": "x"}]}], "openai-responses"),
        ("openai", [{"type": "function_call", "call_id": "c", "name": "n", "arguments": "{}"}], "openai-responses"),
        ("openai", [{"role": "model", "parts": [{"text": "x"}]}], "google"),
        ("anthropic", CHAT, "openai"),
    ],
)
def test_a_history_in_the_words_of_another_wire_names_that_one(named: str, kept: Any, meant: str) -> None:
    with pytest.raises(HistoryFormatError) as caught:
        read_messages(named, kept)
    assert str(caught.value).endswith(f'; it looks like a history of {meant}: read_messages("{meant}", …)')


def test_a_history_that_is_nobody_s_names_none() -> None:
    with pytest.raises(HistoryFormatError, match=r"'usr' came$"):
        read_messages("openai", [{"role": "usr", "content": "x"}])
