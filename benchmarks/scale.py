"""What happens when there is very much of it: crowds, storms and servers, as tables and goals for the page.

Each is a program of its own beside this one (``crowd.py``, ``storm.py``, ``serve.py``), that says what it does and how
it measures; here they are run one after the other, and what they print is put into words.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PROGRAMS = {"crowd": ["crowd.py", "--json"], "storm": ["storm.py", "--json"], "serve": ["serve.py"]}

#: What is measured, the goal, where the figure stands, its bound and form, and 1 where less is better.
Goal = tuple[str, str, float | None, float, str, int]


def measured() -> dict[str, Any]:
    """What each program printed; one that failed is left out, and why is said."""
    found = {}
    for name, (script, *rest) in PROGRAMS.items():
        print(name, file=sys.stderr)
        done = subprocess.run([sys.executable, HERE / script, *rest], capture_output=True, text=True)
        if done.returncode:
            print(f"  absent: {(done.stderr.strip().splitlines() or ['no word'])[-1]}", file=sys.stderr)
        else:
            found[name] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def goals(found: dict[str, Any]) -> list[Goal]:
    """The goals of this part; a figure that was not measured is None."""
    crowd = found.get("crowd", {})
    wall = {who: one["wall"] / one["ideal"] for who, one in crowd.items()}
    storm = list(found.get("storm", {}).get("ways", {}).values())
    refused = max((one["limiter"]["refused"] / one["limiter"]["requests"] for one in storm), default=None)
    faster = min((one["fixed backoff"]["seconds"] / one["limiter"]["seconds"] for one in storm), default=None)
    serve = found.get("serve", {})
    return [
        ("10,000 weather runs at once, wall, to the ideal", "≤ 1.3x", wall.get("playhead"), 1.3, "{:.2f}x", 1),
        ("the same by the HTTP client alone", "", wall.get("raw"), float("inf"), "{:.2f}x", 1),
        ("the same, memory", "< 60 KB a run", crowd.get("playhead", {}).get("kilobytes"), 60.0, "{:.1f} KB", 1),
        ("a storm, requests refused", "< 10%", refused, 0.1, "{:.1%} at most", 1),
        ("a storm, fixed backoff's time to playhead's", "> 1x", faster, 1.0, "{:.2f}x at least", -1),
        (
            "`playhead serve`, exchanges a second on one core",
            "≥ 5,000",
            serve.get("playhead serve", {}).get("per core second"),
            5000.0,
            "{:,.0f}",
            -1,
        ),
        (
            "`playhead record`, added to the first byte",
            "≤ 2 ms",
            serve.get("record, first byte", {}).get("added ms"),
            2.0,
            "{:.2f} ms",
            1,
        ),
    ]


def tables(found: dict[str, Any]) -> list[str]:
    """Crowd, storm and servers, each a section; those that were not measured are left out."""
    return [make(found[name]) for name, make in (("crowd", crowd), ("storm", storm), ("serve", serve)) if name in found]


def crowd(found: dict[str, Any]) -> str:
    """Ten thousand at once."""
    words = {
        "raw": "raw aiohttp",
        "playhead": "playhead",
        "seldom": "playhead, with `gc.set_threshold(50_000)`",
    }
    lines = ["| | wall s | to the ideal | CPU s | KB a run |", "|---|---|---|---|---|"]
    for who, one in found.items():
        share = one["wall"] / one["ideal"]
        lines.append(f"| {words[who]} | {one['wall']:.1f} | {share:.2f} | {one['cpu']:.1f} | {one['kilobytes']:.1f} |")
    one = found["playhead"]
    head = (
        f"## Ten thousand at once\n\n{one['runs']:,} weather runs in one process, at a server that takes five seconds "
        f"for each answer: {one['ideal']:g} s is the least. Client and server have a core each, so that a client that "
        "computes while answers wait to be read is past the ideal by that much."
    )
    return f"{head}\n\n" + "\n".join(lines)


def storm(found: dict[str, Any]) -> str:
    """A provider that says slow down."""
    words = {
        "seconds": "`Retry-After` in seconds",
        "milliseconds": "`retry-after-ms`",
        "headers": "`x-ratelimit` headers",
    }
    lines = ["| the provider says | | wall s | requests | refused |", "|---|---|---|---|---|"]
    for way, both in found["ways"].items():
        for name, one in both.items():
            share = one["refused"] / one["requests"]
            lines.append(f"| {words[way]} | {name} | {one['seconds']:.1f} | {one['requests']:,} | {share:.1%} |")
    head = (
        f"## A storm\n\n{found['runs']:,} runs at once, at a provider that allows {found['rate']:g} requests a second "
        f"and answers 429 beyond: {found['least_seconds']:.0f} s is the least."
    )
    return f"{head}\n\n" + "\n".join(lines)


def serve(found: dict[str, Any]) -> str:
    """Exchanges a second, and the first byte through the proxy."""
    lines = ["| | exchanges a second of CPU |", "|---|---|"]
    for name, one in found.items():
        if one is not None and "per core second" in one:
            lines.append(f"| {name} | {one['per core second']:,} |")
    byte = found["record, first byte"]
    return (
        "## Serving and recording tapes\n\n"
        + "\n".join(lines)
        + f"\n\nThe first byte of a stream comes after {byte['direct ms']:.2f} ms from a provider on loopback, and "
        f"after {byte['recorded ms']:.2f} ms through `playhead record`."
    )
