"""The catalog: from what a user writes, or a URL on a tape, to a provider."""

from __future__ import annotations

import pytest

from playhead.errors import ConfigError
from playhead.providers.catalog import PROVIDERS, by_url, endpoint, resolve
from playhead.providers.paths import PATHS


def test_resolve_cuts_at_the_first_colon() -> None:
    assert resolve("openrouter:moonshotai/kimi-k2-0905")[1] == "moonshotai/kimi-k2-0905"
    provider, model = resolve("huggingface:moonshotai/Kimi-K2:groq")
    assert (provider.name, model) == ("huggingface", "moonshotai/Kimi-K2:groq")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("openruter:x", 'did you mean "openrouter:x"'),
        ("gpt-4o", 'has no provider. Write for example "openai:gpt-4o"'),
        ("openai/gpt-4o", 'for example "openai:gpt-4o"'),
        ("openrouter/moonshotai/kimi-k2", 'for example "openrouter:moonshotai/kimi-k2"'),
        ("moonshotai/kimi-k2", 'for example "openrouter:moonshotai/kimi-k2"'),
        ("o3", 'for example "openai:o3"'),
        ("grok-4", 'for example "xai:grok-4"'),
        ("smollm2", 'for example "local:smollm2"'),
        ("meta:llama", 'did you mean "openrouter:meta-llama/llama"'),
        ("x-ai:grok-4", 'did you mean "xai:grok-4"'),
        ("openai:", "names no model"),
        ("", "has no provider"),
        ("zzz:x", "known are anthropic, avian, azure"),
    ],
)
def test_resolve_says_what_would_be_right(name: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        resolve(name)


@pytest.mark.parametrize(("maker", "model"), [("anthropic", "claude-sonnet-4"), ("google", "gemini-2.5-flash")])
def test_a_makers_model_is_pointed_to_who_has_it(maker: str, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own provider where playhead speaks to it, else OpenRouter; by its bare name and by its maker's."""
    for names, word in (
        ({}, f'"openrouter:{maker}/{model}"'),
        ({maker: PROVIDERS["openai"]}, f'"{maker}:{model}"'),
    ):
        monkeypatch.delitem(PROVIDERS, maker, raising=False)
        for name, provider in names.items():
            monkeypatch.setitem(PROVIDERS, name, provider)
        for wrong in (model, f"{model.partition('-')[0]}:{model}"):
            with pytest.raises(ConfigError, match=word):
                resolve(wrong)


@pytest.mark.parametrize("sign", ["?", "#"])
def test_a_base_url_has_neither_query_nor_fragment(sign: str) -> None:
    """A path is put after it; what is left off is not repeated, as it may be a key."""
    provider, model = resolve("compatible:m")
    with pytest.raises(ConfigError, match='write "http://host/v1"') as caught:
        endpoint(provider, model, f"http://host/v1{sign}key=secret")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_a_providers_own_url_leads_back_to_it(name: str) -> None:
    provider = PROVIDERS[name]
    if provider.base_url:
        path = {**PATHS, "gemini": "/models/m:generateContent"}[provider.dialect]
        assert by_url(provider.base_url + path) == provider
        assert endpoint(provider, "m").base_url == provider.base_url


@pytest.mark.parametrize(
    ("url", "name", "base"),
    [
        ("https://api.z.ai/api/coding/paas/v4/chat/completions", "zai-coding", "https://api.z.ai/api/coding/paas/v4"),
        ("https://me.openai.azure.com/openai/v1/chat/completions", "azure", "https://me.openai.azure.com/openai/v1"),
        (
            "https://me.openai.azure.com/openai/v1/chat/completions?api-version=x",
            "azure",
            "https://me.openai.azure.com/openai/v1",
        ),
        ("http://127.0.0.1:11434/v1/chat/completions", "ollama", "http://127.0.0.1:11434/v1"),
        ("https://api.openai.com.evil.test/v1/chat/completions", "compatible", "https://api.openai.com.evil.test/v1"),
        ("http://10.0.0.5:9/v1/chat/completions", "compatible", "http://10.0.0.5:9/v1"),
    ],
)
def test_by_url_finds_who_is_there(url: str, name: str, base: str) -> None:
    provider = by_url(url)
    assert (provider.name, provider.base_url) == (name, base)


def test_compatible_needs_a_base_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLAYHEAD_BASE_URL", raising=False)
    provider, model = resolve("compatible:my-model")
    with pytest.raises(ConfigError, match="PLAYHEAD_BASE_URL"):
        endpoint(provider, model)
    with pytest.raises(ConfigError, match="begins with http"):
        endpoint(provider, model, "localhost:8000")
    assert endpoint(provider, model, "http://localhost:8000/v1/").base_url == "http://localhost:8000/v1"
    monkeypatch.setenv("PLAYHEAD_BASE_URL", "http://elsewhere:1/v1")
    assert endpoint(provider, model).base_url == "http://elsewhere:1/v1"


@pytest.mark.parametrize(
    ("name", "field", "sampling"),
    [
        ("openai:gpt-4o", "max_tokens", True),
        ("openai:gpt-5", "max_completion_tokens", False),
        ("openai:gpt-5-chat-latest", "max_completion_tokens", True),
        ("openai:o4-mini", "max_completion_tokens", False),
        ("openrouter:openai/gpt-5.4-nano", "max_completion_tokens", True),
        ("openrouter:openai/gpt-4o", "max_tokens", True),
        ("llamacpp:openai/gpt-oss-20b", "max_completion_tokens", True),
    ],
)
def test_a_models_quirks_go_over_the_providers_profile(name: str, field: str, sampling: bool) -> None:
    profile = endpoint(*resolve(name)).profile
    assert (profile.max_tokens_field, profile.sampling) == (field, sampling)


def test_a_word_that_is_like_none_is_not_taken_for_one() -> None:
    with pytest.raises(ConfigError, match=r'no provider is called "nope"; known are anthropic, '):
        resolve("nope:m")
    with pytest.raises(ConfigError, match='did you mean "openai:m"'):
        resolve("opnai:m")
