"""A budget is never passed, whoever asks and however the attempts end."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from playhead import Agent, Usage
from playhead.agent.budget import Budget, Worst
from playhead.errors import ConfigError, LimitError
from playhead.testing import FakeProvider, reply

CENT = Worst(100, Decimal("0.01"))


def test_what_fits_is_reserved_and_what_was_used_is_counted() -> None:
    async def go() -> Budget:
        budget = Budget(dollars="0.02", tokens=500)
        held = await budget.reserve(CENT)
        held.settle(40, Decimal("0.004"))
        held.settle(40, Decimal("0.004"))  # once is once
        return budget

    budget = asyncio.run(go())
    assert (budget.spent_tokens, budget.spent_dollars) == (40, Decimal("0.004"))


def test_what_can_never_fit_ends_the_run_and_says_by_how_much() -> None:
    async def go() -> None:
        budget = Budget(dollars="0.015")
        (await budget.reserve(CENT)).settle(None, None)
        await budget.reserve(CENT)

    with pytest.raises(LimitError, match=r"suffice: \$0.01 of \$0.015 are spent, and the next call may cost") as caught:
        asyncio.run(go())
    assert caught.value.limit == "dollars"


def test_an_attempt_waits_while_another_may_give_something_back() -> None:
    async def go() -> list[str]:
        budget, said = Budget(tokens=150), []
        first = await budget.reserve(CENT)

        async def second() -> None:
            held = await budget.reserve(CENT)
            said.append("second")
            held.settle(10, None)

        task = asyncio.create_task(second())
        await asyncio.sleep(0)
        said.append("first")
        first.settle(20, None)
        await task
        return said

    assert asyncio.run(go()) == ["first", "second"]


def test_those_that_wait_are_served_in_their_order_and_one_that_leaves_is_passed_over() -> None:
    async def go() -> list[int]:
        budget, served = Budget(tokens=100), []
        held = await budget.reserve(CENT)

        async def one(number: int) -> None:
            mine = await budget.reserve(CENT)
            served.append(number)
            await asyncio.sleep(0)
            mine.settle(0, None)

        tasks = [asyncio.create_task(one(number)) for number in range(5)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        held.settle(0, None)
        await asyncio.gather(*tasks, return_exceptions=True)
        return served

    assert asyncio.run(go()) == [0, 2, 3, 4]


def test_those_that_wait_fail_when_nothing_can_come_back_any_more() -> None:
    async def go() -> list[object]:
        budget = Budget(tokens=150)
        held = await budget.reserve(CENT)
        tasks = [asyncio.create_task(budget.reserve(CENT)) for _ in range(3)]
        await asyncio.sleep(0)
        held.settle(None, None)
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert all(isinstance(one, LimitError) for one in asyncio.run(go()))


def test_runs_in_several_threads_share_one_budget() -> None:
    budget = Budget(tokens=1000)

    async def spend() -> int:
        spent = 0
        for _ in range(20):
            held = await budget.reserve(Worst(30))
            await asyncio.sleep(0)
            held.settle(5, None)
            spent += 5
        return spent

    async def go() -> list[int]:
        return await asyncio.gather(*(asyncio.to_thread(asyncio.run, spend()) for _ in range(4)))

    assert sum(asyncio.run(go())) == budget.spent_tokens == 400


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 100)), max_size=30), st.integers(0, 200))
def test_whatever_is_asked_the_limit_is_never_passed(asked: list[tuple[int, int]], limit: int) -> None:
    async def go() -> int:
        budget, most = Budget(tokens=limit), 0

        async def one(worst: int, share: int) -> None:
            nonlocal most
            held = await budget.reserve(Worst(worst))
            await asyncio.sleep(0)
            held.settle(worst * share // 100, None)
            most = max(most, budget.spent_tokens)

        results = await asyncio.gather(*(one(*pair) for pair in asked), return_exceptions=True)
        assert all(result is None or isinstance(result, LimitError) for result in results)
        return most

    assert asyncio.run(go()) <= limit


def test_a_budget_without_a_limit_or_with_a_wrong_one_is_refused() -> None:
    for wrong in ({}, {"dollars": "much"}, {"tokens": -1}):
        with pytest.raises(ConfigError, match="Budget"):
            Budget(**wrong)  # type: ignore[arg-type]


def test_dollars_cannot_be_limited_where_no_price_is_known() -> None:
    with pytest.raises(ConfigError, match="needs a price"):
        asyncio.run(Budget(dollars=1).reserve(Worst(10)))


def test_small_money_is_written_out() -> None:
    budget = Budget(dollars="0.0000001")
    assert repr(budget) == "<budget: $0 of $0.0000001>"
    with pytest.raises(LimitError, match=r"the budget does not suffice: \$.* of \$0\.0000001 .* may cost \$0\.0000002"):
        asyncio.run(budget.reserve(Worst(1, Decimal("2E-7"))))


def test_a_run_is_billed_by_the_prices_that_its_budget_was_told(tmp_path: Path) -> None:
    def budget() -> Budget:
        return Budget(dollars=1, prices={"some-model": ("0.30", "1.20")})

    tape = tmp_path / "t.yaml"
    with FakeProvider() as fake:
        fake.script(reply("Oi", usage=Usage(100, 10)))
        agent = Agent(fake.model("some-model"), max_tokens=50)
        spent = budget()
        run = agent.run_sync("hi", budget=spent, tape=tape, tape_mode="record")
        again = agent.run_sync("hi", budget=budget(), tape=tape, tape_mode="replay")
        plain = agent.run_sync("hi", tape=tape, tape_mode="replay")
    assert run.cost == spent.spent_dollars == Decimal("0.000042")
    assert [line.source for line in run.ledger] == ["budget"]
    assert again.ledger == run.ledger
    assert plain.cost is None
