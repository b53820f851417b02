"""How fast a provider may be asked that has not said so: a pace that is learned from what it refuses. Pure.

Until the first refusal nothing is known, and the pace is one that nobody notices who does not ask a great deal at once:
:data:`BURST` requests leave together, one more for each that is answered, and beside them :data:`START` a second,
twice as many each :data:`DOUBLING` seconds for as long as more are waiting. Ten thousand have left within a second; a
provider that refuses has refused a few dozen.

A refusal makes everyone wait for as long as it asks. Then the pace is what the provider was seen to take: the answers
of the time since the last correction, waits aside, in a second. It grows again with each answer, slowly at first, until
the next refusal corrects it: additive increase, multiplicative decrease (Chiu and Jain, 1989), where the decrease knows
what it falls to. Requests that left before a correction say nothing about it and change nothing.

Seconds are those of the caller's clock.
"""

from __future__ import annotations

#: Requests that leave together while nothing is known.
BURST = 32.0
#: Requests in a second that leave after them, and the seconds in which that doubles while it is not enough.
START = 200.0
DOUBLING = 0.1
#: Beyond this there is no pace: requests in a second.
FREE = 50_000.0
#: A pace is never less, in requests a second. Who allows less says for how long to wait; and some refuse by chance,
#: whatever the pace, who would be asked less and less often for nothing.
SLOWEST = 2.0
#: Seconds that a correction must have been in force before what was seen under it is a pace.
SETTLED = 1.0
#: Seconds for which answers are counted: what was asked long ago says nothing about now.
RECENT = 10.0
#: What a first refusal corrects to at least, in requests a second: it may have come by chance.
FIRST = 5.0
#: By how much each answer raises a learned pace, and the seconds after which it is raised twice as fast.
GAIN, PATIENCE = 0.04, 5.0
#: A correction goes no lower than this share of what it corrects, and always below that other one.
LOWEST_CUT, HIGHEST_CUT = 0.5, 0.98
#: Seconds to wait after a refusal that does not say; doubled with each that follows, so many times at most.
SHORT_WAIT, DOUBLED = 0.05, 5
#: Seconds of a pace that may leave together, after a moment in which nothing was asked.
TOGETHER = 0.1
#: Seconds that a refusal is obeyed by those who were not refused. They ask again then: the refused one may not.
LONGEST_WAIT = 60.0
#: Seconds that a wait has at least: a clock whose seconds are large numbers counts no smaller ones.
TICK = 0.0001
#: Seconds without a refusal after which what was learned is forgotten.
FORGOTTEN = 600.0


class Pace:
    """How fast one provider may be asked now.

    Attributes:
        rate: requests a second.
        learned: whether it was ever refused.
        until: the moment up to which nobody asks.
    """

    def __init__(self) -> None:
        self.rate = START
        self.learned = False
        self.until = 0.0
        self._room = BURST
        self._at = 0.0  # when the room was last counted
        self._pressed: float | None = None  # when somebody last had to wait
        self._corrected = 0.0  # the moment of the last refusal that said something new
        self._since: float | None = None  # since when answers are counted, and how many there were
        self._seen = 0
        self._paused = 0.0  # the seconds of that time in which nobody asked
        self._before: float | None = None  # answers a second of the time before that, since the last correction
        self._row = 0  # refusals without an answer between them

    def wait(self, now: float) -> float:
        """Seconds until the next request may leave; 0.0 where that is now."""
        if now < self.until:
            return self.until - now
        if self.learned and now - self._corrected > FORGOTTEN:
            self.__init__()  # type: ignore[misc]
        if self.rate > FREE:
            return 0.0
        if now > self._at:
            most = max(1.0, self.rate * TOGETHER) if self.learned else max(BURST, self.rate * DOUBLING)
            self._room = min(most, self._room + self.rate * (now - self._at))
            self._at = now
        if self._room >= 1.0:
            return 0.0
        if not self.learned:
            if self._pressed is not None:
                self.rate *= 2.0 ** min((now - self._pressed) / DOUBLING, 1.0)
            self._pressed = now
        return max(TICK, (1.0 - self._room) / self.rate)

    def sent(self, now: float) -> None:
        """A request leaves."""
        self._room -= 1.0
        if self._since is None:
            self._since = now

    def accepted(self, now: float, left: float) -> None:
        """A request that left at ``left`` was answered."""
        if self._since is not None and now - self._since > RECENT:
            self._before = self._seen / max(SETTLED, now - self._since - self._paused)
            self._seen, self._since, self._paused = 0, now, 0.0
        self._seen += 1
        if not self.learned:
            self._room += self._room < BURST
        elif left > self._corrected:
            self._row = 0
            self.rate += GAIN * (1.0 + (now - self._corrected) / PATIENCE)

    def refused(self, now: float, left: float, asked: float | None) -> None:
        """A request that left at ``left`` was refused; ``asked`` is how long the provider asks to wait, in seconds."""
        pause = asked or 0.0
        if left >= self._corrected:
            self._correct(now)
            if asked is None:
                pause = SHORT_WAIT * 2.0 ** min(self._row, DOUBLED)
            self._row += 1
        until = max(self.until, now + min(LONGEST_WAIT, pause))
        self._paused += until - max(now, self.until)
        self.until = until
        self._at = max(self._at, until)

    def _correct(self, now: float) -> None:
        since = now if self._since is None else self._since
        span = now - since - self._paused
        if not self.learned or span >= SETTLED or self._before is not None:
            # Of a first burst nobody knows how long it holds for; it is taken for what may be asked in a second.
            seen = self._seen / max(SETTLED, span)
            if span < SETTLED and self._before is not None:
                seen = max(seen, self._before)
            lowest = self.rate * LOWEST_CUT if self.learned else FIRST
            seen = max(lowest, seen)
            self.rate = max(SLOWEST, min(self.rate * HIGHEST_CUT, seen))
            self.learned = True
            self._seen, self._since, self._paused, self._before = 0, now, 0.0, None
        self._corrected = now
        self._room = min(self._room, 1.0)
