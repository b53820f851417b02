"""The words for what a run cost: how it is known is in them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from playhead.agent.ledger import Line, total
from playhead.cli.bill import bill

Playhead = Callable[..., subprocess.CompletedProcess[str]]
TABLE = "genai-prices 0.2.3, 2026-11-20"


def line(cost: str | None, source: str | None, billed: bool | None = True, status: int | None = 200) -> Line:
    return Line(1, 1, status, "p", "m", cost=None if cost is None else Decimal(cost), source=source, billed=billed)


REFUSED = line("0", "not billed", False, 429)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([REFUSED, line("0.10", "provider")], "$0.1"),
        ([line("0.1", "provider"), line("0.02", TABLE)], "about $0.12 (genai-prices 0.2.3)"),
        ([line("0.1", "provider"), line(None, None, None)], "at least $0.1"),
        ([line("0.1", "provider"), line(None, None, None, 429)], "$0.1"),
        ([line("0.1", "provider"), line(None, None, None, None)], "$0.1"),
        ([line(None, None)], "cost not reported"),
        ([REFUSED], "cost not reported"),
        ([], "cost not reported"),
    ],
)
def test_a_bill_says_how_it_is_known(lines: list[Line], words: str) -> None:
    assert bill(lines, total(lines)) == words


def test_of_a_model_on_this_machine_nothing_is_said_to_be_missing() -> None:
    """Nobody is paid; where another model had a part, what it cost is the least."""
    here = Line(1, 1, 200, "local", "smollm2", billed=True)
    assert bill([here, here], None) == "local"
    assert bill([here, line("0.1", "provider")], None) == "at least $0.1"


def test_a_tape_whose_provider_is_silent_is_shown_with_list_prices(
    playhead: Playhead, seed: Path, tmp_path: Path
) -> None:
    pytest.importorskip("genai_prices", reason="list prices are the extra playhead[prices]")
    (tmp_path / "silent.yaml").write_bytes(
        seed.read_bytes().replace(b'"cost"', b'"cast"').replace(b'\\"cost', b'\\"cast')
    )
    done = playhead("show", "silent.yaml")
    assert done.returncode == 0
    assert "about $0.0" in done.stdout
    assert "(genai-prices " in done.stdout
