"""The last line of a run that went on from one that waited: what it came to, and what the whole did."""

from __future__ import annotations

from playhead import Agent, tool
from playhead.cli.chat.spent import Spent
from playhead.cli.live import total
from playhead.cli.paint import dollars
from playhead.testing import FakeProvider, reply, tool_call


@tool(effect="write", approve=True)
def refund(order: int) -> str:
    """Pay an order back."""
    return "refunded"


def test_the_whole_is_said_behind_what_the_run_came_to_and_a_chat_counts_each_once() -> None:
    with FakeProvider(price=("1", "2")) as fake:
        fake.script(reply(tool_call("refund", "c", order=7)), reply("Done."))
        agent = Agent(fake.model("m"), tools=[refund])
        first = agent.run_sync("Refund order 7")
        assert first.pending is not None
        second = agent.run_sync(first.pending.approve())
        billed = fake.billed
    assert " in all" not in total(first)
    itself, _, whole = total(second).partition("; ")
    assert itself.startswith("1 step, 1 attempt, ")
    assert dollars(second.leg_cost) in itself
    assert whole.startswith("2 steps, ")
    assert whole.endswith(f"{dollars(billed.cost)} in all")
    spent = Spent()
    spent.add(first)
    spent.add(second)
    assert dollars(billed.cost) in spent.words
    assert spent.usage is not None
    assert spent.usage.total_tokens == billed.total_tokens
