"""What an answer's headers say of how much more may be asked, and what that lets through.

========================================= =================================================================
``x-ratelimit-limit-requests``, -tokens   OpenAI, Groq, Azure and most compatible servers; ``remaining`` and
                                          ``reset`` in the place of ``limit``. A reset is a time from now: ``6m0s``,
                                          ``7.66s``, ``20ms``; Azure gives plain seconds, and -1 for "no limit".
``anthropic-ratelimit-requests-limit``    Anthropic, also for ``tokens``, ``input-tokens`` and ``output-tokens``;
                                          a reset is a moment by RFC 3339
``x-ratelimit-limit``, ``-remaining``     OpenRouter and gateways: requests; a reset is Unix milliseconds or seconds
========================================= =================================================================

Nobody says how long the window is for which a limit holds: Groq's requests are those of a day, its tokens those of a
minute. So only what is left until the reset is believed, and how fast it comes back: a bucket that is full again at the
reset gives back what it lacks until then. Where it does not fill evenly, the reset comes all the same. Pure: time is an
argument, in seconds on the limiter's clock.
"""

from __future__ import annotations

import re

import msgspec

from playhead.wire import Headers

#: Seconds that a quota may hold a request back. What takes longer is a day's quota, and the provider's to refuse: its
#: refusal can be met by another model, waiting cannot.
LONGEST = 60.0

_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Quota(msgspec.Struct):
    """What is left of one thing that is counted, requests or tokens, as the newest answer said it.

    ``left`` is what may be asked for from ``at`` on, of which ``taken`` has been since; ``per_second`` comes back;
    at ``reset`` all that was said is out of date.
    """

    left: float
    at: float
    reset: float
    per_second: float = 0.0
    taken: float = 0.0

    def wait(self, now: float, cost: float) -> float:
        """Seconds until ``cost`` of it may be taken; 0.0 where that is now, or where waiting for it makes no sense."""
        if now >= self.reset:
            return 0.0
        lacking = cost - (self.left - self.taken + (now - self.at) * self.per_second)
        if lacking <= 0:
            return 0.0
        wait = self.reset - now
        if self.per_second > 0:
            wait = min(wait, lacking / self.per_second)
        return wait if wait <= LONGEST else 0.0


def quotas(headers: Headers, now: float, unix: float) -> dict[str, Quota]:
    """What the headers say is left, by what is counted: "requests", "tokens", "input-tokens". ``unix`` is the time in
    seconds since 1970, for a reset that is a moment."""
    said: dict[str, dict[str, str]] = {}
    for name, value in headers:
        lowered = name.lower()
        if "ratelimit-" not in lowered:
            continue
        prefix, _, rest = lowered.partition("ratelimit-")
        first, _, second = rest.partition("-")
        if prefix == "anthropic-":
            what, _, field = rest.rpartition("-")
        elif prefix == "x-" and first in ("limit", "remaining", "reset"):
            field, what = first, second or "requests"
        else:
            continue
        said.setdefault(what, {})[field] = value
    found = {}
    for what, fields in said.items():
        left, limit = _number(fields.get("remaining")), _number(fields.get("limit"))
        span = _seconds(fields.get("reset", ""), unix)
        # What is left of the tokens of answers was reckoned with what this request may say: nobody can know better.
        if what == "output-tokens" or left is None or span is None or span <= 0:
            continue
        per_second = max(0.0, limit - left) / span if limit is not None else 0.0
        found[what] = Quota(left, now, now + span, per_second)
    return found


def _number(text: str | None) -> float | None:
    """A number that is not below 0; None for anything else."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _seconds(text: str, unix: float) -> float | None:
    """``6m0s``, ``20ms``, ``12``, ``2026-01-01T00:00:00Z`` or Unix (milli)seconds as seconds from now."""
    text = text.strip()
    number = _number(text)
    if number is not None:
        if number > 1e11:
            return number / 1000 - unix
        return number - unix if number > 1e9 else number
    if "T" in text:
        from datetime import datetime

        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return None if moment.tzinfo is None else moment.timestamp() - unix
    pieces = _SPAN.findall(text)
    if not pieces or "".join(size + unit for size, unit in pieces) != text:
        return None
    return float(sum(float(size) * _UNITS[unit] for size, unit in pieces))
