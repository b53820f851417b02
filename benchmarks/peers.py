"""The peers, each used as its own documentation says, with retries and telemetry as they come out of the box.

What each case is stands in ``clients.py``. Imports are inside the functions: a peer that is not installed is absent,
and no peer pays for another.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from measure import Act

from cases import BODY, MESSAGES, MODEL, PROVIDER, QUESTION, SYSTEM, TOOLS


async def openai(url: str) -> dict[str, Act]:
    """The openai SDK."""
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=f"{url}/api/v1", api_key="none")
    paced_client = AsyncOpenAI(base_url=f"{url}/paced/api/v1", api_key="none")

    async def call() -> object:
        answer = await client.chat.completions.create(**BODY, extra_body=PROVIDER)
        return json.loads(answer.choices[0].message.tool_calls[0].function.arguments)

    async def stream(of: AsyncOpenAI) -> int:
        count = 0
        async for chunk in await of.chat.completions.create(**BODY, extra_body=PROVIDER, stream=True):
            if chunk.choices:
                count += len(chunk.choices[0].delta.content or "")
        return count

    return {"call": call, "stream": lambda: stream(client), "paced": lambda: stream(paced_client)}


async def litellm(url: str) -> dict[str, Act]:
    """litellm, by its own OpenRouter provider."""
    import litellm

    settings: dict[str, Any] = {
        "model": f"openrouter/{MODEL}",
        "messages": MESSAGES,
        "tools": TOOLS,
        "max_tokens": 4000,
        "api_base": f"{url}/api/v1",
        "api_key": "none",
        "extra_body": PROVIDER,
    }

    async def call() -> object:
        answer = await litellm.acompletion(**settings)
        return json.loads(answer.choices[0].message.tool_calls[0].function.arguments)

    async def stream() -> int:
        count = 0
        async for chunk in await litellm.acompletion(**settings, stream=True):
            if chunk.choices:
                count += len(chunk.choices[0].delta.content or "")
        return count

    return {"call": call, "stream": stream}


async def pydantic_ai(url: str) -> dict[str, Act]:
    """pydantic-ai, with its OpenAI chat model."""
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    model = OpenAIChatModel(MODEL, provider=OpenAIProvider(base_url=f"{url}/api/v1", api_key="none"))
    agent = Agent(model, system_prompt=SYSTEM, model_settings={"max_tokens": 4000})

    @agent.tool_plain
    def weather(location: str) -> str:
        """Get weather information for a location"""
        return "40 C"

    async def run() -> object:
        return (await agent.run(QUESTION)).output

    async def stream() -> int:
        count = 0
        async with agent.run_stream(QUESTION) as result:
            async for text in result.stream_text(delta=True, debounce_by=None):
                count += len(text)
        return count

    return {"weather": run, "stream": stream}


async def openai_agents(url: str) -> dict[str, Act]:
    """openai-agents, over chat completions, without its tracing, which would leave the machine."""
    from agents import (
        Agent,
        ModelSettings,
        OpenAIChatCompletionsModel,
        Runner,
        function_tool,
        set_tracing_disabled,
    )
    from openai import AsyncOpenAI

    set_tracing_disabled(True)
    model = OpenAIChatCompletionsModel(MODEL, AsyncOpenAI(base_url=f"{url}/api/v1", api_key="none"))

    @function_tool
    def weather(location: str) -> str:
        """Get weather information for a location"""
        return "40 C"

    agent = Agent(
        "assistant", instructions=SYSTEM, model=model, tools=[weather], model_settings=ModelSettings(max_tokens=4000)
    )

    async def run() -> object:
        return (await Runner.run(agent, QUESTION)).final_output

    async def stream() -> int:
        count = 0
        result = Runner.run_streamed(agent, QUESTION)
        async for event in result.stream_events():
            if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                count += len(event.data.delta)
        return count

    return {"weather": run, "stream": stream}
