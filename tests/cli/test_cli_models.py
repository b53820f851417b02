"""``playhead models``: the table of providers, what is known of one model, and a provider's own listing."""

from __future__ import annotations

import json
import re
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from scripted_server import Answer, Asked, Loopback, reply

ROUTER = {
    "data": [
        {
            "id": "moonshotai/kimi-k2-0905",
            "name": "MoonshotAI: Kimi K2 0905",
            "context_length": 262144,
            "pricing": {"prompt": "0.00000039", "completion": "0.0000019"},
        },
        {"id": "openrouter/auto", "context_length": 2000000, "pricing": {"prompt": "-1", "completion": "-1"}},
        {"id": "x/free", "pricing": {"prompt": "0", "completion": "0"}},
    ]
}


def serving(*answers: Any) -> Loopback:
    return Loopback(lambda number, _: answers[min(number, len(answers) - 1)])


def test_the_table_names_every_provider_and_shows_no_key(playhead: Any) -> None:
    done = playhead("models", MISTRAL_API_KEY="very-secret-key")
    assert (done.returncode, done.stderr) == (0, "")
    assert "very-secret-key" not in done.stdout
    mistral = next(line for line in done.stdout.splitlines() if line.startswith("mistral "))
    assert "MISTRAL_API_KEY set" in " ".join(mistral.split())
    assert any(line.split() == ["mistral", "https://api.mistral.ai/v1"] for line in done.stdout.splitlines())


def test_the_table_as_json_says_what_each_can_do(playhead: Any) -> None:
    rows = {row["name"]: row for row in json.loads(playhead("models", "--json", XAI_API_KEY="k").stdout)["providers"]}
    assert (rows["xai"]["key_set"], rows["mistral"]["key_set"]) == (True, False)
    assert rows["xai"]["abilities"]["cost"] == "usage.cost_in_usd_ticks"
    assert rows["deepseek"]["abilities"]["images"] is False
    assert rows["openrouter"]["abilities"]["cache_marks"] is True
    assert rows["cohere"]["abilities"]["embeddings"] is True
    assert rows["avian"]["abilities"]["embeddings"] is None  # not known is not no
    assert rows["ollama"]["key_required"] is False


def test_a_model_shows_what_differs_and_why(playhead: Any) -> None:
    shown = playhead("models", "openai:gpt-5").stdout
    assert "max_tokens goes as max_completion_tokens\n    OpenAI's reasoning models refuse max_tokens" in shown
    claude = playhead("models", "anthropic:claude-opus-4-7").stdout
    assert "(adaptive), by no budget of tokens" in claude
    assert "an answer of a schema is held to it by the server" in claude
    assert "thinks by a budget" not in claude, "a row that a later one takes back is not said"
    row = json.loads(playhead("models", "mistral:codestral-latest", "--json").stdout)
    assert row["profile"]["reasoning_back"] == "thinking"
    assert "must come back" in row["reasons"]["reasoning_back"]
    assert "image" in row["lacks"]["lacks"]
    assert row["abilities"]["images"] is False


def test_what_is_said_of_a_model_is_said_in_words_and_only_once(playhead: Any) -> None:
    shown = playhead("models", "openai:gpt-5").stdout
    assert "takes images+documents\n" in shown
    assert "takes no temperature and no top_p" in shown
    for inner in ("files:", "reasoning_back", "call_ids", "sampling", "output_schemas", ": none", ": yes", ": no"):
        assert inner not in shown, "a field of a profile is no sentence"
    row = json.loads(playhead("models", "openai:gpt-5", "--json").stdout)
    assert row["profile"]["call_ids"] == "40", "JSON has them all"
    without = playhead("models", "openai:o1-mini").stdout
    assert "takes no image, document, audio, video\n  calls no tools\n" in without


@pytest.mark.parametrize(
    "words", [(), ("openai:gpt-5",), ("anthropic:claude-opus-4-7",), ("mistral:codestral-latest",)]
)
@pytest.mark.parametrize("width", [80, 100])
def test_no_line_is_wider_than_the_terminal(playhead: Any, words: tuple[str, ...], width: int) -> None:
    for color in ("never", "always"):
        lines = playhead("models", *words, "--color", color, COLUMNS=str(width)).stdout.splitlines()
        bare = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
        assert [line for line in bare if len(line) > width] == []
        assert all(line.strip() for line in bare[:5])


def test_a_providers_own_listing_has_context_and_prices_where_it_gives_them(playhead: Any) -> None:
    with serving(reply(ROUTER)) as server:
        done = playhead("models", "openrouter", "--base-url", server.url, OPENROUTER_API_KEY="sk-x")
        as_json = playhead("models", "openrouter", "--json", "--base-url", server.url, OPENROUTER_API_KEY="sk-x")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["model", "context", "$/M", "in", "$/M", "out"],
        ["moonshotai/kimi-k2-0905", "262,144", "0.39", "1.9"],
        ["openrouter/auto", "2,000,000"],
        ["x/free", "0", "0"],
        ["3", "models", "of", "openrouter"],
    ]
    asked = server.requests[0]
    assert (asked.method, asked.path, asked.headers["authorization"]) == ("GET", "/v1/models", "Bearer sk-x")
    models = json.loads(as_json.stdout)["models"]
    assert models[0]["input"] == "0.39"
    assert models[1]["input"] is None


