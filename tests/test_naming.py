"""A class that is given an argument that it does not have says which one was probably meant."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import pytest

from playhead import Budget, ConfigError, Limiter, RetryPolicy, Timeouts


@pytest.mark.parametrize(
    ("made", "slip", "meant"),
    [
        (RetryPolicy, "atempts", "attempts"),
        (Timeouts, "tottal", "total"),
        (Budget, "dolars", "dollars"),
        (Limiter, "concurency", "concurrency"),
    ],
)
def test_a_slip_in_an_argument_is_met_with_the_nearest(made: Any, slip: str, meant: str) -> None:
    with pytest.raises(ConfigError) as caught:
        made(**{slip: 1})
    assert str(caught.value) == f"{made.__name__}: unknown argument {slip!r}; did you mean {meant!r}?"
    assert caught.value.__cause__ is None
    assert meant in inspect.signature(made).parameters, "help() shows the arguments"
    assert "self" not in inspect.signature(made).parameters


def test_one_that_is_like_none_is_met_with_all() -> None:
    with pytest.raises(
        ConfigError, match="unknown argument 'x'; there are: connect, first_byte, between_chunks, total"
    ):
        Timeouts(x=1)  # type: ignore[call-arg]


def test_any_other_type_error_stays_one() -> None:
    with pytest.raises(TypeError):
        Budget(1)  # type: ignore[call-arg]


def test_the_values_are_what_they_were() -> None:
    policy = RetryPolicy(attempts=3)
    assert copy.copy(policy) == pickle.loads(pickle.dumps(policy)) == policy == RetryPolicy(3)  # noqa: S301 - our own
    assert type(Budget(tokens=1)) is Budget
