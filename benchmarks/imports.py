"""What an import adds to a bare interpreter, and a program that asks one question, in milliseconds of CPU.

A new process a time; the best of several, as what else the machine does only ever adds; the same interpreter started
bare is measured beside it and taken off. Files are in the system's cache, so CPU is what one waits for.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Program(NamedTuple):
    """What a new interpreter runs: ``beside`` says that it needs the peers' environment."""

    label: str
    beside: bool
    code: str


IMPORTS = (
    Program("import playhead", False, "import playhead"),
    Program("from playhead import Agent, tool", False, "from playhead import Agent, tool"),
    Program("asyncio, msgspec and aiohttp", True, "import asyncio, msgspec, aiohttp"),
    Program("asyncio, msgspec and pyreqwest", True, "import asyncio, msgspec, pyreqwest.client"),
    Program("openai", True, "from openai import AsyncOpenAI"),
    Program("litellm", True, "import litellm"),
    Program(
        "pydantic-ai", True, "from pydantic_ai import Agent; from pydantic_ai.models.openai import OpenAIChatModel as M"
    ),
    Program("openai-agents", True, "from agents import Agent, Runner"),
)


def first_answers(url: str) -> tuple[Program, ...]:
    """Programs that ask one question, streamed by none, and end."""
    base = f"{url}/api/v1"
    body = '{"model":"m","messages":[{"role":"user","content":"hi"}]}'
    post = f"'{base}/chat/completions'"
    headers = "{'Content-Type': 'application/json'}"
    return (
        Program(
            "from playhead import Agent, tool",
            False,
            "import asyncio; from playhead import Model, Request, user\n"
            f"model = Model.of('openrouter:m', base_url='{base}', api_key='none')\n"
            "asyncio.run(model.ask(Request('m', (user('hi'),)))).tool_calls[0]",
        ),
        Program(
            "asyncio, msgspec and aiohttp",
            True,
            "import asyncio, msgspec, aiohttp\n"
            "async def main():\n"
            "    async with aiohttp.ClientSession() as client:\n"
            f"        async with client.post({post}, data='{body}', headers={headers}) as answer:\n"
            "            return msgspec.json.decode(await answer.read())\n"
            "asyncio.run(main())['choices']",
        ),
        Program(
            "asyncio, msgspec and pyreqwest",
            True,
            "import asyncio, msgspec\n"
            "from pyreqwest.client import ClientBuilder\n"
            "async def main():\n"
            "    async with ClientBuilder().build() as client:\n"
            f"        answer = await client.post({post}).headers({headers}).body_text('{body}').build().send()\n"
            "        return msgspec.json.decode(bytes(await answer.bytes()))\n"
            "asyncio.run(main())['choices']",
        ),
        Program(
            "openai",
            True,
            "import asyncio; from openai import AsyncOpenAI\n"
            "messages = [{'role': 'user', 'content': 'hi'}]\n"
            f"client = AsyncOpenAI(base_url='{base}', api_key='none')\n"
            "asyncio.run(client.chat.completions.create(model='m', messages=messages)).choices[0]",
        ),
        Program(
            "litellm",
            True,
            "import asyncio, litellm\n"
            "messages = [{'role': 'user', 'content': 'hi'}]\n"
            f"call = litellm.acompletion('openrouter/m', messages, api_base='{base}', api_key='none')\n"
            "asyncio.run(call).choices[0]",
        ),
    )


def cpu_seconds(python: Path, code: str) -> float | None:
    """The CPU that a new interpreter uses for a program; None where it fails."""
    try:
        process = subprocess.Popen([python, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return None
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime if status == 0 else None


def import_times(programs: Sequence[Program], own: Path, peers: Path, *, turns: int = 7) -> dict[str, float]:
    """Label to milliseconds over bare Python; what does not run is left out."""
    best: dict[str, float] = {}
    bare: dict[bool, float] = {}
    for turn in range(turns):
        for beside, python in ((False, own), (True, peers)):
            taken = cpu_seconds(python, "pass")
            if taken is not None:
                bare[beside] = min(taken, bare.get(beside, taken))
        for label, beside, code in programs:
            if beside not in bare:
                continue
            if turn >= 3 and best.get(label, 1.0) > 0.5:  # half a second: what the machine adds is small beside that
                continue
            taken = cpu_seconds(peers if beside else own, code)
            if taken is not None:
                best[label] = min(taken, best.get(label, taken))
    return {label: (best[label] - bare[beside]) * 1e3 for label, beside, _ in programs if label in best}
