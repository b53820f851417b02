"""Refusals of Bedrock, both ways."""

from __future__ import annotations

import json
from typing import Any

import pytest

from playhead.dialects import bedrock_converse
from playhead.dialects.base import Endpoint
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

ANYONE = Endpoint("bedrock", "https://b.test", bedrock_converse.Profile())


def refused(status: int, body: Any, *headers: tuple[str, str]) -> ModelError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    error = bedrock_converse.decode_error(status, headers, data, ANYONE)
    assert (error.body, error.provider) == (data, "bedrock")
    return error


@pytest.mark.parametrize(
    ("status", "word", "message", "kind", "retryable"),
    [
        (400, "ValidationException", "The provided model identifier is invalid.", BadRequestError, False),
        (400, "ValidationException", "Input is too long for requested model.", ContextTooLongError, False),
        (
            400,
            "ValidationException",
            "The model returned the following errors: prompt is too long: 200049 tokens > 200000 maximum",
            ContextTooLongError,
            False,
        ),
        (
            400,
            "ValidationException",
            "Input Tokens Exceeded: Number of input tokens exceeds maximum length.",
            ContextTooLongError,
            False,
        ),
        (400, "ValidationException", "Output blocked by content filtering policy", ContentFilteredError, False),
        (403, "AccessDeniedException", "You don't have access to the model.", PermissionDeniedError, False),
        (403, "ExpiredTokenException", "The security token is expired", AuthenticationError, False),
        (403, "UnrecognizedClientException", "The token is invalid.", AuthenticationError, False),
        (403, "InvalidSignatureException", "Signature expired", AuthenticationError, False),
        (403, "", "The security token included in the request is expired", AuthenticationError, False),
        (403, "", "no", PermissionDeniedError, False),
        (404, "ResourceNotFoundException", "This model version has reached its end of life.", NotFoundError, False),
        (408, "ModelTimeoutException", "too slow", ServerError, True),
        (424, "ModelErrorException", "it failed", ServerError, True),
        (429, "ThrottlingException", "Too many requests, please wait before trying again.", RateLimitError, True),
        (429, "ThrottlingException", "Too many tokens per day, please wait.", RateLimitError, False),
        (429, "ModelNotReadyException", "The model is not ready", OverloadedError, True),
        (429, "ServiceQuotaExceededException", "too many", RateLimitError, True),
        (500, "InternalServerException", "oh", ServerError, True),
        (503, "ServiceUnavailableException", "Bedrock is unable to process your request.", OverloadedError, True),
        (418, "", "teapot", BadRequestError, False),
        (502, "", "bad gateway", ServerError, True),
    ],
)
def test_each_kind_is_the_class_that_fits_wherever_it_is_named(
    status: int, word: str, message: str, kind: type[ModelError], retryable: bool
) -> None:
    ways = [
        refused(status, {"message": message}, ("x-amzn-ErrorType", f"{word}:http://internal.amazon.com/"))
        if word
        else refused(status, {"message": message}),
        refused(status, {"Message": message, "__type": f"com.amazon.coral.service#{word}"}),
        refused(status, {"message": message, "__type": word}),
    ]
    for error in ways:
        assert type(error) is kind
        assert (error.status, error.message, error.retryable) == (status, message, retryable)


def test_the_request_id_is_amazons() -> None:
    error = refused(429, {"message": "m"}, ("x-amzn-RequestId", "9251f066"), ("x-request-id", "gateway"))
    assert error.request_id == "9251f066"
    assert refused(429, {"message": "m"}).request_id is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the provider refused and did not say why"),
        (b"null", "the provider refused and did not say why"),
        (b"plain words", "plain words"),
        (b"<html><title>502 Bad Gateway</title></html>", "an HTML page came instead of an answer: 502 Bad Gateway"),
        ({"error": {"message": "from a gateway"}}, "from a gateway"),
        ({"error": "in short"}, "in short"),
        ({"originalMessage": "of the model"}, "of the model"),
        ({"message": {"deep": 1}}, '{"deep":1}'),
    ],
)
def test_a_refusal_is_read_whatever_its_body_is(body: Any, message: str) -> None:
    error = refused(500, body)
    assert (type(error), error.message) == (ServerError, message)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (BadRequestError, 400),
        (ContextTooLongError, 400),
        (ContentFilteredError, 400),
        (AuthenticationError, 403),
        (PaymentRequiredError, 402),
        (PermissionDeniedError, 403),
        (NotFoundError, 404),
        (RateLimitError, 429),
        (OverloadedError, 503),
        (ServerError, 500),
    ],
)
def test_an_error_that_is_written_is_read_as_the_same(kind: type[ModelError], status: int) -> None:
    error = kind("in words", status=status)
    again = refused(status, bedrock_converse.encode_error(error))
    assert type(again) is kind
    assert (again.message, again.status) == ("in words", status)
