"""Every wire through the public API: who is at a URL, and a run with a tool against a real server of that wire.

The server's answers are made by the dialects' own encoders; what it was asked is read by their own decoders.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, AuthenticationError, RetryPolicy, Tape, tool
from playhead.deck.verify import verify
from playhead.errors import ConfigError
from playhead.fold import unfold
from playhead.messages import Text, ToolCall, ToolResult
from playhead.model import key_of
from playhead.providers.base import bare_name, profile_for
from playhead.providers.catalog import PROVIDERS, by_url, endpoint, resolve
from playhead.providers.options import check_options
from playhead.providers.quirks import QUIRKS
from playhead.response import FinishReason, Response
from playhead.wire import HTTPRequest
from scripted_server import Answer, Asked, Loopback

VERTEX = "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5"
BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com"
STUDIO = "https://generativelanguage.googleapis.com/v1beta"
CLAUDE_ARN = "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.anthropic.claude"


@pytest.mark.parametrize(
    ("url", "name", "dialect", "base"),
    [
        ("https://api.openai.com/v1/responses", "openai-responses", "openai_responses", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/chat/completions", "openai", "openai_chat", "https://api.openai.com/v1"),
        (
            "https://me.openai.azure.com/openai/v1/responses?api-version=preview",
            *("azure-responses", "openai_responses", "https://me.openai.azure.com/openai/v1"),
        ),
        ("https://api.anthropic.com/v1/messages", "anthropic", "anthropic_messages", "https://api.anthropic.com/v1"),
        (
            "https://api.anthropic.com/v1/messages?beta=true",
            *("anthropic", "anthropic_messages", "https://api.anthropic.com/v1"),
        ),
        ("http://10.0.0.5:9/v1/messages", "anthropic", "anthropic_messages", "http://10.0.0.5:9/v1"),
        ("http://10.0.0.5:9/v1/responses", "openai-responses", "openai_responses", "http://10.0.0.5:9/v1"),
        ("http://10.0.0.5:9/v1/models/m:generateContent", "google", "gemini", "http://10.0.0.5:9/v1"),
        ("http://10.0.0.5:9/model/m/invoke", "bedrock", "anthropic_messages", "http://10.0.0.5:9"),
        ("http://10.0.0.5:9/model/m/converse", "bedrock", "bedrock_converse", "http://10.0.0.5:9"),
        (
            "http://10.0.0.5:9/publishers/anthropic/models/m:rawPredict",
            *("vertex", "anthropic_messages", "http://10.0.0.5:9"),
        ),
        (f"{STUDIO}/models/gemini-2.5-flash:generateContent", "google", "gemini", STUDIO),
        (f"{STUDIO}/models/gemini-2.5-flash:streamGenerateContent?alt=sse", "google", "gemini", STUDIO),
        (f"{STUDIO}/tunedModels/mine:generateContent", "google", "gemini", STUDIO),
        (
            f"{VERTEX}/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
            *("vertex", "gemini", f"{VERTEX}/publishers/google"),
        ),
        (
            f"{VERTEX.replace('/v1/', '/v1beta1/')}/publishers/google/models/g:generateContent",
            *("vertex", "gemini", f"{VERTEX.replace('/v1/', '/v1beta1/')}/publishers/google"),
        ),
        (
            f"{VERTEX}/publishers/anthropic/models/claude-3-7-sonnet@20250219:rawPredict",
            *("vertex", "anthropic_messages", VERTEX),
        ),
        (
            f"{VERTEX}/publishers/anthropic/models/claude-3-7-sonnet@20250219:streamRawPredict",
            *("vertex", "anthropic_messages", VERTEX),
        ),
        (f"{BEDROCK}/model/us.anthropic.claude-haiku-4-5-v1%3A0/invoke", "bedrock", "anthropic_messages", BEDROCK),
        (f"{BEDROCK}/model/{CLAUDE_ARN}/invoke-with-response-stream", "bedrock", "anthropic_messages", BEDROCK),
        (f"{BEDROCK}/model/us.amazon.nova-pro-v1%3A0/converse", "bedrock", "bedrock_converse", BEDROCK),
        (f"{BEDROCK}/model/{CLAUDE_ARN}/converse-stream", "bedrock-converse", "bedrock_converse", BEDROCK),
        # A wire that a known server speaks beside its own: who it is stays known.
        (
            "https://openrouter.ai/api/v1/responses",
            *("openrouter", "openai_responses", "https://openrouter.ai/api/v1"),
        ),
        ("http://localhost:8080/v1/messages", "llamacpp", "anthropic_messages", "http://localhost:8080/v1"),
    ],
)
def test_the_path_of_a_url_says_the_dialect_and_what_is_before_it_the_provider(
    url: str, name: str, dialect: str, base: str
) -> None:
    provider = by_url(url)
    assert (provider.name, provider.dialect, provider.base_url) == (name, dialect, base)
    assert type(profile_for(provider, "m")).__module__ == f"playhead.dialects.{dialect}.profile"


@pytest.mark.parametrize(
    "url",
    [
        f"{VERTEX}/publishers/mistralai/models/mistral-large:rawPredict",
        f"{BEDROCK}/invoke",
        f"{BEDROCK}/converse",
        f"{STUDIO}/models/gemini-2.5-flash:countTokens",
        "https://api.openai.com/v1/embeddings",
        f"{STUDIO}/models:generateContent",
    ],
)
def test_a_url_of_no_dialect_is_its_own_base(url: str) -> None:
    assert by_url(url).base_url == url


@pytest.mark.parametrize(
    "provider",
    [*PROVIDERS.values(), resolve("vertex:claude-x")[0], resolve("bedrock:claude-x")[0]],
    ids=lambda row: row.name,
)
def test_every_row_fits_its_dialect(provider: Any) -> None:
    """The profile is one of the dialect's, with every quirk that there is, and the options have a schema."""
    for quirk in QUIRKS:
        for model in quirk.models:
            profile = profile_for(provider, model)
            if provider.dialect in quirk.dialects and provider.name in (quirk.providers or (provider.name,)):
                assert all(hasattr(profile, field) for field in quirk.changes)
    options: dict[str, Any] = {"openai_chat": {"user": "me"}, "bedrock_converse": {"requestMetadata": {"a": "b"}}}
    assert check_options(provider, options.get(provider.dialect, {"tools": []}))


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("anthropic:claude-3-7-sonnet-latest", "thinking", "budget"),
        ("anthropic:claude-sonnet-4-20250514", "thinking", "budget"),
        ("anthropic:claude-haiku-4-5", "thinking", "budget"),
        ("anthropic:claude-opus-4-6", "thinking", "both"),
        ("anthropic:claude-opus-4-7", "thinking", "adaptive"),
        ("anthropic:claude-opus-4-7", "sampling", False),
        ("vertex:claude-3-7-sonnet@20250219", "thinking", "budget"),
        ("vertex:claude-3-7-sonnet@20250219", "service", "vertex"),
        ("bedrock:us.anthropic.claude-haiku-4-5-20251001-v1:0", "thinking", "budget"),
        ("bedrock:us.anthropic.claude-haiku-4-5-20251001-v1:0", "betas_in", "body"),
        ("bedrock-converse:us.anthropic.claude-haiku-4-5-20251001-v1:0", "thinking", "budget"),
        ("bedrock-converse:anthropic.claude-opus-4-7-v1:0", "output_mode", "native"),
        ("bedrock:us.amazon.nova-pro-v1:0", "cache_points", ("system", "messages")),
        ("bedrock:amazon.nova-2-lite-v1:0", "thinking", "nova"),
        ("bedrock:us.meta.llama3-3-70b-instruct-v1:0", "tool_choices", ()),
        ("bedrock:mistral.mistral-large-2402-v1:0", "tool_choices", ("any",)),
        ("bedrock:us.deepseek.r1-v1:0", "reasoning_back", False),
        ("bedrock:arn:aws:bedrock:us-east-1:1:inference-profile/us.meta.llama4-scout-17b-v1:0", "result_status", False),
        ("google:gemini-2.5-pro", "effort", "budget"),
        ("google:gemini-3-pro-preview", "effort", "level"),
        ("google:gemini-3-pro-preview", "result_media", "inside"),
        ("vertex:gemini-2.5-flash", "call_ids", False),
        ("vertex:gemini-2.5-flash", "effort", "budget"),
        ("openai-responses:gpt-5", "system_role", "developer"),
        ("openai-responses:gpt-5", "sampling", False),
        ("openai-responses:gpt-5-chat-latest", "sampling", True),
        ("openai-responses:gpt-4o", "system_role", "system"),
        ("azure-responses:gpt-5-mini", "sampling", False),
    ],
)
def test_quirks_are_of_the_models_dialect(name: str, field: str, value: Any) -> None:
    assert getattr(profile_for(*resolve(name)), field) == value


