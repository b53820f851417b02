"""Writes run one at a time, also where nobody waits any more for the thread that one of them runs in."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from playhead import Agent, tool
from playhead.errors import LimitError
from playhead.messages import ToolResult
from playhead.tapes import Tape
from playhead.testing import FakeProvider, reply, tool_call


class Writes:
    """Two writes: the first takes longer than it may, and looks whether the second begins meanwhile."""

    def __init__(self, timeout: float | None = 0.05, patience: float = 0.4) -> None:
        self.began = threading.Event()
        self.overlapped: bool | None = None
        self.late: bool | None = None

        def first() -> str:
            """The first."""
            self.overlapped = self.began.wait(patience)
            return "ok"

        def second() -> str:
            """The second."""
            self.began.set()
            self.late = self.overlapped is None
            return "done"

        self.first = tool(effect="write", timeout=timeout)(first)
        self.second = tool(effect="write")(second)


def texts(messages: Any) -> list[str]:
    return [result.text for message in messages for result in message.all(ToolResult)]


TOO_LONG = "Error: the call took longer than its timeout of 0.05 s and may have been done all the same"


@pytest.mark.parametrize("steps", [1, 2])
def test_a_write_waits_for_the_thread_of_the_one_before_that_took_too_long(steps: int) -> None:
    writes = Writes()
    with FakeProvider() as fake:
        calls = tool_call("first"), tool_call("second")
        asked = [reply(*calls)] if steps == 1 else [reply(call) for call in calls]
        fake.script(*asked, reply("both"))
        run = Agent(fake.model("m"), tools=[writes.first, writes.second]).run_sync("go")
    assert texts(run.messages) == [TOO_LONG, "done"]
    assert (writes.overlapped, writes.late) == (False, False)


def test_a_write_waits_for_that_of_an_agent_inside_which_ran_out_of_time() -> None:
    writes = Writes(timeout=None)
    with FakeProvider() as fake:
        inner: Agent[Any] = Agent(fake.model("inner"), tools=[writes.first], timeout=0.2)
        outer = Agent(fake.model("outer"), tools=[inner.as_tool("inner", "writes"), writes.second])
        fake.script(reply(tool_call("inner", task="write")), reply(tool_call("first")))
        fake.script(reply(tool_call("second")), reply("both"))
        run = outer.run_sync("go")
    assert texts(run.messages)[1] == "done"
    assert (writes.overlapped, writes.late) == (False, False)


def test_the_timeout_of_the_run_ends_the_wait_for_a_write() -> None:
    writes = Writes(patience=3)
    with FakeProvider() as fake:
        fake.script(reply(tool_call("first"), tool_call("second")), reply("both"))
        agent: Agent[Any] = Agent(fake.model("m"), tools=[writes.first, writes.second], timeout=0.5)
        with pytest.raises(LimitError) as caught:
            agent.run_sync("go")
    assert texts(caught.value.run.messages) == [TOO_LONG]
    assert not writes.began.is_set()
    writes.began.set()


def test_a_write_that_took_too_long_has_a_result_on_the_tape_and_is_not_made_again(tmp_path: Path) -> None:
    path, writes = tmp_path / "t.yaml", Writes(patience=0.1)
    with FakeProvider() as fake:
        fake.script(reply(tool_call("first")), reply("it may have been done"))
        agent = Agent(fake.model("m"), tools=[writes.first])
        live = agent.run_sync("go", tape=path, tape_mode="record")
    tape = Tape.load(path)
    assert [(item.request.url, item.response.code) for item in tape.interactions if item.request.method == "CALL"] == [
        ("tool:first#begun", 102),
        ("tool:first", 500),
    ]
    writes.overlapped = None
    assert agent.run_sync("go", tape=path, tape_mode="resume").messages == live.messages
    assert writes.overlapped is None
