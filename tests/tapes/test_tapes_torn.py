"""A tape that was cut at any byte opens, keeps every whole interaction, and goes on as if it had not been cut."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from playhead.errors import TapeFormatError
from playhead.tapes.interaction import Interaction
from playhead.tapes.scalars import Unsure
from playhead.tapes.session import open_session
from playhead.tapes.tape import Tape
from playhead.tapes.yaml_fallback import read_any
from playhead.tapes.yaml_read import _Reader
from playhead.wire import HTTPRequest

HEADERS = (("Playhead-Chunks", "1 2"), ("Authorization", "Bearer x"))
#: One of each style of body: single-quoted, block, double-quoted, base64, plain, none.
BODIES = (
    '{"messages":[{"content":"wie heißt\'s?"}]}'.encode(),
    'data: {"a": "é"}\n\nduration: 5ms\n\n  - id: 0\n\ndata: [DONE]\n\n'.encode(),
    '{"smile":"😀"}'.encode(),
    bytes(range(128, 184)),
    b"plain",
    b"",
)


def ask(session: object, at: int) -> Interaction:
    body = BODIES[at]
    return session.record(  # type: ignore[attr-defined,no-any-return]
        HTTPRequest("POST", f"https://example.org/{at}", HEADERS, body),
        status=200, reason="", proto="HTTP/2.0", headers=HEADERS, body=body, nanoseconds=61_000_000_000 + at,
    )  # fmt: skip


def record(path: Path, count: int = len(BODIES)) -> bytes:
    with open_session(path, "record") as session:
        for at in range(count):
            ask(session, at)
    return path.read_bytes()


def test_a_tape_cut_at_every_byte_opens_and_continues_to_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    whole = record(path)
    ends = [match.end() for match in re.finditer(rb"^        duration: \S+\n", whole, re.MULTILINE)]
    assert len(ends) == len(BODIES)
    full = Tape.loads(whole).interactions
    head = whole.index(b"  - id: 0")
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        tape = Tape.load(path)
        kept = sum(1 for end in ends if end <= cut)
        assert tape.interactions == full[:kept], cut
        torn = cut not in (0, head, *ends)
        assert bool(tape.warnings) == torn, (cut, tape.warnings)
        with open_session(path, "resume") as session:
            assert session.tape.interactions == full[:kept]
            for at in range(len(BODIES)):
                request = HTTPRequest("POST", f"https://example.org/{at}", (), BODIES[at])
                found = session.play(request)
                assert (found is None) == (at >= kept)
                if found is None:
                    ask(session, at)
            assert session.tape.dumps() == whole
        assert path.read_bytes() == whole, cut


def test_the_warning_says_what_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    whole = record(path)
    path.write_bytes(whole[:-1])
    tape = Tape.load(path)
    start = whole.rindex(b"  - id: 5")
    assert tape.warnings == [
        f"the last interaction is torn: its {len(whole) - 1 - start} bytes are dropped, the 5 before it are whole"
    ]
    assert tape.dumps() == whole[:start]


def test_reading_a_torn_tape_changes_nothing_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_bytes(record(path)[:-3])
    before = path.read_bytes()
    with open_session(path, "replay"):
        pass
    with open_session(path, "resume"):
        pass
    assert path.read_bytes() == before


def test_what_is_broken_in_the_middle_is_an_error_with_its_line(tmp_path: Path) -> None:
    """Also when the end is torn as well: only what stands at the very end was cut by a crash."""
    whole = record(tmp_path / "t.yaml")
    lines = whole.split(b"\n")
    for number in range(3, len(lines) // 2):
        data = b"\n".join([*lines[:number], *lines[number + 1 :]])
        for end in (len(data), len(data) - 5):
            try:
                tape = Tape.loads(data[:end])
            except TapeFormatError as error:
                assert error.line is not None  # noqa: PT017
            else:  # a line of a body or an optional key may be missing; nothing else may
                assert len(tape.interactions) == len(BODIES) - (end < len(data)), lines[number]


@pytest.mark.parametrize("garbage", [b"garbage", b"version: 3", b"  - id: x", b"\x00\x00", b"    request:"])
def test_other_bytes_at_the_end_are_no_torn_item(tmp_path: Path, garbage: bytes) -> None:
    whole = record(tmp_path / "t.yaml")
    with pytest.raises(TapeFormatError):
        Tape.loads(whole + garbage + b"\n" + whole[-80:])


edits = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 3),
        st.text(st.sampled_from(list(" \n\t-:#'\"\\|+&*!>[]{},0aé\u2028~")), max_size=3).map(str.encode),
    ),
    min_size=1,
    max_size=3,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return record(tmp_path_factory.mktemp("tapes") / "t.yaml")


@settings(deadline=None, max_examples=600)
@given(edits)
def test_the_quick_reader_never_guesses(whole: bytes, changes: list[tuple[float, int, bytes]]) -> None:
    """In a file with bytes changed anywhere it reads what a full YAML parser reads, or leaves it to that."""
    data = whole
    for place, drop, insert in changes:
        at = int(place * len(data))
        data = data[:at] + insert + data[at + drop :]
    try:
        reading = _Reader(data).read()
    except Unsure:
        return
    if reading.warnings:  # a torn end; what comes before it is what counts
        data = data[: reading.end]
    if reading.interactions:
        assert read_any(data, None).interactions == reading.interactions


def test_a_torn_item_in_a_file_of_another_layout_is_dropped_too(tmp_path: Path) -> None:
    whole = b"# a comment\n" + record(tmp_path / "t.yaml")
    start = whole.index(b"  - id: 5")
    for cut in (len(whole) - 1, len(whole) - 20, len(whole) - 200):
        tape = Tape.loads(whole[:cut])
        assert len(tape.interactions) == 5
        assert len(tape.warnings) == 1
        assert tape.dumps() == whole[:start]


def test_a_torn_tape_of_another_tool_continues_in_its_layout(cassettes: Path, tmp_path: Path) -> None:
    source = next(file for file in sorted(cassettes.rglob("*.yaml")) if file.read_bytes().count(b"\n- id: ") > 1)
    data = source.read_bytes()
    path = tmp_path / "t.yaml"
    path.write_bytes(data[:-7])
    with open_session(path, "resume") as session:
        ask(session, 0)
    written = path.read_bytes()
    last = data.rindex(b"\n- id: ") + 1
    assert written[:last] == data[:last]
    assert written[last:].startswith(b"- id: 1\n  request:\n    proto: HTTP/1.1\n")
    assert Tape.load(path).warnings == []
