"""Text and bytes survive the way onto a tape and back, and PyYAML reads the same from what is written."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings, strategies as st

from playhead.tapes.duration import decode_duration, encode_duration
from playhead.tapes.interaction import Interaction, RecordedRequest, RecordedResponse, interaction
from playhead.tapes.layout import HEAD, LAYOUTS, Layout
from playhead.tapes.scalars import encode_scalar
from playhead.tapes.tape import Tape
from playhead.tapes.yaml_fallback import read_any
from playhead.tapes.yaml_read import _Reader
from playhead.tapes.yaml_write import encode_interaction, sort_names
from playhead.wire import HTTPRequest

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
awkward = st.text(
    st.sampled_from(list(" \t\n\r:#-?'\"\\|>&*!%@`[]{},~=<é\x85\u2028\u2029\ufeff\ud7ff\ufffd😀\x00\x7fay10_.")),
    max_size=14,
)
layouts = st.sampled_from(LAYOUTS)


def item(body: bytes = b"", *, url: str = "u", headers: tuple[tuple[str, str], ...] = ()) -> Interaction:
    made = interaction(
        0, HTTPRequest("POST", url, (), body), status=200, reason="OK", proto="HTTP/2.0", headers=(), body=body,
        nanoseconds=1,
    )  # fmt: skip
    request = {name: getattr(made.request, name) for name in RecordedRequest.__struct_fields__}
    response = {name: getattr(made.response, name) for name in RecordedResponse.__struct_fields__}
    ordered = tuple((name, value) for name in sort_names(list(dict(headers))) for key, value in headers if key == name)
    request |= {"headers": ordered, "transfer_encoding": tuple(value for _, value in headers)}
    return Interaction(0, RecordedRequest(**request), RecordedResponse(**response))


def write(made: Interaction, layout: Layout) -> bytes:
    return HEAD + encode_interaction(made, layout)


@settings(deadline=None, max_examples=400)
@given(st.one_of(texts.map(str.encode), awkward.map(str.encode), st.binary(max_size=200)), layouts)
def test_any_body_survives_and_both_readers_agree(body: bytes, layout: Layout) -> None:
    made = item(body)
    data = write(made, layout)
    assert Tape.loads(data).interactions == [made]
    assert _Reader(data).read().interactions == (made,)  # what is written here never needs the slow way
    assert read_any(data, None).interactions == (made,)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.tuples(st.one_of(texts, awkward), st.one_of(texts, awkward)), max_size=4),
    st.one_of(texts, awkward),
    layouts,
)
def test_any_header_and_url_survive(headers: list[tuple[str, str]], url: str, layout: Layout) -> None:
    made = item(b"{}", url=url, headers=tuple(headers))
    data = write(made, layout)
    assert Tape.loads(data).interactions == [made]


@settings(deadline=None, max_examples=300)
@given(st.one_of(texts, awkward), layouts)
def test_pyyaml_constructs_the_same_text(text: str, layout: Layout) -> None:
    """Not only our own reading of PyYAML's nodes: what its ``safe_load`` gives is the string itself."""
    document = yaml.safe_load(write(item(text.encode(), url=text, headers=((text, text),)), layout))
    request = document["interactions"][0]["request"]
    assert request["url"] == text
    assert request.get("body", "") == text
    assert request["headers"] == {text: [text]}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", '""'),
        ("plain text, with a comma", "plain text, with a comma"),
        ("yes", '"yes"'),
        ("y", '"y"'),
        ("~", '"~"'),
        ("null", '"null"'),
        ("True", '"True"'),
        ("1:30", '"1:30"'),
        ("0o7", '"0o7"'),
        ("1_000", '"1_000"'),
        ("0x1F", '"0x1F"'),
        ("1e3", '"1e3"'),
        (".inf", '".inf"'),
        ("<<", '"<<"'),
        ("=", '"="'),
        ("2024-01-02", '"2024-01-02"'),
        ("2024-01-02T03:04:05Z", '"2024-01-02T03:04:05Z"'),
        ("127.0.0.1", "127.0.0.1"),
        ("12 apples", "12 apples"),
        ("-", "'-'"),
        ("?", "'?'"),
        ("-x", "-x"),
        ("?x", "?x"),
        ("a: b", "'a: b'"),
        ("a:b", "a:b"),
        ("a #b", "'a #b'"),
        ("a#b", "a#b"),
        ("it's {", "it's {"),
        ("{it's", "'{it''s'"),
        (" x", "' x'"),
        ("---", "'---'"),
        ("a\tb", '"a\\tb"'),
        ("a\rb", '"a\\rb"'),
        ("😀", '"\\U0001F600"'),
        ("é", "é"),
        ("\u2028", '"\\L"'),
        ("\x85\xa0\x7f\ufeff", '"\\N\xa0\\x7F\\uFEFF"'),
        ("a\nb", "|-\n    a\n    b"),
        ("a\nb\n", "|\n    a\n    b"),
        ("a\n\n\n", "|+\n    a\n\n"),
        ("\na", "|2-\n\n    a"),
        (" a\nb", "|2-\n     a\n    b"),
        ("a \nb", '"a \\nb"'),
        ("\n\n", '"\\n\\n"'),
        ("a\n\tb", "|-\n    a\n    \tb"),
        ("\ta\nb", '"\\ta\\nb"'),
    ],
)
def test_text_takes_the_style_that_go_gives_it(text: str, written: str) -> None:
    assert encode_scalar(text.encode(), 4, 2).decode() == written


def test_bytes_that_are_no_text_are_base64_in_lines_of_70() -> None:
    assert encode_scalar(b"\xff" * 3, 4, 2) == b"!!binary ////"
    assert encode_scalar(b"\xff" * 60, 4, 2) == b"!!binary |\n    " + b"/" * 70 + b"\n    " + b"/" * 10


def test_no_line_is_folded() -> None:
    text = "a word " * 20_000 + "."
    assert encode_scalar(text.encode(), 4, 2).count(b"\n") == 0


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (512_500, "512.5µs"),
        (342_705_250, "342.70525ms"),
        (1_915_256_958, "1.915256958s"),
        (78_006_992_750, "1m18.00699275s"),
        (3_600_000_000_000, "1h0m0s"),
        (-1_500_000, "-1.5ms"),
    ],
)
def test_durations_have_go_s_form(nanoseconds: int, text: str) -> None:
    assert encode_duration(nanoseconds) == text
    assert decode_duration(text) == nanoseconds


@settings(deadline=None, max_examples=200)
@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_every_duration_survives(nanoseconds: int) -> None:
    assert decode_duration(encode_duration(nanoseconds)) == nanoseconds


@pytest.mark.parametrize("text", ["", "1", "s", "1 s", "1.5", "1ss", "1s2", "-", "1x"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        decode_duration(text)


def test_names_stand_in_the_order_of_go_s_encoder() -> None:
    assert sort_names(["X-10", "X-2", "b", "B", "Content-Type", "a1", "aa", "1"]) == [
        "1", "B", "Content-Type", "X-2", "X-10", "a1", "aa", "b",
    ]  # fmt: skip
