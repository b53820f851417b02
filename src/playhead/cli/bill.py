"""What a run cost, in words that say how that is known.

A figure of the provider's own stands as it is; one that has a list price in it is "about"; where an answer has no known
cost, what is known of the others is the least that was paid::

    $0.0006258
    about $0.0033 (genai-prices 0.2.3)
    at least $0.0006258
    cost not reported
    local               (nobody is paid for a model on this machine)
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from playhead.cli.paint import dollars

if TYPE_CHECKING:
    from playhead.agent.ledger import Line


def bill(ledger: Sequence[Line], cost: Decimal | None) -> str:
    """The words for ``cost``, which is that of these lines."""
    from playhead.agent.ledger import REFUSED, REPORTED

    if cost is None and ledger and all(line.provider == "local" for line in ledger):
        return "local"
    if cost is None:
        known = [line.cost for line in ledger if line.cost is not None and line.cost.is_finite() and line.cost > 0]
        return f"at least {dollars(sum(known, Decimal(0)))}" if known else dollars(None)
    table = next((line.source for line in ledger if line.source not in (None, REPORTED, REFUSED)), None)
    return dollars(cost) if table is None else f"about {dollars(cost)} ({table.partition(',')[0]})"
