"""What each row of OpenAI's chat wire writes otherwise, and what its answers say in a way of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from playhead.dialects import openai_chat
from playhead.dialects.base import Endpoint
from playhead.events import PartDelta
from playhead.fold import Folder
from playhead.messages import (
    File,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    user,
)
from playhead.providers.base import Provider, profile_for
from playhead.providers.catalog import PROVIDERS, resolve
from playhead.providers.compatible import COMPATIBLE, HOSTED, OWN
from playhead.request import NamedTool, OutputSchema, ReasoningSettings, Request, ToolSpec
from playhead.response import Response
from playhead.wire import HTTPRequest

WEATHER = ToolSpec("weather", "The weather", {"type": "object", "properties": {}})
STRICT = ToolSpec("strict", "", {"type": "object", "properties": {}}, strict=True)
CALLED = Message("assistant", (ToolCall("call_1", "weather", "{}"),))


def endpoint(name: str) -> Endpoint:
    provider, model = resolve(name)
    return Endpoint(provider.name, provider.base_url, profile_for(provider, model))


def asked(name: str, *messages: Message, **more: Any) -> tuple[dict[str, Any], list[str]]:
    """The body that this model is asked with, and the places of the warnings."""
    request = Request(resolve(name)[1], messages or (user("hi"),), **more)
    encoded = openai_chat.encode_request(request, endpoint(name))
    return json.loads(encoded.http.body), [warning.where for warning in encoded.warnings]


def again(name: str, body: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
    """A body read and written again, from the row's own hand, and what of it was not modelled."""
    http = HTTPRequest("POST", "https://x.test/chat/completions", (), json.dumps(body).encode())
    decoded = openai_chat.decode_request(http, endpoint(name).profile)
    made = openai_chat.encode_request(decoded.request, Endpoint("p", "https://x.test", decoded.profile))
    return json.loads(made.http.body), decoded.unmodelled


