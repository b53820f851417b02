"""List prices: by host, model, day and kind of token, and none where the table does not say."""

from __future__ import annotations

from decimal import Decimal

import pytest

from playhead.agent.prices import price
from playhead.response import Usage

pytest.importorskip("genai_prices", reason="list prices are the extra playhead[prices]")

AT = 1763632800
OPENAI, ANTHROPIC = "https://api.openai.com/v1", "https://api.anthropic.com/v1"


def cost(usage: Usage, model: str = "gpt-4o", base_url: str = OPENAI, at: int | None = AT) -> Decimal | None:
    found = price(usage, model, base_url, at)
    return None if found is None else found.cost


def test_input_and_output_have_prices_of_their_own() -> None:
    assert cost(Usage(1_000_000, 0)) == Decimal("2.5")
    assert cost(Usage(0, 1_000_000)) == 10


def test_cached_and_written_tokens_are_part_of_the_input_and_priced_apart() -> None:
    assert cost(Usage(1_000_000, 0, cached_tokens=1_000_000)) == Decimal("1.25")
    model = "claude-sonnet-4-5"
    assert cost(Usage(100_000, 0), model, ANTHROPIC) == Decimal("0.3")
    assert cost(Usage(100_000, 0, cached_tokens=100_000), model, ANTHROPIC) == Decimal("0.03")
    assert cost(Usage(100_000, 0, cache_write_tokens=100_000), model, ANTHROPIC) == Decimal("0.375")


def test_reasoning_is_part_of_the_output() -> None:
    assert cost(Usage(10, 100), "o3") == cost(Usage(10, 100, reasoning_tokens=90), "o3")


@pytest.mark.parametrize(
    ("usage", "model", "base_url", "at"),
    [
        (Usage(None, 5), "gpt-4o", OPENAI, AT),
        (Usage(5, None), "gpt-4o", OPENAI, AT),
        (Usage(5, 5), "gpt-4o", OPENAI, None),
        (Usage(5, 5), "gpt-4o", OPENAI, 0),
        (Usage(5, 5), "gpt-4o", OPENAI, 10**18),
        (Usage(5, 5, cached_tokens=9), "gpt-4o", OPENAI, AT),
        (Usage(-5, 5), "gpt-4o", OPENAI, AT),
        (Usage(5, 5), "no-such-model", OPENAI, AT),
        (Usage(5, 5), "gpt-4o", "https://example.test/v1", AT),
        (Usage(5, 5), "gpt-4o", "http://127.0.0.1:8080/v1", AT),
        (Usage(5, 5), "text-embedding-3-small", OPENAI, AT),
    ],
)
def test_what_is_not_known_has_no_price(usage: Usage, model: str, base_url: str, at: int | None) -> None:
    """A count or a day that is missing or none, a model or host that is not in the table, a kind without a price."""
    assert price(usage, model, base_url, at) is None


def test_nothing_at_all_costs_nothing() -> None:
    assert cost(Usage(0, 0)) == 0
