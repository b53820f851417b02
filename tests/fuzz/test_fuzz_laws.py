"""The fuzzer's laws hold over recorded bytes and over what was once tried to break them; atheris is not needed here.

An input that broke a law becomes a line here, as short as it can be made, and stays.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz_laws import LAWS, sealed
from fuzz_run import NAMES, seeds
from hypothesis import example, given, settings, strategies as st

from playhead.framing.aws_event_stream import EventMessage, encode_message

RUN = Path(__file__).with_name("fuzz_run.py")
HEAD = b"---\nversion: 2\ninteractions:\n"
ITEM = b"""\
- id: 0
  request:
    proto: HTTP/1.1
    proto_major: 1
    proto_minor: 1
    content_length: 2
    host: ""
    body: '{}'
    headers:
      B:
      - "2"
      A:
      - "1"
    url: https://p.test
    method: POST
  response:
    proto: HTTP/1.1
    proto_major: 1
    proto_minor: 1
    content_length: 2
    body: '{}'
    headers: {}
    status: 200 OK
    code: 200
    duration: 1.5ms
"""

#: Lines of a stream in all their forms, to be put together in any order.
LINES = [
    b"data: a",
    b"data:",
    b"data",
    b": x",
    b"event: e",
    b"id: 1",
    b"id: \0",
    b"retry: 5",
    b"\xef\xbb\xbf",
    b"",
    b"d",
]
ENDS = [b"\n", b"\r", b"\r\n", b"\n\n", b""]


def test_each_law_has_its_name() -> None:
    assert tuple(LAWS) == NAMES


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(LINES) | st.sampled_from(ENDS) | st.binary(max_size=4), max_size=24).map(b"".join))
@example(b"\xef\xbb")
@example(b"data: a\r\r\ndata: b\n\r")
def test_server_sent_events_are_those_of_the_standard_in_any_pieces(data: bytes) -> None:
    LAWS["sse"](data)


MESSAGE = encode_message(EventMessage({":message-type": "event", "n": True}, b'{"bytes":"e30="}'))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60) | st.builds(sealed, st.binary(max_size=12), st.binary(max_size=12)))
@example(MESSAGE * 3)
@example(MESSAGE + MESSAGE[:-1] + b"\1")
def test_messages_of_an_event_stream_are_the_same_in_any_pieces(data: bytes) -> None:
    LAWS["aws_event_stream"](data)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(ITEM)), st.integers(0, len(ITEM)), st.binary(max_size=3))
@example(0, 0, b"")
def test_a_tape_with_a_part_replaced_is_refused_or_read_as_one_by_all_readers(
    start: int, end: int, said: bytes
) -> None:
    LAWS["tape"](HEAD + ITEM[: min(start, end)] + said + ITEM[max(start, end) :] + ITEM.replace(b"id: 0", b"id: 1"))


@pytest.mark.parametrize("name", NAMES)
def test_the_laws_hold_over_the_recordings_that_the_fuzzer_begins_with(
    name: str, cassettes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYHEAD_CASSETTES", str(cassettes))
    begun = list(seeds(name))
    assert begun
    for seed in begun:
        LAWS[name](seed)


def test_an_input_is_tried_again_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(b"data: a\n\n")
    command = [sys.executable, str(RUN), "sse", str(tmp_path / "input")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("the law of sse holds\n")


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed (playhead[fuzz])")
def test_the_fuzzer_runs_for_as_long_as_it_may(tmp_path: Path) -> None:
    command = [sys.executable, str(RUN), "aws_event_stream"]
    environment = {**os.environ, "FUZZ_SECONDS": "1", "FUZZ_FOLDER": str(tmp_path), "PLAYHEAD_CASSETTES": ""}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "corpus" / "aws_event_stream").is_dir()
    assert not list((tmp_path / "crashes").iterdir())
