"""A history that one provider left, told to another: what the other can hold, and a warning for each thing that it
cannot; never an invalid history, never a silence.

Every row of the catalog is tried, so that each speaker's hand is as well as each wire.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from playhead.dialects.base import Encoded, Endpoint
from playhead.errors import ConfigError, ModelError
from playhead.messages import (
    Cache,
    File,
    Message,
    Native,
    Opaque,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
    user,
)
from playhead.model import dialect_named
from playhead.providers.base import Provider, profile_for
from playhead.providers.catalog import PROVIDERS
from playhead.request import ReasoningSettings, Request

#: A model of each wire; the wires that stand at an address of their own are spoken to all the same.
SPEAKERS = [
    (provider, model)
    for provider in PROVIDERS.values()
    for model in (("claude-sonnet-4-5", "claude-opus-4-7") if provider.dialect == "anthropic_messages" else ("m",))
]
ORIGINS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini", "bedrock_converse", "elsewhere")


def speaker(name: str, model: str = "m") -> tuple[Provider, str]:
    return PROVIDERS[name], model


def told(who: tuple[Provider, str], *messages: Message, **more: Any) -> tuple[Any, list[str]]:
    """The body that a history becomes, and its warnings."""
    encoded = encode(who, Request(who[1], messages, **more))
    return json.loads(encoded.http.body), [f"{one.where}: {one.message}" for one in encoded.warnings]


def encode(who: tuple[Provider, str], request: Request) -> Encoded:
    provider, model = who
    endpoint = Endpoint(provider.name, "https://x.test/v1", profile_for(provider, model))
    return dialect_named(provider.dialect).encode_request(request, endpoint)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Message], list[set[str]]]:
    """Messages, and for each the marks that its parts say something by."""
    count = 0

    def mark() -> str:
        nonlocal count
        count += 1
        return f"mark{count}x"

    def opaque() -> Opaque | None:
        if draw(st.booleans()):
            return None
        value = draw(st.sampled_from(({"signature": "s"}, [{"type": "reasoning.encrypted", "data": "d"}], {}, "s", 7)))
        return Opaque(draw(st.sampled_from(ORIGINS)), value)

    def file(said: set[str]) -> File:
        word = mark()
        said.add(word)
        kind = draw(st.sampled_from(("image/png", "application/pdf", "audio/wav", "video/mp4", "text/plain", "")))
        cache = draw(st.sampled_from((None, Cache())))
        where = draw(st.sampled_from(("https://x.test/", "gs://bucket/", "openai-file:", "s3://b/")))
        return File(kind, url=where + word, cache=cache, opaque=opaque())

    def part(role: str, said: set[str], calls: list[str]) -> Any:
        kind = draw(st.integers(0, 7))
        word = mark()
        if kind == 3:
            return file(said)
        if kind == 5 and calls:
            content = (Text(word), *([file(said)] if draw(st.booleans()) else []))
            said.add(word)
            return ToolResult(draw(st.sampled_from(calls)), "weather", content, draw(st.booleans()))
        said.add(word)
        if kind == 4:
            identifier = draw(st.sampled_from(("functions.weather:0", "toolu_01", "c" * 70, "abcdefghi")))
            calls.append(identifier)
            return ToolCall(identifier, "weather", json.dumps({"at": word}), opaque=opaque())
        return (
            Text(word, draw(st.sampled_from((None, Cache()))), opaque()),
            Refusal(word, opaque()),
            Reasoning(word, opaque()),
            None,
            None,
            Text(word),
            Source(f"https://x.test/{word}", opaque=opaque()),
            Native(word, Opaque(draw(st.sampled_from(ORIGINS[:-2])), {"type": word})),
        )[kind]

    messages, marks = [], []
    calls: list[str] = []
    for _ in range(draw(st.integers(1, 5))):
        role: Any = draw(st.sampled_from(("system", "user", "assistant", "tool")))
        said: set[str] = set()
        parts = tuple(part(role, said, calls) for _ in range(draw(st.integers(1, 4))))
        messages.append(Message(role, parts, draw(st.sampled_from((None, "me")))))
        marks.append(said)
    return messages, marks


@settings(max_examples=150, deadline=None)
@given(histories(), st.sampled_from(SPEAKERS))
def test_every_part_is_either_told_or_named_by_a_warning(
    history: tuple[list[Message], list[set[str]]], who: tuple[Provider, str]
) -> None:
    messages, marks = history
    try:
        encoded = encode(who, Request(who[1], tuple(messages)))
    except (ConfigError, ModelError):
        return
    body = encoded.http.body.decode()
    json.loads(body)
    told_of = Counter(warning.where for warning in encoded.warnings)
    for position, said in enumerate(marks):
        missing = {word for word in said if word not in body}
        assert not missing or told_of[f"messages[{position}]"], (missing, encoded.warnings, body)
    assert max(Counter(encoded.warnings).values(), default=1) == 1  # each loss of a message is told once


FOREIGN = (
    user("what is this?"),
    Message(
        "assistant",
        (
            Reasoning("I look", Opaque("elsewhere", {"signature": "sealed"})),
            Native("web_search_call", Opaque("elsewhere", {"secret": "sealed"})),
            Text("I will look."),
            Source("https://x.test/a"),
            ToolCall("functions.weather:0", "weather", '{"at":"Florence"}', opaque=Opaque("elsewhere", "sealed")),
        ),
    ),
    Message("tool", (ToolResult("functions.weather:0", "weather", (Text("40 C"),)),)),
)


@pytest.mark.parametrize("who", SPEAKERS, ids=lambda who: f"{who[0].name}:{who[1]}")
def test_no_wire_is_sent_what_another_sealed_and_each_loss_is_told_once(who: tuple[Provider, str]) -> None:
    body, warnings = told(who, *FOREIGN)
    text = json.dumps(body)
    assert "sealed" not in text
    assert all(word in text for word in ("what is this?", "I will look.", "Florence", "40 C"))
    assert any("reasoning" in said for said in warnings)
    assert any("web_search_call" in said for said in warnings)
    assert any("source" in said or "citation" in said for said in warnings)
    assert len(warnings) == len(set(warnings))
    assert all(said.startswith("messages[1]: ") for said in warnings)


def ids(body: Any) -> list[str]:
    """The ids in a body that name the call, in the order in which they stand."""
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, list):
            for one in value:
                walk(one)
        elif isinstance(value, dict):
            named = {"tool_call_id", "tool_use_id", "call_id"} & value.keys()
            if named or (value.get("type") in ("function", "tool_use") and "id" in value):
                found.append(value[named.pop() if named else "id"])
            for one in value.values():
                walk(one)

    walk(body)
    return found


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("mistral", r"[A-Za-z0-9]{9}"),
        ("anthropic", r"[A-Za-z0-9_-]{1,64}"),
        ("openai", r".{1,40}"),
        ("openai-responses", r".{1,64}"),
        ("groq", r"functions\.weather:0|c{70}"),
    ],
)
def test_a_call_and_its_result_name_each_other_in_an_id_that_the_wire_takes(name: str, shape: str) -> None:
    for identifier in ("functions.weather:0", "c" * 70):
        call = Message("assistant", (ToolCall(identifier, "weather", "{}"),))
        result = Message("tool", (ToolResult(identifier, "weather", (Text("40 C"),)),))
        body, warnings = told(speaker(name), user("hi"), call, result)
        first, second = ids(body)
        assert first == second
        assert re.fullmatch(shape, first)
        assert warnings == []  # nothing is lost by it


def test_an_id_that_fits_is_kept() -> None:
    call = Message("assistant", (ToolCall("abcdefghi", "weather", "{}"),))
    assert ids(told(speaker("mistral"), call)[0]) == ["abcdefghi"]


@pytest.mark.parametrize("name", ["openai", "openai-responses", "anthropic", "google", "mistral"])
def test_a_file_that_lies_with_another_provider_is_left_out_and_told(name: str) -> None:
    mine = {"openai": "openai-file:", "openai-responses": "openai-file:", "google": "gs://"}.get(name)
    for place in ("openai-file:", "gs://", "s3://"):
        body, warnings = told(speaker(name), user("read this", File("application/pdf", url=f"{place}abc")))
        if place == mine:
            assert warnings == []
            assert "abc" in json.dumps(body)
        else:
            assert "abc" not in json.dumps(body)
            assert [said.partition(":")[0] for said in warnings] == ["messages[0]"]


def test_where_all_that_a_message_held_is_left_out_its_content_is_no_empty_list() -> None:
    alone = user(File("video/mp4", url="gs://a/b.mp4"))
    assert told(speaker("deepseek"), alone)[0]["messages"] == [{"role": "user", "content": ""}]
    assert told(speaker("openai-responses"), alone)[0]["input"] == [{"role": "user", "content": ""}]


def test_a_budget_of_thinking_waits_where_another_provider_began_the_turn() -> None:
    claude = speaker("anthropic", "claude-sonnet-4-5")
    thinking = ReasoningSettings(max_tokens=2000)
    body, warnings = told(claude, *FOREIGN, reasoning=thinking, max_tokens=4000)
    assert "thinking" not in body
    assert "reasoning: the turn under way began without thinking of this wire's" in warnings[-1]
    body, warnings = told(claude, *FOREIGN, Message("assistant", (Text("hot"),)), user("why?"), reasoning=thinking)
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    body, _ = told(speaker("anthropic", "claude-opus-4-7"), *FOREIGN, reasoning=ReasoningSettings(enabled=True))
    assert body["thinking"] == {"type": "adaptive"}  # which the API takes in mid-turn


@pytest.mark.parametrize("who", SPEAKERS, ids=lambda who: f"{who[0].name}:{who[1]}")
@pytest.mark.parametrize(
    "part",
    [
        Text("half \ud83d"),
        ToolCall("c", "weather", '{"at":"\ud83d"}'),
        ToolResult("c", "weather", (Text("\ud83d"),)),
    ],
    ids=["text", "arguments", "result"],
)
def test_what_no_wire_can_say_is_the_callers_error_and_says_where(who: tuple[Provider, str], part: Any) -> None:
    role: Any = "tool" if isinstance(part, ToolResult) else "assistant"
    with pytest.raises(ConfigError, match=r"messages\[1\] holds what JSON cannot say"):
        encode(who, Request(who[1], (user("hi"), Message(role, (part,)))))


PICTURE = File("image/png", data=b"picture")
READING = (
    Message("assistant", (ToolCall("call_1", "look", "{}"),)),
    Message("tool", (ToolResult("call_1", "look", (Text("see"), PICTURE)),)),
)


@pytest.mark.parametrize(
    ("name", "model", "asked", "found"),
    [
        ("openai", "gpt-5", "image_url", None),
        ("openrouter", "x/y", "image_url", "image_url"),
        ("openai-responses", "gpt-5", "input_image", "input_image"),
        ("anthropic", "claude-opus-4-7", "image", "image"),
        ("google", "gemini-3-pro", "inlineData", "inlineData"),
        ("google", "gemini-2.5-pro", "inlineData", "inlineData"),
        ("mistral", "pixtral-large", "image_url", None),
    ],
)
def test_a_picture_is_asked_of_and_given_back_by_a_tool_where_the_wire_has_a_place(
    name: str, model: str, asked: str, found: str | None
) -> None:
    body, warnings = told(speaker(name, model), user("what is this?", PICTURE))
    assert "cGljdHVyZQ==" in json.dumps(body)
    assert f'"{asked}"' in json.dumps(body)
    assert warnings == []
    body, warnings = told(speaker(name, model), user("look"), *READING)
    if found is None:
        assert "cGljdHVyZQ==" not in json.dumps(body)
        assert [said.partition(":")[0] for said in warnings] == ["messages[2]"]
    else:
        assert "cGljdHVyZQ==" in json.dumps(body)
        assert f'"{found}"' in json.dumps(body)
        assert warnings == []
