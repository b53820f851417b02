"""The tree of errors: what each keeps when it goes from one process to another."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, Attempt, LimitError, RetryPolicy, errors, tool
from playhead.errors import BadRequestError, ModelError, PlayheadError, TapeFormatError
from scripted_server import Loopback, completion, reply


def classes(root: type[PlayheadError] = PlayheadError) -> list[type[PlayheadError]]:
    """The tree of errors.py."""
    found = [root]
    for below in root.__subclasses__():
        found += classes(below)
    return [kind for kind in dict.fromkeys(found) if kind.__module__ == "playhead.errors"]


def made(kind: type[PlayheadError]) -> PlayheadError:
    """An error of this class, every attribute set."""
    if issubclass(kind, ModelError):
        error = kind(
            "slow down", provider="acme", status=429, request_id="r1", retryable=True, retry_after=1.5, body=b"{\xff}"
        )
        error.attempts = (Attempt(1, 1, 429, 0.5, "slow down", 1.5, "r1"),)
        error.advised = False
        return error
    if issubclass(kind, LimitError):
        return kind("too many steps", limit="steps")
    if issubclass(kind, TapeFormatError):
        return kind("no tape", path="t.yaml", line=7)
    return kind("what was expected, and where")


def pickled(error: Any) -> Any:
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - its own bytes


AGAIN = pytest.mark.parametrize("again", [pickled, copy.copy, copy.deepcopy])


@AGAIN
@pytest.mark.parametrize("kind", classes(), ids=lambda kind: kind.__name__)
def test_an_error_is_the_same_after_pickling(kind: type[PlayheadError], again: Callable[[Any], Any]) -> None:
    error = made(kind)
    error.run = {"steps": 3}
    error.add_note("in the third step")
    other = again(error)
    assert type(other) is kind
    assert str(other) == str(error) != ""
    assert repr(other) == repr(error)
    assert other.args == error.args
    assert vars(other) == vars(error)
    assert other.run == {"steps": 3}


def test_every_class_of_the_module_is_in_the_tree() -> None:
    named = {value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)}
    assert named == set(classes())
    assert len(named) > 20


def test_an_error_of_a_run_takes_its_run_and_its_tape_along(tmp_path: Path) -> None:
    """As a pool of processes does with what a worker raised."""

    @tool
    def wait() -> str:
        return "waited"

    def script(number: int, asked: Any) -> Any:
        if number == 1:
            return reply({"error": {"message": "no such thing"}}, 400)
        return reply(completion(None, [("c1", "wait", "{}")]))

    with Loopback(script) as server:
        agent = Agent("compatible:m", base_url=server.url, api_key="none", tools=[wait], retry=RetryPolicy(attempts=1))
        with pytest.raises(BadRequestError) as caught:
            agent.run_sync("hi", tape=tmp_path / "t.yaml", tape_mode="record")
    error, other = caught.value, pickled(caught.value)
    assert str(other) == str(error)
    assert other.run.messages == error.run.messages
    assert other.run.attempts == error.run.attempts
    assert other.run.steps == error.run.steps
    assert other.run.tape.interactions == error.run.tape.interactions
    assert [item.request.method for item in other.run.tape.interactions] == ["POST", "CALL", "POST"]
    assert other.run.tape.dumps() == (tmp_path / "t.yaml").read_bytes()
