"""One run's line to a model: the transport composed for that run, and the answer read into events.

:meth:`Call.stream` is the only way that a model is asked, streamed or not::

    request → encode_request → retry → tape → auth → http → decoder → events

An answer that came whole becomes the same events as one that came in pieces. What an answer says goes before how its
connection ends, and what was paid for is handed on even where the tape could not take it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol, TypeAlias

import msgspec

from playhead.dialects.base import Decoder, Dialect, Endpoint, Memo
from playhead.errors import (
    CutStreamError,
    ModelError,
    PlayheadError,
    ProtocolError,
    TapeError,
    TapeMissError,
    TransportError,
)
from playhead.events import AttemptEvent, ModelEvent
from playhead.fold import unfold
from playhead.request import Request
from playhead.transport.auth import AuthTransport, Key
from playhead.transport.retry import Clock, Exchange, RetryPolicy, attempts, enrich
from playhead.wire import Headers, HTTPRequest, HTTPResponse, header

if TYPE_CHECKING:
    from playhead.providers.base import Provider
    from playhead.tapes import Session
    from playhead.transport.base import Transport

Batches: TypeAlias = AsyncGenerator[Sequence[ModelEvent], None]


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

    def secrets(self) -> tuple[str, ...]:
        """The key values known now."""


class Call:
    """One run's line to a model."""

    def __init__(self, model: Bound, session: Session | None) -> None:
        self.clock = model.clock
        self._session = session
        self._learned: set[str] = set()
        self._model = model
        self._transport = self._through(session)
        self._memo: Memo = {}
        self._warnings: list[str] = []
        self._warned: set[str] = set()

    def _through(self, session: Session | None) -> Transport:
        model = self._model
        transport: Transport = AuthTransport(model.wire, model.key, provider=model.provider.name, learn=self._learn)
        if session is not None:
            from playhead.transport.record import RecordTransport
            from playhead.transport.replay import ReplayTransport

            transport = ReplayTransport(session, RecordTransport(session, transport))
        return transport

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

    def take_warnings(self) -> list[str]:
        """What could not be said as asked since the last time, as sentences."""
        taken, self._warnings = self._warnings, []
        return taken

    def stream(self, request: Request, *, step: int) -> AsyncGenerator[Sequence[ModelEvent | AttemptEvent], None]:
        """Ask, and yield what happens in batches, until the answer is whole.

        Raises:
            ModelError: the call failed for good; ``error.attempts`` are its tries.
        """
        model, asked = self._model, request
        if model.endpoint.profile.tools == "constrained":
            from playhead.dialects.constrained_tools import constrain

            request = constrain(asked)
        encoded = model.dialect.encode_request(request, model.endpoint, self._memo)
        for warning in encoded.warnings:
            words = f"{warning.where}: {warning.message}"
            if words not in self._warned:
                self._warned.add(words)
                self._warnings.append(words)
        http, streamed = encoded.http, request.stream

        def otherwise() -> HTTPRequest:
            """The same question, streamed instead of whole or the other way round: a tape may hold that one."""
            other = msgspec.structs.replace(request, stream=not streamed)
            return model.dialect.encode_request(other, model.endpoint, self._memo).http

        def attempt(exchange: Exchange) -> Batches:
            events = self._attempt(http, otherwise, exchange, streamed)
            return events if request is asked else _unconstrained(events, asked)

        return attempts(attempt, step=step, policy=model.retry, clock=model.clock, random=model.random)

    async def _attempt(
        self, http: HTTPRequest, otherwise: Callable[[], HTTPRequest], exchange: Exchange, streamed: bool
    ) -> Batches:
        model, session = self._model, self._session
        try:
            answer = await self._transport.send(http)
        except TapeMissError as miss:
            try:
                answer = await self._transport.send(otherwise())
            except TapeMissError:
                raise miss from None
        refused: str | None = None
        try:
            exchange.status = answer.status
            exchange.request_id = self._clean(request_id(answer.headers))
            exchange.recorded = answer.recorded_duration
            exchange.replayed = answer.recorded_duration is not None
            if 300 <= answer.status < 400:
                raise _redirected(answer)
            if answer.status >= 400:
                body, _ = await _whole(answer, REFUSAL_LIMIT, cut=True)
                error = model.dialect.decode_error(answer.status, answer.headers, body, model.endpoint)
                raise enrich(error, answer.headers, self.clock.time())
            if comes_in_pieces(answer.headers, streamed):
                async with aclosing(_pieces(answer, model.dialect.decoder(model.endpoint))) as batches:
                    async for batch in batches:
                        yield batch
            else:
                body, lost = await _whole(answer, ANSWER_LIMIT)
                yield unfold(model.dialect.decode_response(body, model.endpoint)[0])
                if lost is not None:
                    raise lost
        except ModelError as error:
            exchange.at_end = (
                exchange.replayed and session is not None and session.recording and not session.has_answer(http)
            )
            refused = "refused by the reader"
            self._redact(error)
            raise
        finally:
            await answer.aclose(refused)


