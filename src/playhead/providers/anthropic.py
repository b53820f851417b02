"""Anthropic itself. Claude on Amazon Bedrock stands with Amazon's, Claude on Vertex AI with Google's.

https://docs.claude.com/en/api/messages.
"""

from __future__ import annotations

from playhead.providers.base import Provider

ANTHROPIC = Provider(
    name="anthropic",
    base_url="https://api.anthropic.com/v1",
    key_env=("ANTHROPIC_API_KEY",),
    profile={},
    options="AnthropicOptions",
    dialect="anthropic_messages",
    key_header="x-api-key",
)
