"""What the pages show passes a type checker, as do the lines that every program has.

One run of mypy, without settings of this project, over all the blocks that :mod:`test_docs` runs.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from test_docs import PAGES, ROOT, blocks

LINES = '''
from playhead import Agent, AnyTool, Context, Run, ToolCall, WebSearch, mcp, tool

@tool
def one(n: int) -> str:
    """One"""
    return ""

@tool(effect="write")
async def two(s: str, ctx: Context[int]) -> int:
    """Two"""
    return 1

def three(a: float) -> float:
    """Three"""
    return a

TOOLS = [one, two]
MIXED = [one, two, three, WebSearch(), mcp("http://localhost:1/mcp"), Agent("openai:m").as_tool("four", "Four")]
NAMED: list[AnyTool] = [one, two]

def of_one(call: ToolCall) -> bool:
    return True

async def of_two(call: ToolCall, ctx: Context[int]) -> str | None:
    return None

async def prompt(tenant: str) -> str:
    return tenant

Agent("openai:m", tools=TOOLS)
Agent("openai:m", tools=MIXED, approve=of_one)
Agent("openai:m", tools=NAMED, approve=of_two, system=prompt, tool_errors="raise")
reveal_type(Agent("openai:m"))
reveal_type(Agent("openai:m", output=list[int]))
reveal_type(Agent("openai:m").clone(timeout=5))
reveal_type(Agent("openai:m").clone(output=list[int], model="openai:n"))
reveal_type(Agent("openai:m", output=int).run_sync("x").output)
both: Agent[int | None] = Agent("openai:m", output=int | None)
reveal_type(one(3))
one("x")
Agent("openai:m", tool_errors="tel")
'''


def checked(*programs: Path) -> list[str]:
    """What mypy says of programs, with its defaults: a line for each remark."""
    pytest.importorskip("mypy", reason="mypy is a tool of those who work on playhead")
    argv = [sys.executable, "-m", "mypy", "--config-file=", f"--cache-dir={ROOT / '.mypy_cache' / 'docs'}"]
    argv += ["--no-error-summary", "--no-pretty", *(program.name for program in programs)]
    done = subprocess.run(argv, cwd=programs[0].parent, capture_output=True, text=True, timeout=300)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_what_a_page_shows_passes_a_type_checker(tmp_path: Path) -> None:
    """Each block that is run is a program that mypy has nothing to say of; and a program's usual lines have the types
    that they should."""
    programs: list[Path] = []
    for page in PAGES:
        for block in blocks(page.read_text("utf-8")):
            if block.kind == "python" and block.reason is None:
                programs.append(tmp_path / f"{page.stem.replace('-', '_')}_{block.line}.py")
                programs[-1].write_text(block.text, "utf-8")
    usual = tmp_path / "usual_lines.py"
    usual.write_text(LINES, "utf-8")
    said = checked(*programs, usual)
    assert [line for line in said if not line.startswith(usual.name)] == []
    words = [re.sub(r"playhead\.agent\.agent\.|builtins\.|^[^ ]+ ", "", line) for line in said]
    assert words[:6] == [
        'note: Revealed type is "Agent[str]"',
        'note: Revealed type is "Agent[list[int]]"',
        'note: Revealed type is "Agent[str]"',
        'note: Revealed type is "Agent[list[int]]"',
        'note: Revealed type is "int"',
        'note: Revealed type is "str"',
    ]
    wrong = [line for line in words[6:] if line.startswith("error: ")]
    assert ["__call__" in wrong[0], "Agent" in wrong[1], len(wrong)] == [True, True, 2]
