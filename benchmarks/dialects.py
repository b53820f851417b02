"""What each dialect costs: the same text of 1,000 deltas, over loopback, folded to a response.

    python benchmarks/dialects.py NAME URL        prints the costs as one line of JSON; NAME is "playhead"

All are measured in one process, in turn and several times over, as they are to be compared with each other.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
from importlib.metadata import version
from typing import Any

from measure import Act, Cost, measure

CHARACTERS = 5000
TURNS = 3

#: The row's name, its dialect, and what its profile is told beside.
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "openai_chat": ("openai_chat", {}),
    "openai_responses": ("openai_responses", {}),
    "anthropic_messages": ("anthropic_messages", {}),
    "anthropic_on_bedrock": ("anthropic_messages", {"service": "bedrock", "version": "bedrock-2023-05-31"}),
    "gemini": ("gemini", {}),
    "bedrock_converse": ("bedrock_converse", {}),
}


def act(row: str, url: str) -> Act:
    """Ask for the stream of this row; the number of characters that came."""
    from playhead import Model, Request, user
    from playhead.dialects.base import Endpoint
    from playhead.model import dialect_named
    from playhead.providers.compatible import COMPATIBLE
    from playhead.transport.http import shared_http
    from playhead.transport.retry import DEFAULT_POLICY, SYSTEM_CLOCK

    name, settings = ROWS[row]
    dialect: Any = dialect_named(name)
    base = f"{url}/api/v1" if row == "openai_chat" else f"{url}/wires/{row}"
    endpoint = Endpoint(row, base, dialect.Profile(**settings))
    dialect.decoder(endpoint)  # what is missing is missed here
    model = Model(
        row, "m", COMPATIBLE, endpoint, dialect, key=None, wire=shared_http(), retry=DEFAULT_POLICY, clock=SYSTEM_CLOCK
    )
    request = Request("m", (user("Say a thousand words."),), max_tokens=4000, stream=True)

    async def stream() -> int:
        return len((await model.ask(request)).text)

    return stream


async def costs(url: str) -> dict[str, Cost]:
    """The cost of every row that there is a dialect for."""
    acts: dict[str, Act] = {}
    for row in ROWS:
        try:
            acts[row] = act(row, url)
        except (ImportError, AttributeError) as error:
            print(f"left out: {row} ({error})", file=sys.stderr)
    found: dict[str, list[Cost]] = {row: [] for row in acts}
    for _ in range(TURNS):
        for row, stream in acts.items():
            found[row].append(await measure(stream, CHARACTERS))
    return {
        row: Cost(*(statistics.median(column) for column in zip(*turns, strict=True))) for row, turns in found.items()
    }


def main() -> None:
    """Measure, and print."""
    _, _, url = sys.argv
    print(json.dumps({"versions": {"playhead": version("playhead")}, "costs": asyncio.run(costs(url))}))


if __name__ == "__main__":
    main()
