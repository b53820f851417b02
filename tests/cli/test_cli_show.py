"""``playhead show``: the transcript of any tape, on a terminal and as JSON."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from cli_process import on_terminal

from playhead.cli.main import main
from playhead.cli.paint import Paint, clean, columns, dollars, seconds, wrap
from playhead.cli.show import Page
from playhead.deck.transcript.telling import transcript
from playhead.deck.transcript.values import Transcript
from playhead.tapes import Tape

Playhead = Callable[..., "subprocess.CompletedProcess[str]"]

SEED = """\
florence.yaml  12 interactions, openrouter:moonshotai/kimi-k2-0905, 2025-09-23 17:18 UTC

system     You are a helpful assistant
user       What's the weather in Florence,Italy?
step 1     429 ×2 (0.34 s + 0.35 s), 200 (0.66 s)
…
assistant  I'll get the current weather for Florence, Italy.
           → weather({"location": "Florence, Italy"})
tool       ← 40 C
           97 in + 31 out tokens, $0.00025495, 1.35 s

step 2     429 ×8 (3.22 s in all), 200 (0.73 s)
assistant  It's currently **40 °C (104 °F)** in Florence, Italy—quite a hot day, so stay hydrated
           and seek shade if you're out enjoying the city!
           171 in + 35 out tokens, $0.00037085, 3.95 s

total      2 steps, 12 attempts (429 ×10), 268 in + 66 out = 334 tokens, $0.0006258, 5.30 s
"""  # noqa: RUF001


def test_the_seed_is_shown_as_a_person_would_tell_it(playhead: Playhead, seed: Path, tmp_path: Path) -> None:
    """Ten refusals, two steps, one call, its result, the answer, tokens and cost; each thing said once."""
    (tmp_path / "florence.yaml").write_bytes(seed.read_bytes())
    done = playhead("show", "florence.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    before, after = SEED.split("…\n")
    assert done.stdout.startswith(before)
    assert done.stdout.endswith(after)
    assert done.stdout.count("temporarily rate-limited") == 1


def test_json_is_one_document(playhead: Playhead, seed: Path) -> None:
    """The transcript's values; money as a string, so that no digit is lost."""
    told = json.loads(playhead("show", str(seed), "--json").stdout)
    (talk,) = told["entries"]
    assert told["version"] == 1
    assert (talk["kind"], talk["provider"], talk["cost"]) == ("conversation", "openrouter", "0.0006258")
    assert [len(step["attempts"]) for step in talk["steps"]] == [3, 9]
    assert talk["steps"][0]["results"][0]["result"]["content"] == [{"type": "text", "text": "40 C"}]


