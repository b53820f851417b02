"""Transcripts: what belongs together on a tape, told once, and nothing that makes the telling fail."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from playhead.agent.taped import call_request
from playhead.deck.transcript.telling import transcript
from playhead.deck.transcript.values import Conversation, Exchange, Transcript
from playhead.messages import Text, ToolCall
from playhead.tapes import Interaction, Tape
from playhead.tapes.interaction import interaction
from playhead.wire import HTTPRequest

URL = "https://api.openai.com/v1/chat/completions"
JSON = (("Content-Type", "application/json"),)

USER = {"role": "user", "content": "weather?"}
CALLING = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"F"}'}}],
}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "40 C"}


def exchange(
    messages: list[Any], answer: Any, *, status: int = 200, url: str = URL, model: str = "m"
) -> dict[str, Any]:
    """One exchange with a model: its messages, and the answer's message or a refusal's words."""
    body: dict[str, Any] = {"error": {"message": answer}}
    if status == 200:
        finish = "tool_calls" if answer.get("tool_calls") else "stop"
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        body = {"id": "1", "model": model, "choices": [{"index": 0, "message": answer, "finish_reason": finish}]}
        body |= {"object": "chat.completion", "created": 1_700_000_000, "usage": usage}
    request = HTTPRequest("POST", url, JSON, json.dumps({"model": model, "messages": messages}).encode())
    return {"request": request, "status": status, "headers": JSON, "body": json.dumps(body).encode()}


def said(text: str) -> dict[str, Any]:
    """An answer of plain text."""
    return {"role": "assistant", "content": text}


def call(arguments: str = '{"city":"F"}', result: str = "40 C", status: int = 200) -> dict[str, Any]:
    """A tool call as an interaction of its own."""
    request = call_request(ToolCall("c1", "weather", arguments))
    return {"request": request, "status": status, "headers": (("Content-Type", "text/plain"),), "body": result.encode()}


def tell(*exchanges: dict[str, Any]) -> Transcript:
    """The transcript of a tape of these, each of which took half a second."""
    made: list[Interaction] = [
        interaction(id, one.pop("request"), reason="", proto="HTTP/1.1", nanoseconds=500_000_000, **one)
        for id, one in enumerate(exchanges)
    ]
    return transcript(Tape(made))


def only(told: Transcript) -> Conversation:
    """The one conversation of a transcript."""
    (talk,) = told.entries
    assert isinstance(talk, Conversation)
    return talk


def test_the_seed_is_two_steps_with_ten_refusals(seed: Path) -> None:
    """Tokens, dollars, the call and its result, as the recording holds them."""
    told = transcript(Tape.load(seed), path="florence.yaml")
    talk = only(told)
    assert [[attempt.status for attempt in step.attempts] for step in talk.steps] == [
        [429] * 2 + [200],
        [429] * 8 + [200],
    ]
    first, second = talk.steps
    assert [message.role for message in first.said] == ["system", "user"]
    assert second.said == ()
    assert first.answer is not None
    assert first.answer.tool_calls == (ToolCall("functions.weather:0", "weather", '{"location": "Florence, Italy"}'),)
    assert [told.result.text for told in first.results] == ["40 C"]
    assert talk.cost == Decimal("0.0006258")
    assert talk.usage is not None
    assert (talk.usage.input_tokens, talk.usage.output_tokens, talk.usage.total_tokens) == (268, 66, 334)
    assert told.date == 1758647926


def test_a_refused_question_is_another_attempt_of_its_step() -> None:
    """The words of the refusal are kept."""
    talk = only(tell(exchange([USER], "busy", status=429), exchange([USER], said("hi"))))
    (step,) = talk.steps
    assert [attempt.error for attempt in step.attempts] == ["busy", None]
    assert step.duration == 1.0


def test_a_history_that_goes_on_is_the_next_step() -> None:
    """The answer and the tool's result are not said again; the result is the earlier step's."""
    talk = only(tell(exchange([USER], CALLING), exchange([USER, CALLING, RESULT], said("hot"))))
    assert [step.number for step in talk.steps] == [1, 2]
    assert [len(step.said) for step in talk.steps] == [1, 0]
    assert [result.result.text for result in talk.steps[0].results] == ["40 C"]
    assert talk.steps[0].results[0].duration is None


def test_a_recorded_tool_call_gives_its_result_its_time() -> None:
    """It counts to the step, and is no entry of its own; what the next request repeats is not told twice."""
    talk = only(tell(exchange([USER], CALLING), call(), exchange([USER, CALLING, RESULT], said("hot"))))
    (result,) = talk.steps[0].results
    assert (result.id, result.duration, result.result.text) == (1, 0.5, "40 C")
    assert talk.steps[0].duration == 1.0


def test_a_failed_tool_call_is_an_error_result() -> None:
    """As it was recorded."""
    talk = only(tell(exchange([USER], CALLING), call(result="Error: no", status=500)))
    assert talk.steps[0].results[0].result.is_error


def test_a_chat_goes_on_with_what_the_user_says_next() -> None:
    """A new user message after an answer is said in the next step."""
    more = {"role": "user", "content": "and tomorrow?"}
    talk = only(tell(exchange([USER], said("hot")), exchange([USER, said("hot"), more], said("cold"))))
    assert [[message.text for message in step.said] for step in talk.steps] == [["weather?"], ["and tomorrow?"]]


def test_the_same_question_after_an_answer_is_another_conversation() -> None:
    """Two runs of one agent on one tape."""
    told = tell(exchange([USER], said("hot")), exchange([USER], said("cold")))
    assert len(told.conversations) == 2


def test_interleaved_conversations_are_told_apart() -> None:
    """By their histories; two that began alike by the calls that they were given."""
    other = {"role": "user", "content": "other"}
    second_calling = json.loads(json.dumps(CALLING).replace("c1", "c2"))
    second_result = RESULT | {"tool_call_id": "c2", "content": "12 C"}
    told = tell(
        exchange([USER], CALLING),
        exchange([other], said("x")),
        exchange([USER], second_calling),
        exchange([USER, second_calling, second_result], said("cold")),
        exchange([USER, CALLING, RESULT], said("hot")),
    )
    texts = [[step.answer.text if step.answer else "" for step in talk.steps] for talk in told.conversations]
    assert texts == [["", "hot"], ["x"], ["", "cold"]]
    assert [talk.steps[0].results[0].result.text for talk in told.conversations if talk.steps[0].results] == [
        "40 C",
        "12 C",
    ]


def test_what_no_dialect_reads_is_plain_http() -> None:
    """Other URLs have no reason to tell; a body that should have been understood has one."""
    html = exchange([], said(""), url="https://example.com/")
    broken = exchange([USER], said("hi")) | {"request": HTTPRequest("POST", URL, JSON, b"not json")}
    told = tell(html, broken, call())
    assert [type(entry) for entry in told.entries] == [Exchange, Exchange, Exchange]
    first, second, third = told.entries
    assert isinstance(first, Exchange)
    assert isinstance(second, Exchange)
    assert isinstance(third, Exchange)
    assert (first.reason, third.url, third.method) == (None, "tool:weather", "CALL")
    assert second.reason


def test_an_answer_that_cannot_be_read_is_a_failed_attempt() -> None:
    """A 200 that is no chat completion: what was expected is the attempt's error, and the step has no answer."""
    talk = only(tell(exchange([USER], said("hi")) | {"body": b"<html>"}))
    (step,) = talk.steps
    assert step.answer is None
    assert step.attempts[0].error
    assert (talk.usage, talk.cost) == (None, None)


