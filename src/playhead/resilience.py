"""When a provider fails: several models for one answer, and a second request where the first is slow.

``fallback("openrouter:…", "anthropic:…")`` is what an agent takes as its model. It asks the first; where that one fails
for good, its own retries done, the next. ``hedged("openai:…", after="p95")`` is a model that is asked twice where the
first request is slow; how is in :mod:`playhead.transport.hedge`.

What moves on (:data:`MOVES_ON`) is what another provider may do better: it has no room, no such model, no credits left,
it does not know the key, its server fails or says what its protocol does not allow; a history that is too long for one
model may fit into another. What does not: a request that is wrong is wrong everywhere, and a filter that refused what
was asked is not to be gone around unless the caller says so, with ``on=``.

A model that failed is avoided for a while by all runs of the process that share the value: it is asked after all others
then, not never. A replay does not look at that, nor at any clock: it asks whom the tape has the next answer of.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from playhead.errors import (
    AuthenticationError,
    BadRequestError,
    ConfigError,
    ContextTooLongError,
    ModelError,
    NotFoundError,
    OverloadedError,
    PaymentRequiredError,
    PermissionDeniedError,
    ProtocolError,
    RateLimitError,
    ServerError,
    TransportError,
)
from playhead.events import Asked, Attempt, AttemptEnd, AttemptEvent, ModelEvent
from playhead.given import check, check_there
from playhead.model import Model
from playhead.request import Request
from playhead.transport.retry import SYSTEM_CLOCK, Clock, RetryPolicy

if TYPE_CHECKING:
    from playhead.call import Call
    from playhead.dialects.base import Dialect, Endpoint
    from playhead.providers.base import Provider
    from playhead.tapes import Session
    from playhead.transport.gate import Gate

#: The errors after which the next model is asked.
MOVES_ON: tuple[type[ModelError], ...] = (
    RateLimitError,
    OverloadedError,
    ServerError,
    TransportError,
    ProtocolError,
    AuthenticationError,
    PaymentRequiredError,
    PermissionDeniedError,
    NotFoundError,
    ContextTooLongError,
)

#: How often a model is tried that has another behind it, where it was given by its name: the other is there sooner than
#: ten tries are done. The last one has the usual patience.
IMPATIENT = RetryPolicy(attempts=3, deadline=60.0)

On: TypeAlias = Sequence[type[ModelError]] | Callable[[ModelError], bool]


def fallback(
    *models: str | Model,
    on: On = MOVES_ON,
    avoid: float = 30.0,
    clock: Clock = SYSTEM_CLOCK,
) -> Fallback:
    """Several models for one answer, the first that gives one.

    Args:
        models: "provider:model", or a Model (or what :func:`hedged` makes), in the order in which they are asked. One
            that is given by its name is tried three times, the last as often as any.
        on: the classes of errors after which the next is asked, or a function of the error that says so.
        avoid: seconds for which a model that failed is asked after the others, or as long as its provider said.
        clock: where the time comes from.

    Raises:
        ConfigError: no models, or one that the catalog does not know.
    """
    return Fallback(models, on, avoid, clock)


def hedged(model: str | Model, *, after: float | Literal["p95"] = "p95") -> Model:
    """The model, asked a second time where the first byte of its answer does not come within ``after`` seconds, or
    within the wait that 95 of 100 of the last answers did not need ("p95", once twenty are known). The first answer is
    taken, the other request closed at once; what it cost is not known.

    Raises:
        ConfigError: ``after`` is no such thing, or the catalog does not know the model.
    """
    from copy import copy

    from playhead.transport.hedge import Hedge

    check_there("hedged", "model", model)
    made = copy(Model.of(model) if isinstance(model, str) else model)
    made.hedge = Hedge(after)
    return made


#: So many characters of why a model gave way are told beside why the last one did.
_SHOWN = 200


def _short(error: ModelError) -> str:
    """What an error says, on one line."""
    words = " ".join(str(error).split())
    return words if len(words) <= _SHOWN else words[:_SHOWN] + "…"


class Fallback:
    """What :func:`fallback` makes: a model to an agent. ``provider``, ``endpoint`` and ``name`` are the first one's.

    Attributes:
        models: those that are asked, in order.
    """

    def __init__(self, models: Sequence[str | Model], on: On, avoid: float, clock: Clock) -> None:
        if not models:
            raise ConfigError('fallback: give it models, as in fallback("openrouter:…", "anthropic:…")')
        for model in models:
            check_there("fallback", "model", model)
        check("fallback", on=on, avoid=avoid, clock=clock)
        last = len(models) - 1
        self.models: tuple[Model, ...] = tuple(
            Model.of(model, retry=IMPATIENT if at < last else None) if isinstance(model, str) else model
            for at, model in enumerate(models)
        )
        self.id = " or ".join(model.id for model in self.models)
        self.clock = clock
        self._on = on
        self._avoid = avoid
        self._until = [float("-inf")] * len(self.models)

    def __repr__(self) -> str:
        return f"<fallback: {self.id}>"

    @property
    def name(self) -> str:
        return self.models[0].name

    @property
    def provider(self) -> Provider:
        return self.models[0].provider

    @property
    def endpoint(self) -> Endpoint:
        return self.models[0].endpoint

    @property
    def dialect(self) -> Dialect:
        return self.models[0].dialect

    def checked_options(self, options: dict[str, Any]) -> dict[str, Any]:
        """The providers' own options. Each is told of those that it knows.

        Raises:
            ConfigError: one that none of them knows, or of a wrong type.
        """
        for name, value in options.items():
            refused: ConfigError | None = None
            for model in self.models:
                try:
                    model.checked_options({name: value})
                    break
                except ConfigError as error:
                    refused = refused or error
            else:
                if refused is not None:
                    raise refused
        return options

    def secrets(self) -> tuple[str, ...]:
        """The key values known now, of all of them."""
        return tuple(dict.fromkeys(secret for model in self.models for secret in model.secrets()))

    def call(self, session: Session | None = None) -> FallbackCall:
        """One run's line to them."""
        return FallbackCall(self, session)

    def order(self) -> list[int]:
        """In which order they are asked now: those that are avoided after the others."""
        now = self.clock.monotonic()
        return sorted(range(len(self.models)), key=lambda at: max(now, self._until[at]))

    def moves_on(self, error: ModelError) -> bool:
        """Whether the next is asked after this error."""
        return self._on(error) if callable(self._on) else isinstance(error, tuple(self._on))

    def failed(self, at: int, error: ModelError) -> None:
        """A model failed: it is avoided, unless what failed was the question."""
        if not isinstance(error, BadRequestError):
            self._until[at] = self.clock.monotonic() + max(self._avoid, error.retry_after or 0.0)

    def answered(self, at: int) -> None:
        """A model answered: it is avoided no longer."""
        self._until[at] = float("-inf")


