"""What every client is asked in the benchmarks, and what it is to find: the question of the example's tape."""

from __future__ import annotations

from typing import Any

MODEL = "moonshotai/kimi-k2-0905"
SYSTEM = "You are a helpful assistant"
QUESTION = "What's the weather in Florence,Italy?"
CHARACTERS = 5000
SENTENCE = (
    "It's currently **40 °C (104 °F)** in Florence, Italy—quite a hot day, so stay hydrated and seek shade if you're "
    "out enjoying the city!"
)
EXPECTED = {
    "call": {"location": "Florence, Italy"},
    "weather": SENTENCE,
    "stream": CHARACTERS,
    "paced": CHARACTERS,
}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Get weather information for a location",
            "parameters": {
                "type": "object",
                "properties": {"location": {"type": "string", "description": "the city"}},
                "required": ["location"],
            },
        },
    }
]
MESSAGES: list[Any] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]
BODY: dict[str, Any] = {"model": MODEL, "messages": MESSAGES, "max_tokens": 4000, "tools": TOOLS, "tool_choice": "auto"}
PROVIDER = {"provider": {"only": ["wandb"]}, "usage": {"include": True}}
HEADERS = {"Content-Type": "application/json", "Accept": "application/json", "Authorization": "Bearer none"}
