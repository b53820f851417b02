"""Laws of the Gemini codec over answers of any kind: decoding undoes encoding, and damage is a ModelError."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import given, settings, strategies as st

from playhead.dialects import gemini
from playhead.dialects.base import Endpoint
from playhead.errors import ModelError
from playhead.events import ModelEvent, ResponseEnd
from playhead.fold import fold, unfold
from playhead.messages import File, Opaque, Reasoning, Source, Text, ToolCall
from playhead.response import FinishReason, Response, Usage

ANYONE = Endpoint("google", "https://example.test/v1beta", gemini.Profile())


def signed(signature: str) -> Opaque:
    return Opaque("gemini", {"thoughtSignature": signature})


def events(data: bytes) -> list[ModelEvent]:
    decoder = gemini.decoder(ANYONE)
    return decoder.feed(data) + decoder.close()


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
OPAQUE = st.none() | WORDS.map(signed)
JSON_OBJECT = st.dictionaries(WORDS, st.integers() | WORDS | st.booleans() | st.none(), max_size=3).map(
    lambda value: msgspec.json.encode(value).decode()
)
PARTS = st.one_of(
    st.builds(Text, WORDS, st.none(), OPAQUE),
    st.builds(Reasoning, WORDS, OPAQUE),
    st.builds(File, st.sampled_from(["image/png", "application/pdf"]), st.binary(max_size=9), opaque=OPAQUE),
    st.builds(ToolCall, WORDS.map(lambda word: f"id-{word}"), WORDS, JSON_OBJECT, st.none(), OPAQUE),
)
COUNT = st.integers(0, 10**9)


def _apart(parts: list[Any]) -> tuple[Any, ...]:
    """Neighbours that this wire would join are set apart by a signature, as it sets them apart itself."""
    said: list[Any] = []
    for number, part in enumerate(parts):
        joins = bool(said) and type(said[-1]) is type(part) and part.opaque is None and said[-1].opaque is None
        if joins and isinstance(part, Text | Reasoning):
            part = msgspec.structs.replace(part, opaque=signed(f"s{number}"))
        said.append(part)
    return tuple(said)


@st.composite
def responses(draw: st.DrawFn) -> Response:
    parts = _apart(draw(st.lists(PARTS, max_size=5)))
    length = len("".join(part.text for part in parts if isinstance(part, Text)))
    places = st.tuples(st.integers(0, length), st.integers(0, length)).map(sorted)
    sources = []
    for url, title, (start, end) in draw(st.lists(st.tuples(WORDS, st.none() | WORDS, places), max_size=3)):
        sources.append(Source(url, title, start, end))
    calls = any(isinstance(part, ToolCall) for part in parts)
    word = draw(st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY", "OTHER"]))
    unified: Any = {"STOP": "tool_calls" if calls else "stop", "MAX_TOKENS": "length", "SAFETY": "content_filter"}
    thoughts = draw(st.none() | COUNT)
    usage = Usage(draw(COUNT), draw(COUNT) + (thoughts or 0), draw(st.none() | COUNT), None, thoughts)
    return Response(
        (*parts, *sources),
        FinishReason(unified.get(word, "other"), word),
        draw(st.none() | st.just(usage)),
        draw(st.none() | WORDS),
        draw(st.none() | WORDS),
        None,
        draw(st.none() | st.integers(0, 2**32)),
    )


@settings(max_examples=150, deadline=None)
@given(responses(), st.data())
def test_decoding_what_was_encoded_gives_the_same(response: Response, data: st.DataObject) -> None:
    assert gemini.decode_response(gemini.encode_response(response), ANYONE)[0] == response
    encoder = gemini.encoder()
    stream = b"".join(map(encoder.feed, unfold(response)))
    cut = data.draw(st.integers(0, len(stream)))
    decoder = gemini.decoder(ANYONE)
    assert fold(decoder.feed(stream[:cut]) + decoder.feed(stream[cut:]) + decoder.close()) == response


@settings(max_examples=150, deadline=None)
@given(responses(), st.data())
def test_damage_is_a_model_error_or_another_answer(response: Response, data: st.DataObject) -> None:
    encoder = gemini.encoder()
    stream = b"".join(map(encoder.feed, unfold(response)))
    for body in (bytearray(stream), bytearray(gemini.encode_response(response))):
        for place in data.draw(st.lists(st.integers(0, len(body) - 1), max_size=3)):
            body[place] = data.draw(st.integers(0, 255))
        with suppress(ModelError):
            assert isinstance(events(bytes(body))[-1], ResponseEnd)
