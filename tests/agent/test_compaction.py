"""Histories that are cut: where they may be, what stays, and what a run does with the rest."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from playhead import Agent, drop_oldest, summarise, tool
from playhead.agent.compaction import (
    Cut,
    cut,
    cut_to_messages,
    cut_to_tokens,
    estimated,
    places,
    tokens_of,
    transcript,
    with_summary,
)
from playhead.agent.decide import correction
from playhead.errors import ConfigError, ContextTooLongError
from playhead.messages import File, Message, Text, ToolCall, ToolResult, system, user
from playhead.model import dialect_named
from playhead.providers.catalog import endpoint, resolve
from playhead.request import Request
from playhead.response import FinishReason, Response, Usage
from playhead.testing import FakeProvider, refuse, reply, tool_call


@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return "40 C"


FLORENCE = tool_call("weather", location="Florence")
MODELS = ("openai:m", "openai-responses:m", "anthropic:claude-x", "google:gemini-2.5-x", "bedrock-converse:nova-x")


def answer(*calls: str, text: str = "said", paused: bool = False) -> Message:
    parts: list[Any] = [Text(text)] if text else []
    return Message("assistant", (*parts, *(ToolCall(one, "weather", "{}") for one in calls)), paused=paused)


def results(*calls: str) -> Message:
    return Message("tool", tuple(ToolResult(one, "weather", (Text("40 C"),)) for one in calls))


@st.composite
def histories(draw: st.DrawFn) -> list[Message]:
    """What a run can have before it asks its model: valid, of any length, with corrections, pauses and calls."""
    messages = [system("be good")] if draw(st.booleans()) else []
    number = 0
    for turn in range(draw(st.integers(1, 4))):
        messages.append(user(f"question {turn}" * draw(st.integers(1, 40))))
        if draw(st.booleans()):
            messages.append(user("and more"))
        for _ in range(draw(st.integers(0, 4))):
            kind = draw(st.sampled_from(["calls", "paused", "corrected", "told"]))
            if kind == "calls":
                ids = [f"call_{number + at}" for at in range(draw(st.integers(1, 3)))]
                number += len(ids)
                messages += [answer(*ids, text=draw(st.sampled_from(["", "let me look" * 9]))), results(*ids)]
            elif kind == "paused":
                messages.append(answer(paused=True))
            elif kind == "corrected":
                messages += [answer(text="{"), correction("no JSON")]
            else:
                messages += [answer(f"x{number}"), results(f"x{number}"), system("from now on be brief")]
                number += 1
        if turn < 3 and draw(st.booleans()):
            messages += [answer(), user("go on")]
    if messages[-1].role == "assistant" and not messages[-1].paused:
        messages.append(user("go on"))
    return messages


def faults(messages: tuple[Message, ...] | list[Message]) -> list[str]:
    """What providers would refuse in a history."""
    found = []
    spoken = [message for message in messages if message.role != "system"]
    if not spoken or spoken[0].role != "user":
        found.append("does not begin with the user")
    open_calls: list[str] = []
    for message in spoken:
        if message.role == "tool":
            given_ids = [result.call_id for result in message.all(ToolResult)]
            if given_ids != open_calls:
                found.append(f"results {given_ids} for calls {open_calls}")
            open_calls = []
            continue
        if open_calls:
            found.append(f"calls {open_calls} without results")
        open_calls = [call.id for call in message.all(ToolCall)]
    return found + (["ends with open calls"] if open_calls else [])


@settings(max_examples=150, deadline=None)
@given(histories(), st.integers(1, 12), st.integers(1, 400), st.sampled_from(MODELS))
def test_a_history_that_is_cut_is_still_a_valid_one_that_every_wire_takes(
    history: list[Message], count: int, tokens: int, model: str
) -> None:
    assert faults(history) == []
    whole = sum(map(estimated, history))
    for part in (cut_to_messages(history, count), cut_to_tokens(history, tokens, whole)):
        kept = with_summary(part, "what was") if part.removed else part.kept
        assert faults(kept) == []
        assert kept[-1] == history[-1] or len(kept[-1].parts) == len(history[-1].parts) + 1
        in_order = [message for message in history if message in part.kept]
        assert list(part.kept) == in_order or len(set(map(repr, history))) < len(history)
        assert len(part.kept) + len(part.removed) == len(history)
        assert not any(message.role == "system" for message in part.removed)
        provider, name = resolve(model)
        where = endpoint(provider, name, "http://localhost")
        assert dialect_named(provider.dialect).encode_request(Request(name, kept), where).http.body


@settings(max_examples=60, deadline=None)
@given(histories(), st.integers(1, 12))
def test_so_many_messages_stay_and_not_more_than_there_must(history: list[Message], count: int) -> None:
    part = cut_to_messages(history, count)
    assert len(part.kept) >= min(count, len(history))
    later = [place for place in places(history) if place <= len(history) - count]
    assert all(len(cut(history, place).kept) >= len(part.kept) for place in later if place != later[-1])


def test_a_cut_before_an_answer_keeps_the_question_that_it_answers() -> None:
    first, second = user("old"), user("new")
    history = [system("s"), first, answer(), second, answer("a"), results("a"), answer("b"), results("b")]
    assert places(history) == (1, 2, 3, 4, 6)
    assert cut(history, 6) == Cut((history[0], second, *history[6:]), (first, history[2], *history[4:6]))
    assert cut_to_messages(history, 3).kept == (history[0], second, *history[4:])


def test_a_paused_answer_is_not_parted_from_what_goes_on_with_it_nor_a_correction_taken_for_a_question() -> None:
    assert places([user("q"), answer(paused=True), answer(), user("r")]) == (0, 1, 3)
    history = [user("q"), answer(text="{"), correction("no JSON"), answer("a"), results("a")]
    assert places(history) == (0, 1, 3)
    assert cut(history, 3).kept == (history[0], *history[3:])


def test_a_new_summary_takes_the_place_of_the_one_before() -> None:
    history = [user("q"), answer("a"), results("a"), answer("b"), results("b")]
    once = with_summary(cut(history, 3), "first")
    twice = with_summary(cut([*once, answer("c"), results("c")], 3), "second")
    assert [part.text for part in twice[0].all(Text)] == ["Summary of the conversation so far:\n\nsecond", "q"]


def test_tokens_are_what_the_last_answer_reported_and_an_estimate_of_what_came_after() -> None:
    history = [user("q" * 300), answer("a"), results("a")]
    said = Response((Text("said"),), FinishReason("tool_calls"), Usage(900, 100))
    assert tokens_of(history, said) == 1000 + estimated(history[-1])
    assert tokens_of(history, None) == sum(map(estimated, history)) > 100
    picture = user(File("image/png", data=b"\0" * 1_000_000))
    assert estimated(picture) < 2_000  # a picture is not counted by its bytes


def test_tools_that_are_sent_beside_the_history_count_and_cannot_be_cut() -> None:
    history = [user("q" * 300), answer("a"), results("a"), answer("b"), results("b")]
    whole = sum(map(estimated, history))
    assert cut_to_tokens(history, whole + 500, whole + 500).removed == ()
    assert cut_to_tokens(history, whole, whole + 500).kept == (history[0], *history[3:])
    assert cut_to_tokens(history, whole // 2, whole // 2).removed == ()  # the estimate was twice too high


def steps(fake: FakeProvider, count: int, **usage: Any) -> None:
    for number in range(count):
        fake.script(reply(tool_call("weather", f"call_{number}", location="Florence"), **usage))
    fake.script(reply("Hot."))


def test_a_run_goes_on_with_what_is_left_and_nothing_is_lost() -> None:
    with FakeProvider() as fake:
        steps(fake, 6)
        agent = Agent(fake.model("m"), tools=[weather], system="be good", compact=drop_oldest(keep_messages=4))
        run = agent.run_sync("Florence?")
        sent = [len(one.request.messages) for one in fake.requests]
        last = fake.requests[-1].request.messages
    assert sent == [2, 4, 6, 6, 6, 6, 6]
    assert run.messages[:2] == [system("be good"), user("Florence?")]
    assert list(last) == run.messages[:-1]  # what is sent is what the run shows
    assert [one.step for one in run.compactions] == [4, 5, 6, 7]
    assert all(one.summary is None for one in run.compactions)
    assert sum(len(one.removed) for one in run.compactions) + len(run.messages) == 2 + 6 * 2 + 1
    assert run.compactions[0].removed[0].all(ToolCall)[0].id == "call_0"


def test_a_history_may_grow_before_it_is_cut_so_that_its_beginning_stays_cached() -> None:
    with FakeProvider() as fake:
        steps(fake, 9)
        how = drop_oldest(keep_messages=2, over_messages=8)
        run = Agent(fake.model("m"), tools=[weather], compact=how).run_sync("Florence?")
        assert [len(one.request.messages) for one in fake.requests] == [1, 3, 5, 7, 3, 5, 7, 3, 5, 7]
    assert [one.step for one in run.compactions] == [5, 8]


def test_tokens_decide_as_the_provider_reports_them() -> None:
    with FakeProvider() as fake:
        fake.script(reply(tool_call("weather", location="a"), usage=Usage(100, 10)))
        fake.script(reply(tool_call("weather", location="b"), usage=Usage(5_000, 10)))
        fake.script(reply("Hot.", usage=Usage(60, 1)))
        agent = Agent(fake.model("m"), tools=[weather], compact=drop_oldest(keep_tokens=4_990))
        run = agent.run_sync("Florence?")
    assert [(one.step, len(one.removed)) for one in run.compactions] == [(3, 2)]
    assert run.compactions[0].tokens == 5_010 + estimated(run.messages[2])


@pytest.mark.parametrize("stream", [False, True])
def test_a_summary_is_a_run_of_its_own_on_the_same_tape_and_its_cost_counts(tmp_path: Path, stream: bool) -> None:
    tape = tmp_path / "tape.yaml"
    how = summarise(over_tokens=1_000, keep_messages=2, model="openai:small")
    with FakeProvider(price=(1, 1)) as fake:
        fake.script(reply(tool_call("weather", "c0", location="a")), reply(tool_call("weather", "c1", location="b")))
        fake.script(reply(tool_call("weather", "c2", location="c"), usage=Usage(5_000, 10, cost=Decimal("0.5"))))
        fake.script(reply("It was 40 C in a and b."), reply("Hot."))
        how = msgspec.structs.replace(how, model=fake.model("openai:small"))
        agent = Agent(fake.model("openai:m"), tools=[weather], compact=how)
        run = agent.run_sync("Florence?", tape=tape, tape_mode="record")
        asked = [one.request for one in fake.requests]
        billed = fake.billed.cost
    assert [request.model for request in asked] == ["m", "m", "m", "small", "m"]
    assert "calls weather with" in asked[3].messages[-1].text
    assert "weather gave: 40 C" in asked[3].messages[-1].text
    assert asked[4].messages[0].all(Text)[0].text.endswith("It was 40 C in a and b.")
    (compaction,) = run.compactions
    assert compaction.summary == "It was 40 C in a and b."
    assert [message.role for message in compaction.removed] == ["assistant", "tool", "assistant", "tool"]
    assert [child.text for child in run.children] == ["It was 40 C in a and b."]
    assert run.cost == billed

    def again() -> Any:
        if not stream:
            return agent.run_sync("Florence?", tape=tape, tape_mode="replay", fail_on_unplayed=True)
        import asyncio

        async def streamed() -> Any:
            async with agent.stream("Florence?", tape=tape, tape_mode="replay", fail_on_unplayed=True) as events:
                async for _ in events:
                    pass
                return events.run

        return asyncio.run(streamed())

    replayed = again()
    assert replayed.messages == run.messages
    assert replayed.compactions == run.compactions


def test_a_summary_that_comes_to_nothing_leaves_the_history_as_it_is() -> None:
    with FakeProvider() as fake:
        fake.script(reply(FLORENCE), reply(FLORENCE, usage=Usage(5_000, 1)), reply(" "), reply("Hot."))
        agent = Agent(fake.model("m"), tools=[weather], compact=summarise(over_tokens=1_000, keep_messages=1))
        run = agent.run_sync("Florence?")
    assert (run.text, run.compactions, len(run.messages)) == ("Hot.", [], 6)
    assert run.warnings == ["step 3: the summary of the history came to nothing; the history stays as it is"]


def test_a_summary_that_fails_is_a_warning_and_what_was_paid_for_it_counts() -> None:
    with FakeProvider("openrouter", price=(1, 1)) as fake:
        fake.script(reply(FLORENCE), reply(FLORENCE, usage=Usage(5_000, 1)), refuse(400), reply("Hot."))
        agent = Agent(fake.model("m"), tools=[weather], compact=summarise(over_tokens=1_000, keep_messages=1))
        run = agent.run_sync("Florence?")
        assert run.cost == fake.billed.cost
    assert (run.text, run.compactions) == ("Hot.", [])
    assert run.warnings == ["step 3: the summary of the history failed (BadRequestError); the history stays as it is"]
    assert [attempt.status for child in run.children for attempt in child.attempts] == [400]


TOO_LONG = ContextTooLongError("300000 tokens > 200000 maximum")


def test_what_is_too_long_for_the_model_is_cut_to_half_and_asked_again_once(tmp_path: Path) -> None:
    tape = tmp_path / "tape.yaml"
    with FakeProvider("anthropic") as fake:
        fake.script(reply(FLORENCE), reply(FLORENCE), reply(FLORENCE), refuse(TOO_LONG), reply("Hot."))
        agent = Agent(fake.model("claude-x"), tools=[weather], compact=drop_oldest(keep_tokens=100_000))
        run = agent.run_sync("Florence?", tape=tape, tape_mode="record")
        assert len(fake.requests) == 5
    (compaction,) = run.compactions
    assert (run.text, compaction.step, compaction.too_long) == ("Hot.", 4, True)
    assert len(run.steps) == 4
    assert [attempt.status for attempt in run.attempts] == [200, 200, 200, 400, 200]
    replayed = agent.run_sync("Florence?", tape=tape, tape_mode="replay", fail_on_unplayed=True)
    assert replayed.messages == run.messages


def test_what_is_still_too_long_is_an_error_that_carries_the_run() -> None:
    with FakeProvider("anthropic") as fake:
        fake.script(reply(FLORENCE), reply(FLORENCE), refuse(TOO_LONG), refuse(TOO_LONG))
        agent = Agent(fake.model("claude-x"), tools=[weather], compact=drop_oldest(keep_tokens=100_000))
        with pytest.raises(ContextTooLongError) as caught:
            agent.run_sync("Florence?")
        assert len(caught.value.run.compactions) == 1
    with FakeProvider("anthropic") as fake:
        fake.script(refuse(TOO_LONG))
        how = drop_oldest(keep_tokens=100_000, when_too_long=False)
        with pytest.raises(ContextTooLongError):
            Agent(fake.model("claude-x"), compact=how).run_sync("Florence?")
        assert len(fake.requests) == 1


def test_a_transcript_holds_what_was_said_and_done_in_words() -> None:
    said = transcript([user("see", File("image/png", data=b"x", name="a.png")), answer("a"), results("a")])
    assert said == (
        "[user] see\n\n[user] (a file: a.png)\n\n[assistant] said\n\n[assistant] calls weather with {}\n\n"
        "[tool] weather gave: 40 C"
    )


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: drop_oldest(), "one of the two"),
        (lambda: drop_oldest(keep_tokens=1, keep_messages=1), "one of the two"),
        (lambda: drop_oldest(keep_tokens=0), "at least 1"),
        (lambda: drop_oldest(keep_tokens=10, over_tokens=5), "not less"),
        (lambda: drop_oldest(keep_tokens=10, over_messages=50), "goes with keep_messages"),
        (lambda: summarise(over_tokens=0), "at least 1"),
        (lambda: Agent("openai:m", compact="drop"), "drop_oldest"),  # type: ignore[arg-type]
    ],
)
def test_settings_that_cannot_be_are_refused(make: Any, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        make()
