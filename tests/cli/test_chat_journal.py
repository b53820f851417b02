"""The tape of a chat read back: the conversation as it stood, whatever its last exchange came to."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from playhead import Agent, tool
from playhead.cli.chat.conversation import Conversation
from playhead.cli.chat.journal import Journal, recall
from playhead.errors import PlayheadError
from playhead.messages import Message, Text, ToolCall
from playhead.tapes import Tape, open_session
from playhead.testing import FakeProvider, refuse, reply, tool_call


@tool
def weather(location: str) -> str:
    """Get weather information"""
    return f"{location}: 40 C"


def without_marks(messages: list[Message]) -> list[Message]:
    """Messages as words: what a provider adds of its own is not compared."""
    return [Message(message.role, tuple(Text(part.text) for part in message.all(Text))) for message in messages]


@pytest.mark.parametrize("id", ["openrouter:m", "anthropic:claude-x", "openai:m", "google:gemini-x"])
def test_a_conversation_is_read_back_in_every_wire(id: str, tmp_path: Path) -> None:
    """System prompt, calls, results and answer, streamed as a chat asks for them."""
    path = tmp_path / "c.yaml"
    with FakeProvider() as fake:
        fake.script(reply(tool_call("weather", location="Florence")), reply("Hot."))
        agent = Agent(fake.model(id), system="Be kind.", tools=[weather])
        journal = Journal.open(str(path))
        run = asyncio.run(agent.stream("Florence?", tape=journal, tape_mode="resume").drain())
        journal.close()
    recalled = list(recall(Tape.load(path)).messages)
    assert [message.role for message in recalled] == ["system", "user", "assistant", "tool", "assistant"]
    assert without_marks(recalled) == without_marks(run.messages)
    assert [call.name for message in recalled for call in message.all(ToolCall)] == ["weather"]


def test_a_journal_is_never_played(tmp_path: Path) -> None:
    """The same question is asked again, and both answers stand on the tape."""
    path = tmp_path / "c.yaml"
    with FakeProvider("openrouter") as fake:
        fake.script(reply("One."), reply("Two."))
        agent = Agent(fake.model())
        for _ in range(2):
            journal = Journal.open(str(path))
            asyncio.run(agent.run("same", tape=journal, tape_mode="resume"))
            journal.close()
        assert len(fake.requests) == 2
    assert len(Tape.load(path).interactions) == 2


def test_the_file_is_held_while_the_journal_is_open(tmp_path: Path) -> None:
    """A fork lets go of the old file, and holds the new one."""
    path = tmp_path / "c.yaml"
    with FakeProvider("openrouter") as fake:
        fake.script(reply("One."))
        journal = Journal.open(str(path))
        asyncio.run(Agent(fake.model()).run("x", tape=journal, tape_mode="resume"))
    forked = journal.forked(None)
    assert forked.path == tmp_path / "c-2.yaml"
    assert len(forked.interactions) == 1
    open_session(path, "resume").close()
    forked.close()


def test_a_tape_of_others_holds_no_conversation() -> None:
    """And an empty one neither."""
    assert recall(Tape()).messages == ()


def test_a_question_that_was_under_way_is_told_of_where_the_tape_can_say_it(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    with FakeProvider("openrouter") as fake:
        fake.script(reply(tool_call("weather", location="Florence")), reply("Hot."), refuse(400, "no"))
        agent = Agent(fake.model(), tools=[weather])
        journal = Journal.open(str(path))
        agent.run_sync("Florence?", tape=journal, tape_mode="resume")
        with pytest.raises(PlayheadError):
            agent.run_sync("And Rome?", tape=journal, tape_mode="resume")
        journal.close()
    taped = Tape.load(path).interactions
    assert [item.request.method for item in taped] == ["POST", "CALL", "POST", "POST"]
    (refused,) = recall(Tape(taped)).notes
    assert "the last question on the tape has no answer" in refused
    assert recall(Tape(taped[:3])).notes == ()
    killed = recall(Tape(taped[:2]))
    assert "an answer was under way" in killed.notes[0]
    assert killed.messages[-1].role == "tool"


def test_a_chat_names_the_agent_that_it_is_with(tmp_path: Path) -> None:
    with FakeProvider("openrouter") as fake:
        assert Conversation(Agent(fake.model("m"), name="scout"), None).name == "scout (openrouter:m)"
        assert Conversation(Agent(fake.model("m")), None).name == "openrouter:m"
