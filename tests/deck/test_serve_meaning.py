"""What makes two requests one question: all that could change the answer, whoever knows of it, and no more."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import pytest
from raw_wire import Wire, ask

import playhead
from playhead.deck.serve.meaning import _HAND, meaning
from playhead.wire import HTTPRequest

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
CONVERSE, GEMINI = "/model/m/converse", "/v1beta/models/g:generateContent"
HI: dict[str, Any] = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "name": "f", "parameters": {"type": "object"}}


def said(path: str, body: dict[str, Any]) -> tuple[bytes, bool] | None:
    return meaning(HTTPRequest("POST", f"https://somewhere.test{path}", (), json.dumps(body).encode()))


def video(start: str) -> dict[str, Any]:
    part = {
        "fileData": {"mimeType": "video/mp4", "fileUri": "https://v/x.mp4"},
        "videoMetadata": {"startOffset": start},
    }
    return {"contents": [{"role": "user", "parts": [part, {"text": "What happens?"}]}]}


def sung(recording: str) -> dict[str, Any]:
    return {"model": "m", "messages": [HI, {"role": "assistant", "audio": {"id": recording}}, HI]}


def chat(**more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [HI], **more}


def response(**more: Any) -> dict[str, Any]:
    return {"model": "m", "input": "hi", **more}


def claude(**more: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 9, "messages": [HI], **more}


def converse(**more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"text": "hi"}]}], **more}


ADAPTIVE = {"type": "adaptive"}
OTHERS = [
    (GEMINI, video("0s"), video("60s")),
    (GEMINI, {"contents": [], "unheard": {"a": [1]}}, {"contents": [], "unheard": {"a": [2]}}),
    (CHAT, sung("aud_1"), sung("aud_2")),
    (CHAT, chat(unheard=1), chat(unheard=2)),
    (CHAT, chat(messages=[{**HI, "a.b": 1}]), chat(messages=[{**HI, "a.b": 2}])),
    (CHAT, chat(messages=[{**HI, "unheard": True}]), chat(messages=[{**HI, "unheard": 1}])),
    (RESPONSES, response(unheard=1), response(unheard=2)),
    (RESPONSES, response(include=["reasoning.encrypted_content"]), response()),
    (RESPONSES, response(tools=[TOOL]), response(tools=[{**TOOL, "strict": False}])),
    (MESSAGES, claude(unheard=1), claude(unheard=2)),
    (
        MESSAGES,
        claude(output_config={"effort": "high"}),
        claude(output_config={"effort": "high"}, thinking=ADAPTIVE),
    ),
    (CONVERSE, converse(unheard=1), converse(unheard=2)),
    (
        CONVERSE,
        converse(outputConfig={"effort": "high"}),
        converse(outputConfig={"effort": "high"}, additionalModelRequestFields={"thinking": ADAPTIVE}),
    ),
]


@pytest.mark.parametrize(("path", "one", "other"), OTHERS)
def test_what_no_dialect_models_is_part_of_the_question_with_its_value(
    path: str, one: dict[str, Any], other: dict[str, Any]
) -> None:
    found = [said(path, body) for body in (one, other, one)]
    assert None not in found
    assert found[0] == found[2] != found[1]


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        (CHAT, chat(), chat(messages=[{"role": "user", "content": [{"type": "text", "text": "hi"}]}])),
        (CHAT, chat(), chat(temperature=None)),
        (CHAT, chat(temperature=1), chat(temperature=1.0)),
        (CHAT, chat(max_tokens=9), chat(max_completion_tokens=9)),
        (CHAT, chat(unheard=1.0), chat(unheard=1)),
        (RESPONSES, response(), response(store=False)),
        (RESPONSES, response(store=True), response(store=False)),
        (RESPONSES, response(), response(input=[{**HI, "type": "message"}])),
        (MESSAGES, claude(), claude(messages=[{"role": "user", "content": [{"type": "text", "text": "hi"}]}])),
        (CONVERSE, converse(), converse(system=None)),
    ],
)
def test_what_says_the_same_in_other_words_is_one_question(
    path: str, one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert said(path, one) is not None
    assert said(path, one) == said(path, other)


def test_each_field_of_the_hand_is_one_that_a_profile_has() -> None:
    for dialect, names in _HAND.items():
        assert names <= {*import_module(f"playhead.dialects.{dialect}.profile").Profile.__struct_fields__}, dialect


@pytest.mark.parametrize(("path", "one", "other"), [OTHERS[0], OTHERS[2]])
def test_a_question_of_another_value_is_a_miss_of_the_server(
    path: str, one: dict[str, Any], other: dict[str, Any]
) -> None:
    asked = HTTPRequest("POST", f"https://somewhere.test{path}", (), json.dumps(one).encode())
    tape = playhead.Tape()
    with playhead.tapes.open_session(tape, "record") as session:
        session.record(asked, status=200, reason="OK", proto="HTTP/1.1", headers=(), body=b"{}", nanoseconds=1)
    with playhead.TapeServer(tape) as server:
        assert ask(server.port, path, json.dumps(other).encode()).status == 404
        assert ask(server.port, path, json.dumps(one).encode()).status == 200


def test_what_a_reader_stumbles_over_is_no_question_and_costs_no_connection() -> None:
    source = {"s3Location": {"uri": "data:image/png;base64,"}}
    hostile = {"messages": [{"role": "user", "content": [{"video": {"format": "mp4", "source": source}}]}]}
    asked = HTTPRequest("POST", f"https://somewhere.test{CONVERSE}", (), json.dumps(converse()).encode())
    tape = playhead.Tape()
    with playhead.tapes.open_session(tape, "record") as session:
        session.record(asked, status=200, reason="OK", proto="HTTP/1.1", headers=(), body=b"{}", nanoseconds=1)
    with playhead.TapeServer(tape) as server, Wire(server.port) as wire:
        assert wire.ask(CONVERSE, json.dumps(hostile).encode()).status == 404
        assert wire.ask(CONVERSE, b'{"messages":' + b"[" * 5000 + b"]" * 5000 + b"}").status == 404
        assert wire.ask(CONVERSE, asked.body).status == 200
