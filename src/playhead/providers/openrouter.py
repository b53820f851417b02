"""OpenRouter: one key, hundreds of models, many upstreams for each. https://openrouter.ai/docs

It counts cost in every answer when asked (``usage: {include: true}``), takes reasoning settings as an object, wants
``reasoning_details`` back verbatim, passes cache marks on to Anthropic and files on to whoever reads them.
"""

from __future__ import annotations

from playhead.providers.base import Provider

OPENROUTER = Provider(
    name="openrouter",
    base_url="https://openrouter.ai/api/v1",
    key_env=("OPENROUTER_API_KEY",),
    profile={
        "usage_include": True,
        "reasoning_request": "reasoning",
        "reasoning_back": "reasoning_details",
        "cache_marks": "part",
        "media_back": True,
    },
    options="OpenRouterOptions",
)
