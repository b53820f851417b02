"""What stands for a key where a server wants none is no secret: a conversation keeps its words."""

from __future__ import annotations

from pathlib import Path

import pytest

from playhead import Agent, Tape
from playhead.deck.credentials import credentials
from playhead.tapes.named import is_placeholder
from playhead.tapes.redact import Redactor
from playhead.testing import FakeProvider

NONE = """lm-studio not-needed sk-no-key-required no-key-required placeholder your-api-key YOUR_API_KEY_HERE dummy-key
    test-key fake_key localhost sk-dummy undefined koboldcpp <your-api-key> sk-xxxx""".split()  # noqa: SIM905
SOME = """my-secret-key correct-horse-battery hunter2hunter2 lm-studio-7f3a sk-fake-0123456789abcdef test1234
    swordfish sk-secret opensesame""".split()  # noqa: SIM905


@pytest.mark.parametrize("value", NONE)
def test_a_placeholder_is_replaced_nowhere(value: str) -> None:
    assert is_placeholder(value)
    redactor = Redactor([value])
    redactor.add_seen([value])
    assert redactor.secrets == frozenset()
    assert redactor.body(value.encode()) == value.encode()
    assert credentials((("Authorization", f"Bearer {value}"),), "/v1") == set()


@pytest.mark.parametrize("value", SOME)
def test_any_other_word_is_a_secret_where_it_is_given_for_one(value: str) -> None:
    assert Redactor([value]).body(f"<{value}>".encode()) == b"<REDACTED>"


@pytest.mark.parametrize("key", ["lm-studio", "another-key-9"])
def test_a_conversation_of_a_local_server_is_recorded_and_replayed_in_its_own_words(key: str, tmp_path: Path) -> None:
    path, question = tmp_path / "t.yaml", "How do I start lm-studio?"
    with FakeProvider(answer="Open lm-studio and press start.") as fake:
        agent = Agent("openai:m", base_url=fake.url, api_key="lm-studio")
        assert agent.run_sync(question, tape=path, tape_mode="record").text == "Open lm-studio and press start."
        assert question.encode() in Tape.load(path).interactions[0].request.body
        again = Agent("openai:m", base_url=fake.url, api_key=key)
        assert again.run_sync(question, tape=path, tape_mode="replay").text == "Open lm-studio and press start."
