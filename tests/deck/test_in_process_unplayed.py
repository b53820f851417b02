"""What was not asked for is an error on request: for `taped` what it did itself, for a transport when it is closed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import playhead
from playhead import ConfigError, Tape, UnplayedError

httpx = pytest.importorskip("httpx2", reason="a library of others: pip install httpx2")
aiohttp = pytest.importorskip("aiohttp")


def ask(http: Any, seed: Path, *places: int) -> None:
    for place in places:
        asked = Tape.load(seed).interactions[place].request
        http.post(asked.url, content=asked.body)


def test_a_transport_that_was_never_closed_hides_nothing_from_taped(seed: Path) -> None:
    leaked = httpx.Client(transport=playhead.httpx_transport(seed, mode="replay"))
    ask(leaked, seed, *range(12))
    with pytest.raises(UnplayedError, match="12 of 12"), playhead.taped(seed, mode="replay", fail_on_unplayed=True):
        pass
    with pytest.raises(UnplayedError, match="11 of 12"), playhead.taped(seed, mode="replay", fail_on_unplayed=True):
        ask(httpx, seed, 0)
    with pytest.raises(UnplayedError, match="12 of 12"), playhead.taped(seed, mode="replay", fail_on_unplayed=True):
        ask(leaked, seed, 0)  # of its own tape, whatever others ask meanwhile
    leaked.close()


def test_a_transport_that_is_closed_says_what_was_not_asked_for(seed: Path) -> None:
    def client() -> Any:
        return httpx.Client(transport=playhead.httpx_transport(seed, mode="replay", fail_on_unplayed=True))

    leaked = httpx.Client(transport=playhead.httpx_transport(seed, mode="replay"))
    ask(leaked, seed, *range(12))
    with pytest.raises(UnplayedError, match="11 of 12"), client() as http:
        ask(http, seed, 0)
    with client() as http:
        ask(http, seed, *range(12))
    leaked.close()


def test_two_transports_that_are_open_at_once_play_a_tape_together(seed: Path) -> None:
    one, two = (
        httpx.Client(transport=playhead.httpx_transport(seed, mode="replay", fail_on_unplayed=True)) for _ in range(2)
    )
    ask(one, seed, 0, 1, 2)
    ask(two, seed, *range(3, 12))
    ask(one, seed, 3)  # it goes on while the other is there
    one.close()
    two.close()


def test_what_fails_within_is_not_hidden_by_what_was_left(seed: Path) -> None:
    transport = playhead.httpx_transport(seed, mode="replay", fail_on_unplayed=True)
    with pytest.raises(ZeroDivisionError), httpx.Client(transport=transport):
        raise ZeroDivisionError
    with pytest.raises(ConfigError, match="fail_on_unplayed"):
        playhead.httpx_transport(seed, fail_on_unplayed="yes")  # type: ignore[arg-type]


def test_a_connector_and_an_async_client_say_it_too(seed: Path) -> None:
    async def by_connector(failing: bool) -> None:
        connector = playhead.aiohttp_connector(seed, mode="replay", fail_on_unplayed=True)
        async with aiohttp.ClientSession(connector=connector):
            if failing:
                raise ZeroDivisionError

    async def by_client() -> None:
        transport = playhead.httpx_transport(seed, mode="replay", fail_on_unplayed=True)
        async with httpx.AsyncClient(transport=transport):
            pass

    with pytest.raises(UnplayedError, match="12 of 12"):
        asyncio.run(by_connector(False))
    with pytest.raises(ZeroDivisionError):
        asyncio.run(by_connector(True))
    with pytest.raises(UnplayedError, match="12 of 12"):
        asyncio.run(by_client())
