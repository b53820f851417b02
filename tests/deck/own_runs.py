"""Runs of every kind that playhead makes, for the tests of what is done with their tapes.

``RUNS`` has them by name; each is given a fake provider, a model's name and a tape, and records one run, or several.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from playhead import (
    Agent,
    ContextTooLongError,
    Final,
    LimitError,
    Preparation,
    RetryPolicy,
    Run,
    drop_oldest,
    fallback,
    summarise,
    tool,
    user,
)
from playhead.messages import File, Reasoning
from playhead.request import Request
from playhead.testing import FakeProvider, refuse, reply, tool_call
from playhead.testing.answers import Said


@tool
def look(order: int) -> str:
    """Look an order up"""
    return f"order {order} is on its way"


@tool
def wrap(words: str) -> str:
    """Wrap words"""
    return f"<{words}>"


@tool
def done(words: str) -> Any:
    """Say the last word"""
    return Final(words)


@tool(effect="write", approve=True)
def refund(order: int) -> str:
    """Pay an order back"""
    return f"order {order} is paid back"


@tool(effect="write")
def pay(cents: int) -> str:
    """Pay"""
    return f"{cents} paid"


LOOK, LOOK_AGAIN = tool_call("look", order=1), tool_call("look", order=2)


class Recording(msgspec.Struct):
    """Where a run is recorded: the fake provider, the provider and dialect it is asked as, and the tape."""

    fake: FakeProvider
    provider: str
    tape: Path

    def model(self, name: str = "m-1") -> Any:
        """A model of the provider that is recorded."""
        return self.fake.model(f"{self.provider}:{name}")

    def run(self, agent: Agent[Any], prompt: Any = "Where is order 1?", mode: Any = "resume", **more: Any) -> Run[Any]:
        """A run, added to the tape."""
        return agent.run_sync(prompt, tape=self.tape, tape_mode=mode, **more)


def plain(at: Recording) -> None:
    at.fake.script(reply(LOOK), "On its way.")
    at.run(Agent(at.model(), system="Be kind.", tools=[look]))


def handed_over(at: Recording) -> None:
    at.fake.script(reply(tool_call("billing")), reply(LOOK), "On its way.")
    billing = Agent(at.model("m-2"), system="You do bills.", tools=[look], max_tokens=99)
    at.run(Agent(at.model(), system="You do triage.", tools=[billing.hand_over("billing", "bills")], max_tokens=50))


def handed_over_unprompted(at: Recording) -> None:
    at.fake.script(reply(LOOK_AGAIN), reply(tool_call("billing")), reply(LOOK), "On its way.")
    billing = Agent(at.model(), tools=[look])
    at.run(Agent(at.model(), system="You do triage.", tools=[look, billing.hand_over("billing", "bills")]))


def prepared_tools(at: Recording) -> None:
    def prepare(step: Preparation) -> Preparation | None:
        return msgspec.structs.replace(step, tools=()) if step.number == 2 else None

    at.fake.script(reply(LOOK), reply("Hm.", finish="stop"))
    at.run(Agent(at.model(), tools=[look, wrap], prepare=prepare))


def prepared_back_and_forth(at: Recording) -> None:
    def prepare(step: Preparation) -> Preparation | None:
        return msgspec.structs.replace(step, tools=("look",), tool_choice="look") if step.number == 2 else None

    at.fake.script(reply(tool_call("wrap", words="a")), reply(LOOK), reply(tool_call("wrap", words="b")), "Wrapped.")
    at.run(Agent(at.model(), tools=[look, wrap], prepare=prepare))


def prepared_model(at: Recording) -> None:
    def prepare(step: Preparation) -> Preparation | None:
        return msgspec.structs.replace(step, model=at.model("m-large")) if step.number == 2 else None

    at.fake.script(reply(LOOK), reply(LOOK_AGAIN), "Both.")
    at.run(Agent(at.model(), tools=[look], prepare=prepare, max_tokens=77))


def prepared_other_wire(at: Recording) -> None:
    other = "openai" if at.provider != "openai" else "anthropic"

    def prepare(step: Preparation) -> Preparation | None:
        model = at.fake.model(f"{other}:m-other")
        return msgspec.structs.replace(step, model=model) if step.number == 2 else None

    at.fake.script(reply(LOOK), reply(LOOK_AGAIN), "Both.")
    at.run(Agent(at.model(), tools=[look], prepare=prepare))


def prepared_messages(at: Recording) -> None:
    def prepare(step: Preparation) -> Preparation | None:
        return msgspec.structs.replace(step, messages=(*step.messages, user("Be brief.")))

    at.fake.script(reply(LOOK), reply(LOOK_AGAIN), "Both.")
    at.run(Agent(at.model(), tools=[look], prepare=prepare))


def prepared_less(at: Recording) -> None:
    def prepare(step: Preparation) -> Preparation | None:
        return msgspec.structs.replace(step, messages=(step.messages[0], *step.messages[-2:]))

    at.fake.script(reply(LOOK), reply(LOOK_AGAIN), reply(tool_call("look", order=3)), "All.")
    at.run(Agent(at.model(), tools=[look], prepare=prepare))


def forced(at: Recording) -> None:
    at.fake.script(reply(LOOK), "On its way.", "Indeed.")
    agent = Agent(at.model(), tools=[look], tool_choice="required")
    first = at.run(agent)
    at.run(Agent(at.model(), tools=[look]), "Sure?", messages=first.messages)


def final(at: Recording) -> None:
    at.fake.script(reply(LOOK), reply(tool_call("done", words="over")))
    at.run(Agent(at.model(), tools=[look, done]))


def stopped(at: Recording) -> None:
    at.fake.script(reply(LOOK))
    at.run(Agent(at.model(), tools=[look], stop_when=lambda run: True))


def stopped_and_another(at: Recording) -> None:
    stopped(at)
    at.fake.script(reply(LOOK_AGAIN), "Here.")
    at.run(Agent(at.model(), tools=[look]), "And order 2?")


def limited(at: Recording) -> None:
    at.fake.script(reply(LOOK), reply(LOOK_AGAIN))
    with pytest.raises(LimitError):
        at.run(Agent(at.model(), tools=[look], max_steps=2))


def waiting(at: Recording) -> None:
    at.fake.script(reply(LOOK, tool_call("refund", order=1)))
    assert at.run(Agent(at.model(), tools=[look, refund])).pending is not None


def waited_and_approved(at: Recording) -> None:
    at.fake.script(reply(LOOK, tool_call("refund", order=1)), "Paid back.")
    agent = Agent(at.model(), tools=[look, refund])
    pending = at.run(agent).pending
    assert pending is not None
    at.run(agent, pending.approve())


def waited_and_refused(at: Recording) -> None:
    at.fake.script(reply(tool_call("refund", order=1)), "I may not.")
    agent = Agent(at.model(), tools=[look, refund])
    pending = at.run(agent).pending
    assert pending is not None
    at.run(agent, pending.refuse(pending.calls[0].id, "too dear"))


def writes(at: Recording) -> None:
    at.fake.script(reply(tool_call("pay", cents=1)), reply(tool_call("pay", cents=2)), "Paid.")
    at.run(Agent(at.model(), tools=[pay]))


def write_begun(at: Recording) -> None:
    """The tape of a run that was killed while it paid."""
    writes(at)
    head, *items = at.tape.read_bytes().split(b"  - id: ")
    at.tape.write_bytes(b"  - id: ".join([head, *items[:2]]))


def unknown_tool(at: Recording) -> None:
    at.fake.script(reply(tool_call("nothing", x=1)), "Sorry.")
    at.run(Agent(at.model(), tools=[look]))


def same_call_twice(at: Recording) -> None:
    seen: list[int] = []

    @tool
    def count(name: str) -> str:
        """Count"""
        seen.append(1)
        return str(len(seen))

    at.fake.script(reply(tool_call("count", name="a"), tool_call("count", name="a")), "1 and 2")
    at.run(Agent(at.model(), tools=[count]))


def compacted(at: Recording) -> None:
    at.fake.script(*(reply(tool_call("look", order=n)) for n in range(6)), "All of them.")
    at.run(Agent(at.model(), system="Be kind.", tools=[look], compact=drop_oldest(keep_messages=4)))


def summarised(at: Recording) -> None:
    asked = 0

    def answer(request: Request) -> Said:
        nonlocal asked
        if any(message.role == "system" for message in request.messages):
            return f"They asked for {asked} orders."
        asked += 1
        return reply(tool_call("look", order=asked)) if asked < 6 else "All of them."

    at.fake.script(*([answer] * 20))
    agent = Agent(at.model(), tools=[look], compact=summarise(over_tokens=60, keep_messages=2, max_tokens=30))
    assert at.run(agent).compactions


def too_long(at: Recording) -> None:
    calls = [reply(tool_call("look", order=n)) for n in range(4)]
    at.fake.script(*calls, refuse(ContextTooLongError("prompt is too long: 300000 tokens > 200000 maximum")), "All.")
    at.run(Agent(at.model(), tools=[look], compact=drop_oldest(keep_messages=50)))


def cached(at: Recording) -> None:
    at.fake.script(reply(LOOK), reply(LOOK_AGAIN), reply(tool_call("look", order=3)), "All.")
    at.run(Agent(at.model("claude-sonnet-4-5"), system="Be kind.", tools=[look, wrap], cache=True))


def agent_inside(at: Recording) -> None:
    inner = Agent(at.model(), system="You look orders up.", tools=[look]).as_tool("clerk", "looks orders up")
    at.fake.script(
        reply(tool_call("clerk", task="Find order 1.")), reply(LOOK), "On its way.", reply(LOOK_AGAIN), "Yes."
    )
    at.run(Agent(at.model(), system="You lead.", tools=[inner, look]))


def agents_inside_at_once(at: Recording) -> None:
    def answer(request: Request) -> Said:
        said = request.messages[-1]
        if said.role == "tool":
            return "Both." if len(said.parts) > 1 or request.messages[-2].role == "tool" else "Found."
        if "Find" in said.text:
            return reply(tool_call("look", order=int(said.text[-2])))
        return reply(tool_call("clerk", task="Find order 1."), tool_call("clerk", task="Find order 2."))

    inner = Agent(at.model(), tools=[look]).as_tool("clerk", "looks orders up")
    at.fake.script(*([answer] * 6))
    at.run(Agent(at.model(), tools=[inner]))


def inside_waits(at: Recording) -> None:
    inner = Agent(at.model(), tools=[refund]).as_tool("clerk", "pays orders back")
    at.fake.script(reply(tool_call("clerk", task="Pay order 1 back.")), reply(tool_call("refund", order=1)))
    assert at.run(Agent(at.model(), tools=[inner])).pending is not None


def fell_back(at: Recording) -> None:
    at.fake.script(refuse(503), refuse(503), reply(LOOK), "On its way.")
    first = at.fake.model(f"{at.provider}:m-1", retry=RetryPolicy(attempts=2, base=0.001))
    at.run(Agent(fallback(first, at.model("m-2"), avoid=600), tools=[look]))


def refused_for_good(at: Recording) -> None:
    at.fake.script(refuse(401), reply(LOOK), "On its way.")
    at.run(Agent(fallback(at.model("m-1"), at.model("m-2"), avoid=600), tools=[look]))


class Person(msgspec.Struct):
    name: str
    age: int


def corrected(at: Recording) -> None:
    at.fake.script("Ada, 36", '{"name": "Ada"}', '{"name": "Ada", "age": 36}')
    run = at.run(Agent(at.model(), output=Person, output_mode="text"), "Who?")
    assert run.output == Person("Ada", 36)


def output_with_tools(at: Recording) -> None:
    at.fake.script(reply(LOOK), '{"name": "Ada", "age": 36}')
    at.run(Agent(at.model(), output=Person, output_mode="text", tools=[look]), "Who?")


def corrected_as_tool(at: Recording) -> None:
    at.fake.script(reply(LOOK), reply(tool_call("Person", name="Ada")), reply(tool_call("Person", name="Ada", age=36)))
    run = at.run(Agent(at.model(), output=Person, output_mode="tool", tools=[look]), "Who?")
    assert run.output == Person("Ada", 36)


def reasoned(at: Recording) -> None:
    at.fake.script(reply(Reasoning("Let me see."), LOOK), reply(Reasoning("So so."), "On its way."))
    at.run(Agent(at.model(), tools=[look], reasoning="low", max_tokens=3000))


def with_a_file(at: Recording) -> None:
    at.fake.script(reply(LOOK), "A cat.")
    at.run(Agent(at.model(), tools=[look]), user("What is it?", File("image/png", data=b"\x89PNG1234")))


RUNS: dict[str, Callable[[Recording], None]] = {
    made.__name__: made
    for made in (
        plain,
        handed_over,
        handed_over_unprompted,
        prepared_tools,
        prepared_back_and_forth,
        prepared_model,
        prepared_other_wire,
        prepared_messages,
        prepared_less,
        forced,
        final,
        stopped,
        stopped_and_another,
        limited,
        waiting,
        waited_and_approved,
        waited_and_refused,
        writes,
        write_begun,
        unknown_tool,
        same_call_twice,
        compacted,
        summarised,
        too_long,
        cached,
        agent_inside,
        agents_inside_at_once,
        inside_waits,
        fell_back,
        refused_for_good,
        corrected,
        output_with_tools,
        corrected_as_tool,
        reasoned,
        with_a_file,
    )
}
