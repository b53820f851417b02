"""What some models want otherwise than the others of their wire and provider: the table, each row with its reason.

A row goes over those before it. Rows name models by how their bare names begin, so that a new date or size of a known
model has its rows at once. :func:`playhead.providers.base.profile_for` reads them.
"""

from __future__ import annotations

from playhead.providers.base import Quirk

_CHAT, _RESPONSES, _MESSAGES, _GEMINI = "openai_chat", "openai_responses", "anthropic_messages", "gemini"
_CONVERSE = "bedrock_converse"
_REASONING_MODELS = ("o1", "o3", "o4", "gpt-5")
_CHAT_VARIANTS = ("gpt-5-chat", "gpt-5.1-chat", "gpt-5.2-chat")
_OPENAI = ("openai", "azure", "openai-responses", "azure-responses")
_ADAPTIVE = (
    "claude-opus-4-7",
    "claude-opus-4-8",
    "claude-opus-5",
    "claude-sonnet-5",
    "claude-haiku-5",
    "claude-mythos",
    "claude-fable",
)

_CLAUDE_HOLDING_SCHEMAS = tuple(f"claude-{name}-4-{n}" for name in ("opus", "sonnet", "haiku") for n in "56789")

#: Models of Bedrock that are neither Amazon's Nova nor Claude, by maker.
_OTHERS_ON_BEDROCK = (
    *("command", "deepseek", "gemma", "glm", "gpt-oss", "jamba", "kimi", "llama", "magistral", "minimax", "ministral"),
    *("mistral", "mixtral", "nemotron", "palmyra", "pixtral", "qwen", "r1", "titan", "v3", "voxtral"),
)

