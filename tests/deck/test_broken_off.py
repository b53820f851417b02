"""Tapes of who stops an answer and goes on talking, as ``playhead chat`` records them: verified, and played."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from playhead import Agent, RateLimitError, RetryPolicy, Tape, tool
from playhead.cli.chat.journal import Journal, said, settled
from playhead.deck.question import question
from playhead.deck.reel import Reel
from playhead.deck.rerun import Rerun, rerun
from playhead.deck.verify import Verdict, all_equal, verify
from playhead.events import PartDelta, ResponseStart
from playhead.messages import Message
from playhead.testing import FakeProvider, refuse, reply, tool_call

SPEAKERS = ("openai", "openai-responses", "anthropic", "google", "bedrock", "mistral")
LONG = "One two three four five six seven eight nine ten."


@tool
def look(order: int) -> str:
    """Look an order up"""
    return f"order {order} is on its way"


Leave = Callable[[Any], bool]


def at_a_word(event: Any) -> bool:
    return isinstance(event, PartDelta) and "One" in event.text


def at_the_beginning(event: Any) -> bool:
    return isinstance(event, ResponseStart)


async def turns(agent: Agent[str], tape: Path, *turns: tuple[str, Leave | None]) -> None:
    """Ask each question in turn, and leave where that is said."""
    journal, history = Journal.open(str(tape)), list[Message]()
    try:
        for words, leave_at in turns:
            stream: Any = agent.stream(words, messages=history, tape=journal, tape_mode="resume")
            with suppress(RateLimitError):
                async with stream:
                    async for event in stream:
                        if leave_at is not None and leave_at(event):
                            break
            history = settled([*stream.run.messages, *said(stream.run.partial)])
    finally:
        journal.close()


def verdict_of(tape: Tape) -> Verdict:
    return asyncio.run(verify(tape))


def played(tape: Tape) -> list[Rerun]:
    reel, runs = Reel(tape), []
    while reel.left:
        runs.append(asyncio.run(rerun(question(reel.left[0]), reel)))
    return runs


def stopped(tape: Path, speaker: str = "openai") -> Tape:
    """A second answer that was stopped when some of it had come, and a third question."""
    with FakeProvider() as fake:
        fake.script("Hi there.", reply(LONG, pause=0.01), "Where was I?")
        agent = Agent(fake.model(f"{speaker}:m"))
        asyncio.run(turns(agent, tape, ("hello", None), ("a long one", at_a_word), ("go on", None)))
    return Tape.load(tape)


def changed(tape: Tape, number: int, before: bytes, after: bytes) -> Tape:
    """The tape with other words in one request."""
    items = list(tape.interactions)
    request = items[number].request
    assert before in request.body
    body = request.body.replace(before, after)
    items[number] = msgspec.structs.replace(items[number], request=msgspec.structs.replace(request, body=body))
    return Tape(items)


@pytest.mark.parametrize("speaker", SPEAKERS)
def test_what_came_of_a_stopped_answer_is_taken_over_and_named(speaker: str, tmp_path: Path) -> None:
    tape = stopped(tmp_path / "chat.yaml", speaker)
    assert b"One" in tape.interactions[2].request.body
    verdict = verdict_of(tape)
    assert verdict.ok, verdict.differences
    (said,) = verdict.edits
    assert said.startswith("interaction 2: messages[3]: what came of the answer to interaction 1")
    runs = played(tape)
    assert [run.run.text for run in runs] == ["Hi there.", "", "Where was I?"]
    assert runs[1].ended
    assert all(map(all_equal, runs))
    assert "the answer was broken off" in str(runs[1].stopped)


def test_an_answer_that_was_stopped_behind_a_call_goes_on_as_well(tmp_path: Path) -> None:
    tape = tmp_path / "chat.yaml"
    with FakeProvider() as fake:
        fake.script(reply(tool_call("look", order=1)), reply(LONG, pause=0.01), "Where was I?")
        agent = Agent(fake.model("m"), tools=[look])
        asyncio.run(turns(agent, tape, ("order 1?", at_a_word), ("go on", None)))
        asked = [message.role for message in fake.requests[-1].request.messages]
    assert asked == ["user", "assistant", "tool", "assistant", "user"]
    verdict = verdict_of(Tape.load(tape))
    assert verdict.ok, verdict.differences
    assert "what came of the answer" in verdict.edits[0]


def test_a_question_that_was_taken_back_with_its_answer_is_named(tmp_path: Path) -> None:
    """Nothing but the beginning had come."""
    tape = tmp_path / "chat.yaml"
    with FakeProvider() as fake:
        fake.script("Hi there.", reply(LONG, pause=0.05), "So?")
        asyncio.run(
            turns(Agent(fake.model("m")), tape, ("hello", None), ("a long one", at_the_beginning), ("another", None))
        )
        assert [message.text for message in fake.requests[-1].request.messages] == ["hello", "Hi there.", "another"]
    verdict = verdict_of(Tape.load(tape))
    assert verdict.ok, verdict.differences
    assert "goes on from before it" in verdict.edits[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [(b'"One', b'"Two'), (b"Hi there.", b"Go away."), (b"a long one", b"a short one")],
)
def test_what_was_never_said_is_not_taken_over(before: bytes, after: bytes, tmp_path: Path) -> None:
    verdict = verdict_of(changed(stopped(tmp_path / "chat.yaml"), 2, before, after))
    assert [difference.id for difference in verdict.differences] == [2]
    assert "does not follow" in verdict.differences[0].where


def test_another_question_after_a_connection_was_lost_is_a_difference(tmp_path: Path) -> None:
    """Who lost an answer asks the same again; nobody has left it."""
    tape = tmp_path / "lost.yaml"
    with FakeProvider() as fake:
        fake.script("Hi there.", reply(LONG, cut_after=1), reply(LONG))
        agent = Agent(fake.model("m", retry=RetryPolicy(attempts=2, base=0.0)))
        asyncio.run(turns(agent, tape, ("hello", None), ("a long one", None)))
    assert verdict_of(Tape.load(tape)).ok
    verdict = verdict_of(changed(Tape.load(tape), 2, b"a long one", b"a short one"))
    assert [difference.id for difference in verdict.differences] == [2]


def test_a_question_that_was_given_up_after_refusals_is_named(tmp_path: Path) -> None:
    """As by Ctrl-C during the wait, or when all attempts are used up. Where nothing was said before, it is none of the
    kind: who is refused asks the same again."""
    tape = tmp_path / "chat.yaml"
    with FakeProvider() as fake:
        fake.script("Hi there.", refuse(429, retry_after=0), refuse(429, retry_after=0), "Fine.")
        agent = Agent(fake.model("m", retry=RetryPolicy(attempts=2)))
        asyncio.run(turns(agent, tape, ("hello", None), ("busy?", None), ("and now?", None)))
        assert [message.text for message in fake.requests[-1].request.messages] == ["hello", "Hi there.", "and now?"]
    verdict = verdict_of(Tape.load(tape))
    assert verdict.ok, verdict.differences
    assert verdict.edits == [
        "interaction 3: messages[2]: the recorder gave up the question of interaction 2, and asks another"
    ]
    assert not verdict_of(changed(Tape.load(tape), 3, b"Hi there.", b"Go away.")).ok
