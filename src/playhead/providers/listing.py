"""The models that a provider says it has: ``GET {base}/models``, read the same whoever wrote it.

================  =========================================================================================
OpenAI's wires    ``{"data": [{"id": …}]}`` (Together: the bare list), with ``context_length`` and ``pricing``
                  where the server knows them: OpenRouter, Vercel, Together, Hugging Face, Groq, Mistral, vLLM, …
Anthropic         the same with ``display_name``; pages follow ``last_id``
Gemini            ``{"models": [{"name": "models/…", "inputTokenLimit": …}]}``; pages follow ``nextPageToken``
Cohere            its own ``/v1/models``, for the compatible wire lists none: ``{"models": [{"name": …}]}``
================  =========================================================================================

A price is dollars for a million tokens. OpenRouter and Vercel give dollars for one token, the others for a million;
what a server whose unit is not known says of prices is not read. None is not said, never 0.

Reference: https://platform.openai.com/docs/api-reference/models/list, https://docs.claude.com/en/api/models-list,
https://ai.google.dev/api/models#method:-models.list, https://openrouter.ai/docs/api/api-reference/models/get-models,
https://docs.together.ai/reference/models, https://docs.cohere.com/reference/list-models.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from playhead.errors import ConfigError, ProtocolError
from playhead.providers.base import Provider
from playhead.wire import HTTPRequest

#: Pages of the listings that have them, each of up to a thousand models: a server that names a next page for ever ends.
MOST_PAGES = 20

_MILLION = Decimal(1_000_000)
_PER_TOKEN = frozenset({"openrouter", "vercel"})
_PER_MILLION = frozenset({"together", "huggingface"})
_CONTEXT = (
    "context_length",
    "context_window",
    "max_context_length",
    "max_model_len",
    "inputTokenLimit",
    "max_input_tokens",
)
_SIGNED = frozenset({"aws", "google"})


class ListedModel(msgspec.Struct, frozen=True):
    """A model as its provider lists it. ``context`` counts tokens; ``input`` and ``output`` are dollars for a million
    of them. None is not said."""

    id: str
    name: str | None = None
    context: int | None = None
    input: Decimal | None = None
    output: Decimal | None = None


def listing_request(provider: Provider, base_url: str, after: str | None = None) -> HTTPRequest:
    """The request for the models; ``after`` is what the page before gave for the next.

    Raises:
        ConfigError: the provider has no such listing; the message says where its models are told.
    """
    if provider.auth in _SIGNED or "{" in provider.url_form:
        raise ConfigError(f"{provider.name} lists no models at its API's own address: see the provider's console")
    if provider.name == "local":
        raise ConfigError('local models are files: "local:smollm2", or "local:/path/to/model.gguf"')
    headers: tuple[tuple[str, str], ...] = (("Accept", "application/json"),)
    url = f"{base_url}/models"
    if provider.dialect == "anthropic_messages":
        headers += (("anthropic-version", "2023-06-01"),)
        url += "?limit=1000" + (f"&after_id={_quoted(after)}" if after else "")
    elif provider.dialect == "gemini":
        url += "?pageSize=1000" + (f"&pageToken={_quoted(after)}" if after else "")
    elif provider.name == "cohere" and base_url == provider.base_url:
        url = "https://api.cohere.com/v1/models?page_size=1000"
    return HTTPRequest("GET", url, headers)


def read_listing(provider: Provider, body: bytes) -> tuple[list[ListedModel], str | None]:
    """The models of one page, in its order, and what to ask for the next; None where this is the last.

    Raises:
        ProtocolError: it is no listing; the message shows where it begins.
    """
    try:
        said = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        said = None
    rows = said if isinstance(said, list) else None
    following: Any = None
    if isinstance(said, dict):
        rows = next((said[name] for name in ("data", "models") if isinstance(said.get(name), list)), None)
        following = said.get("nextPageToken") or (said.get("last_id") if said.get("has_more") is True else None)
    if rows is None:
        start = body.lstrip()[:200].decode("utf-8", "replace")
        raise ProtocolError(f"a list of models expected; it begins {start!r}", provider=provider.name, body=body)
    found = [_model(provider, row) for row in rows if isinstance(row, dict)]
    return [one for one in found if one.id], following if isinstance(following, str) and following else None


def _model(provider: Provider, row: dict[str, Any]) -> ListedModel:
    identifier = row.get("id") or row.get("name")
    identifier = identifier.removeprefix("models/") if isinstance(identifier, str) else ""
    name = next((row[key] for key in ("display_name", "displayName", "name") if isinstance(row.get(key), str)), None)
    places: list[dict[str, Any]] = [row]
    places += [each for each in (row.get("providers"), row.get("meta")) if isinstance(each, dict)]
    upstream = row.get("providers")  # Hugging Face's: who serves it, each with context and prices of its own
    places += [each for each in upstream if isinstance(each, dict)][:1] if isinstance(upstream, list) else []
    context = next(
        (place[key] for place in places for key in (*_CONTEXT, "n_ctx_train") if _is_count(place.get(key))), None
    )
    pricing: dict[str, Any] = next((place["pricing"] for place in places if isinstance(place.get("pricing"), dict)), {})
    return ListedModel(
        identifier,
        name if name not in (identifier, row.get("name") if not row.get("id") else None) else None,
        context,
        _price(provider, pricing, "prompt", "input"),
        _price(provider, pricing, "completion", "output"),
    )


def _is_count(value: Any) -> bool:
    return type(value) is int and value > 0


def _price(provider: Provider, pricing: dict[str, Any], *keys: str) -> Decimal | None:
    if provider.name not in _PER_TOKEN | _PER_MILLION:
        return None
    value = next((pricing[key] for key in keys if key in pricing), None)
    if type(value) not in (str, int, float):
        return None
    try:
        price = Decimal(str(value))
    except ArithmeticError:
        return None
    if not price.is_finite() or price < 0:  # OpenRouter's -1: it depends on the model that is chosen
        return None
    return (price * _MILLION if provider.name in _PER_TOKEN else price).normalize()


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")
