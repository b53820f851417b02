"""Durations as Go prints them: ``342.70525ms``, ``1m18.00699275s``, ``512.5µs``, ``0s``.

A tape keeps whole nanoseconds, and the text has one form for each number, so that writing what was read changes
nothing. The grammar is that of Go's ``time.ParseDuration`` and ``Duration.String`` (package ``time``, Go 1.23).
"""

from __future__ import annotations

import re

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "\u03bcs": 1_000,  # the Greek letter, which Go reads and never writes
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
#: Go counts in 64 bits.
_LONGEST = (1 << 63) - 1
_PART = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|\u03bcs|ms|s|m|h)"
_PARTS = re.compile(_PART)
_WHOLE = re.compile(rf"[+-]?(?:{_PART})+")


def decode_duration(text: str) -> int:
    """``"1.5ms"`` -> 1500000 nanoseconds.

    Raises:
        ValueError: the text is no duration, or one that Go's 64 bits do not hold.
    """
    if text in ("0", "+0", "-0"):
        return 0
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"expected a duration such as 342.7ms, got {text!r}")
    total = 0
    for number, unit in _PARTS.findall(text):
        whole, _, fraction = number.partition(".")
        scale = _UNITS[unit]
        total += int(whole or 0) * scale
        if fraction:
            total += int(fraction) * scale // 10 ** len(fraction)
    if total > _LONGEST:
        raise ValueError("expected a duration of at most 292 years, as Go counts")
    return -total if text[0] == "-" else total


def encode_duration(nanoseconds: int) -> str:
    """1500000 -> ``"1.5ms"``."""
    if nanoseconds < 0:
        return "-" + encode_duration(-nanoseconds)
    if nanoseconds == 0:
        return "0s"
    if nanoseconds < 1_000:
        return f"{nanoseconds}ns"
    if nanoseconds < 1_000_000:
        return f"{_decimal(nanoseconds, 3)}µs"
    if nanoseconds < 1_000_000_000:
        return f"{_decimal(nanoseconds, 6)}ms"
    minutes, rest = divmod(nanoseconds, 60_000_000_000)
    seconds = f"{_decimal(rest, 9)}s"
    if not minutes:
        return seconds
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{seconds}" if hours else f"{minutes}m{seconds}"


def _decimal(number: int, places: int) -> str:
    whole, fraction = divmod(number, 10**places)
    return f"{whole}.{fraction:0{places}}".rstrip("0") if fraction else str(whole)