QUIRKS: tuple[Quirk, ...] = (
    Quirk(
        (_CHAT,),
        (),
        (*_REASONING_MODELS, "gpt-oss"),
        {"max_tokens_field": "max_completion_tokens"},
        "OpenAI's reasoning models refuse max_tokens; max_completion_tokens counts reasoning too",
    ),
    Quirk(
        (_CHAT,),
        ("deepseek", "fireworks", "mistral", "ollama", "together", "zai"),
        ("gpt-oss",),
        {"max_tokens_field": "max_tokens"},
        "these servers document max_tokens for every model, gpt-oss among them",
    ),
    Quirk(
        (_CHAT,),
        ("deepseek",),
        ("deepseek-reasoner", "deepseek-v4", "deepseek-flash"),
        {"reasoning_stand_in": "", "forced_choice": "never"},
        "while it thinks DeepSeek answers 400 to a step with calls that has no reasoning_content, even an empty one, "
        "and to a forced call",
    ),
    Quirk(
        (_CHAT,),
        ("moonshot",),
        ("kimi-k2-thinking", "kimi-k2.5", "kimi-k2.6", "kimi-k2.7", "kimi-k3"),
        {"reasoning_stand_in": " ", "sampling": False},
        "Kimi's thinking models answer 400 to a step with calls whose reasoning_content is missing or empty, and fix "
        "their temperature and top_p themselves",
    ),
    Quirk(
        (_CHAT,),
        ("xai",),
        ("grok-3-mini", "grok-4", "grok-code"),
        {"left_out": ("stop",)},
        "xAI's reasoning models answer 400 to stop",
    ),
    Quirk(
        (_CHAT, _RESPONSES),
        _OPENAI,
        _REASONING_MODELS,
        {"sampling": False},
        "OpenAI's reasoning models answer 400 to a temperature or top_p other than 1",
    ),
    Quirk(
        (_CHAT, _RESPONSES),
        _OPENAI,
        _CHAT_VARIANTS,
        {"sampling": True},
        "the chat variants of gpt-5 do not reason and take a temperature",
    ),
    Quirk(
        (_RESPONSES,),
        (),
        _REASONING_MODELS,
        {"system_role": "developer"},
        "OpenAI's reasoning models know the developer's message where the others know the system's",
    ),
    Quirk(
        (_CHAT,),
        ("llamacpp", "compatible"),
        ("smollm2-135m", "smollm2-360m"),
        {"tools": "constrained"},
        "the chat template of these models knows no tools; a server that holds a JSON schema makes them call one",
    ),
    Quirk(
        (_MESSAGES, _CONVERSE),
        (),
        ("claude-3", "claude-opus-4", "claude-sonnet-4", "claude-haiku-4"),
        {"thinking": "budget"},
        "up to Claude 4.5 thinking wants a budget of tokens; adaptive thinking is refused",
    ),
    Quirk(
        (_MESSAGES, _CONVERSE),
        (),
        ("claude-opus-4-6", "claude-sonnet-4-6"),
        {"thinking": "both"},
        "Claude 4.6 takes a budget as well as adaptive thinking",
    ),
    Quirk(
        (_MESSAGES, _CONVERSE),
        (),
        _ADAPTIVE,
        {"thinking": "adaptive", "sampling": False},
        "from Claude Opus 4.7 on a budget of thinking, a temperature and a top_p are answered with 400",
    ),
    Quirk(
        (_GEMINI,),
        (),
        ("gemini-2.5",),
        {"effort": "budget"},
        "Gemini 2.5 takes a budget of thinking; levels came with Gemini 3",
    ),
    Quirk(
        (_GEMINI,),
        (),
        ("gemini-3",),
        {
            "result_media": "inside",
            "part_resolution": True,
            "stand_in_signature": "skip_thought_signature_validator",
        },
        "Gemini 3 reads files inside a tool's result, takes a resolution for each part, and checks that calls of other "
        "makers' models bear the signature that Google documents for them",
    ),
    Quirk(
        (_CHAT,),
        (*_OPENAI, "openrouter", "vercel"),
        (),
        {"output_schemas": "openai"},
        "OpenAI, and gateways after it, hold a schema that is strict, and strict wants OpenAI's subset of schemas",
    ),
    Quirk(
        (_CHAT, _RESPONSES),
        _OPENAI,
        ("gpt-3.5", "gpt-4"),
        {"output_mode": "tool"},
        "OpenAI holds an answer to a schema from gpt-4o-2024-08-06 on; older models are held to a tool's only",
    ),
    Quirk(
        (_CHAT, _RESPONSES),
        _OPENAI,
        ("gpt-4o", "gpt-4.1", "gpt-4.5"),
        {"output_mode": "native"},
        "these are newer than gpt-4, with whose name theirs begin",
    ),
    Quirk(
        (_CHAT, _RESPONSES),
        _OPENAI,
        ("gpt-4o-2024-05-13",),
        {"output_mode": "tool"},
        "this snapshot is older than the holding of schemas",
    ),
    Quirk(
        (_CHAT, _RESPONSES),
        _OPENAI,
        ("o1-mini", "o1-preview"),
        {"output_mode": "text"},
        "these know neither schemas nor tools",
    ),
    Quirk(
        (_CHAT,),
        ("openrouter", "vercel"),
        ("claude",),
        {"output_mode": "tool", "forced_choice": "unless_thinking"},
        "Claude before 4.5 is held to a tool's schema only, and gateways drop its thinking where a call is forced",
    ),
    Quirk(
        (_CHAT,),
        ("openrouter", "vercel"),
        tuple(f"claude-{name}{dot}{n}" for name in ("opus-4", "sonnet-4", "haiku-4") for dot in ".-" for n in "56789"),
        {"output_mode": "native"},
        "from Claude 4.5 on an answer is held to a schema",
    ),
    Quirk(
        (_MESSAGES,),
        (),
        ("claude-2", "claude-3", "claude-instant", "claude-opus-4", "claude-sonnet-4"),
        {"output_mode": "tool"},
        "Anthropic holds an answer to a schema from Claude 4.5 on",
    ),
    Quirk(
        (_MESSAGES,),
        (),
        tuple(f"claude-{name}-4-{n}" for name in ("opus", "sonnet") for n in "56789"),
        {"output_mode": "native"},
        "these are of 4.5 and later, though their names begin as those of 4.0 do",
    ),
    Quirk(
        (_MESSAGES,),
        ("vertex",),
        (),
        {"output_mode": "tool"},
        "Vertex AI refuses Claude's structured outputs unless an organisation's policy allows them",
    ),
    Quirk(
        (_GEMINI,),
        (),
        ("gemini-3",),
        {"output_beside_tools": None},
        "from Gemini 3 on a schema may stand beside tools; before, the server answers 400 to the two together",
    ),
    Quirk(
        (_CONVERSE,),
        (),
        _OTHERS_ON_BEDROCK,
        {"tool_choices": ("any",), "result_status": False, "cache_points": ()},
        "Amazon's reference gives the choice of one tool, the status of a result and prompt caching to Nova and Claude",
    ),
    Quirk(
        (_CONVERSE,),
        (),
        ("command", "jamba", "llama", "r1", "titan"),
        {"tool_choices": (), "forced_choice": "never"},
        "these models take no choice of tools but auto",
    ),
    Quirk(
        (_CONVERSE,),
        (),
        ("r1",),
        {"reasoning_back": False, "output_mode": "text"},
        "to DeepSeek R1's own reasoning, which bears no signature, Bedrock answers 400, and so it does to tools",
    ),
    Quirk(
        (_CONVERSE,),
        (),
        ("nova",),
        {"cache_points": ("system", "messages")},
        "of Nova's prompts the system's text and messages are cached, never tools",
    ),
    Quirk(
        (_CONVERSE,),
        (),
        ("nova-2",),
        {"thinking": "nova"},
        "Nova 2 is told to think by reasoningConfig, with an effort",
    ),
    Quirk(
        (_CONVERSE,),
        (),
        ("gpt-oss",),
        {"thinking": "effort"},
        "OpenAI's open models are told to think by reasoning_effort",
    ),
    Quirk(
        (_CONVERSE,),
        (),
        (*_CLAUDE_HOLDING_SCHEMAS, *_ADAPTIVE, "gpt-oss", "kimi"),
        {"output_mode": "native"},
        "Bedrock holds the answers of these models to a schema; the others are held to a tool's",
    ),
)
