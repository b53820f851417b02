"""What the commands do where everything around them is against them: streams that are closed or know few characters,
signals, tools that do not end or raise anything at all, arguments and tapes of absurd sizes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from chat_server import ChatServer, streamed
from cli_process import command, environment, on_terminal

from playhead.cli.document import encode_json
from playhead.cli.paint import Paint, dollars, plural, seconds, tokens, whole, width_of, wrap
from playhead.cli.show import Page
from playhead.deck.transcript.telling import transcript
from playhead.deck.transcript.values import summed
from playhead.response import Usage
from playhead.tapes import Tape
from playhead.wire import header

Playhead = Callable[..., "subprocess.CompletedProcess[str]"]
Chat = Callable[..., Any]


def has_no_traceback(done: Any) -> bool:
    return "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


# Tools


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_timeout_holds_while_a_tool_sleeps_in_its_thread(
    chat: Chat, server: ChatServer, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """The run ends, and so does the process; what was recorded stands."""
    (tmp_path / "t.py").write_text("import time\ndef nap() -> str:\n    time.sleep(30)\n    return 'x'\n")
    server.script = [streamed(call=("nap", "{}"))]
    began = time.monotonic()
    done = chat("hi", "--timeout", "1", "--tool", "t.py:nap", "--tape", "t.yaml", *words)
    assert time.monotonic() - began < 10
    assert done.returncode == 1
    assert "longer than its timeout" in done.stderr
    assert has_no_traceback(done)
    assert len(Tape.load(tmp_path / "t.yaml").interactions) == 1
    if words:
        assert json.loads(done.stdout.splitlines()[-1])["complete"] is False


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("import sys; sys.exit('fatal: no database')", "fatal: no database"),
        ("import sys; sys.exit(0)", "sys.exit(0)"),
        ("raise Odd('neither here nor there')", "Odd: neither here nor there"),
    ],
)
@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_tool_that_ends_the_program_is_an_error(
    chat: Chat, server: ChatServer, tmp_path: Path, body: str, told: str, words: tuple[str, ...]
) -> None:
    """Whatever status it asked for; the model's answer that called it is on the tape."""
    source = f"class Odd(BaseException): pass\n\ndef a() -> str:\n    {body}\n"
    (tmp_path / "t.py").write_text(source)
    server.script = [streamed(call=("a", "{}"))]
    done = chat("hi", "--tool", "t.py:a", "--tape", "t.yaml", *words)
    assert done.returncode == 1
    assert told in done.stderr
    assert has_no_traceback(done)
    assert len(Tape.load(tmp_path / "t.yaml").interactions) >= 1


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("class Odd(BaseException): pass\nraise Odd('why')\n", "line 2: Odd: why"),
        ("class E(Exception):\n    def __str__(self): raise ValueError\nraise E\n", "line 3: E: (it has no text"),
        ("raise SystemExit(5)\n", "line 1: SystemExit: 5"),
        ("def f(): f()\nf()\n", "RecursionError"),
    ],
)
def test_a_file_of_tools_may_raise_anything(
    chat: Chat, server: ChatServer, tmp_path: Path, source: str, told: str
) -> None:
    """It is one line that says where, with status 2."""
    (tmp_path / "t.py").write_text(source)
    done = chat("hi", "--tool", "t.py")
    assert (done.returncode, done.stdout, server.bodies) == (2, "", [])
    assert told in done.stderr
    assert has_no_traceback(done)