@pytest.mark.parametrize(
    ("model", "dialect"),
    [
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "anthropic_messages"),
        ("global.anthropic.claude-opus-4-6-v1", "anthropic_messages"),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/eu.anthropic.claude-sonnet-4-v1:0", "anthropic_messages"),
        ("amazon.nova-pro-v1:0", "bedrock_converse"),
        ("us.meta.llama3-3-70b-instruct-v1:0", "bedrock_converse"),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/a1b2c3", "bedrock_converse"),
    ],
)
def test_bedrock_speaks_to_claude_in_anthropics_wire_and_to_all_others_in_converse(model: str, dialect: str) -> None:
    provider, name = resolve(f"bedrock:{model}")
    assert (provider.name, provider.dialect, name) == ("bedrock", dialect, model)
    assert resolve(f"bedrock-converse:{model}")[0].dialect == "bedrock_converse"


@pytest.mark.parametrize(
    ("model", "bare"),
    [
        ("us.anthropic.claude-opus-4-6-v1", "claude-opus-4-6-v1"),
        ("amazon.nova-pro-v1:0", "nova-pro-v1:0"),
        ("deepseek.r1-v1:0", "r1-v1:0"),
        ("openai/gpt-5.1-chat", "gpt-5.1-chat"),
        ("Qwen/Qwen2.5-7B", "qwen2.5-7b"),
        ("claude-x@1", "claude-x@1"),
        ("kimi-k2.5", "kimi-k2.5"),
    ],
)
def test_a_bare_name_is_without_its_place(model: str, bare: str) -> None:
    assert bare_name(model) == bare


