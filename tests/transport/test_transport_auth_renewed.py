"""Keys that a function gives: asked at each attempt, renewed once when refused, shared by runs at once.

Everything goes through the public API to a server on loopback that knows which key is good today.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, AuthenticationError, ConfigError, RetryPolicy, Tape
from playhead.deck.verify import verify
from playhead.transport.auth import Asked, AuthTransport, bearer
from playhead.wire import HTTPRequest, HTTPResponse
from scripted_server import Answer, Asked as Question, Loopback, completion, reply

OLD, NEW = "sk-yesterday-0123456789", "sk-today-0123456789"
PROMPT = "Weather?"


def knows(*good: str) -> Callable[[int, Question], Answer]:
    """A server that refuses every other key, and repeats it as it does."""

    def script(number: int, asked: Question) -> Answer:
        key = asked.headers["authorization"].removeprefix("Bearer ")
        if key in good:
            return reply(completion("Sunny."))
        return reply({"error": {"message": f"Incorrect API key provided: {key}", "code": "invalid_api_key"}}, 401)

    return script


def keys_sent(server: Loopback) -> list[str]:
    return [asked.headers["authorization"].removeprefix("Bearer ") for asked in server.requests]


def agent(url: str, api_key: Any = None, **more: Any) -> Agent[str]:
    return Agent("openai:gpt-x", base_url=url, api_key=api_key, random=lambda: 0.0, **more)


def plain(*keys: str) -> Callable[[], str]:
    left = list(keys)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def waiting(*keys: str) -> Callable[[], Awaitable[str]]:
    give = plain(*keys)

    async def function() -> str:
        await asyncio.sleep(0)
        return give()

    return function


@pytest.mark.parametrize("function", [plain, waiting])
def test_a_key_that_a_function_gives_is_renewed_once_when_it_is_refused(function: Any, tmp_path: Path) -> None:
    """The refused attempt is an exchange of its own: on the run, on the tape, in a replay and in a verification."""
    tape = tmp_path / "run.yaml"
    with Loopback(knows(NEW)) as server:
        run = agent(server.url, function(OLD, NEW)).run_sync(PROMPT, tape=tape, tape_mode="record")
        assert keys_sent(server) == [OLD, NEW]
        assert [attempt.status for attempt in run.attempts] == [401, 200]
        assert run.output == "Sunny."
        written = tape.read_text()
        assert OLD not in written and NEW not in written  # noqa: PT018
        assert OLD not in str(run.attempts)
        again = agent(server.url).run_sync(PROMPT, tape=tape, tape_mode="replay")
        assert len(server.requests) == 2
    assert [attempt.status for attempt in again.attempts] == [401, 200]
    assert again.output == "Sunny."
    verdict = asyncio.run(verify(Tape.load(tape)))
    assert (verdict.ok, verdict.requests, verdict.conversations, verdict.notes) == (True, 2, 1, [])


@pytest.mark.parametrize("function", [plain, waiting])
def test_the_same_key_again_is_not_sent_again(function: Any, tmp_path: Path) -> None:
    tape = tmp_path / "run.yaml"
    with Loopback(knows(NEW)) as server:
        with pytest.raises(AuthenticationError) as caught:
            agent(server.url, function(OLD)).run_sync(PROMPT, tape=tape, tape_mode="record")
        assert keys_sent(server) == [OLD]
        assert OLD not in f"{caught.value!r} {caught.value.body!r}"
        with pytest.raises(AuthenticationError):
            agent(server.url).run_sync(PROMPT, tape=tape, tape_mode="replay")


def test_a_call_is_met_with_one_renewal_and_no_more() -> None:
    with Loopback(knows()) as server:
        with pytest.raises(AuthenticationError) as caught:
            agent(server.url, plain("key-number-1", "key-number-2", "key-number-3")).run_sync(PROMPT)
        assert keys_sent(server) == ["key-number-1", "key-number-2"]
    assert [attempt.status for attempt in caught.value.attempts] == [401, 401]


def test_a_string_that_is_refused_stays_refused() -> None:
    with Loopback(knows(NEW)) as server, pytest.raises(AuthenticationError):
        agent(server.url, OLD).run_sync(PROMPT)
    assert keys_sent(server) == [OLD]


def test_one_attempt_is_one_attempt(tmp_path: Path) -> None:
    """Whoever allows one attempt gets one, and what was renewed is there for the next call. A replay ends where the
    tape does, and resuming goes on from there."""
    tape = tmp_path / "run.yaml"
    with Loopback(knows(NEW)) as server:
        one = agent(server.url, plain(OLD, NEW), retry=RetryPolicy(attempts=1))
        with pytest.raises(AuthenticationError):
            one.run_sync(PROMPT, tape=tape, tape_mode="record")
        with pytest.raises(AuthenticationError, match="the tape ends here"):
            agent(server.url).run_sync(PROMPT, tape=tape, tape_mode="replay")
        run = one.run_sync(PROMPT, tape=tape, tape_mode="resume")
        assert run.output == "Sunny."
        assert [attempt.status for attempt in run.attempts] == [401, 200]
    assert keys_sent(server) == [OLD, NEW]


def test_requests_at_once_on_one_line_are_each_met_once() -> None:
    """Their refusals cross: none of them is tried more than once again."""
    left = [f"key-number-{number:04}" for number in range(1000)]

    class Refusing:
        async def send(self, request: HTTPRequest) -> HTTPResponse:
            await asyncio.sleep(0)
            return HTTPResponse(401, (), _nothing())

        async def aclose(self) -> None:
            """Nothing is open."""

    async def main() -> None:
        line = AuthTransport(Refusing(), bearer(value=lambda: left.pop()))
        requests = [HTTPRequest("POST", "https://a.example/", (), b"%d" % number) for number in range(8)]
        for renewed in (True, False, False):
            answers = await asyncio.gather(*(line.send(request) for request in requests))
            assert [answer.renewed for answer in answers] == [renewed] * 8

    asyncio.run(main())


def test_runs_that_are_refused_at_once_share_one_renewal() -> None:
    """The first who is refused asks for another key; the rest wait for that one, or have it."""
    asked: list[str] = []

    async def main() -> None:
        current, gate = OLD, asyncio.Event()

        async def function() -> str:
            nonlocal current
            asked.append(current)
            if len(asked) > 1 and current == OLD:
                await gate.wait()
                current = NEW
            return current

        source = Asked(function, "Authorization", "Bearer ")
        first = await source.get()
        waiters = [asyncio.create_task(source.renew(first)) for _ in range(50)]
        await asyncio.sleep(0)
        for waiter in waiters[:10]:  # the one that began it among them
            waiter.cancel()
        await asyncio.sleep(0)
        gate.set()
        found = await asyncio.gather(*waiters, return_exceptions=True)
        assert [type(each) for each in found[:10]] == [asyncio.CancelledError] * 10
        assert found[10:] == [NEW] * 40
        assert await source.renew(first) == NEW  # refused late: it is renewed already
        assert asked == [OLD, OLD]

    asyncio.run(main())


def test_fifty_runs_at_once_cost_one_renewal() -> None:
    asked: list[str] = []
    current = [OLD]

    def function() -> str:
        asked.append(current[0])
        return current[0]

    def script(number: int, question: Question) -> Answer:
        if number == 0:
            current[0] = NEW  # from now on, the old one is not known
        return knows(NEW)(number, question)

    async def main(url: str) -> None:
        one = agent(url, function)
        runs = await asyncio.gather(*(one.run(PROMPT) for _ in range(50)))
        assert {run.output for run in runs} == {"Sunny."}

    with Loopback(script) as server:
        asyncio.run(main(server.url))
        refused = keys_sent(server).count(OLD)
    assert refused >= 1
    # Each run looks once; of all that were refused, one has asked again at most.
    assert len(asked) <= 51


def test_a_function_that_fails_says_so_and_whether_trying_again_can_help() -> None:
    def broken() -> str:
        raise LookupError("no vault")

    async def unreachable() -> str:
        raise ConnectionRefusedError("vault is down")

    with Loopback(knows(NEW)) as server:
        with pytest.raises(AuthenticationError, match=r"no key could be had: builtins\.LookupError") as caught:
            agent(server.url, broken).run_sync(PROMPT)
        assert isinstance(caught.value.__cause__, LookupError)
        assert (caught.value.provider, caught.value.retryable) == ("openai", False)
        with pytest.raises(AuthenticationError) as caught:
            agent(server.url, unreachable, retry=RetryPolicy(attempts=3)).run_sync(PROMPT)
        assert len(caught.value.attempts) == 3
        for nothing in ("", None, 7):
            with pytest.raises(AuthenticationError, match="a string is expected"):
                agent(server.url, lambda key=nothing: key).run_sync(PROMPT)
        assert server.requests == []
    with pytest.raises(ConfigError, match="api_key= is a string or a function that gives one; int is neither"):
        agent("http://127.0.0.1:9", 7)


def test_an_error_that_many_wait_for_is_each_ones_own() -> None:
    async def main() -> None:
        async def function() -> str:
            await asyncio.sleep(0)
            raise AuthenticationError("locked out")

        source = Asked(function, "Authorization", "Bearer ")
        errors = await asyncio.gather(*(source.get() for _ in range(3)), return_exceptions=True)
        assert [str(error) for error in errors] == ["locked out"] * 3
        assert len({id(error) for error in errors}) == 3

    asyncio.run(main())


def test_a_replay_asks_no_function(tmp_path: Path) -> None:
    tape = tmp_path / "run.yaml"
    with Loopback(knows(NEW)) as server:
        agent(server.url, NEW).run_sync(PROMPT, tape=tape, tape_mode="record")
    played = agent(server.url, lambda: pytest.fail("it was asked")).run_sync(PROMPT, tape=tape, tape_mode="replay")
    assert played.output == "Sunny."


def test_a_header_of_the_tapes_own_is_not_believed_of_a_server(tmp_path: Path) -> None:
    def script(number: int, asked: Question) -> Answer:
        return reply({"error": {"message": "no"}}, 401, Playhead_Renewed="true")

    with Loopback(script) as server, pytest.raises(AuthenticationError):
        agent(server.url, OLD).run_sync(PROMPT, tape=tmp_path / "run.yaml", tape_mode="record")
    assert len(server.requests) == 1
    assert b"Playhead-Renewed" not in (tmp_path / "run.yaml").read_bytes()


def test_a_string_makes_no_task() -> None:
    """The common case awaits nothing of its own: it is one step of the caller."""
    steps = AuthTransport(_Silent(), bearer(value=NEW)).send(HTTPRequest("GET", "https://a.example/"))
    with pytest.raises(StopIteration):
        steps.send(None)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield


class _Silent:
    """A transport that answers at once."""

    async def send(self, request: HTTPRequest) -> Any:
        return None

    async def aclose(self) -> None:
        """Nothing is open."""