# Signals


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_keeps_what_came_of_the_answer(
    server: ChatServer, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    """It is on the tape, marked as cut, and a second signal at once does not undo that."""
    server.script = [streamed(*(f"word {n} " for n in range(400)), pause=0.05)]
    process = subprocess.Popen(
        command("run", "compatible:m", "hi", "--base-url", server.url, "--tape", "t.yaml"),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.read(6) == "word 0"
    process.send_signal(number)
    if number != signal.SIGINT:
        process.send_signal(number)
    errors = process.communicate(timeout=20)[1]
    assert process.returncode == status
    assert "Traceback" not in errors
    (interaction,) = Tape.load(tmp_path / "t.yaml").interactions
    assert b"word 0" in interaction.response.body
    assert header(interaction.response.headers, "Playhead-Cut")


def test_sigterm_is_heeded_where_ctrl_c_is_ignored(server: ChatServer, tmp_path: Path) -> None:
    """A shell starts what it puts in the background with SIGINT ignored."""
    server.script = [streamed(*(f"word {n} " for n in range(400)), pause=0.05)]
    words = command("run", "compatible:m", "hi", "--base-url", server.url, "--tape", "t.yaml")
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *words],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.read(6) == b"word 0"
    process.terminate()
    process.communicate(timeout=20)
    assert process.returncode == 143
    assert b"word 0" in Tape.load(tmp_path / "t.yaml").interactions[0].response.body


# Streams


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("words", [("--help",), ("show",), ("replay",), ("verify",), ("show", "--json"), ("run",)])
def test_a_stream_may_be_closed(
    seed: Path, tmp_path: Path, server: ChatServer, closed: str, words: tuple[str, ...]
) -> None:
    """It is as if it led to the null device: nothing is complained of, and no file takes its place."""
    server.script = [streamed("the answer")]
    match words[0]:
        case "run":
            words = ("run", "compatible:m", "hi", "--base-url", server.url, "--tape", "t.yaml")
        case "--help":
            pass
        case _:
            words = (*words, str(seed))
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *command(*words)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(),
        timeout=60,
    )
    assert done.returncode == 0
    assert has_no_traceback(done)
    assert bool(done.stdout) is (closed in ("<&-", "2>&-"))
    if words[0] == "run":
        (interaction,) = Tape.load(tmp_path / "t.yaml").interactions
        assert b"the answer" in interaction.response.body


def test_an_error_does_not_go_to_stdout_where_stderr_is_closed(tmp_path: Path) -> None:
    """Where Python itself would print it."""
    words = ["sh", "-c", 'exec "$@" 2>&-', "sh", *command("show", "none.yaml")]
    done = subprocess.run(words, capture_output=True, cwd=tmp_path, env=environment(), timeout=60)
    assert (done.returncode, done.stdout) == (2, b"")


def test_a_prompt_of_a_closed_stdin_is_empty(tmp_path: Path) -> None:
    """And says so."""
    words = ["sh", "-c", 'exec "$@" <&-', "sh", *command("run", "local:smollm2", "-")]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env=environment(), timeout=60)
    assert done.returncode == 2
    assert "nothing came on stdin" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("words", [("show",), ("show", "--json"), ("replay",), ("verify",)])