@pytest.mark.parametrize(
    ("provider", "key", "pages", "paths", "found"),
    [
        (
            "anthropic",
            "ANTHROPIC_API_KEY",
            [
                {"data": [{"id": "claude-a", "display_name": "Claude A"}], "has_more": True, "last_id": "claude-a"},
                {"data": [{"id": "claude-b"}], "has_more": False, "last_id": "claude-b"},
            ],
            ["/v1/models?limit=1000", "/v1/models?limit=1000&after_id=claude-a"],
            [("claude-a", None), ("claude-b", None)],
        ),
        (
            "google",
            "GEMINI_API_KEY",
            [
                {"models": [{"name": "models/gemini-a", "inputTokenLimit": 1048576}], "nextPageToken": "t/2"},
                {"models": [{"name": "models/gemini-b"}]},
            ],
            ["/v1/models?pageSize=1000", "/v1/models?pageSize=1000&pageToken=t%2F2"],
            [("gemini-a", 1048576), ("gemini-b", None)],
        ),
        (
            "together",
            "TOGETHER_API_KEY",
            [[{"id": "a/b", "context_length": 8192, "pricing": {"input": 0.18, "output": 0.59}}]],
            ["/v1/models"],
            [("a/b", 8192)],
        ),
        (
            "mistral",
            "MISTRAL_API_KEY",
            [{"object": "list", "data": [{"id": "m", "max_context_length": 131072, "pricing": {"prompt": "1"}}]}],
            ["/v1/models"],
            [("m", 131072)],
        ),
    ],
)
def test_every_listing_is_read_to_its_last_page(
    playhead: Any, provider: str, key: str, pages: list[Any], paths: list[str], found: list[tuple[str, int | None]]
) -> None:
    with serving(*map(reply, pages)) as server:
        done = playhead("models", provider, "--json", "--base-url", server.url, **{key: "k"})
    assert done.returncode == 0, done.stderr
    models = json.loads(done.stdout)["models"]
    assert [(model["id"], model["context"]) for model in models] == found
    assert [asked.path for asked in server.requests] == paths
    if provider == "together":
        assert (models[0]["input"], models[0]["output"]) == ("0.18", "0.59")
    if provider == "mistral":
        assert models[0]["input"] is None  # of an unknown unit


def test_a_listing_goes_onto_a_tape_without_its_key_and_is_played_from_it(playhead: Any, tmp_path: Path) -> None:
    tape = tmp_path / "models.yaml"
    with serving(reply(ROUTER)) as server:
        words = ("models", "openrouter", "--base-url", server.url, "--tape", str(tape))
        first = playhead(*words, OPENROUTER_API_KEY="very-secret-key", PLAYHEAD_TAPE_MODE="once")
    assert first.returncode == 0, first.stderr
    assert "very-secret-key" not in tape.read_text()
    assert playhead(*words, PLAYHEAD_TAPE_MODE="replay").stdout == first.stdout


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("models", "opnai"), 2, "no provider is called 'opnai'; did you mean 'openai'?"),
        (("models", "opnai:gpt-5"), 2, 'did you mean "openai:gpt-5"?'),
        (("models", "mistral"), 2, "MISTRAL_API_KEY is not set"),
        (("models", "vertex"), 2, "vertex lists no models"),
        (("models", "local"), 2, 'local models are files: "local:smollm2"'),
        (("models", "azure"), 2, "give --base-url"),
        (("models", "--tape", "x.yaml"), 2, "go with a provider"),
    ],
)
def test_what_cannot_be_done_says_what_would_be_right(
    playhead: Any, words: tuple[str, ...], status: int, says: str
) -> None:
    done = playhead(*words)
    assert (done.returncode, done.stdout) == (status, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (reply({"error": {"message": "bad key", "code": 401}}, 401), "401: bad key"),
        (Answer(200, [b"<html>hello</html>"], {"Content-Type": "text/html"}), "a list of models expected; it begins"),
    ],
)
def test_a_refusal_and_an_answer_that_is_no_listing_are_errors(playhead: Any, answer: Answer, says: str) -> None:
    def script(_: int, asked: Asked) -> Answer:
        return answer

    with Loopback(script) as server:
        done = playhead("models", "openrouter", "--base-url", server.url, OPENROUTER_API_KEY="k")
    assert (done.returncode, done.stdout) == (1, "")
    assert says in done.stderr


def test_a_server_that_is_not_there_is_told_soon_and_why(playhead: Any) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listened on: nobody else gets the port, and connecting is refused
        began = time.monotonic()
        done = playhead("models", "ollama", "--base-url", f"http://127.0.0.1:{closed.getsockname()[1]}/v1")
    assert time.monotonic() - began < 15
    assert (done.returncode, done.stdout) == (1, "")
    told = done.stderr.splitlines()
    assert [line.count("again in") for line in told] == [1, 1, 0]
    assert all("refused" in line for line in told[:2])
    assert "after 3 attempts" in told[2]
