"""Histories written by earlier versions: what stands in a file today reads the same for ever.

``histories/version_1.json`` was written by the first version of the format and is never written again. A later version
of the format adds its own file here and keeps this one readable.
"""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from playhead import HistoryFormatError, dump_messages, load_messages
from playhead.messages import (
    HISTORY_VERSION,
    Cache,
    File,
    Message,
    Native,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
)

VERSION_1 = Path(__file__).parent / "histories" / "version_1.json"

#: What the file says, every kind of part with every field of it.
MEANT = [
    Message("system", (Text("be good", Cache("1h")),)),
    Message(
        "user",
        (
            Text("what is in this? \u2013 見て \x00\U0001f600"),
            File("image/png", data=b"\x89PNG\x00\xff", name="a.png", detail="high", cache=Cache()),
            File("", url="https://example.com/a.pdf", opaque=Opaque("openai_chat", {"file_id": "f"})),
            Native("document", Opaque("anthropic_messages", {"type": "document", "context": None})),
        ),
        name="Ann",
    ),
    Message(
        "assistant",
        (
            Reasoning("let me see", Opaque("anthropic_messages", {"signature": "abc=="})),
            Reasoning(),
            Text("look", opaque=Opaque("openai_responses", {"id": "msg_1", "logprobs": [-0.25, 1e-9, 12345678901]})),
            Source("https://example.com", "a title", 0, 4, Opaque("gemini", [True, None])),
            Source("https://example.org"),
            ToolCall("call_1", "weather", '{"location": "Florence"', Cache("5m"), Opaque("gemini", "sig")),
        ),
        paused=True,
    ),
    Message(
        "tool",
        (
            ToolResult("call_1", "weather", (Text("40 C"), File("image/png", data=b"")), True, Cache()),
            ToolResult("call_2", "", ()),
        ),
    ),
    Message("assistant", (Refusal("I would rather not", Opaque("openai_chat", {})), Refusal(""))),
    Message("user", ()),
]


def test_a_history_of_version_1_means_what_it_meant_when_it_was_written() -> None:
    assert load_messages(VERSION_1.read_bytes()) == MEANT
    assert load_messages(VERSION_1.read_text("utf-8")) == MEANT


def test_the_stored_history_holds_every_kind_of_part_and_every_role() -> None:
    kinds = {type(part) for message in MEANT for part in message.parts}
    assert kinds == set(get_args(Part))
    assert {message.role for message in MEANT} == {"system", "user", "assistant", "tool"}


def test_a_history_is_written_as_it_was_until_its_version_changes() -> None:
    """Whoever changes what is written without a new version breaks the files of those who have not changed yet."""
    if HISTORY_VERSION == 1:
        assert dump_messages(MEANT) == VERSION_1.read_bytes().strip()
    else:
        assert load_messages(dump_messages(MEANT)) == MEANT


def test_a_later_version_is_refused_and_both_versions_are_named() -> None:
    with pytest.raises(HistoryFormatError, match=f"version 999; this playhead reads version {HISTORY_VERSION}"):
        load_messages('{"version":999,"messages":[]}')