@pytest.mark.parametrize(
    ("name", "base", "variable"),
    [
        ("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
        ("cohere", "https://api.cohere.ai/compatibility/v1", "COHERE_API_KEY"),
        ("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
        ("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
        ("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
        ("moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
    ],
)
def test_a_row_says_where_and_which_key(name: str, base: str, variable: str) -> None:
    assert (PROVIDERS[name].base_url, PROVIDERS[name].key_env[0]) == (base, variable)


@pytest.mark.parametrize("provider", [COMPATIBLE, *HOSTED, *OWN], ids=lambda row: row.name)
def test_every_difference_of_a_row_has_its_reason(provider: Provider) -> None:
    assert provider.reasons.keys() == provider.profile.keys()
    assert all(provider.reasons.values())


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("mistral:mistral-large-latest", "max_tokens"),
        ("cohere:command-a-03-2025", "max_tokens"),
        ("together:openai/gpt-oss-120b", "max_tokens"),
        ("fireworks:accounts/fireworks/models/gpt-oss-20b", "max_tokens"),
        ("cerebras:gpt-oss-120b", "max_completion_tokens"),
        ("groq:llama-3.3-70b-versatile", "max_completion_tokens"),
        ("moonshot:kimi-k2.6", "max_completion_tokens"),
        ("openai:gpt-5", "max_completion_tokens"),
    ],
)
def test_the_bound_on_the_output_is_said_in_the_field_that_the_speaker_documents(name: str, field: str) -> None:
    body, _ = asked(name, max_tokens=9)
    assert {key for key in body if key.startswith("max_")} == {field}


#: What a request of these speakers may hold at all: fields beyond are answered with 422 or 400.
KNOWN = {
    "mistral:m": "messages model tools tool_choice stream max_tokens temperature random_seed stop parallel_tool_calls",
    "cohere:m": "messages model tools stream max_tokens temperature seed stop",
    "cerebras:m": "messages model tools tool_choice stream stream_options max_completion_tokens temperature seed stop "
    "parallel_tool_calls",
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_speaker_that_refuses_unknown_fields_is_sent_none(name: str) -> None:
    spoken = Message("assistant", (Reasoning("I look"), Refusal("no"), ToolCall("call_1", "weather", "{}")), "me")
    result = Message("tool", (ToolResult("call_1", "weather", (Text("40 C"),)),))
    body, lost = asked(
        name,
        Message("user", (Text("hi"),), "you"),
        spoken,
        result,
        tools=(WEATHER,),
        max_tokens=9,
        temperature=0.5,
        seed=1,
        stop=("x",),
        parallel_tool_calls=True,
        stream=True,
    )
    assert body.keys() <= set(KNOWN[name].split())
    assert body["tools"][0]["function"].get("strict") is (None if name == "cohere:m" else False)
    message = body["messages"][1]
    known = {"role", "content", "tool_calls"} | ({"reasoning", "name"} if name == "cerebras:m" else set())
    assert message.keys() <= known
    assert "no" in json.dumps(message["content"])  # the refusal goes back as text
    assert "messages[1]" in lost


def test_mistral_is_sent_its_thinking_as_chunks_its_seed_by_its_name_and_its_word_for_a_forced_call() -> None:
    thought = Message("assistant", (Reasoning("I look"), Text("now"), ToolCall("call_1", "weather", "{}")))
    result = Message("tool", (ToolResult("call_1", "weather", (Text("40 C"),)),))
    body, lost = asked(
        "mistral:magistral", user("hi"), thought, result, tools=(WEATHER,), tool_choice="required", seed=7
    )
    said = body["messages"][1]
    assert said["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "I look"}]},
        {"type": "text", "text": "now"},
    ]
    assert (body["tool_choice"], body["random_seed"], lost) == ("any", 7, [])
    assert len(said["tool_calls"][0]["id"]) == 9
    assert said["tool_calls"][0]["id"] == body["messages"][2]["tool_call_id"]
    assert again("mistral:magistral", body) == (body, ())
    named, _ = asked("mistral:m", tools=(WEATHER,), tool_choice=NamedTool("weather"))
    assert named["tool_choice"] == {"type": "function", "function": {"name": "weather"}}


def test_mistrals_documents_and_audio_are_parts_of_its_own() -> None:
    question = user("?", File("application/pdf", data=b"x", name="a.pdf"), File("audio/wav", data=b"y"))
    body, lost = asked("mistral:pixtral", question)
    assert body["messages"][0]["content"][1:] == [
        {"type": "document_url", "document_url": "data:application/pdf;base64,eA==", "document_name": "a.pdf"},
        {"type": "input_audio", "input_audio": "eQ=="},
    ]
    assert lost == []
    assert again("mistral:pixtral", body) == (body, ())


THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "I look"}]}
SIGNED = {**THINKING, "signature": "sealed"}


def answers(content: Any, **usage: int) -> bytes:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return json.dumps({"id": "r", "choices": [choice], "usage": usage}).encode()


def streamed(name: str, *contents: Any) -> Response:
    decoder = openai_chat.decoder(endpoint(name))
    folder = Folder()
    for content in contents:
        chunk = {"id": "r", "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": None}]}
        folder.push(decoder.feed(b"data: %b\n\n" % json.dumps(chunk).encode()))
    last = {"id": "r", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    folder.push(decoder.feed(b"data: %b\n\ndata: [DONE]\n\n" % json.dumps(last).encode()))
    folder.push(decoder.close())
    return folder.response()


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ([THINKING, {"type": "text", "text": "hot"}], (Reasoning("I look"), Text("hot"))),
        (
            [SIGNED, {"type": "text", "text": "hot"}],
            (Reasoning("I look", Opaque("openai_chat", [SIGNED])), Text("hot")),
        ),
        ("hot", (Text("hot"),)),
    ],
)
def test_mistrals_thinking_is_reasoning_streamed_or_not_and_a_signed_chunk_goes_back_as_it_came(
    content: Any, parts: tuple[Part, ...]
) -> None:
    where = endpoint("mistral:magistral")
    response, lost = openai_chat.decode_response(answers(content), where, report=True)
    assert (response.parts, lost) == (parts, frozenset())
    pieces = [[one] for one in content] if isinstance(content, list) else [content[:1], content[1:]]
    assert streamed("mistral:magistral", *pieces).parts == parts
    body, _ = asked("mistral:magistral", Message("assistant", parts))
    assert body["messages"][0]["content"] == content


