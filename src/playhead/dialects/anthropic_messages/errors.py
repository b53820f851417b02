"""What a refusal says, as the error class that fits; and the reverse.

Anthropic's envelope is ``{"type": "error", "error": {"type", "message"}, "request_id"}``. Before it stand the services'
own: Amazon's ``{"message"}`` with the kind in the header ``x-amzn-errortype`` (or, in a stream, in a message's header),
Google's ``{"error": {"code", "message", "status"}}``, perhaps in a list. All of them are read, and so are plain text,
HTML and nothing at all; reading never raises: a refusal that cannot be understood is still a refusal of its status.

``Retry-After`` is read by the transport, which has a clock. References: https://docs.claude.com/en/api/errors and
https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html, as of 2026.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.base import Endpoint
from playhead.dialects.refusal_text import BY_STATUS, amazon_kind, by_status, capped, inside, message_of, read_body
from playhead.errors import (
    AuthenticationError,
    BadRequestError,
    ContentFilteredError,
    ContextTooLongError,
    ModelError,
    NotFoundError,
    OverloadedError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    TimeoutExceeded,
)
from playhead.wire import Headers, header

_BY_STATUS: dict[int, type[ModelError]] = {**BY_STATUS, 424: ServerError}  # Bedrock: the model failed

#: The words that name the kind of an error: Anthropic's, Amazon's without "Exception", Google's.
_BY_WORD: dict[str, type[ModelError]] = {
    "invalid_request_error": BadRequestError,
    "authentication_error": AuthenticationError,
    "billing_error": PaymentRequiredError,
    "permission_error": PermissionDeniedError,
    "not_found_error": NotFoundError,
    "request_too_large": ContextTooLongError,
    "rate_limit_error": RateLimitError,
    "timeout_error": ServerError,
    "conflict_error": ServerError,
    "api_error": ServerError,
    "overloaded_error": OverloadedError,
    "accessdenied": PermissionDeniedError,
    "expiredtoken": AuthenticationError,
    "internalserver": ServerError,
    "invalidsignature": AuthenticationError,
    "modelerror": ServerError,
    "modelnotready": OverloadedError,
    "modelstreamerror": ServerError,
    "modeltimeout": ServerError,
    "resourcenotfound": NotFoundError,
    "servicequotaexceeded": RateLimitError,
    "serviceunavailable": OverloadedError,
    "throttling": RateLimitError,
    "unrecognizedclient": AuthenticationError,
    "validation": BadRequestError,
    "INVALID_ARGUMENT": BadRequestError,
    "NOT_FOUND": NotFoundError,
    "PERMISSION_DENIED": PermissionDeniedError,
    "RESOURCE_EXHAUSTED": RateLimitError,
    "UNAUTHENTICATED": AuthenticationError,
    "UNAVAILABLE": OverloadedError,
    "INTERNAL": ServerError,
}

#: The status that a word stands for where it came without one, in the middle of a stream.
_STATUS_OF: dict[type[ModelError], int] = {
    BadRequestError: 400,
    ContextTooLongError: 400,
    ContentFilteredError: 400,
    AuthenticationError: 401,
    PaymentRequiredError: 402,
    PermissionDeniedError: 403,
    NotFoundError: 404,
    RateLimitError: 429,
    OverloadedError: 529,
    ServerError: 500,
}

_TOO_LONG = (
    "prompt is too long",
    "input is too long",
    "exceed context limit",
    "exceeds the context window",
    "exceeds the maximum number of tokens",
    "context window exceeded",
    "maximum context length",
    "too many input tokens",
)
_FILTERED = ("content filtering policy", "blocked by content filter")
_NO_CREDIT = ("credit balance is too low",)

#: What a body says in so many words, whatever status it came with: asking again gives the same.
_FINAL = (AuthenticationError, PaymentRequiredError, ContextTooLongError, ContentFilteredError)

#: What an error says beside its word where the word is wider than the class: this dialect's own, for its own decoder.
_DETAILS: dict[type[ModelError], str] = {ContextTooLongError: "context_too_long", ContentFilteredError: "filtered"}

_MESSAGE_KEYS = ("message", "Message", "detail", "originalMessage")
_REQUEST_ID_HEADERS = ("request-id", "x-amzn-requestid", "x-request-id", "cf-ray")


def decode_error(status: int, headers: Headers, body: bytes, endpoint: Endpoint) -> ModelError:
    """The error of the class that fits; never raises, whatever the body holds."""
    return read_error(read_body(body), endpoint, body, status=status, headers=headers)


def read_error(
    value: Any, endpoint: Endpoint, body: bytes, *, status: int = 0, headers: Headers = (), word: str = ""
) -> ModelError:
    """The same for an envelope that is read already; ``word`` names the kind where the envelope does not."""
    if isinstance(value, list) and len(value) == 1:  # Google wraps the envelope in a list
        value = value[0]
    said = inside(value)
    amazon = word or header(headers, "x-amzn-errortype") or ""
    words = [said.get("type"), said.get("status"), amazon_kind(amazon), amazon_kind(said.get("__type"))]
    if status < 400:  # inside a 200, or in the middle of a stream
        code = said.get("code", said.get("originalStatusCode"))
        status = code if type(code) is int and 400 <= code < 600 else 0
    message = message_of(said, _MESSAGE_KEYS)
    kind = _class(status, words, message, said.get("details"))
    named = any(_BY_WORD.get(word) is kind for word in words if isinstance(word, str))
    identifier = next((found for name in _REQUEST_ID_HEADERS if (found := header(headers, name))), None)
    if identifier is None and isinstance(value, dict):
        identifier = value.get("request_id")
    error = kind(
        capped(message),
        provider=endpoint.provider,
        status=status or _STATUS_OF.get(kind),
        request_id=identifier if isinstance(identifier, str) else None,
        body=body,
    )
    if kind in _FINAL and (named or kind is not _BY_STATUS.get(status)):
        error.advised = False
    return error


def _class(status: int, words: list[Any], message: str, details: Any) -> type[ModelError]:
    lowered = message.lower()
    named = next((_BY_WORD[word] for word in words if isinstance(word, str) and word in _BY_WORD), None)
    if named in (None, BadRequestError, ContextTooLongError) and status in (0, 400, 403, 413, 422):
        detail = details.get("error_code") if isinstance(details, dict) else None
        if detail == "context_too_long" or any(phrase in lowered for phrase in _TOO_LONG):
            return ContextTooLongError
        if detail == "filtered" or any(phrase in lowered for phrase in _FILTERED):
            return ContentFilteredError
        if any(phrase in lowered for phrase in _NO_CREDIT):
            return PaymentRequiredError
    if named is not None and named is not BadRequestError:
        return named
    if status >= 400:
        return by_status(status, _BY_STATUS)
    return named or ServerError  # an error inside a 200 that names no kind: the provider failed on the way


_WORDS: tuple[tuple[type[ModelError], str], ...] = (
    (AuthenticationError, "authentication_error"),
    (PaymentRequiredError, "billing_error"),
    (PermissionDeniedError, "permission_error"),
    (NotFoundError, "not_found_error"),
    (RateLimitError, "rate_limit_error"),
    (OverloadedError, "overloaded_error"),
    (TimeoutExceeded, "timeout_error"),
    (BadRequestError, "invalid_request_error"),
)


def encode_error(error: ModelError) -> bytes:
    """The error as Anthropic's API writes it; decoding it with the same status gives the same class and message."""
    word = next((word for kind, word in _WORDS if isinstance(error, kind)), "api_error")
    said: dict[str, Any] = {"type": word, "message": error.message}
    detail = _DETAILS.get(type(error))
    if detail is not None:
        said["details"] = {"error_code": detail}
    envelope: dict[str, Any] = {"type": "error", "error": said}
    if error.request_id is not None:
        envelope["request_id"] = error.request_id
    return msgspec.json.encode(envelope)
