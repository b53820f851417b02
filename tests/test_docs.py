"""The documentation is run: what a page shows is what happens.

Every ```` ```python ```` block of the README and of docs/ runs as a program of its own, and every ```` ```console ````
block's commands (``$ playhead …``) are run and their output compared; a line or a part of one that differs from run to
run is written as ``…``. The blocks of a page share a folder that holds ``florence.yaml``, the example's tape, and run
from top to bottom. There is no key, and tapes replay. What cannot be run so says why::

    <!-- not run: asks a live model -->
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import playhead
from playhead.agent.settings import Going, Settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

FENCE = re.compile(
    r"(?:<!-- not run: (?P<reason>[^>]+?) -->\n+)?"
    r"^(?P<fence>```+)(?P<kind>python|console)[^\n]*\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A fenced block; ``line`` is that of its first line, from 1; ``reason`` says why it is not run."""

    line: int
    kind: str
    text: str
    reason: str | None


def blocks(page: str) -> Iterator[Block]:
    """The Python and console blocks of a page, in order."""
    for match in FENCE.finditer(page):
        line = page.count("\n", 0, match.start("text")) + 1
        yield Block(line, match["kind"], match["text"], match["reason"])


def commands(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a console block and the output shown for each; a command goes on after a final backslash."""
    for piece in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = re.sub(r"\\\n", "", piece).partition("\n")
        yield command, output


def pattern(shown: str) -> re.Pattern[str]:
    """What output must match: the text shown; ``…`` alone on a line stands for lines, elsewhere for words."""
    lines = []
    for line in shown.strip().splitlines():
        if line.strip() == "…":
            lines.append("(?:.*\n)*?")
        else:
            lines.append(".*?".join(re.escape(part) for part in line.rstrip().split("…")) + "[ \t]*\n")
    return re.compile("".join(lines))


def environment() -> dict[str, str]:
    """An environment without keys, in which tapes replay and ``playhead`` is the one under test."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_TOKEN"))}
    kept |= {"CI": "true", "NO_COLOR": "1", "COLUMNS": "120", "PYTHONWARNINGS": "error", "PYTHONIOENCODING": "utf-8"}
    kept["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
    return kept


def run(argv: list[str], folder: Path, where: str) -> str:
    """Run a program to its end; what it printed. A failure shows where it stands in the page."""
    done = subprocess.run(
        argv, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{where}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def check(page: str, name: str, folder: Path) -> int:
    """Run the blocks of a page in a folder; how many ran.

    Raises:
        AssertionError: a block failed, or its output is not what the page shows.
    """
    shutil.copy(ROOT / "examples" / "florence.yaml", folder / "florence.yaml")
    count = 0
    for block in blocks(page):
        if block.reason is not None:
            continue
        where = f"{name}:{block.line}"
        count += 1
        if block.kind == "python":
            program = folder / f"block_{block.line}.py"
            program.write_text(block.text, "utf-8")
            run([sys.executable, program.name], folder, where)
            continue
        for command, shown in commands(block.text):
            argv = shlex.split(command, comments=True)
            assert argv[0] == "playhead", f"{where}: `{argv[0]}` is not run here; say so: <!-- not run: reason -->"
            output = run([sys.executable, "-c", "from playhead.cli.main import main; main()", *argv[1:]], folder, where)
            printed = "\n".join(line.rstrip() for line in output.strip().splitlines()) + "\n"
            if shown.strip():
                assert pattern(shown).fullmatch(printed), (
                    f"{where}: `{command}` printed\n{printed}\nthe page shows\n{shown}"
                )
    return count


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_page_shows_is_what_happens(page: Path, tmp_path: Path) -> None:
    """Every block of the page runs, and prints what the page says it does."""
    check(page.read_text("utf-8"), page.name, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_links_to_what_is_there(page: Path) -> None:
    """A link or a picture within the project leads to a file, and one to a part of a page to a heading."""
    text = prose(page)
    targets = re.findall(r"\]\(([^)\s#]+)", text) + re.findall(r"(?:src|srcset|href)=\"([^\"#]+)", text)
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert missing == []
    for name, part in re.findall(r"\]\(([^)\s#:]*)#([^)\s]+)\)", text):
        heads = re.findall(r"^#+ (.+)$", prose(page.parent / name if name else page), re.MULTILINE)
        assert part in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}, f"{name}#{part}"


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^(```+).*?^\1$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def test_every_public_name_is_explained_on_a_page() -> None:
    """In the words of a page, as code: a name that only an example uses is explained nowhere."""
    code = " ".join(span for page in PAGES for span in re.findall(r"`[^`]+`", prose(page)))
    words = set(re.findall(r"\w+", code))
    assert [name for name in playhead.__all__ if name not in words and name != "__version__"] == []


@pytest.mark.parametrize("given", [Settings, Going], ids=lambda given: given.__name__)
def test_every_argument_of_an_agent_and_of_a_run_is_in_a_table(given: type) -> None:
    """docs/agents.md has a row for each."""
    page = (ROOT / "docs" / "agents.md").read_text("utf-8")
    rows = " ".join(re.findall(r"^\| (`[^|]+) \|", page, re.MULTILINE))
    assert set(given.__annotations__) - set(re.findall(r"`(\w+)`", rows)) == set()


def test_every_page_is_reached_from_the_readme() -> None:
    """A page that nothing leads to is not read."""
    readme = (ROOT / "README.md").read_text("utf-8")
    pages = [page.relative_to(ROOT).as_posix() for page in sorted((ROOT / "docs").glob("*.md"))]
    assert [page for page in pages if f"]({page})" not in readme] == []


def test_a_block_that_fails_is_reported(tmp_path: Path) -> None:
    """An exception in a block fails the page, and says at which line."""
    with pytest.raises(AssertionError, match=r"page:3: exit status 1"):
        check("words\n```python\nraise SystemExit(1)\n```\n", "page", tmp_path)


def test_a_block_marked_as_not_run_is_not_run(tmp_path: Path) -> None:
    """The mark right before a block, with its reason, leaves it out; the next one runs."""
    page = "<!-- not run: asks a live model -->\n```python\nraise SystemExit(1)\n```\n\n```python\nprint(1)\n```\n"
    assert [block.reason for block in blocks(page)] == ["asks a live model", None]
    assert check(page, "page", tmp_path) == 1


@pytest.mark.parametrize(
    ("shown", "printed", "fits"),
    [
        ("12 of 12 requests equal\n", "12 of 12 requests equal\n", True),
        ("12 of 12 requests equal\n", "11 of 12 requests equal\n", False),
        ("took … s\n", "took 0.0012 s\n", True),
        ("first\n…\nlast\n", "first\na\nb\nlast\n", True),
        ("first\n…\nlast\n", "first\na\nb\n", False),
        ("first\n", "first\nmore\n", False),
        ("a. (b)\n", "ab (b)\n", False),
    ],
)
def test_shown_output_is_compared(shown: str, printed: str, fits: bool) -> None:
    """Output is what is shown, letter by letter; only the ellipsis stands for anything."""
    assert bool(pattern(shown).fullmatch(printed)) is fits


def test_a_command_goes_on_after_a_backslash() -> None:
    """A long command may take several lines; its output begins after them."""
    text = "$ playhead run m \\\n    'hi'\nhello\n\n$ playhead show t\n"
    assert list(commands(text)) == [("playhead run m     'hi'", "hello\n\n"), ("playhead show t", "")]


def test_the_picture_shows_what_the_command_prints() -> None:
    """Where it does not, `python docs/picture.py` draws it anew."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("picture", ROOT / "docs" / "picture.py")
    assert spec is not None
    assert spec.loader is not None
    picture = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(picture)
    assert picture.drawn(picture.printed()) == picture.PICTURE.read_text(encoding="utf-8")
