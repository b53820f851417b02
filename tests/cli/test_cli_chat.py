"""``playhead chat`` typed at: real processes on a pseudo-terminal, against a server on loopback."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chat_server import STREAM, ChatServer, Reply, refusal, streamed
from typed import Typed

from playhead.messages import load_messages
from playhead.tapes import Tape

TOOLS = '''
from pathlib import Path
from playhead import Context, tool

@tool(effect="write")
def delete(name: str) -> str:
    """Delete a file"""
    Path("deleted").write_text(name)
    return "gone"

@tool
def weather(location: str, context: Context) -> str:
    """Get weather information for a location"""
    context.progress("asking the station")
    return "40 C"

@tool
def stuck() -> str:
    """Never ends"""
    import threading
    threading.Event().wait()
    return "never"
'''

Starts = Callable[..., Typed]
DELETE = streamed(call=("delete", '{"name": "a.txt"}'))


@pytest.fixture
def chat(server: ChatServer, tmp_path: Path) -> Iterator[Starts]:
    """Starts ``playhead chat`` against the server, and waits for its prompt."""
    open_ones: list[Typed] = []

    def start(*words: str, **extra: str) -> Typed:
        terminal = Typed("chat", "compatible:m", "--base-url", server.url, *words, cwd=tmp_path, **extra)
        open_ones.append(terminal)
        terminal.prompt()
        return terminal

    yield start
    for terminal in open_ones:
        terminal.__exit__(None, None, None)


def roles(server: ChatServer, request: int = -1) -> list[str]:
    return [message["role"] for message in server.bodies[request]["messages"]]


def said(server: ChatServer, request: int = -1) -> list[str]:
    return [message.get("content") for message in server.bodies[request]["messages"]]


def test_an_answer_is_painted_and_the_next_question_has_the_history(chat: Starts, server: ChatServer) -> None:
    """Markdown becomes styles; what was said goes along; the footer has the answer's and the session's figures."""
    server.script = [streamed("It is **40", " °C** there."), streamed("Yes.")]
    terminal = chat("--system", "Be kind.")
    terminal.type("how hot?")
    shown = terminal.prompt()
    assert "It is 40 °C there.\n" in shown
    assert "\x1b[1m40" in terminal.shown
    assert "10 in + 5 out tokens, cost not reported" in shown
    terminal.type("really?")
    shown = terminal.prompt()
    assert "session: 2 answers,\n  20 in + 10 out tokens" in shown
    assert said(server) == ["Be kind.", "how hot?", "It is **40 °C** there.", "really?"]
    terminal.type("\x04", end="")
    assert terminal.ended() == 0


def test_words_are_shown_while_the_answer_streams(chat: Starts, server: ChatServer) -> None:
    """Before the answer is over, and before its line is."""
    server.script = [streamed("One ", "two ", *["more "] * 200, pause=0.05)]
    terminal = chat()
    terminal.type("go")
    terminal.wait_for("One two")
    assert not server.broken.is_set()
    assert "tokens" not in terminal.text


def test_ctrl_c_stops_the_answer_and_keeps_what_came(chat: Starts, server: ChatServer) -> None:
    """The connection is closed, the words stay in the history, and the next question follows them."""
    server.script = [streamed("One ", "two ", *["more "] * 500, pause=0.05), streamed("Fine.")]
    terminal = chat()
    terminal.type("go")
    terminal.wait_for("One two")
    terminal.type("\x03", end="")
    assert "what came is kept" in terminal.prompt()
    assert server.broken.wait(20)
    terminal.type("and now?")
    terminal.prompt()
    history = said(server)
    assert history[0] == "go"
    assert history[1].startswith("One two")
    assert history[2:] == ["and now?"]


def test_ctrl_c_before_anything_came_takes_the_question_back(chat: Starts, server: ChatServer) -> None:
    """The history is as it was."""
    server.script = [streamed("late", pause=30), streamed("Fine.")]
    terminal = chat()
    terminal.type("go")
    server.wait_for(1)
    terminal.type("\x03", end="")
    assert "the question is taken back" in terminal.prompt()
    terminal.type("again")
    terminal.prompt()
    assert said(server) == ["again"]


def test_ctrl_c_twice_at_the_prompt_leaves(chat: Starts, server: ChatServer) -> None:
    """Once takes back the line."""
    terminal = chat()
    terminal.type("half a line", end="")
    terminal.wait_for("half a line")
    terminal.interrupt("Ctrl-C again leaves")
    terminal.prompt()
    terminal.interrupt()
    assert terminal.ended() == 0
    assert server.bodies == []


@pytest.mark.parametrize(
    ("answer", "done", "told"),
    [
        ("y", True, "gone"),
        ("n", False, "Error: the call was refused"),
        ("not that one", False, "refused: not that one"),
    ],
)
def test_a_call_that_changes_the_world_is_asked_about(
    chat: Starts, server: ChatServer, tmp_path: Path, answer: str, done: bool, told: str
) -> None:
    """With its arguments; what is not y or n is the reason that the model is told."""
    (tmp_path / "t.py").write_text(TOOLS)
    server.script = [DELETE, streamed("Done.")]
    terminal = chat("--tool", "t.py")
    terminal.type("delete a.txt")
    before = terminal.wait_for("make this call? y, n, or why not: ")
    assert '? delete({"name": "a.txt"})' in before
    assert not (tmp_path / "deleted").exists()
    terminal.type(answer)
    assert "Done." in terminal.prompt()
    assert (tmp_path / "deleted").exists() is done
    assert told in said(server)[-1]
    assert terminal.text.count("delete({") == 1


def test_yes_asks_about_nothing(chat: Starts, server: ChatServer, tmp_path: Path) -> None:
    """--yes is the user's word for all calls."""
    (tmp_path / "t.py").write_text(TOOLS)
    server.script = [DELETE, streamed("Done.")]
    terminal = chat("--tool", "t.py", "--yes")
    terminal.type("delete a.txt")
    assert "← gone" in terminal.prompt()
    assert (tmp_path / "deleted").read_text() == "a.txt"


