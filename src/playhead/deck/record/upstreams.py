"""Where a path of a recording proxy leads: the upstreams that it was given, read and looked up.

An upstream is a ``URL`` for all paths or ``PREFIX=URL`` for those that begin with a prefix, which is taken away. Where
its path ends as the asked one begins (``https://…/api/v1`` and ``/v1/chat/completions``), what both have is said once.

A URL may hold a user and a password (``https://user:password@host``). They are sent in the place of whatever
``Authorization`` a client has: clients of most makers cannot be kept from sending one. They are taken off the URL when
it is read, so that they stand on no tape, in no message and in no listing.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from playhead.errors import ConfigError


class Upstream(NamedTuple):
    """One of them; ``authorization`` is "" where its URL held no user."""

    url: str
    authorization: str


def read_upstreams(given: Iterable[str]) -> dict[str, Upstream]:
    """The upstreams by their prefix, ``/`` where they have none.

    Raises:
        ConfigError: one of them is none, there are two for a prefix, or there are none at all.
    """
    found: dict[str, Upstream] = {}
    for word in given:
        prefix, equals, url = word.partition("=")
        if not equals or "://" in prefix:
            prefix, url = "/", word
        prefix = "/" + prefix.strip("/")
        upstream = _upstream(url)
        if upstream is None:
            raise ConfigError(
                "an upstream is written URL or PREFIX=URL, the URL with http:// or https://, a host and no more than a "
                f"path, not {_shown(word)!r}"
            )
        if prefix in found:
            raise ConfigError(f"two upstreams for {prefix}: {found[prefix].url} and {upstream.url}")
        found[prefix] = upstream
    if not found:
        raise ConfigError("at least one upstream is needed: https://api.openai.com, or /openai=https://api.openai.com")
    return found


def look_up(upstreams: dict[str, Upstream], target: str) -> Upstream | None:
    """Where a path leads, the URL with the path; None where nothing is said of it."""
    path = target.partition("?")[0]
    prefix = max(
        (one for one in upstreams if path == one or path.startswith(one.rstrip("/") + "/")), key=len, default=None
    )
    if prefix is None:
        return None
    upstream = upstreams[prefix]
    return Upstream(joined(upstream.url, target[len(prefix.rstrip("/")) :]), upstream.authorization)


def joined(base: str, target: str) -> str:
    """``https://h/api/v1`` and ``/v1/models?a=b`` -> ``https://h/api/v1/models?a=b``: what both have is said once."""
    scheme, _, rest = base.partition("://")
    host, _, path = rest.partition("/")
    first = [word for word in path.split("/") if word]
    asked, mark, query = target.partition("?")
    second = asked.split("/")[1:]
    for same in range(min(len(first), len(second)), 0, -1):
        if first[-same:] == second[:same]:
            second = second[same:]
            break
    return f"{scheme}://{host}/{'/'.join([*first, *second])}{mark}{query}"


def _upstream(url: str) -> Upstream | None:
    scheme, _, rest = url.partition("://")
    if scheme.lower() not in ("http", "https") or not url.isprintable() or set(url) & set("?# "):
        return None
    authority, slash, path = rest.partition("/")
    user, at, place = authority.rpartition("@")
    host, _, port = place.rpartition(":") if not place.endswith("]") and ":" in place else (place, "", "")
    if not host or "@" in path or (port and not (port.isascii() and port.isdecimal() and int(port) <= 65535)):
        return None
    authorization = ""
    if at:
        name, _, password = user.partition(":")
        pair = unquote_to_bytes(name) + b":" + unquote_to_bytes(password)
        authorization = f"Basic {b64encode(pair).decode()}"
    return Upstream(f"{scheme.lower()}://{place}{slash}{path}".rstrip("/"), authorization)


def _shown(word: str) -> str:
    """A word that is no upstream, without what may be a password in it."""
    before, at, after = word.rpartition("@")
    if not at:
        return word
    scheme, mark, _ = before.partition("://")
    return f"{scheme if mark else ''}{mark}…@{after}"
