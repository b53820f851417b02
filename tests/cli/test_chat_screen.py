"""What a terminal of few columns gets: lines broken between words, a call shown once, and what is waited for."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from typed import Typed

from playhead.testing import FakeProvider, reply, tool_call

TOOLS = '''
from playhead import tool

@tool(effect="write", approve=True)
def send_mail(to: str, text: str) -> str:
    """Send a mail to somebody who has waited for it for a long time and will be glad to read it at last"""
    return "sent to " + to

@tool
def weather(location: str) -> str:
    """Get weather"""
    return "40 C in " + location + ", with little wind from the north and a clear sky until late in the evening"
'''
COLUMNS = 50


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeProvider]:
    (tmp_path / "t.py").write_text(TOOLS, "utf-8")
    with FakeProvider(price=("1", "2")) as fake:
        yield fake


def typed(command: str, fake: FakeProvider, cwd: Path, *words: str, columns: int = COLUMNS) -> Typed:
    model = ("openrouter:x/m", "--base-url", fake.url, "--tool", "t.py")
    return Typed(command, *model, *words, cwd=cwd, columns=columns, OPENROUTER_API_KEY="sk-or-0123456789abcdef")


def mail(to: str, call_id: str = "call_1") -> object:
    return tool_call("send_mail", call_id, to=to, text="it is a long story, and it has many words in it")


def overlong(text: str, columns: int = COLUMNS) -> list[str]:
    return [line for line in text.split("\n") if len(line) > columns]


def test_notes_footers_and_help_are_broken_between_words(fake: FakeProvider, tmp_path: Path) -> None:
    """With what follows indented, and a figure kept whole."""
    words = "a few words that are longer than a line of this terminal is wide"
    fake.script(reply("Look.", tool_call("weather", location="Florence")), words, words)
    with typed("chat", fake, tmp_path) as terminal:
        terminal.prompt()
        for line in ("Florence?", "and now?", "/help", "/tools", "/load none.json"):
            terminal.type(line)
            terminal.prompt()
        text = terminal.text
    assert overlong(text) == []
    wrapped = "← 40 C in Florence, with little wind from the\n  north and a clear sky until late in the\n  evening  "
    assert wrapped in text
    assert "a few words that are longer than a line of this\nterminal is wide\n" in text
    assert ";\n  session: 2 answers," in text
    assert "send_mail (write, asks)\n    Send a mail to somebody who has waited for it\n" in text
    assert "/fork [FILE]        goes on in a copy of the tape;\n" + 20 * " " + "the old one stays as it is\n" in text


@pytest.mark.parametrize("command", ["chat", "run"])
@pytest.mark.parametrize("answer", ["y", "not that"])
def test_a_call_that_is_asked_about_is_shown_once(
    fake: FakeProvider, tmp_path: Path, command: str, answer: str
) -> None:
    fake.script(reply(mail("bob")), "Done.")
    with typed(command, fake, tmp_path, *(["mail"] if command == "run" else []), columns=200) as terminal:
        if command == "chat":
            terminal.prompt()
            terminal.type("mail")
        terminal.wait_for("make this call? y, n, or why not: ")
        terminal.type(answer)
        terminal.wait_for("Done.\n")
        assert terminal.text.count("send_mail(") == 1
        assert '? send_mail({"to":"bob"' in terminal.text
        assert "\n← sent to bob" in terminal.text or "\n← Error: the call was refused: not that" in terminal.text


def test_each_of_several_calls_is_shown_with_its_question_and_followed_by_its_result(
    fake: FakeProvider, tmp_path: Path
) -> None:
    fake.script(reply(mail("bob"), mail("eve", "call_2")), "Done.")
    with typed("chat", fake, tmp_path, columns=200) as terminal:
        terminal.prompt()
        terminal.type("mails")
        for name in ("bob", "eve"):
            assert f'? send_mail({{"to":"{name}"' in terminal.wait_for("why not: ")
            terminal.type("y")
            terminal.wait_for(f"\n← sent to {name}")
        terminal.wait_for("Done.")
        assert terminal.text.count("send_mail(") == 2


def test_results_of_calls_at_once_say_whose_they_are(fake: FakeProvider, tmp_path: Path) -> None:
    fake.script(reply(tool_call("weather", "a", location="Rome"), tool_call("weather", "b", location="Bari")), "Done.")
    with typed("run", fake, tmp_path, "two?", columns=200) as terminal:
        terminal.wait_for("Done.")
        assert '← weather({"location":"Rome"}): 40 C in Rome' in terminal.text
        assert '← weather({"location":"Bari"}): 40 C in Bari' in terminal.text


@pytest.mark.parametrize("command", ["chat", "run"])
def test_what_is_waited_for_is_said_and_taken_away_again(fake: FakeProvider, tmp_path: Path, command: str) -> None:
    fake.script(reply("At last.", delay=1.5))
    with typed(command, fake, tmp_path, *(["hi"] if command == "run" else [])) as terminal:
        if command == "chat":
            terminal.prompt()
            terminal.type("hi")
        terminal.wait_for("At last.\n")
        assert "… waiting" in terminal.shown
        assert "… waiting" not in terminal.text


def test_a_server_that_does_not_answer_is_named_while_it_is_waited_for(fake: FakeProvider, tmp_path: Path) -> None:
    """A listener that takes connections, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/mcp"
        with typed("chat", fake, tmp_path, "--mcp", url) as terminal:
            terminal.prompt()
            terminal.type("hi")
            while "… asking 127.0.0.1" not in terminal.shown:
                assert terminal.process.poll() is None
                terminal.read()
            terminal.type("\x03", end="")
            assert "the question is taken back" in " ".join(terminal.prompt().split())
            assert "asking" not in terminal.text


