"""Half characters: joined where they meet, replaced where they stay alone."""

from __future__ import annotations

import json

from hypothesis import given, settings, strategies as st

from playhead.surrogates import joined, joined_json, parted, whole_escapes

anything = st.text(st.characters() | st.sampled_from('\ud83d\ude00\\u"'), max_size=8)


def test_halves_that_meet_are_a_character_and_others_are_replaced() -> None:
    assert joined("\ud83d\ude00 \ud83d \ude00\ud83d") == "\U0001f600 \ufffd \ufffd\ufffd"


@given(anything)
@settings(max_examples=200, deadline=None)
def test_joined_text_can_be_sent_and_stays_as_it_is(text: str) -> None:
    once = joined(text)
    assert once.encode().decode() == once == joined(once)


@given(anything, anything)
@settings(max_examples=200, deadline=None)
def test_text_that_comes_in_two_pieces_is_joined_as_if_it_came_in_one(first: str, second: str) -> None:
    said, half = parted(first)
    assert said + joined(half + second) == joined(first + second)


@given(anything)
@settings(max_examples=200, deadline=None)
def test_escapes_are_mended_as_the_text_that_they_stand_for(text: str) -> None:
    assert json.loads(whole_escapes(json.dumps(text))) == joined(text)


def test_keys_are_text_too_and_some_strings_may_wait() -> None:
    assert joined_json({"a\ud83d": ["\ud83d", 1, None], "words": "\ud83d"}, frozenset({"words"})) == {
        "a\ufffd": ["\ufffd", 1, None],
        "words": "\ud83d",
    }
