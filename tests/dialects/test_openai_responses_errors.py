"""Refusals of the responses wire."""

from __future__ import annotations

import json
from typing import Any

import pytest

from playhead.dialects import openai_responses
from playhead.dialects.base import Endpoint
from playhead.dialects.openai_errors import error_words
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

ANYONE = Endpoint("anyone", "https://example.test/v1", openai_responses.Profile())


def error(status: int, body: Any, *headers: tuple[str, str]) -> ModelError:
    return openai_responses.decode_error(status, headers, json.dumps(body).encode(), ANYONE)


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (400, {"code": "context_length_exceeded", "message": "x"}, ContextTooLongError),
        (
            400,
            {"code": "invalid_prompt", "message": "Your prompt was flagged as potentially violating"},
            ContentFilteredError,
        ),
        (400, {"code": "invalid_prompt", "message": "x"}, BadRequestError),
        (400, {"code": "image_content_policy_violation", "message": "x"}, ContentFilteredError),
        (400, {"code": "unknown_parameter", "message": "Unknown parameter", "param": "mood"}, BadRequestError),
        (401, {"code": "invalid_api_key", "message": "x"}, AuthenticationError),
        (403, {"message": "x"}, PermissionDeniedError),
        (404, {"code": "model_not_found", "message": "x"}, NotFoundError),
        (429, {"code": "rate_limit_exceeded", "message": "x"}, RateLimitError),
        (429, {"code": "insufficient_quota", "message": "x"}, PaymentRequiredError),
        (500, {"type": "server_error", "message": "x"}, ServerError),
        (503, {"message": "x"}, OverloadedError),
    ],
)
def test_the_class_follows_from_the_status_and_the_words(status: int, said: Any, kind: type[ModelError]) -> None:
    found = error(status, {"error": {"type": "invalid_request_error", **said}}, ("x-request-id", "req_1"))
    assert type(found) is kind
    assert (found.status, found.provider, found.request_id) == (status, "anyone", "req_1")


@pytest.mark.parametrize(
    "kind",
    [
        AuthenticationError,
        BadRequestError,
        ContentFilteredError,
        ContextTooLongError,
        NotFoundError,
        OverloadedError,
        PaymentRequiredError,
        PermissionDeniedError,
        RateLimitError,
        ServerError,
    ],
)
def test_an_encoded_error_is_decoded_the_same(kind: type[ModelError]) -> None:
    said = kind("it went wrong", retry_after=2.5)
    data = openai_responses.encode_error(said)
    assert set(json.loads(data)["error"]) == {"message", "type", "param", "code", "availability"}
    found = openai_responses.decode_error(error_words(said)[0], (), data, ANYONE)
    assert type(found) is kind
    assert (found.message, found.retry_after, found.retryable) == ("it went wrong", 2.5, kind.retryable_by_default)
