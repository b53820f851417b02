"""Every other server of OpenAI's chat wire: hosted ones and ones of your own, each only a row.

``compatible`` is whoever is at the base URL that you give. A row says where the server is, which variable holds its
key, and how its hand differs from the common one.
"""

from __future__ import annotations

from typing import Any

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

HOSTED: tuple[Provider, ...] = (
    Provider("avian", "https://api.avian.io/v1", ("AVIAN_API_KEY",), _COMMON, "CompatibleOptions"),
    Provider("deepseek", "https://api.deepseek.com", ("DEEPSEEK_API_KEY",), _COMMON, "CompatibleOptions"),
    Provider(
        # Groq's models reason in `reasoning`, and take it back there.
        "groq",
        "https://api.groq.com/openai/v1",
        ("GROQ_API_KEY",),
        {"reasoning_back": "reasoning"},
        "CompatibleOptions",
    ),
    Provider(
        "huggingface",
        "https://router.huggingface.co/v1",
        ("HF_TOKEN", "HUGGINGFACE_API_KEY"),
        _COMMON,
        "CompatibleOptions",
    ),
    Provider(
        # The gateway follows OpenRouter's reasoning object and details.
        "vercel",
        "https://ai-gateway.vercel.sh/v1",
        ("AI_GATEWAY_API_KEY", "VERCEL_API_KEY"),
        {"reasoning_request": "reasoning", "reasoning_back": "reasoning_details", "cache_marks": "part"},
        "CompatibleOptions",
    ),
    Provider("xai", "https://api.x.ai/v1", ("XAI_API_KEY",), _COMMON, "CompatibleOptions"),
    Provider("zai", "https://api.z.ai/api/paas/v4", ("ZAI_API_KEY",), _COMMON, "CompatibleOptions"),
    Provider("zai-coding", "https://api.z.ai/api/coding/paas/v4", ("ZAI_API_KEY",), _COMMON, "CompatibleOptions"),
)

#: Servers of your own, at the port that each takes when not told otherwise.
OWN: tuple[Provider, ...] = (
    Provider("llamacpp", "http://localhost:8080/v1", ("LLAMA_API_KEY",), _COMMON, "CompatibleOptions", "optional"),
    Provider(
        # Ollama reasons in `reasoning`.
        "ollama",
        "http://localhost:11434/v1",
        ("OLLAMA_API_KEY",),
        {"reasoning_back": "reasoning"},
        "CompatibleOptions",
        "optional",
    ),
    Provider("vllm", "http://localhost:8000/v1", ("VLLM_API_KEY",), _COMMON, "CompatibleOptions", "optional"),
)
