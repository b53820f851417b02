"""Every kind of run that playhead makes: its tape is verified, replayed and shown."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from own_runs import RUNS, Recording

from playhead import Tape
from playhead.deck.question import question
from playhead.deck.reel import Reel
from playhead.deck.rerun import Rerun, rerun
from playhead.deck.transcript.telling import transcript
from playhead.deck.transcript.values import Transcript
from playhead.deck.verify import Verdict, all_equal, verify
from playhead.tapes.interaction import interaction
from playhead.testing import FakeProvider
from playhead.wire import HTTPRequest

#: A provider of each wire, and of hands that differ from it.
SPEAKERS = ("openai", "openai-responses", "anthropic", "google", "bedrock", "mistral", "openrouter", "deepseek")
#: How many conversations a tape holds, where it is not one.
SEVERAL = {
    "forced": 2,
    "stopped_and_another": 2,
    "summarised": 5,
    "agent_inside": 2,
    "agents_inside_at_once": 3,
    "inside_waits": 2,
}
#: The same where a transcript has less of them: who speaks again after an answer goes on with the conversation.
SHOWN = {"forced": 1}
#: The runs that have no answer at their end, and what is said of it.
WITHOUT_ANSWER = {
    "stopped": "the tape holds no more",
    "stopped_and_another": "the tape holds no more of this conversation",
    "limited": "the tape holds no more",
    "waiting": "the tape holds no result of refund",
    "write_begun": "which had begun: whether it was done is not known",
    "inside_waits": "the tape holds no result of clerk",
    "corrected_as_tool": "the tape holds no result of Person",
}


def recorded(run: str, folder: Path, speaker: str = "openai") -> Path:
    path = folder / f"{run}.yaml"
    with FakeProvider() as fake:
        RUNS[run](Recording(fake, speaker, path))
    return path


def verdict_of(tape: Tape) -> Verdict:
    return asyncio.run(verify(tape))


def replayed(tape: Tape) -> list[Rerun]:
    reel, runs = Reel(tape), []
    while reel.left:
        runs.append(asyncio.run(rerun(question(reel.left[0]), reel)))
    return runs


def shown(tape: Path) -> Transcript:
    return transcript(Tape.load(tape))


@pytest.mark.parametrize("speaker", SPEAKERS)
@pytest.mark.parametrize("run", RUNS)
def test_a_tape_of_our_own_is_verified_replayed_and_shown(run: str, speaker: str, tmp_path: Path) -> None:
    tape = Tape.load(recorded(run, tmp_path, speaker))
    verdict = verdict_of(tape)
    assert verdict.ok, verdict.differences
    assert not verdict.unmodelled
    assert verdict.conversations == SEVERAL.get(run, 1)
    runs = replayed(tape)
    assert len(runs) == verdict.conversations
    assert all(map(all_equal, runs))
    why = WITHOUT_ANSWER.get(run)
    if why is None:
        assert [one.stopped for one in runs] == [None] * len(runs)
    else:
        assert runs[0].stopped is not None
        assert why in runs[0].stopped
        assert runs[0].ended
    told = transcript(tape)
    assert len(told.conversations) == len(told.entries) == SHOWN.get(run, verdict.conversations)
    steps = [step for one in told.conversations for step in one.steps]
    assert sum(len(step.attempts) for step in steps) == verdict.requests
    assert all(step.answer is not None for step in steps)


@pytest.mark.parametrize(
    ("run", "says"),
    [
        ("handed_over", "system: the prompt is the recorder's, as the conversation was handed over"),
        ("handed_over", "tools: look in place of billing"),
        ("prepared_tools", "tools: none in place of look, wrap"),
        ("prepared_model", "m-large is the recorder's choice"),
        ("prepared_other_wire", "model: anthropic:m-other is the recorder's choice"),
        ("prepared_messages", "the recorder left out 1 of 4 messages"),
        ("prepared_less", "the recorder left out 3 of 6 messages of the history"),
        ("compacted", "messages of the history"),
        ("summarised", "a summary that stands on the tape"),
        ("too_long", "messages of the history"),
        ("fell_back", "m-2 is the recorder's choice"),
    ],
)
def test_what_a_run_set_for_itself_is_named(run: str, says: str, tmp_path: Path) -> None:
    verdict = verdict_of(Tape.load(recorded(run, tmp_path)))
    assert any(says in edit for edit in verdict.edits), verdict.edits


def altered(path: Path, before: str, after: str) -> Tape:
    """The tape with the last of these words changed, which is in its last request or answer."""
    data = path.read_text("utf-8")
    at = data.rindex(before)
    path.write_text(data[:at] + after + data[at + len(before) :], "utf-8")
    return Tape.load(path)


@pytest.mark.parametrize(
    ("run", "before", "after"),
    [
        ("handed_over", '"content":"order 1 is on its way"', '"content":"order 1 is lost"'),
        ("handed_over", '"content":"Where is order 1?"', '"content":"Where is order 9?"'),
        ("handed_over", '"content":"You do bills."', '"content":"You do harm."'),
        ("handed_over", '"max_tokens":99', '"max_tokens":98'),
        ("prepared_tools", '"content":"order 1 is on its way"', '"content":"order 1 is lost"'),
        ("prepared_model", '"content":"order 2 is on its way"', '"content":"order 2 is lost"'),
        ("prepared_less", '"content":"order 3 is on its way"', '"content":"order 3 is lost"'),
        ("prepared_messages", '"content":"Where is order 1?"', '"content":"Where is order 9?"'),
        ("compacted", '"content":"Be kind."', '"content":"Be mean."'),
        ("compacted", '"content":"order 5 is on its way"', '"content":"order 5 is lost"'),
        ("compacted", '\\"order\\":5', '\\"order\\":6'),
        ("summarised", "They asked for 5 orders.", "They asked for 6 orders."),
        ("fell_back", '"content":"order 1 is on its way"', '"content":"order 1 is lost"'),
        ("agent_inside", '"content":"On its way."', '"content":"Gone."'),
        ("waited_and_refused", '"content":"Error: the call was refused: too dear"', '"content":"Error: no"'),
    ],
)
def test_what_is_said_is_never_taken_over(run: str, before: str, after: str, tmp_path: Path) -> None:
    """A result, a call, an answer, a prompt or what a user said, changed by hand in the last request."""
    path = recorded(run, tmp_path)
    data = path.read_text("utf-8")
    request = data.rindex(before.replace("\\", "\\\\") if before not in data else before)
    assert request
    before_on_tape = before if before in data else before.replace("\\", "\\\\")
    after_on_tape = after if before in data else after.replace("\\", "\\\\")
    assert not verdict_of(altered(path, before_on_tape, after_on_tape)).ok


def test_a_mark_that_a_call_began_is_part_of_its_call(tmp_path: Path) -> None:
    """With a result it says no more; without one it says what is not known."""
    (whole,) = shown(recorded("writes", tmp_path)).conversations
    assert [step.begun for step in whole.steps] == [(), (), ()]
    (talk,) = shown(recorded("write_begun", tmp_path)).conversations
    (mark,) = talk.steps[-1].begun
    assert (mark.id, len(mark.key)) == (1, 32)
    assert talk.steps[-1].results == ()


def test_a_run_inside_of_another_says_what_it_is_for(tmp_path: Path) -> None:
    told = shown(recorded("agents_inside_at_once", tmp_path))
    assert [one.inside for one in told.conversations] == [None, *["clerk, called in step 1"] * 2]
    told = shown(recorded("summarised", tmp_path))
    assert [one.inside for one in told.conversations] == [
        None,
        *(f"a summary, before step {step}" for step in range(3, 7)),
    ]


def test_a_result_that_ends_the_run_says_so(tmp_path: Path) -> None:
    (talk,) = shown(recorded("final", tmp_path)).conversations
    assert [[told.final for told in step.results] for step in talk.steps] == [[False], [True]]
    (again,) = replayed(Tape.load(recorded("final", tmp_path / "..")))
    assert again.run.output == "over"


def test_calls_that_wait_are_named(tmp_path: Path) -> None:
    (again,) = replayed(Tape.load(recorded("waiting", tmp_path)))
    assert [call.name for call in again.waiting] == ["refund"]
    (again,) = replayed(Tape.load(recorded("write_begun", tmp_path)))
    assert again.waiting == ()


def test_a_server_of_tools_is_shown_in_a_line(tmp_path: Path) -> None:
    tape = Tape.load(recorded("plain", tmp_path))
    said = {"server": {"name": "w"}, "tools": [{"name": "forecast", "inputSchema": {}}, {"name": "tides"}]}
    listing = interaction(
        9,
        HTTPRequest("CALL", "mcp:weather/tools", (), b""),
        status=200,
        reason="OK",
        proto="HTTP/1.1",
        headers=(),
        body=json.dumps(said).encode(),
        nanoseconds=1,
    )
    listed = Tape([listing, *tape.interactions])
    assert transcript(listed).entries[0].listing == "tools: forecast, tides"  # type: ignore[union-attr]
    assert verdict_of(listed).ok
