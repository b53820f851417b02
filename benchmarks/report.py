"""The figures as a page: tables with every client beside playhead, and the goals with what was reached."""

from __future__ import annotations

import datetime
import os
import platform
from pathlib import Path
from typing import Any, NamedTuple

import scale


class Figures(NamedTuple):
    """All that was measured: costs by client and case, and by dialect, as (wall µs, CPU µs), replays by kind, imports
    and first answers in ms, and ``scale`` what very many came to; ``engine`` is the HTTP engine that playhead was seen
    to use."""

    clients: dict[str, dict[str, list[float]]]
    dialects: dict[str, list[float]]
    replays: dict[str, dict[str, Any]]
    imports: dict[str, float]
    answers: dict[str, float]
    engine: str
    scale: dict[str, Any]
    versions: dict[str, str]
    absent: dict[str, str]
    rounds: tuple[int, int]

    def cpu(self, client: str, case: str) -> float | None:
        """CPU of one act, in µs; None where it was not measured."""
        cost = self.clients.get(client, {}).get(case)
        return None if cost is None else cost[1]


#: Case, heading, unit, how many µs the unit has, what stands below.
TABLES = (
    ("call", "One call", "µs", 1, "One question, answered with a tool call; its arguments are decoded."),
    (
        "at once",
        "A hundred calls at once",
        "µs",
        1,
        "The same, a hundred under way at any time; the cost of one of them.",
    ),
    ("weather", "The weather run", "µs", 1, "An agent's run: two model calls and the tool between them."),
    ("stream", "A stream of 1,000 deltas", "ms", 1000, "Sent at once: the cost is the reading, not the waiting."),
    (
        "paced",
        "The same stream, a delta about every millisecond",
        "ms",
        1000,
        "Every delta wakes the client; the time on the clock is the server's.",
    ),
)


def page(figures: Figures) -> str:
    """docs/benchmarks.md, whole."""
    parts = [head(figures), goals(figures)]
    parts += [table(figures, *row) for row in TABLES]
    parts += [dialects(figures), imports(figures), replays(figures), yaml(figures)]
    parts += [*scale.tables(figures.scale), foot(figures)]
    return "\n\n".join(part for part in parts if part) + "\n"


def head(figures: Figures) -> str:
    """What was measured, where and when."""
    return (
        "# Benchmarks\n\n"
        "What playhead costs beside the bare HTTP client and beside its peers. `make bench` measures everything anew "
        "and writes this page; absolute times are this machine's and this day's, the ratios are what counts.\n\n"
        f"{datetime.datetime.now(datetime.UTC).date()}, {os.cpu_count()} cores of {processor()}, "
        f"{platform.python_implementation()} {platform.python_version()}, {platform.system()}. "
        f"Every figure is the median of {figures.rounds[0]} rounds, of {figures.rounds[1]} for playhead and the raw "
        "clients, each client in a process of its own, "
        "all against one loopback server in another process that answers with the bodies of the example's tape. "
        "CPU is that of the client's process, all its threads, user and system."
    )


def goals(figures: Figures) -> str:
    """The goals that the project holds itself to."""
    cpu, replay = figures.cpu, figures.replays.get("playhead", {}).get("loaded", {})
    raw = f"raw {figures.engine}"
    small, large = replay.get("12"), replay.get("3000")
    engine = figures.imports.get(f"asyncio, msgspec and {figures.engine}")
    rows: list[scale.Goal] = [
        (
            "`import playhead`, over bare Python",
            "< 15 ms",
            figures.imports.get("import playhead"),
            15.0,
            "{:.1f} ms",
            1,
        ),
        (
            "`from playhead import Agent, tool`, to asyncio, msgspec and the engine together",
            "≤ 1.25x",
            ratio(figures.imports.get("from playhead import Agent, tool"), engine),
            1.25,
            "{:.2f}x",
            1,
        ),
        (
            f"one call, CPU, to the {raw} client",
            "≤ 1.5x",
            ratio(cpu("playhead", "call"), cpu(raw, "call")),
            1.5,
            "{:.2f}x",
            1,
        ),
        (
            "the weather run, CPU, pydantic-ai to playhead",
            "≥ 8x",
            ratio(cpu("pydantic-ai", "weather"), cpu("playhead", "weather")),
            8.0,
            "{:.1f}x",
            -1,
        ),
        (
            "1,000 deltas, CPU, openai SDK to playhead",
            "≥ 10x",
            ratio(cpu("openai", "stream"), cpu("playhead", "stream")),
            10.0,
            "{:.1f}x",
            -1,
        ),
        (
            "1,000 deltas over any other dialect, CPU, to openai_chat",
            "≤ 1.5x",
            max((share for row, share in shares(figures).items() if row != "openai_chat"), default=None),
            1.5,
            "{:.2f}x at most",
            1,
        ),
        ("replay, per exchange, of 12", "< 0.1 ms", thousandth(small), 0.1, "{:.3f} ms", 1),
        ("replay, per exchange, of 3,000", "< 0.1 ms", thousandth(large), 0.1, "{:.3f} ms", 1),
        ("replay, per exchange, of 3,000 to of 12", "the same, ≤ 1.2x", ratio(large, small), 1.2, "{:.2f}x", 1),
        *scale.goals(figures.scale),
    ]
    lines = ["| goal | | measured | reached |", "|---|---|---|---|"]
    for what, goal, value, bound, form, sign in rows:
        if value is None:
            lines.append(f"| {what} | {goal} | not measured | |")
        else:
            reached = "yes" if sign * (bound - value) >= 0 else "**no**"
            lines.append(f"| {what} | {goal} | {form.format(value)} | {reached if goal else ''} |")
    return "## Goals\n\n" + "\n".join(lines)


