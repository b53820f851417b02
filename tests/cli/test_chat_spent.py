"""What a chat came to: sums over runs that say what is not known."""

from __future__ import annotations

import asyncio

from playhead import Agent
from playhead.cli.chat.spent import Spent
from playhead.messages import Text
from playhead.testing import FakeProvider, refuse, reply


def test_the_sum_of_a_session_is_what_the_provider_billed() -> None:
    """Tokens and dollars of all answers; a refusal adds nothing."""
    spent = Spent()
    with FakeProvider("openrouter", price=(1, 2)) as fake:
        fake.script(reply("One."), refuse(429, retry_after=0), reply("Two."))
        for _ in range(2):
            spent.add(asyncio.run(Agent(fake.model()).run("hi")))
            spent.answers += 1
        cost = fake.billed.cost
        counted = fake.billed
    assert cost is not None
    assert spent.session == (
        f"2 answers, {counted.input_tokens} in + {counted.output_tokens} out tokens, ${cost.normalize():f}"
    )


def test_an_answer_that_was_broken_off_makes_it_a_least() -> None:
    """What it cost nobody has said."""
    spent = Spent()
    with FakeProvider("openrouter", price=(1, 2)) as fake:
        fake.script(reply("One."), reply("Two."))
        spent.add(asyncio.run(Agent(fake.model()).run("hi")))
        broken = asyncio.run(Agent(fake.model()).run("hi"))
    broken.partial = (Text("Tw"),)
    spent.add(broken)
    assert "at least $" in spent.words


def test_nothing_is_not_an_answer() -> None:
    """A run that never got anywhere has no figures to show."""
    assert not Spent().anything
    assert Spent().words == "tokens not reported, cost not reported"
