"""One run's line to a model: the transport composed for that run, and the answer read into events.

:meth:`Call.stream` is the only way that a model is asked, streamed or not::

    request → encode_request → retry → tape → auth → http → decoder → events

An answer that came whole becomes the same events as one that came in pieces. What an answer says goes before how its
connection ends, and what was paid for is handed on even where the tape could not take it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

import msgspec

from playhead import bounds
from playhead.answers import and_then, comes_in_pieces, redirected, request_id, whole
from playhead.dialects.base import Dialect, Endpoint, Memo
from playhead.errors import (
    CutStreamError,
    ModelError,
    PlayheadError,
    TapeError,
    TapeMissError,
    TransportError,
)
from playhead.events import Asked, Attempt, AttemptEnd, AttemptEvent, ModelEvent
from playhead.fold import unfold
from playhead.request import Request
from playhead.shaping import beyond, placed, shaped, turned
from playhead.transport.auth import AuthTransport, Key
from playhead.transport.limiter import Limiter, LimitTransport
from playhead.transport.retry import Answer, Batches, Clock, Exchange, RetryPolicy, attempts, enrich
from playhead.wire import Headers, HTTPRequest, HTTPResponse

if TYPE_CHECKING:
    from playhead.providers.base import Provider
    from playhead.tapes import Session
    from playhead.transport.base import Transport
    from playhead.transport.gate import Gate
    from playhead.transport.hedge import Hedge


class Bound(Protocol):
    """What a line needs of its model; :class:`playhead.Model` is one."""

    provider: Provider
    endpoint: Endpoint
    dialect: Dialect
    key: Key | None
    wire: Transport
    retry: RetryPolicy
    clock: Clock
    random: Callable[[], float] | None
    hedge: Hedge | None

    def secrets(self) -> tuple[str, ...]:
        """The key values known now."""

    def limited_by(self) -> Limiter | None:
        """What its requests wait for."""


class Call:
    """One run's line to a model."""

    def __init__(self, model: Bound, session: Session | None) -> None:
        self.clock = model.clock
        self._session = session
        self._learned: set[str] = set()
        self._model = model
        self._gate: Gate | None = None
        self._transport = self._through(session)
        self._memo: Memo = {}
        self._warnings: list[str] = []
        self._warned: set[str] = set()
        self.heard = 0  # answers that came now, and from no tape
        self._looked = 0  # so many messages were looked at for files that the model does not take

    def _through(self, session: Session | None) -> Transport:
        model = self._model
        transport: Transport = AuthTransport(model.wire, model.key, provider=model.provider.name, learn=self._learn)
        if self._gate is not None:
            from playhead.transport.gate import GateTransport

            transport = GateTransport(transport, self._gate)
        if session is None:
            return _in_turn(model, transport)
        from playhead.transport.record import RecordTransport
        from playhead.transport.replay import ReplayTransport

        recording = RecordTransport(session, transport)
        return ReplayTransport(session, _in_turn(model, recording, recording.gave_way))

    def guard(self, gate: Gate | None) -> None:
        """Ask ``gate`` before each live send from now on; None asks nobody."""
        if gate is not self._gate:
            self._gate = gate
            self._transport = self._through(self._session)

    def _learn(self, secret: str) -> None:
        """A key is about to be sent: from now on the tape and the errors keep it out."""
        if secret not in self._learned:
            self._learned.add(secret)
            if self._session is not None:
                self._session.add_secret(secret)

    def _redact(self, error: ModelError) -> None:
        """Take known keys out of an error, in whatever form: a refusal may repeat the key that it refuses."""
        secrets = {*self._model.secrets(), *self._learned}
        if not secrets:
            return
        from playhead.tapes.redact import Redactor

        redactor = Redactor(secrets)
        error.body = redactor.body(error.body)
        error.message = redactor.body(error.message.encode("utf-8", "replace")).decode("utf-8", "replace")
        error.request_id = self._clean(error.request_id)
        error.args = (error.message,)

    def _clean(self, text: str | None) -> str | None:
        """The text without the keys that were sent."""
        for secret in self._learned:
            if text and secret in text:
                text = text.replace(secret, "REDACTED")
        return text

    @property
    def provider(self) -> Provider:
        """The provider that this line asks."""
        return self._model.provider

    def whom(self, request: Request) -> Asked:
        """Whom this line asks it, without the user and password that a base URL may hold."""
        return Asked(self._model.provider.name, _unsigned(self._model.endpoint.base_url), request.model)

    def take_warnings(self) -> list[str]:
        """What could not be said as asked since the last time, as sentences."""
        taken, self._warnings = self._warnings, []
        return taken

    def stream(
        self, request: Request, *, step: int, after: int = 0, elsewhere: Callable[[], bool] | None = None
    ) -> AsyncGenerator[Sequence[ModelEvent | AttemptEvent], None]:
        """Ask, and yield what happens in batches, until the answer is whole. ``after`` and ``elsewhere`` are for who
        asks several models for one answer; see :func:`playhead.transport.retry.attempts`.

        Raises:
            ModelError: the call failed for good; ``error.attempts`` are its tries.
        """
        model, meant = self._model, request
        profile = model.endpoint.profile
        request, told, back = shaped(meant, profile)
        encoded = model.dialect.encode_request(request, model.endpoint, self._memo)
        warnings = [f"{warning.where}: {warning.message}" for warning in (*told, *beyond(meant, profile, self._looked))]
        self._looked = len(meant.messages)
        warnings += [placed(f"{warning.where}: {warning.message}", meant, profile) for warning in encoded.warnings]
        for words in warnings:
            if words not in self._warned:
                self._warned.add(words)
                self._warnings.append(words)
        http, streamed = encoded.http, request.stream

        def otherwise() -> HTTPRequest:
            """The same question, streamed instead of whole or the other way round: a tape may hold that one."""
            other = msgspec.structs.replace(request, stream=not streamed)
            return model.dialect.encode_request(other, model.endpoint, self._memo).http

        whom, where = self.whom(request), _unsigned(http.url.partition("?")[0])

        def attempt(exchange: Exchange) -> Awaitable[Answer]:
            exchange.asked, exchange.url = whom, where
            answer = self._attempt(http, otherwise, exchange, meant)
            for begin in back:
                answer = turned(answer, begin())
            return answer

        return attempts(
            attempt,
            step=step,
            policy=model.retry,
            clock=model.clock,
            random=model.random,
            after=after,
            elsewhere=elsewhere,
        )

    def place_on_tape(self, request: Request) -> int | None:
        """Where the tape has the next answer to this question, streamed or not: interactions before it; None where it
        has none."""
        model, session = self._model, self._session
        if session is None:
            return None
        request = shaped(request, model.endpoint.profile)[0]
        for asked in (request, msgspec.structs.replace(request, stream=not request.stream)):
            place = session.place_of(model.dialect.encode_request(asked, model.endpoint, self._memo).http)
            if place is not None:
                return place
        return None

    async def _attempt(
        self, http: HTTPRequest, otherwise: Callable[[], HTTPRequest], exchange: Exchange, meant: Request
    ) -> Answer:
        """Ask once: the events of an answer that came whole, or a generator of those of one that comes in pieces."""
        model = self._model
        try:
            answer = await self._transport.send(http)
        except TapeMissError as miss:
            try:
                answer = await self._transport.send(otherwise())
            except TapeMissError:
                if meant.tools and model.endpoint.profile.tools == "constrained":  # the examples are nobody's messages
                    miss.args = (placed(str(miss), meant, model.endpoint.profile),)
                raise miss from None
        pieces: Batches | None = None  # from there on, it is theirs to close the answer
        refused: str | None = None
        try:
            kind = self._note(answer, exchange)
            if answer.status >= 300:
                raise await self._refusal(answer)
            if comes_in_pieces(kind, meant.stream):
                pieces = self._pieces(answer, http, exchange)
                return pieces
            body, lost = await whole(answer, bounds.ANSWER_LIMIT, self.clock)
            response = model.dialect.decode_response(body, model.endpoint)[0]
            answer.usage = response.usage
            events = unfold(response)
        except ModelError as error:
            refused = self._refuse(error, http, exchange)
            raise
        finally:
            if pieces is None:
                await answer.aclose(refused)
        return events if lost is None else and_then(events, lost)

    async def exchange(
        self,
        http: HTTPRequest,
        take: Callable[[bytes, Headers], None],
        *,
        step: int,
        told: Callable[[Attempt], None] | None = None,
    ) -> None:
        """A question that is no conversation, through the same transports, with the same retries. ``take`` is given the
        answer, whole; a ModelError that it raises is the attempt's. ``told`` is given each attempt as it ends, before
        the wait that follows it.

        Raises:
            ModelError: the call failed for good; ``error.attempts`` are its tries.
        """
        model = self._model

        async def attempt(exchange: Exchange) -> Answer:
            answer = await self._transport.send(http)
            refused: str | None = None
            try:
                self._note(answer, exchange)
                if answer.status >= 300:
                    raise await self._refusal(answer)
                body, lost = await whole(answer, bounds.VECTORS_LIMIT, self.clock)
                take(body, answer.headers)
            except ModelError as error:
                refused = self._refuse(error, http, exchange)
                raise
            finally:
                await answer.aclose(refused)
            return [] if lost is None else and_then((), lost)

        asking = attempts(attempt, step=step, policy=model.retry, clock=model.clock, random=model.random)
        async with aclosing(asking) as batches:
            async for batch in batches:
                for event in batch:
                    if told is not None and isinstance(event, AttemptEnd):
                        told(event.attempt)

    def _note(self, answer: HTTPResponse, exchange: Exchange) -> str:
        """Note what the head of an answer says of the attempt; the type of its content, "" where it says none."""
        head = {name.lower(): value for name, value in reversed(answer.headers)}  # the first of a name counts
        exchange.status = answer.status
        exchange.request_id = self._clean(request_id(head))
        exchange.date = head.get("date")
        exchange.recorded = answer.recorded_duration
        exchange.replayed = answer.recorded_duration is not None
        self.heard += not exchange.replayed
        exchange.held, exchange.beaten = answer.held, answer.beaten
        return head.get("content-type", "")

    async def _refusal(self, answer: HTTPResponse) -> ModelError:
        """The error that an answer of another status than 2xx is."""
        if answer.status < 400:
            return redirected(answer)
        model = self._model
        body, _ = await whole(answer, bounds.REFUSAL_LIMIT, self.clock, cut=True)
        error = model.dialect.decode_error(answer.status, answer.headers, body, model.endpoint)
        enrich(error, answer.headers, self.clock.time())
        error.retryable = error.retryable or answer.renewed
        return error

    async def _pieces(self, answer: HTTPResponse, http: HTTPRequest, exchange: Exchange) -> Batches:
        """The events of an answer as it arrives. What the answer itself says goes before how its connection ends: once
        it is whole, a connection that is lost, or never ends, changes nothing, and an error that it holds is the error.
        """
        lost: PlayheadError | None = None
        refused: str | None = None
        quiet: float | None = None  # since when nothing but signs of life has come
        decoder = self._model.dialect.decoder(self._model.endpoint)
        try:
            try:
                async for chunk in answer.chunks:
                    events = decoder.feed(chunk)
                    if events:
                        quiet = None
                        yield events
                    elif quiet is None:
                        quiet = self.clock.monotonic()
                    elif self.clock.monotonic() - quiet > bounds.SILENCE_LIMIT:
                        raise bounds.too_quiet(streamed=True, status=answer.status)
                    if decoder.finished:
                        answer.usage = decoder.usage
                        await answer.aclose(finished=True)
                        break
            except (TransportError, TapeError) as error:
                lost = error
            try:
                events = decoder.close()
            except CutStreamError as error:
                raise lost or error from None
            if events:
                yield events
            if isinstance(lost, TapeError):
                raise lost
        except ModelError as error:
            exchange.usage = decoder.usage
            refused = self._refuse(error, http, exchange)
            raise
        finally:
            answer.usage = decoder.usage
            await answer.aclose(refused)

    def _refuse(self, error: ModelError, http: HTTPRequest, exchange: Exchange) -> str:
        """An answer is not taken: without keys in its error. What the tape is told of it."""
        session = self._session
        exchange.at_end = (
            exchange.replayed and session is not None and session.recording and not session.has_answer(http)
        )
        self._redact(error)
        return "refused by the reader"


def _unsigned(url: str) -> str:
    """A URL without the user and password that it may hold."""
    if "@" not in url:
        return url
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _in_turn(
    model: Bound, inner: Transport, gave_way: Callable[[HTTPRequest, float], None] | None = None
) -> LimitTransport:
    """The transport with what holds a request back, and what sends it twice, before it."""
    limiting = LimitTransport(inner, model.limited_by)
    if model.hedge is not None:
        from playhead.transport.hedge import HedgeTransport

        limiting.inner = HedgeTransport(
            inner, model.hedge, may=limiting.may_send, done=limiting.sent, gave_way=gave_way or _nothing_kept
        )
    return limiting


def _nothing_kept(request: HTTPRequest, seconds: float) -> None:
    """There is no tape."""