def table(figures: Figures, case: str, heading: str, unit: str, per: int, words: str) -> str:
    """One case over every client that has it."""
    base = figures.cpu("playhead", case)
    lines = [f"| | wall {unit} | CPU {unit} | CPU, playhead = 1 |", "|---|---|---|---|"]
    for client, costs in figures.clients.items():
        if case in costs:
            wall, cpu = costs[case]
            share = ratio(cpu, base)
            lines.append(
                f"| {client} | {number(wall / per)} | {number(cpu / per)} | {'' if share is None else f'{share:.2f}'} |"
            )
    return f"## {heading}\n\n{words}\n\n" + "\n".join(lines) if len(lines) > 2 else ""


def shares(figures: Figures) -> dict[str, float]:
    """The CPU of each dialect's stream to that of openai_chat; empty where they were not measured."""
    base = figures.dialects.get("openai_chat")
    return {row: cost[1] / base[1] for row, cost in figures.dialects.items()} if base else {}


def dialects(figures: Figures) -> str:
    """The same stream over every dialect."""
    lines = ["| | wall ms | CPU ms | CPU, openai_chat = 1 |", "|---|---|---|---|"]
    for row, share in shares(figures).items():
        wall, cpu = figures.dialects[row]
        lines.append(f"| {row} | {number(wall / 1000)} | {number(cpu / 1000)} | {share:.2f} |")
    words = (
        "The text of the stream above as the server of each wire sends it, asked by a model and folded to a response."
    )
    return f"## The stream over each dialect\n\n{words}\n\n" + "\n".join(lines) if len(lines) > 2 else ""


def imports(figures: Figures) -> str:
    """What an import adds to bare Python."""
    lines = ["| | the import | and the first answer |", "|---|---|---|"]
    for label in {**figures.imports, **figures.answers}:
        cells = [figures.imports.get(label), figures.answers.get(label)]
        lines.append(f"| {label} | {' | '.join('' if cell is None else number(cell) for cell in cells)} |")
    words = (
        "Milliseconds of CPU over bare Python, each in a new process, the best of several; and the same up to the "
        "answer of one call, as what an import puts off has to be loaded then."
    )
    return f"## Imports and first answers\n\n{words}\n\n" + "\n".join(lines)


def replays(figures: Figures) -> str:
    """What an exchange costs that comes from a tape."""
    lines = ["| CPU µs per exchange | loaded | with loading |", "|---|---|---|"]
    for kind, found in figures.replays.items():
        for size in found.get("loaded", {}):
            cells = f"{number(found['loaded'][size])} | {number(found['with loading'][size])}"
            lines.append(f"| {kind}{' and httpx' if kind == 'vcrpy' else ''}, a tape of {int(size):,} | {cells} |")
        if "example" in found:
            lines.append(f"| {kind}, the example's tape of 12, by an agent | | {number(found['example'])} |")
    if len(lines) == 2:
        return ""
    recorded = figures.replays.get("playhead", {}).get("record")
    words = "Each exchange is a question of its own, found by its body, decoded and folded to a response."
    if recorded is not None:
        words += (
            f" Recording one, with the live call and a flush of the file, takes playhead {number(recorded)} µs of CPU."
        )
    return f"## Replay\n\n{words}\n\n" + "\n".join(lines)


def yaml(figures: Figures) -> str:
    """Megabytes a second."""
    lines = ["| MB/s | reading | writing |", "|---|---|---|"]
    names = {"playhead": "playhead: a tape", "PyYAML": "PyYAML's C reader and writer: plain values"}
    for kind, words in names.items():
        found = figures.replays.get(kind, {})
        if "read" in found:
            lines.append(f"| {words} | {number(found['read'])} | {number(found['write'])} |")
    return (
        "## Reading and writing tapes\n\nThe tape of 3,000 exchanges.\n\n" + "\n".join(lines) if len(lines) > 2 else ""
    )


def foot(figures: Figures) -> str:
    """Versions, and who is missing."""
    lines = [
        "## Versions",
        "",
        ", ".join(f"{name} {version}" for name, version in sorted(figures.versions.items())) + ".",
    ]
    for name, why in figures.absent.items():
        lines += ["", f"Left out: {name} ({why})."]
    return "\n".join(lines)


def ratio(a: float | None, b: float | None) -> float | None:
    """a to b; None where one of them is missing."""
    return a / b if a is not None and b else None


def thousandth(value: float | None) -> float | None:
    """µs as ms."""
    return None if value is None else value / 1000


def number(value: float) -> str:
    """Three digits that mean something: 4495, 83.1, 2.04."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def processor() -> str:
    """The CPU's name, as Linux or the platform tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
