"""Which proxy a request goes through, by the environment's words: pure, over a mapping.

``HTTPS_PROXY`` is for https URLs, ``HTTP_PROXY`` for http, ``ALL_PROXY`` for what has none of its own; the lower-case
spelling of each wins, as in curl. ``NO_PROXY`` lists, with commas, hosts that are reached directly: ``example.com``
and ``.example.com`` mean the domain and all below it, ``10.0.0.0/8`` a network, ``host:8080`` one port, ``*``
everything. Loopback is never sent through a proxy: the proxy's own loopback is another machine.

A proxy is an ``http://`` or ``https://`` URL, with ``user:password@`` where it wants one. SOCKS is not spoken.
"""

from __future__ import annotations

from collections.abc import Mapping

from playhead.errors import ConfigError


def proxy_for(url: str, environ: Mapping[str, str]) -> str | None:
    """The proxy's URL, None to go directly: ``proxy_for("https://a.example/v1", os.environ) -> "http://proxy:3128"``.

    Raises:
        ConfigError: the variable holds what is no HTTP proxy.
    """
    scheme, _, rest = url.partition("://")
    authority = rest.partition("/")[0].partition("?")[0].rpartition("@")[2]
    host, port = _split(authority.lower(), "443" if scheme == "https" else "80")
    for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY"):
        if name == "HTTP_PROXY" and "REQUEST_METHOD" in environ:
            continue  # under CGI that variable is the client's header "Proxy", not the administrator's word
        if value := environ.get(name, "").strip():
            break
    else:
        return None
    if _direct(host, port, environ.get("no_proxy") or environ.get("NO_PROXY") or ""):
        return None
    if "://" not in value:
        value = f"http://{value}"
    if not value.startswith(("http://", "https://")):
        raise ConfigError(
            f"{name} names a {value.partition('://')[0]} proxy, and only http:// and https:// proxies are spoken to; "
            "unset it, or list the host in NO_PROXY"
        )
    return value


def _split(authority: str, default: str) -> tuple[str, str]:
    if authority.startswith("["):
        host, _, port = authority[1:].partition("]")
        return host, port.lstrip(":") or default
    host, _, port = authority.partition(":")
    return host.rstrip("."), port or default


def _direct(host: str, port: str, no_proxy: str) -> bool:
    if host == "localhost" or host.endswith(".localhost") or host == "::1" or host.startswith("127."):
        return True
    for word in no_proxy.lower().replace(" ", ",").split(","):
        if word == "*":
            return True
        if not word:
            continue
        if "/" in word or word.count(":") > 1:
            if _in_network(host, word):
                return True
            continue
        name, given = _split(word, port)
        name = name.lstrip("*").lstrip(".")
        if given == port and (host == name or host.endswith(f".{name}")):
            return True
    return False


def _in_network(host: str, word: str) -> bool:
    from ipaddress import ip_address, ip_network

    try:
        return ip_address(host) in ip_network(word.strip("[]"), strict=False)
    except ValueError:  # a name, or a word that is no network: it excludes nothing
        return False