def test_where_vertex_and_bedrock_are_is_said_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION", "GOOGLE_CLOUD_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    gemini, claude, bedrock = (resolve(name) for name in ("vertex:gemini-2.5-flash", "vertex:claude-x", "bedrock:m"))
    with pytest.raises(ConfigError, match="needs a project: set the environment variable GOOGLE_CLOUD_PROJECT"):
        endpoint(*gemini)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    with pytest.raises(ConfigError, match="needs a location: set the environment variable GOOGLE_CLOUD_LOCATION"):
        endpoint(*claude)
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "us-east5")
    assert endpoint(*gemini).base_url == f"{VERTEX}/publishers/google"
    assert endpoint(*claude).base_url == VERTEX
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "global")
    assert endpoint(*claude).base_url == "https://aiplatform.googleapis.com/v1/projects/p/locations/global"
    with pytest.raises(ConfigError, match="AWS_REGION"):
        endpoint(*bedrock)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert endpoint(*bedrock).base_url == BEDROCK


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("azure:m", "AZURE_OPENAI_API_KEY or AZURE_OPENAI_AD_TOKEN is not set"),
        ("anthropic:m", "ANTHROPIC_API_KEY is not set"),
    ],
)
def test_a_missing_key_says_what_to_set(name: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = resolve(name)[0]
    for variable in provider.key_env:
        monkeypatch.delenv(variable, raising=False)
    with Loopback(lambda number, asked: Answer()) as server, pytest.raises(AuthenticationError, match=says) as raised:
        Agent(name, base_url=server.url).run_sync("hi")
    assert raised.value.provider == provider.name
    assert server.requests == []
    monkeypatch.setenv(provider.key_env[-1], " k1 ")
    assert key_of(provider).find() == "k1"
    assert key_of(provider).known() == ("k1",)
    assert key_of(provider, "k2").find() == "k2"


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("anthropic:m", {"top_kk": 3}, 'did you mean "top_k"'),
        ("anthropic:m", {"top_k": "3"}, r"options\.top_k: expected `int`"),
        ("anthropic:m", {"extra": {"x": 1}}, "knows no such option"),
        ("openai-responses:m", {"previous_response": "x"}, 'did you mean "previous_response_id"'),
        ("google:m", {"safety_settings": []}, 'did you mean "safetySettings"'),
        ("bedrock:m", {"guardRailConfig": {}}, 'did you mean "guardrailConfig"'),
        ("bedrock:m", {"guardrailConfig": {"guardrailIdentifer": "g"}}, 'did you mean "guardrailIdentifier"'),
        ("bedrock:m", {"performanceConfig": {"latency": "fast"}}, r"options\.performanceConfig"),
        ("bedrock:claude-x", {"guardrailConfig": {}}, "knows no such option"),
        ("google:m", {"extra": {"contents": []}}, "cannot be said a second time"),
    ],
)
def test_each_wire_has_options_of_its_own(name: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        check_options(resolve(name)[0], options)


@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return f"40 C in {location}"


def speaker(dialect: Any, streams: Callable[[Asked], bool], framing: str = "sse") -> Callable[[int, Asked], Answer]:
    """A server of this wire that calls the tool once, and says what it was told."""

    def script(number: int, asked: Asked) -> Answer:
        url = f"http://127.0.0.1{asked.path}"
        request = dialect.decode_request(HTTPRequest(asked.method, url, tuple(asked.headers.items()), asked.body))
        assert not request.unmodelled
        results = [result for message in request.request.messages for result in message.all(ToolResult)]
        if results:
            said = Response((Text(f"It is {results[-1].text}."),), FinishReason("stop"), id=f"r{number}", model="m")
        else:
            call = ToolCall("call_1", "weather", '{"location":"Florence"}')
            said = Response((Text("I look."), call), FinishReason("tool_calls"), id=f"r{number}", model="m")
        if not streams(asked):
            return Answer(200, [dialect.encode_response(said)], {"Content-Type": "application/json"})
        two_framings = dialect.NAME == "anthropic_messages"
        encoder = dialect.encoder(framing=framing) if two_framings else dialect.encoder()
        kind = "application/vnd.amazon.eventstream" if framing == "aws" else "text/event-stream"
        return Answer(200, [piece for event in unfold(said) if (piece := encoder.feed(event))], {"Content-Type": kind})

    return script


def in_body(asked: Asked) -> bool:
    return asked.json.get("stream") is True


def in_path(asked: Asked) -> bool:
    return "stream" in asked.path.rpartition("/")[2].lower()


#: A server that fails its own assertions is not asked again.
ONCE = RetryPolicy(attempts=1)

WIRES = [
    ("anthropic:claude-x", "anthropic_messages", in_body, "x-api-key", "", "/v1/messages"),
    ("openai-responses:gpt-x", "openai_responses", in_body, "authorization", "Bearer ", "/v1/responses"),
    ("azure-responses:gpt-x", "openai_responses", in_body, "api-key", "", "/v1/responses"),
    ("google:gemini-x", "gemini", in_path, "x-goog-api-key", "", "/v1/models/gemini-x:"),
    ("vertex:gemini-x", "gemini", in_path, "authorization", "Bearer ", "/v1/models/gemini-x:"),
    (
        "vertex:claude-x@1",
        *("anthropic_messages", in_path, "authorization", "Bearer "),
        "/v1/publishers/anthropic/models/claude-x@1:",
    ),
    (
        "bedrock:us.anthropic.claude-x-v1:0",
        *("anthropic_messages", in_path, "authorization", "Bearer "),
        "/v1/model/us.anthropic.claude-x-v1%3A0/invoke",
    ),
    (
        "bedrock:us.amazon.nova-x-v1:0",
        *("bedrock_converse", in_path, "authorization", "Bearer "),
        "/v1/model/us.amazon.nova-x-v1%3A0/converse",
    ),
    (
        "bedrock-converse:us.anthropic.claude-x-v1:0",
        *("bedrock_converse", in_path, "authorization", "Bearer "),
        "/v1/model/us.anthropic.claude-x-v1%3A0/converse",
    ),
]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("name", "dialect", "streams", "header", "prefix", "path"), WIRES, ids=[w[0] for w in WIRES])
def test_an_agent_runs_on_every_wire(
    tmp_path: Path, name: str, dialect: str, streams: Any, header: str, prefix: str, path: str, stream: bool
) -> None:
    """A run with a tool call: the key is in its header and not on the tape, the tape plays without a server and
    without a key, and verification finds nothing."""
    tape, secret = tmp_path / "run.yaml", "sk-very-secret-0123456789"
    spoken = import_module(f"playhead.dialects.{dialect}")
    framing = "aws" if name.startswith("bedrock") else "sse"

    def run(agent: Agent[str], mode: Any) -> Any:
        async def streamed() -> Any:
            async with agent.stream("Weather in Florence?", tape=tape, tape_mode=mode) as events:
                async for _ in events:
                    pass
            return events.run

        return asyncio.run(streamed()) if stream else agent.run_sync("Weather?", tape=tape, tape_mode=mode)

    def agent(**more: Any) -> Agent[str]:
        return Agent(name, base_url=server.url, system="Be kind.", tools=[weather], max_tokens=4000, retry=ONCE, **more)

    with Loopback(speaker(spoken, streams, framing)) as server:
        first = run(agent(api_key=secret), "record")
        assert first.output == "It is 40 C in Florence."
        assert len(server.requests) == 2
        for asked in server.requests:
            assert asked.path.startswith(path)
            assert streams(asked) is stream
            assert asked.headers[header] == prefix + secret
            assert secret not in "".join(value for key, value in asked.headers.items() if key != header)
    assert secret.encode() not in tape.read_bytes()
    again = run(agent(), "replay")
    assert again.output == first.output
    verdict = asyncio.run(verify(Tape.load(tape)))
    assert verdict.ok, verdict.differences
    assert (verdict.requests, verdict.equal, verdict.steps, verdict.conversations) == (2, 2, 2, 1)
    assert verdict.edits == verdict.notes == verdict.unmodelled == []


def test_the_catalog_loads_no_codec() -> None:
    """Naming a provider costs no dialect: the modules of one are imported when it is first spoken."""
    script = (
        "import sys, playhead.providers.catalog as c; c.resolve('anthropic:claude-x'); c.resolve('google:g');"
        "c.by_url('https://api.openai.com/v1/responses');"
        "print(sorted(m for m in sys.modules if m.startswith('playhead.dialects.') and m != 'playhead.dialects.base'))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
