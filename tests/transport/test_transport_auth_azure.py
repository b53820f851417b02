"""Azure: a key in its own header, Entra's tokens as bearer tokens, and both forms of its URLs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, ConfigError, Tape
from playhead.deck.verify import verify
from playhead.model import Model
from playhead.providers.catalog import by_url
from scripted_server import Answer, Asked, Loopback, completion, reply

KEY, TOKEN = "0123456789abcdef0123456789abcdef", "eyJ0eXAi.eyJhdWQi.c2lnbmF0dXJl"
DEPLOYMENT = "https://me.openai.azure.com/openai/deployments/mine"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing of Azure is set."""
    for name in ("API_KEY", "AD_TOKEN", "BASE_URL", "API_VERSION"):
        monkeypatch.delenv(f"AZURE_OPENAI_{name}", raising=False)
    monkeypatch.delenv("OPENAI_API_VERSION", raising=False)
    return monkeypatch


def sunny(number: int, asked: Asked) -> Answer:
    return reply(completion("Sunny."))


def credentials(server: Loopback) -> list[tuple[str | None, str | None]]:
    return [(asked.headers.get("api-key"), asked.headers.get("authorization")) for asked in server.requests]


def test_a_key_has_its_own_header_and_a_token_is_a_bearer_token(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def entra() -> str:
        return TOKEN

    with Loopback(sunny) as server:
        for given in (KEY, lambda: TOKEN, entra):
            tape = tmp_path / f"{id(given)}.yaml"
            Agent("azure:mine", base_url=server.url, api_key=given).run_sync("Hi", tape=tape, tape_mode="record")
            assert KEY not in tape.read_text()
            assert TOKEN not in tape.read_text()
        environment.setenv("AZURE_OPENAI_API_KEY", KEY)
        Agent("azure:mine", base_url=server.url).run_sync("Hi")
        environment.setenv("AZURE_OPENAI_AD_TOKEN", TOKEN)
        Agent("azure:mine", base_url=server.url).run_sync("Hi")
        Agent("azure:mine", base_url=server.url, api_key=KEY).run_sync("Hi")
    key, token = (KEY, None), (None, f"Bearer {TOKEN}")
    assert credentials(server) == [key, token, token, key, token, key]


@pytest.mark.parametrize("said", ["url", "own", "shared"])
@pytest.mark.parametrize(
    ("model", "path"),
    [("azure:mine", "/chat/completions"), ("azure-responses:mine", "/responses")],
    ids=lambda x: x[:8],
)
def test_the_version_of_the_dated_interface_is_in_every_url(
    environment: pytest.MonkeyPatch, said: str, model: str, path: str
) -> None:
    """In the base URL, or in one of two variables, the one of Azure's own first."""
    base = DEPLOYMENT
    if said == "url":
        base += "?api-version=2024-10-21"
    else:
        environment.setenv("OPENAI_API_VERSION", "2020-01-01" if said == "own" else "2024-10-21")
    if said == "own":
        environment.setenv("AZURE_OPENAI_API_VERSION", "2024-10-21")
    endpoint = Model.of(model, base_url=base).endpoint
    assert endpoint.base_url == DEPLOYMENT
    assert endpoint.url(path) == f"{DEPLOYMENT}{path}?api-version=2024-10-21"


def test_v1_has_no_version_but_one_that_its_url_names(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OPENAI_API_VERSION", "2024-10-21")
    base = "https://me.openai.azure.com/openai/v1"
    assert Model.of("azure:mine", base_url=f"{base}/").endpoint.query == ""
    assert Model.of("azure:mine", base_url=f"{base}?api-version=preview").endpoint.query == "api-version=preview"
    assert Model.of("openai:gpt-x", base_url="https://gateway.example/openai").endpoint.query == ""


@pytest.mark.parametrize(
    ("model", "base"),
    [
        ("azure:m", f"{DEPLOYMENT}?api-version=2024-10-21&key=sk-0123456789"),
        ("azure:m", f"{DEPLOYMENT}?api-version=sk/0123456789"),
        ("azure:m", f"{DEPLOYMENT}?key=sk-0123456789"),
        ("azure:m", f"{DEPLOYMENT}?"),
        ("anthropic:m", "https://a.example/v1?api-version=2024-10-21"),
    ],
)
def test_any_other_query_is_refused_and_not_repeated(model: str, base: str) -> None:
    with pytest.raises(ConfigError, match="a base URL ends before its query") as caught:
        Model.of(model, base_url=base)
    assert "0123456789" not in str(caught.value)


def test_a_version_that_is_none_is_refused_and_not_repeated(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AZURE_OPENAI_API_VERSION", "sk/0123456789")
    with pytest.raises(ConfigError, match=r"AZURE_OPENAI_API_VERSION.*a version like 2024-10-21") as caught:
        Model.of("azure:m", base_url=DEPLOYMENT)
    assert "0123456789" not in str(caught.value)


@pytest.mark.parametrize("path", ["", "/chat/completions"], ids=["base", "whole"])
def test_a_tape_of_the_dated_interface_is_verified_with_its_url(tmp_path: Path, path: str) -> None:
    tape = tmp_path / "run.yaml"
    with Loopback(sunny) as server:
        base = f"{server.url.removesuffix('/v1')}/openai/deployments/mine{path}?api-version=2024-10-21"
        one = Agent("azure:mine", base_url=base, api_key=KEY)
        assert one.run_sync("Hi", tape=tape, tape_mode="record").output == "Sunny."
        assert [asked.path for asked in server.requests] == [
            "/openai/deployments/mine/chat/completions?api-version=2024-10-21"
        ]
        assert one.run_sync("Hi", tape=tape, tape_mode="replay").output == "Sunny."
        assert len(server.requests) == 1
    verdict = asyncio.run(verify(Tape.load(tape)))
    assert verdict.ok, verdict.differences
    recorded = Tape.load(tape).interactions[0].request
    provider: Any = by_url(recorded.url)
    assert provider.query == "api-version=2024-10-21"
    assert by_url(f"{DEPLOYMENT}/chat/completions?api-version=2024-10-21").name == "azure"
    assert by_url(f"{DEPLOYMENT}/chat/completions?api-version=2024-10-21").base_url == DEPLOYMENT
