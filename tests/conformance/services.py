"""The table that the conformance suite goes over: every wire, and every service that speaks it its own way.

A service is a model's name in the catalog; what its wire does not have is said here, a word for each, so that a row
that is missing is missing on purpose.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from playhead import Agent, Event, Message, RetryPolicy, Run
from playhead.messages import Part
from playhead.testing import FakeProvider

#: One try, and no wait: what is looked at is the error itself.
ONCE = RetryPolicy(attempts=1)
#: As often as it takes, at once, unless the provider asks for a wait.
AGAIN = RetryPolicy(attempts=5, base=0.0)


class Service(NamedTuple):
    """``lacks`` names what this wire has no place for: "sources", "refusal", "cache_write", "cached" and so on."""

    model: str
    dialect: str
    lacks: frozenset[str] = frozenset()

    def has(self, *words: str) -> bool:
        return not self.lacks & set(words)


def _lacks(words: str) -> frozenset[str]:
    return frozenset(words.split())


_CONVERSE = _lacks("refusal sources reasoning_tokens")

SERVICES = [
    Service("openai:gpt-4o", "openai_chat", _lacks("thinking cache_write")),
    Service("openrouter:maker/model", "openai_chat", _lacks("")),
    Service("compatible:model", "openai_chat", _lacks("")),
    Service("openai-responses:gpt-5", "openai_responses", _lacks("cache_write")),
    Service("anthropic:claude-x", "anthropic_messages", _lacks("refusal reasoning_tokens")),
    Service("bedrock:anthropic.claude-x-v1:0", "anthropic_messages", _lacks("refusal reasoning_tokens")),
    Service("vertex:claude-x", "anthropic_messages", _lacks("refusal reasoning_tokens")),
    Service("google:gemini-x", "gemini", _lacks("refusal cache_write")),
    Service("vertex:gemini-x", "gemini", _lacks("refusal cache_write")),
    Service("bedrock:amazon.nova-pro-v1:0", "bedrock_converse", _lacks("refusal sources reasoning_tokens thinking")),
    Service(
        "bedrock-converse:anthropic.claude-sonnet-4-v1:0",
        "bedrock_converse",
        _lacks("refusal sources reasoning_tokens"),
    ),
]


def those_with(*words: str) -> list[Service]:
    """The services whose wire has all of these."""
    return [service for service in SERVICES if service.has(*words)]


async def run(agent: Agent[Any], streamed: bool, *content: str | Part) -> Run[Any]:
    """One run to its end, whole or in pieces."""
    message = asked(*content)
    if not streamed:
        return await agent.run(message)
    async with agent.stream(message) as stream:
        async for _ in stream:
            pass
        return stream.run


def asked(*content: str | Part) -> Message:
    """A user's message."""
    from playhead import user

    return user(*content)


def agent_of(fake: FakeProvider, service: Service, retry: RetryPolicy = ONCE, **settings: Any) -> Agent[Any]:
    """An agent of this service at the fake provider; what a model takes goes to the model."""
    of_the_model = {name: settings.pop(name) for name in ("timeouts", "api_key") if name in settings}
    return Agent(fake.model(service.model, retry=retry, **of_the_model), **settings)


def kinds(events: list[Event]) -> list[str]:
    """The names of events, in order."""
    return [type(event).__name__ for event in events]
