"""What the fake provider counts and charges, and how often it lets itself be asked.

A count is what a test compares a budget with, so it is simple enough to be done by hand: a token is four bytes of the
request's body, or four bytes of what was said. An answer that names its own usage is billed that. An answer is billed
once its first byte leaves, whole, whatever becomes of the connection; a refusal is not billed.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from playhead.messages import Reasoning, Refusal, Text, ToolCall
from playhead.response import Response, Usage
from playhead.wire import Headers

BYTES_PER_TOKEN = 4


class Price(msgspec.Struct, frozen=True):
    """US dollars for a million tokens of input, and of output."""

    input: Decimal
    output: Decimal


def counted(response: Response, asked: int, price: Price | None) -> Usage:
    """The usage of an answer to a request of ``asked`` bytes: its own, else counted; with its cost where there is a
    price and it has none."""
    usage = response.usage
    if usage is None:
        said = sum(_size(part) for part in response.parts)
        usage = Usage(-(-asked // BYTES_PER_TOKEN), -(-said // BYTES_PER_TOKEN))
    if price is not None and usage.cost is None:
        cost = (price.input * (usage.input_tokens or 0) + price.output * (usage.output_tokens or 0)) / 1_000_000
        usage = msgspec.structs.replace(usage, cost=cost)
    return usage


def _size(part: object) -> int:
    if isinstance(part, Text | Refusal | Reasoning):
        return len(part.text.encode())
    return len(part.name.encode()) + len(part.arguments.encode()) if isinstance(part, ToolCall) else 0


class Gate:
    """At most ``rate`` requests in a second: a bucket of that many, which fills evenly. Time is an argument."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._size = max(1.0, rate)
        self._left = self._size
        self._at = 0.0

    def wait(self, now: float) -> float:
        """Seconds until a request may come; 0.0 lets this one in."""
        self._left = min(self._size, self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left >= 1.0:
            self._left -= 1.0
            return 0.0
        return (1.0 - self._left) / self.rate

    def headers(self, unix: float, dialect: str) -> Headers:
        """How much is left, as the providers of this wire say it; ``unix`` is the time in seconds since 1970."""
        left, full = int(self._left), (self._size - self._left) / self.rate
        if dialect == "anthropic_messages":
            return (
                ("anthropic-ratelimit-requests-limit", str(int(self._size))),
                ("anthropic-ratelimit-requests-remaining", str(left)),
                ("anthropic-ratelimit-requests-reset", _rfc3339(unix + full)),
            )
        return (
            ("x-ratelimit-limit-requests", str(int(self._size))),
            ("x-ratelimit-remaining-requests", str(left)),
            ("x-ratelimit-reset-requests", f"{full:.3f}s"),
        )


def _rfc3339(unix: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
