"""Refusals of the Gemini wire, both ways."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from playhead.dialects import gemini
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

ANYONE = Endpoint("google", "https://example.test", gemini.Profile())
TYPE = "type.googleapis.com/google.rpc."


def refused(status: int, word: str = "", message: str = "no", details: list[Any] | None = None) -> ModelError:
    said: dict[str, Any] = {"code": status, "message": message, "status": word}
    if details is not None:
        said["details"] = details
    return gemini.decode_error(status, (), json.dumps({"error": said}).encode(), ANYONE)


@pytest.mark.parametrize(
    ("status", "word", "message", "kind"),
    [
        (400, "INVALID_ARGUMENT", "Invalid value at 'contents'", BadRequestError),
        (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", AuthenticationError),
        (
            400,
            "INVALID_ARGUMENT",
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            ContextTooLongError,
        ),
        (
            400,
            "INVALID_ARGUMENT",
            "The input token count is 20 but model only supports up to 10.",
            ContextTooLongError,
        ),
        (400, "FAILED_PRECONDITION", "User location is not supported for the API use.", BadRequestError),
        (401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", AuthenticationError),
        (403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers", PermissionDeniedError),
        (404, "NOT_FOUND", "models/x is not found for API version v1beta", NotFoundError),
        (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).", RateLimitError),
        (500, "INTERNAL", "An internal error has occurred.", ServerError),
        (503, "UNAVAILABLE", "The model is overloaded. Please try again later.", OverloadedError),
        (504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete.", ServerError),
        (499, "CANCELLED", "The operation was cancelled.", ServerError),
        (413, "", "Request payload size exceeds the limit", ContextTooLongError),
        (502, "", "bad gateway", ServerError),
        (418, "", "teapot", BadRequestError),
    ],
)
def test_the_class_that_fits(status: int, word: str, message: str, kind: type[ModelError]) -> None:
    error = refused(status, word, message)
    assert type(error) is kind
    assert (error.status, error.message, error.provider) == (status, message, "google")
    assert error.retryable is kind.retryable_by_default


def test_the_reason_says_more_than_the_code() -> None:
    info = {"@type": f"{TYPE}ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
    assert type(refused(400, "INVALID_ARGUMENT", "no", [info])) is AuthenticationError
    info["reason"] = "BILLING_DISABLED"
    assert type(refused(403, "PERMISSION_DENIED", "no", [info])) is PaymentRequiredError


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [("12s", 12.0), ("0.5s", 0.5), ("34.074824224s", 34.074824224), ("x", None), ("-1s", None), (5, None)],
)
def test_retry_info_says_how_long_to_wait(delay: Any, seconds: float | None) -> None:
    details = [{"@type": f"{TYPE}RetryInfo", "retryDelay": delay}, 1, {"@type": f"{TYPE}Help", "links": []}]
    error = refused(429, "RESOURCE_EXHAUSTED", "slow", details)
    assert error.retry_after == seconds
    assert error.retryable


def test_a_quota_of_the_day_is_not_worth_a_retry() -> None:
    def failure(*names: str) -> list[Any]:
        violations = [{"quotaId": name, "quotaValue": "20"} for name in names]
        return [{"@type": f"{TYPE}QuotaFailure", "violations": violations}]

    day, minute = "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "GenerateRequestsPerMinutePerProjectPerModel"
    assert not refused(429, "RESOURCE_EXHAUSTED", "slow", failure(day)).retryable
    assert refused(429, "RESOURCE_EXHAUSTED", "slow", failure(day, minute)).retryable
    assert refused(429, "RESOURCE_EXHAUSTED", "slow", failure(minute)).retryable


def test_an_error_in_a_list_is_read() -> None:
    body = b'[{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}\n]'
    assert isinstance(gemini.decode_error(429, (), body, ANYONE), RateLimitError)


def test_the_exchanges_id_is_kept() -> None:
    assert gemini.decode_error(500, (("X-Request-Id", "r1"),), b"", ANYONE).request_id == "r1"
    assert refused(500, "INTERNAL", "no", [{"@type": f"{TYPE}RequestInfo", "requestId": "r2"}]).request_id == "r2"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the provider refused and did not say why"),
        (b"upstream connect error", "upstream connect error"),
        (b"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>", "Error 404 (Not Found)!!1"),
        (b'{"error":"just words"}', "just words"),
        (b'{"message":"flat"}', "flat"),
        (b"[]", "the provider refused and did not say why"),
        (b"\xff\xfe", "�"),
    ],
)
def test_other_bodies_are_refusals_of_their_status(body: bytes, message: str) -> None:
    error = gemini.decode_error(404, (), body, ANYONE)
    assert isinstance(error, NotFoundError)
    assert message in error.message
    assert error.body == body


@pytest.mark.parametrize(
    "error",
    [
        BadRequestError("a", status=400),
        ContextTooLongError("b", status=400),
        ContentFilteredError("c", status=400),
        AuthenticationError("d", status=401),
        PaymentRequiredError("e", status=402),
        PermissionDeniedError("f", status=403),
        NotFoundError("g", status=404),
        RateLimitError("h", status=429, retry_after=12.5),
        RateLimitError("h", status=429, retryable=False),
        OverloadedError("i", status=503, retry_after=0),
        ServerError("j", status=500),
        ServerError("j", status=500, retryable=False),
    ],
)
def test_an_error_encoded_and_decoded_is_the_same(error: ModelError) -> None:
    assert error.status is not None
    again = gemini.decode_error(error.status, (), gemini.encode_error(error), ANYONE)
    assert type(again) is type(error)
    for name in ("message", "status", "retryable", "retry_after"):
        assert getattr(again, name) == getattr(error, name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "code", "message", "status", "details", "@type", "retryDelay", "violations", "reason"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([0, 200, 400, 403, 429, 500, 503]), JSON)
def test_reading_a_refusal_never_raises(status: int, value: Any) -> None:
    error = gemini.decode_error(status, (), json.dumps(value).encode(), ANYONE)
    assert str(error)


@pytest.mark.parametrize(
    ("status", "reason", "message", "advised"),
    [
        (400, "API_KEY_INVALID", "API key not valid. Please pass a valid API key.", False),
        (403, "BILLING_DISABLED", "This API method requires billing to be enabled.", False),
        (429, "BILLING_DISABLED", "no", False),
        (500, "", "The input token count (9) exceeds the maximum number of tokens allowed (8).", False),
        (429, "RATE_LIMIT_EXCEEDED", "no", None),
        (503, "", "The model is overloaded.", None),
    ],
)
def test_a_body_that_says_that_asking_again_is_vain_advises_against_it(
    status: int, reason: str, message: str, advised: bool | None
) -> None:
    """Whatever the status would say: a 429 of an account without billing stays one."""
    error = refused(status, "", message, [{"@type": f"{TYPE}ErrorInfo", "reason": reason}] if reason else None)
    assert error.advised is advised
    if advised is False:
        assert not error.retryable


def test_a_quota_of_the_day_advises_against_asking_again() -> None:
    violation = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}
    error = refused(429, "RESOURCE_EXHAUSTED", "no", [{"@type": f"{TYPE}QuotaFailure", "violations": [violation]}])
    assert (type(error), error.advised, error.retryable) == (RateLimitError, False, False)
