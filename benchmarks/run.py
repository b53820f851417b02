"""Measures playhead beside its peers in one run, prints the tables and writes docs/benchmarks.md.

    make bench                                    everything, in about seven minutes
    python benchmarks/run.py --only playhead,"raw aiohttp" --rounds 1 --out figures.md

Each client is measured in a process of its own, in the environment that it is installed in; the rounds are outermost,
so that a drift of the machine meets all alike; every figure is the median of the rounds. What a case does stands in
``clients.py``, ``dialects.py``, ``imports.py`` and ``replays.py``; the page's words in ``report.py``. Crowds, storms
and servers (``scale.py``) are measured last, once, and where nothing is left out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import scale
from imports import IMPORTS, first_answers, import_times
from report import Figures, page

HERE = Path(__file__).resolve().parent
OWN = Path(sys.executable)
PEERS = HERE.parent / ".bench-venv" / "bin" / "python"

CLIENTS = {
    "playhead": OWN,
    "raw aiohttp": PEERS,
    "raw pyreqwest": PEERS,
    "openai": PEERS,
    "litellm": PEERS,
    "pydantic-ai": PEERS,
    "openai-agents": PEERS,
}
LIGHT = {"playhead", "raw aiohttp", "raw pyreqwest"}  # cheap to measure, and near enough to each other to need it
ONCE = {"PyYAML", "vcrpy"}  # slow enough that nothing else the machine does shows
REPLAYS = {"playhead": OWN, "PyYAML": OWN, "vcrpy": PEERS}  # PyYAML reads the tape that playhead recorded


def run(python: Path, *arguments: str) -> dict[str, Any]:
    """What a measuring process printed; ``absent`` says why there is nothing."""
    try:
        done = subprocess.run([python, *arguments], capture_output=True, text=True, timeout=120)
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"absent": str(error)}
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        return {"absent": (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]}
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def light_rounds(rounds: int) -> int:
    """How many rounds those take part in who are cheap to measure."""
    return 2 * rounds + 1


def medians(rounds: list[Any]) -> Any:
    """Several results of one shape as one, every number the median."""
    first = rounds[0]
    if isinstance(first, dict):
        return {key: medians([each[key] for each in rounds]) for key in first}
    if isinstance(first, list):
        return [medians(list(column)) for column in zip(*rounds, strict=True)]
    return statistics.median(rounds) if isinstance(first, int | float) else first


def measured(only: set[str], rounds: int, url: str, folder: str) -> Figures:
    """All figures, the rounds outermost."""
    found: dict[tuple[str, str], list[Any]] = {}
    absent: dict[str, str] = {}
    plan = [("clients", name, python, "clients.py") for name, python in CLIENTS.items()]
    plan += [("dialects", "playhead", OWN, "dialects.py")]
    plan += [("replays", name, python, "replays.py") for name, python in REPLAYS.items()]
    for number in range(light_rounds(rounds)):
        for kind, name, python, script in plan:
            if (only and name not in only) or f"{kind} {name}" in absent or (number and name in ONCE):
                continue
            if number >= rounds and (kind, name) not in {("clients", light) for light in LIGHT}:
                continue
            print(f"round {number + 1}: {kind[:-1]} {name}", file=sys.stderr)
            result = run(python, str(HERE / script), name, url, *([folder] if kind == "replays" else []))
            if "absent" in result:
                absent[f"{kind} {name}"] = result["absent"].replace(folder, "…")
                print(f"  absent: {result['absent']}", file=sys.stderr)
            else:
                found.setdefault((kind, name), []).append(result)
    print("imports and first answers", file=sys.stderr)
    whole = {key: medians(results) for key, results in found.items()}
    versions: dict[str, str] = {}
    for result in whole.values():
        versions |= result["versions"]
    return Figures(
        clients={name: result["costs"] for (kind, name), result in whole.items() if kind == "clients"},
        dialects=whole.get(("dialects", "playhead"), {}).get("costs", {}),
        replays={name: result for (kind, name), result in whole.items() if kind == "replays"},
        imports=import_times(IMPORTS, OWN, PEERS),
        answers=import_times(first_answers(url), OWN, PEERS, turns=3),
        engine=whole.get(("clients", "playhead"), {}).get("engine", ""),
        scale={} if only else scale.measured(),
        versions=versions,
        absent=absent,
        rounds=(rounds, light_rounds(rounds)),
    )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="names of clients, comma-separated")
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs" / "benchmarks.md")
    given = parser.parse_args()
    only = set(filter(None, given.only.split(",")))
    command = [str(OWN), str(HERE / "server.py")]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server,
    ):
        assert server.stdout is not None
        assert server.stdin is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        try:
            text = page(measured(only, given.rounds, url, folder))
        finally:
            server.stdin.close()
    print(text)
    given.out.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
