"""OpenAI itself, and the same models on Azure, each on both of its wires: chat completions and responses.

https://platform.openai.com/docs/api-reference/chat, ``…/responses``. No reasoning goes back on the chat wire; on the
other it does. Azure's base URL is the user's own resource, with ``/openai/v1`` at its end.
"""

from __future__ import annotations

import msgspec

from playhead.providers.base import Provider

OPENAI = Provider(
    name="openai",
    base_url="https://api.openai.com/v1",
    key_env=("OPENAI_API_KEY",),
    profile={"reasoning_back": None},
    options="OpenAIOptions",
)

AZURE = Provider(
    name="azure",
    base_url="",
    key_env=("AZURE_OPENAI_API_KEY",),
    profile={"reasoning_back": None},
    options="OpenAIOptions",
    base_url_env=("AZURE_OPENAI_BASE_URL",),
    hosts=(".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"),
)

OPENAI_RESPONSES, AZURE_RESPONSES = (
    msgspec.structs.replace(
        provider, name=f"{provider.name}-responses", dialect="openai_responses", profile={}, options="ResponsesOptions"
    )
    for provider in (OPENAI, AZURE)
)
