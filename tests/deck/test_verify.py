"""Verification: every request of a tape, asked again and compared."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from scripted_server import Asked, Loopback, completion, reply

from playhead import Agent, Tape, tool
from playhead.deck.verify import Verdict, verify


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
