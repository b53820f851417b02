"""OpenAI itself, and the same models on Azure. https://platform.openai.com/docs/api-reference/chat

No reasoning goes back on this wire. Azure's base URL is the user's own resource, with ``/openai/v1`` at its end.
"""

from __future__ import annotations

from playhead.dialects.openai_chat.profile import Profile
from playhead.providers.base import Provider

OPENAI = Provider(
    name="openai",
    base_url="https://api.openai.com/v1",
    key_env=("OPENAI_API_KEY",),
    profile=Profile(reasoning_back=None),
    options="OpenAIOptions",
)

AZURE = Provider(
    name="azure",
    base_url="",
    key_env=("AZURE_OPENAI_API_KEY",),
    profile=Profile(reasoning_back=None),
    options="OpenAIOptions",
    base_url_env=("AZURE_OPENAI_BASE_URL",),
    hosts=(".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"),
)
