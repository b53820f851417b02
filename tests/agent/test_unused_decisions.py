"""What was decided of calls that nobody made is told, however the run ends."""

from __future__ import annotations

import pytest

from playhead import Agent, BadRequestError, RetryPolicy
from playhead.testing import FakeProvider, refuse, reply

WORDS = "something was decided of a call 'call_9', and there was none in this run"


def test_a_result_for_an_unknown_call_is_told_where_the_run_ends_by_an_error() -> None:
    with FakeProvider() as fake:
        agent = Agent(fake.model("openai:m", retry=RetryPolicy(attempts=1)))
        fake.script(refuse(400, "no"), reply("done"))
        with pytest.raises(BadRequestError) as caught:
            agent.run_sync("hi", results={"call_9": "it is done"})
        assert caught.value.run.warnings == [WORDS]
        assert agent.run_sync("hi", results={"call_9": "it is done"}).warnings == [WORDS]
