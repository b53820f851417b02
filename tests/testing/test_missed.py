"""What a miss says to people: the conversation where it parts, or what else is wrong."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from playhead import Agent, Message, Text, ToolCall, ToolResult, tool, user
from playhead.errors import TapeMissError
from playhead.testing import FakeProvider
from playhead.testing.missed import told

WORDS = ("the tape", "Record it.")


@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return "40 C"


def miss(
    path: Path, recorded: list[Message], asked: list[Message], *, model: str = "anthropic:claude-x"
) -> TapeMissError:
    """Record an answer to one history, ask for that to another; the miss."""
    with FakeProvider(answer="fine") as fake:
        agent = Agent(fake.model(model, api_key="sk-secret-0123456789"), tools=[weather], max_tokens=100)
        agent.run_sync(messages=recorded, tape=path, tape_mode="record")
        with pytest.raises(TapeMissError) as caught:
            agent.run_sync(messages=asked, tape=path, tape_mode="replay")
    return caught.value


def talk(result: str, *more: str) -> list[Message]:
    """A conversation with a call, and questions and answers before it."""
    before = [user(word) if at % 2 == 0 else Message("assistant", (Text(word),)) for at, word in enumerate(more)]
    call = ToolCall("c1", "weather", '{"location":"Rome"}')
    return [
        *before,
        user("Rome?"),
        Message("assistant", (Text("Let me look."), call)),
        Message("tool", (ToolResult("c1", "weather", (Text(result),)),)),
    ]


@pytest.mark.parametrize("model", ["anthropic:m", "openai:m", "openai-responses:m", "google:m", "bedrock:amazon.m"])
def test_in_every_wire_the_conversation_is_shown_from_shortly_before_it_parts(tmp_path: Path, model: str) -> None:
    error = miss(tmp_path / "t", talk("40 C", *"abcdef"), talk("41 C", *"abcdef"), model=model)
    lines = told(error, *WORDS).splitlines()
    assert lines[0] == "the tape has no answer to what was asked. It parts from the nearest that was recorded here:"
    assert lines[2].startswith("      … ")
    shown = [line for line in lines if line.startswith(("    - ", "    + "))]
    assert [line.replace("c1 gives", "weather gives") for line in shown] == [
        "    - tool: weather gives 40 C",
        "    + tool: weather gives 41 C",
    ]
    assert '      assistant: calls weather({"location":"Rome"})' in [line.replace('": "', '":"') for line in lines]
    assert lines[-1] == "Record it."
    assert not any(line.endswith(("user: a", "assistant: b")) for line in lines)


def test_what_is_long_is_folded_and_cut(tmp_path: Path) -> None:
    old, new = " ".join(map(str, range(3000))), " ".join(map(str, range(1, 3001)))
    lines = told(miss(tmp_path / "t", talk(old), talk(new)), *WORDS).splitlines()
    assert len(lines) < 80
    assert max(map(len, lines)) < 130
    assert any("more lines" in line for line in lines)


def test_a_request_that_was_played_already_is_told_in_the_tapes_own_words(tmp_path: Path) -> None:
    path = tmp_path / "t"
    with FakeProvider(answer="fine") as fake:
        agent = Agent(fake.model("m"), stop_when=lambda run: True)
        agent.run_sync("hi", tape=path, tape_mode="record")

        async def twice() -> None:
            from playhead.tapes import open_session
            from playhead.transport.replay import ReplayTransport
            from playhead.wire import HTTPRequest

            with open_session(path, "replay") as session:
                recorded = session.tape.interactions[0].request
                asked = HTTPRequest(recorded.method, recorded.url, (), recorded.body)
                transport = ReplayTransport(session, None)
                await transport.send(asked)
                await transport.send(asked)

        import asyncio

        with pytest.raises(TapeMissError) as caught:
            asyncio.run(twice())
    assert caught.value.recorded is None
    assert "the tape ends here" in told(caught.value, *WORDS)
    assert told(caught.value, *WORDS).endswith("\nRecord it.")


def test_a_miss_carries_both_requests_without_secrets_through_a_pickle(tmp_path: Path) -> None:
    secret = "sk-secret-0123456789"
    error: TapeMissError = pickle.loads(pickle.dumps(miss(tmp_path / "t", talk(secret), talk(f"my {secret}"))))  # noqa: S301
    assert error.recorded.url == error.asked.url
    assert error.recorded.body != error.asked.body
    assert secret.encode() not in error.recorded.body + error.asked.body
    assert secret not in told(error, *WORDS)
