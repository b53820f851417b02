"""What a refusal says, as the error class that fits; and the reverse.

The envelope is google.rpc.Status, ``{"error": {"code": 429, "message", "status": "RESOURCE_EXHAUSTED", "details"}}``,
in a list of one where a stream without ``alt=sse`` was asked for. ``details`` are typed messages: RetryInfo says how
long to wait, QuotaFailure which quota is used up, ErrorInfo gives a reason in one word, BadRequest the fields at fault.
Proxies and Google's own front ends send HTML, plain text or nothing. All of them are read, and reading never raises: a
refusal that cannot be understood is still a refusal of its status.

A quota counted by the day is not worth a retry, whatever RetryInfo says. Reference:
https://cloud.google.com/apis/design/errors, https://ai.google.dev/gemini-api/docs/troubleshooting, as of 2026.
"""

from __future__ import annotations

from typing import Any

import msgspec

from playhead.dialects.base import Endpoint
from playhead.dialects.refusal_text import BY_STATUS, UNSAID, by_status, capped, read_body
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

#: The canonical codes, with the class that each means (google/rpc/code.proto).
_BY_CODE: dict[str, type[ModelError]] = {
    "INVALID_ARGUMENT": BadRequestError,
    "FAILED_PRECONDITION": BadRequestError,
    "OUT_OF_RANGE": BadRequestError,
    "UNIMPLEMENTED": BadRequestError,
    "UNAUTHENTICATED": AuthenticationError,
    "PERMISSION_DENIED": PermissionDeniedError,
    "NOT_FOUND": NotFoundError,
    "RESOURCE_EXHAUSTED": RateLimitError,
    "UNAVAILABLE": OverloadedError,
    "ABORTED": ServerError,
    "ALREADY_EXISTS": BadRequestError,
    "CANCELLED": ServerError,
    "DEADLINE_EXCEEDED": ServerError,
    "INTERNAL": ServerError,
    "UNKNOWN": ServerError,
    "DATA_LOSS": ServerError,
}

_BY_STATUS: dict[int, type[ModelError]] = {**BY_STATUS, 499: ServerError, 501: BadRequestError}

#: Reasons of ErrorInfo that say more than the code. The last two are what :func:`encode_error` writes.
_BY_REASON: dict[str, type[ModelError]] = {
    "API_KEY_INVALID": AuthenticationError,
    "API_KEY_EXPIRED": AuthenticationError,
    "ACCESS_TOKEN_EXPIRED": AuthenticationError,
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": AuthenticationError,
    "CREDENTIALS_MISSING": AuthenticationError,
    "BILLING_DISABLED": PaymentRequiredError,
    "RATE_LIMIT_EXCEEDED": RateLimitError,
    "CONTEXT_TOO_LONG": ContextTooLongError,
    "CONTENT_FILTERED": ContentFilteredError,
}

#: What a body says in so many words, whatever status it came with: asking again gives the same.
_FINAL = (AuthenticationError, PaymentRequiredError, ContextTooLongError, ContentFilteredError)

_BAD_KEY = ("api key not valid", "api key expired", "api key not found", "invalid authentication credentials")

_TOO_LONG = (
    "exceeds the maximum number of tokens",
    "exceeds the maximum allowed input",
    "token count exceeds",
    "tokens allowed",
    "model only supports up to",
    "input context is too long",
    "prompt is too long",
    "exceeds the context",
)

_FILTERED = ("responsible ai", "violates google's", "prohibited use policy", "blocked by safety", "safety filters")

_REQUEST_ID_HEADERS = ("x-request-id", "x-goog-request-id", "request-id", "cf-ray")


def decode_error(status: int, headers: Headers, body: bytes, endpoint: Endpoint) -> ModelError:
    """The error of the class that fits; never raises, whatever the body holds."""
    request_id = next((said for name in _REQUEST_ID_HEADERS if (said := header(headers, name))), None)
    return error_of(read_body(body), endpoint, status=status, request_id=request_id, body=body)


def error_of(
    value: Any, endpoint: Endpoint, *, status: int | None, body: bytes, request_id: str | None = None
) -> ModelError:
    """The error that an envelope says, wherever it stood; ``status`` None is an error inside a 200."""
    said = _envelope(value)
    code = said.get("code")
    number = code if type(code) is int else None
    if status is None or status < 400:
        status = number if number is not None and 400 <= number < 600 else None
    word = said.get("status")
    message = said.get("message")
    if not isinstance(message, str) or not message.strip():
        message = word if isinstance(word, str) and word else UNSAID
    details = [detail for detail in _list(said.get("details")) if isinstance(detail, dict)]
    kind = _class(status, word if isinstance(word, str) else "", message, details)
    for detail in details:
        given = detail.get("requestId") if _is(detail, "RequestInfo") else None
        request_id = given if isinstance(given, str) and given else request_id
    advised = _advised(details)
    if advised is None and kind in _FINAL and kind is not _BY_STATUS.get(status or 0):
        advised = False
    error = kind(
        capped(message.strip()),
        provider=endpoint.provider,
        status=status,
        request_id=request_id,
        retryable=advised,
        retry_after=_retry_after(details),
        body=body,
    )
    error.advised = advised
    return error


