"""Options that are what the agent itself says, in a wire's own words: the error names the argument."""

from __future__ import annotations

from typing import Any

import pytest

from playhead import Agent, ConfigError

PLACES = [
    ("openai:gpt-5", "reasoning_effort", "Agent(reasoning=…)"),
    ("openai:gpt-5", "max_completion_tokens", "Agent(max_tokens=…)"),
    ("openai:gpt-5", "temperature", "Agent(temperature=…)"),
    ("openai:gpt-5", "top_p", "Agent(top_p=…)"),
    ("openai:gpt-5", "stop", "Agent(stop=…)"),
    ("openai:gpt-5", "seed", "Agent(seed=…)"),
    ("openai:gpt-5", "reasoning", "Agent(reasoning=…)"),
    ("openai:gpt-5", "tools", "Agent(tools=…)"),
    ("openai:gpt-5", "tool_choice", "Agent(tool_choice=…)"),
    ("openai:gpt-5", "stream", "agent.stream(…)"),
    ("openai:gpt-5", "messages", "agent.run(prompt, messages=…)"),
    ("anthropic:claude-sonnet-4-5", "thinking", "Agent(reasoning=…)"),
    ("anthropic:claude-sonnet-4-5", "stop_sequences", "Agent(stop=…)"),
    ("google:gemini-2.5-flash", "thinkingConfig", "Agent(reasoning=…)"),
    ("google:gemini-2.5-flash", "maxOutputTokens", "Agent(max_tokens=…)"),
    ("google:gemini-2.5-flash", "systemInstruction", "Agent(system=…)"),
    ("bedrock-converse:amazon.nova-lite-v1:0", "maxTokens", "Agent(max_tokens=…)"),
]


@pytest.mark.parametrize(("model", "option", "place"), PLACES)
def test_what_the_agent_itself_says_is_no_option_and_the_error_says_where_it_goes(
    model: str, option: str, place: str
) -> None:
    base_url = "http://127.0.0.1:9" if model.startswith("bedrock") else None
    with pytest.raises(ConfigError) as caught:
        Agent(model, options={option: "1"}, base_url=base_url)
    assert str(caught.value).endswith(f"knows no such option: that is {place}")
    assert str(caught.value).startswith(f"options.{option}: ")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"reasoning_efort": 1}, 'did you mean "reasoning_effort" (Agent(reasoning=…))?'),
        ({"servce_tier": 1}, 'did you mean "service_tier"?'),
        ({"extra": {"temperature": 1}}, "cannot be said a second time here: that is Agent(temperature=…)"),
    ],
)
def test_a_slip_in_such_a_name_and_one_under_extra_are_told_the_same(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Agent("openai:gpt-5", options=options)
    assert str(caught.value).endswith(words)


def test_a_type_in_an_error_about_options_is_named_as_python_does() -> None:
    with pytest.raises(ConfigError, match=r"options.metadata: expected `dict`, got `None`"):
        Agent("openai:gpt-5", options={"metadata": None})