async def _pieces(answer: HTTPResponse, decoder: Decoder) -> Batches:
    """The events of an answer as it arrives. What the answer itself says goes before how its connection ends: once it
    is whole, a connection that is lost, or never ends, changes nothing, and an error that it holds is the error."""
    lost: PlayheadError | None = None
    try:
        async for chunk in answer.chunks:
            events = decoder.feed(chunk)
            if events:
                yield events
            if decoder.finished:
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


#: Bytes of a whole answer, and of a refusal: no model says more, and a server that lies shall not fill the memory.
ANSWER_LIMIT = 256 * 1024 * 1024
REFUSAL_LIMIT = 1024 * 1024


async def _whole(answer: HTTPResponse, limit: int, *, cut: bool = False) -> tuple[bytes, TapeError | None]:
    """The body of an answer, and what went wrong in putting it on the tape: what was paid for is read all the same.

    Raises:
        ProtocolError: there is more than ``limit``, and ``cut`` does not say to take what is there.
    """
    pieces: list[bytes] = []
    size = 0
    lost: TapeError | None = None
    try:
        async for chunk in answer.chunks:
            pieces.append(chunk)
            size += len(chunk)
            if size > limit:
                if cut:
                    break
                raise ProtocolError(
                    f"an answer of at most {limit >> 20} MB was expected; more came", status=answer.status
                )
    except TapeError as error:
        lost = error
    return (pieces[0] if len(pieces) == 1 else b"".join(pieces)), lost


def _redirected(answer: HTTPResponse) -> ProtocolError:
    target = header(answer.headers, "location") or "nowhere"
    host = target.partition("://")[2].partition("/")[0].rpartition("@")[2] or "another path"
    return ProtocolError(
        f"the server redirects to {host}, and redirects are not followed, since a key must not go where nobody sent "
        "it; set base_url= to where the answers are",
        status=answer.status,
    )


def comes_in_pieces(headers: Headers, streamed: bool) -> bool:
    """Whether an answer is a stream: it says so, or a stream was asked for and nothing says that this is none."""
    kind = (header(headers, "content-type") or "").lower()
    return kind.startswith("text/event-stream") or (streamed and not kind.startswith("application/json"))


async def _unconstrained(events: Batches, asked: Request) -> Batches:
    """The events of an answer whose tools were said as a schema, with the calls that it holds."""
    from playhead.dialects.constrained_tools import Unconstrainer

    back = Unconstrainer(asked)
    async with aclosing(events):
        async for batch in events:
            made = back.push(batch)
            if made:
                yield made


#: Where providers put their id of an exchange, the most telling first.
_REQUEST_IDS = ("x-request-id", "request-id", "x-generation-id", "cf-ray")


def request_id(headers: Headers) -> str | None:
    """The provider's id of an exchange; None where it gave none."""
    found = {name.lower(): value for name, value in headers if value}
    return next((found[name] for name in _REQUEST_IDS if name in found), None)