def test_a_step_whose_cost_was_not_reported_has_its_list_price_or_none(seed: Path) -> None:
    """A sum with a part missing is no sum; where the extra with the prices is there, the part has a source."""
    items = list(Tape.load(seed).interactions)
    bare = msgspec.structs.replace(
        items[-1],
        response=msgspec.structs.replace(
            items[-1].response, body=items[-1].response.body.replace(b'"cost":', b'"cast":')
        ),
    )
    talk = only(transcript(Tape([*items[:-1], bare])))
    last = talk.steps[-1].ledger[-1]
    assert last.source != "provider"
    assert (talk.cost is None) == (last.cost is None)
    assert talk.usage is not None
    assert talk.usage.total_tokens == 334


def test_a_tape_of_constrained_tools_shows_the_calls() -> None:
    """The model's JSON is a call again, the user's report of the result a result, the instruction gone."""
    from playhead.dialects import openai_chat
    from playhead.dialects.base import Endpoint
    from playhead.dialects.constrained_tools import constrain
    from playhead.messages import Message, ToolResult, system, user
    from playhead.request import Request, ToolSpec

    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    asked = Request(
        "m", (system("Be kind."), user("weather?")), tools=(ToolSpec("weather", "Get weather", parameters),)
    )
    called = ToolCall("call_1_0", "weather", '{"city": "F"}')
    result = Message("tool", (ToolResult("call_1_0", "weather", (Text("40 C"),)),))
    again = msgspec.structs.replace(asked, messages=(*asked.messages, Message("assistant", (called,)), result))
    endpoint = Endpoint("local", URL.removesuffix("/chat/completions"), openai_chat.Profile())
    answers = [{"tool": "weather", "arguments": {"city": "F"}}, {"tool": "none", "answer": "It is hot."}]
    exchanges = []
    for request, answer in zip((asked, again), answers, strict=True):
        http = openai_chat.encode_request(constrain(request), endpoint).http
        exchanges.append(exchange([], said(json.dumps(answer))) | {"request": http})
    talk = only(tell(*exchanges))
    assert talk.tools == ("weather",)
    assert talk.steps[0].said == (system("Be kind."), user("weather?"))
    assert talk.steps[0].answer is not None
    assert [(made.name, made.arguments) for made in talk.steps[0].answer.tool_calls] == [("weather", '{"city": "F"}')]
    assert [one.result.text for one in talk.steps[0].results] == ["40 C"]
    assert talk.steps[1].answer is not None
    assert talk.steps[1].answer.text == "It is hot."


