"""HTTP archives, as browsers and proxies write them, both ways; and lines of prompts and batches."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from playhead.errors import TapeFormatError
from playhead.tapes import Tape
from playhead.tapes.formats import read, write
from playhead.tapes.formats.brought import Brought
from playhead.tapes.formats.lines import read_lines
from playhead.wire import header


def archive(*entries: dict[str, Any], **log: Any) -> bytes:
    """An archive of these entries."""
    return json.dumps({"log": {"version": "1.2", "creator": {}, "entries": list(entries), **log}}).encode()


def entry(request: dict[str, Any] | None = None, response: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """An entry of an exchange, with these fields."""
    asked = {"method": "POST", "url": "https://a/b", "httpVersion": "h2", "headers": []} | (request or {})
    answered = {"status": 200, "statusText": "", "httpVersion": "h2", "headers": [], "content": {}} | (response or {})
    return {"startedDateTime": "2026-01-01T00:00:00Z", "time": 12.5, "request": asked, "response": answered, **more}


def test_the_seed_goes_to_an_archive_and_comes_back(seed: Path) -> None:
    """With its durations to the nanosecond; of the request's and the answer's heads what an archive has."""
    tape = Tape.load(seed)
    written = write(Brought("go-vcr", tuple(tape.interactions)), "har")
    again = read(written.data)
    assert again.format == "har"
    for one, other in zip(again.interactions, tape.interactions, strict=True):
        assert one.request.body == other.request.body
        assert one.request.headers == other.request.headers
        assert one.response.headers == other.response.headers
        assert msgspec.structs.replace(one.response, uncompressed=other.response.uncompressed) == other.response


def test_bodies_are_text_or_base64_and_compressed_ones_are_undone() -> None:
    """Also without padding, and of a request, as version 1.3 has it."""
    binary = base64.b64encode(b"\xff\x00\x01\x02").decode().rstrip("=")
    packed = base64.b64encode(gzip.compress(b"plain")).decode()
    said = [{"name": "content-encoding", "value": "gzip"}, {"name": ":status", "value": "200"}]
    found = read(
        archive(
            entry(
                {"postData": {"text": "aGk=", "encoding": "base64"}},
                {"content": {"text": binary, "encoding": "base64"}},
            ),
            entry({}, {"headers": said, "content": {"text": packed, "encoding": "base64"}}),
            entry({}, {"headers": said, "content": {"text": "was undone"}}),
        )
    )
    assert [one.response.body for one in found.interactions] == [b"\xff\x00\x01\x02", b"plain", b"was undone"]
    assert found.interactions[0].request.body == b"hi"
    assert [one.response.uncompressed for one in found.interactions] == [False, True, True]
    assert found.interactions[1].response.headers == ()
    assert found.interactions[0].response.proto == "HTTP/2.0"
    assert found.interactions[0].response.nanoseconds == 12_500_000


def test_what_browsers_leave_out_is_told() -> None:
    """No answer, a body that was not saved, a form without its bytes, what a tape has no place for."""
    form = {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a b", "value": "ü"}]}
    found = read(
        b"\xef\xbb\xbf"
        + archive(
            entry({}, {"status": 0, "content": {"size": 0}}),
            entry({"postData": form}, {"content": {"size": 300, "mimeType": "text/event-stream"}}),
            entry({}, None, _webSocketMessages=[{"data": "x"}], time=-1),
        )
    )
    assert len(found.interactions) == 2
    assert found.interactions[0].request.body == b"a+b=%C3%BC"
    assert {loss.what: loss.count for loss in found.losses} == {
        "an entry without an answer (left out)": 1,
        "request.postData.params: a form, encoded anew": 1,
        "an answer whose body was not saved: the tape has none": 1,
        "entries[].startedDateTime: a tape has no place for it where the answer has no Date": 2,
        "entries[]._webSocketMessages: a tape has no place for it": 1,
        "an entry whose time is none: the tape says 0s": 1,
    }


def test_the_archive_says_when_the_first_piece_came_and_the_exchange_began() -> None:
    """By what a recording notes, and by the answer's Date less what it took."""
    headers = [
        {"name": "Date", "value": "Thu, 01 Jan 2026 00:00:10 GMT"},
        {"name": "Playhead-Chunks", "value": "5:2 9:2"},
    ]
    brought = read(archive(entry({}, {"headers": headers, "content": {"text": "abcd"}})))
    (told,) = json.loads(write(brought, "har").data)["log"]["entries"]
    assert told["timings"] == {"send": 0, "wait": 5.0, "receive": 7.5}
    assert told["startedDateTime"] == "2026-01-01T00:00:09.987Z"
    assert header(read(write(brought, "har").data).interactions[0].response.headers, "playhead-chunks") == "5:2 9:2"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"log": {"entries": 5}}', "expected an HTTP archive"),
        (archive({"request": 5}), r"log\.entries\[0\]: expected an object"),
        (archive(entry({}, {"content": {"text": "a", "encoding": "base64"}})), "expected base64"),
        (b'{"log": {"entries": [', "no recording"),
    ],
)
def test_what_is_no_archive_is_refused(data: bytes, message: str) -> None:
    """It says where."""
    with pytest.raises(TapeFormatError, match=message):
        read(data)


