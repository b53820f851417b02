"""A budget that several event loops share outlives each of them: a loop that is closed in the middle wedges nobody."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine, Iterator
from decimal import Decimal
from threading import Event, Thread
from typing import Any

import pytest

from playhead import Agent, Request
from playhead.agent.budget import Budget, Reservation, Worst
from playhead.errors import LimitError
from playhead.testing import Answer, FakeProvider, reply

#: Seconds after which one who still waits is taken to wait for ever.
LONG = 20

ALL = Worst(100, Decimal("0.01"))


@pytest.fixture(autouse=True)
def _nothing_is_left_to_collect() -> Iterator[None]:
    yield
    gc.collect()


async def begun(*work: Coroutine[Any, Any, Any]) -> None:
    """Begin these and go, as a loop does that is closed in the middle."""
    for one in work:
        asyncio.ensure_future(one).set_name("left behind")
    for _ in range(3):
        await asyncio.sleep(0)


def left_behind(*work: Coroutine[Any, Any, Any]) -> None:
    """Begin these in an event loop that is closed while they wait."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: None)
    loop.run_until_complete(begun(*work))
    loop.close()


def in_time(work: Coroutine[Any, Any, Any]) -> Any:
    async def go() -> Any:
        async with asyncio.timeout(LONG):
            return await work

    return asyncio.run(go())


def test_one_who_waited_in_a_closed_loop_is_passed_over_when_something_comes_free() -> None:
    async def go() -> str:
        budget = Budget(tokens=100)
        held = await budget.reserve(ALL)
        thread = Thread(target=left_behind, args=(budget.reserve(ALL), budget.reserve(ALL)))
        thread.start()
        await asyncio.to_thread(thread.join)
        mine = asyncio.create_task(budget.reserve(ALL))
        await asyncio.sleep(0)
        held.settle(0, None)
        (await mine).settle(7, None)
        return repr(budget)

    assert in_time(go()) == "<budget: 7 of 100 tokens>"


def test_a_settled_budget_goes_to_who_comes_next_and_not_to_the_dead() -> None:
    budget = Budget(tokens=100)

    async def go() -> None:
        held = await budget.reserve(ALL)
        thread = Thread(target=left_behind, args=(budget.reserve(ALL),))
        thread.start()
        await asyncio.to_thread(thread.join)
        held.settle(0, None)

    async def later() -> Reservation:
        return await budget.reserve(ALL)

    in_time(go())
    in_time(later()).settle(0, None)


def test_what_a_closed_loop_held_counts_as_used_since_nobody_knows_what_it_cost() -> None:
    budget = Budget(tokens=250, dollars="0.03")
    left_behind(budget.reserve(ALL), budget.reserve(ALL))
    with pytest.raises(LimitError, match="200 of 250 tokens are spent"):
        in_time(budget.reserve(ALL))
    assert (budget.spent_tokens, budget.spent_dollars) == (200, Decimal("0.02"))


def test_settling_late_what_a_closed_loop_held_counts_it_once() -> None:
    budget, held = Budget(tokens=1000), []

    async def hold() -> None:
        held.append(await budget.reserve(ALL))

    left_behind(hold())
    in_time(budget.reserve(ALL)).settle(5, None)
    held[0].settle(1, None)
    assert budget.spent_tokens == 105


def test_one_who_waits_learns_that_the_loop_of_who_holds_it_was_closed() -> None:
    budget, free, waits = Budget(tokens=150), [], Event()
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: None)
    loop.run_until_complete(begun(budget.reserve(ALL)))

    async def wait() -> None:
        mine = asyncio.create_task(budget.reserve(ALL))
        await asyncio.sleep(0)
        waits.set()
        try:
            await mine
        except LimitError as error:
            free.append(error.limit)

    thread = Thread(target=in_time, args=(wait(),))
    thread.start()
    assert waits.wait(LONG)
    loop.close()
    thread.join(LONG)
    assert free == ["tokens"]


# Python itself has something to say of a task that is collected before it has ended.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_run_that_was_left_behind_neither_ends_a_paid_one_nor_stops_the_next() -> None:
    asked = Event()

    def answer(request: Request) -> Answer:
        asked.set()
        return reply("x", delay=0.3)

    with FakeProvider(answer=answer) as fake:
        agent = Agent(fake.model("openai:m"), max_tokens=900, budget=Budget(tokens=1100))
        said: list[str] = []

        def ask() -> None:
            said.append(agent.run_sync("hi").text)

        first, third = Thread(target=ask), Thread(target=ask, daemon=True)
        first.start()
        assert asked.wait(LONG)
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda loop, context: None)
        task = loop.create_task(agent.run("hi"))

        async def until_it_waits() -> None:
            while not agent.budget._queue:  # type: ignore[union-attr]
                await asyncio.sleep(0)

        loop.run_until_complete(until_it_waits())
        loop.close()
        first.join(LONG)
        third.start()
        third.join(LONG)
        assert said == ["x", "x"]
        assert not task.done()
