"""The known providers: from the name a user writes, or from a URL on a tape, to a provider and an endpoint.

::

    resolve("openrouter:moonshotai/kimi-k2-0905") -> (OPENROUTER, "moonshotai/kimi-k2-0905")
    endpoint(OPENROUTER, "moonshotai/kimi-k2-0905") -> Endpoint("openrouter", "https://openrouter.ai/api/v1", …)
    by_url("https://api.x.ai/v1/chat/completions").name -> "xai"
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import msgspec

from playhead.dialects.base import Endpoint
from playhead.errors import NEAR, ConfigError
from playhead.providers.amazon import BEDROCK, BEDROCK_CLAUDE, BEDROCK_CONVERSE
from playhead.providers.anthropic import ANTHROPIC
from playhead.providers.base import Provider, bare_name, profile_for
from playhead.providers.base_url import check_base_url
from playhead.providers.compatible import COMPATIBLE, HOSTED, OWN
from playhead.providers.google import GOOGLE, VERTEX, VERTEX_CLAUDE, project_of_credentials
from playhead.providers.local import LOCAL
from playhead.providers.openai import AZURE, AZURE_RESPONSES, OPENAI, OPENAI_RESPONSES
from playhead.providers.openrouter import OPENROUTER
from playhead.providers.paths import split, without_path

PROVIDERS: dict[str, Provider] = {
    provider.name: provider
    for provider in (
        *(OPENROUTER, OPENAI, OPENAI_RESPONSES, ANTHROPIC, GOOGLE, VERTEX, BEDROCK, BEDROCK_CONVERSE),
        *(COMPATIBLE, LOCAL, AZURE, AZURE_RESPONSES, *HOSTED, *OWN),
    )
}

#: Rows that stand in for another of their name where the model's name begins so.
_BY_MODEL = (("claude", VERTEX_CLAUDE), ("claude", BEDROCK_CLAUDE))

_ALL = (*PROVIDERS.values(), *(row for _, row in _BY_MODEL))

#: Who is taken to be at a URL that nobody is known to be at: by what follows the base URL, else by the dialect.
_SERVICES = (("/publishers/anthropic/", VERTEX_CLAUDE), ("/model/", BEDROCK_CLAUDE), ("/model/", BEDROCK))
_MAKER = {
    "openai_chat": COMPATIBLE,
    "openai_responses": OPENAI_RESPONSES,
    "anthropic_messages": ANTHROPIC,
    "gemini": GOOGLE,
    "bedrock_converse": BEDROCK,
}

#: The wires whose URLs say nothing but where they are.
_PLAIN_WIRES = ("openai_chat", "openai_responses")

#: Whose models begin so: the provider's name here, and the maker's on OpenRouter. For the hints of :func:`resolve`.
_MAKERS = (
    (("gpt-", "chatgpt-", "o1", "o3", "o4"), "openai", "openai"),
    (("claude",), "anthropic", "anthropic"),
    (("gemini",), "google", "google"),
    (("grok-",), "xai", "x-ai"),
    (("deepseek-",), "deepseek", "deepseek"),
    (("mistral-", "magistral-", "ministral-", "codestral-", "devstral-", "pixtral-"), "mistral", "mistralai"),
    (("command-",), "cohere", "cohere"),
    (("kimi-", "moonshot-"), "moonshot", "moonshotai"),
    (("glm-",), "zai", "z-ai"),
    (("smollm2",), "local", ""),
)

#: Makers that are taken for providers, by their names on OpenRouter.
_ON_OPENROUTER = {
    **{name: name for name in ("anthropic", "google", "meta-llama", "mistralai", "moonshotai", "qwen")},
    "claude": "anthropic",
    "gemini": "google",
    "meta": "meta-llama",
}


def resolve(name: str) -> tuple[Provider, str]:
    """The provider and the model's own name out of ``"provider:model"``; only the first colon counts.

    Raises:
        ConfigError: there is no such provider (the nearest is named), or one of the two is missing.
    """
    word, colon, model = name.partition(":")
    provider = PROVIDERS.get(word)
    if colon and provider is not None and model:
        rows = (row for begin, row in _BY_MODEL if row.name == word and bare_name(model).startswith(begin))
        return next(rows, provider), model
    if colon and provider is not None:
        raise ConfigError(f'"{name}" names no model; write "{word}:" and the model\'s name')
    if not colon:
        example = _with_provider(name)
        raise ConfigError(f'a model is named "provider:model"; "{name}" has no provider. Write for example "{example}"')
    maker = _ON_OPENROUTER.get(word.lower())
    if maker is not None:
        own = f"{maker}:{model}" if maker in PROVIDERS else f"openrouter:{maker}/{model or 'MODEL'}"
        raise ConfigError(f'no provider is called "{word}"; did you mean "{own}"?')
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), PROVIDERS, n=1, cutoff=NEAR)
    if near:
        raise ConfigError(f'no provider is called "{word}"; did you mean "{near[0]}:{model}"?')
    raise ConfigError(f'no provider is called "{word}"; known are {", ".join(sorted(PROVIDERS))}')


def _with_provider(name: str) -> str:
    """What a model's bare name was probably meant to be: ``openai/gpt-4o`` and ``gpt-4o`` are ``openai:gpt-4o``."""
    first, slash, rest = name.partition("/")
    if slash and rest and first.lower() in PROVIDERS:
        return f"{first.lower()}:{rest}"
    if slash:
        return f"openrouter:{name}"
    for beginnings, provider, maker in _MAKERS:
        if name.lower().startswith(beginnings):
            return f"{provider}:{name}" if provider in PROVIDERS else f"openrouter:{maker}/{name}"
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), PROVIDERS, n=1, cutoff=NEAR)
    return f"{near[0]}:MODEL" if near else f"openrouter:{name or 'MODEL'}"