def test_nothing_of_it_is_written_where_no_terminal_is(fake: FakeProvider, tmp_path: Path) -> None:
    import subprocess

    from cli_process import command, environment

    fake.script(reply("At last.", delay=1.0))
    words = command("run", "compatible:m", "hi", "--base-url", fake.url)
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env=environment(), timeout=60)
    assert "…" not in done.stderr


def test_ctrl_c_leaves_no_mark_in_the_answer(fake: FakeProvider, tmp_path: Path) -> None:
    """And the terminal is as it was at the next prompt."""
    fake.script(reply(" ".join(f"word{number}" for number in range(200)), pause=0.1))
    with typed("chat", fake, tmp_path) as terminal:
        terminal.prompt()
        terminal.type("go")
        terminal.wait_for("word1 ")
        terminal.type("\x03", end="")
        terminal.wait_for("stopped; what came is kept")
        assert "^C" not in terminal.text


def test_ctrl_c_at_a_question_leaves_the_question_as_it_stands(fake: FakeProvider, tmp_path: Path) -> None:
    fake.script(reply(mail("bob")))
    with typed("chat", fake, tmp_path, columns=200) as terminal:
        terminal.prompt()
        terminal.type("mail")
        terminal.wait_for("why not: ")
        terminal.interrupt("stopped; what came is kept")
        assert "make this call? y, n, or why not: \nstopped; what came is kept" in terminal.text


@pytest.mark.parametrize("line", ["/tools off", "/undo 2", "/quit now", "/help me"])
def test_a_command_refuses_what_it_would_not_heed(fake: FakeProvider, tmp_path: Path, line: str) -> None:
    with typed("chat", fake, tmp_path) as terminal:
        terminal.prompt()
        terminal.type(line)
        assert f"error: {line.partition(' ')[0]} takes nothing after it" in terminal.prompt()


@pytest.mark.parametrize("line", ["/load", "/save"])
def test_devices_and_pipes_are_neither_read_nor_written(fake: FakeProvider, tmp_path: Path, line: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with typed("chat", fake, tmp_path) as terminal:
        terminal.prompt()
        for name in ("pipe", "/dev/zero"):
            terminal.type(f"{line} {name}")
            assert "and no regular file; name one" in " ".join(terminal.prompt().split())
    assert (tmp_path / "pipe").is_fifo()


def test_a_history_is_saved_through_a_link_and_keeps_its_mode(fake: FakeProvider, tmp_path: Path) -> None:
    fake.script("Yes.")
    (tmp_path / "old.json").touch(0o600)
    (tmp_path / "link.json").symlink_to("old.json")
    with typed("chat", fake, tmp_path) as terminal:
        terminal.prompt()
        for line in ("hi", "/save link.json", "/load link.json"):
            terminal.type(line)
            shown = terminal.prompt()
        assert "goes on from 2 messages of link.json" in shown
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "old.json").stat().st_mode & 0o777 == 0o600