def test_a_full_disk_is_an_error_in_one_line(seed: Path, words: tuple[str, ...]) -> None:
    """And the interpreter adds nothing when it ends."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command(*words, str(seed)), stdout=full, stderr=subprocess.PIPE, text=True, env=environment(), timeout=60
        )
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert has_no_traceback(done)


POOR = [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]


@pytest.mark.parametrize("poor", POOR, ids=["PYTHONIOENCODING", "LC_ALL"])
def test_an_encoding_without_a_character_does_not_end_a_command(
    seed: Path, tmp_path: Path, server: ChatServer, poor: dict[str, str]
) -> None:
    """The character is written out; an answer that was paid for is shown to its end."""
    server.script = [streamed("caf\u00e9 \u2192 ", "the end")]
    extra = environment(**poor)
    if "PYTHONIOENCODING" not in poor:
        del extra["PYTHONIOENCODING"]
    run = ("run", "compatible:m", "hi", "--base-url", server.url)
    for words in (run, ("show", str(seed)), ("replay", str(seed)), ("verify", str(seed))):
        done = subprocess.run(command(*words), capture_output=True, text=True, cwd=tmp_path, env=extra, timeout=60)
        assert (done.returncode, has_no_traceback(done)) == (0, True), done.stderr
        if words is run:
            assert done.stdout == "caf\\xe9 \\u2192 the end\n"


def test_a_cut_answer_is_taken_back_in_an_encoding_that_knows_few_characters(
    server: ChatServer, tmp_path: Path
) -> None:
    """What is counted is what was written."""
    server.script = [streamed("caf\u00e9", cut=True), streamed("The whole")]
    with (tmp_path / "answer.txt").open("w") as out:
        subprocess.run(
            command("run", "compatible:m", "hi", "--base-url", server.url),
            stdout=out,
            stderr=subprocess.PIPE,
            env=environment(PYTHONIOENCODING="ascii"),
            timeout=60,
            check=True,
        )
    assert (tmp_path / "answer.txt").read_text() == "The whole\n"


@pytest.mark.parametrize("words", [("show",), ("replay",), ("verify",)])
@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_the_name_of_a_tape_need_not_be_text(
    seed: Path, tmp_path: Path, words: tuple[str, ...], as_json: tuple[str, ...]
) -> None:
    """Its bytes are written out; a name that is not there is an error in the same way."""
    name = os.fsencode(tmp_path) + b"/a\xff.yaml"
    with open(name, "wb") as file:
        file.write(seed.read_bytes())
    for path, status in ((name, 0), (name + b"x", 2)):
        done = subprocess.run(
            [*command(*words, *as_json), path], capture_output=True, text=True, env=environment(), timeout=60
        )
        assert (done.returncode, has_no_traceback(done)) == (status, True), done.stderr
        if as_json:
            assert json.loads(done.stderr if status else done.stdout)
        if words != ("replay",) or as_json or status:
            assert "\\udcff" in done.stdout + done.stderr


# What is printed of others


def test_no_error_commands_the_terminal(playhead: Playhead, seed: Path, tmp_path: Path) -> None:
    """Not by a key of a tape, not by a name of a file, not by an argument; nor does JSON, by the controls it allows."""
    (tmp_path / "bad.yaml").write_text('version: 1\n"\\e]0;owned\\a\\x9b31m": 1\ninteractions: 5\n')
    (tmp_path / "\x1b[31mred.yaml").write_bytes(seed.read_bytes())
    (tmp_path / "\x9bc1.yaml").write_bytes(seed.read_bytes())
    for words in (
        ("verify", str(seed), "bad.yaml"),
        ("verify", "bad.yaml"),
        ("show", "bad.yaml"),
        ("show", "bad.yaml", "--json"),
        ("verify", "bad.yaml", str(seed), "--json"),
        ("verify", "\x1b[31mred.yaml", "\x1b[31mnone.yaml"),
        ("show", "\x1b[31mred.yaml"),
        ("show", "\x9bc1.yaml", "--json"),
        ("run", "\x1b[31mx:y", "hi"),
        ("\x1b[31m",),
    ):
        done = playhead(*words)
        said = done.stdout + done.stderr
        assert said
        assert "\x1b" not in said
        assert "\x9b" not in said
        assert "\x07" not in said


def test_the_name_of_the_tape_does_not_command_the_terminal(server: ChatServer, tmp_path: Path) -> None:
    """At the end of a run, where it is told."""
    server.script = [streamed("ok")]
    words = ("run", "compatible:m", "hi", "--base-url", server.url, "--color=never", "--tape", "\x1b[31mt.yaml")
    shown = on_terminal(*words, cwd=tmp_path)
    assert (shown.status, "\x1b" in shown.text) == (0, False)
    assert "recorded on \\x1b[31mt.yaml" in shown.text


@pytest.mark.parametrize("word", ["x" * 2_000_000, "\u4e16" * 300_000, "a\u0301" * 300_000])
def test_a_long_word_is_shown_in_no_time(word: str) -> None:
    """Wrapped to its end in time that grows with its length, and cut early where only the first lines are shown."""
    began = time.monotonic()
    lines = list(wrap(word, 80))
    assert time.monotonic() - began < 5
    assert "".join(lines) == word
    began = time.monotonic()
    shown = list(Page(Paint(False))._block("user", word * 10))
    assert time.monotonic() - began < 2
    assert len(shown) == 13
    assert "more than " in shown[-1]
    assert "more lines (--full shows them)" in shown[-1]


# Arguments


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--option", "x=" + "[" * 100_000], "nested too deeply"),
        (["--option", "x=" + "[" * 300 + "]" * 300], "nested more than 100 deep"),
        (["--option", ".".join(["a"] * 2000) + "=1"], "more than 100 names deep"),
        (["--option", os.fsdecode(b"user=\xff")], "--option is no text in UTF-8: user=\\udcff"),
        (["--system", os.fsdecode(b"\xff")], "--system is no text in UTF-8"),
        (["--base-url", os.fsdecode(b"http://\xff/v1")], "--base-url is no text in UTF-8"),
        (["--max-tokens", "9" * 5000], "expected a number from 1"),
        (["--seed", "9" * 5000], "expected a whole number"),
        (["--seed", "soon"], "expected a whole number"),
    ],
    ids=lambda value: value[1][:12] if isinstance(value, list) else "",
)
def test_arguments_of_absurd_sizes_are_usage_errors(
    chat: Chat, server: ChatServer, words: list[str], told: str
) -> None:
    """One line with what is wrong, status 2, nothing asked."""
    done = chat("hi", *words)
    assert (done.returncode, done.stdout, server.bodies) == (2, "", [])
    assert told in done.stderr
    assert has_no_traceback(done)
    assert len(done.stderr) < 1000


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_prompt_on_stdin_that_is_no_text_is_an_error(server: ChatServer, tmp_path: Path, encoding: str) -> None:
    """An image, say: the first byte that is none is named. A locale that knows ASCII only reads UTF-8."""
    words = command("run", "compatible:m", "-", "--base-url", server.url)
    server.script = [streamed("ok")]
    extra = environment(PYTHONIOENCODING=encoding)
    done = subprocess.run(words, input=b"\xff\xfe\0", capture_output=True, cwd=tmp_path, env=extra, timeout=60)
    assert (done.returncode, done.stdout, server.bodies) == (2, b"", [])
    assert b"what came on stdin is no text in utf-8: byte 0xff" in done.stderr
    done = subprocess.run(words, input="caf\u00e9".encode(), capture_output=True, cwd=tmp_path, env=extra, timeout=60)
    assert done.returncode == 0
    assert server.bodies[0]["messages"][-1]["content"] == "caf\u00e9"


@pytest.mark.parametrize("told", ["9" * 5000, "0", "-1", "1", "x"])
def test_columns_of_any_number_are_no_error(playhead: Playhead, seed: Path, told: str) -> None:
    """What is no width is not heeded."""
    done = playhead("show", str(seed), COLUMNS=told)
    assert (done.returncode, done.stderr) == (0, "")


def test_columns_are_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they can be."""
    monkeypatch.setenv("COLUMNS", "132")
    with open(os.devnull) as none:
        assert width_of(none) == 132


