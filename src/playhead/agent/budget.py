"""A budget: dollars and tokens that runs may use together, never passed.

What an attempt could cost at most is reserved before it is sent, and what it did cost is counted when it has ended::

    budget = Budget(dollars="0.01")
    await asyncio.gather(*(agent.run(question, budget=budget) for question in questions))

An attempt that does not fit waits while others that are under way may give something back, first come, first served;
where none is under way it can never fit, and the run ends with LimitError. An attempt of which nobody knows the cost
(a stream that was cut, a provider that does not say) is counted with all that was reserved for it.

One budget may be shared by runs of several agents, event loops and threads. It counts what was used while it lived:
replayed answers cost nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING

import msgspec

from playhead.errors import ConfigError, LimitError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future

ZERO = Decimal(0)
_order = count()


class Worst(msgspec.Struct, frozen=True):
    """What one attempt may use at most. ``dollars`` None: no price is known."""

    tokens: int
    dollars: Decimal | None = None


class Price(msgspec.Struct, frozen=True):
    """What a model costs: US dollars for a million tokens going in, and coming out."""

    input: Decimal
    output: Decimal


class Budget:
    """Dollars and tokens that may be used. None means no limit.

    Attributes:
        dollars, tokens: the limits.
        prices: what models cost, by the name that the wire has for them; the list prices are looked up where it does
            not say. ``Budget(dollars="0.01", prices={"my-model": ("0.30", "1.20")})``
        spent_dollars, spent_tokens: what was used so far; of the dollars only what has a price.
    """

    def __init__(
        self,
        *,
        dollars: Decimal | float | str | None = None,
        tokens: int | None = None,
        prices: Mapping[str, tuple[Decimal | float | str, Decimal | float | str]] | None = None,
    ) -> None:
        self.dollars = None if dollars is None else _decimal("dollars", dollars)
        self.prices = {
            model: Price(*(_decimal(f"the price of {model}", amount) for amount in pair))
            for model, pair in (prices or {}).items()
        }
        self.tokens = tokens
        for name, limit in (("dollars", self.dollars), ("tokens", tokens)):
            if limit is not None and not limit >= 0:
                raise ConfigError(f"Budget: {name} is {limit}; a number of at least 0 is expected")
        if dollars is None and tokens is None:
            raise ConfigError("Budget: give it a limit, dollars= or tokens=")
        #: Budgets are reserved in the order in which they were made, whoever asks: nobody holds one and waits for an
        #: older one, so that no two wait for each other.
        self.order = next(_order)
        self.spent_dollars = ZERO
        self.spent_tokens = 0
        self._held_dollars = ZERO
        self._held_tokens = 0
        self._under_way = 0
        self._lock = Lock()
        self._queue: deque[tuple[AbstractEventLoop, Future[None]]] = deque()

    def __repr__(self) -> str:
        dollars = "" if self.dollars is None else f" ${self.spent_dollars:f} of ${self.dollars:f}"
        tokens = "" if self.tokens is None else f" {self.spent_tokens} of {self.tokens} tokens"
        return f"<budget:{dollars}{tokens}>"

    async def reserve(self, worst: Worst) -> Reservation:
        """Hold what an attempt may use at most; waits while what others hold may come free.

        Raises:
            LimitError: it can never fit; ``limit`` is "dollars" or "tokens".
            ConfigError: dollars are limited, and the attempt's price is not known.
        """
        if self.dollars is not None and worst.dollars is None:
            raise ConfigError(
                "a budget of dollars needs a price, and none is known of this model: tell it with "
                "Budget(prices={model: (input, output)}), in dollars for a million tokens, or limit tokens="
            )
        place: Future[None] | None = None
        while True:
            with self._lock:
                first = not self._queue or (place is not None and self._queue[0][1] is place)
                lacking = self._lacking(worst)
                if first and lacking is None:
                    self._leave(place)
                    self._hold(worst, 1)
                    self._wake()
                    return Reservation(self, worst)
                if lacking is not None and (self._under_way == 0 or self._alone_too_much(worst)):
                    self._leave(place)
                    self._wake()
                    raise LimitError(self._words(lacking, worst), limit=lacking)
                place = self._queued(place)
            try:
                await place
            except BaseException:
                with self._lock:
                    self._leave(place)
                    self._wake()
                raise

    def settle(self, worst: Worst, tokens: int | None, dollars: Decimal | None) -> None:
        """An attempt has ended and used so much; None: nobody knows, so all that it held."""
        with self._lock:
            self._hold(worst, -1)
            # A figure below nothing is none: it would give back what others have spent.
            self.spent_tokens += worst.tokens if tokens is None or tokens < 0 else tokens
            sound = dollars is not None and dollars.is_finite() and dollars >= 0
            self.spent_dollars += dollars if sound and dollars is not None else (worst.dollars or ZERO)
            self._wake()

    def _hold(self, worst: Worst, sign: int) -> None:
        self._under_way += sign
        self._held_tokens += sign * worst.tokens
        self._held_dollars += sign * (worst.dollars or ZERO)

    def _lacking(self, worst: Worst) -> str | None:
        """Which limit the attempt would pass now."""
        if self.tokens is not None and self.spent_tokens + self._held_tokens + worst.tokens > self.tokens:
            return "tokens"
        dollars = self.spent_dollars + self._held_dollars + (worst.dollars or ZERO)
        return "dollars" if self.dollars is not None and dollars > self.dollars else None

    def _alone_too_much(self, worst: Worst) -> bool:
        """Whether it would not fit even if all that is held came free."""
        if self.tokens is not None and self.spent_tokens + worst.tokens > self.tokens:
            return True
        return self.dollars is not None and self.spent_dollars + (worst.dollars or ZERO) > self.dollars

    def _words(self, lacking: str, worst: Worst) -> str:
        if lacking == "tokens":
            return (
                f"the budget of {self.tokens} tokens is used up: {self.spent_tokens} are spent, and the next call may "
                f"take {worst.tokens}; a smaller max_tokens= would reserve less"
            )
        return (
            f"the budget of ${self.dollars:f} is used up: ${self.spent_dollars:f} are spent, and the next call may "
            f"cost ${worst.dollars or ZERO:f}; a smaller max_tokens= would reserve less"
        )

    def _queued(self, place: Future[None] | None) -> Future[None]:
        """A place in the queue: the one that was held, as a fresh future where that was woken."""
        from asyncio import get_running_loop

        loop = get_running_loop()
        fresh: Future[None] = loop.create_future()
        if place is not None:
            at = next(at for at, (_, held) in enumerate(self._queue) if held is place)
            self._queue[at] = (loop, fresh)
        else:
            self._queue.append((loop, fresh))
        return fresh

    def _leave(self, place: Future[None] | None) -> None:
        for at, (_, held) in enumerate(self._queue):
            if held is place:
                del self._queue[at]
                return

    def _wake(self) -> None:
        """The first in the queue is to look again; the next one when that has gone."""
        if self._queue:
            loop, place = self._queue[0]
            loop.call_soon_threadsafe(_done, place)


def _decimal(what: str, value: Decimal | float | str) -> Decimal:
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        number = Decimal("nan")
    if not number.is_finite():
        raise ConfigError(f'Budget: {what} is {value!r}; a number is expected, as in "0.01"')
    return number


def _done(place: Future[None]) -> None:
    if not place.done():
        place.set_result(None)


class Reservation:
    """What is held for one attempt. Settling it twice counts once."""

    __slots__ = ("_budget", "_worst")

    def __init__(self, budget: Budget, worst: Worst) -> None:
        self._budget: Budget | None = budget
        self._worst = worst

    def settle(self, tokens: int | None, dollars: Decimal | None) -> None:
        """The attempt has ended and used so much; None: nobody knows, so all that was held counts."""
        budget, self._budget = self._budget, None
        if budget is not None:
            budget.settle(self._worst, tokens, dollars)
