"""What each provider can do, and what some models cannot: data for ``playhead models`` and :func:`playhead.preflight`.

Most of it is read off the profile that the encoder writes by, so that the table cannot say another thing than what is
sent; who serves embeddings is said where they are asked for, in :mod:`playhead.providers.embeddings`. What neither says
is in the tables here, each row with its source: which fields of an answer say what it cost, and which models take no
images, documents, audio or tools. A model that no row names is taken to take whatever its provider does: new models are
more able than the ones that they follow.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.providers.base import Provider, bare_name, profile_for
from playhead.providers.embeddings import serves_embeddings


class Abilities(msgspec.Struct, frozen=True, omit_defaults=False):
    """What a provider, or one of its models, can do.

    Attributes:
        streaming: an answer may come in pieces.
        tools: "native", "constrained" (as a JSON schema that the answer must hold) or None.
        output: how an answer that holds a schema is asked for: "native", "tool" or "text".
        reasoning: the settings that the provider takes, by their names in ``ReasoningSettings``.
        images, documents, audio, video: whether a user's message may hold such a file.
        cache_marks: whether a part may be marked for the prompt cache.
        cost: the field of an answer that says what it cost, None where none does.
        embeddings: whether the provider serves embeddings; None where that is not known.
    """

    streaming: bool
    tools: str | None
    output: str
    reasoning: tuple[str, ...]
    images: bool
    documents: bool
    audio: bool
    video: bool
    cache_marks: bool
    cost: str | None
    embeddings: bool | None


class Lack(msgspec.Struct, frozen=True):
    """What these models do not take, whoever serves them: "image", "document", "audio", "video", "tools". ``models``
    are bare names, or their beginnings up to a ``-``, ``:`` or ``@``; the longest that fits counts."""

    models: tuple[str, ...]
    lacks: tuple[str, ...]
    reason: str


_FILES = ("image", "document", "audio", "video")
_OPEN = "the model card names text as its only input"

LACKS: tuple[Lack, ...] = (
    Lack(
        ("gpt-3.5-turbo", "o3-mini"),
        _FILES,
        "platform.openai.com/docs/models: text is its only input",
    ),
    Lack(("o1-mini", "o1-preview"), (*_FILES, "tools"), "platform.openai.com/docs/models: text only, and no functions"),
    Lack(
        ("gpt-4o", "gpt-4.1", "gpt-5", "gpt-5.1", "gpt-5.2", "o1", "o3", "o4-mini"),
        ("audio", "video"),
        "platform.openai.com/docs/models: text and images are its input",
    ),
    Lack(("gpt-4o-audio-preview", "gpt-audio"), ("image", "video"), "platform.openai.com/docs/models: text and audio"),
    Lack(("claude-2", "claude-2.1", "claude-instant-1"), (*_FILES, "tools"), "docs.claude.com: text is its only input"),
    Lack(("claude-3-opus", "claude-3-sonnet", "claude-3-haiku"), ("document",), "docs.claude.com: PDFs came with 3.5"),
    Lack(("gpt-oss",), _FILES, _OPEN),
    Lack(
        ("deepseek-chat", "deepseek-reasoner", "deepseek-r1", "deepseek-v3", "deepseek-v3.1", "deepseek-v3.2"),
        _FILES,
        _OPEN,
    ),
    Lack(("kimi-k2",), _FILES, f"{_OPEN}; images came with Kimi K2.5"),
    Lack(("glm-4.5", "glm-4.6", "glm-4.7", "glm-5"), _FILES, f"{_OPEN}; the V models take images"),
    Lack(("llama-3.1", "llama-3.3", "llama3.1", "llama3.3", "meta-llama-3.1"), _FILES, _OPEN),
    Lack(("qwen3-coder", "qwen3-32b", "qwen3-14b", "qwen3-8b", "qwen3-235b", "qwen3-30b", "qwen3-next"), _FILES, _OPEN),
    Lack(("codestral", "mistral-7b", "open-mistral-nemo"), _FILES, "docs.mistral.ai: text is its only input"),
    Lack(("command-r", "command-r-plus", "command-a-03-2025", "command-r7b"), _FILES, "docs.cohere.com: text only"),
    Lack(("grok-3", "grok-3-mini", "grok-code-fast"), _FILES, "docs.x.ai/docs/models: text is its only input"),
    Lack(("smollm2", "smollm2-135m", "smollm2-360m", "smollm2-1.7b"), _FILES, _OPEN),
)

#: The wires whose profiles do not say which files and settings they take: what their encoders write.
_WIRES: dict[str, dict[str, Any]] = {
    # https://platform.openai.com/docs/api-reference/responses/create
    "openai_responses": {"files": ("image", "document", "audio"), "reasoning": ("effort",)},
    # https://docs.claude.com/en/docs/build-with-claude/{vision,pdf-support,extended-thinking,prompt-caching}
    "anthropic_messages": {
        "files": ("image", "document"),
        "reasoning": ("effort", "max_tokens", "enabled", "exclude"),
        "cache_marks": True,
    },
    # https://ai.google.dev/gemini-api/docs/{image-understanding,document-processing,audio,thinking}
    "gemini": {"files": _FILES, "reasoning": ("effort", "max_tokens", "enabled", "exclude")},
    # https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
    "bedrock_converse": {"files": ("image", "document", "video"), "reasoning": (), "cache_marks": True},
}

#: Where an answer says what it cost: https://openrouter.ai/docs/use-cases/usage-accounting,
#: https://docs.x.ai/developers/cost-tracking.
_COST = {"openrouter": "usage.cost", "xai": "usage.cost_in_usd_ticks"}


def abilities(provider: Provider, model: str = "") -> Abilities:
    """What this provider can do; with a model, what that can."""
    profile = profile_for(provider, model)
    wire = _WIRES.get(provider.dialect, {})
    if provider.dialect == "openai_chat":
        wire = {"files": profile.files, "reasoning": _settings(profile), "cache_marks": profile.cache_marks is not None}
    row = lack(model)
    without: tuple[str, ...] = () if row is None else row.lacks
    files = [kind for kind in wire.get("files", ()) if kind not in without]
    name = provider.name
    return Abilities(
        streaming=True,
        tools=None if "tools" in without else getattr(profile, "tools", "native"),
        output=getattr(profile, "output_mode", "native"),
        reasoning=tuple(wire.get("reasoning", ())),
        images="image" in files,
        documents="document" in files,
        audio="audio" in files,
        video="video" in files,
        cache_marks=bool(wire.get("cache_marks", getattr(profile, "cache_marks", False))),
        cost=_COST.get(name),
        embeddings=serves_embeddings(provider),
    )


def _settings(profile: Any) -> tuple[str, ...]:
    if profile.reasoning_request == "reasoning":
        return ("effort", "max_tokens", "enabled", "exclude")
    return ("effort", "enabled") if profile.thinking_switch is not None else ("effort",)


def lack(model: str) -> Lack | None:
    """The row that says what this model does not take, None where no row does."""
    name = bare_name(model)
    found = [(len(one), row) for row in LACKS for one in row.models if _begins(name, one)]
    return max(found, key=lambda each: each[0])[1] if found else None


def _begins(name: str, beginning: str) -> bool:
    rest = name.removeprefix(beginning)
    return (rest != name or name == beginning) and (not rest or rest[0] in "-:@")
