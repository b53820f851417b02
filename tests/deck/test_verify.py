"""Verification: every request of a tape, asked again and compared."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from playhead import Agent, Tape, tool
from playhead.deck.verify import Verdict, verify
from scripted_server import Asked, Loopback, completion, reply


def verdict_of(tape: Tape) -> Verdict:
    return asyncio.run(verify(tape))


def test_the_seed_is_asked_again_request_by_request(seed: Path) -> None:
    verdict = verdict_of(Tape.load(seed))
    assert (verdict.requests, verdict.equal, verdict.steps, verdict.conversations) == (12, 12, 2, 1)
    assert verdict.ok
    assert verdict.edits == verdict.differences == verdict.unmodelled == []


def test_every_recorded_chat_is_asked_again_as_it_was(cassettes: Path) -> None:
    """The recorder's own edits of its history are named; nothing else differs."""
    edited = set()
    paths = [path for path in sorted(cassettes.rglob("*.yaml")) if b"/chat/completions\n" in path.read_bytes()]
    assert len(paths) > 100
    for path in paths:
        verdict = verdict_of(Tape.load(path))
        assert verdict.ok, (path, verdict.differences)
        assert verdict.conversations == 1, path
        if verdict.edits:
            edited.add(str(path.relative_to(cassettes)).split("/")[0])
    assert edited <= {
        "TestOpenAICompatibleCommon",
        "TestOpenAICompatibleThinking",
        "TestOpenRouterCommon",
        "TestOpenRouterCommonWithAnthropicCache",
        "TestVercelThinking",
    }


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ((b'"max_tokens":4000', b'"max_tokens":3999'), "max_tokens"),
        ((b"be kind", b"be mean"), "messages[0].content"),
        ((b'\\"location\\": \\"Rome\\"', b'\\"location\\": \\"Pisa\\"'), "arguments"),
    ],
)
def test_a_request_that_is_not_what_follows_is_a_difference_that_says_where(
    tmp_path: Path, change: tuple[bytes, bytes], says: str
) -> None:
    """One byte of a later request changed, and verification finds that request and that place."""
    path = recorded(tmp_path)
    data = path.read_bytes()
    before, after = change
    last = data.rindex(before)
    path.write_bytes(data[:last] + after + data[last + len(before) :])
    verdict = verdict_of(Tape.load(path))
    assert not verdict.ok
    assert (verdict.requests, verdict.equal) == (2, 1)
    assert says in verdict.differences[0].where


@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return "40 C"


def recorded(folder: Path) -> Path:
    path = folder / "weather.yaml"

    def script(number: int, asked: Asked):  # type: ignore[no-untyped-def]
        if asked.json["messages"][-1]["role"] == "tool":
            return reply(completion("40."))
        return reply(completion(None, [("c1", "weather", '{"location": "Rome"}')]))

    with Loopback(script) as server:
        Agent("compatible:m", base_url=server.url, system="be kind", tools=[weather], max_tokens=4000).run_sync(
            "weather?", tape=path, tape_mode="record"
        )
    return path


def test_what_playhead_recorded_verifies_and_its_own_tool_calls_are_used(tmp_path: Path) -> None:
    verdict = verdict_of(Tape.load(recorded(tmp_path)))
    assert (verdict.requests, verdict.equal, verdict.steps) == (2, 2, 2)


def test_several_conversations_on_one_tape_are_verified_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "many.yaml"

    async def all_at_once(agent: Agent[str]) -> None:
        await asyncio.gather(*(agent.run(f"question {n}", tape=path, tape_mode="resume") for n in range(10)))

    def script(number: int, asked: Asked):  # type: ignore[no-untyped-def]
        messages = asked.json["messages"]
        if len(messages) == 1:
            return reply(completion(None, [(f"c{number}", "weather", json.dumps({"location": f"city {number}"}))]))
        return reply(completion(f"answer to {messages[0]['content']}"))

    with Loopback(script) as server:
        asyncio.run(all_at_once(Agent("compatible:m", base_url=server.url, tools=[weather])))
    verdict = verdict_of(Tape.load(path))
    assert (verdict.requests, verdict.equal, verdict.conversations) == (20, 20, 10)


