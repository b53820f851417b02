"""Keys are found where keys stand, and words of a conversation are not taken for any."""

from __future__ import annotations

import base64
import json

import pytest

from playhead.deck.credentials import cookies, credentials
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
        ((("Authentication", KEY), ("X-Session-Id", KEY + "2"), ("X-CSRF", KEY + "3")), {KEY, KEY + "2", KEY + "3"}),
        ((("User-Agent", f"app/sk-proj-{KEY}"), ("X-Own", f"sk-{KEY}{KEY}")), {f"sk-proj-{KEY}", f"sk-{KEY}{KEY}"}),
        ((("Authorization", "Bearer <REDACTED>"), ("x-api-key", "**REDACTED**")), set()),
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
        ("/v1/x?alt=sse&api-version=2024-10-21&page_token=0123456789&country_code=switzerland", set()),
        (f"/v1/x?accessToken={KEY}&clientSecret={KEY}2&api_key[]={KEY}3", {KEY, KEY + "2", KEY + "3"}),
        (f"/v1/sk-proj-{KEY}?q=%73k-{KEY}{KEY}", {f"sk-proj-{KEY}", f"sk-{KEY}{KEY}"}),
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
        (
            {"openai_api_key": KEY, "sessionToken": KEY + "2", "clientSecretValue": KEY + "3"},
            {KEY, KEY + "2", KEY + "3"},
        ),
        ({"arguments": json.dumps({"api_key": KEY, "n": json.dumps({"auth_token": KEY + "2"})})}, {KEY, KEY + "2"}),
        ({"arguments": json.dumps({"client_secret": 'a "quoted" \\ key'})}, {'a "quoted" \\ key'}),
        ({"password": "required", "authorization": "required", "api_key": "The key of your account"}, set()),
        ({"api_key": "${OPENAI_API_KEY}", "auth_token": "<token-of-12-signs>", "apiKey": "YOUR_API_KEY"}, set()),
        ({"password": "hunterhunter", "max_tokens": "0123456789", "prompt_cache_key": KEY}, {"hunterhunter"}),
        ({"model": "jina-reranker-v2-base-multilingual", "env": "npm_config_registry_of_package_12"}, set()),
        ({"secret": "pineapple", "image": "aGVs/AIza" + "x" * 35 + "/aGVs"}, set()),
        ({"text": "task-based and risk-adjusted-0123456789abcdefghij"}, set()),
    ],
)
def test_bodies(value: object, found: set[str]) -> None:
    assert credentials((), "/", json.dumps(value).encode()) == found


FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (f"grant_type=refresh_token&client_id=0123456789&refresh_token={KEY}", {KEY}),
        (f"grant_type=password&username=somebody&password={KEY}%2B&client_secret={KEY}2", {KEY + "+", KEY + "2"}),
        (f"user[api_key]={KEY}&scope=all-of-them-1", {KEY}),
        (
            f'--b\r\nContent-Disposition: form-data; name="api_key"\r\n\r\n{KEY}\r\n'
            f'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune-1\r\n'
            f"--b\r\ncontent-disposition: form-data; filename=a; name=token\r\nContent-Type: text/plain\r\n\r\n{KEY}2"
            "\r\n--b--\r\n",
            {KEY, KEY + "2"},
        ),
        ("a = b & password = 0123456789abcdef", set()),
    ],
)
def test_forms(body: str, found: set[str]) -> None:
    assert credentials(FORM, "/oauth/token", body.encode()) == found


def test_json_in_json_as_dotnet_writes_it() -> None:
    inner = json.dumps({"api_key": KEY}).replace('"', "\\u0022")
    assert credentials((), "/", f'{{"arguments":"{inner}"}}'.encode()) == {KEY}


def test_cookies_are_told_apart() -> None:
    headers = (("Cookie", f"a={KEY}"), ("Set-Cookie", f"b={KEY}2; Path=/"), ("Authorization", f"Bearer {KEY}3"))
    assert cookies(headers) == {KEY, KEY + "2"}