def test_every_recording_is_shown(cassettes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """None of the 195 real tapes is too strange; those of dialects that are not spoken here are plain HTTP."""
    paths = sorted(cassettes.rglob("*.yaml"))
    assert len(paths) == 195
    for path in paths:
        assert main(["show", str(path)]) == 0, path
        shown = capsys.readouterr()
        assert shown.err == ""
        assert "step 1" in shown.out or "http 0" in shown.out, path
        assert main(["show", str(path), "--json"]) == 0, path
        json.loads(capsys.readouterr().out)


def test_lines_fit_the_terminal(seed: Path, tmp_path: Path) -> None:
    """Texts are wrapped at the terminal's width, beside their speaker."""
    shown = on_terminal("show", str(seed), "--color=never", cwd=tmp_path)
    lines = shown.text.splitlines()
    assert max(len(line) for line in lines[1:]) <= 80
    assert any(len(line) > 70 for line in lines)


@pytest.mark.parametrize("width", range(30, 110, 7))
def test_the_first_line_fits_too_and_no_number_parts_from_its_unit(seed: Path, width: int) -> None:
    told = transcript(Tape.load(seed), path="florence.yaml")
    lines = list(Page(Paint(False, width, width)).lines(told))
    shown = [line for part in lines for line in part.split("\n")]
    assert [line for line in shown if columns(line) > width and "more line" not in line] == []
    assert [line for line in shown if line.split() and line.split()[0] in ("s", "s,", "s),", "ms", "min", "µs")] == []
    assert not any("\N{NO-BREAK SPACE}" in line for line in shown)


def test_a_long_text_is_cut_unless_full(playhead: Playhead, seed: Path, tmp_path: Path) -> None:
    """The rest is one option away, and the line says which."""
    long = "\\n".join(f"line {number}" for number in range(50)).encode()
    data = seed.read_bytes().replace(b"You are a helpful assistant", long)
    (tmp_path / "long.yaml").write_bytes(data)
    short, full = playhead("show", "long.yaml").stdout, playhead("show", "long.yaml", "--full").stdout
    assert "line 11\n" in short
    assert "line 12\n" not in short
    assert "… 38 more lines (--full shows them)" in short
    assert "line 49\n" in full
    assert "--full" not in full


def test_an_answer_cannot_command_the_terminal(playhead: Playhead, seed: Path, tmp_path: Path) -> None:
    """Escape sequences in a tape are written out."""
    data = seed.read_bytes().replace(b"40 C", b"\\u001b]0;owned\\u0007 40 C")
    (tmp_path / "evil.yaml").write_bytes(data)
    shown = playhead("show", "evil.yaml").stdout
    assert "← \\x1b]0;owned\\x07 40 C" in shown
    assert "\x1b" not in shown


def test_a_torn_tape_is_shown_with_a_warning(playhead: Playhead, seed: Path, tmp_path: Path) -> None:
    """What a killed recording left is shown, and that its end was dropped is said."""
    data = seed.read_bytes()
    (tmp_path / "torn.yaml").write_bytes(data[: data.rindex(b"  - id: 11") + 300])
    done = playhead("show", "torn.yaml")
    assert done.returncode == 0
    assert "11 interactions" in done.stdout
    assert "warning" in done.stdout
    assert "no answer" in done.stdout


@pytest.mark.parametrize(
    ("until", "ends"),
    [
        (b"  - id: 2\n", "a refusal"),
        (b"  - id: 3\n", "a call that has no result yet"),
        (b"  - id: 5\n", "a refusal"),
    ],
)
def test_a_conversation_without_an_answer_says_so(
    playhead: Playhead, seed: Path, tmp_path: Path, until: bytes, ends: str
) -> None:
    """As the tape of a run that was killed between two exchanges: one line at its end, and what to do."""
    data = seed.read_bytes()
    (tmp_path / "t.yaml").write_bytes(data[: data.index(until)])
    shown = " ".join(playhead("show", "t.yaml").stdout.split())
    assert shown.count("the tape ends with") == 1
    assert f"the tape ends with {ends}; a run with --tape-mode resume goes on from here" in shown
    assert "the tape ends with" not in playhead("show", str(seed)).stdout


def test_a_date_that_a_server_made_up_is_left_out() -> None:
    """``created: 1`` is no day in 1970."""
    empty = Transcript(1, "t.yaml", 0, (), (), 1)
    (made_up, *_) = Page(Paint(False)).lines(empty)
    (real, *_) = Page(Paint(False)).lines(msgspec.structs.replace(empty, date=1758647918))
    assert (made_up, real) == ("t.yaml  0 interactions", "t.yaml  0 interactions, 2025-09-23 17:18 UTC")


def test_output_that_knows_few_characters_is_no_error(playhead: Playhead, seed: Path) -> None:
    """In an ASCII locale they are written out."""
    done = playhead("show", str(seed), PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u2192 weather(" in done.stdout


def test_an_empty_tape_says_so() -> None:
    """No interactions, no conversation."""
    lines = list(Page(Paint(False)).lines(transcript(Tape())))
    assert lines == ["tape  0 interactions", "", "total      nothing on this tape"]


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("hello world foo bar", 9, ["hello", "world foo", "bar"]),
        ("   kept indentation", 12, ["   kept", "indentation"]),
        ("x" * 25, 10, ["x" * 10, "x" * 10, "x" * 5]),
        ("one\n\ntwo", 10, ["one", "", "two"]),
        ("日本語テキスト ab", 6, ["日本語", "テキス", "ト ab"]),
        ("", 5, [""]),
    ],
)
def test_wrapping(text: str, width: int, lines: list[str]) -> None:
    """At spaces, by columns and not by characters, keeping breaks and indentation."""
    assert list(wrap(text, width)) == lines
    assert all(columns(line) <= width for line in lines)


def test_numbers_are_written_for_people() -> None:
    """Durations by size, money to the last digit, controls written out."""
    from decimal import Decimal

    assert [seconds(value) for value in (0, 1e-5, 0.012, 0.342, 9.999, 78.007, 100)] == [
        "0 s",
        "10 µs",
        "12 ms",
        "0.34 s",
        "10.0 s",
        "78.0 s",
        "1 min 40 s",
    ]
    assert [dollars(value) for value in (None, Decimal("0.00062580"), Decimal(10))] == [
        "cost not reported",
        "$0.0006258",
        "$10",
    ]
    assert clean("a\x1b[31m\r\nb\u202e") == "a\\x1b[31m\nb\\u202e"
    assert clean("a\u2028b\u2029c\x85d\x0b\x0c\x1c") == "a\\u2028b\\u2029c\\x85d\\x0b\\x0c\\x1c"
