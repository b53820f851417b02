"""A model: a provider, a dialect and a transport, bound.

:meth:`Model.call` gives one run's line to it: the transport composed for that run (retry → tape → auth → http, each
wrapping the next), and the memory of the messages already encoded. :meth:`Call.stream` is the only way that a model is
asked, streamed or not::

    request → encode_request → transport → decoder → events      (an attempt)
    attempts, waits and discards around them                     (retry)

An answer that came whole becomes the same events as one that came in pieces.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from playhead.dialects.base import Dialect, Endpoint, Memo
from playhead.errors import ModelError
from playhead.events import AttemptEvent, ModelEvent
from playhead.fold import Folder, unfold
from playhead.request import Request
from playhead.response import Response
from playhead.transport.auth import AuthTransport, Key
from playhead.transport.retry import DEFAULT_POLICY, SYSTEM_CLOCK, Clock, Exchange, RetryPolicy, attempts, enrich
from playhead.wire import Headers, HTTPRequest, header

if TYPE_CHECKING:
    from playhead.providers.base import Provider
    from playhead.tapes import Session
    from playhead.transport.base import Transport
    from playhead.transport.http import Timeouts


class Model:
    """A model of a provider. Made once, used by any number of runs at once; the connections are shared.

    ``Model.of("openrouter:moonshotai/kimi-k2-0905")`` reads the catalog.

    Attributes:
        id: "provider:name", as it was asked for.
        name: the model as the wire names it.
        provider: the catalog's row.
        endpoint: base URL and profile.
    """

    def __init__(
        self,
        id: str,
        name: str,
        provider: Provider,
        endpoint: Endpoint,
        dialect: Dialect,
        *,
        key: Key | None,
        wire: Transport,
        retry: RetryPolicy,
        clock: Clock,
        random: Callable[[], float] | None = None,
    ) -> None:
        self.id = id
        self.name = name
        self.provider = provider
        self.endpoint = endpoint
        self.dialect = dialect
        self._key = key
        self._wire = wire
        self.retry = retry
        self.clock = clock
        self.random = random

    @classmethod
    def of(
        cls,
        id: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        retry: RetryPolicy | None = None,
        timeouts: Timeouts | None = None,
        transport: Transport | None = None,
        clock: Clock | None = None,
        random: Callable[[], float] | None = None,
    ) -> Model:
        """The model that the catalog knows by "provider:name".

        Raises:
            ConfigError: no such provider; the message names the nearest.
        """
        from playhead.providers.catalog import endpoint, resolve
        from playhead.transport.http import DEFAULT_TIMEOUTS, shared_http

        provider, name = resolve(id)
        wire = transport or shared_http(timeouts or DEFAULT_TIMEOUTS)
        if provider.name == "local" and transport is None and base_url is None:
            from playhead.local.transport import LocalTransport

            wire = LocalTransport(wire, name)
        return cls(
            id,
            name,
            provider,
            endpoint(provider, name, base_url),
            dialect_named(provider.dialect),
            key=Key(provider.key_env, api_key, required=provider.auth != "none"),
            wire=wire,
            retry=retry or DEFAULT_POLICY,
            clock=clock or SYSTEM_CLOCK,
            random=random,
        )

    def __repr__(self) -> str:
        return f"<model {self.id}>"

    def checked_options(self, options: dict[str, Any]) -> dict[str, Any]:
        """The provider's own options, checked.

        Raises:
            ConfigError: an unknown one (the message names the nearest), or one of a wrong type.
        """
        if not options:
            return options
        from playhead.providers.options import check_options

        return check_options(self.provider, options)

    def secrets(self) -> tuple[str, ...]:
        """The key values known now, for the tape to keep out."""
        return AuthTransport(self._wire, self._key).secrets()

    def call(self, session: Session | None = None) -> Call:
        """One run's line to the model, through its tape where it has one."""
        transport: Transport = AuthTransport(self._wire, self._key, provider=self.provider.name)
        if session is not None:
            from playhead.transport.record import RecordTransport
            from playhead.transport.replay import ReplayTransport

            transport = ReplayTransport(session, RecordTransport(session, transport))
        return Call(self, transport)

    async def ask(self, request: Request) -> Response:
        """One request, one response, retries included, no tape."""
        folder = Folder()
        async with aclosing(self.call().stream(request, step=1)) as batches:
            async for batch in batches:
                folder.push(batch)
        return folder.response()


class Call:
    """One run's line to a model."""

    def __init__(self, model: Model, transport: Transport) -> None:
        self.clock = model.clock
        self._model = model
        self._transport = transport
        self._memo: Memo = {}
        self._warnings: list[str] = []

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
            self._warnings.append(f"{warning.where}: {warning.message}")
        http = encoded.http

        def attempt(exchange: Exchange) -> AsyncGenerator[Sequence[ModelEvent], None]:
            events = self._attempt(http, exchange)
            return events if request is asked else _unconstrained(events, asked)

        return attempts(attempt, step=step, policy=model.retry, clock=model.clock, random=model.random)

    async def _attempt(self, http: HTTPRequest, exchange: Exchange) -> AsyncGenerator[Sequence[ModelEvent], None]:
        model = self._model
        answer = await self._transport.send(http)
        try:
            exchange.status = answer.status
            exchange.request_id = request_id(answer.headers)
            exchange.recorded = answer.recorded_duration
            exchange.replayed = answer.recorded_duration is not None
            if answer.status >= 300:
                body = await answer.read()
                error = model.dialect.decode_error(answer.status, answer.headers, body, model.endpoint)
                raise enrich(error, answer.headers, self.clock.time())
            if (header(answer.headers, "content-type") or "").startswith("text/event-stream"):
                decoder = model.dialect.decoder(model.endpoint)
                async for chunk in answer.chunks:
                    events = decoder.feed(chunk)
                    if events:
                        yield events
                events = decoder.close()
                if events:
                    yield events
            else:
                response, _ = model.dialect.decode_response(await answer.read(), model.endpoint)
                yield unfold(response)
        except ModelError as error:
            _redact(error, model.secrets())
            raise
        finally:
            await answer.aclose()


def _redact(error: ModelError, secrets: tuple[str, ...]) -> None:
    """Take known keys out of an error: a refusal may repeat the key that it refuses."""
    if not any(secret in error.message or secret.encode() in error.body for secret in secrets):
        return
    from playhead.tapes.redact import Redactor

    redactor = Redactor(secrets)
    error.body = redactor.body(error.body)
    error.message = redactor.body(error.message.encode()).decode()
    error.args = (error.message,)


async def _unconstrained(
    events: AsyncGenerator[Sequence[ModelEvent], None], asked: Request
) -> AsyncGenerator[Sequence[ModelEvent], None]:
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


def dialect_named(name: str) -> Dialect:
    """The dialect's module, imported when it is first spoken."""
    from importlib import import_module

    module: Any = import_module(f"playhead.dialects.{name}")
    return module  # type: ignore[no-any-return]
