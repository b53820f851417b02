"""The page put together: its HTML, styles and scripts, and the data, in one file that needs no other.

Nothing on the page is trusted but what is here. A Content-Security-Policy lets run only the scripts and styles whose
hashes it names and lets the page ask nobody for anything: images are ``data:``, everything else is refused. The data
stands in blocks that are no scripts, JSON in which no ``<`` is left, so that no body can end its block; the scripts put
it on the page as text. A block that is large is compressed (gzip, in base64: ``DecompressionStream`` undoes it).

The scripts are run one after the other in the order of :data:`SCRIPTS` and share one scope; each file opens with what
it is for.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import Any

from playhead.deck.view.data import encoded

STYLES = ("colours", "frame", "list", "conversation", "panes", "print")
SCRIPTS = (
    "elements",
    "words",
    "data",
    "highlight",
    "json",
    "parts",
    "state",
    "timeline",
    "list",
    "conversation",
    "exchange",
    "difference",
    "compare",
    "search",
    "keys",
    "start",
)
#: Bytes of JSON from which a block is compressed: below it, a reader of the file can read the data.
LARGE = 200_000


def page(data: dict[str, Any]) -> bytes:
    """The file, of the data that :func:`playhead.deck.view.data.document` gives."""
    styles = [_read(f"{name}.css") for name in STYLES]
    scripts = [_read(f"{name}.js") for name in SCRIPTS]
    policy = "; ".join(
        (
            "default-src 'none'",
            "script-src " + " ".join(_hash(script) for script in scripts),
            "style-src " + " ".join(_hash(style) for style in styles),
            "img-src data:",
            "connect-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    names = ", ".join(tape["name"] for tape in data["run"]["tapes"])
    blocks = "\n".join(_block(name, data[name]) for name in ("run", "bodies"))
    pieces = {
        "policy": policy,
        "title": _escaped(names),
        "styles": "\n".join(f"<style>{style}</style>" for style in styles),
        "data": blocks,
        "scripts": "\n".join(f"<script>{script}</script>" for script in scripts),
    }
    html = _read("page.html")
    out: list[str] = []
    for index, piece in enumerate(html.split("%%")):
        out.append(pieces[piece] if index % 2 else piece)
    return "".join(out).encode("utf-8", "replace")


def _block(name: str, data: Any) -> str:
    """A block of data: JSON as it is, or compressed."""
    text = encoded(data)
    if len(text) < LARGE:
        return f'<script type="application/json" id="data-{name}">{text.decode("ascii")}</script>'
    import gzip

    packed = b64encode(gzip.compress(text, 6, mtime=0)).decode("ascii")
    return f'<script type="text/plain" id="data-{name}" data-packed="gzip">{packed}</script>'


def _read(name: str) -> str:
    return files("playhead.deck.view").joinpath("browser", name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode('ascii')}'"


def _escaped(text: str) -> str:
    from html import escape

    return escape(
        text.translate(
            dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), " ")
        )
    )
