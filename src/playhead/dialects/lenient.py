r"""Reading what strict decoding refused: an answer that was paid for is not thrown away for a badly typed count.

Every dialect decodes strictly first, straight into its structs; only what that refuses comes here, as plain JSON data.
Two things are forgiven. JSON that Python's own parser still reads (half of a surrogate pair as ``\ud83d``, ``NaN``);
and numbers that are written otherwise (``10.0``, ``"10"``), where there is only one thing they can mean. What means
nothing as a count or an amount is None, "not reported"; it is never guessed, and never 0.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

#: A count above this is no count of tokens, and not exact in a float either.
_MOST = 2**53


def decode_leniently(data: bytes, *, exact: bool = False) -> Any:
    """JSON as plain data; halves of characters stay in its strings. ``exact`` makes fractions Decimals.

    Raises:
        ValueError: it is no JSON, or no UTF-8.
        RecursionError: it is nested too deep.
    """
    import json

    return json.loads(data.decode(), parse_float=Decimal if exact else None)


def count(value: Any) -> int | None:
    """A count of something: ``count(10.0)`` and ``count("10")`` are 10; None for what is none, below 0 or absurd."""
    match value:
        case bool():
            return None
        case int():
            number = value
        case float() | Decimal() if 0 <= value < _MOST and value == int(value):
            number = int(value)
        case str() if value.isascii() and value.isdigit() and len(value) < 17:
            number = int(value)
        case _:
            return None
    return number if 0 <= number < _MOST else None


def amount(value: Any) -> Decimal | None:
    """An amount of money: ``amount("0.1")`` is ``Decimal("0.1")``; None for what is none, below 0 or not finite."""
    match value:
        case bool():
            return None
        case Decimal():
            number = value
        case int() | float() | str():
            try:
                number = Decimal(str(value).strip())
            except (InvalidOperation, ValueError):
                return None
        case _:
            return None
    return number if number.is_finite() and number >= 0 else None