def test_a_thought_that_comes_in_pieces_is_one() -> None:
    pieces = [[{"type": "thinking", "thinking": [{"type": "text", "text": word}]}] for word in ("I ", "look")]
    last = [{"type": "thinking", "thinking": [], "signature": "sealed"}]
    assert streamed("mistral:m", *pieces, last, "hot").parts == (
        Reasoning("I look", Opaque("openai_chat", [{**THINKING, "signature": "sealed"}])),
        Text("hot"),
    )


def test_a_thinking_chunk_of_mistrals_is_no_detail_of_openrouters() -> None:
    signed = Message("assistant", (Reasoning("I look", Opaque("openai_chat", [SIGNED])), Text("hot")))
    body, lost = asked("openrouter:x/y", signed)
    assert body["messages"][0] == {"role": "assistant", "content": "hot", "reasoning": "I look"}
    assert lost == ["messages[0]"]


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("deepseek:deepseek-v4", "reasoning_content"),
        ("moonshot:kimi-k2.6", "reasoning_content"),
        ("zai:glm-4.7", "reasoning_content"),
        ("fireworks:m", "reasoning_content"),
        ("cerebras:m", "reasoning"),
        ("groq:m", "reasoning"),
        ("together:m", "reasoning"),
        ("vllm:m", "reasoning"),
    ],
)
def test_reasoning_goes_back_on_the_steps_of_a_tool_in_the_field_it_came_in(name: str, field: str) -> None:
    step = Message("assistant", (Reasoning("I look"), *CALLED.parts))
    body, lost = asked(name, user("hi"), step)
    assert body["messages"][1][field] == "I look"
    assert lost == []
    message = {"role": "assistant", "content": None, field: "I look"}
    whole = json.dumps({"id": "r", "choices": [{"index": 0, "finish_reason": "stop", "message": message}]}).encode()
    assert openai_chat.decode_response(whole, endpoint(name))[0].parts == (Reasoning("I look"),)


@pytest.mark.parametrize(("name", "stand_in"), [("deepseek:deepseek-v4", ""), ("moonshot:kimi-k2.6", " ")])
def test_a_step_that_another_provider_took_has_a_stand_in_where_a_missing_thought_is_refused(
    name: str, stand_in: str
) -> None:
    body, _ = asked(name, user("hi"), CALLED)
    assert body["messages"][1]["reasoning_content"] == stand_in
    off, _ = asked(name, user("hi"), CALLED, reasoning=ReasoningSettings(enabled=False))
    assert "reasoning_content" not in off["messages"][1]
    plain, _ = asked("deepseek:deepseek-chat", user("hi"), CALLED)
    assert "reasoning_content" not in plain["messages"][1]
    bare = {"model": "m", "messages": [{"role": "user", "content": "hi"}, off["messages"][1]]}
    assert again(name, bare) == (bare, ())  # a recorded one that lacks it is asked again without


@pytest.mark.parametrize(
    ("name", "off"),
    [
        ("deepseek:m", {"thinking": {"type": "disabled"}}),
        ("moonshot:m", {"thinking": {"type": "disabled"}}),
        ("zai:m", {"thinking": {"type": "disabled"}}),
        ("together:m", {"reasoning": {"enabled": False}}),
        ("mistral:m", {"reasoning_effort": "none"}),
        ("groq:m", {"reasoning_effort": "none"}),
    ],
)
def test_thinking_is_switched_off_as_the_speaker_documents_it(name: str, off: dict[str, Any]) -> None:
    body, lost = asked(name, reasoning=ReasoningSettings(enabled=False))
    assert {key: body[key] for key in body if "reason" in key or key == "thinking"} == off
    assert lost == []
    assert again(name, body) == (body, ())


