"""Refusals of our own, in the words of the wire that was asked in, so that every SDK shows them as its own error.

A request that no tape answers is status 404; ``playhead`` in its body has the same as data. What a fault lays over a
tape has the status that was asked for.

Whose words they are is said by the path, and by a header where the path is of no conversation::

    …/messages, …/messages/count_tokens, anthropic-version          Anthropic's
    …/models/m:generateContent, :countTokens, /v1beta/…             Google's (google.rpc.Status)
    …/model/m/converse, /invoke                                     Amazon's
    all else                                                        OpenAI's, which most clients read

On a tape that was recorded at OpenRouter, OpenAI's wire is answered as OpenRouter does, whose ``code`` is the status
and whose error has no ``type``. Reference: https://platform.openai.com/docs/guides/error-codes and
https://openrouter.ai/docs/api-reference/errors, as of 2026; the others' are in their dialects.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any, Literal, TypeAlias

import msgspec

from playhead.deck.http1.rendered import Rendered
from playhead.errors import (
    AuthenticationError,
    BadRequestError,
    ModelError,
    NotFoundError,
    OverloadedError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
)
from playhead.providers.paths import split
from playhead.surrogates import joined, joined_json
from playhead.wire import Headers, header

#: Whose words an error is said in.
Speaker: TypeAlias = Literal["openai", "openrouter", "anthropic", "google", "amazon"]

_KINDS: dict[int, type[ModelError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    429: RateLimitError,
    503: OverloadedError,
    529: OverloadedError,
}
_DIALECTS = {"anthropic": "anthropic_messages", "google": "gemini", "amazon": "bedrock_converse"}
#: ``type`` and ``code`` of OpenAI's errors; of other statuses the code is null, and the type says whose fault it is.
_OPENAI: dict[int, tuple[str, str]] = {
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}
#: A path of Google's: a version that is a beta, or a method after a colon.
_GOOGLE = re.compile(r"/v\d+(?:alpha|beta)\d*/|:[a-z][A-Za-z]+$")


def speaker(url: str, headers: Headers = (), recorded: str = "") -> Speaker:
    """Whose words an error is said in at this URL; ``recorded`` is a URL that is on the tape, perhaps of OpenRouter."""
    address = _absolute(url)
    path = address.partition("?")[0].rstrip("/")
    found = split(address)
    dialect = found[0] if found is not None else ""
    if dialect == "anthropic_messages":
        return "google" if path.endswith("awPredict") else "anthropic" if path.endswith("/messages") else "amazon"
    if dialect == "bedrock_converse" or (not dialect and "/model/" in path):
        return "amazon"
    if dialect == "gemini":
        return "google"
    if not dialect and "/openai/" not in path:
        if "/messages/" in path or header(headers, "anthropic-version") is not None:
            return "anthropic"
        if _GOOGLE.search(path.partition("://")[2]) or header(headers, "x-goog-api-key") is not None:
            return "google"
    return "openrouter" if "://openrouter.ai/" in f"{address} {recorded}" else "openai"


def refused(speaks: Speaker, status: int, retry_after: float | None) -> Rendered:
    """A refusal with this status; ``retry_after`` is in seconds, and goes out in whole ones and in milliseconds."""
    kind = _KINDS.get(status, ServerError if status >= 500 else BadRequestError)
    error = kind("a fault that was laid over the tape", status=status, retry_after=retry_after)
    headers: Headers = (("Content-Type", "application/json"),)
    if retry_after is not None:
        whole_seconds = str(int(-(-retry_after // 1)))
        headers += (("Retry-After", whole_seconds), ("Retry-After-Ms", str(int(retry_after * 1000))))
    return Rendered(status, "", headers, [(0.0, msgspec.json.encode(in_words_of(speaks, error)))], False, False)


def missed(speaks: Speaker, url: str, body: bytes, message: str, told: dict[str, Any]) -> dict[str, Any]:
    """The body that says that no tape has an answer to what was asked at this URL."""
    value = in_words_of(speaks, NotFoundError(joined(message), status=404))
    if speaks == "openai" and (split(_absolute(url)) is None or not _is_object(body)):
        value["error"]["code"] = None  # it is not the model that is not there
    whole: dict[str, Any] = joined_json({**value, "playhead": told})
    return whole


def in_words_of(speaks: Speaker, error: ModelError) -> dict[str, Any]:
    """The error as this maker's API says one."""
    status = error.status or 500
    if speaks == "openrouter":
        return {"error": {"message": error.message, "code": status}}
    if speaks == "openai":
        word = "server_error" if status >= 500 else "invalid_request_error"
        type, code = _OPENAI.get(status, (word, None))
        return {"error": {"message": error.message, "type": type, "param": None, "code": code}}
    dialect: Any = import_module(f"playhead.dialects.{_DIALECTS[speaks]}")
    value: dict[str, Any] = msgspec.json.decode(dialect.encode_error(error))
    return value


def _absolute(url: str) -> str:
    return url if "://" in url else f"http://tape{url}"


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(body), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
