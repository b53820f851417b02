"""A name is read as its words: those of credentials are found however they are written, and no others."""

from __future__ import annotations

import pytest

from playhead.tapes.named import header_names_credential, is_random, names_credential

ANYWHERE = """api_key apiKey API_KEY apikey x-api-key api_key[] user[password] openai_api_key OPENAI_API_KEY
    access_token hf_token
    accessToken accesstoken refresh_token id_token sessionToken auth_token clientSecret client_secret clientSecretValue
    aws_secret_access_key secretString webhook_secret signing_key ssh_private_key password db_password userPassword
    csrf_token authorization bot_token api_keys secret"""
IN_FIELDS = """key token sig X-Amz-Signature X-Amz-Credential X-Goog-Date code auth_code session session_id
    phpsessid AWSAccessKeyId GoogleAccessId pass auth assertion client_credential credential"""
NOWHERE = """max_tokens token_count prompt_tokens tokens next_page_token nextPageToken pageToken pagetoken
    continuation_token eos_token cache_key prompt_cache_key idempotency_key public_key primary_key sort_key s3_key
    country_code status_code token_type tokenizer monkey keyboard author authority auth_type password_hint grant_type
    client_id alt api-version refreshTokenExpiresIn key_count issueKey boardKey record_key"""


@pytest.mark.parametrize("name", ANYWHERE.split())
def test_a_credential_by_its_name_is_one_in_json_too(name: str) -> None:
    assert names_credential(name, spoken=True)
    assert names_credential(name)


@pytest.mark.parametrize("name", IN_FIELDS.split())
def test_a_word_of_conversations_names_a_credential_in_fields_only(name: str) -> None:
    assert names_credential(name)
    assert not names_credential(name, spoken=True)


@pytest.mark.parametrize("name", NOWHERE.split())
def test_what_sounds_like_a_credential_and_is_none(name: str) -> None:
    assert not names_credential(name)
    assert not names_credential(name, spoken=True)


def test_a_name_in_percent_signs_is_read() -> None:
    assert names_credential("api%5Fkey")
    assert names_credential("%61piKey")


@pytest.mark.parametrize(
    "name", ["Authentication", "X-Session", "X-Session-Id", "X-CSRF", "X-JWT-Assertion", "x-amz-security-token", "Key"]
)
def test_headers_that_hold_credentials(name: str) -> None:
    assert header_names_credential(name)


HARMLESS_HEADERS = """x-amz-date x-goog-api-client Idempotency-Key x-idempotency-key sec-websocket-key x-request-id
    traceparent x-ratelimit-remaining-tokens access-control-allow-credentials www-authenticate anthropic-version
    surrogate-key azureml-model-session"""


@pytest.mark.parametrize("name", HARMLESS_HEADERS.split())
def test_headers_that_hold_none(name: str) -> None:
    assert not header_names_credential(name)


@pytest.mark.parametrize(
    ("value", "random"),
    [
        ("sk-proj-a1B2c3D4e5F6g7H8i9J0k1L2m3", True),
        ("sk-estimator-doc-link-and-id-2", False),
        ("npm_config_registry_of_package_12", False),
        ("sk-" + "x" * 30, False),
        ("sk-" + "1" * 30, False),
    ],
)
def test_a_key_is_random_and_the_name_of_a_class_is_not(value: str, random: bool) -> None:
    assert is_random(value) is random
