"""Bodies that grow out of each other are held once, and are the same to whoever looks."""

from __future__ import annotations

import copy
import pickle
import tracemalloc
from pathlib import Path

import msgspec
from hypothesis import given, settings, strategies as st

from playhead.tapes import Tape, open_session
from playhead.tapes.grown import GrownRequest, grown, plain
from playhead.tapes.interaction import RecordedRequest, interaction
from playhead.wire import HTTPRequest

URL = "https://example.org/v1/chat/completions"


def recorded(body: bytes) -> RecordedRequest:
    made = interaction(
        0,
        HTTPRequest("POST", URL, (), body),
        status=200,
        reason="OK",
        proto="HTTP/1.1",
        headers=(),
        body=b"",
        nanoseconds=1,
    )
    return made.request


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12000), st.binary(max_size=3000)), min_size=1, max_size=12))
def test_whatever_bodies_follow_each_other_each_is_what_it_was(steps: list[tuple[int, bytes]]) -> None:
    before: RecordedRequest | None = None
    body, kept = b"start" * 1000, []
    for cut, more in steps:
        body = body[:cut] + more
        before = grown(recorded(body), before)
        kept.append((before, body))
    for request, whole in kept:
        assert request.body == whole
        assert request == recorded(whole)
        assert recorded(whole) == request
        assert hash(request) == hash(recorded(whole))


def test_a_grown_request_is_a_recorded_request_in_all_ways() -> None:
    first = recorded(b"a" * 10_000)
    second = grown(recorded(b"a" * 10_000 + b"b"), first)
    assert isinstance(second, GrownRequest)
    assert second.content_length == 10_001
    assert pickle.loads(pickle.dumps(second)) == second == copy.deepcopy(second)  # noqa: S301
    assert type(plain(second)) is RecordedRequest
    assert msgspec.structs.replace(second, body=b"other").body == b"other"
    assert second != first


def test_a_recording_of_many_steps_holds_little_more_than_its_history(tmp_path: Path) -> None:
    path, steps = tmp_path / "t.yaml", 200
    history = b""
    tracemalloc.start()
    with open_session(path, "record") as session:
        for number in range(steps):
            history += b"%d lorem ipsum " % number * 350
            body = b'{"messages":[' + history + b'],"tools":[]}'
            session.record(
                HTTPRequest("POST", URL, (), body),
                status=200,
                reason="OK",
                proto="HTTP/1.1",
                headers=(),
                body=b"{}",
                nanoseconds=1,
            )
        held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 5 * len(history)  # what is written was a hundred times as much
    assert [item.request.body for item in session.tape.interactions] == [
        item.request.body for item in Tape.load(path).interactions
    ]
    assert session.tape.interactions[-1] == Tape.load(path).interactions[-1]