def test_ctrl_c_at_the_approval_answers_the_call(chat: Starts, server: ChatServer, tmp_path: Path) -> None:
    """The call is not made, and the history that follows is one that providers take."""
    (tmp_path / "t.py").write_text(TOOLS)
    server.script = [DELETE, streamed("Fine.")]
    terminal = chat("--tool", "t.py")
    terminal.type("delete a.txt")
    terminal.wait_for("why not: ")
    terminal.interrupt("what came is kept")
    terminal.prompt()
    terminal.type("leave it")
    terminal.prompt()
    assert roles(server) == ["user", "assistant", "tool", "user"]
    assert not (tmp_path / "deleted").exists()


def test_a_call_is_shown_as_it_runs(chat: Starts, server: ChatServer, tmp_path: Path) -> None:
    """Its name and arguments, how far it is, what came of it."""
    (tmp_path / "t.py").write_text(TOOLS)
    two = streamed(call=("weather", '{"location": "Florence"}'))
    server.script = [two, streamed("Hot.")]
    terminal = chat("--tool", "t.py:weather")
    terminal.type("weather?")
    shown = terminal.prompt()
    assert '→ weather({"location": "Florence"})' in shown
    assert "weather: asking the station" in shown
    assert "← 40 C" in shown


def test_a_refusal_and_its_wait_are_shown(chat: Starts, server: ChatServer) -> None:
    """And the answer after it."""
    server.script = [refusal(429, "slow down", retry_after="0.2"), streamed("Here.")]
    terminal = chat()
    terminal.type("go")
    shown = terminal.prompt()
    assert "429" in shown
    assert "again in" in shown
    assert "Here." in shown


