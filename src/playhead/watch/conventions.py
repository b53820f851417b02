"""The names of OpenTelemetry's semantic conventions for generative AI, as of version 1.41, all still in development:
https://opentelemetry.io/docs/specs/semconv/gen-ai/. What they have no name for begins with ``playhead.``.
"""

from __future__ import annotations

from typing import Any

from playhead.events import Asked
from playhead.request import Request
from playhead.response import Usage

OPERATION = "gen_ai.operation.name"
AGENT_NAME = "gen_ai.agent.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
RESPONSE_ID = "gen_ai.response.id"
FINISH_REASONS = "gen_ai.response.finish_reasons"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
COMPACTED = "gen_ai.conversation.compacted"
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions"
TOOL_NAME = "gen_ai.tool.name"
TOOL_DESCRIPTION = "gen_ai.tool.description"
TOOL_TYPE = "gen_ai.tool.type"
TOOL_CALL_ID = "gen_ai.tool.call.id"
TOOL_ARGUMENTS = "gen_ai.tool.call.arguments"
TOOL_RESULT = "gen_ai.tool.call.result"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - a name, and no secret
ERROR_TYPE = "error.type"
#: The value of ``error.type`` of what has no class: a refusal in words, a timeout, an answer that was cut.
OTHER = "_OTHER"
URL_FULL = "url.full"
SERVER_ADDRESS, SERVER_PORT = "server.address", "server.port"
HTTP_METHOD, HTTP_STATUS, HTTP_RESEND = (
    "http.request.method",
    "http.response.status_code",
    "http.request.resend_count",
)
COST = "playhead.cost"
REPLAYED = "playhead.replayed"
STEP = "playhead.step"
REQUEST_ID = "playhead.request_id"

#: Metrics: name, unit, description, and the buckets that the conventions advise.
DURATION = (
    "gen_ai.client.operation.duration",
    "s",
    "GenAI operation duration.",
    (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
)
TOKENS = (
    "gen_ai.client.token.usage",
    "{token}",
    "Number of input and output tokens used.",
    (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864),
)
SPENT = ("playhead.client.cost", "{USD}", "US dollars of attempts, as far as they are known.")

_WELL_KNOWN = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "google": "gcp.gemini",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "vertex": "gcp.vertex_ai",
    "xai": "x_ai",
}


def provider_name(name: str) -> str:
    """A provider by the name that the conventions have for it; by its own where they have none."""
    bare = name.removesuffix("-responses").removesuffix("-converse")
    return _WELL_KNOWN.get(bare, bare)


def whom(asked: Asked) -> dict[str, Any]:
    """The attributes that say whom an operation asks."""
    said: dict[str, Any] = {PROVIDER: provider_name(asked.provider), REQUEST_MODEL: asked.model}
    scheme, _, rest = asked.base_url.partition("://")
    host, _, port = rest.partition("/")[0].rpartition("@")[2].partition(":")
    if host and not host.startswith("["):
        said[SERVER_ADDRESS] = host
        said[SERVER_PORT] = int(port) if port.isdigit() else 443 if scheme == "https" else 80
    return said


def settings(request: Request | None) -> dict[str, Any]:
    """The attributes that say what was asked for; what was left to the provider is not there."""
    if request is None:
        return {}
    said: dict[str, Any] = {
        "gen_ai.request.max_tokens": request.max_tokens,
        "gen_ai.request.temperature": request.temperature,
        "gen_ai.request.top_p": request.top_p,
        "gen_ai.request.seed": request.seed,
        "gen_ai.request.stop_sequences": request.stop or None,
        "gen_ai.request.stream": request.stream or None,
        "gen_ai.output.type": None if request.output is None else "json",
    }
    for name in ("frequency_penalty", "presence_penalty", "top_k"):
        value = request.options.get(name)
        if isinstance(value, int | float):
            said[f"gen_ai.request.{name}"] = value
    several = request.options.get("n")
    if isinstance(several, int) and several != 1:
        said["gen_ai.request.choice.count"] = several
    return {name: value for name, value in said.items() if value is not None}


def counts(usage: Usage | None) -> dict[str, int]:
    """The attributes that say what was used; what was not reported is not there."""
    if usage is None:
        return {}
    known = {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
    }
    return {name: count for name, count in known.items() if count is not None}
