"""What tokens cost by list price, where the provider does not say what an answer cost.

The table is that of ``genai-prices`` (https://github.com/pydantic/genai-prices), an extra: ``playhead[prices]``. It is
imported when the first price is asked for, reads no network, and is as old as the version that is installed. Prices are
by host, model, day and kind of token; what the table does not hold has no price, never that of something like it.

A list price is about right, not a bill: batches, service tiers, free allowances, discounts and what is billed by the
search or the hour are not in a count of tokens. A cache that is kept for an hour is counted as one for minutes.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from playhead.response import Usage


class Priced(msgspec.Struct, frozen=True):
    """US dollars by list price; ``source`` names the table and the day whose prices were taken."""

    cost: Decimal
    source: str


#: The first second of 2015: what says that it was answered before that says nothing.
EARLIEST = 1420070400

#: How the addresses of one's own machine begin, where no list has a price.
HERE = ("http://127.", "http://localhost", "http://[::1]")


def price(usage: Usage, model: str, base_url: str, at: int | None) -> Priced | None:
    """What these tokens cost at the provider behind ``base_url``.

    Args:
        usage: input and output must both be known.
        model: as the wire names it, "gpt-4o-2024-08-06".
        base_url: where the model was asked.
        at: Unix seconds of the answer. None, as of an old tape that does not say, has no price.

    Returns:
        None where there is no table, or the table holds no price for every kind of token that was used.
    """
    if usage.input_tokens is None or usage.output_tokens is None or at is None or base_url.startswith(HERE):
        return None
    from datetime import UTC, datetime

    try:
        import genai_prices
    except ImportError:
        return None
    try:
        day = datetime.fromtimestamp(at, UTC)
        if at < EARLIEST:
            return None
        counted = {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cache_read_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        }
        given = genai_prices.Usage(**{kind: count for kind, count in counted.items() if count})
        found = genai_prices.calc_price(given, model, provider_api_url=base_url, genai_request_timestamp=day)
    except (LookupError, ValueError, OverflowError, OSError):  # not in the table; or no counts, and no date
        return None
    if not _whole(found.model_price, usage):
        return None
    return Priced(found.total_price.normalize(), f"genai-prices {genai_prices.__version__}, {day:%Y-%m-%d}")


def unlisted() -> str:
    """Why there is no list price, where that is because there is no list; "" else, as it lacks the model then."""
    try:
        import genai_prices  # noqa: F401
    except ImportError as error:
        return f"; list prices need the extra prices: pip install 'playhead[prices]' ({error})"
    return ""


def _whole(prices: Any, usage: Usage) -> bool:
    """Whether both main kinds have a price where they were used: a table that lacks one would count it as free."""
    kinds = ((usage.input_tokens, "input_mtok"), (usage.output_tokens, "output_mtok"))
    return all(not count or getattr(prices, kind, None) is not None for count, kind in kinds)
