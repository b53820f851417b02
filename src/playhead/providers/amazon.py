"""Amazon Bedrock: Claude by InvokeModel, in Anthropic's own wire, and every model by Converse, in Amazon's.

``bedrock:`` takes the wire by the model's name: InvokeModel gives Claude all that its own API has, and Converse is the
one body that Nova, Llama, Mistral and the others share. ``bedrock-converse:`` speaks Converse with any model, Claude
too, as managed prompts want it. An inference profile whose ARN does not name its model is spoken to in Converse.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html,
https://docs.claude.com/en/api/claude-on-amazon-bedrock. Bedrock's keys are bearer keys; without one, requests are
signed.
"""

from __future__ import annotations

import msgspec

from playhead.providers.base import Provider

BEDROCK = Provider(
    name="bedrock",
    base_url="",
    key_env=("AWS_BEARER_TOKEN_BEDROCK",),
    profile={},
    options="ConverseOptions",
    dialect="bedrock_converse",
    hosts=(".amazonaws.com",),
    auth="aws",
    url_form="https://bedrock-runtime.{region}.amazonaws.com",
    url_parts={"region": ("AWS_REGION", "AWS_DEFAULT_REGION")},
)

BEDROCK_CONVERSE = msgspec.structs.replace(BEDROCK, name="bedrock-converse")

BEDROCK_CLAUDE = msgspec.structs.replace(
    BEDROCK,
    profile={"service": "bedrock", "version": "bedrock-2023-05-31", "betas_in": "body", "parallel_field": False},
    options="AnthropicOptions",
    dialect="anthropic_messages",
)
