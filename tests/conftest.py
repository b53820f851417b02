"""Fixtures that every test may use: where the recorded cassettes and the seed are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def cassettes() -> Path:
    """The folder of real recordings; `PLAYHEAD_CASSETTES` names another place."""
    folder = Path(os.environ.get("PLAYHEAD_CASSETTES") or ROOT.parent / "shared" / "cassettes")
    if not folder.is_dir():
        pytest.skip(f"no cassettes at {folder}; set PLAYHEAD_CASSETTES to the folder that holds them")
    return folder


@pytest.fixture(scope="session")
def seed() -> Path:
    """The recording that the project ships as its first example."""
    return ROOT / "examples" / "florence.yaml"
