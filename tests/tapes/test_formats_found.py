"""Shapes of cassettes that were found in other people's repositories, and what they mean here."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from playhead.errors import TapeFormatError
from playhead.tapes.formats import read, write
from playhead.tapes.formats.detect import detect, unpacked
from playhead.tapes.scrub.kinds import taken_off

OFF = "**REDACTED**"
ASKED = {"model": "gpt-x", "input": [{"role": "user", "content": "2+2?"}], "stream": True}
STREAM = (
    b'event: response.created\ndata: {"type":"response.created","response":{"id":"r","object":"response"}}\n\n'
    b"event: response.completed\n"
    b'data: {"type":"response.completed","response":{"id":"r","object":"response","model":"gpt-x","status":"completed",'
    b'"output":[{"type":"message","id":"m","role":"assistant","content":[{"type":"output_text","text":"Four."}]}],'
    b'"usage":{"input_tokens":5,"output_tokens":2,"total_tokens":7}}}\n\n'
)


def halves(requests: int = 2, responses: int = 2, filler: int = 0) -> bytes:
    """A cassette with the requests in one list, and their answers in another, and all that tells a host taken off."""
    asked = {"method": "POST", "uri": OFF, "headers": {"Authorization": [OFF]}, "body": json.dumps(ASKED).encode()}
    answered = {
        "status": {"code": 200, "message": "OK"},
        "headers": {"Content-Type": OFF, "Date": OFF, "Set-Cookie": OFF},
        "body": {"string": STREAM + b"\n" * filler},
    }
    return yaml.safe_dump({"requests": [asked] * requests, "responses": [answered] * responses}).encode()


def test_requests_and_answers_in_two_lists_are_read_in_pairs() -> None:
    """Also where the second list begins far behind the beginning of the file."""
    for data in (halves(), halves(requests=400, responses=400, filler=300)):
        assert detect(data) == "vcrpy"
    brought = read(halves())
    assert [one.request.body for one in brought.interactions] == [json.dumps(ASKED).encode()] * 2
    assert [one.response.body for one in brought.interactions] == [STREAM] * 2
    assert read(write(brought, "vcrpy").data).interactions == brought.interactions


def test_a_half_without_the_other_is_left_out_and_told() -> None:
    """A request that was not answered, an answer that nobody asked for."""
    for asked, answered, lost in ((2, 1, "an exchange without an answer"), (1, 3, "an answer without a request")):
        brought = read(halves(asked, answered))
        assert len(brought.interactions) == 1
        assert [loss.count for loss in brought.losses if loss.what.startswith(lost)] == [max(1, answered - asked)]


def test_a_file_that_is_gzip_as_a_whole_is_what_is_in_it() -> None:
    """Unless it ends before its end: then it is nothing that is known."""
    packed = gzip.compress(halves())
    assert read(packed).interactions == read(halves()).interactions
    assert detect(packed) == "vcrpy"
    assert unpacked(packed[:-9]) == packed[:-9]
    with pytest.raises(TapeFormatError, match="no recording that is known"):
        read(packed[:-9])


def test_one_exchange_that_is_a_file_is_read() -> None:
    """A file of JSON for each, with headers as plain text; a line of a batch is not taken for one."""
    single = {
        "request": {"method": "POST", "url": "https://api.example/v1/messages", "headers": {"A": "b"}, "body": "{}"},
        "response": {"status": {"code": 429, "message": "Too Many"}, "headers": {"Content-Type": "x/y"}, "body": "hi"},
    }
    (one,) = read(json.dumps(single, indent=2).encode()).interactions
    assert (one.request.url, one.request.headers, one.request.body) == (
        "https://api.example/v1/messages",
        (("A", "b"),),
        b"{}",
    )
    assert (one.response.code, one.response.status, one.response.body) == (429, "429 Too Many", b"hi")
    line = {"custom_id": "1", "response": {"status_code": 200, "body": {}}, "body": {"messages": []}}
    assert detect(json.dumps(line).encode()) == "jsonl"


def test_a_recording_that_is_not_of_http_is_refused_by_what_it_has() -> None:
    """Calls of another protocol, in a file that looks like a cassette."""
    data = (
        b"version: 1\ninteractions:\n- request_sample: {raw: !!binary aGk=}\n  response_sample: {raw: !!binary aGk=}\n"
    )
    with pytest.raises(TapeFormatError, match="expected `request` and `response`, got `request_sample`"):
        read(data, "calls.yaml")


@pytest.mark.parametrize(
    ("value", "off"),
    [
        (OFF, True),
        ("REDACTED-EMAIL-1", True),
        ("<redacted>", True),
        ("[FILTERED]", True),
        ("xxxxxxxx", True),
        ("********", True),
        ("sk-proj-0123456789abcdefXYZ", False),
        ("removed4f9a8c2e", False),
        ("hunter2hunter2", False),
    ],
)
def test_what_stands_in_the_place_of_a_secret_is_none(value: str, off: bool) -> None:
    """Else every header of such a cassette is told as a key."""
    assert taken_off(value) is off


def playhead(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command itself."""
    command = [sys.executable, "-m", "playhead", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_the_commands_take_such_a_cassette(tmp_path: Path) -> None:
    """Shown as the conversation that it is, without a date or a time that nobody wrote down; converted under a name
    that says what it is then; and nothing found where all was taken off."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "c.yaml.gz").write_bytes(gzip.compress(halves()))
    shown = playhead("show", "in/c.yaml.gz", cwd=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "openai-responses:gpt-x" in shown.stdout
    assert "assistant  Four." in shown.stdout
    assert "5 in + 2 out tokens" in shown.stdout
    assert OFF not in shown.stdout
    assert "0 s" not in shown.stdout
    assert playhead("convert", "in", "-o", "out", cwd=tmp_path).returncode == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["c.yaml"]
    assert playhead("show", "out/c.yaml", cwd=tmp_path).stdout.count("assistant  Four.") == 2
    checked = playhead("check", "in", cwd=tmp_path)
    assert (checked.returncode, checked.stdout) == (0, "1 file: nothing found\n")
    counted = json.loads(playhead("stats", "out/c.yaml", "--json", cwd=tmp_path).stdout)
    assert (counted["total"]["attempts"], counted["total"]["latency"]["count"]) == (2, 0)
