"""What an agent says of itself and of what went wrong, to who reads it in Python."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, AuthenticationError, Budget, ConfigError, LimitError, tool
from playhead.agent.settings import Going
from playhead.testing import FakeProvider, ScriptedModel


@tool
def weather(location: str) -> str:
    """Get weather information for a location"""
    return "40 C"


def test_an_agent_is_shown_with_its_name_its_model_and_its_tools() -> None:
    assert repr(Agent("openai:gpt-5", name="guide", tools=[weather])) == "<agent guide: openai:gpt-5, tools weather>"
    assert repr(Agent("openai:gpt-5")) == "<agent: openai:gpt-5>"
    assert repr(Agent(ScriptedModel("a"))).startswith("<agent: ")


@pytest.mark.parametrize("method", ["run", "run_sync", "stream"])
def test_the_help_of_each_way_to_run_names_every_argument(method: str) -> None:
    words = inspect.getdoc(getattr(Agent, method)) or ""
    assert [name for name in ("prompt", *Going.__annotations__) if name not in words] == []


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"max_tokens": "40"}, "max_tokens: expected `int | None`, got `str`"),
        ({"temperature": "hot"}, "temperature: expected `float | None`, got `str`"),
        ({"max_steps": None}, "max_steps: expected `int`, got `None`"),
    ],
)
def test_a_setting_of_a_wrong_type_is_told_in_the_words_of_python(setting: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Agent("openai:gpt-5", **setting)
    assert str(caught.value) == f"Agent: {words}"


@pytest.fixture
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.mark.usefixtures("no_key")
@pytest.mark.parametrize("mode", ["once", "resume"])
def test_a_run_that_found_no_tape_and_no_key_says_both(
    mode: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AuthenticationError) as caught:
        Agent("openai:gpt-5").run_sync("hi", tape="florence.yaml", tape_mode=mode)
    assert str(caught.value) == (
        f"openai: there is no tape florence.yaml in {tmp_path}, so the model was to be asked, and there is no key: the "
        "environment variable OPENAI_API_KEY is not set. Set it, or pass api_key="
    )
    assert not (tmp_path / "florence.yaml").exists(), "and the next run says the same"
    whole = tmp_path / "elsewhere" / "florence.yaml"
    whole.parent.mkdir()
    with pytest.raises(AuthenticationError, match=r"there is no tape .*/elsewhere/florence.yaml, so the model"):
        Agent("openai:gpt-5").run_sync("hi", tape=whole, tape_mode=mode)


@pytest.mark.usefixtures("no_key")
def test_a_run_that_was_to_record_or_had_no_tape_says_only_that_there_is_no_key(tmp_path: Path) -> None:
    for going in ({}, {"tape": tmp_path / "new.yaml", "tape_mode": "record"}):
        with pytest.raises(AuthenticationError, match=r"^openai: no key: ") as caught:
            Agent("openai:gpt-5").run_sync("hi", **going)  # type: ignore[arg-type]
        assert "no tape" not in str(caught.value)


def test_a_key_that_is_refused_is_not_put_down_to_the_tape(tmp_path: Path) -> None:
    from playhead.testing import refuse

    with FakeProvider() as fake:
        fake.script(refuse(401))
        with pytest.raises(AuthenticationError) as caught:
            Agent(fake.model("openai:gpt-5")).run_sync("hi", tape=tmp_path / "new.yaml", tape_mode="once")
    assert "no tape" not in str(caught.value)


def test_a_budget_of_dollars_without_the_list_of_prices_says_which_extra_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    agent = Agent("openai:gpt-5", max_tokens=10, budget=Budget(dollars="1"), api_key="sk-of-the-test")
    with pytest.raises(ConfigError, match=r"Budget\(prices=.*the extra prices: pip install 'playhead\[prices\]'"):
        agent.run_sync("hi")


def test_a_budget_of_dollars_where_the_list_lacks_the_model_does_not_ask_to_install_it() -> None:
    pytest.importorskip("genai_prices", reason="list prices are the extra playhead[prices]")
    agent = Agent("openai:no-such-model", max_tokens=10, budget=Budget(dollars="1"), api_key="sk-of-the-test")
    with pytest.raises(ConfigError, match="none is known of this model") as caught:
        agent.run_sync("hi")
    assert "pip install" not in str(caught.value)


def test_a_budget_that_has_something_left_is_not_called_used_up() -> None:
    with FakeProvider(answer="ok") as fake:
        budget = Budget(tokens=100)
        agent = Agent(fake.model("openai:m"), max_tokens=20, budget=budget)
        agent.run_sync("hi")
        spent = budget.spent_tokens
        with pytest.raises(LimitError) as caught:
            agent.run_sync("hi")
    assert str(caught.value).startswith(
        f"the budget does not suffice: {spent} of 100 tokens are spent, and the next call may take "
    )
