"""What a run was billed: a line for each attempt, and where its figure comes from.

Every attempt is a line, the failed ones too: a refusal costs nothing where the provider says so in its terms, a stream
that was cut may cost as much as one that was not. A figure is the provider's own where it gives one; else it is what
the tokens cost by the prices that a budget of the run was told; else it is the list price of the tokens
(:mod:`playhead.agent.prices`); else it is None, which is "not known" and never 0::

    step number status  cost       source                            billed
    1    1      429     0          not billed                        False
    1    2      200     0.0002465  provider                          True
    2    1      200     None       None                              None     (cut)

Everything is read off the run, and what the run has, a tape has too: a replay has the same lines. Where neither the
answer nor its ``Date`` says when it was given, as on old tapes, there is no list price.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from playhead.agent.prices import EARLIEST, price
from playhead.events import Asked, Attempt
from playhead.response import Response, Usage

if TYPE_CHECKING:
    from playhead.agent.budget import Price
    from playhead.agent.step import Step

#: ``source`` of a figure that the provider reported with the answer, of one by a budget's prices, and of the 0 of a
#: refusal.
REPORTED, TOLD, REFUSED = "provider", "budget", "not billed"

_NO_PRICES: Mapping[str, Price] = {}
_NOTHING_RESERVED: Mapping[tuple[int, int], Decimal] = {}

#: Whose answers nobody bills: the model runs on this machine, started by playhead itself. What that costs (the machine,
#: its power) is not known, and not 0.
UNBILLED = frozenset({"local"})

#: Providers that say in their documentation that a request which they refuse is not billed: OpenRouter ("Zero
#: Completion Insurance": no charge where nothing was said and the finish reason is an error), Google (Gemini API,
#: "Billing": 400 and 500 errors are not charged), as of 2026.
REFUSALS_ARE_FREE = frozenset({"openrouter", "google"})


class Line(msgspec.Struct, frozen=True):
    """What one attempt cost.

    Attributes:
        step, number: the step and the attempt in it, from 1.
        status: the HTTP status; None where no answer came.
        provider: whom the run asked.
        model: as the answer named it, else as it was asked for.
        usage: tokens, of a cut answer as far as it had counted them; None where nothing was counted.
        cost: US dollars; None where it is not known.
        source: where ``cost`` comes from: "provider", "budget", "not billed", or the price table and the day whose
            prices hold.
        billed: whether a provider bills it: True for a whole answer, False for what is known not to be (a refusal of a
            provider that says so, and all that a local model does), None where the provider alone knows.
        at_most: US dollars that a budget counts for it, where ``cost`` is not known: all that was reserved. None where
            nothing was, as in a replay.
    """

    step: int
    number: int
    status: int | None
    provider: str
    model: str
    usage: Usage | None = None
    cost: Decimal | None = None
    source: str | None = None
    billed: bool | None = None
    at_most: Decimal | None = None


def lines(
    attempts: Iterable[Attempt],
    steps: Iterable[Step],
    prices: Mapping[str, Price] = _NO_PRICES,
    reserved: Mapping[tuple[int, int], Decimal] = _NOTHING_RESERVED,
) -> tuple[Line, ...]:
    """The ledger of a run; ``prices`` are those that its budgets were told, ``reserved`` what they held for attempts,
    by step and number."""
    answers = {(step.number, step.attempts[-1].number): step.response for step in steps if step.attempts}
    made = (line(one, answers.get((one.step, one.number)), prices) for one in attempts)
    if not reserved:
        return tuple(made)
    return tuple(_bounded(one, reserved.get((one.step, one.number))) for one in made)


def _bounded(made: Line, reserved: Decimal | None) -> Line:
    """The line with what it may have cost at most, where it is one whose cost is not known, and no refusal."""
    if reserved is None or made.cost is not None or (made.status or 0) >= 300:
        return made
    return msgspec.structs.replace(made, at_most=reserved)


def line(attempt: Attempt, answer: Response | None, prices: Mapping[str, Price] = _NO_PRICES) -> Line:
    """The line of one attempt; ``answer`` is its whole answer, None where it has none."""
    asked = attempt.asked or Asked()
    usage = answer.usage if answer is not None else attempt.usage
    model = (answer.model if answer is not None else None) or asked.model
    cost, source, billed = None, None, True if answer is not None else None
    if asked.provider in UNBILLED:
        billed = False
    if usage is not None and usage.cost is not None:
        cost, source, billed = usage.cost, REPORTED, True
    elif answer is not None and usage is not None and (own := told_price(prices, asked.model, usage)) is not None:
        cost, source = own, TOLD
    elif answer is not None and usage is not None:
        at = answer.created if (answer.created or 0) >= EARLIEST else _seconds(attempt.date)
        for name in dict.fromkeys((model, asked.model)):
            found = price(usage, name, asked.base_url, at)
            if found is not None:
                cost, source = found.cost, found.source
                break
    elif _refused(attempt) and asked.provider in REFUSALS_ARE_FREE:
        cost, source, billed = Decimal(0), REFUSED, False
    return Line(attempt.step, attempt.number, attempt.status, asked.provider, model, usage, cost, source, billed)


def told_price(prices: Mapping[str, Price], model: str, usage: Usage) -> Decimal | None:
    """What these tokens cost by prices that somebody told; None where they do not name the model as the wire does."""
    told = prices.get(model)
    if told is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    return (told.input * usage.input_tokens + told.output * usage.output_tokens) / 1_000_000


def _refused(attempt: Attempt) -> bool:
    return attempt.status is not None and attempt.status >= 300


def _seconds(date: str | None) -> int | None:
    """A ``Date`` header as Unix seconds; None where it is none."""
    if date is None:
        return None
    from email.utils import parsedate_to_datetime

    try:
        return int(parsedate_to_datetime(date).timestamp())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _answered(one: Line) -> bool:
    """Whether something of an answer came. One that was whole when its reader left has no status."""
    own = one.provider in UNBILLED and one.usage is not None
    return bool(one.billed) or own or (one.status is not None and one.status < 300)


def total(ledger: Sequence[Line], before: Decimal | None = None) -> Decimal | None:
    """US dollars of all lines together, and of what was paid ``before`` them; None where an answer, whole or cut, has
    no known cost, and where there was none. Refusals and attempts that were never answered count as far as they have a
    figure."""
    known = [one.cost for one in ledger if one.cost is not None]
    answers = [one for one in ledger if _answered(one)]
    if any(one.cost is None for one in answers) or (before is None and not answers):
        return None
    if before is not None:
        known.append(before)
    try:
        return sum(known[1:], known[0])
    except ArithmeticError:  # infinities of both signs
        return None