def _envelope(value: Any) -> dict[str, Any]:
    """The error's own object, whatever it is wrapped in."""
    if isinstance(value, list):
        value = next((item for item in value if isinstance(item, dict) and "error" in item), None)
    if not isinstance(value, dict):
        return {"message": value} if isinstance(value, str) else {}
    inner = value.get("error", value)
    if isinstance(inner, dict):
        return inner
    return {**value, "message": inner} if isinstance(inner, str) and inner else value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is(detail: dict[str, Any], name: str) -> bool:
    return str(detail.get("@type", "")).endswith(f"google.rpc.{name}")


def _class(status: int | None, word: str, message: str, details: list[dict[str, Any]]) -> type[ModelError]:
    for detail in details:
        reason = detail.get("reason")
        if isinstance(reason, str) and reason in _BY_REASON:
            return _BY_REASON[reason]
    lowered = message.lower()
    if any(phrase in lowered for phrase in _BAD_KEY):
        return AuthenticationError
    if status in (None, 400, 413, 500) and any(phrase in lowered for phrase in _TOO_LONG):
        return ContextTooLongError
    if status in (None, 400, 403) and any(phrase in lowered for phrase in _FILTERED):
        return ContentFilteredError
    if status == 402:
        return PaymentRequiredError
    if word in _BY_CODE and not (word == "INVALID_ARGUMENT" and status == 413):
        return _BY_CODE[word]
    if status is None:
        return ServerError  # an error inside a 200 that names no code: the provider failed on the way
    return by_status(status, _BY_STATUS)


def _retry_after(details: list[dict[str, Any]]) -> float | None:
    """Seconds of RetryInfo, whose ``retryDelay`` is a protobuf duration: "12s", "0.5s"."""
    for detail in details:
        delay = detail.get("retryDelay") if _is(detail, "RetryInfo") else None
        if isinstance(delay, str) and delay.endswith("s"):
            digits = delay[:-1]
            if digits.isascii() and digits.replace(".", "", 1).isdigit() and len(digits) < 20:
                return float(digits)
    return None


def _advised(details: list[dict[str, Any]]) -> bool | None:
    """What the details say of trying again: False where every quota that failed is counted by the day, and where the
    reason is one that stays (a key that is none, an account without billing); None where they say nothing."""
    for detail in details:
        if _is(detail, "ErrorInfo") and isinstance(detail.get("metadata"), dict):
            said = detail["metadata"].get("retryable")
            if said in ("true", "false"):
                return bool(said == "true")
    quotas = [
        str(violation.get("quotaId", ""))
        for detail in details
        if _is(detail, "QuotaFailure")
        for violation in _list(detail.get("violations"))
        if isinstance(violation, dict)
    ]
    if quotas and all("PerDay" in quota for quota in quotas):
        return False
    reasons = (_BY_REASON.get(str(detail.get("reason"))) for detail in details)
    return False if any(kind in _FINAL for kind in reasons) else None


_CODES: tuple[tuple[type[ModelError], int, str, str], ...] = (
    (ContextTooLongError, 400, "INVALID_ARGUMENT", "CONTEXT_TOO_LONG"),
    (ContentFilteredError, 400, "INVALID_ARGUMENT", "CONTENT_FILTERED"),
    (AuthenticationError, 401, "UNAUTHENTICATED", "API_KEY_INVALID"),
    (PaymentRequiredError, 402, "FAILED_PRECONDITION", "BILLING_DISABLED"),
    (PermissionDeniedError, 403, "PERMISSION_DENIED", ""),
    (NotFoundError, 404, "NOT_FOUND", ""),
    (RateLimitError, 429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED"),
    (OverloadedError, 503, "UNAVAILABLE", ""),
    (BadRequestError, 400, "INVALID_ARGUMENT", ""),
)

_TYPE = "type.googleapis.com/google.rpc."


def encode_error(error: ModelError) -> bytes:
    """The error as Google writes it; decoding it with the same status gives the same class and message."""
    return msgspec.json.encode({"error": error_object(error)})


def error_object(error: ModelError) -> dict[str, Any]:
    """The inside of the envelope."""
    number, word, reason = next(
        ((number, word, reason) for kind, number, word, reason in _CODES if isinstance(error, kind)),
        (500, "INTERNAL", ""),
    )
    said: dict[str, Any] = {"code": error.status or number, "message": error.message, "status": word}
    details: list[dict[str, Any]] = []
    odd = error.retryable is not error.retryable_by_default
    if reason or odd:
        info: dict[str, Any] = {"@type": f"{_TYPE}ErrorInfo", "reason": reason or word, "domain": "googleapis.com"}
        if odd:
            info["metadata"] = {"retryable": "true" if error.retryable else "false"}
        details.append(info)
    if error.retry_after is not None:
        details.append(
            {"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{error.retry_after:.9f}".rstrip("0").rstrip(".") + "s"}
        )
    if details:
        said["details"] = details
    return said
