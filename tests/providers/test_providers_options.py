"""Options are checked before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from playhead.errors import ConfigError
from playhead.providers.catalog import PROVIDERS
from playhead.providers.options import check_options

ROUTER = PROVIDERS["openrouter"]


def test_known_options_pass_unchanged() -> None:
    options: dict[str, Any] = {
        "provider": {"only": ["wandb"], "sort": "price", "max_price": {"prompt": 1}},
        "models": ["a/b"],
        "user": "me",
    }
    assert check_options(ROUTER, options) == options
    assert check_options(PROVIDERS["vllm"], {"min_p": 0.1, "guided_json": {}}) == {"min_p": 0.1, "guided_json": {}}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"provider": {"onyl": ["x"]}},
            r'options\.provider\.onyl: openrouter knows no such option; did you mean "only"\?',
        ),
        ({"provder": {}}, r'options\.provder: .*did you mean "provider"\?'),
        ({"provider": {"max_price": {"promt": 1}}}, r'options\.provider\.max_price\.promt: .*did you mean "prompt"\?'),
        ({"provider": {"only": "wandb"}}, r"options\.provider\.only: expected `list`, got `str`"),
        ({"provider": {"only": [1]}}, r"options\.provider\.only\[0\]: expected `str`, got `int`"),
        ({"zzzzzz": 1}, r"options\.zzzzzz: openrouter knows no such option$"),
    ],
)
def test_an_option_that_does_not_fit_is_named_with_its_path(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        check_options(ROUTER, options)


def test_an_option_of_another_provider_is_unknown() -> None:
    with pytest.raises(ConfigError, match="openai knows no such option"):
        check_options(PROVIDERS["openai"], {"provider": {"only": ["x"]}})


def test_fields_that_no_list_holds_are_sent_under_extra() -> None:
    options = {"extra": {"chat_template_kwargs_of_ours": {"enable_thinking": False}}}
    assert check_options(PROVIDERS["vllm"], options) == options


@pytest.mark.parametrize(
    ("extra", "says"),
    [({"messages": []}, r"options\.extra\.messages"), ([1], r"options\.extra: an object")],
)
def test_extra_cannot_say_again_what_the_agent_says(extra: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        check_options(PROVIDERS["vllm"], {"extra": extra})
