"""The layers of the house, read from the import statements.

    cli > deck, testing, watch, mcp_client, losses, histories, batch, gateway > agent, embedding > resilience > model
        > call > answers, shaping, blocking > providers, transport, local > dialects, tapes > framing > fold
        > vocabulary

An import points down, or stays within its own package; packages beside each other do not know each other. Every import
statement counts: at the top, inside a function, under ``TYPE_CHECKING``. The root package is exempt, as it only names
what the others hold.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src"

#: From the bottom up; what stands in one row does not import each other.
LAYERS = (
    ("messages", "request", "response", "events", "errors", "given", "bounds", "wire", "surrogates"),
    ("fold",),
    ("framing",),
    ("dialects", "tapes"),
    ("providers", "transport", "local"),
    ("answers", "shaping", "blocking"),
    ("call",),
    ("model",),
    ("resilience",),
    ("agent", "embedding"),
    ("batch", "gateway", "deck", "testing", "losses", "histories", "mcp_client", "watch"),
    ("cli",),
    ("__main__",),
)
RANK = {name: rank for rank, row in enumerate(LAYERS) for name in row}
VOCABULARY = frozenset(LAYERS[0])

#: Between packages of one row, the few that may: (who, what).
BESIDE = {("local", "playhead.transport.base")}

#: Packages that do not import what their layer would allow: who, what, why.
NEVER = (
    ("agent", "dialects", "the agent sees a Model, never a dialect"),
    ("gateway", "agent", "the gateway never imports the agent"),
    ("tapes", "framing", "tapes hold bytes and do not cut them"),
)

#: What stands beside the dialects and is none: the first for all of them, the others for those who bind one.
NO_DIALECT = frozenset({"base", "constrained_tools", "structured"})

#: What every dialect may use: no wire is named in them but the envelope that two wires of one maker share.
COMMON = frozenset(
    {"arguments", "base", "base64_text", "cache_control", "decoding", "foreign", "halves", "lenient", "names"}
    | {"no_answer", "openai_errors", "openai_output", "path_segment", "profile", "received", "refusal_text"}
    | {"sampling", "unmodelled"}
)

#: What a dialect leaves to others: HTTP, tasks, clocks, chance, files, processes.
IMPURE = frozenset(
    {
        "aiohttp",
        "asyncio",
        "concurrent",
        "datetime",
        "http",
        "httpx",
        "io",
        "logging",
        "multiprocessing",
        "os",
        "pathlib",
    }
    | {"pyreqwest", "random", "secrets", "select", "socket", "ssl", "subprocess", "tempfile", "threading", "time"}
    | {"urllib"}
)


def imports(name: str, source: str, is_package: bool = False) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that a module imports; ``from a import b`` gives ``a.b``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = name.split(".") if is_package else name.split(".")[:-1]
                parents = parents[: len(parents) - node.level + 1]
                base = ".".join([*parents, base] if base else parents)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def room(name: str) -> str:
    """The part of the house that a module is in: ``room("playhead.tapes.yaml") == "tapes"``."""
    return name.split(".")[1] if "." in name else ""


def faults(name: str, source: str, is_package: bool = False) -> list[str]:
    """What is wrong with the imports of one module, in words."""
    mine = room(name)
    found: list[str] = []
    if mine not in RANK:
        return [f"{name}: {mine!r} is in no layer; give it one in {Path(__file__).name}"]
    for line, target in imports(name, source, is_package):
        where = f"{name}:{line} imports {target}"
        top, theirs = target.split(".")[0], room(target)
        if mine == "dialects" and top in IMPURE:
            found.append(f"{where}: a dialect is bytes and values, no {top}")
        if mine in VOCABULARY and top not in ("playhead", "msgspec") and not is_standard(top):
            found.append(f"{where}: the vocabulary needs the standard library and msgspec, no more")
        if top != "playhead" or target == "playhead.__version__":
            continue
        if theirs not in RANK:
            found.append(f"{where}: import it from the module that defines it")
        elif theirs == mine:
            found.extend(f"{where}: {fault}" for fault in within(name, target))
        elif mine in VOCABULARY and theirs in VOCABULARY:
            continue
        elif RANK[theirs] == RANK[mine]:
            if not any(mine == who and (target + ".").startswith(what + ".") for who, what in BESIDE):
                found.append(f"{where}: {mine} and {theirs} do not know each other")
        elif RANK[theirs] > RANK[mine]:
            found.append(f"{where}: {theirs} stands above {mine}")
        else:
            found.extend(f"{where}: {why}" for who, what, why in NEVER if (mine, theirs) == (who, what))
    return found


def within(name: str, target: str) -> list[str]:
    """What is wrong with an import inside one package: a dialect may use the base and itself, no other dialect."""
    mine, theirs = name.split("."), target.split(".")
    if mine[1] != "dialects" or len(theirs) < 3 or theirs[2] in COMMON:
        return []
    if len(mine) > 2 and (mine[2] == theirs[2] or {mine[2], theirs[2]} <= NO_DIALECT):
        return []
    return ["a dialect knows no other dialect"]


def is_standard(top: str) -> bool:
    """Whether a top-level module comes with Python."""
    return top in sys.stdlib_module_names


def modules() -> list[tuple[str, Path]]:
    """Every module of the package but the root, by name."""
    found = []
    for path in sorted((SOURCE / "playhead").rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name != "playhead":
            found.append((name, path))
    return found


@pytest.mark.parametrize(("name", "path"), modules(), ids=[name for name, _ in modules()])
def test_imports_point_down(name: str, path: Path) -> None:
    """No module of the package imports what stands above or beside it."""
    assert faults(name, path.read_text("utf-8"), path.name == "__init__.py") == []


@pytest.mark.parametrize(
    ("name", "source", "fault"),
    [
        ("playhead.messages", "import pyreqwest", "standard library and msgspec"),
        ("playhead.errors", "def f():\n    from playhead.fold import fold", "fold stands above errors"),
        ("playhead.fold", "from playhead import tapes", "tapes stands above fold"),
        ("playhead.wire", "import playhead.model", "model stands above wire"),
        ("playhead.tapes.match", "from playhead.dialects.base import Endpoint", "do not know each other"),
        ("playhead.tapes.tape", "from playhead.framing import sse", "do not cut them"),
        ("playhead.dialects.gemini.stream", "import asyncio", "no asyncio"),
        ("playhead.dialects.gemini.stream", "from playhead.dialects.openai_chat import wire", "no other dialect"),
        ("playhead.dialects.gemini.stream", "from ..openai_chat import wire", "no other dialect"),
        ("playhead.dialects.base", "if TYPE_CHECKING:\n    from playhead.dialects import gemini", "no other dialect"),
        ("playhead.dialects.gemini", "from playhead.dialects import constrained_tools", "no other dialect"),
        ("playhead.dialects.constrained_tools", "from playhead.dialects import gemini", "no other dialect"),
        ("playhead.agent.run", "from playhead.dialects import base", "never a dialect"),
        ("playhead.gateway.route", "from playhead.agent import Agent", "never imports the agent"),
        ("playhead.local.server", "from playhead.transport.http import HTTPTransport", "do not know each other"),
        ("playhead.model", "from playhead import Agent", "from the module that defines it"),
        ("playhead.manager", "", "in no layer"),
    ],
)
def test_the_rules_find_what_breaks_them(name: str, source: str, fault: str) -> None:
    """Each rule is seen to fail on a module made to break it."""
    found = faults(name, source)
    assert len(found) == 1
    assert fault in found[0]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("playhead.messages", "import msgspec\nfrom decimal import Decimal\nfrom playhead.errors import ConfigError"),
        ("playhead.dialects.gemini.stream", "from .request import parts\nfrom playhead.dialects.base import Decoder"),
        ("playhead.dialects.gemini.stream", "from playhead.framing.sse import SSEDecoder\nfrom playhead import fold"),
        ("playhead.local.server", "from playhead.transport.base import Transport"),
        (
            "playhead.cli.main",
            "import asyncio\nfrom playhead import __version__\nfrom playhead.deck import view",
        ),
    ],
)
def test_the_rules_allow_what_points_down(name: str, source: str) -> None:
    """What the house allows is not reported."""
    assert faults(name, source) == []


@pytest.mark.parametrize("page", ["AGENTS.md", "docs/design.md", "tests/test_layers.py"])
def test_the_pages_name_the_layers_that_there_are(page: str) -> None:
    """The line of layers, where it is told, is the rows of this file from the top."""
    text = (SOURCE.parent / page).read_text("utf-8")
    told = re.search(r"\bcli > .*? fold\s+>?\s*(?:> )?vocabulary", text, re.DOTALL)
    assert told is not None
    rows = [set(re.findall(r"\w+", row)) for row in told[0].split(">")]
    assert rows == [*(set(row) for row in reversed(LAYERS[1:-1])), {"vocabulary"}]


def test_the_plan_of_the_house_names_every_room() -> None:
    """What lies in src/playhead is told in docs/design.md."""
    page = (SOURCE.parent / "docs" / "design.md").read_text("utf-8")
    rooms = {path.stem for path in (SOURCE / "playhead").iterdir() if path.stem in RANK and path.stem != "__main__"}
    assert {room for room in rooms if not re.search(rf"\b{room}\b", page)} == set()
