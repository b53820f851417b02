"""What the end of a run says of its tape: that it was recorded there, played from there, or gone on with."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from chat_server import ChatServer, refusal, streamed

from playhead import Agent, tool
from playhead.cli.live import total
from playhead.cli.taken import tape_use, tape_words
from playhead.tapes import Tape
from playhead.testing import FakeProvider, ScriptedModel, reply, tool_call

Chat = Callable[..., "subprocess.CompletedProcess[str]"]

TOOL = '''
from playhead import tool

@tool
def weather(location: str) -> str:
    """Get weather information"""
    return "40 C"
'''

CALL = streamed(call=("weather", '{"location": "Florence"}'))


def last(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.splitlines()[-1]


def test_a_run_says_whether_it_was_recorded_or_played_and_its_seconds_are_those_of_the_recording(
    chat: Chat, playhead: Chat, server: ChatServer, tmp_path: Path
) -> None:
    (tmp_path / "t.py").write_text(TOOL)
    server.script = [CALL, streamed("Hot.")]
    words = ("weather?", "--tool", "t.py", "--tape", "t.yaml", "--tape-mode", "once")
    assert last(chat(*words)).endswith("; recorded on t.yaml")
    played, replayed = chat(*words), playhead("replay", "t.yaml")
    assert last(played) == last(replayed) + "; played from t.yaml"
    assert len(server.bodies) == 2


def test_a_run_that_is_gone_on_with_says_so_and_json_has_a_field(chat: Chat, server: ChatServer) -> None:
    server.script = [refusal(400, "no"), streamed("Yes.")]
    assert chat("hi", "--tape", "t.yaml", "--tape-mode", "record").returncode == 1
    words = ("hi", "--tape", "t.yaml", "--tape-mode", "resume", "--json")

    def end(*words: str) -> dict[str, object]:
        ends: dict[str, object] = json.loads(chat(*words).stdout.splitlines()[-1])
        return ends

    server.script = [streamed("Yes."), streamed("Good.")]
    assert end("ho", "--tape", "new.yaml", "--tape-mode", "once", "--json")["tape_use"] == "recorded"
    again = end("ho", "--tape", "new.yaml", "--tape-mode", "replay", "--json")
    assert again["tape_use"] == "played"
    assert [attempt["replayed"] for attempt in again["attempts"]] == [True]  # type: ignore[attr-defined]
    assert end(*words)["tape_use"] in ("recorded", "resumed")
    server.script = [streamed("Good.")]
    assert end("hu", "--json")["tape_use"] is None


def test_a_run_that_was_cut_short_and_taken_up_is_resumed(chat: Chat, server: ChatServer, tmp_path: Path) -> None:
    (tmp_path / "t.py").write_text(TOOL)
    server.script = [CALL, refusal(400, "no")]
    words = ("weather?", "--tool", "t.py", "--tape", "t.yaml")
    assert chat(*words, "--tape-mode", "record").returncode == 1
    Tape(Tape.load(tmp_path / "t.yaml").interactions[:-1], tmp_path / "t.yaml").save()  # killed before the refusal
    server.script = [streamed("Hot.")]
    assert last(chat(*words, "--tape-mode", "resume")).endswith("; resumed on t.yaml")


def test_a_scripted_model_is_on_no_tape_and_none_is_claimed(tmp_path: Path) -> None:
    @tool
    def look() -> str:
        """Look."""
        return "seen"

    run = Agent(ScriptedModel("hi")).run_sync("hi", tape=tmp_path / "a.yaml", tape_mode="record")
    assert tape_words(run, "a.yaml") == "nothing is on a.yaml"
    model = ScriptedModel(tool_call("look"), "hi")
    run = Agent(model, tools=[look]).run_sync("hi", tape=tmp_path / "b.yaml", tape_mode="record")
    assert tape_words(run, "b.yaml") == "only the calls of tools are on b.yaml"
    assert tape_use(Agent(ScriptedModel("hi")).run_sync("hi")) is None


def test_what_is_not_known_of_the_whole_stands_behind_what_is() -> None:
    @tool(effect="write", approve=True)
    def refund(order: int) -> str:
        """Pay an order back."""
        return "refunded"

    with FakeProvider() as fake:
        fake.script(reply(tool_call("refund", "c", order=7)), reply("Done."))
        agent = Agent(fake.model("m"), tools=[refund])
        first = agent.run_sync("Refund order 7")
        assert first.pending is not None
        words = total(agent.run_sync(first.pending.approve()))
    assert "reported in all" not in words
    assert words.endswith(" in all, cost not reported")


@pytest.mark.parametrize("decision", ["refuse", "result"])
def test_a_call_that_nobody_made_took_no_time(tmp_path: Path, decision: str) -> None:
    from playhead.deck.transcript.telling import transcript
    from playhead.messages import ToolResult

    @tool(effect="write", approve=True)
    def refund(order: int) -> str:
        """Pay an order back."""
        return "refunded"

    path = tmp_path / "t.yaml"
    with FakeProvider() as fake:
        fake.script(reply(tool_call("refund", "c", order=7)), reply("Done."))
        agent = Agent(fake.model("m"), tools=[refund])
        first = agent.run_sync("Refund order 7", tape=path, tape_mode="record")
        assert first.pending is not None
        decided = first.pending.refuse("c", "too dear")
        if decision == "result":
            decided = first.pending.answer("c", "paid by hand")
        agent.run_sync(decided, tape=path, tape_mode="resume")
    (told,) = transcript(Tape.load(path)).conversations[0].steps[0].results
    assert isinstance(told.result, ToolResult)
    assert told.id is not None, "the tape has the result itself"
    assert told.duration is None
