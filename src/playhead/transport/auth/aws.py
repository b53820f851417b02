"""Requests signed with AWS credentials, for Amazon Bedrock: Signature Version 4.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. Credentials are found and
refreshed by botocore's own chain (environment, profile, SSO, assumed role, container, instance), which is the extra
``bedrock`` and imported when something is first signed. Whatever of that may wait is done in a thread; signing itself
is not.

botocore computes each part of a signature. Its ``add_auth``, which does all of them, is not called: it writes them into
the debug log, a session token among them. The path of a request is percent-encoded once more for signing, as every
service but S3 has it: ``…-v1%3A0`` is signed as ``…-v1%253A0``, and sent as it is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from playhead.errors import AuthenticationError, ConfigError
from playhead.transport.auth.source import Shared, failed
from playhead.wire import Headers, HTTPRequest

#: By this name Bedrock's models are signed for, whatever the host is called.
SERVICE = "bedrock"
_REGION_ENV = ("AWS_REGION", "AWS_DEFAULT_REGION")
_INSTALL = "pip install 'playhead[bedrock]'"


class AWSCredentials:
    """AWS credentials that sign. A credential is botocore's frozen one: access key, secret key and token. ``clock``
    gives Unix seconds."""

    #: AWS answers 403 to a token that has expired, and to a key that is no longer known.
    refusals = frozenset({401, 403})

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._found: Any = None
        self._last: Any = None
        self._region: str | None = None
        self._finding = Shared()

    def __repr__(self) -> str:
        return "AWSCredentials(<hidden>)"

    async def get(self) -> Any:
        """The credentials, refreshed where they are about to expire.

        Raises:
            AuthenticationError: none are found, or they cannot be refreshed.
            ConfigError: botocore is not installed.
        """
        found = self._found
        if found is None:
            return await self._finding.wait(lambda: _in_thread(self._find))
        due = getattr(found, "refresh_needed", None)
        if due is not None and due():
            return await self._finding.wait(lambda: _in_thread(self._frozen))
        return self._frozen()

    async def renew(self, refused: Any) -> Any:
        """What the chain finds when it is walked anew; None where that is the same."""
        if self._last == refused:
            await self._finding.wait(lambda: _in_thread(self._find))
        return self._last if self._last != refused else None

    def _find(self) -> Any:
        try:
            import botocore.auth  # here, as it takes its time: signing finds it loaded
            import botocore.session
        except ImportError:
            raise ConfigError(
                "no key: the environment variable AWS_BEARER_TOKEN_BEDROCK is not set, and signing with AWS "
                f"credentials needs botocore: {_INSTALL}"
            ) from None
        try:
            session = botocore.session.get_session()
            self._found = session.get_credentials()
            self._region = session.get_config_variable("region")
        except Exception as error:
            raise _failed(error) from error
        if self._found is None:
            raise AuthenticationError(
                "no key: the environment variable AWS_BEARER_TOKEN_BEDROCK is not set, and no AWS credentials were "
                "found. Set it, or pass api_key=, or give credentials in one of AWS's own ways: AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, AWS_PROFILE, `aws sso login`, the role of a container or an instance"
            )
        return self._frozen()

    def _frozen(self) -> Any:
        try:
            self._last = self._found.get_frozen_credentials()
        except Exception as error:
            raise _failed(error) from error
        return self._last

    def secrets(self, credential: Any) -> tuple[str, ...]:
        """Access key, secret key and session token."""
        return tuple([secret for secret in credential[:3] if secret])

    def fields(self, request: HTTPRequest, credential: Any) -> Headers:
        """The signature of exactly this request, and what belongs to it.

        Raises:
            ConfigError: neither the URL nor the environment says the region.
        """
        from hashlib import sha256

        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        region = region_of(request.url) or next(filter(None, map(os.environ.get, _REGION_ENV)), None) or self._region
        if not region:
            raise ConfigError(f"signing needs a region: set the environment variable {_REGION_ENV[0]}")
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._clock()))
        fields = [("X-Amz-Date", moment), ("X-Amz-Content-SHA256", sha256(request.body).hexdigest())]
        if credential.token:
            fields.append(("X-Amz-Security-Token", credential.token))
        ours = {"authorization", *(name.lower() for name, _ in fields)}
        signed = AWSRequest(request.method, request.url)
        for name, value in (*request.headers, *fields):
            if name.lower() not in ours or (name, value) in fields:
                signed.headers.add_header(name, value)
        signed.context["timestamp"] = moment
        signer = SigV4Auth(credential, SERVICE, region)
        signature = signer.signature(signer.string_to_sign(signed, signer.canonical_request(signed)), signed)
        names = signer.signed_headers(signer.headers_to_sign(signed))
        words = f"Credential={signer.scope(signed)}, SignedHeaders={names}, Signature={signature}"
        return (*fields, ("Authorization", f"AWS4-HMAC-SHA256 {words}"))


def region_of(url: str) -> str | None:
    """``https://bedrock-runtime.us-east-1.amazonaws.com/… -> us-east-1``; None where the host does not say it."""
    host = url.partition("://")[2].partition("/")[0].rpartition("@")[2].partition(":")[0]
    labels = host.split(".")
    after = next((place for place, label in enumerate(labels, 1) if label.startswith("bedrock")), len(labels))
    return labels[after] if after < len(labels) and "-" in labels[after] else None


def _failed(error: Exception) -> Exception:
    """botocore's own word for what a second try can mend."""
    wrapped = failed(error)
    if isinstance(wrapped, AuthenticationError):
        wrapped.retryable = any(kind.__name__ == "HTTPClientError" for kind in type(error).__mro__)
    return wrapped


async def _in_thread(work: Callable[[], Any]) -> Any:
    import asyncio

    return await asyncio.to_thread(work)
