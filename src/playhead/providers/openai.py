"""OpenAI itself, and the same models on Azure, each on both of its wires: chat completions and responses.

https://platform.openai.com/docs/api-reference/chat, ``…/responses``. No reasoning goes back on the chat wire; on the
other it does. Azure's base URL is the user's own resource, with ``/openai/v1`` at its end; or, in its dated interface,
with ``/openai/deployments/NAME`` and an ``api-version``. Its keys go in a header ``api-key``, Entra's tokens as bearer
tokens: https://learn.microsoft.com/azure/ai-services/openai/reference#authentication.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.providers.base import Provider

_PROFILE: dict[str, Any] = {
    "reasoning_back": None,
    "call_ids": "40",  # "string too long. Expected a string with maximum length 40"
    "files": ("image", "audio", "document"),
    "file_ids": True,
}

OPENAI = Provider(
    name="openai",
    base_url="https://api.openai.com/v1",
    key_env=("OPENAI_API_KEY",),
    profile=_PROFILE,
    options="OpenAIOptions",
)

AZURE = Provider(
    name="azure",
    base_url="",
    key_env=("AZURE_OPENAI_API_KEY",),
    profile=_PROFILE,
    options="OpenAIOptions",
    base_url_env=("AZURE_OPENAI_BASE_URL",),
    key_header="api-key",
    token_env=("AZURE_OPENAI_AD_TOKEN",),
    version_env=("AZURE_OPENAI_API_VERSION", "OPENAI_API_VERSION"),
    hosts=(".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"),
)

OPENAI_RESPONSES, AZURE_RESPONSES = (
    msgspec.structs.replace(
        provider, name=f"{provider.name}-responses", dialect="openai_responses", profile={}, options="ResponsesOptions"
    )
    for provider in (OPENAI, AZURE)
)
