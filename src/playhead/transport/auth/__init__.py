"""Puts credentials on a request, below the tape: what is recorded never had any, and a replay needs none.

Most are a string out of the environment: a :class:`Key` says which variables may hold it and which header carries it.
Others are made anew from time to time, by a :class:`Source`: what a function of the caller's gives, AWS credentials
that sign each request (:mod:`.aws`), Google's access tokens (:mod:`.google`). All are looked up at each live send, so
that nothing is missing until something really goes out.

A credential of a source may be refused because it is no longer the newest. The first refusal of a request is met by
asking its source for another: where one comes, the answer is marked ``renewed``, the tape keeps the mark, and whoever
tries again (:mod:`playhead.transport.retry`) does so once more, here and in every replay. A string that is refused
stays refused.

No message, repr or exception of this package holds a credential. Whoever keeps them off a tape is told of them twice:
:meth:`Key.known` gives those that can be known beforehand, and ``learn`` is called with each one before it is first
sent, which is the only way to hear of one that was made, or changed, since.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playhead.errors import AuthenticationError
from playhead.transport.auth.key import BEARER, Key, bearer, header_key
from playhead.transport.auth.source import APIKey, Asked, Source
from playhead.transport.base import Transport
from playhead.wire import HTTPRequest, HTTPResponse

__all__ = ["BEARER", "APIKey", "Asked", "AuthTransport", "Key", "Source", "bearer", "check_key", "header_key"]


#: How many refused requests of one run are remembered: as many as may be under way at once.
_AT_ONCE = 16


class AuthTransport:
    """Adds the credentials to each request and passes it on. ``auth`` None adds nothing; ``learn`` is called with each
    secret that this transport has not sent before, and returns before it is sent."""

    def __init__(
        self, inner: Transport, auth: Key | None, *, provider: str = "", learn: Callable[[str], None] | None = None
    ) -> None:
        self.inner = inner
        self.auth = auth
        self._provider = provider
        self._learn = learn
        self._used: tuple[str, ...] = ()
        #: The requests whose refusal was met, the last of them last; a call sends the same one at each attempt.
        self._met: tuple[HTTPRequest, ...] = ()
        #: What was made for the next attempt.
        self._renewed: Any = None

    def __repr__(self) -> str:
        return f"AuthTransport({self.inner!r}, {self.auth!r})"

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        """Send with the credentials.

        Raises:
            AuthenticationError: there are none, or they are such as no header can hold; says where was looked for them.
            ConfigError: the library that finds them is not installed.
            TransportError: no answer came.
        """
        auth = self.auth
        if auth is None:
            return await self.inner.send(request)
        found = auth.look()
        if found is not None:
            name, prefix, key = found
            if key not in self._used:
                self._tell((key,))
            return await self.inner.send(_with(request, name, prefix + key))
        if auth.source is not None:
            return await self._send_renewable(request, auth.source)
        if auth.required:
            raise AuthenticationError(_missing(auth), provider=self._provider)
        return await self.inner.send(request)

    async def _send_renewable(self, request: HTTPRequest, source: Source) -> HTTPResponse:
        credential, self._renewed = self._renewed, None
        try:
            if credential is None:
                credential = await source.get()
            self._tell(source.secrets(credential))
            authorized = request
            for name, value in source.fields(request, credential):
                authorized = _with(authorized, name, value)
        except AuthenticationError as error:
            error.provider = error.provider or self._provider
            raise
        answer = await self.inner.send(authorized)
        if answer.status not in source.refusals or any(request is met for met in self._met):
            return answer
        self._met = (*self._met[1 - _AT_ONCE :], request)
        try:
            self._renewed = await source.renew(credential)
            answer.renewed = self._renewed is not None
        except Exception:
            answer.renewed = True  # the next attempt will ask as well, and say what is wrong
        except BaseException:
            await answer.aclose()
            raise
        return answer

    def _tell(self, secrets: tuple[str, ...]) -> None:
        for secret in secrets:
            if secret not in self._used:
                if self._learn is not None:
                    self._learn(secret)
                self._used += (secret,)

    def secrets(self) -> tuple[str, ...]:
        """The values known so far: those used, and those that :meth:`Key.known` gives."""
        known = () if self.auth is None else self.auth.known()
        return tuple(dict.fromkeys((*self._used, *known)))

    async def aclose(self) -> None:
        """Close the transport inside."""
        await self.inner.aclose()


def check_key(auth: Key | None, provider: str = "") -> None:
    """Say that there is no key before anything is done; of a :class:`Source` that is known when it is asked only.

    Raises:
        AuthenticationError: nothing goes out without a key, and there is none, or one that no header can hold.
    """
    if auth is not None and auth.look() is None and auth.source is None and auth.required:
        raise AuthenticationError(_missing(auth), provider=provider)


def _with(request: HTTPRequest, name: str, value: str) -> HTTPRequest:
    """The request with this header field, and no other of its name."""
    lowered = name.lower()
    headers = [field for field in request.headers if field[0].lower() != lowered]
    return HTTPRequest(request.method, request.url, (*headers, (name, value)), request.body)


def _missing(auth: Key) -> str:
    if auth.value is not None or not auth.names:
        return "the key that was given is empty"
    return f"no key: the environment variable {' or '.join(auth.names)} is not set. Set it, or pass api_key="
