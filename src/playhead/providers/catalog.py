"""The known providers: from the name a user writes, or from a URL on a tape, to a provider and an endpoint.

::

    resolve("openrouter:moonshotai/kimi-k2-0905") -> (OPENROUTER, "moonshotai/kimi-k2-0905")
    endpoint(OPENROUTER, "moonshotai/kimi-k2-0905") -> Endpoint("openrouter", "https://openrouter.ai/api/v1", …)
    by_url("https://api.x.ai/v1/chat/completions").name -> "xai"
"""

from __future__ import annotations

import os

import msgspec

from playhead.dialects.base import Endpoint
from playhead.errors import ConfigError
from playhead.providers.base import Provider, profile_for
from playhead.providers.compatible import COMPATIBLE, HOSTED, OWN
from playhead.providers.local import LOCAL
from playhead.providers.openai import AZURE, OPENAI
from playhead.providers.openrouter import OPENROUTER

PROVIDERS: dict[str, Provider] = {
    provider.name: provider for provider in (OPENROUTER, OPENAI, COMPATIBLE, LOCAL, AZURE, *HOSTED, *OWN)
}

_PATH = "/chat/completions"


def resolve(name: str) -> tuple[Provider, str]:
    """The provider and the model's own name out of ``"provider:model"``; only the first colon counts.

    Raises:
        ConfigError: there is no such provider (the nearest is named), or one of the two is missing.
    """
    word, colon, model = name.partition(":")
    provider = PROVIDERS.get(word)
    if colon and provider is not None and model:
        return provider, model
    if colon and provider is not None:
        raise ConfigError(f'"{name}" names no model; write "{word}:" and the model\'s name')
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), PROVIDERS, n=1)
    if not colon:
        example = f'"{near[0]}:MODEL"' if near else f'"openrouter:{name or "MODEL"}"'
        raise ConfigError(f'a model is named "provider:model"; "{name}" has no provider. Write for example {example}')
    if near:
        raise ConfigError(f'no provider is called "{word}"; did you mean "{near[0]}:{model}"?')
    raise ConfigError(f'no provider is called "{word}"; known are {", ".join(sorted(PROVIDERS))}')


def endpoint(provider: Provider, model: str, base_url: str | None = None) -> Endpoint:
    """Where and how this model is spoken to; ``base_url`` goes before the environment's and the provider's own.

    Raises:
        ConfigError: nothing says where the provider is, or the base URL is no HTTP URL.
    """
    named = (value for variable in provider.base_url_env if (value := os.environ.get(variable)))
    url = base_url or next(named, "") or provider.base_url
    if not url:
        variables = " or ".join(f"the environment variable {variable}" for variable in provider.base_url_env)
        raise ConfigError(
            f'"{provider.name}:{model}" needs a base URL: pass base_url="http://host:port/v1"'
            + (f", or set {variables}" if variables else "")
        )
    if not url.startswith(("http://", "https://")):
        raise ConfigError(f'a base URL begins with http:// or https://; "{url}" does not')
    return Endpoint(provider.name, url.rstrip("/").removesuffix(_PATH), profile_for(provider, model))


def by_url(url: str) -> Provider:
    """Who is at this URL: the provider of the longest base URL that it begins with, or one of those whose hosts it
    is on; else ``compatible`` with this base. ``base_url`` of the result is never empty."""
    base = url.partition("?")[0].partition("#")[0].rstrip("/").removesuffix(_PATH)
    plain = base.replace("://127.0.0.1", "://localhost", 1)
    found = [
        p for p in PROVIDERS.values() if p.base_url and (plain == p.base_url or plain.startswith(f"{p.base_url}/"))
    ]
    if found:
        provider = max(found, key=lambda p: len(p.base_url))
    else:
        host = base.partition("://")[2].partition("/")[0].partition(":")[0]
        provider = next((p for p in PROVIDERS.values() if p.hosts and host.endswith(p.hosts)), COMPATIBLE)
    return msgspec.structs.replace(provider, base_url=base)
