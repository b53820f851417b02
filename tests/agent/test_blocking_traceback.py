"""The traceback of run_sync: the caller's line, the innermost place, and whatever is not ours."""

from __future__ import annotations

import signal
import subprocess
import sys
import traceback

import pytest

from playhead import Agent, LimitError, ToolError, tool
from playhead.testing import ScriptedModel, reply, tool_call

SLOW = """
import os, signal, time
from playhead import Agent, tool
from playhead.testing import ScriptedModel, reply, tool_call

@tool
async def look(n: int) -> str:
    "Look"
    import asyncio
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.sleep(60)

Agent(ScriptedModel(reply(tool_call("look", n=1)), "ok"), tools=[look]).run_sync("hi")
"""


@tool
def look(n: int) -> str:
    """Look."""
    return inner(n)


def inner(n: int) -> str:
    raise ZeroDivisionError(n)


def functions(error: BaseException) -> list[str]:
    return [frame.name for frame in traceback.extract_tb(error.__traceback__)]


def test_an_error_of_playhead_has_the_callers_line_and_the_place_and_little_between() -> None:
    agent = Agent(ScriptedModel(reply(tool_call("look", n=1)), "ok"), tools=[look], max_steps=1)
    with pytest.raises(LimitError) as caught:
        agent.run_sync("hi")
    names = functions(caught.value)
    assert names[:1] == ["test_an_error_of_playhead_has_the_callers_line_and_the_place_and_little_between"]
    assert names[-1] == "drive"
    assert len(names) <= 4


def test_an_error_of_a_tools_own_code_has_its_traceback_whole() -> None:
    agent = Agent(ScriptedModel(reply(tool_call("look", n=1)), "ok"), tools=[look], tool_errors="raise")
    with pytest.raises(ZeroDivisionError) as caught:
        agent.run_sync("hi")
    assert functions(caught.value)[-2:] == ["look", "inner"]


def test_the_frames_of_others_stay_in_an_error_of_playhead_and_in_its_cause() -> None:
    def system(deps: object) -> str:
        return told(deps)

    def told(deps: object) -> str:
        try:
            inner(1)
        except ZeroDivisionError as error:
            raise ToolError("mine") from error
        return ""

    with pytest.raises(ToolError) as caught:
        Agent(ScriptedModel("ok"), system=system).run_sync("hi")
    assert functions(caught.value)[-2:] == ["system", "told"]
    assert caught.value.__cause__ is not None
    assert functions(caught.value.__cause__) == ["told", "inner"]


@pytest.mark.parametrize(("flags", "short"), [((), True), (("-X", "dev"), False)])
@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself ^C there")
def test_an_interrupted_run_has_a_short_traceback_unless_all_is_asked_for(flags: tuple[str, ...], short: bool) -> None:
    done = subprocess.run([sys.executable, *flags, "-c", SLOW], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (-signal.SIGINT, 130)
    assert done.stderr.rstrip().endswith("KeyboardInterrupt")
    assert "in look" in done.stderr, "the place that was interrupted is told"
    assert (len(done.stderr.splitlines()) < 30) is short
