"""A budget: dollars and tokens that runs may use together, never passed.

What an attempt could cost at most is reserved before it is sent, and what it did cost is counted when it has ended::

    budget = Budget(dollars="0.01")
    await asyncio.gather(*(agent.run(question, budget=budget) for question in questions))

An attempt that does not fit waits while others that are under way may give something back, first come, first served;
where none is under way it can never fit, and the run ends with LimitError. An attempt of which nobody knows the cost
(a stream that was cut, a provider that does not say) is counted with all that was reserved for it.

One budget may be shared by runs of several agents, event loops and threads. An event loop that is closed in the middle
of its runs says nothing of it, so the budget looks: who waited there has left the queue, and what was held there counts
as used. It counts what was used while it lived: replayed answers cost nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from itertools import count
from threading import RLock
from typing import TYPE_CHECKING

import msgspec

from playhead.errors import ConfigError, LimitError
from playhead.given import Naming, check

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future

ZERO = Decimal(0)
_order = count()

#: Seconds after which one who waits for another event loop looks whether that one is still there.
LOOK_AGAIN = 0.5


class Worst(msgspec.Struct, frozen=True):
    """What one attempt may use at most. ``dollars`` None: no price is known."""

    tokens: int
    dollars: Decimal | None = None


class Price(msgspec.Struct, frozen=True):
    """What a model costs: US dollars for a million tokens going in, and coming out."""

    input: Decimal
    output: Decimal


class _Share(msgspec.Struct, eq=False):
    """What the runs of one event loop hold of a budget, and how many they are."""

    under_way: int = 0
    tokens: int = 0
    dollars: Decimal = ZERO

    def hold(self, worst: Worst, sign: int) -> None:
        self.under_way += sign
        self.tokens += sign * worst.tokens
        if worst.dollars is not None:
            self.dollars += sign * worst.dollars


class Budget(metaclass=Naming):
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
        check("Budget", tokens=tokens, prices=prices)
        self.dollars = None if dollars is None else _decimal("dollars", dollars)
        self.prices = {
            model: Price(*(_decimal(f"the price of {model}", amount) for amount in _pair(model, pair)))
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
        self._held = _Share()  # the sum of the shares
        self._shares: dict[AbstractEventLoop, _Share] = {}
        # Collecting what an event loop left behind may end a run here that holds or waits, in any line.
        self._lock = RLock()
        self._queue: deque[tuple[AbstractEventLoop, Future[None]]] = deque()
        self._left_behind: list[Future[None]] = []

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
            from playhead.agent.prices import unlisted

            raise ConfigError(
                "a budget of dollars needs a price, and none is known of this model: tell it with "
                "Budget(prices={model: (input, output)}), in dollars for a million tokens, or limit tokens="
                f"{unlisted()}"
            )
        from asyncio import get_running_loop

        loop = get_running_loop()
        place: Future[None] | None = None
        self._left_behind.clear()  # with no lock held, as this may end runs that hold another budget
        while True:
            with self._lock:
                self._bury()
                first = not self._queue or (place is not None and self._queue[0][1] is place)
                lacking = self._lacking(worst)
                if first and lacking is None:
                    self._leave(place)
                    self._share(loop).hold(worst, 1)
                    self._held.hold(worst, 1)
                    self._wake()
                    return Reservation(self, worst, loop)
                if lacking is not None and (self._held.under_way == 0 or self._alone_too_much(worst)):
                    self._leave(place)
                    self._wake()
                    raise LimitError(self._words(lacking, worst), limit=lacking)
                place = self._queued(place, loop)
                others = len(self._shares) > 1
            look = loop.call_later(LOOK_AGAIN, _done, place) if others else None
            try:
                await place
            except BaseException:
                with self._lock:
                    self._leave(place)
                    self._wake()
                raise
            finally:
                if look is not None:
                    look.cancel()

    def settle(self, worst: Worst, loop: AbstractEventLoop, tokens: int | None, dollars: Decimal | None) -> None:
        """An attempt in this event loop has ended and used so much; None: nobody knows, so all that it held."""
        with self._lock:
            share = self._shares.get(loop)
            if share is None:  # its event loop was closed, and all that it held was counted
                return
            share.hold(worst, -1)
            self._held.hold(worst, -1)
            # A figure below nothing is none: it would give back what others have spent.
            self.spent_tokens += worst.tokens if tokens is None or tokens < 0 else tokens
            sound = dollars is not None and dollars.is_finite() and dollars >= 0
            self.spent_dollars += dollars if sound and dollars is not None else (worst.dollars or ZERO)
            self._wake()

    def _share(self, loop: AbstractEventLoop) -> _Share:
        share = self._shares.get(loop)
        if share is None:
            share = self._shares[loop] = _Share()
        return share

    def _bury(self) -> None:
        """Event loops that were closed: who waits there never comes, and what is held there nobody will settle."""
        for loop in [loop for loop in self._shares if loop.is_closed()]:
            share = self._shares.pop(loop)
            self._left_behind.extend(place for other, place in self._queue if other is loop)
            self._queue = deque(one for one in self._queue if one[0] is not loop)
            self._held.under_way -= share.under_way
            self._held.tokens -= share.tokens
            self._held.dollars -= share.dollars
            self.spent_tokens += share.tokens
            self.spent_dollars += share.dollars

    def _lacking(self, worst: Worst) -> str | None:
        """Which limit the attempt would pass now."""
        if self.tokens is not None and self.spent_tokens + self._held.tokens + worst.tokens > self.tokens:
            return "tokens"
        dollars = self.spent_dollars + self._held.dollars + (worst.dollars or ZERO)
        return "dollars" if self.dollars is not None and dollars > self.dollars else None

    def _alone_too_much(self, worst: Worst) -> bool:
        """Whether it would not fit even if all that is held came free."""
        if self.tokens is not None and self.spent_tokens + worst.tokens > self.tokens:
            return True
        return self.dollars is not None and self.spent_dollars + (worst.dollars or ZERO) > self.dollars

    def _words(self, lacking: str, worst: Worst) -> str:
        if lacking == "tokens":
            return (
                f"the budget does not suffice: {self.spent_tokens} of {self.tokens} tokens are spent, and the next "
                f"call may take {worst.tokens}; a smaller max_tokens= would reserve less"
            )
        return (
            f"the budget does not suffice: ${self.spent_dollars:f} of ${self.dollars:f} are spent, and the next call "
            f"may cost ${worst.dollars or ZERO:f}; a smaller max_tokens= would reserve less"
        )

    def _queued(self, place: Future[None] | None, loop: AbstractEventLoop) -> Future[None]:
        """A place in the queue: the one that was held, as a fresh future where that was woken."""
        fresh: Future[None] = loop.create_future()
        if place is not None:
            at = next(at for at, (_, held) in enumerate(self._queue) if held is place)
            self._queue[at] = (loop, fresh)
        else:
            self._queue.append((loop, fresh))
            self._share(loop)
        return fresh

    def _leave(self, place: Future[None] | None) -> None:
        for at, (_, held) in enumerate(self._queue):
            if held is place:
                del self._queue[at]
                return

    def _wake(self) -> None:
        """The first in the queue is to look again; the next one when that has gone."""
        self._bury()
        while self._queue:
            loop, place = self._queue[0]
            try:
                loop.call_soon_threadsafe(_done, place)
                return
            except RuntimeError:  # closed a moment ago
                self._bury()


def _pair(model: str, prices: object) -> tuple[Decimal | float | str, ...]:
    if not isinstance(prices, tuple | list) or len(prices) != 2:
        raise ConfigError(f"Budget: prices[{model!r}] is two numbers, of what goes in and what comes out")
    return tuple(prices)


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

    __slots__ = ("_budget", "_loop", "_worst")

    def __init__(self, budget: Budget, worst: Worst, loop: AbstractEventLoop) -> None:
        self._budget: Budget | None = budget
        self._worst = worst
        self._loop = loop

    def settle(self, tokens: int | None, dollars: Decimal | None) -> None:
        """The attempt has ended and used so much; None: nobody knows, so all that was held counts."""
        budget, self._budget = self._budget, None
        if budget is not None:
            budget.settle(self._worst, self._loop, tokens, dollars)
