"""Several models for one answer: who is asked when, what stands on the run and the tape, and how a tape of it plays."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from playhead import Agent, Discard, Model, RetryPolicy, fallback, tool
from playhead.errors import AuthenticationError, BadRequestError, ConfigError, ModelError, RateLimitError, ServerError
from playhead.messages import user
from playhead.testing import FakeProvider, refuse, reply, tool_call

ONCE = RetryPolicy(attempts=1)
TWICE = RetryPolicy(attempts=2, base=0.0)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def two(first: FakeProvider, second: FakeProvider, retry: RetryPolicy = ONCE) -> tuple[Model, Model]:
    return first.model("openai:gpt-x", retry=retry), second.model("anthropic:claude-x", retry=retry)


@pytest.mark.parametrize("status", [429, 503, 500, 401, 404, 402])
def test_the_next_model_answers_where_the_first_is_refused(status: int) -> None:
    with FakeProvider() as first, FakeProvider() as second:
        first.script(refuse(status))
        second.script(reply("Oi"))
        run = Agent(fallback(*two(first, second)), max_tokens=50).run_sync("hello")
    assert run.text == "Oi"
    assert [(one.number, one.status, one.asked and one.asked.provider) for one in run.attempts] == [
        (1, status, "openai"),
        (2, 200, "anthropic"),
    ]
    assert run.ledger[-1].billed is True
    assert run.ledger[0].usage is None
    assert any("gave way" in words for words in run.warnings)


def test_a_provider_that_cannot_be_reached_is_passed_over() -> None:
    with FakeProvider() as second:
        second.script(reply("Oi"))
        dead = Model.of("openai:gpt-x", base_url="http://127.0.0.1:9", api_key="sk-12345678", retry=ONCE)
        run = Agent(fallback(dead, second.model("claude-x")), max_tokens=50).run_sync("hello")
    assert run.text == "Oi"


def test_its_own_retries_come_first() -> None:
    with FakeProvider() as first, FakeProvider() as second:
        first.script(refuse(500), refuse(500))
        second.script(reply("Oi"))
        run = Agent(fallback(*two(first, second, TWICE)), max_tokens=50).run_sync("hello")
    assert [one.status for one in run.attempts] == [500, 500, 200]
    assert [one.number for one in run.attempts] == [1, 2, 3]


def test_what_is_wrong_with_the_question_moves_nothing_on_unless_it_is_said_to() -> None:
    with FakeProvider() as first, FakeProvider() as second:
        first.script(refuse(400, "no such field"), refuse(400, "no such field"))
        second.script(reply("Oi"))
        models = two(first, second)
        with pytest.raises(BadRequestError) as caught:
            Agent(fallback(*models), max_tokens=50).run_sync("hello")
        assert len(caught.value.attempts) == 1
        assert Agent(fallback(*models, on=(BadRequestError,)), max_tokens=50).run_sync("hello").text == "Oi"


def test_a_function_says_which_errors_move_on() -> None:
    seen: list[ModelError] = []

    def on(error: ModelError) -> bool:
        seen.append(error)
        return isinstance(error, AuthenticationError)

    with FakeProvider() as first, FakeProvider() as second:
        first.script(refuse(500))
        with pytest.raises(ServerError):
            Agent(fallback(*two(first, second), on=on), max_tokens=50).run_sync("hello")
    assert len(seen) == 1


def test_where_all_fail_the_last_error_has_the_attempts_of_all() -> None:
    with FakeProvider() as first, FakeProvider() as second:
        first.script(refuse(429))
        second.script(refuse(500))
        with pytest.raises(ServerError) as caught:
            Agent(fallback(*two(first, second)), max_tokens=50).run_sync("hello")
    assert [one.status for one in caught.value.attempts] == [429, 500]
    assert [one.status for one in caught.value.run.attempts] == [429, 500]


def test_one_that_failed_is_avoided_by_all_runs_for_a_while() -> None:
    clock = Clock()
    with FakeProvider(answer="one") as first, FakeProvider(answer="two") as second:
        first.script(refuse(500))
        agent = Agent(fallback(*two(first, second), avoid=30.0, clock=clock), max_tokens=50)
        assert agent.run_sync("a").text == "two"
        assert agent.run_sync("b").text == "two"
        assert len(first.requests) == 1
        clock.now += 31
        assert agent.run_sync("c").text == "one"


def test_the_provider_may_ask_to_be_avoided_for_longer() -> None:
    clock = Clock()
    with FakeProvider(answer="one") as first, FakeProvider(answer="two") as second:
        first.script(refuse(RateLimitError("no more"), retry_after=100))
        agent = Agent(fallback(*two(first, second), avoid=30.0, clock=clock), max_tokens=50)
        assert agent.run_sync("a").text == "two"
        clock.now += 60
        assert agent.run_sync("b").text == "two"


def test_one_that_is_avoided_is_asked_where_no_other_answers() -> None:
    clock = Clock()
    with FakeProvider(answer="one") as first, FakeProvider() as second:
        first.script(refuse(500))
        second.script(reply("two"), refuse(500))
        agent = Agent(fallback(*two(first, second), clock=clock), max_tokens=50)
        assert agent.run_sync("a").text == "two"
        run = agent.run_sync("b")
    assert run.text == "one"
    assert [one.asked and one.asked.provider for one in run.attempts] == ["anthropic", "openai"]


def test_a_stream_that_had_begun_is_taken_back_before_the_next_is_asked() -> None:
    async def main() -> tuple[list[object], str]:
        agent = Agent(fallback(*two(first, second)), max_tokens=50)
        seen = []
        async with agent.stream("hello") as stream:
            async for event in stream:
                seen.append(event)
        return seen, stream.run.text

    with FakeProvider() as first, FakeProvider() as second:
        first.script(reply("one that is cut", cut_after=2))
        second.script(reply("two"))
        seen, text = asyncio.run(main())
    assert text == "two"
    assert any(isinstance(event, Discard) for event in seen)


@tool
def weather(location: str) -> str:
    """Get the weather"""
    return "40 C"


def asked(first: FakeProvider, second: FakeProvider) -> Agent[str]:
    return Agent(fallback(*two(first, second, TWICE)), tools=[weather], max_tokens=50)


def test_a_tape_of_two_providers_plays_the_same_way_without_a_network(tmp_path: Path) -> None:
    tape = tmp_path / "two.yaml"
    with FakeProvider() as first, FakeProvider() as second:
        first.script(refuse(429, retry_after=0), refuse(503))
        second.script(reply(tool_call("weather", location="Rome")), reply("40 C."))
        agent = asked(first, second)
        recorded = agent.run_sync("Rome?", tape=tape, tape_mode="record")
        # The first is avoided in the second step: the tape has no question to it there.
        assert [one.asked and one.asked.provider for one in recorded.attempts] == ["openai"] * 2 + ["anthropic"] * 2
        urls = first.url, second.url
    again = Agent(
        fallback(
            Model.of("openai:gpt-x", base_url=urls[0], retry=TWICE),
            Model.of("anthropic:claude-x", base_url=urls[1], retry=TWICE),
        ),
        tools=[weather],
        max_tokens=50,
    )
    for mode in ("replay", "once", "resume"):
        played = again.run_sync("Rome?", tape=tape, tape_mode=mode, fail_on_unplayed=True)  # type: ignore[arg-type]
        assert played.messages == recorded.messages
        assert [(one.number, one.status, one.asked) for one in played.attempts] == [
            (one.number, one.status, one.asked) for one in recorded.attempts
        ]
        assert not played.unplayed


def test_a_run_that_stopped_between_two_providers_goes_on_with_the_next(tmp_path: Path) -> None:
    tape = tmp_path / "two.yaml"
    with FakeProvider() as first, FakeProvider() as second:
        first.script(refuse(401))
        second.script(refuse(401))
        with pytest.raises(AuthenticationError):
            asked(first, second).run_sync("Rome?", tape=tape, tape_mode="record")
        second.script(reply("40 C."))
        run = asked(first, second).run_sync("Rome?", tape=tape, tape_mode="resume")
        assert run.text == "40 C."
        assert [one.status for one in run.attempts] == [401, 401, 200]
        assert len(first.requests) == 1


def test_each_provider_is_told_of_the_options_that_it_knows() -> None:
    with FakeProvider() as first, FakeProvider() as second:
        first.script(refuse(500))
        second.script(reply("Oi"))
        run = Agent(fallback(*two(first, second)), max_tokens=50, options={"service_tier": "auto", "logprobs": True})
        done = run.run_sync("hello")
        assert first.requests[0].json["logprobs"] is True
        assert "logprobs" not in second.requests[0].json
    assert any("logprobs" in words for words in done.warnings)


def test_what_cannot_be_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="give it models"):
        fallback()
    with pytest.raises(ConfigError, match="did you mean"):
        fallback("openai:gpt-x", "antropic:claude-x")
    with pytest.raises(ConfigError, match="no such option"):
        Agent(fallback("openai:gpt-x", "anthropic:claude-x"), options={"onyl": 1})
    with pytest.raises(ConfigError, match="belongs to the model"):
        Agent(fallback("openai:gpt-x"), api_key="x")


def test_a_history_of_one_provider_goes_to_another() -> None:
    with FakeProvider() as first, FakeProvider() as second:
        first.script(reply(tool_call("weather", location="Rome")), refuse(500), refuse(500))
        second.script(reply("40 C."))
        run = asked(first, second).run_sync("Rome?")
        assert run.text == "40 C."
        assert [message.role for message in second.requests[0].request.messages] == ["user", "assistant", "tool"]
        assert second.requests[0].request.messages[0] == user("Rome?")


def test_where_all_fail_the_error_names_each_with_its_reason() -> None:
    with FakeProvider() as first, FakeProvider() as second:
        first.script(refuse(401, "no such key"))
        second.script(refuse(503, "no room"))
        with pytest.raises(ModelError) as caught:
            Agent(fallback(*two(first, second)), max_tokens=50).run_sync("hello")
    last, *before = str(caught.value).splitlines()
    assert last.startswith("anthropic 503: no room")
    assert before == [
        "before that, of this fallback:",
        "  openai:gpt-x failed with openai 401: no such key",
    ]


def test_where_the_only_one_that_was_asked_fails_its_error_is_as_it_was() -> None:
    with FakeProvider() as first, FakeProvider() as second:
        first.script(refuse(400, "bad"))
        with pytest.raises(BadRequestError) as caught:
            Agent(fallback(*two(first, second)), max_tokens=50).run_sync("hello")
    assert str(caught.value) == "openai 400: bad"
