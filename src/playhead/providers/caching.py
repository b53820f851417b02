"""Where each provider wants the marks of its prompt cache, as data.

Most providers find by themselves what two requests have in common at their beginning: OpenAI, DeepSeek, xAI, Groq,
Moonshot, Gemini from 2.5 on, and whoever serves open models. They want no marks, and have no row here. Claude and Nova
cache what is marked and nothing else, wherever they are served. The rows are as those of
:data:`playhead.providers.quirks.QUIRKS`, the last that fits counts.

https://docs.claude.com/en/docs/build-with-claude/prompt-caching,
https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html,
https://openrouter.ai/docs/features/prompt-caching,
https://vercel.com/docs/ai-gateway/models-and-providers/automatic-caching.
"""

from __future__ import annotations

import msgspec

from playhead.providers.base import Provider, Quirk, quirks_of


class CachePlaces(msgspec.Struct, frozen=True):
    """What a provider wants marked.

    Attributes:
        places: of "tools" (the last one), "system" (its end) and "messages" (the last of the user's and of the tools').
        most: marks that one request may have.
        ttls: how long a mark may hold, in the provider's words; where "1h" is not among them, it has one length only.
    """

    places: tuple[str, ...] = ()
    most: int = 4
    ttls: tuple[str, ...] = ("5m", "1h")


_EVERYWHERE = ("tools", "system", "messages")

_ROWS: tuple[Quirk, ...] = (
    Quirk(
        ("anthropic_messages",),
        (),
        (),
        {"places": _EVERYWHERE},
        "Anthropic caches up to a mark, four at most, and looks back 20 blocks from each for what it has",
    ),
    Quirk(
        ("openai_chat",),
        ("openrouter", "vercel"),
        ("claude",),
        {"places": _EVERYWHERE},
        "these gateways pass the marks on to whoever serves Claude; other models of theirs cache by themselves",
    ),
    Quirk(
        ("bedrock_converse",),
        (),
        ("claude",),
        {"places": _EVERYWHERE},
        "the same four marks, as cachePoint blocks",
    ),
    Quirk(
        ("bedrock_converse",),
        (),
        ("nova",),
        {"places": ("system", "messages"), "ttls": ()},
        "Nova answers 400 to a mark among the tools, and holds every mark for five minutes",
    ),
)


def cache_places(provider: Provider, model: str) -> CachePlaces:
    """Where this model of the provider wants marks; nowhere, where it caches by itself or not at all."""
    found = CachePlaces()
    for row in quirks_of(provider, model, _ROWS):
        found = CachePlaces(**row.changes)
    return found