def test_a_forced_call_is_left_out_with_a_warning_where_none_can_be_forced() -> None:
    for name in ("moonshot:kimi-k2.6", "cohere:m"):
        body, lost = asked(name, tools=(WEATHER,), tool_choice="required")
        assert body.get("tool_choice") in (None, "auto")
        assert lost == ["tool_choice"]
    assert "tools" not in asked("zai:m", tools=(WEATHER,), tool_choice="none")[0]
    assert asked("openai:m", tools=(WEATHER,), tool_choice="none")[0]["tool_choice"] == "none"


def test_strict_tools_are_said_where_the_speaker_has_them() -> None:
    assert asked("moonshot:m", tools=(STRICT,))[1] == ["tools[0].strict"]
    both, lost = asked("cerebras:m", tools=(STRICT, WEATHER))
    assert lost == ["tools[0].strict"]
    assert [tool["function"]["strict"] for tool in both["tools"]] == [False, False]
    alone, lost = asked("cerebras:m", tools=(STRICT,))
    assert (alone["tools"][0]["function"]["strict"], lost) == (True, [])


def test_files_that_a_speaker_takes_none_of_are_told() -> None:
    question = user("?", File("image/png", data=b"x"), File("application/pdf", data=b"x"))
    assert asked("deepseek:m", question)[1] == ["messages[0]", "messages[0]"]
    assert asked("groq:m", question)[1] == ["messages[0]"]
    assert asked("openai:m", question)[1] == []


def test_a_streams_usage_is_asked_for_where_it_does_not_come_unasked() -> None:
    assert "stream_options" not in asked("mistral:m", stream=True)[0]
    assert "stream_options" not in asked("cohere:m", stream=True)[0]
    assert asked("cerebras:m", stream=True)[0]["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("word", ["cached_tokens", "num_cached_tokens", "prompt_cache_hit_tokens"])
def test_cached_tokens_are_counted_wherever_a_server_says_them(word: str) -> None:
    body = answers("hi", prompt_tokens=9, completion_tokens=1, **{word: 4})
    response, lost = openai_chat.decode_response(body, endpoint("moonshot:m"), report=True)
    assert response.usage is not None
    assert (response.usage.cached_tokens, lost) == (4, frozenset())


@pytest.mark.parametrize(
    ("word", "meaning"),
    [("sensitive", "content_filter"), ("model_length", "length"), ("network_error", "error"), ("eos", "stop")],
)
def test_each_servers_word_for_the_end_is_understood(word: str, meaning: str) -> None:
    body = answers("hi").replace(b'"stop"', json.dumps(word).encode())
    finish = openai_chat.decode_response(body, endpoint("zai:m"))[0].finish
    assert (finish.unified, finish.raw) == (meaning, word)


def test_a_schema_is_asked_for_as_a_tool_where_the_speaker_promises_json_of_any_shape_only() -> None:
    from playhead.shaping import shaped

    output = OutputSchema("city", {"type": "object", "properties": {"name": {"type": "string"}}}, mode="best")
    for name in ("deepseek:deepseek-chat", "zai:glm-4.7"):
        request, _, _ = shaped(Request("m", (user("hi"),), output=output), endpoint(name).profile)
        assert request.output is None
        assert [tool.name for tool in request.tools] == ["city"]


def test_deltas_of_thinking_come_as_they_arrive() -> None:
    decoder = openai_chat.decoder(endpoint("mistral:m"))
    chunk = {"id": "r", "choices": [{"index": 0, "delta": {"content": [THINKING]}, "finish_reason": None}]}
    events = decoder.feed(b"data: %b\n\n" % json.dumps(chunk).encode())
    assert events[-1] == PartDelta(0, "I look")
