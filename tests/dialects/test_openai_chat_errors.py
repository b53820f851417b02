"""Refusals, in every shape that servers of this wire give them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from playhead.dialects import openai_chat
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

ANYONE = Endpoint("anyone", "https://example.test/v1", openai_chat.Profile())


def error(status: int, body: Any, *headers: tuple[str, str]) -> ModelError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return openai_chat.decode_error(status, headers, data, ANYONE)


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (400, {"message": "bad"}, BadRequestError),
        (400, {"message": "x", "code": "context_length_exceeded"}, ContextTooLongError),
        (400, {"message": "This model's maximum context length is 8192 tokens."}, ContextTooLongError),
        (400, {"message": "the request exceeds the available context size"}, ContextTooLongError),
        (400, {"message": "prompt is too long: 250000 tokens > 200000 maximum"}, ContextTooLongError),
        (400, {"message": "x", "code": "content_filter"}, ContentFilteredError),
        (
            403,
            {"message": "flagged", "code": 403, "metadata": {"flagged_input": "…", "reasons": ["x"]}},
            ContentFilteredError,
        ),
        (401, {"message": "no", "code": "invalid_api_key"}, AuthenticationError),
        (402, {"message": "no", "code": 402}, PaymentRequiredError),
        (403, {"message": "no"}, PermissionDeniedError),
        (404, {"message": "no", "code": "model_not_found"}, NotFoundError),
        (408, {"message": "no"}, ServerError),
        (422, {"message": "no"}, BadRequestError),
        (429, {"message": "no"}, RateLimitError),
        (429, {"message": "no", "code": "insufficient_quota"}, PaymentRequiredError),
        (500, {"message": "no"}, ServerError),
        (502, {"message": "no"}, ServerError),
        (503, {"message": "no"}, OverloadedError),
        (529, {"message": "no"}, OverloadedError),
        (418, {"message": "no"}, BadRequestError),
    ],
)
def test_the_class_follows_from_the_status_and_the_words(status: int, said: Any, kind: type[ModelError]) -> None:
    found = error(status, {"error": said})
    assert type(found) is kind
    assert (found.status, found.provider) == (status, "anyone")
    assert found.message.startswith(said["message"])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the provider refused and did not say why"),
        (b"upstream connect error", "upstream connect error"),
        (
            b"<html><head><title>502 Bad Gateway</title></head></html>",
            "an HTML page came instead of an answer: 502 Bad Gateway",
        ),
        ({"error": "model is loading"}, "model is loading"),
        ({"message": "no route"}, "no route"),
        ({"detail": "Not Found"}, "Not Found"),
        ({"detail": [{"loc": ["body"], "msg": "field required"}]}, '[{"loc":["body"],"msg":"field required"}]'),
        ([{"error": {"message": "from google", "code": 502}}], "from google"),
        ({"object": "error", "message": "old vllm", "code": 502}, "old vllm"),
        (b"null", "the provider refused and did not say why"),
        (b"5", "the provider refused and did not say why"),
    ],
)
def test_the_message_is_found_in_every_shape(body: Any, message: str) -> None:
    assert error(502, body).message == message


def test_the_upstreams_own_words_are_read_from_raw() -> None:
    raw = json.dumps({"error": {"message": "prompt is too long: 9 tokens > 8"}})
    said = {"message": "Provider returned error", "code": 400, "metadata": {"raw": raw, "provider_name": "X"}}
    found = error(400, {"error": said})
    assert type(found) is ContextTooLongError
    assert found.message == "Provider returned error (X: prompt is too long: 9 tokens > 8)"


def test_todays_envelope_of_openrouter_is_read() -> None:
    said = {
        "message": "All providers failed",
        "code": 503,
        "availability": {"code": "no_capacity", "retryable": True, "retry_after": 12},
        "metadata": {"error_type": "overloaded", "previous_errors": [{"code": 429, "message": "A is full"}]},
    }
    found = error(503, {"error": said}, ("X-Generation-Id", "gen-1"), ("CF-Ray", "ray"))
    assert type(found) is OverloadedError
    assert (found.retry_after, found.retryable, found.request_id) == (12.0, True, "gen-1")
    assert "A is full" in found.message
    said["availability"] = {"retryable": False}
    assert not error(503, {"error": said}).retryable


def test_the_body_is_kept_whole() -> None:
    assert error(500, b"x" * 5000).body == b"x" * 5000
    assert len(error(500, b"x" * 5000).message) < 400


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "error",
                    "message",
                    "code",
                    "type",
                    "metadata",
                    "raw",
                    "detail",
                    "availability",
                    "retry_after",
                    "previous_errors",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 999), st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_reading_an_error_never_raises(status: int, body: bytes) -> None:
    assert isinstance(error(status, body), ModelError)


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
    data = openai_chat.encode_error(kind("it went wrong", retry_after=2.5))
    status = json.loads(data)["error"]["code"]
    found = error(status, data)
    assert type(found) is kind
    assert (found.message, found.retry_after, found.retryable) == ("it went wrong", 2.5, kind.retryable_by_default)


@pytest.mark.parametrize(
    ("status", "said", "advised"),
    [
        (503, {"message": "gone", "code": 503, "availability": {"retryable": False}}, False),
        (400, {"message": "again", "availability": {"retryable": True, "retry_after": 2}}, True),
        (503, {"message": "busy", "availability": {"retryable": "no"}}, None),
        (429, {"message": "quota", "type": "insufficient_quota", "code": "insufficient_quota"}, False),
        (500, {"message": "too long", "code": "context_length_exceeded"}, False),
        (429, {"message": "slower", "code": "rate_limit_exceeded"}, None),
        (503, {"message": "busy"}, None),
    ],
)
def test_what_a_body_says_of_trying_again_is_kept_apart_from_what_its_status_says(
    status: int, said: dict[str, Any], advised: bool | None
) -> None:
    """A rule of statuses must be able to see that the body spoke."""
    found = error(status, {"error": said})
    assert found.advised is advised
    assert found.retryable is (found.retryable_by_default if advised is None else advised)


def test_an_account_without_credits_is_not_asked_again() -> None:
    found = error(429, {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}})
    assert type(found) is PaymentRequiredError
    assert not found.retryable


def test_half_a_character_in_a_refusal_does_not_hide_what_it_says() -> None:
    found = error(429, b'{"error":{"message":"cut \\ud83d","code":"insufficient_quota"}}')
    assert type(found) is PaymentRequiredError
    assert found.message == "cut \ufffd"


def test_a_text_that_is_too_large_for_llama_cpp_is_not_asked_again() -> None:
    said = "input (5001 tokens) is too large to process. increase the physical batch size (current batch size: 2048)"
    failed = error(500, {"error": {"code": 500, "message": said, "type": "server_error"}})
    assert isinstance(failed, ContextTooLongError)
    assert (failed.retryable, failed.advised) == (False, False)
