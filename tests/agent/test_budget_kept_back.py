"""What a budget keeps back is no attempt, and what it counts beyond a run's cost stands on the ledger."""

from __future__ import annotations

import asyncio
import math
from decimal import Decimal
from typing import Any

import pytest

from playhead import Agent, Budget, LimitError, RetryPolicy, Run, hedged
from playhead.testing import FakeProvider, refuse, reply

PRICES = {"m": ("1", "2")}


def counted(run: Run[Any]) -> Decimal:
    """The ledger with every cost that is not known at the most that it may be."""
    return sum(
        ((line.cost if line.cost is not None else line.at_most) or Decimal(0) for line in run.ledger), Decimal(0)
    )


def test_an_attempt_that_does_not_fit_was_not_made() -> None:
    with FakeProvider() as fake:
        agent = Agent(fake.model("m"), max_tokens=500, budget=Budget(dollars="0.000001", prices=PRICES))
        with pytest.raises(LimitError) as caught:
            agent.run_sync("hi")
        assert fake.requests == []
    run = caught.value.run
    assert run is not None
    assert (run.attempts, run.ledger, run.cost) == ([], (), None)
    assert repr(run).startswith("<run: 0 steps, 0 attempts,")


def test_one_that_does_not_fit_after_a_refusal_is_not_counted_beside_it() -> None:
    """The tokens of the first are given back, and somebody else takes them during the wait."""
    budget = Budget(tokens=1000)
    taken: list[Any] = []

    async def main(fake: FakeProvider) -> Any:
        from playhead.agent.budget import Worst

        def watch(event: Any, run: Any) -> None:
            if type(event).__name__ == "AttemptEnd":
                taken.append(asyncio.ensure_future(budget.reserve(Worst(900))))

        model = fake.model("m", retry=RetryPolicy(attempts=2, base=0.05))
        agent = Agent(model, max_tokens=300, budget=budget, on_event=watch, timeout=0.5)
        with pytest.raises(LimitError) as caught:
            await agent.run("hi")
        return caught.value.run

    with FakeProvider() as fake:
        fake.script(refuse(503), reply("late"))
        run = asyncio.run(main(fake))
        assert len(fake.requests) == 1
    assert [attempt.status for attempt in run.attempts] == [503]


def test_of_a_hedged_request_that_gave_way_the_ledger_says_what_it_may_have_cost() -> None:
    """Nobody knows what it cost, so the budget counts all that was reserved; the rest is the answer's."""
    budget = Budget(dollars=1, prices=PRICES)
    with FakeProvider() as fake:
        fake.script(reply("slow", delay=math.inf), reply("fast"))
        run = Agent(hedged(fake.model("m"), after=0.1), max_tokens=500, budget=budget).run_sync("hi")
    lost, won = run.ledger
    assert (lost.cost, lost.billed) == (None, None)
    assert lost.at_most is not None
    assert (won.at_most, won.cost) == (None, run.cost)
    assert lost.at_most + (won.cost or 0) == counted(run) == budget.spent_dollars


def test_of_a_cut_answer_the_ledger_says_what_the_budget_counts() -> None:
    budget = Budget(dollars=1, prices=PRICES)

    async def go(agent: Agent[str]) -> Run[Any]:
        stream = agent.stream("hi")
        async for _ in stream:
            pass
        return stream.run

    with FakeProvider() as fake:
        fake.script(refuse(429, retry_after=0), reply("One two three", cut_after=2), reply("One two three"))
        agent = Agent(fake.model("m", retry=RetryPolicy(base=0.0)), max_tokens=500, budget=budget)
        run = asyncio.run(go(agent))
    refused, cut, whole = run.ledger
    assert (refused.at_most, whole.at_most) == (None, None)
    assert cut.at_most is not None
    assert run.cost is None
    assert counted(run) == budget.spent_dollars
