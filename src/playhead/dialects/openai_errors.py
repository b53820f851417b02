"""What a refusal says, as the error class that fits; and the reverse. OpenAI's envelope, in every dialect of its wires.

OpenAI's envelope is ``{"error": {"message", "type", "param", "code"}}``; OpenRouter's has a number for ``code`` and
puts the upstream's own answer into ``metadata.raw`` (often JSON in a string) beside ``provider_name``; its newer form
adds ``metadata.error_type``, ``metadata.previous_errors`` and ``error.availability`` {retryable, retry_after}. Servers
in between send a bare message, ``{"detail": …}``, plain text, HTML or nothing. All of them are read, and reading never
raises: a refusal that cannot be understood is still a refusal of its status.

``retry_after`` here is only what the body says; the ``Retry-After`` header, which may be a date, is read by the
transport, which has a clock. Where an error stands inside an answer is each dialect's own. Reference:
https://platform.openai.com/docs/guides/error-codes and
https://openrouter.ai/docs/api/reference/errors-and-debugging, as of 2026.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec

from playhead.dialects.base import Endpoint
from playhead.dialects.refusal_text import SHOWN, UNSAID, by_status, capped, json_text, message_of, read_body
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

#: Words of ``code``, ``type`` and ``error_type`` that say more than the status, the first that fits.
_BY_WORD: dict[str, type[ModelError]] = {
    "context_length_exceeded": ContextTooLongError,
    "exceed_context_size_error": ContextTooLongError,  # llama.cpp
    "request_too_large": ContextTooLongError,
    "string_above_max_length": ContextTooLongError,
    "content_filter": ContentFilteredError,
    "content_policy_violation": ContentFilteredError,
    "moderation": ContentFilteredError,
    "moderation_blocked": ContentFilteredError,
    "invalid_api_key": AuthenticationError,
    "authentication_error": AuthenticationError,
    "insufficient_quota": PaymentRequiredError,
    "insufficient_credits": PaymentRequiredError,
    "payment_required": PaymentRequiredError,
    "permission_denied": PermissionDeniedError,
    "permission_error": PermissionDeniedError,
    "model_not_found": NotFoundError,
    "not_found_error": NotFoundError,
    "rate_limit_exceeded": RateLimitError,
    "rate_limit_error": RateLimitError,
    "rate_limited": RateLimitError,
    "overloaded_error": OverloadedError,
    "overloaded": OverloadedError,
    "engine_overloaded": OverloadedError,
    "service_unavailable": OverloadedError,
    "unavailable_error": OverloadedError,  # llama.cpp, while the model loads
    "server_error": ServerError,
    "internal_error": ServerError,
    "internal_server_error": ServerError,
    "upstream_error": ServerError,
    "timeout": ServerError,
    "server_is_overloaded": OverloadedError,
    "slow_down": OverloadedError,
    "vector_store_timeout": ServerError,
    "bio_policy": ContentFilteredError,
    "cyber_policy": ContentFilteredError,
    "image_content_policy_violation": ContentFilteredError,
    "invalid_prompt": BadRequestError,
    "invalid_image": BadRequestError,
    "invalid_request_error": BadRequestError,
    "bad_request": BadRequestError,
}

#: What a body says in so many words, whatever status it came with: asking again gives the same (a 429 of an account
#: that is out of credits).
_FINAL = (ContextTooLongError, ContentFilteredError, PaymentRequiredError)

#: How llama.cpp says, with status 500, that a text to be embedded is longer than its batch, in lower case:
#: "input (5001 tokens) is too large to process. increase the physical batch size". It stays too large.
_TOO_LARGE = "is too large to process"

#: How servers of this wire say that a prompt is too long, in lower case.
_TOO_LONG = (
    "maximum context length",
    "context length exceeded",
    "context_length_exceeded",
    "exceeds the context window",
    "exceeds the available context size",
    "exceed the context",
    "context window of this model",
    "prompt is too long",
    "input is too long",
    "too many tokens in the prompt",
    "reduce the length of the messages",
    "input token count exceeds",
    "exceeds the maximum number of tokens",
    "maximum prompt length",
)

_FILTERED = (
    "content management policy",
    "content_filter",
    "flagged by",
    "flagged as",
    "requires moderation",
    "responsible ai policy",
)

#: Headers that hold the id of the exchange, the provider's own before those of the network before it.
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-generation-id", "apim-request-id", "cf-ray")


_MESSAGE_KEYS = ("message", "detail", "error_description", "msg", "title")
_FAILED = "the provider failed and did not say why"


def decode_error(status: int, headers: Headers, body: bytes, endpoint: Endpoint) -> ModelError:
    """The error of the class that fits; never raises, whatever the body holds."""
    request_id = next((value for name in _REQUEST_ID_HEADERS if (value := header(headers, name))), None)
    return error_of(read_body(body), endpoint, status=status, request_id=request_id, body=body)


def _envelope(value: Any) -> dict[str, Any]:
    """The error's own object, whatever it is wrapped in."""
    if isinstance(value, list) and len(value) == 1:  # Google wraps the envelope in a list
        value = value[0]
    if isinstance(value, dict):
        inner = value.get("error")
        if isinstance(inner, dict):
            return inner
        if isinstance(inner, str) and inner:
            return {**value, "message": value.get("message") or inner}
        return value
    return {"message": value} if isinstance(value, str) else {}


