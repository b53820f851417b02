"""An answer of a type, asked for in every mode on every wire: what is sent, what is read, what is asked again."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, OutputError, Run, tool
from playhead.errors import ConfigError
from playhead.fold import unfold
from playhead.messages import Message, Refusal, Text, ToolCall, ToolResult
from playhead.model import dialect_named
from playhead.request import NamedTool, OutputMode, Request
from playhead.response import FinishReason, Response
from playhead.wire import HTTPRequest
from scripted_server import Answer, Asked, Loopback

WIRES = {
    "openai_chat": "openai:gpt-5",
    "openai_responses": "openai-responses:gpt-5",
    "anthropic_messages": "anthropic:claude-sonnet-4-5",
    "gemini": "google:gemini-2.5-flash",
    "bedrock_converse": "bedrock-converse:anthropic.claude-sonnet-4-5-20250929-v1:0",
}
MODES: tuple[OutputMode, ...] = ("native", "tool", "text")


@dataclasses.dataclass
class City:
    """A city of the world."""

    name: str
    people: int
    river: str = ""


FLORENCE = '{"name": "Florence", "people": 360930, "river": "Arno"}'
STOP, CALLS = FinishReason("stop"), FinishReason("tool_calls")


def read(wire: str, asked: Asked, base: str) -> Request:
    """A request as its dialect reads it."""
    url = f"{base.removesuffix('/v1')}{asked.path}"
    request = dialect_named(wire).decode_request(HTTPRequest("POST", url, tuple(asked.headers.items()), asked.body))
    return request.request


def answer(wire: str, response: Response, streamed: bool) -> Answer:
    """A response as a server of this wire gives it."""
    dialect = dialect_named(wire)
    if not streamed:
        return Answer(200, [dialect.encode_response(response)], {"Content-Type": "application/json"})
    encoder = dialect.encoder()
    pieces = [encoder.feed(event) for event in unfold(response)]
    return Answer(200, [piece for piece in pieces if piece], {"Content-Type": "text/event-stream"})


def said(text: str, request: Request, finish: FinishReason | None = None) -> Response:
    """The answer of a model that does as it is told: a call of the tool for the answer, or text."""
    if request.tools and request.tools[-1].name == "City" and request.output is None:
        return Response((ToolCall("call_1", "City", text),), finish or CALLS)
    return Response((Text(text),), finish or STOP)


def conversation(
    wire: str, replies: list[Callable[[Request], Response]], streamed: bool = False, **settings: Any
) -> tuple[Run[Any], list[Request]]:
    """Run an agent against a server that gives these replies; the run, and the requests as they were sent."""
    asked: list[Request] = []

    def script(number: int, request: Asked) -> Answer:
        asked.append(read(wire, request, server.url))
        return answer(wire, replies[number](asked[-1]), streamed)

    with Loopback(script) as server:
        prompt = settings.pop("prompt", "Where is the Uffizi?")
        run_with = {name: settings.pop(name) for name in ("tape", "tape_mode", "messages") if name in settings}
        settings.setdefault("output", City)
        agent: Agent[Any] = Agent(WIRES[wire], base_url=server.url, api_key="k", **settings)

        async def go() -> Run[Any]:
            stream = agent.stream(prompt, **run_with)
            return await stream.drain() if streamed else await agent.run(prompt, **run_with)

        return asyncio.run(go()), asked


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wire", WIRES)
def test_every_wire_gives_a_value_in_every_mode(wire: str, mode: OutputMode, streamed: bool) -> None:
    run, asked = conversation(wire, [lambda request: said(FLORENCE, request)], streamed, output_mode=mode)
    assert run.output == City("Florence", 360930, "Arno")
    assert json.loads(run.text) == json.loads(FLORENCE)
    assert run.steps[0].response.tool_calls == ()
    assert run.finish is not None
    assert run.finish.unified == "stop"
    request = asked[0]
    assert (request.output is not None) is (mode == "native")
    assert [spec.name for spec in request.tools] == (["City"] if mode == "tool" else [])
    assert request.tool_choice == (NamedTool("City") if mode == "tool" else None)
    assert ("JSON schema" in request.messages[0].text) is (mode == "text")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wire", WIRES)
def test_an_answer_that_does_not_fit_goes_back_with_what_is_wrong(wire: str, mode: OutputMode) -> None:
    wrong = '{"name": "Florence", "people": "many", "river": "Arno"}'
    replies = [lambda request, text=text: said(text, request) for text in (wrong, FLORENCE)]
    run, asked = conversation(wire, replies, output_mode=mode)
    assert run.output == City("Florence", 360930, "Arno")
    assert len(run.steps) == 2
    words = "Expected `int`, got `str` - at `$.people`"
    assert words in run.messages[2].text
    last = asked[1].messages[-1]
    if mode == "tool":
        assert [call.name for call in asked[1].messages[-2].all(ToolCall)] == ["City"]
        (result,) = last.all(ToolResult)
        assert words in result.text
    else:
        assert last.role == "user"
        assert words in last.text


@pytest.mark.parametrize("mode", MODES)
def test_the_number_of_corrections_is_bounded(mode: OutputMode) -> None:
    replies = [lambda request: said('{"name": 5}', request)] * 3
    with pytest.raises(OutputError, match=r"no City: Expected `str`, got `int` - at `\$\.name`") as caught:
        conversation("anthropic_messages", replies, output_mode=mode, output_retries=2)
    assert len(caught.value.run.steps) == 3
    with pytest.raises(OutputError) as caught:
        conversation("anthropic_messages", replies, output_mode=mode, output_retries=0)
    assert len(caught.value.run.steps) == 1


def test_the_limit_of_steps_holds_for_corrections() -> None:
    with pytest.raises(OutputError) as caught:
        conversation("openai_chat", [lambda request: said("{}", request)] * 2, output_retries=9, max_steps=2)
    assert len(caught.value.run.steps) == 2


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (Response((Refusal("I would rather not."),), STOP), "the model refused: I would rather not"),
        (Response((Text('{"name": "Flo'),), FinishReason("length")), "cut off at its token limit"),
        (Response((Text(""),), FinishReason("content_filter")), "was filtered"),
    ],
)
def test_what_was_refused_cut_or_filtered_is_not_asked_again(response: Response, words: str) -> None:
    with pytest.raises(OutputError, match=words) as caught:
        conversation("openai_chat", [lambda request: response])
    assert len(caught.value.run.steps) == 1


@tool
def look(place: str) -> str:
    """Look a place up."""
    return f"{place} is in Florence"


@pytest.mark.parametrize("wire", WIRES)
def test_beside_other_tools_some_call_is_required_and_the_history_stays_valid(wire: str) -> None:
    look_up = ToolCall("call_0", "look", '{"place": "Uffizi"}')
    both = (ToolCall("call_1", "City", "{}"), ToolCall("call_2", "look", '{"place": "Arno"}'))
    replies = [
        lambda request: Response((look_up,), CALLS),
        lambda request: Response(both, CALLS),
        lambda request: Response((ToolCall("call_3", "City", FLORENCE),), CALLS),
    ]
    run, asked = conversation(wire, replies, output_mode="tool", tools=[look])
    assert run.output == City("Florence", 360930, "Arno")
    assert [request.tool_choice for request in asked] == ["required"] * 3
    assert [spec.name for spec in asked[0].tools] == ["look", "City"]
    for request in asked:
        wanted = [call.id for message in request.messages for call in message.all(ToolCall)]
        given = [result.call_id for message in request.messages for result in message.all(ToolResult)]
        assert sorted(wanted) == sorted(given)
    results = {result.name: result.text for message in asked[2].messages for result in message.all(ToolResult)}
    assert "other tools were called beside it" in results["City"]


@pytest.mark.parametrize("wire", WIRES)
def test_a_conversation_goes_on_after_an_answer_by_tool(wire: str) -> None:
    one = [lambda request: said(FLORENCE, request)]
    first, _ = conversation(wire, one, output_mode="tool")
    second, asked = conversation(wire, one, output_mode="tool", prompt="And Rome?", messages=first.messages)
    assert [message.role for message in asked[0].messages] == ["user", "assistant", "tool", "user"]
    third, plain = conversation(wire, one, output_mode="native", prompt="And Rome?", messages=second.messages)
    assert [message.role for message in plain[0].messages] == ["user", "assistant"] * 2 + ["user"]
    assert third.output == City("Florence", 360930, "Arno")


def test_a_model_that_thinks_is_asked_and_not_forced() -> None:
    prose = Response((Text("Here it is."), ToolCall("call_1", "City", FLORENCE)), CALLS)
    run, asked = conversation("anthropic_messages", [lambda request: prose], output_mode="tool", reasoning="low")
    assert run.output == City("Florence", 360930, "Arno")
    assert asked[0].tool_choice in (None, "auto")  # on this wire the one is the other
    assert "by calling the tool City" in asked[0].messages[0].text


def test_a_tool_that_the_caller_forces_comes_before_the_answer() -> None:
    replies = [
        lambda request: Response((ToolCall("call_0", "look", '{"place": "Uffizi"}'),), CALLS),
        lambda request: said(FLORENCE, request),
    ]
    run, asked = conversation("openai_chat", replies, output_mode="tool", tools=[look], tool_choice="look")
    assert run.output == City("Florence", 360930, "Arno")
    assert [[spec.name for spec in request.tools] for request in asked] == [["look"], ["look", "City"]]
    assert [request.tool_choice for request in asked] == [NamedTool("look"), "required"]


@pytest.mark.parametrize("mode", MODES)
def test_a_tape_plays_the_corrections_and_goes_on_where_it_ends(mode: OutputMode, tmp_path: Path) -> None:
    tape = tmp_path / "city.yaml"
    texts = ['{"name": 5}', '{"name": "Florence"}', FLORENCE]

    def script(number: int, asked: Asked) -> Answer:
        return answer("gemini", said(texts[number], read("gemini", asked, server.url)), False)

    with Loopback(script) as server:

        def run(retries: int, tape_mode: Any) -> Run[City]:
            agent = Agent(
                WIRES["gemini"],
                output=City,
                output_mode=mode,
                output_retries=retries,
                base_url=server.url,
                api_key="k",
            )
            return asyncio.run(agent.run("Where is the Uffizi?", tape=tape, tape_mode=tape_mode))

        with pytest.raises(OutputError):
            run(1, "record")
        assert len(server.requests) == 2
        went_on = run(2, "resume")
        assert len(server.requests) == 3
        assert len(went_on.steps) == 3
        again = run(2, "replay")
        assert len(server.requests) == 3
        assert again.output == went_on.output == City("Florence", 360930, "Arno")


def test_a_mode_without_a_type_and_a_mode_that_is_none_are_config_errors() -> None:
    with pytest.raises(ConfigError, match="give output= as well"):
        Agent("openai:gpt-5", output_mode="tool")
    with pytest.raises(ConfigError, match='expected "best", "native", "tool" or "text"'):
        Agent("openai:gpt-5", output=City, output_mode="json")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"output_retries|Agent"):
        Agent("openai:gpt-5", output=City, output_retries=-1)


def test_messages_with_an_answer_by_tool_are_written_and_read_again() -> None:
    from playhead.messages import dump_messages, load_messages

    run, _ = conversation("gemini", [lambda request: said(FLORENCE, request)], output_mode="tool")
    assert load_messages(dump_messages(run.messages)) == run.messages
    assert run.messages[-1] == Message("assistant", run.messages[-1].parts)


@pytest.mark.parametrize("mode", MODES)
def test_a_tape_with_corrections_is_verified_as_what_it_asked(mode: OutputMode, tmp_path: Path) -> None:
    from playhead.deck.verify import verify
    from playhead.tapes import Tape

    tape = tmp_path / "city.yaml"
    texts = ['{"name": 5}', FLORENCE]
    replies = [lambda request, text=text: said(text, request) for text in texts]
    conversation("openai_chat", replies, output_mode=mode, tape=tape, tape_mode="record")
    verdict = asyncio.run(verify(Tape.load(tape)))
    assert (verdict.requests, verdict.equal, verdict.differences) == (2, 2, [])


@tool(strict=True)
def walk(street: str, steps: int = 5) -> str:
    """Walk along a street."""
    return f"{steps} steps along {street}"


def test_broken_json_is_mended_without_asking_again_and_the_run_says_so() -> None:
    pytest.importorskip("json_repair", reason="mends")
    run, _ = conversation("openai_chat", [lambda request: said('{"name": "Florence", "people": 5,}', request)])
    assert run.output == City("Florence", 5)
    assert len(run.steps) == 1
    assert any("it was mended" in words for words in run.warnings)


def test_a_strict_tool_is_called_with_null_for_what_may_be_absent() -> None:
    calls = (ToolCall("c1", "walk", '{"street": "Via Roma", "steps": null}'),)
    replies = [lambda request: Response(calls, CALLS), lambda request: said(FLORENCE, request)]
    run, asked = conversation("openai_chat", replies, tools=[walk])
    assert asked[0].tools[0].strict is True
    assert asked[0].tools[0].parameters["required"] == ["street", "steps"]
    assert run.steps[0].results[0].text == "5 steps along Via Roma"
