"""What holds for every command: help, version, documentation, errors, exit statuses, what starting costs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from cli_process import command, environment, on_terminal

import playhead as package
from playhead.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
Playhead = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    """docs/cli.md has a section for the command, and names each of its options."""
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    section = re.search(rf"^## playhead {name}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert section is not None
    shown = subprocess.run(command(name, "--help"), capture_output=True, text=True, env=environment(), check=True)
    options = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", shown.stdout, re.MULTILINE)) - {"--help", "--json", "--color"}
    assert {option for option in options if f"`{option}" not in section[1]} == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(playhead: Playhead, name: str) -> None:
    """The help shows how the command is called, and the summary is the one of the list."""
    done = playhead(name, "--help")
    assert done.returncode == 0
    assert f"\n  playhead {name} " in done.stdout
    assert COMMANDS[name] == import_module(f"playhead.cli.{name}").SUMMARY


def test_help_lists_the_commands(playhead: Playhead) -> None:
    """Every command is listed with its summary."""
    done = playhead("--help")
    assert done.returncode == 0
    assert all(f"{name:8}{summary}" in done.stdout for name, summary in COMMANDS.items())


def test_no_command_shows_the_help_and_is_a_usage_error(playhead: Playhead) -> None:
    """``playhead`` alone says what there is."""
    done = playhead()
    assert done.returncode == 2
    assert "commands:" in done.stdout


def test_version(playhead: Playhead) -> None:
    """The version is the package's."""
    assert playhead("--version").stdout == f"playhead {package.__version__}\n"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["shwo"], "no command 'shwo'; did you mean 'show'?"),
        (["show"], "the following arguments are required: TAPE"),
        (["show", "a.yaml", "--ful"], "unrecognized arguments: --ful"),
        (["show", "missing.yaml"], "missing.yaml: no such file"),
        (["replay", "."], "is a directory"),
        (["show", "words.yaml"], "words.yaml"),
        (["verify", "missing.yaml"], "no such file"),
        (["run", "opnrouter:x", "hi"], "openrouter"),
        (["run", "local:smollm2", ""], "the prompt is empty"),
        (["run", "local:smollm2", "-"], "nothing came on stdin"),
        (["run", "compatible:m", "hi", "--tape-mode", "replay"], "add --tape FILE"),
        (["run", "compatible:m", "hi", "--tape-mode", "forward"], "invalid choice: 'forward'"),
        (["run", "compatible:m", "hi", "--max-tokens", "0"], "expected a number from 1"),
        (["run", "compatible:m", "hi", "--timeout", "soon"], "expected seconds above 0"),
        (["run", "compatible:m", "hi", "--option", "x"], "expected KEY.PATH=JSON"),
        (["run", "compatible:m", "hi", "--option", "a=1", "--option", "a.b=1"], "a has a value already"),
        (["run", "openrouter:m", "hi", "--option", "provider.onyl=[]"], "did you mean"),
        (["run", "openrouter:m", "hi"], "OPENROUTER_API_KEY"),
        (["run", "compatible:m", "hi", "--temperature", "warm"], "expected a number from 0"),
        (["run", "compatible:m", "hi"], "give --base-url http://host:port/v1"),
        (["run", "compatible:m", "hi", "--base-url", "http://h/v1?a=1"], 'write "http://h/v1"'),
        (["run", "gpt-4o", "hi"], "openai:gpt-4o"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_one_line_and_status_2(
    playhead: Playhead, tmp_path: Path, words: list[str], complaint: str
) -> None:
    """Bad arguments, files that are not there or no tapes, unknown providers, options and no key."""
    (tmp_path / "words.yaml").write_text("just words\n")
    done = playhead(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert "api_key=" not in done.stderr  # which is not an argument of the command


def test_with_json_an_error_is_an_object(playhead: Playhead) -> None:
    """``{"error": {"type", "message"}}`` on stderr, whichever part of the command line is wrong."""
    for words in (["show", "missing.yaml", "--json"], ["show", "--json"], ["shwo", "--json"]):
        done = playhead(*words)
        assert (done.returncode, done.stdout) == (2, "")
        error = json.loads(done.stderr)["error"]
        assert error["type"] == "UsageError"
        assert error["message"]


def test_a_reader_that_goes_away_is_no_error(seed: Path) -> None:
    """``playhead show … | head -0`` says nothing on stderr."""
    process = subprocess.Popen(
        command("show", str(seed)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 141


@pytest.mark.parametrize(
    ("words", "extra", "colored"),
    [
        ([], {}, True),
        ([], {"NO_COLOR": "1"}, False),
        ([], {"TERM": "dumb"}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        (["--color", "never"], {}, False),
    ],
    ids=["terminal", "NO_COLOR", "dumb", "always", "never"],
)
def test_colours_on_a_terminal(
    seed: Path, tmp_path: Path, words: list[str], extra: dict[str, str], colored: bool
) -> None:
    """On where somebody looks, unless told otherwise."""
    shown = on_terminal("show", str(seed), *words, cwd=tmp_path, **extra)
    assert shown.status == 0
    assert ("\x1b[" in shown.text) is colored


def test_no_colours_in_a_pipe(playhead: Playhead, seed: Path) -> None:
    """Off where nobody looks, unless asked for."""
    assert "\x1b" not in playhead("show", str(seed)).stdout
    assert "\x1b[" in playhead("show", str(seed), "--color=always").stdout


def loaded_by(*words: str) -> set[str]:
    """The modules that a command has loaded when it ends."""
    code = (
        "import sys; from playhead.cli.main import main; main(sys.argv[1:]); "
        "print('\\n', *sys.modules, sep='\\n', file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}", *words],
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
    )
    return set(done.stderr.split())


def test_help_loads_little_of_playhead() -> None:
    """Which is what keeps ``playhead --help`` under 150 ms."""
    loaded = {name for name in loaded_by("--help") if name.startswith("playhead")}
    assert loaded == {"playhead", "playhead.cli", *(f"playhead.cli.{name}" for name in ("ends", "main", "output"))}
    assert "msgspec" not in loaded


def test_show_loads_no_event_loop_and_no_http(seed: Path) -> None:
    """Which is what keeps ``playhead show`` under 150 ms."""
    assert loaded_by("show", str(seed)) & {"asyncio", "aiohttp", "pyreqwest", "yaml", "json", "logging", "ssl"} == set()


@pytest.mark.parametrize("name", sorted(COMMANDS))
@pytest.mark.parametrize("width", [60, 100])
def test_help_is_as_wide_as_the_terminal(playhead: Playhead, name: str, width: int) -> None:
    """The options and the prose alike; only an example, which is to be copied, may be longer."""
    shown = playhead(name, "--help", COLUMNS=str(width)).stdout.splitlines()
    prose = [line for line in shown if not line.startswith("  ")]
    options = shown[shown.index("options:") :]
    assert max(map(len, [*prose, *options])) <= width
    assert max(map(len, prose)) > width * 0.75