def endpoint(provider: Provider, model: str, base_url: str | None = None) -> Endpoint:
    """Where and how this model is spoken to; ``base_url`` goes before the environment's and the provider's own.

    Raises:
        ConfigError: nothing says where the provider is, or the base URL is none that can be asked, or has a query that
            is not just the ``api-version`` of a wire of OpenAI's.
    """
    named = (value for variable in provider.base_url_env if (value := os.environ.get(variable)))
    url = base_url or next(named, "") or provider.base_url or _filled_in(provider, model)
    url, query = _versioned(provider, url)
    check_base_url(url)
    return Endpoint(provider.name, without_path(url, provider.dialect), profile_for(provider, model), query=query)


_VERSION = "api-version="


def _versioned(provider: Provider, url: str) -> tuple[str, str]:
    """The base URL and the query that goes after every path: the ``api-version`` that the URL ends with, or the one in
    the environment. The latter is for Azure's dated interface: its v1 has no versions, and refuses them."""
    base, _, query = url.partition("?")
    version = query.removeprefix(_VERSION)
    if query.startswith(_VERSION) and provider.dialect in _PLAIN_WIRES and _is_version(version):
        return base, query
    if query or base.rstrip("/").endswith("/v1"):
        return url, ""
    said = next((value for name in provider.version_env if (value := os.environ.get(name, "").strip())), "")
    if said and not _is_version(said):
        raise ConfigError(f"{' or '.join(provider.version_env)} is to be a version like 2024-10-21")
    return url, _VERSION + said if said else ""


def _is_version(text: str) -> bool:
    return text.isascii() and text.replace("-", "").replace(".", "").isalnum()


def _filled_in(provider: Provider, model: str) -> str:
    """The provider's base URL with its holes filled from the environment.

    Raises:
        ConfigError: it has none, or the environment does not say what belongs into a hole.
    """
    said: dict[str, str] = {}
    for hole, variables in provider.url_parts.items():
        value = next((value for name in variables if (value := os.environ.get(name, "").strip())), None)
        if value is None and provider.auth == "google" and hole == "project":
            value = project_of_credentials()
        if value is None:
            raise ConfigError(
                f'"{provider.name}:{model}" needs a {hole}: set the environment variable {" or ".join(variables)}, or '
                f'pass base_url="{provider.url_form}"'
            )
        said[hole] = value
    if said:
        # Vertex's location "global" has no host of its own.
        return provider.url_form.format(**said).replace("://global-", "://", 1)
    named = " or ".join(f"the environment variable {variable}" for variable in provider.base_url_env)
    raise ConfigError(
        f'"{provider.name}:{model}" needs a base URL: pass base_url="http://host:port/v1"'
        + (f", or set {named}" if named else "")
    )


def by_url(url: str) -> Provider:
    """Who is at this URL: of those that speak the dialect of its path the provider of the longest base URL that it
    begins with, or one of those whose hosts it is on; else whoever is there at all, or the dialect's maker (for chat
    completions ``compatible``), in this dialect. ``base_url`` of the result is what stands before the dialect's path;
    where the path is of no dialect it is the whole URL. ``query`` is what stands behind the path, on the wires on which
    that says nothing of the request."""
    dialect, base = split(url) or ("openai_chat", url.partition("?")[0].partition("#")[0].rstrip("/"))
    found = _at(base, [provider for provider in _ALL if provider.dialect == dialect])
    if found is BEDROCK and "claude" in url:  # "bedrock:" speaks to Claude in Anthropic's wire
        found = BEDROCK_CONVERSE
    if found is None:
        end = url.partition("?")[0][len(base) :]
        found = next(
            (row for begin, row in _SERVICES if row.dialect == dialect and end.startswith(begin)), _MAKER[dialect]
        )
        other = _at(base, _ALL)
        if other is not None:
            found = msgspec.structs.replace(other, dialect=dialect, profile=found.profile, options=found.options)
    query = url.partition("#")[0].partition("?")[2] if dialect in _PLAIN_WIRES else ""
    return msgspec.structs.replace(found, base_url=base, query=query)


def _at(base: str, rows: Sequence[Provider]) -> Provider | None:
    """The one of these rows that is at this base URL."""
    plain = base.replace("://127.0.0.1", "://localhost", 1)
    found = [row for row in rows if row.base_url and (plain == row.base_url or plain.startswith(f"{row.base_url}/"))]
    if found:
        return max(found, key=lambda row: len(row.base_url))
    host = base.partition("://")[2].partition("/")[0].partition(":")[0]
    return next((row for row in rows if row.hosts and host.endswith(row.hosts)), None)
