"""Several runs that go on at once from one place of one tape: what changes the world is done by one of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, Pending, Run, Tape, UnfinishedCallError, tool
from playhead.testing import FakeProvider, reply, tool_call


class Desk:
    """A tool that pays, and takes until it is told to end."""

    def __init__(self) -> None:
        self.paid: list[int] = []
        self.under_way = asyncio.Event()
        self.go_on = asyncio.Event()

    def tool(self, effect: Any, approve: bool = True) -> Any:
        @tool(effect=effect, approve=approve)
        async def refund(order: int) -> str:
            self.paid.append(order)
            self.under_way.set()
            await self.go_on.wait()
            return "paid"

        return refund


def answered(asked: Any) -> Any:
    return reply(tool_call("refund", "c1", order=7)) if len(asked.messages) == 1 else reply("done")


def first_makes_it(agent: Agent[str], desk: Desk, where: Path | Tape, begin: Any, **settings: Any) -> list[Any]:
    """Three go on at once; the first has begun the call when the others come."""

    async def main() -> list[Any]:
        first = asyncio.ensure_future(agent.run(begin, tape=where, tape_mode="resume", **settings))
        await desk.under_way.wait()
        others = [agent.run(begin, tape=where, tape_mode="resume", **settings) for _ in range(2)]
        refused = await asyncio.gather(*others, return_exceptions=True)
        desk.go_on.set()
        return [await first, *refused]

    return asyncio.run(main())


@pytest.mark.parametrize("effect", ["write", "idempotent"])
@pytest.mark.parametrize("kind", ["file", "memory"])
def test_an_approved_run_that_several_go_on_with_at_once_makes_its_call_once(
    tmp_path: Path, effect: str, kind: str
) -> None:
    desk, where = Desk(), tmp_path / "t.yaml" if kind == "file" else Tape()
    with FakeProvider(answer=answered) as fake:
        agent = Agent(fake.model("openai:m"), tools=[desk.tool(effect)])
        waits = agent.run_sync("refund order 7", tape=where, tape_mode="record").pending
        assert waits is not None
        approved = Pending.from_json(waits.to_json()).approve()
        first, *others = first_makes_it(agent, desk, where, approved)
        again = agent.run_sync(approved, tape=where, tape_mode="resume")
    assert (desk.paid, first.text, again.text) == ([7], "done", "done")
    for other in others:
        assert isinstance(other, UnfinishedCallError), other
        assert "begun by another run that goes on from the same place" in str(other)
        assert [call.id for call in other.calls] == ["c1"]


def test_a_write_that_was_under_way_when_a_run_opened_the_tape_is_not_made_by_it_after_the_other_has_ended(
    tmp_path: Path,
) -> None:
    desk, path = Desk(), tmp_path / "t.yaml"
    asked = asyncio.Event()

    async def hesitating(call: Any) -> bool:
        asked.set()
        await desk.under_way.wait()
        await let.wait()
        return True

    let = asyncio.Event()
    with FakeProvider(answer=answered) as fake:
        quick = Agent(fake.model("openai:m"), tools=[desk.tool("write")])
        waits = quick.run_sync("refund order 7", tape=path, tape_mode="record").pending
        assert waits is not None
        slow = Agent(fake.model("openai:m"), tools=[desk.tool("write")], approve=hesitating)

        async def main() -> tuple[Run[str], Any]:
            late = asyncio.ensure_future(slow.run(waits, tape=path, tape_mode="resume"))
            await asked.wait()
            desk.go_on.set()
            first = await quick.run(waits.approve(), tape=path, tape_mode="resume")
            let.set()
            [refused] = await asyncio.gather(late, return_exceptions=True)
            return first, refused

        first, refused = asyncio.run(main())
    assert (desk.paid, first.text) == ([7], "done")
    assert isinstance(refused, UnfinishedCallError)


def test_a_run_that_was_cut_before_its_write_is_taken_up_by_one_of_several(tmp_path: Path) -> None:
    desk, path = Desk(), tmp_path / "t.yaml"
    with FakeProvider(answer=answered) as fake:
        agent = Agent(fake.model("openai:m"), tools=[desk.tool("write", approve=False)])
        agent.run_sync("refund order 7", tape=path, tape_mode="record", results={"c1": "paid before"})
        tape = Tape.load(path)
        Tape(tape.interactions[:1]).save(path)  # the model has asked for the call, and no more is on the tape
        first, *others = first_makes_it(agent, desk, path, "refund order 7")
    assert (desk.paid, first.text) == ([7], "done")
    assert all(isinstance(other, UnfinishedCallError) for other in others)


def test_equal_runs_at_once_that_each_hear_the_model_make_a_call_each(tmp_path: Path) -> None:
    desk = Desk()
    desk.go_on.set()
    with FakeProvider(answer=answered) as fake:
        agent = Agent(fake.model("openai:m"), tools=[desk.tool("write", approve=False)])

        async def main() -> list[Run[str]]:
            path = tmp_path / "t.yaml"
            return await asyncio.gather(*(agent.run("refund order 7", tape=path, tape_mode="once") for _ in range(5)))

        runs = asyncio.run(main())
    assert desk.paid == [7] * 5
    assert {run.text for run in runs} == {"done"}


def test_what_a_sibling_records_meanwhile_is_not_taken_for_the_models_answer(tmp_path: Path) -> None:
    """An agent inside plays its step from the tape while a tool beside it records its result."""
    desk, path = Desk(), tmp_path / "t.yaml"
    desk.go_on.set()

    @tool
    async def now() -> str:
        return "12:00"

    with FakeProvider(answer="done") as fake:
        inner = Agent(fake.model("openai:inner"), tools=[desk.tool("write", approve=False)])
        outer = Agent(fake.model("openai:outer"), tools=[inner.as_tool("inner", "pays"), now])
        fake.script(
            reply(tool_call("inner", "c1", task="pay 7"), tool_call("now", "c2")),
            reply(tool_call("refund", "c3", order=7)),
        )
        outer.run_sync("go", tape=path, tape_mode="record")
        said = [item for item in Tape.load(path).interactions if item.request.method == "POST"]
        Tape(said[:2]).save(path)  # as a process leaves it that is killed before the write begins
        desk.paid.clear()

        async def main() -> list[Any]:
            resumed = (outer.run("go", tape=path, tape_mode="resume") for _ in range(2))
            return await asyncio.gather(*resumed, return_exceptions=True)

        ends = asyncio.run(main())
    assert desk.paid == [7]
    assert sorted(type(end).__name__ for end in ends) == ["Run", "UnfinishedCallError"]
