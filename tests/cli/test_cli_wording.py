"""Errors of the library, in the words of the command line. Each phrase is taken from the library itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from playhead import Agent, PlayheadError
from playhead.cli.wording import reworded


def said(model: str, tape: Path | None = None, **settings: object) -> str:
    """What a run of this agent fails with."""
    with pytest.raises(PlayheadError) as caught:
        asyncio.run(Agent(model, **settings).run("hi", tape=tape, tape_mode="replay" if tape else None))  # type: ignore[call-overload]
    return str(caught.value)


def test_a_missing_key_names_the_variable_and_no_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no option for a key: it would stand in the shell's history."""
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    words = said("openrouter:m")
    assert "api_key=" in words
    assert "api_key=" not in reworded(words)
    assert reworded(words).endswith(
        "the environment variable OPENROUTER_API_KEY is not set: export OPENROUTER_API_KEY=…"
    )


def test_a_missing_base_url_names_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the command has it."""
    monkeypatch.delenv("PLAYHEAD_BASE_URL", raising=False)
    assert "give --base-url http://host:port/v1" in reworded(said("compatible:m"))


def test_a_tape_mode_is_named_as_an_option(tmp_path: Path) -> None:
    """Wherever the library proposes one."""
    words = reworded(said("local:smollm2", tmp_path / "none.yaml"))
    assert "--tape-mode once" in words
    assert "mode=" not in words


def test_the_limit_of_steps_names_the_option(seed: Path) -> None:
    """The history of the run is nothing that the command line has."""
    agent = Agent(
        "openrouter:moonshotai/kimi-k2-0905",
        system="You are a helpful assistant",
        tools=[weather],
        max_tokens=4000,
        options={"provider": {"only": ["wandb"]}},
        max_steps=1,
    )
    with pytest.raises(PlayheadError) as caught:
        asyncio.run(agent.run("What's the weather in Florence,Italy?", tape=seed, tape_mode="replay"))
    words = reworded(str(caught.value))
    assert "give it more with --max-steps" in words
    assert "messages=" not in words


def weather(location: str) -> str:
    """Get weather information for a location

    Args:
        location: the city
    """
    return "40 C"


def test_other_words_stay_as_they_are() -> None:
    """What a provider says is its own."""
    assert reworded("the model said: pass the salt") == "the model said: pass the salt"
