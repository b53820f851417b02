"""``createTime``, an RFC 3339 time in UTC, as the whole Unix seconds that the vocabulary counts in, and back.

``read_time("2026-03-12T18:06:05.232680Z") -> 1773338765``. Written out here because a dialect imports no clock, and the
standard library's only reader of times is one. The days are counted from a year that begins in March, so that the leap
day is its last.
"""

from __future__ import annotations

#: Days from 0000-03-01 to 1970-01-01, and in a full cycle of leap years.
_EPOCH = 719468
_ERA = 146097

_LAST = 253402300799  # 9999-12-31T23:59:59Z, the last second that the format can say


def read_time(stamp: str | None) -> int | None:
    """Unix seconds, fractions dropped; None where it is no time in UTC."""
    if not stamp or len(stamp) < 20 or not stamp.isascii() or not stamp.endswith("Z"):
        return None
    marks = (stamp[4], stamp[7], stamp[10], stamp[13], stamp[16])
    words = (stamp[0:4], stamp[5:7], stamp[8:10], stamp[11:13], stamp[14:16], stamp[17:19])
    if marks != ("-", "-", "T", ":", ":") or not all(word.isdigit() for word in words):
        return None
    year, month, day, hour, minute, second = map(int, words)
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60):
        return None
    years = year - (month <= 2)
    era, of_era = divmod(years, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = era * _ERA + of_era * 365 + of_era // 4 - of_era // 100 + of_year - _EPOCH
    return days * 86400 + hour * 3600 + minute * 60 + second


def write_time(seconds: int | None) -> str | None:
    """The reverse; None where the number is no second of the years 1970 to 9999."""
    if seconds is None or not 0 <= seconds <= _LAST:
        return None
    days, rest = divmod(seconds, 86400)
    era, of_era = divmod(days + _EPOCH, _ERA)
    years = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * years + years // 4 - years // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    year = era * 400 + years + (month <= 2)
    hour, rest = divmod(rest, 3600)
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{rest // 60:02}:{rest % 60:02}Z"
