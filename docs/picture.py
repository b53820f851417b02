"""Draws docs/florence.svg: what `playhead show` prints of the seed, as a picture of a terminal.

`python docs/picture.py` writes it anew; a test holds the file to what the command prints.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "florence.svg"
COMMAND = ("show", "examples/florence.yaml")
COLUMNS, CELL, LINE = 96, 8.4, 19
INK = {
    "30": "#6b7280", "31": "#f87171", "32": "#4ade80", "33": "#fbbf24", "34": "#60a5fa", "35": "#c084fc",
    "36": "#22d3ee", "37": "#e5e7eb", "90": "#6b7280",
}  # fmt: skip


def printed() -> str:
    """What the command prints to a terminal of 96 columns, colours included."""
    done = subprocess.run(
        [sys.executable, "-m", "playhead", *COMMAND, "--color", "always"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": str(COLUMNS)},
        capture_output=True,
        check=True,
    )
    return done.stdout.decode()


def spans(line: str) -> list[tuple[str, str]]:
    """A line with ANSI colours as (text, SVG attributes)."""
    found: list[tuple[str, str]] = []
    bold = dim = False
    colour = "#e5e7eb"
    for piece in re.split(r"(\x1b\[[0-9;]*m)", line):
        code = re.fullmatch(r"\x1b\[([0-9;]*)m", piece)
        if code is None:
            if piece:
                style = f'fill="{"#8b93a1" if dim else colour}"' + (' font-weight="bold"' if bold else "")
                found.append((piece, style))
            continue
        for number in (code[1] or "0").split(";"):
            if number == "0":
                bold, dim, colour = False, False, "#e5e7eb"
            elif number == "1":
                bold = True
            elif number == "2":
                dim = True
            elif number == "22":
                bold = dim = False
            elif number == "39":
                colour = "#e5e7eb"
            elif number in INK:
                colour = INK[number]
    return found


def drawn(text: str) -> str:
    """The SVG of a terminal that shows the command and this output."""
    lines = [f"\x1b[32m$\x1b[0m playhead {' '.join(COMMAND)}", *text.rstrip("\n").split("\n")]
    width, height = round(COLUMNS * CELL) + 40, len(lines) * LINE + 62
    rows = []
    for number, line in enumerate(lines):
        x, y = 20.0, 54 + number * LINE
        for words, style in spans(line):
            for run in re.finditer(r"\S+(?: \S+)*", words):  # each stands in its own column, whatever the font
                place = f'x="{x + run.start() * CELL:.1f}" y="{y}" textLength="{len(run[0]) * CELL:.1f}"'
                rows.append(f"<text {place} {style}>{escape(run[0])}</text>")
            x += len(words) * CELL
    dots = "".join(
        f'<circle cx="{20 + 18 * i}" cy="20" r="6" fill="{c}"/>'
        for i, c in enumerate(("#f87171", "#fbbf24", "#4ade80"))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14">'
        f'<rect width="{width}" height="{height}" rx="10" fill="#111827"/>{dots}\n' + "\n".join(rows) + "\n</svg>\n"
    )


if __name__ == "__main__":
    PICTURE.write_text(drawn(printed()), encoding="utf-8")
    print(f"wrote {PICTURE.relative_to(ROOT)}")
