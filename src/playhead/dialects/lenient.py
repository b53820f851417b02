r"""Reading what strict decoding refused: an answer that was paid for is not thrown away for a badly typed count.

Every dialect decodes strictly first, straight into its structs; only what that refuses comes here, as plain JSON data.
Two things are forgiven. JSON that Python's own parser still reads (half of a surrogate pair as ``\ud83d``, ``NaN``);
and numbers that are written otherwise (``10.0``, ``"10"``), where there is only one thing they can mean. What means
nothing as a count or an amount is None, "not reported"; it is never guessed, and never 0.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from playhead.surrogates import joined_json

#: A count above this is no count of tokens.
MOST_COUNTED = 10**15

#: An amount above this, in dollars, is no price of an answer.
MOST_PAID = 10**9
_NOTHING, _MOST_PAID = Decimal(0), Decimal(MOST_PAID)

#: The smallest decimal place of an amount, and the most characters of one: more is no price, and costs to reckon with.
_PLACES = 64

#: The most digits of a number that is read as a whole one.
_DIGITS = 400


def decode_leniently(data: bytes, *, exact: bool = False) -> Any:
    """JSON as plain data; halves of characters stay in its strings. ``exact`` makes fractions Decimals.

    Raises:
        ValueError: it is no JSON, or no UTF-8.
        RecursionError: it is nested too deep.
    """
    import json

    return json.loads(data.decode(), parse_float=_exact if exact else None, parse_int=_whole)


def mended(data: bytes) -> tuple[Any, bytes]:
    """What strict decoding refused, twice: as plain data that still has its halves of characters, and as JSON without
    them, where a number that is none (``NaN``, ``1e999``) is null.

    Raises:
        ValueError: it is no JSON, or no UTF-8.
        RecursionError: it is nested too deep.
    """
    value = decode_leniently(data)
    try:
        return value, msgspec.json.encode(joined_json(value))
    except OverflowError as error:
        raise ValueError(str(error)) from error


def read_object(raw: bytes | msgspec.Raw) -> dict[str, Any] | None:
    """A JSON object whose values are looked at one by one, such as a usage: fractions are Decimals, half characters
    are joined. None where it is none, or cannot be read."""
    data = bytes(raw)
    try:
        value = _fractions_exact(data)
    except (ValueError, ArithmeticError, RecursionError):
        try:
            value = joined_json(decode_leniently(data, exact=True))
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


_fractions_exact = msgspec.json.Decoder(float_hook=Decimal).decode


def _exact(text: str) -> Decimal | float:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent that not even a Decimal holds
        return float(text)


def _whole(text: str) -> int | float:
    return int(text) if len(text) <= _DIGITS else float(text)


def count(value: Any) -> int | None:
    """A count of something: ``count(10.0)`` and ``count("10")`` are 10; None for what is none, below 0 or absurd."""
    match value:
        case bool():
            return None
        case int():
            number = value
        case float() if 0 <= value <= MOST_COUNTED and value.is_integer():
            number = int(value)
        case Decimal() if value.is_finite() and 0 <= value <= MOST_COUNTED and value == int(value):
            number = int(value)
        case str() if value.isascii() and value.isdigit() and len(value) < 17:
            number = int(value)
        case _:
            return None
    return number if 0 <= number <= MOST_COUNTED else None


def amount(value: Any) -> Decimal | None:
    """An amount of money: ``amount("0.1")`` is ``Decimal("0.1")``; None for what is none, below 0, not finite or
    absurd: no answer costs a thousand million dollars, or has a price of a hundred decimal places."""
    if value is None:
        return None
    match value:
        case Decimal():
            number = value
        case bool():
            return None
        case int() | float() | str():
            try:
                number = Decimal(str(value).strip())
            except (InvalidOperation, ValueError):
                return None
        case _:
            return None
    if not (number.is_finite() and _NOTHING <= number <= _MOST_PAID):
        return None
    text = str(number)
    if len(text) <= _PLACES and "E" not in text:  # all but a few; their exponent is dear to ask for
        return number
    return number if -_PLACES <= int(number.as_tuple().exponent) <= _PLACES else None
