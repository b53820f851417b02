"""The network while it is shut: what is beyond this machine is refused, what is on it is not."""

from __future__ import annotations

import asyncio
import pickle
import socket
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from playhead.errors import ConfigError
from playhead.testing.network import NetworkBlockedError, no_network

#: Addresses for documentation (RFC 5737, RFC 3849), which nobody has.
BEYOND = ["192.0.2.1", "198.51.100.7"]
HERE = ["127.0.0.1", "127.5.6.7"]


def reach(host: str, family: int = socket.AF_INET) -> None:
    """Aim a datagram socket; no packet leaves."""
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect((host, 9))


@pytest.mark.parametrize("host", BEYOND)
def test_another_machine_is_not_reached_and_the_error_says_who_asked_and_the_way_out(host: str) -> None:
    with no_network("test_x plays a tape", "Record it anew.") as tried:
        with pytest.raises(NetworkBlockedError) as caught:
            reach(host)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, pytest.raises(NetworkBlockedError):
            sock.sendto(b"x", (host, 9))
    assert str(caught.value) == (
        f"test_x plays a tape, and the network is shut meanwhile: {host}:9 was asked for. Record it anew."
    )
    assert isinstance(caught.value, ConfigError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301
    assert tried == [f"{host}:9"] * 2


@pytest.mark.parametrize("host", HERE)
def test_loopback_is_reached(host: str) -> None:
    with no_network("x", "y") as tried:
        reach(host)
    assert tried == []


@pytest.mark.skipif(not socket.has_ipv6, reason="Python has no IPv6 here")
def test_loopback_is_told_from_the_rest_in_ipv6_as_well() -> None:
    with no_network("x", "y"):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock, pytest.raises(NetworkBlockedError):
            sock.connect(("2001:db8::1", 9))
        with socket.create_server(("127.0.0.1", 0)) as server:
            with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                sock.connect(("::ffff:127.0.0.1", server.getsockname()[1]))


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", None, "127.0.0.1", "::1", "192.0.2.1"])
def test_names_of_this_machine_and_addresses_are_read(name: str | None) -> None:
    with no_network("x", "y"):
        assert socket.getaddrinfo(name, 80)


@pytest.mark.parametrize("name", ["example.com", b"example.com", "localhost.example.com"])
def test_a_name_is_not_looked_up(name: str | bytes) -> None:
    with no_network("x", "y") as tried:
        with pytest.raises(NetworkBlockedError):
            socket.getaddrinfo(name, 443)
        with pytest.raises(NetworkBlockedError):
            socket.gethostbyname(name)  # type: ignore[arg-type]
    assert len(tried) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="no Unix sockets")
def test_unix_sockets_stay_open(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with no_network("x", "y"), socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()
        client.connect(path)


def test_an_event_loop_that_looks_up_in_a_thread_is_refused_too() -> None:
    with no_network("x", "y"):
        with pytest.raises(NetworkBlockedError):
            asyncio.run(asyncio.open_connection("example.com", 443))


def test_afterwards_it_is_open_and_one_within_another_is_the_inner_ones() -> None:
    with no_network("outer", "y") as outer:
        with no_network("inner", "y") as inner, pytest.raises(NetworkBlockedError, match=r"^inner"):
            reach(BEYOND[0])
        with pytest.raises(NetworkBlockedError, match=r"^outer"):
            reach(BEYOND[1])
    assert (inner, outer) == ([f"{BEYOND[0]}:9"], [f"{BEYOND[1]}:9"])
    with suppress(OSError):  # a machine without a route
        reach(BEYOND[0])
