"""What is decided of a call reaches that call, and where the tape says otherwise already, the run says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, Pending, UnfinishedCallError, tool
from playhead.messages import ToolResult
from playhead.testing import FakeProvider, reply, tool_call


@tool(effect="write")
async def pay(n: int) -> str:
    """Pay."""
    raise SystemExit("crash")


def texts(run: Any) -> list[str]:
    return [result.text for message in run.messages for result in message.all(ToolResult)]


# --- results of writes that had begun


def test_a_result_that_is_given_has_the_name_of_its_call_and_the_tape_replays(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    with FakeProvider(answer="done") as fake:
        agent = Agent(fake.model("google:g"), tools=[pay])
        fake.script(reply(tool_call("pay", "c0", n=5)))
        with pytest.raises(SystemExit):
            agent.run_sync("go", tape=path, tape_mode="record")
        live = agent.run_sync("go", tape=path, tape_mode="resume", results={"c0": "receipt 7"})
        assert [result.name for message in live.messages for result in message.all(ToolResult)] == ["pay"]
        sent = fake.requests[-1].json["contents"][2]["parts"][0]["functionResponse"]
        assert (sent["name"], sent["response"]) == ("pay", {"result": "receipt 7"})
    assert agent.run_sync("go", tape=path, tape_mode="replay", fail_on_unplayed=True).messages == live.messages


def test_a_result_goes_to_the_write_that_had_begun_inside_and_not_to_the_agents_call_of_the_same_id(
    tmp_path: Path,
) -> None:
    path = tmp_path / "t.yaml"
    with FakeProvider() as fake:
        inner: Agent[Any] = Agent(fake.model("openai:i"), tools=[pay])
        outer = Agent(fake.model("openai:o"), tools=[inner.as_tool("inner", "pays")])
        fake.script(reply(tool_call("inner", "call_0", task="pay 5")), reply(tool_call("pay", "call_0", n=5)))
        with pytest.raises(SystemExit):
            outer.run_sync("go", tape=path, tape_mode="record")
        with pytest.raises(UnfinishedCallError) as caught:
            outer.run_sync("go", tape=path, tape_mode="resume")
        assert [call.name for call in caught.value.calls] == ["pay"]
        fake.script(reply("It is paid."), reply("All is done."))
        run = outer.run_sync("go", tape=path, tape_mode="resume", results={"call_0": "receipt 7"})
    assert [texts(child) for child in run.children] == [["receipt 7"]]
    assert (texts(run), run.text, run.warnings) == (["It is paid."], "All is done.", [])
    replay = outer.run_sync("go", tape=path, tape_mode="replay", fail_on_unplayed=True)
    assert replay.messages == run.messages


def test_a_result_of_a_write_that_is_not_given_is_not_taken_from_one_of_the_same_id_further_on(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"

    @tool
    def look() -> str:
        """Look."""
        return "seen"

    with FakeProvider() as fake:
        inner: Agent[Any] = Agent(fake.model("openai:i"), tools=[pay])
        outer = Agent(fake.model("openai:o"), tools=[inner.as_tool("inner", "pays"), look])
        fake.script(reply(tool_call("inner", "c", task="pay 5")), reply(tool_call("pay", "call_0", n=5)))
        with pytest.raises(SystemExit):
            outer.run_sync("go", tape=path, tape_mode="record")
        fake.script(reply("It is paid."), reply(tool_call("look", "call_0")), reply("All is done."))
        run = outer.run_sync("go", tape=path, tape_mode="resume", results={"call_0": "receipt 7"})
    assert texts(run) == ["It is paid.", "seen"]


# --- calls of one id


@pytest.fixture
def two_deep() -> Iterator[Pending]:
    """Two runs inside runs inside a run, each of which waits for a call p1."""

    @tool(effect="write", approve=True)
    def transfer(n: int) -> str:
        """Transfer."""
        return f"sent {n}"

    def answer(request: Any) -> Any:
        system, task = request.messages[0].text, request.messages[1].text
        if system == "outer":
            return reply(tool_call("a", "o1", task="first"), tool_call("a", "o2", task="second"))
        if system == "mid":
            return reply(tool_call("inner", "m1", task=task))
        return reply(tool_call("transfer", "p1", n=1 if task == "first" else 2))

    with FakeProvider(answer=answer) as fake:
        inner: Agent[Any] = Agent(fake.model("openai:i"), system="inner", tools=[transfer])
        mid: Agent[Any] = Agent(fake.model("openai:m"), system="mid", tools=[inner.as_tool("inner", "i")])
        pending = Agent(fake.model("openai:o"), system="outer", tools=[mid.as_tool("a", "m")]).run_sync("go").pending
        assert pending is not None
        yield pending


def leaves(pending: Pending) -> list[Pending]:
    return [run for inner in pending.inner.values() for run in inner.inner.values()]


def test_decisions_of_calls_of_one_id_go_one_after_another_to_each_however_deep_they_stand(two_deep: Pending) -> None:
    assert [run.verdicts for run in leaves(two_deep.approve("p1").refuse("p1", "no"))] == [{"p1": True}, {"p1": "no"}]
    amended = two_deep.approve("p1", arguments={"n": 6}).approve("p1", arguments={"n": 7})
    assert [run.arguments for run in leaves(amended)] == [{"p1": '{"n":6}'}, {"p1": '{"n":7}'}]
    answered = two_deep.answer("p1", "A").answer("p1", "B")
    assert [run.results["p1"].text for run in leaves(answered)] == ["A", "B"]
    assert [run.verdicts for run in leaves(two_deep.approve("p1").approve("p1").refuse("p1"))] == [
        {"p1": False},
        {"p1": True},
    ]


def test_the_last_word_about_a_call_holds_alone() -> None:
    waits = leaf()
    assert waits.answer("c", "A").refuse("c", "no") == waits.refuse("c", "no")
    assert waits.approve("c", arguments={"n": 1}).refuse("c") == waits.refuse("c")
    assert waits.refuse("c").answer("c", "A") == waits.answer("c", "A")
    assert waits.approve("c", arguments={"n": 1}).approve() == waits.approve("c", arguments={"n": 1})


def leaf() -> Pending:
    @tool(approve=True)
    def look(n: int) -> str:
        """Look."""
        return "seen"

    with FakeProvider() as fake:
        fake.script(reply(tool_call("look", "c", n=0)))
        pending = Agent(fake.model("m"), tools=[look]).run_sync("go").pending
    assert pending is not None
    return pending


# --- too late


@pytest.mark.parametrize(
    ("first", "second", "told", "says"),
    [
        (lambda p: p.refuse("c1", "no"), lambda p: p.approve("c1"), "refused: no", "the approval came too late"),
        (lambda p: p.refuse("c1", "no"), lambda p: p.refuse("c1", "dear"), "refused: no", "the refusal came too late"),
        (
            lambda p: p.approve("c1", arguments={"order": 8}),
            lambda p: p.approve("c1", arguments={"order": 9}),
            "order 8 is refunded",
            r'the arguments {"order":9} came too late',
        ),
        (
            lambda p: p.approve("c1", arguments={"order": 8}),
            lambda p: p.approve("c1"),
            "order 8 is refunded",
            r'the arguments {"order":7} came too late',
        ),
        (lambda p: p.approve("c1"), lambda p: p.refuse("c1", "no"), "order 7 is refunded", "the refusal came too late"),
        (lambda p: p.approve("c1"), lambda p: p.answer("c1", "done"), "order 7 is refunded", "the result that was"),
    ],
)
def test_what_was_done_stands_and_the_decision_that_came_too_late_is_told(
    tmp_path: Path, first: Callable[[Pending], Pending], second: Callable[[Pending], Pending], told: str, says: str
) -> None:
    path, made = tmp_path / "t.yaml", []

    @tool(effect="write", approve=True)
    def refund(order: int) -> str:
        """Refund."""
        made.append(order)
        return f"order {order} is refunded"

    with FakeProvider(answer="end") as fake:
        agent = Agent(fake.model("openai:m"), tools=[refund])
        fake.script(reply(tool_call("refund", "c1", order=7)))
        pending = agent.run_sync("x", tape=path, tape_mode="record").pending
        assert pending is not None
        once = agent.run_sync(first(pending), tape=path, tape_mode="resume")
        before = len(made)
        again = agent.run_sync(second(pending), tape=path, tape_mode="resume")
        assert again.messages == once.messages
        assert told in texts(again)[0]
        assert (len(made), once.warnings) == (before, [])
        assert [words for words in again.warnings if says in words] == again.warnings != []
        assert "refund (call c1)" in again.warnings[0]
        same = agent.run_sync(first(pending), tape=path, tape_mode="resume")
        assert (same.messages, same.warnings) == (once.messages, [])


def test_an_approval_holds_for_the_call_that_waited_and_not_for_a_later_one_of_its_id(tmp_path: Path) -> None:
    path, made = tmp_path / "t.yaml", []

    @tool(effect="write", approve=True)
    def refund(order: int) -> str:
        """Refund."""
        made.append(order)
        return "refunded"

    with FakeProvider() as fake:
        agent = Agent(fake.model("openai:m"), tools=[refund])
        fake.script(reply(tool_call("refund", "c1", order=7)))
        pending = agent.run_sync("x", tape=path, tape_mode="record").pending
        assert pending is not None
        fake.script(reply(tool_call("refund", "c1", order=8)))
        for _ in range(2):  # the second time the first call is on the tape
            run = agent.run_sync(pending.approve(), tape=path, tape_mode="resume")
            assert run.pending is not None
    assert made == [7]
