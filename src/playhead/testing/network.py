"""The network, shut while a tape plays: a test that replays is to fail where it would have gone out, and say so.

Python's own audit events (PEP 578) tell of each connection and each look-up of a name, whoever makes it by a Python
socket: asyncio, aiohttp, httpx, requests. Sockets of this machine stay open: loopback, Unix sockets, and what is bound.
A library that makes its sockets in another language is not seen, nor is another process.

An audit hook cannot be taken away again; it is set when the network is shut for the first time, and does nothing while
it is not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playhead.errors import ConfigError

_hooked = False
#: What shuts the network, innermost last: who, the way out, and what was tried.
_shut: list[tuple[str, str, list[str]]] = []


class NetworkBlockedError(ConfigError):
    """The network was asked for where it is shut."""


@contextmanager
def no_network(who: str, way_out: str) -> Iterator[list[str]]:
    """Shut the network; gives the list that grows by what was tried meanwhile ("example.com:443").

    ``who`` begins the sentence of the error ("test_florence plays a tape"), ``way_out`` ends it.
    """
    global _hooked
    if not _hooked:
        _hooked = True
        sys.addaudithook(_look)
    tried: list[str] = []
    _shut.append((who, way_out, tried))
    try:
        yield tried
    finally:
        _shut.pop()


def _look(event: str, args: tuple[Any, ...]) -> None:
    if not _shut or not event.startswith("socket."):
        return
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        _look_at_address(args[0], args[1], connecting=event == "socket.connect")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname") and not _is_here(args[0], names=True):
        port = args[1] if event == "socket.getaddrinfo" else None
        _refuse(f"{_text(args[0])}:{port}" if port else _text(args[0]))


def _look_at_address(sock: Any, address: Any, *, connecting: bool) -> None:
    from socket import AF_INET, AF_INET6

    if sock.family in (AF_INET, AF_INET6) and isinstance(address, tuple) and not _is_here(address[0], names=False):
        if connecting:
            sock.close()  # the standard library closes it after an OSError alone, which this is not, lest it be retried
        _refuse(f"{_text(address[0])}:{address[1]}")


def _refuse(target: str) -> None:
    who, way_out, tried = _shut[-1]
    tried.append(target)
    raise NetworkBlockedError(f"{who}, and the network is shut meanwhile: {target} was asked for. {way_out}")


def _is_here(host: Any, *, names: bool) -> bool:
    """Whether this host is this machine; an address of another one is no look-up, and may be read (``names``)."""
    from ipaddress import ip_address
    from socket import gethostname

    name = _text(host).rstrip(".").lower()
    if not name or name == "localhost" or name.endswith(".localhost") or (names and name == gethostname().lower()):
        return True
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return names or address.is_loopback or address.is_unspecified


def _text(host: Any) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host or "")
