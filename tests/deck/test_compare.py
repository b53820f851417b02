"""Two tapes as conversations: what differs, what may, and what stands beside each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from playhead import Agent, ConfigError, Tape, Text, tool
from playhead.deck.compare import compare, same_bytes
from playhead.messages import Reasoning, ToolCall
from playhead.testing import FakeProvider, refuse, reply, tool_call
from playhead.testing.answers import Scripted


@tool
def weather(location: str) -> str:
    """The weather."""
    return f"40 C in {location}"


def taped(path: Path, *script: Scripted, prompts: tuple[str, ...] = ("Florence?",), **settings: object) -> Tape:
    """What a run of this script leaves on a tape; a tape of several runs where there are several prompts."""
    with FakeProvider() as fake:
        fake.script(*script)
        agent = Agent(fake.model("m"), tools=[weather], **settings)  # type: ignore[call-overload]
        for prompt in prompts:
            agent.run_sync(prompt, tape=path, tape_mode="resume")
    return Tape.load(path)


FLORENCE = reply(tool_call("weather", location="Florence"))


def test_ids_dates_costs_and_refusals_may_differ(tmp_path: Path) -> None:
    """Two runs that say the same are the same, however often they were refused; the figures show it."""
    left = taped(tmp_path / "a.yaml", FLORENCE, reply("Hot."))
    call = tool_call("weather", "another", location="Florence")
    right = taped(tmp_path / "b.yaml", refuse(429, retry_after=0), reply(call), reply("Hot."))
    found = compare(left, right)
    assert found.same
    assert same_bytes(left, right) is not None
    before, after = found.pairs[0].figures
    assert before is not None
    assert after is not None
    assert (before.attempts, before.refusals, after.attempts, after.refusals) == (2, 0, 3, 1)
    [item] = compare(left, right, attempts=True).pairs[0].differences
    assert (item.step, item.what, item.left, item.right) == (1, "attempts", "200", "429 200")


def test_what_was_said_called_given_and_answered_is_told_in_its_order(tmp_path: Path) -> None:
    """Each is a difference of its own, and the first is where the runs part."""
    left = taped(tmp_path / "a.yaml", FLORENCE, reply("Hot."), system="Be brief.")
    rome = reply("Well.", tool_call("weather", location="Rome"))
    right = taped(tmp_path / "b.yaml", rome, FLORENCE, reply("Mild."), system="Be kind.", temperature=0.5)
    found = compare(left, right).pairs[0].differences
    assert [(item.step, item.what, item.name) for item in found] == [
        (1, "system", "system"),
        (1, "settings", "temperature"),
        (1, "answer", None),
        (1, "call", "weather"),
        (1, "result", "weather"),
        (2, "settings", "temperature"),
        (2, "answer", None),
        (2, "call", "weather"),
        (2, "finish", None),
        (3, "steps", None),
    ]
    assert (found[4].left, found[4].right) == ("40 C in Florence", "40 C in Rome")
    assert found[-1].left is None
    assert found[-1].right == "Mild."


def test_arguments_are_compared_as_json(tmp_path: Path) -> None:
    """Their layout says nothing."""
    wide = reply(ToolCall("", "weather", '{ "location" :  "Florence" }'))
    left, right = taped(tmp_path / "a.yaml", FLORENCE, reply("Hot.")), taped(tmp_path / "b.yaml", wide, reply("Hot."))
    bodies = [
        [item.request.body for item in tape.interactions if item.request.method == "CALL"] for tape in (left, right)
    ]
    assert bodies == [[b'{"location":"Florence"}'], [b'{ "location" :  "Florence" }']]
    assert compare(left, right).same


def test_what_is_ignored_is_no_difference(tmp_path: Path) -> None:
    """By its kind, or as text by a pattern; a word that is neither is refused with the nearest."""
    left = taped(tmp_path / "a.yaml", reply(Reasoning("Hm."), Text("It is 2026-01-02.")))
    right = taped(tmp_path / "b.yaml", reply(Reasoning("Aha."), Text("It is 2026-03-04.")))
    whole = compare(left, right)
    kinds = {item.what for item in whole.pairs[0].differences}
    assert "answer" in kinds
    assert kinds <= {"answer", "reasoning"}
    assert compare(left, right, ignore=("answer", "reasoning")).same
    assert compare(left, right, ignore=(r"re:\d{4}-\d\d-\d\d", "reasoning")).same
    with pytest.raises(ConfigError, match="answer"):
        compare(left, right, ignore=("answers",))
    with pytest.raises(ConfigError, match="no pattern"):
        compare(left, right, ignore=("re:(",))


def test_conversations_are_paired_by_what_they_begin_with(tmp_path: Path) -> None:
    """In whatever order they were recorded; one without a counterpart is a difference."""
    prompts = ("One?", "Two?", "Three?")
    left = taped(tmp_path / "a.yaml", reply("1"), reply("2"), reply("3"), prompts=prompts)
    right = taped(tmp_path / "b.yaml", reply("3"), reply("1"), prompts=("Three?", "One?"))
    found = compare(left, right)
    assert [(pair.left, pair.right, pair.same) for pair in found.pairs] == [
        (1, 2, True),
        (2, None, False),
        (3, 1, True),
    ]
    assert not found.same


def test_a_tape_is_the_same_as_itself(cassettes: Path) -> None:
    """Whatever is on it."""
    paths = sorted(cassettes.rglob("*.yaml"))
    assert paths
    for path in paths[::4]:
        tape = Tape.load(path)
        assert compare(tape, tape).same, path
        assert same_bytes(tape, tape) is None, path
