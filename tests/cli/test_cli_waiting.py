"""`playhead run` comes to a call that a person is to decide on: it ends there, and says so."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from playhead import Pending
from playhead.testing import FakeProvider, reply, tool_call

TOOL = '''
from playhead import tool

@tool(effect="write", approve=True)
def refund(order: int) -> str:
    """Pay an order back"""
    raise SystemExit("it was called")
'''


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_call_that_waits_ends_the_run_with_a_status_and_a_sentence(
    tmp_path: Path, playhead: Callable[..., subprocess.CompletedProcess[str]], more: tuple[str, ...]
) -> None:
    (tmp_path / "shop.py").write_text(TOOL, "utf-8")
    with FakeProvider() as fake:
        fake.script(reply(tool_call("refund", "call_1", order=7)))
        where = ("--base-url", fake.url, "--tool", str(tmp_path / "shop.py"))
        done = playhead("run", "compatible:m", "Refund order 7", *where, *more)
    assert done.returncode == 1
    assert 'the run waits for a person\'s word on refund({"order":7})' in done.stderr.replace('\\"', '"')
    if more:
        last = json.loads(done.stdout.splitlines()[-1])
        assert last["complete"] is False
        assert [call.id for call in Pending.from_json(json.dumps(last["pending"])).calls] == ["call_1"]