def error_of(value: Any, endpoint: Endpoint, *, status: int | None, request_id: str | None, body: bytes) -> ModelError:
    """The error that a JSON value says, in the envelope or without; ``status`` None is an error inside an answer."""
    said = _envelope(value)
    metadata = said.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    code = said.get("code")
    number = code if isinstance(code, int) and not isinstance(code, bool) else None
    if number is None and isinstance(code, str) and code.isascii() and code.isdigit() and len(code) == 3:
        number = int(code)
    if status is None or status < 400:
        status = number if number is not None and 400 <= number < 600 else status
    upstream = _upstream(metadata)
    message = message_of(said, _MESSAGE_KEYS, UNSAID if status else _FAILED)
    if upstream and upstream not in message:
        name = metadata.get("provider_name")
        message = f"{message} ({name}: {upstream})" if isinstance(name, str) else f"{message} ({upstream})"
    words = [code, said.get("type"), metadata.get("error_type"), metadata.get("provider_code")]
    kind = _class(status, words, message, metadata)
    availability = said.get("availability")
    availability = availability if isinstance(availability, dict) else {}
    retryable = availability.get("retryable")
    advised = retryable if isinstance(retryable, bool) else None
    if advised is None and (_named(words) in _FINAL or _TOO_LARGE in message.lower()):
        advised = False
    error = kind(
        capped(message),
        provider=endpoint.provider,
        status=status,
        request_id=request_id,
        retryable=advised,
        retry_after=_seconds(availability.get("retry_after", metadata.get("retry_after_seconds"))),
        body=body,
    )
    error.advised = advised
    return error


def _upstream(metadata: dict[str, Any]) -> str:
    """What the upstream behind a router said, out of ``metadata.raw`` and ``previous_errors``."""
    raw = metadata.get("raw")
    if isinstance(raw, str) and raw.lstrip().startswith(("{", "[")):
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raw = msgspec.json.decode(raw)
    if isinstance(raw, dict | list):
        inner = _envelope(raw).get("message")
        raw = inner if isinstance(inner, str) else json_text(raw)
    said = [raw.strip()] if isinstance(raw, str) and raw.strip() else []
    previous = metadata.get("previous_errors")
    for error in previous if isinstance(previous, list) else ():
        text = _envelope(error).get("message")
        if isinstance(text, str) and text not in said:
            said.append(text)
    text = "; ".join(said)
    return capped(text, 2 * SHOWN)


def _named(words: list[Any]) -> type[ModelError] | None:
    return next((_BY_WORD[word] for word in words if isinstance(word, str) and word in _BY_WORD), None)


def _class(status: int | None, words: list[Any], message: str, metadata: dict[str, Any]) -> type[ModelError]:
    lowered = message.lower()
    named = _named(words)
    if named in _FINAL:
        return named
    if _TOO_LARGE in lowered:
        return ContextTooLongError
    if status in (None, 400, 403, 413, 422) or named is BadRequestError:
        if any(phrase in lowered for phrase in _TOO_LONG):
            return ContextTooLongError
        if "flagged_input" in metadata or any(phrase in lowered for phrase in _FILTERED):
            return ContentFilteredError
    if status is not None and status >= 400:
        return by_status(status)
    return named or ServerError  # an error inside a 200 that names no code: the upstream failed on the way


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e9 else None


_WORDS: tuple[tuple[type[ModelError], int, str], ...] = (
    (ContextTooLongError, 400, "context_length_exceeded"),
    (ContentFilteredError, 400, "content_filter"),
    (AuthenticationError, 401, "invalid_api_key"),
    (PaymentRequiredError, 402, "insufficient_credits"),
    (PermissionDeniedError, 403, "permission_denied"),
    (NotFoundError, 404, "model_not_found"),
    (RateLimitError, 429, "rate_limit_exceeded"),
    (OverloadedError, 503, "overloaded"),
    (TimeoutExceeded, 504, "timeout"),
    (BadRequestError, 400, "invalid_request_error"),
)


def error_words(error: ModelError) -> tuple[int, str]:
    """The status and the word that this class of error is written with: ``(429, "rate_limit_exceeded")``."""
    return next(((number, word) for kind, number, word in _WORDS if isinstance(error, kind)), (502, "server_error"))


def availability(error: ModelError) -> dict[str, Any]:
    """``availability`` as OpenRouter writes it, where the class alone would not say it; else nothing."""
    said: dict[str, Any] = {}
    if error.retryable is not error.retryable_by_default or error.retry_after is not None:
        said["availability"] = {"retryable": error.retryable}
        if error.retry_after is not None:
            said["availability"]["retry_after"] = error.retry_after
    return said
