"""The house as a whole: how large its rooms are, that each has a sign on the door, and what an import may cost.

An import is measured by the modules that it loads, which no busy machine changes; milliseconds are the benchmarks'.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import playhead

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "src" / "playhead").rglob("*.py"))
LONGEST = 500

#: Libraries of the user's own, met only where the user has them.
GUESTS = {"httpx", "pydantic", "pytest"}

#: Names that say nothing of what is inside.
NAMELESS = {"util", "utils", "helper", "helpers", "manager", "hooks", "common", "misc"}

#: What only some uses need, and ``import playhead`` therefore does not load.
HEAVY = frozenset(
    {"aiohttp", "asyncio", "dataclasses", "difflib", "email", "http", "httpx", "inspect", "json", "logging"}
    | {"msgspec", "pydantic", "pyreqwest", "socket", "ssl", "subprocess", "tempfile", "typing_extensions"}
    | {"urllib.request", "xllamacpp", "yaml", "decimal", "importlib.metadata"}
)


def name_of(path: Path) -> str:
    """``src/playhead/tapes/yaml.py`` as "tapes/yaml.py", for a test's name."""
    return path.relative_to(ROOT / "src" / "playhead").as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_opens_with_a_docstring(path: Path) -> None:
    """What a module is for stands at its top."""
    assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), f"{path} has no docstring"


@pytest.mark.parametrize("path", [*MODULES, *sorted(Path(__file__).parent.rglob("*.py"))], ids=lambda path: path.name)
def test_no_file_outgrows_its_plan(path: Path) -> None:
    """A file of more than 500 lines is two files."""
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_named_after_what_it_holds(path: Path) -> None:
    """No module or package is a drawer for what found no place."""
    assert not NAMELESS & {*path.with_suffix("").parts[path.parts.index("playhead") :]}


def loaded_by(statement: str) -> set[str]:
    """The modules that a statement loads, in a new interpreter, which reads no ``.pth`` and no site."""
    code = f"import sys; before = set(sys.modules); {statement}; print(*set(sys.modules) - before)"
    paths = [str(Path(playhead.__file__).parent.parent), *(path for path in sys.path if "site-packages" in path)]
    program = f"import sys; sys.path += {paths!r}; {code}"
    run = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_import_playhead_loads_itself_only() -> None:
    """``import playhead`` gives names; what they need is loaded when they are used."""
    loaded = loaded_by("import playhead")
    assert {name for name in loaded if name.startswith("playhead")} == {"playhead"}
    assert loaded & HEAVY == set()


def test_import_agent_and_tool_loads_what_an_agent_needs_only() -> None:
    """The fallback reader of tapes, the local model, schemas and the text of a miss wait until they are needed."""
    needed = {"msgspec", "typing_extensions", "decimal"}  # msgspec's own
    loaded = loaded_by("import asyncio, msgspec; before |= set(sys.modules); from playhead import Agent, tool")
    assert loaded & (HEAVY - needed) == set()


def test_every_public_name_is_there_and_typed() -> None:
    """The names that a type checker sees are those that load, and all of them load."""
    tree = ast.parse(Path(playhead.__file__).read_text("utf-8"))
    guard = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {
        alias.asname or alias.name
        for node in ast.walk(guard)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == set(playhead.__all__) - {"__version__"}
    assert all(getattr(playhead, name) is not None for name in playhead.__all__)


#: What a dependency is imported as, where that is not its name.
IMPORTED_AS = {
    "aiohttp": {"aiohttp", "multidict", "yarl"},
    "genai-prices": {"genai_prices"},
    "google-auth": {"google"},
    "json-repair": {"json_repair"},
    "mcp": {"mcp", "mcp_types", "anyio", "httpx2", "uvicorn"},  # of its own dependencies, what its interface is made of
    "opentelemetry-api": {"opentelemetry"},
    "pyyaml": {"yaml"},
}


def test_what_is_imported_is_depended_on_and_the_other_way_round() -> None:
    """The core imports nothing that installing it does not bring, and brings nothing that it does not import."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    imported = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.split(".")[0])
    imported -= {*sys.stdlib_module_names, "playhead", *GUESTS}
    extras = [
        line
        for name, lines in project["optional-dependencies"].items()
        for line in lines
        if name not in ("dev", "fuzz")
    ]
    brought = set()
    for line in [*project["dependencies"], *extras]:
        name = re.split(r"[^\w-]", line)[0].lower()
        modules = IMPORTED_AS.get(name, {name})
        assert name == "playhead" or modules & imported, f"{name} is depended on and never imported"
        brought |= modules
    assert imported - brought == set()


def test_the_version_is_one() -> None:
    """The package, its metadata and the changelog name the same version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == playhead.__version__
    assert f"\n## {playhead.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
