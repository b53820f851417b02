"""Clients that nobody here wrote against `playhead serve`: each gets through the refusals by its own retries, and reads
text, tool calls and streams."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from playhead import Tape, TapeServer
from playhead.deck.question import as_http, question

KEY = "sk-none-0123456789abcdef"
#: Where `make clients` puts them.
NODE_MODULES = Path(sys.prefix, "node", "node_modules")
LITELLM = Path(sys.prefix, "litellm")
QUICK = {"initial_delay": 0.001, "max_delay": 0.001, "attempts": 10, "jitter": 0.0}


@pytest.fixture
def server(seed: Path) -> Iterator[TapeServer]:
    with TapeServer(seed) as serving:
        yield serving


@pytest.fixture(scope="module")
def steps(seed: Path) -> list[dict[str, Any]]:
    """The two questions of the seed."""
    return [json.loads(Tape.load(seed).interactions[at].request.body) for at in (0, 3)]


def test_openai_on_python(server: TapeServer, steps: list[dict[str, Any]]) -> None:
    openai = pytest.importorskip("openai", reason="a client of others: pip install openai")
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=8) as client:
        first, last = (client.chat.completions.create(**_extra(step, "provider", "usage")) for step in steps)
        assert first.choices[0].message.tool_calls[0].function.name == "weather"
        assert "Florence" in last.choices[0].message.content
        assert [one.id for one in client.models.list()] == ["moonshotai/kimi-k2-0905"]
    assert (server.unplayed, server.missed) == ([], 0)


def test_litellm(server: TapeServer, steps: list[dict[str, Any]]) -> None:
    """In a process of its own: it warns at its import, and looks for its prices on the net unless it is told not to."""
    if not LITELLM.is_dir():
        pytest.skip("a client of others: make clients")
    program = """
        import json, litellm, sys
        url, key, steps = json.load(sys.stdin)
        for step in steps:
            answer = litellm.completion(api_base=url, api_key=key, max_retries=8, **step)
            print(answer.choices[0].message.model_dump_json())
    """
    asked = [_extra(step, "provider", "usage") for step in steps]
    asked = [{**step, "model": f"openai/{step['model']}"} for step in asked]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)],
        input=json.dumps([f"{server.url}/v1", KEY, asked]),
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONPATH": str(LITELLM)},
    )
    assert done.returncode == 0, done.stderr
    first, last = map(json.loads, done.stdout.splitlines())
    assert first["tool_calls"][0]["function"]["name"] == "weather"
    assert "Florence" in last["content"]
    assert (server.unplayed, server.missed) == ([], 0)


def test_curl(seed: Path, tmp_path: Path) -> None:
    """curl waits whole seconds between tries, so each question has a server and a process of its own."""
    curl = shutil.which("curl") or pytest.skip("there is no curl on this machine")
    recorded = Tape.load(seed).interactions
    with TapeServer(Tape(recorded[:3])) as server:
        url = f"{server.url}/v1/chat/completions"
        (tmp_path / "body").write_bytes(recorded[0].request.body)
        done = subprocess.run(
            [curl, "-sS", "--retry", "5", "--retry-delay", "1", "--json", f"@{tmp_path / 'body'}", url],
            capture_output=True,
            timeout=60,
        )
        assert done.stdout.endswith(recorded[2].response.body), done.stderr
        assert server.unplayed == []


def test_openai_on_node(server: TapeServer, steps: list[dict[str, Any]], tmp_path: Path) -> None:
    node = shutil.which("node") or pytest.skip("there is no node on this machine")
    if not NODE_MODULES.joinpath("openai").is_dir():
        pytest.skip("a client of others: make clients")
    program = tmp_path / "client.mjs"
    program.write_text(
        f"""
        import OpenAI from {json.dumps(f"{NODE_MODULES}/openai/index.mjs")}
        const client = new OpenAI({{ baseURL: {json.dumps(server.url)} + '/v1', apiKey: 'none', maxRetries: 8 }})
        for (const step of {json.dumps(steps)})
            console.log(JSON.stringify((await client.chat.completions.create(step)).choices[0].message))
        """
    )
    done = subprocess.run([node, str(program)], capture_output=True, text=True, timeout=60)
    first, last = done.stdout.splitlines()
    assert json.loads(first)["tool_calls"][0]["function"]["name"] == "weather"
    assert "Florence" in json.loads(last)["content"]
    assert (server.unplayed, server.missed) == ([], 0)


@pytest.mark.filterwarnings("ignore:The model:DeprecationWarning")  # of those that were recorded
@pytest.mark.parametrize("name", ["multi_tool", "multi_tool_streaming", "simple_streaming", "tool_streaming"])
def test_anthropic(cassettes: Path, name: str) -> None:
    anthropic = pytest.importorskip("anthropic", reason="a client of others: pip install anthropic")
    path = cassettes / "TestAnthropicCommon" / "claude-sonnet-4" / f"{name}.yaml"
    with TapeServer(path) as server, anthropic.Anthropic(base_url=server.url, api_key=KEY) as client:
        for item in Tape.load(path).interactions:
            asked = json.loads(item.request.body)
            streams = asked.pop("stream", False)
            if streams:
                with client.messages.stream(**asked) as stream:
                    said = stream.get_final_message()
            else:
                said = client.messages.create(**asked)
            text, calls = _recorded(item)
            assert "".join(part.text for part in said.content if part.type == "text") == text
            assert [part.name for part in said.content if part.type == "tool_use"] == calls
        assert server.unplayed == []


@pytest.mark.parametrize("name", ["multi_tool", "multi_tool_streaming", "simple_streaming", "tool_streaming"])
def test_openai_reads_the_streams_of_others(cassettes: Path, name: str) -> None:
    openai = pytest.importorskip("openai", reason="a client of others: pip install openai")
    path = min((cassettes / "TestOpenAICommon").rglob(f"{name}.yaml"))
    with TapeServer(path) as server, openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY) as client:
        for item in Tape.load(path).interactions:
            asked = json.loads(item.request.body)
            answer = client.chat.completions.create(**asked)
            messages = [chunk.choices[0].delta for chunk in answer if chunk.choices] if asked.get("stream") else None
            if messages is None:
                messages = [answer.choices[0].message]
            text, calls = _recorded(item)
            assert "".join(message.content or "" for message in messages) == text
            named = [call.function.name for message in messages for call in message.tool_calls or ()]
            assert [one for one in named if one] == calls
        assert server.unplayed == []


@pytest.mark.parametrize("name", ["multi_tool", "multi_tool_streaming", "simple_streaming", "tool_streaming"])
def test_google(cassettes: Path, name: str) -> None:
    """The SDK is given the recorded body as it is, since Google's own names of fields are not its arguments'."""
    genai = pytest.importorskip("google.genai", reason="a client of others: pip install google-genai")
    types = pytest.importorskip("google.genai.types")
    path = min((cassettes / "TestGoogleCommon").rglob(f"{name}.yaml"))
    with TapeServer(path) as server:
        for item in Tape.load(path).interactions:
            client = genai.Client(
                api_key=KEY,
                http_options=types.HttpOptions(
                    base_url=server.url,
                    retry_options=types.HttpRetryOptions(**QUICK),
                ),
            )
            call = item.request.url.partition("/models/")[2].partition("?")[0]
            body = json.loads(item.request.body)
            api: Any = client._api_client
            if call.endswith(":streamGenerateContent"):
                pieces = api.request_streamed("post", f"models/{call}?alt=sse", body)
                said = [json.loads(piece.body) for piece in pieces]
            else:
                said = [json.loads(api.request("post", f"models/{call}", body).body)]
            text, calls = _recorded(item)
            parts = [
                part
                for one in said
                for candidate in one["candidates"]
                for part in candidate.get("content", {}).get("parts", ())
            ]
            assert "".join(part.get("text", "") for part in parts if not part.get("thought")) == text
            assert [part["functionCall"]["name"] for part in parts if "functionCall" in part] == calls
            client.close()
        assert server.unplayed == []


def test_google_gets_through_refusals(cassettes: Path) -> None:
    genai = pytest.importorskip("google.genai", reason="a client of others: pip install google-genai")
    types = pytest.importorskip("google.genai.types")
    item = Tape.load(min((cassettes / "TestGoogleCommon").rglob("simple.yaml"))).interactions[0]
    model = item.request.url.partition("/models/")[2].partition(":")[0]
    body = b'{"contents":[{"parts":[{"text":"hi"}],"role":"user"}]}'
    asked = _asking(item, body)
    with TapeServer(Tape([asked]), faults=["1-8: 503", "9: 429"]) as server:
        options = types.HttpOptions(base_url=server.url, retry_options=types.HttpRetryOptions(**QUICK))
        client = genai.Client(api_key=KEY, http_options=options)
        assert client.models.generate_content(model=model, contents="hi").text == _recorded(item)[0]
        assert server.asked == 10
        client.close()


def test_the_command_serves_until_it_is_stopped(seed: Path) -> None:
    """The line is there when connections are accepted; what was played is said at the end."""
    command = [sys.executable, "-m", "playhead", "serve", str(seed), "--port", "0", "--json", "--check"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        from raw_wire import ask

        port = int(said["url"].rpartition(":")[2])
        for item in Tape.load(seed).interactions:
            assert ask(port, "/@me/v1/chat/completions", item.request.body).status == item.response.code
        process.terminate()
        assert json.loads(process.stdout.readline())["played"] == 12
    assert process.returncode == 0


def _recorded(item: Any) -> tuple[str, list[str]]:
    """The text and the names of the calls that the tape's answer says."""
    from playhead.fold import Folder

    asked = question(item)
    endpoint = asked.theirs
    if asked.request.stream or "stream" in as_http(item).url:
        decoder, folder = asked.dialect.decoder(endpoint), Folder()
        folder.push(decoder.feed(item.response.body))
        folder.push(decoder.close())
        response = folder.response()
    else:
        response, _ = asked.dialect.decode_response(item.response.body, endpoint)
    return response.text, [call.name for call in response.tool_calls]


def _asking(item: Any, body: bytes) -> Any:
    """The same exchange with another body."""
    from playhead.tapes.interaction import Interaction, RecordedRequest

    fields = {name: getattr(item.request, name) for name in RecordedRequest.__struct_fields__}
    return Interaction(item.id, RecordedRequest(**{**fields, "body": body}), item.response)


def _extra(body: dict[str, Any], *names: str) -> dict[str, Any]:
    """The arguments of an SDK's call, of which some are not its own."""
    rest = {name: value for name, value in body.items() if name not in names}
    return {**rest, "extra_body": {name: body[name] for name in names}}
