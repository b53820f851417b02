"""A model: a provider, a dialect and a transport, bound. Made once; each run has its own line to it.

What a line does is in :mod:`playhead.call`; which providers there are in :mod:`playhead.providers.catalog`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from playhead.call import Call
from playhead.dialects.base import Dialect, Endpoint
from playhead.errors import ConfigError
from playhead.events import Asked, AttemptEvent, ModelEvent
from playhead.fold import Folder
from playhead.given import check, check_there
from playhead.request import Request
from playhead.response import Response
from playhead.transport.auth import BEARER, APIKey, Asked as AskedKey, Key, Source
from playhead.transport.retry import DEFAULT_POLICY, SYSTEM_CLOCK, Clock, RetryPolicy

if TYPE_CHECKING:
    from playhead.providers.base import Provider
    from playhead.tapes import Session
    from playhead.transport.base import Transport
    from playhead.transport.gate import Gate
    from playhead.transport.hedge import Hedge
    from playhead.transport.http import Timeouts
    from playhead.transport.limiter import Limiter


class AnyCall(Protocol):
    """One run's line to whatever answers; :class:`playhead.call.Call` is one."""

    clock: Clock

    @property
    def provider(self) -> Provider:
        """Whom it asks now."""

    @property
    def heard(self) -> int:
        """How many answers have come to it now, and from no tape."""

    def guard(self, gate: Gate | None) -> None:
        """Ask ``gate`` before each live send from now on; None asks nobody."""

    def whom(self, request: Request) -> Asked:
        """Whom it asks now, without user and password."""

    def take_warnings(self) -> list[str]:
        """What could not be said as asked since the last time, as sentences."""

    def stream(self, request: Request, *, step: int) -> AsyncGenerator[Sequence[ModelEvent | AttemptEvent], None]:
        """Ask, and yield what happens in batches, until the answer is whole."""


class AnyModel(Protocol):
    """What an agent needs of a model: :class:`Model`, and what :func:`playhead.fallback` makes of several."""

    @property
    def id(self) -> str:
        """ "provider:name", for people."""

    @property
    def name(self) -> str:
        """The model as the wire names it."""

    @property
    def provider(self) -> Provider:
        """The catalog's row of the one that is asked first."""

    def checked_options(self, options: dict[str, Any]) -> dict[str, Any]:
        """The provider's own options, checked."""

    def secrets(self) -> tuple[str, ...]:
        """What is to be kept off a tape."""

    def call(self, session: Session | None = None) -> AnyCall:
        """One run's line to it, through its tape where it has one."""


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
        limiter: Limiter | Literal["shared"] | None = None,
        hedge: Hedge | None = None,
    ) -> None:
        self.id = id
        self.name = name
        self.provider = provider
        self.endpoint = endpoint
        self.dialect = dialect
        self.key = key
        self.wire = wire
        self.retry = retry
        self.clock = clock
        self.random = random
        self.limiter = limiter
        self.hedge = hedge

    @classmethod
    def of(
        cls,
        id: str,
        *,
        base_url: str | None = None,
        api_key: APIKey | None = None,
        retry: RetryPolicy | None = None,
        timeouts: Timeouts | None = None,
        transport: Transport | None = None,
        clock: Clock | None = None,
        random: Callable[[], float] | None = None,
        limiter: Limiter | Literal["shared"] | None = "shared",
    ) -> Model:
        """The model that the catalog knows by "provider:name". ``api_key`` is the key, or a function, plain or async,
        that gives it: asked at each attempt, and once more in each call when what it gave is refused. ``limiter`` is
        what requests wait for: one's own :class:`playhead.Limiter`, the one that all who ask this model with this key
        share, or None.

        Raises:
            ConfigError: no such provider; the message names the nearest.
        """
        from playhead.providers.catalog import endpoint, resolve
        from playhead.transport.http import DEFAULT_TIMEOUTS, shared_http

        check_there("Model.of", "id", id)
        check("Model.of", base_url=base_url, retry=retry, timeouts=timeouts)
        check("Model.of", transport=transport, clock=clock, random=random, limiter=limiter)
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
            key=key_of(provider, api_key),
            wire=wire,
            retry=retry or DEFAULT_POLICY,
            clock=clock or SYSTEM_CLOCK,
            random=random,
            limiter=limiter,
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
        """The key values known now, user and password of the base URL among them, for the tape to keep out."""
        known = () if self.key is None else self.key.known()
        user = self.endpoint.base_url.partition("://")[2].partition("/")[0].rpartition("@")[0]
        if not user:
            return known
        from base64 import b64encode
        from urllib.parse import unquote

        words = unquote(user)
        return (*known, user, words, *words.split(":", 1), b64encode(words.encode()).decode())

    def limited_by(self) -> Limiter | None:
        """What requests to this model wait for; None for nothing."""
        if self.limiter != "shared":
            return self.limiter
        from playhead.transport.limiter import shared_limiter

        return shared_limiter(self.provider.name, self.endpoint.base_url, self.name, self.key, self.clock, self.wire)

    def call(self, session: Session | None = None) -> Call:
        """One run's line to the model, through its tape where it has one."""
        return Call(self, session)

    async def ask(self, request: Request) -> Response:
        """One request, one response, retries included, no tape."""
        folder = Folder()
        batches = self.call().stream(request, step=1)
        try:
            async for batch in batches:
                folder.push(batch)
        finally:
            await batches.aclose()
        return folder.response()


def key_of(provider: Provider, given: APIKey | None = None) -> Key:
    """Where the provider's key comes from and which header carries it. ``given``, a string or a function, goes before
    the environment. Nothing is looked up for it, and no library imported.

    Raises:
        ConfigError: ``given`` is neither.
    """
    header, prefix = (provider.key_header, "") if provider.key_header else BEARER
    source: Source | None = None
    if given is not None and not isinstance(given, str):
        if not callable(given):
            raise ConfigError(f"api_key= is a string or a function that gives one; {type(given).__name__} is neither")
        where = BEARER if provider.token_env else (header, prefix)
        return Key((), None, header, prefix, source=AskedKey(given, *where))
    if provider.auth == "aws" and given is None:
        from playhead.transport.auth.aws import AWSCredentials

        source = AWSCredentials()
    elif provider.auth == "google" and given is None:
        from playhead.transport.auth.google import GoogleCredentials

        source = GoogleCredentials()
    return Key(
        provider.key_env,
        given,
        header,
        prefix,
        required=provider.auth != "optional",
        token_env=provider.token_env,
        source=source,
    )


def dialect_named(name: str) -> Dialect:
    """The dialect's module, imported when it is first spoken."""
    from importlib import import_module

    module: Any = import_module(f"playhead.dialects.{name}")
    return module  # type: ignore[no-any-return]
