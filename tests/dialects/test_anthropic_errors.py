"""Refusals of the Messages wire, each as its class, from each of its services."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from playhead.dialects import anthropic_messages
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
    TimeoutExceeded,
)

ANYONE = Endpoint("anyone", "https://example.test", anthropic_messages.Profile())


def error(status: int, body: Any, **headers: str) -> ModelError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return anthropic_messages.decode_error(status, named, data, ANYONE)


def envelope(word: str, message: str = "why") -> dict[str, Any]:
    return {"type": "error", "error": {"type": word, "message": message}, "request_id": "req_1"}


DOCUMENTED = [
    (400, "invalid_request_error", BadRequestError),
    (401, "authentication_error", AuthenticationError),
    (402, "billing_error", PaymentRequiredError),
    (403, "permission_error", PermissionDeniedError),
    (404, "not_found_error", NotFoundError),
    (409, "conflict_error", ServerError),
    (413, "request_too_large", ContextTooLongError),
    (429, "rate_limit_error", RateLimitError),
    (500, "api_error", ServerError),
    (504, "timeout_error", ServerError),
    (529, "overloaded_error", OverloadedError),
]


@pytest.mark.parametrize(("status", "word", "kind"), DOCUMENTED)
def test_every_documented_type_has_its_class(status: int, word: str, kind: type[ModelError]) -> None:
    for known in (status, 200):  # as an answer's status, and in the middle of a stream
        said = error(known, envelope(word))
        assert type(said) is kind
        assert said.message == "why"
        assert said.request_id == "req_1"
        assert said.provider == "anyone"
        assert said.retryable == kind.retryable_by_default
    assert error(status, envelope(word)).status == status


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("prompt is too long: 210000 tokens > 200000 maximum", ContextTooLongError),
        ("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", ContextTooLongError),
        ("Output blocked by content filtering policy", ContentFilteredError),
        ("Your credit balance is too low to access the Anthropic API.", PaymentRequiredError),
        ("max_tokens: 99999 > 64000, which is the maximum allowed number of output tokens", BadRequestError),
    ],
)
def test_a_bad_request_says_more_in_its_words(message: str, kind: type[ModelError]) -> None:
    assert type(error(400, envelope("invalid_request_error", message))) is kind


@pytest.mark.parametrize(
    ("status", "word", "message", "kind"),
    [
        (400, "ValidationException:http://internal.amazon.com/x", "Malformed input", BadRequestError),
        (400, "ValidationException", "Input is too long for requested model.", ContextTooLongError),
        (403, "AccessDeniedException", "no", PermissionDeniedError),
        (403, "UnrecognizedClientException", "The security token is invalid", AuthenticationError),
        (403, "ExpiredTokenException", "expired", AuthenticationError),
        (404, "ResourceNotFoundException", "no model", NotFoundError),
        (408, "ModelTimeoutException", "slow", ServerError),
        (424, "ModelErrorException", "failed", ServerError),
        (429, "ThrottlingException", "Too many requests", RateLimitError),
        (429, "ModelNotReadyException", "wait", OverloadedError),
        (503, "ServiceUnavailableException", "later", OverloadedError),
    ],
)
def test_amazons_errors_are_told_by_a_header(status: int, word: str, message: str, kind: type[ModelError]) -> None:
    said = error(status, {"message": message}, x_amzn_errortype=word, x_amzn_requestid="a1")
    assert type(said) is kind
    assert said.message == message
    assert said.request_id == "a1"


def test_googles_envelope_is_read_in_a_list_too() -> None:
    said = {"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}}
    for body in (said, [said]):
        assert isinstance(error(429, body), RateLimitError)
        assert error(429, body).message == "Quota exceeded"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the provider refused and did not say why"),
        (b"upstream connect error", "upstream connect error"),
        (b"<html><title>502 Bad\nGateway</title>", "an HTML page came instead of an answer: 502 Bad Gateway"),
        (b'{"error": "nope"}', "nope"),
        (b'{"Message": "User is not authorized"}', "User is not authorized"),
        (b'{"error": {"type": 5, "message": {"a": 1}}}', '{"a":1}'),
    ],
)
def test_what_is_no_envelope_is_still_a_refusal_of_its_status(body: bytes, message: str) -> None:
    said = error(502, body)
    assert type(said) is ServerError
    assert (said.status, said.message, said.body) == (502, message, body)


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
def test_an_encoded_error_decodes_to_the_same(kind: type[ModelError]) -> None:
    data = anthropic_messages.encode_error(kind("why", request_id="r"))
    statuses = {AuthenticationError: 401, PermissionDeniedError: 403, RateLimitError: 429, ServerError: 500}
    for status in (200, statuses.get(kind, 400)):
        said = error(status, data)
        assert (type(said), said.message, said.request_id) == (kind, "why", "r")
    assert json.loads(anthropic_messages.encode_error(TimeoutExceeded("t")))["error"]["type"] == "timeout_error"


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 600))
def test_reading_an_error_never_raises(body: bytes, status: int) -> None:
    assert isinstance(error(status, body), ModelError)
    assert isinstance(error(status, b'{"error": ' + body + b"}"), ModelError)


@pytest.mark.parametrize(
    ("status", "body", "advised"),
    [
        (429, envelope("billing_error"), False),
        (500, envelope("authentication_error", "invalid x-api-key"), False),
        (400, envelope("invalid_request_error", "Your credit balance is too low to access the API."), False),
        (400, envelope("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"), False),
        (429, envelope("rate_limit_error"), None),
        (529, envelope("overloaded_error"), None),
        (401, b"", None),
    ],
)
def test_a_body_that_says_that_asking_again_is_vain_advises_against_it(
    status: int, body: Any, advised: bool | None
) -> None:
    assert error(status, body).advised is advised
