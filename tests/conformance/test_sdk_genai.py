"""Google's own SDK against the fake provider, as AI Studio and as Vertex AI: its requests are understood, and it
understands our answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sdk_law import PNG, SCHEMA, understood

from playhead import ContextTooLongError, File, OverloadedError, Reasoning, Source, ToolCall, ToolResult, Usage
from playhead.testing import FakeProvider, refuse, reply, tool_call

genai = pytest.importorskip("google.genai", reason="a counter-check with Google's SDK: pip install google-genai")
types = pytest.importorskip("google.genai.types")
errors = pytest.importorskip("google.genai.errors")


def studio(fake: FakeProvider) -> Any:
    return genai.Client(api_key="fake-key", http_options=types.HttpOptions(base_url=fake.url))


def vertex(fake: FakeProvider) -> Any:
    from google.oauth2.credentials import Credentials

    return genai.Client(
        vertexai=True,
        project="project",
        location="us-east5",
        credentials=Credentials(token="token"),
        http_options=types.HttpOptions(base_url=fake.url),
    )


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider("google") as provider:
        yield provider


@pytest.fixture(params=[studio, vertex], ids=lambda make: make.__name__)
def client(fake: FakeProvider, request: pytest.FixtureRequest) -> Iterator[Any]:
    made = request.param(fake)
    yield made
    made.close()


WEATHER = types.FunctionDeclaration(name="weather", description="the weather", parameters_json_schema=SCHEMA)


def conversation() -> list[Any]:
    return [
        types.Content(
            role="user",
            parts=[types.Part(text="What is this?"), types.Part.from_bytes(data=PNG, mime_type="image/png")],
        ),
        types.Content(
            role="model",
            parts=[
                types.Part(text="Let me look"),
                types.Part(
                    function_call=types.FunctionCall(name="weather", args={"location": "Rome"}),
                    thought_signature=b"signature",
                ),
            ],
        ),
        types.Content(
            role="user", parts=[types.Part.from_function_response(name="weather", response={"result": "40 C"})]
        ),
        types.Content(role="user", parts=[types.Part(text="And now?")]),
    ]


def config(**more: Any) -> Any:
    return types.GenerateContentConfig(
        system_instruction="Be kind",
        tools=[types.Tool(function_declarations=[WEATHER])],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        **more,
    )


def test_a_whole_answer(fake: FakeProvider, client: Any) -> None:
    usage = Usage(100, 25, cached_tokens=60, reasoning_tokens=5)
    fake.script(reply(Reasoning("Hm."), "Let me look", tool_call("weather", location="Rome"), usage=usage, id="r-1"))
    answer = client.models.generate_content(
        model="gemini-x",
        contents=conversation(),
        config=config(
            temperature=0.5,
            max_output_tokens=100,
            stop_sequences=["END"],
            seed=3,
            thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=512),
            tool_config=types.ToolConfig(
                function_calling_config=types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY)
            ),
        ),
    )
    assert (answer.response_id, answer.model_version) == ("r-1", "gemini-x")
    parts = answer.candidates[0].content.parts
    assert [part.text for part in parts if part.thought] == ["Hm."]
    assert [part.text for part in parts if part.text and not part.thought] == ["Let me look"]
    assert answer.function_calls[0].name == "weather"
    assert answer.function_calls[0].args == {"location": "Rome"}
    said = answer.usage_metadata
    assert (said.prompt_token_count, said.cached_content_token_count, said.thoughts_token_count) == (100, 60, 5)
    assert said.candidates_token_count == 20
    asked = understood(fake.requests[0])
    assert [message.role for message in asked.messages] == ["system", "user", "assistant", "tool", "user"]
    assert asked.messages[1].all(File)[0].data == PNG
    call = asked.messages[2].all(ToolCall)[0]
    assert call.arguments == '{"location":"Rome"}'
    assert call.opaque is not None
    assert asked.messages[3].all(ToolResult)[0].text == "40 C"
    assert asked.messages[3].all(ToolResult)[0].call_id == call.id
    assert (asked.tool_choice, asked.temperature, asked.max_tokens, asked.seed) == ("required", 0.5, 100, 3)
    assert asked.reasoning is not None
    assert asked.reasoning.max_tokens == 512


def test_a_streamed_answer_and_its_way_back(fake: FakeProvider, client: Any) -> None:
    fake.script(reply(Reasoning("Let me think."), "one two", tool_call("weather", location="Rome")), "done")
    chunks = list(client.models.generate_content_stream(model="gemini-x", contents=conversation()[:1], config=config()))
    parts = [part for chunk in chunks for part in (chunk.candidates[0].content.parts or ())]
    assert "".join(part.text for part in parts if part.text and not part.thought) == "one two"
    assert "".join(part.text for part in parts if part.text and part.thought) == "Let me think."
    called = next(part for part in parts if part.function_call)
    assert called.function_call.args == {"location": "Rome"}
    assert called.thought_signature
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    assert chunks[-1].usage_metadata.candidates_token_count == fake.billed.output_tokens
    assert understood(fake.requests[0]).stream
    # The call goes back as the SDK writes it, signature and all.
    again = [
        *conversation()[:1],
        types.Content(role="model", parts=[called]),
        types.Content(
            role="user", parts=[types.Part.from_function_response(name="weather", response={"result": "40 C"})]
        ),
    ]
    client.models.generate_content(model="gemini-x", contents=again, config=config())
    back = understood(fake.requests[1]).messages[2].all(ToolCall)[0]
    assert back.opaque is not None


def test_sources(fake: FakeProvider, client: Any) -> None:
    cited = reply("Rome is hot", Source("https://example.test/rome", "Rome", 0, 4))
    fake.script(cited, cited)
    whole = client.models.generate_content(model="gemini-x", contents="hot?")
    streamed = list(client.models.generate_content_stream(model="gemini-x", contents="hot?"))[-1]
    for answer in (whole, streamed):
        chunk = answer.candidates[0].grounding_metadata.grounding_chunks[0]
        assert (chunk.web.uri, chunk.web.title) == ("https://example.test/rome", "Rome")


@pytest.mark.parametrize("field", ["response_schema", "response_json_schema"])
def test_structured(fake: FakeProvider, client: Any, field: str) -> None:
    pydantic = pytest.importorskip("pydantic", reason="the SDK's own way to ask for a type")
    person = pydantic.create_model("Person", name=(str, ...), age=(int, ...))
    fake.script('{"name": "Ada", "age": 36}')
    wanted = {field: person if field == "response_schema" else person.model_json_schema()}
    answer = client.models.generate_content(
        model="gemini-x",
        contents="who?",
        config=types.GenerateContentConfig(response_mime_type="application/json", **wanted),
    )
    assert answer.parsed == (person(name="Ada", age=36) if field == "response_schema" else {"name": "Ada", "age": 36})
    asked = understood(fake.requests[0])
    assert asked.output is not None
    assert asked.output.schema is not None
    assert set(asked.output.schema["properties"]) == {"name", "age"}


@pytest.mark.parametrize(
    ("status", "kind", "word"),
    [
        (400, "ClientError", "INVALID_ARGUMENT"),
        (401, "ClientError", "UNAUTHENTICATED"),
        (403, "ClientError", "PERMISSION_DENIED"),
        (404, "ClientError", "NOT_FOUND"),
        (429, "ClientError", "RESOURCE_EXHAUSTED"),
        (500, "ServerError", "INTERNAL"),
        (503, "ServerError", "UNAVAILABLE"),
    ],
)
def test_refusals_are_its_own_errors(fake: FakeProvider, client: Any, status: int, kind: str, word: str) -> None:
    fake.script(refuse(status, "no, and here is why"))
    with pytest.raises(getattr(errors, kind)) as caught:
        client.models.generate_content(model="gemini-x", contents="hi")
    assert (caught.value.code, caught.value.status) == (status, word)
    assert "no, and here is why" in caught.value.message


def test_an_error_in_a_stream_raises(fake: FakeProvider, client: Any) -> None:
    fake.script(reply("one two", error=OverloadedError("busy now")))
    with pytest.raises(errors.APIError, match="busy now"):
        list(client.models.generate_content_stream(model="gemini-x", contents="hi"))


def test_a_request_that_is_too_long_says_so(fake: FakeProvider, client: Any) -> None:
    fake.script(refuse(ContextTooLongError("the input token count exceeds the maximum")))
    with pytest.raises(errors.ClientError, match="token count exceeds"):
        client.models.generate_content(model="gemini-x", contents="hi")