# Numbers


def test_absurd_numbers_are_shown_in_few_characters() -> None:
    """As what they are, in scientific notation."""
    for text in ("NaN", "sNaN", "Infinity", "-Infinity", "1E+999999", "1E-999999"):
        assert dollars(Decimal(text)) == f"${Decimal(text):.2E}"
        assert len(dollars(Decimal(text))) < 20
    assert seconds(float("inf")) == "Infinity s"
    assert seconds(float("nan")) == "NaN s"
    assert seconds(1e300) == "1.00E+300 s"
    assert seconds(-5.0) == "-5.00E+0 s"
    assert seconds(10**400) == "1.00E+400 s"
    assert whole(10**5000) == "1.00E+5000"
    assert (whole(1234), whole(1234, "")) == ("1,234", "1234")
    assert plural(10**5000, "step") == "1.00E+5000 steps"
    assert tokens(10**5000, 1) == "1.00E+5000 in + 1 out tokens"
    assert (dollars(Decimal("0.00062580")), dollars(Decimal(0))) == ("$0.0006258", "$0")


def test_costs_that_have_no_sum_have_none() -> None:
    """As has a list in which one is missing."""
    assert summed([Decimal("0.10"), Decimal("0.20")]) == Decimal("0.3")
    assert summed([]) is None
    assert summed([Decimal(1), None]) is None
    assert summed([Decimal("Infinity"), Decimal("-Infinity")]) is None
    assert summed([Decimal("sNaN"), Decimal(1)]) is None


def test_json_tells_all_of_a_usage() -> None:
    """Wherever one stands; what was not reported is null."""
    empty = dict.fromkeys(Usage.__struct_fields__)
    told = json.loads(encode_json({"usage": Usage(1), "runs": [{"usage": Usage()}], "none": None}))
    assert told == {"usage": empty | {"input_tokens": 1}, "runs": [{"usage": empty}], "none": None}


