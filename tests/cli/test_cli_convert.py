"""``playhead convert``: files and folders, in and out, and what is told of them; other commands on what it reads."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Playhead = Callable[..., "subprocess.CompletedProcess[str]"]

CASSETTE = """\
interactions:
- request:
    body: '{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}'
    headers:
      Authorization: [Bearer sk-secret]
      Content-Type: [application/json]
    method: POST
    uri: https://api.openai.com/v1/chat/completions
  response:
    body: {string: '{"id": "c", "object": "chat.completion", "created": 1758000000, "model": "gpt-4o", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hello!"}, "finish_reason": "stop"}]}'}
    headers:
      Content-Type: [application/json]
      Set-Cookie: [a=b]
    status: {code: 200, message: OK}
- request: {body: null, headers: {}, method: GET, uri: 'https://example.com/'}
  response: {body: {string: <html>}, headers: {}, status: {code: 200, message: OK}}
version: 1
"""


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    """A cassette in the folder that the command runs in."""
    path = tmp_path / "c.yaml"
    path.write_text(CASSETTE)
    return path


def test_a_cassette_becomes_a_tape_without_its_keys(playhead: Playhead, cassette: Path, tmp_path: Path) -> None:
    """And what was left behind is told, on the way."""
    done = playhead("convert", "c.yaml", "-o", "tape.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "c.yaml (vcrpy) → tape.yaml: 2 exchanges",
        "  2  durations: the cassette has none, the tape says 0s",
        "  1  request.headers: Authorization (a tape keeps only the headers of its list)",
        "  1  response.headers: Set-Cookie (a tape keeps only the headers of its list)",
    ]
    assert "sk-secret" not in (tmp_path / "tape.yaml").read_text()
    shown = playhead("show", "tape.yaml").stdout
    assert "Hello!" in shown
    assert "GET https://example.com/  200" in shown


def test_show_reads_a_recording_and_the_others_say_what_makes_a_tape_of_it(playhead: Playhead, cassette: Path) -> None:
    """As JSON too, its losses among the warnings."""
    told = json.loads(playhead("show", "c.yaml", "--json").stdout)
    assert [entry["kind"] for entry in told["entries"]] == ["conversation", "exchange"]
    assert told["warnings"] == ["durations: the cassette has none, the tape says 0s (2 times)"]
    for command in ("verify", "replay"):
        done = playhead(command, "c.yaml")
        assert done.returncode == 2
        assert "got a vcrpy cassette: `playhead convert` makes a tape of it" in done.stderr


def test_without_out_the_recording_is_on_stdout(playhead: Playhead, seed: Path, tmp_path: Path) -> None:
    """And what is told of it beside it."""
    done = playhead("convert", str(seed), "--to", "har")
    assert len(json.loads(done.stdout)["log"]["entries"]) == 12
    assert "12 exchanges" in done.stderr


def test_a_folder_is_written_into_a_folder(playhead: Playhead, cassette: Path, seed: Path, tmp_path: Path) -> None:
    """Under the same names; what is no recording is passed over, what is broken told, and written is what can be."""
    inner = tmp_path / "in" / "deep"
    inner.mkdir(parents=True)
    cassette.rename(inner / "c.yaml")
    (inner / "notes.json").write_text('{"a": 1}')
    (inner / "readme.txt").write_text("x")
    (tmp_path / "in" / "t.yml").write_bytes(seed.read_bytes())
    (tmp_path / "in" / "broken.yaml").write_text("interactions: [\nversion: 1\n")
    done = playhead("convert", "in", "-o", "out", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["ok"]) == (1, False)
    assert {row["file"]: (row["ok"], row.get("exchanges"), row.get("skipped", False)) for row in told["files"]} == {
        "in/broken.yaml": (False, None, False),
        "in/deep/c.yaml": (True, 2, False),
        "in/deep/notes.json": (True, None, True),
        "in/t.yml": (True, 12, False),
    }
    assert sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "out").rglob("*.y*ml")) == [
        "out/deep/c.yaml",
        "out/t.yml",
    ]
    assert playhead("verify", "out/t.yml").returncode == 0


def test_nothing_is_written_over(playhead: Playhead, cassette: Path, tmp_path: Path) -> None:
    """Not what is read, ever; not what is there, without --force; nothing at all with --check."""
    assert "is what is read" in playhead("convert", "c.yaml", "-o", "c.yaml", "--force").stderr
    (tmp_path / "there.yaml").write_text("mine")
    assert "is there already" in playhead("convert", "c.yaml", "-o", "there.yaml").stderr
    assert playhead("convert", "c.yaml", "-o", "there.yaml", "--check").returncode == 0
    assert (tmp_path / "there.yaml").read_text() == "mine"
    assert playhead("convert", "c.yaml", "-o", "there.yaml", "--force").returncode == 0
    assert (tmp_path / "there.yaml").read_text().startswith("---\nversion: 2")


def test_two_files_of_one_name_are_not_written_over_each_other(
    playhead: Playhead, cassette: Path, tmp_path: Path
) -> None:
    """The second is told."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "c.json").write_text('{"interactions": [], "version": 1}')
    cassette.rename(folder / "c.yaml")
    done = playhead("convert", "in", "-o", "out")
    assert done.returncode == 1
    assert "in/c.json is written to out/c.yaml already" in done.stdout


def test_prompts_are_lines_of_a_batch_and_no_tape(playhead: Playhead, tmp_path: Path) -> None:
    """A batch's results with its requests are one."""
    (tmp_path / "p.jsonl").write_text('{"prompt": "Hi"}\n')
    assert "--to jsonl" in playhead("convert", "p.jsonl", "-o", "t.yaml").stderr
    assert playhead("convert", "p.jsonl", "--to", "jsonl", "--model", "m", "-o", "b.jsonl").returncode == 0
    line = json.loads((tmp_path / "b.jsonl").read_text())
    assert line["body"] == {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    result = {"custom_id": line["custom_id"], "response": {"status_code": 200, "body": {"id": "x"}}}
    (tmp_path / "r.jsonl").write_text(json.dumps(result) + "\n")
    assert playhead("convert", "r.jsonl", "--requests", "b.jsonl", "-o", "t.yaml").returncode == 0
    assert "https://api.openai.com/v1/chat/completions" in (tmp_path / "t.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("none.yaml",), "no such file"),
        (("/dev/zero", "-o", "x"), "a regular file"),
        ((".",), "say where to write"),
        (("c.yaml", "--json"), "say where to write"),
        (("c.yaml", "c.yaml", "-o", "c.yaml"), "are written into a folder"),
        (("c.yaml", "--to", "pdf"), "invalid choice"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    playhead: Playhead, cassette: Path, words: tuple[str, ...], message: str
) -> None:
    """And exit status 2."""
    done = playhead("convert", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