def test_a_transcript_is_json_there_and_back(seed: Path) -> None:
    """Its types read what they wrote."""
    told = transcript(Tape.load(seed), path="florence.yaml", warnings=("odd",))
    assert msgspec.json.decode(msgspec.json.encode(told), type=Transcript) == told


def test_every_recording_is_told(cassettes: Path) -> None:
    """All interactions of all tapes are somewhere: an attempt, a tool's result, or plain HTTP."""
    for path in sorted(cassettes.rglob("*.yaml")):
        tape = Tape.load(path)
        told = transcript(tape)
        ids = {entry.id for entry in told.entries if isinstance(entry, Exchange)}
        ids |= {attempt.id for talk in told.conversations for step in talk.steps for attempt in step.attempts}
        assert ids == {item.id for item in tape.interactions}, path
        if "/chat/completions" in tape.interactions[0].request.url:
            assert len(told.conversations) == len(told.entries) == 1, path
            assert all(step.answer is not None for step in told.conversations[0].steps), path


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=200), st.integers(100, 599))
def test_no_bytes_make_it_fail(question: bytes, answer: bytes, status: int) -> None:
    """Whatever a tape holds is told, as one entry."""
    one = exchange([USER], said("hi"))
    noise = one | {"body": answer, "status": status}
    garbled = exchange([USER], said("hi")) | {"request": HTTPRequest("POST", URL, JSON, question)}
    assert len(tell(noise).entries) == 1
    assert len(tell(garbled).entries) == 1


@pytest.mark.parametrize("count", [1500])
def test_a_long_tape_is_told_in_time(count: int) -> None:
    """Many runs that ask the same do not slow each other down."""
    import time

    exchanges = [exchange([USER], said("hot")) for _ in range(count)]
    began = time.process_time()
    assert len(tell(*exchanges).entries) == count
    assert time.process_time() - began < 5
