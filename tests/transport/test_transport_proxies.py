"""Which proxy the environment means."""

from __future__ import annotations

import pytest

from playhead.errors import ConfigError
from playhead.transport.proxies import proxy_for

PROXY = {"HTTPS_PROXY": "http://p:3128"}


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("https://a.example/v1", {}, None),
        ("https://a.example/v1", PROXY, "http://p:3128"),
        ("http://a.example/v1", PROXY, None),
        ("https://a.example/v1", {**PROXY, "https_proxy": "http://lower:1"}, "http://lower:1"),
        ("https://a.example/v1", {"ALL_PROXY": "p:3128"}, "http://p:3128"),
        ("http://a.example/v1", {"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, None),
        ("https://a.example/v1", {**PROXY, "NO_PROXY": "a.example"}, None),
        ("https://a.example/v1", {**PROXY, "NO_PROXY": ".example"}, None),
        ("https://a.example/v1", {**PROXY, "no_proxy": "other, *.example"}, None),
        ("https://ba.example/v1", {**PROXY, "NO_PROXY": "a.example"}, "http://p:3128"),
        ("https://a.example/v1", {**PROXY, "NO_PROXY": "*"}, None),
        ("https://a.example:8443/v1", {**PROXY, "NO_PROXY": "a.example:8443"}, None),
        ("https://a.example/v1", {**PROXY, "NO_PROXY": "a.example:8443"}, "http://p:3128"),
        ("https://10.1.2.3/v1", {**PROXY, "NO_PROXY": "10.0.0.0/8"}, None),
        ("https://11.1.2.3/v1", {**PROXY, "NO_PROXY": "10.0.0.0/8,nonsense/x"}, "http://p:3128"),
        ("https://[fd00::1]/v1", {**PROXY, "NO_PROXY": "fd00::/8"}, None),
        ("https://user:pass@a.example/v1", {**PROXY, "NO_PROXY": "a.example"}, None),
        ("http://127.0.0.1:8080/v1", {"ALL_PROXY": "http://p:1"}, None),
        ("http://localhost/v1", {"ALL_PROXY": "http://p:1"}, None),
        ("https://[::1]:4/v1", {"ALL_PROXY": "http://p:1"}, None),
        ("https://a.example/v1", {"HTTPS_PROXY": "  "}, None),
    ],
)
def test_the_environment_says_which_proxy(url: str, environ: dict[str, str], proxy: str | None) -> None:
    assert proxy_for(url, environ) == proxy


def test_a_socks_proxy_is_refused_with_the_way_out() -> None:
    with pytest.raises(ConfigError, match=r"ALL_PROXY names a socks5 proxy.*NO_PROXY"):
        proxy_for("https://a.example/", {"ALL_PROXY": "socks5://p:1080"})
