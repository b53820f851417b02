"""Budgets and attempts: what one may use at most is reserved before it is sent, what it used is counted after.

At most means: of tokens going in no more than the request has bytes (a token stands for a byte at least; what a file
that is only named by its URL may come to is added, see :data:`LINKED`), of tokens coming out what ``max_tokens`` and
the settings of reasoning allow. Their price is what the budget was told (``Budget(prices=…)``), else the list price of
the dearest kind that they may be. What an attempt used is what its answer reports: the provider's own figure where
there is one, else by the budget's prices, else the list price; where none is known, what was reserved.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from playhead.agent.budget import Budget, Reservation, Worst
from playhead.agent.ledger import line, told_price
from playhead.agent.prices import price
from playhead.errors import ConfigError
from playhead.events import Asked, Attempt
from playhead.messages import File
from playhead.request import Request
from playhead.response import Response, Usage

if TYPE_CHECKING:
    from playhead.wire import HTTPRequest

#: Tokens that a file named by its URL is taken to come to at most: the provider fetches it, nobody here knows its size.
LINKED = 50_000


class Reserving:
    """The reservations of one step. ``whom`` says who is asked next, ``at`` is Unix seconds, for the prices of that
    day.

    Attributes:
        kept_back: whether nothing of the attempt under way was sent: it waits for what others hold, or does not fit.
        dollars: what was reserved for the last that was sent; None where dollars are not limited, or none was sent.
    """

    def __init__(self, budgets: tuple[Budget, ...], request: Request, whom: Callable[[], Asked], at: float) -> None:
        if request.max_tokens is None:
            raise ConfigError("a budget needs max_tokens=: an answer without a bound may cost anything")
        self._budgets = sorted(budgets, key=lambda budget: budget.order)
        self._whom = whom
        self._asked = Asked()
        self._at = at
        thinking = request.reasoning.max_tokens if request.reasoning is not None else None
        several = request.options.get("n")
        self._output = (request.max_tokens + (thinking or 0)) * (several if isinstance(several, int) else 1)
        self._linked = LINKED * sum(
            part.url is not None for message in request.messages for part in message.all(File) if part.data is None
        )
        self._held: list[tuple[Budget, Reservation]] = []
        self._sent = False
        self.kept_back = False
        self.dollars: Decimal | None = None

    async def enter(self, http: HTTPRequest) -> None:
        """Reserve for the attempt that is about to be sent, in every budget.

        Raises:
            LimitError: it does not fit into one, and never will.
        """
        self.settle(None, None)  # a send that was met by a renewed key, or hedged: what the first used is not known
        self._asked = self._whom()
        worst = [self._worst(budget, len(http.body) + self._linked) for budget in self._budgets]
        self.kept_back = not self._sent
        try:
            for budget, one in zip(self._budgets, worst, strict=True):
                self._held.append((budget, await budget.reserve(one)))
        except BaseException:
            self._give_back()
            raise
        self._sent, self.kept_back = True, False
        self.dollars = max((one.dollars for one in worst if one.dollars is not None), default=None)

    def unsent(self) -> None:
        """Nothing was used: nothing left."""
        self._sent, self.dollars = False, None
        self._give_back()

    def _give_back(self) -> None:
        held, self._held = self._held, []
        for _, reservation in held:
            reservation.settle(0, Decimal(0))

    def settle(self, attempt: Attempt | None, answer: Response | None) -> None:
        """The attempt has ended; None: it was broken off. One that was played from a tape has nothing reserved."""
        if attempt is not None:
            self._sent = self.kept_back = False
        if not self._held:
            return
        if attempt is not None and attempt.status is not None and attempt.status >= 300:
            self._give_back()
            return
        held, self._held = self._held, []
        for budget, reservation in held:
            told = None if attempt is None else line(attempt, answer, budget.prices)
            usage = None if told is None else told.usage
            own = None if usage is None else self._own_price(budget, usage)
            known = None if told is None else told.cost
            reservation.settle(None if usage is None else usage.total_tokens, known if known is not None else own)

    def _worst(self, budget: Budget, size: int) -> Worst:
        tokens = size + self._output
        if budget.dollars is None:
            return Worst(tokens)
        fresh = Usage(size, self._output)
        own = self._own_price(budget, fresh)
        if own is not None:
            return Worst(tokens, own)
        written = Usage(size, self._output, cache_write_tokens=size)
        asked = self._asked
        found = [price(usage, asked.model, asked.base_url, round(self._at)) for usage in (fresh, written)]
        costs = [one.cost for one in found if one is not None]
        return Worst(tokens, max(costs) if costs else None)

    def _own_price(self, budget: Budget, usage: Usage) -> Decimal | None:
        """What these tokens cost by the prices that the budget was told."""
        return told_price(budget.prices, self._asked.model, usage)
