"""A base URL that is none is refused at once, and nothing of it that may be a secret is repeated."""

from __future__ import annotations

import traceback

import pytest

from playhead import Agent, ConfigError, HTTP2Transport, Model, RetryPolicy
from playhead.providers.base_url import check_base_url

SECRET = "hunter2hunter2"

#: URLs that are none, and what is said of each.
WRONG = {
    "htps://user:{}@h/v1": 'begins with http:// or https://; this one begins with "htps://"',
    "user:{}@host": "begins with http:// or https://; this one begins another way",
    "u:{}:x://h@host": "this one begins another way",
    "h?key={}": "begins with http:// or https://; this one begins another way",
    "ftp://h#{}": 'this one begins with "ftp://"',
    "https://user:{}@h:notaport": "the port of a base URL is a number",
    "https://user:{}@h:99999/v1": "the port of a base URL is a number of at most 65535",
    "https://user:p/{}@h/v1": "in a user or a password a",
    "https://h:{}/v1": "the port of a base URL",
    "https://user:{}@/v1": 'has a host after its "://", as in http://host:port/v1$',
    "https://user:{}@a b/v1": "has a host",
    "https://user:{}@h\n/v1": "has a host",
    "https://user:{}@[::1/v1": "has a host",
    "https://h/v1?key={}": 'ends before its query, .* write "https://h/v1", without the "\\?"',
    "https://user:{}@h/v1?key=x": 'ends before its query, .* after it: write it without the "\\?" and what follows',
    "https://user:{}?x@h/v1": "ends before its query",
    "https://user:x?{}@h/v1": "ends before its query",
    "https://user:{}#x@h/v1": "ends before its fragment",
}


@pytest.mark.parametrize("name", ["compatible:m", "google:m", "azure:m", "bedrock:claude-x"])
@pytest.mark.parametrize("url", WRONG)
def test_a_base_url_that_is_none_is_refused_and_its_secrets_are_not_shown(url: str, name: str) -> None:
    with pytest.raises(ConfigError, match=WRONG[url]) as caught:
        Model.of(name, base_url=url.format(SECRET), api_key="k" * 20)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("url", ["localhost:8080", "htp://localhost/v1", "/v1"])
def test_a_base_url_without_secrets_is_shown_with_what_is_wrong(url: str) -> None:
    with pytest.raises(ConfigError, match=f'"{url}" does not'):
        check_base_url(url)
    with pytest.raises(ConfigError, match='"http:///v1" has none'):
        check_base_url("http:///v1")


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8080/v1",
        "https://user:pass@h.example:1/v1",
        "https://user@mail:p%2Fw@h/v1",
        "http://[::1]:8080/v1",
        "http://[fe80::1%25eth0]/v1",
        "https://bücher.example/v1",
        "https://a_b.example./openai/deployments/x",
        "http://127.0.0.1",
        "http://h:",
    ],
)
def test_base_urls_that_can_be_asked_are_taken(url: str) -> None:
    check_base_url(url)


def test_a_url_that_reaches_a_transport_all_the_same_is_not_repeated_by_it() -> None:
    for transport in (None, HTTP2Transport()):
        model = Model.of(
            "compatible:m",
            base_url=f"https://..{SECRET}\u2100x/v1",
            api_key="",
            transport=transport,
            retry=RetryPolicy(attempts=1),
        )
        with pytest.raises(ConfigError, match="the URL of the request is none") as caught:
            Agent(model).run_sync("hi")
        assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_key_beside_a_user_in_the_base_url_is_told_as_what_it_is() -> None:
    url = f"http://user:{SECRET}@127.0.0.1:1/v1"
    agent = Agent("compatible:m", base_url=url, api_key="k" * 20, retry=RetryPolicy(attempts=1))
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1:1 was given a key and, in the base URL, a user") as caught:
        agent.run_sync("hi")
    assert SECRET not in str(caught.value)
