"""A limiter that all runs of a process share: whoever asks the same model with the same key waits in one queue.

It stands below what plays a tape and above what records one: a played answer never waits, and a recorded exchange
lasts from when it really left. Who waits is served in the order of coming, over all event loops and threads. Nobody
waits while nobody is refused and no limit was set, unless a great deal is asked at once (:mod:`.pace`).

What it goes by, the strictest first: what was set (``Limiter(requests_per_minute=…)``), what answers say is left
(:mod:`.quota`), and what was refused: after a 429 or a 529, or a 503 that says for how long, all wait as long as was
asked, then go on at the pace that the provider was seen to take.

Waiting costs no task: the first in the queue sleeps until its turn, all others wait for a future that the one before
them resolves when it goes, by its answer or by being cancelled. An event loop that is closed in the middle of its runs
says nothing of it: so who waits beside other loops looks now and then whether the first is still there. Time is the
model's clock.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any

from playhead.errors import AuthenticationError, ConfigError
from playhead.given import Naming, check
from playhead.transport.pace import Pace
from playhead.transport.quota import Quota, quotas
from playhead.transport.retry import SYSTEM_CLOCK, Clock, retry_after, should_retry
from playhead.wire import HTTPRequest, HTTPResponse

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future

    from playhead.transport.auth import Key
    from playhead.transport.base import Transport

#: Bytes of a request that are taken for a token, as long as nobody has counted.
BYTES_PER_TOKEN = 4
#: How many limiters are kept for models that were asked without one of their own; a server with a key for each of its
#: customers has many, most of them at rest.
KEPT = 2048
#: Seconds after which one who waits behind those of another event loop looks whether that one is still there.
LOOK_AGAIN = 0.5


class Limiter(metaclass=Naming):
    """How much may be asked at once, and in a minute; None sets no limit, and leaves it to what is learned.

    One limiter may be given to several models, whose runs then share its limits::

        limiter = Limiter(requests_per_minute=500, tokens_per_minute=200_000, concurrency=50)
        model = Model.of("openai:gpt-4o", limiter=limiter)

    ``tokens_per_minute`` counts a request as a token for each four bytes until its answer says what it used. A limit
    for a minute is held evenly: requests by the second, tokens so that what was not used in a minute is gone.

    Attributes:
        asked, refused: how many requests left, and how many of them were refused for coming too fast.
        waiting: how many wait now.
        pace: requests a second that are let through; None while it is not limited by what was learned.
    """

    def __init__(
        self,
        *,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        concurrency: int | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        check("Limiter", requests_per_minute=requests_per_minute, tokens_per_minute=tokens_per_minute)
        check("Limiter", concurrency=concurrency, clock=clock)
        for name, value in (
            ("requests_per_minute", requests_per_minute),
            ("tokens_per_minute", tokens_per_minute),
            ("concurrency", concurrency),
        ):
            if value is not None and not value > 0:
                raise ConfigError(f"Limiter: {name} is {value!r}; a number above 0 is expected")
        self.clock = clock
        self.asked = self.refused = 0
        self._concurrency = concurrency
        self._under_way = 0
        self._requests = None if requests_per_minute is None else _Bucket(requests_per_minute / 60, 1.0)
        self._tokens = None if tokens_per_minute is None else _Bucket(tokens_per_minute / 60, 60.0)
        self._pace = Pace()
        self._quotas: dict[str, Quota] = {}
        self._newest = 0
        # Collecting what an event loop left behind may end a run that waits here, in any line.
        self._lock = RLock()
        self._queue: OrderedDict[int, tuple[AbstractEventLoop, Future[None]]] = OrderedDict()
        self._loops: dict[AbstractEventLoop, int] = {}  # how many of each stand in the queue
        self._tickets = 0
        self.held_on_to: object = None

    def __repr__(self) -> str:
        pace = "" if self.pace is None else f", {self.pace:.3g} a second"
        return f"<limiter: {self.asked} asked, {self.refused} refused, {self.waiting} waiting{pace}>"

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def pace(self) -> float | None:
        return self._pace.rate if self._pace.learned else None

    @property
    def counts(self) -> bool:
        """Whether it is to be told when an answer has ended."""
        return self._concurrency is not None or self._tokens is not None

    def enter_now(self, size: int) -> int | None:
        """Let a request of so many bytes leave, if it may at once; its number among all. None where it may not."""
        now = self.clock.monotonic()
        with self._lock:
            if self._queue:
                self._bury()
            return None if self._queue or self._wait(now, size) else self._leave(size, now)

    async def enter(self, size: int) -> int:
        """Wait until a request of so many bytes may leave; its number among all."""
        number = self.enter_now(size)
        if number is not None:
            return number
        from asyncio import get_running_loop

        loop = get_running_loop()
        with self._lock:
            self._tickets += 1
            ticket = self._tickets
            turn: Future[None] = loop.create_future()
            self._queue[ticket] = (loop, turn)
            self._loops[loop] = self._loops.get(loop, 0) + 1
        try:
            while True:
                with self._lock:
                    self._bury()
                    wait: float | None = None
                    if next(iter(self._queue)) == ticket:
                        now = self.clock.monotonic()
                        wait = self._wait(now, size)
                        if wait == 0.0:
                            return self._leave(size, now)
                    if wait is None or wait == _UNTIL_ONE_ENDS:
                        wait = None
                        if turn.done():
                            turn = loop.create_future()
                            self._queue[ticket] = (loop, turn)
                        others = len(self._loops) > 1
                if wait is None:
                    look = loop.call_later(LOOK_AGAIN, _done, turn) if others else None
                    try:
                        await turn
                    finally:
                        if look is not None:
                            look.cancel()
                else:
                    await self.clock.sleep(wait)
        finally:
            with self._lock:
                self._drop(ticket)
                self._wake()

    def answered(self, number: int, left: float, answer: HTTPResponse) -> None:
        """The head of an answer is here, to the request of this number that left at ``left``."""
        now, headers = self.clock.monotonic(), answer.headers
        asked = retry_after(headers, self.clock.time()) if answer.status >= 400 else None
        slow_down = answer.status in (429, 529) or (answer.status == 503 and asked is not None)
        with self._lock:
            if slow_down and should_retry(headers) is not False:
                self.refused += 1
                self._pace.refused(now, left, asked)
            elif answer.status < 300:
                self._pace.accepted(now, left)
            if number >= self._newest:
                found = quotas(headers, now, self.clock.time())
                if found:
                    self._newest = number
                    self._quotas = found
                    since = self.asked - number  # which the provider may not have counted yet
                    for what, quota in found.items():
                        quota.taken = since if what == "requests" else 0.0

    def ended(self, size: int, used: int | None) -> None:
        """An exchange that had entered is over. ``used`` is the tokens that it took, None where nobody counted."""
        with self._lock:
            self._under_way -= 1
            if self._tokens is not None and used is not None:
                self._tokens.take(used - _tokens(size))
            if self._concurrency is not None:
                self._wake()

    @property
    def at_rest(self) -> bool:
        """Whether nothing would be lost with it."""
        return not self._queue and not self._under_way and not self._pace.learned

    def _wait(self, now: float, size: int) -> float:
        if self._concurrency is not None and self._under_way >= self._concurrency:
            return _UNTIL_ONE_ENDS
        wait = self._pace.wait(now)
        if self._requests is not None:
            wait = max(wait, self._requests.wait(now, 1.0))
        if self._tokens is not None:
            wait = max(wait, self._tokens.wait(now, _tokens(size)))
        for what, quota in self._quotas.items():
            wait = max(wait, quota.wait(now, 1.0 if what == "requests" else _tokens(size)))
        return wait

    def _leave(self, size: int, now: float) -> int:
        self.asked += 1
        self._under_way += 1
        self._pace.sent(now)
        if self._requests is not None:
            self._requests.take(1.0)
        if self._tokens is not None:
            self._tokens.take(_tokens(size))
        for what, quota in self._quotas.items():
            quota.taken += 1.0 if what == "requests" else _tokens(size)
        return self.asked

    def _bury(self) -> None:
        """The first whose loop was closed will not go on, and nobody is told of it: the next one is first."""
        while self._queue:
            ticket, (loop, _) = next(iter(self._queue.items()))
            if not loop.is_closed():
                return
            self._drop(ticket)

    def _drop(self, ticket: int) -> None:
        """It stands in the queue no longer."""
        found = self._queue.pop(ticket, None)
        if found is not None:
            loop, _ = found
            self._loops[loop] -= 1
            if not self._loops[loop]:
                del self._loops[loop]

    def _wake(self) -> None:
        """The first in the queue is to look; one whose loop has ended will not, and is passed over."""
        while self._queue:
            ticket, (loop, turn) = next(iter(self._queue.items()))
            try:
                loop.call_soon_threadsafe(_done, turn)
                return
            except RuntimeError:
                self._drop(ticket)


#: What the first in the queue waits for where no time will help.
_UNTIL_ONE_ENDS = float("inf")


def _done(turn: Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)


def _tokens(size: int) -> float:
    return size / BYTES_PER_TOKEN


class _Bucket:
    """A limit that was set: ``rate`` a second, of which ``seconds`` are kept where they are not used."""

    def __init__(self, rate: float, seconds: float) -> None:
        self._rate = rate
        self._most = self._left = max(1.0, rate * seconds)
        self._at: float | None = None

    def wait(self, now: float, cost: float) -> float:
        if self._at is not None:
            self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        lacking = min(cost, self._most) - self._left  # one that is larger than all there can be goes when it is full
        return max(0.001, lacking / self._rate) if lacking > 1e-6 else 0.0

    def take(self, cost: float) -> None:
        self._left -= cost


class LimitTransport:
    """Sends through ``inner`` when the limiter lets it; ``find`` gives the limiter at the first send, None for none."""

    def __init__(self, inner: Transport, find: Callable[[], Limiter | None]) -> None:
        self.inner = inner
        self._find: Callable[[], Limiter | None] | None = find
        self._limiter: Limiter | None = None

    @property
    def limiter(self) -> Limiter | None:
        """What is waited for."""
        if self._find is not None:
            self._limiter, self._find = self._find(), None
        return self._limiter

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        """Wait for one's turn, and send.

        Raises:
            TransportError: no answer came.
        """
        limiter, size = self.limiter, len(request.body)
        if limiter is None:
            return await self.inner.send(request)
        came = left = limiter.clock.monotonic()
        number = limiter.enter_now(size)
        if number is None:
            number = await limiter.enter(size)
            left = limiter.clock.monotonic()
        try:
            answer = await self.inner.send(request)
        except BaseException:
            limiter.ended(size, None)
            raise
        limiter.answered(number, left, answer)
        if limiter.counts:
            answer = _counted(answer, limiter, size)
        else:
            limiter.ended(size, None)
        answer.held = left - came
        return answer

    def may_send(self, request: HTTPRequest) -> bool:
        """Whether a further request may leave now; where it may, it has, and :meth:`sent` is called when it is over."""
        limiter = self.limiter
        return limiter is None or limiter.enter_now(len(request.body)) is not None

    def sent(self, request: HTTPRequest) -> None:
        """A further request is over."""
        if self.limiter is not None:
            self.limiter.ended(len(request.body), None)

    async def aclose(self) -> None:
        """Close the transport inside."""
        await self.inner.aclose()


def _counted(answer: HTTPResponse, limiter: Limiter, size: int) -> HTTPResponse:
    """The same answer, of whose end the limiter is told."""
    again: HTTPResponse

    async def close() -> None:
        usage = again.usage
        limiter.ended(size, None if usage is None else usage.total_tokens)
        await answer.aclose(again.refused, finished=again.finished)

    again = HTTPResponse(
        answer.status, answer.headers, answer.chunks, reason=answer.reason, proto=answer.proto, close=close
    )
    again.uncompressed, again.renewed, again.beaten = answer.uncompressed, answer.renewed, answer.beaten
    return again


_shared: OrderedDict[Any, Limiter] = OrderedDict()
_shared_lock = Lock()


def shared_limiter(provider: str, base_url: str, model: str, key: Key | None, clock: Clock, wire: object) -> Limiter:
    """The limiter of all who ask this model there with this key. A key that is given by a function or a service is
    known by who gives it. ``wire`` is a transport of the caller's own, None for the shared one.
    """
    try:
        found = None if key is None else key.look()
    except AuthenticationError:  # which the send will raise as well
        found = None
    if found is not None:
        who: object = hash(found[2])  # no key is kept here
    else:
        source = None if key is None else key.source
        who = None if source is None else getattr(source, "shared_by", type(source).__name__)
    # What is known by its id is held by what is kept, so that no other can have that id meanwhile.
    about = (provider, base_url, model, who, id(clock), id(wire))
    with _shared_lock:
        limiter = _shared.get(about)
        if limiter is None:
            if len(_shared) >= KEPT:
                for old in [known for known, one in _shared.items() if one.at_rest] or list(_shared)[:1]:
                    del _shared[old]
            limiter = _shared[about] = Limiter(clock=clock)
            limiter.held_on_to = (wire, key)
        return limiter


def _forget() -> None:
    """In a forked child, whose parent's runs are not its own."""
    global _shared_lock
    _shared_lock = Lock()
    _shared.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
