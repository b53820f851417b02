"""How values spread: percentiles of any number of durations, in little memory, and of several counts together.

Up to :data:`EXACT` values are kept as they are, and percentiles are values that were there (nearest rank). Beyond that
each is counted in a bucket whose bounds are 1% apart, so that a percentile is right to half a percent, and a million
values take what a few hundred do. Two spreads added are the spread of all values, whoever counted them.
"""

from __future__ import annotations

import math

import msgspec

#: So many values are kept as they are.
EXACT = 4096
#: The width of a bucket: its upper bound by its lower.
_WIDTH = math.log(1.01)
#: Seconds below which durations are not told apart.
_LEAST = 1e-7


class Spread(msgspec.Struct):
    """Values, all from 0."""

    count: int = 0
    largest: float = 0.0
    values: list[float] = msgspec.field(default_factory=list)
    buckets: dict[int, int] = msgspec.field(default_factory=dict)

    def add(self, value: float) -> None:
        """One more; what is no number of seconds (less than 0, without end) is left out."""
        if not 0 <= value < math.inf:
            return
        self.count += 1
        self.largest = max(self.largest, value)
        if self.buckets:
            self._put(value, 1)
            return
        self.values.append(value)
        if len(self.values) > EXACT:
            self._fold()

    def __iadd__(self, other: Spread) -> Spread:
        if not self.buckets and not other.buckets and self.count + other.count <= EXACT:
            self.values += other.values
        else:
            self._fold()
            for value in other.values:
                self._put(value, 1)
            for bucket, count in other.buckets.items():
                self.buckets[bucket] = self.buckets.get(bucket, 0) + count
        self.count += other.count
        self.largest = max(self.largest, other.largest)
        return self

    def at(self, share: float) -> float | None:
        """The value that this share of all is not above: ``at(0.5)`` is the median. None of no values."""
        if not self.count:
            return None
        rank = max(1, math.ceil(share * self.count))
        if not self.buckets:
            return sorted(self.values)[rank - 1]
        for bucket in sorted(self.buckets):
            rank -= self.buckets[bucket]
            if rank <= 0:
                return min(_LEAST * math.exp((bucket + 0.5) * _WIDTH), self.largest)
        return self.largest

    def _fold(self) -> None:
        values, self.values = self.values, []
        for value in values:
            self._put(value, 1)

    def _put(self, value: float, count: int) -> None:
        bucket = math.floor(math.log(max(value, _LEAST) / _LEAST) / _WIDTH)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + count