class FallbackCall:
    """One run's line to several models: a line to each, made when it is first asked."""

    def __init__(self, fallback: Fallback, session: Session | None) -> None:
        self.clock = fallback.models[0].clock
        self._fallback = fallback
        self._session = session
        self._lines: dict[int, Call] = {}
        self._gate: Gate | None = None
        self._now = 0
        self._warnings: list[str] = []

    @property
    def provider(self) -> Provider:
        """The provider that is asked now, or was last."""
        return self._fallback.models[self._now].provider

    def guard(self, gate: Gate | None) -> None:
        """Ask ``gate`` before each live send from now on; None asks nobody."""
        self._gate = gate
        for line in self._lines.values():
            line.guard(gate)

    def whom(self, request: Request) -> Asked:
        """Whom this line asks now."""
        return self._line(self._now).whom(self._own(self._now, request)[0])

    @property
    def heard(self) -> int:
        """How many answers have come to its lines now, and from no tape."""
        return sum(line.heard for line in self._lines.values())

    def take_warnings(self) -> list[str]:
        """What could not be said as asked since the last time, and who gave way to whom."""
        taken, self._warnings = self._warnings, []
        for line in self._lines.values():
            taken += line.take_warnings()
        return taken

    async def stream(self, request: Request, *, step: int) -> AsyncGenerator[Sequence[ModelEvent | AttemptEvent], None]:
        """Ask one after the other, until one has answered.

        Raises:
            ModelError: what ended it: an error that does not move on, or the last one's. ``error.attempts`` are those
                of all that were asked, and its message says why the others gave way.
        """
        common = self._fallback
        attempts: list[Attempt] = []
        gave_way = ""
        left = common.order()
        while True:
            at = self._now = self._next(left, request)
            left.remove(at)
            own, unknown = self._own(at, request)
            for name in unknown:
                words = f"options.{name}: {common.models[at].id} knows no such option, and was not told of it"
                if words not in self._warnings:
                    self._warnings.append(words)
            elsewhere = self._elsewhere(left, request, at)
            asking = self._line(at).stream(own, step=step, after=len(attempts), elsewhere=elsewhere)
            live = self._place(at, request) is None
            try:
                async with aclosing(asking) as batches:
                    async for batch in batches:
                        attempts += [event.attempt for event in batch if type(event) is AttemptEnd]
                        yield batch
                if live:
                    common.answered(at)
                return
            except ModelError as error:
                if live:
                    common.failed(at, error)
                error.attempts = tuple(attempts)
                if not left or not common.moves_on(error):
                    if gave_way:
                        error.message += f"\nbefore that, of this fallback:{gave_way}"
                        error.args = (error.message,)
                    raise
                gave_way += f"\n  {common.models[at].id} failed with {_short(error)}"
                self._warnings.append(f"{common.models[at].id} gave way to the next model: {error}")

    def _next(self, left: list[int], request: Request) -> int:
        """Who is asked next: whose answer is next on the tape, else the first that is left."""
        places = [(place, at) for at in left if (place := self._place(at, request)) is not None]
        return min(places)[1] if places else left[0]

    def _elsewhere(self, left: list[int], request: Request, at: int) -> Callable[[], bool] | None:
        """Whether the tape has no more of this model's, and something of one that comes after it."""
        if self._session is None:
            return None
        others = tuple(left)

        def elsewhere() -> bool:
            places = [self._place(other, request) for other in others]
            theirs = [place for place in places if place is not None]
            own = self._place(at, request)
            return bool(theirs) and (own is None or min(theirs) < own)

        return elsewhere

    def _place(self, at: int, request: Request) -> int | None:
        if self._session is None:
            return None
        return self._line(at).place_on_tape(self._own(at, request)[0])

    def _own(self, at: int, request: Request) -> tuple[Request, list[str]]:
        """The request as this one is asked it, and the options that it does not know."""
        model = self._fallback.models[at]
        options, unknown = request.options, []
        if options:
            for name, value in options.items():
                try:
                    model.checked_options({name: value})
                except ConfigError:
                    unknown.append(name)
            options = {name: value for name, value in options.items() if name not in unknown}
        return msgspec.structs.replace(request, model=model.name, options=options), unknown

    def _line(self, at: int) -> Call:
        line = self._lines.get(at)
        if line is None:
            line = self._lines[at] = self._fallback.models[at].call(self._session)
            line.guard(self._gate)
        return line