def test_json_can_be_made_of_anything() -> None:
    """Of halves of characters, integers without end, numbers that are none; what is nested too deeply is an error."""
    told = json.loads(encode_json({"\udcff": "a\udcff", "id": 10**5000, "cost": Decimal("sNaN"), "s": float("inf")}))
    assert told == {"\\udcff": "a\\udcff", "id": "1.00E+5000", "cost": "sNaN", "s": None}
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(Exception, match="nested too deeply"):
        encode_json(deep)


# Tapes


def test_a_request_nested_without_end_is_told(playhead: Playhead, seed: Path, tmp_path: Path) -> None:
    """As plain HTTP by show, as a difference or an error by verify and replay; nothing traces back."""
    deep = b'{"model":"m","messages":[{"role":"user","content":' + b"[" * 3000 + b"]" * 3000 + b"}]}"
    for at in (0, -1):
        tape = Tape.load(seed)
        one = tape.interactions[at]
        tape.interactions[at] = msgspec.structs.replace(one, request=msgspec.structs.replace(one.request, body=deep))
        tape.save(tmp_path / "deep.yaml")
        shown = playhead("show", "deep.yaml")
        assert (shown.returncode, shown.stderr) == (0, "")
        assert "http " in shown.stdout
        assert "RecursionError" in shown.stdout
        for words in (("verify",), ("replay",), ("verify", "--json"), ("replay", "--json"), ("show", "--json")):
            done = playhead(*words, "deep.yaml")
            assert done.returncode in (0, 1, 2)
            assert done.stdout + done.stderr
            assert has_no_traceback(done), (words, done.stderr)


@pytest.mark.parametrize("cost", ["1e400", "1e999999", "-1e30", "123456789012345678901234567890"])
def test_a_cost_that_is_absurd_is_told(playhead: Playhead, seed: Path, tmp_path: Path, cost: str) -> None:
    """In few characters, or not at all."""
    tape = Tape.load(seed)
    one = tape.interactions[-1]
    body = one.response.body.replace(b'"cost":', b'"cost":' + cost.encode() + b',"cost_before":')
    assert body != one.response.body
    tape.interactions[-1] = msgspec.structs.replace(one, response=msgspec.structs.replace(one.response, body=body))
    tape.save(tmp_path / "cost.yaml")
    for words in (("show",), ("show", "--json"), ("replay",), ("replay", "--json"), ("verify",)):
        done = playhead(*words, "cost.yaml")
        assert has_no_traceback(done), (words, done.stderr)
        assert done.stdout + done.stderr
        assert max(map(len, (done.stdout + done.stderr).splitlines())) < 20_000


def test_ids_and_durations_without_end_are_told(seed: Path) -> None:
    """By the page, whatever a reader lets pass."""
    tape = Tape.load(seed)
    one = tape.interactions[-1]
    answer = msgspec.structs.replace(one.response, nanoseconds=10**400)
    other = msgspec.structs.replace(one.request, url="https://example.org/", method="GET", body=b"")
    tape.interactions.append(msgspec.structs.replace(one, id=10**5000, request=other, response=answer))
    text = "\n".join(Page(Paint(False)).lines(transcript(tape)))
    assert "http 1.00E" in text
    assert "Infinity s" in text


# Notes


def test_verify_notes_where_a_conversation_ends_without_an_answer(
    playhead: Playhead, seed: Path, tmp_path: Path
) -> None:
    """Under the line, dim, and in JSON; the exit status is that of the requests."""
    tape = Tape.load(seed)
    kept = next(n for n, one in enumerate(tape.interactions) if one.response.code == 200)
    tape.interactions = tape.interactions[: kept + 1]
    tape.save(tmp_path / "half.yaml")
    done = playhead("verify", "half.yaml", "--color=always")
    assert done.returncode == 0
    line, note = done.stdout.splitlines()
    assert "3 of 3 requests equal" in line
    assert note.startswith("\x1b[2m  the tape ends before its last conversation does")
    row = json.loads(playhead("verify", "half.yaml", "--json").stdout)["tapes"][0]
    assert row["ok"] is True
    assert len(row["notes"]) == 1
