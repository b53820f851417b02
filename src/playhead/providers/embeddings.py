"""Who makes embeddings, in which wire, how many texts at once, and with which options of its own.

A provider of OpenAI's wires is asked at its ``/embeddings`` without a row here, unless it is known to have none.
A row says what differs, each limit with where it is from. Texts are counted, and so are their UTF-8 bytes where the
provider bounds the tokens of a request: no tokenizer makes more tokens than bytes, so that a request within so many
bytes is within so many tokens, and one of ordinary text still holds thousands of words.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from playhead.dialects.base import Endpoint
from playhead.dialects.embeddings.base import EmbeddingWire
from playhead.errors import ConfigError, nearest
from playhead.providers.base import Provider, bare_name
from playhead.providers.options import Routing


class OpenAIFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What OpenAI's wire takes beside the call's own arguments; what stands under ``extra`` is sent as it is."""

    user: str | UnsetType = UNSET
    encoding_format: Literal["float", "base64"] | UnsetType = UNSET
    extra: dict[str, Any] | UnsetType = UNSET


class OpenRouterFields(OpenAIFields, forbid_unknown_fields=True, kw_only=True):
    """OpenRouter's: which upstreams may serve, and tasks that have no word here."""

    provider: Routing | UnsetType = UNSET
    input_type: str | UnsetType = UNSET


class StudioFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Google's on AI Studio: tasks that have no word here, and one title for all texts."""

    taskType: str | UnsetType = UNSET
    title: str | UnsetType = UNSET


class VertexFields(StudioFields, forbid_unknown_fields=True, kw_only=True):
    """Google's on Vertex AI: false makes a text that is too long an error, where it is cut else."""

    autoTruncate: bool | UnsetType = UNSET


class TitanFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Titan's: whether vectors have the length 1."""

    normalize: bool | UnsetType = UNSET


class CohereFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Cohere's: what is done with a text that is too long, and (v4) how long that is."""

    input_type: str | UnsetType = UNSET
    truncate: str | UnsetType = UNSET
    max_tokens: int | UnsetType = UNSET


class Embedder(msgspec.Struct, frozen=True):
    """How a provider embeds: its wire and hand, the texts and UTF-8 bytes that one request may hold (None: no limit
    that is known), and the struct that its options must fit."""

    wire: str
    profile: dict[str, Any]
    options: type[msgspec.Struct]
    texts: int
    size: int | None = None


#: 2048 texts and 300,000 tokens: OpenAI's API reference. Servers of its wire that say nothing are taken to follow it.
_OPENAI = Embedder("openai", {}, OpenAIFields, 2048, 300_000)

_BY_NAME: dict[str, Embedder] = {
    "openai": msgspec.structs.replace(_OPENAI, profile={"base64": True}),
    "openrouter": Embedder("openai", {"input_type": True}, OpenRouterFields, 2048, 300_000),
    # Mistral refuses a request of more than 512 texts, or of more than 16,384 tokens.
    "mistral": msgspec.structs.replace(_OPENAI, texts=512, size=16_384),
    # Cohere's embed endpoint takes 96 texts.
    "cohere": msgspec.structs.replace(_OPENAI, texts=96, size=None),
    # "at most 100 requests can be in one batch", as AI Studio refuses more.
    "google": Embedder("gemini", {"way": "studio"}, StudioFields, 100),
}
_SAME = {"azure": "openai", "openai-responses": "openai", "azure-responses": "openai"}

#: 250 texts and 20,000 tokens: Vertex AI's page on text embeddings. It names one text for gemini-embedding-001; the
#: service has since come to take 250 of that model's as well.
_PREDICT = Embedder("gemini", {"way": "predict"}, VertexFields, 250, 20_000)
_VERTEX = Embedder("gemini", {"way": "vertex"}, VertexFields, 100, 20_000)
#: Models that are asked by ``predict``; later ones are not.
_PREDICTED = ("text-", "textembedding", "multilingual", "gemini-embedding-001")


#: Who serves embeddings, by the references that the rows of the catalog name, and who does not, as of 2026. Of every
#: other it is not known; those of OpenAI's wire are asked, and say so themselves.
_SERVE = frozenset(
    {"azure", "azure-responses", "bedrock", "bedrock-converse", "cohere", "fireworks", "google", "huggingface"}
    | {"llamacpp", "local", "mistral", "ollama", "openai", "openai-responses", "openrouter", "together", "vercel"}
    | {"vertex", "vllm", "zai"}
)
_NONE = frozenset(["anthropic", "cerebras", "deepseek", "groq", "moonshot", "xai"])


def serves_embeddings(provider: Provider) -> bool | None:
    """Whether this provider has embeddings; None where that is not known, and asking tells."""
    return True if provider.name in _SERVE else False if provider.name in _NONE else None


def embedder(provider: Provider, model: str) -> Embedder:
    """How this model of this provider is asked for vectors.

    Raises:
        ConfigError: the provider has no embeddings, or none that are spoken here.
    """
    if provider.name in ("bedrock", "bedrock-converse"):
        from playhead.dialects.embeddings.bedrock import profile_of

        hand = profile_of(model)
        profile = {"maker": hand.maker, "sizes": hand.sizes}
        titan = hand.maker == "titan"
        return Embedder("bedrock", profile, TitanFields if titan else CohereFields, 1 if titan else 96)
    if provider.name == "vertex" and provider.dialect == "gemini":
        return _PREDICT if bare_name(model).startswith(_PREDICTED) else _VERTEX
    found = _BY_NAME.get(_SAME.get(provider.name, provider.name))
    if found is not None:
        return found
    if provider.dialect in ("openai_chat", "openai_responses") and provider.name not in _NONE:
        return _OPENAI
    if provider.dialect == "gemini":
        return _BY_NAME["google"]
    raise ConfigError(
        f'"{provider.name}" makes no embeddings; write for example "openai:text-embedding-3-small", '
        '"google:gemini-embedding-001" or "bedrock:amazon.titan-embed-text-v2:0"; a server of OpenAI\'s wire that '
        'makes them is "compatible:model" with base_url='
    )


def embedding_endpoint(endpoint: Endpoint, row: Embedder) -> Endpoint:
    """Where and in which hand the vectors are asked for: the model's endpoint, with the profile of this wire."""
    return msgspec.structs.replace(endpoint, profile=_module(row).Profile(**row.profile))


def embedding_wire(row: Embedder) -> EmbeddingWire:
    """The codec of this wire, imported when it is first spoken."""
    wire: EmbeddingWire = _module(row)
    return wire


def _module(row: Embedder) -> Any:
    from importlib import import_module

    return import_module(f"playhead.dialects.embeddings.{row.wire}")


def check_embedding_options(provider: Provider, row: Embedder, options: dict[str, Any]) -> dict[str, Any]:
    """The options as given, when they fit the row's struct.

    Raises:
        ConfigError: one is unknown (the nearest is named), or has a value of a wrong type.
    """
    known = row.options.__struct_fields__
    for name in options:
        if name not in known:
            raise ConfigError(nearest(f"options.{name}: {provider.name} knows no such option here", name, known))
    try:
        msgspec.convert(options, row.options)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$")
        raise ConfigError(f"options{place.rstrip('`')}: {what[:1].lower()}{what[1:]}") from None
    if taken := sorted({"model", "input", "dimensions"} & (options.get("extra") or {}).keys()):
        raise ConfigError(f"options.extra.{taken[0]}: what the call itself says cannot be said a second time here")
    return options
