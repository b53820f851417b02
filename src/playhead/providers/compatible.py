"""Every other server of OpenAI's chat wire: hosted ones and ones of your own, each only a row.

``compatible`` is whoever is at the base URL that you give. A row says where the server is, which variable holds its
key, and how its hand differs from the common one, each difference with its reason; the page that says so is named
above it.
What differs for some models only is a row of :data:`playhead.providers.quirks.QUIRKS`.

What a speaker does not document as taken, and refuses, is left out and named by a warning; what it ignores is sent.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.providers.base import Provider

_COMMON: dict[str, Any] = {}

COMPATIBLE = Provider(
    "compatible",
    "",
    ("PLAYHEAD_API_KEY",),
    _COMMON,
    "CompatibleOptions",
    "optional",
    base_url_env=("PLAYHEAD_BASE_URL",),
)


def _hosted(name: str, base_url: str, key_env: str, **hand: tuple[Any, str]) -> Provider:
    """A row: each difference of its hand is a field of the profile, with its value and the reason."""
    profile = {field: value for field, (value, _) in hand.items()}
    reasons = {field: reason for field, (_, reason) in hand.items()}
    return Provider(name, base_url, tuple(key_env.split()), profile, "CompatibleOptions", reasons=reasons)


def _own(name: str, base_url: str, key_env: str, **hand: tuple[Any, str]) -> Provider:
    """A row of a server that wants no key unless it was started with one."""
    return msgspec.structs.replace(_hosted(name, base_url, key_env, **hand), auth="optional")


# https://docs.z.ai/api-reference/llm/chat-completion, …/guides/capabilities/thinking-mode
_ZAI: dict[str, Any] = {
    "thinking_switch": ("thinking", '{"thinking": {"type": "disabled"}}'),
    "names": (False, "no message has one"),
    "refusal_back": (False, "nor a refusal"),
    "strict_tools": (None, "a function has no strict"),
    "none_choice": (False, "the only choice documented is auto; a forced one is taken"),
    "output_mode": ("tool", "response_format is text or json_object"),
    "files": (("image", "video"), "image_url, video_url"),
    "left_out": (("parallel_tool_calls", "seed"), "neither is documented"),
}

HOSTED: tuple[Provider, ...] = (
    _hosted("avian", "https://api.avian.io/v1", "AVIAN_API_KEY"),
    # https://inference-docs.cerebras.ai/api-reference/chat-completions. It answers 400 to what it does not know.
    _hosted(
        "cerebras",
        "https://api.cerebras.ai/v1",
        "CEREBRAS_API_KEY",
        max_tokens_field=("max_completion_tokens", "max_tokens is its deprecated name"),
        reasoning_back=("reasoning", "where it comes, too"),
        thinking_switch=("effort", 'the effort "none"'),
        refusal_back=(False, "an assistant's message has content, reasoning and calls"),
        strict_tools=("all", "\"tools with mixed values for 'strict' are not allowed\""),
        output_beside_tools=("tool", "response_format and tools do not go together"),
        files=(("image",), "a user's message holds text and images"),
    ),
    # https://docs.cohere.com/docs/compatibility-api. It answers 422 to what it does not know.
    _hosted(
        "cohere",
        "https://api.cohere.ai/compatibility/v1",
        "COHERE_API_KEY CO_API_KEY",
        stream_usage=(False, "stream_options is refused; the last chunk has usage unasked"),
        reasoning_back=(None, "a message has no place for it"),
        thinking_switch=("effort", 'reasoning_effort is "none" or "high"'),
        names=(False, "messages bear no names"),
        refusal_back=(False, "an assistant's message has no refusal"),
        strict_field=(False, "a function has no strict, or means the same without"),
        tool_choice_auto=(False, "what is not said is auto"),
        forced_choice=("never", "no tool_choice is documented"),
        none_choice=(False, "tool_choice is not documented"),
        output_beside_tools=("tool", "structured output is not for requests with tools"),
        files=(("image",), "the vision models"),
        left_out=(("parallel_tool_calls", "tool_choice"), "neither is documented"),
    ),
    # https://api-docs.deepseek.com/api/create-chat-completion, …/guides/thinking_mode. Reasoning goes back in
    # reasoning_content: with calls it must, without it is ignored.
    _hosted(
        "deepseek",
        "https://api.deepseek.com",
        "DEEPSEEK_API_KEY",
        thinking_switch=("thinking", '{"thinking": {"type": "disabled"}}'),
        refusal_back=(False, "an assistant's message has no refusal"),
        output_mode=("tool", "response_format is text or json_object"),
        files=((), "every model takes text only"),
        left_out=(("parallel_tool_calls", "seed"), "neither is documented"),
    ),
    # https://docs.fireworks.ai/api-reference/post-chatcompletions
    _hosted(
        "fireworks",
        "https://api.fireworks.ai/inference/v1",
        "FIREWORKS_API_KEY",
        thinking_switch=("effort", 'the effort "none"'),
        refusal_back=(False, "an assistant's message has no refusal"),
        files=(("image", "video"), "image_url and video_url"),
    ),
    # https://console.groq.com/docs/api-reference#chat-create. It answers 400 to fields that it does not know.
    _hosted(
        "groq",
        "https://api.groq.com/openai/v1",
        "GROQ_API_KEY",
        max_tokens_field=("max_completion_tokens", "max_tokens is its deprecated name"),
        reasoning_back=("reasoning", "where it comes, too"),
        thinking_switch=("effort", 'the effort "none"'),
        refusal_back=(False, "an assistant's message has content, reasoning and calls"),
        output_beside_tools=("tool", "structured outputs are not for requests with tools"),
        files=(("image",), "a user's message holds text and images"),
    ),
    # Many providers behind one address: what goes further is as they take it.
    _hosted("huggingface", "https://router.huggingface.co/v1", "HF_TOKEN HUGGINGFACE_API_KEY"),
    # https://docs.mistral.ai/api/endpoint/chat, …/capabilities/reasoning. It answers 422 to what it does not know.
    _hosted(
        "mistral",
        "https://api.mistral.ai/v1",
        "MISTRAL_API_KEY",
        stream_usage=(False, "no stream_options; the last chunk has usage unasked"),
        seed_field=("random_seed", "the seed's name here"),
        reasoning_back=("thinking", "chunks inside of the content, which must come back so"),
        thinking_switch=("effort", 'the effort "none"'),
        names=(False, "only a tool's message has one"),
        refusal_back=(False, "an assistant's message has no refusal"),
        required_word=("any", '"required" is taken by some models only'),
        call_ids=("nine", '"must be a-z, A-Z, 0-9, with a length of 9"'),
        files=(("image", "audio", "document"), "image_url, input_audio and document_url; no video"),
        file_parts=("mistral", "document_url, and input_audio without a format"),
    ),
    # https://platform.moonshot.ai/docs/api/chat, …/guide/use-kimi-k2-thinking-model
    _hosted(
        "moonshot",
        "https://api.moonshot.ai/v1",
        "MOONSHOT_API_KEY KIMI_API_KEY",
        max_tokens_field=("max_completion_tokens", "max_tokens is its deprecated name"),
        thinking_switch=("thinking", '{"thinking": {"type": "disabled"}}'),
        refusal_back=(False, "an assistant's message has no refusal"),
        strict_field=(False, "a function has no strict, or means the same without"),
        strict_tools=(None, "a function has no strict"),
        forced_choice=("never", 'auto or none; a forced one is "incompatible with thinking enabled"'),
        files=(("image", "video"), "image_url and video_url"),
        left_out=(("parallel_tool_calls", "seed"), "neither is documented"),
    ),
    # https://docs.together.ai/reference/chat-completions
    _hosted(
        "together",
        "https://api.together.xyz/v1",
        "TOGETHER_API_KEY",
        reasoning_back=("reasoning", "where it comes; the older models' is reasoning_content, and is taken too"),
        thinking_switch=("reasoning", '{"reasoning": {"enabled": false}}'),
        refusal_back=(False, "an assistant's message has no refusal"),
        strict_field=(False, "a function has no strict, or means the same without"),
        files=(("image", "video", "audio"), "image_url, video_url and input_audio"),
        left_out=(("parallel_tool_calls",), "not documented"),
    ),
    # https://vercel.com/docs/ai-gateway/openai-compat. It follows OpenRouter's reasoning object and details.
    _hosted(
        "vercel",
        "https://ai-gateway.vercel.sh/v1",
        "AI_GATEWAY_API_KEY VERCEL_API_KEY",
        reasoning_request=("reasoning", "it follows OpenRouter's object"),
        reasoning_back=("reasoning_details", "and its details"),
        cache_marks=("part", "it passes on Anthropic's marks"),
    ),
    # https://docs.x.ai/docs/api-reference#chat-completions
    _hosted(
        "xai",
        "https://api.x.ai/v1",
        "XAI_API_KEY",
        files=(("image",), "documents are named by the id of an upload"),
    ),
    _hosted("zai", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY", **_ZAI),
    _hosted("zai-coding", "https://api.z.ai/api/coding/paas/v4", "ZAI_API_KEY", **_ZAI),
)

#: Servers of your own, at the port that each takes when not told otherwise.
OWN: tuple[Provider, ...] = (
    # https://github.com/ggml-org/llama.cpp/tree/master/tools/server. Reasoning goes back in reasoning_content.
    _own(
        "llamacpp",
        "http://localhost:8080/v1",
        "LLAMA_API_KEY",
        files=(("image", "audio"), "what its multimodal models read, as image_url and input_audio"),
    ),
    # https://docs.ollama.com/api/openai-compatibility
    _own(
        "ollama",
        "http://localhost:11434/v1",
        "OLLAMA_API_KEY",
        reasoning_back=("reasoning", "where it comes, too"),
        thinking_switch=("effort", 'the effort "none"'),
        files=(("image",), "a user's message holds text and images"),
    ),
    # https://docs.vllm.ai/en/stable/features/reasoning_outputs, …/features/multimodal_inputs
    _own(
        "vllm",
        "http://localhost:8000/v1",
        "VLLM_API_KEY",
        reasoning_back=("reasoning", "reasoning_content is its former name, which newer versions do not know"),
        files=(("image", "audio", "video"), "image_url, input_audio and video_url"),
    ),
)
