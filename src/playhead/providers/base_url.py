"""Whether a base URL is one, looked at before anything is sent.

What an error shows of it: all, where nothing in it can be a secret; else no more than how it begins. User, password and
query are never repeated, nor is anything of a URL in which a sign out of place leaves open where they end.
"""

from __future__ import annotations

from playhead.errors import ConfigError

#: Signs before or after which a URL may hold a user, a password or a key.
_SECRETS = "@?#"
_LAST_PORT = 65535


def check_base_url(url: str) -> None:
    """Look at a base URL whose query, where it may have one, was taken off.

    Raises:
        ConfigError: it is no HTTP URL; names no host, or a port that is none; or has a query or a fragment.
    """
    scheme, found, rest = url.partition("://")
    if scheme not in ("http", "https") or not found:
        told = f'this one begins with "{scheme}://"' if found and scheme.isalnum() else "this one begins another way"
        if not any(sign in url for sign in _SECRETS):
            told = f'"{url}" does not'
        raise ConfigError(f"a base URL begins with http:// or https://; {told}")
    for sign, what in (("?", "query"), ("#", "fragment")):
        if sign in url:
            instead = "it" if "@" in url else f'"{url[: url.index(sign)]}",'
            raise ConfigError(
                f"a base URL ends before its {what}, as paths are put after it: write {instead} without the "
                f'"{sign}" and what follows'
            )
    host = rest.partition("/")[0].rpartition("@")[2]
    name, port = _parted(host)
    if not name or not name.isprintable() or any(sign in name for sign in ' "<>\\^`{|}%:[]'):
        where = "" if "@" in url else f'; "{url}" has none'
        raise ConfigError(f'a base URL has a host after its "://", as in http://host:port/v1{where}')
    if port and not (port.isascii() and port.isdigit() and int(port[:6]) <= _LAST_PORT):
        raise ConfigError(
            f"the port of a base URL is a number of at most {_LAST_PORT}; what follows the host's last colon is none "
            '(in a user or a password a "/" is written %2F)'
        )


def _parted(host: str) -> tuple[str, str]:
    """Name and port; of an address in brackets the name is what is in them, without its colons and its zone."""
    if host.startswith("["):
        name, closed, rest = host[1:].partition("]")
        return name.partition("%")[0].replace(":", "") if closed else "", rest.removeprefix(":")
    name, _, port = host.partition(":")
    return name, port
