"""Where a key comes from and which header carries it, as data: :class:`Key`.

A key that was given goes before the environment, and the environment before a :class:`Source`, which may ask a server.
Looking up a string awaits nothing. A provider may know two kinds of credentials, a key in a header of its own and a
bearer token, as Azure does: ``token_env`` are the variables that hold the second kind.
"""

from __future__ import annotations

import os

import msgspec

from playhead.transport.auth.source import APIKey, Asked, Source, clean

#: Header and prefix of a token.
BEARER = ("Authorization", "Bearer ")


class Key(msgspec.Struct, frozen=True):
    """Where a key comes from and which header carries it: ``Key(("OPENROUTER_API_KEY",))`` is a bearer key.

    ``value`` goes before ``token_env``, whose tokens are bearer tokens whatever ``header`` says, that before ``env``,
    and all of them before ``source``. A key that is not ``required`` is left out where none is found, as a local
    server wants it.
    """

    env: tuple[str, ...] = ()
    value: str | None = None
    header: str = "Authorization"
    prefix: str = "Bearer "
    required: bool = True
    token_env: tuple[str, ...] = ()
    source: Source | None = None

    def __repr__(self) -> str:
        value = "None" if self.value is None else "<hidden>"
        source = "" if self.source is None else f", source={type(self.source).__name__}"
        return f"Key(env={self.names!r}, value={value}, header={self.header!r}, required={self.required}{source})"

    __str__ = __repr__

    @property
    def names(self) -> tuple[str, ...]:
        """The environment variables that are looked at."""
        return self.env + self.token_env

    def look(self) -> tuple[str, str, str] | None:
        """Header, prefix and key, without the white space around it that a copied one often has; None where no string
        is to be had.

        Raises:
            AuthenticationError: there is a key and no header can hold it.
        """
        if self.value is not None:
            key = clean(self.value, "the key that was given")
            return (self.header, self.prefix, key) if key else None
        environ = os.environ
        for name in self.token_env:
            if key := clean(environ.get(name, ""), name):
                return (*BEARER, key)
        for name in self.env:
            if key := clean(environ.get(name, ""), name):
                return self.header, self.prefix, key
        return None

    def find(self) -> str | None:
        """The key alone, as :meth:`look` finds it."""
        found = self.look()
        return None if found is None else found[2]

    def known(self) -> tuple[str, ...]:
        """The values that can be known without sending: a given one, and those in the environment now. No source is
        asked for it."""
        found = [os.environ.get(name, "").strip() for name in self.names]
        if self.value is not None:
            found.append(self.value.strip())
        return tuple([key for key in found if key])


def bearer(*env: str, value: APIKey | None = None, required: bool = True) -> Key:
    """``Authorization: Bearer …``, from ``value`` or from the first of these environment variables that is set."""
    return _key(env, value, *BEARER, required)


def header_key(header: str, *env: str, value: APIKey | None = None, required: bool = True) -> Key:
    """A header of its own that holds just the key: ``header_key("x-api-key", "ANTHROPIC_API_KEY")``."""
    return _key(env, value, header, "", required)


def _key(env: tuple[str, ...], value: APIKey | None, header: str, prefix: str, required: bool) -> Key:
    if value is None or isinstance(value, str):
        return Key(env, value, header, prefix, required)
    return Key((), None, header, prefix, required, source=Asked(value, header, prefix))