REQUESTS = b"""\
{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m", "messages": []}}

{"custom_id": "b", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m", "messages": [1]}}
"""
RESULTS = b"""\
{"id": "r", "custom_id": "b", "response": {"status_code": 200, "request_id": "req", "body": {"id": "x"}}, "error": null}
{"id": "s", "custom_id": "c", "response": {"status_code": 200, "request_id": "req", "body": {}}, "error": null}
"""


def test_results_of_a_batch_are_exchanges_with_its_requests() -> None:
    """By their custom_id; a result whose request is not known is left out, and told."""
    found = read_lines(RESULTS, requests=REQUESTS)
    (one,) = found.interactions
    assert one.request.url == "https://api.openai.com/v1/chat/completions"
    assert one.request.body == b'{"model":"m","messages":[1]}'
    assert (one.response.code, one.response.body) == (200, b'{"id":"x"}')
    assert header(one.response.headers, "x-request-id") == "req"
    assert "a result whose request is not known" in found.losses[0].what


def test_prompts_become_requests_of_a_batch() -> None:
    """With a model where they name none; asked again, they are the same lines."""
    prompts = b'{"prompt": "Hi", "model": "n"}\n{"messages": [{"role": "user", "content": "Ho"}], "temperature": 0}\n'
    brought = read_lines(prompts, model="m")
    assert brought.interactions == ()
    lines = write(brought, "jsonl").data
    first, second = (json.loads(line) for line in lines.splitlines())
    assert first["body"] == {"model": "n", "messages": [{"role": "user", "content": "Hi"}]}
    assert second == {
        "custom_id": "line-2",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "m", "messages": [{"role": "user", "content": "Ho"}], "temperature": 0},
    }
    assert write(read(lines), "jsonl").data == lines


def test_a_tape_gives_each_of_its_questions_once(seed: Path) -> None:
    """Of the seed's twelve requests, two are different."""
    tape = Tape.load(seed)
    written = write(Brought("go-vcr", tuple(tape.interactions)), "jsonl")
    assert written.data.count(b"\n") == 2
    assert {loss.count for loss in written.losses} == {12, 10}


def test_a_line_that_is_none_is_refused_with_its_number() -> None:
    """Whatever is wrong with it."""
    for line, message in ((b"[]", "a JSON object"), (b"{", "not JSON"), (b'{"x": 1}', "expected a prompt")):
        with pytest.raises(TapeFormatError, match=message) as caught:
            read_lines(REQUESTS + line)
        assert caught.value.line == 4
