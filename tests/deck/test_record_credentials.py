"""Keys are found where keys stand, and words of a conversation are not taken for any."""

from __future__ import annotations

import base64
import json

import pytest

from playhead.deck.credentials import credentials
from playhead.wire import Headers

KEY = "0123456789abcdef"
BASIC = base64.b64encode(f"somebody:{KEY}".encode()).decode()


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ((("Authorization", f"Bearer {KEY}"),), {KEY}),
        ((("authorization", f"Basic {BASIC}"),), {BASIC, KEY, "somebody"}),
        ((("X-Api-Key", KEY), ("api-key", KEY + "2"), ("x-goog-api-key", KEY + "3")), {KEY, KEY + "2", KEY + "3"}),
        ((("X-Amz-Security-Token", KEY),), {KEY}),
        ((("X-Own-Secret", f"{KEY} {KEY}"),), {KEY, f"{KEY} {KEY}"}),
        ((("Cookie", f'a={KEY}; b="{KEY}2"; c=d'),), {KEY, KEY + "2"}),
        ((("Set-Cookie", f"a={KEY}; Expires=Wednesday-the-first"),), {KEY}),
        (
            (("Authorization", f"AWS4-HMAC-SHA256 Credential={KEY}/x, SignedHeaders=host;x-y-z, Signature={KEY}9"),),
            {f"{KEY}/x", f"{KEY}9"},
        ),
        (
            (("Idempotency-Key", KEY), ("User-Agent", "OpenAI/Python 2.0.0"), ("Content-Type", "application/json")),
            set(),
        ),
        ((("x-goog-api-client", "gl-python/3.11.7"), ("x-amz-date", "20260101T000000Z")), set()),
        ((("Authorization", "Bearer short"),), set()),
    ],
)
def test_headers(headers: Headers, found: set[str]) -> None:
    assert credentials(headers, "/v1/x") == found


@pytest.mark.parametrize(
    ("target", "found"),
    [
        (f"/v1/x?key={KEY}&alt=sse", {KEY}),
        (f"/v1/x?a=b&X-Amz-Signature={KEY}", {KEY}),
        ("/v1/x?sig=a%2Fb%2Fc%2Fd%2Fe", {"a/b/c/d/e"}),
        ("/v1/x?alt=sse&api-version=2024-10-21", set()),
    ],
)
def test_queries(target: str, found: set[str]) -> None:
    assert credentials((), target) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"api_key": KEY, "deep": [{"apiKey": KEY + "2"}]}, {KEY, KEY + "2"}),
        (
            {"mcp_servers": [{"authorization_token": KEY}], "tools": [{"authorization": f"Bearer {KEY}2"}]},
            {KEY, KEY + "2"},
        ),
        ({"headers": {"X-API-Key": KEY}}, {KEY}),
        ({"client_secret": 'a "quoted" \\ key'}, {'a "quoted" \\ key'}),
        ({"text": f"my key is sk-proj-{KEY}{KEY}, and AIza{'x' * 35}."}, {f"sk-proj-{KEY}{KEY}", f"AIza{'x' * 35}"}),
        ({"token": KEY, "code": KEY, "key": KEY, "signature": KEY, "max_tokens": 12345678}, set()),
        ({"properties": {"password": {"type": "string", "description": "what opens it"}}}, set()),
        ({"text": "task-based and risk-adjusted-0123456789abcdefghij"}, set()),
    ],
)
def test_bodies(value: object, found: set[str]) -> None:
    assert credentials((), "/", json.dumps(value).encode()) == found
