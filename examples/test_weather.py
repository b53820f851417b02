"""Tests of an agent, one on a tape: ``pytest examples/test_weather.py`` runs them without a key and without a network.

The tape is a real recording of a busy day, on which the gateway refused ten times. To ask anew, with a key in
OPENROUTER_API_KEY: ``pytest examples/test_weather.py --tape-mode=record``.
"""

from typing import Annotated, Any

from playhead import Agent, ToolError, ToolResult, tool
from playhead.testing import ScriptedModel, tool_call


@tool
def weather(location: Annotated[str, "the city"]) -> str:
    """Get weather information for a location"""
    if location.startswith("Atlantis"):
        raise ToolError(f"{location} has no weather station")
    return "40 C"


def agent(model: Any = "openrouter:moonshotai/kimi-k2-0905") -> Agent:
    return Agent(
        model,
        system="You are a helpful assistant",
        tools=[weather],
        max_tokens=4000,
        options={"provider": {"only": ["wandb"]}},
    )


def test_the_agent_names_the_temperature(tape):
    run = agent().run_sync("What's the weather in Florence,Italy?", tape=tape)
    assert "40" in run.text
    assert [result.text for step in run.steps for result in step.results] == ["40 C"]


def test_a_place_without_weather_is_told_to_the_model():
    model = ScriptedModel(tool_call("weather", location="Atlantis"), "I could not find out.")
    run = agent(model).run_sync("What's the weather in Atlantis?")
    assert run.text == "I could not find out."
    told = model.requests[-1].messages[-1].all(ToolResult)[0]
    assert told.is_error
    assert "no weather station" in told.text
