"""Google's access tokens, for Vertex AI: application default credentials.

https://cloud.google.com/docs/authentication/application-default-credentials. google-auth finds them (a file that
``GOOGLE_APPLICATION_CREDENTIALS`` names, ``gcloud auth application-default login``, a workload's identity, the metadata
server) and makes tokens of them, which are good for an hour; it is the extra ``vertex``, imported when a token is first
wanted. Finding and refreshing ask servers, and are done in a thread.
"""

from __future__ import annotations

import threading
from typing import Any

from playhead.errors import AuthenticationError, ConfigError
from playhead.transport.auth.source import Shared, failed
from playhead.wire import Headers, HTTPRequest

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_INSTALL = "pip install 'playhead[vertex]'"


class GoogleCredentials:
    """Application default credentials. A credential is a token with the header fields that carry it: its own, and the
    project that pays, where the credentials name one."""

    refusals = frozenset({401})

    def __init__(self) -> None:
        self._found: Any = None
        self._last: tuple[str, Headers] | None = None
        self._refreshing = Shared()
        self._lock = threading.Lock()  # event loops of several threads may refresh at once

    def __repr__(self) -> str:
        return "GoogleCredentials(<hidden>)"

    async def get(self) -> tuple[str, Headers]:
        """A token that is good for some minutes at least.

        Raises:
            AuthenticationError: no credentials are found, or Google gives no token for them.
            ConfigError: google-auth is not installed.
        """
        if self._last is None or not self._found.valid:
            await self._refreshing.wait(self._in_thread)
        assert self._last is not None  # noqa: S101 - a refresh gives one, or raises
        return self._last

    async def renew(self, refused: tuple[str, Headers]) -> tuple[str, Headers] | None:
        """Another token than this one, made now; None where it is the same."""
        if self._last == refused:
            await self._refreshing.wait(self._in_thread)
        return self._last if self._last != refused else None

    async def _in_thread(self) -> None:
        import asyncio

        await asyncio.to_thread(self._refresh, self._last)

    def _refresh(self, known: tuple[str, Headers] | None) -> None:
        with self._lock:
            if self._last is not known:
                return  # another thread's event loop did
            try:
                import google.auth
                import requests
                from google.auth.exceptions import DefaultCredentialsError
                from google.auth.transport.requests import Request
            except ImportError:
                raise ConfigError(
                    "no key: the environment variable GOOGLE_OAUTH_ACCESS_TOKEN is not set, and Google's application "
                    f"default credentials need google-auth: {_INSTALL}"
                ) from None
            try:
                with requests.Session() as session:
                    request = Request(session)
                    if self._found is None:
                        self._found, _ = google.auth.default(scopes=[SCOPE], request=request)
                    self._found.refresh(request)
            except DefaultCredentialsError as error:
                raise AuthenticationError(
                    "no key: the environment variable GOOGLE_OAUTH_ACCESS_TOKEN is not set, and Google's application "
                    "default credentials were not found. Set it, or GOOGLE_APPLICATION_CREDENTIALS, or run "
                    "`gcloud auth application-default login`"
                ) from error
            except Exception as error:
                raise failed(error) from error
            fields: dict[str, str] = {}
            self._found.apply(fields)
            self._last = (self._found.token, tuple(fields.items()))

    def secrets(self, credential: tuple[str, Headers]) -> tuple[str, ...]:
        """The token."""
        return (credential[0],)

    def fields(self, request: HTTPRequest, credential: tuple[str, Headers]) -> Headers:
        """The token in its header, and who pays."""
        return credential[1]
