"""Anthropic itself, and Claude on Amazon Bedrock by InvokeModel. Claude on Vertex AI stands with Google's.

https://docs.claude.com/en/api/messages, https://docs.claude.com/en/api/claude-on-amazon-bedrock. Bedrock takes the same
body in a URL of its own and streams in frames of AWS's. Its keys are bearer keys; requests are not signed.
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

BEDROCK = Provider(
    name="bedrock",
    base_url="",
    key_env=("AWS_BEARER_TOKEN_BEDROCK",),
    profile={"service": "bedrock", "version": "bedrock-2023-05-31", "betas_in": "body", "parallel_field": False},
    options="AnthropicOptions",
    dialect="anthropic_messages",
    hosts=(".amazonaws.com",),
    key_help="Bedrock wants an API key of its own: requests are not signed with AWS credentials here",
    url_form="https://bedrock-runtime.{region}.amazonaws.com",
    url_parts={"region": ("AWS_REGION", "AWS_DEFAULT_REGION")},
)
