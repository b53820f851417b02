"""What a refusal says, as the error class that fits; and the reverse.

Amazon's envelope is ``{"message"}`` with the kind in the header ``x-amzn-errortype``, in the body's ``__type``, or, in
the middle of a stream, in the header ``:exception-type`` of a message. A kind is written in several ways, which all
mean the same: ``ThrottlingException:http://…``, ``com.amazon…#ThrottlingException``, ``throttlingException``. The
envelope of a gateway, ``{"error": {"message"}}``, is read as well, and so are plain text, HTML and nothing at all;
reading never raises: a refusal that cannot be understood is still a refusal of its status.

``Retry-After`` is read by the transport, which has a clock. References: the errors of the API's Converse and
ConverseStream, and https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html.
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
)
from playhead.wire import Headers, header

_BY_STATUS: dict[int, type[ModelError]] = {**BY_STATUS, 424: ServerError}  # the model failed

#: The kinds of errors, without "Exception" and in lower case: the class of each, and the status that it comes with.
_BY_WORD: dict[str, tuple[type[ModelError], int]] = {
    "accessdenied": (PermissionDeniedError, 403),
    "expiredtoken": (AuthenticationError, 403),
    "incompletesignature": (AuthenticationError, 403),
    "internalfailure": (ServerError, 500),
    "internalserver": (ServerError, 500),
    "invalidclienttokenid": (AuthenticationError, 403),
    "invalidsignature": (AuthenticationError, 403),
    "missingauthenticationtoken": (AuthenticationError, 403),
    "modelerror": (ServerError, 424),
    "modelnotready": (OverloadedError, 429),
    "modelstreamerror": (ServerError, 424),
    "modeltimeout": (ServerError, 408),
    "notauthorized": (PermissionDeniedError, 403),
    "optinrequired": (PermissionDeniedError, 403),
    "requestexpired": (AuthenticationError, 403),
    "resourcenotfound": (NotFoundError, 404),
    "servicequotaexceeded": (RateLimitError, 429),
    "serviceunavailable": (OverloadedError, 503),
    "throttling": (RateLimitError, 429),
    "toomanyrequests": (RateLimitError, 429),
    "unrecognizedclient": (AuthenticationError, 403),
    "validation": (BadRequestError, 400),
}

_TOO_LONG = (
    "input is too long",
    "prompt is too long",
    "input tokens exceeded",
    "number of input tokens exceeds",
    "exceed context limit",
    "exceeds the context window",
    "exceeds the maximum number of tokens",
    "context window exceeded",
    "maximum context length",
    "too many input tokens",
)
_FILTERED = ("content filtering policy", "blocked by content filter", "blocked by our content filters")
_EXPIRED = ("security token included in the request is expired", "security token included in the request is invalid")

#: What is counted by the day is not there in the minutes that a client waits.
_TODAY = ("per day", "daily")

#: What a body says in so many words, whatever status it came with: asking again gives the same.
_FINAL = (AuthenticationError, PaymentRequiredError, ContextTooLongError, ContentFilteredError)

#: What an error says beside its kind where the kind is wider than the class: this dialect's own, for its own decoder.
_REASONS: dict[str, type[ModelError]] = {
    "CONTEXT_TOO_LONG": ContextTooLongError,
    "CONTENT_FILTERED": ContentFilteredError,
    "PAYMENT_REQUIRED": PaymentRequiredError,
}

_MESSAGE_KEYS = ("message", "Message", "originalMessage", "detail")
_REQUEST_ID_HEADERS = ("x-amzn-requestid", "x-amz-request-id", "x-request-id", "cf-ray")


def decode_error(status: int, headers: Headers, body: bytes, endpoint: Endpoint) -> ModelError:
    """The error of the class that fits; never raises, whatever the body holds."""
    return read_error(read_body(body), endpoint, body, status=status, headers=headers)


def is_error(body: bytes) -> bool:
    """Whether a body that is no answer says an error."""
    value = read_body(body)
    return isinstance(value, dict) and any(key in value for key in ("__type", "message", "Message", "error"))


def read_error(
    value: Any, endpoint: Endpoint, body: bytes, *, status: int = 0, headers: Headers = (), word: str = ""
) -> ModelError:
    """The same for an envelope that is read already; ``word`` names the kind where the envelope does not."""
    said = inside(value)
    words = [word or header(headers, "x-amzn-errortype"), said.get("__type"), said.get("code"), said.get("type")]
    named = next((_BY_WORD[kind] for kind in map(amazon_kind, words) if kind in _BY_WORD), None)
    if status < 400:  # inside a 200, or in the middle of a stream
        status = named[1] if named is not None else 0
    message = message_of(said, _MESSAGE_KEYS)
    kind = _class(status, named[0] if named is not None else None, message, said.get("reason"))
    identifier = next((found for name in _REQUEST_ID_HEADERS if (found := header(headers, name))), None)
    error = kind(
        capped(message),
        provider=endpoint.provider,
        status=status or (500 if kind is ServerError else None),
        request_id=identifier,
        body=body,
    )
    if (kind in _FINAL and (named is not None or kind is not _BY_STATUS.get(status))) or (
        kind is RateLimitError and any(word in message.lower() for word in _TODAY)
    ):
        error.retryable = error.advised = False
    return error


def _class(status: int, named: type[ModelError] | None, message: str, reason: Any) -> type[ModelError]:
    lowered = message.lower()
    if isinstance(reason, str) and reason in _REASONS:
        return _REASONS[reason]
    if named in (None, BadRequestError, ServerError) and status in (0, 400, 403, 413, 422, 424):
        if any(phrase in lowered for phrase in _TOO_LONG):
            return ContextTooLongError
        if any(phrase in lowered for phrase in _FILTERED):
            return ContentFilteredError
    if status == 403 and any(phrase in lowered for phrase in _EXPIRED):
        return AuthenticationError
    if named is not None and named is not BadRequestError:
        return named
    if status >= 400:
        return by_status(status, _BY_STATUS)
    return named or ServerError  # an error inside a 200 that names no kind: the provider failed on the way


_WORDS: tuple[tuple[type[ModelError], str], ...] = (
    (AuthenticationError, "UnrecognizedClientException"),
    (PermissionDeniedError, "AccessDeniedException"),
    (NotFoundError, "ResourceNotFoundException"),
    (RateLimitError, "ThrottlingException"),
    (OverloadedError, "ServiceUnavailableException"),
    (PaymentRequiredError, "AccessDeniedException"),
    (BadRequestError, "ValidationException"),
)


def error_word(error: ModelError) -> str:
    """The kind of error that a server of this wire would name."""
    return next((word for kind, word in _WORDS if isinstance(error, kind)), "InternalServerException")


def encode_error(error: ModelError) -> bytes:
    """The error as Bedrock writes it, its kind in ``__type``, since there are no headers here; decoding it with the
    same status gives the same class and message."""
    said: dict[str, Any] = {"__type": error_word(error), "message": error.message}
    reason = next((reason for reason, kind in _REASONS.items() if type(error) is kind), None)
    if reason is not None:
        said["reason"] = reason
    return msgspec.json.encode(said)