def test_an_error_is_shown_and_the_chat_goes_on(chat: Starts, server: ChatServer) -> None:
    """The question that nothing came of is not in the history."""
    server.script = [refusal(400, "no such thing"), streamed("Here.")]
    terminal = chat()
    terminal.type("bad")
    shown = terminal.prompt()
    assert "error: compatible 400: no such thing" in shown
    terminal.type("good")
    terminal.prompt()
    assert said(server) == ["good"]


def test_undo_takes_back_the_last_exchange(chat: Starts, server: ChatServer, tmp_path: Path) -> None:
    """And the same question, asked again on a tape, is asked anew."""
    server.script = [streamed("One."), streamed("Two."), streamed("Three.")]
    terminal = chat("--tape", "c.yaml")
    for question in ("first", "second"):
        terminal.type(question)
        terminal.prompt()
    terminal.type("/undo")
    assert "taken back: second" in terminal.prompt()
    terminal.type("second")
    assert "Three." in terminal.prompt()
    assert said(server) == ["first", "One.", "second"]
    assert len(Tape.load(tmp_path / "c.yaml").interactions) == 3


def test_model_goes_on_with_another_and_says_what_is_lost(chat: Starts, server: ChatServer) -> None:
    """The history goes along; what is the first provider's own does not."""
    server.script = [streamed("One."), streamed("Two.")]
    terminal = chat()
    terminal.type("first")
    terminal.prompt()
    terminal.type("/model nobody:m")
    assert "error: " in terminal.prompt()
    terminal.type("/model compatible:other")
    assert "goes on with compatible:other" in terminal.prompt()
    terminal.type("second")
    terminal.prompt()
    assert server.bodies[-1]["model"] == "other"
    assert said(server) == ["first", "One.", "second"]
    terminal.type("/model openai:gpt-5")
    assert "--base-url belongs to compatible" in terminal.prompt()


def test_started_again_on_its_tape_it_goes_on(chat: Starts, server: ChatServer, tmp_path: Path) -> None:
    """Each turn is on the one tape, and the conversation is read back from it."""
    server.script = [streamed("One."), streamed("Two.")]
    first = chat("--tape", "c.yaml", "--system", "Be kind.")
    first.type("first")
    first.prompt()
    first.type("/quit")
    assert first.ended() == 0
    again = chat("--tape", "c.yaml")
    assert "goes on where c.yaml ends, after 2 messages" in again.text
    again.type("second")
    again.prompt()
    assert said(server) == ["Be kind.", "first", "One.", "second"]
    assert [item.id for item in Tape.load(tmp_path / "c.yaml").interactions] == [0, 1]


def test_killed_in_the_middle_it_goes_on_from_what_came(chat: Starts, server: ChatServer, tmp_path: Path) -> None:
    """``kill -9`` during an answer: what had ended is there, and the tape is whole."""
    server.script = [streamed("One."), streamed("half ", *["more "] * 500, pause=0.05), streamed("Three.")]
    first = chat("--tape", "c.yaml")
    first.type("first")
    first.prompt()
    first.type("second")
    first.wait_for("half")
    first.process.send_signal(signal.SIGKILL)
    first.ended()
    again = chat("--tape", "c.yaml")
    again.type("third")
    again.prompt()
    assert said(server) == ["first", "One.", "third"]


def test_what_came_of_a_stopped_answer_is_read_back(chat: Starts, server: ChatServer) -> None:
    """Ctrl-C, then leaving, then the same tape: the words that came are there."""
    server.script = [streamed("half ", "an ", *["answer "] * 500, pause=0.05), streamed("Fine.")]
    first = chat("--tape", "c.yaml")
    first.type("first")
    first.wait_for("half an")
    first.type("\x03", end="")
    first.prompt()
    first.type("\x04", end="")
    assert first.ended() == 0
    again = chat("--tape", "c.yaml")
    again.type("second")
    again.prompt()
    assert roles(server) == ["user", "assistant", "user"]
    assert said(server)[1].startswith("half an")


