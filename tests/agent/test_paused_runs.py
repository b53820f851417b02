"""Runs whose answer the provider pauses: it is sent back as it is, and the model goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, LimitError, load_messages
from scripted_server import Answer, Asked, Loopback, reply

SEARCH = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "Florence"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": []}


def message(stop: str, *content: Any, **fields: Any) -> Answer:
    usage = {"input_tokens": 10, "output_tokens": 5}
    said = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "usage": usage}
    return reply({**said, "content": list(content), "stop_reason": stop, **fields})


def paused_once(number: int, asked: Asked) -> Answer:
    if asked.json["messages"][-1]["role"] == "user":
        return message("pause_turn", {"type": "text", "text": "I look. "}, SEARCH, container={"id": "box"})
    return message("end_turn", FOUND, {"type": "text", "text": "It is hot."})


def agent(server: Loopback, **settings: Any) -> Agent[str]:
    return Agent("anthropic:claude-sonnet-4-5", base_url=server.url, api_key="key-of-the-test", **settings)


def test_a_paused_answer_is_sent_back_as_it_is_and_the_run_goes_on() -> None:
    with Loopback(paused_once) as server:
        run = agent(server).run_sync("weather?")
    second = server.requests[1].json
    assert second["messages"][-1] == {"role": "assistant", "content": [{"type": "text", "text": "I look. "}, SEARCH]}
    assert second["container"] == "box"
    assert [step.response.finish.unified for step in run.steps] == ["paused", "stop"]
    assert run.text == run.output == "I look. It is hot.", "an answer with a pause in it is one answer"
    assert run.usage is not None
    assert run.usage.input_tokens == 20


def test_the_text_of_a_paused_answer_streams_without_a_break() -> None:
    async def texts() -> str:
        with Loopback(paused_once) as server:
            return "".join([words async for words in agent(server).stream("weather?").text()])

    assert asyncio.run(texts()) == "I look. It is hot."


def test_a_run_that_ended_at_a_pause_goes_on_from_its_messages() -> None:
    with Loopback(paused_once) as server:
        with pytest.raises(LimitError) as caught:
            agent(server, max_steps=1).run_sync("weather?")
        stored = caught.value.run.messages_json()
        assert b'"paused":true' in stored
        run = agent(server).run_sync(messages=load_messages(stored))
    assert run.text == "It is hot."


def test_a_paused_run_replays(tmp_path: Path) -> None:
    tape = tmp_path / "paused.yaml"
    with Loopback(paused_once) as server:
        live = agent(server).run_sync("weather?", tape=tape, tape_mode="record")
        asked = len(server.requests)
        again = agent(server).run_sync("weather?", tape=tape, tape_mode="replay", fail_on_unplayed=True)
        assert len(server.requests) == asked
    assert again.messages == live.messages


def test_a_model_that_only_pauses_ends_at_the_limit_of_steps() -> None:
    with Loopback(lambda n, a: message("pause_turn", SEARCH)) as server, pytest.raises(LimitError):
        agent(server, max_steps=3).run_sync("weather?")
    assert len(server.requests) == 3
