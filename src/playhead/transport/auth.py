"""Puts the key on a request, below the tape: what is recorded never had one, and a replay needs none.

A key is data about where it comes from, :class:`Key`: environment variables in order, a value, or a function that
gives one (and may give another tomorrow). It is looked up at each live send, so that nothing is missing until
something really goes out. No message, repr or exception of this module holds a key. Whoever keeps keys off a tape is
told of them twice: :meth:`Key.known` gives those that can be known beforehand, and ``learn`` is called with each one
before it is first sent, which is the only way to hear of a key that was made, or changed, since.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import msgspec

from playhead.errors import AuthenticationError
from playhead.transport.base import Transport
from playhead.wire import HTTPRequest, HTTPResponse


class Key(msgspec.Struct, frozen=True):
    """Where a key comes from and which header carries it: ``Key(("OPENROUTER_API_KEY",))`` is a bearer key.

    ``value``, a string or a function without arguments, goes before ``env``. A key that is not ``required`` is left out
    where none is found, as a local server wants it.
    """

    env: tuple[str, ...] = ()
    value: str | Callable[[], str] | None = None
    header: str = "Authorization"
    prefix: str = "Bearer "
    required: bool = True

    def __repr__(self) -> str:
        value = "None" if self.value is None else "<hidden>"
        return f"Key(env={self.env!r}, value={value}, header={self.header!r}, required={self.required})"

    __str__ = __repr__

    def find(self) -> str | None:
        """The key, without the white space around it that a copied one often has; None where there is none.

        Raises:
            AuthenticationError: there is a key and no header can hold it.
        """
        if self.value is not None:
            return _clean(self.value() if callable(self.value) else self.value, "the key that was given")
        for name in self.env:
            if key := _clean(os.environ.get(name, ""), name):
                return key
        return None

    def known(self) -> tuple[str, ...]:
        """The values that can be known without sending: a given one, and those in the environment now. A function is
        not called for it."""
        found = [os.environ.get(name, "").strip() for name in self.env]
        if isinstance(self.value, str):
            found.append(self.value.strip())
        return tuple([key for key in found if key])


def bearer(*env: str, value: str | Callable[[], str] | None = None, required: bool = True) -> Key:
    """``Authorization: Bearer …``, from the first of these environment variables that is set, or from ``value``."""
    return Key(env, value, required=required)


def header_key(header: str, *env: str, value: str | Callable[[], str] | None = None, required: bool = True) -> Key:
    """A header of its own that holds just the key: ``header_key("x-api-key", "ANTHROPIC_API_KEY")``."""
    return Key(env, value, header=header, prefix="", required=required)


class AuthTransport:
    """Adds the key to each request and passes it on. ``auth`` None adds nothing; ``learn`` is called with each key that
    this transport has not sent before, and returns before it is sent."""

    def __init__(
        self, inner: Transport, auth: Key | None, *, provider: str = "", learn: Callable[[str], None] | None = None
    ) -> None:
        self.inner = inner
        self.auth = auth
        self._provider = provider
        self._learn = learn
        self._used: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"AuthTransport({self.inner!r}, {self.auth!r})"

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        """Send with the key.

        Raises:
            AuthenticationError: no key is set, or it is one that no header can hold; says where it was looked for.
            TransportError: no answer came.
        """
        auth = self.auth
        if auth is None:
            return await self.inner.send(request)
        key = auth.find()
        if not key:
            if auth.required:
                raise AuthenticationError(_missing(auth), provider=self._provider)
            return await self.inner.send(request)
        if key not in self._used:
            if self._learn is not None:
                self._learn(key)
            self._used += (key,)
        name = auth.header.lower()
        headers = tuple(field for field in request.headers if field[0].lower() != name)
        headers += ((auth.header, auth.prefix + key),)
        return await self.inner.send(HTTPRequest(request.method, request.url, headers, request.body))

    def secrets(self) -> tuple[str, ...]:
        """The values known so far: those used, and those that :meth:`Key.known` gives."""
        known = () if self.auth is None else self.auth.known()
        return tuple(dict.fromkeys((*self._used, *known)))

    async def aclose(self) -> None:
        """Close the transport inside."""
        await self.inner.aclose()


def _missing(auth: Key) -> str:
    if auth.value is not None or not auth.env:
        return "the key that was given is empty"
    names = " or ".join(auth.env)
    return f"no key: the environment variable {names} is not set. Set it, or pass api_key="


def _clean(key: str, where: str) -> str:
    key = key.strip()
    if not key.isascii() or not key.isprintable():
        place = next(index for index, letter in enumerate(key) if not (letter.isascii() and letter.isprintable()))
        raise AuthenticationError(
            f"the key in {where} cannot be sent: its character {place + 1} is a line break, a control character or no "
            "ASCII letter. It was probably not copied whole, or with something else"
        )
    return key