def test_what_no_dialect_speaks_is_a_difference_and_not_a_crash(tmp_path: Path, seed: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_bytes(seed.read_bytes().replace(b"openrouter.ai/api/v1/chat/completions", b"example.org/pictures"))
    verdict = verdict_of(Tape.load(path))
    assert not verdict.ok
    assert len(verdict.differences) == 12
    assert "example.org/pictures" in verdict.differences[0].where


def test_an_empty_tape_is_not_ok() -> None:
    assert not verdict_of(Tape()).ok


def altered(seed: Path, folder: Path, id: int, before: bytes, after: bytes) -> Path:
    """The seed with one change in one interaction."""
    head, *items = seed.read_bytes().split(b"  - id: ")
    assert before in items[id]
    items[id] = items[id].replace(before, after)
    path = folder / "altered.yaml"
    path.write_bytes(b"  - id: ".join([head, *items]))
    return path


@pytest.mark.parametrize("id", [0, 1, 3, 5, 10, 11])
def test_a_single_altered_attempt_is_found(seed: Path, tmp_path: Path, id: int) -> None:
    """An attempt that is not what was asked before is no attempt, and no new conversation either."""
    verdict = verdict_of(Tape.load(altered(seed, tmp_path, id, b'"max_tokens":4000', b'"max_tokens":4001')))
    assert not verdict.ok
    assert any("max_tokens" in difference.where for difference in verdict.differences)


def without(seed: Path, folder: Path, id: int) -> Tape:
    head, *items = seed.read_bytes().split(b"  - id: ")
    del items[id]
    path = folder / "less.yaml"
    path.write_bytes(b"  - id: ".join([head, *items]))
    return Tape.load(path)


def test_a_missing_answer_in_the_middle_is_found_and_one_at_the_end_is_noted(seed: Path, tmp_path: Path) -> None:
    middle = verdict_of(without(seed, tmp_path, 2))
    assert not middle.ok
    assert "does not follow" in middle.differences[0].where
    end = verdict_of(without(seed, tmp_path, 11))
    assert end.ok
    assert "the tape ends before its last conversation does" in end.notes[0]
    assert verdict_of(Tape.load(seed)).notes == []


#: The tapes whose client sent less of an answer back than it was given, beside those of the chat wire.
LOSSES = {
    "TestAnthropicComputerUse/claude-sonnet-4/computer_use.yaml": "(text)",
    "TestAnthropicComputerUse/claude-sonnet-4/computer_use_streaming.yaml": "(text)",
    "TestAzureResponsesWithSummaryThinking/azure-gpt-5-mini/thinking-streaming.yaml": "(reasoning)",
    "TestAzureResponsesWithSummaryThinking/azure-gpt-5-mini/thinking.yaml": "(reasoning)",
    "TestOpenAIResponsesWithSummaryThinking/openai-gpt-5/thinking-streaming.yaml": "(reasoning)",
    "TestOpenAIResponsesWithSummaryThinking/openai-gpt-5/thinking.yaml": "(reasoning)",
}


def test_every_recording_of_every_wire_is_asked_again_as_it_was(cassettes: Path) -> None:
    """All of them are equal; what a client lost of an answer is named, and nothing is unmodelled."""
    paths = sorted(cassettes.rglob("*.yaml"))
    assert len(paths) >= 195
    edited = {}
    for path in paths:
        tape = Tape.load(path)
        verdict = verdict_of(tape)
        name = path.relative_to(cassettes).as_posix()
        assert verdict.ok, (name, verdict.differences)
        assert not verdict.unmodelled, (name, verdict.unmodelled)
        if verdict.edits and not tape.interactions[0].request.url.endswith("/chat/completions"):
            edited[name] = verdict.edits
    assert edited.keys() == LOSSES.keys()
    for name, what in LOSSES.items():
        assert all("left out 1 of 2" in edit and edit.endswith(what) for edit in edited[name]), edited[name]


def test_what_is_nested_without_end_is_a_difference_and_not_a_crash(seed: Path, tmp_path: Path) -> None:
    deep = b'"messages":' + b"[" * 3000 + b"]" * 3000
    path = altered(seed, tmp_path, 5, b'"messages":[', deep + b',"more":[')
    verdict = verdict_of(Tape.load(path))
    assert not verdict.ok
    assert any("too deep" in difference.where for difference in verdict.differences)
