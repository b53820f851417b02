"""``make demo`` says of a tape what the tape holds: what was waited is not on it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def demo() -> Any:
    spec = importlib.util.spec_from_file_location("demo_of_examples", ROOT / "examples" / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tape_from_the_past_claims_no_waits(demo: Any, capsys: pytest.CaptureFixture[str]) -> None:
    demo.from_the_past()
    said = capsys.readouterr().out
    assert "2 steps, 12 attempts (10 refused), 268 + 66 tokens, $0.0006258, 5.30 s when recorded" in said
    assert "waited" not in said
