"""Histories and waiting runs that come from outside: whatever they hold, they are read or refused in plain words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from playhead import ConfigError, HistoryFormatError, Message, Pending, Text, ToolCall, load_messages, user
from playhead.agent.pending import DEEPEST

READERS: list[Callable[[Any], Any]] = [load_messages, Pending.from_json]
WAITING = Pending((user("go"),), (ToolCall("c1", "refund", "{}"),))


def nested(depth: int) -> Pending:
    run = WAITING
    for _ in range(depth - 1):
        run = Pending((user("go"),), (), {"c0": run})
    return run


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "data",
    [
        None,
        5,
        ["{}"],
        object(),
        "",
        b"\xff",
        "\ud800",
        b"[" * 1_000_000,
        '{"version":1,"messages":' + "[" * 100_000,
        '{"version":1,"pending":' + '{"messages":[],"own":[],"inner":{"a":' * 100_000,
        b'{"version":1,"messages":{"role":5},"pending":[]}',
        b'{"version":"1"}',
        b'{"version":1e999}',
        b'{"version":2,"messages":[],"pending":{"messages":[],"own":[]}}',
    ],
    ids=lambda data: re.sub("0x.*", "", repr(data)[:30]),
)
def test_what_is_no_document_is_refused_as_such(read: Callable[[Any], Any], data: Any) -> None:
    with pytest.raises(HistoryFormatError, match=r"this is not a |of version 2; this playhead reads version 1"):
        read(data)


@pytest.mark.parametrize("read", READERS)
@given(
    data=st.one_of(
        st.binary(), st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps)
    )
)
@settings(max_examples=50, deadline=None)
def test_whatever_comes_is_refused_in_one_way(read: Callable[[Any], Any], data: Any) -> None:
    with pytest.raises(HistoryFormatError):
        read(data)


def test_runs_that_wait_as_deep_as_is_read_are_written_approved_and_read_again() -> None:
    run = nested(DEEPEST)
    assert run.calls == WAITING.own
    again = Pending.from_json(run.to_json())
    assert again == run
    assert Pending.from_json(again.approve().to_json()) == run.approve() == run.approve("c1")
    assert Pending.from_json(again.refuse("c1", "no").to_json()) == run.refuse("c1", "no")


def test_runs_that_wait_too_deep_for_the_stack_are_refused_in_plain_words() -> None:
    run = nested(3000)
    for use in (lambda: run.calls, run.to_json, run.approve, lambda: run.approve("c1"), lambda: run.answer("c1", "x")):
        with pytest.raises(ConfigError, match=f"more than {DEEPEST} deep"):
            use()
    deep = msgspec.json.encode({"version": 1, "pending": nested(DEEPEST + 1)})
    with pytest.raises(HistoryFormatError, match=f"not a run that waits: .* more than {DEEPEST} deep"):
        Pending.from_json(deep)


def test_calls_of_runs_inside_stand_in_the_order_in_which_they_wait() -> None:
    def waits(*ids: str, **inner: Pending) -> Pending:
        return Pending((user("go"),), tuple(ToolCall(id, "t", "{}") for id in ids), inner)

    run = waits("a", "b", x=waits("c", y=waits("d")), z=waits("e"))
    assert [call.id for call in run.calls] == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("reason", ["\ud800", object()], ids=["half a character", "no text"])
def test_a_decision_that_json_cannot_hold_is_told_when_it_is_written(reason: Any) -> None:
    with pytest.raises(ConfigError, match="cannot be written as JSON"):
        WAITING.refuse("c1", reason).to_json()


def test_a_message_that_no_json_holds_is_told_as_one() -> None:
    half = Pending((Message("user", (Text("\ud800"),)),), ())
    with pytest.raises(ConfigError, match="cannot be written as JSON"):
        half.to_json()
