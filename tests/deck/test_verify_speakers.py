"""Tapes of servers that speak OpenAI's chat wire each in its own way, by clients that write what no row here would:
every request is asked again as it was.

The exchanges are written after each server's own reference; the addresses are the servers', so that their rows hold.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from playhead import Tape
from playhead.deck.verify import verify

TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    },
}
CHUNKS = [{"type": "thinking", "thinking": [{"type": "text", "text": "I look"}]}, {"type": "text", "text": "now"}]
FORCED = {"type": "function", "function": {"name": "weather"}}


def conversation(
    asked: dict[str, Any], given: dict[str, Any], back: dict[str, Any], **more: Any
) -> list[tuple[Any, Any]]:
    """Two exchanges: a call of the tool, and what the model says of its result."""
    identifier = more.pop("identifier", "abc123XYZ")
    call = {
        "id": identifier,
        "type": "function",
        "function": {"name": "weather", "arguments": '{"at": "Florence"}'},
    }
    first = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "tools": [TOOL], **asked}
    result = {"role": "tool", "content": "40 C", "tool_call_id": identifier, **more}
    step = {"role": "assistant", **back, "tool_calls": [call]}
    second = {**first, "messages": [*first["messages"], step, result]}
    return [
        (first, {"role": "assistant", **given, "tool_calls": [call]}),
        (second, {"role": "assistant", "content": "It is hot."}),
    ]


def tape(path: Path, url: str, exchanges: list[tuple[Any, Any]]) -> Tape:
    """The exchanges as go-vcr writes them."""
    items = []
    for number, (asked, message) in enumerate(exchanges):
        finish = "tool_calls" if "tool_calls" in message else "stop"
        answer = {"id": f"r{number}", "choices": [{"index": 0, "message": message, "finish_reason": finish}]}
        head = {"proto": "HTTP/1.1", "proto_major": 1, "proto_minor": 1, "content_length": -1}
        request = {
            **head,
            "host": "",
            "body": json.dumps(asked),
            "headers": {"Content-Type": ["application/json"]},
            "url": url,
            "method": "POST",
        }
        response = {
            **head,
            "uncompressed": True,
            "body": json.dumps(answer),
            "headers": {"Content-Type": ["application/json"]},
        }
        response |= {"status": "200 OK", "code": 200, "duration": "1s"}
        items.append({"id": number, "request": request, "response": response})
    path.write_text("---\n" + yaml.safe_dump({"version": 2, "interactions": items}, sort_keys=False))
    return Tape.load(path)


TAPES = {
    "https://api.mistral.ai/v1": conversation(
        {"tool_choice": "any", "random_seed": 3, "parallel_tool_calls": False, "max_tokens": 9},
        {"content": CHUNKS},
        {"content": CHUNKS},
        name="weather",
    ),
    "https://api.cohere.ai/compatibility/v1": conversation(
        {"tool_choice": "required", "seed": 3, "reasoning_effort": "none"}, {"content": ""}, {"content": ""}
    ),
    "https://api.deepseek.com": conversation(
        {"model": "deepseek-v4", "thinking": {"type": "enabled"}, "tool_choice": "required", "seed": 1},
        {"content": "", "reasoning_content": "I look"},
        {"content": "", "reasoning_content": "I look"},
    ),
    "https://api.moonshot.ai/v1": conversation(
        {"model": "kimi-k2.6", "max_tokens": 9, "temperature": 1, "tool_choice": FORCED},
        {"content": "", "reasoning_content": "I look"},
        {"content": "", "reasoning_content": "I look"},
        identifier="weather:0",
    ),
    "https://api.groq.com/openai/v1": conversation(
        {"max_tokens": 9, "reasoning_format": "parsed"}, {"reasoning": "I look"}, {"reasoning": "I look"}
    ),
    "https://api.cerebras.ai/v1": conversation(
        {"max_completion_tokens": 9, "reasoning_effort": "low", "disable_reasoning": False},
        {"content": None, "reasoning": "I look"},
        {"content": None, "reasoning": "I look"},
    ),
    "https://api.together.xyz/v1": conversation(
        {"max_tokens": 9, "reasoning": {"enabled": True}, "reasoning_effort": "low", "top_k": 4},
        {"content": None, "reasoning": "I look"},
        {"content": "", "reasoning_content": "I look"},
    ),
    "https://api.fireworks.ai/inference/v1": conversation(
        {"max_tokens": 9, "reasoning_effort": "none", "parallel_tool_calls": True},
        {"content": None, "reasoning_content": "I look"},
        {"content": None, "reasoning_content": "I look"},
    ),
    "https://api.x.ai/v1": conversation(
        {"model": "grok-4", "stop": ["x"]},
        {"content": None, "reasoning_content": "I look"},
        {"content": None, "reasoning_content": "I look"},
    ),
}


@pytest.mark.parametrize("base", TAPES)
def test_what_another_client_said_to_a_speaker_is_asked_again_as_it_was(base: str, tmp_path: Path) -> None:
    recorded = tape(tmp_path / "t.yaml", f"{base}/chat/completions", TAPES[base])
    verdict = asyncio.run(verify(recorded))
    assert (verdict.differences, verdict.unmodelled) == ([], [])
    assert (verdict.ok, verdict.requests, verdict.steps) == (True, 2, 2)


def test_a_text_beside_thinking_that_nobody_said_is_a_difference(tmp_path: Path) -> None:
    exchanges = conversation({}, {"content": CHUNKS}, {"content": [CHUNKS[0], {"type": "text", "text": "never said"}]})
    recorded = tape(tmp_path / "t.yaml", "https://api.mistral.ai/v1/chat/completions", exchanges)
    verdict = asyncio.run(verify(recorded))
    (difference,) = verdict.differences
    assert difference.where == 'messages[1].content[1].text: "never said" on the tape, "now" asked'