def test_a_write_that_was_killed_is_told_of(chat: Starts, server: ChatServer, tmp_path: Path) -> None:
    """It had begun, nothing says whether it was done: the user is told, and so is the model."""
    tools = TOOLS.replace('return "gone"', "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    (tmp_path / "t.py").write_text(tools)
    server.script = [DELETE, streamed("Fine.")]
    first = chat("--tool", "t.py", "--tape", "c.yaml", "--yes")
    first.type("delete a.txt")
    assert first.ended() == -signal.SIGKILL
    again = chat("--tool", "t.py", "--tape", "c.yaml")
    assert 'delete({"name": "a.txt"}) had begun' in again.text
    again.type("was it done?")
    again.prompt()
    assert roles(server) == ["user", "assistant", "tool", "user"]


def test_two_chats_do_not_write_on_one_tape(chat: Starts, server: ChatServer, tmp_path: Path) -> None:
    """The second is told so at once."""
    chat("--tape", "c.yaml")
    with Typed("chat", "compatible:m", "--base-url", server.url, "--tape", "c.yaml", cwd=tmp_path) as second:
        assert second.ended() == 1
        assert "error: " in second.text


def test_fork_goes_on_in_a_copy(chat: Starts, server: ChatServer, tmp_path: Path) -> None:
    """The old tape stays as it is, byte for byte."""
    server.script = [streamed("One."), streamed("Two.")]
    terminal = chat("--tape", "c.yaml")
    terminal.type("first")
    terminal.prompt()
    before = (tmp_path / "c.yaml").read_bytes()
    terminal.type("/fork")
    assert "goes on in c-2.yaml" in terminal.prompt()
    terminal.type("second")
    terminal.prompt()
    assert (tmp_path / "c.yaml").read_bytes() == before
    assert len(Tape.load(tmp_path / "c-2.yaml").interactions) == 2
    terminal.type("/fork c.yaml")
    assert "is there already" in terminal.prompt()
    assert said(server) == ["first", "One.", "second"]


def test_a_conversation_is_saved_and_loaded(chat: Starts, server: ChatServer, tmp_path: Path) -> None:
    """As JSON that the library reads; a file that is none is not written over."""
    server.script = [streamed("One."), streamed("Two.")]
    (tmp_path / "notes.txt").write_text("mine")
    terminal = chat()
    terminal.type("/system Be kind.")
    terminal.prompt()
    terminal.type("first")
    terminal.prompt()
    terminal.type("/save s.json")
    terminal.prompt()
    assert [message.text for message in load_messages((tmp_path / "s.json").read_bytes())] == [
        "Be kind.",
        "first",
        "One.",
    ]
    terminal.type("/save notes.txt")
    assert "not written over" in terminal.prompt()
    assert (tmp_path / "notes.txt").read_text() == "mine"
    terminal.type("/clear")
    terminal.prompt()
    terminal.type("/load s.json")
    terminal.prompt()
    terminal.type("second")
    terminal.prompt()
    assert said(server) == ["Be kind.", "first", "One.", "second"]


def test_a_line_ending_in_a_backslash_goes_on(chat: Starts, server: ChatServer) -> None:
    """And a pasted text is one turn, line breaks and all."""
    server.script = [streamed("One."), streamed("Two.")]
    terminal = chat()
    terminal.type("first\\")
    terminal.wait_for("… ")
    terminal.type("second")
    terminal.prompt()
    assert said(server) == ["first\nsecond"]
    terminal.type("\x1b[200~def f():\n    return 1\x1b[201~")
    terminal.prompt()
    assert said(server)[-1] == "def f():\n    return 1"


def test_commands_say_what_there_is(chat: Starts, server: ChatServer, tmp_path: Path) -> None:
    """Help, tools, tape and cost; a command that is none names the nearest."""
    (tmp_path / "t.py").write_text(TOOLS)
    server.script = [streamed("One.")]
    terminal = chat("--tool", "t.py", "--tape", "c.yaml")
    for line, words in [
        ("/help", "/undo"),
        ("/tools", "delete (write, asks)  Delete a file"),
        ("/tape", "c.yaml: 0 interactions"),
        ("/cost", "this session: 0 answers"),
        ("/udno", "did you mean 'undo'?"),
        ("/reasoning", "thoughts are left out"),
        ("/model", "compatible:m; "),
        ("//slash", "One."),
    ]:
        terminal.type(line)
        assert words in terminal.prompt(), line
    assert said(server) == ["/slash"]


def test_no_colour_shows_the_answer_as_it_came(chat: Starts, server: ChatServer) -> None:
    """With NO_COLOR nothing is painted."""
    server.script = [streamed("It is **40", " °C**.")]
    terminal = chat(NO_COLOR="1")
    terminal.type("go")
    assert "It is **40 °C**.\n" in terminal.prompt()
    assert "\x1b[1m" not in terminal.shown


def test_sigterm_at_the_prompt_ends_it(chat: Starts) -> None:
    """With the status that says so."""
    terminal = chat()
    assert terminal.terminate() == 143


def test_sigterm_during_an_answer_ends_it_and_keeps_the_tape(chat: Starts, server: ChatServer, tmp_path: Path) -> None:
    """What came of the answer is on the tape."""
    server.script = [streamed("half ", "an ", *["answer "] * 500, pause=0.05)]
    terminal = chat("--tape", "c.yaml")
    terminal.type("go")
    terminal.wait_for("half an")
    assert terminal.terminate() == 143
    assert b"half" in Tape.load(tmp_path / "c.yaml").interactions[0].response.body


def test_thoughts_are_dimmed_and_may_be_left_out(chat: Starts, server: ChatServer) -> None:
    """/reasoning turns them off and on."""
    thought = {"role": "assistant", "reasoning_content": "hm, hm"}
    pieces = streamed("Yes.").pieces
    first = json.dumps({"id": "1", "model": "m", "choices": [{"index": 0, "delta": thought, "finish_reason": None}]})
    server.script = [Reply(200, STREAM, (f"data: {first}\n\n".encode(), *pieces))]
    terminal = chat()
    terminal.type("sure?")
    assert "hm, hm" in terminal.prompt()
    assert "\x1b[2mhm," in terminal.shown
    terminal.type("/reasoning")
    terminal.prompt()
    terminal.type("sure?")
    shown = terminal.prompt()
    assert "hm, hm" not in shown
    assert "Yes." in shown


def test_a_tool_that_never_ends_holds_up_neither_the_chat_nor_its_end(
    chat: Starts, server: ChatServer, tmp_path: Path
) -> None:
    """A thread cannot be stopped: it is left behind, its call answered as interrupted."""
    (tmp_path / "t.py").write_text(TOOLS)
    server.script = [streamed(call=("stuck", "{}")), streamed("Fine.")]
    terminal = chat("--tool", "t.py")
    terminal.type("go")
    terminal.wait_for("→ stuck({})")
    terminal.interrupt("what came is kept")
    terminal.prompt()
    terminal.type("again")
    assert "Fine." in terminal.prompt()
    assert roles(server) == ["user", "assistant", "tool", "user"]
    terminal.type("/quit")
    assert terminal.ended() == 0


def test_without_a_tape_fork_keeps_the_conversation_in_a_file(chat: Starts, server: ChatServer, tmp_path: Path) -> None:
    """From which /load goes on."""
    server.script = [streamed("One."), streamed("Two."), streamed("Three.")]
    terminal = chat()
    terminal.type("first")
    terminal.prompt()
    terminal.type("/fork")
    assert "error: there is no tape" in terminal.prompt()
    terminal.type("/fork s.json")
    assert "/load s.json comes back to it" in terminal.prompt()
    terminal.type("second")
    terminal.prompt()
    terminal.type("/load s.json")
    assert "goes on from 2 messages" in terminal.prompt()
    terminal.type("third")
    terminal.prompt()
    assert said(server) == ["first", "One.", "third"]
